"""Each kind of question on a small remembered house gives the answer a person would give, with its evidence."""

from __future__ import annotations

import pytest

from embodied_mem.planner.query import ObjectRef, Query, TimeRef
from embodied_mem.planner.reasoner import EmbeddedReasoner
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import ABSTAIN, Value
from tests.planner.fake import DAY, HOUR, FakePalace, visit_time

DESK, TABLE, COUNTER = ("desk", "study"), ("coffee table", "living room"), ("kitchen counter", "kitchen")
NIGHTSTAND = ("nightstand", "bedroom")
MUG = ObjectRef("mug", (("colour", "red"),))
NOW = visit_time(6)


@pytest.fixture
def bench() -> Workbench:
    """Six days: a red mug at the desk in the morning and on the coffee table in the evening, and others."""
    palace = FakePalace(6)
    palace.put("mug", "red", [DESK, TABLE] * 3)
    palace.put("mug", "blue", [COUNTER] * 6)
    palace.put("book", "green", [DESK, DESK, DESK, NIGHTSTAND, NIGHTSTAND, NIGHTSTAND])
    palace.put("vase", "blue", [None, None, TABLE, TABLE, TABLE, TABLE])
    palace.put("box", "red", [COUNTER, COUNTER, None, None, None, None])
    return Workbench(palace, None, None, None, NOW)


def visit(day: int, part: str = "") -> TimeRef:
    return TimeRef("visit", f"2027-03-{day + 1:02d}", part)


def between(day: int) -> float:
    return (visit_time(day) + visit_time(day + 1)) / 2


BOOK, VASE, BOX = ObjectRef("book"), ObjectRef("vase"), ObjectRef("box")
MORNING = TimeRef("future", "2027-03-09", "morning")
CASES = [
    (Query("where", MUG, when=visit(1)), Value("place", TABLE)),
    (Query("where", MUG, when=TimeRef("first")), Value("place", DESK)),
    (Query("where", MUG, when=TimeRef("visit", "2027-02-20")), ABSTAIN),
    (Query("where", MUG, when=visit(0, "evening")), ABSTAIN),
    (Query("where", ObjectRef("kettle"), when=visit(1)), ABSTAIN),
    (Query("where", ObjectRef("mug", (("colour", "yellow"),)), when=visit(1)), ABSTAIN),
    (Query("where", BOOK), Value("place", NIGHTSTAND)),
    (Query("when", BOOK, aspect="moved"), Value("time", between(2))),
    (Query("when", BOOK, "bedroom", "nightstand", aspect="arrived"), Value("time", between(2))),
    (Query("when", VASE, aspect="appeared"), Value("time", between(1))),
    (Query("when", BOX, aspect="removed"), Value("time", between(1))),
    (Query("when", VASE, aspect="first_seen"), Value("time", visit_time(2))),
    (Query("when", BOX, aspect="last_seen"), Value("time", visit_time(1))),
    (Query("how_long", BOOK, "bedroom", "nightstand", aspect="place"), Value("duration", NOW - between(2))),
    (Query("how_long", BOOK, aspect="place"), Value("duration", NOW - between(2))),
    (Query("routine", MUG, when=TimeRef("ever", part="evening"), aspect="place"), Value("place", TABLE)),
    (Query("count", ObjectRef("mug"), when=visit(2), aspect="objects"), Value("count", 2)),
    (Query("count", ObjectRef("mug"), "kitchen", when=visit(2), aspect="objects"), Value("count", 1)),
    (Query("count", MUG, "study", "desk", TimeRef("ever"), aspect="visits"), Value("count", 3)),
    (Query("exists", BOX, "kitchen", when=visit(0)), Value("bool", True)),
    (Query("exists", BOX, "kitchen", when=visit(3)), Value("bool", False)),
    (Query("compare", BOOK, when=visit(0), until=visit(5), aspect="place"), Value("bool", False)),
    (Query("compare", BOX, "kitchen", when=visit(0), until=visit(5), aspect="count"), Value("label", "fewer")),
    (Query("changes", None, "study", when=visit(2), until=visit(4)), Value("set", frozenset({"-book"}))),
    (Query("changes", None, "kitchen", when=visit(3), until=visit(5)), Value("set", frozenset())),
    (Query("predict", MUG, when=TimeRef("future", "2027-03-08", "evening"), aspect="place"), Value("place", TABLE)),
    (Query("predict", MUG, "study", when=MORNING, aspect="exists"), Value("bool", True)),
    (Query("attribute", ObjectRef("vase"), when=visit(3), aspect="colour"), Value("label", "blue")),
]  # fmt: skip


@pytest.mark.parametrize(("query", "answer"), CASES, ids=lambda c: getattr(c, "kind", ""))
def test_answers(bench, query, answer):
    found = EmbeddedReasoner().answer_query(query, bench)
    assert found.value == answer, found
    assert 0.5 < found.confidence <= 1


def test_evidence_shows_the_thing_before_and_after(bench):
    found = EmbeddedReasoner().answer_query(Query("when", BOOK, aspect="moved"), bench)
    assert [ref.visit for ref in found.evidence] == ["v002", "v003"]


def test_an_object_looked_past_once_is_not_a_change():
    palace = FakePalace(4)
    palace.put("mug", "red", [DESK, DESK, DESK, DESK])
    palace._objects = [o for o in palace._objects if o.visit != "v002"]  # not seen, but nobody looked there either
    bench = Workbench(palace, None, None, None, NOW)
    query = Query("changes", None, "study", when=visit(1), until=visit(2))
    assert EmbeddedReasoner().answer_query(query, bench).value == Value("set", frozenset())


def test_the_latest_visit_alone_cannot_tell_the_past(bench):
    query = Query("where", MUG, when=visit(1))
    assert EmbeddedReasoner(last_only=True).answer_query(query, bench).value == ABSTAIN


def test_the_same_question_gets_the_same_answer(bench):
    query = Query("where", MUG)
    a, b = (EmbeddedReasoner().answer_query(query, bench) for _ in range(2))
    assert a == b and abs(DAY - 24 * HOUR) < 1
