"""The judge's definitions, one by one; and items, which are refused unless whole."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InputError
from embodied_mem.planner.query import ObjectRef, Query, TimeRef
from embodied_mem.tasks.la_eqa.items import Item, load_items, query_from_json, query_to_json, save_items
from embodied_mem.tasks.la_eqa.judge import accepts, judge
from embodied_mem.types import ABSTAIN, Value

HOUR = 3600.0


def item(value: Value, tolerance_s: float = 0.0, **changes) -> Item:
    """A small valid item with that answer."""
    fields = {
        "question": "Where was the red mug on Tuesday evening?", "category": "past", "question_id": "q1",
        "scene_name": "house-7", "answer": "somewhere", "best_path": [], "start_place": 0,
        "start_pose": [1.0, 2.0, 0.0], "question_time": 1.8e9, "answer_type": value.type,
        "answer_value": value.to_json(), "template": "past_where", "kind": "where",
        "gold_query": query_to_json(Query("where", ObjectRef("mug", (("colour", "red"),)), when=TimeRef("first"))),
        "evidence": [["v001/000003"], {"visit": "now", "things": [1003]}], "static": False, "moving": True,
        "l_star": 0.0, "min_images": 0, "unanswerable": value.type == "abstain", "tolerance_s": tolerance_s,
    }  # fmt: skip
    return Item.from_json({**fields, **changes})


PLACE = Value("place", ("desk", "study"))


@pytest.mark.parametrize(
    "truth, answer, correct, partial",
    [
        (PLACE, PLACE, True, 1.0),
        (PLACE, Value("place", ("bookcase", "study")), False, 0.5),  # the room alone is half of the answer
        (PLACE, Value("place", ("desk", "bedroom")), False, 0.0),
        (PLACE, Value("label", "desk"), False, 0.0),  # types are strict
        (Value("count", 3), Value("count", 3), True, 1.0),
        (Value("count", 4), Value("count", 3), False, 0.75),
        (Value("count", 1), Value("count", True), False, 0.0),
        (Value("bool", True), Value("bool", True), True, 1.0),
        (Value("bool", True), Value("count", 1), False, 0.0),
        (Value("label", "more"), Value("label", "fewer"), False, 0.0),
        (Value("set", frozenset({"+mug", "-book"})), Value("set", frozenset({"-book", "+mug"})), True, 1.0),
        (Value("set", frozenset({"+mug", "-book"})), Value("set", frozenset({"+mug"})), False, 2 / 3),
        (Value("set", frozenset()), Value("set", frozenset()), True, 1.0),
        (Value("set", frozenset()), Value("set", frozenset({"+mug"})), False, 0.0),
        (ABSTAIN, ABSTAIN, True, 1.0),  # abstaining is right on unanswerable questions …
        (PLACE, ABSTAIN, False, 0.0),  # … and on no other
        (ABSTAIN, PLACE, False, 0.0),
    ],
)
def test_each_type_of_answer_is_judged_as_defined(truth, answer, correct, partial):
    assert judge(item(truth), answer) == (correct, pytest.approx(partial))


@pytest.mark.parametrize("kind", ["time", "duration"])
def test_answers_in_time_are_right_within_the_tolerance_and_wrong_beyond(kind):
    truth = item(Value(kind, 50 * HOUR), tolerance_s=2 * HOUR)
    assert judge(truth, Value(kind, 52 * HOUR))[0]
    assert not judge(truth, Value(kind, 52 * HOUR + 1))[0]


labels = st.frozensets(st.sampled_from(["+mug", "-mug", "+book", "-book", "+hat"]))


@given(labels, labels)
def test_f1_is_symmetric_in_0_1_and_1_only_for_equal_sets(a, b):
    right, partial = accepts(Value("set", a), Value("set", b))
    assert (right, partial) == accepts(Value("set", b), Value("set", a))
    assert 0 <= partial <= 1 and right == (a == b)


def test_items_survive_a_file_byte_for_byte_and_queries_their_json(tmp_path):
    items = [item(PLACE), item(ABSTAIN, question_id="q2")]
    save_items(tmp_path / "a.json", items)
    save_items(tmp_path / "b.json", load_items(tmp_path / "a.json"))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    query = Query("compare", ObjectRef("mug", (("colour", "red"),), "red mug"), until=TimeRef("now"), aspect="place")
    assert query_from_json(json.loads(json.dumps(query_to_json(query)))) == query


@pytest.mark.parametrize(
    "change, names",
    [
        ({"category": "history"}, "history"),
        ({"answer_value": {"type": "count", "data": "3"}}, "'3'"),
        ({"answer_value": {"type": "bool", "data": True}}, "disagree"),
        ({"l_star": float("nan")}, "l_star"),
        ({"evidence": [["v001-3"]]}, "v001-3"),
        ({"unanswerable": True}, "unanswerable"),
        ({"start_pose": [0, 0]}, "pose"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_item_that_is_not_whole_is_refused_by_name(change, names):
    with pytest.raises(InputError, match="q1") as refused:
        item(PLACE, **change)
    assert names in str(refused.value)


def test_a_damaged_item_file_says_what_to_do(tmp_path):
    (tmp_path / "items.json").write_text('{"version": 1, "items": [')
    with pytest.raises(InputError, match="regenerate"):
        load_items(tmp_path / "items.json")
