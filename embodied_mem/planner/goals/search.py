"""Looking for what memory has never seen: the edges of the known floor first, then the rooms, nearest first.

It ends as soon as a frame shows something that fits, or when going on would cost more than an answer is worth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from embodied_mem.control.explore import explore
from embodied_mem.control.navigator import Navigator, Travel
from embodied_mem.perception.lifting import lift_all
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.goals.floor import LEAST_SHARE, ProvenMap, View
from embodied_mem.planner.goals.frames import GoalFrames
from embodied_mem.planner.goals.query import GoalQuery, Target
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import Frame, pose_xyyaw

HOPE = 0.4  # chance that a search finds what memory does not know, before it began
NEW_GROUND_M = 0.6  # standing this far from every known room is standing in another one
FAR_M = 4.0  # what is farther is not told apart from its neighbours
SURE = 0.8  # that what one image shows as the thing is the thing


@dataclass(frozen=True)
class Found:
    """How a search ended: where to stop (None: nothing was found), metres driven for it, and why it ended."""

    view: View | None
    metres: float
    reason: str


@dataclass
class Search:
    """One search. Frames of the present are read in the slow gear; the bench's map learns what they show."""

    query: GoalQuery
    bench: Workbench
    navigator: Navigator
    target: Target | None = None
    fresh: tuple[float, float, float] | None = None  # where the robot stood as it first was on new ground
    _known_room: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    _origin: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def watch(self, frame: Frame) -> bool:
        """Take in one frame; True ends the drive: what is sought is there."""
        if self.query.target == "room":
            return self._on_new_ground(frame)
        least = 2 * LEAST_SHARE * frame.depth.size
        fitting = [d for d in self.bench.detector.detect(frame, "inspect") if self._fits(d)]
        for seen in lift_all(frame, fitting):
            if seen is not None and seen.pixels >= least and seen.range_m < FAR_M:
                self.target = Target(
                    self.query.target, seen.label, 0, 0, seen.xyz, seen.low, seen.high, frame.time, SURE
                )  # fmt: skip
                return True
        return False

    def _fits(self, detection) -> bool:
        from embodied_mem.ontology import FURNITURE

        if (detection.label in FURNITURE) != (self.query.target == "receptacle"):
            return False
        if self.query.label and detection.label != self.query.label:
            return False
        name, value = self.query.attribute or ("", "")
        return not name or detection.attributes.get(name) == value

    def _on_new_ground(self, frame: Frame) -> bool:
        x, y, yaw = pose_xyyaw(frame.base_to_map)
        cell = np.floor((np.array((x, y)) - self._origin) / self.bench.site_map.resolution).astype(int)
        inside = (cell >= 0).all() and (cell < self._known_room.shape).all()
        if inside and self._known_room[tuple(cell)] < NEW_GROUND_M:
            return False
        self.fresh = (x, y, yaw)
        return True

    def run(self, limit_m: float) -> str:
        """Search for at most that many metres; returns why it ended."""
        site = self.bench.site_map
        self._origin = site.origin.copy()
        self._known_room = ndimage.distance_transform_edt(site.room_grid == 0) * site.resolution
        travel = self.navigator.seek(self.query.label) if self.query.target == "object" else Travel(False, "", 0.0, 0)
        search = f"looked for by itself: {travel.reason}; " if travel.reason else ""
        if not travel.stopped:
            travel = explore(self.navigator, max_metres=limit_m)
        rooms = [] if self.query.target == "room" else list(site.rooms)
        while not travel.stopped and rooms and self.navigator.metres < limit_m:
            rooms.sort(key=lambda r: (self.navigator.distance_to(*r.centroid), r.id))
            x, y = rooms.pop(0).centroid
            travel = self.navigator.go_to_pose(x, y)
            if not travel.stopped:
                travel = self.navigator.look_around()
        return search + ("found" if travel.stopped else travel.reason)


def search(query: GoalQuery, bench: Workbench, prices: Prices, stood: np.ndarray) -> Found:
    """Drive about until something that fits the query is seen; the robot stays where it then is. ``stood`` (N 2, m):
    where it has been before."""
    limit = HOPE * (1.0 + prices.w) / max(prices.metre, 1e-3)
    seeking = Search(query, bench, bench.navigator(ProvenMap(bench.site_map, stood)))
    seeking.navigator.on_frame = seeking.watch
    reason = seeking.run(min(limit, 100.0))
    metres = seeking.navigator.metres
    if seeking.fresh is not None:
        return Found(View(seeking.fresh, SURE), metres, reason)
    if seeking.target is None:
        return Found(None, metres, reason)
    return Found(_standing(seeking.target, bench), metres, reason)


def _standing(target: Target, bench: Workbench) -> View:
    """Where to stand for a thing that was just seen: by the map as it is now, else here, facing it."""
    frames = GoalFrames(bench.palace, bench.site_map, bench.robot.spec)
    x, y, _ = pose_xyyaw(bench.robot.observe().base_to_map)
    spot = frames.spot(target, frames.way_from((x, y)))
    if spot is not None:
        return spot[1]
    return View((x, y, math.atan2(target.xyz[1] - y, target.xyz[0] - x)), 0.3, target)
