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

ONE_ROUND = {"ppo": {"minibatches": 1, "epochs": 2}, "updates": 2, "total_steps": 8 * 24}


def test_two_processes_are_one(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps(experiment(seeds=1, **ONE_ROUND)))  # JSON is YAML
    command = [sys.executable, "-m", "embodied_mem.policies.train", str(config), "--out", str(tmp_path)]
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(20_000 + os.getpid() % 20_000), "WORLD_SIZE": "2"}
    ranks = [{"RANK": str(r), "LOCAL_RANK": str(r)} for r in (0, 1)]
    both = [subprocess.Popen(command, env={**os.environ, **where, **rank}) for rank in ranks]
    assert [p.wait(timeout=120) for p in both] == [0, 0]
    train(tiny(**ONE_ROUND), tmp_path / "one", quiet=True)
    one, two = (checkpoint.read(tmp_path / name / "policy.safetensors")[0] for name in ("one", "relic-0"))
    for name in one:
        assert torch.allclose(one[name], two[name], atol=1e-6), name
    logs = [json.loads((tmp_path / n / "log.jsonl").read_text()) for n in ("one", "relic-0")]
    assert logs[0]["steps"] == logs[1]["steps"] == 8 * 24 and logs[0]["optimiser_steps"] == logs[1]["optimiser_steps"]


def test_trials_that_cannot_be_shared_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(parallel, "world", lambda: 3)
    with pytest.raises(ConfigError, match="cannot be shared by 3"):
        train(tiny(), tmp_path, quiet=True)
