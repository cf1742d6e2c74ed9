"""The scripted patrol: one short tour that looks around in every room and steps up to every surface.

Planned on the true floor, once a house; the same actions every day. A robot that starts at ``Patrol.start`` and does
``Patrol.actions`` ("forward", "left", "right") never touches anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from embodied_mem.geodesic import Grid
from embodied_mem.sim.house import Furniture, House, Room
from embodied_mem.sim.layout import contains, gap_to
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.tasks.la_eqa.floor import footprint, free_floor, front, sight_floor

MIN_FRAMES = 400
NEAR_M, FAR_M = 0.55, 1.25  # metres from a viewpoint to the footprint it looks at; REACHED_M off, still within 1.5
MARGINS_M = (0.06, 0.03, 0.01)  # kept beyond the body's radius; the first that lets it into every room
REACHED_M = 0.22
TURNS = 24  # headings of 15°

XY = tuple[float, float]


@dataclass(frozen=True)
class View:
    """A viewpoint and the points to face from it; ``around``: a full turn instead. ``pieces``: furniture it serves."""

    xy: XY
    targets: tuple[XY, ...] = ()
    around: bool = False
    pieces: tuple[int, ...] = ()


@dataclass(frozen=True)
class Patrol:
    """start: x, y, yaw (m, rad, world); frames = 1 + len(actions)."""

    start: tuple[float, float, float]
    actions: tuple[str, ...]
    views: tuple[View, ...]

    @property
    def frames(self) -> int:
        return 1 + len(self.actions)


def plan_patrol(house: House, spec: RobotSpec | None = None) -> Patrol:
    """The patrol of a house; the same for the same house."""
    spec = spec or RobotSpec()
    grid = _floor(house, spec)
    sight = sight_floor(house)
    views = _views(house, grid, sight)
    order = _tour(grid, views)
    walker = _walk(grid, spec, [views[i] for i in order])
    extra = _extra_views(house, grid, views)
    while len(walker.actions) + 1 < MIN_FRAMES and extra:
        views.append(extra.pop(0))
        walker = _walk(grid, spec, [views[i] for i in _tour(grid, views)])
    return Patrol(walker.start, tuple(walker.actions), tuple(views))


def _floor(house: House, spec: RobotSpec) -> Grid:
    for margin in MARGINS_M:
        grid = _main_part(free_floor(house, spec.radius_m + margin))
        if all(len(_cells_in(grid, room)) for room in house.rooms):
            break
    return grid


def _main_part(grid: Grid) -> Grid:
    """The largest connected part of the passable cells."""
    from scipy.ndimage import label

    parts, _ = label(grid.passable)
    main = np.bincount(parts[grid.passable]).argmax()
    return Grid(parts == main, grid.origin, grid.resolution)


# -- where to stand ------------------------------------------------------------------------------------------------


def _cells_in(grid: Grid, room: Room, stride_m: float = 0.2) -> np.ndarray:
    """N×2 standing positions of a room, ``stride_m`` apart."""
    stride = max(1, round(stride_m / grid.resolution))
    cells = np.argwhere(grid.passable[::stride, ::stride]) * stride
    points = (cells + 0.5) * grid.resolution + grid.origin
    return points[[contains(room.rect, p) for p in points]] if len(points) else points


def _faces(piece: Furniture, points: np.ndarray, sight: Grid, far: float = FAR_M) -> np.ndarray:
    """Which positions (bool N) see the piece well: near, before it if it has levels or a back, nothing tall between."""
    rect = footprint(piece)
    gaps = np.array([gap_to(rect, p) for p in points])
    good = (gaps <= far) & (gaps >= min(NEAR_M, far / 2))
    centre = np.array([piece.x, piece.y])
    if piece.size[2] > 0.95 or len(piece.surfaces) > 1:
        good &= (points - centre) @ front(piece) > 0.3
    for i in np.flatnonzero(good):
        edge = np.clip(points[i], rect[:2], rect[2:])
        back = points[i] - edge
        edge = edge + back / max(np.hypot(*back), 1e-6) * 0.12
        good[i] = sight.line_of_sight(tuple(points[i]), tuple(edge))
    return good


def _views(house: House, grid: Grid, sight: Grid) -> list[View]:
    """One full look a room, where it serves most surfaces, then the fewest further viewpoints (greedy cover)."""
    views: list[View] = []
    for room in house.rooms:
        points = _cells_in(grid, room)
        if not len(points):
            continue
        pieces = [f for f in house.furniture if f.room == room.id and f.surfaces]
        sees = np.array([_faces(f, points, sight) for f in pieces]).reshape(len(pieces), len(points))
        for i, piece in enumerate(pieces):
            if not sees[i].any():
                sees[i] = _fallback(piece, points)
        middle = np.array([(room.rect[0] + room.rect[2]) / 2, (room.rect[1] + room.rect[3]) / 2])
        off = np.hypot(*(points - middle).T)
        best = int(np.lexsort((off, -sees.sum(0)))[0])
        served = sees[:, best].copy()
        views.append(View(_xy(points[best]), around=True, pieces=_ids(pieces, served)))
        while not served.all():
            gain = (sees & ~served[:, None]).sum(0)
            best = int(np.lexsort((off, -gain))[0])
            new = sees[:, best] & ~served
            targets = tuple((pieces[i].x, pieces[i].y) for i in np.flatnonzero(new))
            views.append(View(_xy(points[best]), targets, pieces=_ids(pieces, new)))
            served |= new
    return views


def _fallback(piece: Furniture, points: np.ndarray) -> np.ndarray:
    """The nearest standing position, for a piece that no position faces as wished."""
    gaps = np.array([gap_to(footprint(piece), p) for p in points])
    good = np.zeros(len(points), bool)
    good[int(gaps.argmin())] = True
    return good


def _ids(pieces: list[Furniture], chosen: np.ndarray) -> tuple[int, ...]:
    return tuple(pieces[i].id for i in np.flatnonzero(chosen))


def _xy(point: np.ndarray) -> XY:
    return float(point[0]), float(point[1])


def _extra_views(house: House, grid: Grid, views: list[View]) -> list[View]:
    """Full turns from new viewpoints, each as far as possible from those there are; large rooms first."""
    extra, taken = [], [v.xy for v in views]
    rooms = sorted(house.rooms, key=lambda r: (-(r.rect[2] - r.rect[0]) * (r.rect[3] - r.rect[1]), r.id))
    for room in rooms * 2:
        points = _cells_in(grid, room)
        if len(points):
            gaps = np.array([min(math.dist(p, t) for t in taken) for p in points])
            extra.append(View(_xy(points[int(gaps.argmax())]), around=True))
            taken.append(extra[-1].xy)
    return extra


# -- in which order ------------------------------------------------------------------------------------------------


def _tour(grid: Grid, views: list[View]) -> list[int]:
    """An open tour over all viewpoints: nearest neighbour, then 2-opt."""
    cells = np.array([grid.cell(v.xy) for v in views])
    far = np.stack([grid.distances_from(v.xy)[cells[:, 0], cells[:, 1]] for v in views]).astype(float)
    order, left = [0], set(range(1, len(views)))
    while left:
        order.append(min(left, key=lambda j: (far[order[-1], j], j)))
        left.remove(order[-1])
    better = True
    while better:
        better = False
        for i in range(len(order) - 1):
            for j in range(i + 1, len(order)):
                turned = order[:i] + order[i : j + 1][::-1] + order[j + 1 :]
                if _cost(far, turned) < _cost(far, order) - 1e-6:
                    order, better = turned, True
    return order


def _cost(far: np.ndarray, order: list[int]) -> float:
    return float(far[order[:-1], order[1:]].sum())


# -- how to get there ----------------------------------------------------------------------------------------------


class _Walker:
    """Exact dead reckoning of a robot that only takes steps that are free."""

    def __init__(self, grid: Grid, spec: RobotSpec, xy: XY):
        self.grid, self.spec = grid, spec
        self.x, self.y, self.heading = *xy, 0  # heading counts turns
        self.start = (xy[0], xy[1], 0.0)
        self.actions: list[str] = []

    def ahead(self, heading: int, xy: XY | None = None) -> XY:
        """Where a step from ``xy`` (default: here) ends."""
        x, y = xy or (self.x, self.y)
        yaw = heading * self.spec.turn_rad
        return x + self.spec.forward_m * math.cos(yaw), y + self.spec.forward_m * math.sin(yaw)

    def bearing(self, xy: XY) -> int:
        """The heading nearest to the direction of a point."""
        return round(math.atan2(xy[1] - self.y, xy[0] - self.x) / self.spec.turn_rad) % TURNS

    def turn_to(self, heading: int) -> None:
        left = (heading - self.heading) % TURNS
        self.actions += ["left"] * left if left <= TURNS // 2 else ["right"] * (TURNS - left)
        self.heading = heading

    def go(self, goal: XY) -> None:
        """Follow the geodesic to within REACHED_M of ``goal``, or as near as quantised steps come."""
        for _ in range(400):
            here = (self.x, self.y)
            if math.dist(here, goal) <= REACHED_M or not self._step(goal):
                return

    def _step(self, goal: XY) -> bool:
        here = (self.x, self.y)
        far = self.grid.distances_from(goal)
        now = float(far[self.grid.cell(here)])
        # Straight on while that is good progress: fewer turns, fewer frames.
        if self._gain(self.heading, far, now) > 0.8 * self.spec.forward_m:
            return self._forward(self.heading)
        path = self.grid.path(goal, here)[::-1]  # from the goal: its distance field is kept for all steps
        if len(path) < 2:
            return False
        wanted = self.bearing(next((p for p in path[1:] if math.dist(p, here) > 0.1), path[-1]))
        for off in (0, 1, -1, 2, -2, 3, -3, 4, -4):
            if self._gain(wanted + off, far, now) > 0.02:
                return self._forward((wanted + off) % TURNS)
        return self._squeeze(far, now)

    def _squeeze(self, far: np.ndarray, now: float, depth: int = 3) -> bool:
        """Up to three steps that only together come nearer: the way out where steps of 0.25 m hardly fit."""
        ways: list[tuple[XY, tuple[int, ...]]] = [((self.x, self.y), ())]
        for _ in range(depth):
            longer = {}
            for xy, way in ways:
                for heading in range(TURNS):
                    after = self.ahead(heading, xy)
                    if self.grid.line_of_sight(xy, after):
                        longer.setdefault(self.grid.cell(after), (after, (*way, heading)))
            ways = list(longer.values())
            best = min(ways, key=lambda w: float(far[self.grid.cell(w[0])]), default=None)
            if best and float(far[self.grid.cell(best[0])]) < now - 0.1:
                return all([self._forward(heading) for heading in best[1]])
        return False

    def _gain(self, heading: int, far: np.ndarray, now: float) -> float:
        """Metres nearer to the goal after one step that way; -inf where the step is not free."""
        after = self.ahead(heading)
        if not self.grid.line_of_sight((self.x, self.y), after):
            return -math.inf
        return now - float(far[self.grid.cell(after)])

    def _forward(self, heading: int) -> bool:
        self.turn_to(heading)
        self.x, self.y = self.ahead(heading)
        self.actions.append("forward")
        return True

    def look(self, view: View) -> None:
        """Face the view's targets in the order of least turning, or turn once around."""
        if view.around:
            self.actions += ["left"] * TURNS
            return
        left = sorted({self.bearing(t) for t in view.targets})
        while left:
            nearest = min(left, key=lambda h: min((h - self.heading) % TURNS, (self.heading - h) % TURNS))
            left.remove(nearest)
            self.turn_to(nearest)


def _walk(grid: Grid, spec: RobotSpec, views: list[View]) -> _Walker:
    walker = _Walker(grid, spec, views[0].xy)
    for view in views:
        walker.go(view.xy)
        walker.look(view)
    return walker
