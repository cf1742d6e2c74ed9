"""The true floor of a house: where a robot can stand, and what hides what in the plan. Never handed to an agent."""

from __future__ import annotations

import math

import numpy as np

from embodied_mem.geodesic import Grid
from embodied_mem.sim.house import Furniture, House, Rect
from embodied_mem.sim.layout import standing_grid, walls

DOOR_TOP_M = 1.9  # wall pieces that start higher are lintels


def footprint(piece: Furniture) -> Rect:
    """The floor rectangle under a piece of furniture, metres."""
    turned = round(piece.yaw / (math.pi / 2)) % 2 == 1
    dx, dy = (piece.size[1], piece.size[0]) if turned else piece.size[:2]
    return piece.x - dx / 2, piece.y - dy / 2, piece.x + dx / 2, piece.y + dy / 2


def front(piece: Furniture) -> np.ndarray:
    """Unit vector x, y out of the front of a piece (its local −y)."""
    return np.array([math.sin(piece.yaw), -math.cos(piece.yaw)])


def bounds(house: House) -> Rect:
    """The rectangle around all rooms, a wall's width wider."""
    rects = np.array([r.rect for r in house.rooms])
    return (*(rects[:, :2].min(0) - 0.3).tolist(), *(rects[:, 2:].max(0) + 0.3).tolist())


def wall_rects(house: House) -> list[Rect]:
    boxes = walls(house.rooms, house.doors, house.wall_height)
    return [(b[0], b[1], b[3], b[4]) for b in boxes if b[2] < DOOR_TOP_M]


def free_floor(house: House, radius: float = 0.18, resolution: float = 0.05) -> Grid:
    """Where the centre of a robot of ``radius`` metres can be."""
    return standing_grid(bounds(house), wall_rects(house) + [footprint(f) for f in house.furniture], radius, resolution)


def sight_floor(house: House, height: float = 1.2, resolution: float = 0.05) -> Grid:
    """Cells that do not hide what lies behind them from a camera at ``height`` metres: no wall, no tall furniture."""
    tall = [footprint(f) for f in house.furniture if f.size[2] >= height]
    return standing_grid(bounds(house), wall_rects(house) + tall, 1e-6, resolution)
