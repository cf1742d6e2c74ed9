"""The scripted oracle: carries things about with the simulator's truth, runs errands between, and keeps the log.

It is an iterator of frames to come: after every action it yields, and whoever records looks then. Nothing is drawn
for it but the few views in which it makes sure that a thing is really to be seen.
"""

from __future__ import annotations

import math

import numpy as np

from embodied_mem.geodesic import XY
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.house import Furniture
from embodied_mem.tasks.findingdory.acting import Actor, Moments
from embodied_mem.tasks.findingdory.carrying import Carrier
from embodied_mem.tasks.findingdory.driving import turn
from embodied_mem.tasks.findingdory.errands import Plan
from embodied_mem.tasks.findingdory.log import EpisodeLog, Interaction
from embodied_mem.tasks.findingdory.spots import aim_at, gaps

MIN_FRAMES, MAX_FRAMES, MAX_COUNT = 400, 3400, 11  # errands end where MAX_COUNT interactions would come to more
UNIT_FRAMES = 150  # of an interaction, about
UNIT_STEPS = 300  # no interaction begins with fewer steps left in the day
AWAY_M = 2.5  # from what was put down last to the end pose


class Oracle:
    """Carries out a plan in a simulator that it resets; ``run`` once, then ``log``."""

    def __init__(self, simulator: EmbeddedSimulator, plan: Plan, day_zero: float) -> None:
        self.plan = plan
        self._actor = Actor(simulator, plan, day_zero)
        self._carrier = Carrier(self._actor)
        self._missed: set[int] = set()

    @property
    def frames(self) -> int:
        """How many frames there are so far."""
        return self._actor.frames

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """What was carried so far."""
        return tuple(self._carrier.interactions)

    @property
    def passed(self) -> frozenset[int]:
        """Furniture that was passed closely and looked at."""
        return frozenset(self._actor.passed)

    def run(self) -> Moments:
        """Do it all; yields when there is a new frame to look at (``simulator.observe()``).

        Raises InputError where the house does not allow the planned number of interactions.
        """
        actor = self._actor
        yield from actor.begin()
        for k in range(self.plan.count):
            yield from self._errands(self.plan.count + 1 - k)
            if actor.seconds_left() < UNIT_STEPS * actor.sim.spec.step_seconds:
                yield from actor.sleep()
            yield from self._carrier.carry_next()
        yield from self._errands(1)
        yield from self._rooms()
        yield from self._again()
        yield from self._leave()

    def log(self) -> EpisodeLog:
        """What happened."""
        sim = self._actor.sim
        return EpisodeLog(
            self.plan.house.seed, self.plan.episode, sim.spec.step_seconds, sim.truth.log.copy(), self.interactions,
            self._actor.steps(),
        )  # fmt: skip

    def _errands(self, shares: int) -> Moments:
        """The share of one of ``shares`` in what is left to pass, nearest first."""
        limit = MAX_FRAMES * max(1.0, self.plan.count / MAX_COUNT) - UNIT_FRAMES * shares
        for _ in range(math.ceil(len(self._todo()) / shares)):
            if self.frames < limit and (todo := self._todo()):
                yield from self._pass(*self._nearest(todo))

    def _todo(self) -> list[Furniture]:
        out = self.plan.skipped | self._actor.passed | self._missed
        return [f for f in self._actor.pieces if f.id not in out and len(self._actor.floor.before(f))]

    def _nearest(self, pieces: list[Furniture]) -> tuple[Furniture, XY]:
        """The piece with the nearest good spot before it."""
        best = (math.inf, pieces[0], self._actor.here)
        for piece in pieces:
            points = self._actor.floor.before(piece)
            too_near = np.maximum(0.5 - gaps(footprint(piece), points), 0)
            cost = self._actor.floor.metres(self._actor.here, points) + 2 * too_near
            i = int(np.argmin(cost))
            if cost[i] < best[0]:
                best = float(cost[i]), piece, (float(points[i][0]), float(points[i][1]))
        return best[1], best[2]

    def _pass(self, piece: Furniture, xy: XY) -> Moments:
        yield from self._actor.go(xy)
        yield from self._actor.face(aim_at(piece, self._actor.here))
        if piece.id not in self._actor.passed:
            self._missed.add(piece.id)

    def _rooms(self) -> Moments:
        """Every room that is not closed is entered once."""
        for room in self._actor.floor.rooms:
            if room.id not in self._actor.entered:
                points = self._actor.floor.inside(room)
                middle = (room.rect[0] + room.rect[2]) / 2, (room.rect[1] + room.rect[3]) / 2
                i = int(np.argmin(np.hypot(*(points - middle).T)))
                yield from self._actor.go((float(points[i][0]), float(points[i][1])))

    def _again(self) -> Moments:
        """A short experience goes on with a second look at pieces, in seeded order, until it is long enough."""
        pieces = [f for f in self._actor.pieces if f.id in self._actor.passed and len(self._actor.floor.before(f))]
        order = self.plan.rng("again").permutation(len(pieces))
        for n in range(3 * len(pieces)):
            if self.frames >= MIN_FRAMES:
                return
            yield from self._pass(*self._nearest([pieces[order[n % len(pieces)]]]))

    def _leave(self) -> Moments:
        """To the seeded end pose, away from what was put down last."""
        rng, actor = self.plan.rng("end"), self._actor
        metres = actor.floor.metres(actor.position_of(self.interactions[-1].steps[3]), actor.floor.points)
        points = actor.floor.points[metres >= min(AWAY_M, metres.max())]
        x, y = points[int(rng.integers(len(points)))]
        yield from actor.go((float(x), float(y)))
        yield from actor.do(*turn(int(rng.integers(-6, 7))))
