"""The report of a run: tables with intervals, accuracy against cost, calibration, and single questions to look at."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from embodied_mem.evaluation import report as html
from embodied_mem.evaluation.run import read_rows
from embodied_mem.tasks.la_eqa.items import CATEGORIES

MAIN = "mind_palace"
CARDS_PER_CATEGORY = 4


def write_report(folder: Path) -> Path:
    """``report.html`` of a finished run folder: one file that needs nothing else."""
    rows = list(read_rows(folder / "predictions.jsonl"))
    metrics = json.loads((folder / "metrics.json").read_text())
    by_agent = defaultdict(list)
    for row in rows:
        by_agent[row["agent"]].append(row)
    body = [
        "<h1>LA-EQA on simulated houses</h1>",
        f"<p class=note>{metrics['houses']} houses ({metrics['config']['simulator']} simulator), "
        f"{metrics['config']['days']} days, {metrics['questions']} "
        f"questions; house seeds from {metrics['seed']}; run time {metrics['run_seconds'] / 60:.0f} min. "
        "Brackets: 95 % bootstrap interval over houses.</p>",
        *_correctness(metrics),
        *_costs(metrics),
        *_plots(metrics, by_agent),
        *_templates(by_agent.get(MAIN, [])),
        *_cards(by_agent.get(MAIN, []), folder / "pictures"),
    ]
    return html.save(folder / "report.html", html.page("LA-EQA report", body))


def _correctness(metrics: dict) -> list[str]:
    head = ["agent", "all", *(c.replace("_", " ") for c in CATEGORIES), "partial", "abstained"]
    lines = []
    for agent, row in metrics["agents"].items():
        low_high = row["intervals"]
        cells = [
            f"{_number(row['correctness'][c])}<br><small>{_interval(low_high.get(c))}</small>"
            for c in ("all", *CATEGORIES)
        ]
        lines.append([agent, *cells, _number(row["partial"]), _number(row["abstained"])])
    return ["<h2>Correctness</h2>", html.table(head, lines, MAIN)]


def _costs(metrics: dict) -> list[str]:
    names = (
        "efficiency", "efficiency_moving", "images", "travel_m", "seconds", "ece", "brier", "auroc",
        "evidence_precision", "evidence_recall",
    )  # fmt: skip
    lines = [[agent, *(_number(row[n]) for n in names)] for agent, row in metrics["agents"].items()]
    head = ["agent", *(n.replace("_", " ") for n in names)]
    note = (
        "<p class=note>Efficiency is correctness × L*/max(L, L*), over all questions and over those that need motion. "
        "Images are stored past images opened by the slow gear, a question; metres are driven in the present.</p>"
    )
    return ["<h2>What it cost, how sure it was, what it cited</h2>", html.table(head, lines, MAIN), note]


def _plots(metrics: dict, by_agent: dict) -> list[str]:
    agents = metrics["agents"]
    pictures = [
        html.cost_plot({a: (r[cost], r["correctness"]["all"]) for a, r in agents.items()}, label)
        for cost, label in (("images", "recalled images a question"), ("travel_m", "metres driven a question"))
    ]
    answered = {a: [r for r in rows if r["answer"]["type"] != "abstain"] for a, rows in by_agent.items()}
    curves = {a: _confidence(rows) for a, rows in answered.items() if a not in ("oracle", "blind")}
    if len(curves.get(MAIN, ((), ()))[0]):
        pictures.append(html.calibration_plot(*curves[MAIN]))
    pictures.append(html.risk_coverage_plot(curves))
    inside = "".join(html.image(p, "plot") for p in pictures)
    return ["<h2>Accuracy against cost, calibration</h2>", f"<div class=plots>{inside}</div>"]


def _confidence(rows: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([r["confidence"] for r in rows]), np.array([float(r["correct"]) for r in rows])


def _templates(rows: list[dict]) -> list[str]:
    groups = defaultdict(list)
    for row in rows:
        groups[(CATEGORIES.index(row["category"]), row["template"])].append(row)
    lines = []
    for (_, template), inside in sorted(groups.items()):
        mean = {k: np.mean([r[k] for r in inside]) for k in ("correct", "partial", "images", "metres")}
        lines.append(
            [template, inside[0]["category"].replace("_", " "), str(len(inside)),
             *(f"{mean[k]:.2f}" for k in ("correct", "partial", "images", "metres"))]
        )  # fmt: skip
    head = ["template", "category", "questions", "correct", "partial", "images", "metres"]
    return [f"<h2>{MAIN} by template</h2>", html.table(head, lines)]


def _cards(rows: list[dict], pictures: Path) -> list[str]:
    drawn = [r for r in rows if (pictures / r["job"] / f"{_file(r)}.json").exists()]
    body = ["<h2>Single questions</h2>", "<p class=note>The floor plan is the robot's own map, with the way it drove; "
            "then the images it cites, and every decision: what it did, what that was worth and cost.</p>"]  # fmt: skip
    for category in CATEGORIES:
        inside = sorted((r for r in drawn if r["category"] == category), key=lambda r: (r["correct"], r["question_id"]))
        wrong, right = [r for r in inside if not r["correct"]], [r for r in inside if r["correct"]]
        half = CARDS_PER_CATEGORY // 2
        chosen = right[: CARDS_PER_CATEGORY - len(wrong[:half])] + wrong[:half]
        body += [_card(row, pictures / row["job"]) for row in chosen]
    return body


def _file(row: dict) -> str:
    return row["question_id"].replace("/", "_")


def _card(row: dict, folder: Path) -> str:
    about = json.loads((folder / f"{_file(row)}.json").read_text())
    mark = "<span class=right>right</span>" if row["correct"] else "<span class=wrong>wrong</span>"
    figures = [f"<figure>{html.image((folder / name).read_bytes(), caption, 320)}<figcaption>{html.text(caption)}"
               f"</figcaption></figure>" for name, caption in about["pictures"]]  # fmt: skip
    facts = (
        f"<p>Answer: <b>{html.text(row['text'])}</b> (confidence {row['confidence']:.2f}) · truth: "
        f"<b>{html.text(row['truth_text'])}</b> · {row['images']} images, {row['metres']:.1f} m "
        f"(shortest {row['l_star']:.1f} m)</p>"
    )
    head = f"{mark} <b>{html.text(row['question'])}</b> <small>{row['category']} · {row['template']}</small>"
    return (
        f"<details class=card><summary>{head}</summary>{facts}<div class=row>{''.join(figures)}</div>"
        f"{_trace(row['trace'])}</details>"
    )


def _trace(trace: list[dict]) -> str:
    lines = []
    for step in trace[:12]:
        rest = {k: v for k, v in step.items() if k not in ("action", "value", "cost", "before", "after")}
        about = "; ".join(f"{k}: {v}" for k, v in rest.items())
        beliefs = [_belief(step.get("before")), _belief(step.get("after"))]
        numbers = [_number(step.get("value")), _number(step.get("cost"))]
        lines.append([html.text(step.get("action", "")), html.text(about), *beliefs, *numbers])
    if len(trace) > 12:
        lines.append([f"… {len(trace) - 12} more", "", "", "", "", ""])
    head = ["action", "what", "belief before", "belief after", "value", "cost"]
    return html.table(head, lines, cls="trace") if lines else ""


def _belief(pairs: list | None) -> str:
    """The likeliest answers of a belief with their probabilities."""
    shown = [f"{html.text(_said(value))} {probability:.2f}" for value, probability in (pairs or [])[:3]]
    return "<br>".join(shown)


def _said(value: dict) -> str:
    kind, data = value["type"], value["data"]
    if kind == "abstain":
        return "I don't know"
    if kind == "time":
        return day_and_time(data)
    if kind == "duration":
        return f"{data / 3600:.1f} h"
    return ", ".join(map(str, data)) or "nothing" if isinstance(data, list) else str(data)


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "–" if value is None else html.text(value)


def _interval(pair: tuple[float, float] | None) -> str:
    return "" if pair is None else f"[{pair[0]:.2f}, {pair[1]:.2f}]"


def day_and_time(seconds: float) -> str:
    """A moment as a caption says it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%a %d %b %H:%M")
