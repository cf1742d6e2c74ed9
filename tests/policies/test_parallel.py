"""Two processes with half the trials each take the step that one with all of them takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from embodied_mem.errors import ConfigError
from embodied_mem.policies import checkpoint, parallel
from embodied_mem.policies.train import train
from tests.policies.test_learning import experiment, tiny

#: The first round with imitation, the oracle itself acting in some trials; the second without.
TWO_ROUNDS = {"ppo": {"minibatches": 1, "epochs": 2}, "updates": 2, "total_steps": 2 * 8 * 24,
              "imitation": {"weight": 1.0, "until": 8 * 24, "expert": 0.5}}  # fmt: skip


def test_two_processes_are_one(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps(experiment(seeds=1, **TWO_ROUNDS)))  # JSON is YAML
    command = [sys.executable, "-m", "embodied_mem.policies.train", str(config), "--out", str(tmp_path)]
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(20_000 + os.getpid() % 20_000), "WORLD_SIZE": "2"}
    ranks = [{"RANK": str(r), "LOCAL_RANK": str(r)} for r in (0, 1)]
    both = [subprocess.Popen(command, env={**os.environ, **where, **rank}) for rank in ranks]
    assert [p.wait(timeout=120) for p in both] == [0, 0]
    train(tiny(**TWO_ROUNDS), tmp_path / "one", quiet=True)
    one, two = (checkpoint.read(tmp_path / name / "policy.safetensors")[0] for name in ("one", "relic-0"))
    for name in one:
        assert torch.allclose(one[name], two[name], atol=1e-6), name
    logs = [(tmp_path / n / "log.jsonl").read_text().splitlines() for n in ("one", "relic-0")]
    for a, b in zip(*(map(json.loads, log) for log in logs), strict=True):
        assert (a["steps"], a["optimiser_steps"]) == (b["steps"], b["optimiser_steps"])


def test_trials_that_cannot_be_shared_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(parallel, "world", lambda: 3)
    with pytest.raises(ConfigError, match="cannot be shared by 3"):
        train(tiny(), tmp_path, quiet=True)
