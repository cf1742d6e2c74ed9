"""How the oracle drives: the geodesic in quantised turns and steps that never touch anything."""

from __future__ import annotations

import math

from embodied_mem.geodesic import XY, Grid
from embodied_mem.sim.protocol import RobotSpec

REACHED_M = 0.15
Pose = tuple[float, float, float]


class Driver:
    """Chooses actions on ``grid`` (with a margin around the body); the caller does them and says where it is then."""

    def __init__(self, grid: Grid, spec: RobotSpec) -> None:
        self._grid, self._spec = grid, spec
        self._half = round(math.pi / spec.turn_rad)  # steps of half a turn

    def towards(self, pose: Pose, goal: XY) -> list[str]:
        """The next turns and step from ``pose`` to ``goal``; [] at the goal, or as near as quantised steps come."""
        here = pose[:2]
        if math.dist(here, goal) <= REACHED_M:
            return []
        if self._gain(here, pose[2], goal) > 0.8 * self._spec.forward_m:  # good progress needs no turn
            return ["forward"]
        way = self._grid.path(goal, here)[::-1]  # from the goal: its distance field is kept for all steps
        if len(way) < 2:
            return []
        corner = next((p for p in way[1:] if math.dist(p, here) > 0.1), way[-1])
        wanted = self.turns_to(pose, corner)
        for off in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6):
            turns = self._short(wanted + off)
            if self._gain(here, pose[2] + turns * self._spec.turn_rad, goal) > 0.02:
                return [*turn(turns), "forward"]
        return self._squeeze(pose, goal)

    def turns_to(self, pose: Pose, point: XY) -> int:
        """How many steps to turn from ``pose`` to look at a point, positive to the left."""
        bearing = math.atan2(point[1] - pose[1], point[0] - pose[0])
        return round(math.remainder(bearing - pose[2], math.tau) / self._spec.turn_rad)

    def _short(self, turns: int) -> int:
        return (turns + self._half) % (2 * self._half) - self._half

    def _ahead(self, xy: XY, yaw: float) -> XY:
        return xy[0] + self._spec.forward_m * math.cos(yaw), xy[1] + self._spec.forward_m * math.sin(yaw)

    def _metres(self, xy: XY, goal: XY) -> float:
        if self._grid.line_of_sight(xy, goal):
            return math.dist(xy, goal)
        return float(self._grid.distances_from(goal)[self._grid.cell(xy)])

    def _gain(self, here: XY, yaw: float, goal: XY) -> float:
        """Metres nearer to the goal after one step that way; -inf where the step is not free."""
        after = self._ahead(here, yaw)
        if not self._grid.line_of_sight(here, after):
            return -math.inf
        return self._metres(here, goal) - self._metres(after, goal)

    def _squeeze(self, pose: Pose, goal: XY, depth: int = 3) -> list[str]:
        """Up to three steps that only together come nearer: the way out where single steps hardly fit."""
        now = self._metres(pose[:2], goal)
        ways: list[tuple[XY, tuple[int, ...]]] = [(pose[:2], ())]
        for _ in range(depth):
            longer: dict[tuple[int, int], tuple[XY, tuple[int, ...]]] = {}
            for xy, headings in ways:
                for heading in range(2 * self._half):
                    after = self._ahead(xy, pose[2] + heading * self._spec.turn_rad)
                    if self._grid.line_of_sight(xy, after):
                        longer.setdefault(self._grid.cell(after), (after, (*headings, heading)))
            ways = list(longer.values())
            best = min(ways, key=lambda w: self._metres(w[0], goal), default=None)
            if best and self._metres(best[0], goal) < now - 0.1:
                actions, facing = [], 0
                for heading in best[1]:
                    actions += [*turn(self._short(heading - facing)), "forward"]
                    facing = heading
                return actions
        return []


def turn(count: int) -> list[str]:
    """Actions of ``count`` turning steps, positive to the left."""
    return ["left" if count > 0 else "right"] * abs(count)
