"""Houses of the embedded generator as plain arrays, thousands of them: drawn in parallel once, kept in block files.

Only drawing a house needs scipy; who trains from the files needs numpy alone. A plan lies in its own frame: metres
from the outer corner of the house's walls, the longer side along x (deep houses are turned by a quarter to the
right), in cells of ``CELL``.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
import time
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.ontology import FURNITURE, THINGS
from embodied_mem.sim.furnish import footprint, front
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.house import House, Rect
from embodied_mem.sim.layout import WALL, standing_grid, walls
from embodied_mem.sim.routines_space import extent

CELL = 0.1
RADIUS = 0.18  # of the robot
CAMERA = 1.3  # metres over the floor
NOTHING, WALLS, DOOR_FRAME, FIRST_FURNITURE = 0, 1, 2, 3
FIRST_THING = FIRST_FURNITURE + len(FURNITURE)
#: What a ray can meet, by number.
KINDS = ("nothing", "wall", "door frame", *FURNITURE, *THINGS)
BLOCK = 250  # houses in a file
_VERSION = 1
_MAX_BYTES = 200_000_000
_ROUND = ("floor lamp", "coat stand")  # on a round foot, whatever their style
_FRAME = 0.1  # metres of wall beside an opening that count as its frame
_FURNITURE_KINDS = {label: FIRST_FURNITURE + i for i, label in enumerate(FURNITURE)}
_THING_KINDS = {label: FIRST_THING + i for i, label in enumerate(THINGS)}


@dataclass(frozen=True)
class Plan:
    """One house. Metres; X Y cells, S solids (walls, door frames, furniture), T things."""

    seed: int
    layout: int
    """Hash of rooms and doors, the same for mirrored and turned twins."""
    turned: bool
    solids: np.ndarray
    """float32 S 6: x0, y0, x1, y1, the height up to which it hides what is behind, 1 if it is round and else 0."""
    kinds: np.ndarray
    """uint8 S: see :data:`KINDS`."""
    piece: np.ndarray
    """uint8 X Y: 0 where nothing solid is, else 1 + number of the solid over the cell's centre."""
    passable: np.ndarray
    """bool X Y: where the robot's centre may be."""
    things: np.ndarray
    """float32 T 8: x0, y0, z0, x1, y1, z1; then where it is open to if it stands in a shelf (unit x, y), else 0, 0."""
    labels: np.ndarray
    """uint8 T: see :data:`KINDS`."""
    owners: np.ndarray
    """uint8 T: 1 + number of the solid it stands on, 0 for the floor."""
    rooms: np.ndarray
    """float32 T 4: the floor of the room it is in."""

    def from_world(self, house: House, x: float, y: float, yaw: float) -> tuple[float, float, float]:
        """A pose of the embedded simulator's world in this plan's frame."""
        a, b, _, _ = _move((x, y, x, y), _around(house), self.turned)
        return a, b, yaw - math.pi / 2 if self.turned else yaw


def make_plan(seed: int) -> Plan:
    """The plan of the embedded house of ``seed``."""
    return plan_of(generate_house(seed))


def plan_of(house: House) -> Plan:
    """The plan of a house as it is."""
    around = _around(house)
    turned = around[3] - around[1] > around[2] - around[0]
    low = [(b, WALLS, b[5], 0) for b in walls(house.rooms, house.doors, house.wall_height) if b[2] == 0]
    rects: list[Rect] = [(b[0], b[1], b[3], b[4]) for b, *_ in low]
    rows = [row[1:] for row in low]
    for door in house.doors:
        for rect in _frames(door.rect):
            rects.append(rect)
            rows.append((DOOR_FRAME, house.wall_height, 0))
    number = {}
    for f in house.furniture:
        number[f.id] = len(rects) + 1
        rects.append(footprint(f))
        hides = f.size[2] if f.size[2] >= CAMERA else max((s.z for s in f.surfaces), default=f.size[2])
        rows.append((_FURNITURE_KINDS[f.label], hides, f.asset.endswith("/round") or f.label in _ROUND))
    if len(rects) > 254:
        raise InputError(f"house {house.seed} has {len(rects)} walls and pieces of furniture, a plan holds 254")
    boxes = np.array([_move(r, around, turned) for r in rects])
    size = np.array(_move(around, around, turned)[2:])
    cells = tuple(int(n) for n in np.ceil(size / CELL - 1e-6))
    solids = np.column_stack([boxes, np.array([r[1:] for r in rows])]).astype(np.float32)
    grid = standing_grid((0.0, 0.0, cells[0] * CELL, cells[1] * CELL), boxes, RADIUS, CELL)
    return Plan(
        seed=house.seed, layout=layout_hash(house), turned=turned, solids=solids,
        kinds=np.array([r[0] for r in rows], np.uint8), piece=_raster(boxes, cells, solids[:, 5] > 0),
        passable=grid.passable & _indoors(house, around, turned, cells), **_things(house, number, around, turned),
    )  # fmt: skip


def layout_hash(house: House) -> int:
    """A number of 63 bits that rooms and doors alone decide, to the decimetre; mirrored and turned twins share it."""
    x0, y0, x1, y1 = _around(house)
    rects = np.array([(*r.rect, 0) for r in house.rooms] + [(*d.rect, 1) for d in house.doors])
    twins = []
    for flip_x in (False, True):
        for flip_y in (False, True):
            r = rects.copy()
            if flip_x:
                r[:, [0, 2]] = x0 + x1 - r[:, [2, 0]]
            if flip_y:
                r[:, [1, 3]] = y0 + y1 - r[:, [3, 1]]
            for turn in (False, True):
                t = r[:, [1, 0, 3, 2, 4]] - [y0, x0, y0, x0, 0] if turn else r - [x0, y0, x0, y0, 0]
                twins.append(sorted(np.round(t * [10, 10, 10, 10, 1]).astype(int).tolist()))
    digest = hashlib.sha256(repr(min(twins)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def _around(house: House) -> Rect:
    r = np.array([room.rect for room in house.rooms])
    return (*(r[:, :2].min(0) - WALL).tolist(), *(r[:, 2:].max(0) + WALL).tolist())


def _move(rect: Rect, around: Rect, turned: bool) -> Rect:
    """A rectangle of the world in the plan's frame."""
    x0, y0, x1, y1 = (rect[0] - around[0], rect[1] - around[1], rect[2] - around[0], rect[3] - around[1])
    wide = around[2] - around[0]
    return (y0, wide - x1, y1, wide - x0) if turned else (x0, y0, x1, y1)


def _frames(rect: Rect) -> list[Rect]:
    """The wall's ends on both sides of an opening."""
    x0, y0, x1, y1 = rect
    if x1 - x0 > y1 - y0:
        return [(x0 - _FRAME, y0, x0, y1), (x1, y0, x1 + _FRAME, y1)]
    return [(x0, y0 - _FRAME, x1, y0), (x0, y1, x1, y1 + _FRAME)]


def _raster(boxes: np.ndarray, cells: tuple[int, ...], round_ones: np.ndarray | None = None) -> np.ndarray:
    """Which box is over each cell's centre, later ones first; in whole millimetres, so that no wall has holes."""
    piece, unit = np.zeros(cells, np.uint8), round(CELL * 1000)
    spans = -((unit // 2 - np.round(boxes * 1000).astype(int)) // unit)
    for n, (i0, j0, i1, j1) in enumerate(spans.clip(0)):
        over = np.ones((i1 - i0, j1 - j0), bool)
        if round_ones is not None and round_ones[n]:
            x0, y0, x1, y1 = boxes[n]
            x, y = ((np.arange(a, b) + 0.5) * CELL for a, b in ((i0, i1), (j0, j1)))
            x, y = (2 * x - x0 - x1) / (x1 - x0), (2 * y - y0 - y1) / (y1 - y0)
            over = x[:, None] ** 2 + y[None, :] ** 2 <= 1
        piece[i0:i1, j0:j1][over] = n + 1
    return piece


def _indoors(house: House, around: Rect, turned: bool, cells: tuple[int, ...]) -> np.ndarray:
    """Cells of rooms and door openings: the rooms of a house need not fill its rectangle."""
    rects = [_move(r.rect, around, turned) for r in (*house.rooms, *house.doors)]
    return _raster(np.array(rects), cells) > 0


def _things(house: House, number: dict[int, int], around: Rect, turned: bool) -> dict[str, np.ndarray]:
    boxes, rooms = [], []
    for t in house.things:
        w, d = (side / 2 for side in extent(t.size, t.yaw))
        x0, y0, x1, y1 = _move((t.x - w, t.y - d, t.x + w, t.y + d), around, turned)
        owner = house.piece(t.furniture) if t.furniture else None
        opens = front(owner) if owner and owner.size[2] >= CAMERA else np.zeros(2)
        opens = (opens[1], -opens[0]) if turned else opens
        boxes.append((x0, y0, t.z, x1, y1, t.z + t.size[2], *opens))
        rooms.append(_move(house.room(t.room).rect, around, turned))
    return {
        "things": np.array(boxes, np.float32).reshape(-1, 8), "rooms": np.array(rooms, np.float32).reshape(-1, 4),
        "labels": np.array([_THING_KINDS[t.label] for t in house.things], np.uint8),
        "owners": np.array([number.get(t.furniture, 0) for t in house.things], np.uint8),
    }  # fmt: skip


# -- files -------------------------------------------------------------------------------------------------------------

_RAGGED = ("solids", "kinds", "things", "labels", "owners", "rooms")


def plans(first: int, count: int, folder: Path | str | None = None, workers: int | None = None) -> list[Plan]:
    """The houses of seeds first..first+count−1, from their files; what is missing is drawn and kept. Where that are
    several files, minutes, a line on stderr tells of each.

    folder: where block files lie (``$XDG_CACHE_HOME/embodied-mem/houses`` or ``~/.cache/…`` by default).
    workers: processes that draw missing blocks (as many as there are cores by default; 1: this one).
    """
    home = Path(folder) if folder else default_folder()
    home.mkdir(parents=True, exist_ok=True)
    edges = [first, *range((first // BLOCK + 1) * BLOCK, first + count, BLOCK), first + count]
    spans = list(zip(edges, edges[1:], strict=False))
    found = {span: _read(_file(home, *span), *span) for span in spans}
    missing = [(home, *span) for span in spans if found[span] is None]
    workers = min(workers or os.cpu_count() or 1, len(missing))
    if workers > 1:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            _follow(pool.map(_draw, missing), missing)
    else:
        _follow(map(_draw, missing), missing)
    for _, low, high in missing:
        found[low, high] = _read(_file(home, low, high), low, high)
    return [plan for span in spans for plan in found[span]]


def default_folder() -> Path:
    """Where block files lie if nobody says where."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "embodied-mem" / "houses"


def _file(folder: Path, low: int, high: int) -> Path:
    return folder / f"v{_VERSION}-{low}-{high - 1}.npz"


def _follow(drawn: Iterable[None], jobs: list[tuple[Path, int, int]]) -> None:
    """Wait for the files of jobs, and say how far they are."""
    began, done, total = time.time(), 0, sum(high - low for _, low, high in jobs)
    for (home, low, high), _ in zip(jobs, drawn, strict=True):
        done += high - low
        left = (time.time() - began) / done * (total - done) / 60
        if len(jobs) > 1:
            line = f"houses: {done:,} of {total:,} drawn into {home}, about {left:.0f} min left"
            print(line, file=sys.stderr, flush=True)


def _draw(job: tuple[Path, int, int]) -> None:
    folder, low, high = job
    write_plans(_file(folder, low, high), [make_plan(seed) for seed in range(low, high)])


def write_plans(path: Path, block: Sequence[Plan]) -> None:
    """Keep plans in one file, which is there whole or not at all."""
    arrays = {"version": np.array(_VERSION), "kinds_known": np.array(len(KINDS))}
    for name in _RAGGED:
        arrays[name] = np.concatenate([getattr(p, name) for p in block])
    arrays["counts"] = np.array([(len(p.kinds), len(p.labels), *p.piece.shape) for p in block], np.int32)
    arrays["numbers"] = np.array([(p.seed, p.layout, p.turned) for p in block], np.int64)
    arrays["piece"] = np.concatenate([p.piece.ravel() for p in block])
    arrays["passable"] = np.packbits(np.concatenate([p.passable.ravel() for p in block]))
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(part, "wb") as out:
        np.savez_compressed(out, **arrays)
    part.replace(path)


def _read(path: Path, low: int, high: int) -> list[Plan] | None:
    """The plans of a file; None where it is missing, damaged, of another version or of other seeds."""
    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        return None
    try:
        with np.load(path, allow_pickle=False) as data:
            if int(data["version"]) != _VERSION or int(data["kinds_known"]) != len(KINDS):
                return None
            block = _unpack({k: data[k] for k in data.files})
    except (BadZipFile, zlib.error, ValueError, KeyError, IndexError, EOFError, OSError):
        return None
    return block if [p.seed for p in block] == list(range(low, high)) else None


def _unpack(data: dict[str, np.ndarray]) -> list[Plan]:
    counts = data["counts"]
    cells = counts[:, 2] * counts[:, 3]
    if (counts < 0).any() or (counts[:, 2:] > 1000).any() or cells.sum() != len(data["piece"]):
        raise ValueError("counts do not fit the rasters")
    passable = np.unpackbits(data["passable"], count=int(cells.sum())).astype(bool)
    at = np.cumsum(np.column_stack([counts[:, :2], cells]), 0)
    before = at - np.column_stack([counts[:, :2], cells])
    if at[-1, 0] != len(data["kinds"]) or at[-1, 1] != len(data["labels"]):
        raise ValueError("counts do not fit the lists")
    block = []
    for n, (seed, layout, turned) in enumerate(data["numbers"].tolist()):
        s, t, c = (slice(before[n, k], at[n, k]) for k in range(3))
        shape = tuple(counts[n, 2:].tolist())
        block.append(Plan(
            seed=seed, layout=layout, turned=bool(turned), solids=data["solids"][s], kinds=data["kinds"][s],
            piece=data["piece"][c].reshape(shape), passable=passable[c].reshape(shape), things=data["things"][t],
            labels=data["labels"][t], owners=data["owners"][t], rooms=data["rooms"][t],
        ))  # fmt: skip
    return block


def same(a: Plan, b: Plan) -> bool:
    """Whether two plans are equal to the bit."""
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(Plan))
