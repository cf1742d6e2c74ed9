"""The object-search policy as a robot's navigator: ``navigator: policy`` in LA-EQA and FindingDory.

The policy reads the robot's own frames, flattened to the fan that it was trained on, and remembers from search to
search of one session. It is never told what its steps are worth, and never sees the simulator.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch

from embodied_mem.config import build
from embodied_mem.control.fan_view import LABELS, Slices
from embodied_mem.control.navigator import Navigator
from embodied_mem.control.search import HouseFrame, Lookout, SearchNavigator
from embodied_mem.errors import InputError
from embodied_mem.planner.workbench import Navigation
from embodied_mem.policies import checkpoint as files
from embodied_mem.policies.evaluate import load_policy
from embodied_mem.policies.interface import Policy
from embodied_mem.policies.rollout import sample
from embodied_mem.policies.tokens import Tokens
from embodied_mem.sim.vector.draws import uniform
from embodied_mem.sim.vector.fan import HEADINGS, RAYS, SPREAD
from embodied_mem.tasks.object_search.env import AHEAD, GOALS, LEFT, OTHER_THING, RIGHT, STOP, ObjectSearchConfig

TASK = "object_search"
SHIPPED = Path(__file__).parent / "checkpoints" / TASK / "relic-0.safetensors"
ACTIONS = {AHEAD: "forward", LEFT: "left", RIGHT: "right", STOP: "stop"}
_UNIT = 10.0  # metres, of distances and places in the environment's observations


class PolicyNavigators:
    """The entry ``policy`` of ``embodied_mem.navigators``: they look for things as a checkpoint's policy does.

    Raises InputError for a checkpoint that is missing, damaged or of another task.
    """

    def __init__(self, checkpoint: str = "") -> None:
        path = Path(checkpoint) if checkpoint else SHIPPED
        if not path.is_file():
            raise InputError(f"navigator: policy needs a trained policy, and there is no {path}; train one with "
                             f"'embodied-mem train {TASK} --agent relic --seed 0' and name it in 'checkpoint', "
                             "or take navigator: classical")  # fmt: skip
        actor, config, _ = load_policy(path, lasting=True)
        if config.task != TASK:
            raise InputError(f"checkpoint: {path} was trained in {config.task}; a navigator needs one of {TASK}")
        self._path, self._policy = path, actor.policy
        self._options = build(ObjectSearchConfig, config.environment, "environment")

    def begin(self) -> Navigation:
        """Navigators for one question; their policy remembers nothing yet."""
        return navigation(PolicyPilot(self._policy, self._options))

    def fingerprint(self) -> str:
        """The weights, so that what was done with others is done anew."""
        return files.digest(files.read(self._path)[0])


def navigation(pilot) -> Navigation:
    """What makes the navigators of one session: they share the pilot and what the robot has just seen."""
    shared: list = []

    def make(bench, site_map, on_frame) -> Navigator:
        if bench.detector is None:
            return Navigator(bench.robot, site_map, on_frame)  # blind to what things are called
        if not shared:
            lookout = Lookout(pilot, bench.detector, bench.robot.spec.camera.height_m)
            shared.extend((lookout, HouseFrame.of(bench.site_map)))
        return SearchNavigator(bench.robot, site_map, on_frame, lookout=shared[0], frame=shared[1])

    return make


class PolicyPilot:
    """A policy of the object-search environment, one trial long: its ``state`` is what it remembers.

    ``options``: of the environment it was trained in; ``key``: decides what it draws.
    """

    rays, spread, turn_rad = RAYS, SPREAD, 2 * math.pi / HEADINGS

    def __init__(self, policy: Policy, options: ObjectSearchConfig, key: int = 0) -> None:
        self.policy, self.options, self.most_steps = policy.eval(), options, options.cap
        self.state = policy.init_state(1)
        self._goals = GOALS[: options.types]
        self._shown = torch.tensor(shown_kinds(options.types))
        self._key, self._lived, self._episode = torch.tensor([key]), 0, -1

    def begin(self, label: str) -> str:
        """See :class:`~embodied_mem.control.search.Pilot`: the next episode of the trial begins."""
        if label not in self._goals:
            return f"the policy knows no {label!r}" if label else "the policy needs the name of a thing"
        self._goal, self._step, self._action, self._start = self._goals.index(label), 0, len(ACTIONS), None
        self._episode += 1
        return ""

    @torch.no_grad()
    def act(self, view: Slices, place: tuple[float, float], heading: int) -> str:
        """See :class:`~embodied_mem.control.search.Pilot`: one step, drawn as in training."""
        self._start = self._start or place
        output, self.state = self.policy.step(self._tokens(view, place, heading), self.state)
        self._lived, self._step = self._lived + 1, self._step + 1
        self._action = int(sample(output.logits.log_softmax(-1), uniform(self._key, self._lived)))
        return ACTIONS[self._action]

    def _tokens(self, view: Slices, place: tuple[float, float], heading: int) -> Tokens:
        seen = observation(view, place if self.options.position != "start" else _from(self._start, place), self._shown)
        if self.options.compass:
            seen["heading"] = torch.tensor([[heading]])
        # What a step pays is only felt at the end of an episode: see Step.felt.
        return {**seen, "goal": torch.tensor([[self._goal]]), "action": torch.tensor([self._action]),
                "reward": torch.zeros(1), "step": torch.tensor([self._step]),
                "episode": torch.tensor([self._episode])}  # fmt: skip


def observation(view: Slices, place: tuple[float, float], shown: torch.Tensor) -> Tokens:
    """What the environment's observation shows of a view from a place: position and fan, a batch of one."""
    ranges = {k: torch.from_numpy(getattr(view, k))[None].float() for k in ("first", "second")}
    kinds = {f"{k}_kind": shown[torch.from_numpy(getattr(view, f"{k}_kind"))][None] for k in ranges}
    near = {k: (v * (1 / _UNIT)).clamp(max=1.0) for k, v in ranges.items()}
    return {"position": torch.tensor([place], dtype=torch.float32) * (1 / _UNIT), **near, **kinds}


def shown_kinds(types: int) -> list[int]:
    """For each of ``LABELS`` the kind that the environment shows with that many goals."""
    goals = {label: OTHER_THING + 1 + i for i, label in enumerate(GOALS[:types])}
    return [goals.get(label, min(i, OTHER_THING)) for i, label in enumerate(LABELS)]


def _from(start: tuple[float, float], place: tuple[float, float]) -> tuple[float, float]:
    return place[0] - start[0], place[1] - start[1]
