"""The brute-force checker itself, on a house small enough to follow by hand: a mug walks, a lamp is switched."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from tests.tasks.brute_force import Case, answer
from tests.tasks.brute_force_check import check

MUG, LAMP, BED, DESK = 1000, 1001, 100, 101


def at(day: int, hour: int) -> float:
    return datetime(2027, 3, day, hour, tzinfo=timezone.utc).timestamp()


def thing(i, label, surface, furniture, room, colour="red", **states):
    return {"id": i, "label": label, "attributes": {"colour": colour}, "surface": surface, "furniture": furniture,
            "room": room, "states": states}


def piece(i, label, room):
    return {"id": i, "label": label, "room": room, "colour": "brown", "material": "wood", "states": {}}


def event(time, kind, i, **after):
    return {"time": time, "kind": kind, "thing": i, "after": after}


# Mon 1 March 9:00, Tue 19:00, Wed 9:00; the question is asked on Thu 19:00.
CASE = Case(
    log={
        "house": {
            "rooms": [{"id": 1, "label": "study"}, {"id": 2, "label": "bedroom"}],
            "furniture": [piece(DESK, "desk", 1), piece(BED, "bed", 2)],
            "things": [thing(MUG, "mug", "desk", DESK, 1), thing(LAMP, "desk lamp", "desk", DESK, 1, power="off")],
        },
        "events": [
            event(at(1, 20), "move", MUG, room=2, surface="bed", furniture=BED),
            event(at(2, 21), "state", LAMP, power="on"),
            event(at(4, 12), "move", MUG, room=1, surface="desk", furniture=DESK),
        ],
    },
    visits=[("v000", at(1, 9), at(1, 10)), ("v001", at(2, 19), at(2, 20)), ("v002", at(3, 9), at(3, 10))],
    pixels={
        "v000": {0: {MUG: 80, LAMP: 100}, 7: {LAMP: 29}},
        "v001": {3: {MUG: 35}, 4: {LAMP: 90}},
        "v002": {5: {MUG: 70, LAMP: 70}},
    },
)
NOW = at(4, 19)
VISIT = {"kind": "visit", "date": "2027-03-02", "part": "evening"}


def query(kind, label="mug", **slots):
    return {"kind": kind, "target": {"label": label, "attributes": []}, **slots}


@pytest.mark.parametrize(
    "asked, data",
    [
        (query("where", when=VISIT), ["bed", "bedroom"]),
        (query("where"), ["desk", "study"]),
        (query("when", aspect="arrived", room="study"), at(4, 12)),
        (query("when", aspect="arrived", room="bedroom"), at(1, 20)),
        (query("when", "desk lamp", aspect="state", value="on"), at(2, 21)),
        (query("exists", room="bedroom", when=VISIT), True),
        (query("exists", room="bedroom"), False),
        (query("count", room="bedroom", aspect="visits", when={"kind": "ever"}), 2),
        (query("compare", aspect="place", when={"kind": "first"}, until={"kind": "now"}), True),
        (query("compare", aspect="count", room="bedroom", when=VISIT, until={"kind": "now"}), "fewer"),
        ({"kind": "changes", "room": "bedroom", "when": {"kind": "first"}, "until": VISIT}, ["+mug"]),
        (query("routine", aspect="place"), ["bed", "bedroom"]),
        (query("how_long", "desk lamp", aspect="state", value="on"), NOW - at(2, 21)),
        (query("how_long", aspect="place"), NOW - at(4, 12)),
        (query("attribute", "desk", aspect="material"), "wood"),
        (query("state", "desk lamp", aspect="power", when=VISIT), "off"),
    ],
)
def test_each_kind_is_answered_from_the_log(asked, data):
    assert answer(asked, CASE, NOW)["data"] == data


ITEM = {
    "gold_query": query("where", when=VISIT), "question_time": NOW, "unanswerable": False,
    "answer_value": {"type": "place", "data": ["bed", "bedroom"]}, "evidence": [["v001/000003"]], "static": False,
}


def test_a_right_item_is_agreed_with():
    assert check(ITEM, CASE).agrees


@pytest.mark.parametrize(
    "fault, why",
    [
        ({"answer_value": {"type": "place", "data": ["desk", "study"]}}, "the log says"),
        ({"evidence": [["v001/000004"]]}, "shows nothing"),
        ({"evidence": []}, "no requirement"),
        ({"static": True}, "static"),
        ({"gold_query": query("when", aspect="moved")}, "no single answer"),
        ({"gold_query": query("predict", aspect="place", when={"kind": "future", "date": "2027-03-05"})}, "no pattern"),
        ({"gold_query": query("where", "violin", when=VISIT)}, "no single answer"),
        ({"unanswerable": True, "answer_value": {"type": "abstain", "data": None}}, "can be answered"),
    ],
)
def test_every_kind_of_wrong_item_is_refused_with_its_reason(fault, why):
    verdict = check({**ITEM, **fault}, CASE)
    assert not verdict.agrees and why in verdict.why


def test_a_question_about_a_day_without_a_visit_is_rightly_unanswerable():
    asked = query("where", when={"kind": "visit", "date": "2027-02-20", "part": ""})
    item = {**ITEM, "gold_query": asked, "unanswerable": True, "evidence": []}
    assert check(item, CASE).agrees
