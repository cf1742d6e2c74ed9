"""A flat view in vertical slices, and how points around an eye become one: the nearest of everything, what is seen over
low furniture, where walls end at an opening, which things nothing hides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from embodied_mem.ontology import FURNITURE, THINGS

#: What a slice can show, by number: the first three have no detector.
LABELS = ("nothing", "wall", "door frame", *FURNITURE, *THINGS)
NOTHING, WALL, DOOR_FRAME = range(3)
FIRST_THING = 3 + len(FURNITURE)
NUMBERS = {label: i for i, label in enumerate(LABELS)}
CLUSTER_M = 0.12  # points within that depth of each other are one thing
EDGE_M = 0.25  # a wall that ends this far before what is behind it ends at an opening
FRAME_M = 0.15  # of a wall's end, the opening's depth included, is its frame
IN_SHELF_M = 0.7  # behind a tall piece's front at which something in it can stand
HIDDEN_M = 0.08  # a thing whose top is this far below the line over what stands before it is not seen


@dataclass(frozen=True)
class Slices:
    """N slices from left to right: metres on the floor (float64 N) and numbers in :data:`LABELS` (int64 N).

    first: the nearest thing, movable or not. second: behind a movable thing the solid one; else the movable thing (on
    furniture, say); else what is seen over low furniture; else 0. Where no frame has looked both are 0, "nothing".
    """

    first: np.ndarray
    first_kind: np.ndarray
    second: np.ndarray
    second_kind: np.ndarray

    def nearest(self, label: str) -> float:
        """Metres to the nearest thing of a label in view; inf where there is none."""
        number, shown = NUMBERS.get(label, -1), [math.inf]
        for metres, kind in ((self.first, self.first_kind), (self.second, self.second_kind)):
            shown += metres[kind == number].tolist()
        return min(shown)

    @property
    def seen(self) -> float:
        """Share of slices that any frame has looked into."""
        return float((self.first_kind != NOTHING).mean())


class Fan(NamedTuple):
    """N points as the slices of an eye meet them, a row for each meeting (a near point may be met by several).

    ray: number of the slice; away: metres on the floor; z: metres over it; kind: a number in :data:`LABELS`.
    """

    ray: np.ndarray
    away: np.ndarray
    z: np.ndarray
    kind: np.ndarray

    def only(self, which: np.ndarray) -> Fan:
        """Some of the rows."""
        return Fan(*(part[which] for part in self))


class Fronts(NamedTuple):
    """The nearest of something in each slice: metres (inf: none), kind, the highest point of it (m)."""

    metres: np.ndarray
    kind: np.ndarray
    top: np.ndarray


def fronts(fan: Fan, rays: int, fewest: int) -> Fronts:
    """The first stretch of CLUSTER_M with at least ``fewest`` points in each slice: its mean distance, usual kind."""
    found = Fronts(np.full(rays, math.inf), np.zeros(rays, np.int64), np.zeros(rays))
    along = fan.ray * 1000.0 + fan.away
    order = np.argsort(along, kind="stable")
    along, fan = along[order], fan.only(order)
    end = np.searchsorted(along, along + CLUSTER_M, "right")
    start = np.flatnonzero(end - np.arange(len(end)) >= fewest)
    which, first = np.unique(fan.ray[start], return_index=True)
    for i, a in zip(which.tolist(), start[first].tolist(), strict=True):
        b = int(end[a])
        found.metres[i] = fan.away[a:b].mean()
        found.kind[i] = np.bincount(fan.kind[a:b]).argmax()
        found.top[i] = fan.z[a:b].max()
    return found


def door_frames(tall: Fronts, bearings: np.ndarray) -> np.ndarray:
    """(N) bool: slices on a wall's end before an opening; ``bearings`` (N, rad). A wall at a slant goes on where its
    line says, which is no end."""
    at = np.where(np.isfinite(tall.metres), tall.metres, 0.0)[:, None]
    at = at * np.column_stack((np.cos(bearings), np.sin(bearings)))
    wall, frame = (tall.kind == WALL) & np.isfinite(tall.metres), np.zeros(len(bearings), bool)
    for step in (1, -1):
        for last in range(1, len(bearings) - 1):
            beyond = tall.metres[last + step]
            if not wall[last] or not math.isfinite(beyond):
                continue
            slope = tall.metres[last] - tall.metres[last - step] if wall[last - step] else 0.0
            if beyond - tall.metres[last] > EDGE_M + 2 * max(0.0, slope):
                frame |= wall & (np.hypot(*(at - at[last]).T) < FRAME_M)
    return frame


def in_sight(things: Fan, eye_m: float, near: Fronts, tall: Fronts) -> np.ndarray:
    """(N) bool: points of things that nothing solid hides from an eye at that height; over low furniture one sees."""
    ray, away = things.ray, things.away
    limit = tall.metres[ray] + np.where(tall.kind[ray] > DOOR_FRAME, IN_SHELF_M, CLUSTER_M)
    low = np.where(np.isfinite(near.metres), near.metres, 1.0)[ray]
    line = eye_m - (eye_m - near.top[ray]) * away / low
    behind = (near.metres < tall.metres - CLUSTER_M)[ray] & (away > low + CLUSTER_M)
    return (away < limit) & ~(behind & (things.z < line - HIDDEN_M))


def combined(near: Fronts, tall: Fronts, things: Fronts) -> Slices:
    """Two of the nearest solid, the nearest that is not seen over, and the nearest movable thing, as Slices says."""
    there, before = np.isfinite(things.metres), things.metres < near.metres
    beyond = np.isfinite(tall.metres) & (tall.metres > near.metres + CLUSTER_M)
    second = np.where(there, things.metres, np.where(beyond, tall.metres, 0.0))
    second_kind = np.where(there, things.kind, np.where(beyond, tall.kind, NOTHING))
    slices = (np.where(before, things.metres, near.metres), np.where(before, things.kind, near.kind),
              np.where(before, near.metres, second), np.where(before, near.kind, second_kind))  # fmt: skip
    return Slices(*(np.where(np.isfinite(part), part, 0) for part in slices))
