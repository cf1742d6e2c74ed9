"""Questions about how many, which and whether: counts, existence, comparisons, changes, and what will be."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate

from embodied_mem.planner.answers_single import aspect_of
from embodied_mem.planner.answers_world import NO_ANSWER, UNKNOWN, Finding, World, in_scope
from embodied_mem.planner.belief_habits import forecast_count
from embodied_mem.planner.belief_worlds import ABSENT, ELSEWHERE
from embodied_mem.planner.query import Query
from embodied_mem.types import Value


def standing(query: Query, world: World, t: int) -> list[int]:
    """The asked things that are in scope at slot ``t``."""
    return [i for i in world.members() if in_scope(query, world.place(i, t))]


def exists(query: Query, world: World, slots: list[int]) -> Finding:
    """Whether any of the asked things is in scope at any of the slots."""
    for t in reversed(slots):
        if found := standing(query, world, t):
            return Finding(Value("bool", True), ((found[0], t),))
    return Finding(Value("bool", False))


def count(query: Query, world: World, slots: list[int]) -> Finding:
    """How many things there are, or on how many visits one was there."""
    if query.aspect == "visits":
        uses = [(found[0], t) for t in slots if t < world.last and (found := standing(query, world, t))]
        return Finding(Value("count", len(uses)), tuple(uses))
    found = standing(query, world, slots[-1])
    return Finding(Value("count", len(found)), tuple((i, slots[-1]) for i in found))


def compare(query: Query, world: World, slots: list[int], until: list[int]) -> Finding:
    """Two times against each other: the same place or state (bool), or more, fewer, same (label)."""
    a, b = slots[-1], until[-1]
    if query.aspect == "count":
        first, second = standing(query, world, a), standing(query, world, b)
        word = "more" if len(second) > len(first) else "fewer" if len(second) < len(first) else "same"
        return Finding(Value("label", word), (*((i, a) for i in first), *((i, b) for i in second)))
    i = next((i for i in world.members() if world.here(i, a)), None)
    if i is None:
        return NO_ANSWER
    uses = ((i, a), (i, b)) if world.here(i, b) else ((i, a),)
    if query.aspect == "state":
        aspect = aspect_of(query)
        return Finding(Value("bool", world.state(i, a, aspect) == world.state(i, b, aspect)), uses)
    return Finding(Value("bool", world.place(i, a) == world.place(i, b)), uses)


def changes(query: Query, world: World, slots: list[int], until: list[int]) -> Finding:
    """Labels of which the scope holds more (+) or fewer (−) at the second time.

    By number, not by identity: which of two alike things stands there is of no consequence to the answer.
    """
    a, b = slots[0], until[-1]
    gain: Counter = Counter()
    uses: dict[str, list[tuple[int, int]]] = {}
    for i in world.members():
        before, after = in_scope(query, world.place(i, a)), in_scope(query, world.place(i, b))
        if before != after:
            label = world.chain(i).subject.label
            gain[label] += 1 if after else -1
            uses.setdefault(label, []).append((i, b if after else a))
    found = frozenset(("+" if n > 0 else "-") + label for label, n in gain.items() if n)
    return Finding(Value("set", found), tuple(use for label, rows in uses.items() if gain[label] for use in rows))


def predict(query: Query, world: World, slots: list[int]) -> Finding:
    """Place, state, count or existence at the slot to come, which is the last column of every chain."""
    t = len(world.worlds.slots) - 1
    if query.aspect in ("count", "exists"):
        return _predict_count(query, world, t)
    i = world.subject()
    if i is None:
        return NO_ANSWER
    if query.aspect == "place":
        place = world.place(i, t)
        if place in (ABSENT, ELSEWHERE):
            return UNKNOWN
        same = [s for s in range(world.last) if world.place(i, s) == place]
        return Finding(Value("place", place), tuple((i, s) for s in _matching(world, same, t)[:3]))
    aspect = aspect_of(query)
    value = world.state(i, t, aspect)
    same = [s for s in range(world.last) if world.state(i, s, aspect) == value and world.here(i, s)]
    return Finding(Value("label", value), tuple((i, s) for s in _matching(world, same, t)[:3]))


def _matching(world: World, slots: list[int], t: int) -> list[int]:
    """Of these visits the ones at the same part of day as ``t``, else all."""
    part = world.worlds.slots[t].part
    return [s for s in slots if world.worlds.slots[s].part == part] or slots


def _predict_count(query: Query, world: World, t: int) -> Finding:
    past = [len(standing(query, world, s)) for s in range(world.last)]
    if query.aspect == "exists":
        past = [int(k > 0) for k in past]
    chance = forecast_count(past, world.worlds.slots, world.worlds.slots[t])
    if not chance:
        return UNKNOWN
    # The n-th world takes the n-th quantile (in a scattered order), so that many worlds show the whole spread.
    level = (world.n * 0.6180339887 + 0.5) % 1.0 * sum(chance.values())
    values = sorted(chance)
    totals = list(accumulate(chance[value] for value in values))
    value = values[min(bisect_left(totals, level), len(values) - 1)]
    same = _matching(world, [s for s in range(world.last) if past[s]], t)
    uses = tuple((i, s) for s in same[:3] for i in standing(query, world, s))
    return Finding(Value("bool", value > 0) if query.aspect == "exists" else Value("count", value), uses)


