"""The record of every decision of one question: what was done, what it was worth and cost, belief before and after."""

from __future__ import annotations

from embodied_mem.planner.belief import Belief


class Trace:
    """Collects JSON-encodable steps; ``steps()`` is what an Answer carries."""

    def __init__(self) -> None:
        self._steps: list[dict] = []

    def add(self, action: str, *, value: float = 0.0, cost: float = 0.0, before: Belief | None = None,
            after: Belief | None = None, **details) -> None:  # fmt: skip
        """value: what the action was expected to be worth (net); cost: its price in the same currency."""
        step = {"action": action, "value": round(float(value), 5), "cost": round(float(cost), 5)}
        if before is not None:
            step["before"] = before.to_json()
        if after is not None:
            step["after"] = after.to_json()
        self._steps.append({**step, **details})

    def steps(self) -> tuple[dict, ...]:
        return tuple(self._steps)
