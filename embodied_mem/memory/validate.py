"""What a palace refuses to store: every check names the value, the limit and the fix."""

from __future__ import annotations

import math

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.types import Frame

MODES = ("navigation", "manipulation")


def check_frame(frame: Frame, visit: str | None, last_index: int, last_time: float) -> None:
    """Raise InputError unless ``frame`` may follow the frame ``last_index`` taken at ``last_time`` in ``visit``."""
    name = f"frame {frame.ref}"
    if visit is None:
        raise InputError(f"{name}: no visit is open; call begin_visit({frame.ref.visit!r}, start) first")
    if frame.ref.visit != visit:
        raise InputError(f"{name} belongs to visit {frame.ref.visit!r}, but {visit!r} is open; end it first")
    if frame.ref.index <= last_index:
        raise InputError(f"{name}: index {frame.ref.index} is not above the last one, {last_index}; count upwards")
    if not math.isfinite(frame.time):
        raise InputError(f"{name}: time {frame.time} is not finite; give UTC seconds")
    if frame.time < last_time:
        raise InputError(f"{name}: time {frame.time} runs back behind {last_time}; mend the clock or begin a visit")
    if frame.mode not in MODES:
        raise InputError(f"{name}: mode {frame.mode!r} is none of {', '.join(MODES)}")
    _check_images(frame, name)
    for pose_name in ("base_to_map", "camera_to_map"):
        check_pose(getattr(frame, pose_name), f"{name}: {pose_name}")


def _check_images(frame: Frame, name: str) -> None:
    shape = (frame.camera.height, frame.camera.width)
    color, depth = frame.color, frame.depth
    if not isinstance(color, np.ndarray) or color.dtype != np.uint8 or color.shape != (*shape, 3):
        raise InputError(f"{name}: color is {_what(color)}, expected uint8 {(*shape, 3)} as its camera says")
    if not isinstance(depth, np.ndarray) or depth.dtype != np.float32 or depth.shape != shape:
        raise InputError(f"{name}: depth is {_what(depth)}, expected float32 {shape} as its camera says")
    # One pass tells the good frame; the slow count is for the message alone.
    if not np.isfinite(depth.sum()):
        bad = int((~np.isfinite(depth)).sum())
        raise InputError(f"{name}: depth has {bad} NaN or infinite pixels; write 0 where there is no return")
    if depth.min() < 0:
        raise InputError(f"{name}: depth has {depth.min()} m, below 0; write 0 where there is no return")


def check_pose(pose: np.ndarray, name: str) -> None:
    """Raise InputError unless ``pose`` is a finite rigid 4×4 float64 matrix (rotation within 1e-3)."""
    if not isinstance(pose, np.ndarray) or pose.shape != (4, 4) or pose.dtype != np.float64:
        raise InputError(f"{name} is {_what(pose)}, expected float64 (4, 4)")
    if not np.isfinite(pose).all():
        raise InputError(f"{name} has NaN or infinite entries; drop the frame or localise the robot again")
    turn = pose[:3, :3]
    error = float(np.abs(turn @ turn.T - np.eye(3)).max())
    if error > 1e-3 or np.linalg.det(turn) < 0 or np.abs(pose[3] - (0, 0, 0, 1)).max() > 1e-6:
        raise InputError(f"{name} is not a rigid motion (rotation error {error:.2g}, limit 1e-3); normalise it")


def _what(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__
