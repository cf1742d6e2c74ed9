"""A query → the things, furniture or rooms of the agent's own memory that may be meant, each with its chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from embodied_mem import ontology
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.goal_inspect import Claim, Images, investigate
from embodied_mem.planner.goal_memory import SELDOM, GoalMemory, piece_label
from embodied_mem.planner.goal_query import Anchor, GoalQuery, Target, Wanted

TIE_S, TIMING_S = 30.0, 8.0  # durations that differ by less are equal; how exactly they are known
TIE_M, WAY_M = 0.5, 0.3  # ways that differ by less are equal; how exactly they are known
CLOCK_S = 15.0  # how exactly moments of the day are known
KNOWN_ORDER = 0.97  # that an interaction's number is right
ELSE = 0.1  # weight of interactions between two named ones that are not exactly two apart
TIE_SHARE = 20  # rooms tie where their frames differ by less than this part of all

Distance = Callable[[Target], float]
Weights = dict[int, float]


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
            slots = [self._rooms()]
        elif query.many == "ordered":
            numbers = query.order or range(1, len(self.memory.handlings) + 1)
            slots = [self._of_interactions(self._number(n)) for n in numbers]
        elif query.many == "all":
            slots = self._all_objects() if query.target == "object" else self._all_surfaces()
        else:
            slots = [self._one()]
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

    def _number(self, ordinal: int) -> Weights:
        return {ordinal - 1: KNOWN_ORDER} if 1 <= ordinal <= len(self.memory.handlings) else {}

    def _interactions(self) -> Weights | None:
        """The chances of the interactions that the query names; None where it names none in particular."""
        query, count = self.query, len(self.memory.handlings)
        if query.anchor and query.until:
            return self._between(self._named(query.anchor), self._named(query.until))
        if query.anchor:
            named = self._named(query.anchor)
            return {k + query.offset: p for k, p in named.items() if 0 <= k + query.offset < count}
        if query.ordinal is not None:
            return self._number(query.ordinal)
        return None

    def _named(self, anchor: Anchor) -> Weights:
        """The chance of each interaction to be the n-th with an object of that name."""
        chances = self._settled({k: self._label(k).get(anchor.label, 0.0) for k in self._all()}, anchor.label)
        before, found = [1.0], {}  # before[n]: chance that n of the earlier ones have that name
        for k, p in chances.items():
            if anchor.occurrence <= len(before):
                found[k] = before[anchor.occurrence - 1] * p
            before = [
                (before[n] * (1 - p) if n < len(before) else 0.0) + (before[n - 1] * p if n else 0.0)
                for n in range(len(before) + 1)
            ]
        total = sum(found.values())
        return {k: p / total for k, p in found.items() if p / total >= 0.01} if total > 1e-3 else {}

    def _between(self, first: Weights, last: Weights) -> Weights:
        found: Weights = {}
        for i, p in first.items():
            for j, q in last.items():
                inner = range(i + 1, j)
                for k in inner:
                    weight = p * q * (1.0 if j == i + 2 else ELSE / len(inner))
                    found[k] = found.get(k, 0.0) + weight
        return found

    def _at(self, chances: Weights, spans: Callable[[int], list[tuple[float, float]]]) -> Weights:
        """The chances narrowed to what was going on at the query's time; spans: intervals of an interaction (UTC s)."""
        moments = self.memory.moments(self.query.at)
        gaps = {k: min(max(low - t, t - high) for t in moments for low, high in spans(k)) for k in chances}
        weights = {k: chances[k] * _rises(-gap, 0.0, CLOCK_S) for k, gap in gaps.items()}
        total = sum(weights.values())
        return {k: w / total * min(1.0, 2 * max(weights.values())) for k, w in weights.items()} if total > 1e-6 else {}

    def _all(self) -> range:
        return range(len(self.memory.handlings))

    # -- what a thing is ----------------------------------------------------------------------------------------

    def _label(self, k: int) -> dict[str, float]:
        if k not in self._labels:
            self._labels[k] = self.memory.label_of(k)
        return self._labels[k]

    def _settled(self, chances: Weights, label: str) -> Weights:
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

    def _looks(self, chances: Weights) -> Weights:
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
                return self._farthest(self._other_things())
            chosen = self._handled_objects(which)
            if query.role == "" and which is None:
                return self._farthest(self._recalled(chosen))
            return self._farthest([self.memory.handled_target(k, p) for k, p in chosen.items()])
        if query.role in ("", "unhandled"):
            return self._farthest(self._other_pieces(query.role == "unhandled"))
        return self._farthest(self._of_interactions(which))

    def _handled_objects(self, which: Weights | None) -> Weights:
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
            chances = _given_one(chances)
        if query.at:
            chances = self._at(chances, lambda k: [(self._times(k)[0], self._times(k)[3])])
        if query.superlative in ("longest", "shortest") and chances:
            sign = 1.0 if query.superlative == "longest" else -1.0
            worth = {k: sign * (self._times(k)[3] - self._times(k)[0]) for k, p in chances.items() if p >= SELDOM}
            top = max(worth.values(), default=0.0)
            chances = {k: chances[k] * _rises(w - top + TIE_S, 0.0, TIMING_S) for k, w in worth.items()}
        return chances

    def _times(self, k: int) -> tuple[float, float, float, float]:
        return self.memory.handlings[k].times

    def _piece_is(self, spot, label: str) -> float:
        """Chance that a spot is on furniture of a label: by the furniture that is there and by the spot's own name."""
        found = self.memory.pieces_of(spot)
        chance = sum(p * self.memory.piece_belief(target).get(label, 0.0) for target, p in found.items())
        return min(1.0, 0.85 * chance + 0.15 * (piece_label(spot.surface) == label))

    def _recalled(self, handled: Weights) -> list[Target]:
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

    def _of_interactions(self, which: Weights | None) -> list[Target]:
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
            chances = _given_one(chances)
        return [replace(target, confidence=p) for target, p in chances.items()]

    def _uses(self, which: Weights) -> dict[tuple[int, bool], float]:
        """Chances of (interaction, whether its placement is meant, else its pick-up)."""
        role = self.query.role
        ends = {"picked_from": (False,), "placed_on": (True,)}.get(role, (False, True))
        uses = {(k, end): p for k, p in which.items() for end in ends}
        if self.query.at:
            return self._at(uses, lambda use: [self._times(use[0])[2:] if use[1] else self._times(use[0])[:2]])
        return uses

    def _farthest(self, found: list[Target]) -> list[Target]:
        """If the farthest is asked: each target with the chance that none that counts is farther away."""
        if self.query.superlative != "farthest":
            return found
        ways = [(self.distance(t), t) for t in found if t.confidence >= SELDOM]
        if not any(math.isfinite(way) for way, _ in ways):  # no way is known at all: as the crow flies
            ways = [(math.dist(t.xyz[:2], self.now_xy), replace(t, confidence=t.confidence / 2)) for _, t in ways]
        ways = [(way, t) for way, t in ways if math.isfinite(way)]
        ranked = []
        for way, target in ways:
            chance = target.confidence
            for other_way, other in ways:
                if other is not target:
                    chance *= 1 - other.confidence * _rises(other_way - way - TIE_M, 0.0, WAY_M)
            ranked.append(replace(target, confidence=chance))
        return ranked

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

    # -- rooms --------------------------------------------------------------------------------------------------

    def _rooms(self) -> list[Target]:
        query, memory = self.query, self.memory
        if query.role == "unvisited":
            return self._unvisited()
        if query.superlative:
            return self._stays()
        if not query.role:
            return [memory.room_target(r.id, r.confidence) for r in memory.rooms.values() if r.label == query.label]
        chances: dict[int, float] = {}
        for k, p in (self._interactions() or {}).items():
            handling, placed = memory.handlings[k], query.role == "placed_in"
            rooms = memory.rooms_of(handling.goal if placed else handling.start, handling.frames[3 if placed else 0])
            for room, q in rooms.items():
                chances[room] = chances.get(room, 0.0) + p * q
        return [memory.room_target(room, p) for room, p in chances.items()]

    def _stays(self) -> list[Target]:
        """By how long the robot was in each room."""
        stays = {room: n for room, n in self.memory.stays.items() if room in self.memory.rooms}
        if not stays:
            return []
        sign = -1 if self.query.superlative == "shortest" else 1
        top, all_frames = max(sign * n for n in stays.values()), sum(self.memory.stays.values())
        tie = all_frames / TIE_SHARE
        return [self.memory.room_target(r, _rises(sign * n - top + tie, 0.0, tie / 3)) for r, n in stays.items()]

    def _unvisited(self) -> list[Target]:
        """Rooms of the map that no frame was taken in; if none is known the room that it began in may be meant, and
        is surer the less of the map has an open edge."""
        memory = self.memory
        never = [room for room in memory.rooms if not memory.stays.get(room)]
        if never:
            return [memory.room_target(room, 0.85) for room in never]
        first = memory.first_room()
        return [memory.room_target(first, 0.6)] if first else []


def _rises(value: float, middle: float, width: float) -> float:
    """A smooth step from 0 to 1."""
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, (value - middle) / width))))


def _given_one(chances: dict) -> dict:
    """Chances given that one at least is so: who asks for the red one that was handled knows that there is one."""
    none = math.prod(1.0 - min(p, 1.0) for p in chances.values())
    return {key: KNOWN_ORDER * p / (1.0 - none) for key, p in chances.items()} if none < 0.98 else chances


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
