"""From posed RGB-D frames to a flat view: vertical slices around the robot, as policies trained on fans see a house.

A camera is narrower than the fan, so the frames of the last moments stay as points in the map: a robot that has turned
around knows what is beside it. Nothing but depth, believed poses and what a detector named is used.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import maximum_filter

from embodied_mem.control.slices import (
    DOOR_FRAME,
    FIRST_THING,
    LABELS,
    NUMBERS,
    WALL,
    Fan,
    Slices,
    combined,
    door_frames,
    fronts,
    in_sight,
)
from embodied_mem.types import Detection, Frame

__all__ = ["LABELS", "FanView", "Slices"]

A_RAY = 2.5  # samples, at least, of what is not a thing; of things every pixel counts
FLOOR_M, OVER_M = 0.08, 1.9  # what lies lower is floor, what hangs higher is ceiling or a door's lintel
VOXEL_M = 0.04  # of what is remembered
TALL_M = 0.05  # below the eye: what reaches so high is not seen over
CELL_M, SMEAR_M, SMEARED = 0.05, 0.15, 0.35  # a wall's smear: so far around, with fewer than that share of its points
FEWEST = 3  # points that are something, fewer are noise


class _Points(NamedTuple):
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
        """Take in a frame and what a detector named in it; what it has no name for is taken for wall."""
        kind = np.full(frame.depth.shape, WALL, np.int64)
        for found in detections:  # largest first: what stands on something is named after it
            kind[found.mask] = NUMBERS.get(found.label, WALL)
        stride = max(1, round(frame.camera.focal * self.spread / self.rays / A_RAY))
        chosen = kind >= FIRST_THING
        chosen[stride // 2 :: stride, stride // 2 :: stride] = True
        rows, columns = np.nonzero(chosen & (frame.depth > 0))
        kind = kind[rows, columns]
        xyz = _to_map(frame, rows, columns, frame.depth[rows, columns].astype(np.float64))
        z = xyz[:, 2]
        keep = ((z > FLOOR_M) | ((kind > DOOR_FRAME) & (z > FLOOR_M / 4))) & (z < OVER_M)
        # The top of the image may lie below the eye: what fills it reaches as high as can be told.
        tall = (z > self.eye_m - TALL_M) | ((rows < 2 * stride) & (z > self.eye_m / 2))
        self._frames.append(_thinned(_Points(xyz[keep], kind[keep], tall[keep])))

    def touch(self, x: float, y: float, yaw: float, reach: float) -> None:
        """The robot, at a place (m, rad; map), ran into something ``reach`` metres ahead that it may not have seen: a
        camera that looks over a low board does not show it."""
        left, z = (part.ravel() for part in np.meshgrid(np.arange(-0.15, 0.16, VOXEL_M), np.arange(0.2, 0.5, VOXEL_M)))
        c, s = math.cos(yaw), math.sin(yaw)
        xyz = np.column_stack((x + reach * c - left * s, y + reach * s + left * c, z))
        self._frames.append(_Points(xyz, np.full(len(xyz), WALL, np.int64), np.zeros(len(xyz), bool)))

    def look(self, x: float, y: float, yaw: float) -> Slices:
        """The slices around a place (m) towards a heading (rad), both in the map."""
        points = [_Points(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, bool)), *self._frames]
        points = _Points(*(np.concatenate(part) for part in zip(*points, strict=True)))
        thing = points.kind >= FIRST_THING
        solids, of = self._fan(points, ~thing & _dense(points), VOXEL_M, x, y, yaw)
        near = fronts(solids, self.rays, FEWEST)
        tall = fronts(solids.only(points.tall[of]), self.rays, FEWEST - 1)
        frames = door_frames(tall, yaw + self.spread / 2 - (np.arange(self.rays) + 0.5) * self.spread / self.rays)
        tall.kind[frames] = DOOR_FRAME
        near.kind[frames & (near.kind == WALL) & (tall.metres <= near.metres + 2 * VOXEL_M)] = DOOR_FRAME
        things, _ = self._fan(points, thing, VOXEL_M / 2, x, y, yaw)
        things = things.only(in_sight(things, self.eye_m, near, tall))
        return combined(near, tall, fronts(things, self.rays, 1))

    def _fan(
        self, points: _Points, which: np.ndarray, size: float, x: float, y: float, yaw: float
    ) -> tuple[Fan, np.ndarray]:
        """Points that stand for ``size`` metres as slices meet them, and the number of the point in each row."""
        number = np.flatnonzero(which)
        dx, dy = points.xyz[number, 0] - x, points.xyz[number, 1] - y
        away = np.hypot(dx, dy)
        left = np.mod(np.arctan2(dy, dx) - yaw + math.pi, math.tau) - math.pi
        slot = (self.spread / 2 - left) * (self.rays / self.spread) - 0.5
        half = size / 2 / np.maximum(away, size) * (self.rays / self.spread)
        low = np.minimum(np.ceil(slot - half), np.round(slot)).astype(np.int64).clip(0)
        high = np.maximum(np.floor(slot + half), np.round(slot)).astype(np.int64).clip(max=self.rays - 1)
        of = np.repeat(np.arange(len(number)), (high - low + 1).clip(0))
        ray = low[of] + np.arange(len(of)) - np.searchsorted(of, of)
        number = number[of]
        return Fan(ray, away[of], points.xyz[number, 2], points.kind[number]), number


def _dense(points: _Points) -> np.ndarray:
    """(N) bool: no wall that is thin beside a denser one: noise smears what is seen from afar or often."""
    wall, keep = points.kind == WALL, np.ones(len(points.kind), bool)
    if not wall.any():
        return keep
    cell = np.floor(points.xyz[wall, :2] / CELL_M).astype(np.int64)
    cell -= cell.min(axis=0)
    count = np.zeros(cell.max(axis=0) + 1, np.int32)
    np.add.at(count, tuple(cell.T), 1)
    dense = count >= SMEARED * maximum_filter(count, 2 * round(SMEAR_M / CELL_M) + 1)
    keep[wall] = dense[tuple(cell.T)]
    return keep


def _thinned(points: _Points) -> _Points:
    """One point of a kind in each voxel; of things twice as fine."""
    size = np.where(points.kind >= FIRST_THING, VOXEL_M / 2, VOXEL_M)
    cell = np.floor(points.xyz / size[:, None]).astype(np.int64) + 2**16
    code = ((cell[:, 0] << 34 | cell[:, 1] << 17 | cell[:, 2]) << 8) | points.kind
    _, kept = np.unique(code, return_index=True)
    return _Points(*(part[kept] for part in points))


def _to_map(frame: Frame, rows: np.ndarray, columns: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Map-frame points, float64 N 3, of pixel centres at their depths (m)."""
    camera, pose = frame.camera, frame.camera_to_map
    x = (columns + 0.5 - camera.width / 2) / camera.focal * depth
    y = (rows + 0.5 - camera.height / 2) / camera.focal * depth
    return np.column_stack((x, y, depth)) @ pose[:3, :3].T + pose[:3, 3]
