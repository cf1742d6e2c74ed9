"""All that is known of one question so far, and the belief that it makes: memory, opened images, the present."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embodied_mem.planner.answers_world import in_scope
from embodied_mem.planner.belief import Belief, believe
from embodied_mem.planner.belief_actions import aspects_of
from embodied_mem.planner.belief_history import History, Subject, candidates
from embodied_mem.planner.belief_places import one_thing, unseen_share
from embodied_mem.planner.belief_worlds import Present, Readings, Worlds, sample_worlds
from embodied_mem.planner.costs import Rates
from embodied_mem.planner.look import Eyes
from embodied_mem.planner.query import Query

NEW_IN_SCOPE = {"changes": 0.15}  # how often a thing that was never there is there now


class Knowledge:
    """Working memory of one question. Who adds to ``readings`` or ``present`` calls :meth:`changed`; ``belief()`` is
    then that of everything seen so far.

    subjects: what the question may be about; aspects: what is to be read of them. eyes: None until somebody looks.
    """

    def __init__(self, query: Query, history: History, rates: Rates) -> None:
        self.query, self.history, self.rates = query, history, rates
        self.subjects: list[Subject] = candidates(history, query.target)
        if query.kind == "changes":
            self.subjects = [s for s in self.subjects if self._was_in_scope(s)]
        self.aspects = aspects_of(query)
        self.readings = Readings()
        self.present: dict[int, Present] = {}
        self.eyes: Eyes | None = None
        self._worlds: Worlds | None = None
        self._belief: Belief | None = None
        self._kinds: np.ndarray | None = None
        self._chains: dict[int, tuple] = {}  # subject key → (what is known of it, its chain)

    def _was_in_scope(self, subject: Subject) -> bool:
        rooms = {room for _, room in subject.places()}
        return not self.query.room or self.query.room in rooms

    def changed(self) -> None:
        """Something new was seen: worlds and belief are made anew when they are asked for."""
        self._worlds = self._belief = self._kinds = None

    def worlds(self) -> Worlds:
        """Samples of how things were, are and will be, given all that was seen; those of a subject of which nothing new
        was seen stay as they are."""
        if self._worlds is None:
            future = self.history.next_slot(self.query.when) if self.query.kind == "predict" else None
            subjects = [*self.subjects, *self._newcomers()]
            known = {s.key: self._known_of(s) for s in subjects}
            news = [s for s in subjects if self._chains.get(s.key, (None,))[0] != known[s.key]]
            fresh = sample_worlds(
                self.history, news, self.query.target, self.rates, self.readings, self.present, self.aspects, future
            )
            self._chains |= {c.subject.key: (known[c.subject.key], c) for c in fresh.chains}
            self._worlds = replace(fresh, chains=[self._chains[s.key][1] for s in subjects])
        return self._worlds

    def _known_of(self, subject: Subject) -> tuple:
        """All evidence of this question about a subject."""
        values, looked = self.readings.values, self.readings.looked
        read = {k: dict(cells) for table in (values, looked) for k, cells in table.items() if k[0] == subject.key}
        return subject.tracks, subject.label, subject.colour, self.present.get(subject.key), read

    def _newcomers(self) -> list[Subject]:
        """Things that only the present shows; for questions of scope those in it."""
        if self.eyes is None:
            return []
        free = self.eyes.newcomers
        if one_thing(self.query):
            return free
        return [s for s in free if in_scope(self.query, self.present[s.key].place)]

    def belief(self) -> Belief:
        """Probabilities of the answers."""
        if self._belief is None:
            self._belief = believe(self.query, self.worlds())
            self._belief.mass = self._belief.mass * self.complete()
        return self._belief

    def complete(self) -> float:
        """Probability that nothing new stands where nobody has looked yet, for questions of scope."""
        if self.eyes is None or one_thing(self.query):
            return 1.0
        new = NEW_IN_SCOPE.get(self.query.kind, 0.02) * (1.0 if self.query.surface else 1.5)
        return 1.0 - new * unseen_share(self.query, self.eyes)

    def kinds(self) -> np.ndarray:
        """(N) a number for each world, the same where all things are in the same places now: what seeing a whole scope
        would tell apart."""
        if self._kinds is None:
            worlds = self.worlds()
            places = [np.where(c.match, c.sequence[:, worlds.present], -1) for c in worlds.chains]
            # The column of zeros: where nothing of the kind was ever seen, all worlds are alike.
            now = np.column_stack([np.zeros(len(worlds.weights), int), *places])
            self._kinds = np.unique(now, axis=0, return_inverse=True)[1].ravel()
        return self._kinds
