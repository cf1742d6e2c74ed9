"""What inspecting a stored image may tell: one option for each image of a thing whose state or attribute matters.

P(outcome | world) comes from the measured rates of the slow gear: it reads the true value, a wrong one, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embodied_mem import ontology
from embodied_mem.planner.answers_single import aspect_of
from embodied_mem.planner.belief_worlds import DOMAINS, Chain, Worlds, reading_matrix
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
    slots = visits_of(query, worlds)
    for i, chain in enumerate(worlds.chains):
        if float(worlds.weights[chain.match].sum()) < LEAST_MATCH and not chain.attributes:
            continue
        for aspect in aspects_of(query):
            lasting = aspect not in ontology.STATES
            where = range(len(worlds.history.slots)) if lasting else slots
            found += _of_chain(worlds, i, chain, aspect, where, rates, prices, opened, lasting)
    return found


def _of_chain(worlds, i, chain: Chain, aspect, slots, rates, prices, opened, lasting) -> list[Inspect]:
    images: list[tuple[str, FrameRef, int]] = []
    for t in slots:
        state = chain.subject.seen.get(worlds.slots[t].visit)
        if state is not None:
            frames = [ref for ref in state.frames[: 2 * FRAMES] if ref not in opened][: 2 if lasting else FRAMES]
            images += [(state.visit, ref, t) for ref in frames]
    if lasting:
        images = images[-3 * FRAMES :]
    return [Inspect(ref, i, visit, aspect, _option(chain, aspect, t, rates, prices)) for visit, ref, t in images]


def _option(chain: Chain, aspect: str, t: int, rates: Rates, prices: Prices) -> Option:
    truth = chain.attributes[aspect] if aspect in chain.attributes else chain.states[aspect][:, t]
    read = reading_matrix(aspect, rates)[:, truth] * (1 - rates.inspect_miss)
    return Option(np.vstack((read, np.full(len(truth), rates.inspect_miss))), prices.image)
