"""The same thing on another day: clusters of a visit matched to the tracks of earlier visits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from embodied_mem import ontology
from embodied_mem.memory.clusters import hue
from embodied_mem.memory.records import ObjectState, Track

STAYED_M = 0.35  # a thing found this near to where it stood has not moved
SAME_SPOT_M = 0.15
SAME_COLOUR = 0.2  # hue distance up to which colour names are not asked
MOVED_COLOUR = 0.35  # hue distance beyond which two things cannot be one
SURE = 0.5  # what is less sure to be there at all (a false positive?) is not taken for a moved thing
FIXED_COST, NO_MATCH = 1e6, 1e5


@dataclass(frozen=True)
class Candidate:
    """A thing of the present visit as far as matching needs it. ``colours``: votes of its colour names."""

    label: str
    labels: dict[str, int]
    colours: dict[str, float]
    rgb: tuple[float, float, float]
    xyz: tuple[float, float, float]
    confidence: float


@dataclass
class History:
    """A track and its states, oldest first."""

    track: Track
    states: list[ObjectState] = field(default_factory=list)
    gone: bool = False  # looked for in vain since it was last seen

    @property
    def last(self) -> ObjectState:
        return self.states[-1]


def match(found: list[Candidate], known: list[History]) -> list[int | None]:
    """For each candidate the index of the history it continues, or None (something new).

    First what stands where it stood before, then what moved: each an optimal assignment over all pairs.
    """
    chosen: list[int | None] = [None] * len(found)
    # Where it was last, then where it was on any earlier day (a thing comes back to its usual place), then anywhere;
    # at the very end what stands where a doubtful or differently coloured thing was.
    for cost in (_stay_cost, _return_cost, _move_cost, _doubtful_cost):
        free = [i for i, c in enumerate(chosen) if c is None]
        taken = {c for c in chosen if c is not None}
        left = [j for j in range(len(known)) if j not in taken]
        if not free or not left:
            continue
        table = np.array([[cost(found[i], known[j]) for j in left] for i in free])
        for row, column in zip(*linear_sum_assignment(np.minimum(table, NO_MATCH)), strict=True):
            if table[row, column] < NO_MATCH:
                chosen[free[row]] = left[column]
    return chosen


def _stay_cost(one: Candidate, old: History) -> float:
    return _near_cost(one, old, old.last.xyz) if old.last.confidence >= SURE else FIXED_COST


def _doubtful_cost(one: Candidate, old: History) -> float:
    """The same spot alone: a laptop that was opened has another colour."""
    away = float(np.linalg.norm(np.subtract(one.xyz, old.last.xyz)))
    if away < SAME_SPOT_M and one.label == old.track.label:
        return 1.0 + away / SAME_SPOT_M
    return _near_cost(one, old, old.last.xyz)


def _return_cost(one: Candidate, old: History) -> float:
    return min((_near_cost(one, old, state.xyz) for state in old.states[:-1][-12:]), default=FIXED_COST)


def _near_cost(one: Candidate, old: History, spot: tuple[float, float, float]) -> float:
    dx, dy, dz = (abs(a - b) for a, b in zip(one.xyz, spot, strict=True))
    if dx > STAYED_M or dy > STAYED_M or dz > STAYED_M:
        return FIXED_COST
    label, colour = _label_cost(one, old), _colour_distance(one, old)
    distance = float(np.sqrt(dx * dx + dy * dy + dz * dz))
    if distance > STAYED_M or label > 2 or (colour > SAME_COLOUR and not _shares_colour(one, old)):
        return FIXED_COST
    return distance / STAYED_M + label + 2 * colour


def _move_cost(one: Candidate, old: History) -> float:
    if one.label != old.track.label or one.confidence < SURE or old.last.confidence < SURE:
        return FIXED_COST
    colour = _colour_distance(one, old)
    if colour > MOVED_COLOUR or not _shares_colour(one, old):
        return FIXED_COST
    away = float(np.hypot(one.xyz[0] - old.last.xyz[0], one.xyz[1] - old.last.xyz[1]))
    return 4 * colour + 0.05 * min(away, 10.0)


def _label_cost(one: Candidate, old: History) -> float:
    """0 for the same label, 1 where one was voted for the other's label, 1.5 for similar kinds, else no match."""
    if one.label == old.track.label:
        return 0.0
    if old.track.label in one.labels or one.label in old.last.labels:
        return 1.0
    known = ontology.THINGS.get(one.label)
    weak = min(sum(one.labels.values()), sum(old.last.labels.values())) <= 2
    return 1.5 if weak and known and old.track.label in known.similar else 9.0


def _colour_distance(one: Candidate, old: History) -> float:
    return float(np.linalg.norm(hue(one.rgb) - hue(old.last.rgb)))


def _shares_colour(one: Candidate, old: History) -> bool:
    """Whether some colour has a good share of the votes of both."""
    mine = {name for name, share in one.colours.items() if share >= 0.2}
    theirs = {name for name, share in old.last.colours.items() if share >= 0.2} | {old.track.colour}
    return bool(mine & theirs)
