"""Shortest tours against brute force, and success weighted by them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.sim.generate import generate_house
from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.scene import Scene
from embodied_mem.tasks.findingdory.tours import _exact, _improved, best_order, shortest_m, spl, through_m


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(generate_house(7))


@pytest.fixture(scope="module")
def start(scene) -> tuple[float, float]:
    return scene.grid.centre(np.argwhere(scene.grid.passable)[40])


def some_objects(scene: Scene, count: int) -> list[Goal]:
    return [Goal("object", t.id) for t in scene.house.things[:: len(scene.house.things) // count][:count]]


def some_receptacles(scene: Scene, count: int) -> list[Goal]:
    pieces = [f for f in scene.house.furniture if f.surfaces]
    return [Goal("receptacle", f.id) for f in pieces[:: len(pieces) // count][:count]]


def test_any_is_the_way_to_the_nearest(scene, start):
    goals = some_objects(scene, 6) + some_receptacles(scene, 3) + [Goal("room", r.id) for r in scene.house.rooms]
    for few in (goals[:6], goals[6:9], goals[9:], goals):
        assert shortest_m(scene, "any", few, start) == min(scene.goal_m(g, start) for g in few)
    here = Goal("room", scene.room_of(start))
    assert shortest_m(scene, "any", [here], start) == 0
    assert shortest_m(scene, "any", [], start) == math.inf


def test_a_tour_of_objects_is_the_shortest_of_all_orders(scene, start):
    goals = some_objects(scene, 4)
    every = [through_m(scene, [goals[i] for i in order], start) for order in itertools.permutations(range(4))]
    assert shortest_m(scene, "all", goals, start) == pytest.approx(min(every), abs=1e-3)


def test_an_order_goes_through_its_goals_in_turn(scene, start):
    goals = some_objects(scene, 4)
    at = [start, *(tuple(scene.sources(g)[0]) for g in goals)]
    legs = [scene.goal_m(g, at[i]) for i, g in enumerate(goals)]
    assert shortest_m(scene, "ordered", goals, start) == pytest.approx(sum(legs), abs=1e-3)
    assert shortest_m(scene, "ordered", [goals[0], goals[1], goals[0]], start) > sum(legs[:2])
    assert shortest_m(scene, "ordered", [goals[0], goals[0]], start) == pytest.approx(legs[0], abs=1e-3)


def test_a_receptacle_is_entered_where_that_is_best_for_what_comes_next(scene, start):
    """Brute force over the viewpoints of the first receptacle."""
    a, b = some_receptacles(scene, 2)
    best = min(
        float(scene.grid.distances_from(tuple(xy))[scene.grid.cell(start)]) + scene.goal_m(b, tuple(xy))
        for xy in scene.sources(a)
    )
    assert through_m(scene, [a, b], start) == pytest.approx(best, abs=1e-3)
    assert through_m(scene, [a, b], start) >= scene.goal_m(a, start)


def test_a_tour_of_receptacles_is_close_to_the_shortest_of_all_orders(scene, start):
    """Legs between receptacles are lower bounds when the order is chosen, so here it may miss by a little."""
    goals = some_receptacles(scene, 4)
    every = [through_m(scene, [goals[i] for i in order], start) for order in itertools.permutations(range(4))]
    assert min(every) <= shortest_m(scene, "all", goals, start) <= min(every) * 1.1


def test_nowhere_to_go_is_no_way(scene, start):
    goal = some_objects(scene, 1)[0]
    assert through_m(scene, [], start) == 0
    assert shortest_m(scene, "all", [goal], (-50.0, -50.0)) == math.inf


def points_on_a_plane(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    xy = np.random.default_rng(seed).uniform(0, 10, (count + 1, 2))
    gaps = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    return gaps[0, 1:], gaps[1:, 1:]


def tour_m(order: list[int], first: np.ndarray, legs: np.ndarray) -> float:
    return float(first[order[0]] + legs[order[:-1], order[1:]].sum())


@pytest.mark.parametrize("seed", range(8))
def test_dynamic_programming_is_exact_and_the_long_way_is_near(seed):
    first, legs = points_on_a_plane(seed, 7)
    best = min(tour_m(list(order), first, legs) for order in itertools.permutations(range(7)))
    assert tour_m(_exact(first, legs), first, legs) == pytest.approx(best)
    assert tour_m(_improved(first, legs), first, legs) <= best * 1.1


def test_more_goals_than_can_be_solved_exactly_still_make_a_tour(scene, start):
    goals = some_objects(scene, 14)
    order = best_order(scene, goals, start)
    assert sorted(order) == list(range(14))
    assert through_m(scene, [goals[i] for i in order], start) < through_m(scene, goals, start)


metres = st.floats(0, 1e4) | st.just(math.inf)


@given(st.booleans(), metres, metres)
def test_spl_is_a_share(success, shortest, taken):
    value = spl(success, shortest, taken)
    assert 0 <= value <= float(success)


def test_spl_by_hand():
    assert spl(True, 4.0, 5.0) == 0.8 and spl(True, 5.0, 4.0) == 1.0 and spl(True, 0.0, 0.0) == 1.0
    assert spl(True, 0.0, 3.0) == 0.0 and spl(False, 4.0, 4.0) == 0.0
