"""Stored frames at which a target's tests would hold, and how sure each is: one well inside the limits beats one that
only just fits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from embodied_mem.memory.records import Sighting
from embodied_mem.planner.goals.floor import LEAST_SHARE, GoalFloor, View, middle, rises, snapped
from embodied_mem.planner.goals.query import Target

OBJECT_RAD = math.radians(45)  # the tests' limit
SAME_M = 0.5  # sightings of a thing lie this near to where it stands
FEWEST, NEAR_M = 3, 1.6  # sightings that settle a box; those from nearer than this count
GUESSED = 0.4  # chance to be shown in a frame that looks there though nothing was detected


class GoalFrames(GoalFloor):
    """Chances of all F stored frames for any target, and the floor around. ``spec``: the robot's (RobotSpec)."""

    def __init__(self, palace, site_map, spec) -> None:
        nodes = palace.frames()
        self.palace = palace
        self.indices = [n.ref.index for n in nodes]
        self.xy = np.array([n.base_to_map[:2, 3] for n in nodes]).reshape(-1, 2)
        self.yaw = np.array([math.atan2(n.camera_to_map[1, 2], n.camera_to_map[0, 2]) for n in nodes])
        super().__init__(site_map, spec, self.xy)
        self._row = {index: i for i, index in enumerate(self.indices)}
        self._chances: dict[Target, np.ndarray] = {}
        self._way_cells = snapped(self.ways, self.xy)

    def chances(self, target: Target) -> np.ndarray:
        """(F) chance that the target's tests hold at each frame, the house being as it is now."""
        if target not in self._chances:
            near, turned = self.near(target, self.xy), 1.0
            if target.kind != "room":
                away = middle(target)[:2] - self.xy
                off = np.abs(np.angle(np.exp(1j * (np.arctan2(away[:, 1], away[:, 0]) - self.yaw))))
                turned = rises(OBJECT_RAD - off, math.radians(2), math.radians(4)) * self._shown(target)
            self._chances[target] = near * turned
        return self._chances[target]

    def _shown(self, target: Target) -> np.ndarray:
        """(F) chance that the frame's view shows enough of the target."""
        shown = GUESSED * self._in_view(target)
        for sighting in self._sightings(target):
            i = self._row.get(sighting.ref.index)
            if i is not None:
                share = sighting.pixels / (self.spec.camera.width * self.spec.camera.height)
                shown[i] = max(shown[i], float(rises(math.log(share / LEAST_SHARE), 0.15, 0.2)) * 0.985)
        return shown

    def sharper(self, target: Target) -> Target:
        """Furniture with the box that its near sightings agree on: from afar everything looks a little larger, and is
        at times taken for a second piece beside the first."""
        seen = self._sightings(target) if target.kind == "receptacle" else []
        if len(seen) < FEWEST:
            return target
        metres = np.array([s.range_m for s in seen])
        near = metres <= max(NEAR_M, float(np.quantile(metres, 0.3)))
        low = np.quantile(np.array([s.low[:2] for s in seen])[near], 0.2, axis=0)
        high = np.quantile(np.array([s.high[:2] for s in seen])[near], 0.8, axis=0)
        if (high - low < 0.05).any():
            return target
        box = {"low": (*map(float, low), target.low[2]), "high": (*map(float, high), target.high[2])}
        return replace(target, **box)

    def _sightings(self, target: Target) -> list[Sighting]:
        x, y, _ = middle(target)
        beside = self.palace.sightings(near=(float(x), float(y), SAME_M), label=target.label)
        if target.kind == "receptacle":
            own = self.palace.sightings(track=target.track) if target.track else []
            return list({s.id: s for s in (*own, *beside)}.values())
        seen = self.palace.sightings(track=target.track) if target.track else beside
        return [s for s in seen if s.time >= target.since and math.dist(s.xyz[:2], target.xyz[:2]) < SAME_M]

    def _in_view(self, target: Target) -> np.ndarray:
        """(F) bool: the target's middle lies inside the image, near, and nothing on the map is in between."""
        camera, point = self.spec.camera, middle(target)
        away = point - np.column_stack((self.xy, np.full(len(self.xy), camera.height_m)))
        metres = np.linalg.norm(away, axis=1)
        off = np.abs(np.angle(np.exp(1j * (np.arctan2(away[:, 1], away[:, 0]) - self.yaw))))
        seen = (metres < 3.0) & (off < math.radians(camera.hfov_deg) / 2 - 0.05)
        which = np.flatnonzero(seen)
        if len(which):
            eyes = np.column_stack((self.xy[which], np.full(len(which), camera.height_m)))
            seen[which] = self.site_map.eyes_on(eyes, point, camera, 3.0)
        return seen

    def view(self, i: int, target: Target | None = None) -> View:
        """Frame number ``i`` of the arrays as a view."""
        x, y = self.xy[i]
        chance = float(self.chances(target)[i]) if target else 0.0
        return View((float(x), float(y), float(self.yaw[i])), chance, target, self.indices[i])

    def frame_ways(self, field: np.ndarray) -> np.ndarray:
        """(F) metres of a field of :meth:`way_from` at the places where the frames were taken."""
        cells = self._way_cells
        return np.where((cells >= 0).all(axis=1), field[cells[:, 0], cells[:, 1]], np.inf)

    def _sight_m(self, target: Target) -> float:
        """By its most telling sighting, too."""
        seen = max((s.pixels * s.range_m**2 for s in self._sightings(target)), default=0.0)
        return max(super()._sight_m(target) if target.high > target.low else 0.0, self._range_of(seen))
