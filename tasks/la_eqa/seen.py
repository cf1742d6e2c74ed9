"""What the recording camera truly saw: visit → frame → {instance id: pixels}. For question makers and scorers only.

Stored as npz (no pickles): an int32 array N×3 of (frame index, instance id, pixels) per visit.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.types import FrameRef

COUNTED_PX = 60  # an object may be asked about from this many pixels on in some frame
EVIDENCE_PX = 30  # a frame is evidence for an object from this many pixels on
STRUCTURE = 1


def pixels_of(instances: np.ndarray) -> dict[int, int]:
    """{instance id: pixels} of one instance image (uint16 H W); walls and floor left out."""
    counts = np.bincount(instances.ravel())
    return {int(i): int(counts[i]) for i in np.flatnonzero(counts) if i > STRUCTURE}


class Seen:
    """The table of all recorded visits of a house."""

    def __init__(self, tables: dict[str, np.ndarray] | None = None):
        self._tables: dict[str, np.ndarray] = {}
        self._frames: dict[str, dict[int, list[tuple[int, int]]]] = {}
        for visit, table in (tables or {}).items():
            self.put(visit, table)

    def put(self, visit: str, table: np.ndarray) -> None:
        """Add a visit's N×3 table."""
        table = np.asarray(table, np.int32).reshape(-1, 3)
        self._tables[visit] = table
        by_id: dict[int, list[tuple[int, int]]] = {}
        for frame, thing, pixels in table.tolist():
            by_id.setdefault(thing, []).append((frame, pixels))
        self._frames[visit] = by_id

    @property
    def visits(self) -> list[str]:
        return sorted(self._tables)

    def best(self, visit: str, thing: int) -> int:
        """Most pixels that any frame of the visit has of the thing; 0 if it never showed."""
        return max((pixels for _, pixels in self._frames.get(visit, {}).get(thing, ())), default=0)

    def counted(self, visit: str, thing: int) -> bool:
        return self.best(visit, thing) >= COUNTED_PX

    def frames(self, visit: str, thing: int, least: int = EVIDENCE_PX) -> list[str]:
        """Names of the frames with at least ``least`` pixels of the thing, in order."""
        return [str(FrameRef(visit, f)) for f, px in self._frames.get(visit, {}).get(thing, ()) if px >= least]

    def table(self, visit: str) -> np.ndarray:
        """The N×3 table of a visit."""
        return self._tables[visit]

    def save(self, path: Path | str) -> None:
        path = Path(path)
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as out:
            np.savez_compressed(out, **self._tables)
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path | str) -> Seen:
        try:
            with np.load(path, allow_pickle=False) as raw:
                return cls({visit: raw[visit] for visit in raw.files})
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot read what the camera saw ({error}); record the house again") from error


def table_of(frames: list[dict[int, int]]) -> np.ndarray:
    """N×3 int32 of one visit from its frames' ``{id: pixels}``, in frame order."""
    rows = [(i, thing, px) for i, seen in enumerate(frames) for thing, px in sorted(seen.items())]
    return np.array(rows, np.int32).reshape(-1, 3)
