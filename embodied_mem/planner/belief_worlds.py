"""Possible worlds: weighted samples of where each subject was on every visit, and is now, given all evidence.

A hidden Markov chain a subject (forward filter, backward sampling): what was seen, what was sought in vain, and how
often things move. The last column, the present, follows from habits and from what the robot sees now.
Every question is then a plain function of one concrete world, and its belief the weight of the worlds that agree.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from embodied_mem import ontology
from embodied_mem.planner.belief_habits import Slot, forecast, foretell
from embodied_mem.planner.belief_history import History, Place, Subject
from embodied_mem.planner.costs import Rates
from embodied_mem.planner.query import ObjectRef

WORLDS = 240
SEEN_NOW = 0.99  # a thing that the slow gear sees now is one, and is what it is called
MISTAKEN = 1e-4  # a thing seen now is another one of its kind, though colour and place fit
NEVER_SEEN = 0.2  # rarer still than one miss: things come to the house one at a time
ABSENT = ("", "")  # not in the house, or hidden from any look
ELSEWHERE = ("?", "?")  # at a place where it was never seen
LABEL, PRESENCE = "label", "presence"  # what inspect may read beside attributes and states
DOMAINS = {
    "colour": tuple(ontology.COLOURS), "material": ontology.MATERIALS, "print": ontology.PRINTS,
    "shape": ontology.SHAPES, **ontology.STATES,
}  # fmt: skip


@dataclass
class Readings:
    """What inspect has read for this question: (subject key, visit, aspect) → values, one a viewpoint cell.

    ``looked``: (subject key, visit) → whether it was seen, one a viewpoint cell, at the place of ``Readings.where``.
    """

    values: dict[tuple[int, str, str], dict[tuple, str]] = field(default_factory=dict)
    looked: dict[tuple[int, str, Place], dict[tuple, bool]] = field(default_factory=dict)

    def add(self, key: int, visit: str, aspect: str, cell: tuple, value: str) -> None:
        """A second look from one cell reads the same, so it counts once."""
        self.values.setdefault((key, visit, aspect), {}).setdefault(cell, value)

    def likelihood(self, key: int, visit: str | None, aspect: str, rates: Rates) -> np.ndarray:
        """P(readings | value) over the aspect's domain (D); visit None joins all visits (a lasting attribute)."""
        domain = DOMAINS[aspect]
        out = np.ones(len(domain))
        for (k, v, a), cells in sorted(self.values.items(), key=lambda item: item[0]):
            if k == key and a == aspect and visit in (None, v):
                for value in cells.values():
                    out *= reading_matrix(aspect, rates)[domain.index(value)] if value in domain else 1.0
        return out


def reading_matrix(aspect: str, rates: Rates) -> np.ndarray:
    """P(read o | true h) (D, D) of one inspect."""
    size = len(DOMAINS[aspect])
    wrong = rates.inspect_error / max(1, size - 1)
    return np.full((size, size), wrong) + np.eye(size) * (1 - rates.inspect_error - wrong)


@dataclass(frozen=True)
class Present:
    """What the robot sees now of one subject: its place (None: not seen), its frames, and how surely it is not at
    each place looked at: place → P(not seen there | it is there)."""

    place: Place | None = None
    hits: int = 0
    frames: tuple = ()
    xyz: tuple[float, float, float] | None = None
    missed: dict[Place, float] = field(default_factory=dict)
    elsewhere: float = 1.0
    label: str = ""  # what the slow gear calls it


@dataclass
class Chain:
    """One subject's samples. places: what index k means (0 absent, last elsewhere); sequence: (N, T+1 or T+2) int;
    match: (N) is it what the question means; states/attributes: aspect → (N, T+..) or (N) indices of the domain."""

    subject: Subject
    places: list[Place]
    sequence: np.ndarray
    match: np.ndarray
    states: dict[str, np.ndarray] = field(default_factory=dict)
    attributes: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Worlds:
    """N weighted worlds over the same slots: the visits, the present, and the slot to come where one is asked."""

    history: History
    slots: tuple[Slot, ...]
    chains: list[Chain]
    weights: np.ndarray

    @property
    def present(self) -> int:
        return len(self.history.slots)


def sample_worlds(
    history: History, subjects: Sequence[Subject], ref: ObjectRef | None, rates: Rates, readings: Readings,
    present: dict[int, Present], aspects: Sequence[str] = (), future: Slot | None = None, count: int = WORLDS,
) -> Worlds:
    """Worlds for these subjects. aspects: state aspects or attributes to sample beside the places."""
    slots = (*history.slots, history.now, *([future] if future else []))
    chains = [
        _chain(history, subject, ref, rates, readings, present, aspects, slots, count) for subject in subjects
    ]
    return Worlds(history, slots, chains, np.full(count, 1.0 / count))


def _chain(history, subject, ref, rates, readings, present, aspects, slots, count) -> Chain:
    name = f"{subject.label}/{subject.colour}/{subject.tracks[0]}"
    rng = np.random.default_rng([7, zlib.crc32(name.encode())])
    here = present.get(subject.key, Present())
    places = [ABSENT, *_places(subject, here), ELSEWHERE]
    past = _past(history, subject, places, rates, readings)
    moves = _moves(len(places), rates, subject.fixed)
    sequence = draw_chain(past, moves, _start(len(places)), rng, count)
    likely = _likelihood_now(here, places, rates)
    sequence, evidence = _draw_next(sequence, slots, len(history.slots), places, likely, rates, rng, subject.fixed)
    # Subjects are independent: each is resampled by its own evidence, so that many of them cannot starve the weights.
    sequence = sequence[rng.choice(count, count, p=evidence / evidence.sum())]
    if len(slots) > sequence.shape[1]:
        flat = np.ones(len(places))
        sequence, _ = _draw_next(sequence, slots, len(slots) - 1, places, flat, rates, rng, subject.fixed)
    chain = Chain(subject, places, sequence, np.ones(count, bool))
    chain.match = rng.random(count) < _is_meant(subject, ref, readings, rates, here)
    for aspect in dict.fromkeys((*aspects, *(a for a, _ in (ref.attributes if ref else ())))):
        if aspect in ontology.STATES:
            chain.states[aspect] = _states(history, subject, aspect, readings, rates, slots, rng, count)
        else:
            chain.attributes[aspect] = _attribute(subject, aspect, readings, rates, rng, count)
    for aspect, value in ref.attributes if ref else ():
        if value in DOMAINS.get(aspect, ()) and aspect in chain.attributes:
            chain.match &= chain.attributes[aspect] == DOMAINS[aspect].index(value)
    return chain


def _is_meant(subject: Subject, ref: ObjectRef | None, readings: Readings, rates: Rates, here: Present) -> float:
    """Probability that the subject is a thing of the asked label, by the index's votes and what inspect called it."""
    if here.label:
        return SEEN_NOW if ref is None or here.label == ref.label else 1 - SEEN_NOW
    chance = subject.is_real(rates) * (subject.is_called(ref.label) if ref else 1.0)
    name = ref.label if ref else subject.label
    for (key, _, aspect), cells in readings.values.items():
        if key == subject.key and aspect == LABEL:
            for value in cells.values():
                yes, no = identity_rates(rates) if value == name else (1 - p for p in identity_rates(rates))
                chance = chance * yes / (chance * yes + (1 - chance) * no)
    return chance


def identity_rates(rates: Rates) -> tuple[float, float]:
    """P(inspect says the asked label | it is, it is not)."""
    return 1 - rates.label_confusion, 2 * rates.label_confusion


def _places(subject: Subject, here: Present) -> list[Place]:
    return list(dict.fromkeys((*subject.places(), *([here.place] if here.place else []))))


def _start(size: int) -> np.ndarray:
    start = np.full(size, 1.0 / size)
    start[0] = 0.3
    return start / start.sum()


def _moves(size: int, rates: Rates, fixed: bool) -> np.ndarray:
    """Transition matrix (K, K) between two visits: row from, column to."""
    if fixed:
        return np.full((size, size), 1e-4) + np.eye(size)
    matrix = np.full((size, size), (1 - rates.stay - rates.gone - rates.unknown_place) / max(1, size - 2))
    matrix[:, 0], matrix[:, -1] = rates.gone, rates.unknown_place
    np.fill_diagonal(matrix, rates.stay)
    matrix[0, 0] = 0.7
    return matrix / matrix.sum(axis=1, keepdims=True)


def _past(history: History, subject: Subject, places: list[Place], rates: Rates, readings: Readings) -> np.ndarray:
    """P(what visit t saw | place k) (T, K)."""
    table = np.ones((len(history.slots), len(places)))
    # What no visit ever saw has come since the last one, rather than been missed on all that it was there on.
    visit_miss = rates.visit_miss * (1.0 if subject.seen else NEVER_SEEN)
    for t, slot in enumerate(history.slots):
        state = subject.seen.get(slot.visit)
        if state is None:
            table[t, 1:-1], table[t, -1] = visit_miss, 1.5 * visit_miss
            for absence in subject.missed.get(slot.visit, ()):
                for k in places_at(subject, absence.xyz, places):
                    table[t, k] *= max(0.1, (2 * rates.near_miss) ** min(3, absence.looks / 3))
        else:
            surfaces = state.surfaces or {state.surface: 1.0}
            surfaces = {name: share**2 for name, share in surfaces.items()}  # measured: the shares are too cautious
            total = sum(surfaces.values())
            for k, (surface, room) in enumerate(places):
                share = surfaces.get(surface, 0.0) / total if room == state.room else 0.0
                # Seen there, it was there; the surface's own doubt is in ``share``.
                table[t, k] = (1 - rates.map_error) * share + rates.map_error**3 / len(places)
            table[t, 0] = 0.3 * rates.false_hit ** min(6, state.hits)
            table[t, -1] = rates.map_error**3
        for k, place in enumerate(places):
            for seen in readings.looked.get((subject.key, slot.visit, place), {}).values():
                miss = rates.inspect_miss
                others = np.arange(len(places)) != k
                table[t, k] *= 1 - miss if seen else miss
                table[t, others] *= 0.01 if seen else 1.0
    return table


def places_at(subject: Subject, xyz: tuple[float, float, float], places: list[Place]) -> list[int]:
    """Which places of the subject lie where ``xyz`` is."""
    near = {(s.surface, s.room) for s in subject.seen.values() if np.linalg.norm(np.subtract(s.xyz, xyz)) < 0.6}
    return [k for k, place in enumerate(places) if place in near]


def draw_chain(emission: np.ndarray, moves: np.ndarray, start: np.ndarray, rng, count: int) -> np.ndarray:
    """``count`` sequences (N, T) from P(s | emission (T, K)) of a Markov chain with ``moves`` (K, K)."""
    steps, size = emission.shape
    if steps == 0:
        return np.zeros((count, 0), int)
    forward = np.empty((steps, size))
    belief = start
    for t in range(steps):
        belief = (belief if t == 0 else belief @ moves) * emission[t]
        belief = belief / belief.sum()
        forward[t] = belief
    out = np.empty((count, steps), int)
    table = np.repeat(forward[-1][None], count, axis=0)
    for t in range(steps - 1, -1, -1):
        out[:, t] = draw_rows(table, rng)
        if t:
            table = forward[t - 1][None, :] * moves[:, out[:, t]].T
    return out


def draw_rows(table: np.ndarray, rng) -> np.ndarray:
    """One index from each row of unnormalised chances (N, K)."""
    steps = np.cumsum(table, axis=1)
    return np.minimum((rng.random(len(table))[:, None] * steps[:, -1:] > steps).sum(axis=1), table.shape[1] - 1)


def _draw_next(sequence, slots, at: int, places, likely, rates, rng, fixed) -> tuple[np.ndarray, np.ndarray]:
    """Append the value at slot ``at``: habits times what is seen now. Also P(seen now | world) (N)."""
    base = np.full(len(places), 0.15 / max(1, len(places) - 2))
    base[0], base[-1] = 2 * rates.gone, 2 * rates.unknown_place
    base = base / base.sum()
    known = at if slots[at].visit else at - 1  # a forecast rests on the recorded visits alone
    unique, which = np.unique(sequence[:, :known], axis=0, return_inverse=True)
    table = np.empty((len(unique), len(places)))
    for i, row in enumerate(unique):
        seen = [int(k) if 0 < k < len(places) - 1 else (0 if k == 0 else -1) for k in row]
        if fixed:
            table[i] = np.full(len(places), 1e-3) + (np.arange(len(places)) == (seen[-1] if seen else 0))
        else:
            table[i] = (foretell if slots[at].visit else forecast)(seen, slots, slots[at], base)
    table = table / table.sum(axis=1, keepdims=True) * likely[None, :]
    rows = table[which.ravel()]
    return np.column_stack((sequence, draw_rows(rows, rng))), rows.sum(axis=1)


def _likelihood_now(here: Present, places: list[Place], rates: Rates) -> np.ndarray:
    """P(what is seen now | place k) (K)."""
    out = np.array([here.missed.get(place, 1.0) for place in places])
    out[-1] = here.elsewhere
    if here.place is not None:
        out = np.full(len(places), MISTAKEN if here.label else 0.02 * rates.false_hit ** min(4, max(0, here.hits - 1)))
        out[places.index(here.place)] = 1.0
    return np.maximum(out, 1e-9)


def _attribute(subject: Subject, aspect: str, readings: Readings, rates: Rates, rng, count: int) -> np.ndarray:
    """Samples (N) of a lasting attribute: the index colour is a prior for colour, the ontology for the rest."""
    domain = DOMAINS[aspect]
    known = ontology.THINGS.get(subject.label) or ontology.FURNITURE.get(subject.label)
    plausible = {"material": "materials", "print": "prints", "shape": "shapes", "colour": "colours"}[aspect]
    usual = getattr(known, plausible, ()) if known else ()
    prior = np.array([1.0 if not usual or value in usual else 0.1 for value in domain])
    if aspect == "colour":
        prior = np.array([0.93 * subject.colours.get(value, 0.0) + 0.07 / len(domain) for value in domain])
    chance = prior * readings.likelihood(subject.key, None, aspect, rates)
    return draw_rows(np.repeat(chance[None], count, axis=0), rng)


def _states(history, subject, aspect, readings, rates, slots, rng, count) -> np.ndarray:
    """Samples (N, slots) of a state: what was read, a tendency to stay, habits for the present and the future."""
    size = len(DOMAINS[aspect])
    table = np.array([readings.likelihood(subject.key, slot.visit, aspect, rates) for slot in history.slots])
    moves = np.full((size, size), (1 - rates.state_stay) / (size - 1))
    np.fill_diagonal(moves, rates.state_stay)
    out = draw_chain(table.reshape(-1, size), moves, np.full(size, 1 / size), rng, count)
    for at in range(len(history.slots), len(slots)):
        now = readings.likelihood(subject.key, slots[at].visit, aspect, rates) if slots[at].visit else np.ones(size)
        known = at if slots[at].visit else at - 1
        unique, which = np.unique(out[:, :known], axis=0, return_inverse=True)
        base = np.full(size, 1 / size)
        habit = foretell if slots[at].visit else forecast
        rows = np.array([habit(row.tolist(), slots, slots[at], base) * now for row in unique]).reshape(-1, size)
        out = np.column_stack((out, draw_rows(rows[which.ravel()], rng)))
    return out
