"""Where a piece of furniture can be seen from nearby: the poses that "at the receptacle" is measured to."""

from __future__ import annotations

import math

import numpy as np

from embodied_mem.geodesic import Grid
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.house import Furniture, House
from embodied_mem.sim.layout import gap_to
from embodied_mem.sim.render import Renderer
from embodied_mem.tasks.findingdory.settings import CAMERA, COVERAGE
from embodied_mem.types import Camera, planar_pose

STEP_M, SNAP_M, REACH_M = 0.15, 0.075, 1.0
TILTS_DEG = (-30.0, 0.0, -60.0)  # as the robot looks, straight ahead, down to its feet: all that its head could see
_SMALL = Camera(width=24, height=32, hfov_deg=CAMERA.hfov_deg, height_m=CAMERA.height_m, pitch_deg=0.0)
_BATCH = 64


class Viewpoints:
    """Finds the viewpoints of one house's furniture, by casting a few rays (24×32 a picture)."""

    def __init__(self, house: House, grid: Grid) -> None:
        self._grid, self._renderer = grid, Renderer(house, _SMALL)

    def of(self, piece: Furniture) -> np.ndarray:
        """x, y, yaw (float64 N 3, sorted) of all viewpoints of a piece; the yaw looks at its centre.

        Candidates are a 0.15 m grid over the footprint enlarged by 1 m, each moved to the nearest cell within
        0.075 m where the robot can stand, at most 1 m from the footprint. Those are kept from which the piece covers at
        least 0.1 % of the pictures, summed over three tilts of the head.
        """
        rect = footprint(piece)
        xs, ys = (np.arange(rect[k] - REACH_M, rect[k + 2] + REACH_M + 1e-9, STEP_M) for k in (0, 1))
        floor = (self._grid.nearest_passable((x, y), SNAP_M) for x in xs for y in ys)
        spots = [self._grid.centre(cell) for cell in sorted({self._grid.cell(p) for p in floor if p is not None})]
        spots = [s for s in spots if gap_to(rect, s) <= REACH_M + 1e-9]
        poses = np.array([(x, y, math.atan2(piece.y - y, piece.x - x)) for x, y in spots]).reshape(-1, 3)
        covered = np.zeros(len(poses))
        for tilt in TILTS_DEG:
            unsure = np.flatnonzero(covered < COVERAGE)
            covered[unsure] += self._coverage(poses[unsure], tilt, piece.id)
        return poses[covered >= COVERAGE]

    def _coverage(self, poses: np.ndarray, tilt_deg: float, instance: int) -> np.ndarray:
        """The share of each picture (float64 N of N 3 poses) that shows an instance."""
        head = tilted(tilt_deg)
        shares = [np.zeros(0)]
        for i in range(0, len(poses), _BATCH):
            bases = np.array([planar_pose(*pose) @ head for pose in poses[i : i + _BATCH]])
            shares.append((self._renderer.instances(bases) == instance).mean(axis=(1, 2)))
        return np.concatenate(shares)


def tilted(tilt_deg: float) -> np.ndarray:
    """4×4 that turns a level camera at the task's height up (+) or down (−) on the spot, in the base frame."""
    up = math.radians(tilt_deg)
    turn = np.eye(4)
    turn[0, 0], turn[0, 2], turn[2, 0], turn[2, 2] = math.cos(up), -math.sin(up), math.sin(up), math.cos(up)
    h = CAMERA.height_m
    turn[0, 3], turn[2, 3] = h * math.sin(up), h - h * math.cos(up)
    return turn
