"""Masks to 3-D: what a detection says about where a thing is, in the map frame.

All detections of a frame are lifted together: each mask is thinned to the same number of samples,
so that the arithmetic is one array of shape N K (N detections, K samples).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embodied_mem.types import Detection, Frame

SAMPLES = 256
QUANTILES = (0.02, 0.98)  # a table top seen flat has few pixels at its far edge: cut only the noise
MIN_RETURNS = 4  # fewer pixels with depth say nothing about a place


@dataclass(frozen=True)
class Lifted:
    """A detection with its place. Metres in the map frame of the frame it came from.

    xyz: mean of the visible surface points; low/high: corners of their box between QUANTILES;
    base_z: lowest visible height (what it stands on); pixels: size of the whole mask; range_m: median
    distance to the camera; rgb: mean colour 0..255 and colour its name; box: x0, y0, x1, y1 pixels.
    """

    label: str
    score: float
    xyz: tuple[float, float, float]
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    base_z: float
    pixels: int
    range_m: float
    rgb: tuple[float, float, float]
    colour: str
    box: tuple[int, int, int, int]


def lift(frame: Frame, detection: Detection) -> Lifted | None:
    """One detection in 3-D; None where fewer than MIN_RETURNS of its pixels have depth."""
    return lift_all(frame, [detection])[0]


def lift_all(frame: Frame, detections: Sequence[Detection]) -> list[Lifted | None]:
    """Each detection in 3-D, in order; None where fewer than MIN_RETURNS of its pixels have depth."""
    if not detections:
        return []
    samples = [_sample(detection) for detection in detections]
    rows, columns, pixels = (np.array([s[i] for s in samples]) for i in range(3))
    depth = frame.depth[rows, columns].astype(np.float64)
    good = _inliers(depth)
    points = _to_map(frame, rows, columns, depth)
    enough = good.sum(axis=1) * pixels / SAMPLES >= MIN_RETURNS
    centre = (points * good[..., None]).sum(axis=1) / np.maximum(good.sum(axis=1), 1)[:, None]
    low, high = _quantile_box(points, good)
    ranges = np.linalg.norm(centre - frame.camera_to_map[:3, 3], axis=1)
    return [
        _lifted(d, centre[i], low[i], high[i], int(pixels[i]), float(ranges[i])) if enough[i] else None
        for i, d in enumerate(detections)
    ]


def _sample(detection: Detection) -> tuple[np.ndarray, np.ndarray, int]:
    """SAMPLES rows and columns spread evenly over the mask (repeated where it is smaller), and its true size."""
    x0, y0, x1, y1 = detection.box
    inside = np.flatnonzero(detection.mask[y0:y1, x0:x1])
    if not len(inside):
        return np.full(SAMPLES, y0), np.full(SAMPLES, x0), 0
    # A golden-ratio stride scatters the picks; an even one would follow the columns of a rectangular mask.
    picks = inside[((np.arange(SAMPLES) * 0.6180339887498949) % 1.0 * len(inside)).astype(np.intp)]
    if len(inside) <= SAMPLES:
        picks = inside[np.arange(SAMPLES) % len(inside)]
    row, column = np.divmod(picks, x1 - x0)
    return row + y0, column + x0, len(inside)


def _inliers(depth: np.ndarray) -> np.ndarray:
    """bool N K: samples with a return that lie within 4 robust deviations of their detection's median depth."""
    seen = depth > 0
    median = _row_median(depth, seen)
    deviation = np.abs(depth - median[:, None])
    spread = 1.4826 * _row_median(deviation, seen)
    # Pixels at a mask's edge may return the background far behind it: a jump, wider than most things are deep.
    return seen & (deviation <= np.maximum(4 * spread, 0.03 * median + 0.3)[:, None])


def _row_median(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    ordered = np.sort(np.where(valid, values, np.inf), axis=1)
    middle = np.maximum(valid.sum(axis=1) - 1, 0) // 2
    median = ordered[np.arange(len(ordered)), middle]
    return np.where(np.isfinite(median), median, 0.0)


def _to_map(frame: Frame, rows: np.ndarray, columns: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Map-frame points, float64 N K 3, of pixel centres at their depths."""
    camera = frame.camera
    x = (columns + 0.5 - camera.width / 2) / camera.focal * depth
    y = (rows + 0.5 - camera.height / 2) / camera.focal * depth
    pose = frame.camera_to_map
    return np.stack((x, y, depth), axis=-1) @ pose[:3, :3].T + pose[:3, 3]


def _quantile_box(points: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ordered = np.sort(np.where(good[..., None], points, np.inf), axis=1)
    last = np.maximum(good.sum(axis=1) - 1, 0)
    low, high = (ordered[np.arange(len(points)), np.round(q * last).astype(np.intp)] for q in QUANTILES)
    return low, high


def _lifted(detection: Detection, centre, low, high, pixels: int, range_m: float) -> Lifted | None:
    if not math.isfinite(float(low.sum() + high.sum())):
        return None
    return Lifted(
        label=detection.label,
        score=detection.score,
        xyz=tuple(map(float, centre)),
        low=tuple(map(float, low)),
        high=tuple(map(float, high)),
        base_z=float(low[2]),
        pixels=pixels,
        range_m=range_m,
        rgb=detection.rgb,
        colour=detection.attributes.get("colour", ""),
        box=detection.box,
    )
