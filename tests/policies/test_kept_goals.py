"""Whether a spatial memory holds the goal: what the script counts against what must be so by the rule."""

from __future__ import annotations

import runpy
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from embodied_mem.policies.actors import PolicyActor
from embodied_mem.policies.build import make_environment, make_policy
from embodied_mem.policies.tokens import Spec
from embodied_mem.policies.trials import run_trials

SCRIPT = Path(__file__).parents[2] / "scripts" / "kept_goals.py"
CHECKPOINTS = SCRIPT.parents[1] / "policies" / "checkpoints"
SPATIAL = CHECKPOINTS / "grid_object_search" / "spatial-0.safetensors"
HOUSES, EPISODES = 8, 5


@pytest.fixture(scope="module")
def script():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture
def env():
    return make_environment("grid_object_search", {"split": "test"}, HOUSES)


def asked(script, env, budget=None, rule=None):
    return script.ask(env, script.load(SPATIAL, budget, rule)[0], HOUSES, EPISODES)


class Sightings:
    """Acts as ``actor`` does and keeps when each kind of goal was in view, and what was asked for."""

    def __init__(self, script, actor):
        self.script, self.actor = script, actor

    def begin(self, env, capacity, keys):
        self.actor.begin(env, capacity, keys)
        self.spaces, self.views, self.goals, self.begins = env.spaces, [], [], []

    def act(self, tokens):
        self.views.append(self.script.in_view(tokens, self.spaces))
        self.goals.append(tokens["goal"][:, 0])
        self.begins.append((tokens["step"] == 0) & (tokens["episode"] > 0))
        return self.actor.act(tokens)

    def ages(self, house, episodes):
        """Steps since the goal of each episode after the first was last in view, as it begins; 0: it never was."""
        for now in [t for t, begins in enumerate(self.begins) if begins[house]][: episodes - 1]:
            ago = [now - t for t in range(now) if self.views[t][house, self.goals[now][house]]]
            yield min(ago, default=0)


def ages(script, env, actor, houses, episodes):
    seen = Sightings(script, actor)
    run_trials(env, seen, range(houses), episodes)
    return np.array([list(seen.ages(house, episodes)) for house in range(houses)])


def test_who_keeps_everything_has_every_goal_it_has_seen(script, env):
    found = asked(script, env, budget=EPISODES * env.episode_cap)
    assert (found.kept > 0).tolist() == found.seen.tolist()
    assert found.seen.any() and not found.seen.all() and found.rules == {}  # never full


@pytest.mark.parametrize("budget", [1, 10, 30])
def test_the_latest_steps_hold_what_was_seen_no_longer_ago_than_that(script, env, budget):
    found = asked(script, env, budget, "fifo")
    age = ages(script, env, script.load(SPATIAL, budget, "fifo")[0], HOUSES, EPISODES)
    assert (found.kept > 0).tolist() == ((age > 0) & (age <= budget)).tolist()
    assert found.seen.tolist() == (age > 0).tolist()
    assert found.kept.max() <= budget and (found.seen & (found.kept == 0)).any() and found.rules == {"fifo": 1.0}


def test_it_looks_on_and_changes_nothing(script, env):
    actor = script.load(SPATIAL, 24, "mvfo")[0]
    curves, found = run_trials(env, actor, range(HOUSES), EPISODES), script.ask(env, actor, HOUSES, EPISODES)
    assert np.array_equal(found.success, curves.success[:, 1:]) and np.array_equal(found.returns, curves.returns[:, 1:])


def test_episodes_that_end_early_begin_in_each_house_by_themselves(script):
    env = make_environment("object_search", {"split": "dev", "houses": 2, "cap": 30, "compass": True}, 2)
    torch.manual_seed(0)
    policy = make_policy(Spec.of(env), {"kind": "spatial", "width": 16, "budget": 20, "allocator": "fifo"})
    found, age = (f(env, PolicyActor(policy), 2, 4) for f in (script.ask, partial(ages, script)))
    assert (found.kept > 0).tolist() == ((age > 0) & (age <= 20)).tolist()


def test_a_last_batch_that_is_not_full_is_counted_without_its_padding(script, env):
    actor = script.load(SPATIAL, 24, "mvfo")[0]
    whole, some = script.ask(env, actor, 2 * HOUSES, 3), script.ask(env, actor, HOUSES + 3, 3)
    assert np.array_equal(some.kept, whole.kept[: HOUSES + 3]) and np.array_equal(some.seen, whole.seen[: HOUSES + 3])


def test_of_a_learned_rule_it_says_which_were_in_force(script, env):
    policy = make_policy(Spec.of(env), {"kind": "spatial", "width": 16, "budget": 10, "allocator": "learned",
                                        "decide": "write"})  # fmt: skip
    found = script.ask(env, PolicyActor(policy), HOUSES, 2)
    assert sum(found.rules.values()) == pytest.approx(1.0, abs=0.01)
    first = max(found.rules, key=found.rules.get)
    assert f"| {first} {found.rules[first]:.2f}" in script.table({"own": [script.figures(found)]})


def test_groups_without_an_episode_have_no_mean(script, env):
    row = script.figures(asked(script, env, budget=EPISODES * env.episode_cap))
    assert row["episodes_forgotten"] == 0 and row["success_forgotten"] is None and row["kept"] == 1.0
    assert row["episodes_kept"] + row["episodes_new"] == HOUSES * (EPISODES - 1)
    assert "| –, – |" in script.table({"all": [row]})


@pytest.mark.parametrize(("arguments", "says"), [
    ([CHECKPOINTS / "darkroom" / "relic-0.safetensors"], "is a policy of kind relic; take those of kind spatial"),
    ([SPATIAL, "--budgets", "0"], "policy.budget: 0 is out of range"),
    ([SPATIAL, "--houses", "1001"], "--houses: 1001 must be from 1 to 1000"),
    ([SPATIAL, "--episodes", "1"], "--episodes: 1 must be from 2 to 1000"),
])  # fmt: skip
def test_what_cannot_be_asked_is_said(arguments, says, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["kept_goals.py", *map(str, arguments)])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert says in capsys.readouterr().err
