"""The measures on rows small enough to check by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InputError
from embodied_mem.tasks.findingdory.items import CATEGORIES
from embodied_mem.tasks.findingdory.metrics import agent_metrics, interval, key_of, over_templates, score
from embodied_mem.tasks.findingdory.predicates import GoalFacts
from embodied_mem.tasks.findingdory.sequence import STOPS_PER_GOAL
from embodied_mem.tasks.findingdory.verdicts import MEASURES, judged

HIT = GoalFacts(0.5, 0.1, 400).to_json()
UNSEEN = GoalFacts(0.5, 0.1, 0).to_json()
FAR = GoalFacts(6.0, 0.1, 400).to_json()
MISS = GoalFacts(6.0, 2.0, 0).to_json()
MARKS = {"+": HIT, "u": UNSEEN, "f": FAR, "-": MISS}
SINGLE, MULTI = ("Object Recall", "Single-Goal Spatial Tasks"), ("Unordered Revisitation", "Multi-Goal Tasks")


def stop(marks: str) -> dict:
    """A stop by how it stands to each goal: "+" there, "u" not seen, "f" too far away, "-" neither."""
    return {"frame": 3, "facts": [MARKS[m] for m in marks], "start_m": 2.0}


def row(*stops: str, quantifier="any", template=1, house=1, item="", agent="a", error="", **more) -> dict:
    """One prediction: ``row("+-", "-+", quantifier="all")`` is two stops at two goals."""
    goals = len(stops[0]) if stops else 1
    category, group = SINGLE if quantifier == "any" else MULTI
    item = item or f"{house}-0/{template}"
    return {
        "key": f"{agent}/{item}", "agent": agent, "id": item, "job": "j", "house": house, "episode": 0,
        "template": template, "category": category, "group": group, "instruction": "Go.", "quantifier": quantifier,
        "goals": [{"kind": "object", "id": 1000 + g, "surface": ""} for g in range(goals)],
        "answerable": "answerable_from_log", "interactions": 5, "frames": 100, "error": error, "confidence": 0.8,
        "images": 2, "explored_m": 0.0, "seconds": 0.5, "stops": [stop(s) for s in stops], "starts_m": [4.0] * goals,
        "hl_shortest_m": 4.0, "hl_chosen_m": 5.0, "ll": None, **more,
    }  # fmt: skip


def drive(*stops: str, metres=5.0, shortest_m=4.0, reason="arrived") -> dict:
    places = [{"pose": [0.0, 0.0, 0.0], "facts": [MARKS[m] for m in s]} for s in stops]
    return {"stops": places, "metres": metres, "shortest_m": shortest_m, "reason": reason}


class TestOneRow:
    def test_the_three_success_rates_differ_by_what_they_ask(self):
        def rates(mark):
            return tuple(judged(row(mark))[m] for m in ("hl_sr", "dtg_sr", "sc_sr"))

        assert (rates("+"), rates("u"), rates("f"), rates("-")) == ((1, 1, 1), (0, 1, 0), (0, 0, 1), (0, 0, 0))

    def test_a_single_goal_is_weighted_by_the_way_to_the_nearest_one(self):
        assert judged(row("-+", starts_m=[3.0, 4.0]))["hl_spl"] == 0.75
        assert judged(row("++", starts_m=[3.0, 4.0]))["hl_spl"] == 1.0
        assert judged(row("+", starts_m=[0.0]))["hl_spl"] == 1.0
        assert judged(row("-", starts_m=[3.0]))["hl_spl"] == 0.0

    def test_several_goals_are_weighted_by_the_shortest_tour(self):
        found = judged(row("+-", "-+", quantifier="all"))
        assert (found["hl_sr"], found["hl_spl"], found["strict"]["hl_spl"]) == (1.0, 0.8, 0.8)
        assert judged(row("+-", "-+", quantifier="ordered"))["hl_spl"] == 1.0  # an order leaves no choice
        assert judged(row("+-", quantifier="all", hl_chosen_m=None))["hl_spl"] == 0.0

    def test_a_drive_counts_only_after_the_right_choice(self):
        found = judged(row("+", ll=drive("+")))
        assert (found["ll_sr"], found["ll_spl"], found["strict"]["ll_sr"]) == (1.0, 0.8, 1.0)
        assert judged(row("-", ll=drive("+")))["ll_sr"] == 0.0
        assert judged(row("+", ll=drive("-", reason="blocked")))["ll_sr"] == 0.0
        assert judged(row("+"))["ll_sr"] == 0.0

    def test_a_failed_drive_says_why(self):
        def why(*stops: str, **more):
            return judged(row("+-", "-+", quantifier="all", ll=drive(*stops, **more)))["ll_failure"]

        assert why("--", "-+") == "not in view, too far"
        assert why("f-", "-+") == "in view, too far"
        assert why("u-", "-+") == "not in view, slightly far"
        assert why("+-") == "not at every goal"
        assert why("+-", reason="blocked") == "blocked"
        assert why("+-", "-+") == ""

    def test_a_redundant_stop_voids_only_the_strict_verdict(self):
        found = judged(row("+-", "+-", "-+", quantifier="all"))
        assert (found["hl_sr"], found["strict"]["hl_sr"], found["precision"]) == (1.0, 0.0, pytest.approx(2 / 3))

    @pytest.mark.parametrize("error", ["unparsable", "no_answer", "out_of_range"])
    def test_an_answer_in_error_is_worth_nothing_in_either_mode(self, error):
        found = judged(row("+", error=error))
        assert (found["hl_sr"], found["strict"]["hl_sr"], found["partial"], found["failure"]) == (0, 0, 0, error)

    def test_where_there_is_no_answer_saying_so_is_right(self):
        assert judged(row(error="no_answer", answerable="unanswerable"))["hl_sr"] == 1.0
        assert judged(row("+", answerable="unanswerable"))["hl_sr"] == 0.0
        assert judged(row(error="unparsable", answerable="unanswerable"))["hl_sr"] == 0.0

    @pytest.mark.parametrize(
        "damage, told",
        [
            ({"category": "Cooking"}, "category 'Cooking'"),
            ({"error": "lazy"}, "error 'lazy'"),
            ({"confidence": 1.5}, "confidence must be"),
            ({"confidence": float("nan")}, "confidence must be"),
            ({"house": "7"}, "house must be a whole number"),
            ({"starts_m": [1.0, 2.0]}, "starts_m has 2 ways for 1 goals"),
            ({"starts_m": [-1.0]}, "a way must be metres"),
            ({"goals": []}, "starts_m has 1 ways"),
            ({"goals": [{"kind": "door", "id": 1}]}, "no object, receptacle or room"),
            ({"stops": [{"facts": []}]}, "a stop has facts of 0 goals"),
            ({"stops": [{"facts": [[1, 2]]}]}, "not \\[metres"),
            ({"stops": [{}]}, "facts"),
            ({"stops": None}, "TypeError"),
            ({"ll": {"stops": []}}, "reason"),
            ({"ll": {**drive("+"), "metres": float("inf")}}, "a way must be metres"),
        ],
    )
    def test_damage_is_an_error_that_names_the_row_and_the_field(self, damage, told):
        with pytest.raises(InputError, match=f"prediction a/1-0/1: .*{told}"):
            judged({**row("+"), **damage})
        with pytest.raises(InputError, match="prediction"):
            judged("not a row")

    @pytest.mark.parametrize("field", ["stops", "goals", "quantifier", "ll", "error", "answerable", "starts_m"])
    def test_a_missing_field_is_named(self, field):
        with pytest.raises(InputError, match=f"a/1-0/1.*{field}"):
            judged({k: v for k, v in row("+").items() if k != field})


@pytest.fixture(scope="module")
def result() -> dict:
    return json.loads(json.dumps(score(TestTables.ROWS, seed=5), allow_nan=False))


@pytest.fixture(scope="module")
def agent(result) -> dict:
    return result["agents"]["a"]


class TestTables:
    """Template 1: 1 of 2 right in house 1, 1 of 1 in house 2. Template 2: 0 of 1. Template 52: partly right."""

    ROWS = (
        row("+", item="1-0/1", ll=drive("+")), row("-", item="1-1/1"),
        row("+", house=2, ll=drive("-", reason="blocked")),
        row("u", template=2, confidence=0.4),
        row("+--", "-+-", quantifier="all", template=52, interactions=20),
        row("+", item="1-0/4", template=4, answerable="needs_exploration", explored_m=6.0),
        row(error="no_answer", item="1-0/6", template=6, answerable="unanswerable"),
        row(error="unparsable", template=3),
    )  # fmt: skip

    def test_the_layout_is_the_published_one(self, result, agent):
        assert {k: v for k, v in result.items() if k != "agents"} == {
            "task": "findingdory", "seed": 5, "houses": 2, "episodes": 2, "items": 8,
        }  # fmt: skip
        keys = [
            "object_recall", "interaction", "conditional_interaction", "object_attributes", "spatial_relationship",
            "room_visitation", "interaction_order", "time_based", "duration_tracking", "unordered_revisit",
            "ordered_revisit",
        ]  # fmt: skip
        assert [key_of(c) for c in CATEGORIES] == keys
        for measure in MEASURES:
            assert list(agent[measure]) == ["all", *keys]

    def test_a_template_is_the_mean_of_its_items_and_all_is_the_mean_of_templates(self, agent):
        # 2/3, 0, 0 (unparsable) and 0 of templates 1, 2, 3 and 52
        assert agent["hl_sr"]["all"] == pytest.approx((2 / 3) / 4, abs=1e-6)
        assert agent["hl_sr"]["object_recall"] == pytest.approx((2 / 3) / 3, abs=1e-6)
        assert agent["hl_sr"]["ordered_revisit"] is None
        assert agent["dtg_sr"]["object_recall"] == pytest.approx((2 / 3 + 1) / 3, abs=1e-6)
        assert agent["partial"]["unordered_revisit"] == pytest.approx(2 / 3, abs=1e-6)
        assert agent["precision"]["all"] == pytest.approx((2 / 3 + 0 + 1) / 3, abs=1e-6)  # no stops, no precision
        assert [line["template"] for line in agent["templates"]] == [1, 2, 3, 52]
        assert agent["templates"][0]["hl_sr"] == pytest.approx(2 / 3, abs=1e-6)
        assert agent["groups"]["Multi-Goal Tasks"]["partial"] == pytest.approx(2 / 3, abs=1e-6)

    def test_driving_is_told_overall_and_given_the_right_choice(self, agent):
        assert agent["ll_sr"]["all"] == pytest.approx((1 / 3) / 4, abs=1e-6)
        assert agent["ll_sr_given_hl"]["all"] == 0.5
        assert agent["ll_spl"]["all"] == pytest.approx((0.8 / 3) / 4, abs=1e-6)
        assert agent["ll_failures"] == {"blocked": 1}

    def test_strict_stands_beside(self, agent):
        assert agent["strict"]["hl_sr"]["all"] == agent["hl_sr"]["all"]
        assert agent["strict"]["dtg_sr"]["unordered_revisit"] == 0.0

    def test_what_the_log_does_not_answer_stands_apart(self, agent):
        assert (agent["needs_exploration"]["count"], agent["needs_exploration"]["hl_sr"]) == (1, 1.0)
        assert agent["needs_exploration"]["explored_m"] == 6.0
        assert agent["unanswerable"] == {"count": 1, "right": 1.0}

    def test_errors_failures_and_lengths_are_counted(self, agent):
        assert agent["errors"] == {"unparsable": 1, "no_answer": 0, "out_of_range": 0}
        assert agent["failures"] == {"incomplete": 1, "unparsable": 1, "wrong_place": 2}
        assert [agent["interactions"][k]["count"] for k in ("up_to_11", "over_11")] == [5, 1]

    def test_confidence_is_measured_on_answers(self, agent):
        right, sure = np.array([1, 0, 1, 0, 0, 1]), np.array([0.8, 0.8, 0.8, 0.4, 0.8, 0.8])
        assert agent["brier"] == pytest.approx(((sure - right) ** 2).mean(), abs=1e-6)
        assert agent["ece"] == pytest.approx(5 / 6 * abs(0.8 - 3 / 5) + 1 / 6 * 0.4, abs=1e-6)
        assert agent["auroc"] == pytest.approx((3 * 1 + 6 * 0.5) / 9, abs=1e-6)
        assert agent["risk_coverage"][-1]["coverage"] == pytest.approx(6 / 7, abs=1e-6)

    def test_a_row_that_is_there_twice_is_refused(self):
        with pytest.raises(InputError, match="a/1-0/1 is there 2 times"):
            score([row("+"), row("-")])

    def test_nothing_to_score_is_nothing(self):
        assert score([]) == {"task": "findingdory", "seed": 0, "houses": 0, "episodes": 0, "items": 0, "agents": {}}


def test_an_interval_draws_houses_and_is_repeatable():
    rows = [judged(row("+" if house < 6 else "-", house=house, template=t)) for house in range(10) for t in (1, 2)]
    low, high = interval(rows, lambda r: r["hl_sr"], 3)
    assert low < over_templates(rows, "hl_sr") == 0.6 < high
    assert interval(rows, lambda r: r["hl_sr"], 3) == [low, high]
    assert interval(rows[:2], lambda r: r["hl_sr"]) is None
    assert json.dumps(agent_metrics(rows[:2]), allow_nan=False)


marks = st.sampled_from("+uf-")


@st.composite
def answers(draw) -> dict:
    quantifier, goals = draw(st.sampled_from(("any", "all", "ordered"))), draw(st.integers(1, 4))
    stops = draw(st.lists(st.text(marks, min_size=goals, max_size=goals), min_size=1, max_size=5))
    ways = st.none() | st.floats(0, 50)
    low = draw(st.none() | st.just(drive(*stops, metres=draw(st.floats(0, 50)), shortest_m=draw(ways))))
    return row(
        *stops, quantifier=quantifier, starts_m=draw(st.lists(ways, min_size=goals, max_size=goals)),
        hl_shortest_m=draw(ways), hl_chosen_m=draw(ways), ll=low,
    )  # fmt: skip


@given(answers())
def test_every_measure_is_a_share_and_the_strict_rules_are_never_kinder(answer):
    found = judged(answer)
    assert all(0 <= found[m] <= 1 for m in MEASURES if found[m] is not None)
    assert all(0 <= value <= found[m] for m, value in found["strict"].items() if m.endswith("sr"))
    assert found["hl_spl"] <= found["hl_sr"] and found["ll_spl"] <= found["ll_sr"] <= found["hl_sr"]
    assert found["hl_sr"] <= min(found["dtg_sr"], found["sc_sr"])


@given(answers(), st.data())
def test_a_redundant_right_stop_costs_precision_only(answer, data):
    before = judged(answer)
    required = 1 if answer["quantifier"] == "any" else len(answer["goals"])
    if not before["hl_sr"] or len(answer["stops"]) >= STOPS_PER_GOAL * required:
        return
    first = data.draw(st.integers(0, len(answer["stops"]) - 1))
    after = data.draw(st.integers(first + 1, len(answer["stops"])))
    stops = [*answer["stops"][:after], answer["stops"][first], *answer["stops"][after:]]
    again = judged({**answer, "stops": stops})
    assert (again["hl_sr"], again["partial"]) == (1.0, 1.0) and again["precision"] < 1
