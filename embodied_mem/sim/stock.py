"""Movable things on the surfaces they belong to: the first morning of a house.

Things of one label differ in colour as long as colours last, stand at least 3 cm apart, and at least 25 cm
between the centres of two of one label. Floor spots never narrow the robot's ways.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from embodied_mem.ontology import STATES, THINGS, Category
from embodied_mem.sim.catalog import thing_size
from embodied_mem.sim.furnish import RoomPlan, crosses
from embodied_mem.sim.house import Thing
from embodied_mem.sim.layout import gap_to
from embodied_mem.sim.routines_space import EDGE, Box, Place, free_spot, thing_box

SAME_LABEL = 0.25  # metres between the centres of two things of one label
_CLUTTER = 0.55  # share of a surface that things may cover


def place_on(
    things: Iterable[Thing], place: Place, size: tuple[float, float, float], rng: np.random.Generator, label: str
) -> dict | None:
    """A placement (room, furniture, surface, x, y, z, yaw) for a thing of ``label`` on ``place``, or None if full.

    Deterministic for a generator state; ``things`` are those of the house that may be in the way.
    """
    taken: list[Box] = []
    reach = SAME_LABEL - min(size[0], size[1]) / 2
    for t in things:
        if t.room != place.room:
            continue
        box = thing_box(t)
        if t.label == label:
            grow = [max(0.0, reach - (box[k + 3] - box[k]) / 2) for k in (0, 1)]
            box = (box[0] - grow[0], box[1] - grow[1], box[2], box[3] + grow[0], box[4] + grow[1], box[5])
        taken.append(box)
    return free_spot(place, size, taken, rng)


def stock(plans: list[RoomPlan], rng: np.random.Generator) -> list[Thing]:
    """30 to 120 things (about 55) with ids from 1000; the number is seeded and grows with the rooms."""
    count = int(np.clip(round(rng.normal(20 + 6 * len(plans), 8)), 32, 115))
    places = [Place(p.room, p.label, s) for plan in plans for p in plan.pieces for s in p.surfaces]
    things: list[Thing] = []
    used: dict[tuple[int, str, float], float] = {}
    seen: dict[str, int] = {}
    for _ in range(count * 4):
        if len(things) >= count:
            break
        label = _pick_label(plans, seen, rng)
        category = THINGS[label]
        size = thing_size(label, rng)
        at = _find(plans, places, things, used, category, size, rng)
        if at is None:
            continue
        number = 1000 + len(things)
        colours = [t.attributes["colour"] for t in things if t.label == label]
        things.append(
            Thing(number, label, looks(category, colours, rng), size, **at, states=first_states(category, rng))
        )
        seen[label] = seen.get(label, 0) + 1
    return things


def looks(category: Category, taken: list[str], rng: np.random.Generator) -> dict[str, str]:
    """Colour (one that no thing of the label has yet, while there is one), material, print and shape."""
    free = [c for c in category.colours if c not in taken] or list(category.colours)
    return {
        "colour": str(rng.choice(free)),
        "material": str(rng.choice(category.materials)),
        "print": str(rng.choice(category.prints)),
        "shape": str(rng.choice(category.shapes)),
    }


def first_states(category: Category, rng: np.random.Generator) -> dict[str, str]:
    """A value for each aspect the category has."""
    return {aspect: str(rng.choice(STATES[aspect])) for aspect in category.states}


def _pick_label(plans: list[RoomPlan], seen: dict[str, int], rng: np.random.Generator) -> str:
    """Labels that suit the rooms there are; each further one of a label is less likely."""
    labels = list(THINGS)
    rooms = {p.room.label for p in plans}
    weights = np.array([sum(w for r, w in THINGS[n].rooms.items() if r in rooms) for n in labels], float)
    weights = np.sqrt(weights) * np.array([0.45 ** seen.get(n, 0) for n in labels])
    return str(rng.choice(labels, p=weights / weights.sum()))


def _find(plans: list[RoomPlan], places: list[Place], things: list[Thing], used: dict, category: Category,
          size: tuple, rng: np.random.Generator) -> dict | None:  # fmt: skip
    labels = {p.room.id: p.room.label for p in plans}
    weights = [_suits(p, labels[p.room], category, size, used) for p in places]
    floors = [plan for plan in plans if "floor" in category.surfaces and plan.room.label in category.rooms]
    weights += [0.7 * category.rooms[plan.room.label] for plan in floors]
    total = sum(weights)
    for _ in range(6):
        if total <= 0:
            return None
        k = int(rng.choice(len(weights), p=np.array(weights) / total))
        if k >= len(places):
            at = floor_spot(floors[k - len(places)], size, things, category.label, rng)
        else:
            at = place_on(things, places[k], size, rng, category.label)
        if at is not None:
            if k < len(places):
                used[_key(places[k])] = used.get(_key(places[k]), 0.0) + (size[0] + 0.05) * (size[1] + 0.05)
            return at
        weights[k] = 0.0
        total = sum(weights)  # anew: a difference drifts, and choice refuses weights that do not sum to 1
    return None


def _key(place: Place) -> tuple:
    return place.surface.furniture, place.surface.name, place.surface.rect


def _suits(place: Place, room: str, category: Category, size: tuple, used: dict) -> float:
    if place.owner not in category.surfaces or room not in category.rooms or size[2] > place.surface.headroom:
        return 0.0
    x0, y0, x1, y1 = place.surface.rect
    area = (x1 - x0) * (y1 - y0)
    if used.get(_key(place), 0.0) + size[0] * size[1] > _CLUTTER * area:
        return 0.0
    # Levels share the weight of their piece; dining chairs share that of the table's set.
    share = {"dining chair": 0.15, "office chair": 0.2}.get(place.owner, 1.0)
    levels = 0.5 if place.surface.name != place.owner else 1.0
    return category.rooms[room] * share * levels * (0.4 + min(area, 1.0))


def floor_spot(plan: RoomPlan, size: tuple, things: list[Thing], label: str, rng: np.random.Generator) -> dict | None:
    """A spot by a wall, clear of doors, furniture and ways; the plan remembers it as blocked."""
    x0, y0, x1, y1 = plan.room.rect
    half = max(size[0], size[1]) / 2 + 0.04
    for _ in range(12):
        x, y = rng.uniform(x0 + half, x1 - half), rng.uniform(y0 + half, y1 - half)
        side = int(rng.integers(4))
        x, y = {0: (x0 + half, y), 1: (x1 - half, y), 2: (x, y0 + half), 3: (x, y1 - half)}[side]
        rect = (x - half, y - half, x + half, y + half)
        if any(crosses(rect, z) for z in (*plan.blocked, *plan.door_zones())):
            continue
        if any(t.label == label and gap_to((t.x, t.y, t.x, t.y), (x, y)) < SAME_LABEL for t in things):
            continue
        standing = plan.reachable([rect])
        if standing is None or not all(plan.approachable(p, standing) for p in plan.pieces):
            continue
        if np.hypot(standing[:, 0] - x, standing[:, 1] - y).min() > 1.0:
            continue
        plan.blocked.append((rect[0] + EDGE, rect[1] + EDGE, rect[2] - EDGE, rect[3] - EDGE))
        yaw = round(float(rng.integers(4)) * math.pi / 2, 4)
        return {"room": plan.room.id, "furniture": 0, "surface": "floor",
                "x": round(float(x), 4), "y": round(float(y), 4), "z": 0.0, "yaw": yaw}  # fmt: skip
    return None
