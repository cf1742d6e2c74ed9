"""A line of predictions, and the measures of a file of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from embodied_mem.errors import InputError
from embodied_mem.types import Answer, Value

COSTS = ("images", "metres", "steps", "model_calls", "tokens", "seconds")
STANDING_M = 0.01  # a way shorter than this is none

Rows = list[dict]


@dataclass(frozen=True)
class Asked:
    """A question of either dataset. references: right answers in words; key: the typed truth, where there is one.

    way: frames of the present, the one that the robot starts at first, then those that an answer needs (empty: nothing
    is to be walked, as in OpenEQA's episodic-memory track).
    """

    question_id: str
    episode: str
    question: str
    category: str
    references: tuple[str, ...]
    key: Value | None = field(default=None)
    tolerance_s: float = 0.0
    way: tuple[int, ...] = ()


def prediction_row(asked: Asked, agent: str, answer: Answer, job: str, reference_m: float | None = None) -> dict:
    """A JSON-encodable row: the answer, what it cost, and all that scoring needs; reference_m: length of the way."""
    from embodied_mem.tasks.openeqa.judge import credit

    return {
        "key": f"{agent}/{asked.question_id}", "job": job, "agent": agent, "question_id": asked.question_id,
        "episode": asked.episode, "category": asked.category, "question": asked.question,
        "answer": answer.value.to_json(), "text": answer.text, "confidence": float(answer.confidence),
        "understood": answer.understood, "evidence": [str(ref) for ref in answer.evidence], **asdict(answer.cost),
        "correct": credit(answer.value, asked.references, asked.key, asked.tolerance_s),
        "references": list(asked.references), "truth": asked.key.to_json() if asked.key else None,
        "tolerance_s": asked.tolerance_s, "reference_m": reference_m, "trace": list(answer.trace),
    }  # fmt: skip


def checked(row: dict) -> dict:
    """The row judged anew (``correct``: credit in [0, 1], None where only a model could tell); InputError where a field
    is missing or of a wrong type."""
    from embodied_mem.tasks.la_eqa.items import check_value
    from embodied_mem.tasks.openeqa.judge import credit

    name = row.get("key", "?")
    try:
        answer = check_value(row["answer"], name)
        truth = check_value(row["truth"], name) if row["truth"] is not None else None
        reference = row["reference_m"]
        numbers = [float(row[k]) for k in (*COSTS, "confidence", "tolerance_s")] + [float(reference or 0.0)]
        if not all(map(math.isfinite, numbers)) or min(numbers) < 0 or row["confidence"] > 1:
            raise InputError(f"prediction {name}: costs must be >= 0 and the confidence in [0, 1], got {numbers}")
        _ = row["agent"], row["episode"], row["category"], row["question_id"], str(row["text"])
        value = credit(answer, tuple(map(str, row["references"])), truth, float(row["tolerance_s"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"prediction {name}: {type(error).__name__} {error}; write the file anew") from error
    return {**row, "correct": value}


def efficiency(credit: float, reference_m: float, way_m: float) -> float:
    """A-EQA's efficiency of one answer: E = (σ − 1) / 4 · l / max(p, l), l the reference way and p the agent's.

    OpenEQA (Majumdar et al., CVPR 2024), section 4: there l and p are time steps; followers (3D-Mem) and LA-EQA use
    metres, as here, so figures of the two do not compare. (σ − 1) / 4 is the credit. Where nothing is to be walked
    (l = 0) the weight is LA-EQA's: 1 for standing still, else 0.
    """
    if reference_m <= STANDING_M:
        return credit * (way_m <= STANDING_M)
    return credit * reference_m / max(way_m, reference_m)


def score(rows: Iterable[dict], task: str) -> dict:
    """``metrics.json`` of a predictions file, judged anew. Raises InputError for a damaged row."""
    rows = [checked(row) for row in rows]
    agents = list(dict.fromkeys(row["agent"] for row in rows))
    categories = sorted({row["category"] for row in rows})
    return {
        "task": task,
        "episodes": len({row["episode"] for row in rows}),
        "questions": len({row["question_id"] for row in rows}),
        "categories": categories,
        "agents": {a: _agent([r for r in rows if r["agent"] == a], categories) for a in agents},
    }


def _agent(rows: Rows, categories: list[str]) -> dict:
    from embodied_mem.evaluation.statistics import mean

    judged = [r for r in rows if r["correct"] is not None]
    walked = [r for r in judged if r["reference_m"] is not None]
    return {
        "correct": mean(r["correct"] for r in judged),
        "judged": mean(r["correct"] is not None for r in rows),
        "correctness": {c: mean(r["correct"] for r in judged if r["category"] == c) for c in categories},
        "interval": _interval(judged),
        "efficiency": mean(efficiency(r["correct"], r["reference_m"], r["metres"]) for r in walked),
        "abstained": mean(r["answer"]["type"] == "abstain" for r in rows),
        "understood": mean(r["understood"] for r in rows),
        "images": mean(r["images"] for r in rows),
        "travel_m": mean(r["metres"] for r in rows),
        "seconds": mean(r["seconds"] for r in rows),
    }


def _interval(judged: Rows) -> list[float] | None:
    """95 % bootstrap interval of the credit; episodes are drawn, not questions. None with fewer than two."""
    import numpy as np

    from embodied_mem.evaluation.statistics import house_draws, percentile_interval

    episodes: dict[str, list[float]] = {}
    for row in judged:
        episodes.setdefault(row["episode"], []).append(row["correct"])
    if len(episodes) < 2:
        return None
    sums, sizes = (np.array([f(v) for v in episodes.values()], float) for f in (sum, len))
    draws = house_draws(len(sums))
    return percentile_interval(sums[draws].sum(1) / sizes[draws].sum(1))
