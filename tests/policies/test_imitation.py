"""Imitation: off by default, the oracle's steps stay out of PPO, cloning copies it, and a kill changes nothing."""

from __future__ import annotations

import json

import pytest
import torch

from embodied_mem.config import build
from embodied_mem.errors import ConfigError
from embodied_mem.policies import checkpoint
from embodied_mem.policies.imitation import TOLD, ImitationConfig, copying
from embodied_mem.policies.ppo import Batch, PPOConfig, advantages, loss_of
from embodied_mem.policies.train import train
from embodied_mem.policies.trainer import Trainer
from tests.policies.test_learning import made_up, policy, tiny
from tests.policies.test_resume import LEARNED, curve

ROUND = 8 * 24  # steps of a round of the tiny training
FAST = {"learning_rate": 0.01, "warmup_steps": 0}


def labelled(p, rows: list[bool]):
    """A made-up trial with the oracle's actions; ``rows`` were lived by the oracle."""
    trial = made_up(p)
    trial.label = torch.randint(4, trial.action.shape, generator=torch.Generator().manual_seed(9))
    trial.expert = torch.tensor(rows)[:, None].expand_as(trial.end)
    return trial


def gradients(p, batch: Batch) -> torch.Tensor:
    p.zero_grad()
    loss_of(p, batch, PPOConfig())[0].backward()
    return torch.cat([w.grad.flatten() for w in p.parameters()])


def test_its_weight_falls_to_nothing():
    config = ImitationConfig(weight=2.0, until=100)
    assert [config.weight_at(s) for s in (0, 50, 100, 200)] == [2.0, 1.0, 0.0, 0.0]
    assert config.active_at(99) and not config.active_at(100) and not ImitationConfig().active_at(0)


def test_without_it_the_oracle_is_not_even_asked():
    trainer = Trainer(tiny())
    trainer.env.oracle = lambda: pytest.fail("asked")
    assert "agreement" not in trainer.round()


def test_a_weight_of_nothing_trains_the_very_same_policy():
    """Labels alone change no number: the round in which the weight has fallen to 0 is a round of PPO."""
    plain, faded = Trainer(tiny(**FAST)), Trainer(tiny(**FAST, imitation={"weight": 1.0, "until": 1}))
    plain.round(), faded.round()
    assert all(torch.equal(a, b) for a, b in zip(plain.policy.parameters(), faded.policy.parameters(), strict=True))


@pytest.mark.parametrize("start", [0, 25])
def test_trials_of_the_oracle_do_not_enter_ppo(start):
    p = policy()
    trial, g = labelled(p, [False, True, False]), torch.Generator().manual_seed(3)
    advantage, target = torch.randn(2, 3, 40, generator=g)
    before = gradients(p, Batch(trial, advantage, target, start))
    for changed in (advantage, target, trial.log_prob):
        changed[1] += 5
    assert torch.equal(before, gradients(p, Batch(trial, advantage, target, start))) and before.abs().sum() > 0
    own = trial.rows(torch.tensor([0, 2]))
    alone = gradients(p, Batch(own, advantage[[0, 2]], target[[0, 2]], start))
    assert torch.allclose(before * 3, alone * 2, atol=1e-5), "an own step weighs the same whoever else is there"
    trial.expert = torch.ones_like(trial.expert)
    assert not gradients(p, Batch(trial, advantage, target, start)).any()


def test_advantages_are_normalised_over_the_policy_s_own_steps(monkeypatch):
    seen = []
    monkeypatch.setattr("embodied_mem.policies.ppo._rows", lambda batch, index: seen.append(batch) or batch)
    trainer = Trainer(tiny(imitation={"weight": 1.0, "until": 10_000, "expert": 0.5}))
    trainer.round()
    batch = seen[0]
    own = batch.advantage[~batch.trial.expert]
    assert 0 < batch.trial.expert[:, 0].sum() < 8
    assert float(own.mean()) == pytest.approx(0, abs=1e-5) and float(own.std()) == pytest.approx(1, abs=1e-4)


def test_old_labels_have_no_weight():
    p = policy()
    trial = labelled(p, [True] * 3)
    batch = Batch(trial, trial.value, trial.value, start=30, imitation=1.0)
    before = gradients(p, batch)
    trial.label[:, :30] = (trial.label[:, :30] + 1) % 4
    assert torch.equal(before, gradients(p, batch))
    trial.label[:, 30:] = (trial.label[:, 30:] + 1) % 4
    assert not torch.equal(before, gradients(p, batch))


def test_steps_without_a_label_have_no_weight():
    """−1: the policy could not know. Its other labels count as much as ever: the loss is a mean over labels."""
    log_probs = torch.full((2, 3, 4), 0.25).log()
    log_probs[:, 1] = torch.tensor([0.7, 0.1, 0.1, 0.1]).log()
    label = torch.tensor([[-1, 0, -1], [-1, -1, -1]])
    loss, figures = copying(log_probs, label)
    assert torch.isclose(loss, -torch.tensor(0.7).log()) and figures["agreement"] == 1
    assert copying(log_probs, torch.full((2, 3), -1))[0] == 0


def test_the_policy_s_own_steps_have_a_label_only_once_it_can_know_where_the_goal_is(monkeypatch):
    trainer = Trainer(tiny())
    step = trainer.env.step

    def telling(actions):
        moment = step(actions)
        moment.info["goal_known"] = moment.info["steps"] % 4
        return moment

    monkeypatch.setattr(trainer.env, "step", telling)
    with_label = []
    for told in TOLD.values():
        trainer.collector.begin(trainer.house_seeds(), 24, 0.5, told)
        trial = trainer.collector.collect(24)
        assert bool((trial.label[trial.expert] >= 0).all()), "the oracle always knows"
        with_label.append(int((trial.label[~trial.expert] >= 0).sum()))
    trial_, episode, view = with_label
    assert trial_ > episode > view > 0


def test_labels_are_what_the_oracle_would_do_and_stay_with_their_steps():
    trainer = Trainer(tiny())
    trainer.collector.begin(trainer.house_seeds(), 24, expert=0.5)
    trial = trainer.collector.collect(24)
    assert torch.equal(trial.action[trial.expert], trial.label[trial.expert])
    assert not torch.equal(trial.action, trial.label), "the policy acts in the other trials"
    env, goal = trainer.env, trainer.env._goal[:, None]
    mixed = trainer.collector.shuffle(trial)
    assert not torch.equal(mixed.label, trial.label) or torch.equal(mixed.action, trial.action)
    for some in (trial, mixed):
        there = (some.tokens["position"] + env._moves[some.label]).clamp(0, env.config.size - 1)
        nearer = (goal - there).abs().sum(-1) - (goal - some.tokens["position"]).abs().sum(-1)
        at_goal = (goal == some.tokens["position"]).all(-1)
        assert torch.equal(nearer, torch.where(at_goal, 0, -1))


def rows_of(rounds: int, imitation: dict, **changes) -> list[dict]:
    """The log of some rounds in a darkroom of 5×5 cells."""
    where = {"environment": {"cap": 6, "size": 5}, "ppo": {"minibatches": 2, "epochs": 2}}
    trainer = Trainer(tiny(**where, imitation={"until": 100 * ROUND, **imitation}, **changes, **FAST))
    return [trainer.round() for _ in range(rounds)]


def test_cloning_learns_to_do_as_the_oracle_does():
    rows = rows_of(14, {"weight": 1.0, "expert": 1.0})
    assert rows[0]["agreement"] < 0.5 and rows[-1]["agreement"] > 0.75
    assert rows[-1]["policy_loss"] == rows[-1]["value_loss"] == 0 and rows[-1]["return_by_episode"] == []


def test_on_its_own_states_a_policy_comes_nearer_to_the_oracle():
    rows = rows_of(8, {"weight": 1.0}, updates=2)
    assert rows[-1]["agreement"] > rows[0]["agreement"] + 0.1 and len(rows[-1]["return_by_episode"]) == 4


@pytest.mark.parametrize("kind", ["relic", "spatial"])
def test_a_resumed_imitation_is_bit_identical(tmp_path, kind):
    """Cut before imitation ends, in a training with partial updates, shuffling, refresh and an expert in some rows."""
    size = LEARNED if kind == "spatial" else {"kind": "relic", "width": 16, "heads": 2, "hidden": 16}
    config = tiny(policy=size, imitation={"weight": 1.0, "until": 3 * ROUND, "expert": 0.4}, updates=2,
                  total_steps=4 * ROUND, checkpoint_every=2, ppo={"minibatches": 2, "epochs": 1}, **FAST)  # fmt: skip
    train(config, tmp_path / "whole", quiet=True)
    train(config, tmp_path / "cut", until=3 * ROUND, quiet=True)  # the checkpoint is of round 2
    train(config, tmp_path / "cut", quiet=True)
    assert curve(tmp_path / "whole") == curve(tmp_path / "cut")
    assert ["agreement" in row for row in curve(tmp_path / "whole")] == [True, True, True, False]
    one, other = (checkpoint.read(tmp_path / name / "policy.safetensors")[0] for name in ("whole", "cut"))
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_checkpoints_from_before_there_was_imitation_go_on(tmp_path):
    config, path = tiny(total_steps=2 * ROUND, checkpoint_every=1), tmp_path / "checkpoint.safetensors"
    train(config, tmp_path, until=ROUND, quiet=True)
    tensors, meta = checkpoint.read(path)
    del meta["config"]["imitation"]
    checkpoint.write(path, tensors, meta)
    assert train(config, tmp_path, quiet=True).rounds == 2
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2
    assert json.loads((tmp_path / "config.json").read_text())["imitation"]["weight"] == 0.0


def test_the_first_advantages_know_nothing_of_the_oracle():
    """Credit is of a trial's own rewards, so a row of the oracle cannot reach another row's."""
    p = policy()
    trial = labelled(p, [False, True, False])
    before = advantages(trial, torch.zeros(3), PPOConfig())
    trial.reward[1] += 3
    after = advantages(trial, torch.zeros(3), PPOConfig())
    assert torch.equal(before[[0, 2]], after[[0, 2]]) and not torch.equal(before[1], after[1])


def test_it_needs_somebody_who_knows_the_way(monkeypatch):
    monkeypatch.setattr("embodied_mem.tasks.darkroom.env.Darkroom.oracle", None)
    with pytest.raises(ConfigError, match="nobody knows the way in darkroom"):
        Trainer(tiny(imitation={"weight": 1.0, "until": 100}))
    Trainer(tiny())


@pytest.mark.parametrize("raw, message", [
    ({"weight": 1.0}, "set both"), ({"until": 5}, "set both"), ({"expert": 0.5}, "teach nothing"),
    ({"weight": -1.0}, "out of range"), ({"weight": 1.0, "until": 5, "expert": 1.5}, "out of range"),
])  # fmt: skip
def test_a_setting_that_means_nothing_is_refused(raw, message):
    with pytest.raises(ConfigError, match=message):
        build(ImitationConfig, raw, "imitation")
