"""What inspecting a stored image may tell: one option for each image of a thing whose state or attribute matters.

P(outcome | world) comes from the measured rates of the slow gear: it reads the true value, a wrong one, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embodied_mem import ontology
from embodied_mem.planner.answers_single import aspect_of
from embodied_mem.planner.belief_worlds import (
    DOMAINS,
    LABEL,
    PRESENCE,
    Chain,
    Worlds,
    identity_rates,
    places_at,
    reading_matrix,
)
from embodied_mem.planner.costs import Prices, Rates
from embodied_mem.planner.query import Query, TimeRef
from embodied_mem.planner.voi import Option
from embodied_mem.types import FrameRef

LEAST_MATCH = 0.04  # a chain that the question hardly means is not looked at
FRAMES = 4  # images of one thing in one visit that are worth distinguishing


@dataclass(frozen=True)
class Inspect:
    """Open one stored image to read ``aspect`` of a subject (its place in the worlds: ``chain``)."""

    ref: FrameRef
    chain: int
    visit: str
    aspect: str
    option: Option


def aspects_of(query: Query) -> tuple[str, ...]:
    """What must be read by the slow gear to answer at all (colours of a description are told by the index)."""
    wanted = []
    if query.kind == "attribute":
        wanted.append(query.aspect)
    by_state = query.kind in ("state",) or query.aspect in ("state", *ontology.STATES)
    if by_state:
        wanted.append(aspect_of(query))
    wanted += [a for a, _ in (query.target.attributes if query.target else ())]
    return tuple(dict.fromkeys(a for a in wanted if a in DOMAINS))


def visits_of(query: Query, worlds: Worlds) -> list[int]:
    """Slots (of recorded visits) whose images can matter."""
    history, every = worlds.history, list(range(len(worlds.history.slots)))
    if query.kind in ("when", "how_long", "predict", "routine"):
        return every
    slots = list(history.when(query.when) or [])
    if query.kind in ("compare", "changes"):
        slots += history.when(query.until or TimeRef("now")) or []
    if query.kind == "state" and slots and slots[-1] == worlds.present:
        return every[-3:]
    return [t for t in slots if t < worlds.present]


def inspections(query: Query, worlds: Worlds, rates: Rates, prices: Prices, opened: set[FrameRef]) -> list[Inspect]:
    """Every image that may still tell something, in a fixed order."""
    found: list[Inspect] = []
    slots, aspects = visits_of(query, worlds), aspects_of(query)
    for i, chain in enumerate(worlds.chains):
        if float(worlds.weights[chain.match].sum()) < LEAST_MATCH and not chain.attributes:
            continue
        for aspect in aspects:
            lasting = aspect not in ontology.STATES
            images = _images(worlds, chain, range(len(worlds.history.slots)) if lasting else slots, opened, lasting)
            told: dict[int, Option] = {}  # images of one visit may tell the same
            for visit, ref, t in images:
                which = -1 if lasting else t  # a lasting attribute is the same on any visit
                if which not in told:
                    told[which] = _reading(chain, aspect, t, rates, prices, (i, aspect, which))
                found.append(Inspect(ref, i, visit, aspect, told[which]))
        if not aspects:
            identity = _identity(chain, rates, prices)
            found += [Inspect(ref, i, v, LABEL, identity) for v, ref, _ in _images(worlds, chain, slots, opened, True)]
            found += _presences(worlds, i, chain, slots, rates, prices, opened)
    return found


def _images(worlds, chain: Chain, slots, opened, lasting: bool) -> list[tuple[str, FrameRef, int]]:
    """(visit, image, slot) of a subject: a few a visit, fewer and the latest where any visit tells the same."""
    images = []
    for t in slots:
        state = chain.subject.seen.get(worlds.slots[t].visit)
        if state is not None:
            fresh = [ref for ref in state.frames[: 2 * FRAMES] if ref not in opened]
            images += [(state.visit, ref, t) for ref in fresh[: 2 if lasting else FRAMES]]
    return images[-3 * FRAMES :] if lasting else images


def _presences(worlds, i: int, chain: Chain, slots, rates, prices, opened) -> list[Inspect]:
    """Images of where a subject had been, of visits that the index did not see it on: is it there after all?"""
    found = []
    for t in slots:
        visit = worlds.slots[t].visit
        for absence in chain.subject.missed.get(visit, ()) if visit not in chain.subject.seen else ():
            spots = places_at(chain.subject, absence.xyz, chain.places)
            there = np.isin(chain.sequence[:, t], spots)
            seen = np.where(there, 1 - rates.inspect_miss, rates.label_confusion / 2)
            option = Option(np.vstack((seen, 1 - seen)), prices.image)
            found += [Inspect(ref, i, visit, PRESENCE, option) for ref in absence.frames[:2] if ref not in opened]
    return found


def _identity(chain: Chain, rates: Rates, prices: Prices) -> Option:
    yes, no = identity_rates(rates)
    says = np.where(chain.match, yes, no)
    return Option(np.vstack((says, 1 - says)), prices.image)


def _reading(chain: Chain, aspect: str, t: int, rates: Rates, prices: Prices, group: tuple) -> Option:
    truth = chain.attributes[aspect] if aspect in chain.attributes else chain.states[aspect][:, t]
    read = reading_matrix(aspect, rates)[:, truth] * (1 - rates.inspect_miss)
    return Option(np.vstack((read, np.full(len(truth), rates.inspect_miss))), prices.image, group)
