"""The script that compares two agents in the same houses, on made-up predictions."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = str(Path(__file__).parents[2] / "scripts" / "compare.py")
HOUSES, EPISODES = 60, 6


def run_folder(folder: Path, agents: dict[str, np.ndarray], first_house: int = 100_000, seed: int = 0) -> Path:
    """A run in which each agent has the given success [houses, E]."""
    folder.mkdir()
    rows = [
        {"key": f"{agent}/{seed}/{first_house + i}", "task": "object_search", "agent": agent, "seed": seed,
         "house": first_house + i, **dict.fromkeys(("returns", "steps", "spl", "seen"), trial.tolist()),
         "success": trial.tolist()}
        for agent, trials in agents.items() for i, trial in enumerate(trials)
    ]  # fmt: skip
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def compare(monkeypatch, *words) -> int:
    monkeypatch.setattr(sys, "argv", ["compare.py", *map(str, words)])
    return runpy.run_path(SCRIPT)["main"]()


@pytest.fixture
def hard_and_easy() -> np.ndarray:
    """[houses, E]: in half of the houses everybody fails."""
    return np.repeat([[0.1], [0.9]], HOUSES // 2, 0) * np.ones(EPISODES)


def test_what_houses_have_in_common_does_not_widen_the_interval(tmp_path, monkeypatch, capsys, hard_and_easy):
    better = hard_and_easy.copy()
    better[:, -2:] += 0.05
    run = run_folder(tmp_path / "run", {"a": better, "b": hard_and_easy})
    out = tmp_path / "out.json"
    assert compare(monkeypatch, run, "--agents", "a", "b", "--json", out) == 0
    found = json.loads(out.read_text())
    assert found["first"] == {"a": 0.5, "b": 0.5, "difference": 0.0, "ci95": [0.0, 0.0]}
    assert found["late"] == {"a": 0.55, "b": 0.5, "difference": 0.05, "ci95": [0.05, 0.05]}
    assert found["gain"]["difference"] == 0.05
    assert "| late | 0.550 | 0.500 | +0.050 [+0.050, +0.050] |" in capsys.readouterr().out


def test_seeds_that_differ_do(tmp_path, monkeypatch, hard_and_easy):
    """Seeds of an agent may stand in several runs."""
    runs = [
        run_folder(tmp_path / f"run{seed}", {"a": hard_and_easy + step, "b": hard_and_easy}, seed=seed)
        for seed, step in enumerate([0.0, 0.1])
    ]
    out = tmp_path / "out.json"
    assert compare(monkeypatch, *runs, "--agents", "a", "b", "--json", out) == 0
    late = json.loads(out.read_text())["late"]
    assert late["difference"] == pytest.approx(0.05)
    assert late["ci95"] == pytest.approx([0.0, 0.1], abs=1e-3)


def test_what_cannot_be_compared_is_refused(tmp_path, monkeypatch, capsys, hard_and_easy):
    run = run_folder(tmp_path / "run", {"a": hard_and_easy, "b": hard_and_easy})
    elsewhere = run_folder(tmp_path / "elsewhere", {"b": hard_and_easy}, first_house=200_000, seed=1)
    again = run_folder(tmp_path / "again", {"a": hard_and_easy, "c": hard_and_easy})
    cases = {
        (run, elsewhere): "trials in 2 sets of houses", (run, again): "a: seed 0 stands in two runs",
        (again,): "no agent 'b' in these runs; there are: a, c",
        (tmp_path / "none",): "none has no predictions.jsonl; give the folder of a finished evaluation",
    }  # fmt: skip
    for runs, words in cases.items():
        assert compare(monkeypatch, *runs, "--agents", "a", "b") == 2
        assert words in capsys.readouterr().err
