"""Templates 52 to 60: everything of a kind in any order, or interactions in a given one."""

from __future__ import annotations

from collections.abc import Iterator

from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.templates import Day, Draft, by_value, distinct, template

ALL, ORDERED = "Unordered Revisitation", "Ordered Revisitation"
MAX_ORDER = 11  # more ordinals than that make no readable instruction
TRIES = 20


@template(52, ALL)
def all_starts(day):
    yield Draft(distinct(day.starts))


@template(53, ALL)
def all_ends(day):
    yield Draft(distinct(day.ends))


@template(54, ALL)
def all_ends_of_category(day):
    for label, goals in by_value(distinct(day.ends), day.label):
        yield Draft(tuple(goals), {"label": label})


@template(55, ALL)
def all_starts_of_category(day):
    for label, goals in by_value(distinct(day.starts), day.label):
        yield Draft(tuple(goals), {"label": label})


@template(56, ALL)
def all_objects(day):
    yield Draft(tuple(day.objects))


@template(57, ALL)
def all_used(day):
    yield Draft(distinct(day.used))


def in_order(day: Day, number: int, goals: list[Goal]) -> Iterator[Draft]:
    """Permutations of the interactions, only those with the fewest neighbours at the same piece."""
    rng = day.rng(number, "order")
    size = min(len(goals), MAX_ORDER)
    orders = dict.fromkeys(tuple(int(k) for k in rng.permutation(len(goals))[:size]) for _ in range(TRIES))
    repeats = {o: sum(goals[a].id == goals[b].id for a, b in zip(o, o[1:], strict=False)) for o in orders}
    for order in orders:
        if repeats[order] == min(repeats.values()):
            yield Draft(tuple(goals[k] for k in order), {"order": [k + 1 for k in order]})


@template(58, ORDERED)
def starts_in_order(day):
    return in_order(day, 58, day.starts)


@template(59, ORDERED)
def ends_in_order(day):
    return in_order(day, 59, day.ends)


@template(60, ORDERED)
def objects_in_order(day):
    return in_order(day, 60, day.objects)
