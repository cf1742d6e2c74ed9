"""How the embedded robot's body moves: steps with sliding contact, turns, and a base that can turn under its head."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from embodied_mem.sim.house import Rect
from embodied_mem.sim.protocol import RobotSpec

_SUBSTEP = 0.025  # metres between two contact tests
Pose = tuple[float, float, float]  # x, y in metres, yaw in radians, world frame


class Body:
    """A disc among axis-aligned rectangles. ``manipulating``: the base is turned 90° to the left of the head.

    The caller sees to it that ``start`` (the head's x, y, yaw) is free floor.
    """

    def __init__(self, spec: RobotSpec, rects: Sequence[Rect], start: Pose) -> None:
        self._spec, self._rects = spec, np.asarray(rects)
        self._xy, self._start_yaw, self._turns = (float(start[0]), float(start[1])), float(start[2]), 0
        self.manipulating = False

    @property
    def head(self) -> Pose:
        """Where the robot is and where its camera looks; switching modes does not change it."""
        return *self._xy, math.remainder(self._start_yaw + self._turns * self._spec.turn_rad, 2 * math.pi)

    @property
    def base(self) -> Pose:
        """Where the robot is and where it would drive."""
        x, y, yaw = self.head
        return (x, y, math.remainder(yaw + math.pi / 2, 2 * math.pi)) if self.manipulating else (x, y, yaw)

    def turn(self, count: int) -> None:
        """Turn on the spot by that many steps, positive to the left."""
        self._turns += count

    def is_free(self, points: np.ndarray) -> bool:
        """Whether a body at every one of N positions touches neither walls nor furniture, and is in the house."""
        x, y = points[:, :1], points[:, 1:]
        r = self._rects
        dx = np.maximum(np.maximum(r[:, 0] - x, x - r[:, 2]), 0)
        dy = np.maximum(np.maximum(r[:, 1] - y, y - r[:, 3]), 0)
        clear = (dx * dx + dy * dy).min() >= (self._spec.radius_m - 1e-6) ** 2
        return bool(clear and (r[:, :2].min(0) < points).all() and (points < r[:, 2:].max(0)).all())

    def forward(self) -> None:
        """Straight on where it is free; else slide along what is in the way, as axis-aligned contact allows."""
        yaw = self.base[2]
        ahead = np.array([math.cos(yaw), math.sin(yaw)]) * self._spec.forward_m
        count = math.ceil(self._spec.forward_m / _SUBSTEP)
        at = np.array(self._xy)
        if self.is_free(at + ahead * (np.arange(1, count + 1) / count)[:, None]):
            self._xy = (float(at[0] + ahead[0]), float(at[1] + ahead[1]))
            return
        for _ in range(count):
            for move in (ahead, ahead * (1, 0), ahead * (0, 1)):
                # A sliver of motion along a wall that is met head-on is no sliding but a numerical accident.
                if np.hypot(*move) > 0.02 * self._spec.forward_m and self.is_free((at + move / count)[None]):
                    at = at + move / count
                    break
        self._xy = (float(at[0]), float(at[1]))
