"""Driving to the stops of a choice: to a spot that passes with a margin, a look whether it is there, then "stop"."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from embodied_mem.control.navigator import Navigator, Travel
from embodied_mem.perception.lifting import lift_all
from embodied_mem.planner.goals.floor import LEAST_SHARE, View, box_gap, middle
from embodied_mem.planner.goals.frames import GoalFrames
from embodied_mem.planner.goals.query import Target
from embodied_mem.types import Frame, FrameRef

PROVEN_M = 0.5  # a stored frame's pose is proven: a nearer spot must save this much of the way
THERE_M = 0.6  # what is seen this near to where the target should be is the target
SHOWN = 1.5  # times the least share of the image, for one look to be enough
SURE = 0.8  # chance to pass the distance test, by where the robot believes that it has arrived
EXACT_TOUR = 7


@dataclass(frozen=True)
class Mark:
    """One "stop": the frame that the robot saw as it said so, what it took for the goal in view, how the way went.
    search: how the navigator's own search for the goal ended ("": it made none)."""

    ref: FrameRef
    seen: bool
    metres: float
    reason: str
    search: str = ""


@dataclass
class Driver:
    """Drives one robot from stop to stop. ``detector``: to look whether a target is in view (None: no looking)."""

    frames: GoalFrames
    navigator: Navigator
    detector: object | None
    marks: list[Mark] = field(default_factory=list)

    def stop_at(self, view: View) -> Mark:
        """Go to a view's pose, or to a spot by the way that is as good, and stop there."""
        before = self.navigator.metres
        search = self._seek(view.target)
        seen, reason = search.reached and self._sees(view.target), search.reason
        ways = [] if seen else [*self._nearer(view), view] if view.target is not None else [view]
        for way in ways:
            reason = self._go(way)
            seen = self._sees(way.target)
            if seen:
                break
        frame = self.navigator.robot.step("stop")
        mark = Mark(frame.ref, seen, round(self.navigator.metres - before, 3), reason, search.reason)
        self.marks.append(mark)
        return mark

    def _seek(self, target: Target | None) -> Travel:
        """Let the navigator look for a thing by itself, unless the robot stands there; what it finds may be another."""
        x, y, _ = self.navigator.pose
        if target is None or target.kind != "object" or self.frames.stands_at(target, (x, y)):
            return Travel(False, "", 0.0, 0)
        travel = self.navigator.seek(target.label)
        if travel.reached:
            self.navigator.face(*map(float, middle(target)[:2]))
        return travel

    def _nearer(self, view: View) -> list[View]:
        """Spots that save way compared with the view's own pose: where the robot is, or the nearest standing spot."""
        x, y, yaw = self.navigator.pose
        if self.frames.stands_at(view.target, (x, y)):
            return [View((x, y, yaw), 1.0, view.target)]
        way = self.frames.way_from((x, y))
        found = self.frames.spot(view.target, way)
        if found is None:
            return []
        at = self.frames.ways.nearest_passable(view.pose[:2], 0.5)
        own = float(way[self.frames.ways.cell(at)]) if at is not None else math.inf
        return [found[1]] if found[0] + (PROVEN_M if view.frame is not None else 0.0) < own else []

    def _go(self, view: View) -> str:
        travel = self.navigator.go_to_pose(*view.pose[:2])
        if view.target is None:
            self.navigator.go_to_pose(*self.navigator.pose[:2], view.pose[2])
        elif view.target.kind != "room":
            self.navigator.face(*map(float, middle(view.target)[:2]))
        return travel.reason

    def _sees(self, target: Target | None) -> bool:
        """Whether the robot, where it is, passes for the target by its own senses (True where there is no telling)."""
        if target is None or target.kind == "room" or self.detector is None:
            return True
        here = np.array([self.navigator.pose[:2]])
        if self.frames.near(target, here)[0] < SURE:
            return False
        frame = self.navigator.robot.observe()
        return any(shows(self.detector, frame, target, gear) for gear in ("index", "inspect"))


def shows(detector, frame: Frame, target: Target, gear: str) -> bool:
    """Whether a frame shows the target large enough: something of its name where it should be."""
    least = SHOWN * LEAST_SHARE * frame.depth.size
    found = [d for d in detector.detect(frame, gear) if d.label == target.label]
    for seen in lift_all(frame, found):
        if seen is None or seen.pixels < least:
            continue
        if target.kind == "receptacle":
            if box_gap(target, np.array([seen.xyz[:2]]))[0] < THERE_M:
                return True
        elif math.dist(seen.xyz[:2], middle(target)[:2]) < THERE_M:
            return True
    return False


def short_tour(first: np.ndarray, between: np.ndarray) -> list[int]:
    """An order to visit N points in: ``first`` (N) metres from the start, ``between`` (N N). Shortest up to seven
    points, near it beyond (nearest next, then pieces turned round while that helps). Infinite ways come last."""
    count = len(first)
    first, between = np.minimum(first, 1e4), np.minimum(between, 1e4)

    def length(order) -> float:
        return first[order[0]] + sum(between[a, b] for a, b in zip(order, order[1:], strict=False))

    if count <= 1:
        return list(range(count))
    if count <= EXACT_TOUR:
        return list(min(permutations(range(count)), key=length))
    order, left = [int(np.argmin(first))], set(range(count))
    left.discard(order[0])
    while left:
        order.append(min(left, key=lambda j: (between[order[-1], j], j)))
        left.discard(order[-1])
    better = True
    while better:
        better = False
        for i in range(count - 1):
            for j in range(i + 2, count + 1):
                turned = order[:i] + order[i:j][::-1] + order[j:]
                if length(turned) < length(order) - 1e-9:
                    order, better = turned, True
    return order
