"""Trainings' logs kept beside the documentation: what the other scripts read of them stays the same."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from embodied_mem.config import build, read_yaml
from embodied_mem.errors import ConfigError, InputError
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.train import train_all
from tests.policies.test_experiment import EXPERIMENT

ROOT = Path(__file__).parents[2]
ONE = build(ExperimentConfig, {**EXPERIMENT, "seeds": 1})


def script(name: str) -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / f"{name}.py")))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    train_all(ONE, agent="relic", out=folder)
    return folder / "relic-0"


def test_scripts_read_the_same_from_a_kept_log_as_from_the_run(run, tmp_path):
    kept = script("keep_logs").keep(ONE, run, tmp_path)
    assert kept == tmp_path / "darkroom" / "relic-0"
    assert (kept / "log.jsonl").stat().st_size < (run / "log.jsonl").stat().st_size
    times, ablations = script("time_to_return"), script("ablations")
    assert times.rounds_of(kept) == times.rounds_of(run)
    one, other = ablations.read_run(kept), ablations.read_run(run)
    assert (one.agent, one.seed, one.environment) == (other.agent, other.seed, other.environment)
    assert (one.curves["return"] == other.curves["return"]).all() and (one.cpu == other.cpu).all()


def test_a_round_that_is_being_written_is_left_out(run, tmp_path):
    torn = tmp_path / "relic-0"
    torn.mkdir()
    (torn / "config.json").write_text((run / "config.json").read_text())
    (torn / "log.jsonl").write_text('{"steps": 19')
    with pytest.raises(InputError, match="no round yet"):
        script("keep_logs").keep(ONE, torn, tmp_path / "logs")
    (torn / "log.jsonl").write_text((run / "log.jsonl").read_text() + '{"steps": 19')
    kept = script("keep_logs").keep(ONE, torn, tmp_path / "logs")
    assert all(json.loads(line)["steps"] > 100 for line in (kept / "log.jsonl").read_text().splitlines())


def test_only_logs_of_the_committed_experiment_are_kept(run, tmp_path):
    training = {**EXPERIMENT["training"], "learning_rate": 0.5}
    with pytest.raises(ConfigError, match="learning_rate = 0.001, the configuration says 0.5"):
        script("keep_logs").keep(build(ExperimentConfig, {**EXPERIMENT, "training": training}), run, tmp_path)
    with pytest.raises(InputError, match="holds no config.json and log.jsonl"):
        script("keep_logs").keep(ONE, tmp_path, tmp_path)


LOGS = ROOT / "docs" / "logs"


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.iterdir()))
def test_what_is_kept_is_of_its_experiment_as_it_stands(name, tmp_path):
    experiment = build(ExperimentConfig, read_yaml(name))
    for folder in filter(Path.is_dir, (LOGS / name).iterdir()):
        kept = script("keep_logs").keep(experiment, folder, tmp_path)
        assert (kept / "log.jsonl").read_bytes() == (folder / "log.jsonl").read_bytes()


@pytest.mark.parametrize("path", sorted(LOGS.glob("*/pace.json")), ids=lambda path: path.parent.name)
def test_agents_that_were_timed_are_all_of_the_experiment_on_one_machine(path):
    timed, others = json.loads(path.read_text()), [json.loads(p.read_text()) for p in LOGS.glob("*/pace.json")]
    assert set(timed["steps_per_cpu_second"]) == set(build(ExperimentConfig, read_yaml(path.parent.name)).agents)
    assert {other["hardware"] for other in others} == {timed["hardware"]}
