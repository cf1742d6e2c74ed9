"""Reading a palace: every query that :class:`~embodied_mem.memory.palace.MindPalace` answers.

Records are decoded once and kept until somebody writes, this process or another: an agent asks for them often.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embodied_mem.errors import InputError, PalaceError
from embodied_mem.memory import graph, recall, rows
from embodied_mem.memory.images import ImageStore, decode_color, decode_depth
from embodied_mem.memory.records import (
    Absence,
    Change,
    FrameNode,
    Handling,
    ObjectState,
    PlaceNode,
    RoomNode,
    Sighting,
    Track,
    Visit,
)
from embodied_mem.types import Frame, FrameRef

if TYPE_CHECKING:
    import networkx

    from embodied_mem.perception.mapping import SiteMap


class PalaceReader:
    """The reading half of a palace."""

    def __init__(self, folder: Path, db: sqlite3.Connection):
        self.folder = folder
        self.images = ImageStore(folder / "images")
        self._db = db
        self._cache: dict[str, list] = {}
        self._seen_version = -1

    @property
    def meta(self) -> dict[str, str]:
        """Site name, detector name, time of creation."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def visits(self) -> list[Visit]:
        """All visits, oldest first."""
        return list(self._all("visits"))

    def frames(self, visit: str | None = None) -> list[FrameNode]:
        """The frames of a visit (all visits: None) in order: ref, time, poses, camera, mode, gripper; no images."""
        return [f for f in self._all("frames") if visit is None or f.ref.visit == visit]

    def load_frame(self, ref: FrameRef) -> Frame:
        """One stored frame with its images. InputError: no such frame. PalaceError: its image is damaged."""
        row = self._db.execute(
            "SELECT time, base_to_map, camera_to_map, camera, height, width, color, depth, gripper_full, last_action, "
            "map_frame, map_revision, mode FROM frames WHERE visit = ? AND idx = ?", (ref.visit, ref.index),
        ).fetchone()  # fmt: skip
        if row is None:
            raise InputError(f"frame {ref} is not in the palace {self.folder}")
        return Frame(
            ref=ref, time=row[0], color=decode_color(self.images.read(row[6])),
            depth=decode_depth(self.images.read(row[7]), row[4], row[5]),
            base_to_map=rows.pose_from(row[1]), camera_to_map=rows.pose_from(row[2]), camera=rows.camera_from(row[3]),
            gripper_full=bool(row[8]), last_action=row[9], map_frame=row[10], map_revision=row[11], mode=row[12],
        )  # fmt: skip

    def load_map(self) -> SiteMap:
        """The latest site map. PalaceError where none was stored."""
        from embodied_mem.perception.mapping import SiteMap

        stored = self._db.execute("SELECT value FROM maps").fetchone()
        if stored is None:
            raise PalaceError(f"{self.folder} has no site map; record a visit first")
        return SiteMap.from_bytes(stored[0])

    def load_depth(self, ref: FrameRef) -> np.ndarray:
        """The depth image of one stored frame, float32 H W metres; errors as of :meth:`load_frame`."""
        sql = "SELECT depth, height, width FROM frames WHERE visit = ? AND idx = ?"
        row = self._db.execute(sql, (ref.visit, ref.index)).fetchone()
        if row is None:
            raise InputError(f"frame {ref} is not in the palace {self.folder}")
        return decode_depth(self.images.read(row[0]), row[1], row[2])

    def rooms(self) -> list[RoomNode]:
        return list(self._all("rooms"))

    def places(self) -> list[PlaceNode]:
        return list(self._all("places"))

    def tracks(self, label: str | None = None, fixed: bool | None = None) -> list[Track]:
        """Tracks, narrowed by label and by whether they are furniture (``fixed``)."""
        return [t for t in self._all("tracks")
                if (label is None or t.label == label) and (fixed is None or t.fixed == fixed)]  # fmt: skip

    def objects(
        self,
        visit: str | None = None,
        track: int | None = None,
        label: str | None = None,
        room: str | None = None,
        surface: str | None = None,
    ) -> list[ObjectState]:
        """Object states, oldest visit first, narrowed by every argument that is not None."""
        return [o for o in self._all("objects")
                if (visit is None or o.visit == visit) and (track is None or o.track == track)
                and (label is None or o.label == label) and (room is None or o.room == room)
                and (surface is None or o.surface == surface)]  # fmt: skip

    def absences(self, track: int | None = None, visit: str | None = None) -> list[Absence]:
        """Where things were looked for in vain, narrowed by track and visit."""
        return [a for a in self._all("absences")
                if (track is None or a.track == track) and (visit is None or a.visit == visit)]  # fmt: skip

    def changes(
        self,
        track: int | None = None,
        label: str | None = None,
        kind: str | None = None,
        between: tuple[float, float] | None = None,
        room: str | None = None,
        known_at: float | None = None,
    ) -> list[Change]:
        """Change events in order of time. ``between``: valid-time intervals that meet it; ``room``: to or from it;
        ``known_at``: only those recorded by then."""
        return [c for c in self._all("changes")
                if (track is None or c.track == track) and (label is None or c.label == label)
                and (kind is None or c.kind == kind) and (room is None or room in (c.from_room, c.to_room))
                and (between is None or (c.before > between[0] and c.after < between[1]))
                and (known_at is None or c.recorded <= known_at)]  # fmt: skip

    def sightings(
        self,
        visit: str | None = None,
        track: int | None = None,
        label: str | None = None,
        ref: FrameRef | None = None,
        near: tuple[float, float, float] | None = None,
        between: tuple[float, float] | None = None,
    ) -> list[Sighting]:
        """Single sightings in order of time. ``near``: x, y, radius in metres; ``between``: UTC seconds, inclusive."""
        return recall.sightings(self._db, self._time_origin(), visit, track, label, ref, near, between)

    def held(self, visit: str | None = None) -> list[Sighting]:
        """What was seen in the robot's own hand (all visits: None), in order of time. It stands nowhere: these
        sightings are in no track, on no map and not among :meth:`sightings`; ``xyz`` is where the hand was."""
        return [s for s in self._all("held") if visit is None or s.ref.visit == visit]

    def handlings(self, visit: str | None = None) -> list[Handling]:
        """What the robot took up and put down (all visits: None), in order of time."""
        return [h for h in self._all("handlings") if visit is None or h.visit == visit]

    def recall(self, words: str | None = None, **filters: Any) -> list[recall.Hit]:
        """Everything that fits all filters, best first; see :func:`embodied_mem.memory.recall.recall`."""
        return recall.recall(self, words, **filters)

    def graph(self, at: float | None = None, known_at: float | None = None) -> networkx.MultiDiGraph:
        """The scene graph at a time as known at a time; see :func:`embodied_mem.memory.graph.scene_graph`."""
        return graph.scene_graph(self, at, known_at)

    def _all(self, table: str) -> list:
        """Every record of a table, decoded once until somebody writes (this process or another)."""
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._seen_version:
            self._cache.clear()
            self._seen_version = version
        if table not in self._cache:
            self._cache[table] = _READERS.get(table, _read_table)(self._db, table)
        return self._cache[table]

    def _time_origin(self) -> float:
        """The R*Tree keeps float32: its times count from the first visit."""
        if "origin" not in self._cache:
            first = self._db.execute("SELECT min(start) FROM visits").fetchone()[0]
            self._cache["origin"] = [first if first is not None else 0.0]
        return self._cache["origin"][0]


def _read_table(db: sqlite3.Connection, table: str) -> list:
    names = rows.columns_of(table)
    order = {
        "objects": "(SELECT start FROM visits WHERE visits.id = objects.visit), track",
        "absences": "(SELECT start FROM visits WHERE visits.id = absences.visit), track, id",
        "changes": "before, track, id",
        "handlings": "(SELECT start FROM visits WHERE visits.id = handlings.visit), \"index\"",
    }.get(table, "id")
    sql = f"SELECT {rows.quoted(names)} FROM {table} ORDER BY {order}"
    return [rows.from_row(table, row) for row in db.execute(sql)]


def _read_visits(db: sqlite3.Connection, table: str) -> list[Visit]:
    sql = 'SELECT id, start, "end", (SELECT count(*) FROM frames WHERE visit = visits.id) FROM visits ORDER BY start'
    return [Visit(*row) for row in db.execute(sql)]


def _read_frames(db: sqlite3.Connection, table: str) -> list[FrameNode]:
    sql = ("SELECT visit, idx, frames.time, base_to_map, camera_to_map, camera, mode, gripper_full, last_action "
           "FROM frames JOIN visits ON visits.id = visit ORDER BY start, idx")  # fmt: skip
    return [rows.frame_node(row) for row in db.execute(sql)]


def _read_held(db: sqlite3.Connection, table: str) -> list[Sighting]:
    return [rows.sighting(row) for row in db.execute(f"SELECT {rows.HELD_COLUMNS} FROM held ORDER BY time, id")]


_READERS = {"visits": _read_visits, "frames": _read_frames, "held": _read_held}
