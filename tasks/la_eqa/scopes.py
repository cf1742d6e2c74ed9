"""Changes and comparisons of a room or a surface between two moments; shared by multi_past and past_present."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from embodied_mem.ontology import plural
from embodied_mem.planner.query import ObjectRef, Query
from embodied_mem.sim.house import Thing
from embodied_mem.tasks.la_eqa.draft import Draft, all_visible, counts, label_value
from embodied_mem.tasks.la_eqa.words import on_place, onto_place, time_words
from embodied_mem.tasks.la_eqa.world import World
from embodied_mem.types import Value

MOST_CHANGES = 4


def spots(world: World, scope: str) -> list[tuple[str, str]]:
    """(room, surface) of all surfaces that ever held something, or (room, "") of all rooms."""
    if scope == "room":
        return sorted((label, "") for label in world.rooms.values())
    found = {(world.rooms[t.room], t.surface) for k in world.moments for t in world.things(k)}
    return sorted(s for s in found if s[1] != "floor")


def inside(world: World, k: int, room: str, surface: str) -> dict[int, Thing]:
    return {
        t.id: t for t in world.things(k) if world.rooms[t.room] == room and surface in ("", t.surface)
    }


def pieces(world: World, k: int, room: str, surface: str) -> set[int]:
    """Visible furniture that one looks at to learn that something is not there."""
    owners = {s.furniture for f in world.furniture.values() for s in f.surfaces if s.name == surface}
    return {
        f.id
        for f in world.furniture.values()
        if world.rooms[f.room] == room and (not surface or f.id in owners) and world.visible(k, f.id)
    }


def pair_slots(world: World, a: int, b: int) -> dict[str, str]:
    return {
        "time": time_words(world, a), "bare": time_words(world, a, bare=True),
        "time2": time_words(world, b), "bare2": time_words(world, b, bare=True),
    }  # fmt: skip


def change_drafts(world: World, pairs: Iterable[tuple[int, int]], scope: str) -> Iterator[Draft]:
    """What came to and what left a place between two moments, as labels; each label at most once, on one side."""
    for a, b in pairs:
        for room, surface in spots(world, scope):
            old, new = inside(world, a, room, surface), inside(world, b, room, surface)
            if not (old or new) or not (all_visible(world, a, old) and all_visible(world, b, new)):
                continue
            came, left = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
            labels = Counter([new[t].label for t in came] + [old[t].label for t in left])
            if len(labels) > MOST_CHANGES or any(n > 1 for n in labels.values()):
                continue
            now = b == world.days
            look = _absences(world, b, room, surface, [old[t] for t in left]) if now and (left or not came) else []
            if not all(look):
                continue
            yield Draft(
                Query("changes", None, room, surface, world.when(a), world.when(b)),
                Value("set", frozenset([f"+{new[t].label}" for t in came] + [f"-{old[t].label}" for t in left])),
                {"place": on_place(surface, room), "onto": onto_place(surface, room), **pair_slots(world, a, b)},
                [world.evidence(a, t) for t in left] + [world.evidence(b, t) for t in came],
                [{t} for t in came] + look if now else [],
                moving=bool(came or left),
                about=(room, surface, a, b),
            )


def _absences(world: World, k: int, room: str, surface: str, gone: list[Thing]) -> list[set[int]]:
    """What one looks at to learn that things are gone: the furniture each stood on, or anything of the place."""
    owners = sorted({t.furniture for t in gone if t.furniture})
    if owners:
        return [{f} if world.visible(k, f) else set() for f in owners]
    return [pieces(world, k, room, surface)]


def compare_drafts(world: World, pairs: Iterable[tuple[int, int]], scope: str) -> Iterator[Draft]:
    """More, fewer or the same number of a label at the second moment."""
    for a, b in pairs:
        kinds = sorted({(t.label, world.rooms[t.room], t.surface) for k in (a, b) for t in world.things(k)})
        for label, room, surface in sorted({(lb, r, s if scope == "surface" else "") for lb, r, s in kinds}):
            old, new = (counts(world, label, room, surface, k) for k in (a, b))
            if surface == "floor" or not (all_visible(world, a, old) and all_visible(world, b, new)):
                continue
            if max(len(old), len(new)) < 2 and scope == "room":  # one thing that came or went is another question
                continue
            now = b == world.days
            look = [{t} for t in new] or [pieces(world, b, room, surface)]
            if now and not all(look):
                continue
            gain = len(new) - len(old)
            yield Draft(
                Query("compare", ObjectRef(label, words=label), room, surface, world.when(a), world.when(b), "count"),
                label_value("more" if gain > 0 else "fewer" if gain < 0 else "same"),
                {"things": plural(label), "place": on_place(surface, room), **pair_slots(world, a, b)},
                [world.evidence(a, t) for t in old] + [world.evidence(b, t) for t in new],
                look if now else [],
                moving=len({len(counts(world, label, room, surface, k)) for k in world.moments}) > 1,
                about=(label, room, surface, a, b),
            )
