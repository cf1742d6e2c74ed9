"""Questions about one thing: where, when, how long, its usual place, what it is like and in which state."""

from __future__ import annotations

from collections import Counter

from embodied_mem.planner.answers_world import (
    NO_ANSWER,
    UNKNOWN,
    Finding,
    World,
    in_scope,
)
from embodied_mem.planner.belief_worlds import ABSENT, ELSEWHERE
from embodied_mem.planner.query import Query
from embodied_mem.types import Value


def where(query: Query, world: World, slots: list[int]) -> Finding:
    """Its place at the asked time; of several that fit the words, the first that is there."""
    for t in reversed(slots):
        for i in world.members():
            place = world.place(i, t)
            if place == ELSEWHERE:
                return UNKNOWN
            if place != ABSENT and (not query.room or query.room == place[1]):
                return Finding(Value("place", place), ((i, t),))
    return NO_ANSWER


def when(query: Query, world: World, slots: list[int]) -> Finding:
    """The middle of the gap between the two visits that bound the event."""
    i = world.subject()
    if i is None:
        return NO_ANSWER
    last = world.last
    if query.aspect in ("first_seen", "last_seen"):
        seen = [t for t in range(last) if world.seen(i, t) and in_scope(query, world.place(i, t))]
        t = (seen[0] if query.aspect == "first_seen" else seen[-1]) if seen else None
        return NO_ANSWER if t is None else Finding(Value("time", world.time(t)), ((i, t),))
    events = [t for t in range(1, last) if _happened(query, world, i, t)]
    if not events:
        return NO_ANSWER
    t = events[0] if query.when.kind == "first" or query.aspect == "appeared" else events[-1]
    uses = tuple((i, s) for s in (t - 1, t) if world.here(i, s))
    return Finding(Value("time", world.between(t)), uses)


def _happened(query: Query, world: World, i: int, t: int) -> bool:
    """Whether the event that is asked about lies between visits t−1 and t."""
    before, after = world.place(i, t - 1), world.place(i, t)
    if query.aspect == "appeared":
        return before == ABSENT and after != ABSENT
    if query.aspect == "removed":
        return before != ABSENT and after == ABSENT
    if query.aspect == "arrived":
        return not in_scope(query, before) and in_scope(query, after)
    if query.aspect == "state":
        aspect = aspect_of(query)
        old, new = world.state(i, t - 1, aspect), world.state(i, t, aspect)
        return old != new and (not query.value or new == query.value)
    moved = before != after and ABSENT not in (before, after)
    return moved and (not (query.room or query.surface) or in_scope(query, before))


def how_long(query: Query, world: World, slots: list[int]) -> Finding:
    """From the middle of the gap in which it began to the middle of the gap in which it ended (or to now)."""
    i = world.subject()
    if i is None:
        return NO_ANSWER
    present = slots[-1] == world.last
    horizon = world.last if present else max(slots)
    scoped = query.aspect != "state" and (query.room or query.surface)
    if scoped and present and world.last and not in_scope(query, world.place(i, world.last - 1)):
        horizon = world.last - 1  # a stay that had ended by the last visit is one of the past
    if query.aspect == "state":
        aspect = aspect_of(query)
        value = query.value or world.state(i, horizon, aspect)
        holds = [world.state(i, t, aspect) == value for t in range(horizon + 1)]
    elif scoped:
        holds = [in_scope(query, world.place(i, t)) for t in range(horizon + 1)]
    else:
        here = world.place(i, horizon)
        holds = [world.place(i, t) == here for t in range(horizon + 1)]
        if present and here in (ABSENT, ELSEWHERE):
            # Whoever asks knows that it is here: at a place where no visit saw it, so it came since the last one.
            holds = [t == horizon for t in range(horizon + 1)]
        elif here == ABSENT:
            holds = []
    ends = [t for t, held in enumerate(holds) if held]
    if not ends:
        return NO_ANSWER
    end = begin = ends[-1]
    while begin > 0 and holds[begin - 1]:
        begin -= 1
    start = world.between(begin) if begin else world.time(0)
    stop = world.time(horizon) if end == horizon else world.between(end + 1)
    edges = {begin, end} if scoped and end < horizon else {max(0, begin - 1), begin, end}
    uses = tuple((i, t) for t in sorted(edges) if world.here(i, t))
    return Finding(Value("duration", stop - start), uses)


def routine(query: Query, world: World, slots: list[int]) -> Finding:
    """The place where it was on most of the asked visits (the later one where two are level)."""
    i = world.subject()
    if i is None:
        return NO_ANSWER
    part = query.when.part
    asked = [t for t in range(world.last) if not part or world.worlds.slots[t].part == part]
    places = [(world.place(i, t), t) for t in asked]
    known = [(p, t) for p, t in places if p not in (ABSENT, ELSEWHERE)]
    if not known:
        return NO_ANSWER
    votes = Counter(p for p, _ in known)
    best = max(votes, key=lambda p: (votes[p], max(t for q, t in known if q == p)))
    return Finding(Value("place", best), tuple((i, t) for p, t in known if p == best)[:3])


def attribute(query: Query, world: World, slots: list[int]) -> Finding:
    """A lasting attribute of the one that stood in scope at the asked time: colour, material, print or shape."""
    for t in reversed(slots):
        for i in world.members():
            if world.here(i, t) and in_scope(query, world.place(i, t)):
                return Finding(Value("label", world.attribute(i, query.aspect)), ((i, t),))
    return NO_ANSWER


def state(query: Query, world: World, slots: list[int]) -> Finding:
    """Its state at the asked time."""
    for t in reversed(slots):
        for i in world.members():
            if world.here(i, t) and (in_scope(query, world.place(i, t)) or world.place(i, t) == ELSEWHERE):
                return Finding(Value("label", world.state(i, t, aspect_of(query))), ((i, t),))
    return NO_ANSWER


def aspect_of(query: Query) -> str:
    """Which state aspect a question is about: named, or that of its value."""
    from embodied_mem import ontology

    if query.aspect in ontology.STATES:
        return query.aspect
    named = next((name for name, values in ontology.STATES.items() if query.value in values), "")
    label = query.target.label if query.target else ""
    known = ontology.THINGS.get(label) or ontology.FURNITURE.get(label)
    return named or (known.states[0] if known and known.states else "power")
