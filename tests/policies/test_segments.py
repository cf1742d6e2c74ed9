"""Memories of segments, and the LSTM: acting agrees with learning, nothing is seen that may not be, and each keeps,
forgets and lets gradient through as its source says."""

from __future__ import annotations

import pytest
import torch

from embodied_mem.errors import ConfigError
from embodied_mem.policies.attention import two_level
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.elmur import EMPTY, rewrite
from embodied_mem.policies.trxl import windows
from tests.policies.agreement import SPEC, check_agreement, random_trial, shaken

SIZE = {"width": 16, "heads": 2, "hidden": 16, "segment": 6}
KINDS = {
    "lstm": {"kind": "lstm", "width": 16, "hidden": 16},
    "trxl": {"kind": "trxl", **SIZE, "budget": 14},
    "trxl, all gradient": {"kind": "trxl", **SIZE, "budget": 14, "detach": False},
    "trxl, segments of one": {"kind": "trxl", **SIZE, "segment": 1, "budget": 9},
    "hcam": {"kind": "hcam", **SIZE, "budget": 24, "top": 2},
    "hcam, all gradient": {"kind": "hcam", **SIZE, "budget": 24, "top": 2, "detach": False},
    "elmur": {"kind": "elmur", **SIZE, "budget": 9, "farthest": 12},
    "elmur, all gradient": {"kind": "elmur", **SIZE, "budget": 9, "farthest": 12, "detach": False},
    "memo": {"kind": "memo", **SIZE, "budget": 13, "summaries": 2},
    "rate": {"kind": "rate", **SIZE, "budget": 9},
    "rate, all gradient": {"kind": "rate", **SIZE, "budget": 9, "detach": False},
}


def policy(name: str, **options):
    return shaken(make_policy(SPEC, {**KINDS[name], **options}))


@pytest.mark.parametrize("name", KINDS)
def test_acts_as_it_learns_across_episode_ends_evictions_and_segment_ends(name):
    check_agreement(policy(name))


def changed(made, trial: dict, row: int, t: int) -> torch.Tensor:
    """[B, T]: where decisions change when one token is another."""
    other = {**trial, "smell": trial["smell"].clone()}
    other["smell"][row, t] += 3.0
    with torch.no_grad():
        return ~torch.isclose(made(trial).logits, made(other).logits, atol=1e-5).all(-1)


@pytest.mark.parametrize("name", KINDS)
def test_a_token_matters_to_its_own_trial_from_then_on(name):
    where = changed(policy(name), random_trial(), row=1, t=20)
    assert not where[[0, 2]].any() and not where[1, :20].any()
    assert where[1, 20:24].all() and where[1, 24:30].any()


@pytest.mark.parametrize("name, last", [("trxl", 17), ("hcam", 23), ("memo", 39), ("elmur", 39)])
def test_what_the_budget_has_no_room_for_is_forgotten(name, last):
    """Token 5 ends the first segment of 6. A window of 8 tokens holds it in segments 1 and 2, three chunks of 6 in 1 to
    3; summaries and slots are made of older ones, so that it matters to the end."""
    made = policy(name, layers=1, **({"top": 3} if name == "hcam" else {}))
    where = changed(made, random_trial(), row=0, t=5)[0]
    assert int(where.nonzero().max()) == last


def gradient(made, row: int, t: int) -> torch.Tensor:
    trial = random_trial()
    smell = trial["smell"].clone().requires_grad_()
    made({**trial, "smell": smell}).logits[row, t].square().sum().backward()
    return smell.grad[row].abs().sum(-1) > 0


@pytest.mark.parametrize("name", ["trxl", "hcam", "elmur", "rate"])
def test_gradient_stops_at_the_segment_s_start_unless_it_is_let_through(name):
    assert gradient(policy(name), 0, 27).nonzero().flatten().tolist() == [24, 25, 26, 27]
    through = gradient(policy(f"{name}, all gradient"), 0, 27)
    assert through[24:28].all() and through[18:24].any()


def test_with_segments_of_one_no_step_learns_from_another_s_inputs_but_weights_learn_from_the_memory():
    made = policy("trxl, segments of one", layers=1)
    assert gradient(made, 0, 27).nonzero().flatten().tolist() == [27]
    choosing = made.blocks[0].attention.qkv.weight  # its first 32 rows make queries and keys
    for length, learns in ((1, False), (40, True)):  # alone, a step has nothing to choose from
        choosing.grad = None
        made(random_trial(length=length)).logits.square().sum().backward()
        assert bool((choosing.grad[:32].abs().amax(1) > 1e-5).all()) is learns


def test_what_each_step_sees_is_its_segment_so_far_and_the_memory_before_it():
    seen = {}
    for begin, end, first, last, mask in windows(length=100, segment=3, memory=5, device=torch.device("cpu")):
        columns = [*range(first, last), *range(begin, end)]
        for t in range(begin, end):
            seen[t] = [s for s, sees in zip(columns, mask[t - begin].tolist(), strict=True) if sees]
    assert seen == {t: list(range(max(0, t - t % 3 - 5), t + 1)) for t in range(100)}


def test_gradient_runs_through_memo_s_summaries():
    assert gradient(policy("memo", layers=1), 0, 27)[:28].all()


def test_memo_draws_the_length_of_segments_in_learning_only():
    made, trial = policy("memo", segment=10, budget=20), random_trial()
    made.generator = torch.Generator().manual_seed(1)
    made.train()
    lengths = {made.segment_length() for _ in range(200)}
    assert lengths == {8, 9, 10, 11, 12}
    assert not torch.allclose(made(trial).logits, made(trial).logits)
    made.eval()
    assert torch.equal(made(trial).logits, made(trial).logits)


def test_elmur_rewrites_the_least_recently_written_slot():
    """Three slots, segments of four: filled in order with all of the new, then rewritten in order with a share."""
    anchors, trace = (EMPTY,) * 3, []
    for segment in range(5):
        slot, blend = rewrite(anchors, 0.4)
        trace.append((slot, blend))
        anchors = (*anchors[:slot], 4 * segment + 3, *anchors[slot + 1 :])
    assert trace == [(0, 1.0), (1, 1.0), (2, 1.0), (0, 0.4), (1, 0.4)] and anchors == (15, 19, 11)


def test_elmur_s_slots_fade_as_they_are_rewritten():
    made, trial = policy("elmur", budget=7, blend=0.25, layers=1), random_trial()  # one slot
    seen = []
    made.blocks[0].write = lambda slot, content, ago: torch.full_like(slot, float(len(seen)))
    state = made.init_state(3)
    for t in range(18):
        _, state = made.step({k: v[:, t] for k, v in trial.items()}, state)
        if state.filled == 0:
            seen.append(float(state.memory[1][0].mean()))
    assert seen == [0.0, 0.25 * 1 + 0.75 * 0, 0.25 * 2 + 0.75 * 0.25]


@pytest.mark.parametrize("name", [n for n in KINDS if "gradient" not in n and n != "lstm"])
def test_no_more_tokens_are_kept_than_the_budget_says(name):
    made, trial = policy(name), random_trial()
    state, most = made.init_state(3), 0
    for t in range(40):
        _, state = made.step({k: v[:, t] for k, v in trial.items()}, state)
        if name.startswith("trxl"):
            most = state.keys.shape[-2]
            continue
        kept = state.memory[1][0] if name == "elmur" else state.memory[0] if name == "rate" else None
        if kept is None:
            kept = state.memory[0][-1] if state.memory[0] else torch.zeros(0, 1)
        most = max(most, kept.shape[-2] + state.filled)
    assert most <= made.config.budget, most
    assert made.state_bytes(state) > 0


def test_the_two_level_read_looks_into_the_best_chunks_only():
    """By hand: of three chunks of two tokens the two with the highest score are read, weighted by its softmax."""
    g = torch.Generator().manual_seed(2)
    query, key, value = torch.randn(1, 1, 1, 4, generator=g), *torch.randn(2, 1, 1, 6, 4, generator=g)
    score, chunk = torch.tensor([[[1.0, -1.0, 2.0]]]), torch.tensor([[0, 0, 1, 1, 2, 2]])
    read = two_level(query, key, value, score, chunk, torch.ones(1, 1, 6, dtype=torch.bool), top=2)
    inside = [torch.softmax(query[0, 0] @ key[0, 0, 2 * c : 2 * c + 2].T / 2, -1) @ value[0, 0, 2 * c : 2 * c + 2]
              for c in (0, 2)]  # fmt: skip
    weight = torch.softmax(torch.tensor([1.0, 2.0]), 0)
    assert torch.allclose(read[0, 0], weight[0] * inside[0] + weight[1] * inside[1], atol=1e-6)
    nothing = two_level(query, key, value, torch.full((1, 1, 3), -1e6), chunk, torch.zeros(1, 1, 6).bool(), top=2)
    assert (nothing == 0).all()


def test_a_budget_without_room_for_memory_is_refused():
    with pytest.raises(ConfigError, match="budget: 6 leaves 0 tokens"):
        make_policy(SPEC, {"kind": "trxl", **SIZE, "budget": 6})
    with pytest.raises(ConfigError, match="must be 12 or more"):
        make_policy(SPEC, {"kind": "hcam", **SIZE, "budget": 10})


@pytest.mark.parametrize("name", [n for n in KINDS if n != "lstm"])  # no bf16 LSTM on every CPU
def test_learning_in_half_precision_stays_finite(name):
    made = policy(name).train()
    with torch.autocast("cpu", torch.bfloat16):
        output = made(random_trial())
    (output.logits.square().mean() + output.value.square().mean()).backward()
    assert all(p.grad.isfinite().all() for p in made.parameters() if p.grad is not None)
