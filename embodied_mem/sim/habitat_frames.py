"""Habitat's frames and ours: its world is Y up, its bodies and cameras look along −z. Only this module knows.

Our world is Z up, a base x forward and y left, an optical frame z forward and y down (docs/architecture.md). Habitat's
world point is ours turned by −90° about x: (x, y, z) ↦ (x, z, −y), which is also what glTF expects. numpy only.
"""

from __future__ import annotations

import math

import numpy as np

# Rows: habitat's axes in our coordinates. Each is a rotation (determinant 1); the inverse is the transpose.
WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # (x, y, z) ↦ (x, z, −y)
BODY = np.array([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]])  # forward x ↦ −z, left y ↦ −x, up z ↦ y
CAMERA = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])  # right x ↦ x, down y ↦ −y, forward z ↦ −z
OBJECT = WORLD  # a thing's own frame is turned like the world: Z up in ours, Y up in a glTF file


def points_to_habitat(points: np.ndarray) -> np.ndarray:
    """Z-up world points (… 3, metres) as habitat's Y-up ones: float64 … 3."""
    return np.asarray(points, float) @ WORLD.T


def points_from_habitat(points: np.ndarray) -> np.ndarray:
    """Habitat's Y-up world points (… 3, metres) as Z-up ones: float64 … 3."""
    return np.asarray(points, float) @ WORLD


def pose_to_habitat(pose: np.ndarray, local: np.ndarray = OBJECT) -> np.ndarray:
    """A 4×4 ``something_to_world`` as habitat's; ``local``: whether it is a BODY's, a CAMERA's or an OBJECT's frame."""
    turned = np.eye(4)
    turned[:3, :3] = WORLD @ pose[:3, :3] @ local.T
    turned[:3, 3] = WORLD @ pose[:3, 3]
    return turned


def pose_from_habitat(pose: np.ndarray, local: np.ndarray = OBJECT) -> np.ndarray:
    """The inverse of :func:`pose_to_habitat`."""
    turned = np.eye(4)
    turned[:3, :3] = WORLD.T @ pose[:3, :3] @ local
    turned[:3, 3] = WORLD.T @ pose[:3, 3]
    return turned


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """A 3×3 rotation as a unit quaternion (w, x, y, z) with w ≥ 0: Shepperd's method, by the largest component."""
    r = np.asarray(rotation, float)
    squares = np.array([1 + np.trace(r), *(1 + 2 * r[i, i] - np.trace(r) for i in range(3))])  # 4 w², 4 x², …
    k = int(squares.argmax())
    if k == 0:
        q = np.array([squares[0], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    else:
        i, j, m = k - 1, k % 3, (k + 1) % 3
        q = np.zeros(4)
        q[0] = r[m, j] - r[j, m]
        q[1 + i], q[1 + j], q[1 + m] = squares[k], r[j, i] + r[i, j], r[m, i] + r[i, m]
    q /= 2 * math.sqrt(squares[k])
    return (-q if q[0] < 0 else q) / np.linalg.norm(q)


def rotation(quaternion_wxyz: np.ndarray) -> np.ndarray:
    """The 3×3 rotation of a quaternion (w, x, y, z) of any length but zero."""
    w, x, y, z = np.asarray(quaternion_wxyz, float) / np.linalg.norm(quaternion_wxyz)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip


def pose_of(position: np.ndarray, quaternion_wxyz: np.ndarray, local: np.ndarray = OBJECT) -> np.ndarray:
    """What habitat's files and states say (position 3, quaternion w, x, y, z) as our 4×4 ``something_to_world``."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation(quaternion_wxyz), position
    return pose_from_habitat(pose, local)


def state_of(pose: np.ndarray, local: np.ndarray = OBJECT) -> tuple[np.ndarray, np.ndarray]:
    """Our 4×4 ``something_to_world`` as habitat's position (3) and quaternion (w, x, y, z)."""
    turned = pose_to_habitat(pose, local)
    return turned[:3, 3], quaternion(turned[:3, :3])
