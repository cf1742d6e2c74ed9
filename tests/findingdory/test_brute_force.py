"""Every goal set of every template, against a second program that reads nothing but the log; and that one bites."""

from __future__ import annotations

from dataclasses import replace

import pytest

from embodied_mem.tasks.findingdory.experience import ExperienceConfig, simulate
from embodied_mem.tasks.findingdory.generate import generate_items
from embodied_mem.tasks.findingdory.items import Goal, Item
from embodied_mem.tasks.findingdory.scene import Scene
from tests.findingdory.brute_force import Undefined, World, check, expected, may_exist
from tests.findingdory.fake_day import FakeFacts, FakeScene, fake_log

# (house, interactions, steps between two moments): short days, a day of two things, days of fifty.
DAYS = [(seed, k, (4, 16)) for seed, k in zip(range(20, 40), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11] * 2, strict=True)]
LONG = [(15, 30, (20, 80)), (16, 40, (30, 70)), (17, 12, (150, 250))]


def day_of(seed: int, count: int, steps: tuple[int, int]):
    """The world, its items and what was left out with the reason."""
    log = fake_log(seed, count, steps)
    scene = FakeScene(log.after)
    items, left_out = generate_items(log, scene, FakeFacts(log, scene))
    end = log.end_pose[:2]
    return World(log, lambda t: scene.object_m(t, end), lambda f: scene.receptacle_m(f, end)), items, left_out


@pytest.fixture(scope="module")
def days():
    return [day_of(*day) for day in DAYS + LONG]


def complaints(world: World, items: list[Item]) -> list[str]:
    return [f"{item.id} {item.slots}: {line}" for item in items for line in check(item, world)]


def test_the_second_opinion_agrees_with_every_goal_set(days):
    wrong = [line for world, items, _ in days for line in complaints(world, items)]
    assert not wrong, "\n".join(wrong[:20])
    seen = {item.template for _, items, _ in days for item in items}
    assert seen == set(range(1, 61)), "every template occurs in some day"


def test_what_is_left_out_could_not_have_been_asked(days):
    for world, items, left_out in days:
        asked = {item.template for item in items}
        assert asked.isdisjoint(left_out) and asked | set(left_out) == set(range(1, 61))
        could = [t for t in left_out if may_exist(t, world)]
        assert not could, f"{world.log.name} with {len(world.carried)} things: {could} left out: {left_out}"


def test_an_experience_of_the_oracle_agrees_too():
    """A real log, with its events, and real ways through the house; only what the camera saw is made up."""
    log = simulate(2, 0, ExperienceConfig(interactions=(2, 2)))
    scene, flat = Scene(log.after), FakeScene(log.after)
    scene.witness = flat.witness
    end = log.end_pose[:2]
    world = World(log, lambda t: scene.object_m(t, end), lambda f: scene.receptacle_m(f, end))
    assert not world.contradictions()
    items, _ = generate_items(log, scene, FakeFacts(log, flat))
    assert len(items) >= 45 and not complaints(world, items)


def test_answerable_means_that_frames_of_the_log_show_it(days):
    for _, items, _ in days:
        for item in items:
            shown = [bool(frames) for frames in item.frames]
            from_log = any(shown) if item.quantifier == "any" else all(shown)
            assert (item.answerable == "answerable_from_log") == from_log, item.id


def mutations(item: Item, world: World) -> list[tuple[str, Item]]:
    """What a wrong generator might have said: one goal less, more, another; the wrong order; the wrong quantifier."""
    goals, extra = item.goals, []
    every = {"object": world.things, "receptacle": world.pieces, "room": {r.id: r for r in world.rooms}}
    kind, known = goals[0].kind, {g.id for g in goals}
    other = next((i for i in every[kind] if i not in known), None)
    if other is not None:
        extra += [("one more", (*goals, Goal(kind, other))), ("another", (Goal(kind, other), *goals[1:]))]
    if len(goals) > 1:
        extra.append(("one less", goals[1:]))
        if item.quantifier == "ordered" and goals != goals[::-1]:
            extra.append(("turned round", goals[::-1]))
    wrong = "all" if item.quantifier == "any" else "any"
    return [(why, replace(item, goals=changed)) for why, changed in extra] + [
        ("quantifier", replace(item, quantifier=wrong)), ("category", replace(item, category="Object"))
    ]  # fmt: skip


def test_a_wrong_goal_set_is_caught(days):
    for world, items, _ in days[::7]:
        for item in items:
            for why, wrong in mutations(item, world):
                assert check(wrong, world), f"{item.id} with {why} was not caught"


@pytest.mark.parametrize("template", [31, 32, 33, 34, 35, 26, 27])
def test_counting_off_by_one_is_caught(days, template):
    caught = 0
    for world, items, _ in days:
        item = next((i for i in items if i.template == template), None)
        if item is None:
            continue
        n = item.slots["ordinal"]
        moved = replace(item, slots={"ordinal": n - 1 if n > 1 else n + 1})
        same = sorted(expected(template, moved.slots, world)) == sorted((g.kind, g.id, g.surface) for g in item.goals)
        assert bool(check(moved, world)) != same
        caught += not same
    assert caught > len(days) / 2


def test_the_log_is_what_counts(days):
    """The same items beside another day's log do not pass."""
    (world, _, _), (_, items, _) = days[5], days[6]
    assert len(complaints(world, items)) > len(items) / 2


def test_what_nobody_handled_names_nothing(days):
    world = days[0][0]
    with pytest.raises(Undefined):
        expected(36, {"x": {"label": "no such thing", "occurrence": 1}}, world)
    with pytest.raises(Undefined):
        expected(31, {"ordinal": 99}, world)
