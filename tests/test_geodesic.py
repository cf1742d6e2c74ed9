"""Shortest paths against a visibility graph, which is exact among rectangles."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from embodied_mem.geodesic import Grid, erode

CELL = 0.05
SIDE = 80  # cells


def _rects():
    corner, size = st.integers(2, SIDE - 30), st.integers(3, 28)
    return st.lists(st.tuples(corner, corner, size, size), min_size=1, max_size=5)


def _world(rects) -> np.ndarray:
    free = np.ones((SIDE, SIDE), bool)
    for x, y, w, h in rects:
        free[x : x + w, y : y + h] = False
    return free


def _visible(a, b, rects) -> bool:
    """Whether the open segment stays out of all open rectangles (cell units), by clipping it against each."""
    a, d = np.asarray(a, float), np.asarray(b, float) - a
    for x, y, w, h in rects:
        low, high = 0.0, 1.0
        for k, (lo, hi) in enumerate(((x, x + w), (y, y + h))):
            if abs(d[k]) < 1e-12:
                if not lo + 1e-9 < a[k] < hi - 1e-9:
                    high = -1.0
                continue
            t = sorted(((lo - a[k]) / d[k], (hi - a[k]) / d[k]))
            low, high = max(low, t[0]), min(high, t[1])
        if high - low > 1e-9:
            return False
    return True


def _true_length(a, b, rects) -> float:
    """Dijkstra over the corners of the rectangles that lie in the world, in metres."""
    from scipy.sparse.csgraph import dijkstra

    nodes = [a, b, *((cx, cy) for x, y, w, h in rects for cx in (x, x + w) for cy in (y, y + h)
                     if not any(u < cx < u + p and v < cy < v + q for u, v, p, q in rects))]  # fmt: skip
    cost = np.zeros((len(nodes), len(nodes)))
    for i, j in itertools.combinations(range(len(nodes)), 2):
        if _visible(nodes[i], nodes[j], rects):
            cost[i, j] = cost[j, i] = np.hypot(*np.subtract(nodes[i], nodes[j])) * CELL
    return float(dijkstra(cost, indices=0)[1])


@settings(max_examples=60, deadline=None)
@given(_rects(), st.tuples(*[st.integers(1, SIDE - 2)] * 4))
def test_lengths_are_within_two_percent_of_the_true_shortest_path(rects, ends):
    free = _world(rects)
    a, b = (ends[0], ends[1]), (ends[2], ends[3])
    assume(free[a] and free[b] and a != b)
    grid = Grid(free, (0.0, 0.0), CELL)
    length = grid.length(grid.centre(a), grid.centre(b))
    true = _true_length(tuple(v + 0.5 for v in a), tuple(v + 0.5 for v in b), rects)
    # Two rectangles that touch in a corner leave a way of no width to the visibility graph; the grid has none.
    assume(length < 1.5 * true + 0.3)
    assert length >= true - 1e-6
    assert length <= 1.02 * true + CELL  # a cell's width for the corners that centres cannot touch


def test_a_path_goes_around_a_wall_and_never_through_it():
    free = np.ones((100, 60), bool)
    free[48:52, :50] = False
    grid = Grid(free, (2.0, -1.0), 0.1)
    path = grid.path((3.0, 0.0), (11.0, 0.0))
    assert path[0] == (3.0, 0.0) and path[-1] == (11.0, 0.0)
    assert all(grid.line_of_sight(p, q) for p, q in itertools.pairwise(path))
    assert max(y for _, y in path) > 4.0


def test_diagonal_gaps_of_no_width_are_closed():
    free = np.ones((10, 10), bool)
    free[:5, 5:] = False
    free[5:, :5] = False
    grid = Grid(free, (0.0, 0.0), 1.0)
    assert grid.length((2.5, 2.5), (7.5, 7.5)) == float("inf")
    assert not grid.line_of_sight((4.5, 4.5), (5.5, 5.5))
    assert np.isinf(grid.distances_from((2.5, 2.5))[8, 8])


def test_fields_agree_with_paths_and_take_several_sources():
    free = np.ones((40, 40), bool)
    free[20, :30] = False
    grid = Grid(free, (0.0, 0.0), 0.1)
    far = grid.distances_from((0.55, 0.55))
    assert abs(far[35, 5] - grid.length((0.55, 0.55), (3.55, 0.55))) < 0.03 * far[35, 5]
    both = grid.distances_from([(0.55, 0.55), (3.55, 0.55)])
    assert both[35, 5] == 0 and both[5, 5] == 0
    assert (both <= far + 1e-6).all()


def test_positions_off_the_floor_move_to_the_nearest_cell_or_are_unreachable():
    free = np.zeros((20, 20), bool)
    free[5:15, 5:15] = True
    grid = Grid(free, (0.0, 0.0), 0.1)
    x, y = grid.nearest_passable((0.45, 1.0))
    assert abs(x - 0.55) < 1e-9 and abs(y - 1.0) <= 0.05 + 1e-9
    assert grid.nearest_passable((-3.0, 1.0)) is None
    assert grid.path((-3.0, 1.0), (1.0, 1.0)) == []


def test_erosion_keeps_a_disc_off_the_walls():
    free = np.zeros((60, 60), bool)
    free[10:50, 10:50] = True
    eroded = erode(free, 0.18, 0.05)
    ix = np.nonzero(eroded)[0]
    assert (ix.min() + 0.5 - 10) * 0.05 >= 0.18
    assert (ix.min() - 0.5 - 10) * 0.05 < 0.18
