"""Templates 31 to 51: the order of interactions, clock times, how long rearranging took."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.templates import Day, Draft, best, pieces, template

ORDER, CLOCK, DURATION = "Interaction Order", "Time-Based", "Duration Tracking"
TIE_S = 30.0
SPARE_S = 30.0  # a clock time is asked with that much of the interval before and after it, where possible
MINUTE, DAY = 60.0, 86400.0
Interval = tuple[float, float, Goal]


def nth(goals: list[Goal]) -> Iterator[Draft]:
    for k, goal in enumerate(goals):
        yield Draft((goal,), {"ordinal": k + 1})


@template(31, ORDER)
def nth_object(day):
    return nth(day.objects)


@template(32, ORDER)
def nth_start(day):
    return nth(day.starts)


@template(33, ORDER)
def nth_end(day):
    return nth(day.ends)


@template(34, ORDER)
def start_of_nth_object(day):
    return nth(day.starts)


@template(35, ORDER)
def object_of_nth_start(day):
    return nth(day.objects)


def beside(day: Day, goals: list[Goal], offset: int) -> Iterator[Draft]:
    """The goal of the interaction ``offset`` after (+) or before (−) that of X."""
    for k in range(len(day)):
        if 0 <= k + offset < len(day):
            yield Draft((goals[k + offset],), {"x": day.name(k)})


def between(day: Day, goals: list[Goal]) -> Iterator[Draft]:
    """The goal of the one interaction between those of X and Y."""
    for k in range(len(day) - 2):
        yield Draft((goals[k + 1],), {"x": day.name(k), "y": day.name(k + 2)})


TWO, THREE = "it takes two interactions", "it takes three interactions"


@template(36, ORDER, TWO)
def object_after(day):
    return beside(day, day.objects, 1)


@template(37, ORDER, TWO)
def object_before(day):
    return beside(day, day.objects, -1)


@template(38, ORDER, THREE)
def object_two_after(day):
    return beside(day, day.objects, 2)


@template(39, ORDER, THREE)
def object_two_before(day):
    return beside(day, day.objects, -2)


@template(40, ORDER, THREE)
def object_between(day):
    return between(day, day.objects)


@template(41, ORDER, TWO)
def end_before(day):
    return beside(day, day.ends, -1)


@template(42, ORDER, TWO)
def start_after(day):
    return beside(day, day.starts, 1)


@template(43, ORDER, THREE)
def end_two_before(day):
    return beside(day, day.ends, -2)


@template(44, ORDER, THREE)
def start_two_after(day):
    return beside(day, day.starts, 2)


@template(45, ORDER, THREE)
def end_between(day):
    return between(day, day.ends)


@template(46, ORDER, THREE)
def start_between(day):
    return between(day, day.starts)


@template(47, CLOCK, "no whole minute lies within a pick or a placement")
def receptacle_at(day):
    intervals = []
    for k, i in enumerate(day.log.interactions):
        t1, t2, t3, t4 = i.times
        intervals += [(t1, t2, day.start(k)), (t3, t4, day.goal(k))]
    return at_minutes(day, 47, intervals)


@template(48, CLOCK, "no whole minute lies within an interaction")
def object_at(day):
    return at_minutes(day, 48, [(i.times[0], i.times[3], day.object(k)) for k, i in enumerate(day.log.interactions)])


def at_minutes(day: Day, number: int, intervals: list[Interval]) -> Iterator[Draft]:
    """One minute drawn of each interval that has some with time to spare and no other near; else the best there is."""
    ranked = [
        [(_clear(t, goal, intervals), min(t - low, high - t), t) for t in _minutes(low, high)]
        for low, high, goal in intervals
    ]
    rng = day.rng(number, "minute")
    good = [[t for clear, spare, t in minutes if clear and spare >= SPARE_S] for minutes in ranked]
    if any(good):
        times = [minutes[int(rng.integers(len(minutes)))] for minutes in good if minutes]
    else:
        times = [t for _, _, t in sorted(sum(ranked, []))[-1:]]
    for t in times:
        goals = pieces(goal for low, high, goal in intervals if low <= t <= high)
        yield Draft(goals, clock_slots(day, t))


def _minutes(low: float, high: float) -> list[float]:
    return [m * MINUTE for m in range(math.ceil(low / MINUTE), math.floor(high / MINUTE) + 1)]


def _clear(t: float, goal: Goal, intervals: Iterable[Interval]) -> bool:
    """Whether nothing else was handled from 30 s before to 30 s after the minute that begins at t."""
    near = (low <= t + MINUTE + SPARE_S and high >= t - SPARE_S and g.id != goal.id for low, high, g in intervals)
    return not any(near)


def clock_slots(day: Day, t: float) -> dict:
    """Day and seconds of the day of UTC seconds t; days are named where the experience has several."""
    times = day.log.steps.time
    first, last = int(times[0] // DAY), int(times[-1] // DAY)
    return {"day": int(t // DAY) - first + 1 if last > first else None, "seconds": int(t % DAY)}


def by_duration(day: Day, worth: Callable[[float], float]) -> Iterator[Draft]:
    seconds = {i.thing: worth(i.seconds) for i in day.log.interactions}
    yield Draft(best(day.objects, lambda goal: seconds[goal.id], TIE_S, f"equal in time within {TIE_S:.0f} s"))


@template(49, DURATION)
def longest(day):
    return by_duration(day, lambda s: s)


@template(51, DURATION)
def shortest(day):
    return by_duration(day, lambda s: -s)
