"""What a robot sets out to do in an episode: how many things it carries, which room and pieces it leaves out, where to.

Everything is drawn from the house's seed and the number of the episode.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from embodied_mem.ontology import THINGS
from embodied_mem.sim.catalog import thing_size
from embodied_mem.sim.house import House, Thing
from embodied_mem.sim.routines_space import Place
from embodied_mem.sim.schedule import rng_of
from embodied_mem.sim.stock import first_states, looks, place_on
from embodied_mem.tasks.findingdory.spots import Floor, leaf_rooms

CLOSED_SHARE = 0.28  # of the episodes leave a room out, where there is a fitting one
CLOSED_PIECES = 0.18  # of the pieces with surfaces that it may have
SKIPPED_SHARE = 0.22  # of the pieces with surfaces are no errand where no room is closed
ELSEWHERE = 0.8  # of the things go to another room
SPARE, SPARE_SHARE = 4, 1.5  # things to choose from: SPARE_SHARE × interactions + SPARE

Surface = tuple[int, str]  # furniture id, surface name
Pose = tuple[float, float, float]


@dataclass(frozen=True)
class Plan:
    """house: as it is when the episode begins, extra things included; count: interactions; closed: the Room id that
    is never entered (0: none); skipped: furniture that is no errand; start: x, y, yaw."""

    house: House
    episode: int
    count: int
    closed: int
    skipped: frozenset[int]
    start: Pose

    def rng(self, *names: object) -> np.random.Generator:
        """A generator of its own for each purpose."""
        return rng_of(self.house.seed, "findingdory", self.episode, *names)


def plan_episode(house: House, episode: int, interactions: tuple[int, int], radius: float) -> Plan:
    """The plan of one episode in ``house``; ``interactions``: the least and the most."""
    rng = rng_of(house.seed, "findingdory", episode, "plan")
    count = int(rng.integers(interactions[0], interactions[1] + 1))
    closed = _closed_room(house, radius, rng)
    pieces = [f.id for f in house.furniture if f.surfaces and f.room != closed]
    skipped = frozenset(rng.permutation(pieces)[: int(SKIPPED_SHARE * len(pieces))].tolist() if not closed else ())
    house = stocked(house, math.ceil(SPARE_SHARE * count) + SPARE, closed, rng)
    floor = Floor(house, radius, closed)
    x, y = floor.points[int(rng.integers(len(floor.points)))]
    start = round(float(x), 4), round(float(y), 4), round(math.radians(10 * int(rng.integers(36))), 6)
    return Plan(house, episode, count, closed, skipped, start)


def _closed_room(house: House, radius: float, rng: np.random.Generator) -> int:
    if rng.random() >= CLOSED_SHARE:
        return 0
    pieces = [f.room for f in house.furniture if f.surfaces]
    leaves = [r for r in leaf_rooms(house, radius) if pieces.count(r.id) <= CLOSED_PIECES * len(pieces)]
    return leaves[int(rng.integers(len(leaves)))].id if leaves else 0


def movable(house: House, closed: int) -> list[Thing]:
    """Things that stand on furniture in a room that is entered."""
    return [t for t in house.things if t.furniture and t.room != closed]


def stocked(house: House, need: int, closed: int, rng: np.random.Generator) -> House:
    """The house with as many things on furniture outside of the closed room as are needed, if there is room."""
    places = [Place(f.room, f.label, s) for f in house.furniture for s in f.surfaces if f.room != closed]
    labels, things = {r.id: r.label for r in house.rooms}, list(house.things)
    for _ in range(20 * need):
        if len(movable(replace(house, things=tuple(things)), closed)) >= need:
            break
        place = places[int(rng.integers(len(places)))]
        names = [n for n, c in THINGS.items() if place.owner in c.surfaces and labels[place.room] in c.rooms]
        if not names:
            continue
        label = str(rng.choice(names))
        size = thing_size(label, rng)
        at = place_on(things, place, size, rng, label)
        if at is not None:
            colours = [t.attributes["colour"] for t in things if t.label == label]
            look, states = looks(THINGS[label], colours, rng), first_states(THINGS[label], rng)
            things.append(Thing(max(t.id for t in things) + 1, label, look, size, **at, states=states))
    return replace(house, things=tuple(things))


def things_in_turn(house: House, plan: Plan, handled: Collection[int], number: int) -> list[Thing]:
    """What may be carried next, in order of preference: labels that were not handled yet mostly come first."""
    left = [t for t in movable(house, plan.closed) if t.id not in handled]
    known = {t.label for t in house.things if t.id in handled}
    luck = plan.rng("thing", number).random(len(left))
    rank = {t.id: u + 0.6 * (t.label in known) for t, u in zip(left, luck, strict=True)}
    return sorted(left, key=lambda t: rank[t.id])


def goals_in_turn(house: House, plan: Plan, thing: Thing, used: Collection[int], number: int) -> list[Surface]:
    """Surfaces on other pieces that have room for the thing, in order of preference.

    Mostly in another room; kinds of furniture that no thing was put on yet (``used``: furniture ids) come first.
    """
    rng = plan.rng("goal", number, thing.id)
    home = rng.random() >= ELSEWHERE
    known = {f.label for f in house.furniture if f.id in used}
    labels = sorted({f.label for f in house.furniture})
    turn = dict(zip(labels, rng.random(len(labels)), strict=True))
    found: list[tuple[tuple, Surface]] = []
    for piece in house.furniture:
        names = dict.fromkeys(s.name for s in piece.surfaces)
        if not names or piece.room == plan.closed or piece.id == thing.furniture:
            continue
        away = (piece.room == thing.room) != home
        for name in rng.permutation(list(names)):
            place = next(Place(piece.room, piece.label, s) for s in piece.surfaces if s.name == name)
            rank = (away, turn[piece.label] + 0.5 * (piece.label in known), rng.random())
            if place_on(house.things, place, thing.size, rng, thing.label) is not None:
                found.append((rank, (piece.id, str(name))))
    return [surface for _, surface in sorted(found)]
