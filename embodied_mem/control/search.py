"""A navigator that also looks for things by itself: a pilot decides each step from a flat view of the house.

The pilot (a trained policy, see ``embodied_mem.policies.navigator``, or a script) knows nothing of robots, and the
navigator nothing of policies. Whatever keeps a search from ending in front of the thing is said as the drive's reason;
the caller then drives by the map, as it would have without.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from embodied_mem.control.fan_view import FanView, Slices
from embodied_mem.control.navigator import BLOCKED_M, Navigator, Travel
from embodied_mem.types import Frame

REACH_M = 2.0  # a search ends within this distance of what is looked for, in view
BUMPS = 6  # forward steps in a row that went nowhere
BLIND = 0.75  # with a smaller share of the slices known the robot first turns around
FEWEST_CELLS = 5  # of a wall, in a line of the map that belongs to the house


class Pilot(Protocol):
    """Looks for one thing after another in one house, and may remember from one to the next."""

    rays: int
    spread: float
    """Of the view it wants: slices, and radians."""
    turn_rad: float
    """Of its turns; headings are counted in these."""
    most_steps: int
    """A search may take."""

    def begin(self, label: str) -> str:
        """Look for a label from now on; returns why it cannot ("" if it can)."""

    def act(self, view: Slices, place: tuple[float, float], heading: int) -> str:
        """"forward", "left", "right" or "stop"; ``place`` (m) and ``heading`` are those of the house's frame."""


@dataclass(frozen=True)
class HouseFrame:
    """The frame in which pilots know places: metres from the outer corner of the house, its longer side along x.

    ``corner``: that corner in the map; ``wide``: metres of the house along the map's x; ``turned``: the house is deeper
    than wide, so its frame is the map's turned by a quarter to the right.
    """

    corner: tuple[float, float] = (0.0, 0.0)
    wide: float = 0.0
    turned: bool = False

    @classmethod
    def of(cls, site_map) -> HouseFrame:
        """As far as a robot's own map shows walls; without any, the map's frame."""
        walls = site_map.walls() if hasattr(site_map, "walls") else np.zeros((0, 0), bool)
        lines = [np.flatnonzero(walls.sum(axis=axis) >= FEWEST_CELLS) for axis in (1, 0)]
        if not len(lines[0]) or not len(lines[1]):
            return cls()
        low = [float(site_map.origin[k] + line[0] * site_map.resolution) for k, line in enumerate(lines)]
        size = [float((line[-1] + 1 - line[0]) * site_map.resolution) for line in lines]
        return cls((low[0], low[1]), size[0], size[1] > size[0])

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point of the map in the house's frame."""
        a, b = x - self.corner[0], y - self.corner[1]
        return (b, self.wide - a) if self.turned else (a, b)

    def heading(self, yaw: float, step: float) -> int:
        """A direction of the map (rad) as a number of steps from the frame's x axis."""
        return round((yaw - self.turned * math.pi / 2) / step) % round(math.tau / step)

    def yaw(self, heading: int, step: float) -> float:
        """The direction in the map (rad) of a heading."""
        return heading * step + self.turned * math.pi / 2


class Lookout:
    """What a robot has seen in the last moments, and the pilot that looks for things in it; one for each session.

    Frames are kept as they come and looked at when a search needs them: most frames of a drive are never drawn.
    """

    def __init__(self, pilot: Pilot, detector, camera_m: float, keep: int = 60) -> None:
        self.pilot, self._detector = pilot, detector
        self._view = FanView(pilot.rays, pilot.spread, camera_m, keep)
        self._new: deque[Frame] = deque(maxlen=keep)
        self._taken = None

    def note(self, frame: Frame) -> None:
        """The robot's newest frame; the same one again is not counted twice."""
        if frame.ref != self._taken:
            self._taken = frame.ref
            self._new.append(frame)

    def touch(self, x: float, y: float, yaw: float, reach: float) -> None:
        """The robot ran into something ahead of it; see :meth:`FanView.touch`."""
        self._view.touch(x, y, yaw, reach)

    def look(self, x: float, y: float, yaw: float) -> Slices:
        """What is known around a place (m, rad; map)."""
        while self._new:
            frame = self._new.popleft()
            self._view.add(frame, self._detector.detect(frame, "inspect"))
        return self._view.look(x, y, yaw)


@dataclass
class SearchNavigator(Navigator):
    """Drives as any navigator does, and looks for things as its ``lookout``'s pilot says, in the house's ``frame``."""

    lookout: Lookout | None = None
    frame: HouseFrame = field(default_factory=HouseFrame)

    def seek(self, label: str) -> Travel:
        """Look for a thing of that name; reached: one is within 2 m and in view, and the pilot says stop."""
        start, pilot = (self.metres, self.steps), self.lookout.pilot
        problem = pilot.begin(label)
        if problem:
            return self._travel(problem, start)
        outcome = "stopped" if self._get_ready() else self._search(label, start)
        return self._travel(outcome, start)

    def _get_ready(self) -> bool:
        """Turn to one of the pilot's headings, and around where too little is known; True: ``on_frame`` has enough."""
        self.lookout.note(self.robot.observe())
        step = self.lookout.pilot.turn_rad
        if self._turn_to(self.frame.yaw(self.frame.heading(self.pose[2], step), step)):
            return True
        return self._look()[0].seen < BLIND and self.look_around().stopped

    def _search(self, label: str, start: tuple[float, int]) -> str:
        pilot, bumps = self.lookout.pilot, 0
        for _ in range(pilot.most_steps):
            if self.metres - start[0] > self.limits.metres or self.steps - start[1] > self.limits.steps:
                break
            view, heading = self._look()
            action = pilot.act(view, self.frame.place(*self.pose[:2]), heading)
            if action == "stop":
                near = view.nearest(label) <= REACH_M
                return "arrived" if near else f"stopped with no {label} in view within {REACH_M:.0f} m"
            before = self.pose
            if self._do(action, heading):
                return "stopped"
            if action == "forward":
                blocked = math.dist(before[:2], self.pose[:2]) < BLOCKED_M
                bumps = bumps + 1 if blocked else 0
                if blocked:
                    self.lookout.touch(*before, self.robot.spec.radius_m + 0.05)
            if bumps >= BUMPS:
                return f"bumped into something {BUMPS} times in a row"
        return f"found no {label} in {self.metres - start[0]:.1f} m and {self.steps - start[1]} steps (the limit)"

    def _look(self) -> tuple[Slices, int]:
        """The view, as if the robot looked exactly along a heading, and which one that is."""
        step, (x, y, yaw) = self.lookout.pilot.turn_rad, self.pose
        heading = self.frame.heading(yaw, step)
        return self.lookout.look(x, y, self.frame.yaw(heading, step)), heading

    def _do(self, action: str, heading: int) -> bool:
        """One step of the pilot, which may be several turns of the robot; True: ``on_frame`` has enough."""
        if action == "forward":
            return self._act("forward")
        step = self.lookout.pilot.turn_rad
        return self._turn_to(self.frame.yaw(heading + (1 if action == "left" else -1), step))

    def _act(self, action: str) -> bool:
        stopped = super()._act(action)
        self.lookout.note(self.robot.observe())
        return stopped
