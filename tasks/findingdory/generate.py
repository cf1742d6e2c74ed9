"""Makes the instructions of one experience: one item a template, seeded, or the reason why a template is left out."""

from __future__ import annotations

from embodied_mem.tasks.findingdory import (  # noqa: F401  (importing a template file registers its templates)
    templates_many,
    templates_what,
    templates_when,
    templates_where,
)
from embodied_mem.tasks.findingdory.facts import Facts, frames_where
from embodied_mem.tasks.findingdory.items import Answerable, Goal, Item, Quantifier
from embodied_mem.tasks.findingdory.log import EpisodeLog
from embodied_mem.tasks.findingdory.scene import Scene
from embodied_mem.tasks.findingdory.templates import TEMPLATES, Day, Draft, LeftOut, Template
from embodied_mem.tasks.findingdory.words import WORDINGS, say

PREFER_SEEN = 0.85  # share of the episodes in which a template's slots are such that the log shows the goal

Frames = tuple[int, ...]


def generate_items(log: EpisodeLog, scene: Scene, facts: Facts) -> tuple[list[Item], dict[int, str]]:
    """The items of an experience in the order of their templates, and template → why there is no item of it.

    ``scene`` and ``facts`` are those of ``log.after``. Deterministic: the same log gives the same items.
    Raises InputError for a log that breaks the rules (``templates.Day``).
    """
    day, seen = Day(log, scene), Seen(scene, facts)
    items: list[Item] = []
    left_out: dict[int, str] = {}
    for number in sorted(TEMPLATES):
        try:
            items.append(make_item(TEMPLATES[number], day, seen))
        except LeftOut as reason:
            left_out[number] = str(reason)
    return items, left_out


def make_item(template: Template, day: Day, seen: Seen) -> Item:
    """The item of one template, its slots and its wording drawn; raises LeftOut where there is none."""
    rng = day.rng(template.id)
    draft = choose(template, template.drafts(day), seen, rng)
    wordings = WORDINGS[template.id]
    return Item(
        id=f"{day.log.name}/{template.id}",
        template=template.id,
        category=template.category,
        group=template.group,
        instruction=say(wordings[int(rng.integers(len(wordings)))], draft.slots),
        quantifier=template.quantifier,
        goals=draft.goals,
        answerable=seen.answerable(template.quantifier, draft.goals),
        frames=tuple(seen.frames(goal) for goal in draft.goals),
        slots=draft.slots,
    )


def choose(template: Template, drafts: list[Draft], seen: Seen, rng) -> Draft:
    """One of the drafts; in most episodes one that the log answers, if there is any."""
    shuffled = [drafts[i] for i in rng.permutation(len(drafts))]
    if rng.random() < PREFER_SEEN:
        return next((d for d in shuffled if seen.in_log(template.quantifier, d.goals)), shuffled[0])
    return shuffled[0]


class Seen:
    """Which goals the frames of an experience show."""

    def __init__(self, scene: Scene, facts: Facts):
        self._scene, self._facts = scene, facts
        self._frames: dict[tuple, Frames] = {}

    def frames(self, goal: Goal) -> Frames:
        """The frames (ascending) at which the goal's predicate holds."""
        key = goal.kind, goal.id
        if key not in self._frames:
            self._frames[key] = tuple(int(f) for f in frames_where(self._facts, goal))
        return self._frames[key]

    def in_log(self, quantifier: Quantifier, goals: tuple[Goal, ...]) -> bool:
        """Whether frames of the log are a full answer."""
        shown = (bool(self.frames(goal)) for goal in goals)
        return any(shown) if quantifier == "any" else all(shown)

    def answerable(self, quantifier: Quantifier, goals: tuple[Goal, ...]) -> Answerable:
        """Whether the log answers, or at least some poses in the house as it is now do."""
        if self.in_log(quantifier, goals):
            return "answerable_from_log"
        found = (bool(self.frames(goal)) or self._scene.witness(goal) is not None for goal in goals)
        return "needs_exploration" if (any(found) if quantifier == "any" else all(found)) else "unanswerable"
