"""What is really so in the embedded simulator. For scorers, question makers and tests; never handed to an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embodied_mem.geodesic import Grid
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.house import House, Rect, Thing
from embodied_mem.sim.layout import standing_grid, walls
from embodied_mem.types import planar_pose

if TYPE_CHECKING:
    from embodied_mem.sim.embedded import EmbeddedSimulator
    from embodied_mem.sim.hands import Target
    from embodied_mem.sim.life import Life
    from embodied_mem.sim.log import EventLog
    from embodied_mem.sim.render import View


def obstacles(house: House) -> list[Rect]:
    """The rectangles that a robot bumps into: walls and furniture. Things on the floor give way."""
    boxes = walls(house.rooms, house.doors, house.wall_height)
    return [(b[0], b[1], b[3], b[4]) for b in boxes if b[2] == 0] + [footprint(f) for f in house.furniture]


def floor_bounds(house: House) -> Rect:
    """The rectangle around all rooms."""
    rects = np.array([r.rect for r in house.rooms])
    return (*rects[:, :2].min(axis=0).tolist(), *rects[:, 2:].max(axis=0).tolist())


def passable_grid(house: House, radius: float, resolution: float = 0.05) -> Grid:
    """Where the centre of a robot of ``radius`` metres can truly be."""
    return standing_grid(floor_bounds(house), obstacles(house), radius, resolution)


class Truth:
    """A scorer's view on a running :class:`EmbeddedSimulator`; positions in the world frame."""

    def __init__(self, sim: EmbeddedSimulator) -> None:
        self._sim = sim
        self._grid: tuple[tuple, Grid] | None = None

    @property
    def house(self) -> House:
        """The house as it is now; what the robot holds is not in it."""
        return self._sim._house

    @property
    def log(self) -> EventLog:
        """The event log that this simulator follows, with what the robot did in it."""
        return self._sim._log

    @property
    def life(self) -> Life | None:
        """Residents, patterns and visit times behind the log; None for a house that was given as it is."""
        return self._sim._life

    @property
    def pose(self) -> tuple[float, float, float]:
        """x, y in metres and yaw in radians of the robot's base."""
        return self._sim._body.base

    @property
    def head(self) -> tuple[float, float, float]:
        """The same with the camera's yaw, which is the base's except in manipulation mode."""
        return self._sim._body.head

    @property
    def manipulating(self) -> bool:
        """Whether the robot is in manipulation mode."""
        return self._sim._body.manipulating

    @property
    def held(self) -> Thing | None:
        """What is in the gripper."""
        return self._sim._held

    def placement(self, thing: Thing, target: Target, head: tuple[float, float, float] | None = None) -> dict | None:
        """Where "place" would put a thing (room, furniture, surface, x, y, z, yaw), from here or from ``head``."""
        return self._sim._placement(thing, target, head)

    @property
    def grid(self) -> Grid:
        """The true passable grid of the robot's body."""
        plan = (self.house.rooms, tuple(f.id for f in self.house.furniture))
        if self._grid is None or self._grid[0] != plan:
            self._grid = (plan, passable_grid(self.house, self._sim.spec.radius_m))
        return self._grid[1]

    def geodesic(self, a: tuple[float, float], b: tuple[float, float]) -> float:
        """Shortest way for the robot's body, metres; inf where there is none."""
        return self.grid.length(a, b)

    def visible_pixels(self) -> dict[int, int]:
        """{instance id: pixels} of the current view, walls and floor (1) included."""
        ids, counts = np.unique(self._sim._view().instance, return_counts=True)
        return {int(i): int(n) for i, n in zip(ids, counts, strict=True) if i}

    def render(self, x: float, y: float, yaw: float) -> View:
        """Exact images as if the robot stood there and its camera looked along ``yaw``, empty-handed."""
        return self._sim._draw(planar_pose(x, y, yaw), None)
