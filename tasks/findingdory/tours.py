"""Shortest open tours to the goals of an item, each reached at its own geometry, and success weighted by them.

An object is reached at the floor nearest to where it stands now, a receptacle at any of its viewpoints, a room on any
of its cells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from embodied_mem.tasks.findingdory.items import Goal, Item, Quantifier
from embodied_mem.tasks.findingdory.predicates import GoalFacts
from embodied_mem.tasks.findingdory.scene import XY, Scene
from embodied_mem.tasks.findingdory.sequence import judge, met_by

EXACT_GOALS = 12


def shortest_m(scene: Scene, quantifier: Quantifier, goals: Sequence[Goal], start: XY) -> float:
    """L*: metres of the shortest way from ``start`` that fulfils an item; inf where there is none.

    any: to the nearest goal; ordered: through all in this order, entering and leaving each where it is best for the
    whole way; all: the same through the best order (see :func:`best_order`).
    """
    if quantifier == "any":
        return min((scene.goal_m(g, start) for g in goals), default=math.inf)
    key = quantifier, tuple(goals), start
    if key not in scene.tours:
        order = best_order(scene, goals, start) if quantifier == "all" else range(len(goals))
        scene.tours[key] = through_m(scene, [goals[i] for i in order], start)
    return scene.tours[key]


def ways_of(scene: Scene, item: Item, stops: Sequence[Sequence[GoalFacts]], start: XY) -> dict:
    """The fields of a prediction row that its path efficiency needs; ``stops``: the facts of every goal at every stop.

    starts_m: way from ``start`` to each goal; hl_shortest_m: L*; hl_chosen_m: the way through the goals in the order in
    which the stops reach them (for "any": to the nearest goal of the first stop), None where a required goal has no
    stop. Millimetres; None for a way that is not there.
    """
    starts, met, chosen = [scene.goal_m(goal, start) for goal in item.goals], met_by(item.goals, stops), math.inf
    visits = judge(item.quantifier, met).visits
    if item.quantifier == "any" and visits:
        chosen = min(far for far, reached in zip(starts, met[0], strict=True) if reached)
    elif len(visits) == item.required:
        chosen = through_m(scene, [item.goals[g] for _, g in visits], start)
    return {
        "starts_m": [_finite(far) for far in starts],
        "hl_shortest_m": _finite(shortest_m(scene, item.quantifier, item.goals, start)),
        "hl_chosen_m": _finite(chosen),
    }


def _finite(metres: float) -> float | None:
    return round(float(metres), 3) if math.isfinite(metres) else None


def through_m(scene: Scene, goals: Sequence[Goal], start: XY) -> float:
    """Metres of the shortest way from ``start`` through the goals in this order; 0 without goals, inf without a way."""
    if not goals:
        return 0.0
    costs = np.full(scene.grid.passable.shape, np.inf)
    at = scene.grid.nearest_passable(start)
    if at is not None:
        costs[scene.grid.cell(at)] = 0
    for goal in goals:
        reach = scene.grid.distances_over(costs)
        cells = tuple(np.array([scene.grid.cell(xy) for xy in scene.sources(goal)]).reshape(-1, 2).T)
        costs = np.full(reach.shape, np.inf)
        costs[cells] = reach[cells]
    return max(float(costs.min()), 0.0)


def best_order(scene: Scene, goals: Sequence[Goal], start: XY) -> list[int]:
    """The order (indices) in which to visit all goals.

    Exact by dynamic programming up to 12 goals, beyond that by insertion and 2-opt, over the shortest way between any
    two goals. For objects that is the true shortest tour. Between receptacles, which may be entered at one viewpoint
    and left at another, the legs are lower bounds and the order is the best by them.
    """
    first = np.array([scene.goal_m(g, start) for g in goals])
    legs = np.zeros((len(goals), len(goals)))
    for i, a in enumerate(goals):
        cells = tuple(np.array([scene.grid.cell(xy) for xy in scene.sources(a)]).reshape(-1, 2).T)
        for j, b in enumerate(goals):
            legs[i, j] = scene.field(b)[cells].min(initial=np.inf) if i != j else 0.0
    if not (np.isfinite(first).all() and np.isfinite(legs).all()):
        return list(range(len(goals)))  # there is no tour
    return _exact(first, legs) if len(goals) <= EXACT_GOALS else _improved(first, legs)


def _exact(first: np.ndarray, legs: np.ndarray) -> list[int]:
    """Held and Karp: cost[visited, last] of the cheapest way from the start through a set of goals."""
    n = len(first)
    cost, before = np.full((1 << n, n), np.inf), np.zeros((1 << n, n), int)
    for k in range(n):
        cost[1 << k, k] = first[k]
    for visited in range(1, 1 << n):
        ways = cost[visited][:, None] + legs
        cheapest, last = ways.min(0), ways.argmin(0)
        for k in range(n):
            after = visited | 1 << k
            if after != visited and cheapest[k] < cost[after, k]:
                cost[after, k], before[after, k] = cheapest[k], last[k]
    visited = (1 << n) - 1
    order = [int(cost[visited].argmin())] if n else []
    while len(order) < n:
        k = order[-1]
        visited, last = visited & ~(1 << k), int(before[visited, k])
        order.append(last)
    return order[::-1]


def _improved(first: np.ndarray, legs: np.ndarray) -> list[int]:
    """Cheapest insertion, then reversals and moves of single goals until none helps."""

    def length(order: list[int]) -> float:
        return float(first[order[0]] + legs[order[:-1], order[1:]].sum())

    order: list[int] = []
    for k in np.argsort(first, kind="stable"):
        order = min(([*order[:i], int(k), *order[i:]] for i in range(len(order) + 1)), key=length)
    n, best = len(order), length(order)
    while True:
        tries = [order[:i] + order[i:j][::-1] + order[j:] for i in range(n) for j in range(i + 2, n + 1)]
        for i in range(n):
            rest = order[:i] + order[i + 1 :]
            tries += [[*rest[:j], order[i], *rest[j:]] for j in range(n) if j != i]
        found = min(tries, key=length)
        if length(found) >= best - 1e-9:
            return order
        order, best = found, length(found)


def spl(success: bool, shortest_m: float, taken_m: float) -> float:
    """Success weighted by path length, in [0, 1]: L*/max(L*, L) where successful; 1 where nothing is to be walked."""
    if not success or not math.isfinite(shortest_m):
        return 0.0
    longest = max(shortest_m, taken_m)
    return shortest_m / longest if longest > 0 else 1.0
