"""What the robot holds is not in the room: the hand's place in the image, and what of a frame belongs to it.

The hand is where the hand-eye calibration says. What is in it fills a known volume before the camera; nothing there
is mapped or lifted into the room, whether or not the detector has seen the thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from embodied_mem.ontology import FURNITURE
from embodied_mem.types import Camera, Detection, Frame

HAND = (0.0, 0.17, 0.55)  # centre of a small held thing, optical frame, metres
# What is large is held lower and farther off, so that it hides no more than the lower half: the corners of the volume
# that anything held lies in (optical frame, metres).
LOW, HIGH = (-0.40, -0.03, 0.40), (0.40, 0.60, 0.95)
NEAR_SIDE = (0.40, 0.60)  # depth at which a held thing begins
ASIDE_M = 0.08  # how far its middle may lie beside the hand
SHARE = 0.5  # of a mask's depth returns in the volume: then the mask belongs to the hand


def split(frame: Frame, detections: Sequence[Detection]) -> tuple[Detection | None, list[Detection]]:
    """What is held (None: hand empty, or the detector missed it) and the detections that show the room.

    Furniture is never held; a second detection in the hand's volume is an error of the detector and left out.
    """
    if not frame.gripper_full:
        return None, list(detections)
    inside = in_hand(frame)
    held, scene = [], []
    for detection in detections:
        returns = detection.mask & (frame.depth > 0)
        if detection.label in FURNITURE or (inside & returns).sum() <= SHARE * returns.sum():
            scene.append(detection)
        elif (off := _beside(frame, returns)) is not None:
            held.append((off, len(held), detection))
    return (min(held)[2] if held else None), scene


def without_hand(frame: Frame) -> Frame:
    """The frame as a map should see it: no returns (depth 0) in the hand's volume. The same frame if empty-handed."""
    if not frame.gripper_full:
        return frame
    return replace(frame, depth=np.where(in_hand(frame), np.float32(0), frame.depth))


def in_hand(frame: Frame) -> np.ndarray:
    """bool H W: pixels whose return lies in the volume of the hand and what it may hold."""
    columns, rows = _rays(frame.camera)
    depth = frame.depth
    inside = (depth >= LOW[2]) & (depth <= HIGH[2])
    x, y = columns * depth, rows[:, None] * depth
    return inside & (x >= LOW[0]) & (x <= HIGH[0]) & (y >= LOW[1]) & (y <= HIGH[1])


def _beside(frame: Frame, returns: np.ndarray) -> float | None:
    """How far the middle of a mask lies beside the hand, metres; None where nothing held looks like that."""
    rows, columns = np.nonzero(returns)
    depth = frame.depth[rows, columns]
    near = float(np.quantile(depth, 0.05))
    x = _rays(frame.camera)[0][columns] * depth
    off = abs(float(x.min() + x.max()) / 2 - HAND[0])
    return off if NEAR_SIDE[0] <= near <= NEAR_SIDE[1] and off <= ASIDE_M else None


def _rays(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Slopes x/z of the columns (W) and y/z of the rows (H)."""
    columns = (np.arange(camera.width) + 0.5 - camera.width / 2) / camera.focal
    rows = (np.arange(camera.height) + 0.5 - camera.height / 2) / camera.focal
    return columns.astype(np.float32), rows.astype(np.float32)
