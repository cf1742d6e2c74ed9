"""Partial updates: credit, where the loss stands, what its gradient reaches, and that one update is plain PPO."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from embodied_mem import registry
from embodied_mem.config import build
from embodied_mem.errors import ConfigError
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.ppo import Batch, PPOConfig, TrainingError, advantages, loss_of, update
from embodied_mem.policies.relic import Relic, RelicConfig
from embodied_mem.policies.rollout import Trial, by_episode, sample
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.trainer import Trainer
from tests.policies.agreement import SPEC, random_trial, shaken

TINY = {
    "task": "darkroom", "environment": {"cap": 6}, "trials": 8, "trial_steps": 24, "total_steps": 10_000,
    "policy": {"kind": "relic", "width": 16, "heads": 2, "hidden": 16}, "ppo": {"minibatches": 2},
}  # fmt: skip
_SEGMENTS = {"heads": 2, "segment": 5, "budget": 12}
_SIZES = {"relic": {"heads": 2}, "spatial": {"heads": 2, "budget": 12}, "gru": {}, "lstm": {}}
#: Every kind of memory, small.
MEMORIES = {k: {"kind": k, "width": 16, "hidden": 16, **_SIZES.get(k, _SEGMENTS)} for k in registry.names("policies")}


def tiny(**changes) -> TrainConfig:
    return build(TrainConfig, {**TINY, **changes})


def experiment(seeds: int = 2, **training) -> dict:
    """An experiment of that one tiny agent, as in a file."""
    options = {**{k: v for k, v in TINY.items() if k not in ("task", "environment", "policy")}, **training}
    return {**{k: TINY[k] for k in ("task", "environment")}, "training": options, "seeds": seeds,
            "agents": {"relic": {"policy": TINY["policy"]}}}  # fmt: skip


def made_up(policy=None, length: int = 40) -> Trial:
    """A trial with random rewards; log-probabilities and values are the policy's own."""
    tokens, g = random_trial(length=length), torch.Generator().manual_seed(4)
    end = torch.zeros(3, length, dtype=torch.bool)
    end[:, :-1] = tokens["step"][:, 1:] == 0
    action = torch.randint(4, (3, length), generator=g)
    reward, value, log_prob = (torch.randn(3, length, generator=g) for _ in range(3))
    if policy is not None:
        with torch.no_grad():
            output = policy(tokens)
        value, log_prob = output.value, output.logits.log_softmax(-1).gather(-1, action[..., None])[..., 0]
    return Trial(tokens, action, log_prob, reward, end, value, end)


def policy() -> Relic:
    torch.manual_seed(0)
    return shaken(Relic(SPEC, RelicConfig(width=16, heads=2, hidden=16)))


def test_advantages_are_cut_at_episode_ends_or_not():
    trial = made_up(length=3).rows(torch.tensor([0]))
    trial.reward, trial.value = torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[0.5, 1.0, 1.5]])
    trial.end = torch.tensor([[False, True, False]])
    config = PPOConfig(gamma=0.5, lam=0.5)
    third = 4 + 0.5 * 3 - 1.5
    cut = [1 + 0.5 * 1.0 - 0.5 + 0.25 * (2 - 1.0), 2 - 1.0, third]
    assert advantages(trial, torch.tensor([3.0]), config)[0].tolist() == pytest.approx(cut)
    second = 2 + 0.5 * 1.5 - 1.0 + 0.25 * third
    across = dataclasses.replace(config, across_episodes=True)
    expected = [1 + 0.5 * 1.0 - 0.5 + 0.25 * second, second, third]
    assert advantages(trial, torch.tensor([3.0]), across)[0].tolist() == pytest.approx(expected)


def test_old_steps_have_no_weight_in_the_loss_but_gradient_runs_through_them():
    p, trial = policy(), made_up()
    advantage, start = torch.randn(3, 40, generator=torch.Generator().manual_seed(1)), 30
    smell = trial.tokens["smell"].requires_grad_()
    loss, _ = loss_of(p, Batch(trial, advantage, advantage, start), PPOConfig())
    loss.backward()
    assert (smell.grad.abs().sum(-1)[:, :30] > 0).any(1).all()
    trial.log_prob[:, :start] += 1
    trial.action[:, :start] = (trial.action[:, :start] + 1) % 4
    other = torch.cat([advantage[:, :start] * -3, advantage[:, start:]], 1)
    again, _ = loss_of(p, Batch(trial, other, other, start), PPOConfig())
    assert torch.equal(loss, again)


@pytest.mark.parametrize("updates", [1, 4])
def test_before_the_first_step_the_new_chunk_has_ratio_one(updates, monkeypatch):
    seen = []

    def first_minibatch(policy, optimiser, trial, next_value, start, config, *rest):
        batch = Batch(trial, trial.value, trial.value, trial.length - 24 // updates)
        seen.append(float(loss_of(policy.train(), batch, config)[1]["kl"]))
        return update(policy, optimiser, trial, next_value, start, config, *rest)

    monkeypatch.setattr("embodied_mem.policies.trainer.update", first_minibatch)
    trainer = Trainer(tiny(updates=updates, learning_rate=0.01, warmup_steps=0))
    for _ in range(3):
        trainer.round()
    assert len(seen) == 3 * updates and max(map(abs, seen)) < 1e-6


def test_one_update_a_trial_is_plain_ppo():
    """The textbook's algorithm restated here takes the very same steps."""
    config, trainer = tiny(), Trainer(tiny())
    plain = Trainer(config)
    plain.collector.begin(plain.house_seeds(), 24)
    trial = plain.collector.collect(24)
    advantage = advantages(trial, plain.collector.next_value(), config.ppo)
    returns = advantage + trial.value
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    plain.optimiser.param_groups[0]["lr"] = config.rate_at(8 * 24)
    for _ in range(config.ppo.epochs):
        for rows in torch.randperm(8, generator=plain.learning).chunk(2):
            output = plain.policy({k: v[rows] for k, v in trial.tokens.items()})
            chosen = torch.distributions.Categorical(logits=output.logits)
            ratio = (chosen.log_prob(trial.action[rows]) - trial.log_prob[rows]).exp()
            surrogate = torch.min(ratio * advantage[rows], ratio.clamp(0.8, 1.2) * advantage[rows])
            value_loss = (output.value - returns[rows]).pow(2).mean() / 2
            plain.optimiser.zero_grad()
            (-surrogate.mean() + 0.5 * value_loss - 0.01 * chosen.entropy().mean()).backward()
            torch.nn.utils.clip_grad_norm_(plain.policy.parameters(), 0.5)
            plain.optimiser.step()
    trainer.round()
    for (name, one), other in zip(trainer.policy.named_parameters(), plain.policy.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6), name


@pytest.mark.parametrize("kind", [k for k in MEMORIES if k not in ("relic", "gru", "spatial")])
def test_every_memory_learns_along_a_trial(kind):
    """Two updates a trial, with shuffling and refresh between; the refreshed memory says what learning says."""
    trainer = Trainer(tiny(policy=MEMORIES[kind], updates=2, learning_rate=0.01, warmup_steps=0))
    before = {n: p.clone() for n, p in trainer.policy.named_parameters()}
    row = trainer.round()
    assert math.isfinite(row["loss"]) and row["optimiser_steps"] == 2 * 3 * 2
    moved = [n for n, p in trainer.policy.named_parameters() if not torch.equal(p, before[n])]
    assert any("encoder" in n for n in moved) and any("heads" in n for n in moved)
    trainer.collector.begin(trainer.house_seeds(), 24)
    trial = trainer.collector.refresh(trainer.collector.shuffle(trainer.collector.collect(16)))
    with torch.no_grad():
        assert torch.allclose(trainer.policy(trial.tokens).value, trial.value, atol=1e-4)


@pytest.mark.parametrize("kind", MEMORIES)
def test_half_precision_learns_about_the_same(kind):
    trainer = Trainer(tiny(policy=MEMORIES[kind], precision="bf16"))
    shaken(trainer.policy).train()
    trainer.collector.begin(trainer.house_seeds(), 24)
    trial, gradients = trainer.collector.collect(24), []
    for enabled in (False, True):
        trainer.policy.zero_grad()
        trainer._seed_learning()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss_of(trainer.policy, Batch(trial, trial.reward, trial.reward, 0), PPOConfig())[0].backward()
        gradients.append(torch.cat([w.grad.flatten() for w in trainer.policy.parameters() if w.grad is not None]))
    assert torch.cosine_similarity(*gradients, dim=0) > 0.8


@pytest.mark.slow  # half a minute of compiling each
@pytest.mark.parametrize("kind", ["relic", "gru"])
def test_compiled_learning_takes_the_same_steps(kind):
    options = {"policy": {**MEMORIES[kind], "layers": 1}, "updates": 2, "learning_rate": 0.01, "warmup_steps": 0}
    plain, compiled = (Trainer(tiny(**options, compile=c)) for c in (False, True))
    plain.round(), compiled.round()
    for (name, one), other in zip(plain.policy.named_parameters(), compiled.policy.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4), name
    assert plain.policy.state_dict().keys() == compiled.policy.state_dict().keys()


@pytest.mark.parametrize("kind", MEMORIES)
def test_no_gradient_of_learning_comes_from_the_future_or_another_trial(kind):
    """What weights learn from a decision is the same whatever happens later, or elsewhere."""
    place = {"place": "place", "cell": 1} if kind == "spatial" else {}
    p = shaken(make_policy(SPEC, {**MEMORIES[kind], **place}))
    trial, elsewhere = random_trial(), random_trial(seed=1)
    other = {k: v.clone() for k, v in elsewhere.items()}
    for name, value in trial.items():
        other[name][1, :21] = value[1, :21]
    learned = []
    for tokens in (trial, other):
        p.zero_grad()
        output = p(tokens)
        (output.logits[1, :21].square().sum() + output.value[1, :21].sum()).backward()
        learned.append(torch.cat([w.grad.flatten() for w in p.parameters() if w.grad is not None]))
    assert torch.allclose(*learned, rtol=1e-4, atol=1e-3) and learned[0].abs().max() > 1


def test_the_log_tells_episodes_in_the_order_they_were_lived_in():
    """A policy that learns nothing and chooses at random lives the same with one update a trial as with four."""
    once, often = (Trainer(tiny(updates=u, learning_rate=0.0)).round() for u in (1, 4))
    assert len(set(once["return_by_episode"])) > 1
    for curve in ("return_by_episode", "success_by_episode"):
        assert once[curve] == often[curve], curve


def test_shuffling_moves_whole_finished_episodes_and_keeps_the_running_one_last():
    trial = made_up()
    trial.end[1, -1] = True  # in this row no episode is running
    mixed = trial.shuffled(torch.arange(3))
    orders = []
    for row in range(3):
        episodes = [_episode(trial, row, e) for e in range(int(trial.tokens["episode"][row, -1]) + 1)]
        after = [_episode(mixed, row, e) for e in range(len(episodes))]
        order = [next(i for i, e in enumerate(episodes) if torch.equal(e, other)) for other in after]
        assert sorted(order) == list(range(len(episodes)))
        assert row == 1 or order[-1] == len(order) - 1
        orders.append(order)
    assert any(order != sorted(order) for order in orders)


def _episode(trial: Trial, row: int, index: int) -> torch.Tensor:
    """Everything about one episode, step by step."""
    mine = trial.tokens["episode"][row] == index
    parts = [trial.reward, trial.action, trial.log_prob, trial.value, trial.end, trial.tokens["step"]]
    return torch.cat([torch.stack([p[row, mine].float() for p in parts], 1), trial.tokens["smell"][row, mine]], 1)


def test_returns_are_summed_over_finished_episodes():
    trial = made_up(length=20)
    sums, done = by_episode(trial, trial.reward)
    for row in range(3):
        for e in range(sums.shape[1]):
            mine = trial.tokens["episode"][row] == e
            assert float(sums[row, e]) == pytest.approx(float(trial.reward[row, mine].sum()), abs=1e-5)
            assert bool(done[row, e]) == bool(trial.end[row, mine].any())


def test_actions_are_drawn_as_often_as_they_are_likely():
    probs = torch.tensor([0.1, 0.6, 0.0, 0.3])
    drawn = sample(probs.log().expand(1000, 4), torch.arange(1000) / 1000)
    assert drawn.bincount(minlength=4).tolist() == pytest.approx([100, 600, 0, 300], abs=1)


def test_accumulated_minibatches_are_one_step_on_their_mean():
    whole, parts = (tiny(ppo={"minibatches": m, "accumulate": m, "epochs": 1}) for m in (1, 4))
    one, other = Trainer(whole), Trainer(parts)
    assert one.round()["optimiser_steps"] == other.round()["optimiser_steps"] == 1
    for a, b in zip(one.policy.parameters(), other.policy.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_a_loss_that_is_not_finite_stops_before_the_weights_change_and_is_named():
    p, trial = policy(), made_up()
    trial.reward[1, 5] = math.nan
    optimiser = torch.optim.AdamW(p.parameters())
    before = [x.clone() for x in p.parameters()]
    with pytest.raises(TrainingError, match="reward"):
        update(p, optimiser, trial, torch.zeros(3), 0, PPOConfig(minibatches=1), torch.Generator())
    assert all(torch.equal(x, y) for x, y in zip(p.parameters(), before, strict=True))


def test_the_rate_follows_steps_never_the_clock():
    config = tiny(learning_rate=1.0, warmup_steps=100, total_steps=1100, final_rate=0.1)
    assert [config.rate_at(s) for s in (50, 100, 600, 1100, 2000)] == pytest.approx([0.5, 1.0, 0.55, 0.1, 0.1])


@pytest.mark.parametrize("changes, message", [
    ({"updates": 5}, "multiple of updates"), ({"updates": 2, "refresh": False}, "shuffle: true needs refresh"),
    ({"trials": 1}, "more than trials"), ({"task": "chess"}, "darkroom"),
    ({"policy": {"kind": "oracle"}}, "relic"), ({"policy": {"kind": "relic", "with": 3}}, "width"),
    ({"policy": {"kind": "relic", "width": 30}}, "multiple of 2"), ({"environment": {"cap": 1}}, "2 to 1000"),
])  # fmt: skip
def test_a_configuration_that_does_not_fit_says_why(changes, message):
    with pytest.raises(ConfigError, match=message):
        Trainer(tiny(**changes))
