"""Questions that relate the memory to what is seen now."""

from __future__ import annotations

from collections.abc import Iterator

from embodied_mem.planner.query import Query
from embodied_mem.tasks.la_eqa.draft import Draft, named, template, things
from embodied_mem.tasks.la_eqa.scopes import change_drafts, compare_drafts, pieces
from embodied_mem.tasks.la_eqa.words import time_words
from embodied_mem.tasks.la_eqa.world import World
from embodied_mem.types import Value


def recent(world: World) -> range:
    """Visits of the last two weeks."""
    return range(max(0, world.days - 14), world.days)


@template("past_present", "compare", fake=True)
def still_there(world: World) -> Iterator[Draft]:
    """Whether a thing is now where it was on a visit; a thing that never moves is not asked about."""
    now = world.days
    for thing, ref in named(world, things(world)):
        places = {world.place(k, thing) for k in world.moments}
        for k in recent(world) if len(places) > 1 else ():
            then = world.place(k, thing)
            if then is None or not world.visible(k, thing):
                continue
            here = {thing} if world.place(now, thing) and world.visible(now, thing) else set()
            same = world.place(now, thing) == then
            look = here if same else here | (pieces(world, now, then[1], then[0]) if then[0] != "floor" else set())
            if not look or (world.place(now, thing) and not here):
                continue
            yield Draft(
                Query("compare", ref, when=world.when(k), until=world.when(now), aspect="place"),
                Value("bool", same),
                {"thing": ref.words, "time": time_words(world, k)},
                [world.evidence(k, thing)] + ([world.evidence(now, *here)] if here else []),
                [look],
                moving=True,
                about=(thing, k),
            )


@template("past_present", "compare", fake=True)
def compare_now_room(world: World) -> Iterator[Draft]:
    yield from compare_drafts(world, [(k, world.days) for k in recent(world)], "room")


@template("past_present", "compare", fake=True)
def compare_now_surface(world: World) -> Iterator[Draft]:
    yield from compare_drafts(world, [(k, world.days) for k in recent(world)], "surface")


@template("past_present", "changes")
def changes_since_surface(world: World) -> Iterator[Draft]:
    yield from change_drafts(world, [(k, world.days) for k in recent(world)], "surface")


@template("past_present", "changes")
def changes_since_room(world: World) -> Iterator[Draft]:
    yield from change_drafts(world, [(k, world.days) for k in recent(world)], "room")


@template("past_present", "how_long", fake=True)
def how_long_here(world: World) -> Iterator[Draft]:
    """How long a thing has been where it is now: it came between two moments and was seen before, if it was there."""
    now = world.days
    for thing, ref in named(world, things(world)):
        here = world.place(now, thing)
        if here is None or not world.visible(now, thing) or not world.clean(thing):
            continue
        k = next((m for m in reversed(world.visits) if world.place(m, thing) != here), None)
        if k is None or (world.place(k, thing) and not world.visible(k, thing)):
            continue
        if not all(world.visible(m, thing) for m in range(k + 1, now)):
            continue
        lasted = world.now - world.events(thing, k, k + 1)[0].time
        before = [k] if world.place(k, thing) else []
        yield Draft(
            Query("how_long", ref, aspect="place"),
            Value("duration", lasted),
            {"thing": ref.words},
            [world.evidence(m, thing) for m in [*before, *([k + 1] if k + 1 < now else []), now]],
            [{thing}],
            moving=True,
            tolerance=max(0.2 * lasted, world.gap(k)),
            about=(thing, "how_long"),
        )


@template("past_present", "how_long", fake=True)
def how_long_state(world: World) -> Iterator[Draft]:
    """How long a state has lasted that holds now and began during the horizon."""
    now = world.days
    for entity, ref in named(world, world.at(now)):
        for name, value in sorted(world.at(now)[entity].states.items()):
            if not world.visible(now, entity) or not world.state_clean(entity, name):
                continue
            k = next((m for m in reversed(world.visits) if world.state(m, entity, name) != value), None)
            if k is None or world.state(k, entity, name) is None:
                continue
            if not all(world.visible(m, entity) for m in range(k, now)):
                continue
            event = next(e for e in world.events(entity, k, k + 1, ("state",)) if name in e.after)
            lasted = world.now - event.time
            shown = [k, *([k + 1] if k + 1 < now else []), now]
            yield Draft(
                Query("how_long", ref, aspect="state", value=value),
                Value("duration", lasted),
                {"thing": ref.words, "value": value},
                [world.evidence(m, entity) for m in shown],
                [{entity}],
                moving=True,
                images=len(shown) - 1,
                tolerance=max(0.2 * lasted, world.gap(k)),
                about=(entity, "how_long"),
            )


@template("past_present", "compare", fake=True)
def same_state(world: World) -> Iterator[Draft]:
    """Whether something that changes its state is now in the state of a visit."""
    now = world.days
    for entity, ref in named(world, (e for e, there in world.at(now).items() if there.states)):
        states = {k: there.states for k in world.moments if (there := world.at(k).get(entity))}
        for k in recent(world) if any(s != states[now] for s in states.values()) else ():
            if k not in states or not (world.visible(k, entity) and world.visible(now, entity)):
                continue
            yield Draft(
                Query("compare", ref, when=world.when(k), until=world.when(now), aspect="state"),
                Value("bool", states[k] == states[now]),
                {"thing": ref.words, "time": time_words(world, k)},
                [world.evidence(k, entity), world.evidence(now, entity)],
                [{entity}],
                moving=True,
                images=1,
                about=(entity, k),
            )
