"""A query → the things, furniture or rooms of the agent's own memory that may be meant, each with its chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from embodied_mem import ontology
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.goals.inspect import Claim, Images, investigate
from embodied_mem.planner.goals.memory import SELDOM, GoalMemory, piece_label
from embodied_mem.planner.goals.query import Anchor, GoalQuery, Target, Wanted
from embodied_mem.planner.goals.rooms import rooms
from embodied_mem.planner.goals.which import (
    Chances,
    at_moments,
    between,
    farthest,
    given_one,
    moved,
    named,
    numbered,
    rises,
)

TIE_S, TIMING_S = 30.0, 8.0  # durations that differ by less are equal; how exactly they are known

Distance = Callable[[Target], float]


def resolve(
    query: GoalQuery, memory: GoalMemory, now_xy: tuple[float, float], distance: Distance, detector=None,
    prices: Prices | None = None,
) -> Wanted:
    """The targets that ``query`` means. ``now_xy``: where the robot is (m, map frame); ``distance``: metres of the way
    to a target over the own map; without a ``detector`` no stored image is opened."""
    return _Resolver(query, memory, now_xy, distance, detector, prices or Prices()).resolve()


@dataclass
class _Resolver:
    query: GoalQuery
    memory: GoalMemory
    now_xy: tuple[float, float]
    distance: Distance
    detector: object | None
    prices: Prices
    trace: list[dict] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.images = Images(self.memory, self.detector)
        self._labels: dict[int, dict[str, float]] = {}

    def resolve(self) -> Wanted:
        query = self.query
        if query.target == "room":
            slots = [rooms(query, self.memory, self._interactions())]
        elif query.many == "ordered":
            numbers = query.order or range(1, len(self.memory.handlings) + 1)
            slots = [self._of_interactions(numbered(n, len(self.memory.handlings))) for n in numbers]
        elif query.many == "all":
            slots = self._all_objects() if query.target == "object" else self._all_surfaces()
        else:
            found = self._one()
            slots = [farthest(found, self.distance, self.now_xy) if query.superlative == "farthest" else found]
        ranked = tuple(tuple(self._ranked(slot)) for slot in slots)
        return Wanted(query.many, ranked, self.images.count, tuple(self.trace))

    def _ranked(self, found: Iterable[Target]) -> list[Target]:
        """Each target once, the surest first, then the nearest."""
        best: dict[tuple, Target] = {}
        for target in found:
            key = (target.kind, target.room or target.track or target.xyz)
            chance = min(1.0, max(0.0, float(target.confidence)))
            if chance >= 0.01 and (key not in best or best[key].confidence < chance):
                best[key] = replace(target, confidence=chance)

        def rank(target: Target) -> tuple:
            return -round(target.confidence, 3), math.dist(target.xyz[:2], self.now_xy), target.track

        return sorted(best.values(), key=rank)

    # -- which interactions -------------------------------------------------------------------------------------

    def _interactions(self) -> Chances | None:
        """The chances of the interactions that the query names; None where it names none in particular."""
        query, count = self.query, len(self.memory.handlings)
        if query.anchor and query.until:
            return between(self._named(query.anchor), self._named(query.until))
        if query.anchor:
            return moved(self._named(query.anchor), query.offset, count)
        return numbered(query.ordinal, count) if query.ordinal is not None else None

    def _named(self, anchor: Anchor) -> Chances:
        chances = {k: self._label(k).get(anchor.label, 0.0) for k in self._all()}
        return named(self._settled(chances, anchor.label), anchor.occurrence)

    def _all(self) -> range:
        return range(len(self.memory.handlings))

    # -- what a thing is ----------------------------------------------------------------------------------------

    def _label(self, k: int) -> dict[str, float]:
        if k not in self._labels:
            self._labels[k] = self.memory.label_of(k)
        return self._labels[k]

    def _settled(self, chances: Chances, label: str) -> Chances:
        """Chances that handled things are of a label, after a look at stored images where these are worth it."""

        def read(k: int) -> Callable:
            def one(ref) -> bool | None:
                seen = self.images.of_handled(k, ref)
                return None if seen is None else seen.label == label

            return one

        return self._looked_into(chances, {k: (self.memory.frames_of(k), read(k)) for k in chances})

    def _looked_into(self, chances: dict, sources: dict, one_is_so: bool = True) -> dict:
        """Chances after opening images; sources: key → (frames, what a frame says); one_is_so: some must be true."""
        if self.detector is None:
            return chances
        claims = {key: Claim(p, list(sources[key][0]), sources[key][1]) for key, p in chances.items() if p >= 0.01}
        before = {key: claim.p for key, claim in claims.items()}
        if investigate(list(claims.values()), self.prices, one_is_so):
            changed = {str(k): [round(before[k], 3), round(c.p, 3)] for k, c in claims.items() if c.opened}
            self.trace.append({"action": "inspect", "what": changed, "images": self.images.count})
        return {key: claims[key].p if key in claims else p for key, p in chances.items()}

    def _looks(self, chances: Chances) -> Chances:
        """Chances that handled things look, or are used, as the query says."""
        name, value = self.query.attribute
        if name == "function":
            fits = {k: sum(p for label, p in self._label(k).items() if _function(label) == value) for k in chances}
            return {k: chances[k] * p for k, p in fits.items()}

        def read(k: int) -> Callable:
            def one(ref) -> bool | None:
                seen = self.images.of_handled(k, ref)
                return None if seen is None or name not in seen.attributes else seen.attributes[name] == value

            return one

        known = {k: p * self._look_prior(k, name, value) for k, p in chances.items()}
        return self._looked_into(known, {k: (self.memory.frames_of(k), read(k)) for k in known})

    def _look_prior(self, k: int, name: str, value: str) -> float:
        handling, state = self.memory.handlings[k], self.memory.state(k)
        prior = sum(p * _usual(label, name, value) for label, p in self._label(k).items())
        if name != "colour":
            return prior
        shares = [c for c in (handling.colours, state.colours if state else {}) if c]
        seen = sum(c.get(value, 0.0) / (sum(c.values()) or 1.0) for c in shares) / len(shares) if shares else prior
        return seen * (1.0 if prior > 0 else 0.3)

    # -- objects and receptacles --------------------------------------------------------------------------------

    def _one(self) -> list[Target]:
        query = self.query
        which = self._interactions()
        if query.target == "object":
            if query.role == "unhandled":
                return self._other_things()
            chosen = self._handled_objects(which)
            if query.role == "" and which is None:
                return self._recalled(chosen)
            return [self.memory.handled_target(k, p) for k, p in chosen.items()]
        if query.role in ("", "unhandled"):
            return self._other_pieces(query.role == "unhandled")
        return self._of_interactions(which)

    def _handled_objects(self, which: Chances | None) -> Chances:
        """The chances of all handled things to be meant."""
        query = self.query
        chances = dict(which) if which is not None else dict.fromkeys(self._all(), 1.0)
        if query.label:
            fits = {k: p * self._label(k).get(query.label, 0.0) for k, p in chances.items()}
            chances = self._settled(fits, query.label)
        if query.source:
            chances = {k: p * self._piece_is(self.memory.handlings[k].start, query.source) for k, p in chances.items()}
        if query.attribute:
            chances = self._looks(chances)
        if query.role == "handled" and (query.label or query.source or query.attribute) and query.many == "any":
            chances = given_one(chances)
        if query.at:
            moments = self.memory.moments(query.at)
            chances = at_moments(chances, lambda k: (self._times(k)[0], self._times(k)[3]), moments)
        if query.superlative in ("longest", "shortest") and chances:
            sign = 1.0 if query.superlative == "longest" else -1.0
            worth = {k: sign * (self._times(k)[3] - self._times(k)[0]) for k, p in chances.items() if p >= SELDOM}
            top = max(worth.values(), default=0.0)
            chances = {k: chances[k] * rises(w - top + TIE_S, 0.0, TIMING_S) for k, w in worth.items()}
        return chances

    def _times(self, k: int) -> tuple[float, float, float, float]:
        return self.memory.handlings[k].times

    def _piece_is(self, spot, label: str) -> float:
        """Chance that a spot is on furniture of a label: by the furniture that is there and by the spot's own name."""
        found = self.memory.pieces_of(spot)
        chance = sum(p * self.memory.piece_belief(target).get(label, 0.0) for target, p in found.items())
        return min(1.0, 0.85 * chance + 0.15 * (piece_label(spot.surface) == label))

    def _recalled(self, handled: Chances) -> list[Target]:
        """Things by their kind, handled or not; looks of what was not handled are known by colour alone."""
        found = [self.memory.handled_target(k, p) for k, p in handled.items()]
        return found + self._other_things(max((t.confidence for t in found), default=0.0))

    def _other_things(self, rival: float = 0.0) -> list[Target]:
        """Things that were not handled and fit; images are opened for the best where no handled one is as sure."""
        query, chances, known = self.query, {}, {}
        for target, labels in self.memory.others:
            p = target.confidence * (labels.get(query.label, 0.0) if query.label else 1.0)
            if query.attribute:
                p *= self._look_of_other(target, labels)
            if p >= 0.01:
                chances[target.track], known[target.track] = p, target
        if (query.label or query.attribute) and max(chances.values(), default=0.0) > rival:
            chances = self._looked_into(chances, {t: self._source_of_other(known[t]) for t in chances}, False)
        return [replace(known[track], confidence=p) for track, p in chances.items()]

    def _look_of_other(self, target: Target, labels: dict[str, float]) -> float:
        name, value = self.query.attribute
        if name == "function":
            return sum(p for label, p in labels.items() if _function(label) == value)
        prior = sum(p * _usual(label, name, value) for label, p in labels.items())
        state = self.memory.state_of(target.track)
        if name == "colour" and state is not None and state.colours:
            return state.colours.get(value, 0.0) / (sum(state.colours.values()) or 1.0)
        return prior

    def _source_of_other(self, target: Target) -> tuple:
        state, query = self.memory.state_of(target.track), self.query

        def read(ref) -> bool | None:
            seen = self.images.of_track(ref, target.label, target.track, target.xyz)
            if seen is None:
                return None
            name, value = query.attribute or ("", "")
            fits = name in ("", "function") or seen.attributes.get(name) == value
            return fits and (not query.label or seen.label == query.label)

        return (state.frames if state else (), read)

    def _other_pieces(self, unhandled: bool) -> list[Target]:
        """Furniture by its kind; without what was used, if that is asked."""
        used: dict[Target, float] = {}
        for handling in self.memory.handlings:
            for spot in (handling.start, handling.goal):
                for target, p in self.memory.pieces_of(spot).items():
                    used[target] = 1 - (1 - used.get(target, 0.0)) * (1 - p)
        found = []
        for target, labels in self.memory.pieces.values():
            p = target.confidence * (labels.get(self.query.label, 0.0) if self.query.label else 1.0)
            if unhandled:
                p *= 1 - max((u * _overlap(target, t) for t, u in used.items()), default=0.0)
            found.append(replace(target, confidence=p))
        return found

    def _of_interactions(self, which: Chances | None) -> list[Target]:
        """The objects, or the furniture in the query's role, of some interactions (None: of any)."""
        query = self.query
        if query.target == "object":
            return [self.memory.handled_target(k, p) for k, p in (which or {}).items()]
        chances: dict[Target, float] = {}
        uses = self._uses(which if which is not None else dict.fromkeys(self._all(), 1.0))
        for (k, end), p in uses.items():
            handling = self.memory.handlings[k]
            spot = handling.goal if end else handling.start
            for target, q in self.memory.pieces_of(spot).items():
                if query.label:
                    q *= self.memory.piece_belief(target).get(query.label, 0.0)
                if which is None and not query.at:
                    chances[target] = 1 - (1 - chances.get(target, 0.0)) * (1 - p * q)
                else:
                    chances[target] = chances.get(target, 0.0) + p * q
        if query.label and which is None and query.many == "any":
            chances = given_one(chances)
        return [replace(target, confidence=p) for target, p in chances.items()]

    def _uses(self, which: Chances) -> dict[tuple[int, bool], float]:
        """Chances of (interaction, whether its placement is meant, else its pick-up)."""
        role = self.query.role
        ends = {"picked_from": (False,), "placed_on": (True,)}.get(role, (False, True))
        uses = {(k, end): p for k, p in which.items() for end in ends}
        if self.query.at:
            moments = self.memory.moments(self.query.at)
            return at_moments(uses, lambda use: self._times(use[0])[2:] if use[1] else self._times(use[0])[:2], moments)
        return uses

    # -- several ------------------------------------------------------------------------------------------------

    def _all_objects(self) -> list[list[Target]]:
        if self.query.role == "handled":
            chances = self._handled_objects(None)
            return [[self.memory.handled_target(k, p)] for k, p in chances.items() if p >= 0.5] or [[]]
        others = self._other_things() if self.query.role == "unhandled" else self._recalled(self._handled_objects(None))
        return [[t] for t in self._ranked(others) if t.confidence >= 0.5] or [[]]

    def _all_surfaces(self) -> list[list[Target]]:
        """A slot for each distinct (piece, surface) in order of use; without a role: for each piece."""
        query = self.query
        if query.role in ("", "unhandled"):
            found = self._other_pieces(query.role == "unhandled")
            return [[t] for t in self._ranked(found) if t.confidence >= 0.5] or [[]]
        slots: dict[tuple, list[Target]] = {}
        for k, end in self._uses(dict.fromkeys(self._all(), 1.0)):
            handling = self.memory.handlings[k]
            spot = handling.goal if end else handling.start
            found = self.memory.pieces_of(spot)
            if query.label and self._piece_is(spot, query.label) < 0.5:
                continue
            best = max(found.items(), key=lambda pair: pair[1])[0]
            key = (best.track or best.xyz, spot.surface)
            slots.setdefault(key, [replace(t, confidence=p) for t, p in found.items()])
        return list(slots.values()) or [[]]


def _function(label: str) -> str:
    known = ontology.THINGS.get(label)
    return known.function if known else ""


def _usual(label: str, name: str, value: str) -> float:
    """Share of a look among those that a category may have."""
    known = ontology.THINGS.get(label)
    values = getattr(known, name + "s", ()) if known else ()
    return values.count(value) / len(values) if values else 0.0


def _overlap(a: Target, b: Target) -> float:
    """Shared floor of two boxes as a share of the smaller one (1: the same piece)."""
    if a.track and a.track == b.track:
        return 1.0
    sides = [min(a.high[i], b.high[i]) - max(a.low[i], b.low[i]) for i in (0, 1)]
    if min(sides) <= 0:
        return 0.0
    area = min((t.high[0] - t.low[0]) * (t.high[1] - t.low[1]) for t in (a, b))
    return min(1.0, sides[0] * sides[1] / area) if area > 0 else 0.0
