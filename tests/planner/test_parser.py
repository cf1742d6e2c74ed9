"""The parser: examples that read like the manual, and 60 held-out wordings that were written before it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from embodied_mem.errors import InputError
from embodied_mem.planner.parser import parse
from embodied_mem.planner.query import Query, TimeRef

NOW = datetime(2027, 3, 7, 19, 5, tzinfo=timezone.utc).timestamp()  # a Sunday evening
WORDINGS = Path(__file__).parent / "wordings.jsonl"


def slots_right(query: Query | None, kind: str, slots: dict) -> bool:
    """Kind and every slot that the wording names, exactly."""
    if query is None or query.kind != kind:
        return False
    target = query.target
    got = {
        "target_label": target.label if target else "",
        "target_attributes": dict(target.attributes) if target else {},
        "room": query.room, "surface": query.surface, "aspect": query.aspect, "value": query.value,
        "when": vars(query.when), "until": vars(query.until) if query.until else {},
    }  # fmt: skip
    for name, want in slots.items():
        if isinstance(want, dict) and name in ("when", "until"):
            if any(got[name].get(key) != value for key, value in want.items()):
                return False
        elif got[name] != want:
            return False
    return True


def held_out_share() -> tuple[int, int]:
    rows = [json.loads(line) for line in WORDINGS.read_text().splitlines()]
    right = 0
    for row in rows:
        now = datetime.fromisoformat(row["now"].replace("Z", "+00:00")).replace(tzinfo=timezone.utc).timestamp()
        right += slots_right(parse(row["question"], now).query, row["kind"], row["slots"])
    return right, len(rows)


def test_held_out_wordings_are_read_right():
    right, count = held_out_share()
    assert count >= 60
    assert right / count >= 0.80, f"{right} of {count} held-out wordings have kind and slots right"


@pytest.mark.parametrize(
    ("text", "kind", "label", "slots"),
    [
        ("Where was the red mug on Tuesday evening?", "where", "mug",
         {"when": TimeRef("visit", "2027-03-02", "evening")}),
        ("How many books were on the desk in the study on 3 March?", "count", "book",
         {"surface": "desk", "room": "study", "when": TimeRef("visit", "2027-03-03")}),
        ("When was the radio switched on?", "when", "radio", {"aspect": "state", "value": "on"}),
        ("Is the blue book still where it was on Tuesday?", "compare", "book",
         {"aspect": "place", "until": TimeRef("now")}),
        ("Where will the laptop be tomorrow morning?", "predict", "laptop",
         {"aspect": "place", "when": TimeRef("future", "2027-03-08", "morning")}),
        ("Where does the teddy bear usually stand in the evenings?", "routine", "teddy bear",
         {"when": TimeRef("ever", "", "evening")}),
    ],
)  # fmt: skip
def test_reads_kind_target_place_and_time(text, kind, label, slots):
    query = parse(text, NOW).query
    assert (query.kind, query.target.label) == (kind, label)
    assert {name: getattr(query, name) for name in slots} == slots


def test_an_unknown_thing_stays_unknown():
    parsed = parse("Where is the trombone?", NOW)
    assert parsed.understood and parsed.query.target.label == "" and parsed.query.target.words == "trombone"


def test_another_language_is_said_not_guessed():
    parsed = parse("Wo ist die rote Tasse?", NOW)
    assert not parsed.understood and "English" in parsed.reason


@pytest.mark.parametrize("text", ["", "   ", "a" * 501])
def test_what_is_no_question_is_refused(text):
    with pytest.raises(InputError):
        parse(text, NOW)
