"""Where the oracle can stand: the floor it drives on, and cells close to and in front of a piece of furniture."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from embodied_mem.geodesic import XY, Grid
from embodied_mem.sim.furnish import TALL, footprint, front
from embodied_mem.sim.house import Furniture, House, Room
from embodied_mem.sim.layout import gap_to
from embodied_mem.sim.truth import passable_grid
from embodied_mem.tasks.findingdory.driving import REACHED_M

MARGINS_M = (0.06, 0.03, 0.01)  # kept beyond the body's radius; the first that lets it into every room
NEAR_M = 0.80  # from a planned spot to the piece's box; a stop up to driving.REACHED_M off is still within 0.95
STRIDE = 2  # every second cell is a candidate


class Floor:
    """The connected floor of a house for a body of ``radius`` metres; ``closed``: the Room id that is kept out of."""

    def __init__(self, house: House, radius: float, closed: int = 0) -> None:
        self.house, self.closed = house, closed
        self._before: dict[int, np.ndarray] = {}
        self.rooms = tuple(r for r in house.rooms if r.id != closed)
        for margin in MARGINS_M:
            self.grid = _main_part(passable_grid(house, radius + margin), [r for r in house.rooms if r.id == closed])
            cells = np.argwhere(self.grid.passable)
            cells = cells[(cells % STRIDE == 0).all(axis=1)]
            self.points = (cells + 0.5) * self.grid.resolution + self.grid.origin
            if self.enters_all_rooms():
                break

    def enters_all_rooms(self) -> bool:
        """Whether every room that is not closed can be driven into."""
        return all(len(self.inside(room)) for room in self.rooms)

    def inside(self, room: Room) -> np.ndarray:
        """Candidate positions (N 2) in a room, from where a stop is in the room as well."""
        x0, y0, x1, y1 = room.rect
        x, y = self.points.T
        m = REACHED_M
        return self.points[(x0 + m <= x) & (x <= x1 - m) & (y0 + m <= y) & (y <= y1 - m)]

    def before(self, piece: Furniture) -> np.ndarray:
        """Positions (N 2) within ``NEAR_M`` of a piece in its room; in front of it where only that side is open."""
        if piece.id not in self._before:
            self._before[piece.id] = self._find_before(piece)
        return self._before[piece.id]

    def _find_before(self, piece: Furniture) -> np.ndarray:
        points = self.inside(self.house.room(piece.room)) if piece.room != self.closed else np.empty((0, 2))
        if not len(points):
            return points
        points = points[gaps(footprint(piece), points) <= NEAR_M]
        return points[[is_before(piece, p, 0.8) for p in points]] if len(points) else points

    def metres(self, xy: XY, points: np.ndarray) -> np.ndarray:
        """Geodesic metres (N) from a position to each of N positions."""
        cells = np.floor((points - self.grid.origin) / self.grid.resolution).astype(int)
        return self.grid.distances_from(xy)[cells[:, 0], cells[:, 1]]


def gaps(rect: tuple[float, float, float, float], points: np.ndarray) -> np.ndarray:
    """Metres (N) from each of N positions to a rectangle; 0 inside."""
    return np.array([gap_to(rect, p) for p in points])


def is_before(piece: Furniture, xy: XY, narrow: float = 0.7) -> bool:
    """Whether a position is on an open side of a piece; what is tall or has levels is open to its front only.

    narrow: the cosine of the greatest angle to the front.
    """
    if piece.size[2] <= TALL and len({s.name for s in piece.surfaces}) == 1:
        return True
    offset = np.subtract(xy, (piece.x, piece.y))
    return float(offset @ front(piece)) > narrow * float(np.hypot(*offset))


def aim_at(piece: Furniture, xy: XY) -> XY:
    """What to look at from ``xy`` to see a piece: the nearest point of its box, drawn a little to its middle."""
    x0, y0, x1, y1 = footprint(piece)
    edge = min(max(xy[0], x0), x1), min(max(xy[1], y0), y1)
    return 0.7 * edge[0] + 0.3 * piece.x, 0.7 * edge[1] + 0.3 * piece.y


def spread(points: np.ndarray, cost: np.ndarray, count: int, apart_m: float = 0.35) -> Iterable[XY]:
    """Up to ``count`` positions, cheapest first, each ``apart_m`` from those before."""
    chosen: list[XY] = []
    for i in np.argsort(cost, kind="stable"):
        xy = float(points[i][0]), float(points[i][1])
        if math.isfinite(cost[i]) and all(math.dist(xy, other) >= apart_m for other in chosen):
            chosen.append(xy)
            yield xy
        if len(chosen) >= count:
            return


def leaf_rooms(house: House, radius: float) -> list[Room]:
    """Rooms that can stay closed: all others are still reached without them."""
    leaves = []
    for room in house.rooms:
        doors = sum(room.id in d.rooms for d in house.doors)
        if doors == 1 and room.label != "hallway" and Floor(house, radius, room.id).enters_all_rooms():
            leaves.append(room)
    return leaves


def _main_part(grid: Grid, without: list[Room]) -> Grid:
    """The largest connected part of the passable cells outside of some rooms."""
    from scipy.ndimage import label

    passable = grid.passable.copy()
    for room in without:
        (i0, j0), (i1, j1) = grid.cell(room.rect[:2]), grid.cell(room.rect[2:])
        passable[max(i0, 0) : i1 + 1, max(j0, 0) : j1 + 1] = False
    parts, _ = label(passable)
    return Grid(parts == np.bincount(parts[passable]).argmax(), grid.origin, grid.resolution)
