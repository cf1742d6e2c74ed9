"""The question and label files of OpenEQA and LA-EQA: read whole, refused by row and field."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from embodied_mem.datasets import la_eqa, openeqa
from embodied_mem.errors import InputError

OPEN = {
    "question": "Where is the mirror?", "answer": "Next to the staircase", "category": "object localization",
    "question_id": "501c", "episode_history": "hm3d-v0/001-hm3d-TPhiubUHKcP", "extra_answers": ["by the stairs"],
}  # fmt: skip
LA = {
    "question": "Is the green kettle still where it stood on Tuesday?", "category": "past_present",
    "question_id": "hbt_92_x", "scene_name": "092-hm3d-eF36g7L6Z9M", "answer": "No OR No, it is gone",
    "best_path": [240], "start_place": 54,
}  # fmt: skip


def saved(path, content):
    path.write_text(json.dumps(content))
    return path


def test_openeqa_questions_with_all_their_right_answers(tmp_path):
    empty = OPEN | {"question_id": "8", "extra_answers": ["", "on the wall"]}  # the released file has such a one
    assert openeqa.load_questions(saved(tmp_path / "e.json", [empty]))[0].answers[1:] == ("on the wall",)
    plain = {k: v for k, v in OPEN.items() if k != "extra_answers"} | {"question_id": "7"}
    first, second = openeqa.load_questions(saved(tmp_path / "q.json", [OPEN, plain]))
    assert first.answers == ("Next to the staircase", "by the stairs") and second.answers == first.answers[:1]
    assert first.episode_history == "hm3d-v0/001-hm3d-TPhiubUHKcP" and first.raw == OPEN
    assert openeqa.load_subset(saved(tmp_path / "subset.json", ["501c"])) == ["501c"]


@pytest.mark.parametrize(
    "change, says",
    [
        ({"answer": 3}, "row 1: field 'answer' is 3, expected a text"),
        ({"question": ""}, "row 1: field 'question' is ''"),
        ({"category": "riddles"}, "row 1: field 'category' is 'riddles', expected one of object recognition"),
        ({"episode_history": "../../secret"}, "row 1: field 'episode_history'.*without '..'"),
        ({"episode_history": "/etc"}, "row 1: field 'episode_history'"),
        ({"extra_answers": "x"}, "row 1: field 'extra_answers' is 'x', expected a list"),
        ({"extra_answers": ["x", 3]}, "row 1: field 'extra_answers'.*its item 1 is 3"),
        ({"question_id": "501c"}, "row 1: question_id '501c' is used twice"),
    ],
)
def test_a_wrong_openeqa_row_is_named(tmp_path, change, says):
    path = saved(tmp_path / "q.json", [OPEN, OPEN | {"question_id": "2"} | change])
    with pytest.raises(InputError, match=says):
        openeqa.load_questions(path)


def test_what_is_no_list_of_questions_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a list of objects"):
        openeqa.load_questions(saved(tmp_path / "q.json", {"questions": []}))
    with pytest.raises(InputError, match="row 0 is 3, expected an object"):
        openeqa.load_questions(saved(tmp_path / "q.json", [3]))
    with pytest.raises(InputError, match="expected a list"):
        openeqa.load_subset(saved(tmp_path / "subset.json", {"a": 1}))


def test_la_eqa_questions_and_labels(tmp_path):
    (question,) = la_eqa.load_questions(saved(tmp_path / "q.json", [LA]))
    assert question.answers == ("No", "No, it is gone") and question.best_path == (240,) and question.start_place == 54
    labels = la_eqa.load_labels(saved(tmp_path / "l.json", {"scene": ["now (thursday)", "wednesday"]}))
    assert labels == {"scene": ("now (thursday)", "wednesday")}


@pytest.mark.parametrize(
    "change, says",
    [
        ({"category": "future"}, "'category' is 'future', expected one of past, present"),
        ({"best_path": [1.5]}, "'best_path' is a list of 1, expected whole numbers.*its item 0 is 1.5"),
        ({"start_place": -1}, "'start_place' is -1"),
        ({"scene_name": "a/../b"}, "'scene_name'.*without '..'"),
    ],
)
def test_a_wrong_la_eqa_row_is_named(tmp_path, change, says):
    with pytest.raises(InputError, match=says):
        la_eqa.load_questions(saved(tmp_path / "q.json", [LA | change]))


@pytest.mark.parametrize("names", [[], ["monday"], ["now", "monday", "monday"], "now"])
def test_labels_begin_with_the_present_and_differ(tmp_path, names):
    with pytest.raises(InputError, match="field 'scene'"):
        la_eqa.load_labels(saved(tmp_path / "l.json", {"scene": names}))


def moments(*labels: str) -> list[str]:
    return [f"{datetime.fromtimestamp(t, timezone.utc):%a %d %H}" for t in la_eqa.visit_times(labels)]


def test_labels_become_moments_each_the_latest_before_the_one_above():
    """The released scenes' own labels: a week of mornings and afternoons, and bare weekdays."""
    assert moments("now (saturday morning)", "friday afternoon", "thursday afternoon", "thursday morning") == [
        "Sat 03 09", "Fri 02 15", "Thu 01 15", "Thu 01 09",
    ]  # fmt: skip
    week = moments("now (thursday)", "wednesday", "tuesday", "thursday")
    assert week == ["Thu 01 12", "Wed 31 12", "Tue 30 12", "Thu 25 12"]
    assert moments("now", "before", "long before") == ["Mon 29 12", "Sun 28 12", "Sat 27 12"]
