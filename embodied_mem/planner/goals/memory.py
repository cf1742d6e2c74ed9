"""What the agent remembers, as goals need it: handled things, other ones, furniture, rooms, and how sure it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache

import numpy as np

from embodied_mem import ontology
from embodied_mem.memory.records import Handling, ObjectState, RoomNode, Spot
from embodied_mem.planner.costs import Rates, default_rates
from embodied_mem.planner.goals.query import Target
from embodied_mem.types import FrameRef

DAY_S = 86400.0
UNRELATED = 1e-3  # a vote for a label that nothing makes likely
VOTE = 0.5  # weight of a further vote: views of a thing from one side err alike
NEAR_M = 0.5  # what stands on a piece is not farther beside its box
LEVEL_M = 0.06  # what stands on its top is not farther above or below it
GHOST_M = 0.3  # a thing seen only this near to where a handled one was before is that one
SELDOM = 0.05  # least belief that is worth a mention


class GoalMemory:
    """Built once per palace; a day's memory in the map frame. ``detector`` and its cost come with the query.

    palace: handlings(), objects(), tracks(), rooms(), frames(); site_map: room_at, rooms.
    """

    def __init__(self, palace, site_map) -> None:
        self.palace, self.site_map = palace, site_map
        self.rates: Rates = default_rates()
        self.handlings: list[Handling] = sorted(palace.handlings(), key=lambda h: h.times[0])
        self._fixed = {t.id for t in palace.tracks() if t.fixed}
        self._seen = {t.id: (t.first_seen, t.last_seen) for t in palace.tracks()}
        self._states: dict[int, ObjectState] = {}
        for state in palace.objects():
            self._states[state.track] = state  # in order of visits: the last one counts
        self._track_of = {h.track: k for k, h in enumerate(self.handlings) if h.track}
        self._start_time = min((node.time for node in palace.frames()), default=0.0)

    # -- things -------------------------------------------------------------------------------------------------

    def state_of(self, track: int) -> ObjectState | None:
        """The latest state of a track."""
        return self._states.get(track)

    def state(self, k: int) -> ObjectState | None:
        """Where the thing of interaction k is now, as it was seen there."""
        return self._states.get(self.handlings[k].track) if self.handlings[k].track else None

    def label_of(self, k: int) -> dict[str, float]:
        """Belief over what the thing of interaction k is."""
        handling = self.handlings[k]
        return label_belief(_frozen(handling.labels or {handling.label: 1}), self.rates.label_confusion)

    def handled_target(self, k: int, confidence: float = 1.0) -> Target:
        """The thing of interaction k where it is now."""
        handling, state = self.handlings[k], self.state(k)
        if state is not None:
            where = (state.xyz, state.low, state.high)
        else:
            where = _box(handling.goal.xyz, handling.label)
            confidence *= 0.9  # nobody saw it there since
        return Target("object", handling.label, handling.track, 0, *where, handling.times[3], confidence)

    @cached_property
    def others(self) -> list[tuple[Target, dict[str, float]]]:
        """Things that were not handled, with the belief over what each is; phantoms have little confidence."""
        found = []
        for track, state in sorted(self._states.items()):
            if track in self._fixed or track in self._track_of or state.label in ontology.FURNITURE:
                continue
            labels = label_belief(_frozen(state.labels or {state.label: 1}), self.rates.label_confusion)
            sure = state.confidence * (1.0 - self._ghost(state, labels))
            found.append((Target("object", state.label, track, 0, state.xyz, state.low, state.high, 0.0, sure), labels))
        return found

    def _ghost(self, state: ObjectState, labels: dict[str, float]) -> float:
        """Chance that a thing is a handled one, seen where that was before or where it is now."""
        first, last = self._seen.get(state.track, (0.0, math.inf))
        chance = 0.0
        for k, handling in enumerate(self.handlings):
            same = sum(p * self.label_of(k).get(label, 0.0) for label, p in labels.items())
            before = math.dist(state.xyz[:2], handling.start.xyz[:2]) < GHOST_M and last <= handling.times[1]
            after = math.dist(state.xyz[:2], handling.goal.xyz[:2]) < GHOST_M and first >= handling.times[2]
            if before or (after and not handling.track):
                chance = max(chance, 0.95 * same)
        return chance

    def frames_of(self, k: int) -> list:
        """Stored frames that show the thing of interaction k, best first; places and moments vary."""
        state = self.state(k)
        later = tuple(f for f in (state.frames if state else ()))
        held = self.handlings[k].held
        pairs = [ref for pair in zip(held, later, strict=False) for ref in pair]
        rest = held[len(later) :] + later[len(held) :]
        return self._spread(dict.fromkeys((*pairs, *rest)))

    def _spread(self, refs: Iterable[FrameRef]) -> list[FrameRef]:
        """One frame of each viewpoint, the first: looks from one place err alike."""
        first = {self._cells.get(ref, ref): ref for ref in reversed(list(refs))}
        chosen = set(first.values())
        return [ref for ref in refs if ref in chosen]

    @cached_property
    def _cells(self) -> dict[FrameRef, tuple[int, int, int]]:
        """The viewpoint (0.5 m, 30°) of every frame."""
        return {
            node.ref: (*(math.floor(float(v) / 0.5) for v in node.base_to_map[:2, 3]),
                       math.floor(math.atan2(node.camera_to_map[1, 2], node.camera_to_map[0, 2]) / math.radians(30)))
            for node in self.palace.frames()
        }  # fmt: skip

    # -- furniture ----------------------------------------------------------------------------------------------

    @cached_property
    def pieces(self) -> dict[int, tuple[Target, dict[str, float]]]:
        """Furniture with surfaces by track, with the belief over its label."""
        found = {}
        for track, state in sorted(self._states.items()):
            if track not in self._fixed and state.label not in ontology.FURNITURE:
                continue
            labels = label_belief(_frozen(state.labels or {state.label: 1}), self.rates.label_confusion)
            holds = sum(p for label, p in labels.items() if label in ontology.HOLDERS)
            if holds < SELDOM:
                continue
            target = Target(
                "receptacle", state.label, track, 0, state.xyz, state.low, state.high, 0.0, state.confidence * holds
            )
            found[track] = (target, labels)
        return found

    def pieces_of(self, spot: Spot) -> dict[Target, float]:
        """The furniture at a spot with the chance that it was on that piece; a place of its own if none is known."""
        label = piece_label(spot.surface)
        chances: dict[int, float] = {}
        for track, (piece, labels) in self.pieces.items():
            gap = box_gap(piece, spot.xyz)
            if track == spot.furniture:
                chances[track] = 12.0 * math.exp(-gap / 0.1) + 0.5
            elif gap < NEAR_M:
                level = 2.0 if abs(spot.xyz[2] - piece.high[2]) < LEVEL_M else 0.5
                chances[track] = math.exp(-gap / 0.1) * (0.3 + labels.get(label, 0.0)) * level
        if not chances:
            low, high = (tuple(c + s * 0.3 for c in spot.xyz[:2]) for s in (-1, 1))
            known = label if label in ontology.FURNITURE else "furniture"
            lost = Target("receptacle", known, 0, 0, spot.xyz, (*low, 0.0), (*high, spot.xyz[2]), 0.0, 0.5)
            return {lost: 0.6}
        total = sum(chances.values()) + 0.3
        return {self.pieces[t][0]: c / total for t, c in chances.items() if c / total >= 0.01}

    def piece_belief(self, target: Target) -> dict[str, float]:
        """Belief over the label of a piece of furniture that this memory named."""
        return self.pieces[target.track][1] if target.track in self.pieces else {target.label: 0.8}

    # -- rooms --------------------------------------------------------------------------------------------------

    @cached_property
    def rooms(self) -> dict[int, RoomNode]:
        return {room.id: room for room in self.site_map.rooms}

    @cached_property
    def stays(self) -> Counter:
        """Frames by room in which the robot stood; key 0: in none."""
        return Counter(self._standing.values())

    @cached_property
    def _standing(self) -> dict:
        """Room id (0: none) of every frame, in order."""
        at = {}
        for node in self.palace.frames():
            room = self.site_map.room_at(float(node.base_to_map[0, 3]), float(node.base_to_map[1, 3]))
            at[node.ref] = room.id if room else 0
        return at

    def room_target(self, room: int, confidence: float) -> Target:
        node = self.rooms[room]
        x0, y0, x1, y1 = node.rect
        return Target("room", node.label, 0, room, (*node.centroid, 0.0), (x0, y0, 0.0), (x1, y1, 2.5), 0.0, confidence)

    def rooms_of(self, spot: Spot, ref) -> dict[int, float]:
        """Chances of the rooms that a spot may lie in; ``ref``: a frame taken while the robot reached there."""
        votes: dict[int, float] = {}
        here = self.site_map.room_at(*map(float, spot.xyz[:2]))
        standing = self._standing.get(ref, 0)
        named = [r.id for r in self.rooms.values() if r.label == spot.room]
        for room, weight in ((here.id if here else 0, 5.0), (standing, 3.0), *((r, 2.0 / len(named)) for r in named)):
            if room:
                votes[room] = votes.get(room, 0.0) + weight
        total = sum(votes.values()) + 0.3
        return {room: weight / total for room, weight in votes.items()}

    def first_room(self) -> int:
        """The room that the robot started in (0: none is known)."""
        return next((room for room in self._standing.values() if room), 0)

    # -- time ---------------------------------------------------------------------------------------------------

    def moments(self, at: tuple[int | None, float]) -> list[float]:
        """UTC seconds that a time of day may be: on the day that is named, else on every day of the experience."""
        midnight = math.floor(self._start_time / DAY_S) * DAY_S
        last = max((h.times[3] for h in self.handlings), default=self._start_time)
        days = [at[0] - 1] if at[0] else range(int((last - midnight) // DAY_S) + 1)
        return [midnight + day * DAY_S + at[1] for day in days]


@lru_cache(maxsize=4096)
def label_belief(votes: tuple[tuple[str, float], ...], confusion: float) -> dict[str, float]:
    """Votes by label → belief over labels: a detector takes a thing for a similar one at that rate."""
    names = dict.fromkeys(label for label, _ in votes)
    for label in list(names):
        names.update(dict.fromkeys(_similar(label)))
    total = sum(n for _, n in votes) or 1.0
    counted = {label: n / total * total ** VOTE if total > 1 else n for label, n in votes}
    scores = {}
    for name in names:
        near = [label for label in _similar(name)]
        score = 0.0
        for label, count in counted.items():
            seen = 1 - confusion if label == name else confusion / len(near) if label in near else UNRELATED
            score += count * math.log(max(seen, UNRELATED))
        scores[name] = score
    top = max(scores.values(), default=0.0)
    weights = {name: math.exp(score - top) for name, score in scores.items()}
    norm = sum(weights.values())
    return {name: w / norm for name, w in weights.items() if w / norm > 1e-4}


def _similar(label: str) -> tuple[str, ...]:
    known = ontology.THINGS.get(label) or ontology.FURNITURE.get(label)
    return known.similar if known else ()


def _frozen(votes: dict[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(votes.items()))


def piece_label(surface: str) -> str:
    """``"upper shelf of the bookcase"`` → ``"bookcase"``."""
    return surface.rpartition(" of the ")[2]


def box_gap(target: Target, xyz: Sequence[float]) -> float:
    """Metres on the floor from a point to the target's box, 0 inside."""
    low, high, at = (np.array(v[:2]) for v in (target.low, target.high, xyz))
    return float(np.hypot(*np.maximum(np.maximum(low - at, at - high), 0.0)))


def _box(xyz: tuple[float, float, float], label: str) -> tuple:
    """A thing's middle and corners where only its place is known."""
    x, y, z = ontology.THINGS[label].size if label in ontology.THINGS else (0.2, 0.2, 0.2)
    half = max(x, y) / 2
    low = (xyz[0] - half, xyz[1] - half, xyz[2] - z / 2)
    return xyz, low, (xyz[0] + half, xyz[1] + half, xyz[2] + z / 2)
