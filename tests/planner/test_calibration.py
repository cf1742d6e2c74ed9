"""Confidence follows the share of right answers; the blind agent knows only what is usual."""

from __future__ import annotations

import numpy as np
import pytest

from embodied_mem.errors import ConfigError
from embodied_mem.planner.agents import AGENTS, build_agent
from embodied_mem.planner.baselines import Blind, FewFrames, blind_table, signatures
from embodied_mem.planner.calibration import fit, mapped
from embodied_mem.planner.query import ObjectRef, Query, TimeRef
from embodied_mem.planner.reasoner import EmbeddedReasoner
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import ABSTAIN, FrameRef, Value
from tests.planner.fake import FakePalace, visit_time

MUG = ObjectRef("mug")
DESK = ("desk", "study")


def test_overconfident_beliefs_are_brought_down():
    rng = np.random.default_rng(0)
    beliefs = rng.uniform(0.5, 0.98, 800)
    weights = fit([("where", False, b, rng.random() < b - 0.3) for b in beliefs])
    assert abs(mapped(weights, "where", False, 0.95) - 0.65) < 0.12
    sure = [mapped(weights, "where", False, b) for b in np.linspace(0.05, 0.95, 10)]
    assert sure == sorted(sure)


def test_kinds_and_the_present_have_their_own_offset():
    rng = np.random.default_rng(1)
    judged = [("where", False, b, rng.random() < b) for b in rng.uniform(0.2, 0.98, 400)]
    judged += [("changes", True, 0.9, rng.random() < 0.6) for _ in range(60)]
    weights = fit(judged)
    assert mapped(weights, "changes", True, 0.9) < mapped(weights, "where", False, 0.9) - 0.1


def test_a_kind_with_few_answers_stays_near_the_others():
    rng = np.random.default_rng(2)
    judged = [("where", False, b, rng.random() < b) for b in rng.uniform(0.2, 0.98, 400)]
    weights = fit([*judged, ("when", False, 0.9, False)])
    assert abs(mapped(weights, "when", False, 0.9) - mapped(weights, "where", False, 0.9)) < 0.15
    assert fit([]) == {} and mapped({}, "where", False, 0.7) == 0.7


def test_the_blind_table_holds_the_most_frequent_answer():
    now = visit_time(4)
    where = Query("where", MUG)
    day_ago = Query("when", MUG, aspect="moved"), Value("time", now - 86400), now
    rows = [(where, Value("place", p), now) for p in (DESK, DESK, ("sofa", "living room"))]
    table = blind_table([*rows, (where, ABSTAIN, now), day_ago])
    assert Value.from_json(table[signatures(where)[0]]) == Value("place", DESK)
    assert table["when"] == {"type": "time", "data": -86400.0}


def test_blind_answers_without_a_palace():
    answer = Blind().answer("Where is the red mug now?", Workbench(None, None, None, None, visit_time(3)))
    assert answer.value.type != "abstain" and not answer.evidence


def test_few_frames_know_only_what_they_show():
    palace = FakePalace(3)
    palace.put("mug", "red", [DESK, DESK, DESK])
    few = FewFrames(palace, {FrameRef("v001", 100)})
    bench = Workbench(few, None, None, None, visit_time(3))
    ask = EmbeddedReasoner().answer_query
    assert ask(Query("where", MUG, when=TimeRef("visit", "2027-03-02")), bench).value == Value("place", DESK)
    assert [o.visit for o in few.objects()] == ["v001"]


def test_unknown_agents_are_named():
    with pytest.raises(ConfigError, match="mind_palace"):
        build_agent("genius")
    assert [build_agent(name).name for name in AGENTS] == list(AGENTS)
