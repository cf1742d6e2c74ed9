"""A seed becomes a house: floor plan, furniture, things. The same seed gives the same house, always."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from embodied_mem.sim.furnish import furnish
from embodied_mem.sim.house import House
from embodied_mem.sim.layout import plan_rooms
from embodied_mem.sim.stock import stock

_MIN_THINGS = 30
_ESSENTIAL = {"kitchen": "kitchen counter", "living room": "sofa", "bedroom": "double bed", "bathroom": "toilet"}


def generate_house(seed: int) -> House:
    """The house of ``seed``: 4 to 10 rooms with unique labels, furniture ids from 100, 30 to 120 things from 1000.

    Seeds below 10,000 are for development, from 100,000 on for evaluation. Raises ValueError for a negative seed.
    """
    if seed < 0:
        raise ValueError(f"house seed {seed}; use 0 or more")
    for attempt in range(20):
        parts = ("plan", "furniture", "things")
        rng = {part: np.random.default_rng([seed, attempt, crc32(part.encode())]) for part in parts}
        rooms, doors = plan_rooms(rng["plan"])
        plans = furnish(rooms, doors, rng["furniture"])
        pieces = tuple(p for plan in plans for p in plan.pieces)
        there = {(plan.room.label, p.label) for plan in plans for p in plan.pieces}
        # A plan whose doors leave no wall for the bed is not a house anybody would live in: draw another.
        if not set(_ESSENTIAL.items()) <= there:
            continue
        things = stock(plans, rng["things"])
        if len(things) >= _MIN_THINGS:
            return House(seed, rooms, doors, pieces, tuple(things))
    raise RuntimeError(f"no liveable house for seed {seed} in 20 attempts; report it as a bug of the generator")
