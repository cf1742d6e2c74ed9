"""Where to go and look, and what setting out is worth: viewpoints, distances, and what each may show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embodied_mem.planner import look
from embodied_mem.planner.answers_world import in_scope
from embodied_mem.planner.belief_history import History, Place
from embodied_mem.planner.belief_worlds import ABSENT, ELSEWHERE, Worlds
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.query import Query, TimeRef
from embodied_mem.planner.voi import Tour, best_tour
from embodied_mem.types import Camera

MOST_STOPS = 6
FOUND = 0.93  # how often a thing that is at a place is found by going to look there
LEAST_CHANCE = 0.01


@dataclass
class Stop:
    """A place to look at, from where: ``xyz`` what to face, ``x, y`` where to stand, ``metres`` to get there.

    holds: (N) whether going there decides something in each world.
    """

    place: Place
    xyz: tuple[float, float, float]
    x: float
    y: float
    metres: float
    holds: np.ndarray


@dataclass
class Plan:
    """Stops and the geodesic metres between them (row and column 0: the robot)."""

    stops: list[Stop]
    distance: np.ndarray

    def tour(self, weights: np.ndarray, prices: Prices) -> Tour:
        """The best tour when the worlds (N) have these weights."""
        found = np.array([FOUND * float(weights[stop.holds].sum()) for stop in self.stops])
        return best_tour(found, self.distance, prices)

    def length(self) -> float:
        """Metres to see all the stops, nearest first."""
        here, left, total = 0, set(range(1, len(self.stops) + 1)), 0.0
        while left:
            following = min(sorted(left), key=lambda k: self.distance[here, k])
            total += float(self.distance[here, following])
            here = following
            left.remove(here)
        return total


def about_now(query: Query, history: History) -> bool:
    """Whether the answer depends on the present."""
    if query.kind in ("where", "exists", "count", "state", "attribute", "compare", "changes"):
        times = [query.when] + ([query.until or TimeRef("now")] if query.kind in ("compare", "changes") else [])
        present = len(history.slots)
        return any(t.kind == "now" or history.when(t) == [present] for t in times)
    return query.kind == "how_long" and query.when.kind == "now" and query.aspect in ("place", "state", "")


def one_thing(query: Query) -> bool:
    """Whether finding one thing settles the question (against having to see a whole place)."""
    many = query.kind in ("count", "changes", "exists") or (query.kind == "compare" and query.aspect == "count")
    return not many


def places_now(query: Query, worlds: Worlds) -> dict[Place, np.ndarray]:
    """Place → (N) whether an asked thing is there now; for questions of scope only places in the scope."""
    out: dict[Place, np.ndarray] = {}
    for chain in worlds.chains:
        now = chain.sequence[:, worlds.present]
        for k, place in enumerate(chain.places):
            if place in (ABSENT, ELSEWHERE) or not (one_thing(query) or in_scope(query, place)):
                continue
            there = (now == k) & chain.match
            out[place] = out.get(place, np.zeros(len(now), bool)) | there
    return out


def uncertain(query: Query, worlds: Worlds) -> set[Place]:
    """Places of a question of scope at which it is not settled whether a thing is there now."""
    open_places = set()
    for chain in worlds.chains:
        now = chain.sequence[:, worlds.present]
        for k, place in enumerate(chain.places):
            if place not in (ABSENT, ELSEWHERE) and in_scope(query, place):
                share = float(worlds.weights[(now == k) & chain.match].sum())
                if 0.02 < share < 0.97:
                    open_places.add(place)
    return open_places


def plan_stops(query: Query, worlds: Worlds, eyes: look.Eyes, robot_xy, grid, camera: Camera, done: set) -> Plan:
    """The stops worth considering now, likeliest first, with their distances."""
    there = places_now(query, worlds)
    spots = dict(eyes.spots)
    if not one_thing(query):
        keep = uncertain(query, worlds)
        there = {p: holds for p, holds in there.items() if p in keep}
    chance = {p: float(worlds.weights[holds].sum()) for p, holds in there.items()}
    ranked = sorted((p for p in there if chance[p] > LEAST_CHANCE and p not in done and p in spots),
                    key=lambda p: (-chance[p], p))[:MOST_STOPS]  # fmt: skip
    if not ranked:
        return Plan([], np.zeros((1, 1)))
    start = grid.nearest_passable(robot_xy, 0.8) or robot_xy
    field = grid.distances_from(start)
    reach = look.sight_range(query.target.label if query.target else "")
    stops = []
    for place in ranked:
        xyz = tuple(float(v) for v in spots[place])
        seen_from = look.viewpoint(eyes.site_map, grid, field, xyz, reach, camera)
        if seen_from is not None:
            stops.append(Stop(place, xyz, seen_from[1], seen_from[2], seen_from[0], there[place]))
    return Plan(stops, _distances(grid, stops))


def _distances(grid, stops: list[Stop]) -> np.ndarray:
    count = len(stops)
    out = np.zeros((count + 1, count + 1))
    for i, a in enumerate(stops):
        out[0, i + 1] = out[i + 1, 0] = a.metres
        for j in range(i):
            out[i + 1, j + 1] = out[j + 1, i + 1] = grid.length((a.x, a.y), (stops[j].x, stops[j].y))
    return out
