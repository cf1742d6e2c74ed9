"""Recall: everything the palace knows that fits words, space, time and kind, in one call."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.memory import rows
from embodied_mem.memory.records import ObjectState, Sighting

if TYPE_CHECKING:
    from embodied_mem.memory.palace import MindPalace


@dataclass(frozen=True)
class Hit:
    """One thing recalled: what a visit said about an object, and how well it fits (higher is better)."""

    item: ObjectState
    score: float


def recall(
    palace: MindPalace,
    words: str | None = None,
    *,
    embedding: np.ndarray | None = None,
    label: str | None = None,
    attributes: Mapping[str, str] | None = None,
    room: str | None = None,
    place: int | None = None,
    near: tuple[float, float, float] | None = None,
    between: tuple[float, float] | None = None,
    visits: Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Hit]:
    """Object states that pass every filter given, best first (ties: latest visit first, then surest).

    words      text matched against label, colours, room and surface (any word counts, rare ones more)
    embedding  vector D compared by cosine with the embeddings of the object's frames (see ``put_embeddings``)
    label      any label that got a vote; attributes: ``colour`` is filtered here, others are not in the index
    room, near the room's label; x, y, radius in metres; place: id of a PlaceNode whose frames show it
    between    UTC seconds of the visit, both included; visits: visit ids

    InputError where ``embedding`` has another length than the stored ones.
    """
    found = palace.objects(room=room)
    spans = {v.id: (v.start, v.start if v.end is None else v.end) for v in palace.visits()}
    if visits is not None:
        found = [o for o in found if o.visit in set(visits)]
    if between is not None:
        found = [o for o in found if spans[o.visit][1] >= between[0] and spans[o.visit][0] <= between[1]]
    if label is not None:
        found = [o for o in found if o.label == label or label in o.labels]
    if attributes and "colour" in attributes:
        found = [o for o in found if attributes["colour"] == o.colour or attributes["colour"] in o.colours]
    if near is not None:
        found = [o for o in found if math.dist(o.xyz[:2], near[:2]) <= near[2]]
    if place is not None:
        seen = {ref for p in palace.places() if p.id == place for ref in p.frames}
        found = [o for o in found if seen.intersection(o.frames)]
    scores = _scores(palace, found, words, embedding)
    hits = [Hit(o, scores[i]) for i, o in enumerate(found) if scores[i] is not None]
    hits.sort(key=lambda hit: (-hit.score, -spans[hit.item.visit][0], -hit.item.confidence, hit.item.track))
    return hits[:limit]


def _scores(palace: MindPalace, found: list[ObjectState], words: str | None, embedding) -> list[float | None]:
    """Score of each object; None where it does not fit the words or embedding at all."""
    scores: list[float | None] = [0.0] * len(found)
    if words is not None:
        matched = _word_scores(palace._db, words)
        scores = [matched.get((o.track, o.visit)) for o in found]
    if embedding is not None:
        similar = frame_similarity(palace._db, embedding)
        for i, o in enumerate(found):
            best = max((similar[str(r)] for r in o.frames if str(r) in similar), default=None)
            scores[i] = None if scores[i] is None or best is None else scores[i] + best
    return scores


def index_words(db: sqlite3.Connection) -> None:
    """Rebuild the full-text index over the object states (a few thousand short rows)."""
    db.execute("DELETE FROM words")
    db.execute(
        "INSERT INTO words (rowid, text) SELECT id, label || ' ' || labels || ' ' || colour || ' ' || colours || ' ' "
        "|| room || ' ' || surface FROM objects"
    )


def _word_scores(db: sqlite3.Connection, words: str) -> dict[tuple[int, str], float]:
    terms = re.findall(r"\w+", words)
    if not terms:
        return {}
    # Quoted, so that no word of the user's is read as FTS5 syntax.
    query = " OR ".join(f'"{term}"' for term in terms)
    sql = "SELECT track, visit, -bm25(words) FROM words JOIN objects ON objects.id = words.rowid WHERE words MATCH ?"
    return {(track, visit): score for track, visit, score in db.execute(sql, (query,))}


def frame_similarity(db: sqlite3.Connection, embedding: np.ndarray) -> dict[str, float]:
    """Cosine of ``embedding`` (D) with each stored frame embedding, by ``str(ref)``; exact search."""
    stored = db.execute("SELECT visit, idx, vector FROM embeddings").fetchall()
    if not stored:
        return {}
    matrix = np.stack([np.frombuffer(row[2], dtype="<f2") for row in stored]).astype(np.float32)
    wanted = np.asarray(embedding, dtype=np.float32).ravel()
    if len(wanted) != matrix.shape[1]:
        raise InputError(f"embedding has {len(wanted)} numbers, the palace's {matrix.shape[1]}; use the same encoder")
    norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(wanted)
    cosine = matrix @ wanted / np.maximum(norms, 1e-12)
    return {f"{visit}/{idx:06d}": float(c) for (visit, idx, _), c in zip(stored, cosine, strict=True)}


def sightings(
    db: sqlite3.Connection,
    origin: float,
    visit: str | None,
    track: int | None,
    label: str | None,
    ref,
    near: tuple[float, float, float] | None,
    between: tuple[float, float] | None,
) -> list[Sighting]:
    """See ``MindPalace.sightings``. ``origin``: UTC seconds that the R*Tree's float32 times count from."""
    where: list[str] = []
    values: list = []
    given = {"visit": visit, "track": track, "label": label}
    if ref is not None:
        given |= {"visit": ref.visit, "idx": ref.index}
    for column, value in given.items():
        if value is not None:
            where.append(f"{column} = ?")
            values.append(value)
    if near is not None or between is not None:
        where.append(f"id IN ({_tree_query(near, between)})")
        values += _tree_values(origin, near, between)
    if between is not None:
        where.append("time BETWEEN ? AND ?")
        values += between
    sql = f"SELECT {rows.SIGHTING_COLUMNS} FROM sightings"
    found = db.execute(sql + (" WHERE " + " AND ".join(where) if where else "") + " ORDER BY time, id", values)
    records = [rows.sighting(row) for row in found]
    # The tree knows a square in float32; the circle is checked on the exact columns.
    return records if near is None else [s for s in records if math.dist(s.xyz[:2], near[:2]) <= near[2]]


def _tree_query(near, between) -> str:
    parts = []
    if near is not None:
        parts.append("x1 >= ? AND x0 <= ? AND y1 >= ? AND y0 <= ?")
    if between is not None:
        parts.append("t1 >= ? AND t0 <= ?")
    return "SELECT id FROM sightings_near WHERE " + " AND ".join(parts)


def _tree_values(origin: float, near, between) -> list[float]:
    """Bounds of the search box, a little wider than asked: float32 rounds (64 s cover 30 years of seconds)."""
    values: list[float] = []
    if near is not None:
        x, y, radius = near
        values += [x - radius - 0.01, x + radius + 0.01, y - radius - 0.01, y + radius + 0.01]
    if between is not None:
        values += [between[0] - origin - 64, between[1] - origin + 64]
    return values
