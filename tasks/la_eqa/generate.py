"""Chooses the questions of one house: seeded, balanced, byte-identical for the same seed and version.

Rules: a fifth per category; a tenth unanswerable; at most 15 % yes/no, half of them yes; answers of one template as
different as the house allows; things that change before things that do not; nothing twice.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from dataclasses import replace
from zlib import crc32

import numpy as np

from embodied_mem.ontology import COLOURS, STATES, THINGS
from embodied_mem.planner.query import ObjectRef, TimeRef
from embodied_mem.sim.schedule import rng_of
from embodied_mem.tasks.la_eqa import (  # noqa: F401  (importing a template file registers its templates)
    templates_future,
    templates_multi_past,
    templates_past,
    templates_past_present,
    templates_present,
)
from embodied_mem.tasks.la_eqa.draft import TEMPLATES, Draft, Template, abstain_from
from embodied_mem.tasks.la_eqa.items import CATEGORIES, Item, query_to_json
from embodied_mem.tasks.la_eqa.words import answer_words, date_words, say, wordings
from embodied_mem.tasks.la_eqa.world import World
from embodied_mem.types import Value

UNANSWERABLE = 0.10
YES_NO = 0.15


def generate_items(world: World, questions: int = 75) -> list[Item]:
    """The items of one house, category by category. Fewer than asked for only where the house has no more to ask."""
    chooser = Chooser(world)
    offset = world.seed % len(CATEGORIES)
    quotas = [questions // 5 + ((c + offset) % 5 < questions % 5) for c in range(5)]
    refusals = round(UNANSWERABLE * questions)
    items: list[Item] = []
    for c, category in enumerate(CATEGORIES):
        fakes = refusals // 5 + ((c + 2 + offset) % 5 < refusals % 5)
        chosen = chooser.category(category, quotas[c], min(fakes, quotas[c]))
        items += [chooser.item(draft, category, len(items) + i) for i, draft in enumerate(chosen)]
    return items


class Chooser:
    """Draws drafts in turn from the templates of a category and remembers what was asked already."""

    def __init__(self, world: World):
        self.world = world
        self.rng = rng_of(world.seed, "la_eqa", "questions", world.days)
        self._asked: set[str] = set()
        self._about: Counter = Counter()
        self._tours: dict[int, tuple[int, float, list]] = {}

    def category(self, category: str, quota: int, fakes: int) -> list[Draft]:
        """``quota`` drafts of a category, ``fakes`` of them unanswerable."""
        templates = [t for t in TEMPLATES.values() if t.category == category]
        pools = {t.name: self._shuffled(list(t.drafts(self.world))) for t in templates}
        turns = [templates[i] for i in self.rng.permutation(len(templates))]
        chosen: list[Draft] = []
        for strict in (True, False):
            while len(chosen) < quota - fakes:
                picked = [d for t in turns if (d := self._pick(t, pools[t.name], chosen, quota, strict)) is not None]
                room = quota - fakes - len(chosen)
                for draft in picked[room:]:  # drawn too many: give back
                    self._forget(draft)
                chosen += picked[:room]
                if not picked:
                    break
        return chosen + self._fakes(turns, pools, chosen, fakes)

    def _shuffled(self, drafts: list[Draft]) -> list[Draft]:
        return [drafts[i] for i in self.rng.permutation(len(drafts))]

    def _pick(
        self, template: Template, pool: list[Draft], chosen: list[Draft], quota: int, strict: bool
    ) -> Draft | None:
        """The best draft left in a pool that breaks no rule, or None. Strict: an answer once a template."""
        given = Counter(_answer(d) for d in chosen if d.template == template.name)
        rank = self._preference(template, pool)
        yes_no = Counter(d.value.data for d in chosen if d.value.type == "bool")
        ranked = sorted(
            range(len(pool)),
            key=lambda i: (
                given[_answer(pool[i])], rank.get(_answer(pool[i]), 0), not pool[i].moving, pool[i].static,
                self._known(pool[i]), i,
            ),
        )
        for i in ranked:
            draft = pool[i]
            if draft.value.type == "bool":
                if sum(yes_no.values()) >= max(1, int(YES_NO * quota)) or not self._balances(draft.value.data, yes_no):
                    continue
            elif strict and given[_answer(draft)]:
                return None
            if _key(draft) not in self._asked and self._reach(draft):
                self._remember(draft)
                return pool.pop(i)
        return None

    def _preference(self, template: Template, pool: list[Draft]) -> dict[str, int]:
        """Which answer to prefer where there are few (counts, states): in turn, starting elsewhere in each house."""
        few = sorted({_answer(d) for d in pool if d.value.type in ("count", "label")})
        shift = (self.world.seed + crc32(template.name.encode())) % max(len(few), 1)
        rank = {answer: (i - shift) % len(few) for i, answer in enumerate(few)}
        # Every house has ones and twos: in half of the houses each of them waits until nothing else is left.
        last = _json(Value("count", 1 + self.world.seed % 2))
        return rank | ({last: len(few)} if last in rank else {})

    def _balances(self, answer: bool, yes_no: Counter) -> bool:
        """Yes and no in turn; which comes first changes with the house."""
        if yes_no[True] == yes_no[False]:
            return answer == bool((self.world.seed + len(self._asked)) % 2)
        return yes_no[answer] < yes_no[not answer]

    def _known(self, draft: Draft) -> int:
        return self._about[draft.about[0]]

    def _remember(self, draft: Draft) -> None:
        self._asked.add(_key(draft))
        self._about[draft.about[0]] += 1

    def _forget(self, draft: Draft) -> None:
        self._asked.discard(_key(draft))
        self._about[draft.about[0]] -= 1

    def _reach(self, draft: Draft) -> bool:
        """Whether what the answer depends on can be seen from the draft's start; keeps the tour."""
        start = int(self.rng.integers(len(self.world.starts)))
        metres, poses = self.world.present.tour(self.world.starts[start], draft.needs)
        self._tours[id(draft)] = (start, metres, poses)
        return math.isfinite(metres)

    # -- unanswerable -------------------------------------------------------------------------------------------

    def _fakes(self, turns: list[Template], pools: dict[str, list[Draft]], chosen: list[Draft], count: int) -> list:
        """Unanswerable drafts, spread over the templates that were drawn from."""
        real = Counter(d.template for d in chosen)
        fakes: list[Draft] = []
        usable = [t for t in turns if t.fake and pools[t.name]]
        for _ in range(20 * count if usable else 0):
            if len(fakes) == count:
                break
            made = Counter(d.template for d in fakes)
            template = min(usable, key=lambda t: (made[t.name], not real[t.name], self.rng.random()))
            pool = pools[template.name]
            draft = self._fake(pool[int(self.rng.integers(len(pool)))], template)
            if draft is not None and _key(draft) not in self._asked and self._reach(draft):
                self._remember(draft)
                fakes.append(draft)
        return fakes

    def _fake(self, draft: Draft, template: Template) -> Draft | None:
        """An unanswerable twin: a label or colour that never was in the house, or a time before the first visit."""
        mode = int(self.rng.integers(3))
        if template.kind == "compare" or (mode == 2 and template.category == "past"):
            return self._too_early(draft)
        labels = self._fitting_labels(draft)
        colour = mode == 1 and template.kind != "attribute"
        ref = self._strange_colour(labels) if colour else self._strange_label(labels)
        if ref is None:
            return None
        return abstain_from(draft, replace(draft.query, target=ref), {"thing": ref.words})

    def _too_early(self, draft: Draft) -> Draft:
        date = self.world.stops[0].date - dt.timedelta(days=int(self.rng.integers(2, 15)))
        part = ("morning", "evening")[int(self.rng.integers(2))]
        # A weekday would be taken for the one of the recorded week: say the date.
        far = date + dt.timedelta(days=100)
        words = {"time": date_words(date, part, far), "bare": date_words(date, part, far, bare=True)}
        return abstain_from(draft, replace(draft.query, when=TimeRef("visit", date.isoformat(), part)), words)

    def _fitting_labels(self, draft: Draft) -> list[str]:
        """Labels of which the draft's question could sensibly be asked: those with the state it is about."""
        about = [draft.query.aspect]
        if draft.query.value:  # "on" says which state is meant
            about = [name for name, values in STATES.items() if draft.query.value in values]
        states = set(about) & set(STATES)
        return sorted(label for label, c in THINGS.items() if states <= set(c.states))

    def _strange_label(self, labels: list[str]) -> ObjectRef | None:
        """Something that never was in the house, nor anything of that name."""
        known = self.world.labels()
        free = [lb for lb in labels if lb not in known and not known & set(THINGS[lb].synonyms)]
        if not free:
            return None
        label = free[int(self.rng.integers(len(free)))]
        return ObjectRef(label, words=label)

    def _strange_colour(self, labels: list[str]) -> ObjectRef | None:
        """A thing of the house in a colour that it never had there."""
        things = [e for i, e in self.world.entities.items() if i not in self.world.furniture]
        known = sorted({e.label for e in things} & set(labels))
        if not known:
            return None
        label = known[int(self.rng.integers(len(known)))]
        free = sorted(set(COLOURS) - {e.attributes.get("colour", "") for e in things if e.label == label})
        if not free:
            return None
        colour = free[int(self.rng.integers(len(free)))]
        return ObjectRef(label, (("colour", colour),), words=f"{colour} {label}")

    # -- items --------------------------------------------------------------------------------------------------

    def item(self, draft: Draft, category: str, number: int) -> Item:
        """The finished item: worded, with its way."""
        world = self.world
        start, metres, poses = self._tours[id(draft)]
        choices = wordings(draft.template, draft.query.aspect)
        question = say(choices[int(self.rng.integers(len(choices)))], draft.slots)
        return Item(
            question=question,
            category=category,
            question_id=f"h{world.seed:06d}_d{world.days:03d}_{number:03d}",
            scene_name=f"house-{world.seed}",
            answer=answer_words(draft.value),
            best_path=[list(p) for p in poses],
            start_place=start,
            start_pose=[float(v) for v in world.starts[start]],
            question_time=world.now,
            answer_type=draft.value.type,
            answer_value=draft.value.to_json(),
            gold_query=query_to_json(draft.query),
            template=draft.template,
            kind=draft.query.kind,
            evidence=draft.evidence,
            static=draft.static,
            moving=draft.moving,
            l_star=metres,
            min_images=draft.images,
            unanswerable=draft.value.type == "abstain",
            tolerance_s=float(np.round(draft.tolerance, 3)),
        )


def _answer(draft: Draft) -> str:
    return _json(draft.value)


def _json(value: Value) -> str:
    return json.dumps(value.to_json(), sort_keys=True)


def _key(draft: Draft) -> str:
    return json.dumps(query_to_json(draft.query), sort_keys=True)
