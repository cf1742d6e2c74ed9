"""Spatially aware memory: what goes by which rule, what is read, and how a learned allocator decides and learns."""

from __future__ import annotations

import pytest
import torch

from embodied_mem.errors import ConfigError
from embodied_mem.policies.allocator import RULES, Slots, forgotten
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.tokens import Spec
from embodied_mem.policies.train import train
from embodied_mem.policies.trainer import Trainer
from embodied_mem.sim.vector.protocol import Space
from tests.policies.agreement import SPEC, check_agreement, random_trial, shaken
from tests.policies.test_learning import tiny
from tests.policies.test_segments import changed

SMALL = {"kind": "spatial", "width": 16, "heads": 2, "hidden": 16, "budget": 7, "top": 2, "place": "place", "cell": 2}


def spatial(**options):
    return shaken(make_policy(SPEC, {**SMALL, **options}))


# Places of eleven tokens, and what of them is in a memory of four after each of the last seven is written.
PLACES = [0, 1, 0, 0, 1, 2, 2, 1, 0, 3, 3]
TRACES = {
    "fifo": [{1, 2, 3, 4}, {2, 3, 4, 5}, {3, 4, 5, 6}, {4, 5, 6, 7}, {5, 6, 7, 8}, {6, 7, 8, 9}, {7, 8, 9, 10}],
    "lifo": [{0, 1, 2, 4}, {0, 1, 2, 5}, {0, 1, 2, 6}, {0, 1, 2, 7}, {0, 1, 2, 8}, {0, 1, 2, 9}, {0, 1, 2, 10}],
    # The only one not of place 0 goes each time, until all are of place 0 and the oldest goes; then the 9 of place 3.
    "lvfo": [{0, 2, 3, 4}, {0, 2, 3, 5}, {0, 2, 3, 6}, {0, 2, 3, 7}, {0, 2, 3, 8}, {2, 3, 8, 9}, {2, 3, 8, 10}],
    # Place 0 has three (0 goes), as many as place 1 (the oldest, 1), most again (2); place 2 has two (5), place 1 (4),
    # place 0 (3); then all have one (the oldest, 6).
    "mvfo": [{1, 2, 3, 4}, {2, 3, 4, 5}, {3, 4, 5, 6}, {3, 4, 6, 7}, {3, 6, 7, 8}, {6, 7, 8, 9}, {7, 8, 9, 10}],
}


def memory_after(rule: str, places: list[int], count: int, weights=None) -> list[set[int]]:
    place = torch.tensor([places])
    until = forgotten(place, torch.full_like(place, RULES.index(rule)), count, 4, (rule,), weights)[0].tolist()
    return [{j for j in range(t + 1) if until[j] > t} for t in range(count, len(places))]


@pytest.mark.parametrize("rule", TRACES)
def test_rules_match_traces_by_hand(rule):
    assert memory_after(rule, PLACES, 4) == TRACES[rule]


def test_the_least_attended_goes_by_mean_attention_per_read():
    """Three slots. Attention goes to each token by a fixed share; a new one is not judged by how short it was there."""
    share = torch.tensor([0.5, 0.1, 0.3, 0.2, 0.6, 0.05])

    def weights(t, slots):
        return torch.where(slots.used, share[slots.time.clamp(min=0)], 0.0)

    after = memory_after("least", [0] * 6, 3, weights)
    assert after == [{0, 2, 3}, {0, 2, 4}, {0, 4, 5}]  # 1 goes first (0.1), then 3 (0.2), then 2 (0.3)


def test_rules_of_rows_are_independent():
    place = torch.tensor([PLACES, PLACES, PLACES])
    rule = torch.tensor([[RULES.index(r)] * len(PLACES) for r in ("fifo", "lifo", "mvfo")])
    together = forgotten(place, rule, 4, 4)
    for row in range(3):
        assert torch.equal(together[row], forgotten(place[:1], rule[row : row + 1], 4, 4)[0])


def test_slots_fill_in_turn_before_anything_goes():
    slots, rule = Slots.empty(1, 3, torch.device("cpu")), torch.tensor([RULES.index("lifo")])
    for t in range(3):
        assert slots.slot_for(t, rule, 4).tolist() == [t]
        slots = slots.written(torch.tensor([t]), torch.tensor([0]), t)
    assert slots.used.all() and slots.slot_for(3, rule, 4).tolist() == [2]


@pytest.mark.parametrize("options", [
    *({"allocator": rule} for rule in RULES), {"cell": 1, "top": 30}, {"budget": 50}, {"budget": 1},
    *({"allocator": "learned", "decide": d} for d in ("trial", "episode", "write")),
    *({"span": 9, "allocator": rule} for rule in (*RULES, "learned")), {"span": 30}, {"span": 2, "budget": 50},
    {"codes": 0.3, "span": 9}, *({"running": 8, "span": 9, "allocator": rule} for rule in ("mvfo", "least", "learned")),
], ids=str)  # fmt: skip
def test_acts_as_it_learns_across_episode_ends_and_evictions(options):
    check_agreement(spatial(**options))


@torch.no_grad()
def test_what_recurs_looks_the_same_at_any_time_of_a_long_life():
    """With a span, a day like the one before gives the same outputs, however long the trial has lasted."""
    day, days = random_trial(batch=2, length=6), 8
    endless = {key: torch.cat([value] * days, 1) for key, value in day.items()}
    made = spatial(allocator="fifo", span=12)
    lived = made(endless).logits.unflatten(1, (days, 6))
    assert torch.allclose(lived[:, 3:], lived[:, 3:4].expand_as(lived[:, 3:]), atol=1e-4)
    forever = spatial(allocator="fifo")(endless).logits.unflatten(1, (days, 6))
    assert not torch.allclose(forever[:, 7], forever[:, 3], atol=1e-3), "else this test tells nothing"


@pytest.mark.parametrize("rule", (*RULES, "learned"))
def test_an_update_learns_through_the_memory_as_it_was_acted_in(rule):
    policy, trial = spatial(allocator=rule), random_trial()
    prepared = policy.prepared(trial)
    assert torch.equal(policy(prepared).logits, policy(trial).logits)
    shaken(policy)
    anew = policy.prepared(trial)
    same = torch.equal(anew["until"], prepared["until"])
    assert same == (rule not in ("least", "learned")), "what goes follows from weights only where a rule asks them"
    assert torch.equal(policy(prepared).logits, policy(trial).logits) == same


@pytest.mark.parametrize("allocator", ["mvfo", "least", "learned"])
def test_a_token_matters_to_its_own_trial_from_then_on(allocator):
    where = changed(spatial(allocator=allocator, top=30), random_trial(), row=1, t=20)
    assert not where[[0, 2]].any() and not where[1, :20].any()
    assert where[1, 20:22].all(), "at its own step, and at the next, when it is in memory whatever the rule"


def test_what_was_evicted_does_not_matter_any_more():
    """With FIFO and a budget of 7 tokens a token is read at the seven steps after its own, in any number of layers."""
    where = changed(spatial(allocator="fifo", top=30), random_trial(), row=0, t=10)[0]
    assert where.nonzero().flatten().tolist() == list(range(10, 18))


def test_gradient_runs_into_memory():
    trial = random_trial()
    smell = trial["smell"].clone().requires_grad_()
    spatial(allocator="fifo", top=30)({**trial, "smell": smell}).logits[0, 30].square().sum().backward()
    assert smell.grad[0].abs().sum(-1).nonzero().flatten().tolist() == list(range(23, 31))


def test_the_read_chooses_places_by_their_mean_moment():
    """Against the definition: mean-pool the moments of each place, score, take the best two, attend inside each."""
    made, trial = spatial(layers=1, budget=50), random_trial(batch=1, length=12)
    block, t = made.blocks[0], 11
    with torch.no_grad():
        moments, place = made._moments(trial, torch.arange(12)), made._place(trial)[0, :t]
        kept, x = block.memory_norm(moments[0, :t]), block.norm(moments[0, t])
        pooled = {int(p): kept[place == p].mean(0) for p in place.unique()}
        score = {p: float(block.relevant(x) @ block.summary(m)) / 4 for p, m in pooled.items()}
        best = sorted(score, key=score.get)[-2:]
        weight = torch.softmax(torch.tensor([score[p] for p in best]), 0)
        query = block.query(x).unflatten(0, (2, 8))
        read = torch.zeros(16)
        for w, p in zip(weight, best, strict=True):
            key, value = block.key_value(kept[place == p]).unflatten(-1, (2, 2, 8)).unbind(1)
            inside = torch.softmax(torch.einsum("hd,jhd->hj", query, key) / 8**0.5, -1)
            read += w * torch.einsum("hj,jhd->hd", inside, value).flatten()
        y = moments[0, t] + block.out(read)
        expected = made.heads(y + block.mlp(block.mlp_norm(y)))
        assert len(score) > 2 and torch.allclose(made(trial).logits[0, t], expected.logits, atol=1e-4)


def test_positions_in_numbers_make_places_of_metres():
    """``cell: 2`` are two metres; what is 40 m apart shares a number, and memory is read as from an index field."""
    spaces = {"position": Space("vector", (2,)), "smell": Space("vector", (3,))}
    made = shaken(make_policy(Spec(spaces, 4, 9), {**SMALL, "place": "position"}))
    metres = torch.tensor([[0.5, 0.5], [1.9, 0.1], [2.1, 0.1], [-0.1, 0.0], [39.9, 0.0]])
    number = made._place({"position": metres / 10, "step": torch.zeros(5, dtype=torch.int64)})
    assert made.places == 400 and number.tolist() == [0, 0, 20, 380, 380]
    trial = random_trial()
    trial["position"] = torch.randn(3, 40, 2, generator=torch.Generator().manual_seed(2)) / 2
    with torch.no_grad():
        assert torch.allclose(made(trial).logits, made.replay(trial)[0].logits, atol=1e-4)


def test_memory_keeps_one_moment_whatever_the_layers():
    sizes = [(made := spatial(layers=n)).state_bytes(made.init_state(2)) for n in (1, 3)]
    assert sizes[0] == sizes[1] == 2 * 7 * (4 * 16 + 8 + 8 + 4)  # a moment, its time, its place, its attention


def test_an_unknown_place_is_refused():
    with pytest.raises(ConfigError, match="place: 'smell' must be 'position' or an index field.*there are: place"):
        spatial(place="smell")
    with pytest.raises(ConfigError, match="'position'.*there are: place"):
        spatial(place="position")
    with pytest.raises(ConfigError, match="rules: .* each once"):
        spatial(rules=["fifo", "fifo"])


def learning(**options):
    policy = {**SMALL, "place": "position", "allocator": "learned", "layers": 1, **options}
    return tiny(policy=policy, updates=2, total_steps=4 * 8 * 24, checkpoint_every=2)


def test_what_a_learned_allocator_decided_is_kept_and_done_again():
    trainer = Trainer(learning(decide="episode", explore=1.0))
    trainer.collector.begin(trainer.house_seeds(), 24)
    trial = trainer.collector.collect(24)
    rule, step = trial.tokens["rule"], trial.tokens["step"]
    assert len(rule.unique()) > 2 and (rule[:, 1:] == rule[:, :-1])[step[:, 1:] > 0].all()
    shuffled = trainer.collector.shuffle(trial)  # decisions go with their episodes
    assert (shuffled.tokens["rule"][:, 1:] == shuffled.tokens["rule"][:, :-1])[step[:, 1:] > 0].all()
    shaken(trainer.policy)
    recorded = trainer.policy(trial.tokens).logits
    own = trainer.policy({k: v for k, v in trial.tokens.items() if k != "rule"}).logits
    assert not torch.allclose(recorded, own, atol=1e-4)
    replayed, _ = trainer.policy.replay(trial.tokens)
    assert torch.allclose(recorded, replayed.logits, atol=1e-4)


def test_an_allocator_learns_which_rule_pays():
    """Where only steps under LIFO are paid, Q comes to prefer it, everywhere."""
    made, trial = spatial(allocator="learned", decide="write", horizon=0.0), random_trial(length=150)
    trial["rule"] = torch.randint(len(RULES), trial["step"].shape, generator=torch.Generator().manual_seed(0))
    reward = (trial["rule"] == RULES.index("lifo")).float()
    optimiser = torch.optim.Adam(made.judge.parameters(), 0.02)
    for _ in range(100):
        optimiser.zero_grad()
        made.side_loss(trial, reward, 0).backward()
        optimiser.step()
    without = {k: v for k, v in trial.items() if k != "rule"}
    rules = made._rules(without, made._moments(without, torch.arange(150)))
    assert (rules == RULES.index("lifo")).float().mean() > 0.9


def test_credit_of_a_choice_is_the_discounted_mean_of_what_follows_it():
    made, trial = spatial(allocator="learned", decide="trial", horizon=0.5), random_trial(batch=1, length=3)
    trial["rule"] = torch.full((1, 3), RULES.index("mvfo"))
    believed = made.judge.value(made._moments(trial, torch.arange(3)))[0, 0, RULES.index("mvfo")]
    mean = (1.0 + 0.5 * 4.0 + 0.25 * 8.0) / 1.75
    loss = made.side_loss(trial, torch.tensor([[1.0, 4.0, 8.0]]), 0)
    assert float(loss.detach()) == pytest.approx(0.1 * float(believed.detach() - mean) ** 2, rel=1e-4)
    assert made.side_loss(trial, torch.tensor([[1.0, 4.0, 8.0]]), 1) == 0  # no choice was made from step 1 on


def test_training_a_learned_allocator_moves_its_judge(tmp_path):
    config = learning()
    before = Trainer(config).policy.judge.value[1].weight.clone()
    after = train(config, tmp_path, quiet=True).policy.judge.value[1].weight
    assert not torch.equal(before, after)
