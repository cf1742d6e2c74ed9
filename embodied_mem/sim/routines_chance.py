"""What happens by chance: things moved for good or for some days, bought, given away, lent and brought back."""

from __future__ import annotations

from functools import partial

import numpy as np

from embodied_mem.ontology import THINGS
from embodied_mem.sim.house import Thing
from embodied_mem.sim.log import placement
from embodied_mem.sim.routines import Draft, placed, twin_key
from embodied_mem.sim.schedule import DAY

PER_DAY = {"move": 2.0, "stay": 0.6, "appear": 0.65, "remove": 0.65}
RESTLESS = 0.35  # share of the free things that chance moves in one week; the others stay put
WINDOW = (("early", 0.15), ("midday", 0.6), ("late", 0.25))
TWIN_REST = 2 * DAY  # between two chance events on things that look the same: never both between two patrols


def one_off_moves(draft: Draft) -> None:
    """A thing moves to another surface and stays."""
    rng = draft.rng("one_off")
    for time in _times(draft, PER_DAY["move"], rng):
        draft.schedule(time, partial(_move_once, draft, rng))


def stays(draft: Draft) -> None:
    """A thing goes elsewhere for a few days and then back to its spot."""
    rng = draft.rng("stay")
    for time in _times(draft, PER_DAY["stay"], rng):
        draft.schedule(time, partial(_stay, draft, rng))


def comings(draft: Draft) -> None:
    """Something new is bought, or something lent comes back."""
    rng = draft.rng("appear")
    for time in _times(draft, PER_DAY["appear"], rng):
        draft.schedule(time, partial(_come, draft, rng))


def goings(draft: Draft) -> None:
    """Something is given away or lent."""
    rng = draft.rng("remove")
    for time in _times(draft, PER_DAY["remove"], rng):
        draft.schedule(time, partial(_go, draft, rng))


def _times(draft: Draft, per_day: float, rng: np.random.Generator) -> list[float]:
    """Random times of the life: a regular share every day, the remainder drawn."""
    names, weights = zip(*WINDOW, strict=True)
    times = []
    for day in range(draft.days):
        for _ in range(int(per_day) + int(rng.random() < per_day % 1)):
            times.append(draft.at(day, str(rng.choice(names, p=weights)), rng))
    return times


def _candidates(draft: Draft, time: float) -> list[Thing]:
    """Free things whose look was not touched by chance lately."""
    return [t for t in draft.free_things() if time - draft.touched.get(twin_key(t), -np.inf) > TWIN_REST]


def _restless(draft: Draft, time: float) -> list[Thing]:
    """This week's movable minority; who belongs to it is drawn by id, so it does not depend on the order of events."""
    week = int((time - draft.start) // (7 * DAY))
    return [t for t in _candidates(draft, time) if draft.rng("restless", week, t.id).random() < RESTLESS]


def _elsewhere(draft: Draft, thing: Thing, rng: np.random.Generator) -> dict | None:
    here = (thing.room, thing.surface)
    return draft.spot_in([p for p in draft.places_for(thing.label) if p.name != here], thing, rng)


def _pick(things: list[Thing], rng: np.random.Generator) -> list[Thing]:
    """Up to 8 of the things in random order: as many as an act tries."""
    return [things[i] for i in rng.permutation(len(things))[:8]]


def _move_once(draft: Draft, rng: np.random.Generator, time: float) -> None:
    for thing in _pick(_restless(draft, time), rng):
        if (to := _elsewhere(draft, thing, rng)) is not None:
            draft.touched[twin_key(thing)] = time
            return draft.move(time, thing.id, to, "one_off", draft.resident(rng))


def _stay(draft: Draft, rng: np.random.Generator, time: float) -> None:
    for thing in _pick(_restless(draft, time), rng):
        if (to := _elsewhere(draft, thing, rng)) is None:
            continue
        back, who = placement(thing), draft.resident(rng)
        draft.owned.add(thing.id)
        draft.reserve(thing, back)
        draft.touched[twin_key(thing)] = time
        draft.move(time, thing.id, to, "stay", who)
        day = int((time - draft.start) // DAY) + int(rng.integers(1, 5))
        draft.schedule(draft.at(day, "midday", rng), partial(_return, draft, rng, thing.id, back, who))
        return


def _return(draft: Draft, rng: np.random.Generator, thing_id: int, back: dict, who: str, time: float) -> None:
    thing = draft.thing(thing_id)
    draft.touched[twin_key(thing)] = time
    draft.move(time, thing_id, back, "stay", who)
    draft.owned.discard(thing_id)
    draft.release(thing_id)


def _come(draft: Draft, rng: np.random.Generator, time: float) -> None:
    who = draft.resident(rng)
    if draft.lent and rng.random() < 0.3:
        thing = draft.lent.pop(0)
        if draft.is_alone(thing, time - TWIN_REST) and (at := draft.spot_in(draft.places_for(thing.label), thing, rng)):
            draft.touched[twin_key(thing)] = time
            return draft.appear(time, placed(thing, at), "came_back", who)
    rooms = {r.id: r.label for r in draft.house.rooms}
    labels = sorted(set(THINGS) - draft.trend_labels)
    for label in (labels[i] for i in rng.permutation(len(labels))[:8]):
        thing = draft.new_thing(label, rng)
        fitting = [p for p in draft.places_for(label) if rooms[p.room] in THINGS[label].rooms]
        if draft.is_alone(thing) and (at := draft.spot_in(fitting, thing, rng)):
            draft.touched[twin_key(thing)] = time
            return draft.appear(time, placed(thing, at), "bought", who)


def _go(draft: Draft, rng: np.random.Generator, time: float) -> None:
    for thing in _pick(_candidates(draft, time), rng)[:1]:
        draft.touched[twin_key(thing)] = time
        draft.lent.append(thing)
        draft.remove(time, thing, "given_away", draft.resident(rng))


MECHANISMS = (one_off_moves, stays, comings, goings)
