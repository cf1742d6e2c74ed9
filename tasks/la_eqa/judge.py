"""The deterministic judge: typed answer against typed key, no model, no word matching.

where: surface and room. when: within the item's tolerance (half the gap of the bounding visits, at least 30 min).
how long: within the tolerance (20 % or one visit gap). count, state, yes/no: exact. changes: F1 of the set.
Abstaining is right on unanswerable questions only, and nothing else is right on those.
"""

from __future__ import annotations

from embodied_mem.tasks.la_eqa.items import Item
from embodied_mem.types import Value


def set_f1(answer: frozenset, truth: frozenset) -> float:
    """F1 of two sets; two empty sets agree fully."""
    if not answer and not truth:
        return 1.0
    return 2 * len(answer & truth) / (len(answer) + len(truth))


def accepts(truth: Value, answer: Value, tolerance_s: float = 0.0) -> tuple[bool, float]:
    """(correct, partial credit in [0, 1]) of one typed answer. Types must agree: a count is never a label."""
    if answer.type != truth.type:
        return False, 0.0
    if truth.type == "place":
        surface, room = (a == t for a, t in zip(answer.data, truth.data, strict=True))
        return surface and room, 1.0 if surface and room else 0.5 if room else 0.0
    if truth.type in ("time", "duration"):
        right = abs(float(answer.data) - float(truth.data)) <= tolerance_s + 1e-6
        return right, float(right)
    if truth.type == "set":
        f1 = set_f1(frozenset(answer.data), frozenset(truth.data))
        return f1 == 1.0, f1
    if truth.type == "count" and type(answer.data) is int:
        miss = abs(answer.data - truth.data)
        return miss == 0, max(0.0, 1 - miss / max(truth.data, 1))
    right = type(answer.data) is type(truth.data) and answer.data == truth.data
    return right, float(right)


def judge(item: Item, answer: Value) -> tuple[bool, float]:
    """Whether ``answer`` is right for ``item``, and its partial credit."""
    return accepts(item.value, answer, item.tolerance_s)
