"""The mind palace: everything a robot has seen in one site, in one folder that outlives the program.

``palace.sqlite`` is the truth; ``images/`` holds content-addressed files. Rows are written inside one transaction that
:meth:`MindPalace.commit` closes after the images are on the disk: what it has acknowledged survives a kill and a power
cut, and what it has not leaves no trace but image files without a row, which the next recording reuses or overwrites.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embodied_mem.errors import InputError, PalaceError
from embodied_mem.memory import recall, repair, rows, schema
from embodied_mem.memory.images import encode_color, encode_depth
from embodied_mem.memory.read import PalaceReader
from embodied_mem.memory.records import (
    Absence,
    Change,
    Handling,
    ObjectState,
    PlaceNode,
    RoomNode,
    Track,
)
from embodied_mem.memory.validate import check_frame
from embodied_mem.types import Frame, FrameRef

if TYPE_CHECKING:

    from embodied_mem.perception.lifting import Lifted
    from embodied_mem.perception.mapping import SiteMap


class MindPalace(PalaceReader):
    """One site's memory. Make it with :meth:`create` or :meth:`open`; one writer, any number of readers.

    ``report``: what :meth:`open` found damaged or unfinished and what became of it, one sentence each.
    """

    def __init__(self, folder: Path, db: sqlite3.Connection, read_only: bool):
        super().__init__(folder, db)
        self.read_only = read_only
        self.report: list[str] = []
        self._visit: str | None = None
        self._last_index = -1
        self._last_time = -math.inf

    # Life of the folder

    @classmethod
    def create(cls, folder: str | Path, site: str = "", detector: str = "") -> MindPalace:
        """Start an empty palace in ``folder`` (made where missing). PalaceError where one stands already."""
        folder = Path(folder)
        palace = cls(folder, schema.create(folder, site, detector), read_only=False)
        palace.images.folder.mkdir(exist_ok=True)
        return palace

    @classmethod
    def open(cls, folder: str | Path, read_only: bool = False) -> MindPalace:
        """Open and verify a palace. PalaceError where it is missing, empty, damaged or of another version.

        A writer drops frames whose images are missing or torn and visits without an end, and says so in ``report``;
        a reader reports them alone (:meth:`load_frame` raises for them).
        """
        folder = Path(folder)
        palace = cls(folder, schema.connect(folder, read_only), read_only)
        try:
            palace.report = repair.verify(palace._db, palace.images, mend=not read_only)
        except sqlite3.DatabaseError as error:
            palace.close()
            raise PalaceError(f"{folder / schema.FILE} is damaged ({error}); restore it or record again") from error
        return palace

    def close(self) -> None:
        """Forget what was not committed and let go of the files."""
        if self._db.in_transaction:
            self._db.rollback()
        self._db.close()

    def __enter__(self) -> MindPalace:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # Writing

    def begin_visit(self, visit: str, start: float) -> None:
        """Open a visit; drops an unfinished one of the same name. InputError where it is complete already."""
        if visit == "now" or not visit or "/" in visit:
            raise InputError(f"visit id {visit!r} cannot be recorded; use a name such as 'v003' ('now' is the present)")
        if not math.isfinite(start):
            raise InputError(f"visit {visit}: start {start} is not finite; give UTC seconds")
        known = self._db.execute('SELECT "end" FROM visits WHERE id = ?', (visit,)).fetchone()
        if known and known[0] is not None:
            raise InputError(f"visit {visit!r} is recorded already; choose the next name")
        latest = self._db.execute('SELECT max("end") FROM visits').fetchone()[0]
        if latest is not None and start < latest:
            raise InputError(f"visit {visit}: start {start} runs back behind {latest}, the end of the latest visit")
        self._write()
        repair.drop_visit(self._db, visit)
        self._db.execute("INSERT INTO visits VALUES (?, ?, NULL)", (visit, start))
        self._visit, self._last_index, self._last_time = visit, -1, start

    def add_frame(self, frame: Frame) -> None:
        """Store one frame of the open visit. InputError refuses a bad one and loses nothing; PalaceError: disk full."""
        check_frame(frame, self._visit, self._last_index, self._last_time)
        color, depth = encode_color(frame.color), encode_depth(frame.depth)
        try:
            names = self.images.put(color, ".jpg"), self.images.put(depth, ".png")
        except OSError as error:
            raise PalaceError(f"frame {frame.ref} cannot be written to {self.folder} ({error.strerror}); "
                              "free space and record the visit again: committed visits are safe") from error
        self._write()
        height, width = frame.depth.shape
        self._db.execute(
            "INSERT INTO frames VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (frame.ref.visit, frame.ref.index, frame.time, rows.pose_bytes(frame.base_to_map),
             rows.pose_bytes(frame.camera_to_map), rows.camera_json(frame.camera), height, width,
             names[0], len(color), names[1], len(depth), frame.gripper_full, frame.last_action,
             frame.map_frame, frame.map_revision, frame.mode),
        )  # fmt: skip
        self._last_index, self._last_time = frame.ref.index, frame.time

    def add_sightings(self, ref: FrameRef, lifted: Sequence[Lifted]) -> list[int]:
        """Store what was seen in a stored frame; returns the sightings' ids. InputError for an unknown frame or NaN."""
        values = self._sighting_rows(ref, lifted)
        self._write()
        origin = self._time_origin()
        marks = ", ".join("?" * 24)
        ids = []
        for row in values:
            new = self._db.execute(f"INSERT INTO sightings VALUES (NULL, {marks})", (*row, None)).lastrowid
            x, y, t = row[5], row[6], row[2] - origin
            self._db.execute("INSERT INTO sightings_near VALUES (?, ?, ?, ?, ?, ?, ?)", (new, x, x, y, y, t, t))
            ids.append(new)
        return ids

    def add_held(self, ref: FrameRef, lifted: Lifted) -> None:
        """Store what was seen in the robot's hand in a stored frame; errors as of :meth:`add_sightings`."""
        values = self._sighting_rows(ref, [lifted])
        self._write()
        self._db.execute(f"INSERT INTO held VALUES (NULL, {', '.join('?' * 23)})", values[0])

    def _sighting_rows(self, ref: FrameRef, lifted: Sequence[Lifted]) -> list[tuple]:
        known = self._db.execute(
            "SELECT time FROM frames WHERE visit = ? AND idx = ?", (ref.visit, ref.index)
        ).fetchone()
        if known is None:
            raise InputError(f"frame {ref} is not in the palace; add_frame comes before add_sightings")
        values = [rows.sighting_row(ref, known[0], one) for one in lifted]
        for row in values:
            if not all(math.isfinite(v) for v in row[5:14]):
                raise InputError(f"sighting of {row[3]!r} in {ref} has a box that is not finite, {row[5:14]}; drop it")
        return values

    def assign_tracks(self, tracks: dict[int, int | None]) -> None:
        """Say which track each sighting belongs to: sighting id → track id."""
        self._write()
        self._db.executemany("UPDATE sightings SET track = ? WHERE id = ?", [(t, s) for s, t in tracks.items()])

    def put_map(self, site_map: SiteMap) -> None:
        """Keep the site map (the latest replaces the one before)."""
        self._write()
        self._db.execute("INSERT OR REPLACE INTO maps VALUES (1, ?)", (site_map.to_bytes(),))

    def put_structure(
        self,
        visit: str,
        *,
        rooms: Iterable[RoomNode] | None = None,
        places: Iterable[PlaceNode] | None = None,
        objects: Iterable[ObjectState] = (),
        tracks: Iterable[Track] = (),
        absences: Iterable[Absence] = (),
        changes: Iterable[Change] = (),
        handlings: Iterable[Handling] = (),
    ) -> None:
        """Store what a visit's sightings were understood as.

        Rooms and places, where given, replace the former ones; tracks replace those of the same id, objects those of
        the same track and visit (any visit: better rooms may rename old ones); absences, changes and handlings
        those of ``visit``.
        """
        self._write()
        for table, records in (("rooms", rooms), ("places", places)):
            if records is not None:
                self._db.execute(f"DELETE FROM {table}")
                self._insert(table, records)
        self._insert("tracks", tracks)
        self._insert("objects", objects)
        self._db.execute("DELETE FROM absences WHERE visit = ?", (visit,))
        self._insert("absences", absences)
        self._db.execute("DELETE FROM changes WHERE visit = ?", (visit,))
        self._insert("changes", changes, visit=visit)
        self._db.execute("DELETE FROM handlings WHERE visit = ?", (visit,))
        self._insert("handlings", handlings)
        recall.index_words(self._db)

    def put_embeddings(self, embeddings: dict[FrameRef, np.ndarray]) -> None:
        """Keep one vector per frame (any length D, the same for all), stored as float16 and searched exactly."""
        self._write()
        self._db.executemany(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
            [(r.visit, r.index, np.asarray(v, dtype="<f2").tobytes()) for r, v in embeddings.items()],
        )

    def end_visit(self, visit: str, end: float) -> None:
        """Close the open visit. InputError where another one is open or ``end`` lies before its last frame."""
        if visit != self._visit:
            raise InputError(f"visit {visit!r} is not open ({self._visit!r} is); begin it first")
        if not end >= self._last_time:
            raise InputError(f"visit {visit}: end {end} lies before its last frame, {self._last_time}")
        self._write()
        self._db.execute('UPDATE visits SET "end" = ? WHERE id = ?', (end, visit))
        self._visit = None

    def commit(self) -> None:
        """Put everything so far on the disk; when this returns it survives a kill and a power cut."""
        try:
            self.images.sync()
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        except (OSError, sqlite3.OperationalError) as error:
            raise PalaceError(f"{self.folder} cannot be written ({error}); free space and call commit again") from error

    def rollback(self) -> None:
        """Forget everything since the last commit."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._visit = None
        self._cache.clear()

    def _write(self) -> None:
        if self.read_only:
            raise PalaceError(f"{self.folder} was opened read-only; open it with read_only=False to write")
        self._cache.clear()
        if not self._db.in_transaction:
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise PalaceError(f"{self.folder} has another writer ({error}); let it finish first") from error

    def _insert(self, table: str, records: Iterable[Any], **extra: Any) -> None:
        names = (*rows.columns_of(table), *extra)
        sql = f"INSERT OR REPLACE INTO {table} ({rows.quoted(names)}) VALUES ({', '.join('?' * len(names))})"
        self._db.executemany(sql, [(*rows.to_row(table, record), *extra.values()) for record in records])
