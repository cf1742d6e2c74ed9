"""A tiny world of boxes seen by the robot's camera: depth without a renderer, for tests of perception."""

from __future__ import annotations

import numpy as np

from embodied_mem.types import Camera, Frame, FrameRef, planar_pose

CAMERA = Camera(width=160, height=120)
FIRST = FrameRef("v000", 0)
Box = tuple[float, float, float, float, float, float]  # x0 y0 z0 x1 y1 z1

# Two rooms of 3.6 × 3 m, a wall with a door 0.9 m wide (lintel at 2.05 m) between them.
WALL_M = 2.6
TWO_ROOMS: list[Box] = [
    (-0.1, -0.1, 0, 7.4, 0, WALL_M), (-0.1, 3, 0, 7.4, 3.1, WALL_M),
    (-0.1, 0, 0, 0, 3, WALL_M), (7.3, 0, 0, 7.4, 3, WALL_M),
    (3.6, 0, 0, 3.7, 1.0, WALL_M), (3.6, 1.9, 0, 3.7, 3, WALL_M), (3.6, 1.0, 2.05, 3.7, 1.9, WALL_M),
]  # fmt: skip
BED: Box = (0.2, 0.1, 0, 1.9, 1.2, 0.5)
FRIDGE: Box = (6.6, 0.0, 0, 7.3, 0.7, 1.75)


def look(
    boxes: list[Box], x: float, y: float, yaw: float, ref: FrameRef = FIRST, time: float = 0.0
) -> tuple[Frame, np.ndarray]:
    """The frame at a pose and its instance image (uint16): box i is i + 100, the floor 1, nothing 0."""
    base = planar_pose(x, y, yaw)
    pose = base @ CAMERA.to_base()
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width] + 0.5
    rays = np.stack(
        ((u - CAMERA.width / 2) / CAMERA.focal, (v - CAMERA.height / 2) / CAMERA.focal, np.ones_like(u)), axis=-1
    )
    rays = rays @ pose[:3, :3].T
    eye = pose[:3, 3]
    with np.errstate(divide="ignore"):
        slope = 1 / rays
    floor = -eye[2] * slope[..., 2]
    depth, instance = np.where(floor > 0, floor, np.inf), np.where(floor > 0, 1, 0)
    for i, box in enumerate(boxes):
        a, b = (np.array(box[:3]) - eye) * slope, (np.array(box[3:]) - eye) * slope
        enter, leave = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
        hit = (enter > 0) & (enter < leave) & (enter < depth)
        depth, instance = np.where(hit, enter, depth), np.where(hit, i + 100, instance)
    instance = np.where(depth < 50, instance, 0).astype(np.uint16)
    depth = np.where(depth < 50, depth, 0).astype(np.float32)
    colour = np.repeat((instance % 251).astype(np.uint8)[..., None], 3, axis=-1)
    return Frame(ref, time, colour, depth, base, pose, CAMERA), instance


def patrol(boxes: list[Box], stops: list[tuple[float, float]], visit: str = "v000") -> list[Frame]:
    """A look around (steps of 30°) at each stop."""
    poses = [(x, y, step * np.pi / 6) for x, y in stops for step in range(12)]
    return [look(boxes, *pose, FrameRef(visit, i), float(i))[0] for i, pose in enumerate(poses)]
