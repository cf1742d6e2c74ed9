"""The script that says how long trainings took to the same return, on made-up logs."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = str(Path(__file__).parents[2] / "scripts" / "time_to_return.py")


def log(folder: Path, returns: list[float], steps: int, rate: float) -> Path:
    """A run of rounds of ``steps`` each, with two episodes a trial around each return."""
    folder.mkdir()
    rows = [{"steps": steps * (i + 1), "seconds": 2.0 * (i + 1), "steps_per_cpu_second": rate,
             "return_by_episode": [r - 1, r + 1]} for i, r in enumerate(returns)]  # fmt: skip
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def run(monkeypatch, *words) -> int:
    monkeypatch.setattr(sys, "argv", ["time_to_return.py", *map(str, words)])
    return runpy.run_path(SCRIPT)["main"]()


def test_times_to_a_return_and_their_ratio(tmp_path, monkeypatch, capsys):
    ours = log(tmp_path / "ours", [0, 5, 10, 12, 12, 12], 100, 50.0)
    theirs = log(tmp_path / "theirs", [0, 0, 0, 12, 12, 12], 200, 10.0)
    never = log(tmp_path / "never", [0, 30, 0, 3], 100, 10.0)
    out = tmp_path / "times.json"
    assert run(monkeypatch, ours, theirs, never, "--return", 11, "--span", 200, "--json", out) == 0
    rows = list(json.loads(out.read_text())["runs"].values())
    # Ours: the mean of two rounds is 11 at 400 steps, which took 8 CPU seconds. Theirs: 800 steps at 10 a second.
    assert [(r["reached"], r["steps"], r["cpu_seconds"], r["best"]) for r in rows] == [
        (True, 400, 8.0, 11.0), (True, 800, 80.0, 12.0), (True, 200, 20.0, 15.0),
    ]  # fmt: skip
    agents = json.loads(out.read_text())["agents"].values()
    assert [(r["steps_ratio"], r["cpu_seconds_ratio"]) for r in agents] == [(1.0, 1.0), (2.0, 10.0), (0.5, 2.5)]
    told = capsys.readouterr().out
    assert "theirs: 800 steps, 80.0 CPU seconds; best 12.0" in told
    assert "theirs, 1 of 1 there: 800 steps, 80.0 CPU seconds, 2.0 and 10.0 times the first" in told


def test_seeds_of_an_agent_are_averaged(tmp_path, monkeypatch, capsys):
    ours = [log(tmp_path / f"ours-{seed}", [12] * 4, 100, rate) for seed, rate in enumerate((100.0, 50.0))]
    theirs = [log(tmp_path / f"theirs-{seed}", [0, 0, *late], 100, 10.0) for seed, late in enumerate(([12] * 3, [1]))]
    assert run(monkeypatch, *ours, *theirs, "--return", 12, "--span", 100) == 0
    told = capsys.readouterr().out
    assert "ours, 2 of 2 there: 100 steps, 1.5 CPU seconds, 1.0 and 1.0 times the first" in told
    assert "theirs, 1 of 2 there: more than 300 steps, more than 30.0 CPU seconds, 3.0 and 20.0 times" in told


def test_a_run_that_never_came_there_gives_a_lower_bound(tmp_path, monkeypatch, capsys):
    ours, never = log(tmp_path / "ours", [20], 100, 50.0), log(tmp_path / "never", [3, 4], 100, 10.0)
    assert run(monkeypatch, ours, never, "--return", 11, "--span", 100) == 0
    told = capsys.readouterr().out
    assert "never: more than 200 steps, more than 20.0 CPU seconds; best 4.0" in told
    assert "never, 0 of 1 there: more than 200 steps, more than 20.0 CPU seconds, 2.0 and 10.0 times" in told


@pytest.mark.parametrize(("text", "error"), [
    (None, "is not there; give the folder of a training"), ("", "is empty"), ('{"steps": 1}\n', "log.jsonl:1 is not"),
])  # fmt: skip
def test_what_is_no_log_is_refused(tmp_path, monkeypatch, capsys, text, error):
    if text is not None:
        (tmp_path / "log.jsonl").write_text(text)
    assert run(monkeypatch, tmp_path, "--return", 1) == 2
    assert error in capsys.readouterr().err
