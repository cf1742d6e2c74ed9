"""The robot of a ``habitat.Env`` for our agents: habitat-lab's observations and actions behind the robot protocol.

Nothing is imported from habitat: the environment is handed in. Runs on Python 3.9 with numpy beside it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.sim.habitat_frames import BODY, pose_of
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Camera, Frame, FrameRef

#: Our actions by habitat-lab's names.
LAB_ACTIONS = {"forward": "move_forward", "left": "turn_left", "right": "turn_right", "stop": "stop"}


class LabRobot:
    """A :class:`~embodied_mem.sim.protocol.Robot` in the current episode of a ``habitat.Env`` (Z up, metres).

    The environment needs colour and depth cameras of one size and place. Its own loop stays in charge: what it says of
    the episode is ``env.get_metrics()``, and a step after its end raises InputError. ``time``: UTC seconds at frame 0.
    """

    def __init__(self, env: Any, visit: str = "now", time: float = 0.0) -> None:
        self._env, self._visit, self._clock = env, visit, float(time)
        self._color, self._depth = _sensor(env, "rgb"), _sensor(env, "depth")
        self.spec = spec_of(env)
        self._begin(env.reset())

    @property
    def clock(self) -> float:
        """UTC seconds."""
        return self._clock

    def begin(self, visit: str = "now") -> Frame:
        """The environment's next episode; frame 0 of a visit of that name."""
        self._visit = visit
        self._begin(self._env.reset())
        return self._frame

    def observe(self) -> Frame:
        """The current frame; the same object until the next step."""
        return self._frame

    def step(self, action: str) -> Frame:
        """Do one action of ``spec.actions``. Raises InputError for another, or when the episode is over."""
        if action not in self.spec.actions:
            raise InputError(f"action {action!r} is none of {', '.join(self.spec.actions)}")
        if self._env.episode_over:
            raise InputError(f"{action!r} after the end of the episode; call begin() for the next one")
        seen = self._env.step(LAB_ACTIONS[action])
        self._clock, self._index = round(self._clock + self.spec.step_seconds, 6), self._index + 1
        self._frame = self._take(seen, action)
        return self._frame

    def _begin(self, seen: dict) -> None:
        self._index = 0
        self._frame = self._take(seen, "")

    def _take(self, seen: dict, action: str) -> Frame:
        state, camera = self._env.sim.get_agent_state(), self.spec.camera
        q = state.rotation
        base = pose_of(np.array(state.position, float), np.array([q.w, q.x, q.y, q.z]), BODY)
        return Frame(
            ref=FrameRef(self._visit, self._index), time=self._clock, camera=camera, last_action=action,
            color=np.ascontiguousarray(np.asarray(seen[_uuid(self._color, "rgb")])[:, :, :3], np.uint8),
            depth=metres(np.asarray(seen[_uuid(self._depth, "depth")]), self._depth),
            base_to_map=base, camera_to_map=base @ camera.to_base(),
        )  # fmt: skip


def spec_of(env: Any) -> RobotSpec:
    """What habitat-lab's configuration says of the robot. Raises ConfigError for cameras that are not one pinhole."""
    color, depth, simulator = _sensor(env, "rgb"), _sensor(env, "depth"), env.sim.habitat_config
    for field in ("width", "height", "hfov", "position", "orientation"):
        one, other = _plain(getattr(color, field)), _plain(getattr(depth, field))
        if one != other:
            raise ConfigError(f"rgb_sensor.{field} is {one}, depth_sensor.{field} {other}; our frames have one camera: "
                              "give both the same")  # fmt: skip
    x, y, z = _plain(color.position)
    pitch, yaw, roll = _plain(color.orientation)
    if (x, z, yaw, roll) != (0, 0, 0, 0):
        raise ConfigError(f"the camera stands at {[x, y, z]} and is turned by {[pitch, yaw, roll]}; only a height (y) "
                          "and a pitch (x) are known here: set the others to 0")  # fmt: skip
    camera = Camera(int(color.width), int(color.height), float(color.hfov), float(y), math.degrees(pitch))
    actions = tuple(ours for ours, theirs in LAB_ACTIONS.items() if theirs in env.action_space.spaces)
    if len(actions) < len(LAB_ACTIONS):
        raise ConfigError(f"the task's actions are {', '.join(env.action_space.spaces)}; our agents drive with "
                          f"{', '.join(LAB_ACTIONS.values())}: add those under habitat.task.actions")  # fmt: skip
    return RobotSpec(
        camera, float(simulator.forward_step_size), math.radians(simulator.turn_angle), float(_agent(env).radius),
        actions=actions,
    )  # fmt: skip


def metres(depth: np.ndarray, sensor: Any) -> np.ndarray:
    """habitat-lab's depth image (H W 1, 0..1 where it is normalised) in metres: float32 H W, 0 where nothing was hit.

    habitat-lab cuts depth off at ``max_depth``, which therefore says nothing; raw depth is 0 already where nothing is.
    """
    depth = depth.reshape(depth.shape[:2]).astype(np.float32)
    if sensor.normalize_depth:
        depth = sensor.min_depth + depth * (sensor.max_depth - sensor.min_depth)
    depth[depth >= sensor.max_depth * (1 - 1e-6)] = 0
    return depth.astype(np.float32)


def _agent(env: Any) -> Any:
    agents = env.sim.habitat_config.agents
    if len(agents) != 1:
        raise ConfigError(f"the simulator has agents {', '.join(agents)}; our agents drive one: configure one")
    return next(iter(agents.values()))


def _sensor(env: Any, kind: str) -> Any:
    sensors = _agent(env).sim_sensors
    found = [s for name, s in sensors.items() if name.endswith(f"{kind}_sensor")]
    if len(found) != 1:
        raise ConfigError(f"{len(found)} {kind} sensors among {', '.join(sensors) or 'none'}; our agents need one "
                          "rgb_sensor and one depth_sensor (habitat.simulator.agents.*.sim_sensors)")  # fmt: skip
    return found[0]


def _uuid(sensor: Any, default: str) -> str:
    return getattr(sensor, "uuid", None) or default


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else [float(v) for v in value]
