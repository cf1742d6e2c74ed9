"""The oracle's experiences: what a log promises is so in the simulator; an episode is the same every time."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter

import numpy as np
import pytest

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.sim.furnish import footprint
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.layout import contains, gap_to
from embodied_mem.sim.schedule import day_zero
from embodied_mem.tasks.findingdory import experience as experiences
from embodied_mem.tasks.findingdory.driving import Driver
from embodied_mem.tasks.findingdory.errands import movable, plan_episode
from embodied_mem.tasks.findingdory.experience import (
    ExperienceConfig,
    load_log,
    make_oracle,
    record_experience,
    save_log,
    simulate,
)  # fmt: skip
from embodied_mem.tasks.findingdory.settings import DAY_END, DAY_START, HOUR, MIN_PIXELS, robot_spec
from embodied_mem.tasks.findingdory.spots import Floor, leaf_rooms

HOUSE, CLOSING = 7, 8  # small houses; episode 0 of the second leaves a room out
SMALL = ExperienceConfig((2, 2))


class Watched:
    """An episode, and what the camera showed of the thing in question at the moments that matter."""

    def __init__(self, house: int, settings: ExperienceConfig = SMALL) -> None:
        self.sim, self.oracle = make_oracle(house, 0, settings)
        self.shown: list[dict[int, int]] = []
        for _ in self.oracle.run():
            manipulating = self.sim.truth.manipulating
            self.shown.append(self.sim.truth.visible_pixels() if manipulating else {})
        self.log = self.oracle.log()


@pytest.fixture(scope="module")
def watched():
    return Watched(HOUSE)


@pytest.fixture(scope="module")
def log(watched):
    return watched.log


def test_every_thing_goes_from_one_piece_to_another_once(log):
    assert len(log.interactions) == 2 and [i.index for i in log.interactions] == [0, 1]
    assert len({i.thing for i in log.interactions}) == 2
    for one in log.interactions:
        before = _thing(log.events.state_at(one.times[0]), one.thing)
        after = _thing(log.after, one.thing)
        assert (before.furniture, before.surface) == one.start and (after.furniture, after.surface) == one.goal
        assert (before.room, after.room) == (one.start_room, one.goal_room)
        assert one.start[0] != one.goal[0] and before.furniture and after.furniture


def test_times_and_steps_name_the_same_ordered_moments(log):
    assert np.all(np.diff(log.steps.time) > 0)
    moments = [m for i in log.interactions for m in i.steps]
    assert moments == sorted(moments)
    for one in log.interactions:
        t1, t2, t3, t4 = one.steps
        assert one.times == tuple(log.steps.time[list(one.steps)]) and one.seconds == one.times[3] - one.times[0]
        assert [log.steps.action[t] for t in one.steps] == ["manipulate", "navigate", "manipulate", "place"]
        assert log.steps.manipulating[t1:t2].all() and log.steps.manipulating[t3 : t4 + 1].all()
        assert not log.steps.manipulating[t2:t3].any()
    holding = np.zeros(len(log.steps), int)
    for take, put in zip(log.events.events[::2], log.events.events[1::2], strict=True):
        assert (take.kind, put.kind, take.thing) == ("remove", "appear", put.thing)
        holding[(take.time <= log.steps.time) & (log.steps.time < put.time)] = take.thing
    assert np.array_equal(holding, log.steps.holding)


def test_a_thing_is_clearly_seen_before_it_is_taken_and_after_it_is_put_down(watched):
    for one in watched.log.interactions:
        t1, _, _, t4 = one.steps
        assert watched.shown[t1][one.thing] >= 2 * MIN_PIXELS and watched.shown[t4][one.thing] >= 2 * MIN_PIXELS
        for step, (piece, _) in ((t1, one.start), (t4, one.goal)):
            xy = watched.log.steps.pose[step][:2]
            assert gap_to(footprint(watched.log.before.piece(piece)), xy) <= 0.95


def test_the_robot_only_does_what_it_can(watched):
    """Poses follow from the actions, and no step touches anything."""
    steps, spec = watched.log.steps, watched.sim.spec
    assert set(steps.action) <= {"", *spec.actions}
    for i in range(1, len(steps)):
        (x0, y0, a0), (x1, y1, a1) = steps.pose[i - 1], steps.pose[i]
        moved, turned = math.dist((x0, y0), (x1, y1)), math.remainder(a1 - a0, math.tau)
        action = steps.action[i]
        quarter = (math.pi / 2) * (int(steps.manipulating[i]) - int(steps.manipulating[i - 1]))
        wanted = {"left": spec.turn_rad, "right": -spec.turn_rad}.get(action, quarter)
        assert moved == pytest.approx(spec.forward_m if action == "forward" else 0, abs=1e-6)
        assert turned == pytest.approx(wanted, abs=1e-6)


def test_an_experience_is_a_day_of_400_frames_or_more_that_comes_to_most_pieces(watched):
    log, oracle = watched.log, watched.oracle
    start = day_zero(HOUSE) + DAY_START
    assert log.steps.time[0] == start and log.steps.time[1] == start + log.seconds_per_step
    assert 400 <= len(log.steps) <= 3500
    pieces = [f.id for f in log.before.furniture if f.surfaces]
    assert len(oracle.passed) >= 0.7 * len(pieces)
    assert math.dist(log.end_pose[:2], log.steps.pose[log.interactions[-1].steps[3]][:2]) > 1.0


def test_a_closed_room_is_never_entered_and_all_others_are():
    oracle = Watched(CLOSING).oracle
    log, closed = oracle.log(), oracle.plan.closed
    rooms = {r.id for r in log.before.rooms for x, y, _ in log.steps.pose if contains(r.rect, (x, y))}
    assert closed and rooms == {r.id for r in log.before.rooms} - {closed}
    assert closed not in {room for i in log.interactions for room in (i.start_room, i.goal_room)}


def test_the_same_episode_is_the_same_every_time_and_another_one_is_not(log, tmp_path):
    again, other = simulate(HOUSE, 0, SMALL), simulate(HOUSE, 1, SMALL)
    for name, one in (("a", log), ("b", again)):
        (tmp_path / name).mkdir()
        save_log(tmp_path / name, one)
    for file in ("log.json", "steps.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert [i.thing for i in other.interactions] != [i.thing for i in log.interactions]
    read = load_log(tmp_path / "a")
    assert read.interactions == log.interactions and read.events.events == log.events.events
    assert read.before == log.before and read.steps.action == log.steps.action
    assert all(np.array_equal(getattr(read.steps, n), getattr(log.steps, n)) for n in ("pose", "time", "holding"))
    (tmp_path / "a" / "steps.npz").write_bytes(b"torn")
    with pytest.raises(InputError, match="damaged"):
        load_log(tmp_path / "a")


@pytest.mark.slow
@pytest.mark.parametrize("house", [2, 6, 12])
def test_eleven_interactions_fit_into_3500_frames(house):
    log = simulate(house, 0, ExperienceConfig((11, 11)))
    assert len(log.interactions) == 11 and 400 <= len(log.steps) <= 3500
    assert sum(i.start_room != i.goal_room for i in log.interactions) >= 6


@pytest.mark.slow
def test_fifty_interactions_take_several_days_and_none_a_night():
    log = simulate(HOUSE, 0, ExperienceConfig((50, 50)))
    assert len({i.thing for i in log.interactions}) == 50
    into_day = (log.steps.time - day_zero(HOUSE)) % (24 * HOUR)
    assert into_day.min() >= DAY_START and into_day.max() <= DAY_END
    assert all(i.seconds < 8 * HOUR for i in log.interactions) and log.steps.time[-1] - log.steps.time[0] > 24 * HOUR


def test_a_house_is_stocked_until_there_are_enough_things_to_carry():
    house, radius = generate_house(HOUSE), robot_spec().radius_m
    plan, again = (plan_episode(house, 0, (50, 50), radius) for _ in range(2))
    assert plan == again and len(movable(plan.house, plan.closed)) >= 75 > len(movable(house, 0))
    assert plan.house.things[: len(house.things)] == house.things
    assert max(Counter(t.id for t in plan.house.things).values()) == 1
    assert plan_episode(house, 0, (2, 2), radius).house == house, "a few things need no stocking"


def test_every_fourth_episode_or_so_closes_a_leaf_room():
    radius = robot_spec().radius_m
    house = generate_house(CLOSING)
    leaves = {r.id for r in leaf_rooms(house, radius)}
    closed = [plan_episode(house, e, (2, 2), radius).closed for e in range(40)]
    assert 4 <= sum(c > 0 for c in closed) <= 18 and set(closed) - {0} <= leaves


def test_the_driver_turns_little_and_stops_at_its_goal():
    house, spec = generate_house(HOUSE), robot_spec()
    floor = Floor(house, spec.radius_m)
    driver, points = Driver(floor.grid, spec), floor.points
    x, y, yaw, actions = *map(float, points[0]), 0.0, []
    goal = tuple(map(float, points[-1]))
    while new := driver.towards((x, y, yaw), goal):
        for action in new:
            yaw += {"left": spec.turn_rad, "right": -spec.turn_rad}.get(action, 0.0)
            if action == "forward":
                x, y = x + spec.forward_m * math.cos(yaw), y + spec.forward_m * math.sin(yaw)
                assert floor.grid.is_passable((x, y))
        actions += new
    assert math.dist((x, y), goal) <= 0.2
    assert actions.count("forward") * spec.forward_m < 1.15 * floor.grid.length(points[0], goal) + 0.3


@pytest.mark.parametrize("wrong", [{"interactions": (0, 3)}, {"interactions": (3, 2)}, {"interactions": (2, 51)},
                                   {"seconds_per_step": 0.0}])  # fmt: skip
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="must"):
        ExperienceConfig(**wrong)


@pytest.fixture
def short(monkeypatch):
    """Recording ends after 30 frames, so that it takes a second; the oracle's day is that of its first frames."""
    whole = experiences.Oracle.run

    def run(self):
        for _, moment in zip(range(30), whole(self), strict=False):
            yield moment

    monkeypatch.setattr(experiences.Oracle, "run", run)


def test_a_recording_is_found_again_and_never_mixed_with_another(short, tmp_path):
    said = []
    first = record_experience(HOUSE, 0, SMALL, tmp_path, NoiseConfig(), said.append)
    assert "recording frame 30, interaction 1 of 2" in said
    assert json.loads((tmp_path / "manifest.json").read_text())["frames"] == len(first.log().steps) == 30
    assert len(MindPalace.open(first.palace).frames("experience")) == 30
    assert (first.sidecar / "experience" / "000029.png").exists()
    said.clear()
    record_experience(HOUSE, 0, SMALL, tmp_path, NoiseConfig(), said.append)
    assert said == [], "nothing is done twice"
    for other in ((HOUSE, 1, SMALL), (HOUSE, 0, dataclasses.replace(SMALL, seconds_per_step=20.0))):
        with pytest.raises(InputError, match="another episode"):
            record_experience(*other, tmp_path, NoiseConfig())


def test_a_killed_recording_starts_over(short, tmp_path):
    class Killed(Exception):
        pass

    def kill(text: str) -> None:
        if "frame 20" in text:
            raise Killed

    with pytest.raises(Killed):
        record_experience(HOUSE, 0, SMALL, tmp_path, NoiseConfig(), kill)
    assert not (tmp_path / "manifest.json").exists()
    again = record_experience(HOUSE, 0, SMALL, tmp_path, NoiseConfig())
    assert len(MindPalace.open(again.palace).frames("experience")) == 30


def _thing(house, number):
    return next(t for t in house.things if t.id == number)
