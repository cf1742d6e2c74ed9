"""The 60 templates on a small day (small_day.py): a phone, a blanket, another phone and a book are carried about."""

from __future__ import annotations

import string
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.tasks.findingdory import generate  # noqa: F401  (registers the templates)
from embodied_mem.tasks.findingdory.items import CATEGORIES, GROUPS, Goal
from embodied_mem.tasks.findingdory.templates import TEMPLATES, Day, LeftOut
from embodied_mem.tasks.findingdory.words import WORDINGS, clock, ordinal, say
from tests.findingdory.small_day import (
    ARMCHAIR,
    BLANKET,
    BOOK,
    BOOKCASE,
    COFFEE_TABLE,
    KITCHEN,
    LIVING_ROOM,
    PHONE,
    RED_PHONE,
    SOFA,
    STOVE,
    small_day,
)


@pytest.fixture(scope="module")
def day() -> Day:
    log, scene, _ = small_day()
    return Day(log, scene)


def goals(day: Day, number: int, **slots) -> list[tuple]:
    """(id, surface) of the goals of the draft with these slots."""
    found = [d for d in TEMPLATES[number].drafts(day) if slots.items() <= d.slots.items()]
    assert len(found) == 1, f"{len(found)} drafts of template {number} have {slots}"
    return [(goal.id, goal.surface) for goal in found[0].goals]


def ids(day: Day, number: int, **slots) -> list[int]:
    return [i for i, _ in goals(day, number, **slots)]


# -- the table ---------------------------------------------------------------------------------------------------


def test_all_sixty_are_there_in_the_categories_and_groups_of_the_benchmark():
    assert sorted(TEMPLATES) == list(range(1, 61))
    sizes = (2, 6, 7, 5, 5, 5, 16, 2, 3, 6, 3)
    assert Counter(t.category for t in TEMPLATES.values()) == dict(zip(CATEGORIES, sizes, strict=True))
    assert Counter(t.group for t in TEMPLATES.values()) == dict(zip(GROUPS, (30, 21, 9), strict=True))
    assert [t for t in sorted(TEMPLATES) if TEMPLATES[t].quantifier == "all"] == [52, 53, 54, 55, 56, 57]
    assert [t for t in sorted(TEMPLATES) if TEMPLATES[t].quantifier == "ordered"] == [58, 59, 60]


@pytest.mark.parametrize("number", range(1, 61))
def test_every_template_has_four_wordings_that_use_all_its_slots_and_a_goal_for_each_draft(day, number):
    wordings = WORDINGS[number]
    assert len(set(wordings)) >= 4
    for draft in TEMPLATES[number].drafts(day):
        assert draft.goals and len({g.kind for g in draft.goals}) == 1
        for wording in wordings:
            text = say(wording, draft.slots)  # a slot without a word would raise
            assert "{" not in text and "  " not in text and text[0].isupper() and text[-1] in ".?"
    used = [{name.lower() for _, name, _, _ in string.Formatter().parse(w) if name} for w in wordings]
    one = {"label": "a", "labels": "a"}  # three ways to say the same slot
    assert len({frozenset(one.get(n, n) for n in names) for names in used}) == 1, "all wordings say the same"


def test_no_two_templates_share_a_wording_but_the_ones_that_ask_the_same():
    shared = Counter(w for wordings in WORDINGS.values() for w in set(wordings))
    assert [w for w, n in shared.items() if n > 1] == ["Go to {a}."]  # 1 and 2: the category says which is meant


def test_picked_from_and_placed_on_are_never_mixed_in_words():
    for number in (7, 12, 14, 23, 32, 34, 42, 44, 46, 52, 55, 58):
        assert all(not any(w in text for w in ("plac", "put", "down")) for text in picking(number)), number
    for number in (8, 13, 24, 33, 41, 43, 45, 53, 54, 59):
        assert all(any(w in text for w in ("plac", "put", "onto")) for text in WORDINGS[number]), number


def picking(number: int) -> list[str]:
    """Wordings of a template about picking, without the X that was put down before (42)."""
    return [w.replace("after putting down {x}", "after {x}") for w in WORDINGS[number]]


def test_words_for_slots():
    assert [ordinal(n) for n in (1, 10, 11, 12, 21, 42)] == ["first", "tenth", "11th", "12th", "21st", "42nd"]
    assert (clock(None, 9 * 3600 + 300), clock(2, 14 * 3600 + 60)) == ("at 09:05", "on day 2 at 14:01")
    assert say("{A}, {label}, {labels}", {"label": "umbrella"}) == "An umbrella, umbrella, umbrellas"
    assert say("{a}", {"label": "scissors"}) == "any scissors"
    assert say("{x}", {"x": {"label": "phone", "occurrence": 2, "of": 2}}) == "the second phone"
    assert say("{x}", {"x": {"label": "book", "occurrence": 1, "of": 1}}) == "the book"


# -- what the templates mean -------------------------------------------------------------------------------------


def test_recall_means_handled_or_not(day):
    assert ids(day, 1, label="phone") == [PHONE, RED_PHONE]
    assert ids(day, 1, label="scissors") == [1016]
    assert goals(day, 2, label="bookcase") == [(BOOKCASE, "")]


def test_a_piece_is_one_goal_whichever_of_its_surfaces_was_used(day):
    used = {SOFA, COFFEE_TABLE, BOOKCASE, ARMCHAIR, STOVE}
    assert goals(day, 7) == [
        (COFFEE_TABLE, "coffee table"), (SOFA, "sofa"), (BOOKCASE, "middle shelf of the bookcase"),
    ]  # fmt: skip
    assert set(ids(day, 3)) == used and len(ids(day, 3)) == 5
    assert set(ids(day, 4)) == set(day.pieces) - used
    assert "bookcase" not in {d.slots["label"] for d in TEMPLATES[11].drafts(day)}, "one shelf was left alone"


def test_objects_by_what_was_done_to_them(day):
    carried = [PHONE, BLANKET, RED_PHONE, BOOK]
    assert ids(day, 5) == carried and set(ids(day, 6)) == set(day.things) - set(carried)
    assert ids(day, 9, label="phone") == [PHONE, RED_PHONE]
    assert "phone" not in {d.slots["label"] for d in TEMPLATES[10].drafts(day)}
    assert ids(day, 14, label="phone") == [COFFEE_TABLE]
    assert ids(day, 15, source="coffee table") == [PHONE, RED_PHONE]


def test_attributes_are_those_of_handled_objects_and_plain_is_no_print(day):
    assert ids(day, 16, value="square") == [BLANKET]
    assert ids(day, 17, value="red") == [RED_PHONE]
    assert [d.slots["value"] for d in TEMPLATES[18].drafts(day)] == ["dotted"]
    assert ids(day, 19, value="paper") == [BOOK]
    assert ids(day, 20, value="calling") == [PHONE, RED_PHONE]


def test_farthest_is_by_the_way_from_the_end_and_ties_within_half_a_metre(day):
    here = day.log.end_pose[:2]
    ways = {piece: day.scene.receptacle_m(piece, here) for piece in (COFFEE_TABLE, SOFA, BOOKCASE)}
    assert set(ids(day, 23)) == {p for p, m in ways.items() if m >= max(ways.values()) - 0.5}
    assert ids(day, 25) == [BLANKET] and ids(day, 24) == [STOVE]


def test_what_cannot_be_reached_is_not_farthest_and_a_tie_of_all_is_not_asked(day):
    class Far:
        def __init__(self, metres):
            self.metres = metres

        def object_m(self, thing, xy):
            return self.metres[thing]

    def ask(*metres):
        return ids(Day(day.log, Far(dict(zip((PHONE, BLANKET, RED_PHONE, BOOK), metres, strict=True)))), 25)

    assert ask(1.0, 7.6, 8.0, np.inf) == [BLANKET, RED_PHONE]
    with pytest.raises(LeftOut, match="equally far"):
        ask(7.6, 7.6, 8.0, np.inf)
    with pytest.raises(LeftOut, match="can be reached"):
        ask(np.inf, np.inf, np.inf, np.inf)


def test_rooms(day):
    assert ids(day, 26, ordinal=2) == [LIVING_ROOM] and ids(day, 27, ordinal=2) == [KITCHEN]
    assert ids(day, 29, label="blanket") == [KITCHEN] and ids(day, 28, label="blanket") == [LIVING_ROOM]
    assert ids(day, 28, label="phone") == [LIVING_ROOM], "each room once"
    entered = {day.scene.room_of(p[:2]) for p in day.log.steps.pose}
    assert set(ids(day, 30)) == {r.id for r in day.house.rooms} - entered
    assert ids(day, 50) == [LIVING_ROOM]


def test_where_every_room_was_entered_the_start_room_is_meant(day):
    rects = [r.rect for r in day.house.rooms]
    middles = [((x0 + x1) / 2, (y0 + y1) / 2, 0.0) for x0, y0, x1, y1 in rects]
    pose = day.log.steps.pose.copy()
    pose[-len(middles) :] = middles
    log = replace(day.log, steps=replace(day.log.steps, pose=pose))
    assert ids(Day(log, day.scene), 30) == [day.scene.room_of(pose[0][:2])]


def test_order(day):
    assert ids(day, 31, ordinal=3) == [RED_PHONE] == ids(day, 35, ordinal=3)
    assert goals(day, 32, ordinal=3) == [(COFFEE_TABLE, "coffee table")] == goals(day, 34, ordinal=3)
    assert goals(day, 33, ordinal=3) == [(BOOKCASE, "lower shelf of the bookcase")]
    first, second = ({"label": "phone", "occurrence": n, "of": 2} for n in (1, 2))
    blanket, book = ({"label": label, "occurrence": 1, "of": 1} for label in ("blanket", "book"))
    assert ids(day, 36, x=first) == [BLANKET] and ids(day, 37, x=book) == [RED_PHONE]
    assert ids(day, 38, x=first) == [RED_PHONE] and ids(day, 39, x=book) == [BLANKET]
    assert ids(day, 40, x=first, y=second) == [BLANKET] and ids(day, 40, x=blanket, y=book) == [RED_PHONE]
    assert ids(day, 41, x=second) == [STOVE] and ids(day, 42, x=first) == [SOFA]
    assert ids(day, 43, x=second) == [ARMCHAIR] and ids(day, 44, x=blanket) == [BOOKCASE]
    assert ids(day, 45, x=first, y=second) == [STOVE] and ids(day, 46, x=blanket, y=book) == [COFFEE_TABLE]


def test_two_interactions_lack_the_templates_that_need_three(day):
    short = Day(replace(day.log, interactions=day.log.interactions[:2]), day.scene)
    missing = set()
    for number, template in TEMPLATES.items():
        try:
            template.drafts(short)
        except LeftOut as reason:
            missing |= {number} if "three interactions" in str(reason) else set()
    assert missing == {38, 39, 40, 43, 44, 45, 46}


def test_durations_are_in_seconds_and_tie_within_half_a_minute(day):
    assert ids(day, 49) == [BLANKET] and ids(day, 51) == [PHONE]
    even = [replace(i, times=(*i.times[:3], i.times[0] + 600.0 + 9 * i.index)) for i in day.log.interactions]
    with pytest.raises(LeftOut, match="equal in time"):
        TEMPLATES[49].drafts(Day(replace(day.log, interactions=tuple(even)), day.scene))
    even[3] = replace(even[3], times=(*even[3].times[:3], even[3].times[0] + 700.0))
    assert ids(Day(replace(day.log, interactions=tuple(even)), day.scene), 51) == [PHONE, BLANKET, RED_PHONE]


def test_a_clock_time_lies_in_the_intervals_of_its_goals_with_time_to_spare(day):
    midnight = day.log.steps.time[0] // 86400 * 86400
    for draft in TEMPLATES[48].drafts(day):
        t = midnight + draft.slots["seconds"]
        inside = [i for i in day.log.interactions if i.times[0] <= t <= i.times[3]]
        assert [i.thing for i in inside] == [g.id for g in draft.goals] and draft.slots["day"] is None
        assert t % 60 == 0 and min(t - inside[0].times[0], inside[0].times[3] - t) >= 30
    for draft in TEMPLATES[47].drafts(day):
        t = midnight + draft.slots["seconds"]
        inside = [i.start for i in day.log.interactions if i.times[0] <= t <= i.times[1]]
        inside += [i.goal for i in day.log.interactions if i.times[2] <= t <= i.times[3]]
        assert inside == [(g.id, g.surface) for g in draft.goals]


def test_the_day_is_named_where_there_are_several(day):
    def later(times):
        return tuple(t + 17.8 * 3600 for t in times)  # the day begins at 06:00: over midnight

    steps = replace(day.log.steps, time=np.array(later(day.log.steps.time)))
    log = replace(day.log, steps=steps, interactions=tuple(
        replace(i, times=later(i.times)) for i in day.log.interactions
    ))  # fmt: skip
    named = {d.slots["day"] for d in TEMPLATES[48].drafts(Day(log, day.scene))}
    assert named == {1, 2}


def test_without_a_whole_minute_in_an_interval_no_time_is_asked(day):
    brief = [replace(i, times=(i.times[0], *[60 * (i.times[0] // 60) + 59.0] * 3)) for i in day.log.interactions]
    brief = [replace(i, times=(60 * (i.times[0] // 60) + 1.0, *i.times[1:])) for i in brief]
    for number in (47, 48):
        with pytest.raises(LeftOut, match="no whole minute"):
            TEMPLATES[number].drafts(Day(replace(day.log, interactions=tuple(brief)), day.scene))


def test_revisits_mean_the_true_surface_once_each(day):
    assert goals(day, 52) == [
        (COFFEE_TABLE, "coffee table"), (SOFA, "sofa"), (BOOKCASE, "middle shelf of the bookcase"),
    ]  # fmt: skip
    assert ids(day, 53) == [ARMCHAIR, STOVE, BOOKCASE, SOFA] and ids(day, 56) == [PHONE, BLANKET, RED_PHONE, BOOK]
    assert goals(day, 54, label="bookcase") == [(BOOKCASE, "lower shelf of the bookcase")]
    assert ids(day, 55, label="coffee table") == [COFFEE_TABLE]
    shelves = [s for i, s in goals(day, 57) if i == BOOKCASE]
    assert shelves == ["lower shelf of the bookcase", "middle shelf of the bookcase"] and len(goals(day, 57)) == 6


def test_an_order_has_a_goal_for_every_ordinal_and_no_piece_twice_running(day):
    for number, surfaces in ((58, day.starts), (59, day.ends), (60, day.objects)):
        for draft in TEMPLATES[number].drafts(day):
            order = draft.slots["order"]
            assert sorted(order) == [1, 2, 3, 4] and list(draft.goals) == [surfaces[n - 1] for n in order]
            assert all(a != b for a, b in zip(draft.goals, draft.goals[1:], strict=False))
    assert any(d.goals.count(Goal("receptacle", COFFEE_TABLE, "coffee table")) == 2 for d in TEMPLATES[58].drafts(day))


def test_a_log_that_breaks_the_rules_is_refused(day):
    i = day.log.interactions
    with pytest.raises(InputError, match="carried twice"):
        Day(replace(day.log, interactions=(*i, replace(i[0], index=4))), day.scene)
    with pytest.raises(InputError, match=r"things \[9\] were carried but are not in the house"):
        Day(replace(day.log, interactions=(replace(i[0], thing=9),)), day.scene)
