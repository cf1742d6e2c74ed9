"""One question's decisions: recall an image, go and look, or stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embodied_mem.planner.belief import Belief
from embodied_mem.planner.belief_history import load_history
from embodied_mem.planner.belief_places import Plan, about_now, one_thing
from embodied_mem.planner.belief_worlds import Present
from embodied_mem.planner.costs import Prices, Rates
from embodied_mem.planner.knowledge import Knowledge
from embodied_mem.planner.query import Query
from embodied_mem.planner.recalling import Recall
from embodied_mem.planner.trace import Trace
from embodied_mem.planner.voi import answer_masses, answer_value, choose, worth_of_kinds
from embodied_mem.planner.walking import Walk
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import ABSTAIN, Cost, FrameRef, Value

MOST_ACTIONS = 400
LEAST_OF_SET = 0.25  # lists and numbers are said from here on: their beliefs are low, being spread over near misses
SCOPE_SEEN = 0.95  # how sure a question of scope is after its whole place was seen


class Session:
    """One question: what is ``known``, and two ways to know more, ``recall`` and ``walk`` (None: no body, or the
    question is not about now)."""

    def __init__(self, query: Query, bench: Workbench, prices: Prices, rates: Rates, last_only: bool = False) -> None:
        query = as_forecast(query)
        history = load_history(bench.palace, bench.now, last_only)
        self.prices, self.cost, self.trace = prices, Cost(), Trace()
        self.known = Knowledge(query, history, rates)
        self.recall = Recall(self.known, bench, prices, self.cost, self.trace)
        self.walk: Walk | None = None
        if bench.robot is not None and bench.detector is not None and about_now(query, history):
            self.walk = Walk(self.known, bench, prices, self.cost, self.trace)

    def conclude(self, belief: Belief) -> tuple[Value, float]:
        """The answer of highest worth, and the probability that it is right."""
        best, chance = belief.best, belief.confidence
        least = LEAST_OF_SET if best.type in ("set", "count") else 0.5
        if best.type != "abstain" and answer_value(chance, self.prices) <= self.prices.u and chance < least:
            return ABSTAIN, max(belief.of(ABSTAIN), 0.02)
        return best, chance

    # -- decisions ----------------------------------------------------------------------------------------------

    def decide(self, stopping: str, enough: float, most_images: int) -> bool:
        """Take the best action; False when it is time to answer."""
        if len(self.trace.steps()) >= MOST_ACTIONS:
            return False
        belief, worlds = self.known.belief(), self.known.worlds()
        if stopping == "confident" and (belief.confidence >= enough or self.cost.images >= most_images):
            return False
        plan = self.walk.plan() if self.walk else Plan([], np.zeros((1, 1)))
        # Without stops and images nothing can change.
        images = self.recall.options()
        worth = self._worth(belief, plan)
        images = images if stopping == "never" or len(images) <= 60 else images[-60:]
        if stopping == "never" and images:
            self.recall.open_all(images, belief)
            return True
        choice = choose(worlds.weights, [i.option for i in images], worth)
        index = choice.index
        if index is None and stopping == "confident" and images:
            # The same ranking, but it goes on below zero: whichever of image and drive loses least.
            gain, first = self._gain(plan, belief)
            index = choice.first if first < 0 or choice.alone >= gain else None
        if index is not None:
            self.recall.open(images[index], choice.voi, belief)
            return True
        return self._maybe_go(plan, belief, stopping)

    def _maybe_go(self, plan: Plan, belief: Belief, stopping: str) -> bool:
        if not plan.stops:
            return False
        gain, first = self._gain(plan, belief)
        if first < 0 or (gain <= 1e-9 and stopping == "voi") or (stopping == "never" and belief.confidence >= 0.97):
            return False
        self.walk.go(plan.stops[first], gain, belief)
        return True

    def _gain(self, plan: Plan, belief: Belief) -> tuple[float, int]:
        """(what setting out adds to answering now, first stop or −1)."""
        if not plan.stops:
            return -np.inf, -1
        value, first = self._going(self.known.worlds().weights, belief, plan)
        return value - answer_value(belief.confidence, self.prices), first

    def _worth(self, belief: Belief, plan: Plan):
        count, complete = len(belief.values), self.known.complete()

        def worth(weights: np.ndarray) -> float:
            stay = answer_value(complete * float(answer_masses(weights, belief.answers, count).max()), self.prices)
            if not plan.stops:
                return stay
            return max(stay, self._going(weights, belief, plan)[0])

        return worth

    def _going(self, weights: np.ndarray, belief: Belief, plan: Plan) -> tuple[float, int]:
        """(worth of setting out, first stop): the tour for one thing, the whole scope for questions of scope."""
        if one_thing(self.known.query):
            tour = plan.tour(weights, self.prices)
            return tour.value, tour.order[0] if tour.order else -1
        after = worth_of_kinds(weights, self.known.kinds(), belief.answers, SCOPE_SEEN, self.prices)
        return after - self.prices.metre * plan.length(), 0

    # -- evidence -----------------------------------------------------------------------------------------------

    def evidence(self, belief: Belief, value: Value) -> tuple[FrameRef, ...]:
        """The frames that the answer rests on: the best one of each thing and time, opened ones first."""
        worlds, found = self.known.worlds(), []
        for i, t in belief.uses.get(value, ()):
            subject = worlds.chains[i].subject
            if t == worlds.present:
                frames = self.known.present.get(subject.key, Present()).frames
            else:
                state = subject.seen.get(worlds.slots[t].visit)
                frames = state.frames if state else ()
            opened = [f for f in frames if f in self.recall.opened]
            found += list((opened or list(frames))[:1])
        return tuple(dict.fromkeys(found))


def as_forecast(query: Query) -> Query:
    """A plain question about a time to come is a prediction."""
    if query.when.kind != "future" or query.kind not in ("where", "state", "count", "exists"):
        return query
    aspect = {"where": "place", "count": "count", "exists": "exists"}.get(query.kind, query.aspect)
    return replace(query, kind="predict", aspect=aspect)
