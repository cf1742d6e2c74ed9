"""The report of a run over a dataset folder, and the answers in OpenEQA's own format for its own scorer."""

from __future__ import annotations

import json
from pathlib import Path

from embodied_mem.evaluation import report as html
from embodied_mem.evaluation.run import read_rows, write_atomically
from embodied_mem.tasks.openeqa.metrics import checked

MAIN = "mind_palace"
SHOWN = 60


def write_report(folder: Path, questions: Path) -> Path:
    """``report.html`` and ``openeqa-AGENT.json`` (a list of {question_id, answer}) of a finished run folder."""
    rows = [checked(row) for row in read_rows(folder / "predictions.jsonl")]
    metrics = json.loads((folder / "metrics.json").read_text())
    files = [write_answers(folder, agent, rows) for agent in metrics["agents"]]
    commands = "<br>".join(f"<code>{html.text(official_command(file, questions))}</code>" for file in files)
    body = [
        f"<h1>{html.text(metrics['task'])}</h1>",
        f"<p class=note>{metrics['episodes']} episodes, {metrics['questions']} questions, {metrics['run_seconds']} s. "
        "<b>This is not OpenEQA's score.</b> Answers are judged without a language model, only where the reference "
        "reads as a typed value or the question carries a typed key; the share of those is the column 'judged', and "
        "'correct' is over them alone. Brackets: 95 % bootstrap interval over episodes. Efficiency: credit × l / "
        "max(p, l) in metres, where a question says which way l it needs.</p>",
        _table(metrics),
        "<p class=note>OpenEQA's own score (LLM-Match) needs a language model and a key to it; its script reads these "
        f"files as they are (in a checkout of facebookresearch/open-eqa):<br>{commands}</p>",
        "<h2>Answers</h2>",
        _answers([r for r in rows if r["agent"] == MAIN] or rows),
    ]  # fmt: skip
    return html.save(folder / "report.html", html.page(metrics["task"], body))


def write_answers(folder: Path, agent: str, rows: list[dict]) -> Path:
    """The answers of one agent as OpenEQA's scripts read and write them."""
    path = folder / f"openeqa-{agent}.json"
    answers = [{"question_id": r["question_id"], "answer": r["text"]} for r in rows if r["agent"] == agent]
    write_atomically(path, json.dumps(answers, indent=2, ensure_ascii=False) + "\n")
    return path


def official_command(answers: Path, questions: Path) -> str:
    """How OpenEQA scores such a file; ``--force`` because a part of the questions may have been asked."""
    return f"python evaluate-predictions.py {answers} --dataset {questions} --force"


def _table(metrics: dict) -> str:
    categories = metrics["categories"]
    head = ["agent", "correct", "judged", *categories, "efficiency", "abstained", "images", "metres", "seconds"]
    lines = []
    for agent, row in metrics["agents"].items():
        span = "" if row["interval"] is None else "[{:.2f}, {:.2f}]".format(*row["interval"])
        cells = [_number(row["correctness"][c]) for c in categories]
        costs = [_number(row[k]) for k in ("efficiency", "abstained", "images", "travel_m", "seconds")]
        correct = f"{_number(row['correct'])}<br><small>{span}</small>"
        lines.append([agent, correct, _number(row["judged"]), *cells, *costs])
    return html.table(head, lines, MAIN)


def _answers(rows: list[dict]) -> str:
    lines = [
        [html.text(r["question"]), html.text(r["text"]), html.text(" / ".join(r["references"])), _number(r["correct"]),
         f"{r['confidence']:.2f}", html.text(", ".join(r["evidence"][:3]))] for r in rows[:SHOWN]
    ]  # fmt: skip
    more = f"<p class=note>and {len(rows) - SHOWN} more in predictions.jsonl</p>" if len(rows) > SHOWN else ""
    head = ["question", "answer", "reference", "credit", "confidence", "evidence"]
    return html.table(head, lines, cls="trace") + more


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
