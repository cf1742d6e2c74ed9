"""The measures of a prediction file: ``metrics.json``, intervals over houses, calibration and risk tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from embodied_mem.evaluation import statistics
from embodied_mem.evaluation.statistics import calibration_bins, house_draws, mean, percentile_interval
from embodied_mem.tasks.la_eqa.items import CATEGORIES
from embodied_mem.tasks.la_eqa.predictions import checked, evidence_scores

Rows = list[dict]


def score(rows: Iterable[dict], seed: int = 0) -> dict:
    """``metrics.json`` of a prediction file, which is judged anew: task, seed, houses, questions, agents.

    Raises InputError for a row that lacks what scoring needs.
    """
    rows = [checked(row) for row in rows]
    agents = list(dict.fromkeys(row["agent"] for row in rows))
    return {
        "task": "la_eqa",
        "seed": seed,
        "houses": len({row["house"] for row in rows}),
        "questions": len({row["question_id"] for row in rows}),
        "agents": {agent: agent_metrics([r for r in rows if r["agent"] == agent], seed) for agent in agents},
    }


def agent_metrics(rows: Rows, seed: int = 0) -> dict:
    """All measures of one agent's judged rows; None where a measure has nothing to measure."""
    by_category = {c: [r for r in rows if r["category"] == c] for c in CATEGORIES}
    evidence = [evidence_scores(r) for r in rows if answered(r)]
    moving = [r for r in rows if r["l_star"] > 0]
    return {
        "correctness": {"all": mean(r["correct"] for r in rows)}
        | {c: mean(r["correct"] for r in found) for c, found in by_category.items()},
        "partial": mean(r["partial"] for r in rows),
        "efficiency": mean(efficiency(r) for r in rows),
        "efficiency_moving": mean(efficiency(r) for r in moving),
        "images": mean(r["images"] for r in rows),
        "travel_m": mean(r["metres"] for r in rows),
        "seconds": mean(r["seconds"] for r in rows),
        "abstained": mean(not answered(r) for r in rows),
        **confidence_measures(rows),
        "evidence_precision": mean(p for p, _ in evidence if p is not None),
        "evidence_recall": mean(r for _, r in evidence if r is not None),
        "correctness_static": mean(r["correct"] for r in rows if r.get("static")),
        "unverified": mean(r["correct"] and r["metres"] < r["l_star"] - 0.5 for r in moving),
        "intervals": {
            "all": interval(rows, lambda r: r["correct"], seed),
            **{c: interval(found, lambda r: r["correct"], seed) for c, found in by_category.items()},
            "efficiency": interval(rows, efficiency, seed),
            "images": interval(rows, lambda r: r["images"], seed),
        },
    }


def answered(row: dict) -> bool:
    return row["answer"]["type"] != "abstain"


def efficiency(row: dict) -> float:
    """Correctness × L*/max(L, L*); where no motion is needed, correctness / (1 + L / 1 m)."""
    way, best = float(row["metres"]), float(row["l_star"])
    return float(row["correct"]) * (best / max(way, best) if best > 0 else 1 / (1 + way))


def interval(rows: Rows, value: Callable[[dict], float], seed: int = 0) -> list[float] | None:
    """95 % bootstrap interval of a mean; houses are drawn, not questions. None with fewer than two houses."""
    houses: dict[str, list[float]] = {}
    for row in rows:
        houses.setdefault(row["house"], []).append(float(value(row)))
    if len(houses) < 2:
        return None
    sums = np.array([sum(v) for v in houses.values()])
    sizes = np.array([len(v) for v in houses.values()])
    draws = house_draws(len(sums), seed)
    return percentile_interval(sums[draws].sum(1) / sizes[draws].sum(1))


# -- confidence ------------------------------------------------------------------------------------------------------


def confidence_measures(rows: Rows) -> dict[str, float | None]:
    """ece (10 bins), brier, brier_base (always saying the base rate), auroc; over answered questions."""
    rows = [r for r in rows if answered(r)]
    return statistics.confidence_measures([r["confidence"] for r in rows], [r["correct"] for r in rows])


def calibration(rows: Rows) -> list[dict]:
    """Ten equal-width bins of confidence over answered questions: low, high, count, mean confidence, correctness."""
    rows = [r for r in rows if answered(r)]
    return calibration_bins([r["confidence"] for r in rows], [r["correct"] for r in rows])


def risk_coverage(rows: Rows) -> list[dict]:
    """Answered questions from the surest on: coverage (share of all questions) and risk (share of wrong among them)."""
    found = sorted((r for r in rows if answered(r)), key=lambda r: r["question_id"])
    return statistics.risk_coverage([r["confidence"] for r in found], [r["correct"] for r in found], len(rows))


def by_template(rows: Rows) -> list[dict]:
    """Template, how many, correctness and partial credit; worst first."""
    names = sorted({r["template"] for r in rows})
    table = []
    for name in names:
        found = [r for r in rows if r["template"] == name]
        table.append({
            "template": name, "category": found[0]["category"], "count": len(found),
            "correct": mean(r["correct"] for r in found), "partial": mean(r["partial"] for r in found),
        })  # fmt: skip
    return sorted(table, key=lambda line: (line["correct"], line["template"]))
