"""What comes with the package: small, whole, made by the committed configurations, and a card that says what it is."""

from __future__ import annotations

import json

import pytest
import torch

from embodied_mem.config import build
from embodied_mem.errors import ConfigError, InputError
from embodied_mem.evaluation import run
from embodied_mem.policies import candidates, checkpoint
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.journal import learning_curve, takeoff
from embodied_mem.policies.shipping import MOST_BYTES, runs_of, ship, write_card
from embodied_mem.policies.train import train_all
from tests.policies.test_experiment import EXPERIMENT

ONE = build(ExperimentConfig, {**EXPERIMENT, "seeds": 1})


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    train_all(ONE, out=folder)
    return folder


@pytest.fixture
def shipped(runs, monkeypatch, tmp_path):
    """The tiny experiment among the shipped ones, in a folder of its own."""
    monkeypatch.setattr(candidates, "SHIPPED", tmp_path / "checkpoints")
    for folder in runs_of(ONE, runs):
        ship(ONE, folder)
    return tmp_path / "checkpoints" / "darkroom"


def test_what_is_shipped_is_small_and_whole():
    files = [path for path in candidates.SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    for path in files:
        if path.suffix == ".safetensors":
            tensors, meta = checkpoint.read(path)  # checks the hash
            assert "sha256" in meta and not any(x.dtype == torch.float32 for x in tensors.values()), path
            assert (path.parent / "README.md").exists(), f"{path.parent} has no card"


def test_a_shipped_checkpoint_is_half_as_large_and_says_how_it_came_about(shipped, runs):
    path, whole = shipped / "relic-0.safetensors", runs / "relic-0" / "policy.safetensors"
    tensors, meta = checkpoint.read(path)
    assert {x.dtype for x in tensors.values()} == {torch.bfloat16}
    assert (meta["agent"], meta["seed"], meta["counters"]["steps"]) == ("relic", 0, 8 * 24)
    assert "cores" in meta["hardware"] and meta["curve"]["steps"] == [8 * 24]
    assert checkpoint.read(whole)[1]["config"] == meta["config"]


def test_a_byte_that_changed_is_noticed(shipped):
    path = shipped / "relic-0.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="weights are not those that were written"):
        checkpoint.read(path)


def test_the_shipped_ones_are_evaluated_when_none_is_named_and_the_card_tells_the_results(
    shipped, monkeypatch, tmp_path
):
    monkeypatch.setattr(run, "_run_jobs", lambda n, o, f, jobs, *_: [run._work(str(n), o, str(f), j) for j in jobs])
    file = tmp_path / "experiment.yaml"
    file.write_text(json.dumps({**EXPERIMENT, "seeds": 2}))  # the second seed is not shipped
    metrics = run.evaluate(file, tmp_path / "run", {"houses": 4}, quiet=True) / "metrics.json"
    report = (tmp_path / "run/report.md").read_text()
    assert "Not shipped yet, so not compared: `relic-1`, `no_inter_episode-1`" in report
    early = write_card(ONE).read_text()
    assert "Not evaluated yet" in early and "in a house drawn by seed" in early
    (shipped / "limits.md").write_text("It is afraid of the light.")
    (shipped / "data.md").write_text("None but the dark.")
    card = write_card(ONE, metrics).read_text()
    for words in ("## Data", "| `swapped_context` | 1 |", "Fewer than three seeds: `no_inter_episode` (1)",
                  "afraid of the light", "None but the dark. Options",
                  "embodied-mem train darkroom", "relic-0.safetensors"):  # fmt: skip
        assert words in card, words
    assert (shipped / "figure.png").exists()
    tensors, meta = checkpoint.read(shipped / "relic-0.safetensors")
    other = {k: v + 1 for k, v in tensors.items()}
    checkpoint.write(shipped / "relic-0.safetensors", other, {**meta, "sha256": checkpoint.digest(other)})
    with pytest.raises(InputError, match="not of relic-0.safetensors as it is shipped"):
        write_card(ONE, metrics)


def test_only_what_the_committed_experiment_trains_is_shipped(runs, monkeypatch, tmp_path):
    monkeypatch.setattr(candidates, "SHIPPED", tmp_path)
    training = {**EXPERIMENT["training"], "learning_rate": 0.5}
    other = build(ExperimentConfig, {**EXPERIMENT, "training": training})
    with pytest.raises(ConfigError, match="learning_rate = 0.001, the configuration says 0.5"):
        ship(other, runs / "relic-0")
    with pytest.raises(ConfigError, match="nothing of darkroom is finished"):
        runs_of(ONE, tmp_path)


def test_a_take_off_is_where_the_late_episodes_begin_to_pay(tmp_path):
    rows = [{"steps": 10 * n, "return_by_episode": [1.0, 1.0, 1.0 + 4 * (n > 60)], "success_by_episode": [0, 0, 1]}
            for n in range(1, 121)]  # fmt: skip
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    curve = learning_curve(log)
    assert len(curve["steps"]) == 60 and curve["last_third"][0] == 1 and curve["last_third"][-1] == 5
    assert takeoff(curve) == 620
    assert takeoff({**curve, "last_third": curve["first"]}) is None
    assert takeoff(learning_curve(tmp_path / "none")) is None
