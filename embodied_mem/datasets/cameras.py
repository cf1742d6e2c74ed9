"""From a dataset's pictures and matrices to our frames: one pinhole for colour and depth, Z up, optical axes.

A dataset's camera matrix need not be centred and its colour and depth need not agree in size; a :class:`Frame` has one
centred pinhole with square pixels. So both are cut and scaled to the largest such pinhole that fits into both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.types import Camera, planar_pose


@dataclass(frozen=True)
class Pinhole:
    """Intrinsics in continuous pixel coordinates: the first pixel's centre is (0.5, 0.5)."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def slopes(self) -> tuple[float, float]:
        """Tangents of the half angles, horizontal and vertical, of the largest centred view inside the image."""
        return min(self.cx, self.width - self.cx) / self.fx, min(self.cy, self.height - self.cy) / self.fy


def pinhole(matrix: np.ndarray, size: tuple[int, int], name: str, corner: float) -> Pinhole:
    """A checked pinhole from a 3×3 (or 4×4) camera matrix and the image's (width, height).

    corner: what to add to the matrix's principal point where it counts pixel centres from 0 (OpenCV: 0.5; OpenGL: 0).
    InputError, with ``name`` of the file, where the matrix cannot belong to such images.
    """
    width, height = size
    fx, fy, cx, cy = (float(matrix[i]) for i in ((0, 0), (1, 1), (0, 2), (1, 2)))
    if not (math.isfinite(cx + cy) and 0.1 * width < fx < 20 * width and 0.1 * height < fy < 20 * height):
        raise InputError(f"{name}: focal lengths {fx:.4g}, {fy:.4g} cannot be those of images of {width} × {height}; "
                         "extract the frames and the intrinsics anew, both")  # fmt: skip
    if not 0.3 * width < cx < 0.7 * width or not 0.3 * height < cy < 0.7 * height:
        raise InputError(f"{name}: the principal point ({cx:.4g}, {cy:.4g}) is far from the middle of images of "
                         f"{width} × {height}: the intrinsics are of another size; extract both anew")  # fmt: skip
    return Pinhole(width, height, fx, fy, cx + corner, cy + corner)


def common_camera(sources: tuple[Pinhole, ...], width: int) -> Camera:
    """The largest centred camera with square pixels inside all ``sources``, ``width`` pixels wide or fewer (never more
    than the sources have); its mount is still the default one."""
    across, down = (min(values) for values in zip(*(s.slopes() for s in sources), strict=True))
    width = min(width, round(min(2 * across * s.fx for s in sources)))
    focal = width / 2 / across
    # A hair's breadth for rounding: an image that fits exactly keeps its last row.
    height = int(2 * down * focal + 1e-3)
    return Camera(width=width, height=height, hfov_deg=math.degrees(2 * math.atan(across)))


def fit_color(image: np.ndarray, source: Pinhole, camera: Camera) -> np.ndarray:
    """uint8 H W 3 as ``camera`` would have seen it (area average, so that scaling down does not flicker)."""
    from PIL import Image

    across, down = camera.width / 2 / camera.focal * source.fx, camera.height / 2 / camera.focal * source.fy
    corners = (source.cx - across, source.cy - down, source.cx + across, source.cy + down)
    ends = (source.width, source.height) * 2
    box = tuple(min(max(round(at, 6), 0.0), end) for at, end in zip(corners, ends, strict=True))
    if box == (0, 0, source.width, source.height) and (camera.height, camera.width) == image.shape[:2]:
        return image
    return np.asarray(Image.fromarray(image).resize((camera.width, camera.height), Image.Resampling.BOX, box=box))


def fit_pixels(image: np.ndarray, source: Pinhole, camera: Camera) -> np.ndarray:
    """Depth or instance numbers H W as ``camera`` would have seen them: the nearest pixel's, never a mixture."""
    columns = (np.arange(camera.width) + 0.5 - camera.width / 2) / camera.focal * source.fx + source.cx
    rows = (np.arange(camera.height) + 0.5 - camera.height / 2) / camera.focal * source.fy + source.cy
    columns = np.clip(np.floor(columns + 1e-6).astype(int), 0, source.width - 1)
    rows = np.clip(np.floor(rows + 1e-6).astype(int), 0, source.height - 1)
    return image[rows[:, None], columns]


def rigid(pose: np.ndarray, name: str) -> np.ndarray:
    """The nearest rigid motion to a 4×4 that was written with few digits; InputError where it is none (within 0.01)."""
    turn = pose[:3, :3]
    error = float(np.abs(turn @ turn.T - np.eye(3)).max())
    if error > 0.01 or np.linalg.det(turn) < 0 or np.abs(pose[3] - (0, 0, 0, 1)).max() > 1e-4:
        raise InputError(f"{name} is no pose: its rotation is off by {error:.2g} (limit 0.01); extract the poses anew")
    u, _, v = np.linalg.svd(turn)
    found = np.eye(4)
    found[:3, :3], found[:3, 3] = u @ v, pose[:3, 3]
    return found


def base_under(camera_to_map: np.ndarray) -> np.ndarray:
    """4×4 ``base_to_map`` of a robot that carries the camera: on the floor (z 0) below it, heading where it looks."""
    ahead = camera_to_map[:3, 2]
    if math.hypot(ahead[0], ahead[1]) < 1e-3:  # straight up or down: the image's upper edge is ahead
        ahead = -math.copysign(1.0, ahead[2]) * -camera_to_map[:3, 1]
    x, y, _ = camera_to_map[:3, 3]
    return planar_pose(float(x), float(y), math.atan2(ahead[1], ahead[0]))


def pitch_of(camera_to_map: np.ndarray) -> float:
    """Degrees that the camera looks up (negative: down)."""
    return math.degrees(math.asin(max(-1.0, min(1.0, float(camera_to_map[2, 2])))))
