"""A house of several storeys on a flat map: each storey has its own floor, and they are laid side by side.

Our site map is one floor, heights counted from it. An episode that climbs stairs is therefore cut by the height of the
camera, and each further storey is moved along x, clear of the one before. Ways between storeys are lost by this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STOREY_M = 1.5  # cameras farther apart in height than this stand on different storeys
SHARE = 0.05  # of the frames that a level needs to be one; the others are on the stairs
APART_M = 12.0  # between two storeys on the map, beyond what the cameras span: twice the map's range and a bit
EYE_M = 1.3  # a camera's height where no floor was seen


@dataclass(frozen=True)
class Storey:
    """frames: which of the episode's; shift: what to add to x, y, z of its poses."""

    frames: frozenset[int]
    shift: tuple[float, float, float]


def levels_of(heights: np.ndarray) -> np.ndarray:
    """Which level each camera height (N, metres) belongs to; level 0 has the most frames."""
    left, levels = np.ones(len(heights), bool), []
    while left.sum() > SHARE * len(heights):
        low = np.floor(heights[left] / 0.2) * 0.2
        values, counts = np.unique(low, return_counts=True)
        level = float(np.median(heights[left][low == values[counts.argmax()]]))
        levels.append(level)
        left &= np.abs(heights - level) > STOREY_M
    return np.abs(heights[:, None] - np.array(levels)).argmin(axis=1)


def floor_under(points: list[np.ndarray], eye: float) -> float:
    """The height of the floor: where most returns (each N 3, Z up) lie that are well below a camera at ``eye``."""
    z = np.concatenate([p[:, 2] for p in points]) if points else np.zeros(0)
    z = z[(z < eye - 0.3) & (z > eye - 3.0)]
    if len(z) < 50:
        return eye - EYE_M
    low = z.min()
    counts = np.bincount(((z - low) / 0.04).astype(int))
    near = np.abs(z - (low + 0.04 * (counts.argmax() + 0.5))) < 0.06
    return float(np.median(z[near]))


def side_by_side(positions: np.ndarray, levels: np.ndarray, floors: list[float]) -> list[Storey]:
    """The storeys of cameras at ``positions`` (N 3) on ``levels`` (N) with floors at these heights, level 0 first."""
    found, edge = [], 0.0
    for level, floor in enumerate(floors):
        inside = np.flatnonzero(levels == level)
        x = positions[inside, 0]
        # The first storey stays where it is; the next ones begin beyond its end.
        along = 0.0 if not found else edge + APART_M - float(x.min())
        edge = float(x.max()) + along
        found.append(Storey(frozenset(map(int, inside)), (along, 0.0, -floor)))
    return found
