"""What a question of our own making carries beside the dataset's fields: a typed key, and the way that it needs."""

from __future__ import annotations

from embodied_mem.datasets.files import Fields
from embodied_mem.tasks.la_eqa.items import check_value
from embodied_mem.types import Value


def key_of(raw: dict) -> tuple[Value | None, float]:
    """(typed truth, tolerance in seconds) of an item's ``answer_value`` and ``tolerance_s``; (None, 0) without them."""
    if raw.get("answer_value") is None:
        return None, 0.0
    return check_value(raw["answer_value"], str(raw.get("question_id", "?"))), float(raw.get("tolerance_s", 0.0))


def way_of(raw: dict) -> tuple[int, ...]:
    """The frames of ``start_place`` and ``best_path`` (as LA-EQA names them) of an OpenEQA item; () without them."""
    if raw.get("best_path") is None:
        return ()
    fields = Fields(raw, f"question {raw.get('question_id', '?')}")
    return (fields.whole("start_place"), *fields.wholes("best_path"))
