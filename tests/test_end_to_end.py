"""The whole loop on one small house: recorded, asked by three agents, scored, reported; and asked by hand."""

from __future__ import annotations

import json
import re
import shutil
import sys
from html.parser import HTMLParser

import pytest

from embodied_mem import cli
from embodied_mem.evaluation.run import evaluate, read_rows
from embodied_mem.memory.palace import MindPalace
from embodied_mem.types import FrameRef
from tests.conftest import RECORDED_DAYS, RECORDED_SEED

AGENTS = ("mind_palace", "blind", "oracle")
CATEGORIES = {"all", "past", "present", "multi_past", "past_present", "past_present_future"}
MEASURES = {
    "correctness", "partial", "efficiency", "efficiency_moving", "images", "travel_m", "seconds", "abstained", "ece",
    "brier", "auroc", "evidence_precision", "evidence_recall",
}  # fmt: skip
PREDICTION = {
    "key", "question_id", "house", "agent", "template", "category", "question", "answer", "text", "confidence",
    "understood", "evidence", "now_views", "images", "metres", "steps", "model_calls", "tokens", "seconds", "correct",
    "partial", "truth", "truth_text", "tolerance_s", "requirements", "l_star", "min_images", "static", "moving",
    "unanswerable", "start_pose", "question_time", "trace", "job",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(recording, recording_cache, tmp_path_factory):
    """The folder of a finished evaluation, in a worker process of its own as always."""
    folder = tmp_path_factory.mktemp("run")
    config = folder / "small.yaml"
    config.write_text(
        f"task: la_eqa\nseed: {RECORDED_SEED}\nhouses: 1\ndays: {RECORDED_DAYS}\nquestions: 10\n"
        f"agents: [{', '.join(AGENTS)}]\ncache: {recording_cache}\n"
    )
    return evaluate(config, folder / "run", quiet=True)


def rows_of(run) -> list[dict]:
    return list(read_rows(run / "predictions.jsonl"))


def test_metrics_json_has_the_published_layout(run):
    metrics = json.loads((run / "metrics.json").read_text())
    rows = rows_of(run)
    about = {k: metrics[k] for k in ("task", "seed", "houses", "questions")}
    assert about == {"task": "la_eqa", "seed": RECORDED_SEED, "houses": 1, "questions": len(rows) // len(AGENTS)}
    assert tuple(metrics["agents"]) == AGENTS
    for name, agent in metrics["agents"].items():
        assert agent.keys() >= MEASURES and set(agent["correctness"]) == CATEGORIES, name
        numbers = [*agent["correctness"].values(), *(agent[m] for m in MEASURES - {"correctness"})]
        assert all(n is None or isinstance(n, float) for n in numbers), name
    oracle = metrics["agents"]["oracle"]
    assert oracle["correctness"]["all"] == oracle["efficiency"] == oracle["evidence_recall"] == 1.0
    blind = metrics["agents"]["blind"]
    assert blind["images"] == blind["travel_m"] == blind["abstained"] == 0.0


def test_every_agent_answers_every_question_once_and_scoring_the_file_says_the_same(run):
    from embodied_mem.tasks.la_eqa.task import LaEqa

    rows = rows_of(run)
    assert all(row.keys() - {"path", "picture", "pictures"} == PREDICTION for row in rows)
    questions = {row["question_id"] for row in rows}
    assert 5 <= len(questions) <= 10
    assert sorted(r["key"] for r in rows) == sorted(f"{a}/{q}" for a in AGENTS for q in questions)
    metrics = json.loads((run / "metrics.json").read_text())
    assert LaEqa.score(rows)["agents"] == metrics["agents"]


def test_evidence_is_there_to_look_at_and_decisions_can_be_followed(run, recording):
    rows = rows_of(run)
    with MindPalace.open(recording.palace, read_only=True) as palace:
        known = {node.ref for node in palace.frames()}
    cited = [(row, FrameRef.parse(name)) for row in rows for name in row["evidence"]]
    assert cited and all(ref in known or str(ref) in row["now_views"] for row, ref in cited)
    for row in rows:
        if row["agent"] == "mind_palace" and row["understood"]:
            assert row["trace"][-1]["action"] == "answer"
            assert all({"value", "cost", "before"} <= step.keys() for step in row["trace"])
            opened = [step["image"] for step in row["trace"] if step["action"] == "recall"]
            assert len(set(opened)) <= row["images"] + 1


class Resources(HTMLParser):
    """What a page loads, and the tags that it leaves open."""

    def __init__(self) -> None:
        super().__init__()
        self.loads, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        names = ("src", "srcset", "data", "poster", "xlink:href") if tag != "link" else ("href",)
        self.loads += [value for name, value in attrs if name in names and value]


def test_the_report_is_one_file_that_needs_nothing_else(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Resources()
    page.feed(text)
    assert {"html", "table"} <= set(page.tags) and text.rstrip().endswith("</html>")
    assert all(load.startswith(("data:", "#")) for load in page.loads), [load[:60] for load in page.loads]
    assert not re.search(r"url\(\s*['\"]?(?!data:|#)|@import|<script[^>]+src", text)
    assert all(agent in text for agent in AGENTS)


def ask(monkeypatch, capsys, *words) -> str:
    monkeypatch.setattr(sys, "argv", ["embodied-mem", "ask", *map(str, words)])
    cli.main()
    return capsys.readouterr().out


def test_a_recorded_palace_answers_with_and_without_its_sidecar(recording, tmp_path, monkeypatch, capsys):
    with MindPalace.open(recording.palace, read_only=True) as palace:
        last = palace.visits()[-1].id
        thing = max(palace.objects(visit=last), key=lambda o: (o.confidence * (o.furniture is not None), o.track))
    question = f"Where was the {thing.label} on the last day?"
    with_sidecar = ask(monkeypatch, capsys, recording.palace, question, "--trace")
    assert "confidence" in with_sidecar and "'action': 'answer'" in with_sidecar and "note:" not in with_sidecar
    shutil.copytree(recording.palace, tmp_path / "palace")  # away from its sidecar
    without = ask(monkeypatch, capsys, tmp_path / "palace", question)
    assert "confidence" in without and "note: no sidecar" in without and "0 images opened" in without


def test_a_second_run_of_the_same_command_adds_nothing(run):
    before = (run / "predictions.jsonl").read_bytes()
    assert evaluate(run.parent / "small.yaml", run, quiet=True) == run
    assert (run / "predictions.jsonl").read_bytes() == before
