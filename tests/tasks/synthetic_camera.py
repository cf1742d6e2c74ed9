"""A camera without rendering: seeded pixels of what is in the house, so that item tests need no ray casting.

It misses things, shows some too small, and sees the rest in a few frames each, as a patrol does.
"""

from __future__ import annotations

import numpy as np

from embodied_mem.geodesic import Grid
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.life import Life
from embodied_mem.sim.schedule import rng_of
from embodied_mem.tasks.la_eqa.present import PresentView
from embodied_mem.tasks.la_eqa.seen import Seen
from embodied_mem.tasks.la_eqa.world import Stop, World

FRAMES, HIDDEN, LOOK_M = 60, 0.1, 3.0
PATROL_S = 20 * 60.0


def world_of(seed: int, days: int) -> World:
    """A house, its life and what the synthetic camera saw of both."""
    house = generate_house(seed)
    life = Life(house, seed, days)
    stops = [Stop(name, start, start + PATROL_S) for name, start in life.visits]
    seen = Seen({stop.id: _table(life.log.state_at(stop.start), seed, stop.id) for stop in stops})
    present = _present(life.log.state_at(life.question_time), seed)
    starts = [(*map(float, present.spots[i]), 0.0) for i in (0, len(present.spots) // 2)]
    return World(seed, life.log, stops, life.question_time, seen, present, starts)


def _table(house, seed: int, visit: str) -> np.ndarray:
    """N×3 int32 rows (frame, instance id, pixels), in frame order."""
    rng = rng_of(seed, "synthetic camera", visit)
    rows = []
    for entity in (*house.furniture, *house.things):
        if rng.random() < HIDDEN:
            continue
        frames = rng.choice(FRAMES, size=4, replace=False)
        rows += [(int(f), entity.id, int(rng.integers(5, 400))) for f in frames]
    return np.array(sorted(rows), np.int32)


def _present(house, seed: int) -> PresentView:
    """An open floor over the whole house; a spot sees what stands within LOOK_M in its own room."""
    rects = np.array([room.rect for room in house.rooms])
    origin, far = rects[:, :2].min(0), rects[:, 2:].max(0)
    cells = np.ceil((far - origin) / 0.1).astype(int)
    grid = Grid(np.ones(tuple(cells), bool), tuple(float(v) for v in origin), 0.1)
    spots = [((r.rect[0] + r.rect[2]) / 2, (r.rect[1] + r.rect[3]) / 2) for r in house.rooms]
    views = []
    for room, (x, y) in zip(house.rooms, spots, strict=True):
        near = {e.id: 200 for e in (*house.furniture, *house.things)
                if e.room == room.id and np.hypot(e.x - x, e.y - y) < LOOK_M}
        views.append([(0.0, near)])
    return PresentView(grid, np.array(spots), views)


def raw_pixels(world: World) -> dict:
    """{visit: {frame: {instance id: pixels}}} as the brute-force checker reads it."""
    table: dict = {}
    for stop in world.stops:
        for frame, thing, pixels in world.seen._tables[stop.id].tolist():
            table.setdefault(stop.id, {}).setdefault(frame, {})[thing] = pixels
    return table
