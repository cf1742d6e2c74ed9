"""What is judged without a language model, what is left to one, and A-EQA's efficiency."""

from __future__ import annotations

import math

import pytest

from embodied_mem.errors import InputError
from embodied_mem.tasks.openeqa.judge import credit
from embodied_mem.tasks.openeqa.metrics import Asked, efficiency, prediction_row, score
from embodied_mem.types import ABSTAIN, Answer, Cost, Value

DESK = Value("place", ("desk", "study"))
SHELF = Value("place", ("upper shelf of the bookcase", "living room"))


@pytest.mark.parametrize(
    "answer, reference, expected",
    [
        (Value("bool", True), "Yes.", 1.0),
        (Value("bool", True), "No it is not under the coat hanger", 0.0),
        (Value("bool", True), "There seems to be light from a window", None),
        (Value("count", 8), "Eight chairs", 1.0),
        (Value("count", 5), "8", 0.0),
        (Value("count", 5), "between 4 and 5", None),
        (Value("label", "blue"), "Blue", 1.0),
        (Value("label", "grey"), "gray", 1.0),
        (Value("label", "open"), "Opened", 1.0),
        (Value("label", "wood"), "It is wooden.", 1.0),
        (Value("label", "blue"), "red", 0.0),
        (Value("label", "blue"), "tan with pink and blue", None),
        (DESK, "On the desk in the study", 1.0),
        (DESK, "on the desk", 1.0),
        (DESK, "In the home office", 1.0),  # the vocabulary's other word for it
        (DESK, "on the desk in the bedroom", 0.0),
        (DESK, "In the kitchen", 0.0),
        (DESK, "left of the desk", None),
        (DESK, "behind the white couch", None),
        (SHELF, "On the bookcase", 1.0),
        (SHELF, "lower shelf of the bookcase", 0.0),
        (Value("time", 1e9), "yesterday", None),
        (ABSTAIN, "anything at all", 0.0),
    ],
)
def test_a_reference_counts_only_where_it_says_one_thing_and_no_more(answer, reference, expected):
    assert credit(answer, (reference,)) == expected


def test_of_several_references_one_that_agrees_is_enough_and_one_unread_leaves_it_open():
    assert credit(Value("bool", False), ("Yes", "No")) == 1.0
    assert credit(Value("label", "blue"), ("red", "like the sky")) is None
    assert credit(Value("label", "blue"), ("red", "green")) == 0.0
    assert credit(Value("label", "blue"), ()) is None


def test_a_typed_key_decides_whatever_the_words_say():
    assert credit(DESK, ("somewhere",), Value("place", ("floor", "study"))) == 0.5
    assert credit(Value("time", 1000.0), (), Value("time", 1600.0), tolerance_s=600) == 1.0


@pytest.mark.parametrize(
    "right, reference, way, expected",
    [(1.0, 4.0, 8.0, 0.5), (1.0, 4.0, 2.0, 1.0), (0.5, 4.0, 4.0, 0.5), (0.0, 4.0, 4.0, 0.0), (1.0, 0.0, 0.0, 1.0),
     (1.0, 0.0, 0.5, 0.0)],
)  # fmt: skip
def test_efficiency_is_credit_times_reference_over_the_longer_way(right, reference, way, expected):
    assert efficiency(right, reference, way) == expected


def row(value, references=("Yes",), metres=0.0, reference_m=None, agent="a", episode="e", number=0) -> dict:
    asked = Asked(f"q{number}", episode, "Is it on?", "object state recognition", references)
    return prediction_row(asked, agent, Answer(value, "text", 0.8, cost=Cost(metres=metres)), "job", reference_m)


def test_the_unjudged_count_neither_as_right_nor_as_wrong():
    yes = Value("bool", True)
    rows = [row(yes, number=0), row(yes, ("who knows",), number=1), row(ABSTAIN, number=2)]
    agent = score(rows, "openeqa")["agents"]["a"]
    assert agent["correct"] == 0.5 and agent["judged"] == pytest.approx(2 / 3, abs=1e-5)
    assert agent["abstained"] == pytest.approx(1 / 3, abs=1e-5) and agent["interval"] is None
    walked = score([row(yes, metres=2.0, reference_m=1.0)], "la_eqa_files")["agents"]["a"]
    assert walked["efficiency"] == 0.5
    two = score([row(yes, episode="e"), row(ABSTAIN, episode="f", number=1)], "openeqa")
    low, high = two["agents"]["a"]["interval"]
    assert two["episodes"] == 2 and 0 <= low <= high <= 1


@pytest.mark.parametrize(
    "change", [{"confidence": 2}, {"metres": -1}, {"metres": math.inf}, {"answer": {"type": "count", "data": "2"}},
               {"reference_m": math.nan}],
)  # fmt: skip
def test_a_damaged_row_is_refused(change):
    with pytest.raises(InputError, match="a/q0|prediction"):
        score([row(Value("bool", True)) | change], "openeqa")
    with pytest.raises(InputError, match="references"):
        score([{k: v for k, v in row(Value("bool", True)).items() if k != "references"}], "openeqa")
