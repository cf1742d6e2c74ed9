"""The magic grasp: which thing a pick takes and where a place puts it down, from the true view and pose."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from embodied_mem.sim.furnish import crosses
from embodied_mem.sim.house import Furniture, House, Surface, Thing
from embodied_mem.sim.layout import contains
from embodied_mem.sim.render import View
from embodied_mem.sim.routines_space import Box, Place, box_of
from embodied_mem.sim.stock import place_on
from embodied_mem.sim.truth import obstacles
from embodied_mem.types import Camera, planar_pose

REACH_M = 1.5  # along the floor; the default camera sees the floor from 1.3 m on
SEEN_PX = 30  # pixels of a target that must show
DRAWS = 16  # placements that are tried on a surface
CLEAR = 0.7  # share of what was put down that should show

Pose = tuple[float, float, float]
Target = int | tuple[int, str]  # a thing's id, or a surface: (furniture id, surface name)


def find_thing(house: House, view: View, pose: Pose, target: Target | None = None) -> Thing | None:
    """The thing that a pick takes, or None.

    Without a target the nearest thing within reach that shows in the middle third of the image's columns; else the
    target if it is within reach and shows with at least ``SEEN_PX``. ``pose``: where the camera looks.
    """
    if target is None:
        width = view.instance.shape[1]
        shown = set(np.unique(view.instance[:, width // 3 : width - width // 3]).tolist())
    else:
        shown = {target} if np.count_nonzero(view.instance == target) >= SEEN_PX else set()
    near = [(math.dist(pose[:2], (t.x, t.y)), t.id, t) for t in house.things if t.id in shown]
    return min((n for n in near if n[0] <= REACH_M), default=(0, 0, None))[2]


def find_place(
    house: House, view: View, pose: Pose, camera: Camera, held: Thing, rng: np.random.Generator,
    target: Target | None = None,
) -> dict | None:  # fmt: skip
    """Where a place puts the held thing, or None without room; ``view`` is what the camera sees empty-handed.

    Without a target on the surface in the image centre, else on the floor ahead; a target is a surface of a piece
    that shows with at least ``SEEN_PX``. As near to the image centre as there is room, within reach, and in view
    where that can be had.
    """
    if target is not None:
        piece = next((f for f in house.furniture if f.id == target[0]), None)
        if piece is None or np.count_nonzero(view.instance == piece.id) < SEEN_PX:
            return None
        surfaces = [s for s in piece.surfaces if s.name == target[1]]
        return _nearest(house, view, pose, camera, held, rng, piece, surfaces)
    row, column = camera.height // 2, camera.width // 2
    depth, instance = float(view.depth[row, column]), int(view.instance[row, column])
    optical = np.array([(column + 0.5 - camera.width / 2) / camera.focal * depth,
                        (row + 0.5 - camera.height / 2) / camera.focal * depth, depth, 1.0])  # fmt: skip
    point = (planar_pose(*pose) @ camera.to_base() @ optical)[:3]
    on = {t.id: t.furniture for t in house.things}.get(instance, instance)
    piece = next((f for f in house.furniture if f.id == on), None)
    if piece is not None and math.dist(point[:2], pose[:2]) <= REACH_M:
        for surface in sorted(piece.surfaces, key=lambda s: abs(s.z - point[2])):
            at = _nearest(house, view, pose, camera, held, rng, piece, [surface])
            if at is not None:
                return at
    return _on_floor(house, pose, held, rng)


def _nearest(
    house: House, view: View, pose: Pose, camera: Camera, held: Thing, rng: np.random.Generator,
    piece: Furniture, surfaces: Sequence[Surface],
) -> dict | None:  # fmt: skip
    """The best of several draws: those that will show before those that will not, then by pixels from the centre."""
    best: tuple[tuple[bool, float], dict] | None = None
    to_camera = np.linalg.inv(planar_pose(*pose) @ camera.to_base())
    for surface in surfaces:
        for _ in range(DRAWS):
            at = place_on(house.things, Place(piece.room, piece.label, surface), held.size, rng, held.label)
            if at is None:
                break
            if math.dist((at["x"], at["y"]), pose[:2]) <= REACH_M:
                shows, off = _outlook(view, camera, to_camera, box_of(held.size, at))
                if best is None or (shows < CLEAR, off) < best[0]:
                    best = ((shows < CLEAR, off), at)
    return best[1] if best else None


def _outlook(view: View, camera: Camera, to_camera: np.ndarray, box: Box) -> tuple[float, float]:
    """Which share of a box would show if it stood there, and how many pixels its middle is off the image centre."""
    spread = [np.linspace(box[k] * 0.9 + box[k + 3] * 0.1, box[k] * 0.1 + box[k + 3] * 0.9, 3) for k in range(3)]
    points = np.stack(np.meshgrid(*spread, indexing="ij"), axis=-1).reshape(-1, 3)
    x, y, z = to_camera[:3, :3] @ points.T + to_camera[:3, 3:]
    z = np.maximum(z, 1e-6)
    columns = np.floor(x / z * camera.focal + camera.width / 2).astype(int)
    rows = np.floor(y / z * camera.focal + camera.height / 2).astype(int)
    inside = (z > 0.1) & (columns >= 0) & (columns < camera.width) & (rows >= 0) & (rows < camera.height)
    depth = view.depth[np.where(inside, rows, 0), np.where(inside, columns, 0)]
    shows = inside & ((depth == 0) | (depth > z - 0.03))
    middle = len(points) // 2
    return float(shows.mean()), math.hypot(columns[middle] - camera.width / 2, rows[middle] - camera.height / 2)


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
