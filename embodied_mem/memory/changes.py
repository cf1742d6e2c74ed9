"""Negative evidence and change events: what was looked for in vain, what came, moved and left, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from embodied_mem.memory.records import Absence, Change, ObjectState, Visit
from embodied_mem.memory.tracks import STAYED_M, History
from embodied_mem.memory.views import Look, Views

SPOTS = 4  # earlier places of a track that are checked, latest first
SPOT_STEP_M = 0.5  # places nearer to each other than this are one
VAIN = 0.25  # a spot is empty when the looks at it would have overlooked the thing with less probability than this
SHIFTED_M = 0.15  # a thing that stands on another surface has moved if it is this far away
SURE = 0.75  # changes of things that may not be there at all would be noise
MOST_EARLIER = 6  # visits that are asked whether they looked at a spot


def find_absences(
    visit: Visit, known: list[History], followed: dict[int, ObjectState], views: Views
) -> list[Absence]:
    """Earlier places of tracks that this visit looked at without finding them there. ``followed``: found, by track."""
    spots, owners = [], []
    for history in known:
        here = followed.get(history.track.id)
        for state in _places(history):
            if here is None or _moved(state, here):
                spots.append((history.track.id, state))
                owners.append(state)
    looks = views.looks(_centres(owners), np.array([apparent_size(s) for s in owners]))
    return [
        Absence(track, visit.id, state.xyz, len(look.frames), look.frames[:6], look.views, round(look.overlooked, 4))
        for (track, state), look in zip(spots, looks, strict=True)
        if look.frames
    ]


def find_changes(
    visit: Visit,
    earlier: list[Visit],
    known: list[History],
    followed: dict[int, ObjectState],
    new: list[ObjectState],
    absences: list[Absence],
    views_of: Callable[[str], Views],
) -> list[Change]:
    """Changes that this visit shows against the ``earlier`` ones (oldest first)."""
    if not earlier:
        return []
    arrived = [s for s in new if s.confidence >= SURE]
    arrived += [s for h in known if (s := followed.get(h.track.id)) and (h.gone or _moved(h.last, s))]
    empty = _last_empty(arrived, earlier, views_of)
    ends = {v.id: v.end for v in earlier}
    changes = []
    for state in new:
        if empty.get(state.track) is not None:
            changes.append(_change(visit, "appeared", empty[state.track], None, state))
    for history in known:
        state = followed.get(history.track.id)
        after = ends[history.last.visit]
        if state is None:
            if not history.gone and history.last.confidence >= SURE and _missed(history, absences):
                changes.append(_change(visit, "removed", after, history.last, None))
        elif history.gone:
            changes.append(_change(visit, "appeared", max(after, empty.get(history.track.id) or after), None, state))
        elif _moved(history.last, state):
            after = max(after, empty.get(history.track.id) or after)
            changes.append(_change(visit, "moved", after, history.last, state))
    return changes


def _change(visit: Visit, kind: str, after: float, old: ObjectState | None, new: ObjectState | None) -> Change:
    one = new or old
    return Change(
        track=one.track, label=one.label, kind=kind, after=after, before=visit.start,
        recorded=visit.start if visit.end is None else visit.end,
        from_room=old.room if old else "", from_surface=old.surface if old else "",
        to_room=new.room if new else "", to_surface=new.surface if new else "",
    )  # fmt: skip


def _places(history: History) -> list[ObjectState]:
    """The latest states of a track that stand apart from each other."""
    kept: list[ObjectState] = []
    for state in reversed(history.states):
        if all(math.dist(state.xyz, other.xyz) > SPOT_STEP_M for other in kept):
            kept.append(state)
        if len(kept) == SPOTS:
            break
    return kept


def _moved(old: ObjectState, new: ObjectState) -> bool:
    away = math.dist(old.xyz, new.xyz)
    sure = old.surfaces.get(old.surface, 0) > 0.7 and new.surfaces.get(new.surface, 0) > 0.7
    return away > STAYED_M or (away > SHIFTED_M and old.surface != new.surface and sure)


def _missed(history: History, absences: Iterable[Absence]) -> bool:
    spot = history.last.xyz
    return any(a.track == history.track.id and a.xyz == spot and a.overlooked < VAIN for a in absences)


def _last_empty(
    states: list[ObjectState], earlier: list[Visit], views_of: Callable[[str], Views]
) -> dict[int, float]:
    """By track the end of the latest earlier visit that looked at a state's spot, and so saw it empty."""
    found: dict[int, float] = {}
    left = list(states)
    for visit in earlier[: -MOST_EARLIER - 1 : -1]:
        if not left:
            break
        looks: list[Look] = views_of(visit.id).looks(_centres(left), np.array([apparent_size(s) for s in left]))
        found |= {s.track: visit.end for s, look in zip(left, looks, strict=True) if look.overlooked < VAIN}
        left = [s for s in left if s.track not in found]
    return found


def _centres(states: list[ObjectState]) -> np.ndarray:
    return np.array([[*s.xyz[:2], (s.low[2] + s.high[2]) / 2] for s in states]).reshape(-1, 3)


def apparent_size(state: ObjectState) -> float:
    """Pixels that a thing covers at 1 m, from its box: the silhouette from the side and a share of its top."""
    wide, deep, high = (max(b - a, 0.03) for a, b in zip(state.low, state.high, strict=True))
    focal = 208.5
    return focal * focal * (0.7 * (wide + deep) / 2 * high + 0.35 * wide * deep)


