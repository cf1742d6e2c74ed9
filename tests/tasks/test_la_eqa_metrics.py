"""The measures on rows small enough to check by hand."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InputError
from embodied_mem.evaluation.statistics import auroc
from embodied_mem.tasks.la_eqa.metrics import agent_metrics, calibration, efficiency, risk_coverage, score
from embodied_mem.tasks.la_eqa.oracle import Oracle
from embodied_mem.tasks.la_eqa.predictions import evidence_scores, prediction_row
from embodied_mem.types import ABSTAIN, Answer, Cost, FrameRef, Value
from tests.tasks.test_la_eqa_judge import PLACE, item

NUMBERS = itertools.count()


def row(correct=True, confidence=0.8, metres=0.0, l_star=0.0, house=0, category="past", abstain=False, **more):
    """One prediction of the agent "a"."""
    value = ABSTAIN if abstain else PLACE if correct else Value("place", ("floor", "hallway"))
    asked = item(PLACE, category=category, question_id=f"q{next(NUMBERS)}", scene_name=f"house-{house}", l_star=l_star)
    cost = Cost(images=2, metres=metres, seconds=0.5)
    return {**prediction_row(asked, "a", Answer(value, "text", confidence, cost=cost)), **more}


@pytest.mark.parametrize(
    "metres, l_star, correct, expected",
    [
        (4.0, 4.0, True, 1.0),
        (8.0, 4.0, True, 0.5),
        (1.0, 4.0, True, 1.0),  # a right guess on the way; counted apart as unverified
        (0.0, 4.0, False, 0.0),  # standing still and wrong is worth nothing
        (0.0, 0.0, True, 1.0),
        (1.0, 0.0, True, 0.5),
    ],
)
def test_efficiency_weighs_the_way_by_correctness(metres, l_star, correct, expected):
    assert efficiency(row(correct, metres=metres, l_star=l_star)) == expected


def test_metrics_have_the_layout_that_is_published_and_none_for_what_is_not_there():
    rows = [row(True, house=h) for h in range(3)] + [row(False, house=0), row(abstain=True, house=1)]
    result = json.loads(json.dumps(score(rows, seed=5)))
    assert {k: result[k] for k in ("task", "seed", "houses", "questions")} == {
        "task": "la_eqa", "seed": 5, "houses": 3, "questions": 5,
    }  # fmt: skip
    agent = result["agents"]["a"]
    assert agent["correctness"] == {
        "all": 0.6, "past": 0.6, "present": None, "multi_past": None, "past_present": None, "past_present_future": None,
    }  # fmt: skip
    assert (agent["images"], agent["abstained"], agent["efficiency_moving"]) == (2.0, 0.2, None)
    low, high = agent["intervals"]["all"]
    assert 0 <= low <= 0.6 <= high <= 1


def test_scoring_judges_anew_and_refuses_damaged_rows():
    lied = {**row(False), "correct": True}
    assert score([lied])["agents"]["a"]["correctness"]["all"] == 0.0
    for damage in ({"confidence": 1.5}, {"metres": float("inf")}, {"answer": {"type": "count", "data": "2"}}):
        with pytest.raises(InputError):
            score([{**row(), **damage}])
    with pytest.raises(InputError, match="truth"):
        score([{k: v for k, v in row().items() if k != "truth"}])


def test_calibration_error_brier_and_auroc_on_four_answers():
    rows = [row(True, 0.95), row(True, 0.95), row(False, 0.95), row(False, 0.15), row(abstain=True, confidence=0.0)]
    found = agent_metrics(rows)
    assert found["ece"] == pytest.approx(3 / 4 * abs(0.95 - 2 / 3) + 1 / 4 * 0.15, abs=1e-5)
    assert found["brier"] == pytest.approx((2 * 0.05**2 + 0.95**2 + 0.15**2) / 4, abs=1e-5)
    assert found["auroc"] == 0.75
    assert [b["count"] for b in calibration(rows)] == [0, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    curve = risk_coverage(rows)
    assert curve[-1]["coverage"] == 0.8 and curve[-1]["risk"] == 0.5


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=2, max_size=12))
def test_auroc_is_the_share_of_pairs_in_order(pairs):
    import numpy as np

    scores, right = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    wins = [(a > b) + (a == b) / 2 for a in scores[right] for b in scores[~right]]
    assert auroc(scores, right) == (pytest.approx(np.mean(wins), abs=1e-5) if wins else None)


def test_evidence_is_met_by_any_of_its_frames_and_the_present_by_what_was_truly_seen():
    asked = row(requirements=[["v001/000003", "v001/000004"], {"visit": "now", "things": [1003]}])
    cited = ["v001/000004", "v002/000000", "now/000007"]
    assert evidence_scores({**asked, "evidence": cited}) == (pytest.approx(1 / 3), 0.5)
    views = {"now/000007": {"pose": [0, 0, 0], "things": [1003]}}
    assert evidence_scores({**asked, "evidence": cited, "now_views": views}) == (pytest.approx(2 / 3), 1.0)
    assert evidence_scores({**asked, "evidence": []}) == (None, 0.0)
    assert evidence_scores({**asked, "requirements": []}) == (None, None)


def test_the_oracle_is_perfect():
    asked = item(PLACE, l_star=3.0, best_path=[[1.0, 1.0, 0.0]], min_images=1)
    answer, views = Oracle().answer_item(asked)
    found = agent_metrics([prediction_row(asked, "oracle", answer, views)])
    assert found["correctness"]["all"] == found["efficiency"] == found["evidence_recall"] == 1.0
    assert answer.evidence[0] == FrameRef("v001", 3)
