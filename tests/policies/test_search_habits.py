"""How policies search in first episodes: counted from what was observed and done."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from embodied_mem.policies.actors import OracleActor
from embodied_mem.policies.build import make_environment
from embodied_mem.tasks.object_search.env import LEFT, RIGHT, STOP

SCRIPT = Path(__file__).parents[2] / "scripts" / "search_habits.py"


@pytest.fixture(scope="module")
def script():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture
def env():
    return make_environment("object_search", {"split": "dev", "houses": 4, "cap": 120, "compass": True}, 2)


class Scripted:
    """Does the same in every row: each action of a list in turn, again and again."""

    def __init__(self, *actions: int) -> None:
        self.actions = actions

    def begin(self, env, capacity, keys) -> None:
        self.batch, self.lived = env.batch, 0

    def act(self, tokens) -> torch.Tensor:
        self.lived += 1
        return torch.full((self.batch,), self.actions[(self.lived - 1) % len(self.actions)])


def test_an_oracle_finds_what_it_sees_and_stops_nowhere_else(env, script):
    found = script.habits(env, OracleActor(), houses=3)  # the last batch is half a one
    assert found["success"] > 0.6 and found["false_stop"] == 0.0 and found["undone"] < 0.2
    assert found["success"] <= found["seen"] and found["cells"] > 10


def test_who_turns_to_and_fro_sees_no_new_place(env, script):
    found = script.habits(env, Scripted(LEFT, RIGHT), houses=4)
    assert found["steps"] == 120 and found["undone"] == pytest.approx(119 / 120)
    assert found["cells"] == pytest.approx(100 / 120) and found["success"] == found["false_stop"] == 0.0


def test_who_stops_at_once_stops_in_vain_where_no_goal_is_near(env, script):
    found = script.habits(env, Scripted(STOP), houses=4)
    assert found["steps"] == 1 and found["success"] + found["false_stop"] == 1.0


def test_a_checkpoint_of_another_task_is_named(monkeypatch, capsys):
    path = SCRIPT.parents[1] / "policies" / "checkpoints" / "darkroom" / "gru-0.safetensors"
    monkeypatch.setattr("sys.argv", ["search_habits.py", str(path)])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "is of task darkroom; take checkpoints of object_search" in capsys.readouterr().err
