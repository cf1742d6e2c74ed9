"""A day of four errands in house 7, made by hand: no simulator, steps along the shortest ways. For tests."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.log import Event, EventLog, placement
from embodied_mem.sim.schedule import day_zero
from embodied_mem.tasks.findingdory.facts import collect_facts
from embodied_mem.tasks.findingdory.log import EpisodeLog, Interaction, Steps
from embodied_mem.tasks.findingdory.scene import Scene
from embodied_mem.tasks.findingdory.settings import SECONDS_PER_STEP

# Two phones; two shelves of one bookcase; the coffee table is picked from twice, the sofa serves for both.
BLANKET, BOOK, PHONE, RED_PHONE = 1003, 1007, 1023, 1030
SOFA, COFFEE_TABLE, BOOKCASE, ARMCHAIR, STOVE = 105, 108, 109, 110, 114
ERRANDS = (
    (PHONE, ARMCHAIR, "armchair"), (BLANKET, STOVE, "stove"), (RED_PHONE, BOOKCASE, "lower shelf of the bookcase"),
    (BOOK, SOFA, "sofa"),
)  # fmt: skip
LIVING_ROOM, KITCHEN = 2, 3
REACH = (4, 6, 3, 9)  # steps that reaching for the k-th thing takes; putting down takes 5


def small_log(errands=ERRANDS, step_seconds: float = SECONDS_PER_STEP, start: float = 6 * 3600.0) -> EpisodeLog:
    """The log of errands (thing, goal furniture, surface) in house 7; the robot ends where it put the last thing."""
    house = generate_house(7)
    scene, log = Scene(house), EventLog(house)
    clock = day_zero(7) + start
    things, surfaces = {t.id: t for t in house.things}, {s.name: s for f in house.furniture for s in f.surfaces}
    poses, sides, holding, interactions = [], [], [], []

    def stay(pose, steps: int, side: bool, thing: int) -> None:
        poses.extend([pose] * steps)
        sides.extend([side] * steps)
        holding.extend([thing] * steps)

    def drive(to, thing: int) -> None:
        corners = scene.grid.path(poses[-1][:2], to[:2]) if poses else []
        for (x0, y0), (x1, y1) in zip(corners, corners[1:], strict=False):
            for share in np.arange(0.0, 1.0, 0.25 / max(math.dist((x0, y0), (x1, y1)), 0.25)):
                stay((x0 + share * (x1 - x0), y0 + share * (y1 - y0), math.atan2(y1 - y0, x1 - x0)), 1, False, thing)
        stay(to, 1, False, thing)

    for k, (thing, goal, name) in enumerate(errands):
        old, surface, piece = things[thing], surfaces[name], house.piece(goal)
        x, y = (surface.rect[0] + surface.rect[2]) / 2, (surface.rect[1] + surface.rect[3]) / 2
        drive(_beside(scene, old.furniture), 0)
        t1 = len(poses)
        stay(_turned(poses[-1]), REACH[k % len(REACH)], True, 0)
        t2 = len(poses)
        drive(_beside(scene, goal), thing)
        t3 = len(poses)
        stay(_turned(poses[-1]), 5, True, thing)
        t4 = len(poses)
        stay(poses[-1], 1, True, 0)
        steps = (t1, t2, t3, t4)
        after = {"room": piece.room, "furniture": goal, "surface": name, "x": x, "y": y, "z": surface.z, "yaw": 0.0}
        times = tuple(clock + step_seconds * s for s in steps)
        log.append(Event(times[3], "move", thing, old.label, placement(old), after, "robot", "robot"))
        start_of = old.furniture, old.surface
        interactions.append(Interaction(k, thing, start_of, (goal, name), old.room, piece.room, times, steps))
    time = clock + step_seconds * np.arange(len(poses))
    stored = Steps(np.array(poses), np.array(sides), time, np.array(holding, np.int32), ("",) * len(poses))
    return EpisodeLog(7, 0, step_seconds, log, tuple(interactions), stored)


@cache
def small_day() -> tuple:
    """(log, scene, facts) of the day; made once."""
    log = small_log()
    scene = Scene(log.after)
    return log, scene, collect_facts(log, scene)


def _beside(scene: Scene, furniture: int) -> tuple[float, float, float]:
    views = scene.viewpoints(furniture)
    x, y, yaw = views[len(views) // 2]
    return float(x), float(y), float(yaw)


def _turned(pose) -> tuple[float, float, float]:
    return pose[0], pose[1], pose[2] + math.pi / 2
