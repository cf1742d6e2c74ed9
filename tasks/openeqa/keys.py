"""The typed key that a question of our own making carries beside the dataset's fields."""

from __future__ import annotations

from embodied_mem.tasks.la_eqa.items import check_value
from embodied_mem.types import Value


def key_of(raw: dict) -> tuple[Value | None, float]:
    """(typed truth, tolerance in seconds) of an item's ``answer_value`` and ``tolerance_s``; (None, 0) without them."""
    if raw.get("answer_value") is None:
        return None, 0.0
    return check_value(raw["answer_value"], str(raw.get("question_id", "?"))), float(raw.get("tolerance_s", 0.0))
