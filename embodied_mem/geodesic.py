"""Shortest paths for a disc on a grid: 16 neighbours by scipy's Dijkstra, straightened by line of sight.

Arrays are indexed ``[ix, iy]`` (x first), positions are metres in the frame of ``origin``. The field of
:meth:`Grid.distances_from` overestimates open stretches by at most 2.8 % (the angle between two of 16
neighbours); :meth:`Grid.path` and :meth:`Grid.length` pull the path taut and stay within 2 % of the true path.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

XY = tuple[float, float]
#: Half of the 16 neighbours (the graph is symmetric) and the cells each move passes through on its way.
_MOVES = (
    ((1, 0), ()), ((0, 1), ()),
    ((1, 1), ((1, 0), (0, 1))), ((1, -1), ((1, 0), (0, -1))),
    ((2, 1), ((1, 0), (1, 1))), ((2, -1), ((1, 0), (1, -1))),
    ((1, 2), ((0, 1), (1, 1))), ((1, -2), ((0, -1), (1, -1))),
)  # fmt: skip
_CACHED_FIELDS = 64


def erode(free: np.ndarray, radius_m: float, resolution: float) -> np.ndarray:
    """Cells whose centre a disc of ``radius_m`` can stand on: bool X Y of bool X Y; outside counts as blocked."""
    from scipy.ndimage import distance_transform_edt

    padded = np.pad(np.asarray(free, bool), 1)
    # The transform measures to the blocked cell's centre; its edge is half a cell nearer.
    clearance = distance_transform_edt(padded)[1:-1, 1:-1] * resolution - resolution / 2
    return clearance >= radius_m - 1e-9


class Grid:
    """Geodesics over the True cells of ``passable``.

    passable: bool X Y; origin: x, y in metres of the outer corner of cell (0, 0); resolution: metres a cell.
    Positions that are not on a passable cell are moved to the nearest one within 0.5 m, else unreachable.
    """

    def __init__(self, passable: np.ndarray, origin: XY, resolution: float) -> None:
        self.passable = np.ascontiguousarray(passable, dtype=bool)
        if self.passable.ndim != 2 or resolution <= 0:
            raise ValueError(f"passable must be X Y and resolution > 0, got {self.passable.shape}, {resolution}")
        self.origin = (float(origin[0]), float(origin[1]))
        self.resolution = float(resolution)
        self._graph = None
        self._fields: OrderedDict[tuple, tuple[np.ndarray, np.ndarray]] = OrderedDict()

    def cell(self, xy: Sequence[float]) -> tuple[int, int]:
        """The cell under a position; may lie outside the grid."""
        return tuple(int(np.floor((xy[k] - self.origin[k]) / self.resolution)) for k in (0, 1))

    def centre(self, cell: Sequence[int]) -> XY:
        """The position of a cell's centre, metres."""
        return tuple(float(self.origin[k] + (cell[k] + 0.5) * self.resolution) for k in (0, 1))

    def is_passable(self, xy: Sequence[float]) -> bool:
        """Whether the position lies on a passable cell."""
        i, j = self.cell(xy)
        return 0 <= i < self.passable.shape[0] and 0 <= j < self.passable.shape[1] and bool(self.passable[i, j])

    def nearest_passable(self, xy: Sequence[float], max_m: float = 0.5) -> XY | None:
        """``xy`` itself on a passable cell, else the nearest passable cell's centre within ``max_m``, else None."""
        if self.is_passable(xy):
            return float(xy[0]), float(xy[1])
        reach = int(np.ceil(max_m / self.resolution)) + 1
        ci, cj = self.cell(xy)
        i0, j0 = max(ci - reach, 0), max(cj - reach, 0)
        window = np.argwhere(self.passable[i0 : max(ci + reach + 1, 0), j0 : max(cj + reach + 1, 0)])
        if not len(window):
            return None
        centres = (window + (i0 + 0.5, j0 + 0.5)) * self.resolution + self.origin
        gaps = np.hypot(centres[:, 0] - xy[0], centres[:, 1] - xy[1])
        best = int(np.argmin(gaps))
        return (float(centres[best, 0]), float(centres[best, 1])) if gaps[best] <= max_m else None

    def distances_from(self, xy: Sequence[float] | Sequence[XY]) -> np.ndarray:
        """Geodesic metres from a position (or the nearest of several) to every cell: float32 X Y, inf unreachable."""
        return self._field(xy)[0]

    def distances_over(self, costs: np.ndarray) -> np.ndarray:
        """Metres to every cell when starting on a cell costs what ``costs`` (X Y, ≥ 0, inf: not there) says.

        Float32 X Y, inf unreachable. With zeros at the sources it is :meth:`distances_from` them.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import dijkstra

        if self._graph is None:
            self._graph = self._build()
        graph, starts = self._graph, np.flatnonzero(np.isfinite(costs) & self.passable)
        if not len(starts):
            return np.full(self.passable.shape, np.inf, np.float32)
        # One more node before all starts; a stored zero would be no edge, so every start costs one metre more.
        data = np.concatenate([graph.data, np.asarray(costs, float).flat[starts] + 1])
        indices = np.concatenate([graph.indices, starts])
        ends = np.append(graph.indptr, len(data))
        joined = csr_array((data, indices, ends), shape=(graph.shape[0] + 1,) * 2)
        return (dijkstra(joined, indices=graph.shape[0])[:-1] - 1).reshape(self.passable.shape).astype(np.float32)

    def length(self, a: Sequence[float], b: Sequence[float]) -> float:
        """Geodesic metres from ``a`` to ``b``; inf where there is no way."""
        points = self.path(a, b)
        if not points:
            return float("inf")
        legs = ((p, points[k + 1]) for k, p in enumerate(points[:-1]))
        return float(sum(np.hypot(q[0] - p[0], q[1] - p[1]) for p, q in legs))

    def path(self, a: Sequence[float], b: Sequence[float]) -> list[XY]:
        """Waypoints from ``a`` to ``b`` (both included, moved onto passable cells), taut; [] where there is no way."""
        start, goal = self.nearest_passable(a), self.nearest_passable(b)
        if start is None or goal is None:
            return []
        if self.line_of_sight(start, goal):
            return [start, goal]
        before = self._field(start)[1]
        node = self._index(self.cell(goal))
        if not np.isfinite(self._field(start)[0].flat[node]):
            return []
        nodes = [node]
        while before[node] >= 0:
            node = int(before[node])
            nodes.append(node)
        cells = np.column_stack(np.unravel_index(nodes[::-1], self.passable.shape))
        points = (cells + 0.5) * self.resolution + self.origin
        points[0], points[-1] = start, goal
        return [(float(x), float(y)) for x, y in self._taut(points)]

    def line_of_sight(self, a: Sequence[float], b: Sequence[float]) -> bool:
        """Whether the straight segment from ``a`` to ``b`` stays on passable cells."""
        return self._sees(np.asarray(a, float), np.asarray(b, float))

    def _index(self, cell: Sequence[int]) -> int:
        return int(cell[0]) * self.passable.shape[1] + int(cell[1])

    def _build(self):
        from scipy.sparse import csr_array

        shape, blocked = self.passable.shape, np.pad(self.passable, 2)
        ids = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
        rows, columns, weights = [], [], []

        def shifted(dx: int, dy: int) -> np.ndarray:
            return blocked[2 + dx : 2 + dx + shape[0], 2 + dy : 2 + dy + shape[1]]

        for (dx, dy), through in _MOVES:
            ok = self.passable & shifted(dx, dy)
            for cell in through:
                ok = ok & shifted(*cell)
            start = ids[ok]
            end = start + np.int32(dx * shape[1] + dy)
            rows += [start, end]
            columns += [end, start]
            weights.append(np.full(2 * len(start), np.hypot(dx, dy) * self.resolution))
        data = np.concatenate(weights)
        return csr_array((data, (np.concatenate(rows), np.concatenate(columns))), shape=(ids.size, ids.size))

    def _field(self, xy: Sequence) -> tuple[np.ndarray, np.ndarray]:
        """Distances (float32 X Y) and each cell's predecessor (flat, negative at a source), cached by source cells."""
        from scipy.sparse.csgraph import dijkstra

        sources = [xy] if np.ndim(xy) == 1 else list(xy)
        snapped = [p for p in (self.nearest_passable(s) for s in sources) if p is not None]
        key = tuple(sorted({self._index(self.cell(p)) for p in snapped}))
        if key in self._fields:
            self._fields.move_to_end(key)
            return self._fields[key]
        if not key:
            return np.full(self.passable.shape, np.inf, np.float32), np.full(self.passable.size, -1)
        if self._graph is None:
            self._graph = self._build()
        far, before, _ = dijkstra(self._graph, indices=list(key), return_predecessors=True, min_only=True)
        self._fields[key] = far.reshape(self.passable.shape).astype(np.float32), before
        if len(self._fields) > _CACHED_FIELDS:
            self._fields.popitem(last=False)
        return self._fields[key]

    def _sees(self, a: np.ndarray, b: np.ndarray) -> bool:
        a, b = (a - self.origin) / self.resolution, (b - self.origin) / self.resolution
        step = b - a
        far = float(np.hypot(step[0], step[1]))
        if far == 0:
            return self._clear(a, b)
        # Two lines a hair apart: a segment through the corner where two blocked cells touch is not a way.
        side = np.array((-step[1], step[0])) * (0.02 / far)
        return self._clear(a + side, b + side) and self._clear(a - side, b - side)

    def _clear(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Whether a segment in cell units crosses passable cells only; exact, cell by cell."""
        step, cuts = b - a, [np.array((0.0, 1.0))]
        for k in (0, 1):
            low, high = sorted((a[k], b[k]))
            lines = np.arange(np.floor(low) + 1, np.ceil(high))
            if len(lines):
                cuts.append((lines - a[k]) / step[k])
        along = np.sort(np.concatenate(cuts))
        middle = (along[1:] + along[:-1]) / 2
        i = np.floor(a[0] + middle * step[0]).astype(np.intp)
        j = np.floor(a[1] + middle * step[1]).astype(np.intp)
        width, depth = self.passable.shape
        if i.min() < 0 or j.min() < 0 or i.max() >= width or j.max() >= depth:
            return False
        return bool(self.passable[i, j].all())

    def _taut(self, points: np.ndarray) -> np.ndarray:
        """Pull a polyline tight: skip ahead as far as the sight goes, from both ends in turn."""
        corners = points
        for _ in range(6):
            pulled, at = [0], 0
            while at < len(points) - 1:
                at = self._last_seen(points, at)
                pulled.append(at)
            corners = points[pulled][::-1]
            points = np.concatenate(
                [self._between(p, corners[k + 1]) for k, p in enumerate(corners[:-1])] + [corners[-1:]]
            )
        return corners

    def _last_seen(self, points: np.ndarray, at: int) -> int:
        """The farthest point of the polyline in sight of point ``at``, found by doubling and halving the stride."""
        last, seen, stride = len(points) - 1, at + 1, 2
        while at + stride <= last and self._sees(points[at], points[at + stride]):
            seen, stride = at + stride, stride * 2
        hidden = min(at + stride, last + 1)
        while hidden - seen > 1:
            middle = (seen + hidden) // 2
            if self._sees(points[at], points[middle]):
                seen = middle
            else:
                hidden = middle
        return seen

    def _between(self, p: np.ndarray, q: np.ndarray) -> np.ndarray:
        count = max(1, int(np.hypot(*(q - p)) / self.resolution / 2))
        return p + (q - p) * (np.arange(count) / count)[:, None]
