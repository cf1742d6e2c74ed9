"""FindingDory as a task: its configuration, and the whole loop from the command to the report on one experience."""

from __future__ import annotations

import csv
import json
import sys

import pytest

from embodied_mem import cli
from embodied_mem.errors import ConfigError
from embodied_mem.evaluation.run import evaluate, load_task, read_rows
from embodied_mem.evaluation.summary import summary_table
from embodied_mem.tasks.findingdory.task import FindingDory, FindingDoryConfig
from tests.findingdory.conftest import HOUSE, INTERACTIONS

AGENTS = ("random", "latest")  # they seldom drive; test_answering has the mind palace and the oracle
MEASURES = {"hl_sr", "dtg_sr", "sc_sr", "hl_spl", "ll_sr", "ll_spl", "partial"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seed": 9_990, "houses": 20}, ["9990 to 10009", "development", "evaluation"]),
        ({"interactions": (5, 2)}, ["interactions", "[5, 2]"]),
        ({"interactions": (2, 51)}, ["interactions", "50"]),
        ({"agents": ()}, ["agents", "at least one"]),
        ({"agents": ("oracle", "oracle")}, ["agents", "once"]),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(values, words):
    with pytest.raises(ConfigError) as error:
        FindingDory(FindingDoryConfig(**values))
    assert all(word in str(error.value) for word in words), error.value


def test_the_shipped_configurations_are_valid_and_a_job_is_an_experience():
    jobs = {name: load_task(name)[0].jobs() for name in ("findingdory", "findingdory_long", "findingdory_small")}
    assert len(jobs["findingdory"]) == 20 and jobs["findingdory"][0] == "house-100000-0"
    assert jobs["findingdory_small"] == ["house-1-0", "house-2-0"]
    assert FindingDory(FindingDoryConfig(seed=1, houses=2, episodes=2)).jobs()[1:3] == ["house-1-1", "house-2-0"]


@pytest.fixture(scope="module")
def run(experience, experience_cache, tmp_path_factory):
    """A finished evaluation of the session's experience."""
    folder = tmp_path_factory.mktemp("run")
    config = folder / "small.yaml"
    config.write_text(
        f"task: findingdory\nseed: {HOUSE}\nhouses: 1\ninteractions: {list(INTERACTIONS)}\n"
        f"agents: [{', '.join(AGENTS)}]\ncache: {experience_cache}\n"
    )
    return evaluate(config, folder / "run", quiet=True)


def command(monkeypatch, capsys, *words) -> str:
    monkeypatch.setattr(sys, "argv", ["embodied-mem", *map(str, words)])
    cli.main()
    return capsys.readouterr().out


def test_every_agent_answers_every_instruction_and_metrics_have_the_published_layout(run):
    rows = list(read_rows(run / "predictions.jsonl"))
    items = {row["id"] for row in rows}
    assert sorted(r["key"] for r in rows) == sorted(f"{a}/{i}" for a in AGENTS for i in items) and len(items) > 40
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["task"] == "findingdory" and tuple(metrics["agents"]) == AGENTS
    assert all(agent.keys() >= MEASURES and len(agent["hl_sr"]) == 12 for agent in metrics["agents"].values())
    assert all(agent["hl_sr"]["all"] < 0.5 for agent in metrics["agents"].values())
    assert "latest" in summary_table(run) and "HL-SR" in summary_table(run)
    assert (run / "report.html").stat().st_size > 1000


def test_the_score_command_knows_the_task_and_says_the_same(run, monkeypatch, capsys):
    metrics = json.loads((run / "metrics.json").read_text())
    assert json.loads(command(monkeypatch, capsys, "score", run / "predictions.jsonl"))["agents"] == metrics["agents"]


def test_the_keys_in_the_originals_columns_are_right_answers(run, monkeypatch, capsys):
    shown = command(monkeypatch, capsys, "score", run / "dataset.jsonl", "--episodes-of", run)
    assert json.loads(shown)["agents"]["dataset"]["hl_sr"]["all"] > 0.97


def test_answers_made_elsewhere_are_scored_by_the_runs_episodes(run, tmp_path, monkeypatch, capsys):
    episode = json.loads(next((run / "episodes").glob("*.json")).read_text())
    right = next(i for i in episode["items"] if i["quantifier"] == "any" and i["frames"][0])
    name = f"ep_{right['id'].split('/')[0]}"
    lines = [
        (name, right["template"], f"[[{right['frames'][0][0]}]]"),
        (name, 31 if right["template"] != 31 else 32, "somewhere in the kitchen"),
        (name, 33, "[[9999999]]"),
        ("ep_1-999", 5, "[[0]]"),
    ]
    path = tmp_path / "answers.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("ep_id", "task_id", "answer"), *lines])
    monkeypatch.setattr(sys, "argv", ["embodied-mem", "score", str(path), "--episodes-of", str(run)])
    cli.main()
    out, err = capsys.readouterr()
    agent = json.loads(out)["agents"]["answers"]
    assert agent["errors"]["unparsable"] == 1 and agent["errors"]["out_of_range"] == 1
    assert agent["errors"]["no_answer"] == len(episode["items"]) - 3 and agent["hl_sr"]["all"] > 0
    assert "1-999" in err and "unparsable" in err and "out_of_range" in err
