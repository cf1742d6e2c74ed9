"""The palace as a question needs it: subjects (what a person would call one thing) with one row a visit.

A subject joins the tracks that are one object to a person: same label, like colour, never seen in one visit
together. So an object that association lost and found again still has one history.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from embodied_mem import ontology
from embodied_mem.memory.records import Absence, ObjectState
from embodied_mem.planner.belief_habits import Slot, slot_of
from embodied_mem.planner.costs import Rates
from embodied_mem.planner.query import ObjectRef, TimeRef
from embodied_mem.types import FrameRef

LIKE_RGB = 70.0  # two mean colours closer than this (0..255, Euclidean) may be one object's
VOTE_ODDS = 0.3  # odds that one more vote is wrong; votes from one viewpoint are not independent
Place = tuple[str, str]  # (surface name, room label)


@dataclass
class Subject:
    """One thing through time. ``seen``: visit → its ObjectState; ``missed``: visit → where it was sought in vain."""

    key: int
    label: str
    colour: str
    fixed: bool
    tracks: tuple[int, ...]
    labels: dict[str, float]
    colours: dict[str, float]
    rgb: tuple[float, float, float]
    seen: dict[str, ObjectState] = field(default_factory=dict)
    missed: dict[str, list[Absence]] = field(default_factory=dict)

    @property
    def hits(self) -> int:
        return sum(state.hits for state in self.seen.values())

    def is_real(self, rates: Rates) -> float:
        """Probability that it is a thing at all: false detections are seen once, not time and again."""
        return 1.0 - 0.5 * rates.false_hit ** max(0.0, (self.hits - 1) / 2)

    def is_called(self, label: str) -> float:
        """Probability that its true label is ``label``, from the votes of all its sightings."""
        votes = self.labels.get(label, 0.0)
        rival = max((n for name, n in self.labels.items() if name != label), default=0.0)
        return float(1 / (1 + VOTE_ODDS ** np.clip(votes - rival, -8, 8))) if votes else 0.0

    def places(self) -> dict[Place, tuple[float, float, float]]:
        """Every place it may have been at → where that was (m), in order of the visits."""
        found: dict[Place, tuple[float, float, float]] = {}
        for state in self.seen.values():
            for surface in sorted(state.surfaces or {state.surface: 1.0}, key=lambda s: -state.surfaces.get(s, 1.0)):
                found[(surface, state.room)] = state.xyz
        return found


@dataclass(frozen=True)
class History:
    """All visits as calendar slots, and all subjects."""

    slots: tuple[Slot, ...]
    subjects: tuple[Subject, ...]
    now: Slot
    frames: int = 0

    def when(self, ref: TimeRef | None) -> list[int] | None:
        """Indices of the slots that ``ref`` names (``len(slots)`` is now); None where nothing was recorded then."""
        last = len(self.slots)
        if ref is None or ref.kind == "now":
            return [last]
        if ref.kind == "first":
            return [0] if last else None
        if ref.kind == "last":
            return [last - 1] if last else None
        if ref.kind == "ever":
            return list(range(last)) or None
        if ref.kind == "visit":
            found = [i for i, s in enumerate(self.slots)
                     if (not ref.date or s.date == ref.date) and (not ref.part or s.part == ref.part)]  # fmt: skip
            if not found and ref.date == self.now.date and ref.part in ("", self.now.part):
                return [last]
            return found or None
        return None

    def next_slot(self, ref: TimeRef) -> Slot:
        """The slot to come that ``ref`` names; without a date the next one of that part of day."""
        from datetime import datetime, timedelta, timezone

        moment = datetime.fromtimestamp(self.now.time, timezone.utc)
        if ref.date:
            moment = datetime.fromisoformat(ref.date + "T00:00:00+00:00")
        else:
            moment += timedelta(days=0 if ref.part == "evening" and self.now.part == "morning" else 1)
        part = ref.part or self._part_on(moment.date().toordinal())
        moment = moment.replace(hour=9 if part == "morning" else 19, minute=0, second=0)
        return slot_of("", moment.timestamp(), part)

    def _part_on(self, day: int) -> str:
        same = Counter(s.part for s in (*self.slots, self.now) if (s.day - day) % 2 == 0)
        return same.most_common(1)[0][0] if same else self.now.part


_KNOWN: WeakKeyDictionary = WeakKeyDictionary()  # palace → what its index says, decoded once for all questions


def load_history(palace, now: float, last_only: bool = False) -> History:
    """Read the palace's visits, objects and absences; ``last_only`` forgets all but the latest visit.

    A palace is read once; again only when it holds another visit or a visit has grown.
    """
    visits = tuple(palace.visits())
    known = _KNOWN.get(palace)
    if known is None or known[0] != visits:
        known = _KNOWN[palace] = (visits, {})
    if last_only not in known[1]:
        known[1][last_only] = _read_history(palace, visits, last_only)
    slots, subjects, frames = known[1][last_only]
    return History(slots, subjects, slot_of("now", now), frames)


def _read_history(palace, visits, last_only: bool) -> tuple[tuple[Slot, ...], tuple[Subject, ...], int]:
    visits = sorted((v for v in visits if v.end is not None), key=lambda v: v.start)
    visits = visits[-1:] if last_only else visits
    keep = {v.id for v in visits}
    fixed = {t.id: t.fixed for t in palace.tracks()}
    rows: dict[int, dict[str, ObjectState]] = {}
    for state in palace.objects():
        if state.visit in keep:
            rows.setdefault(state.track, {})[state.visit] = state
    missed: dict[int, list[Absence]] = {}
    for absence in palace.absences():
        if absence.visit in keep:
            missed.setdefault(absence.track, []).append(absence)
    groups = _grouped(rows, fixed)
    order = {v.id: i for i, v in enumerate(visits)}
    subjects = [_subject(i, group, rows, missed, bool(fixed.get(group[0])), order) for i, group in enumerate(groups)]
    return tuple(slot_of(v.id, v.start) for v in visits), tuple(subjects), sum(v.frames for v in visits)


def _grouped(rows: dict[int, dict[str, ObjectState]], fixed: dict[int, bool]) -> list[list[int]]:
    """The tracks that are one object to a person, most often seen first."""
    groups: list[list[int]] = []
    movable: dict[str, list[list[int]]] = {}  # label of a group's first track → such groups
    for track in sorted(rows, key=lambda t: (-sum(s.hits for s in rows[t].values()), t)):
        if fixed.get(track):
            groups.append([track])
            continue
        alike = movable.setdefault(_label(rows[track]), [])
        home = _joinable(track, alike, rows)
        if home is None:
            home = []
            groups.append(home)
            alike.append(home)
        home.append(track)
    return groups


def _joinable(track: int, alike: list[list[int]], rows: dict) -> list[int] | None:
    mine = rows[track]
    first = next(iter(mine.values()))
    for group in alike:
        other = next(iter(rows[group[0]].values()))
        near = np.linalg.norm(np.subtract(first.rgb, other.rgb)) < LIKE_RGB
        if (first.colour == other.colour or near) and not any(set(rows[t]) & set(mine) for t in group):
            return group
    return None


def _label(states: dict[str, ObjectState]) -> str:
    votes = _votes(states.values())
    return max(sorted(votes), key=votes.get)


def _votes(states) -> Counter:
    votes: Counter = Counter()
    for state in states:
        votes.update(state.labels or {state.label: max(1, state.hits)})
    return votes


def _subject(key: int, group: list[int], rows: dict, missed: dict, fixed: bool, order: dict) -> Subject:
    states = sorted((s for t in group for s in rows[t].values()), key=lambda s: order[s.visit])
    votes = _votes(states)
    colours: Counter = Counter()
    for state in states:
        colours.update(state.colours or {state.colour: 1.0})
    mass = sum(colours.values()) or 1.0
    gone: dict[str, list[Absence]] = {}
    for absence in (a for t in group for a in missed.get(t, ())):
        gone.setdefault(absence.visit, []).append(absence)
    return Subject(
        key, max(sorted(votes), key=votes.get), max(sorted(colours), key=colours.get, default=""), fixed, tuple(group),
        dict(votes), {c: p / mass for c, p in colours.items()}, tuple(np.mean([s.rgb for s in states], axis=0)),
        {s.visit: s for s in states}, gone,
    )


def candidates(history: History, ref: ObjectRef | None, least: float = 0.05) -> list[Subject]:
    """Subjects that may be meant by ``ref`` (None: every movable thing), most often seen first."""
    if ref is None:
        return [s for s in history.subjects if not s.fixed and s.label in ontology.THINGS]
    found = [s for s in history.subjects if s.is_called(ref.label) >= least]
    return sorted(found, key=lambda s: (-s.hits, s.key))


def evidence_frames(subject: Subject, visit: str, count: int = 1) -> tuple[FrameRef, ...]:
    """The best stored frames that show the subject in a visit."""
    state = subject.seen.get(visit)
    return state.frames[:count] if state else ()
