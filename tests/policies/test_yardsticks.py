"""Other people's environments: copies of one keep the vector contract, and policies learn in them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from embodied_mem.config import build, read_yaml
from embodied_mem.errors import ConfigError, InputError
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.trainer import Trainer
from embodied_mem.sim.vector.check import check_vector_env
from embodied_mem.sim.vector.from_gymnasium import FromGymnasium, GymnasiumConfig
from embodied_mem.sim.vector.protocol import Space
from embodied_mem.tasks.yardsticks.env import PACKAGES, make
from embodied_mem.tasks.yardsticks.references import REFERENCES

gymnasium = pytest.importorskip("gymnasium")
spaces = gymnasium.spaces
SHIPPED = {path.stem: path for path in Path(__file__).parents[2].glob("configs/yardsticks/*.yaml")}
SEEN = GymnasiumConfig(observe=("cue", "grid", "pair/0", "pair/1", "speed"), symbols=(4, 2), success="rewarded")


class Toy(gymnasium.Env):
    """Everything an observation can be made of; episodes of 2 to 7 steps, the last of which pays 1 or nothing."""

    max_steps = 7
    observation_space = spaces.Dict({
        "cue": spaces.Discrete(3, start=5), "grid": spaces.Box(0, 255, (2, 2, 2), np.uint8), "words": spaces.Text(4),
        "speed": spaces.Box(-np.inf, np.inf, (2,)),
        "pair": spaces.Tuple((spaces.MultiDiscrete([2, 4]), spaces.MultiBinary(3))),
    })  # fmt: skip
    action_space = spaces.MultiDiscrete([2, 3])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.end, self.at = int(self.np_random.integers(2, 8)), 0
        return self._seen(), {}

    def step(self, action):
        assert action in self.action_space
        self.at += 1
        done = self.at == self.end and self.end < 7
        return self._seen(), float(done and self.end % 2), done, self.at == self.end == 7, {}

    def _seen(self):
        draw = self.np_random.integers
        return {"cue": 5 + int(draw(3)), "grid": draw([4, 2], size=(2, 2, 2)).astype(np.uint8), "words": "go",
                "speed": self.np_random.random(2, np.float32), "pair": (draw([2, 4]), draw(2, size=3))}  # fmt: skip


class Copy(gymnasium.Env):
    """Name what was shown one step ago."""

    max_steps, observation_space, action_space = 12, spaces.Discrete(3), spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.shown, self.at = [int(self.np_random.integers(3))], 0
        return self.shown[0], {}

    def step(self, action):
        reward = float(self.at > 0 and action == self.shown[-2])
        self.shown.append(int(self.np_random.integers(3)))
        self.at += 1
        return self.shown[-1], reward, self.at == 12, False, {}


@pytest.mark.parametrize("changes", [{}, {"level": "same"}, {"cap": 4, "actions": (5, 1), "symbols": ()}])
def test_copies_of_an_environment_keep_the_contract(changes):
    check_vector_env(lambda batch: FromGymnasium(Toy, replace(SEEN, **changes), batch))


def test_observations_become_fields_named_by_their_path():
    env = FromGymnasium(Toy, SEEN, 50)
    assert env.episode_cap == 7 and env.actions == 6 and env.oracle is None
    assert env.spaces == {
        "cue": Space("index", (), 3), "grid/0": Space("index", (2, 2), 4), "grid/1": Space("index", (2, 2), 2),
        "pair/0": Space("index", (2,), 4), "pair/1": Space("index", (3,), 2), "speed": Space("vector", (2,)),
    }  # fmt: skip
    obs = env.reset_trial(torch.arange(50))
    assert obs["cue"].unique().tolist() == [0, 1, 2], "whatever the environment begins to count at"
    assert obs["grid/0"].max() == 3 and obs["grid/1"].max() == 1
    pixels = FromGymnasium(Toy, GymnasiumConfig(observe=("grid",)), 50)
    assert pixels.spaces == {"grid": Space("image", (2, 2, 2))}
    assert torch.equal(pixels.reset_trial(torch.arange(50))["grid"], torch.stack([obs["grid/0"], obs["grid/1"]], -1))


def test_an_episode_that_terminates_with_a_reward_was_a_success_and_the_reward_can_be_hidden():
    env, other = FromGymnasium(Toy, SEEN, 24), FromGymnasium(Toy, replace(SEEN, feel_reward=False, success="none"), 24)
    for e in (env, other):
        e.reset_trial(torch.arange(24))
    ends = []
    for _ in range(7):
        step, hidden = (e.step(torch.zeros(24, dtype=torch.int64)) for e in (env, other))
        assert torch.equal(step.success, step.episode_end & (step.reward > 0)) and step.felt is None
        assert not hidden.success.any() and not hidden.felt.any() and torch.equal(hidden.reward, step.reward)
        ends.append((int(step.episode_end.sum()), int(step.success.sum())))
    total, good = map(sum, zip(*ends, strict=True))
    assert 0 < good < total


def test_levels_are_new_or_the_same_along_a_trial_and_apart_between_splits():
    def cues(**changes) -> np.ndarray:
        env = FromGymnasium(Copy, GymnasiumConfig(**changes), 40)
        first = [env.reset_trial(torch.arange(40))["observation"]]
        for t in range(36):
            obs = env.step(torch.zeros(40, dtype=torch.int64)).obs["observation"]
            first += [obs] if t % 12 == 11 else []
        return torch.stack(first, 1).numpy()

    same, new, test = cues(level="same"), cues(), cues(split="test")
    assert (same == same[:, :1]).all() and not (new == new[:, :1]).all()
    assert (same[:, 0] == new[:, 0]).all() and not (new == test).all()


def test_what_has_no_place_here_is_refused_with_the_fix():
    with pytest.raises(ConfigError, match="words is a Text.*observe"):
        FromGymnasium(Toy, GymnasiumConfig(), 1)
    with pytest.raises(ConfigError, match="'sound' is not one of cue, grid"):
        FromGymnasium(Toy, GymnasiumConfig(observe=("sound",)), 1)
    with pytest.raises(ConfigError, match="1 channels, but grid"):
        FromGymnasium(Toy, replace(SEEN, symbols=(4,)), 1)
    with pytest.raises(ConfigError, match="not all in 0..5"):
        FromGymnasium(Toy, replace(SEEN, actions=(6,)), 1)
    with pytest.raises(InputError, match="there are 2 kinds"):
        FromGymnasium(Toy, replace(SEEN, symbols=(2, 2)), 50).reset_trial(torch.arange(50))
    for space, message in ((spaces.Box(0, 1, (2,)), "only Discrete"), (spaces.Discrete(2000), "limit is 1024")):
        with pytest.raises(ConfigError, match=message):
            FromGymnasium(type("Other", (Copy,), {"action_space": space}), GymnasiumConfig(), 1)
    with pytest.raises(ConfigError, match="give it under cap"):
        FromGymnasium(type("Endless", (Copy,), {"max_steps": None}), GymnasiumConfig(), 1)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "popgym", None)
    with pytest.raises(ConfigError, match="needs popgym.*pip install"):
        make("popgym-RepeatPreviousEasy-v0", {})
    with pytest.raises(ConfigError, match="Nowhere-v0 with {} cannot be made"):
        make("Nowhere-v0", {})


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_shipped_yardstick_can_be_learned_in(name):
    experiment = build(ExperimentConfig, read_yaml(SHIPPED[name]))
    for start, packages in PACKAGES.items():
        for package in packages if experiment.environment["id"].startswith(start) else ():
            pytest.importorskip(package, reason=f"{package} is not installed: pip install 'embodied-mem[yardsticks]'")
    assert experiment.name == name
    for agent in experiment.agents:
        config = experiment.training_of(agent, 0)
        row = Trainer(replace(config, trials=2, trial_steps=6, ppo=replace(config.ppo, minibatches=1))).round()
        assert np.isfinite(row["loss"]) and row["steps"] == 12


def test_references_belong_to_yardsticks_and_name_their_source():
    assert set(REFERENCES) <= set(SHIPPED)
    assert all(r.source and r.steps for many in REFERENCES.values() for r in many)


def test_a_policy_learns_to_copy():
    gymnasium.register("Copy-v0", Copy)
    config = build(TrainConfig, {
        "task": "gymnasium", "environment": {"id": "Copy-v0"}, "policy": {"kind": "gru", "width": 32, "hidden": 32},
        "trials": 32, "trial_steps": 12, "total_steps": 12 * 384, "warmup_steps": 0, "learning_rate": 0.01,
        "ppo": {"gamma": 0.0, "minibatches": 4, "epochs": 2},
    })  # fmt: skip
    trainer = Trainer(config)
    first = trainer.round()["return_by_episode"][0]
    while not trainer.done:
        last = trainer.round()["return_by_episode"][0]
    assert first < 5 and last > 9, "11 can be had, a guess is worth 3.7"
