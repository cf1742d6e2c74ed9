"""A question in the making, and the register of templates that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from embodied_mem.planner.query import ObjectRef, Query
from embodied_mem.tasks.la_eqa.world import World
from embodied_mem.types import ABSTAIN, Value

HALF_HOUR = 1800.0
MAX_GROUPS = 7  # more things to look for than that make no fair question


@dataclass(frozen=True)
class Draft:
    """A query with its truth, before wording and choice.

    slots: words for the wording's braces; evidence: requirements; needs: groups of instance ids of the present, one
    member of each to be seen; about: what it concerns (the chooser spreads over it); series: the answers that each
    single visit alone would have given (all equal: static).
    """

    query: Query
    value: Value
    slots: dict[str, str]
    evidence: list = field(default_factory=list)
    needs: list[set[int]] = field(default_factory=list)
    moving: bool = False
    static: bool = False
    images: int = 0
    tolerance: float = 0.0
    about: tuple = ()
    template: str = ""


@dataclass(frozen=True)
class Template:
    """name: key of the wordings; fake: whether the chooser may turn a draft into an unanswerable one."""

    name: str
    category: str
    kind: str
    make: Callable[[World], Iterable[Draft]]
    fake: bool

    def drafts(self, world: World) -> Iterator[Draft]:
        for draft in self.make(world):
            if len(draft.needs) <= MAX_GROUPS:
                yield replace(draft, template=self.name)


TEMPLATES: dict[str, Template] = {}


def template(category: str, kind: str, fake: bool = False) -> Callable:
    """Register a maker of drafts under its function's name."""

    def register(make: Callable[[World], Iterable[Draft]]) -> Callable:
        TEMPLATES[make.__name__] = Template(make.__name__, category, kind, make, fake)
        return make

    return register


def named(world: World, entities: Iterable[int]) -> Iterator[tuple[int, ObjectRef]]:
    """Those of the entities that can be named without doubt, in the order of their ids."""
    for entity in sorted(entities):
        ref = world.refer(entity)
        if ref is not None:
            yield entity, ref


def things(world: World) -> list[int]:
    """Movable things that ever were in the house during the horizon."""
    return sorted(e for e in world.entities if e not in world.furniture)


def needs_now(world: World, k: int, *groups: set[int]) -> list[set[int]]:
    """The groups where the moment is now, none for a visit."""
    return [set(g) for g in groups] if k == world.days else []


def all_equal(values: Iterable) -> bool:
    values = list(values)
    return all(v == values[0] for v in values)


def label_value(text: str) -> Value:
    return Value("label", text)


def counts(world: World, label: str, room: str = "", surface: str = "", k: int = 0) -> list[int]:
    """Ids of the things of a label in a room or on a surface at a moment."""
    return [
        t.id
        for t in world.things(k)
        if t.label == label and room in ("", world.rooms[t.room]) and surface in ("", t.surface)
    ]


def all_visible(world: World, k: int, entities: Iterable[int]) -> bool:
    return all(world.visible(k, e) for e in entities)


def abstain_from(draft: Draft, query: Query, slots: dict[str, str]) -> Draft:
    """The unanswerable twin of a draft."""
    return Draft(query, ABSTAIN, {**draft.slots, **slots}, template=draft.template, about=("unanswerable",))
