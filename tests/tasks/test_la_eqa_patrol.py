"""The patrol keeps its promises in real houses, checked by walking it; the shortest tours are truly short."""

from __future__ import annotations

import math

import numpy as np
import pytest

from embodied_mem.geodesic import Grid
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.layout import contains, gap_to
from embodied_mem.tasks.la_eqa.floor import footprint, free_floor
from embodied_mem.tasks.la_eqa.patrol import MIN_FRAMES, plan_patrol
from embodied_mem.tasks.la_eqa.present import PresentView, lattice

TURN = math.radians(15)


def walked(patrol):
    """x, y, yaw of every frame."""
    x, y, yaw = patrol.start
    poses = [(x, y, yaw)]
    for action in patrol.actions:
        if action == "forward":
            x, y = x + 0.25 * math.cos(yaw), y + 0.25 * math.sin(yaw)
        else:
            yaw += TURN if action == "left" else -TURN
        poses.append((x, y, yaw))
    return np.array(poses)


@pytest.fixture(scope="module", params=[2, 4])
def house(request):
    return generate_house(request.param)


@pytest.fixture(scope="module")
def patrol(house):
    return plan_patrol(house)


def test_a_patrol_is_long_enough_deterministic_and_made_of_three_actions(house, patrol):
    assert MIN_FRAMES <= patrol.frames == len(patrol.actions) + 1
    assert set(patrol.actions) == {"forward", "left", "right"}
    assert plan_patrol(house) == patrol


def test_no_step_touches_anything(house, patrol):
    floor = free_floor(house, 0.18)
    poses = walked(patrol)
    assert all(floor.line_of_sight(a[:2], b[:2]) for a, b in zip(poses, poses[1:], strict=False))


def test_every_room_gets_a_full_turn_on_the_spot(house, patrol):
    poses = walked(patrol)
    for room in house.rooms:
        inside = [p for p in poses if contains(room.rect, p[:2])]
        headings = {}
        for x, y, yaw in inside:
            headings.setdefault((round(x, 3), round(y, 3)), set()).add(round(yaw / TURN) % 24)
        assert max(map(len, headings.values())) == 24, room.label


def test_every_surface_is_faced_from_within_a_metre_and_a_half(house, patrol):
    poses = walked(patrol)
    for piece in (f for f in house.furniture if f.surfaces):
        room = house.room(piece.room)
        rect = footprint(piece)
        near = [p for p in poses if gap_to(rect, p[:2]) <= 1.5 and contains(room.rect, p[:2])]
        assert any(_faces(p, piece) for p in near), f"{piece.label} in the {room.label}"


def _faces(pose, piece):
    bearing = math.atan2(piece.y - pose[1], piece.x - pose[0]) - pose[2]
    return abs(math.remainder(bearing, 2 * math.pi)) <= math.radians(37.5)


def view(things):
    """A 6 m × 6 m hall; ``things``: spot index → ids seen from there (spots at x = 0.25, 1.25, …)."""
    grid = Grid(np.ones((60, 60), bool), (0.0, 0.0), 0.1)
    spots = np.array([[0.25 + i, 0.25] for i in range(6)])
    return PresentView(grid, spots, [[(0.0, {t: 80 for t in things.get(i, ())})] for i in range(6)])


def test_the_shortest_tour_sees_one_of_every_group():
    present = view({1: [10], 3: [11, 12], 5: [10, 13]})
    start = (0.25, 0.25, 0.0)
    assert present.tour(start, []) == (0.0, [])
    assert present.tour(start, [{10}])[0] == pytest.approx(1.0, abs=0.15)
    metres, poses = present.tour(start, [{10}, {11}])
    assert metres == pytest.approx(3.0, abs=0.2) and [p[0] for p in poses] == [1.25, 3.25]
    assert present.tour(start, [{13}, {12, 99}])[0] == pytest.approx(5.0, abs=0.3)
    assert present.tour(start, [{99}]) == (math.inf, [])


def test_the_lattice_keeps_to_the_largest_connected_floor(house):
    grid = free_floor(house)
    spots = lattice(grid)
    far = grid.distances_from(tuple(spots[0]))
    assert all(np.isfinite(far[grid.cell(s)]) for s in spots) and len(spots) > 50
