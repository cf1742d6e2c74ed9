"""The belief over typed answers: every possible world gives its answer, and equal answers add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from embodied_mem.planner import answers_many as many
from embodied_mem.planner import answers_single as single
from embodied_mem.planner.answers_world import NO_ANSWER, Finding, Uses, World
from embodied_mem.planner.belief_worlds import Worlds
from embodied_mem.planner.query import Query, TimeRef
from embodied_mem.types import ABSTAIN, Value

NEVER_RECORDED = 0.97  # how sure "nothing was recorded then" is (the parser may have misread the time)


@dataclass
class Belief:
    """values: the answers held possible, likeliest first; mass: their probabilities; other: that of all the rest.

    answers: (N) each world's answer as an index of values (-1: none); uses: value → the (chain, slot) pairs that
    the largest share of its worlds rests on. reason: why nothing can be known, where that is so.
    """

    values: list[Value]
    mass: np.ndarray
    answers: np.ndarray
    uses: dict[Value, Uses] = field(default_factory=dict)
    reason: str = ""

    @property
    def other(self) -> float:
        return max(0.0, 1.0 - float(self.mass.sum()))

    @property
    def best(self) -> Value:
        return self.values[0] if self.values else ABSTAIN

    @property
    def confidence(self) -> float:
        return float(self.mass[0]) if self.values else 0.0

    def of(self, value: Value) -> float:
        return float(self.mass[self.values.index(value)]) if value in self.values else 0.0

    def to_json(self, count: int = 4) -> list:
        """The likeliest answers with their probabilities, for the trace."""
        return [[v.to_json(), round(float(m), 4)] for v, m in zip(self.values[:count], self.mass[:count], strict=True)]


def certain(value: Value, chance: float, reason: str, count: int = 1) -> Belief:
    """A belief that needs no worlds: ``value`` with probability ``chance``."""
    return Belief([value], np.array([chance]), np.zeros(count, int), {}, reason)


def answer_function(query: Query, worlds: Worlds) -> Callable[[World], Finding] | str:
    """The question as a function of one world; a string says why it cannot be answered at all."""
    history = worlds.history
    slots = history.when(query.when)
    if query.kind == "predict":
        return lambda world: many.predict(query, world, [])
    if query.kind in ("when", "how_long", "routine", "count", "exists") and query.when.kind in ("ever", "future"):
        slots = list(range(len(history.slots))) or None
    if query.kind == "how_long" and query.when.kind == "ever":
        slots = [len(history.slots)]
    if query.kind in ("when", "routine"):
        slots = slots or list(range(len(history.slots))) or None
    if slots is None:
        return "nothing was recorded at that time"
    if query.kind in ("compare", "changes"):
        until = history.when(query.until or TimeRef("now"))
        if until is None:
            return "nothing was recorded at that time"
        function = many.compare if query.kind == "compare" else many.changes
        return lambda world: function(query, world, slots, until)
    function = getattr(single, query.kind, None) or getattr(many, query.kind)
    return lambda world: function(query, world, slots)


def believe(query: Query, worlds: Worlds) -> Belief:
    """The belief over the answers to ``query``."""
    function = answer_function(query, worlds)
    count = len(worlds.weights)
    if isinstance(function, str):
        return certain(ABSTAIN, NEVER_RECORDED, function, count)
    if not worlds.chains and query.kind not in ("exists", "count", "changes"):
        return certain(ABSTAIN, _never_seen(worlds), "nothing of that description was ever seen", count)
    findings = _findings(function, worlds, count)
    weight: dict[Value, float] = {}
    support: dict[Value, dict[Uses, float]] = {}
    for finding, w in zip(findings, worlds.weights, strict=True):
        if finding.value is not None:
            weight[finding.value] = weight.get(finding.value, 0.0) + float(w)
            uses = support.setdefault(finding.value, {})
            uses[finding.uses] = uses.get(finding.uses, 0.0) + float(w)
    values = sorted(weight, key=lambda v: (-weight[v], str(v.to_json())))
    index = {v: i for i, v in enumerate(values)}
    answers = np.array([index.get(f.value, -1) for f in findings])
    best_uses = {v: max(sorted(u), key=u.get) for v, u in support.items()}
    return Belief(values, np.array([weight[v] for v in values]), answers, best_uses)


def _never_seen(worlds: Worlds) -> float:
    """How sure it is that a thing no visit has seen does not exist: surer with every visit."""
    return 1.0 - 0.25 * 0.6 ** len(worlds.history.slots)


def _findings(function: Callable[[World], Finding], worlds: Worlds, count: int) -> list[Finding]:
    """Each world's finding; worlds that agree in everything are read once."""
    columns = [c.match[:, None] for c in worlds.chains]
    columns += [c.sequence for c in worlds.chains]
    columns += [s for c in worlds.chains for s in c.states.values()]
    columns += [a[:, None] for c in worlds.chains for a in c.attributes.values()]
    if not columns:
        return [function(World(worlds, 0))] * count if count else [NO_ANSWER]
    rows = np.hstack(columns)
    spread = _has_future(worlds)  # a forecast draws by the number of its world
    known: dict[bytes, Finding] = {}
    out = []
    for n in range(count):
        key = rows[n].tobytes() + (n.to_bytes(4, "little") if spread else b"")
        if key not in known:
            known[key] = function(World(worlds, n))
        out.append(known[key])
    return out


def _has_future(worlds: Worlds) -> bool:
    return len(worlds.slots) > len(worlds.history.slots) + 1
