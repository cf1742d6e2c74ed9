"""The original's columns: ours written with them, and answers of others read without guessing."""

from __future__ import annotations

import json

import pytest

from embodied_mem.errors import InputError
from embodied_mem.tasks.findingdory import dataset
from embodied_mem.tasks.findingdory.dataset import (
    COLUMNS,
    parse_answer,
    read_rows,
    rows_of,
    stops_from_rows,
    write_rows,
)
from embodied_mem.tasks.findingdory.episode import episode_of
from embodied_mem.tasks.findingdory.generate import generate_items
from embodied_mem.tasks.findingdory.items import Stop
from tests.findingdory.small_day import small_day


@pytest.fixture(scope="module")
def episode():
    log, scene, facts = small_day()
    return episode_of(log, *generate_items(log, scene, facts))


def stops(*frames: int) -> tuple[Stop, ...]:
    return tuple(Stop(frame=f) for f in frames)


def test_rows_have_the_columns_of_the_original(episode):
    rows = rows_of(episode)
    assert len(rows) == len(episode.items) and all(tuple(row) == COLUMNS for row in rows)
    row = next(r for r in rows if r["task_id"] == "task_31")
    item = next(i for i in episode.items if i.template == 31)
    assert row["ep_id"] == "ep_7-0" and row["video"] == "videos/train/ep_id_7-0.mp4" and row["num_interactions"] == 4
    assert row["question"] == item.instruction and row["low_level_category"] == "Interaction Order"
    assert json.loads(row["answer"]) == [list(item.frames[0])]


def test_an_answer_has_one_list_a_stop(episode):
    for item, row in zip(episode.items, rows_of(episode), strict=True):
        answer = json.loads(row["answer"])
        assert len(answer) == item.required
        if item.quantifier == "any":
            assert answer == [sorted({f for frames in item.frames for f in frames})]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv"])
def test_our_own_key_comes_back_as_right_stops(episode, tmp_path, name):
    write_rows(tmp_path / name, rows_of(episode))
    found, problems = stops_from_rows(read_rows(tmp_path / name), [episode])
    assert not problems and len(found) == len(episode.items)
    for item in episode.items:
        if item.answerable == "answerable_from_log":
            shown = [min(f) for f in item.frames] if item.quantifier != "any" else [min(sum(item.frames, ()))]
            assert found[item.id].stops == stops(*shown) and not found[item.id].error


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[[12]]", stops(12)), ("[[12, 13], [4]]", stops(12, 4)), (" [ [ 1 , 2 ] , [ 0 ] ] ", stops(1, 0)),
        ("[3, 17]", stops(3, 17)), ([[3], [17]], stops(3, 17)), ("[[], [5]]", stops(5)),
    ],
)  # fmt: skip
def test_nested_and_flat_lists_are_answers(answer, expected):
    assert parse_answer(answer, 100) == dataset.Prediction(expected)


@pytest.mark.parametrize(
    "answer",
    [
        "frame 12", "[[12]", "[[1.5]]", "[[true]]", '[["12"]]', "[[1], 2]", "[[[1]]]", "{}", "12", "[[1,]]", "[[...]]",
        "[[007]]", "[[1]] or so", "__import__('os')", "[[1]]; [[2]]", "[[٣]]", 12, {"frame_indices": [1]}, True,
        [[1.5]], "[" * 100_000, "[[" + "9" * 5000 + "]]",
    ],
)  # fmt: skip
def test_garbage_is_unparsable_and_never_frame_zero(answer):
    assert parse_answer(answer, 100) == dataset.Prediction((), "unparsable")


@pytest.mark.parametrize("answer", ["[[100]]", "[[-1]]", "[[3], [4, 100]]", "[999999999]"])
def test_frames_that_do_not_exist_are_out_of_range(answer):
    assert parse_answer(answer, 100) == dataset.Prediction((), "out_of_range")


@pytest.mark.parametrize("answer", [None, "", "[]", "[[]]", "[[], []]"])
def test_nothing_is_no_answer(answer):
    assert parse_answer(answer, 100) == dataset.Prediction((), "no_answer")


def test_rows_of_unknown_instructions_are_named_and_the_rest_is_read(episode):
    rows = [
        {"ep_id": "ep_7-0", "task_id": "task_5", "answer": "[[3]]"},
        {"ep_id": "7-0", "task_id": 6, "answer": "[[4]]"},
        {"ep_id": "ep_8-0", "task_id": "task_5", "answer": "[[3]]"},
        {"ep_id": "ep_7-0", "task_id": "task_61", "answer": "[[3]]"},
        {"ep_id": None, "task_id": [5], "answer": "[[3]]"},
        {"ep_id": "ep_7-0", "task_id": "task_5", "answer": "[[9]]"},
    ]
    found, problems = stops_from_rows(rows, [episode])
    assert found["7-0/5"].stops == stops(3) and found["7-0/6"].stops == stops(4)
    assert found["7-0/7"] == dataset.Prediction((), "no_answer") and len(found) == len(episode.items)
    assert [p.split(":")[0] for p in problems] == ["row 3", "row 4", "row 5", "row 6"]
    assert "'ep_8-0'" in problems[0] and "second answer to 7-0/5" in problems[3]


def test_files_that_are_no_rows_are_refused(tmp_path, monkeypatch):
    def refused(name: str, text: str | bytes, message: str) -> None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(InputError, match=message):
            read_rows(tmp_path / name)

    refused("a.json", "[]", "must end in .jsonl or .csv")
    refused("a.jsonl", "nonsense\n", "cannot be read as rows")
    refused("a.jsonl", '{"ep_id": "ep_7-0"}\n', "row 1: missing task_id, answer")
    refused("a.jsonl", "[1]\n", "row 1: missing ep_id")
    refused("a.jsonl", b"\xff\xfe", "cannot be read as rows")
    refused("a.csv", "ep_id,answer\nep_7-0,[[1]]\n", "row 1: missing task_id")
    monkeypatch.setattr(dataset, "MAX_ROWS", 1)
    refused("a.csv", "ep_id,task_id,answer\n" + "ep_7-0,1,[[1]]\n" * 2, "more than 1 rows")
    monkeypatch.setattr(dataset, "MAX_BYTES", 3)
    refused("a.csv", "ep_id,task_id,answer\n", "bytes are more than 3")
