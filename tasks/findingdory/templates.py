"""The register of the 60 templates, and what they read: one experience with its house, indexed (docs, "Rules")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.sim.schedule import rng_of
from embodied_mem.tasks.findingdory.items import GROUPS, Goal, Quantifier
from embodied_mem.tasks.findingdory.log import EpisodeLog

SPATIAL, TEMPORAL, MULTI = GROUPS
GROUP_OF = {
    "Object Recall": SPATIAL, "Interaction": SPATIAL, "Conditional Interaction": SPATIAL, "Object Attributes": SPATIAL,
    "Spatial Relationship": SPATIAL, "Room Visitation": SPATIAL, "Interaction Order": TEMPORAL, "Time-Based": TEMPORAL,
    "Duration Tracking": TEMPORAL, "Unordered Revisitation": MULTI, "Ordered Revisitation": MULTI,
}  # fmt: skip
MANY: dict[str, Quantifier] = {"Unordered Revisitation": "all", "Ordered Revisitation": "ordered"}


class LeftOut(Exception):
    """The template asks nothing of this experience; the message is the reason in the episode file."""


@dataclass(frozen=True)
class Draft:
    """One way to fill a template: its goals, and its slots (plain JSON types).

    slots: "label" of what is sought, "source" of the receptacle it was picked from; "ordinal" (from 1); "x", "y":
    {"label", "occurrence" (from 1), "of" so many handled ones} of a handled object; "attribute" and "value"; "day"
    (from 1; None: there is only one) and "seconds" of the day; "order": ordinals.
    """

    goals: tuple[Goal, ...]
    slots: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """id: 1..60; undefined: the reason where ``make`` yields nothing."""

    id: int
    category: str
    undefined: str
    make: Callable[[Day], Iterable[Draft]]

    @property
    def group(self) -> str:
        return GROUP_OF[self.category]

    @property
    def quantifier(self) -> Quantifier:
        return MANY.get(self.category, "any")

    def drafts(self, day: Day) -> list[Draft]:
        """Every way to fill it; raises LeftOut where there is none."""
        drafts = [d for d in self.make(day) if d.goals]
        if not drafts:
            raise LeftOut(self.undefined)
        return drafts


TEMPLATES: dict[int, Template] = {}


def template(number: int, category: str, undefined: str = "no goal fits") -> Callable:
    """Register a maker of drafts under its id."""

    def register(make: Callable[[Day], Iterable[Draft]]) -> Callable:
        TEMPLATES[number] = Template(number, category, undefined, make)
        return make

    return register


class Day:
    """What happened in an experience and where everything is now, as the templates ask for it.

    scene: as ``scene.Scene``. Raises InputError where a thing was carried twice or is not in the house.
    """

    def __init__(self, log: EpisodeLog, scene):
        self.log, self.scene, self.house = log, scene, log.after
        self.things = {t.id: t for t in self.house.things}
        self.pieces = {f.id: f for f in self.house.furniture if f.id in set(log.candidates)}
        carried = [i.thing for i in log.interactions]
        if len(set(carried)) < len(carried):
            raise InputError(f"{log.name}: a thing was carried twice; every interaction must carry another one")
        if missing := sorted(set(carried) - set(self.things)):
            raise InputError(f"{log.name}: things {missing} were carried but are not in the house")
        self.carried = carried

    def __len__(self) -> int:
        """K, the number of interactions."""
        return len(self.log.interactions)

    def rng(self, number: int, *names: object) -> np.random.Generator:
        """The generator of a template's choices in this experience."""
        return rng_of(self.log.house, "findingdory", self.log.episode, number, *names)

    # -- goals ---------------------------------------------------------------------------------------------------

    def object(self, k: int) -> Goal:
        """The thing of interaction k (from 0)."""
        return Goal("object", self.carried[k])

    def start(self, k: int) -> Goal:
        """The surface that interaction k picked from."""
        return Goal("receptacle", *self.log.interactions[k].start)

    def goal(self, k: int) -> Goal:
        """The surface that interaction k placed on."""
        return Goal("receptacle", *self.log.interactions[k].goal)

    @cached_property
    def objects(self) -> list[Goal]:
        """Handled objects, in order."""
        return [self.object(k) for k in range(len(self))]

    @cached_property
    def starts(self) -> list[Goal]:
        """The surface of every pick-up, in order."""
        return [self.start(k) for k in range(len(self))]

    @cached_property
    def ends(self) -> list[Goal]:
        """The surface of every placement, in order."""
        return [self.goal(k) for k in range(len(self))]

    @cached_property
    def used(self) -> list[Goal]:
        """Surfaces in the order of use: s₀, g₀, s₁, g₁, …"""
        return [goal for pair in zip(self.starts, self.ends, strict=True) for goal in pair]

    @cached_property
    def unused(self) -> list[Goal]:
        """Pieces of which no surface was used."""
        used = {goal.id for goal in self.used}
        return [Goal("receptacle", piece) for piece in self.pieces if piece not in used]

    @cached_property
    def untouched(self) -> list[Goal]:
        """Objects that were not handled."""
        return [Goal("object", thing) for thing in self.things if thing not in self.carried]

    def label(self, goal: Goal) -> str:
        """The category of an object or a receptacle."""
        return self.things[goal.id].label if goal.kind == "object" else self.house.piece(goal.id).label

    # -- names ---------------------------------------------------------------------------------------------------

    def name(self, k: int) -> dict:
        """The name of the object of interaction k: its label, which of how many handled ones of that label."""
        labels = [self.label(goal) for goal in self.objects]
        label = labels[k]
        return {"label": label, "occurrence": 1 + labels[:k].count(label), "of": labels.count(label)}


def pieces(goals: Iterable[Goal]) -> tuple[Goal, ...]:
    """Each piece once, with the surface of its first mention: what single-goal templates ask for."""
    first: dict[int, Goal] = {}
    for goal in goals:
        first.setdefault(goal.id, goal)
    return tuple(first.values())


def distinct(goals: Iterable[Goal]) -> tuple[Goal, ...]:
    """Each goal once, in order of first mention."""
    return tuple(dict.fromkeys(goals))


def by_value(goals: Iterable[Goal], value: Callable[[Goal], str]) -> Iterator[tuple[str, list[Goal]]]:
    """Goals grouped by a value of theirs, values in alphabetical order, without those that have none ("")."""
    groups: dict[str, list[Goal]] = {}
    for goal in goals:
        groups.setdefault(value(goal), []).append(goal)
    for name in sorted(groups.keys() - {""}):
        yield name, groups[name]


def best(goals: Iterable[Goal], worth: Callable[[Goal], float], margin: float, what: str) -> tuple[Goal, ...]:
    """The goals of most worth, all within ``margin`` of the best; LeftOut where several candidates all are."""
    ranked = [(goal, w) for goal in goals if np.isfinite(w := worth(goal))]
    if not ranked:
        return ()
    top = max(w for _, w in ranked)
    chosen = tuple(goal for goal, w in ranked if top - w <= margin + 1e-9)
    if len(chosen) == len(ranked) > 1:
        raise LeftOut(f"all {len(chosen)} candidates are {what}")
    return chosen
