"""A run folder: filled in parallel, resumed after a kill, never mixed with another run, scored alone."""

from __future__ import annotations

import json
import multiprocessing
import sys
from types import SimpleNamespace

import pytest

from embodied_mem import cli, registry
from embodied_mem.errors import ConfigError, EmbodiedMemError, InputError
from embodied_mem.evaluation import run
from embodied_mem.evaluation.progress import Display
from embodied_mem.evaluation.run import evaluate, read_rows
from tests.evaluation import fake_task


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration of the fake task, which is registered here and in every worker process."""
    monkeypatch.setattr(registry, "load", fake_task.load)
    path = tmp_path / "fake.yaml"
    path.write_text("task: fake\nseed: 3\n")
    return path


@pytest.fixture
def inline(monkeypatch):
    """Jobs run one after the other in this process: what one process does, without starting any."""

    def run_jobs(name, overrides, folder, jobs, *_):
        for job in jobs:
            run._work(str(name), overrides, str(folder), job)

    monkeypatch.setattr(run, "_run_jobs", run_jobs)


def files(folder) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("predictions.jsonl",)}


def test_a_torn_line_is_done_again_and_nothing_twice(config, inline, tmp_path):
    whole = evaluate(config, tmp_path / "whole", quiet=True)
    lines = (whole / "predictions.jsonl").read_text().splitlines(keepends=True)
    killed = tmp_path / "killed"
    (killed / "parts").mkdir(parents=True)
    (killed / "parts" / "house-a.jsonl").write_text(lines[0] + lines[1] + lines[2][:25])
    (killed / "parts" / "house-b.jsonl").write_text("")
    evaluate(config, killed, quiet=True)
    assert files(killed) == files(whole)
    keys = [row["key"] for row in read_rows(killed / "predictions.jsonl")]
    assert len(keys) == len(set(keys)) == 3 * fake_task.QUESTIONS


def test_damage_in_the_middle_of_a_part_is_reported_not_skipped(config, inline, tmp_path):
    part = tmp_path / "run" / "parts" / "house-a.jsonl"
    part.parent.mkdir(parents=True)
    part.write_text('{"key": "walker/house-a/0"}\n{"key": \n{"key": "walker/house-a/2"}\n')
    with pytest.raises(InputError, match=r"house-a.jsonl:2 is not JSON.*remove the line"):
        evaluate(config, tmp_path / "run", quiet=True)


def test_a_finished_run_is_not_done_again(config, inline, tmp_path, monkeypatch):
    folder = evaluate(config, tmp_path / "run", quiet=True)
    before = files(folder)
    monkeypatch.setattr(fake_task.FakeTask, "score", staticmethod(lambda rows: {"questions": len(rows)}))
    monkeypatch.setattr(fake_task, "QUESTIONS", 0)
    assert files(evaluate(config, folder, quiet=True)) == before
    assert json.loads((folder / "metrics.json").read_text())["questions"] == 12, "metrics are computed anew"


def test_a_folder_of_another_configuration_is_refused(config, inline, tmp_path):
    folder = evaluate(config, tmp_path / "run", quiet=True)
    before = files(folder)
    with pytest.raises(ConfigError, match="another configuration; choose another --out or remove it"):
        evaluate(config, folder, {"seed": 4}, quiet=True)
    assert files(folder) == before
    evaluate(config, folder, {"workers": 2}, quiet=True)  # how many processes do it is no part of what is done
    (folder / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="config.json is damaged; remove that file"):
        evaluate(config, folder, quiet=True)
    (folder / "config.json").unlink()
    (folder / "inputs.json").write_text("[]")
    with pytest.raises(ConfigError, match="inputs.json is damaged; remove that file"):
        evaluate(config, folder, quiet=True)


def test_workers_that_are_killed_leave_what_they_did_and_the_run_goes_on(config, tmp_path, monkeypatch):
    """In true processes: each dies after two predictions, as by kill -9; the same command finishes the run."""
    monkeypatch.setattr(run, "_work", fake_task.work)
    killing = tmp_path / "killing.yaml"
    killing.write_text("task: fake\nseed: 3\nkill_after: 2\n")
    folder = tmp_path / "run"
    with pytest.raises(EmbodiedMemError, match="worker process was killed.*same command goes on"):
        evaluate(killing, folder, {"workers": 1}, quiet=True)
    done = list(read_rows(folder / "parts" / "house-a.jsonl"))
    assert len(done) == 2
    (folder / "config.json").unlink()  # the test's way to stop the killing is another configuration
    evaluate(config, folder, {"workers": 2}, quiet=True)
    assert [row["key"] for row in read_rows(folder / "predictions.jsonl")] == [
        f"walker/house-{h}/{n}" for h in "abc" for n in range(fake_task.QUESTIONS)
    ]


def test_a_worker_whose_run_is_gone_stops_before_it_writes(config, tmp_path, monkeypatch):
    (tmp_path / "parts").mkdir()
    gone = SimpleNamespace(is_alive=lambda: False)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: gone)
    with pytest.raises(SystemExit, match="house-a: the run that this worker belongs to is gone"):
        run._work(str(config), None, str(tmp_path), "house-a")
    assert (tmp_path / "parts" / "house-a.jsonl").read_text() == ""


def test_progress_shows_counts_running_score_and_what_each_job_does(config, inline, tmp_path, capsys):
    parts = tmp_path / "parts"
    parts.mkdir()
    rows = [{"agent": a, "correct": c} for a, c in (("mind_palace", True), ("mind_palace", False), ("blind", False))]
    (parts / "house-a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows) + '{"agent": "bli')
    (parts / "house-a.status").write_text("blind 2/9")
    (parts / "house-b.status").write_text("done")
    with Display(tmp_path, ["house-a", "house-b"], 24, quiet=False) as display:
        display.update()
        head, score, *jobs = display.text().splitlines()
        assert head.startswith("3/24 answers in ")
        assert score == "mind_palace 0.500  blind 0.000" and jobs == ["house-a: blind 2/9"]
        with (parts / "house-a.jsonl").open("a") as file:
            file.write('nd", "correct": true}\n')  # the torn line is whole now
    assert "4/24 answers" in display.text() and "blind 0.500" in display.text()
    assert "mind_palace 0.500  blind 0.500 | house-a: blind 2/9" in capsys.readouterr().out


def test_score_of_the_predictions_is_what_metrics_json_says(config, inline, tmp_path, monkeypatch, capsys):
    folder = evaluate(config, tmp_path / "run", quiet=True)
    out = tmp_path / "metrics.json"
    words = ["embodied-mem", "score", str(folder / "predictions.jsonl"), "--task", "fake", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", words)
    cli.main()
    printed = json.loads(capsys.readouterr().out)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert printed == json.loads(out.read_text()) == {k: v for k, v in metrics.items() if k != "run_seconds"}


def test_ctrl_c_says_that_the_run_goes_on(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "evaluate", interrupted)
    monkeypatch.setattr(sys, "argv", ["embodied-mem", "evaluate", "la_eqa"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 130 and "the same command goes on from here" in capsys.readouterr().err
