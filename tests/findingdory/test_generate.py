"""Items of an experience: one a template, the same every time, marked by what the log shows of their goals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from embodied_mem.tasks.findingdory.facts import frames_where
from embodied_mem.tasks.findingdory.generate import generate_items
from embodied_mem.tasks.findingdory.words import WORDINGS
from tests.findingdory.small_day import small_day, small_log


@pytest.fixture(scope="module")
def made():
    return generate_items(*small_day())


def test_one_item_a_template_or_a_reason(made):
    items, left_out = made
    assert sorted([*left_out, *(item.template for item in items)]) == list(range(1, 61))
    assert all(item.goals and item.instruction and item.id == f"7-0/{item.template}" for item in items)
    assert all(reason for reason in left_out.values())


def test_the_same_log_gives_the_same_items_and_another_episode_others(made):
    log, scene, facts = small_day()
    assert generate_items(small_log(), scene, facts) == made
    others, _ = generate_items(replace(log, episode=1), scene, facts)
    assert sum(a.instruction != b.instruction for a, b in zip(made[0], others, strict=True)) > 20


def test_two_interactions_say_why_seven_templates_are_missing():
    log, scene, facts = small_day()
    items, left_out = generate_items(replace(log, interactions=log.interactions[:2]), scene, facts)
    assert [t for t, why in left_out.items() if why == "it takes three interactions"] == [38, 39, 40, 43, 44, 45, 46]
    assert not {36, 37, 41, 42} & left_out.keys() and {item.template for item in items}.isdisjoint(left_out)


def test_frames_are_those_at_which_the_goal_holds(made):
    _, _, facts = small_day()
    for item in made[0]:
        assert item.frames == tuple(tuple(frames_where(facts, goal)) for goal in item.goals)


def test_an_item_is_answerable_from_the_log_if_its_frames_are_a_full_answer(made):
    for item in made[0]:
        shown = [bool(frames) for frames in item.frames]
        full = any(shown) if item.quantifier == "any" else all(shown)
        assert (item.answerable == "answerable_from_log") == full
    unseen = next(item for item in made[0] if item.template == 30)
    assert unseen.answerable == "needs_exploration" and not any(unseen.frames)


def test_what_no_pose_shows_is_unanswerable(made):
    log, scene, facts = small_day()

    class Blind:
        def __getattr__(self, name):
            return (lambda goal: None) if name == "witness" else getattr(scene, name)

    items, _ = generate_items(log, Blind(), facts)
    assert {i.template for i in items if i.answerable == "unanswerable"} == {
        i.template for i in made[0] if i.answerable == "needs_exploration"
    }


def test_most_slots_are_about_what_the_log_shows_and_some_are_not():
    log, scene, facts = small_day()
    seen = {number: 0 for number in (1, 2, 10, 11)}
    wordings = set()
    for episode in range(40):
        for item in generate_items(replace(log, episode=episode), scene, facts)[0]:
            if item.template in seen:
                seen[item.template] += item.answerable == "answerable_from_log"
                wordings.add((item.template, item.instruction.split()[0]))
    assert all(n >= 28 for n in seen.values()), "at most 30 % need exploration"
    assert any(n < 40 for n in seen.values()), "but some do"
    assert len(wordings) >= 3 * len(seen), "all wordings are used"
    assert set(WORDINGS) == set(range(1, 61))
