"""The event log replays a house at any moment, and keeps doing so when the robot adds its own events."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.errors import InputError
from embodied_mem.sim.house import Door, Furniture, House, Room, Surface, Thing
from embodied_mem.sim.log import Event, EventLog, apply, description, placement

TABLE = Furniture(
    100, "coffee table", "coffee table", 1, 1.0, 1.0, 0.0, (1.0, 0.6, 0.4), "brown", "wood",
    (Surface(100, "coffee table", (0.5, 0.7, 1.5, 1.3), 0.4, 1.0),), {"power": "off"},
)  # fmt: skip
MUG = Thing(1000, "mug", {"colour": "red"}, (0.12, 0.09, 0.1), 1.0, 1.0, 0.4, 0.0, 1, 100, "coffee table")
LAMP = Thing(
    1001, "desk lamp", {"colour": "blue"}, (0.2, 0.2, 0.4), 0.7, 1.0, 0.4, 0.0, 1, 100, "coffee table", {"power": "off"}
)
HOUSE = House(
    7, (Room(1, "study", (0, 0, 4, 4)), Room(2, "kitchen", (4.1, 0, 8, 4))), (Door((1, 2), (4, 1, 4.1, 1.9)),),
    (TABLE,), (MUG, LAMP),
)  # fmt: skip


def moved(time: float, x: float) -> Event:
    to = {**placement(MUG), "x": x}
    return Event(time, "move", MUG.id, MUG.label, placement(MUG), to, "one_off", "Ada")


def history() -> list[Event]:
    return [
        moved(10.0, 0.9),
        Event(20.0, "remove", MUG.id, "mug", description(replace(MUG, x=0.9)), {}, "given_away", "Ada"),
        Event(20.0, "state", LAMP.id, "desk lamp", {"power": "off"}, {"power": "on"}, "state", "Ben"),
        Event(25.0, "state", TABLE.id, "coffee table", {"power": "off"}, {"power": "on"}, "state", "Ben"),
        Event(30.0, "appear", MUG.id, "mug", {}, description(replace(MUG, x=1.2)), "came_back", "Ada"),
    ]


def mug_x(house: House) -> float | None:
    return next((t.x for t in house.things if t.id == MUG.id), None)


def test_a_thing_moves_leaves_and_comes_back_under_the_same_id():
    log = EventLog(HOUSE, history())
    assert [mug_x(log.state_at(t)) for t in (9.9, 10.0, 19.9, 20.0, 30.0)] == [1.0, 0.9, 0.9, None, 1.2]
    assert log.state_at(0.0) == HOUSE


def test_states_of_things_and_furniture_change_and_nothing_else_does():
    log = EventLog(HOUSE, history())
    house = log.state_at(26.0)
    assert house.things == (replace(LAMP, states={"power": "on"}),)
    assert house.furniture == (replace(TABLE, states={"power": "on"}),)
    assert LAMP.states == {"power": "off"}, "the initial house is untouched"


@given(st.lists(st.floats(0, 40), max_size=8))
def test_state_at_is_the_naive_replay_in_any_order_of_asking(times):
    log = EventLog(HOUSE, reversed(history()[:1] + history()[3:4]))
    for t in times:
        naive = HOUSE
        for event in sorted(log.events, key=lambda e: e.time):
            if event.time <= t:
                naive = apply(naive, event)
        assert log.state_at(t) == naive


def test_events_between_are_what_turns_one_state_into_the_other():
    log = EventLog(HOUSE, history())
    house = log.state_at(10.0)
    for event in log.events_between(10.0, 25.0):
        house = apply(house, event)
    assert house == log.state_at(25.0)
    assert [e.kind for e in log.events_between(0, 40, thing=LAMP.id)] == ["state"]
    assert (log.next_after(10.0), log.next_after(30.0)) == (20.0, None)


def test_appending_after_having_looked_is_seen_and_a_copy_is_not():
    log = EventLog(HOUSE, history())
    assert mug_x(log.state_at(15.0)) == 0.9
    twin = log.copy()
    log.append(moved(12.0, 0.6))
    assert (mug_x(log.state_at(11.0)), mug_x(log.state_at(15.0)), mug_x(twin.state_at(15.0))) == (0.9, 0.6, 0.9)


def test_json_round_trip_is_exact():
    log = EventLog(HOUSE, history())
    text = json.dumps(log.to_json())
    back = EventLog.from_json(json.loads(text))
    assert (back.initial, back.events) == (HOUSE, log.events)
    assert json.dumps(back.to_json()) == text
    assert back.state_at(99.0) == log.state_at(99.0)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ({"version": 99}, "version 99"),
        ({"events": [{"time": 1.0}]}, "damaged"),
        ({"events": [{**asdict(moved(1.0, 1.0)), "kind": "explode"}]}, "explode"),
        ({"house": {}}, "damaged"),
    ],
)
def test_a_damaged_log_is_refused(damage, says):
    with pytest.raises(InputError, match=says):
        EventLog.from_json({**EventLog(HOUSE).to_json(), **damage})


def test_a_thing_cannot_appear_twice():
    with pytest.raises(InputError, match="already there"):
        EventLog(HOUSE, [Event(1.0, "appear", MUG.id, "mug", {}, description(MUG))]).state_at(2.0)
