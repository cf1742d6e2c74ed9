"""Where a thing can stand: free spots on surfaces, now and reserved for later.

Everything is tested as upright boxes in world metres, so that nothing overlaps, sticks out over an edge
or does not fit under the next shelf.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from embodied_mem.sim.house import House, Rect, Surface, Thing

GAP = 0.03  # metres kept free between two things
EDGE = 0.01  # and to the surface's edge

Box = tuple[float, float, float, float, float, float]  # x0, y0, z0, x1, y1, z1


@dataclass(frozen=True)
class Place:
    """A surface, the room it is in and the label of the furniture it belongs to (``"floor"`` for the floor)."""

    room: int
    owner: str
    surface: Surface

    @property
    def name(self) -> tuple[int, str]:
        """What distinguishes two places in an answer: the room and the surface's name."""
        return self.room, self.surface.name


def extent(size: tuple[float, float, float], yaw: float) -> tuple[float, float]:
    """x and y extents in the world of a box turned by ``yaw``."""
    c, s = abs(math.cos(yaw)), abs(math.sin(yaw))
    return size[0] * c + size[1] * s, size[0] * s + size[1] * c


def box_of(size: tuple[float, float, float], at: dict) -> Box:
    """The upright world box of a thing of ``size`` standing at placement ``at``."""
    w, d = extent(size, at["yaw"])
    x, y, z = at["x"], at["y"], at["z"]
    return x - w / 2, y - d / 2, z, x + w / 2, y + d / 2, z + size[2]


def thing_box(thing: Thing) -> Box:
    return box_of(thing.size, {"x": thing.x, "y": thing.y, "z": thing.z, "yaw": thing.yaw})


def overlap(a: Box, b: Box, gap: float = 0.0) -> bool:
    """Whether two boxes share volume, or stand nearer than ``gap`` beside each other."""
    return (
        a[0] < b[3] + gap and b[0] < a[3] + gap
        and a[1] < b[4] + gap and b[1] < a[4] + gap
        and a[2] < b[5] - 1e-6 and b[2] < a[5] - 1e-6
    )  # fmt: skip


def places_of(house: House) -> list[Place]:
    """All surfaces of the furniture, and the floor spots that the generator found good for something.

    Where on the floor a thing may stand without blocking a door is the generator's knowledge, so the only
    floor spots used are those where something stood at the start.
    """
    places = [Place(f.room, f.label, s) for f in house.furniture for s in f.surfaces]
    for t in house.things:
        if t.furniture == 0:
            x0, y0, _, x1, y1, _ = thing_box(t)
            rect: Rect = (x0 - EDGE, y0 - EDGE, x1 + EDGE, y1 + EDGE)
            places.append(Place(t.room, "floor", Surface(0, "floor", rect, t.z, house.wall_height)))
    return places


def free_spot(
    place: Place, size: tuple[float, float, float], taken: Iterable[Box], rng: np.random.Generator
) -> dict | None:
    """A placement on ``place`` for a thing of ``size`` that touches none of ``taken``, or None.

    A few random tries first (things lie about), then a scan (a nearly full shelf has a gap somewhere).
    """
    taken = list(taken)
    yaw = float(rng.integers(4)) * math.pi / 2
    for turn in (yaw, yaw + math.pi / 2):
        inner = _inner(place.surface, size, turn)
        if inner is None:
            continue
        xs = np.linspace(inner[0], inner[2], max(2, round((inner[2] - inner[0]) / 0.05) + 1))
        ys = np.linspace(inner[1], inner[3], max(2, round((inner[3] - inner[1]) / 0.05) + 1))
        tries = [(rng.uniform(inner[0], inner[2]), rng.uniform(inner[1], inner[3])) for _ in range(8)]
        for x, y in [*tries, *((x, y) for x in xs for y in ys)]:
            at = _placement(place, x, y, turn)
            box = box_of(size, at)
            if not any(overlap(box, other, GAP) for other in taken):
                return at
    return None


def rows_of_spots(
    place: Place, size: tuple[float, float, float], count: int, taken: Iterable[Box], gap: float = GAP
) -> list[dict]:
    """Up to ``count`` placements in rows on ``place``, ``gap`` metres free of each other and of ``taken``."""
    taken, found = list(taken), []
    inner = _inner(place.surface, size, 0.0)
    if inner is None:
        return []
    nx = int((inner[2] - inner[0]) / (size[0] + gap)) + 1
    ny = int((inner[3] - inner[1]) / (size[1] + gap)) + 1
    for x in np.linspace(inner[0], inner[2], nx):
        for y in np.linspace(inner[1], inner[3], ny):
            at = _placement(place, x, y, 0.0)
            if len(found) < count and not any(overlap(box_of(size, at), b, gap) for b in taken):
                found.append(at)
    return found


def _inner(surface: Surface, size: tuple[float, float, float], yaw: float) -> Rect | None:
    """Where the centre of a thing may be; None where it does not fit."""
    w, d = extent(size, yaw)
    m = EDGE
    x0, y0, x1, y1 = surface.rect
    inner = (x0 + w / 2 + m, y0 + d / 2 + m, x1 - w / 2 - m, y1 - d / 2 - m)
    if size[2] > surface.headroom or inner[2] < inner[0] - 1e-9 or inner[3] < inner[1] - 1e-9:
        return None
    # A thing that fits exactly leaves a range that rounding may have turned around.
    return inner[0], inner[1], max(inner[0], inner[2]), max(inner[1], inner[3])


def _placement(place: Place, x: float, y: float, yaw: float) -> dict:
    return {
        "room": place.room, "furniture": place.surface.furniture, "surface": place.surface.name,
        "x": round(float(x), 4), "y": round(float(y), 4), "z": place.surface.z, "yaw": round(yaw % (2 * math.pi), 4),
    }  # fmt: skip
