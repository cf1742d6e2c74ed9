"""What is promised of every seeded house."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.geodesic import Grid
from embodied_mem.ontology import THINGS
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.house import House
from embodied_mem.sim.layout import contains, gap_to
from embodied_mem.sim.routines_space import overlap, thing_box
from embodied_mem.sim.truth import passable_grid

CHAIRS = ("dining chair", "nightstand")


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 9_999))
def test_a_seed_gives_a_house_that_keeps_its_promises(seed):
    house = generate_house(seed)
    _check_rooms(house)
    _check_furniture(house)
    _check_things(house)
    _check_ways(house, passable_grid(house, 0.18))


def test_the_same_seed_gives_the_same_house():
    assert generate_house(7) == generate_house(7)
    assert generate_house(7) != generate_house(8)


def test_houses_differ_in_size_and_show_most_categories():
    houses = [generate_house(seed) for seed in range(15)]
    assert len({len(h.rooms) for h in houses}) >= 4
    assert len({t.label for h in houses for t in h.things}) >= 55


def _check_rooms(house: House) -> None:
    labels = [r.label for r in house.rooms]
    assert 4 <= len(labels) <= 10 and len(set(labels)) == len(labels)
    assert {"kitchen", "living room", "bedroom", "bathroom"} <= set(labels)
    for room in house.rooms:
        assert min(room.rect[2] - room.rect[0], room.rect[3] - room.rect[1]) >= 2.19
    for door in house.doors:
        sides = sorted((door.rect[2] - door.rect[0], door.rect[3] - door.rect[1]))
        assert np.allclose(sides, (0.1, 0.9), atol=0.011)


def _check_furniture(house: House) -> None:
    ids = [f.id for f in house.furniture]
    assert ids == list(range(100, 100 + len(ids)))
    for f in house.furniture:
        x0, y0, x1, y1 = footprint(f)
        room = house.room(f.room).rect
        assert room[0] <= x0 and room[1] <= y0 and x1 <= room[2] and y1 <= room[3], f.label
    for a, b in itertools.combinations(house.furniture, 2):
        if "television" not in (a.label, b.label):  # it stands on the tv stand
            ra, rb = footprint(a), footprint(b)
            assert not (ra[0] < rb[2] and rb[0] < ra[2] and ra[1] < rb[3] and rb[1] < ra[3]), (a.label, b.label)
    twice = [k for k, n in Counter((f.room, f.label) for f in house.furniture if f.surfaces).items() if n > 1]
    assert all(label in CHAIRS for _, label in twice), twice


def _check_things(house: House) -> None:
    assert 30 <= len(house.things) <= 120
    assert len({t.id for t in house.things}) == len(house.things)
    for t in house.things:
        box, category, room = thing_box(t), THINGS[t.label], house.room(t.room)
        assert t.id >= 1000 and room.label in category.rooms
        assert set(t.states) == set(category.states) and t.attributes["colour"] in category.colours
        if t.furniture == 0:
            assert t.surface == "floor" and "floor" in category.surfaces and t.z == 0
            rect, headroom = room.rect, house.wall_height
        else:
            piece = house.piece(t.furniture)
            assert piece.label in category.surfaces
            surface = next(s for s in piece.surfaces if s.name == t.surface and contains(s.rect, (t.x, t.y)))
            rect, headroom = surface.rect, surface.headroom
            assert t.z == surface.z
        assert rect[0] <= box[0] + 1e-3 and rect[1] <= box[1] + 1e-3, t
        assert box[3] <= rect[2] + 1e-3 and box[4] <= rect[3] + 1e-3, t
        assert t.size[2] <= headroom
    for a, b in itertools.combinations(house.things, 2):
        assert not overlap(thing_box(a), thing_box(b), 0.029), (a, b)
        if a.label == b.label:
            assert np.hypot(a.x - b.x, a.y - b.y) >= 0.2499 or abs(a.z - b.z) > 0.25
    twins = Counter((t.label, t.attributes["colour"]) for t in house.things)
    assert sum(n - 1 for n in twins.values()) <= 0.12 * len(house.things)


def _check_ways(house: House, grid: Grid) -> None:
    """Every room and a place before every surface is on one connected floor."""
    start = next(r for r in house.rooms if r.label == "living room")
    far = grid.distances_from(_free_spot(grid, start.rect))
    reached = np.isfinite(far)
    centres = (np.argwhere(reached) + 0.5) * grid.resolution + grid.origin
    for room in house.rooms:
        assert any(contains(room.rect, p) for p in centres[::5]), room.label
    for door in house.doors:
        middle = ((door.rect[0] + door.rect[2]) / 2, (door.rect[1] + door.rect[3]) / 2)
        assert reached[grid.cell(middle)], "a door is blocked"
    for piece in house.furniture:
        room = house.room(piece.room).rect
        for surface in piece.surfaces:
            near = np.hypot(*(centres - np.clip(centres, surface.rect[:2], surface.rect[2:])).T) <= 1.2
            assert any(contains(room, p) for p in centres[near]), (piece.label, surface.name)
    for thing in house.things:
        if thing.furniture == 0:
            assert min(np.hypot(*(centres - (thing.x, thing.y)).T)) <= 1.2
            assert all(gap_to(d.rect, (thing.x, thing.y)) > 0.05 for d in house.doors)


def _free_spot(grid: Grid, rect) -> tuple[float, float]:
    cells = (np.argwhere(grid.passable) + 0.5) * grid.resolution + grid.origin
    middle = ((rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2)
    return tuple(cells[int(np.argmin(np.hypot(*(cells - middle).T)))])
