"""What holds in every life of a house: things stay apart and on their surfaces, patterns hold, patrols are quiet."""

import json
from collections import Counter
from functools import cache

import pytest

from embodied_mem.errors import InputError
from embodied_mem.ontology import THINGS
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.house import House
from embodied_mem.sim.life import FUTURE_DAYS, Life
from embodied_mem.sim.log import apply
from embodied_mem.sim.routines_space import overlap, thing_box
from embodied_mem.sim.schedule import DAY, day_zero, part_of_day, question_time, quiet, slot_time, visit_times

SEEDS = range(6)
DAYS = 8


@cache
def life_of(seed: int, days: int = DAYS) -> Life:
    return Life(generate_house(seed), seed, days)


def slots(life: Life) -> list[tuple[int, float]]:
    """(day, time) of all patrols, the question and what comes after it."""
    return [(day, slot_time(life.seed, day)) for day in range(life.days + FUTURE_DAYS)]


def at(house: House, thing_id: int) -> dict:
    thing = next(t for t in house.things if t.id == thing_id)
    return {k: getattr(thing, k) for k in ("room", "furniture", "surface", "x", "y", "z", "yaw")}


@pytest.fixture(params=SEEDS)
def life(request) -> Life:
    return life_of(request.param)


# The calendar


def test_one_patrol_a_day_mornings_and_evenings_in_turn():
    visits = visit_times(seed=3, days=4)
    assert [name for name, _ in visits] == ["v000", "v001", "v002", "v003"]
    for day, (_, start) in enumerate(visits):
        hours = (start - day_zero(3)) / 3600 - 24 * day
        assert abs(hours - (9, 19)[day % 2]) <= 20 / 60
    assert question_time(3, 4) == slot_time(3, 4) > visits[-1][1]
    assert day_zero(43) == day_zero(3) and day_zero(4) - day_zero(3) == 7 * DAY


def test_nothing_happens_while_the_robot_is_in_the_house(life):
    assert not [e for e in life.log.events if quiet(e.time, life.seed, life.days + FUTURE_DAYS)]
    assert quiet(slot_time(life.seed, 2) + 60, life.seed, life.days)


# The physical world


def test_things_never_overlap_and_stand_on_their_surfaces(life):
    for time in [e.time for e in life.log.events]:
        house = life.log.state_at(time)
        changed = {e.thing for e in life.log.events if e.time == time}
        boxes = {t.id: thing_box(t) for t in house.things}
        for thing in (t for t in house.things if t.id in changed):
            clashes = [i for i, b in boxes.items() if i != thing.id and overlap(boxes[thing.id], b, -1e-4)]
            assert not clashes, (time, thing, clashes)
            assert_stands(house, thing)


def assert_stands(house, thing):
    x0, y0, _, x1, y1, _ = thing_box(thing)
    assert len({t.id for t in house.things}) == len(house.things)
    if thing.furniture == 0:
        assert thing.surface == "floor"
        room = house.room(thing.room).rect
        assert room[0] <= x0 and room[1] <= y0 and x1 <= room[2] and y1 <= room[3]
        return
    piece = house.piece(thing.furniture)
    assert piece.room == thing.room and piece.label in THINGS[thing.label].surfaces
    on = [
        s for s in piece.surfaces
        if s.name == thing.surface and s.z == thing.z and thing.size[2] <= s.headroom
        and s.rect[0] <= x0 + 1e-3 and s.rect[1] <= y0 + 1e-3 and x1 <= s.rect[2] + 1e-3 and y1 <= s.rect[3] + 1e-3
    ]  # fmt: skip
    assert on, (thing, piece.surfaces)


# The log


def test_the_log_is_consistent_and_replays(life):
    house = life.log.initial
    for event in life.log.events:
        owner = next((o for o in (*house.things, *house.furniture) if o.id == event.thing), None)
        assert (owner is None) == (event.kind == "appear")
        if event.kind == "move":
            assert event.before == at(house, event.thing) != event.after
        if event.kind == "state":
            assert event.before.items() <= owner.states.items()
        house = apply(house, event)
    assert house == life.log.state_at(life.start + 365 * DAY)
    assert life.log.events[-1].time > life.question_time + DAY, "the future is there to verify predictions"
    assert {e.who for e in life.log.events} <= set(life.residents) and 2 <= len(life.residents) <= 4


def test_the_same_seed_lives_the_same_life(life):
    again = Life(generate_house(life.seed), life.seed, life.days)
    assert json.dumps(again.log.to_json()) == json.dumps(life.log.to_json())
    assert again.patterns == life.patterns
    assert life_of(SEEDS[0]).log.events != life_of(SEEDS[1]).log.events


# Patterns, as a patrol sees them


def test_places_repeat_as_the_patterns_say(life):
    for pattern in life.patterns:
        for day, time in slots(life):
            expected = expected_place(pattern, day)
            if expected is not None:
                assert at(life.log.state_at(time), pattern.thing) == expected, (pattern, day)


def expected_place(pattern, day: int) -> dict | None:
    p = pattern.params
    if pattern.kind == "routine":
        return p[part_of_day(day)]
    if pattern.kind == "weekly":
        return p["on"] if day % 7 in p["weekdays"] else p["off"]
    if pattern.kind == "rotation":
        return p["places"][day % len(p["places"])]
    return None


def test_states_follow_the_time_of_day(life):
    patterns = [p for p in life.patterns if p.kind == "state"]
    assert patterns
    for pattern in patterns:
        for day, time in slots(life):
            house = life.log.state_at(time)
            owner = next(o for o in (*house.things, *house.furniture) if o.id == pattern.thing)
            assert owner.states[pattern.params["name"]] == pattern.params[part_of_day(day)]


@pytest.mark.parametrize("days", [5, 8, 30])
def test_trends_go_one_way_one_by_one(days):
    life = life_of(1, days)
    trends = [p for p in life.patterns if p.kind == "trend"]
    assert len(trends) >= 2 and len({p.label for p in trends}) == len(trends)
    for trend in trends:
        counts = [count_of(life.log.state_at(time), trend) for _, time in slots(life)]
        steps = [b - a for a, b in zip(counts, counts[1:], strict=False)]
        assert set(steps) <= {0, trend.params["step"]} and min(counts) >= 1
        if trend.params["every"] == 1:
            assert set(steps) == {trend.params["step"]}, (trend, counts)


def count_of(house: House, trend) -> int:
    where = (trend.params["room"], trend.params["furniture"], trend.params["surface"])
    return sum(t.label == trend.label and (t.room, t.furniture, t.surface) == where for t in house.things)


def test_chance_never_confuses_two_things_that_look_the_same(life):
    """Between two patrols at most one of several twins is touched, unless they are pieces of a counted pile."""
    looks = {t.id: (t.label, t.attributes["colour"]) for e in life.log.events for t in life.log.state_at(e.time).things}
    for (_, start), (_, end) in zip(life.visits, life.visits[1:], strict=False):
        chance = {e.thing for e in life.log.events_between(start, end) if e.kind != "state" and e.cause != "trend"}
        seen = Counter(looks[i] for i in chance)
        assert not seen or max(seen.values()) == 1, seen


# How much happens


def test_a_house_changes_between_patrols_but_half_of_it_stays():
    changes, still = [], []
    for seed in SEEDS:
        life = life_of(seed)
        first = {t.id for t in life.log.initial.things}
        touched = {e.thing for e in life.log.events_between(life.visits[0][1], life.question_time)}
        still.append(len(first - touched) / len(first))
        for (_, start), (_, end) in zip(life.visits, life.visits[1:], strict=False):
            changes.append(len({e.thing for e in life.log.events_between(start, end)}) / len(first))
        assert {"one_off", "stay", "bought", "given_away", "trend"} <= {e.cause for e in life.log.events}
    assert 0.15 < sum(changes) / len(changes) < 0.35
    assert 0.35 < sum(still) / len(still) < 0.65


def test_a_life_has_at_least_a_day():
    with pytest.raises(InputError, match="at least 1"):
        Life(generate_house(0), 0, days=0)
