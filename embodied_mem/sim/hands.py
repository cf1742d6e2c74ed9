"""The magic grasp: which thing a pick takes and where a place puts it down, from the true view and pose."""

from __future__ import annotations

import math

import numpy as np

from embodied_mem.sim.furnish import crosses
from embodied_mem.sim.house import House, Surface, Thing
from embodied_mem.sim.layout import contains
from embodied_mem.sim.render import View
from embodied_mem.sim.routines_space import Place
from embodied_mem.sim.stock import place_on
from embodied_mem.sim.truth import obstacles
from embodied_mem.types import Camera, planar_pose

REACH_M = 1.5  # along the floor; the default camera sees the floor from 1.3 m on

Pose = tuple[float, float, float]


def find_thing(house: House, view: View, pose: Pose) -> Thing | None:
    """The nearest thing within reach that shows in the middle third of the image's columns, or None."""
    width = view.instance.shape[1]
    shown = set(np.unique(view.instance[:, width // 3 : width - width // 3]).tolist())
    near = [(math.dist(pose[:2], (t.x, t.y)), t.id, t) for t in house.things if t.id in shown]
    return min((n for n in near if n[0] <= REACH_M), default=(0, 0, None))[2]


def find_place(
    house: House, view: View, pose: Pose, camera: Camera, held: Thing, rng: np.random.Generator
) -> dict | None:
    """A placement for the held thing on the surface in the image centre, else on the floor ahead; None without room."""
    row, column = camera.height // 2, camera.width // 2
    depth, instance = float(view.depth[row, column]), int(view.instance[row, column])
    if instance == held.id:  # the hand covers the centre: take what is just above it
        free = np.flatnonzero(view.instance[:row, column] != held.id)
        row = int(free[-1]) if len(free) else 0
        depth, instance = float(view.depth[row, column]), int(view.instance[row, column])
    optical = np.array([(column + 0.5 - camera.width / 2) / camera.focal * depth,
                        (row + 0.5 - camera.height / 2) / camera.focal * depth, depth, 1.0])  # fmt: skip
    point = (planar_pose(*pose) @ camera.to_base() @ optical)[:3]
    on = {t.id: t.furniture for t in house.things}.get(instance, instance)
    piece = next((f for f in house.furniture if f.id == on), None)
    if piece is not None and math.dist(point[:2], pose[:2]) <= REACH_M:
        for surface in sorted(piece.surfaces, key=lambda s: abs(s.z - point[2])):
            at = place_on(house.things, Place(piece.room, piece.label, surface), held.size, rng, held.label)
            if at is not None:
                return at
    return _on_floor(house, pose, held, rng)


def _on_floor(house: House, pose: Pose, held: Thing, rng: np.random.Generator) -> dict | None:
    """Just in front of the robot, where neither wall nor furniture nor another thing stands."""
    half = max(held.size[:2]) / 2 + 0.02
    for ahead in (0.6, 0.8, 1.0):
        x, y = pose[0] + ahead * math.cos(pose[2]), pose[1] + ahead * math.sin(pose[2])
        rect = (x - half, y - half, x + half, y + half)
        room = next((r for r in house.rooms if contains(r.rect, (x, y))), None)
        if room is None or any(crosses(rect, o) for o in obstacles(house)):
            continue
        margin = 0.02
        spot = (rect[0] - margin, rect[1] - margin, rect[2] + margin, rect[3] + margin)
        surface = Surface(0, "floor", spot, 0.0, house.wall_height)
        at = place_on(house.things, Place(room.id, "floor", surface), held.size, rng, held.label)
        if at is not None:
            return at
    return None
