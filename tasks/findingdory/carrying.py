"""How the oracle carries one thing: where it stands to take it and to put it down, checked with the true view."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.geodesic import XY
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.hands import REACH_M
from embodied_mem.sim.house import Rect, Thing
from embodied_mem.sim.layout import gap_to
from embodied_mem.tasks.findingdory.acting import PIECE_M, Actor, Moments
from embodied_mem.tasks.findingdory.errands import Pose, Surface, goals_in_turn, things_in_turn
from embodied_mem.tasks.findingdory.log import Interaction
from embodied_mem.tasks.findingdory.settings import MIN_PIXELS, OBJECT_M
from embodied_mem.tasks.findingdory.spots import spread

CLEAR_PIXELS = 2 * MIN_PIXELS  # what a thing must cover to count as seen
THING_M = 0.9 * OBJECT_M  # geodesic to where a thing is snapped to
STEEP = math.radians(48)  # what must be looked down at by more is near the lower edge of the image
SPOTS = 5  # tried for a thing or a surface


class Carrier:
    """Carries things for an actor; ``interactions`` are those that were carried."""

    def __init__(self, actor: Actor) -> None:
        self.interactions: list[Interaction] = []
        self._actor, self._plan = actor, actor.plan
        self._house, self._truth, self._camera = actor.plan.house, actor.sim.truth, actor.sim.spec.camera

    def carry_next(self) -> Moments:
        """Carry one thing; what turns out not to work before it is taken is left and the next thing tried.

        Raises InputError where no thing is left.
        """
        k, handled = len(self.interactions), {i.thing for i in self.interactions}
        used = {i.goal[0] for i in self.interactions}
        for thing in things_in_turn(self._truth.house, self._plan, handled, k):
            goals = self._possible(thing, goals_in_turn(self._truth.house, self._plan, thing, used, k))
            for xy in self._views(thing) if goals else ():
                yield from self._actor.go(xy)
                yield from self._actor.face((thing.x, thing.y))
                if self._sees(thing, self._actor.head):
                    yield from self._carry(thing, goals)
                    return
        raise InputError(f"{self._where()}: no thing is left for interaction {k + 1} of {self._plan.count}; "
                         "ask for fewer interactions or take another house")  # fmt: skip

    def _where(self) -> str:
        return f"house {self._house.seed}, episode {self._plan.episode}"

    def _carry(self, thing: Thing, goals: list[Surface]) -> Moments:
        """From reaching for the thing, which is in view, to a look at where it was put."""
        actor, k = self._actor, len(self.interactions)
        rng, start = self._plan.rng("pauses", k), (thing.furniture, thing.surface)
        t1 = actor.frames
        yield from actor.do("manipulate")
        yield from actor.do(*["stop"] * int(rng.integers(2, 5)))
        yield from actor.do("pick", target=thing.id)
        yield from actor.do(*["stop"] * int(rng.integers(1, 3)))
        t2 = actor.frames
        yield from actor.do("navigate")
        goal = yield from self._bring(thing, goals)
        t3 = actor.frames
        yield from actor.do("manipulate")
        yield from actor.do(*["stop"] * int(rng.integers(2, 5)))
        t4 = actor.frames
        yield from actor.do("place", target=goal)
        if self._truth.held is not None:
            raise InputError(f"{self._where()}: {thing.label} {thing.id} did not go onto {goal}, which had room")
        steps = (t1, t2, t3, t4)
        rooms = (self._house.piece(f).room for f, _ in (start, goal))
        self.interactions.append(
            Interaction(k, thing.id, start, goal, *rooms, tuple(actor.time_of(i) for i in steps), steps)
        )
        yield from actor.do(*["stop"] * int(rng.integers(2, 4)))
        shows = self._shows(thing.id)
        yield from actor.do("navigate")
        if not shows:
            yield from self._look_for(thing.id)

    def _look_for(self, thing: int) -> Moments:
        """What was put down out of sight is looked at from elsewhere."""
        put = next(t for t in self._truth.house.things if t.id == thing)
        for xy in self._views(put):
            yield from self._actor.go(xy)
            yield from self._actor.face((put.x, put.y))
            if self._shows(thing):
                return

    def _shows(self, thing: int) -> bool:
        return self._truth.visible_pixels().get(thing, 0) >= CLEAR_PIXELS

    # -- taking ----------------------------------------------------------------------------------------------------

    def _views(self, thing: Thing) -> Iterator[XY]:
        """Spots from which the thing can be seen and reached, best first; checked with a picture each."""
        points = self._actor.floor.before(self._house.piece(thing.furniture))
        if not len(points):
            return
        metres = np.hypot(points[:, 0] - thing.x, points[:, 1] - thing.y)
        low = self._lowering(thing.z + thing.size[2] / 2, metres)
        cost = np.abs(metres - 0.95) + 4 * np.maximum(low - STEEP, 0)
        cost += 0.03 * self._actor.floor.metres(self._actor.here, points)
        cost[metres > REACH_M - 0.15] = math.inf
        for xy in spread(points, cost, SPOTS):
            if self._sees(thing, self._actor.looking(xy, (thing.x, thing.y))):
                yield xy

    def _sees(self, thing: Thing, head: Pose) -> bool:
        """Whether the thing shows well from there, in the middle and in reach, and the place counts for predicates."""
        if not self._counts(head, thing.furniture, (thing.x, thing.y)):
            return False
        _, columns = np.nonzero(self._truth.render(*head).instance == thing.id)
        if len(columns) < CLEAR_PIXELS or not 0.3 <= columns.mean() / self._camera.width <= 0.7:
            return False
        return self._whole(math.dist(head[:2], (thing.x, thing.y)), thing.z, thing.size[2])

    # -- putting down ----------------------------------------------------------------------------------------------

    def _possible(self, thing: Thing, goals: list[Surface]) -> list[Surface]:
        """The goals from the first on that the thing could be put on; none where there is no such."""
        for n, goal in enumerate(goals):
            if any(True for _ in self._stands(thing, goal)):
                return goals[n:]
        return []

    def _bring(self, thing: Thing, goals: list[Surface]) -> Generator[None, None, Surface]:
        """Drive to where the thing can be put on one of the goals; returns the surface."""
        for goal in goals:
            for xy, aim in self._stands(thing, goal):
                yield from self._actor.go(xy)
                yield from self._actor.face(aim)
                if self._can_place(thing, goal, self._actor.head):
                    return goal
        raise InputError(f"{self._where()}: no surface can be reached for {thing.label} {thing.id}; "
                         "ask for fewer interactions or take another episode")  # fmt: skip

    def _stands(self, thing: Thing, goal: Surface) -> Iterator[tuple[XY, XY]]:
        """Spots before a surface from which the thing could be put on it in sight, with what to look at."""
        piece = self._house.piece(goal[0])
        points = self._actor.floor.before(piece)
        if not len(points):
            return
        surface = next(s for s in piece.surfaces if s.name == goal[1])
        metres = np.hypot(*(points - [_within(surface.rect, p) for p in points]).T)
        low = self._lowering(surface.z + 0.08, metres)
        luck = self._plan.rng("stand", piece.id, len(self.interactions)).random(len(points))
        cost = np.abs(low - math.radians(34)) + 4 * np.maximum(low - STEEP, 0) + 0.3 * luck
        for xy in spread(points, cost, SPOTS):
            aim = _within(surface.rect, xy)
            if self._can_place(thing, goal, self._actor.looking(xy, aim)):
                yield xy, aim

    def _can_place(self, thing: Thing, goal: Surface, head: Pose) -> bool:
        at = self._truth.placement(thing, goal, head)
        if at is None or not self._counts(head, goal[0], (at["x"], at["y"])):
            return False
        return self._whole(math.dist(head[:2], (at["x"], at["y"])), at["z"], thing.size[2])

    # -- what counts -----------------------------------------------------------------------------------------------

    def _counts(self, head: Pose, furniture: int, xy: XY) -> bool:
        """Whether from there both a thing at ``xy`` and the piece under it are near enough."""
        rect = footprint(self._house.piece(furniture))
        if gap_to(rect, head[:2]) > PIECE_M or math.dist(head[:2], xy) > REACH_M - 0.02:
            return False
        snapped = self._truth.grid.nearest_passable(xy, max_m=2.0)
        return snapped is not None and self._truth.geodesic(head[:2], snapped) <= THING_M

    def _whole(self, metres: float, z: float, height: float) -> bool:
        """Whether the image holds what stands at ``z`` that far away from its bottom to its top."""
        half = math.atan(self._camera.height / 2 / self._camera.focal) - math.radians(1)
        pitch = math.radians(self._camera.pitch_deg)
        low, high = (math.atan2(v - self._camera.height_m, metres) - pitch for v in (z, z + height))
        return -half <= low and high <= half

    def _lowering(self, z: float, metres: np.ndarray) -> np.ndarray:
        """Angles (N, rad) by which the camera must look down at what is at height ``z`` and ``metres`` away."""
        return np.arctan2(self._camera.height_m - z, np.maximum(metres, 1e-3))


def _within(rect: Rect, xy: XY) -> XY:
    """A point of a surface to look at from ``xy``: the nearest one, drawn to the middle."""
    x0, y0, x1, y1 = rect
    near = min(max(xy[0], x0), x1), min(max(xy[1], y0), y1)
    return 0.6 * near[0] + 0.2 * (x0 + x1), 0.6 * near[1] + 0.2 * (y0 + y1)
