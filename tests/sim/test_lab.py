"""habitat-lab's environments for our agents and policies, on a stand-in that behaves like a ``habitat.Env``."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.sim.check import check_frame
from embodied_mem.sim.lab_robot import LabRobot, metres
from embodied_mem.sim.protocol import Robot
from embodied_mem.types import pose_xyyaw

LAB = ("stop", "move_forward", "turn_left", "turn_right")


class EmptySpace:
    """habitat-lab's space of an action without arguments."""


class OldDict(SimpleNamespace):
    """gym.spaces.Dict, as far as anybody looks."""


def camera(**more):
    where = {"width": 8, "height": 6, "hfov": 79, "position": [0, 0.88, 0], "orientation": [-0.2, 0, 0]}
    return SimpleNamespace(**{**where, "normalize_depth": True, "min_depth": 0.0, "max_depth": 10.0, **more})


class LabEnv:
    """A corridor along habitat's −z: the goal is 1 m ahead, an episode ends with stop or after five steps."""

    def __init__(self, actions=LAB, **depth):
        sensors = {"rgb_sensor": camera(), "depth_sensor": camera(**depth)}
        agent = SimpleNamespace(radius=0.18, sim_sensors=sensors)
        config = SimpleNamespace(forward_step_size=0.25, turn_angle=30, agents={"main_agent": agent})
        self.sim = SimpleNamespace(habitat_config=config, get_agent_state=lambda: self.state)
        self.action_space = OldDict(spaces={name: EmptySpace() for name in actions})
        self.observation_space = OldDict(spaces={
            "rgb": SimpleNamespace(low=0, high=255, shape=(6, 8, 3), dtype=np.uint8),
            "depth": SimpleNamespace(low=0.0, high=1.0, shape=(6, 8, 1), dtype=np.float32),
            "objectgoal": SimpleNamespace(n=6),
        })  # fmt: skip
        measures = {"distance_to_goal": None, "success": None}
        self.task = SimpleNamespace(measurements=SimpleNamespace(measures=measures), is_episode_active=True)
        self.episodes, self.current_episode, self.episode_over = ["a", "b", "c"], "a", True

    def seed(self, seed):
        pass

    def close(self):
        pass

    def reset(self):
        self.steps, self.far, self.yaw = 0, 1.0, 0.0
        self.episode_over, self.task.is_episode_active = False, True
        return self._seen()

    def step(self, action):
        assert not self.episode_over
        self.steps += 1
        self.yaw += {"turn_left": 30, "turn_right": -30}.get(action, 0)
        self.far -= 0.25 * (action == "move_forward")
        self.task.is_episode_active = action != "stop"
        self.episode_over = action == "stop" or self.steps == 5
        return self._seen()

    def get_metrics(self):
        stopped = not self.task.is_episode_active
        return {"distance_to_goal": self.far, "success": float(stopped and self.far < 0.3)}

    def _seen(self):
        half = math.radians(self.yaw) / 2
        q = SimpleNamespace(w=math.cos(half), x=0.0, y=math.sin(half), z=0.0)
        self.state = SimpleNamespace(position=np.array([2.0, 0.1, self.far]), rotation=q)
        depth = np.full((6, 8, 1), 0.25, np.float32)
        depth[0, 0] = 1.0
        return {"rgb": np.full((6, 8, 3), 7, np.uint8), "depth": depth, "objectgoal": np.array([3]), "other": "x"}


def test_our_agents_drive_a_lab_environment():
    robot = LabRobot(LabEnv(), time=100.0)
    assert isinstance(robot, Robot) and robot.spec.turn_rad == pytest.approx(math.radians(30))
    frame = robot.observe()
    check_frame(frame, robot)
    assert frame.camera.height_m == 0.88 and frame.camera.pitch_deg == pytest.approx(math.degrees(-0.2))
    assert frame.depth[1, 1] == pytest.approx(2.5) and frame.depth[0, 0] == 0, "what is cut off is no wall"
    # Habitat looks along −z: our y. It stands at x 2, y −1 (Y up 0.1 is the floor's height).
    assert pose_xyyaw(frame.base_to_map) == pytest.approx((2.0, -1.0, math.pi / 2)) and frame.base_to_map[2, 3] == 0.1
    ahead = robot.step("forward")
    assert pose_xyyaw(ahead.base_to_map)[1] == pytest.approx(-0.75) and robot.clock == 101.0
    left = robot.step("left")
    assert pose_xyyaw(left.base_to_map)[2] == pytest.approx(math.pi / 2 + math.radians(30)) and left.ref.index == 2


def test_the_lab_decides_when_an_episode_is_over():
    robot = LabRobot(LabEnv())
    robot.step("stop")
    with pytest.raises(InputError, match="begin"):
        robot.step("forward")
    assert robot.begin("second").ref.visit == "second" and robot.step("forward").ref.index == 1


@pytest.mark.parametrize("env, named", [
    (lambda: LabEnv(hfov=90), "hfov"), (lambda: LabEnv(actions=("stop", "answer")), "move_forward"),
])  # fmt: skip
def test_what_our_frames_cannot_say_is_refused(env, named):
    with pytest.raises(ConfigError, match=named):
        LabRobot(env())


def test_raw_depth_is_metres_already():
    raw = np.array([[[0.0], [3.0]]], np.float32)
    assert metres(raw, camera(normalize_depth=False)).tolist() == [[0.0, 3.0]]


@pytest.fixture
def gymnasium():
    return pytest.importorskip("gymnasium")


def test_a_lab_environment_is_a_gymnasium_environment(gymnasium):
    from embodied_mem.sim.lab_gym import LabGym

    env = LabGym(LabEnv())
    seen, info = env.reset(seed=4)
    assert env.env.current_episode == "b" and info["distance_to_goal"] == 1.0
    assert env.observation_space.contains(seen) and set(seen) == {"rgb", "depth", "objectgoal"}
    forward, stop = env.action_names.index("move_forward"), env.action_names.index("stop")
    total = 0.0
    for action in (forward, forward, forward):
        _, reward, done, cut, _ = env.step(action)
        total += reward
        assert not done and not cut
    assert total == pytest.approx(0.75 - 3 * 0.01), "progress less the price of three steps"
    _, reward, done, cut, info = env.step(stop)
    assert done and not cut and info["success"] == 1 and reward == pytest.approx(2.5 - 0.01)
    with pytest.raises(InputError, match="reset"):
        env.step(stop)


def test_the_time_limit_truncates(gymnasium):
    from embodied_mem.sim.lab_gym import LabGym

    env = LabGym(LabEnv())
    env.reset(seed=0)
    ends = [env.step(env.action_names.index("turn_left"))[2:4] for _ in range(5)]
    assert ends[:4] == [(False, False)] * 4 and ends[4] == (False, True)


def test_a_metric_that_nobody_takes_cannot_be_rewarded(gymnasium):
    from embodied_mem.sim.lab_gym import LabGym

    with pytest.raises(ConfigError, match="spl"):
        LabGym(LabEnv(), progress="spl")


def test_without_habitat_lab_the_message_says_where_to_look(gymnasium, monkeypatch):
    import sys

    from embodied_mem.sim.lab_gym import make

    monkeypatch.setitem(sys.modules, "habitat", None)
    with pytest.raises(ConfigError, match="docs/habitat.md"):
        make("benchmark/nav/pointnav/pointnav_habitat_test.yaml")
