"""Templates 21 to 30, and 50: what is farthest from now, and rooms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.templates import Day, Draft, best, by_value, distinct, pieces, template

FAR, ROOMS = "Spatial Relationship", "Room Visitation"
TIE_M = 0.5
TIE_SHARE = 20  # rooms tie where their numbers of frames differ by at most a twentieth of all frames


def farthest(day: Day, goals: Iterable[Goal]) -> Iterator[Draft]:
    """Those with the longest way from the end pose."""
    here = day.log.end_pose[:2]

    def metres(goal: Goal) -> float:
        way = day.scene.object_m if goal.kind == "object" else day.scene.receptacle_m
        return float(way(goal.id, here))

    yield Draft(best(goals, metres, TIE_M, f"equally far within {TIE_M} m"))


@template(21, FAR, "no used receptacle can be reached")
def farthest_used(day):
    return farthest(day, pieces(day.used))


@template(22, FAR, "no unused receptacle can be reached")
def farthest_unused(day):
    return farthest(day, day.unused)


@template(23, FAR, "no receptacle picked from can be reached")
def farthest_start(day):
    return farthest(day, pieces(day.starts))


@template(24, FAR, "no receptacle placed on can be reached")
def farthest_end(day):
    return farthest(day, pieces(day.ends))


@template(25, FAR, "no handled object can be reached")
def farthest_object(day):
    return farthest(day, day.objects)


def room(number: int) -> Goal:
    return Goal("room", number)


@template(26, ROOMS)
def room_picked_nth(day):
    for k, i in enumerate(day.log.interactions):
        yield Draft((room(i.start_room),), {"ordinal": k + 1})


@template(27, ROOMS)
def room_placed_nth(day):
    for k, i in enumerate(day.log.interactions):
        yield Draft((room(i.goal_room),), {"ordinal": k + 1})


def rooms_of_category(day: Day, numbers: list[int]) -> Iterator[Draft]:
    """By the category of the handled objects: the rooms of their interactions."""
    for label, objects in by_value(day.objects, day.label):
        yield Draft(distinct(room(numbers[day.objects.index(o)]) for o in objects), {"label": label})


@template(28, ROOMS)
def room_picked_category(day):
    return rooms_of_category(day, [i.start_room for i in day.log.interactions])


@template(29, ROOMS)
def room_placed_category(day):
    return rooms_of_category(day, [i.goal_room for i in day.log.interactions])


def frames_by_room(day: Day) -> dict[int, int]:
    """Frames with the base inside, for the rooms that it was in, in order of entering."""
    inside = [day.scene.room_of((float(x), float(y))) for x, y, _ in day.log.steps.pose]
    return {n: int(np.sum(np.equal(inside, n))) for n in dict.fromkeys(inside) if n}


@template(30, ROOMS, "the base was in no room at all")
def unvisited(day):
    visited = frames_by_room(day)
    missing = tuple(room(r.id) for r in day.house.rooms if r.id not in visited)
    yield Draft(missing or tuple(room(n) for n in list(visited)[:1]))


@template(50, "Duration Tracking", "the base was in no room at all")
def longest_room(day):
    frames = frames_by_room(day)
    margin = len(day.log.steps) / TIE_SHARE
    yield Draft(best(map(room, frames), lambda goal: frames[goal.id], margin, "equal in time within a twentieth of it"))
