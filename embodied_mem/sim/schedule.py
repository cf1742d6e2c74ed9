"""The calendar of a house: day zero, when the robot patrols, when questions are asked, when nothing may happen.

One patrol a day: mornings (09:00 ± 20 min) on even days, evenings (19:00 ± 20 min) on odd days. All times are
UTC seconds; house time is UTC. Residents act only in :data:`WINDOWS`, which no quiet interval can reach.
"""

from __future__ import annotations

import calendar
from zlib import crc32

import numpy as np

HOUR = 3600.0
DAY = 24 * HOUR
SLOTS = {"morning": 9 * HOUR, "evening": 19 * HOUR}
JITTER = 20 * 60.0
QUIET_BEFORE, QUIET_AFTER = 5 * 60.0, 40 * 60.0

# When residents act, seconds of the day: before the earliest morning patrol, between the two slots, after the
# latest evening patrol. "return": coming home, the last chance before an evening patrol.
WINDOWS = {
    "early": (7 * HOUR, 8.5 * HOUR),
    "midday": (11 * HOUR, 18 * HOUR),
    "return": (17.5 * HOUR, 18.5 * HOUR),
    "late": (20.5 * HOUR, 23 * HOUR),
}

_FIRST_MONDAY = float(calendar.timegm((2027, 3, 1, 0, 0, 0)))


def rng_of(seed: int, *names: object) -> np.random.Generator:
    """A generator of its own for each (seed, names): one mechanism's draws never shift another's."""
    return np.random.default_rng([seed, *(crc32(str(n).encode()) for n in names)])


def day_zero(seed: int) -> float:
    """Midnight of day 0, a Monday: 2027-03-01 plus (seed mod 40) weeks."""
    return _FIRST_MONDAY + (seed % 40) * 7 * DAY


def part_of_day(day: int) -> str:
    """"morning" on even days, "evening" on odd days: when the robot patrols."""
    return "morning" if day % 2 == 0 else "evening"


def slot_time(seed: int, day: int) -> float:
    """Start of day ``day``'s patrol."""
    shift = rng_of(seed, "patrol", day).uniform(-JITTER, JITTER)
    return day_zero(seed) + day * DAY + SLOTS[part_of_day(day)] + float(np.round(shift))


def visit_times(seed: int, days: int) -> list[tuple[str, float]]:
    """(visit id, start) of the patrols of days 0 .. days−1: ``("v000", ...)``."""
    return [(f"v{day:03d}", slot_time(seed, day)) for day in range(days)]


def question_time(seed: int, days: int) -> float:
    """When questions are asked: the slot after the last patrol, on day ``days``."""
    return slot_time(seed, days)


def quiet_intervals(seed: int, days: int) -> list[tuple[float, float]]:
    """(start, end) around every patrol and the question time, in which nothing happens."""
    times = [*(start for _, start in visit_times(seed, days)), question_time(seed, days)]
    return [(t - QUIET_BEFORE, t + QUIET_AFTER) for t in times]


def quiet(t: float, seed: int, days: int) -> bool:
    """Whether nothing may happen at ``t``."""
    return any(start <= t <= end for start, end in quiet_intervals(seed, days))
