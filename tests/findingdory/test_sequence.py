"""From stops to verdicts: the original's rules, ours, and where they must and must not differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.predicates import GoalFacts
from embodied_mem.tasks.findingdory.sequence import STOPS_PER_GOAL, judge, judge_strict, met_by

A, B, C = (Goal("receptacle", i) for i in (101, 102, 103))


def table(goals: str, *stops: str) -> np.ndarray:
    """``table("ABC", "A", "BC", "")``: the first stop satisfies A, the second B and C, the third nothing."""
    return np.array([[g in stop for g in goals] for stop in stops], bool).reshape(len(stops), len(goals))


def strict(quantifier: str, goals: str, *stops: str):
    return judge_strict(quantifier, [{"A": A, "B": B, "C": C}[g] for g in goals], table(goals, *stops))


def test_facts_become_a_table_of_stops_and_goals():
    near, far = GoalFacts(0.0, 0.0, 500), GoalFacts(0.2, 0.0, 500)
    assert met_by([A, B], [[near, far], [far, far]]).tolist() == [[True, False], [False, False]]
    assert met_by([A, B], [[near, far]], "distance").tolist() == [[True, True]]
    assert met_by([A, B], []).shape == (0, 2)


class TestStrict:
    def test_the_number_of_stops_must_be_the_number_of_goals(self):
        assert strict("all", "AB", "A", "B").success
        assert strict("all", "AB", "A").failure == strict("all", "AB", "A", "B", "B").failure == "wrong_count"
        assert strict("any", "AB", "B").success
        assert strict("any", "AB", "B", "A").failure == "wrong_count"

    def test_a_stop_that_satisfies_no_new_goal_is_fatal(self):
        verdict = strict("all", "ABC", "A", "A", "B")
        assert (verdict.success, verdict.failure, verdict.partial) == (False, "wrong_place", pytest.approx(1 / 3))

    def test_a_stop_locks_the_first_goal_in_list_order_even_where_that_is_unlucky(self):
        assert not strict("all", "AB", "AB", "A").success  # A is locked first, then nothing is new
        assert judge("all", table("AB", "AB", "A")).success

    def test_an_order_is_void_when_a_goal_comes_before_its_predecessor(self):
        assert strict("ordered", "ABC", "A", "B", "C").success
        assert strict("ordered", "ABC", "B", "A", "C").failure == "wrong_order"
        assert strict("ordered", "AB", "AB", "AB").success  # both in sight: the first in the list is locked first

    def test_an_entity_named_twice_is_one_goal(self):
        assert strict("ordered", "ABA", "A", "B").success
        assert strict("ordered", "ABA", "A", "B", "A").failure == "wrong_count"


class TestDefault:
    def test_for_any_goal_the_first_stop_decides(self):
        right, late = judge("any", table("AB", "B", "")), judge("any", table("AB", "", "B"))
        assert (right.success, right.partial, right.precision, right.visits) == (True, 1.0, 0.5, ((0, 1),))
        assert (late.success, late.partial, late.recall, late.failure) == (False, 0.0, 1.0, "wrong_place")

    def test_a_redundant_stop_lowers_precision_and_voids_nothing(self):
        verdict = judge("all", table("AB", "A", "A", "B"))
        assert (verdict.success, verdict.partial, verdict.precision) == (True, 1.0, pytest.approx(2 / 3))
        assert judge("ordered", table("AB", "A", "A", "B", "A")).success

    def test_a_stop_at_a_wrong_place_fails_the_item_and_leaves_partial_credit(self):
        verdict = judge("all", table("AB", "A", "B", ""))
        assert (verdict.success, verdict.partial, verdict.failure) == (False, 1.0, "wrong_place")
        verdict = judge("all", table("ABC", "A", "C"))
        assert (verdict.partial, verdict.precision, verdict.failure) == (pytest.approx(2 / 3), 1.0, "incomplete")

    def test_stops_are_assigned_to_goals_in_the_best_way(self):
        verdict = judge("all", table("ABC", "ABC", "AB", "A"))
        assert verdict.success and verdict.visits == ((0, 2), (1, 1), (2, 0))

    def test_an_order_is_kept_by_new_goals_and_partial_credit_knows_both(self):
        verdict = judge("ordered", table("ABC", "B", "A", "C"))
        assert (verdict.success, verdict.failure) == (False, "wrong_order")
        assert (verdict.partial, verdict.in_order) == (1.0, pytest.approx(2 / 3))
        early = judge("ordered", table("ABC", "B", "A", "B", "C"))  # the order is all there, but B came too early
        assert (early.success, early.in_order, early.failure) == (False, 1.0, "wrong_order")

    def test_an_entity_named_twice_is_two_visits(self):
        assert judge("ordered", table("ABA", "A", "B", "A")).success
        assert judge("ordered", table("ABA", "A", "B")).partial == pytest.approx(2 / 3)
        assert judge("ordered", table("AAB", "A", "A", "B")).success

    def test_naming_everything_is_no_strategy(self):
        assert judge("all", table("AB", *"ABABAB")).success
        verdict = judge("all", table("AB", *"ABABABA"))
        assert (verdict.success, verdict.partial, verdict.failure) == (False, 0.0, "too_many_stops")
        assert judge("any", table("A", *"AAAA")).failure == "too_many_stops"

    def test_no_stop_is_no_success(self):
        for quantifier in ("any", "all", "ordered"):
            assert judge(quantifier, table("AB")).failure == "no_stops"
            assert strict(quantifier, "AB").failure == "no_stops"


quantifiers = st.sampled_from(("any", "all", "ordered"))


@st.composite
def tables(draw) -> np.ndarray:
    stops, goals = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    cells = draw(st.lists(st.booleans(), min_size=stops * goals, max_size=stops * goals))
    return np.array(cells).reshape(stops, goals)


@given(quantifiers, tables())
def test_a_strict_success_is_a_default_success_where_no_goal_is_named_twice(quantifier, met):
    goals = [Goal("object", 1000 + g) for g in range(met.shape[1])]
    assert judge(quantifier, met).success >= judge_strict(quantifier, goals, met).success


@given(quantifiers, tables())
def test_shares_are_shares_and_success_means_all_of_it(quantifier, met):
    verdict = judge(quantifier, met)
    shares = verdict.partial, verdict.in_order, verdict.precision, verdict.recall
    assert all(0 <= share <= 1 for share in shares) and verdict.in_order <= verdict.partial
    assert verdict.success == (verdict.failure == "")
    assert not verdict.success or verdict.in_order == verdict.recall == 1


@given(quantifiers, tables(), st.data())
def test_a_redundant_right_stop_never_changes_success(quantifier, met, data):
    """A stop that repeats an earlier one's goals, put anywhere after it."""
    first = data.draw(st.integers(0, len(met) - 1))
    after = data.draw(st.integers(first + 1, len(met)))
    more = np.insert(met, after, met[first], axis=0)
    required = 1 if quantifier == "any" else met.shape[1]
    if judge(quantifier, met).success and len(more) <= STOPS_PER_GOAL * required:
        again = judge(quantifier, more)
        assert again.success and again.precision < judge(quantifier, met).precision + 1e-9


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_unordered_stops_changes_nothing(met, random):
    order = list(range(len(met)))
    random.shuffle(order)
    a, b = judge("all", met), judge("all", met[order])
    assert (a.success, a.partial, a.precision, a.failure) == (b.success, b.partial, b.precision, b.failure)
