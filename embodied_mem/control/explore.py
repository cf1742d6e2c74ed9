"""Frontier exploration: drive to where the known free floor ends, nearest first, until none is left."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from embodied_mem.control.navigator import Navigator, Travel
from embodied_mem.types import Frame

MIN_FRONTIER_CELLS = 6  # shorter borders are gaps between depth samples, not openings


def explore(navigator: Navigator, max_metres: float = 80.0) -> Travel:
    """Map what is reachable: look around, go to the nearest frontier, repeat; every frame updates the map.

    Ends with reason "explored" when no reachable frontier is left, or with the limit that stopped it.
    The navigator's ``site_map`` grows in place; its ``on_frame`` is called as in any other drive.
    """
    start, user, given_up = (navigator.metres, navigator.steps), navigator.on_frame, []

    def see(frame: Frame) -> bool:
        navigator.site_map.integrate(frame)
        return bool(user and user(frame))

    navigator.on_frame = see
    try:
        reason = "explored" if not see(navigator.robot.observe()) else "stopped"
        while reason == "explored":
            navigator._grid = None
            if navigator.look_around().stopped:
                reason = "stopped"
            elif navigator.metres - start[0] > max_metres:
                reason = f"gave up after {max_metres:.0f} m (the limit)"
            else:
                navigator._grid = None
                goal = nearest_frontier(navigator, given_up)
                if goal is None:
                    break
                travel = navigator.go_to_pose(*goal)
                given_up.append(goal)  # seen from here or out of reach: either way not a goal again
                reason = "stopped" if travel.stopped else "explored"
    finally:
        navigator.on_frame = user
    metres, steps = navigator.metres - start[0], navigator.steps - start[1]
    return Travel(reason == "explored", reason, metres, steps, reason == "stopped")


def nearest_frontier(navigator: Navigator, given_up: list[tuple[float, float]]) -> tuple[float, float] | None:
    """The frontier with the shortest way, as a floor point (m) beside it; None if none can be reached."""
    grid = navigator.grid()
    here = grid.nearest_passable(navigator.pose[:2], 0.8)
    if here is None:
        return None
    way = grid.distances_from(here)
    best, best_m = None, math.inf
    for x, y in frontier_points(navigator.site_map):
        spot = grid.nearest_passable((x, y), 0.6)
        if spot is None or any(math.dist(spot, g) < 0.5 for g in given_up):
            continue
        i, j = (int((spot[k] - grid.origin[k]) / grid.resolution) for k in (0, 1))
        if way[i, j] < best_m:
            best, best_m = (float(spot[0]), float(spot[1])), way[i, j]
    return best


def frontier_points(site_map) -> list[tuple[float, float]]:
    """One floor point (m) for each stretch of free cells that border on unknown ones."""
    free, unknown = site_map.free(), site_map.unknown()
    border = free & ndimage.binary_dilation(unknown, iterations=1)
    labels, count = ndimage.label(border, structure=np.ones((3, 3)))
    sizes = ndimage.sum_labels(border, labels, np.arange(1, count + 1))
    points = []
    for label in np.flatnonzero(sizes >= MIN_FRONTIER_CELLS) + 1:
        ix, iy = np.nonzero(labels == label)
        middle = np.argmin((ix - ix.mean()) ** 2 + (iy - iy.mean()) ** 2)
        points.append(tuple(site_map.origin + (np.array([ix[middle], iy[middle]]) + 0.5) * site_map.resolution))
    return points
