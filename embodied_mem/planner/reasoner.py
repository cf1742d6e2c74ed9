"""The embedded reasoner: text → query → belief → {recall, look} while it pays → answer with evidence.

No weights beyond the parser's, no randomness beyond fixed seeds: the same palace, question and robot give the
same answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from embodied_mem.errors import InputError
from embodied_mem.planner.answers_text import say
from embodied_mem.planner.belief_places import about_now
from embodied_mem.planner.calibration import calibrated
from embodied_mem.planner.costs import Prices, Rates, default_rates
from embodied_mem.planner.query import Query
from embodied_mem.planner.session import Session
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import ABSTAIN, Answer

Stopping = Literal["voi", "confident", "never"]


@dataclass(frozen=True)
class EmbeddedReasoner:
    """One agent. Fields are what distinguishes the agents of the evaluation.

    stopping: "voi" stops when nothing is worth its cost; "confident" when the best answer's belief is at least
    ``enough``, ``most_images`` are opened or nothing is left to open; "never" opens everything relevant.
    last_only: knows the latest visit of the palace and nothing before it.
    """

    name: str = "mind_palace"
    stopping: Stopping = "voi"
    last_only: bool = False
    enough: float = 0.9
    most_images: int = 100
    prices: Prices = field(default_factory=Prices)
    rates: Rates = field(default_factory=default_rates)

    def answer(self, text: str, bench: Workbench) -> Answer:
        """Answer one question; what is not understood is answered by an honest "I don't know" that says why."""
        from embodied_mem.planner.parser import parse

        try:
            parsed = parse(text, bench.now)
        except InputError as error:
            return Answer(ABSTAIN, say(None, ABSTAIN, str(error)), 0.0, understood=False)
        if not parsed.understood or parsed.query is None:
            return Answer(ABSTAIN, say(None, ABSTAIN, parsed.reason), 0.5, understood=False)
        target = parsed.query.target
        if parsed.query.kind == "count" and target is not None and not target.label:
            # A count of what has no name would be a sure 0 of nothing.
            return Answer(ABSTAIN, say(None, ABSTAIN, "I know no thing of that name"), 0.5, understood=False)
        return self.answer_query(parsed.query, bench)

    def answer_query(self, query: Query, bench: Workbench) -> Answer:
        """Answer a question that is already parsed."""
        session = Session(query, bench, self.prices, self.rates, self.last_only)
        if session.walk:
            session.walk.look_from_here()
        while session.decide(self.stopping, self.enough, self.most_images):
            pass
        belief = session.known.belief()
        value, chance = session.conclude(belief)
        evidence = session.evidence(belief, value)
        # The uncalibrated belief stays in the trace: calibration is fitted on it.
        present = about_now(session.known.query, session.known.history)
        about = {"kind": query.kind, "present": present, "belief": round(chance, 4)}
        session.trace.add("answer", value=chance, **about, before=belief)
        sure = calibrated(query.kind, present, chance)
        return Answer(value, say(query, value, belief.reason), sure, evidence, session.cost, session.trace.steps())
