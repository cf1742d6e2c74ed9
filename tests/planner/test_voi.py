"""The value of information keeps its promises: information never hurts, useless information is worth nothing,
dearer never means more."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embodied_mem.planner.costs import Prices
from embodied_mem.planner.voi import (
    Option,
    answer_masses,
    answer_value,
    best_tour,
    choose,
    expected_worth,
    value_of_information,
)

seeds = st.integers(0, 2**32 - 1)


def random_case(seed: int):
    """A belief over 2..5 answers that may leave some mass to others, and a likelihood of 2..4 outcomes."""
    rng = np.random.default_rng(seed)
    answers, outcomes = rng.integers(2, 6), rng.integers(2, 5)
    b = rng.dirichlet(np.full(answers, 0.7))
    likelihood = rng.dirichlet(np.ones(outcomes), size=answers).T
    prices = Prices(w=float(rng.uniform(0, 2)), u=float(rng.uniform(-0.5, 0.5)), metre=float(rng.uniform(0, 0.05)))
    return rng, b, likelihood, prices


@given(seeds)
def test_free_information_never_hurts(seed):
    _, b, likelihood, prices = random_case(seed)
    assert value_of_information(b, likelihood, 0.0, prices) >= -1e-9


@given(seeds)
def test_free_information_never_hurts_with_tours(seed):
    rng, b, likelihood, prices = random_case(seed)
    places = len(b)
    distance = rng.uniform(0, 20, (places + 1, places + 1))

    def worth(weights: np.ndarray) -> float:
        stay = answer_value(float(answer_masses(weights, np.arange(places), places).max()), prices)
        return max(stay, best_tour(0.9 * weights, distance, prices).value)

    assert expected_worth(b, likelihood, worth) >= worth(b) - 1e-9


@given(seeds)
def test_no_value_where_no_outcome_changes_the_decision(seed):
    _, b, likelihood, prices = random_case(seed)
    same = np.repeat(likelihood.mean(axis=1, keepdims=True), len(b), axis=1)
    assert abs(value_of_information(b, same, 0.0, prices)) < 1e-9
    assert abs(value_of_information(np.array([1.0]), likelihood[:, :1], 0.0, prices)) < 1e-9


@given(seeds, st.floats(0, 1), st.floats(0, 1))
def test_dearer_is_never_worth_more(seed, cost, more):
    rng, b, likelihood, prices = random_case(seed)
    cheap = value_of_information(b, likelihood, cost, prices)
    assert value_of_information(b, likelihood, cost + more, prices) <= cheap + 1e-9
    distance = rng.uniform(0, 20, (len(b) + 1, len(b) + 1))
    dear = Prices(prices.w, prices.u, prices.image, prices.metre + more)
    assert best_tour(b, distance, dear).value <= best_tour(b, distance, prices).value + 1e-9


@settings(max_examples=40)
@given(seeds, st.integers(1, 5))
def test_the_tour_is_the_best_of_all_orders_and_cut_offs(seed, places):
    rng = np.random.default_rng(seed)
    found = rng.dirichlet(np.ones(places + 1))[:places]
    distance, prices = rng.uniform(0, 30, (places + 1, places + 1)), Prices(u=float(rng.uniform(-0.3, 0.3)))

    def worth(order) -> float:
        metres, total, mass, here = 0.0, 0.0, 0.0, 0
        for k in order:
            metres += distance[here, k + 1]
            total += found[k] * (1 - prices.metre * metres)
            mass += found[k]
            here = k + 1
        return total + (1 - mass) * (prices.u - prices.metre * metres)

    orders = [o for n in range(1, places + 1) for o in itertools.permutations(range(places), n)]
    tour = best_tour(found, distance, prices)
    assert np.isclose(tour.value, max(map(worth, orders)))
    assert np.isclose(worth(tour.order), tour.value)


def test_many_places_are_searched_within_bounds():
    rng = np.random.default_rng(0)
    found, points = rng.dirichlet(np.ones(12)), rng.uniform(0, 10, (13, 2))
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    tour = best_tour(found, distance, Prices())
    assert len(set(tour.order)) == len(tour.order) and tour.value > 0.5


def test_two_readings_can_pay_where_one_does_not():
    """Four answers told apart by two bits: one bit leaves a coin to toss, both settle it."""
    weights, answers, prices = np.full(4, 0.25), np.arange(4), Prices()
    first = Option(np.array([[1, 1, 0, 0], [0, 0, 1, 1.0]]), 0.05)
    second = Option(np.array([[1, 0, 1, 0], [0, 1, 0, 1.0]]), 0.05)

    def worth(w):
        return answer_value(float(answer_masses(w, answers, 4).max()), prices)

    choice = choose(weights, [first, second], worth)
    assert choice.index == 0 and choice.alone < 0 < choice.voi
    assert choose(weights, [first], worth).index is None
