"""One line of ``predictions.jsonl``: an answer with its costs, and all of the item that scoring needs.

So a prediction file can be scored alone, and scoring reads nothing but it.
"""

from __future__ import annotations

import math
from dataclasses import asdict

from embodied_mem.errors import InputError
from embodied_mem.tasks.la_eqa.items import CATEGORIES, Item, check_value
from embodied_mem.tasks.la_eqa.judge import accepts
from embodied_mem.types import Answer

COSTS = ("images", "metres", "steps", "model_calls", "tokens", "seconds")


def prediction_row(item: Item, agent: str, answer: Answer, now_views: dict[str, dict] | None = None) -> dict:
    """A JSON-encodable row.

    now_views: for cited frames of the present, ``{frame name: {"pose": [x, y, yaw], "things": [ids]}}`` with the
    true pose and the instances with ≥ 30 pixels from there; filled in by the runner, which alone knows the truth.
    """
    value = answer.value.to_json()
    correct, partial = accepts(item.value, answer.value, item.tolerance_s)
    return {
        "key": f"{agent}/{item.question_id}",
        "question_id": item.question_id,
        "house": item.scene_name,
        "agent": agent,
        "template": item.template,
        "category": item.category,
        "question": item.question,
        "answer": value,
        "text": answer.text,
        "confidence": float(answer.confidence),
        "understood": answer.understood,
        "evidence": [str(ref) for ref in answer.evidence],
        "now_views": now_views or {},
        **{name: value for name, value in asdict(answer.cost).items()},
        "correct": correct,
        "partial": partial,
        "truth": item.answer_value,
        "truth_text": item.answer,
        "tolerance_s": item.tolerance_s,
        "requirements": item.evidence,
        "l_star": item.l_star,
        "min_images": item.min_images,
        "static": item.static,
        "moving": item.moving,
        "unanswerable": item.unanswerable,
        "start_pose": item.start_pose,
        "question_time": item.question_time,
        "trace": list(answer.trace),
    }


def checked(row: dict) -> dict:
    """The row judged anew from its own answer and truth; InputError where a field is missing or of a wrong type."""
    name = row.get("key", row.get("question_id", "?")) if isinstance(row, dict) else "?"
    try:
        answer, truth = check_value(row["answer"], name), check_value(row["truth"], name)
        correct, partial = accepts(truth, answer, float(row["tolerance_s"]))
        if row["category"] not in CATEGORIES:
            raise InputError(f"prediction {name}: unknown category {row['category']!r}")
        numbers = [float(row[k]) for k in (*COSTS, "confidence", "l_star")]
        if not all(map(math.isfinite, numbers)) or min(numbers) < 0 or not 0 <= row["confidence"] <= 1:
            raise InputError(f"prediction {name}: costs must be >= 0 and the confidence in [0, 1], got {numbers}")
        _ = row["agent"], row["house"], row["template"], list(row["evidence"]), list(row["requirements"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"prediction {name}: {type(error).__name__} {error}; write the file anew") from error
    return {**row, "correct": correct, "partial": partial}


def evidence_scores(row: dict) -> tuple[float | None, float | None]:
    """(precision, recall) of the cited frames; None where nothing was cited, or nothing was required.

    A requirement is met by citing one of its frames, or for the present a frame that truly shows one of its things.
    """
    wanted = row["requirements"]
    cited = list(dict.fromkeys(row["evidence"]))
    if not wanted:
        return None, None
    hits = [[_meets(frame, requirement, row) for requirement in wanted] for frame in cited]
    recall = sum(any(column) for column in zip(*hits, strict=True)) / len(wanted) if cited else 0.0
    precision = sum(any(line) for line in hits) / len(cited) if cited else None
    return precision, recall


def _meets(frame: str, requirement: list | dict, row: dict) -> bool:
    if isinstance(requirement, dict):
        view = row.get("now_views", {}).get(frame)
        return bool(view) and bool(set(view["things"]) & set(requirement["things"]))
    return frame in requirement
