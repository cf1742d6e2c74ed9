"""Questions about days to come: what the recorded visits show as a pattern, verified against what then happens.

A pattern is a value that occurred on at least three recorded visits of the same part of the day and on more than half
of them, or a count that grew or shrank evenly over the last four visits. Weekly patterns count from 22 days on.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from embodied_mem.ontology import plural
from embodied_mem.planner.query import ObjectRef, Query, TimeRef
from embodied_mem.sim.house import Furniture, Thing
from embodied_mem.tasks.la_eqa.draft import Draft, all_equal, all_visible, counts, label_value, named, template, things
from embodied_mem.tasks.la_eqa.templates_multi_past import spread
from embodied_mem.tasks.la_eqa.words import date_words, on_place
from embodied_mem.tasks.la_eqa.world import World
from embodied_mem.types import Value

SLOT_HOURS = {"morning": 9, "evening": 19}
WINDOW = 20 * 60.0  # the answer must hold from 20 min before the slot to 20 min after
REPEATS = 3
WEEKLY_DAYS = 22


@dataclass(frozen=True)
class Slot:
    """A moment to come: its date and part of day, UTC seconds, and the house then (None while it changes)."""

    ref: TimeRef
    words: str
    weekday: int
    house: dict[int, Thing | Furniture]


def slots(world: World, ahead: range) -> list[Slot]:
    """Mornings and evenings ``ahead`` days from today, later than now; those in which something changes left out."""
    found = []
    for days in ahead:
        date = world.today + dt.timedelta(days=days)
        for part, hour in SLOT_HOURS.items():
            time = dt.datetime(date.year, date.month, date.day, hour, tzinfo=dt.timezone.utc).timestamp()
            if time > world.now + 3600 and not world.log.events_between(time - WINDOW, time + WINDOW):
                ref = TimeRef("future", date.isoformat(), part)
                found.append(Slot(ref, date_words(date, part, world.today), date.weekday(), world.at_time(time)))
    return found


def pattern(world: World, slot: Slot, read: Callable[[int], Any], seen: Callable[[int], bool]) -> tuple[Any, list[int]]:
    """(value, the visits that support it) of the pattern for a slot, or (None, []).

    read: the value at a visit (None: does not count); seen: whether the camera saw it there.
    """
    visits = [k for k in world.visits if world.part(k) == slot.ref.part]
    if world.days >= WEEKLY_DAYS:
        same_day = [k for k in visits if world.stops[k].date.weekday() == slot.weekday]
        visits = same_day if len(same_day) >= REPEATS else visits
    if not visits:
        return None, []
    value, times = max(Counter(read(k) for k in visits).items(), key=lambda kv: (kv[1], str(kv[0])))
    support = [k for k in visits if read(k) == value and seen(k)]
    if value is None or len(support) < REPEATS or len(support) < times or times * 2 <= len(visits):
        return None, []
    return value, support


def still_named(world: World, slot: Slot, entities) -> Iterator[tuple[int, ObjectRef]]:
    """The entities whose name no newcomer shares at the slot."""
    newcomers = {t.label for i, t in slot.house.items() if i not in world.entities}
    return named(world, (e for e in entities if world.entities[e].label not in newcomers))


def slot_words(slot: Slot) -> dict[str, str]:
    return {"future": slot.words}


def predict_place(world: World, ahead: range) -> Iterator[Draft]:
    for slot in slots(world, ahead):
        for thing, ref in still_named(world, slot, things(world)):
            place, support = pattern(
                world, slot, lambda k, t=thing: world.place(k, t), lambda k, t=thing: world.visible(k, t)
            )
            if place is None or world.place_in(slot.house, thing) != place:
                continue
            yield Draft(
                Query("predict", ref, when=slot.ref, aspect="place"),
                Value("place", place),
                {"thing": ref.words, **slot_words(slot)},
                spread(world, support, thing),
                moving=world.moving(thing),
                static=all_equal(world.place(k, thing) for k in world.visits),
                about=(thing, slot.ref.part),
            )


@template("past_present_future", "predict", fake=True)
def predict_place_next(world: World) -> Iterator[Draft]:
    """The place tomorrow."""
    yield from predict_place(world, range(0, 2))


@template("past_present_future", "predict", fake=True)
def predict_place_later(world: World) -> Iterator[Draft]:
    """The place the day after tomorrow, the last day that is lived through."""
    yield from predict_place(world, range(2, 3))


@template("past_present_future", "predict", fake=True)
def predict_state(world: World) -> Iterator[Draft]:
    """A state to come."""
    for slot in slots(world, range(0, 3)):
        for entity, ref in named(world, (e for e, t in slot.house.items() if e in world.entities and t.states)):
            for name, then in sorted(slot.house[entity].states.items()):
                value, support = pattern(
                    world,
                    slot,
                    lambda k, e=entity, n=name: world.state(k, e, n),
                    lambda k, e=entity: world.visible(k, e),
                )
                if value is None or value != then:
                    continue
                series = [world.state(k, entity, name) for k in world.visits]
                yield Draft(
                    Query("predict", ref, when=slot.ref, aspect=name),
                    label_value(value),
                    {"thing": ref.words, "aspect": name, **slot_words(slot)},
                    spread(world, support, entity),
                    moving=not all_equal(series),
                    static=all_equal(series),
                    images=REPEATS,
                    about=(entity, slot.ref.part),
                )


@template("past_present_future", "predict")
def predict_count(world: World) -> Iterator[Draft]:
    """How many of a label there will be on a surface."""
    spots = sorted({(t.label, world.rooms[t.room], t.surface) for k in world.visits for t in world.things(k)})
    for slot in slots(world, range(0, 3)):
        for label, room, surface in (s for s in spots if s[2] != "floor"):
            draft = _count(world, slot, label, room, surface)
            if draft is not None:
                yield draft


def _count(world: World, slot: Slot, label: str, room: str, surface: str) -> Draft | None:
    ids = [counts(world, label, room, surface, k) for k in world.visits]
    series = [len(i) for i in ids]
    value, support = pattern(world, slot, lambda k: series[k], lambda k: all_visible(world, k, ids[k]))
    trend = even_trend(series)
    if trend:
        gone = (dt.date.fromisoformat(slot.ref.date) - world.stops[-1].date).days
        value, support = series[-1] + trend * gone, list(range(world.days - 4, world.days))
        if not all(all_visible(world, k, ids[k]) for k in support):
            return None
    truth = sum(
        isinstance(t, Thing) and t.label == label and t.surface == surface and world.rooms[t.room] == room
        for t in slot.house.values()
    )
    # A lone thing that stays would make "1" the answer to most of these questions.
    if value is None or value != truth or (not trend and value < 2):
        return None
    return Draft(
        Query("predict", ObjectRef(label, words=label), room, surface, slot.ref, aspect="count"),
        Value("count", truth),
        {"things": plural(label), "place": on_place(surface, room), **slot_words(slot)},
        [
            sorted({f for k in support[i::3] for t in ids[k] for f in world.evidence(k, t)})
            for i in range(3)
            if any(ids[k] for k in support[i::3])
        ],
        moving=not all_equal(series),
        static=all_equal(series),
        about=(label, room, surface, slot.ref.part),
    )


def even_trend(series: list[int]) -> int:
    """The step of a count that changed by the same step ≠ 0 over the last four visits, else 0."""
    steps = {b - a for a, b in zip(series[-4:], series[-3:], strict=False)}
    return steps.pop() if len(series) >= 4 and len(steps) == 1 else 0


@template("past_present_future", "predict")
def predict_exists(world: World) -> Iterator[Draft]:
    """Whether a label will be in a room, for labels that come and go there."""
    spots = sorted({(t.label, world.rooms[t.room]) for k in world.visits for t in world.things(k)})
    for slot in slots(world, range(0, 3)):
        for label, room in spots:
            ids = [counts(world, label, room, k=k) for k in world.visits]
            if all_equal(bool(i) for i in ids):
                continue
            value, support = pattern(
                world, slot, lambda k, ids=ids: bool(ids[k]), lambda k, ids=ids: all_visible(world, k, ids[k])
            )
            there = any(
                isinstance(t, Thing) and t.label == label and world.rooms[t.room] == room for t in slot.house.values()
            )
            if value is None or value != there:
                continue
            shown = [sorted({f for k in support[i::3] for t in ids[k] for f in world.evidence(k, t)}) for i in range(3)]
            yield Draft(
                Query("predict", ObjectRef(label, words=label), room, when=slot.ref, aspect="exists"),
                Value("bool", value),
                {"a": ("an " if label[0] in "aeiou" else "a ") + label, "place": f"in the {room}", **slot_words(slot)},
                [frames for frames in shown if frames],
                moving=True,
                about=(label, room, slot.ref.part),
            )


