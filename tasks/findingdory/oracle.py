"""The scripted oracle: carries things about with the simulator's truth and notes what truly happened.

It is a generator of frames to come: after every action it yields, and whoever records looks then. Nothing is drawn
for it but the few views in which it makes sure that a thing is really to be seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.geodesic import XY
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.hands import REACH_M
from embodied_mem.sim.house import Furniture, Thing
from embodied_mem.sim.layout import contains, gap_to
from embodied_mem.tasks.findingdory.driving import Driver, Pose, turn
from embodied_mem.tasks.findingdory.errands import Plan, Surface, goals_in_turn, things_in_turn
from embodied_mem.tasks.findingdory.log import EpisodeLog, Interaction, Steps
from embodied_mem.tasks.findingdory.settings import DAY_END, DAY_START, HOUR, MIN_PIXELS, OBJECT_M, VISIT
from embodied_mem.tasks.findingdory.spots import Floor, aim_at, is_before, spread

CLEAR_PIXELS = 2 * MIN_PIXELS  # what a thing must cover to count as seen
PIECE_M = 0.95  # from a piece's box, so that one of its viewpoints is near
THING_M = 0.9 * OBJECT_M  # geodesic to where a thing is snapped to
PASS_RAD = math.radians(30)
MIN_FRAMES, MAX_FRAMES, MAX_COUNT = 400, 3400, 11  # errands end where MAX_COUNT interactions would come to more
UNIT_FRAMES = 150  # of an interaction, about
UNIT_STEPS = 300  # no interaction begins with fewer steps left in the day
AWAY_M = 2.5  # from what was put down last to the end pose
SPOTS = 5  # tried for a thing or a surface
DAY = 24 * HOUR


class Oracle:
    """Carries out a plan in a simulator that it resets; ``run`` once, then ``log``."""

    def __init__(self, simulator: EmbeddedSimulator, plan: Plan, day_zero: float) -> None:
        self.plan, self.interactions = plan, []
        self._sim, self._day = simulator, day_zero
        self._floor = Floor(plan.house, simulator.spec.radius_m, plan.closed)
        self._driver = Driver(self._floor.grid, simulator.spec)
        self._pieces = [f for f in plan.house.furniture if f.surfaces and f.room != plan.closed]
        self._passed: set[int] = set()
        self._entered: set[int] = set()
        self._failed: set[int] = set()
        self._notes: list[tuple[Pose, bool, float, int, str]] = []

    @property
    def frames(self) -> int:
        """How many frames there are so far."""
        return len(self._notes)

    @property
    def passed(self) -> frozenset[int]:
        """Furniture that was passed closely and looked at."""
        return frozenset(self._passed)

    def run(self) -> Iterator[None]:
        """Do it all; yields when there is a new frame to look at (``simulator.observe()``).

        Raises InputError where the house does not allow the planned number of interactions.
        """
        sim, plan = self._sim, self.plan
        sim.reset(plan.house.seed, visit=VISIT, time=self._day + DAY_START, start=plan.start, house=plan.house)
        self._note("")
        yield
        for k in range(plan.count):
            yield from self._errands(plan.count + 1 - k)
            yield from self._interact(k)
        yield from self._errands(1)
        yield from self._rooms()
        yield from self._again()
        yield from self._leave()

    def log(self) -> EpisodeLog:
        """What happened."""
        pose, manipulating, time, holding, action = zip(*self._notes, strict=True)
        steps = Steps(
            np.array(pose, np.float64), np.array(manipulating, bool), np.array(time, np.float64),
            np.array(holding, np.int32), tuple(action),
        )  # fmt: skip
        return EpisodeLog(
            self.plan.house.seed, self.plan.episode, self._sim.spec.step_seconds, self._sim.truth.log.copy(),
            tuple(self.interactions), steps,
        )  # fmt: skip

    # -- one action ------------------------------------------------------------------------------------------------

    def _do(self, *actions: str, target: int | Surface | None = None) -> Iterator[None]:
        for action in actions:
            self._sim.act(action, target)
            self._note(action)
            yield
            if self._seconds_left() < self._sim.spec.step_seconds:
                yield from self._sleep()

    def _note(self, action: str) -> None:
        truth = self._sim.truth
        held = truth.held.id if truth.held is not None else 0
        self._notes.append((truth.pose, truth.manipulating, self._sim.clock, held, action))
        xy = truth.pose[:2]
        room = next((r for r in self.plan.house.rooms if contains(r.rect, xy)), None)
        if room is not None:
            self._entered.add(room.id)
            self._passed.update(
                f.id for f in self._pieces if f.room == room.id and f.id not in self._passed and self._passes(f)
            )

    def _passes(self, piece: Furniture) -> bool:
        """Whether the robot stands close before a piece and looks at it."""
        x, y, yaw = self._sim.truth.head
        if gap_to(footprint(piece), (x, y)) > PIECE_M:
            return False
        aim = aim_at(piece, (x, y))
        off = math.remainder(math.atan2(aim[1] - y, aim[0] - x) - yaw, math.tau)
        return abs(off) <= PASS_RAD and is_before(piece, (x, y))

    def _seconds_left(self) -> float:
        return DAY_END - (self._sim.clock - self._day) % DAY

    def _sleep(self) -> Iterator[None]:
        """The day is over; the next one begins at once."""
        now = self._sim.clock - self._day
        self._sim.advance(self._day + (now // DAY + 1) * DAY + DAY_START)
        self._note("")
        yield

    # -- getting about ---------------------------------------------------------------------------------------------

    def _go(self, xy: XY) -> Iterator[None]:
        while actions := self._driver.towards(self._sim.truth.head, xy):
            yield from self._do(*actions)

    def _face(self, xy: XY) -> Iterator[None]:
        yield from self._do(*turn(self._driver.turns_to(self._sim.truth.head, xy)))

    @property
    def _here(self) -> XY:
        return self._sim.truth.head[:2]

    def _looking(self, xy: XY, aim: XY) -> Pose:
        """The pose at ``xy`` that looks at ``aim`` as well as the robot's turns allow."""
        _, _, yaw = self._sim.truth.head
        return *xy, yaw + self._driver.turns_to((*xy, yaw), aim) * self._sim.spec.turn_rad

    # -- errands ---------------------------------------------------------------------------------------------------

    def _errands(self, shares: int) -> Iterator[None]:
        """The share of one of ``shares`` in what is left to pass, nearest first."""
        limit = MAX_FRAMES * max(1.0, self.plan.count / MAX_COUNT) - UNIT_FRAMES * shares
        for _ in range(math.ceil(len(self._todo()) / shares)):
            if self.frames < limit and (todo := self._todo()):
                yield from self._pass(*self._nearest(todo))

    def _todo(self) -> list[Furniture]:
        out = self.plan.skipped | self._passed | self._failed
        return [f for f in self._pieces if f.id not in out and len(self._floor.before(f))]

    def _nearest(self, pieces: list[Furniture]) -> tuple[Furniture, XY]:
        """The piece with the nearest good spot before it."""
        best = (math.inf, pieces[0], self._here)
        for piece in pieces:
            points = self._floor.before(piece)
            gap = np.array([gap_to(footprint(piece), p) for p in points])
            cost = self._floor.metres(self._here, points) + 2 * np.maximum(0.5 - gap, 0)
            i = int(np.argmin(cost))
            if cost[i] < best[0]:
                best = float(cost[i]), piece, (float(points[i][0]), float(points[i][1]))
        return best[1], best[2]

    def _pass(self, piece: Furniture, xy: XY) -> Iterator[None]:
        yield from self._go(xy)
        yield from self._face(aim_at(piece, self._here))
        if piece.id not in self._passed:
            self._failed.add(piece.id)

    def _rooms(self) -> Iterator[None]:
        """Every room that is not closed is entered once."""
        for room in self._floor.rooms:
            if room.id not in self._entered:
                points = self._floor.inside(room)
                middle = (room.rect[0] + room.rect[2]) / 2, (room.rect[1] + room.rect[3]) / 2
                i = int(np.argmin(np.hypot(*(points - middle).T)))
                yield from self._go((float(points[i][0]), float(points[i][1])))

    def _again(self) -> Iterator[None]:
        """A short experience goes on with a second look at pieces, in seeded order, until it is long enough."""
        pieces = [f for f in self._pieces if len(self._floor.before(f)) and f.id in self._passed]
        order = self.plan.rng("again").permutation(len(pieces))
        for n in range(3 * len(pieces)):
            if self.frames >= MIN_FRAMES:
                return
            yield from self._pass(*self._nearest([pieces[order[n % len(pieces)]]]))

    def _leave(self) -> Iterator[None]:
        """To the seeded end pose, away from what was put down last."""
        rng = self.plan.rng("end")
        last = self._notes[self.interactions[-1].steps[3]][0][:2]
        metres = self._floor.metres(last, self._floor.points)
        points = self._floor.points[metres >= min(AWAY_M, metres.max())]
        x, y = points[int(rng.integers(len(points)))]
        yield from self._go((float(x), float(y)))
        yield from self._do(*turn(int(rng.integers(-6, 7))))

    # -- one interaction -------------------------------------------------------------------------------------------

    def _interact(self, k: int) -> Iterator[None]:
        """Carry one thing; what turns out not to work before it is taken is left and the next thing tried."""
        if self._seconds_left() < UNIT_STEPS * self._sim.spec.step_seconds:
            yield from self._sleep()
        handled = {i.thing for i in self.interactions}
        used = {i.goal[0] for i in self.interactions}
        for thing in things_in_turn(self._sim.truth.house, self.plan, handled, k):
            goals = self._goals(thing, goals_in_turn(self._sim.truth.house, self.plan, thing, used, k))
            if not goals:
                continue
            for xy in self._views(thing):
                yield from self._go(xy)
                yield from self._face((thing.x, thing.y))
                if self._sees(thing, self._sim.truth.head):
                    yield from self._carry(k, thing, goals)
                    return
        raise InputError(
            f"house {self.plan.house.seed}, episode {self.plan.episode}: no thing is left for interaction {k + 1} of "
            f"{self.plan.count}; ask for fewer interactions or take another house"
        )

    def _goals(self, thing: Thing, goals: list[Surface]) -> list[Surface]:
        """The goals from the first on that the thing could be put on; none where there is no such."""
        for n, goal in enumerate(goals):
            if any(True for _ in self._stands(self.plan.house.piece(goal[0]), thing, goal)):
                return goals[n:]
        return []

    def _views(self, thing: Thing) -> Iterator[XY]:
        """Spots from which the thing can be seen and reached, best first; checked with a picture each."""
        points = self._floor.before(self.plan.house.piece(thing.furniture))
        if not len(points):
            return
        metres = np.hypot(points[:, 0] - thing.x, points[:, 1] - thing.y)
        low = _lowering(self._sim.spec.camera.height_m - thing.z - thing.size[2] / 2, metres)
        cost = np.abs(metres - 0.95) + 4 * np.maximum(low - math.radians(48), 0)
        cost += 0.03 * self._floor.metres(self._here, points)
        cost[metres > REACH_M - 0.15] = math.inf
        for xy in spread(points, cost, SPOTS):
            if self._sees(thing, self._looking(xy, (thing.x, thing.y))):
                yield xy

    def _sees(self, thing: Thing, head: Pose) -> bool:
        """Whether the thing shows well from there, in the middle and in reach, and the place counts for predicates."""
        if not self._counts(head, thing.furniture, (thing.x, thing.y)):
            return False
        rows, columns = np.nonzero(self._sim.truth.render(*head).instance == thing.id)
        width = self._sim.spec.camera.width
        if len(rows) < CLEAR_PIXELS or not 0.3 * width <= columns.mean() <= 0.7 * width:
            return False
        return self._upright(math.dist(head[:2], (thing.x, thing.y)), thing.z, thing.size[2])

    def _counts(self, head: Pose, furniture: int, xy: XY) -> bool:
        """Whether from there both a thing at ``xy`` and the piece under it are near enough."""
        piece = self.plan.house.piece(furniture)
        if gap_to(footprint(piece), head[:2]) > PIECE_M or math.dist(head[:2], xy) > REACH_M - 0.02:
            return False
        return self._sim.truth.geodesic(head[:2], self._snapped(xy)) <= THING_M

    def _snapped(self, xy: XY) -> XY:
        """The nearest position that the robot's body can be at."""
        grid = self._sim.truth.grid
        return grid.nearest_passable(xy, max_m=2.0) or xy

    def _carry(self, k: int, thing: Thing, goals: list[Surface]) -> Iterator[None]:
        rng = self.plan.rng("pauses", k)
        start = (thing.furniture, thing.surface)
        t1 = self.frames
        yield from self._do("manipulate")
        yield from self._do(*["stop"] * int(rng.integers(2, 5)))
        yield from self._do("pick", target=thing.id)
        yield from self._do(*["stop"] * int(rng.integers(1, 3)))
        t2 = self.frames
        yield from self._do("navigate")
        goal = yield from self._bring(thing, goals)
        t3 = self.frames
        yield from self._do("manipulate")
        yield from self._do(*["stop"] * int(rng.integers(2, 5)))
        t4 = self.frames
        yield from self._do("place", target=goal)
        if self._sim.truth.held is not None:
            raise InputError(f"house {self.plan.house.seed}: thing {thing.id} did not go onto {goal}, which had room")
        steps = (t1, t2, t3, t4)
        rooms = tuple(self.plan.house.piece(f).room for f, _ in (start, goal))
        times = tuple(self._notes[i][2] for i in steps)
        self.interactions.append(Interaction(k, thing.id, start, goal, *rooms, times, steps))
        yield from self._do(*["stop"] * int(rng.integers(2, 4)))
        seen = self._visible(thing.id)
        yield from self._do("navigate")
        if not seen:
            yield from self._look_for(thing.id)

    def _visible(self, thing: int) -> bool:
        return self._sim.truth.visible_pixels().get(thing, 0) >= CLEAR_PIXELS

    def _look_for(self, thing: int) -> Iterator[None]:
        """What was put down out of sight is looked at from elsewhere."""
        put = next(t for t in self._sim.truth.house.things if t.id == thing)
        for xy in self._views(put):
            yield from self._go(xy)
            yield from self._face((put.x, put.y))
            if self._visible(thing):
                return

    def _bring(self, thing: Thing, goals: list[Surface]) -> Iterator[None]:
        """Drive to where the thing can be put on one of the goals; returns the surface."""
        for goal in goals:
            piece = self.plan.house.piece(goal[0])
            for xy, aim in self._stands(piece, thing, goal):
                yield from self._go(xy)
                yield from self._face(aim)
                if self._can_place(thing, goal, self._sim.truth.head):
                    return goal
        raise InputError(
            f"house {self.plan.house.seed}, episode {self.plan.episode}: no surface can be reached for {thing.label} "
            f"{thing.id}; take another episode"
        )

    def _stands(self, piece: Furniture, thing: Thing, goal: Surface) -> Iterator[tuple[XY, XY]]:
        """Spots before a surface from which the thing could be put on it in sight, with what to look at."""
        points = self._floor.before(piece)
        if not len(points):
            return
        surface = next(s for s in piece.surfaces if s.name == goal[1])
        aims = np.array([_within(surface.rect, p) for p in points])
        metres = np.hypot(*(points - aims).T)
        low = _lowering(self._sim.spec.camera.height_m - surface.z - 0.08, metres)
        luck = self.plan.rng("stand", piece.id, len(self.interactions)).random(len(points))
        cost = np.abs(low - math.radians(34)) + 4 * np.maximum(low - math.radians(48), 0) + 0.3 * luck
        for xy in spread(points, cost, SPOTS):
            aim = _within(surface.rect, xy)
            if self._can_place(thing, goal, self._looking(xy, aim)):
                yield xy, aim

    def _can_place(self, thing: Thing, goal: Surface, head: Pose) -> bool:
        at = self._sim.truth.placement(thing, goal, head)
        if at is None or not self._counts(head, goal[0], (at["x"], at["y"])):
            return False
        return self._upright(math.dist(head[:2], (at["x"], at["y"])), at["z"], thing.size[2])

    def _upright(self, metres: float, z: float, height: float) -> bool:
        """Whether the image holds a thing that stands at ``z`` that far away from its bottom to its top."""
        camera = self._sim.spec.camera
        half = math.atan(camera.height / 2 / camera.focal) - math.radians(1)
        low, high = (math.atan2(v - camera.height_m, metres) - math.radians(camera.pitch_deg) for v in (z, z + height))
        return -half <= low and high <= half


def _lowering(height: float, metres: np.ndarray) -> np.ndarray:
    """Angles (N, rad) by which a camera must look down at something ``height`` below it and ``metres`` away."""
    return np.arctan2(height, np.maximum(metres, 1e-3))


def _within(rect: tuple[float, float, float, float], xy: XY) -> XY:
    """A point of a surface to look at from ``xy``: the nearest one, drawn to the middle."""
    x0, y0, x1, y1 = rect
    near = min(max(xy[0], x0), x1), min(max(xy[1], y0), y1)
    return 0.6 * near[0] + 0.2 * (x0 + x1), 0.6 * near[1] + 0.2 * (y0 + y1)
