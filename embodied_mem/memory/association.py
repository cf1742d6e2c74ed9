"""What a visit's sightings mean: its objects, the tracks they continue, what is gone, what changed."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from embodied_mem.memory.changes import find_absences, find_changes
from embodied_mem.memory.clusters import Cluster, cluster, colour_votes
from embodied_mem.memory.handling import REACH_M, Whereabouts, follow, records_of
from embodied_mem.memory.records import Absence, Change, FrameNode, Handling, ObjectState, Sighting, Spot, Track, Visit
from embodied_mem.memory.support import Piece, surfaces_under
from embodied_mem.memory.tracks import Candidate, History, match
from embodied_mem.memory.views import CELL_M, CELL_RAD, Look, Views, heading
from embodied_mem.ontology import FURNITURE
from embodied_mem.types import FrameRef

if TYPE_CHECKING:
    from embodied_mem.memory.palace import MindPalace
    from embodied_mem.perception.mapping import SiteMap

BEST_FRAMES = 12
FURNITURE_HITS = 3  # furniture seen less often is a confused label
HANGING_M = 0.2  # what is higher than this needs furniture under it
ON_FURNITURE = {"television"}
HANDLED, HANDLED_UNSEEN = 0.995, 0.7  # confidence in where a handled thing is, seen there or not
FALSE_A_VISIT, SEEN_ONCE = 4.0, 20.0  # expected false positives of a visit; things of it that few views show


@dataclass
class Structure:
    """What :func:`associate` found; ``assigned``: sighting id → track id. The rest as ``put_structure`` takes it."""

    objects: list[ObjectState] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    handlings: list[Handling] = field(default_factory=list)
    assigned: dict[int, int] = field(default_factory=dict)


def associate(
    palace: MindPalace, visit: Visit, site_map: SiteMap | None, views_of: Callable[[str], Views]
) -> Structure:
    """Understand the stored sightings of ``visit`` in the light of all earlier visits. Writes nothing.

    ``views_of``: visit id → its :class:`Views`; ``site_map`` names the rooms (None: rooms stay "").
    """
    histories = _histories(palace, visit)
    fixed = [h for h in histories if h.track.fixed]
    nodes = palace.frames(visit.id)
    carried = any(node.gripper_full for node in nodes)
    groups = cluster(palace.sightings(visit=visit.id), views_of(visit.id).camera, _seeds(fixed), errands=carried)
    cells = {node.ref: cell for node, cell in zip(nodes, views_of(visit.id).cells, strict=True)}
    poses = {n.ref: (*map(float, n.base_to_map[:2, 3]), heading(n.base_to_map, n.mode)) for n in nodes}
    scene = _Scene(visit, site_map, views_of(visit.id), cells, poses, next_track=_next_track(palace))
    scene.place_furniture([g for g in groups if g.furniture], fixed)
    moving = [h for h in histories if not h.track.fixed]
    things = follow(
        nodes, palace.held(visit.id), [g for g in groups if not g.furniture], lambda i: _gaze(palace, nodes[i])
    )
    followed = scene.place_things(things, moving)
    scene.out.handlings = records_of(visit.id, nodes, things, lambda *what: scene.spot(*what)[0])
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
            self.out.assigned |= {s.id: state.track for s in group.sightings}
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

    def place_things(self, things: list[Whereabouts], moving: list[History]) -> dict[int, ObjectState]:
        """Objects and tracks of movable things. Returns the state of each continued track by track id."""
        things = [t for t in things if t.standing is not None]
        groups = [t.standing for t in things]
        centres = np.array([(*g.xyz[:2], (g.low[2] + g.high[2]) / 2) for g in groups]).reshape(-1, 3)
        looks = self.views.looks(centres, np.array([_apparent(g) for g in groups]), [t.since for t in things])
        sure = [self._certainty(t, look) for t, look in zip(things, looks, strict=True)]
        found = [_candidate(t, c) for t, c in zip(things, sure, strict=True)]
        followed = {}
        for i, (thing, chosen) in enumerate(zip(things, match(found, moving), strict=True)):
            group, history = groups[i], moving[chosen] if chosen is not None else None
            thing.track = history.track.id if history else self._new_track()
            label = thing.label if thing.moves else _label(group, history)
            state = self._state(group, thing.track, label, tuple(group.xyz), group.low, group.high, looks[i])
            state = self._on_surface(thing.told(state), sure[i], handled=bool(thing.moves))
            self._keep(state, group, history)
            self.out.assigned |= {s.id: thing.track for s in thing.sightings}
            if history:
                followed[thing.track] = state
            else:
                self.new.append(state)
        return followed

    def _on_surface(self, state: ObjectState, sure: float, handled: bool) -> ObjectState:
        spot, belief = self.spot(state.label, state.xyz, handled)
        state = replace(state, confidence=sure, surfaces=belief, surface=spot.surface, furniture=spot.furniture,
                        room=spot.room or state.room)  # fmt: skip
        if spot.furniture is None and state.xyz[2] > HANGING_M and sure < 0.95:
            state = replace(state, confidence=0.3 * sure)  # nothing holds it up
        return state

    def spot(self, label: str, xyz, put: bool) -> tuple[Spot, dict[str, float]]:
        """What is under a thing of a label whose base is at ``xyz`` (``put``: by the robot), and the belief over
        surface names."""
        belief, owner = surfaces_under(label, np.array(xyz), self.pieces, anywhere=put)
        under = next((p for p in self.pieces if p.track == owner), None)
        room = self._room((under.low + under.high) / 2 if under else xyz)
        return Spot(tuple(map(float, xyz)), room, next(iter(belief)), owner), belief

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

    def _certainty(self, thing: Whereabouts, look: Look) -> float:
        """Probability that a thing is there: what was in the hand is real, and where it was put it may be unseen."""
        if thing.moves:
            return HANDLED if thing.now is not None else HANDLED_UNSEEN
        return self._confidence(thing.standing, look)

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


def _candidate(thing: Whereabouts, sure: float) -> Candidate:
    """A thing as it stood at the beginning of the visit, for that is where earlier visits know it."""
    group = thing.first or thing.standing
    return Candidate(
        thing.label if thing.moves else group.label, group.labels, colour_votes(group.sightings), _rgb(group),
        tuple(group.xyz), sure,
    )  # fmt: skip


def _gaze(palace: MindPalace, node: FrameNode) -> np.ndarray:
    """The map point within reach that a stored frame shows nearest to its middle; the robot's own place without one."""
    depth, focal = palace.load_depth(node.ref), node.camera.focal
    rows, columns = (np.arange(n)[n % 4 // 2 :: 4] for n in depth.shape)
    v, u = (k.ravel() - n / 2 for k, n in zip(np.meshgrid(rows, columns, indexing="ij"), depth.shape, strict=True))
    away = depth[np.ix_(rows, columns)].ravel().astype(np.float64)
    points = np.column_stack((u / focal * away, v / focal * away, away)) @ node.camera_to_map[:3, :3].T
    points += node.camera_to_map[:3, 3]
    near = (away > 0) & (np.hypot(*(points[:, :2] - node.base_to_map[:2, 3]).T) <= REACH_M)
    return points[near][np.argmin(np.hypot(u, v)[near])] if near.any() else node.base_to_map[:3, 3].copy()


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
