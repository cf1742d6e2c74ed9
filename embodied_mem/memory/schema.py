"""The palace's tables, and the door to the database: create, open, refuse with the reason."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from embodied_mem.errors import PalaceError

VERSION = 2
FILE = "palace.sqlite"

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE visits (id TEXT PRIMARY KEY, start REAL NOT NULL, "end" REAL);
CREATE TABLE frames (
    id INTEGER PRIMARY KEY, visit TEXT NOT NULL REFERENCES visits(id), idx INTEGER NOT NULL, time REAL NOT NULL,
    base_to_map BLOB NOT NULL, camera_to_map BLOB NOT NULL, camera TEXT NOT NULL, height INTEGER, width INTEGER,
    color TEXT NOT NULL, color_bytes INTEGER NOT NULL, depth TEXT NOT NULL, depth_bytes INTEGER NOT NULL,
    gripper_full INTEGER NOT NULL, last_action TEXT NOT NULL, map_frame TEXT NOT NULL, map_revision INTEGER NOT NULL,
    mode TEXT NOT NULL DEFAULT 'navigation', UNIQUE (visit, idx));
CREATE TABLE sightings (
    id INTEGER PRIMARY KEY, visit TEXT NOT NULL, idx INTEGER NOT NULL, time REAL NOT NULL,
    label TEXT NOT NULL, score REAL NOT NULL, x REAL, y REAL, z REAL,
    low_x REAL, low_y REAL, low_z REAL, high_x REAL, high_y REAL, high_z REAL,
    box_x0 INTEGER, box_y0 INTEGER, box_x1 INTEGER, box_y1 INTEGER,
    pixels INTEGER, range_m REAL, red REAL, green REAL, blue REAL, track INTEGER);
CREATE INDEX sightings_by_frame ON sightings (visit, idx);
CREATE INDEX sightings_by_label ON sightings (label);
CREATE INDEX sightings_by_track ON sightings (track);
CREATE VIRTUAL TABLE sightings_near USING rtree (id, x0, x1, y0, y1, t0, t1);
CREATE TABLE rooms (id INTEGER PRIMARY KEY, label TEXT, confidence REAL, centroid TEXT, rect TEXT);
CREATE TABLE places (id INTEGER PRIMARY KEY, room INTEGER, x REAL, y REAL, frames TEXT);
CREATE TABLE tracks (id INTEGER PRIMARY KEY, label TEXT, colour TEXT, fixed INTEGER, first_seen REAL, last_seen REAL,
    visits TEXT);
CREATE TABLE objects (
    id INTEGER PRIMARY KEY, track INTEGER NOT NULL, visit TEXT NOT NULL, label TEXT, labels TEXT, colour TEXT, rgb TEXT,
    xyz TEXT, low TEXT, high TEXT, room TEXT, surface TEXT, furniture INTEGER, looks INTEGER, hits INTEGER,
    frames TEXT, confidence REAL, surfaces TEXT, colours TEXT, UNIQUE (track, visit));
CREATE TABLE absences (id INTEGER PRIMARY KEY, track INTEGER, visit TEXT, xyz TEXT, looks INTEGER, frames TEXT,
    views INTEGER, overlooked REAL);
CREATE TABLE changes (id INTEGER PRIMARY KEY, visit TEXT, track INTEGER, label TEXT, kind TEXT, after REAL, before REAL,
    recorded REAL, from_room TEXT, from_surface TEXT, to_room TEXT, to_surface TEXT);
CREATE TABLE maps (id INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE embeddings (visit TEXT, idx INTEGER, vector BLOB NOT NULL, PRIMARY KEY (visit, idx));
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'porter unicode61');
"""
# What came with version 2: what the robot held (seen in its hand, so in no place of the room) and what it handled.
_HANDLING = """
CREATE TABLE held (
    id INTEGER PRIMARY KEY, visit TEXT NOT NULL, idx INTEGER NOT NULL, time REAL NOT NULL,
    label TEXT NOT NULL, score REAL NOT NULL, x REAL, y REAL, z REAL,
    low_x REAL, low_y REAL, low_z REAL, high_x REAL, high_y REAL, high_z REAL,
    box_x0 INTEGER, box_y0 INTEGER, box_x1 INTEGER, box_y1 INTEGER,
    pixels INTEGER, range_m REAL, red REAL, green REAL, blue REAL);
CREATE INDEX held_by_frame ON held (visit, idx);
CREATE TABLE handlings (
    id INTEGER PRIMARY KEY, visit TEXT NOT NULL, "index" INTEGER NOT NULL, label TEXT, labels TEXT, colours TEXT,
    times TEXT, frames TEXT, held TEXT, start TEXT, goal TEXT, track INTEGER, UNIQUE (visit, "index"));
"""
# By version: what makes it the next one.
_UPGRADES = {1: "ALTER TABLE frames ADD COLUMN mode TEXT NOT NULL DEFAULT 'navigation';" + _HANDLING}


def create(folder: Path, site: str, detector: str) -> sqlite3.Connection:
    """Make ``folder`` a palace. Raises PalaceError where one stands already."""
    if (folder / FILE).exists():
        raise PalaceError(f"{folder} holds a palace already; open it with MindPalace.open, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    # Filled under another name and renamed: a killed creation leaves no half palace behind.
    half = folder / (FILE + ".new")
    half.unlink(missing_ok=True)
    db = sqlite3.connect(half, isolation_level=None)
    db.executescript(_TABLES + _HANDLING)
    about = {"site": site, "detector": detector, "created": repr(time.time())}
    db.executemany("INSERT INTO meta VALUES (?, ?)", about.items())
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.close()
    half.replace(folder / FILE)
    return connect(folder, read_only=False)


def connect(folder: Path, read_only: bool) -> sqlite3.Connection:
    """Open the database of a palace folder; PalaceError says what is wrong with it and what to do.

    A palace of an earlier version is brought up to date, also where it is opened for reading.
    """
    path = folder / FILE
    if not path.is_file():
        raise PalaceError(f"{folder} holds no {FILE}; record a palace there first or give another folder")
    if path.stat().st_size == 0:
        raise PalaceError(f"{path} is empty (0 bytes); delete the folder and record the palace again")
    db = None
    try:
        db = _connect(path, read_only)
        if db.execute("PRAGMA user_version").fetchone()[0] in _UPGRADES:
            db.close()
            _upgrade(path)
            db = _connect(path, read_only)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("SELECT count(*) FROM meta").fetchone()
        if not read_only:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError as error:
        if db is not None:
            db.close()
        raise PalaceError(
            f"{path} is not a readable palace ({error}); restore it from a copy or record again"
        ) from error
    if version != VERSION:
        db.close()
        raise PalaceError(f"{path} has schema version {version}, this library reads {VERSION}; "
                          "record again or use the library version that wrote it")
    return db


def _upgrade(path: Path) -> None:
    """Bring the database to VERSION in one transaction: it is of either version whatever happens."""
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        db.execute("BEGIN IMMEDIATE")
        while (version := db.execute("PRAGMA user_version").fetchone()[0]) in _UPGRADES:
            for statement in _UPGRADES[version].split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {version + 1}")
        db.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise PalaceError(f"{path} is of an earlier schema version and cannot be brought to version {VERSION} "
                          f"({error}); make its folder writable, or open a copy of it") from error
    finally:
        db.close()


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    if not read_only:
        return sqlite3.connect(path, isolation_level=None, timeout=10)
    uri = path.resolve().as_uri()
    try:
        db = sqlite3.connect(uri + "?mode=ro", uri=True, isolation_level=None, timeout=10)
        db.execute("SELECT count(*) FROM sqlite_master")
        return db
    except sqlite3.OperationalError:
        # A folder without write permission cannot hold the WAL's index; nobody can be writing to it either.
        return sqlite3.connect(uri + "?immutable=1", uri=True, isolation_level=None)
