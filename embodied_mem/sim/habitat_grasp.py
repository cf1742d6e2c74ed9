"""The magic grasp where nothing is known but images: what a pick takes and where a place puts it down."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from embodied_mem.types import Camera

REACH_M = 1.5  # along the floor, as in the embedded simulator
_LEVEL = 0.9  # cosine of the steepest slope that something can be put on
_STEP_PX = 3  # how far apart the pixels are whose depths tell the slope


def find_object(instance: np.ndarray, positions: Mapping[int, np.ndarray], head_to_world: np.ndarray) -> int | None:
    """The nearest object within reach that shows in the middle third of the columns, or None.

    instance: uint16 H W; positions: instance id → x, y, z of what can be picked; head_to_world: 4×4, Z up.
    """
    width = instance.shape[1]
    shown = set(np.unique(instance[:, width // 3 : width - width // 3]).tolist())
    at = head_to_world[:2, 3]
    near = [(math.dist(at, point[:2]), i) for i, point in positions.items() if i in shown]
    return min((n for n in near if n[0] <= REACH_M), default=(0, None))[1]


def find_spot(depth: np.ndarray, camera: Camera, head_to_world: np.ndarray) -> np.ndarray | None:
    """The world point (x, y, z) in the image's centre if it is level and within reach, else None; depth: H W metres."""
    row, column = camera.height // 2, camera.width // 2
    pixels = [(row, column), (row, column + _STEP_PX), (row + _STEP_PX, column)]
    if any(depth[p] <= 0 for p in pixels):
        return None
    centre, right, below = (_point(r, c, float(depth[r, c]), camera, head_to_world) for r, c in pixels)
    normal = np.cross(below - centre, right - centre)
    level = normal[2] > _LEVEL * np.linalg.norm(normal)
    return centre if level and math.dist(centre[:2], head_to_world[:2, 3]) <= REACH_M else None


def _point(row: int, column: int, depth: float, camera: Camera, head_to_world: np.ndarray) -> np.ndarray:
    """The world point that a pixel's middle shows."""
    optical = np.array([(column + 0.5 - camera.width / 2) / camera.focal * depth,
                        (row + 0.5 - camera.height / 2) / camera.focal * depth, depth, 1.0])  # fmt: skip
    return (head_to_world @ camera.to_base() @ optical)[:3]
