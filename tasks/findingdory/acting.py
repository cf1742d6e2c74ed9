"""The oracle's body: it acts in a simulator, drives, notes where every frame is taken from, and sleeps at night."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from embodied_mem.geodesic import XY
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.house import Furniture
from embodied_mem.sim.layout import contains, gap_to
from embodied_mem.tasks.findingdory.driving import Driver, turn
from embodied_mem.tasks.findingdory.errands import Plan, Pose, Surface
from embodied_mem.tasks.findingdory.log import Steps
from embodied_mem.tasks.findingdory.settings import DAY_END, DAY_START, HOUR, VISIT
from embodied_mem.tasks.findingdory.spots import Floor, aim_at, is_before

PIECE_M = 0.95  # from a piece's box, so that one of its viewpoints is near
PASS_RAD = math.radians(30)  # between where the camera looks and a piece that is passed
DAY = 24 * HOUR
Moments = Iterator[None]  # yields whenever there is a new frame to look at


class Actor:
    """``sim`` is the simulator it acts in, ``floor`` what it may drive on; ``passed`` and ``entered`` are ids.

    Everything that takes steps is an iterator of :data:`Moments`.
    """

    def __init__(self, simulator: EmbeddedSimulator, plan: Plan, day_zero: float) -> None:
        self.sim, self.plan = simulator, plan
        self.floor = Floor(plan.house, simulator.spec.radius_m, plan.closed)
        self.pieces = [f for f in plan.house.furniture if f.surfaces and f.room != plan.closed]
        self.passed: set[int] = set()
        self.entered: set[int] = set()
        self._driver, self._day = Driver(self.floor.grid, simulator.spec), day_zero
        self._notes: list[tuple[Pose, bool, float, int, str]] = []

    def begin(self) -> Moments:
        """The visit starts with the first morning."""
        house = self.plan.house
        self.sim.reset(house.seed, visit=VISIT, time=self._day + DAY_START, start=self.plan.start, house=house)
        yield from self._note("")

    def do(self, *actions: str, target: int | Surface | None = None) -> Moments:
        """Some actions, one after the other."""
        for action in actions:
            self.sim.act(action, target)
            yield from self._note(action)
            if self.seconds_left() < self.sim.spec.step_seconds:
                yield from self.sleep()

    def go(self, xy: XY) -> Moments:
        """Drive to a position on the floor."""
        while actions := self._driver.towards(self.head, xy):
            yield from self.do(*actions)

    def face(self, xy: XY) -> Moments:
        """Turn to look at a point."""
        yield from self.do(*turn(self._driver.turns_to(self.head, xy)))

    def sleep(self) -> Moments:
        """The day is over; the next one begins at once."""
        days = (self.sim.clock - self._day) // DAY
        self.sim.advance(self._day + (days + 1) * DAY + DAY_START)
        yield from self._note("")

    def seconds_left(self) -> float:
        """Until the end of the day."""
        return DAY_END - (self.sim.clock - self._day) % DAY

    @property
    def frames(self) -> int:
        """How many frames there are so far."""
        return len(self._notes)

    @property
    def head(self) -> Pose:
        """Where the robot is and its camera looks."""
        return self.sim.truth.head

    @property
    def here(self) -> XY:
        """Where the robot is."""
        return self.sim.truth.head[:2]

    def looking(self, xy: XY, aim: XY) -> Pose:
        """The pose at ``xy`` that looks at ``aim`` as well as the robot's turns allow."""
        yaw = self.head[2]
        return *xy, yaw + self._driver.turns_to((*xy, yaw), aim) * self.sim.spec.turn_rad

    def time_of(self, frame: int) -> float:
        """UTC seconds of a frame."""
        return self._notes[frame][2]

    def position_of(self, frame: int) -> XY:
        """Where a frame was taken from."""
        return self._notes[frame][0][:2]

    def steps(self) -> Steps:
        """What every frame was taken from."""
        pose, manipulating, time, holding, action = zip(*self._notes, strict=True)
        return Steps(
            np.array(pose, np.float64), np.array(manipulating, bool), np.array(time, np.float64),
            np.array(holding, np.int32), tuple(action),
        )  # fmt: skip

    def _note(self, action: str) -> Moments:
        truth = self.sim.truth
        held = truth.held.id if truth.held is not None else 0
        self._notes.append((truth.pose, truth.manipulating, self.sim.clock, held, action))
        room = next((r for r in self.plan.house.rooms if contains(r.rect, self.here)), None)
        if room is not None:
            self.entered.add(room.id)
            near = (f for f in self.pieces if f.room == room.id and f.id not in self.passed)
            self.passed.update(f.id for f in near if self._passes(f))
        yield

    def _passes(self, piece: Furniture) -> bool:
        """Whether the robot stands close before a piece and looks at it."""
        x, y, yaw = self.head
        if gap_to(footprint(piece), (x, y)) > PIECE_M or not is_before(piece, (x, y)):
            return False
        aim = aim_at(piece, (x, y))
        return abs(math.remainder(math.atan2(aim[1] - y, aim[0] - x) - yaw, math.tau)) <= PASS_RAD
