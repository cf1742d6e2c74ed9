"""Templates about one moment, shared by the categories past (a recorded visit) and present (now)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from embodied_mem.ontology import category, plural
from embodied_mem.planner.query import ObjectRef, Query, TimeRef
from embodied_mem.tasks.la_eqa.draft import Draft, all_equal, all_visible, counts, label_value, named, needs_now
from embodied_mem.tasks.la_eqa.words import on_place, time_words
from embodied_mem.tasks.la_eqa.world import World
from embodied_mem.types import Value

Moments = Iterable[int]


def timed(world: World, k: int, when: TimeRef | None = None) -> dict[str, str]:
    return {"time": time_words(world, k, when)}


def where(world: World, moments: Moments, when: TimeRef | None = None) -> Iterator[Draft]:
    """The place of a thing."""
    for k in moments:
        for thing, ref in named(world, (t.id for t in world.things(k))):
            if not world.visible(k, thing):
                continue
            seen = [world.place(m, thing) for m in world.visits if world.visible(m, thing)]
            yield Draft(
                Query("where", ref, when=when or world.when(k)),
                Value("place", world.place(k, thing)),
                {"thing": ref.words, **timed(world, k, when)},
                [world.evidence(k, thing)],
                needs_now(world, k, {thing}),
                moving=world.moving(thing),
                static=all_equal([world.place(k, thing), *seen]),
                about=(thing, k),
            )


def count_in(world: World, moments: Moments, scope: str) -> Iterator[Draft]:
    """How many of a label in a room (scope "room") or on a surface of a room (scope "surface"); one at least."""
    for k in moments:
        kinds = {(t.label, world.rooms[t.room], t.surface) for t in world.things(k)}
        spots = sorted({(label, room, surface if scope == "surface" else "") for label, room, surface in kinds})
        for label, room, surface in spots:
            found = counts(world, label, room, surface, k)
            if not all_visible(world, k, found) or (scope == "surface" and surface == "floor"):
                continue
            series = [len(counts(world, label, room, surface, m)) for m in world.moments]
            yield Draft(
                Query("count", ObjectRef(label, words=label), room, surface, world.when(k), aspect="objects"),
                Value("count", len(found)),
                {"things": plural(label), "place": on_place(surface, room), **timed(world, k)},
                [world.evidence(k, t) for t in found],
                needs_now(world, k, *({t} for t in found)),
                moving=not all_equal(series),
                static=all_equal(series),
                about=(label, room, surface, k),
            )


def state(world: World, moments: Moments) -> Iterator[Draft]:
    """The state of a thing or a piece of furniture."""
    for k in moments:
        for entity, ref in named(world, (e for e, there in world.at(k).items() if there.states)):
            if not world.visible(k, entity):
                continue
            for name, value in sorted(world.at(k)[entity].states.items()):
                series = [world.state(m, entity, name) for m in world.moments]
                yield Draft(
                    Query("state", ref, when=world.when(k), aspect=name),
                    label_value(value),
                    {"thing": ref.words, "aspect": name, **timed(world, k)},
                    [world.evidence(k, entity)],
                    needs_now(world, k, {entity}),
                    moving=not all_equal(series),
                    static=all_equal(series),
                    images=int(k != world.days),
                    about=(entity, k),
                )


def attribute(world: World, moments: Moments) -> Iterator[Draft]:
    """Colour, material or print of the only thing of its label on a surface."""
    for k in moments:
        for thing in sorted(world.things(k), key=lambda t: t.id):
            room = world.rooms[thing.room]
            here = counts(world, thing.label, room, thing.surface, k)
            if here != [thing.id] or thing.surface == "floor" or not world.visible(k, thing.id):
                continue
            for aspect in ("colour", "material", "print"):
                value = thing.attributes.get(aspect, "")
                if value and len(_values(thing.label, aspect)) > 1:
                    yield _attribute(world, k, thing, room, aspect, value)


def _values(label: str, aspect: str) -> tuple[str, ...]:
    known = category(label)
    return {"colour": known.colours, "material": known.materials, "print": known.prints}[aspect]


def _attribute(world: World, k: int, thing, room: str, aspect: str, value: str) -> Draft:
    def read(m: int) -> list[str]:
        ids = counts(world, thing.label, room, thing.surface, m)
        return sorted(world.at(m)[t].attributes.get(aspect, "") for t in ids)

    return Draft(
        Query(
            "attribute", ObjectRef(thing.label, words=thing.label), room, thing.surface, world.when(k), aspect=aspect
        ),
        label_value(value),
        {"thing": thing.label, "place": on_place(thing.surface, room), "aspect": aspect, **timed(world, k)},
        [world.evidence(k, thing.id)],
        needs_now(world, k, {thing.id}),
        moving=world.moving(thing.id),
        static=all_equal([read(m) for m in world.moments]),
        images=int(k != world.days and aspect != "colour"),
        about=(thing.id, k, aspect),
    )


def exists(world: World, moments: Moments) -> Iterator[Draft]:
    """Whether there is one of a label in a room: labels that are in that room at some moment."""
    spots = sorted({(t.label, world.rooms[t.room]) for m in world.moments for t in world.things(m)})
    for k in moments:
        for label, room in spots:
            found = counts(world, label, room, k=k)
            series = [bool(counts(world, label, room, k=m)) for m in world.moments]
            if all_equal(series) or not all_visible(world, k, found):
                continue
            pieces = {f.id for f in world.furniture.values() if world.rooms[f.room] == room and world.visible(k, f.id)}
            if not found and not pieces:
                continue
            yield Draft(
                Query("exists", ObjectRef(label, words=label), room, when=world.when(k)),
                Value("bool", bool(found)),
                {"a": ("an " if label[0] in "aeiou" else "a ") + label, "room": room, **timed(world, k)},
                [world.evidence(k, *found)] if found else [],
                needs_now(world, k, set(found) or pieces),
                moving=True,
                about=(label, room, k),
            )
