"""From posed RGB-D frames to a flat view: vertical slices around the robot, as policies trained on fans see a house.

A slice shows the nearest thing in it and one thing more (see :class:`Slices`). A camera is narrower than the fan, so
the frames of the last moments stay as points in the map: a robot that has turned around knows what is beside it.
Nothing but depth, believed poses and what a detector named is used.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from embodied_mem.ontology import FURNITURE, THINGS
from embodied_mem.types import Detection, Frame

#: What a slice can show, by number: the first three have no detector.
LABELS = ("nothing", "wall", "door frame", *FURNITURE, *THINGS)
NOTHING, WALL, DOOR_FRAME = range(3)
_NUMBER = {label: i for i, label in enumerate(LABELS)}
_FIRST_THING = 3 + len(FURNITURE)
A_RAY = 2.5  # samples, at least, of what is not a thing; of things every pixel counts
FLOOR_M, OVER_M = 0.08, 2.1  # what lies lower is floor, what hangs higher is ceiling or lintel
VOXEL_M = 0.04  # of what is remembered
TALL_M = 0.05  # below the eye: what reaches so high is not seen over
CLUSTER_M, FEWEST = 0.12, 3  # that many points within that depth are something, fewer are noise
EDGE_M = 0.35  # a wall that ends this far before what is behind it ends at an opening
FRAME_M = 0.13  # of a wall's end, the opening's depth included, is its frame
IN_SHELF_M = 0.7  # behind a tall piece's front at which something in it can stand
HIDDEN_M = 0.08  # a thing whose top is this far below the line over what stands before it is not seen


@dataclass(frozen=True)
class Slices:
    """N slices from left to right: metres on the floor (float64 N) and numbers in :data:`LABELS` (int64 N).

    first: the nearest thing, movable or not. second: behind a movable thing the solid one; else the movable thing (on
    furniture, say); else what is seen over low furniture; else 0. Where no frame has looked both are 0, "nothing".
    """

    first: np.ndarray
    first_kind: np.ndarray
    second: np.ndarray
    second_kind: np.ndarray

    def nearest(self, label: str) -> float:
        """Metres to the nearest thing of a label in view; inf where there is none."""
        number, shown = _NUMBER.get(label, -1), [math.inf]
        for metres, kind in ((self.first, self.first_kind), (self.second, self.second_kind)):
            shown += metres[kind == number].tolist()
        return min(shown)

    @property
    def seen(self) -> float:
        """Share of slices that any frame has looked into."""
        return float((self.first_kind != NOTHING).mean())


@dataclass(frozen=True)
class _Points:
    """What one frame adds, N rows: x, y, z (m, map), kind, and whether it reaches the height of the eye."""

    xyz: np.ndarray
    kind: np.ndarray
    tall: np.ndarray


class FanView:
    """Remembers the last ``keep`` frames as points. ``rays`` slices over ``spread`` radians, from ``eye_m`` up."""

    def __init__(self, rays: int = 64, spread: float = math.radians(120), eye_m: float = 1.3, keep: int = 60) -> None:
        self.rays, self.spread, self.eye_m = rays, spread, eye_m
        self._frames: deque[_Points] = deque(maxlen=keep)

    def add(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Take in a frame and what a detector named in it (labels it does not know are furniture of no name)."""
        kind = np.full(frame.depth.shape, WALL, np.int16)
        for found in detections:  # largest first: what stands on something is named after it
            kind[found.mask] = _NUMBER.get(found.label, WALL)
        stride = max(1, round(frame.camera.focal * self.spread / self.rays / A_RAY))
        chosen = np.zeros(kind.shape, bool)
        chosen[stride // 2 :: stride, stride // 2 :: stride] = True
        chosen |= kind >= _FIRST_THING
        rows, columns = np.nonzero(chosen & (frame.depth > 0))
        depth, kind = frame.depth[rows, columns].astype(np.float64), kind[rows, columns]
        xyz = _to_map(frame, rows, columns, depth)
        rises = (xyz[:, 2] > FLOOR_M) | ((kind > DOOR_FRAME) & (xyz[:, 2] > 0.02))
        keep = rises & (xyz[:, 2] < OVER_M)
        xyz, kind, rows = xyz[keep], kind[keep], rows[keep]
        # The top of the image may lie below the eye: what fills it reaches as high as can be told.
        high = (xyz[:, 2] > self.eye_m - TALL_M) | ((rows < 2 * stride) & (xyz[:, 2] > self.eye_m / 2))
        self._frames.append(_thinned(_Points(xyz, kind, high)))

    def look(self, x: float, y: float, yaw: float) -> Slices:
        """The slices around a place (m) towards a heading (rad), both in the map."""
        if not self._frames:
            none, nothing = np.zeros(self.rays), np.zeros(self.rays, np.int64)
            return Slices(none, nothing, none, nothing)
        xyz, kind, tall = (np.concatenate([getattr(f, k) for f in self._frames]) for k in ("xyz", "kind", "tall"))
        dx, dy = xyz[:, 0] - x, xyz[:, 1] - y
        away = np.hypot(dx, dy)
        turn = np.arctan2(dy, dx) - yaw
        turn = np.mod(turn + math.pi, math.tau) - math.pi
        slot = (self.spread / 2 - turn) * (self.rays / self.spread) - 0.5
        near = (slot > -1.5) & (slot < self.rays + 0.5) & (away > 0.05)
        slot, away, z, kind, tall = slot[near], away[near], xyz[near, 2], kind[near], tall[near]
        thing = kind >= _FIRST_THING
        ray, of = self._rays_of(slot[~thing], away[~thing], VOXEL_M)
        number = np.flatnonzero(~thing)[of]
        front = _nearest(ray, away[number], kind[number], z[number], self.rays, FEWEST)
        number, ray = number[tall[number]], ray[tall[number]]
        over = _nearest(ray, away[number], kind[number], z[number], self.rays, FEWEST - 1)
        frames = self._door_frames(over, yaw)
        over.kind[frames] = DOOR_FRAME
        same = over.metres <= front.metres + CLUSTER_M
        front.kind[same & frames & (front.kind == WALL)] = DOOR_FRAME
        ray, of = self._rays_of(slot[thing], away[thing], VOXEL_M / 2)
        number = np.flatnonzero(thing)[of]
        clear = _in_sight(ray, away[number], z[number], self.eye_m, front, over)
        ray, number = ray[clear], number[clear]
        return _combined(front, over, same, _nearest(ray, away[number], kind[number], z[number], self.rays, 1))

    def _rays_of(self, slot: np.ndarray, away: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
        """Which rays points meet that stand for ``size`` metres: numbers of rays, and of the point for each."""
        half = size / 2 / np.maximum(away, size) * (self.rays / self.spread)
        low = np.minimum(np.ceil(slot - half), np.round(slot)).astype(np.int64)
        high = np.maximum(np.floor(slot + half), np.round(slot)).astype(np.int64)
        of = np.repeat(np.arange(len(slot)), high - low + 1)
        ray = low[of] + np.arange(len(of)) - np.searchsorted(of, of)
        inside = (ray >= 0) & (ray < self.rays)
        return ray[inside], of[inside]

    def _door_frames(self, over: _Fronts, yaw: float) -> np.ndarray:
        """(N) bool: where a wall ends before an opening. A wall seen at a slant goes on where its line says."""
        turn = yaw + self.spread / 2 - (np.arange(self.rays) + 0.5) * (self.spread / self.rays)
        at = over.metres[:, None] * np.column_stack((np.cos(turn), np.sin(turn)))
        wall, frame = (over.kind == WALL) & np.isfinite(over.metres), np.zeros(self.rays, bool)
        for step in (1, -1):
            for i in range(1, self.rays - 1):
                last, beyond = i, i + step
                if not wall[last] or not np.isfinite(over.metres[beyond]):
                    continue
                slope = over.metres[last] - over.metres[last - step] if wall[last - step] else 0.0
                if over.metres[beyond] - over.metres[last] > EDGE_M + 2 * max(0.0, slope):
                    frame |= wall & (np.hypot(*(at - at[last]).T) < FRAME_M)
        return frame


class _Fronts(NamedTuple):
    """The nearest of something in each ray: metres (inf: none), kind, the highest point of it (m)."""

    metres: np.ndarray
    kind: np.ndarray
    top: np.ndarray


def _nearest(ray: np.ndarray, away: np.ndarray, kind: np.ndarray, z: np.ndarray, rays: int, fewest: int) -> _Fronts:
    """The first stretch of CLUSTER_M with at least ``fewest`` points in each ray: its mean distance and usual kind."""
    fronts = _Fronts(np.full(rays, math.inf), np.zeros(rays, np.int64), np.zeros(rays))
    order = np.argsort(ray * 1000.0 + away, kind="stable")
    ray, away, kind, z = ray[order], away[order], kind[order], z[order]
    along = ray * 1000.0 + away
    end = np.searchsorted(along, along + CLUSTER_M, "right")
    start = np.flatnonzero(end - np.arange(len(end)) >= fewest)
    which, first = np.unique(ray[start], return_index=True)
    for i, a in zip(which.tolist(), start[first].tolist(), strict=True):
        b = int(end[a])
        fronts.metres[i] = away[a:b].mean()
        fronts.kind[i] = np.bincount(kind[a:b]).argmax()
        fronts.top[i] = z[a:b].max()
    return fronts


def _in_sight(
    ray: np.ndarray, away: np.ndarray, z: np.ndarray, eye: float, front: _Fronts, over: _Fronts
) -> np.ndarray:
    """(N) bool: points that nothing solid hides from an eye at that height; over low furniture one sees."""
    limit = over.metres[ray] + np.where(over.kind[ray] > DOOR_FRAME, IN_SHELF_M, CLUSTER_M)
    low = np.where(np.isfinite(front.metres), front.metres, 1.0)[ray]
    line = eye - (eye - front.top[ray]) * away / low
    behind = np.isfinite(front.metres[ray]) & (away > low + CLUSTER_M) & (front.metres < over.metres - CLUSTER_M)[ray]
    return (away < limit) & ~(behind & (z < line - HIDDEN_M))


def _combined(front: _Fronts, over: _Fronts, same: np.ndarray, things: _Fronts) -> Slices:
    """Two of solid, seen over it, and movable, as :class:`Slices` says."""
    there, before = np.isfinite(things.metres), things.metres < front.metres
    beyond = np.isfinite(over.metres) & ~same
    second = np.where(there, things.metres, np.where(beyond, over.metres, 0.0))
    second_kind = np.where(there, things.kind, np.where(beyond, over.kind, NOTHING))
    slices = (np.where(before, things.metres, front.metres), np.where(before, things.kind, front.kind),
              np.where(before, front.metres, second), np.where(before, front.kind, second_kind))  # fmt: skip
    return Slices(*(np.where(np.isfinite(part), part, 0) for part in slices))


def _thinned(points: _Points) -> _Points:
    """One point of a kind in each voxel; of things twice as fine."""
    size = np.where(points.kind >= _FIRST_THING, VOXEL_M / 2, VOXEL_M)
    cell = np.floor(points.xyz / size[:, None]).astype(np.int64) + 2**16
    code = ((cell[:, 0] << 34 | cell[:, 1] << 17 | cell[:, 2]) << 8) | points.kind
    _, kept = np.unique(code, return_index=True)
    return _Points(points.xyz[kept], points.kind[kept].astype(np.int64), points.tall[kept])


def _to_map(frame: Frame, rows: np.ndarray, columns: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Map-frame points, float64 N 3, of pixel centres at their depths."""
    camera, pose = frame.camera, frame.camera_to_map
    x = (columns + 0.5 - camera.width / 2) / camera.focal * depth
    y = (rows + 0.5 - camera.height / 2) / camera.focal * depth
    return np.column_stack((x, y, depth)) @ pose[:3, :3].T + pose[:3, 3]
