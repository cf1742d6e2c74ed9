"""A navigator that looks for things by itself: it drives as any other, searches as its pilot says, and says why not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from embodied_mem import registry
from embodied_mem.control.fan_view import LABELS, Slices
from embodied_mem.control.navigator import Navigator
from embodied_mem.control.search import BUMPS, HouseFrame, Lookout, SearchNavigator
from embodied_mem.errors import ConfigError, InputError
from embodied_mem.policies import checkpoint
from embodied_mem.policies.actors import PolicyActor
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.navigator import ACTIONS, PolicyNavigators, PolicyPilot, observation, shown_kinds
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.tokens import Spec, TokenStream
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.vector.plans import plan_of, plans
from embodied_mem.tasks.object_search.env import GOALS, ObjectSearch, ObjectSearchConfig
from tests.control.test_navigator import PaperMap, PaperRobot, two_rooms


@dataclass
class Script:
    """A pilot that does what a list says, then the last of it again and again."""

    actions: list[str]
    rays: int = 64
    spread: float = math.radians(120)
    turn_rad: float = math.radians(30)
    most_steps: int = 30
    asked: list[str] = field(default_factory=list)
    places: list[tuple] = field(default_factory=list)

    def begin(self, label: str) -> str:
        self.asked.append(label)
        return "" if label == "mug" else f"no {label!r} in the script"

    def act(self, view: Slices, place, heading: int) -> str:
        self.places.append((*place, heading))
        return self.actions[min(len(self.places), len(self.actions)) - 1]


class Sees:
    """A lookout that sees a mug at a place, whatever frames show, and turned all around already."""

    def __init__(self, pilot: Script, at: tuple[float, float]) -> None:
        self.pilot, self.at, self.noted = pilot, at, 0

    def note(self, frame) -> None:
        self.noted += 1

    def touch(self, x: float, y: float, yaw: float, reach: float) -> None:
        self.touched = (x, y, yaw, reach)

    def look(self, x: float, y: float, yaw: float) -> Slices:
        metres = np.full(64, math.dist(self.at, (x, y)))
        return Slices(metres, np.full(64, LABELS.index("mug")), np.zeros(64), np.zeros(64, int))


def paper(kind: str, actions=("stop",), at=(2.0, 1.0), on_frame=None):
    """A navigator of either kind in two rooms of paper, at (1, 1) towards x; and its robot."""
    robot, site_map = PaperRobot(two_rooms()), PaperMap(two_rooms(), np.ones((80, 60), bool))
    if kind == "classical":
        return Navigator(robot, site_map, on_frame), robot
    return SearchNavigator(robot, site_map, on_frame, lookout=Sees(Script(list(actions)), at)), robot


# -- the contract of navigators ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["classical", "policy"])
def test_every_navigator_drives_by_its_map_and_a_search_it_cannot_make_moves_nothing(kind):
    navigator, robot = paper(kind)
    searched = navigator.seek("flux capacitor")
    assert not searched.reached and not searched.stopped and (searched.metres, searched.steps) == (0.0, 0)
    assert (robot.x, robot.y, robot.yaw) == (1.0, 1.0, 0.0)
    travel = navigator.go_to_pose(6.5, 1.0, math.pi / 2)
    assert travel.reached and math.dist((robot.x, robot.y), (6.5, 1.0)) < 0.35
    assert travel == paper("classical")[0].go_to_pose(6.5, 1.0, math.pi / 2), "both drive the same way"
    assert navigator.look_around().steps == 24 and "no free floor" in navigator.go_to_pose(30.0, 30.0).reason


def test_the_classical_one_says_nothing_of_searches_so_traces_stay_as_they_were():
    assert paper("classical")[0].seek("mug").reason == ""
    assert registry.load("navigators", "classical")().begin() is None
    with pytest.raises(ConfigError, match="navigator: policy"):
        registry.load("navigators", "classical")("a.safetensors")


# -- how a search ends -------------------------------------------------------------------------------------------------


def test_a_search_ends_in_front_of_the_thing_and_counts_its_way():
    navigator, robot = paper("policy", ["forward"] * 8 + ["left", "forward", "stop"], at=(4.0, 1.0))
    travel = navigator.seek("mug")
    assert travel.reached and travel.reason == "arrived" and travel.metres == pytest.approx(9 * 0.25)
    assert travel.steps == 8 + 2 + 1, "a turn of the pilot is two of this robot"
    assert robot.yaw == pytest.approx(math.radians(30)) and navigator.lookout.noted == travel.steps + 1


def test_frames_on_the_way_may_end_it():
    frames = []
    navigator, _ = paper("policy", ["forward"], on_frame=lambda frame: frames.append(frame) or len(frames) == 3)
    travel = navigator.seek("mug")
    assert travel.stopped and not travel.reached and travel.steps == 3


@pytest.mark.parametrize(
    ("actions", "at", "words"),
    [
        (["stop"], (6.0, 1.0), ["no mug in view within 2 m"]),
        (["left"], (2.0, 1.0), ["0.0 m and 60 steps", "the limit"]),
        (["right"] * 6 + ["forward"], (0.5, 1.0), [f"bumped into something {BUMPS} times"]),
    ],
)
def test_whatever_keeps_it_from_the_thing_is_the_reason(actions, at, words):
    travel = paper("policy", actions, at)[0].seek("mug")
    assert not travel.reached and not travel.stopped and all(word in travel.reason for word in words), travel.reason


def test_a_robot_that_stands_askew_first_turns_to_one_of_the_pilots_headings():
    navigator, robot = paper("policy", ["left", "stop"])
    robot.yaw = math.radians(15)
    navigator.seek("mug")
    headings = [heading for *_, heading in navigator.lookout.pilot.places]
    assert headings == [0, 1] or headings == [1, 2]


def test_a_robot_that_knows_too_little_first_turns_around():
    class Blind(Sees):
        def look(self, x, y, yaw):
            seen = super().look(x, y, yaw)
            seen.first_kind[self.noted :] = 0  # each frame shows one slice more
            return seen

    navigator, _ = paper("policy")
    navigator.lookout = Blind(Script(["stop"]), (2.0, 1.0))
    assert navigator.seek("mug").steps == 24


def test_frames_are_looked_at_only_when_a_search_needs_them():
    class Eye:
        looked = 0

        def detect(self, frame, gear):
            self.looked += 1
            return []

    eye, pilot = Eye(), Script(["stop"])
    robot, site_map = PaperRobot(two_rooms()), PaperMap(two_rooms(), np.ones((80, 60), bool))
    navigator = SearchNavigator(robot, site_map, lookout=Lookout(pilot, eye, 1.3))
    navigator.go_to_pose(3.0, 1.0)
    assert eye.looked == 0
    navigator.seek("mug")
    assert eye.looked > 0


# -- the house's frame -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [3, 2])
def test_places_and_headings_are_those_of_the_environment(seed):
    house = generate_house(seed)
    plan = plan_of(house)
    rects = np.array([room.rect for room in house.rooms])
    low, high = rects[:, :2].min(0) - 0.1, rects[:, 2:].max(0) + 0.1
    frame = HouseFrame(tuple(low), high[0] - low[0], bool(plan.turned))
    for x, y, heading in ((1.0, 2.0, 0), (3.5, 0.5, 7)):
        yaw = frame.yaw(heading, math.pi / 6)
        a, b, turn = plan.from_world(house, x, y, yaw)
        assert frame.place(x, y) == pytest.approx((a, b)) and frame.heading(yaw + 0.1, math.pi / 6) == heading
        assert math.remainder(turn - heading * math.pi / 6, math.tau) == pytest.approx(0.0, abs=1e-9)


def test_the_frame_is_read_off_the_walls_of_the_robots_map():
    class Map:
        origin, resolution = np.array([-1.0, -2.0]), 0.05

        def walls(self):
            grid = np.zeros((200, 300), bool)
            grid[20:160, 40], grid[20:160, 240], grid[20, 40:240], grid[159, 40:240] = True, True, True, True
            grid[190, 10] = True  # noise
            return grid

    frame = HouseFrame.of(Map())
    assert frame == HouseFrame(pytest.approx((0.0, 0.0)), pytest.approx(7.0), True)
    assert HouseFrame.of(object()) == HouseFrame()


# -- the policy --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> ObjectSearchConfig:
    folder = tmp_path_factory.mktemp("houses")
    plans(0, 4, folder, workers=1)
    return ObjectSearchConfig(split="dev", houses=4, types=20, cap=12, folder=str(folder))


def policy_of(spec: Spec, seed: int = 0):
    """A policy with random weights in its heads, too: of its own, it would draw all actions alike."""
    policy = make_policy(spec, {"kind": "relic", "width": 16, "hidden": 32, "layers": 1}, seed)
    with torch.no_grad():
        policy.heads.out.weight.normal_(generator=torch.Generator().manual_seed(seed))
    return policy


def slices_of(env: ObjectSearch) -> Slices:
    """What the environment's fan sees, before the environment encodes it."""
    return Slices(*(h[0].numpy() for h in env._fan.look(env.houses, env._x, env._y, env._heading)))


def test_the_policy_is_shown_what_the_environment_would_show_it(options):
    env, shown = ObjectSearch(options, 1), torch.tensor(shown_kinds(options.types))
    seen = env.reset_trial(torch.tensor([1]))
    for action in (0, 1, 0, 0, 2, 0):
        mine = observation(slices_of(env), (float(env._x), float(env._y)), shown)
        for name, value in mine.items():
            torch.testing.assert_close(value, seen[name], msg=name)
        assert mine.keys() == seen.keys() - {"goal"}
        seen = env.step(torch.tensor([action])).obs


@pytest.mark.parametrize("extra", [{}, {"position": "start", "compass": True}])
def test_it_acts_as_in_the_environment_and_remembers_from_search_to_search(options, extra):
    options = ObjectSearchConfig(**{**vars(options), **extra})
    env = ObjectSearch(options, 1)
    policy = policy_of(Spec.of(env))
    actor, pilot, stream = PolicyActor(policy), PolicyPilot(policy, options), TokenStream(env.actions, 1)
    tokens = stream.begin(env.reset_trial(torch.tensor([1])))
    actor.begin(env, 0, torch.zeros(1, dtype=torch.int64))
    ends = 0
    for _ in range(40):
        if int(tokens["step"]) == 0:
            assert pilot.begin(GOALS[int(env._goal)]) == ""
        action = actor.act(tokens)
        assert ACTIONS[int(action)] == pilot.act(slices_of(env), (float(env._x), float(env._y)), int(env._heading))
        step = env.step(action)
        tokens, ends = stream.after(step, action), ends + int(step.episode_end)
    assert ends > 3


def test_what_it_was_not_trained_to_find_it_does_not_look_for(options):
    env = ObjectSearch(options, 1)
    few = PolicyPilot(policy_of(Spec.of(env)), ObjectSearchConfig(types=6))
    assert few.begin(GOALS[5]) == "" and GOALS[6] in few.begin(GOALS[6]) and "name of a thing" in few.begin("")


def write_checkpoint(path, options: ObjectSearchConfig, task: str = "object_search"):
    """An untrained checkpoint."""
    env = {k: v for k, v in vars(options).items() if k in ("types", "cap")}
    policy, spec = {"kind": "relic", "width": 16, "hidden": 32, "layers": 1}, Spec.of(ObjectSearch(options, 1))
    config = {"task": task, "environment": env, "policy": policy}
    weights = {f"policy.{k}": v for k, v in make_policy(spec, policy).state_dict().items()}
    checkpoint.write(path, weights, {"config": config, "spec": spec.as_dict()})
    assert TrainConfig(**config)
    return path


def test_a_checkpoint_is_named_missing_or_of_the_wrong_task_in_words(options, tmp_path, monkeypatch):
    monkeypatch.setattr("embodied_mem.policies.navigator.SHIPPED", tmp_path / "relic-0.safetensors")
    with pytest.raises(InputError, match=r"relic-0.safetensors; train one with 'embodied-mem train object_search"):
        PolicyNavigators()
    with pytest.raises(InputError, match="there is no"):
        PolicyNavigators(str(tmp_path / "missing.safetensors"))
    with pytest.raises(InputError, match="trained in darkroom; a navigator needs one of object_search"):
        PolicyNavigators(str(write_checkpoint(tmp_path / "dark.safetensors", options, "darkroom")))


def test_an_untrained_policy_flies_the_robot_and_each_question_begins_anew(options, tmp_path):
    class Bench:
        robot, site_map = PaperRobot(two_rooms()), PaperMap(two_rooms(), np.ones((80, 60), bool))
        detector = type("Eye", (), {"detect": lambda self, frame, gear: []})()

    path = write_checkpoint(tmp_path / "untrained.safetensors", options)
    navigators = registry.load("navigators", "policy")(str(path))
    make, bench = navigators.begin(), Bench()
    one, other = make(bench, bench.site_map, None), make(bench, bench.site_map, None)
    assert one.lookout is other.lookout, "the navigators of a question share what they learn"
    travel = one.seek("vase")
    assert not travel.reached and travel.reason and one.lookout.pilot._lived > 0
    assert navigators.begin()(bench, bench.site_map, None).lookout.pilot._lived == 0
    assert navigators.fingerprint() == PolicyNavigators(str(path)).fingerprint() != ""
