"""Regularities of a life: daily routines, states by the time of day, weekly habits, rotations, trends.

What a regularity owns is disturbed by nothing else, so that it holds at every patrol.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from embodied_mem.ontology import STATES, THINGS
from embodied_mem.sim.house import Thing
from embodied_mem.sim.log import placement
from embodied_mem.sim.routines import Draft, Pattern, twin_key
from embodied_mem.sim.routines_space import GAP, rows_of_spots
from embodied_mem.sim.schedule import DAY
from embodied_mem.sim.stock import SAME_LABEL

# Things that people carry about; anything else that fits may be chosen once these are used up.
CARRIED = (
    "mug", "laptop", "towel", "backpack", "toy car", "tablet", "phone", "handbag", "headphones", "book", "blanket",
    "teddy bear", "remote control", "lunch box", "wallet", "camera", "basket", "pillow", "thermos", "hat", "notebook",
)  # fmt: skip
ALIKE = (
    "bottle", "box", "magazine", "book", "jar", "toilet roll", "glass", "mug", "notebook", "towel", "soap bottle",
    "candle", "bowl", "plate", "block tower", "pillow", "shoe",
)  # fmt: skip
PILE = 14  # things of one label on one surface that a person would still put up with
WEEKDAYS = ((1, 3), (5, 6), (0, 2, 4), (6,))


def daily_routines(draft: Draft) -> None:
    """A thing is at one place in the mornings and at another in the evenings, every day."""
    rng = draft.rng("routine")
    for thing, (morning, evening) in _choose(draft, rng, _scaled(draft, 4.4), 2):
        who = draft.resident(rng)
        draft.patterns.append(
            Pattern(thing.id, thing.label, "routine", who, {"morning": morning, "evening": evening})
        )
        for day in range(draft.days):
            for window, to in (("early", morning), ("return", evening)):
                act = partial(draft.move, thing_id=thing.id, to=to, cause="routine", who=who)
                draft.schedule(draft.at(day, window, rng), act)


def state_routines(draft: Draft) -> None:
    """States that follow the time of day, and as many that change when somebody feels like it."""
    rng = draft.rng("state")
    things = [t for t in draft.free_things() if t.states]
    owners = [*things, *(f for f in draft.house.furniture if f.states)]
    owners = [owners[i] for i in rng.permutation(len(owners))]
    seen: set[str] = set()
    chosen = [o for o in owners if not (o.label in seen or seen.add(o.label))][: _scaled(draft, 5)]
    for i, owner in enumerate(chosen):
        draft.owned.add(owner.id)
        name = sorted(owner.states)[0]
        who = draft.resident(rng)
        if i % 5 in (1, 3):
            _moody(draft, owner.id, name, who, rng)
            continue
        morning, evening = STATES[name] if rng.random() < 0.35 else STATES[name][::-1]
        draft.patterns.append(
            Pattern(owner.id, owner.label, "state", who, {"name": name, "morning": morning, "evening": evening})
        )
        for day in range(draft.days):
            for window, value in (("early", morning), ("return", evening)):
                act = partial(draft.set_state, owner_id=owner.id, name=name, value=value, cause="state", who=who)
                draft.schedule(draft.at(day, window, rng), act)


def _moody(draft: Draft, owner_id: int, name: str, who: str, rng: np.random.Generator) -> None:
    """A state that flips on random days."""
    first, second = STATES[name]

    def flip(time: float) -> None:
        owner = draft.owner_of_state(owner_id)
        value = second if owner.states[name] == first else first
        draft.set_state(time, owner_id, name, value, "state_change", who)

    for day in range(draft.days):
        if rng.random() < 0.4:
            draft.schedule(draft.at(day, ("midday", "late")[int(rng.integers(2))], rng), flip)


def weekly_habits(draft: Draft) -> None:
    """A thing stands elsewhere on certain weekdays, from the early morning to the next early morning."""
    rng = draft.rng("weekly")
    for i, (thing, (on, off)) in enumerate(_choose(draft, rng, _scaled(draft, 1.3), 2)):
        weekdays = WEEKDAYS[(i + int(rng.integers(2)) * 2) % len(WEEKDAYS)]
        who = draft.resident(rng)
        draft.patterns.append(
            Pattern(thing.id, thing.label, "weekly", who, {"weekdays": list(weekdays), "on": on, "off": off})
        )
        _by_day(draft, thing, "weekly", who, rng, [on if d % 7 in weekdays else off for d in range(draft.days)])


def rotations(draft: Draft) -> None:
    """A thing goes round two or three places, one a day."""
    rng = draft.rng("rotation")
    for period in (2, 3)[: _scaled(draft, 2)]:
        for thing, places in _choose(draft, rng, 1, period):
            who = draft.resident(rng)
            draft.patterns.append(Pattern(thing.id, thing.label, "rotation", who, {"places": list(places)}))
            _by_day(draft, thing, "rotation", who, rng, [places[d % period] for d in range(draft.days)])


def trends(draft: Draft) -> None:
    """Things of one label gather on a surface, one more at a fixed hour, or get fewer."""
    rng = draft.rng("trend")
    every = -(-draft.days // (PILE - 1))
    steps = -(-draft.days // every)
    labels = [ALIKE[i] for i in rng.permutation(len(ALIKE))]
    rooms: set[int] = set()
    for step in (1, -1, 1)[: 2 + int(rng.random() < 0.4)]:
        for label in labels:
            if label in draft.trend_labels or any(t.label == label and t.id in draft.owned for t in draft.house.things):
                continue
            model = draft.new_thing(label, rng)
            spots = _pile_spots(draft, model, steps + 1, rooms, rng)
            if spots:
                rooms.add(spots[0]["room"])
                _trend(draft, model, spots, step, every, rng)
                break


def _pile_spots(draft: Draft, model: Thing, count: int, rooms: set[int], rng: np.random.Generator) -> list[dict]:
    """``count`` spots on one surface of a room without a trend yet, as wide apart as there is space for."""
    places = [p for p in draft.places_for(model.label) if p.room not in rooms and p.surface.furniture]
    order = [places[i] for i in rng.permutation(len(places))]
    for gap in (max(GAP, SAME_LABEL - min(model.size[:2])), 0.1, 0.06, GAP):
        for place in order:
            spots = rows_of_spots(place, model.size, count, draft.taken(place.room, model), gap)
            if len(spots) == count:
                return spots
    return []


def _trend(draft: Draft, model: Thing, spots: list[dict], step: int, every: int, rng: np.random.Generator) -> None:
    """Schedule one trend: things of ``model``'s label and size appear on, or go from, ``spots`` in order."""
    draft.trend_labels.add(model.label)
    who = draft.resident(rng)
    colours = [str(c) for c in rng.permutation(THINGS[model.label].colours)]
    pile = [
        _piece(draft.new_thing(model.label, rng), model, at, colours[i % len(colours)])
        for i, at in enumerate(spots)
    ]
    for thing, at in zip(pile, spots, strict=True):
        draft.owned.add(thing.id)
        draft.reserve(thing, at)
    first = draft.start + float(rng.choice([7.25, 7.75, 21.0, 22.0])) * 3600
    stock = pile if step < 0 else pile[:1]  # there from before the first patrol
    for thing in stock:
        draft.schedule(draft.at(0, "early", rng), partial(draft.appear, thing=thing, cause="trend", who=who))
    rest = pile[1:] if step > 0 else pile[:0:-1]
    do = draft.appear if step > 0 else draft.remove
    # A step early on day 0 would come before the first patrol: nobody would see it as a step.
    offset = 1 if first - draft.start < 12 * 3600 else 0
    times = [first + (offset + i * every) * DAY for i in range(len(rest))]
    for time, thing in zip(times, rest, strict=True):
        draft.schedule(time, partial(do, thing=thing, cause="trend", who=who))
    where = {k: spots[0][k] for k in ("room", "furniture", "surface")}
    draft.patterns.append(Pattern(0, model.label, "trend", who, {**where, "step": step, "every": every}))


def _piece(thing: Thing, model: Thing, at: dict, colour: str) -> Thing:
    return replace(thing, size=model.size, attributes={**thing.attributes, "colour": colour}, **at)


def _by_day(draft: Draft, thing: Thing, cause: str, who: str, rng: np.random.Generator, targets: list[dict]) -> None:
    for day, to in enumerate(targets):
        act = partial(draft.move, thing_id=thing.id, to=to, cause=cause, who=who)
        draft.schedule(draft.at(day, "early", rng), act)


def _scaled(draft: Draft, usual: float) -> int:
    """A number of patterns that is ``usual`` in a house of 55 or more things, less in a smaller one, at least 1."""
    return max(1, round(usual * min(1.0, len(draft.house.things) / 55)))


def _choose(draft: Draft, rng: np.random.Generator, count: int, places: int) -> list[tuple[Thing, tuple[dict, ...]]]:
    """Up to ``count`` things without twins, each with reserved spots at that many differently named places."""
    things = draft.free_things()
    looks = [twin_key(t) for t in draft.house.things]
    things = [t for t in things if looks.count(twin_key(t)) == 1]
    order = [things[i] for i in rng.permutation(len(things))]
    order.sort(key=lambda t: t.label not in CARRIED)  # stable: shuffled within each half
    chosen: list[tuple[Thing, tuple[dict, ...]]] = []
    labels: set[str] = {p.label for p in draft.patterns}
    for thing in order:
        if len(chosen) == count:
            break
        if thing.label in labels:
            continue
        spots = _spots(draft, thing, places, rng)
        if spots is not None:
            labels.add(thing.label)
            draft.owned.add(thing.id)
            for at in spots:
                draft.reserve(thing, at)
            chosen.append((thing, spots))
    return chosen


def _spots(draft: Draft, thing: Thing, count: int, rng: np.random.Generator) -> tuple[dict, ...] | None:
    """Where the thing stands, and free spots at other places, in other rooms where its label allows that."""
    found = [placement(thing)]
    candidates = draft.places_for(thing.label)
    while len(found) < count:
        names = {(at["room"], at["surface"]) for at in found}
        rooms = {at["room"] for at in found}
        left = [p for p in candidates if p.name not in names]
        away = [p for p in left if p.room not in rooms]
        if rng.random() < 0.2:
            away = left
        at = draft.spot_in(away, thing, rng) or draft.spot_in(left, thing, rng)
        if at is None:
            return None
        found.append(at)
    return tuple(found[i] for i in rng.permutation(count))


MECHANISMS = (daily_routines, state_routines, rotations, weekly_habits, trends)
