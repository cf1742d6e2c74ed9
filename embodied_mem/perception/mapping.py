"""The robot's own map: what stood how high in each floor cell, from depth and believed poses alone.

A column histogram: for each cell of 0.05 m the depth returns are counted in layers of height. All the
rest is read off it: floor that was seen is free, returns at the body's height are obstacles, returns up
high are walls, and a ray through a filled voxel is blocked. Arrays are indexed ``[ix, iy]``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from embodied_mem.errors import InputError
from embodied_mem.geodesic import Grid
from embodied_mem.memory.records import RoomNode
from embodied_mem.types import Camera, Frame

RESOLUTION = 0.05
FLOOR_M, LAYER_M, LAYERS = (-0.15, 0.08), 0.12, 21  # layer 0 is the floor, then 20 layers up to 2.48 m
BODY = slice(1, 13)  # 0.08 to 1.52 m: what a robot bumps into
WALL = slice(14, 16)  # 1.76 to 2.00 m: above nearly all furniture and below the lintel of a door
MAX_RANGE_M = 5.0
MIN_HITS = 3
FADE = 3  # a new visit divides the earlier returns by this, so that what moved away is forgotten
_GROW = 40  # cells added at a time on a side


class SiteMap:
    """Grows as frames are integrated. ``origin``: x, y of the outer corner of cell (0, 0), metres.

    hits: uint16 L X Y returns per layer of height; room_grid: int16 X Y, 0 where no room is; rooms: its
    RoomNodes (both set by :func:`embodied_mem.perception.rooms.segment_rooms`).
    """

    def __init__(self) -> None:
        self.resolution = RESOLUTION
        self.origin = np.zeros(2)
        self.hits = np.zeros((LAYERS, 0, 0), np.uint16)
        self.room_grid = np.zeros((0, 0), np.int16)
        self.rooms: list[RoomNode] = []
        self.revision = 0
        self._visit = ""
        self._cache: dict[object, tuple[int, object]] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along x and y."""
        return self.hits.shape[1], self.hits.shape[2]

    # -- writing ------------------------------------------------------------------------------------------------

    def integrate(self, frame: Frame, stride: int = 4) -> None:
        """Count the returns of one frame (every ``stride``-th pixel, up to 5 m) and the floor under the robot."""
        if frame.ref.visit != self._visit:
            self._begin(frame.ref.visit)
        points = _points(frame, stride)
        layer = np.floor((points[:, 2] - FLOOR_M[1]) / LAYER_M).astype(np.intp) + 1
        layer[points[:, 2] < FLOOR_M[1]] = 0
        keep = (points[:, 2] > FLOOR_M[0]) & (layer < LAYERS)
        points, layer = points[keep, :2], layer[keep]
        stand = frame.base_to_map[:2, 3] + _FOOTPRINT
        points, layer = np.concatenate((points, stand)), np.concatenate((layer, np.zeros(len(stand), np.intp)))
        self._grow(points)
        cells = np.floor((points - self.origin) / self.resolution).astype(np.intp)
        flat, counts = np.unique(np.ravel_multi_index((layer, *cells.T), self.hits.shape), return_counts=True)
        hits = self.hits.reshape(-1)
        hits[flat] = np.minimum(hits[flat].astype(np.int64) + counts, 65535)
        self.revision += 1

    def _begin(self, visit: str) -> None:
        """A new visit: what was seen long ago gives way to what is seen now."""
        self._visit = visit
        if self.hits.size:
            keep = np.minimum(self.hits, 1)  # a trace stays: known once is not unknown again
            keep[0] = np.minimum(self.hits[0], 2)
            self.hits = np.maximum(self.hits // FADE, keep)

    def _grow(self, points: np.ndarray) -> None:
        low = np.floor((points.min(axis=0) - self.origin) / self.resolution).astype(int)
        high = np.floor((points.max(axis=0) - self.origin) / self.resolution).astype(int) + 1
        if self.hits.size == 0:
            self.origin = (np.floor(points.min(axis=0) / self.resolution) - _GROW) * self.resolution
            self.hits = np.zeros((LAYERS, *(high - low + 2 * _GROW)), np.uint16)
            self.room_grid = np.zeros(self.shape, np.int16)
            return
        before = np.where(low < 0, -low + _GROW, 0)
        after = np.where(high > self.shape, high - self.shape + _GROW, 0)
        if before.any() or after.any():
            sides = [(int(b), int(a)) for b, a in zip(before, after, strict=True)]
            self.hits = np.pad(self.hits, [(0, 0), *sides])
            self.room_grid = np.pad(self.room_grid, sides)
            self.origin = self.origin - before * self.resolution

    # -- reading ------------------------------------------------------------------------------------------------

    def _derived(self, key: object, compute):
        """Compute once per revision of the map."""
        revision, value = self._cache.get(key, (-1, None))
        if revision != self.revision:
            value = compute()
            self._cache[key] = (self.revision, value)
        return value

    def occupied(self) -> np.ndarray:
        """bool X Y: something stands here at the body's height."""
        return self._derived("occupied", self._occupied)

    def _occupied(self) -> np.ndarray:
        body = self.hits[BODY].sum(axis=0, dtype=np.int32)
        # Depth noise smears a wall over the floor before it: there the floor's returns outnumber the wall's.
        return (body >= MIN_HITS) & (body >= 0.3 * self.hits[0])

    def free(self) -> np.ndarray:
        """bool X Y: floor was seen here and nothing stands on it (gaps between samples are closed)."""
        return self._derived("free", self._free)

    def _free(self) -> np.ndarray:
        floor = (self.hits[0] >= 2) & ~self.occupied()
        return ndimage.binary_closing(floor, np.ones((3, 3)), iterations=2) & ~self.occupied()

    def unknown(self) -> np.ndarray:
        """bool X Y: neither free nor occupied."""
        return ~(self.free() | self.occupied())

    def passable(self, radius: float) -> np.ndarray:
        """bool X Y: free cells where a disc of ``radius`` metres touches nothing that stands."""
        clearance = ndimage.distance_transform_edt(np.pad(~self.occupied(), 1, constant_values=True))[1:-1, 1:-1]
        return self.free() & ((clearance - 0.5) * self.resolution >= radius)

    def grid(self, radius: float) -> Grid:
        """Geodesics for a body of ``radius`` metres; the same object until the map changes."""
        return self._derived(
            ("grid", radius), lambda: Grid(self.passable(radius), tuple(self.origin), self.resolution)
        )

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """The cell under a point, None off the map."""
        ix, iy = np.floor((np.array((x, y)) - self.origin) / self.resolution).astype(int)
        return (int(ix), int(iy)) if 0 <= ix < self.shape[0] and 0 <= iy < self.shape[1] else None

    def room_at(self, x: float, y: float) -> RoomNode | None:
        """The room at a point (furniture and the near side of walls included), None outside every room."""
        cell = self.cell(x, y)
        number = int(self.room_grid[cell]) if cell else 0
        return next((room for room in self.rooms if room.id == number), None) if number else None

    def frontiers(self, min_cells: int = 6) -> list[tuple[float, float]]:
        """One floor point for each stretch of at least ``min_cells`` free cells that border on unknown ones."""
        border = self.free() & ndimage.binary_dilation(self.unknown())
        stretches, count = ndimage.label(border, np.ones((3, 3)))
        points = []
        for number in range(1, count + 1):
            cells = np.argwhere(stretches == number)
            if len(cells) >= min_cells:
                middle = cells[np.argmin(((cells - cells.mean(axis=0)) ** 2).sum(axis=1))]
                points.append(tuple(map(float, self.origin + (middle + 0.5) * self.resolution)))
        return points

    # -- sight --------------------------------------------------------------------------------------------------

    def visible_from(
        self, x: float, y: float, z: float, yaw: float | None, target: Sequence[float], camera: Camera,
        max_range: float = MAX_RANGE_M,
    ) -> bool | np.ndarray:
        """Whether a camera at x, y, height z (m), heading yaw (None: any) sees the point(s) ``target``.

        target: x, y, z or N 3; the answer is a bool or bool N. Points off the image, beyond
        ``max_range`` or behind something on the map are not seen.
        """
        targets = np.atleast_2d(np.asarray(target, dtype=np.float64))
        eye = np.array((x, y, z), dtype=np.float64)
        seen = _in_view(eye, yaw, targets, camera) & (np.linalg.norm(targets - eye, axis=1) <= max_range)
        for i in np.flatnonzero(seen):
            seen[i] = self._clear(eye, targets[i])
        return bool(seen[0]) if np.ndim(target) == 1 else seen

    def eyes_on(self, eyes: np.ndarray, target: Sequence[float], camera: Camera, max_range: float) -> np.ndarray:
        """bool N: which of the cameras at ``eyes`` (N 3, m), turned to it, see ``target``; as :meth:`visible_from`."""
        away = np.asarray(target, dtype=np.float64) - np.asarray(eyes, dtype=np.float64).reshape(-1, 3)
        distance = np.linalg.norm(away, axis=1)
        seen = _in_view(np.zeros(3), None, away, camera) & (distance <= max_range)
        which = np.flatnonzero(seen)
        if not len(which):
            return seen
        eyes, away, distance = np.asarray(eyes, dtype=np.float64)[which], away[which], distance[which, None]
        along = np.arange(0.15, max(0.16, float(distance.max()) - 0.1), self.resolution * 0.8)[None, :]
        points = eyes[:, None, :] + (away / np.maximum(distance, 1e-9))[:, None, :] * along[:, :, None]
        cells = np.floor((points[..., :2] - self.origin) / self.resolution).astype(int)
        layer = np.floor((points[..., 2] - FLOOR_M[1]) / LAYER_M).astype(int) + 1
        inside = (cells >= 0).all(axis=2) & (cells < self.shape).all(axis=2) & (along < distance - 0.1)
        inside &= (layer > 0) & (layer < LAYERS)
        ix, iy = (np.where(inside, cells[..., k], 0) for k in (0, 1))
        voxels = self.filled()[np.where(inside, layer, 0), ix, iy] & inside & (along < distance - 0.35)
        seen[which] = (voxels.sum(axis=1) < 3) & ~(self.walls()[ix, iy] & inside).any(axis=1)
        return seen

    def _clear(self, eye: np.ndarray, target: np.ndarray) -> bool:
        distance = float(np.linalg.norm(target - eye))
        along = np.arange(0.15, distance - 0.1, self.resolution * 0.8)
        points = eye + (target - eye) / max(distance, 1e-9) * along[:, None]
        ix, iy = np.floor((points[:, :2] - self.origin) / self.resolution).astype(int).T
        layer = np.floor((points[:, 2] - FLOOR_M[1]) / LAYER_M).astype(int) + 1
        inside = (ix >= 0) & (iy >= 0) & (ix < self.shape[0]) & (iy < self.shape[1]) & (layer > 0) & (layer < LAYERS)
        ix, iy, layer, along = ix[inside], iy[inside], layer[inside], along[inside]
        # What the target stands on or in does not hide it, a wall right before it does. One filled voxel is an
        # edge that the ray grazes.
        voxels = self.filled()[layer, ix, iy] & (along < distance - 0.35)
        return int(voxels.sum()) < 3 and not bool(self.walls()[ix, iy].any())

    def filled(self) -> np.ndarray:
        """bool L X Y: voxels that hold something; thinly hit ones beside densely hit ones are depth noise."""
        return self._derived("filled", lambda: solid(self.hits))

    def walls(self) -> np.ndarray:
        """bool X Y: walls and what is as tall, doorways not."""
        return self._derived("walls", lambda: solid(self.hits[WALL].sum(axis=0, dtype=np.int32)[None])[0])

    # -- keeping ------------------------------------------------------------------------------------------------

    def copy(self) -> SiteMap:
        """An independent copy: working memory for one question."""
        other = SiteMap()
        other.origin, other.hits, other.room_grid = self.origin.copy(), self.hits.copy(), self.room_grid.copy()
        other.rooms, other.revision, other._visit = list(self.rooms), self.revision, self._visit
        other._cache = dict(self._cache)
        return other

    def to_bytes(self) -> bytes:
        """The map as a compressed npz without pickles."""
        rooms = [[r.id, r.label, r.confidence, list(r.centroid), list(r.rect)] for r in self.rooms]
        header = json.dumps({"format": 1, "revision": self.revision, "visit": self._visit, "rooms": rooms})
        buffer = io.BytesIO()
        text = np.frombuffer(header.encode(), np.uint8)
        np.savez_compressed(buffer, header=text, origin=self.origin, hits=self.hits, room_grid=self.room_grid)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> SiteMap:
        """The map of :meth:`to_bytes`; raises InputError on damaged or foreign bytes."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                header = json.loads(arrays["header"].tobytes())
                site = cls()
                site.origin, site.hits, site.room_grid = arrays["origin"], arrays["hits"], arrays["room_grid"]
            site.revision, site._visit = header["revision"], header["visit"]
            site.rooms = [RoomNode(i, label, c, tuple(xy), tuple(rect)) for i, label, c, xy, rect in header["rooms"]]
            if header["format"] != 1 or site.hits.shape != (LAYERS, *site.room_grid.shape):
                raise ValueError(f"format {header['format']}, layers {site.hits.shape}")
        except Exception as error:  # zip, zlib, json, shape: whatever a damaged file brings
            raise InputError(f"not a map of this version ({error}); record a visit to make a new one") from error
        return site


def solid(hits: np.ndarray, share: float = 0.25) -> np.ndarray:
    """bool L X Y of counts L X Y: hit MIN_HITS times and at least ``share`` as often as the densest neighbour.

    What is thinner beside something dense (within 0.1 m) is the noise around it.
    """
    return (hits >= MIN_HITS) & (hits >= share * ndimage.maximum_filter(hits, (1, 5, 5)))


def _disc(radius: float) -> np.ndarray:
    steps = np.arange(-radius, radius + 1e-9, RESOLUTION)
    x, y = np.meshgrid(steps, steps)
    inside = x**2 + y**2 <= radius**2
    return np.repeat(np.column_stack((x[inside], y[inside])), 2, axis=0)  # twice: standing there is proof enough


_FOOTPRINT = _disc(0.2)


def _points(frame: Frame, stride: int) -> np.ndarray:
    """Map-frame points, float64 N 3, of every ``stride``-th pixel with a return within MAX_RANGE_M."""
    camera, start = frame.camera, stride // 2
    depth = frame.depth[start::stride, start::stride]
    rows, columns = np.nonzero((depth > 0) & (depth <= MAX_RANGE_M))
    depth = depth[rows, columns].astype(np.float64)
    x = (columns * stride + start + 0.5 - camera.width / 2) / camera.focal * depth
    y = (rows * stride + start + 0.5 - camera.height / 2) / camera.focal * depth
    pose = frame.camera_to_map
    return np.column_stack((x, y, depth)) @ pose[:3, :3].T + pose[:3, 3]


def _in_view(eye: np.ndarray, yaw: float | None, targets: np.ndarray, camera: Camera) -> np.ndarray:
    """bool N: inside the image; with yaw None only the elevation is checked (a robot can turn)."""
    away = targets - eye
    heading = np.arctan2(away[:, 1], away[:, 0]) if yaw is None else np.full(len(away), yaw)
    base = np.column_stack(
        (
            np.cos(heading) * away[:, 0] + np.sin(heading) * away[:, 1],
            -np.sin(heading) * away[:, 0] + np.cos(heading) * away[:, 1],
            away[:, 2],
        )
    )
    optical = base @ camera.to_base()[:3, :3]
    forward = np.maximum(optical[:, 2], 1e-6)
    u, v = (camera.focal * optical[:, k] / forward for k in (0, 1))
    return (optical[:, 2] > 0.05) & (np.abs(u) < camera.width / 2) & (np.abs(v) < camera.height / 2)
