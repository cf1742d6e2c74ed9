"""Trials with demonstrations: the oracle's episodes come first in the context, and only one's own are counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from embodied_mem.errors import ConfigError
from embodied_mem.policies.actors import OracleActor, PolicyActor, RandomActor
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.relic import Relic, RelicConfig
from embodied_mem.policies.tokens import Spec, stack
from embodied_mem.policies.trials import run_trials, summary
from embodied_mem.tasks.darkroom.env import Darkroom, DarkroomConfig
from embodied_mem.tasks.grid_object_search.env import GridConfig, GridObjectSearch
from tests.policies.agreement import shaken
from tests.policies.test_learning import MEMORIES

HOUSES = range(1, 21)
EARLY = GridConfig(size=7, rooms=2, reward="shaped", early_end=True, cap=30, types=2)


def darkroom() -> Darkroom:
    return Darkroom(DarkroomConfig(size=5, cap=10), len(HOUSES))


class Copycat:
    """Does what was done at the same step of the episode before, as its tokens say; in the first it stays."""

    def begin(self, env, capacity, keys):
        self.seen = []

    def act(self, tokens):
        self.seen.append({k: v.clone() for k, v in tokens.items()})
        t, cap = len(self.seen) - 1, 10
        stay = torch.full_like(tokens["action"], 4)
        # The token after an episode's last step does not tell that step, so it stays there.
        return stay if t < cap or t % cap == cap - 1 else self.seen[t - cap + 1]["action"]


class Shown(OracleActor):
    """The oracle, which writes down what it reads."""

    def begin(self, env, capacity, keys):
        super().begin(env, capacity, keys)
        self.seen = []

    def act(self, tokens):
        self.seen.append({k: v.clone() for k, v in tokens.items()})
        return super().act(tokens)


def test_who_copies_one_demonstration_does_as_well_as_the_oracle():
    env, copycat = darkroom(), Copycat()
    copied = run_trials(env, copycat, HOUSES, episodes=3, demonstrations=1)
    oracle = run_trials(env, Shown(), HOUSES, episodes=4)
    np.testing.assert_array_equal(copied.returns, oracle.returns[:, 1:])
    assert copied.returns.shape == (20, 3) and copied.success.all()
    assert run_trials(env, copycat, HOUSES, episodes=4).returns[:, 1:].sum() < copied.returns.sum() / 4


def test_what_is_remembered_of_a_demonstration_is_what_the_oracle_lived():
    env, copycat, oracle = darkroom(), Copycat(), Shown()
    run_trials(env, copycat, HOUSES, episodes=1, demonstrations=2)
    run_trials(env, oracle, HOUSES, episodes=3)
    for t in range(21):  # two episodes, and the first token of one's own
        for name, value in oracle.seen[t].items():
            assert torch.equal(copycat.seen[t][name], value), (t, name)


def test_own_episodes_are_those_of_the_plain_curve_after_as_much_experience():
    """Also where episodes end early, so that rows are at different episodes."""
    env = GridObjectSearch(EARLY, 16)
    plain = run_trials(env, OracleActor(), range(1, 21), episodes=5)
    after = run_trials(env, OracleActor(), range(1, 21), episodes=3, demonstrations=2)
    assert len(np.unique(plain.steps)) > 3
    for name in ("success", "returns", "steps", "spl", "seen"):
        np.testing.assert_array_equal(getattr(after, name), getattr(plain, name)[:, 2:])
    drunk = run_trials(env, RandomActor(), range(1, 21), episodes=3, demonstrations=2)
    assert drunk.success.mean() < after.success.mean() == 1


def test_demonstrations_of_other_houses_are_of_no_use():
    env = darkroom()
    own, foreign = (run_trials(env, Copycat(), range(1, 41), 1, demonstrations=1, swapped=s) for s in (False, True))
    assert foreign.returns.mean() < own.returns.mean() / 2 and not foreign.seen.any()


def test_goals_that_a_demonstration_went_past_count_as_seen():
    env = GridObjectSearch(GridConfig(size=7, rooms=2, cap=20, types=4), 64)
    plain = run_trials(env, RandomActor(), range(1, 65), episodes=2)
    shown = run_trials(env, RandomActor(), range(1, 65), episodes=2, demonstrations=3)
    assert not plain.seen[:, 0].any() and shown.seen[:, 0].mean() > 0.5
    figures = summary([shown])
    seen, other = (figures[f"return_by_episode_goal_{k}"][0] for k in ("seen", "not_seen"))
    weight = shown.seen[:, 0].mean()
    assert weight * seen + (1 - weight) * other == pytest.approx(shown.returns[:, 0].mean(), abs=1e-3)


def test_demonstrations_need_somebody_who_knows_the_way():
    env = darkroom()
    env.oracle = None
    with pytest.raises(ConfigError, match="nobody knows the way"):
        run_trials(env, RandomActor(), HOUSES, episodes=1, demonstrations=1)


class Witness(PolicyActor):
    """A policy that writes down what it reads and what it thinks."""

    def begin(self, env, capacity, keys):
        super().begin(env, capacity, keys)
        self.seen, self.thought, step = [], [], self.policy.step

        def watched(tokens, state):
            output, state = step(tokens, state)
            self.seen.append({**tokens, **self.policy.lived(state)})
            self.thought.append(output.logits)
            return output, state

        self.policy.step = watched


@pytest.mark.parametrize("kind", MEMORIES)
def test_every_memory_holds_its_demonstrations(kind):
    """What it thinks in its own episode is what ``forward`` says after the oracle's actions; and they matter."""
    env = Darkroom(DarkroomConfig(size=5, cap=8), 6)
    policy = shaken(make_policy(Spec.of(env), MEMORIES[kind]))
    witness = Witness(policy)
    run_trials(env, witness, range(1, 7), episodes=1, demonstrations=1)
    trial = stack(witness.seen)
    with torch.no_grad():
        whole = policy(trial).logits
        blank = policy({**trial, "action": torch.where(trial["episode"] == 0, 5, trial["action"])}).logits
    assert trial["step"].shape == (6, 16)
    assert torch.allclose(torch.stack(witness.thought, 1), whole, atol=1e-4)
    assert not torch.allclose(whole[:, 8:], blank[:, 8:], atol=1e-3), "what was done then is forgotten"


def test_what_is_said_to_be_kept_is_the_most_between_two_steps():
    """A memory of segments holds least where one has just ended, as here: two segments of eight."""
    env = Darkroom(DarkroomConfig(size=5, cap=8), 2)
    policy = make_policy(Spec.of(env), {"kind": "hcam", "width": 16, "hidden": 16, "segment": 8, "budget": 24})
    actor = PolicyActor(policy)
    run_trials(env, actor, [1, 2], episodes=2)
    assert actor.bytes_kept > policy.state_bytes(actor.state) // 2, "the trial ends with a segment"


def test_a_policy_without_memory_has_no_slope_whatever_was_shown_before():
    """Episodes end early, which would bend the curve of a fixed number of steps."""
    env = GridObjectSearch(EARLY, 128)
    torch.manual_seed(0)
    memoryless = PolicyActor(shaken(Relic(Spec.of(env), RelicConfig(width=16, heads=2, hidden=16, across=False))))
    curves = run_trials(env, memoryless, range(1, 257), episodes=5, demonstrations=1)
    slopes = curves.returns @ (np.arange(5) - 2.0) / 10
    assert abs(slopes.mean()) < 3 * slopes.std() / np.sqrt(len(slopes))
    assert 0.05 < curves.success.mean() < 0.95 and curves.returns.shape == (256, 5)


def test_rows_of_a_batch_do_not_influence_each_other():
    env = GridObjectSearch(EARLY, 8)
    torch.manual_seed(0)
    actor = PolicyActor(shaken(Relic(Spec.of(env), RelicConfig(width=16, heads=2, hidden=16))))
    together = run_trials(env, actor, range(1, 9), episodes=3, demonstrations=1)
    alone = run_trials(GridObjectSearch(EARLY, 1), actor, [5], episodes=3, demonstrations=1)
    np.testing.assert_array_equal(together.steps[4], alone.steps[0])
