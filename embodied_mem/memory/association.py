"""What a visit's sightings mean: its objects, the tracks they continue, what is gone, what changed."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from embodied_mem.memory.changes import find_absences, find_changes
from embodied_mem.memory.clusters import Cluster, cluster
from embodied_mem.memory.records import Absence, Change, ObjectState, Sighting, Track, Visit
from embodied_mem.memory.support import Piece, surfaces_under
from embodied_mem.memory.tracks import Candidate, History, match
from embodied_mem.memory.views import CELL_M, CELL_RAD, Look, Views
from embodied_mem.ontology import FURNITURE, colour_name
from embodied_mem.types import FrameRef, pose_xyyaw

if TYPE_CHECKING:
    from embodied_mem.memory.palace import MindPalace
    from embodied_mem.perception.mapping import SiteMap

BEST_FRAMES = 12
FURNITURE_HITS = 3  # furniture seen less often is a confused label
HANGING_M = 0.2  # what is higher than this needs furniture under it
ON_FURNITURE = {"television"}
FALSE_A_VISIT, SEEN_ONCE = 4.0, 20.0  # expected false positives of a visit; things of it that few views show


@dataclass
class Structure:
    """What :func:`associate` found; ``assigned``: sighting id → track id. The rest as ``put_structure`` takes it."""

    objects: list[ObjectState] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    assigned: dict[int, int] = field(default_factory=dict)


def associate(
    palace: MindPalace, visit: Visit, site_map: SiteMap | None, views_of: Callable[[str], Views]
) -> Structure:
    """Understand the stored sightings of ``visit`` in the light of all earlier visits. Writes nothing.

    ``views_of``: visit id → its :class:`Views`; ``site_map`` names the rooms (None: rooms stay "").
    """
    histories = _histories(palace, visit)
    fixed = [h for h in histories if h.track.fixed]
    groups = cluster(palace.sightings(visit=visit.id), views_of(visit.id).camera, _seeds(fixed))
    nodes = palace.frames(visit.id)
    cells = {node.ref: cell for node, cell in zip(nodes, views_of(visit.id).cells, strict=True)}
    poses = {node.ref: pose_xyyaw(node.base_to_map) for node in nodes}
    scene = _Scene(visit, site_map, views_of(visit.id), cells, poses, next_track=_next_track(palace))
    scene.place_furniture([g for g in groups if g.furniture], fixed)
    moving = [h for h in histories if not h.track.fixed]
    followed = scene.place_things([g for g in groups if not g.furniture], moving)
    earlier = [v for v in palace.visits() if v.end is not None and v.start < visit.start]
    scene.out.absences = find_absences(visit, moving, followed, scene.views)
    scene.out.changes = find_changes(visit, earlier, moving, followed, scene.new, scene.out.absences, views_of)
    return scene.out


def _histories(palace: MindPalace, visit: Visit) -> list[History]:
    """Tracks with their states before ``visit`` and whether they were last looked for in vain."""
    order = {v.id: i for i, v in enumerate(palace.visits()) if v.start < visit.start}
    states: dict[int, list[ObjectState]] = defaultdict(list)
    for state in palace.objects():
        if state.visit in order:
            states[state.track].append(state)
    histories = [History(t, states[t.id]) for t in palace.tracks() if states[t.id]]
    removed = {(c.track, c.before) for c in palace.changes(kind="removed")}
    latest = {v.id: v.start for v in palace.visits()}
    for history in histories:
        history.gone = any(t == history.track.id and b > latest[history.last.visit] for t, b in removed)
    return histories


def _seeds(fixed: Iterable[History]) -> dict[str, list[tuple[int, np.ndarray, np.ndarray]]]:
    seeds: dict[str, list[tuple[int, np.ndarray, np.ndarray]]] = defaultdict(list)
    for history in fixed:
        state = history.last
        seeds[history.track.label].append((history.track.id, np.array(state.low), np.array(state.high)))
    return seeds


def _next_track(palace: MindPalace) -> int:
    return 1 + max((t.id for t in palace.tracks()), default=0)


@dataclass
class _Scene:
    """The visit under construction."""

    visit: Visit
    site_map: SiteMap | None
    views: Views
    cells: dict[FrameRef, tuple[int, int, int]]
    poses: dict[FrameRef, tuple[float, float, float]]
    next_track: int
    out: Structure = field(default_factory=Structure)
    pieces: list[Piece] = field(default_factory=list)
    new: list[ObjectState] = field(default_factory=list)  # states of tracks that begin here

    def place_furniture(self, groups: list[Cluster], fixed: list[History]) -> None:
        """Objects and tracks of furniture; a group keeps the track it was seeded from."""
        known = {h.track.id: h for h in fixed}
        groups = [g for g in groups if g.seed is not None or self._established(g)]
        boxes = [_box(g, known.get(g.seed)) for g in groups]
        spots = np.array([(low + high) / 2 for low, high in boxes]).reshape(-1, 3)
        looks = self.views.looks(spots, np.array([_apparent(g) for g in groups]))
        seen = set()
        for group, (low, high), look in zip(groups, boxes, looks, strict=True):
            history = known.get(group.seed)
            track = history.track.id if history else self._new_track()
            seen.add(track)
            xyz = (*((low + high) / 2)[:2], low[2])
            state = self._state(group, track, history.track.label if history else group.label, xyz, low, high, look)
            self._keep(state, group, history)
            self.pieces.append(Piece(track, state.label, low, high))
        # Furniture that this visit passed by still stands where it stood.
        for track in known.keys() - seen:
            state = known[track].last
            self.pieces.append(Piece(track, state.label, np.array(state.low), np.array(state.high)))
        self._stand_on_furniture()

    def _established(self, group: Cluster) -> bool:
        return len(group.refs) >= FURNITURE_HITS and len({self.cells[r] for r in group.refs}) >= 2

    def _stand_on_furniture(self) -> None:
        for i, state in enumerate(self.out.objects):
            if state.label in ON_FURNITURE:
                others = [p for p in self.pieces if p.track != state.track]
                belief, owner = surfaces_under(state.label, np.array(state.xyz), others)
                self.out.objects[i] = replace(state, surfaces=belief, surface=next(iter(belief)), furniture=owner)

    def place_things(self, groups: list[Cluster], moving: list[History]) -> dict[int, ObjectState]:
        """Objects and tracks of movable things. Returns the state of each continued track by track id."""
        centres = np.array([(*g.xyz[:2], (g.low[2] + g.high[2]) / 2) for g in groups]).reshape(-1, 3)
        looks = self.views.looks(centres, np.array([_apparent(g) for g in groups]))
        sure = [self._confidence(g, look) for g, look in zip(groups, looks, strict=True)]
        found = [
            Candidate(g.label, g.labels, colour_votes(g.sightings), _rgb(g), tuple(g.xyz), c)
            for g, c in zip(groups, sure, strict=True)
        ]
        followed = {}
        for i, (group, chosen) in enumerate(zip(groups, match(found, moving), strict=True)):
            history = moving[chosen] if chosen is not None else None
            track = history.track.id if history else self._new_track()
            label = _label(group, history)
            state = self._state(group, track, label, tuple(group.xyz), group.low, group.high, looks[i])
            belief, owner = surfaces_under(label, group.xyz, self.pieces)
            under = next((p for p in self.pieces if p.track == owner), None)
            room = self._room((under.low + under.high) / 2) if under else state.room
            state = replace(state, confidence=sure[i], surfaces=belief, surface=next(iter(belief)), furniture=owner,
                            room=room or state.room)  # fmt: skip
            if owner is None and state.xyz[2] > HANGING_M and sure[i] < 0.95:
                state = replace(state, confidence=0.3 * sure[i])  # nothing holds it up
            self._keep(state, group, history)
            if history:
                followed[track] = state
            else:
                self.new.append(state)
        return followed

    def _new_track(self) -> int:
        self.next_track += 1
        return self.next_track - 1

    def _state(self, group: Cluster, track: int, label: str, xyz, low, high, look: Look) -> ObjectState:
        colours = colour_votes(group.sightings)
        best = max(group.sightings, key=lambda s: (s.pixels, -s.id))
        room = self._room(xyz) or self._room(best.xyz)
        return ObjectState(
            track=track, visit=self.visit.id, label=label, labels=group.labels, colour=next(iter(colours)),
            rgb=_rgb(group), xyz=tuple(map(float, xyz)), low=tuple(map(float, low)), high=tuple(map(float, high)),
            room=room, surface="floor", furniture=None, looks=len({*look.frames, *group.refs}), hits=len(group.refs),
            frames=self._best_frames(group), confidence=min(1.0, 0.5 + 0.1 * len(group.refs)), surfaces={"floor": 1.0},
            colours=colours,
        )  # fmt: skip

    def _keep(self, state: ObjectState, group: Cluster, history: History | None) -> None:
        self.out.objects.append(state)
        self.out.assigned |= {s.id: state.track for s in group.sightings}
        before = history.track if history else None
        states = [*(history.states if history else ()), state]
        self.out.tracks.append(Track(
            id=state.track, label=_majority(states), colour=_main_colour(states), fixed=group.furniture,
            first_seen=before.first_seen if before else self.visit.start, last_seen=self.visit.start,
            visits=(*(before.visits if before else ()), self.visit.id),
        ))  # fmt: skip

    def _room(self, xyz) -> str:
        if self.site_map is None:
            return ""
        room = self.site_map.room_at(float(xyz[0]), float(xyz[1]))
        return room.label if room else ""

    def _best_frames(self, group: Cluster) -> tuple[FrameRef, ...]:
        """The largest view of each viewpoint cell first, then the rest, largest first."""
        ranked = sorted(group.sightings, key=lambda s: (-s.pixels, s.id))
        first: dict[tuple, Sighting] = {}
        for s in ranked:
            first.setdefault(self.cells[s.ref], s)
        spread = [s.ref for s in first.values()]
        return tuple(dict.fromkeys([*spread, *(s.ref for s in ranked)]))[:BEST_FRAMES]

    def _confidence(self, group: Cluster, look: Look) -> float:
        """Probability that the group is a real thing rather than a detector's invention."""
        views = len({self.cells[r] for r in group.refs})
        score = max(s.score for s in group.sightings)
        # Believed poses jitter over the borders of viewpoint cells: two views may be one.
        if views > 2 or (views == 2 and (score > 0.7 or self._apart(group))):
            return min(0.995, 1 - 0.05 / views**2)
        missed = max(look.views - views, 0)
        # A real thing is missed by the other views with about 0.4 each (some hide it); invented ones score low.
        odds = SEEN_ONCE * 0.4**missed / FALSE_A_VISIT
        odds *= 8.0 if score > 0.7 else 1.6 if score > 0.5 else 0.05
        return odds / (1 + odds)

    def _apart(self, group: Cluster) -> bool:
        """Whether the viewpoints of the group cannot lie in one cell."""
        poses = np.array([self.poses[r] for r in sorted(group.refs, key=str)])
        turn = np.abs((poses[:, 2] - poses[0, 2] + math.pi) % (2 * math.pi) - math.pi).max()
        return bool(turn > 1.1 * CELL_RAD or np.ptp(poses[:, :2], axis=0).max() > 1.1 * CELL_M)


def _box(group: Cluster, history: History | None) -> tuple[np.ndarray, np.ndarray]:
    """Corners of furniture from many partial views: a robust extreme, blended with what was known before."""
    lows, highs = (np.array([getattr(s, side) for s in group.sightings]) for side in ("low", "high"))
    share = 0.08 if len(lows) >= 10 else 0.0
    low, high = np.quantile(lows, share, axis=0), np.quantile(highs, 1 - share, axis=0)
    if history:
        old_low, old_high = np.array(history.last.low), np.array(history.last.high)
        low = np.where(low > old_low + 0.1, old_low, (low + old_low) / 2)
        high = np.where(high < old_high - 0.1, old_high, (high + old_high) / 2)
    # A piece of furniture reaches its kind's height even where its top was cut off by the image.
    known = FURNITURE.get(group.label)
    if known and group.label not in ON_FURNITURE:
        low[2], high[2] = 0.0, known.size[2]
    return low, high


def _apparent(group: Cluster) -> float:
    """Pixels at 1 m: a high share of what its sightings had, for they are often cut or half hidden."""
    return float(np.quantile([s.pixels * s.range_m**2 for s in group.sightings], 0.6))


def _rgb(group: Cluster) -> tuple[float, float, float]:
    weights = np.array([math.sqrt(s.pixels) for s in group.sightings])
    mean = np.average([s.rgb for s in group.sightings], axis=0, weights=weights)
    return tuple(map(float, mean))


def colour_votes(sightings: Iterable[Sighting]) -> dict[str, float]:
    """Shares of the colour names that the sightings have, largest first; large regions weigh more."""
    votes: dict[str, float] = defaultdict(float)
    for s in sightings:
        votes[_colour(*(round(channel / 4) for channel in s.rgb))] += math.sqrt(s.pixels)
    total = sum(votes.values())
    return {name: round(v / total, 4) for name, v in sorted(votes.items(), key=lambda item: (-item[1], item[0]))}


@lru_cache(maxsize=65536)
def _colour(red: int, green: int, blue: int) -> str:
    return colour_name((4 * red / 255, 4 * green / 255, 4 * blue / 255))


def _label(group: Cluster, history: History | None) -> str:
    """The visit's own vote, unless it is thin and the track has always been called otherwise."""
    if history and len(group.refs) <= 2:
        return history.track.label
    return group.label


def _majority(states: list[ObjectState]) -> str:
    votes: Counter[str] = Counter()
    for state in states:
        votes.update(state.labels)
        votes[state.label] += 1
    return max(sorted(votes), key=lambda name: votes[name])


def _main_colour(states: list[ObjectState]) -> str:
    votes: dict[str, float] = defaultdict(float)
    for state in states:
        for name, share in state.colours.items():
            votes[name] += share * min(state.hits, 10)
    return max(sorted(votes), key=lambda name: votes[name])
