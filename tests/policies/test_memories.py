"""Memories: the acting and the learning side agree, and nothing is seen that may not be seen."""

from __future__ import annotations

import pytest
import torch

from embodied_mem.policies.attention import SINKS, attend, with_sink
from embodied_mem.policies.gru import Gru, GruConfig
from embodied_mem.policies.lstm import Lstm
from embodied_mem.policies.relic import Relic, RelicConfig
from tests.policies.agreement import SPEC, check_agreement, check_newest, random_trial, shaken


def relic(**options) -> Relic:
    torch.manual_seed(0)
    return shaken(Relic(SPEC, RelicConfig(width=16, heads=2, hidden=16, **options)))


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("options", [
    {}, {"across": False}, {"budget": 7}, {"budget": 7, "across": False}, {"kv_heads": 1},
    {"ago": "steps", "budget": 7},
], ids=str)  # fmt: skip
def test_relic_acts_as_it_learns(sink, options):
    check_agreement(relic(sink=sink, **options))
    check_newest(relic(sink=sink, **options), random_trial())


def test_a_cache_in_half_precision_takes_half_and_stays_near():
    whole, half, trial = relic(), relic(half_cache=True), random_trial()
    state = half.init_state(3, 40)
    assert 2 * half.state_bytes(state) == whole.state_bytes(whole.init_state(3, 40))
    for t in range(40):
        output, state = half.step({k: v[:, t] for k, v in trial.items()}, state)
    with torch.no_grad():
        assert torch.allclose(output.logits, whole(trial).logits[:, -1], atol=0.1)


def test_relic_acts_as_it_learns_when_episodes_are_rows():
    check_agreement(relic(across=False), length=45, even=True)
    check_newest(relic(across=False), random_trial(length=45, even=True))
    check_agreement(relic(across=False, ago="steps"), length=45, even=True)


@pytest.mark.parametrize(("ago", "same"), [("episodes", True), ("steps", False)])
def test_order_within_an_episode_is_told_by_the_code_of_steps_alone(ago, same):
    policy, trial = relic(layers=1, ago=ago), random_trial(even=True)
    order = torch.tensor([3, 1, 2, 0, *range(4, 40)])
    lived, mixed = policy(trial), policy({k: v[:, order] for k, v in trial.items()})
    assert torch.allclose(lived.logits[:, 9:], mixed.logits[:, 9:], atol=1e-5) == same


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("kind", [Gru, Lstm])
def test_recurrent_policies_act_as_they_learn(kind, across):
    check_agreement(gru(kind, across=across))


def gradient_of_inputs(policy, trial, row: int, t: int) -> torch.Tensor:
    """[B, T]: does what is decided at (row, t) depend on each token?"""
    smell = trial["smell"].clone().requires_grad_()
    output = policy({**trial, "smell": smell})
    (output.logits[row, t].square().sum() + output.value[row, t]).backward()
    return smell.grad.abs().sum(-1)


def gru(kind: type[Gru] = Gru, **options) -> Gru:
    torch.manual_seed(0)
    return shaken(kind(SPEC, GruConfig(width=16, layers=2, hidden=16, **options)))


@pytest.mark.parametrize("make", [relic, lambda: relic(sink="token"), lambda: relic(sink="none"), gru])
def test_no_token_of_the_future_or_of_another_trial_matters(make):
    policy = make()
    depends = gradient_of_inputs(policy, random_trial(), row=1, t=20)
    assert (depends[1, :21] > 0).all() and (depends[1, 21:] == 0).all()
    assert (depends[[0, 2]] == 0).all()


@pytest.mark.parametrize("make", [relic, gru])
def test_without_memory_across_episodes_only_the_own_episode_matters(make):
    trial = random_trial()
    depends = gradient_of_inputs(make(across=False), trial, row=1, t=30)[1]
    own = (trial["episode"][1] == trial["episode"][1, 30]) & (torch.arange(40) <= 30)
    assert 1 < own.sum() < 10 and ((depends > 0) == own).all()


def test_with_a_budget_older_tokens_are_out_of_one_layer_s_sight():
    depends = gradient_of_inputs(relic(layers=1, budget=5), random_trial(), row=0, t=30)[0]
    assert (depends > 0).nonzero().flatten().tolist() == [26, 27, 28, 29, 30]


def test_order_of_old_episodes_matters_only_through_their_index():
    """Two old episodes swapped in one layer (in more, the second of two has seen the first): nothing but the rotary
    code of their index tells."""
    policy, trial = relic(layers=1), random_trial(length=27, even=True)
    order = torch.cat([torch.arange(9, 18), torch.arange(9), torch.arange(18, 27)])
    swapped = {k: v[:, order] for k, v in trial.items()}
    kept = {**swapped, "episode": swapped["episode"].clone()}  # each keeps its old index: pure relabelling
    relabelled = {**swapped, "episode": trial["episode"]}
    late = slice(18, 27)
    with torch.no_grad():
        before, same, other = policy(trial), policy(kept), policy(relabelled)
    assert torch.allclose(before.logits[:, late], same.logits[:, late], atol=1e-4)
    assert not torch.allclose(before.logits[:, late], other.logits[:, late], atol=1e-4)


def test_the_zero_sink_is_softmax_with_one_more_in_the_denominator():
    g = torch.Generator().manual_seed(3)
    q, k, v = (torch.randn(2, 2, 6, 8, generator=g) for _ in range(3))
    zero = torch.zeros(2, 8)
    got = attend(q, with_sink(k, zero), with_sink(v, zero), None)
    weights = torch.exp(q @ k.transpose(-1, -2) / 8**0.5).tril()
    expected = weights @ v / (1 + weights.sum(-1, keepdim=True))
    assert torch.allclose(got, expected, atol=1e-6)


def test_only_the_learned_parts_of_a_sink_are_parameters():
    names = {s: [n for n, _ in relic(sink=s, layers=1).named_parameters() if "sink." in n] for s in SINKS}
    learned = {s: sorted(n.split(".")[-1] for n in found) for s, found in names.items()}
    assert learned == {"kv": ["key", "value"], "kv0": ["key"], "k0v": ["value"], "k0v0": [], "token": [], "none": []}
    assert relic(sink="token").token is not None


def test_drop_path_is_drawn_from_the_trainer_s_generator_and_is_off_while_acting():
    policy, trial = relic(drop_path=0.5).train(), random_trial()
    policy.generator = torch.Generator().manual_seed(5)
    one, other = policy(trial).logits, policy(trial).logits
    policy.generator.manual_seed(5)
    assert torch.equal(policy(trial).logits, one) and not torch.equal(one, other)
    policy.eval()
    assert torch.equal(policy(trial).logits, policy(trial).logits)
