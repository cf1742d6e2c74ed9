"""What reopening checks: files that are missing or torn, visits without an end."""

from __future__ import annotations

import json
import sqlite3

from embodied_mem.memory.images import ImageStore


def verify(db: sqlite3.Connection, images: ImageStore, mend: bool) -> list[str]:
    """Look for damage; with ``mend`` drop what is damaged. Returns one sentence for each finding.

    Raises sqlite3.DatabaseError where the database itself is broken.
    """
    problem = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise sqlite3.DatabaseError(problem)
    unfinished = [row[0] for row in db.execute('SELECT id FROM visits WHERE "end" IS NULL')]
    torn = [
        (visit, index)
        for visit, index, color, color_bytes, depth, depth_bytes in db.execute(
            "SELECT visit, idx, color, color_bytes, depth, depth_bytes FROM frames"
        )
        if visit not in unfinished and not (images.intact(color, color_bytes) and images.intact(depth, depth_bytes))
    ]
    done = "dropped" if mend else "left as it is, the palace is read-only"
    report = [f"visit {visit} was never finished: {done}; record it again" for visit in unfinished]
    report += [f"frame {visit}/{index:06d} has a missing or torn image: {done}" for visit, index in torn]
    if mend and report:
        db.execute("BEGIN IMMEDIATE")
        for visit in unfinished:
            drop_visit(db, visit)
        _drop_frames(db, torn)
        db.execute("COMMIT")
    return report


def drop_visit(db: sqlite3.Connection, visit: str) -> None:
    """Remove every row of a visit (image files stay: others may share them)."""
    db.execute("DELETE FROM sightings_near WHERE id IN (SELECT id FROM sightings WHERE visit = ?)", (visit,))
    for table in ("sightings", "held", "frames", "objects", "absences", "changes", "handlings", "embeddings"):
        db.execute(f"DELETE FROM {table} WHERE visit = ?", (visit,))
    db.execute("DELETE FROM visits WHERE id = ?", (visit,))


def _drop_frames(db: sqlite3.Connection, torn: list[tuple[str, int]]) -> None:
    for key in torn:
        db.execute("DELETE FROM sightings_near WHERE id IN (SELECT id FROM sightings WHERE visit = ? AND idx = ?)", key)
        for table in ("sightings", "held", "frames", "embeddings"):
            db.execute(f"DELETE FROM {table} WHERE visit = ? AND idx = ?", key)
    gone = {f"{visit}/{index:06d}" for visit, index in torn}
    # A handling keeps the names of its four frames: they say when, whether or not there is a picture.
    lists = (("objects", "frames"), ("places", "frames"), ("absences", "frames"), ("handlings", "held"))
    for table, column in lists if gone else ():
        for row, text in db.execute(f"SELECT id, {column} FROM {table}").fetchall():
            kept = [ref for ref in json.loads(text) if ref not in gone]
            if len(kept) != len(json.loads(text)):
                db.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (json.dumps(kept), row))
