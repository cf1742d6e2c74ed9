"""Experiences made up in a moment: nothing is drawn or driven, but the log is one that the task's tools accept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.house import House
from embodied_mem.sim.log import Event, EventLog, placement
from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.log import EpisodeLog, Interaction, Steps
from embodied_mem.tasks.findingdory.predicates import GoalFacts

SIX = 400 * 86400 + 6 * 3600.0
STEP_S, STEPS_A_DAY = 14.4, 4000


def time_of(step: int) -> float:
    """06:00 to 22:00, then on at 06:00 of the next day."""
    return SIX + step // STEPS_A_DAY * 86400 + step % STEPS_A_DAY * STEP_S


def fake_log(seed: int, count: int, steps_each: tuple[int, int] = (4, 16)) -> EpisodeLog:
    """``count`` things carried in house ``seed``, some onto shelves used before, by a robot that jumps about."""
    rng = np.random.default_rng((seed, count))
    house = generate_house(seed)
    pieces = {f.id: f for f in house.furniture if f.surfaces}
    movable = [t for t in house.things if t.furniture in pieces]
    chosen = [movable[i] for i in rng.choice(len(movable), size=count, replace=False)]
    events, interactions, poses, step = [], [], [_somewhere(house, 0, rng)], 0
    for k, thing in enumerate(chosen):
        goal = _goal_of(house, interactions, pieces, rng)
        marks = []
        for _ in range(4):
            length = int(rng.integers(*steps_each))
            room = pieces[thing.furniture if len(marks) < 2 else goal[0]].room
            poses += [_somewhere(house, room, rng) for _ in range(length)]
            step += length
            marks.append(step)
        times = tuple(time_of(s) for s in marks)
        x0, y0, x1, y1 = next(s.rect for s in pieces[goal[0]].surfaces if s.name == goal[1])
        after = {**placement(thing), "furniture": goal[0], "surface": goal[1], "room": pieces[goal[0]].room,
                 "x": (x0 + x1) / 2, "y": (y0 + y1) / 2}  # fmt: skip
        events.append(Event(times[3], "move", thing.id, thing.label, placement(thing), after, "robot", "robot"))
        start = (thing.furniture, thing.surface)
        rooms = pieces[start[0]].room, pieces[goal[0]].room
        interactions.append(Interaction(k, thing.id, start, goal, *rooms, times, tuple(marks)))
    poses += [_somewhere(house, 0, rng) for _ in range(5)]
    total = len(poses)
    holding, manipulating = np.zeros(total, np.int32), np.zeros(total, bool)
    for i in interactions:
        manipulating[i.steps[0] : i.steps[1]] = manipulating[i.steps[2] : i.steps[3] + 1] = True
        holding[i.steps[1] : i.steps[3]] = i.thing
    times = np.array([time_of(s) for s in range(total)])
    steps = Steps(np.array(poses), manipulating, times, holding, ("",) + ("forward",) * (total - 1))
    return EpisodeLog(seed, 0, STEP_S, EventLog(house, events), tuple(interactions), steps)


def _goal_of(house: House, before: list[Interaction], pieces: dict, rng) -> tuple[int, str]:
    if before and rng.random() < 0.4:
        used = before[int(rng.integers(len(before)))]
        return used.goal if rng.random() < 0.5 else used.start
    piece = pieces[int(rng.choice(list(pieces)))]
    return piece.id, str(rng.choice([s.name for s in piece.surfaces]))


def _somewhere(house: House, room: int, rng) -> tuple[float, float, float]:
    """A pose in a room (0: any)."""
    rect = (house.room(room) if room else house.rooms[int(rng.integers(len(house.rooms)))]).rect
    x0, y0, x1, y1 = rect
    return float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1)), float(rng.uniform(-math.pi, math.pi))


@dataclass
class FakeScene:
    """Straight lines for ways; every goal can be stood at."""

    house: House

    def __post_init__(self) -> None:
        self.places = {t.id: (t.x, t.y) for t in self.house.things} | {f.id: (f.x, f.y) for f in self.house.furniture}

    def object_m(self, thing: int, xy) -> float:
        return math.dist(self.places[thing], xy[:2])

    receptacle_m = object_m

    def goal_m(self, goal: Goal, xy) -> float:
        return 0.0 if goal.kind == "room" else self.object_m(goal.id, xy)

    def room_of(self, xy) -> int:
        return next((r.id for r in self.house.rooms if _inside(r.rect, xy)), 0)

    def witness(self, goal: Goal):
        return (0.0, 0.0, 0.0)


@dataclass
class FakeFacts:
    """Every frame that stands within 2 m of a goal shows it; rooms as they are."""

    log: EpisodeLog
    scene: FakeScene

    def __len__(self) -> int:
        return len(self.log.steps)

    def every(self, goal: Goal) -> GoalFacts:
        xy = self.log.steps.pose[:, :2]
        none = np.zeros(len(xy))
        if goal.kind == "room":
            rect = self.scene.house.room(goal.id).rect
            return GoalFacts(none, none, none.astype(int), np.array([_inside(rect, p) for p in xy]))
        near = np.hypot(*(xy - self.scene.places[goal.id]).T) < 2.0
        return GoalFacts(np.where(near, 0.05, 9.0), none, np.full(len(xy), 1000), none.astype(bool))

    def of(self, step: int, goal: Goal) -> GoalFacts:
        whole = self.every(goal)
        return GoalFacts(whole.distance_m[step], whole.angle_rad[step], whole.pixels[step], bool(whole.inside[step]))


def _inside(rect, xy) -> bool:
    return rect[0] <= xy[0] <= rect[2] and rect[1] <= xy[1] <= rect[3]
