"""Between records and table rows. JSON for lists and dicts, so that any SQLite tool can read a palace."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np

from embodied_mem.memory.records import (
    Absence,
    Change,
    FrameNode,
    Handling,
    ObjectState,
    PlaceNode,
    RoomNode,
    Sighting,
    Spot,
    Track,
)
from embodied_mem.types import Camera, FrameRef

# Fields that stand in their table as JSON.
_JSON = {"centroid", "rect", "frames", "labels", "rgb", "xyz", "low", "high", "surfaces", "colours", "visits",
         "times"}  # fmt: skip
_TUPLES = {"centroid", "rect", "rgb", "xyz", "low", "high", "visits", "times"}
_REFS = {"frames", "held"}
_SPOTS = {"start", "goal"}

TABLES: dict[str, type] = {
    "rooms": RoomNode, "places": PlaceNode, "tracks": Track, "objects": ObjectState, "absences": Absence,
    "changes": Change, "handlings": Handling,
}  # fmt: skip
HELD_COLUMNS = (
    "id, visit, idx, time, label, score, x, y, z, low_x, low_y, low_z, high_x, high_y, high_z, "
    "box_x0, box_y0, box_x1, box_y1, pixels, range_m, red, green, blue"
)
SIGHTING_COLUMNS = HELD_COLUMNS + ", track"


def columns_of(table: str) -> tuple[str, ...]:
    """The columns of a table that make up its record, in the record's order."""
    return tuple(TABLES[table].__dataclass_fields__)


def quoted(names: Iterable[str]) -> str:
    """Column names for SQL, some of which are its own words."""
    return ", ".join(f'"{name}"' for name in names)


def to_row(table: str, record: Any) -> tuple:
    """The values of a record in the order of :func:`columns_of`."""
    return tuple(_encode(name, getattr(record, name)) for name in columns_of(table))


def from_row(table: str, row: tuple) -> Any:
    """The record of a row in the order of :func:`columns_of`."""
    names = columns_of(table)
    return TABLES[table](**{name: _decode(name, value) for name, value in zip(names, row, strict=True)})


def _encode(name: str, value: Any) -> Any:
    if name in _REFS:
        return json.dumps([str(ref) for ref in value])
    if name in _SPOTS:
        return json.dumps(asdict(value), default=float)
    if isinstance(value, np.generic):
        value = value.item()
    return json.dumps(value, default=float) if name in _JSON else value


def _decode(name: str, value: Any) -> Any:
    if name in _REFS:
        return tuple(FrameRef.parse(text) for text in json.loads(value))
    if name in _SPOTS:
        spot = json.loads(value)
        return Spot(**{**spot, "xyz": tuple(spot["xyz"])})
    if name == "fixed":
        return bool(value)
    if name not in _JSON:
        return value
    value = json.loads(value)
    return tuple(value) if name in _TUPLES else value


def sighting_row(ref: FrameRef, time: float, lifted: Any) -> tuple:
    """One ``Lifted`` as the values of ``HELD_COLUMNS`` without id."""
    numbers = [float(v) for v in (*lifted.xyz, *lifted.low, *lifted.high)]
    box = [int(v) for v in lifted.box]
    rgb = [float(v) for v in lifted.rgb]
    return (ref.visit, ref.index, time, lifted.label, float(lifted.score), *numbers, *box,
            int(lifted.pixels), float(lifted.range_m), *rgb)  # fmt: skip


def sighting(row: tuple) -> Sighting:
    """The record of a row of ``SIGHTING_COLUMNS`` or ``HELD_COLUMNS``."""
    return Sighting(
        id=row[0], ref=FrameRef(row[1], row[2]), time=row[3], label=row[4], score=row[5], xyz=tuple(row[6:9]),
        low=tuple(row[9:12]), high=tuple(row[12:15]), box=tuple(row[15:19]), pixels=row[19], range_m=row[20],
        rgb=tuple(row[21:24]), track=row[24] if len(row) > 24 else None,
    )  # fmt: skip


def pose_bytes(pose: np.ndarray) -> bytes:
    """A 4×4 float64 pose as 128 little-endian bytes, exact."""
    return np.ascontiguousarray(pose, dtype="<f8").tobytes()


def pose_from(data: bytes) -> np.ndarray:
    """Inverse of :func:`pose_bytes`."""
    return np.frombuffer(data, dtype="<f8").reshape(4, 4).astype(np.float64)


def camera_json(camera: Camera) -> str:
    return json.dumps(asdict(camera))


@lru_cache(maxsize=64)
def camera_from(text: str) -> Camera:
    return Camera(**json.loads(text))


def frame_node(row: tuple) -> FrameNode:
    """A row of visit, idx, time, base_to_map, camera_to_map, camera, mode, gripper_full, last_action."""
    base, camera_pose, camera = pose_from(row[3]), pose_from(row[4]), camera_from(row[5])
    return FrameNode(FrameRef(row[0], row[1]), row[2], base, camera_pose, camera, row[6], bool(row[7]), row[8])
