"""A robot that walks among recorded frames: it moves as ours do, and sees the recorded picture nearest to where it is.

For datasets that record the present instead of offering a simulator. What it shows was truly taken from
``camera_to_map``; only ``base_to_map`` is where the robot walks, so that it can be steered. A picture keeps the number
of its file, however often it is shown: looking again shows nothing new.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace

import numpy as np

from embodied_mem.datasets.cameras import base_under
from embodied_mem.datasets.episodes import Episode
from embodied_mem.errors import InputError
from embodied_mem.geodesic import Grid
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Frame, planar_pose, pose_xyyaw

NOW = "now"
METRES_A_RADIAN = 4 / math.pi  # 45° off is as bad as a metre away
ACTIONS = ("forward", "left", "right", "stop")
KEPT = 64  # pictures in memory


class ReplayRobot:
    """A :class:`~embodied_mem.sim.protocol.Robot` over one episode.

    start: the frame it stands at; now: UTC s; floor: where its body can be (None: anywhere); sidecar: as of
    :meth:`Episode.frames`, for the simulated detector. ``way``: metres and steps so far, for scorers.
    """

    def __init__(
        self, episode: Episode, start: int, now: float, floor: Grid | None = None, sidecar: Sidecar | None = None
    ) -> None:
        if start not in episode.indices:
            raise InputError(f"{episode.folder} has no frame {start} with a pose; start at one of its frames")
        self.spec = RobotSpec(camera=episode.camera, actions=ACTIONS)
        self._episode, self._floor, self._sidecar, self._clock = episode, floor, sidecar, float(now)
        if sidecar is not None:
            sidecar.put_facts(NOW, 0, episode.facts())
        poses = [pose_xyyaw(base_under(episode.pose(i))) for i in episode.indices]
        self._seen_from = np.array(poses)
        self._pose = poses[episode.indices.index(start)]
        self._metres, self._steps, self._action = 0.0, 0, ""
        self._shown: OrderedDict[int, Frame] = OrderedDict()

    @property
    def clock(self) -> float:
        """UTC seconds."""
        return self._clock

    @property
    def way(self) -> tuple[float, int]:
        """Metres and steps so far."""
        return self._metres, self._steps

    def observe(self) -> Frame:
        """The nearest recorded picture, with where the robot itself stands."""
        frame = self._recorded(self._nearest())
        return replace(frame, time=self._clock, base_to_map=planar_pose(*self._pose), last_action=self._action)

    def step(self, action: str) -> Frame:
        """Do one action; a step against what is not floor stays in place."""
        if action not in ACTIONS:
            raise InputError(f"action {action!r} is none of {', '.join(ACTIONS)}")
        x, y, yaw = self._pose
        if action == "forward":
            ahead = x + self.spec.forward_m * math.cos(yaw), y + self.spec.forward_m * math.sin(yaw)
            if self._floor is None or self._floor.is_passable(ahead):
                self._pose = (*ahead, yaw)
                self._metres += self.spec.forward_m
        elif action != "stop":
            turn = self.spec.turn_rad if action == "left" else -self.spec.turn_rad
            self._pose = (x, y, math.remainder(yaw + turn, 2 * math.pi))
        self._clock += self.spec.step_seconds
        self._steps, self._action = self._steps + 1, action
        return self.observe()

    def _nearest(self) -> int:
        x, y, yaw = self._pose
        away = np.hypot(self._seen_from[:, 0] - x, self._seen_from[:, 1] - y)
        turned = np.abs(np.angle(np.exp(1j * (self._seen_from[:, 2] - yaw))))
        return self._episode.indices[int(np.argmin(away + METRES_A_RADIAN * turned))]

    def _recorded(self, index: int) -> Frame:
        if index not in self._shown:
            self._shown[index] = self._episode.frame(index, NOW, 0.0, self._sidecar)
            if len(self._shown) > KEPT:
                self._shown.popitem(last=False)
        return self._shown[index]
