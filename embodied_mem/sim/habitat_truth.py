"""What is really so in a habitat scene. For scorers, question makers and tests; never handed to an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embodied_mem.geodesic import Grid
from embodied_mem.types import planar_pose

if TYPE_CHECKING:
    from embodied_mem.sim.export.life import SceneLife
    from embodied_mem.sim.habitat import HabitatSimulator
    from embodied_mem.sim.habitat_objects import Spot
    from embodied_mem.sim.habitat_world import View

_RESOLUTION = 0.05


class HabitatTruth:
    """A scorer's view on a running :class:`HabitatSimulator`; positions in the world frame, Z up."""

    def __init__(self, sim: HabitatSimulator) -> None:
        self._sim = sim
        self._grid: tuple[tuple, Grid] | None = None

    @property
    def pose(self) -> tuple[float, float, float]:
        """x, y in metres and yaw in radians of the robot's base."""
        return self._sim._body.base

    @property
    def head(self) -> tuple[float, float, float]:
        """The same with the camera's yaw, which is the base's except in manipulation mode."""
        return self._sim._body.head

    @property
    def floor(self) -> float:
        """Height of the floor that the robot stands on, metres."""
        return self._sim._body.z

    @property
    def manipulating(self) -> bool:
        """Whether the robot is in manipulation mode."""
        return self._sim._body.manipulating

    @property
    def held(self) -> str | None:
        """The name of the object in the gripper."""
        return self._sim._held[0] if self._sim._held else None

    @property
    def life(self) -> SceneLife | None:
        """What happens in an exported house; None for every other scene."""
        return self._sim._state.life

    @property
    def objects(self) -> dict[str, Spot]:
        """name → where every rigid object is now; what the robot holds is not among them."""
        return dict(self._sim._spots)

    @property
    def facts(self) -> dict[int, dict]:
        """{instance id: label, attributes, states, kind} of the scene as it is now."""
        return self._sim._arranged().objects.facts()

    def instance_of(self, name: str) -> int:
        """The id of an object in the instance image."""
        return self._sim._arranged().objects.instance_of(name)

    @property
    def grid(self) -> Grid:
        """Where the robot's centre can be on its storey, from the navmesh."""
        key = (self._sim._scene, round(self.floor, 1))
        if self._grid is None or self._grid[0] != key:
            passable, origin = self._sim._arranged().passable(self.floor, _RESOLUTION)
            self._grid = (key, Grid(passable, origin, _RESOLUTION))
        return self._grid[1]

    def geodesic(self, a: tuple[float, ...], b: tuple[float, ...]) -> float:
        """Shortest way on the navmesh, metres, inf where there is none; x, y (on the robot's storey) or x, y, z."""
        return self._sim._arranged().geodesic(*(np.array([*p[:2], *(p[2:] or (self.floor,))], float) for p in (a, b)))

    def visible_pixels(self) -> dict[int, int]:
        """{instance id: pixels} of the current view, structure (1) included."""
        counts = np.bincount(self._sim._view().instance.ravel())
        return {int(i): int(counts[i]) for i in np.flatnonzero(counts) if i}

    def render(self, x: float, y: float, yaw: float, floor: float | None = None) -> View:
        """Exact images as if the robot stood there (by default on its storey) and looked along ``yaw``."""
        head = planar_pose(x, y, yaw)
        head[2, 3] = self.floor if floor is None else floor
        return self._sim._view(head)
