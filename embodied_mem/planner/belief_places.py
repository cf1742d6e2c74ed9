"""Where to go and look, and what setting out is worth: viewpoints, distances, and what each may show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from embodied_mem import ontology
from embodied_mem.planner import look
from embodied_mem.planner.answers_world import in_scope
from embodied_mem.planner.belief_history import History, Place
from embodied_mem.planner.belief_worlds import ABSENT, ELSEWHERE, Worlds
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.query import Query, TimeRef
from embodied_mem.planner.voi import Tour, best_tour
from embodied_mem.types import Camera

MOST_STOPS = 7
CLOSER = 0.4  # a second visit to a place looks from this share of the first one's distance
VISITS = 2
FOUND = 0.97  # how often a thing that is at a place is found by going to look there
LEAST_CHANCE = 0.01
LATTICE_M = 0.4  # of floor points considered to look from


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
    covers: tuple[tuple, ...] = ()  # names of all the points of a scope that are seen from there


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
    return query.kind == "how_long" and query.when.kind in ("now", "ever") and not (query.room or query.surface)


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


def scope_points(query: Query, worlds: Worlds, eyes: look.Eyes, done: Counter) -> dict[tuple, float]:
    """Points of the scope that are yet to be looked at → how much each matters (0..1).

    Places of known things where it is open whether one is there, and surfaces on which nothing may be known yet.
    """
    label = query.target.label if query.target else ""
    usual = ontology.THINGS[label].surfaces if label in ontology.THINGS else ()
    chains = {chain.subject.key: chain for chain in worlds.chains}
    found: dict[tuple, float] = {}
    for name in eyes.names:
        looks = len(eyes.watched.get(name, ()))
        if done[name] >= VISITS:
            continue
        if len(name) == 2:
            key, place = name
            chain = chains.get(key)
            if chain is None or looks >= 2 or not in_scope(query, place) or place not in chain.places:
                continue
            there = (chain.sequence[:, worlds.present] == chain.places.index(place)) & chain.match
            share = float(worlds.weights[there].sum())
            if 0.03 < share < 0.97:
                found[name] = 4 * share * (1 - share) if looks else 1.0
        elif not looks and in_scope(query, name[:2]):
            holder = name[0].rsplit(" of the ", 1)[-1]
            if not usual or holder in usual:
                found[name] = 0.3
    return found


def unseen_share(query: Query, eyes: look.Eyes) -> float:
    """Share of the scope's surfaces that no frame has shown yet."""
    names = [name for name in eyes.names if len(name) > 2 and in_scope(query, name[:2])]
    return sum(name not in eyes.watched for name in names) / max(1, len(names))


def plan_scope(query: Query, worlds: Worlds, eyes: look.Eyes, robot_xy, grid, camera: Camera, done: Counter) -> Plan:
    """Viewpoints from which the points of the scope are seen, each chosen for many points a metre, in that order."""
    wanted = scope_points(query, worlds, eyes, done)
    if not wanted:
        return Plan([], np.zeros((1, 1)))
    names = list(wanted)
    index = [eyes.names.index(name) for name in names]
    points, reach = eyes.points[index], np.maximum(eyes.reach(camera)[index], 1.15)
    field = grid.distances_from(grid.nearest_passable(robot_xy, 0.8) or robot_xy)
    centres, metres = _standpoints(grid, field, points, reach)
    if not len(centres):
        return Plan([], np.zeros((1, 1)))
    stands = np.column_stack((centres, np.full(len(centres), camera.height_m)))
    seen = np.column_stack([
        eyes.site_map.eyes_on(stands, point, camera, float(r)) & (np.linalg.norm(centres - point[:2], axis=1) > 0.4)
        for point, r in zip(points, reach, strict=True)
    ])  # fmt: skip
    _add_hidden(seen, names, centres, points, eyes.site_map)
    weight, left = np.array([wanted[name] for name in names]), np.ones(len(names), bool)
    stops, here = [], np.array(robot_xy, float)
    nowhere = np.zeros(len(worlds.weights), bool)
    while len(stops) < MOST_STOPS and (seen & left).any():
        away = metres if not stops else np.linalg.norm(centres - here, axis=1) * 1.2
        k = int(np.argmax(((seen & left) @ weight) / (away + 1.0)))
        covers = np.flatnonzero(seen[k] & left)
        here = centres[k]
        stops.append(Stop(_place_of(names[covers[0]]), tuple(map(float, points[covers[0]])), float(here[0]),
                          float(here[1]), float(metres[k]), nowhere, tuple(names[c] for c in covers)))  # fmt: skip
        left[covers] = False
    return Plan(stops, _straight(stops))


def _place_of(name: tuple) -> Place:
    return name[1] if len(name) == 2 else name[:2]


def _standpoints(grid, field: np.ndarray, points: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reachable floor (S 2) on a lattice within reach of any of the points, and the metres to it (S)."""
    stride = max(1, round(LATTICE_M / grid.resolution))
    cells = np.argwhere(np.isfinite(field))
    nearest = cells[np.argmin(field[cells[:, 0], cells[:, 1]])] if len(cells) else np.zeros(2, int)
    cells = cells[(cells % stride == 0).all(axis=1) | (cells == nearest).all(axis=1)]
    centres = np.array(grid.origin) + (cells + 0.5) * grid.resolution
    away = np.linalg.norm(centres[:, None] - points[None, :, :2], axis=2)
    near = (away < reach[None]).any(axis=1)
    return centres[near], field[cells[near, 0], cells[near, 1]]


def _add_hidden(seen: np.ndarray, names: list[tuple], centres: np.ndarray, points: np.ndarray, site_map) -> None:
    """A known thing's place of which the map knows no clear view is looked at from as near as one can stand."""
    for j in np.flatnonzero(~seen.any(axis=0)):
        if len(names[j]) == 2:
            away = np.abs(np.linalg.norm(centres - points[j, :2], axis=1) - 1.0)
            away += 10.0 * ~look.same_room(site_map, centres, points[j])
            seen[int(np.argmin(away)), j] = True


def _straight(stops: list[Stop]) -> np.ndarray:
    """Metres between the robot (0) and the stops: geodesic to each, straight lines between them."""
    out = np.zeros((len(stops) + 1, len(stops) + 1))
    for i, a in enumerate(stops):
        out[0, i + 1] = out[i + 1, 0] = a.metres
        for j, b in enumerate(stops):
            out[i + 1, j + 1] = float(np.hypot(a.x - b.x, a.y - b.y))
    return out


def plan_stops(
    query: Query, worlds: Worlds, eyes: look.Eyes, rooms: dict, robot_xy, grid, camera: Camera, done: Counter
) -> Plan:
    """The stops worth considering now, likeliest first, with their distances.

    rooms: room label → its centre, where a thing at no known place is searched; done: how often each was visited.
    """
    if not one_thing(query):
        return plan_scope(query, worlds, eyes, robot_xy, grid, camera, done)
    there = places_now(query, worlds)
    spots = {place: tuple(map(float, xyz)) for place, xyz in eyes.spots.items()}
    there |= _searches(worlds, rooms, done)
    spots |= {(ELSEWHERE[0], room): (*xy, 0.8) for room, xy in rooms.items()}
    chance = {p: float(worlds.weights[holds].sum()) for p, holds in there.items()}
    ranked = sorted((p for p in there if chance[p] > LEAST_CHANCE and done[p] < VISITS and p in spots),
                    key=lambda p: (-chance[p], p))[:MOST_STOPS]  # fmt: skip
    if not ranked:
        return Plan([], np.zeros((1, 1)))
    start = grid.nearest_passable(robot_xy, 0.8) or robot_xy
    field = grid.distances_from(start)
    reach = look.sight_range(query.target.label if query.target else "", camera)
    stops = []
    for place in ranked:
        if place[0] == ELSEWHERE[0]:
            seen_from = _centre(grid, field, spots[place])
        else:
            near = max(1.15, reach * CLOSER ** done[place])
            seen_from = look.viewpoint(eyes.site_map, grid, field, spots[place], near, camera)
        if seen_from is not None:
            stops.append(Stop(place, spots[place], seen_from[1], seen_from[2], seen_from[0], there[place]))
    return Plan(stops, _distances(grid, stops))


def _searches(worlds: Worlds, rooms: dict, done: Counter) -> dict[Place, np.ndarray]:
    """Rooms to search where the thing may be at a place never known: its worlds are dealt out among them."""
    left = [room for room in sorted(rooms) if not done[(ELSEWHERE[0], room)]]
    if not left or not worlds.chains:
        return {}
    lost = np.zeros(len(worlds.weights), bool)
    for chain in worlds.chains:
        lost |= chain.match & (chain.sequence[:, worlds.present] == len(chain.places) - 1)
    number = np.cumsum(lost) % len(left)
    return {(ELSEWHERE[0], room): lost & (number == k) for k, room in enumerate(left)}


def _centre(grid, field: np.ndarray, xyz) -> tuple[float, float, float] | None:
    """(metres, x, y) of the floor near a room's centre."""
    spot = grid.nearest_passable(xyz[:2], 1.5)
    if spot is None:
        return None
    metres = float(field[grid.cell(spot)])
    return (metres, *spot) if np.isfinite(metres) else None


def _distances(grid, stops: list[Stop]) -> np.ndarray:
    count = len(stops)
    out = np.zeros((count + 1, count + 1))
    for i, a in enumerate(stops):
        out[0, i + 1] = out[i + 1, 0] = a.metres
        for j in range(i):
            out[i + 1, j + 1] = out[j + 1, i + 1] = grid.length((a.x, a.y), (stops[j].x, stops[j].y))
    return out
