"""A training that is killed and goes on ends with the same numbers as one that was left alone."""

from __future__ import annotations

import json

import pytest
import torch

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.policies import checkpoint
from embodied_mem.policies.ppo import TrainingError
from embodied_mem.policies.train import _only_training, train
from embodied_mem.policies.trainer import Trainer
from tests.policies.test_learning import tiny

ALONG = {"updates": 2, "total_steps": 6 * 8 * 24, "checkpoint_every": 2}
DROPPING = {"kind": "relic", "width": 16, "heads": 2, "hidden": 16, "drop_path": 0.3}


def curve(folder) -> list[dict]:
    """The log without what the clock says."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if "second" not in k and k != "acting_share"} for row in rows]


SIZE = {"width": 16, "heads": 2, "hidden": 16}
MEMO = {"kind": "memo", **SIZE, "segment": 8, "budget": 16}  # draws lengths of segments
LEARNED = {"kind": "spatial", **SIZE, "layers": 1, "budget": 9, "allocator": "learned", "decide": "write",
           "rules": ["fifo", "mvfo"]}  # fmt: skip


@pytest.mark.parametrize("policy", [DROPPING, {"kind": "gru", "width": 16}, MEMO, LEARNED], ids=lambda p: p["kind"])
def test_a_resumed_training_is_bit_identical(tmp_path, policy):
    config = tiny(policy=policy, **{**ALONG, "total_steps": 4 * 8 * 24})
    train(config, tmp_path / "whole", quiet=True)
    train(config, tmp_path / "cut", until=3 * 8 * 24, quiet=True)  # the checkpoint is of round 2
    with (tmp_path / "cut" / "log.jsonl").open("a") as log:
        log.write('{"round": 4, "torn')
    train(config, tmp_path / "cut", quiet=True)
    assert curve(tmp_path / "whole") == curve(tmp_path / "cut") and len(curve(tmp_path / "cut")) == 4
    one, other = (checkpoint.read(tmp_path / name / "checkpoint.safetensors")[0] for name in ("whole", "cut"))
    assert one.keys() == other.keys() and any(k.startswith("optimiser.") for k in one)
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_training_changes_the_policy_and_says_what_it_was_trained_with(tmp_path):
    train(tiny(**ALONG), tmp_path, quiet=True)
    weights, meta = checkpoint.read(tmp_path / "policy.safetensors")
    assert meta["counters"]["steps"] == 6 * 8 * 24 and meta["config"]["policy"]["kind"] == "relic"
    assert meta["spec"]["actions"] == 5
    assert float(weights["policy.heads.out.weight"].abs().sum()) > 0


def test_a_loss_that_breaks_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    config = tiny(**ALONG)
    train(config, tmp_path, until=2 * 8 * 24, quiet=True)
    good = (tmp_path / "checkpoint.safetensors").read_bytes()

    def poisoned(trial, next_value, config):
        return torch.full_like(trial.value, torch.nan)

    monkeypatch.setattr("embodied_mem.policies.ppo.advantages", poisoned)
    with pytest.raises(TrainingError, match="advantage.*last checkpoint is good"):
        train(config, tmp_path, quiet=True)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == good


def test_another_configuration_or_architecture_is_refused(tmp_path):
    train(tiny(**ALONG), tmp_path, until=2 * 8 * 24, quiet=True)
    with pytest.raises(ConfigError, match="learning_rate"):
        train(tiny(**ALONG, learning_rate=0.5), tmp_path, quiet=True)
    tensors, _ = checkpoint.read(tmp_path / "checkpoint.safetensors")
    other = tiny(policy={"kind": "relic", "width": 32, "heads": 2, "hidden": 16})
    with pytest.raises(InputError, match="another architecture"):
        checkpoint.load_weights(Trainer(other).policy, checkpoint.part_of(tensors, "policy."), "the file")


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    with _only_training(tmp_path, 0), pytest.raises(ConfigError, match="in use by another training"):
        train(tiny(), tmp_path, quiet=True)
    train(tiny(total_steps=1), tmp_path, quiet=True)  # the first is over


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoint.read(path)
    path.write_bytes(b"half of it")
    with pytest.raises(InputError, match="not a whole checkpoint"):
        checkpoint.read(path)
