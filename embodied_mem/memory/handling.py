"""What the robot handled: when, what, where from and where to, worked out from its own gripper, mode and eyes.

The gripper says that something was taken up and put down, the hand's own images say what. The sightings of the room say
where: of the things within reach, one of that kind is seen up to the pick and not after it, and one from the place on.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from embodied_mem.memory.clusters import COLOUR_STEP, Cluster, colour_votes, compatible, gathered, hue
from embodied_mem.memory.records import FrameNode, Handling, ObjectState, Sighting, Spot
from embodied_mem.ontology import THINGS
from embodied_mem.types import FrameRef

REACH_M = 1.75  # of an arm, along the floor, and a margin for what poses and places err
ASIDE = 0.75  # share of the image's width that a thing in reach may lie beside the middle column (0.5: the edge)
AROUND_FRAMES = 20  # before a pick and after a place, in which the robot looks at the spot
SAME_SPOT_M = 0.35  # what is left of a thing's sightings lies this near
COLOUR_LIMIT = 3.0  # steps of COLOUR_STEP at which two sights of one thing cannot be one
HELD_FRAMES = 12
UNKNOWN = "thing"  # a handled thing that was never recognised


@dataclass(frozen=True)
class Grasp:
    """One carry as the robot's own state tells it, as positions in the visit's frames.

    reach: reaching began (t1); full: first frame with the thing in hand; leave: driving off with it (t2); arrive:
    reaching out to put it down (t3); empty: first frame with the hand empty again (t4).
    """

    reach: int
    full: int
    leave: int
    arrive: int
    empty: int


def grasps(nodes: Sequence[FrameNode]) -> list[Grasp]:
    """Every carry of a visit that ended with an empty hand, in order of time.

    A stay in manipulation mode that the gripper was not filled in (a pick that failed) is none.
    """
    full = np.array([False, *(n.gripper_full for n in nodes)])
    reaching = [n.mode == "manipulation" for n in nodes]
    starts = np.flatnonzero(full[1:] & ~full[:-1])
    found = []
    for start in map(int, starts):
        end = next((i for i in range(start, len(nodes)) if not nodes[i].gripper_full), None)
        if end is None or start == 0:
            continue  # never put down, or never taken up, in this visit
        reach = _back(start - 1, lambda i: reaching[i] and not nodes[i].gripper_full)
        leave = next((i for i in range(start, end) if not reaching[i]), start)
        arrive = max(_back(end - 1, lambda i: reaching[i] and nodes[i].gripper_full), leave)
        found.append(Grasp(reach, start, leave, arrive, end))
    return found


def _back(last: int, holds: Callable[[int], bool]) -> int:
    """The first of the unbroken row of positions before and with ``last`` at which it holds; ``last`` at the least."""
    first = last
    while first > 0 and holds(first) and holds(first - 1):
        first -= 1
    return first


def best_label(sightings: Iterable[Sighting]) -> str:
    """The name with the greatest sum of scores; UNKNOWN without sightings."""
    scores: dict[str, float] = defaultdict(float)
    for s in sightings:
        scores[s.label] += s.score
    return max(sorted(scores), key=lambda name: scores[name]) if scores else UNKNOWN


@dataclass
class Move:
    """One carry and what it was, ``start`` and ``goal``: sightings of it there (None: none), and where that is."""

    grasp: Grasp
    held: list[Sighting]
    start: Cluster | None = None
    goal: Cluster | None = None
    start_xyz: np.ndarray | None = None
    goal_xyz: np.ndarray | None = None
    frames: tuple[FrameRef, ...] = ()  # of reach, leave, arrive, empty

    @property
    def sightings(self) -> list[Sighting]:
        """All that shows the thing."""
        return [*self.held, *(s for c in (self.start, self.goal) if c for s in c.sightings)]

    @property
    def label(self) -> str:
        """The name with the greatest sum of scores."""
        return best_label(self.sightings)

    def held_frames(self, label: str) -> tuple[FrameRef, ...]:
        """Frames that show it in the hand, those that call it ``label`` first, large before small."""
        ranked = sorted(self.held, key=lambda s: (s.label != label, -s.score * math.sqrt(s.pixels), s.id))
        return tuple(s.ref for s in ranked[:HELD_FRAMES])


@dataclass
class Whereabouts:
    """A movable thing of a visit. ``now``: its sightings where it stands at the end (None: nobody saw it there);
    ``first``: those where it stood first; ``former``: sightings of it from before; ``since``: index of the frame from
    which on it has stood there; ``moves``: how it got there, oldest first; ``track``: its id, once it is known."""

    now: Cluster | None
    first: Cluster | None
    former: list[Sighting] = field(default_factory=list)
    since: int = 0
    moves: list[Move] = field(default_factory=list)
    track: int = 0

    @property
    def sightings(self) -> list[Sighting]:
        """Every sighting of it in the room."""
        return [*self.former, *(self.now.sightings if self.now else ())]

    @property
    def shown(self) -> list[Sighting]:
        """Every sighting of it in the room and in the hand."""
        return [*self.sightings, *(s for move in self.moves for s in move.held)]

    @property
    def label(self) -> str:
        """The name with the greatest sum of scores."""
        return best_label(self.shown)

    @cached_property
    def standing(self) -> Cluster | None:
        """``now``, or where nobody saw it there what is known of it, moved to where it was put; None: nothing known."""
        if self.now is not None or not self.shown:
            return self.now
        known = THINGS.get(self.label)
        half = np.array(known.size if known else (0.1, 0.1, 0.1)) / 2
        spot = self.moves[-1].goal_xyz
        low, high = spot - half * (1, 1, 0), spot + half * (1, 1, 2)
        return gathered((replace(s, xyz=tuple(spot), low=tuple(low), high=tuple(high)), 1.0) for s in self.shown)

    def told(self, state: ObjectState) -> ObjectState:
        """The state of a thing, with what is known of a handled one beyond the sightings where it stands."""
        if not self.moves:
            return state
        state = replace(state, labels=dict(Counter(s.label for s in self.shown)))
        if self.now is None:  # only the frame of the place shows where it must be
            last = self.moves[-1].frames[3]
            state = replace(state, hits=0, looks=0, frames=(last,))
        return state


def follow(
    nodes: Sequence[FrameNode], held: Iterable[Sighting], groups: list[Cluster],
    centre_of: Callable[[int], np.ndarray],
) -> list[Whereabouts]:  # fmt: skip
    """What became of every movable thing of a visit: one each for what stayed, one for all that was one handled thing.

    ``groups``: the things of :func:`~embodied_mem.memory.clusters.cluster`; ``centre_of``: position of a frame → the
    map point in its image centre.
    """
    found = grasps(nodes)
    if not found:
        return [Whereabouts(g, g) for g in groups]
    left: list[Cluster] = list(groups)
    handled: list[Whereabouts] = []
    for grasp, shown in zip(found, _by_grasp(nodes, found, held), strict=True):
        move = Move(grasp, shown)
        move.frames = tuple(nodes[i].ref for i in (grasp.reach, grasp.leave, grasp.arrive, grasp.empty))
        thing = _taken_from(handled, left, move, nodes)
        if thing is None:
            thing = Whereabouts(None, None)
            handled.append(thing)
            move.start = thing.first = _take_out(left, move, nodes, grasp.full - 1, before=True)
        elif thing.now is not None:
            move.start = _split(left, thing.now, nodes[grasp.full].ref.index, before=True)
        else:
            move.start_xyz = thing.moves[-1].goal_xyz
        move.goal = _take_out(left, move, nodes, grasp.empty, before=False)
        _settle(move, centre_of)
        if move.start is not None:
            thing.former += move.start.sightings
        thing.now, thing.since = move.goal, nodes[grasp.empty].ref.index
        thing.moves.append(move)
    return [*(Whereabouts(g, g) for g in left), *handled]


def records_of(
    visit: str, nodes: Sequence[FrameNode], things: Iterable[Whereabouts], spot_of: Callable[..., Spot]
) -> list[Handling]:
    """The handlings of a visit in order of time.

    ``spot_of``: label, xyz of the base, whether the robot put it there → the spot with what is under it.
    """
    moves = sorted(((m, t) for t in things for m in t.moves), key=lambda pair: pair[0].grasp.full)
    found = []
    for index, (move, thing) in enumerate(moves):
        label, before = thing.label, move is not thing.moves[0]
        times = tuple(nodes[i].time for i in (move.grasp.reach, move.grasp.leave, move.grasp.arrive, move.grasp.empty))
        found.append(Handling(
            visit=visit, index=index, label=label, labels=dict(Counter(s.label for s in move.sightings)),
            colours=colour_votes(move.sightings), times=times, frames=move.frames, held=move.held_frames(label),
            start=spot_of(label, move.start_xyz, before), goal=spot_of(label, move.goal_xyz, True), track=thing.track,
        ))  # fmt: skip
    return found


def _by_grasp(nodes: Sequence[FrameNode], found: list[Grasp], held: Iterable[Sighting]) -> list[list[Sighting]]:
    spans = [(nodes[g.full].ref.index, nodes[g.empty].ref.index) for g in found]
    sorted_in: list[list[Sighting]] = [[] for _ in found]
    for s in held:
        for span, shown in zip(spans, sorted_in, strict=True):
            if span[0] <= s.ref.index < span[1]:
                shown.append(s)
    return sorted_in


def _taken_from(handled: list[Whereabouts], left: list[Cluster], move: Move, nodes) -> Whereabouts | None:
    """The handled thing that is taken up again, None for one that is handled for the first time."""
    at = move.grasp.full - 1
    rivals = [_fit(g, move, nodes, at, before=True) for g in left]
    best, best_fit = None, max([f for f in rivals if f is not None], default=0.0)
    for thing in handled:
        if thing.now is not None:
            fit = _fit(thing.now, move, nodes, at, before=True)
        else:
            last = thing.moves[-1]
            near = last.goal_xyz is not None and _in_reach(last.goal_xyz, nodes[at])
            fit = 0.5 if near and compatible(last.label, move.label) else None
        if fit is not None and fit > best_fit:
            best, best_fit = thing, fit
    return best


def _take_out(left: list[Cluster], move: Move, nodes, at: int, before: bool) -> Cluster | None:
    """The sightings of the thing before the pick, or after the place, at the frame ``at``; they leave ``left``."""
    fits = [(fit, -i) for i, g in enumerate(left) if (fit := _fit(g, move, nodes, at, before)) is not None]
    best = max(fits, default=(0.0, 0))
    border = nodes[at].ref.index + (1 if before else 0)
    return _cut(left, left[-best[1]], border, before) if best[0] > 0 else None


def _fit(group: Cluster, move: Move, nodes, at: int, before: bool) -> float | None:
    """How well a group is what was taken (``before``) or put down at the frame ``at``; None where it cannot be."""
    border = nodes[at].ref.index + (1 if before else 0)
    sides = [s for s in group.sightings if (s.ref.index < border) == before]
    aside = _aside(group.xyz, nodes[at])
    if not sides or aside is None:
        return None
    fit = _likeness(group, move)
    if fit is None:
        return None
    lately = any(abs(s.ref.index - border) <= AROUND_FRAMES for s in sides)
    # What is seen on the wrong side in time has not come or gone; a look-alike may stand there later.
    wrong = len(group.sightings) - len(sides)
    return fit + lately - 2.0 * aside - 3.0 * wrong / len(group.sightings)


def _likeness(group: Cluster, move: Move) -> float | None:
    """Label and colour of a group against what was in the hand; None where they speak against each other."""
    label = move.label
    if label == UNKNOWN:
        return 1.0
    if group.label == label:
        same = 3.0
    elif label in group.labels or compatible(group.label, label):
        same = 1.0
    else:
        return None
    known = [s.rgb for s in (move.held or move.sightings)]
    apart = float(np.linalg.norm(hue(np.median(known, axis=0)) - group.hue)) / COLOUR_STEP
    return same - apart if apart < COLOUR_LIMIT else None


def _in_reach(xyz: np.ndarray, node: FrameNode) -> bool:
    return math.dist(xyz[:2], node.base_to_map[:2, 3]) <= REACH_M


def _aside(xyz: np.ndarray, node: FrameNode) -> float | None:
    """Share of the image's width that a spot lies beside the middle column; None out of reach or beyond ASIDE."""
    if not _in_reach(xyz, node):
        return None
    x, _, z = node.camera_to_map[:3, :3].T @ (np.asarray(xyz) - node.camera_to_map[:3, 3])
    if z < 0.1:
        return None
    aside = abs(float(x / z)) * node.camera.focal / node.camera.width
    return aside if aside <= ASIDE else None


def _cut(left: list[Cluster], group: Cluster, border: int, before: bool) -> Cluster:
    """Take a group's sightings on one side of a frame index out of ``left``, with what is scattered around them.

    The sightings on the other side are of something else, which stays in ``left``.
    """
    left[:] = [g for g in left if g is not group]
    group = _split(left, group, border, before)
    for other in list(left):
        on_side = all((s.ref.index < border) == before for s in other.sightings)
        near = math.dist(other.xyz[:2], group.xyz[:2]) < SAME_SPOT_M
        alike = float(np.linalg.norm(other.hue - group.hue)) / COLOUR_STEP < COLOUR_LIMIT / 2
        if on_side and near and alike and compatible(other.label, group.label) and not (other.refs & group.refs):
            left[:] = [g for g in left if g is not other]
            group = gathered([*zip(group.sightings, group.weights, strict=True),
                              *zip(other.sightings, other.weights, strict=True)])  # fmt: skip
    return group


def _split(left: list[Cluster], group: Cluster, border: int, before: bool) -> Cluster:
    pairs = list(zip(group.sightings, group.weights, strict=True))
    mine = [p for p in pairs if (p[0].ref.index < border) == before]
    rest = [p for p in pairs if (p[0].ref.index < border) != before]
    if not rest:
        return group
    left.append(gathered(rest))
    return gathered(mine)


def _settle(move: Move, centre_of: Callable[[int], np.ndarray]) -> None:
    """Where it was and is: its sightings' place, else what the robot looked at when it took it and put it down."""
    if move.start is not None:
        move.start_xyz = move.start.xyz
    elif move.start_xyz is None:
        move.start_xyz = centre_of(move.grasp.full - 1)
    move.goal_xyz = move.goal.xyz if move.goal is not None else centre_of(move.grasp.empty)
