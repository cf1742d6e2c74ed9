"""Standing before a target by the own map: what passes its tests there, the nearest spot that does, the way to it.

A stop counts at an object that is at most 2 m away by the floor, at most 45° off and seen; at furniture next to whose
box the robot stands facing it; in a room where its base is inside. Chances are smooth in the margins to these limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from embodied_mem.geodesic import Grid
from embodied_mem.planner.goals.query import Target

OBJECT_M = 2.0  # the object test's limit
RING_M = 1.0  # furniture: how far from its box a viewpoint may lie
LEAST_SHARE = 0.001  # of the image that must show an object or a piece of furniture
CLEARANCE_M = 0.04  # as control.navigator keeps it
TIED_M = 0.1  # floor points whose distance to a thing differs by less may each be the nearest one in truth
SNAP_M = 1.5  # the floor beside what a thing stands on is not farther from it
SMEAR_M = 0.06  # by which depth noise makes things wider on the map
STRIDE_M = 0.4  # frames farther apart than this are not joined by a straight way
SPOTS_AT_ONCE = 160
ROBUST = 0.96  # chance to pass an object's distance test at a spot that is driven to
FACED = 0.9  # chance that a spot with a clear line on the map truly shows its target


@dataclass(frozen=True)
class View:
    """A place to stop at. pose: x, y (m) and where the camera looks (rad), map frame; frame: index of the stored frame
    taken there (None: no frame was); chance: that the target's tests hold there, if it is where memory has it."""

    pose: tuple[float, float, float]
    chance: float
    target: Target | None = None
    frame: int | None = None


class ProvenMap:
    """A site map on which the robot may also drive where it has been before: depth noise narrows gaps that it came
    through. ``stood`` (N 2, m): where it stood, in the order of its way."""

    def __init__(self, site_map, stood: np.ndarray) -> None:
        self._site, self._grids = site_map, {}
        near = np.hypot(*np.diff(stood, axis=0).T) < STRIDE_M if len(stood) > 1 else np.zeros(0, bool)
        along = np.linspace(0.0, 1.0, 8)[None, :, None]
        between = stood[:-1][near][:, None] * (1 - along) + stood[1:][near][:, None] * along
        self._way = np.concatenate((stood, between.reshape(-1, 2)))

    def grid(self, radius: float) -> Grid:
        """Geodesics for a body of ``radius`` metres; the same object until the map changes."""
        free = self._site.grid(radius)
        if self._grids.get(radius, (None, None))[0] is not free:
            driven = np.zeros(free.passable.shape, bool)
            cells = np.floor((self._way - free.origin) / free.resolution).astype(int)
            cells = cells[((cells >= 0) & (cells < driven.shape)).all(axis=1)]
            driven[cells[:, 0], cells[:, 1]] = True
            driven = ndimage.binary_dilation(driven, np.ones((3, 3)))
            self._grids[radius] = free, Grid(free.passable | driven, free.origin, free.resolution)
        return self._grids[radius][1]

    def __getattr__(self, name: str):
        return getattr(self._site, name)


class GoalFloor:
    """The floor that a robot (``spec``: RobotSpec) may stand on; ``stood`` (N 2, m): where it has been."""

    def __init__(self, site_map, spec, stood: np.ndarray) -> None:
        self.site_map, self.spec = site_map, spec
        self.proven = ProvenMap(site_map, stood)
        self.ground = self.proven.grid(spec.radius_m)  # where the body fits at all, as the tests see it
        self.ways = self.proven.grid(spec.radius_m + CLEARANCE_M)  # where it may be driven
        # Floor that nobody saw, or that depth noise narrows, as between a sofa and a table, may be nearest to a thing.
        loose = _not_occupied(site_map, spec.radius_m - SMEAR_M)
        self.perhaps = Grid(loose, tuple(site_map.origin), site_map.resolution)
        self._reached = {id(g): _reached(g, stood) for g in (self.ground, self.perhaps)}
        self._depths: dict[int, np.ndarray] = {}
        self._roomy = ndimage.binary_erosion(self.ways.passable, iterations=2)

    def near(self, target: Target, xy: np.ndarray) -> np.ndarray:
        """(N) chance that floor points (N 2, m) pass the target's distance test."""
        if target.kind == "room":
            return rises(self._inside(target.room, xy), 0.15, 0.08)
        if target.kind == "receptacle":
            gap = box_gap(target, xy)
            return rises(RING_M - gap, 0.12, 0.06) * rises(gap, 0.15, 0.03)
        both = [self.floor_m(target, xy, grid) for grid in (self.ground, self.perhaps)]
        return np.mean([rises(OBJECT_M - metres, 0.1, 0.12) for metres in both], axis=0)

    def floor_m(self, target: Target, xy: np.ndarray, grid: Grid) -> np.ndarray:
        """(N) way from floor points to the floor nearest to a thing (m); the longest where that floor is in doubt."""
        cells = snapped(grid, xy)
        known = (cells >= 0).all(axis=1)
        metres = np.zeros(len(xy))
        for spot in self._nearest_floor(grid, middle(target)[:2]):
            field = grid.distances_from(spot)
            metres = np.maximum(metres, np.where(known, field[cells[:, 0], cells[:, 1]], np.inf))
        return metres

    def _nearest_floor(self, grid, xy: np.ndarray) -> list[tuple[float, float]]:
        """The floor points nearest to a thing, in its own room if there are any: one of each stretch of cells that
        are as good as equally near."""
        cells = np.argwhere(self._reached[id(grid)])
        gaps = np.hypot(*((cells + 0.5) * grid.resolution + grid.origin - xy).T)
        room = self.site_map.room_at(*map(float, xy))
        own = self.site_map.room_grid[cells[:, 0], cells[:, 1]] == (room.id if room else -1)
        if (own & (gaps <= SNAP_M)).any():
            cells, gaps = cells[own], gaps[own]
        if not len(cells):
            return []
        near = gaps <= gaps.min() + TIED_M
        mask = np.zeros(grid.passable.shape, bool)
        mask[tuple(cells[near].T)] = True
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        stretch = np.where(near, labels[tuple(cells.T)], 0)
        nearest = [np.flatnonzero(stretch == k)[np.argmin(gaps[stretch == k])] for k in range(1, count + 1)]
        return [grid.centre(cells[i]) for i in nearest]

    # -- standing spots -----------------------------------------------------------------------------------------

    def way_from(self, xy: tuple[float, float]) -> np.ndarray:
        """Metres from a floor point to every cell of ``ways`` (X Y, inf: no way)."""
        here = self.ways.nearest_passable(xy, 0.8)
        return self.ways.distances_from(here if here is not None else xy)

    def spot(self, target: Target, field: np.ndarray) -> tuple[float, View] | None:
        """The standing spot with the shortest way (``field`` of :meth:`way_from`) that passes with a wide margin and
        has a clear line to the target on the map: (metres, view), or None."""
        found = self._first_clear(target, field, self._robust)
        if found is None:
            return None
        metres, xy = found
        point = middle(target)
        yaw = math.atan2(point[1] - xy[1], point[0] - xy[0])
        chance = float(self.near(target, np.array([xy]))[0]) * (1.0 if target.kind == "room" else FACED)
        return metres, View((*xy, yaw), chance, target)

    def stands_at(self, target: Target, xy: tuple[float, float]) -> bool:
        """Whether a robot at a floor point (m) passes already, once it faces the target."""
        at = np.array([xy])
        return bool(self.near(target, at)[0] >= 0.9 and self._clear(target, at)[0])

    def metres_to(self, target: Target, field: np.ndarray) -> float:
        """Metres of the way to the target's own geometry, as tests and tours measure it; inf where there is none."""
        if target.kind == "object":
            spots = [self.ways.nearest_passable(p) for p in self._nearest_floor(self.ground, middle(target)[:2])]
            return min((float(field[self.ways.cell(p)]) for p in spots if p is not None), default=math.inf)
        found = self._first_clear(target, field, self._at_all)
        return found[0] if found else math.inf

    def _first_clear(self, target: Target, field: np.ndarray, fits) -> tuple[float, tuple[float, float]] | None:
        """(metres, x, y) of the nearest cell that ``fits`` with a clear line to the target."""
        cells = np.argwhere(np.isfinite(field))
        centres = np.array(self.ways.origin) + (cells + 0.5) * self.ways.resolution
        keep = fits(target, centres)
        cells, centres = cells[keep], centres[keep]
        metres = field[cells[:, 0], cells[:, 1]]
        order = np.argsort(metres, kind="stable")
        for start in range(0, len(order), SPOTS_AT_ONCE):
            some = order[start : start + SPOTS_AT_ONCE]
            clear = np.flatnonzero(self._clear(target, centres[some]))
            if len(clear):
                i = some[clear[0]]
                return float(metres[i]), (float(centres[i][0]), float(centres[i][1]))
        return None

    def _at_all(self, target: Target, xy: np.ndarray) -> np.ndarray:
        """(N) bool: floor points from which furniture has viewpoints, or that lie in the room."""
        if target.kind == "room":
            return self._inside(target.room, xy) > 0.05
        return box_gap(target, xy) <= RING_M

    def _robust(self, target: Target, xy: np.ndarray) -> np.ndarray:
        """(N) bool: floor points well inside the distance test, with room for an arrival that is 0.2 m off."""
        if target.kind == "room":
            return self._inside(target.room, xy) >= 0.4
        if target.kind == "receptacle":
            # Not at the floor's edge either: the viewpoints that the test measures to are sparse there.
            gap, cells = box_gap(target, xy), snapped(self.ways, xy)
            return (gap >= 0.3) & (gap <= 0.66) & self._roomy[cells[:, 0], cells[:, 1]]
        away = np.hypot(*(xy - middle(target)[:2]).T)
        near = (away >= 0.45) & (away <= min(1.4, self._sight_m(target)))
        near[near] = self.near(target, xy[near]) >= ROBUST
        return near

    def _sight_m(self, target: Target) -> float:
        """From how far a thing of its size covers twice the least share, with half of it hidden."""
        size = np.subtract(target.high, target.low)
        apparent = 0.5 * self.spec.camera.focal**2 * float(max(size[0], size[1]) * size[2])
        return self._range_of(apparent)

    def _range_of(self, apparent: float) -> float:
        """Metres from which what covers ``apparent`` pixels at one metre covers twice the least share."""
        least = 2 * LEAST_SHARE * self.spec.camera.width * self.spec.camera.height
        return max(0.8, math.sqrt(apparent / least)) if apparent > 0 else 1.4

    def _clear(self, target: Target, xy: np.ndarray) -> np.ndarray:
        if target.kind == "room":
            return np.ones(len(xy), bool)
        camera = self.spec.camera
        eyes = np.column_stack((xy, np.full(len(xy), camera.height_m)))
        if target.kind == "object":
            return self.site_map.eyes_on(eyes, middle(target), camera, OBJECT_M + 0.5)
        # Its near edge is what the robot stands before. A wall right behind it is told by the room alone.
        clear = self._same_room(target, xy)
        for i in np.flatnonzero(clear):
            x, y = xy[i]
            edge = (*np.clip((x, y), target.low[:2], target.high[:2]), min(target.high[2], 0.9))
            clear[i] = self.site_map.eyes_on(eyes[i : i + 1], edge, camera, 3.0)[0]
        return clear

    def _same_room(self, target: Target, xy: np.ndarray) -> np.ndarray:
        """(N) bool: floor points in the room that most of the furniture stands in; all where the map does not tell."""
        low, high = (np.floor((np.array(c[:2]) - self.site_map.origin) / self.site_map.resolution).astype(int)
                     for c in (target.low, target.high))  # fmt: skip
        inside = self.site_map.room_grid[max(low[0], 0) : high[0] + 1, max(low[1], 0) : high[1] + 1]
        rooms, counts = np.unique(inside[inside > 0], return_counts=True)
        if not len(rooms):
            return np.ones(len(xy), bool)
        cells = np.floor((xy - self.site_map.origin) / self.site_map.resolution).astype(int)
        return self.site_map.room_grid[cells[:, 0], cells[:, 1]] == rooms[np.argmax(counts)]

    # -- the map ------------------------------------------------------------------------------------------------

    def _inside(self, room: int, xy: np.ndarray) -> np.ndarray:
        """(N) metres from floor points to the border of a room, 0 outside it."""
        site = self.site_map
        if room not in self._depths:
            self._depths[room] = ndimage.distance_transform_edt(site.room_grid == room) * site.resolution
        depth = self._depths[room]
        cells = np.floor((np.asarray(xy) - site.origin) / site.resolution).astype(int)
        on = ((cells >= 0) & (cells < site.shape)).all(axis=1)
        return np.where(on, depth[np.where(on, cells[:, 0], 0), np.where(on, cells[:, 1], 0)], 0.0)


def middle(target: Target) -> np.ndarray:
    """The centre of a target's box (its point where the box is empty), metres."""
    low, high = np.array(target.low, float), np.array(target.high, float)
    return (low + high) / 2 if (high > low).any() else np.array(target.xyz, float)


def box_gap(target: Target, xy: np.ndarray) -> np.ndarray:
    """(N) metres on the floor from points (N 2) to the target's box, 0 inside."""
    low, high = np.array(target.low[:2]), np.array(target.high[:2])
    return np.hypot(*np.maximum(np.maximum(low - xy, xy - high), 0.0).T)


def rises(value, middle_at: float, width: float):
    """A smooth step from 0 to 1: one half at ``middle_at``, ``width`` sets how soft it is."""
    return 1.0 / (1.0 + np.exp(-np.clip((np.asarray(value) - middle_at) / width, -40.0, 40.0)))


def _not_occupied(site_map, radius: float) -> np.ndarray:
    """bool X Y: where a body of ``radius`` touches nothing on the map, whether or not the floor there was seen."""
    gap = ndimage.distance_transform_edt(~site_map.occupied()) - 0.5
    return (gap * site_map.resolution >= radius) & (site_map.room_grid > 0)


def _reached(grid: Grid, xy: np.ndarray) -> np.ndarray:
    """bool X Y: cells with a way from where the robot has been; pockets of floor without one count for nothing."""
    labels, count = ndimage.label(grid.passable)
    cells = snapped(grid, xy)
    stood = np.bincount(labels[cells[:, 0], cells[:, 1]][(cells >= 0).all(axis=1)], minlength=count + 1)
    return labels == int(np.argmax(stood[1:])) + 1 if count else grid.passable


def snapped(grid: Grid, xy: np.ndarray) -> np.ndarray:
    """(N 2) passable cells under floor points (N 2), moved by at most 0.5 m; −1 where there is none."""
    cells = np.floor((np.asarray(xy, float).reshape(-1, 2) - grid.origin) / grid.resolution).astype(int)
    on = ((cells >= 0) & (cells < grid.passable.shape)).all(axis=1)
    on[on] = grid.passable[cells[on, 0], cells[on, 1]]
    for i in np.flatnonzero(~on):
        at = grid.nearest_passable(xy[i])
        cells[i] = grid.cell(at) if at is not None else (-1, -1)
    return cells
