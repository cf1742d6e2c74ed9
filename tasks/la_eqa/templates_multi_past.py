"""Questions that need several recorded visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from embodied_mem.planner.query import Query, TimeRef
from embodied_mem.tasks.la_eqa.draft import HALF_HOUR, Draft, all_equal, all_visible, named, template, things
from embodied_mem.tasks.la_eqa.scopes import change_drafts, compare_drafts
from embodied_mem.tasks.la_eqa.words import on_place
from embodied_mem.tasks.la_eqa.world import World
from embodied_mem.types import Value

Pair = tuple[int, int]


def event_draft(
    world: World, thing: int, ref, k: int, query: Query, time: float, slots: dict, shown: list[int]
) -> Draft:
    """A "when" question whose event lies between visits ``k`` and ``k + 1``; ``shown``: visits that show the thing."""
    return Draft(
        query,
        Value("time", time),
        {"thing": ref.words, **slots},
        [world.evidence(m, thing) for m in shown],
        moving=True,
        tolerance=max(world.gap(k) / 2, HALF_HOUR),
        about=(thing, "when"),
    )


def gaps(world: World) -> range:
    """First visits of the pairs of consecutive recorded visits."""
    return range(world.days - 1)


@template("multi_past", "when", fake=True)
def when_moved(world: World) -> Iterator[Draft]:
    """Things that changed their place exactly once between the first and the last visit, and not since."""
    for thing, ref in named(world, things(world)):
        moved = [k for k in gaps(world) if world.place(k, thing) != world.place(k + 1, thing)]
        events = world.events(thing)
        if len(moved) != 1 or len(events) != 1 or events[0].kind != "move":
            continue
        k = moved[0]
        if all_visible(world, k, [thing]) and all_visible(world, k + 1, [thing]):
            yield event_draft(world, thing, ref, k, Query("when", ref, aspect="moved"), events[0].time, {}, [k, k + 1])


@template("multi_past", "when", fake=True)
def when_arrived(world: World) -> Iterator[Draft]:
    """The only arrival of a thing at a place during the horizon."""
    for thing, ref in named(world, things(world)):
        if not world.clean(thing):
            continue
        places = [world.place(k, thing) for k in world.moments]
        for k in gaps(world):
            old, new = places[k], places[k + 1]
            arrivals = [m for m in range(world.days) if places[m] != new and places[m + 1] == new]
            if old is None or new is None or old == new or arrivals != [k]:
                continue
            if world.visible(k, thing) and world.visible(k + 1, thing):
                query = Query("when", ref, new[1], new[0], aspect="arrived")
                event = world.events(thing, k, k + 1)[0]
                yield event_draft(world, thing, ref, k, query, event.time, {"place": on_place(*new)}, [k, k + 1])


@template("multi_past", "when", fake=True)
def when_appeared(world: World) -> Iterator[Draft]:
    """Things that came into the house once and were seen on the next visit."""
    for thing, ref in named(world, things(world)):
        events = [e for e in world.events(thing) if e.kind in ("appear", "remove")]
        if len(events) != 1 or events[0].kind != "appear":
            continue
        k = _gap_of(world, events[0].time)
        if k is not None and world.visible(k + 1, thing):
            yield event_draft(world, thing, ref, k, Query("when", ref, aspect="appeared"), events[0].time, {}, [k + 1])


@template("multi_past", "when", fake=True)
def when_removed(world: World) -> Iterator[Draft]:
    """Things that left the house once and were seen on the visit before."""
    for thing, ref in named(world, things(world)):
        events = [e for e in world.events(thing) if e.kind in ("appear", "remove")]
        if not events or events[-1].kind != "remove" or sum(e.kind == "remove" for e in events) != 1:
            continue
        k = _gap_of(world, events[-1].time)
        if k is not None and world.visible(k, thing):
            yield event_draft(world, thing, ref, k, Query("when", ref, aspect="removed"), events[-1].time, {}, [k])


def _gap_of(world: World, time: float) -> int | None:
    """The recorded visit before an event, if it and the next one are both recorded."""
    return next((k for k in gaps(world) if world.time(k) < time <= world.time(k + 1)), None)


@template("multi_past", "when", fake=True)
def when_state(world: World) -> Iterator[Draft]:
    """The only time that a state took a value during the horizon."""
    for entity, ref in named(world, world.entities):
        there = world.at(0).get(entity) or world.at(world.days).get(entity)
        for name in sorted(there.states) if there else ():
            series = [world.state(k, entity, name) for k in world.moments]
            if not world.state_clean(entity, name):
                continue
            for k in gaps(world):
                old, new = series[k], series[k + 1]
                turns = [m for m in range(world.days) if series[m] != new and series[m + 1] == new]
                if None in (old, new) or old == new or turns != [k] or not (
                    world.visible(k, entity) and world.visible(k + 1, entity)
                ):
                    continue
                event = next(e for e in world.events(entity, k, k + 1, ("state",)) if name in e.after)
                query = Query("when", ref, aspect="state", value=new)
                draft = event_draft(world, entity, ref, k, query, event.time, {"value": new}, [k, k + 1])
                yield Draft(**{**draft.__dict__, "images": 2})


@template("multi_past", "when", fake=True)
def first_seen(world: World) -> Iterator[Draft]:
    """Things that were not in the house on the first visit: the visit that saw them first."""
    yield from _sighting(world, "first_seen", 0, lambda w, thing, k: all(w.place(m, thing) is None for m in range(k)))


@template("multi_past", "when", fake=True)
def last_seen(world: World) -> Iterator[Draft]:
    """Things that have left the house: the visit that saw them last."""
    yield from _sighting(
        world, "last_seen", -1, lambda w, thing, k: all(w.place(m, thing) is None for m in range(k + 1, w.days + 1))
    )


def _sighting(world: World, aspect: str, which: int, absent) -> Iterator[Draft]:
    for thing, ref in named(world, things(world)):
        k = ([m for m in world.visits if world.visible(m, thing)] or [None])[which]
        there = [m for m in world.visits if world.place(m, thing) is not None]
        if k is None or there[which] != k or not absent(world, thing, k) or len(there) == world.days:
            continue
        yield Draft(
            Query("when", ref, aspect=aspect),
            Value("time", world.time(k)),
            {"thing": ref.words},
            [world.evidence(k, thing)],
            moving=True,
            tolerance=HALF_HOUR,
            about=(thing, aspect),
        )


@template("multi_past", "changes")
def changes_surface(world: World) -> Iterator[Draft]:
    yield from change_drafts(world, _pairs(world), "surface")


@template("multi_past", "changes")
def changes_room(world: World) -> Iterator[Draft]:
    yield from change_drafts(world, _pairs(world), "room")


@template("multi_past", "compare", fake=True)
def compare_room(world: World) -> Iterator[Draft]:
    yield from compare_drafts(world, _pairs(world), "room")


@template("multi_past", "compare", fake=True)
def compare_surface(world: World) -> Iterator[Draft]:
    yield from compare_drafts(world, _pairs(world), "surface")


def _pairs(world: World) -> list[Pair]:
    """Pairs of visits at most a week apart; of long horizons the last two weeks."""
    recent = range(max(0, world.days - 14), world.days)
    return [(a, b) for a in recent for b in recent if 0 < b - a <= 7]


@template("multi_past", "how_long", fake=True)
def how_long_past(world: World) -> Iterator[Draft]:
    """A stay that began and ended between recorded visits, the only one at that place."""
    for thing, ref in named(world, things(world)):
        if not world.clean(thing, 0, world.days):
            continue
        places = [world.place(k, thing) for k in world.moments]
        for k in gaps(world):
            here = places[k + 1]
            stay = [m for m in world.moments if places[m] == here]
            last = stay[-1]
            if here is None or places[k] == here or stay != list(range(k + 1, last + 1)) or last >= world.days - 1:
                continue
            if not all(world.visible(m, thing) for m in (*stay, *(m for m in (k, last + 1) if places[m]))):
                continue
            came, left = world.events(thing, k, k + 1)[0].time, world.events(thing, last, last + 1)[0].time
            yield Draft(
                Query("how_long", ref, here[1], here[0], aspect="place"),
                Value("duration", left - came),
                {"thing": ref.words, "place": on_place(*here)},
                [world.evidence(m, thing) for m in sorted({k + 1, last})],
                moving=True,
                tolerance=max(0.2 * (left - came), world.gap(k), world.gap(last)),
                about=(thing, "how_long"),
            )


@template("multi_past", "routine", fake=True)
def usual_place(world: World) -> Iterator[Draft]:
    """The place of more than half of the visits of a part of the day, three at least."""
    for thing, ref in named(world, things(world)):
        for part in ("morning", "evening"):
            visits = [k for k in world.visits if world.part(k) == part]
            found = Counter(world.place(k, thing) for k in visits)
            place, times = max(found.items(), key=lambda kv: (kv[1], kv[0] or ()))
            support = [k for k in visits if world.place(k, thing) == place and world.visible(k, thing)]
            if place is None or times * 2 <= len(visits) or len(support) < 3 or len(support) < times:
                continue
            yield Draft(
                Query("routine", ref, when=TimeRef("ever", part=part), aspect="place"),
                Value("place", place),
                {"thing": ref.words, "part": part},
                spread(world, support, thing),
                moving=world.moving(thing),
                static=all_equal(world.place(k, thing) for k in world.visits),
                about=(thing, "routine", part),
            )


def spread(world: World, support: list[int], entity: int, parts: int = 3) -> list[list[str]]:
    """Three requirements from the visits that support a pattern, each an any-of over every third of them."""
    return [sorted(f for k in support[i::parts] for f in world.evidence(k, entity)) for i in range(parts)]


@template("multi_past", "count")
def visit_count(world: World) -> Iterator[Draft]:
    """On how many visits a thing was at a place; it was seen on all visits that had it in the house."""
    for thing, ref in named(world, things(world)):
        there = [k for k in world.visits if world.place(k, thing) is not None]
        places = {world.place(k, thing) for k in there}
        if len(places) < 2 or not all(world.visible(k, thing) for k in there):
            continue
        for place in sorted(places):
            support = [k for k in there if world.place(k, thing) == place]
            yield Draft(
                Query("count", ref, place[1], place[0], TimeRef("ever"), aspect="visits"),
                Value("count", len(support)),
                {"thing": ref.words, "place": on_place(*place)},
                [world.evidence(k, thing) for k in support],
                moving=True,
                about=(thing, "visits"),
            )


