"""Rooms and doors of a seeded house, its walls as boxes, and its floor as a clearance grid.

Plans are two rows of rooms, with a hallway between the rows in larger houses, mirrored and turned by the seed.
Metres, world frame; the house's inner floor begins near (0, 0).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from embodied_mem.geodesic import Grid
from embodied_mem.sim.house import Door, Rect, Room

WALL = 0.1
DOOR_WIDTH = 0.9
DOOR_HEIGHT = 2.05
MIN_ROOM = 2.2
HALL_WIDTH = 2.2
Box = tuple[float, float, float, float, float, float]

_ALWAYS = ("kitchen", "living room", "bedroom", "bathroom")
_OPTIONAL = ("study", "dining room", "kids room", "guest room", "laundry room")
_WIDTH = {
    "living room": (4.4, 5.4), "kitchen": (3.5, 4.3), "dining room": (3.5, 4.2), "bedroom": (3.9, 4.5),
    "kids room": (3.3, 4.0), "guest room": (3.4, 4.0), "bathroom": (2.8, 3.3), "study": (3.3, 4.0),
    "laundry room": (2.8, 3.2),
}  # fmt: skip
_HUBS = ("hallway", "living room", "kitchen", "dining room")


def plan_rooms(rng: np.random.Generator) -> tuple[tuple[Room, ...], tuple[Door, ...]]:
    """4 to 10 rooms with unique labels that tile a rectangle up to the walls, and doors that connect them all."""
    count = int(rng.choice(np.arange(4, 11), p=[0.10, 0.16, 0.20, 0.20, 0.16, 0.10, 0.08]))
    hallway = count >= 7 or (count >= 5 and rng.random() < 0.6)
    extra = count - len(_ALWAYS) - hallway
    chosen = [*_ALWAYS, *(_OPTIONAL[i] for i in rng.permutation(len(_OPTIONAL))[:extra])]
    rects = _rows(chosen, hallway, rng)
    flip_x, flip_y, turn = (bool(rng.integers(2)) for _ in range(3))
    width = max(r[2] for _, r in rects)
    depth = max(r[3] for _, r in rects)
    rooms = []
    for k, (label, (x0, y0, x1, y1)) in enumerate(rects):
        if flip_x:
            x0, x1 = width - x1, width - x0
        if flip_y:
            y0, y1 = depth - y1, depth - y0
        if turn:
            x0, y0, x1, y1 = y0, x0, y1, x1
        rooms.append(Room(k + 1, label, tuple(round(float(v), 2) for v in (x0, y0, x1, y1))))
    return tuple(rooms), _doors(rooms, rng)


def _rows(labels: list[str], hallway: bool, rng: np.random.Generator) -> list[tuple[str, Rect]]:
    """Two rows of rooms of about the same total width, stretched to be equal; the hallway between them."""
    want = {label: rng.uniform(*_WIDTH[label]) for label in labels}
    rows: list[list[str]] = [[], []]
    for label in sorted(labels, key=lambda name: -want[name]):
        rows[int(sum(want[n] for n in rows[1]) < sum(want[n] for n in rows[0]))].append(label)
    total = max(sum(want[n] for n in row) + WALL * (len(row) - 1) for row in rows)
    depths = [rng.uniform(3.5, 4.3) for _ in rows]
    bottoms = [0.0, depths[0] + WALL + ((HALL_WIDTH + WALL) if hallway else 0.0)]
    placed = []
    for row, depth, y in zip(rows, depths, bottoms, strict=True):
        stretch = (total - WALL * (len(row) - 1)) / sum(want[n] for n in row)
        x = 0.0
        for label in (row[i] for i in rng.permutation(len(row))):
            wide = want[label] * stretch
            placed.append((label, (x, y, x + wide, y + depth)))
            x += wide + WALL
    if hallway:
        placed.append(("hallway", (0.0, depths[0] + WALL, total, depths[0] + WALL + HALL_WIDTH)))
    return placed


def shared_wall(a: Rect, b: Rect) -> Rect | None:
    """The piece of wall between two rooms, or None where it is too short for a door and its frame."""
    for axis in (0, 1):
        other = 1 - axis
        low, high = max(a[other], b[other]), min(a[other + 2], b[other + 2])
        for first, second in ((a, b), (b, a)):
            if abs(second[axis] - first[axis + 2] - WALL) < 0.02 and high - low >= DOOR_WIDTH + 0.4:
                span = (first[axis + 2], low, second[axis], high)
                return span if axis == 0 else (span[1], span[0], span[3], span[2])
    return None


def _doors(rooms: list[Room], rng: np.random.Generator) -> tuple[Door, ...]:
    """A spanning tree that prefers hubs (nobody walks through a bathroom), plus a second way now and then."""
    edges = []
    for i, a in enumerate(rooms):
        for b in rooms[i + 1 :]:
            wall = shared_wall(a.rect, b.rect)
            if wall:
                hubs = (a.label in _HUBS) + (b.label in _HUBS) + 2 * ("hallway" in (a.label, b.label))
                private = "bathroom" in (a.label, b.label)
                edges.append((-hubs + 0.5 * private + 0.3 * rng.random(), rng.random(), a, b, wall))
    group = {r.id: r.id for r in rooms}
    doors = []
    for _, luck, a, b, wall in sorted(edges, key=lambda e: e[0]):
        sociable = a.label in _HUBS and b.label in _HUBS
        if group[a.id] != group[b.id] or (sociable and luck < 0.5):
            merged = group[b.id]
            group = {k: group[a.id] if v == merged else v for k, v in group.items()}
            doors.append(Door((a.id, b.id), _opening(wall, rng)))
    return tuple(doors)


def _opening(wall: Rect, rng: np.random.Generator) -> Rect:
    x0, y0, x1, y1 = wall
    axis = 0 if x1 - x0 > y1 - y0 else 1
    low, high = wall[axis] + 0.2, wall[axis + 2] - 0.2 - DOOR_WIDTH
    # Doors are near a corner more often than not: it leaves long walls for furniture.
    at = low + (high - low) * float(rng.beta(0.6, 0.6))
    span = (round(at, 2), round(at + DOOR_WIDTH, 2))
    return (span[0], y0, span[1], y1) if axis == 0 else (x0, span[0], x1, span[1])


def wall_cells(rooms: Iterable[Room], doors: Iterable[Door], height: float) -> list[Box]:
    """All walls and lintels as small boxes x0, y0, z0, x1, y1, z1, each beside at most one room a side."""
    rooms, doors = [r.rect for r in rooms], [d.rect for d in doors]
    grown = [(r[0] - WALL, r[1] - WALL, r[2] + WALL, r[3] + WALL) for r in rooms]
    xs, ys = (_cuts([*rooms, *grown, *doors], axis) for axis in (0, 1))
    boxes: list[Box] = []
    for x0, x1 in zip(xs, xs[1:], strict=False):
        for y0, y1 in zip(ys, ys[1:], strict=False):
            z0 = _wall_bottom(((x0 + x1) / 2, (y0 + y1) / 2), rooms, grown, doors)
            if z0 is not None:
                boxes.append((x0, y0, z0, x1, y1, height))
    return boxes


def walls(rooms: Iterable[Room], doors: Iterable[Door], height: float) -> list[Box]:
    """The same walls as :func:`wall_cells`, joined into few long boxes."""
    return _joined(wall_cells(rooms, doors, height))


def _cuts(rects: list[Rect], axis: int) -> list[float]:
    return sorted({round(v, 3) for r in rects for v in (r[axis], r[axis + 2])})


def _wall_bottom(xy: tuple[float, float], rooms: list[Rect], grown: list[Rect], doors: list[Rect]) -> float | None:
    if any(contains(r, xy) for r in doors):
        return DOOR_HEIGHT
    inside = any(contains(r, xy) for r in rooms)
    return 0.0 if not inside and any(contains(r, xy) for r in grown) else None


def _joined(boxes: list[Box]) -> list[Box]:
    """Neighbours of one section become one box, along y and then along x: fewer rectangles to test against."""
    for axis in (1, 0):
        joined: dict[tuple, Box] = {}
        for box in sorted(boxes):
            section = (box[1 - axis], box[4 - axis], box[2])
            before = joined.pop((*section, box[axis]), None)
            if before:
                box = (*before[: axis + 3], box[axis + 3], *before[axis + 4 :])
            joined[(*section, box[axis + 3])] = box
        boxes = list(joined.values())
    return sorted(boxes)


def contains(rect: Rect, xy: tuple[float, float]) -> bool:
    """Whether a position lies in a rectangle, its edge included."""
    return rect[0] <= xy[0] <= rect[2] and rect[1] <= xy[1] <= rect[3]


def gap_to(rect: Rect, xy: np.ndarray | tuple[float, float]) -> float:
    """Metres from a position to a rectangle; 0 inside."""
    return float(np.hypot(max(rect[0] - xy[0], 0.0, xy[0] - rect[2]), max(rect[1] - xy[1], 0.0, xy[1] - rect[3])))


def clearance(floor: Rect, blocked: Iterable[Rect], resolution: float, reach: float) -> np.ndarray:
    """Exact metres from each cell's centre to the nearest blocked rectangle, cut off at ``reach``: float32 X Y."""
    nx, ny = (int(np.ceil((floor[k + 2] - floor[k]) / resolution - 1e-6)) for k in (0, 1))
    xs = floor[0] + (np.arange(nx) + 0.5) * resolution
    ys = floor[1] + (np.arange(ny) + 0.5) * resolution
    field = np.full((nx, ny), reach, np.float32)
    for x0, y0, x1, y1 in blocked:
        i0, i1 = np.searchsorted(xs, (x0 - reach, x1 + reach))
        j0, j1 = np.searchsorted(ys, (y0 - reach, y1 + reach))
        dx = np.maximum(np.maximum(x0 - xs[i0:i1], xs[i0:i1] - x1), 0)
        dy = np.maximum(np.maximum(y0 - ys[j0:j1], ys[j0:j1] - y1), 0)
        window = field[i0:i1, j0:j1]
        np.minimum(window, np.hypot(dx[:, None], dy[None, :]), out=window)
    return field


def standing_grid(floor: Rect, blocked: Iterable[Rect], radius: float, resolution: float = 0.05) -> Grid:
    """Where the centre of a disc may be within ``floor`` (metres, world), clear of all ``blocked`` rectangles."""
    field = clearance(floor, blocked, resolution, radius + resolution)
    return Grid(field >= radius, floor[:2], resolution)
