"""What comes next in a sequence of visits: a mixture of simple habits, weighted by how well each foretold the past.

The habits: it stays as it was; it is as at the same part of day; as on the same weekday; as most of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

import numpy as np

PRIOR = {"stay": 0.35, "slot": 0.40, "week": 0.10, "mode": 0.15}
RECENCY = 0.93  # weight of a memory one same-slot visit older
PATTERN = {"stay": 0.04, "slot": 0.84, "week": 0.04, "mode": 0.08}  # a forecast rests on the part of day ...
WEEKLY = {"stay": 0.04, "slot": 0.20, "week": 0.70, "mode": 0.06}  # ... and, after three such weeks, the weekday
WEEKS = 3
SHARP = 6.0  # how many pseudo-observations of its favourite a habit is worth against one of anything else


@dataclass(frozen=True)
class Slot:
    """One visit (or the present, or a time to come) on the calendar. ``visit`` is ``""`` for a time to come."""

    visit: str
    time: float
    part: str
    date: str
    day: int
    weekday: int


def slot_of(visit: str, time: float, part: str = "") -> Slot:
    """The calendar slot of a moment (UTC s): "morning" before noon, else "evening"."""
    moment = datetime.fromtimestamp(time, timezone.utc)
    part = part or ("morning" if moment.hour < 13 else "evening")
    return Slot(visit, time, part, moment.date().isoformat(), moment.date().toordinal(), moment.weekday())


def _favourites(past: Sequence[int], slots: Sequence[Slot], at: Slot, size: int) -> dict[str, np.ndarray]:
    """Each habit's expectation (size) as recency-weighted counts, from values in ``past`` (-1: not known)."""
    out = {}
    tests = {
        "stay": None,
        "slot": lambda s: s.part == at.part,
        "week": lambda s: s.weekday == at.weekday,
        "mode": lambda s: True,
    }
    for name, test in tests.items():
        votes, weight = np.zeros(size), 1.0
        for value, slot in zip(reversed(past), reversed(slots[: len(past)]), strict=True):
            if value < 0 or (test and not test(slot)):
                continue
            votes[value] += weight
            weight *= RECENCY
            if test is None:
                break
        if votes.sum():
            out[name] = votes / votes.sum()
    return out


def foretell(past: Sequence[int], slots: Sequence[Slot], at: Slot, base: np.ndarray) -> np.ndarray:
    """P(value at slot ``at``) (K) given the values of earlier visits and a base measure (K, sums to 1).

    The habits are weighted by how well each foretold the visits so far. Where nothing was seen it is the base measure.
    """
    return _foretold(tuple(past), tuple(slots), at, base.tobytes())


@lru_cache(maxsize=20_000)  # many worlds share one past
def _foretold(past: tuple[int, ...], slots: tuple[Slot, ...], at: Slot, base_bytes: bytes) -> np.ndarray:
    base, weights = np.frombuffer(base_bytes), dict(PRIOR)
    for t in range(1, len(past)):
        if past[t] >= 0:
            for name, votes in _favourites(past[:t], slots, slots[t], len(base)).items():
                weights[name] *= (SHARP * votes[past[t]] + base[past[t]]) / (SHARP + 1)
    return _mix(weights, past, slots, at, base, SHARP + 3 * len(past))  # a long history leaves less to chance


def forecast(past: Sequence[int], slots: Sequence[Slot], at: Slot, base: np.ndarray) -> np.ndarray:
    """The same for a time to come, after others may have passed unseen: by the pattern of the part of day or week."""
    same = [s for s in slots[: len(past)] if s.part == at.part and s.weekday == at.weekday]
    return _mix(WEEKLY if len(same) >= WEEKS else PATTERN, past, slots, at, base, 3 * SHARP)


def _mix(weights: dict[str, float], past, slots, at: Slot, base: np.ndarray, sharp: float) -> np.ndarray:
    now = _favourites(past, slots, at, len(base))
    if not now:
        return base
    total = sum(weights[name] for name in now)
    mixed = sum(weights[name] / total * (sharp * votes + base) / (sharp + 1) for name, votes in now.items())
    return mixed / mixed.sum()


def even_trend(series: Sequence[int]) -> int:
    """The step of a count that changed by the same step ≠ 0 over the last four visits, else 0."""
    steps = {b - a for a, b in zip(series[-4:], series[-3:], strict=False)}
    return steps.pop() if len(series) >= 4 and len(steps) == 1 else 0


def forecast_count(past: Sequence[int], slots: Sequence[Slot], at: Slot) -> dict[int, float]:
    """P(count at slot ``at``): an even trend goes on, else the pattern of the part of day."""
    return dict(_forecast_count(tuple(past), tuple(slots), at))


@lru_cache(maxsize=20_000)
def _forecast_count(past: tuple[int, ...], slots: tuple[Slot, ...], at: Slot) -> dict[int, float]:
    if not past:
        return {}
    size = max(past) + 2
    chance = dict(enumerate(forecast(past, slots, at, np.full(size, 1 / size)).tolist()))
    if step := even_trend(past):
        line = max(0, past[-1] + step * (at.day - slots[len(past) - 1].day))
        chance = {k: 0.15 * v for k, v in chance.items()}
        chance[line] = chance.get(line, 0.0) + 0.85
    return chance
