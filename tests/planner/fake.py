"""A tiny palace held in memory: enough of the real one's reading side for beliefs to work on."""

from __future__ import annotations

from datetime import datetime, timezone

from embodied_mem.memory.records import Absence, ObjectState, Track, Visit
from embodied_mem.types import FrameRef

HOUR, DAY = 3600.0, 86400.0
MONDAY = datetime(2027, 3, 1, tzinfo=timezone.utc).timestamp()
SPOTS = {
    ("desk", "study"): (1.0, 1.0, 0.8), ("coffee table", "living room"): (6.0, 1.0, 0.5),
    ("kitchen counter", "kitchen"): (6.0, 5.0, 0.95), ("nightstand", "bedroom"): (1.0, 5.0, 0.5),
}  # fmt: skip
RGB = {"red": (210.0, 25.0, 25.0), "blue": (30.0, 60.0, 210.0), "green": (30.0, 150.0, 40.0)}


def visit_time(day: int) -> float:
    """One patrol a day: 09:00 on even days, 19:00 on odd ones."""
    return MONDAY + day * DAY + (9 if day % 2 == 0 else 19) * HOUR


class FakePalace:
    """``put(label, colour, places)`` adds a track: one place (or None) a visit, as ``("desk", "study")``."""

    def __init__(self, days: int) -> None:
        self.days = days
        self._tracks, self._objects, self._absences = [], [], []

    def put(self, label: str, colour: str, places: list, hits: int = 6, fixed: bool = False) -> int:
        track = len(self._tracks) + 1
        last = None
        seen = []
        for day, place in enumerate(places):
            visit = f"v{day:03d}"
            if place is None:
                if last is not None:
                    self._absences.append(Absence(track, visit, SPOTS[last], 6, (FrameRef(visit, track),)))
                continue
            last = place
            seen.append(visit)
            x, y, z = SPOTS[place]
            frames = tuple(FrameRef(visit, 100 * track + k) for k in range(3))
            self._objects.append(
                ObjectState(
                    track, visit, label, {label: hits}, colour, RGB[colour], (x, y, z), (x - 0.05, y - 0.05, z - 0.05),
                    (x + 0.05, y + 0.05, z + 0.05), place[1], place[0], None, hits + 1, hits, frames, 0.95,
                    {place[0]: 1.0}, {colour: 1.0},
                )  # fmt: skip
            )
        self._tracks.append(Track(track, label, colour, fixed, 0.0, 0.0, tuple(seen)))
        return track

    def visits(self) -> list[Visit]:
        return [Visit(f"v{d:03d}", visit_time(d), visit_time(d) + 1000, 400) for d in range(self.days)]

    def tracks(self, label=None, fixed=None) -> list[Track]:
        return self._tracks

    def objects(self, **_) -> list[ObjectState]:
        return sorted(self._objects, key=lambda o: (o.visit, o.track))

    def absences(self, **_) -> list[Absence]:
        return self._absences

    def sightings(self, **_) -> list:
        return []
