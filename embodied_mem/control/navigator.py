"""Drive a robot on its own map: to a pose, a place or an object; report metres and steps; give up with a reason."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from embodied_mem.errors import ConfigError
from embodied_mem.sim.protocol import Robot
from embodied_mem.types import Frame, pose_xyyaw

OnFrame = Callable[[Frame], "bool | None"]

ARRIVED_M = 0.2  # closer than this to a waypoint counts as there; a step is 0.25 m
BLOCKED_M = 0.08  # a forward step that moved less than this hit something (pose noise is 0.02 m)
CLEARANCE_M = 0.04  # kept beyond the body's radius, for the map's own error


@dataclass(frozen=True)
class Limits:
    """When a drive gives up: metres and steps of one call, and how often it may plan around a surprise."""

    metres: float = 60.0
    steps: int = 600
    replans: int = 6


@dataclass(frozen=True)
class Travel:
    """How one drive ended. ``stopped``: ``on_frame`` asked to stop (it has seen what it wanted)."""

    reached: bool
    reason: str
    metres: float
    steps: int
    stopped: bool = False


@dataclass
class Navigator:
    """Drives ``robot`` over ``site_map`` (anything with ``grid(radius) -> Grid``).

    ``on_frame`` sees every frame on the way and may return True to end the drive at once.
    ``metres`` and ``steps`` add up over all drives (odometry: what the poses say, at most the step size).
    """

    robot: Robot
    site_map: object
    on_frame: OnFrame | None = None
    limits: Limits = Limits()
    metres: float = 0.0
    steps: int = 0
    _bumps: list[tuple[float, float]] = field(default_factory=list)
    _grid: object | None = None

    @property
    def pose(self) -> tuple[float, float, float]:
        """x, y (m) and yaw (rad) as the robot believes them."""
        return pose_xyyaw(self.robot.observe().base_to_map)

    def grid(self):
        """The passable grid for this body, without the spots where it has bumped into something."""
        if self._grid is None:
            self._grid = self._without_bumps(self.site_map.grid(self.robot.spec.radius_m + CLEARANCE_M))
        return self._grid

    def distance_to(self, x: float, y: float) -> float:
        """Geodesic metres from here to a point on the floor; inf where the map knows no way."""
        grid = self.grid()
        here, there = grid.nearest_passable(self.pose[:2], 0.6), grid.nearest_passable((x, y), 0.6)
        return math.inf if here is None or there is None else grid.length(here, there)

    def go_to_pose(self, x: float, y: float, yaw: float | None = None) -> Travel:
        """Drive to x, y (m) and, if given, turn to yaw (rad)."""
        start = (self.metres, self.steps)
        outcome = self._drive(x, y, start)
        if outcome == "arrived" and yaw is not None and self._turn_to(yaw):
            outcome = "stopped"
        return self._travel(outcome, start)

    def approach(self, xyz: tuple[float, float, float], standoff: float = 1.2) -> Travel:
        """Drive to the nearest floor point within ``standoff`` metres of an object or place, and face it."""
        start = (self.metres, self.steps)
        spot = self._spot_near(xyz, standoff)
        if spot is None:
            where = f"({xyz[0]:.2f}, {xyz[1]:.2f})"
            reason = f"no reachable floor within {standoff:.1f} m of {where}; try a larger standoff"
            return self._travel(reason, start)
        outcome = self._drive(*spot, start)
        if outcome == "arrived" and self._face(xyz[0], xyz[1]):
            outcome = "stopped"
        return self._travel(outcome, start)

    def seek(self, label: str) -> Travel:
        """Look for a thing of that name by one's own lights. This navigator has none but the map, and stays."""
        return Travel(False, "", 0.0, 0)

    def face(self, x: float, y: float) -> Travel:
        """Turn on the spot towards a point."""
        start = (self.metres, self.steps)
        return self._travel("stopped" if self._face(x, y) else "arrived", start)

    def look_around(self) -> Travel:
        """Turn once around on the spot (no metres)."""
        start = (self.metres, self.steps)
        for _ in range(round(2 * math.pi / self.robot.spec.turn_rad)):
            if self._act("left"):
                return self._travel("stopped", start)
        return self._travel("arrived", start)

    # -- inside -------------------------------------------------------------------------------------------------

    def _travel(self, outcome: str, start: tuple[float, int]) -> Travel:
        done, stopped = outcome == "arrived", outcome == "stopped"
        return Travel(done, outcome, self.metres - start[0], self.steps - start[1], stopped)

    def _drive(self, x: float, y: float, start: tuple[float, int]) -> str:
        for _ in range(self.limits.replans + 1):
            path, problem = self._plan(x, y)
            if problem:
                return problem
            outcome = self._follow(path, start)
            if outcome != "blocked":
                return outcome
        return f"blocked: {self.limits.replans} ways to ({x:.2f}, {y:.2f}) were tried and each was obstructed"

    def _plan(self, x: float, y: float) -> tuple[list[tuple[float, float]], str]:
        grid = self.grid()
        here, there = grid.nearest_passable(self.pose[:2], 0.8), grid.nearest_passable((x, y), 0.8)
        if here is None:
            return [], "the robot does not know where it can stand: no free floor on the map within 0.8 m of it"
        if there is None:
            return [], f"no free floor on the map within 0.8 m of ({x:.2f}, {y:.2f}); explore there first"
        path = grid.path(here, there)
        if path is None or not len(path):
            return [], f"no way on the map to ({x:.2f}, {y:.2f}); explore to find one"
        return [tuple(p) for p in path], ""

    def _follow(self, path: list[tuple[float, float]], start: tuple[float, int]) -> str:
        for i, (x, y) in enumerate(path):
            near = ARRIVED_M if i == len(path) - 1 else 1.2 * ARRIVED_M
            while math.dist(self.pose[:2], (x, y)) > near:
                if self.metres - start[0] > self.limits.metres or self.steps - start[1] > self.limits.steps:
                    return f"gave up after {self.metres - start[0]:.1f} m and {self.steps - start[1]} steps (the limit)"
                if self._face(x, y):
                    return "stopped"
                before = self.pose
                if self._act("forward"):
                    return "stopped"
                if math.dist(before[:2], self.pose[:2]) < BLOCKED_M:
                    self._bump(before)
                    return "blocked"
                if self._passed(before, (x, y)):
                    break
        return "arrived"

    def _passed(self, before: tuple[float, float, float], goal: tuple[float, float]) -> bool:
        """True when the last step went past the goal: the next one would only come back."""
        here = self.pose
        step = (here[0] - before[0], here[1] - before[1])
        return step[0] * (goal[0] - here[0]) + step[1] * (goal[1] - here[1]) < 0

    def _face(self, x: float, y: float) -> bool:
        hx, hy, _ = self.pose
        return self._turn_to(math.atan2(y - hy, x - hx))

    def _turn_to(self, yaw: float) -> bool:
        """Turn to the nearest heading that whole turns reach; True if ``on_frame`` asked to stop."""
        error = math.remainder(yaw - self.pose[2], 2 * math.pi)
        turns = round(error / self.robot.spec.turn_rad)
        return any(self._act("left" if turns > 0 else "right") for _ in range(abs(turns)))

    def _act(self, action: str) -> bool:
        before = self.pose
        frame = self.robot.step(action)
        self.steps += 1
        if action == "forward":
            moved = math.dist(before[:2], pose_xyyaw(frame.base_to_map)[:2])
            self.metres += min(moved, self.robot.spec.forward_m) if moved > BLOCKED_M else 0.0
        return bool(self.on_frame and self.on_frame(frame))

    def _bump(self, pose: tuple[float, float, float]) -> None:
        reach = self.robot.spec.radius_m + 0.1
        self._bumps.append((pose[0] + reach * math.cos(pose[2]), pose[1] + reach * math.sin(pose[2])))
        self._grid = None

    def _without_bumps(self, grid):
        if not self._bumps:
            return grid
        passable = grid.passable.copy()
        ix, iy = np.indices(passable.shape)
        x = grid.origin[0] + (ix + 0.5) * grid.resolution
        y = grid.origin[1] + (iy + 0.5) * grid.resolution
        for bx, by in self._bumps:
            passable &= (x - bx) ** 2 + (y - by) ** 2 > 0.15**2
        return type(grid)(passable, grid.origin, grid.resolution)

    def _spot_near(self, xyz: tuple[float, float, float], standoff: float) -> tuple[float, float] | None:
        """The passable cell within ``standoff`` of the point that is nearest by the way to it."""
        grid = self.grid()
        here = grid.nearest_passable(self.pose[:2], 0.8)
        if here is None:
            return None
        way = grid.distances_from(here)
        ix, iy = np.nonzero(np.isfinite(way))
        x = grid.origin[0] + (ix + 0.5) * grid.resolution
        y = grid.origin[1] + (iy + 0.5) * grid.resolution
        near = np.hypot(x - xyz[0], y - xyz[1]) <= standoff
        if not near.any():
            return None
        best = np.flatnonzero(near)[np.argmin(way[ix[near], iy[near]])]
        return float(x[best]), float(y[best])


class Classical:
    """The entry ``classical`` of ``embodied_mem.navigators``: robots drive by their maps.

    Every entry is such a class: made once with the file it runs from, asked to ``begin`` for each question anew. What
    ``begin`` gives makes the question's navigators (None: this module's); ``fingerprint`` tells what results depend on.
    """

    def __init__(self, checkpoint: str = "") -> None:
        if checkpoint:
            raise ConfigError(f"checkpoint: {checkpoint!r} is for navigator: policy; leave it out or change navigator")

    def begin(self) -> None:
        """Nothing is kept from question to question, or needed to drive."""

    def fingerprint(self) -> str:
        """Results depend on nothing but the configuration."""
        return ""
