"""The embedded simulator keeps the contract, draws what is there and tells agents no more than frames."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.check import check_simulator
from embodied_mem.sim.embedded import EmbeddedSimulator, LiveRobot
from embodied_mem.sim.protocol import MANIPULATOR_ACTIONS, Robot, RobotSpec, Simulator
from embodied_mem.types import Camera, pose_xyyaw

SEED = 7


@pytest.fixture(scope="module")
def sim():
    return EmbeddedSimulator(sidecar=Sidecar(None), spec=RobotSpec(Camera(width=160, height=120)))


def test_it_keeps_the_simulator_contract():
    check_simulator(lambda: EmbeddedSimulator(spec=RobotSpec(Camera(width=80, height=60))))


def test_so_does_the_robot_with_an_arm_at_its_side():
    spec = RobotSpec(Camera(60, 80, 43.0, 1.31, -30.0), turn_rad=math.radians(10), actions=MANIPULATOR_ACTIONS)
    check_simulator(lambda: EmbeddedSimulator(spec=spec))


def test_an_agents_robot_has_no_truth(sim):
    sim.reset(SEED, visit="now")
    robot = LiveRobot(sim)
    assert isinstance(robot, Robot) and not isinstance(robot, Simulator)
    assert {n for n in vars(robot) if not n.startswith("_")} == {"spec", "observe", "step"}
    assert robot.step("left").ref == sim.observe().ref and robot.clock == sim.clock


def test_the_sidecar_knows_every_instance_that_the_camera_saw(sim):
    frame = sim.reset(SEED, visit="v0")
    for _ in range(12):
        instance, cell = sim._sidecar.get(frame.ref)
        known = sim._sidecar.facts(frame.ref)
        assert {int(i) for i in np.unique(instance) if i > 1} <= set(known)
        x, y, _ = sim.truth.pose
        assert cell[:2] == (math.floor(x / 0.5), math.floor(y / 0.5))
        frame = sim.step("left")


def test_noise_moves_depth_and_pose_but_not_the_picture_and_reads_the_same_twice(sim):
    exact = sim.reset(SEED, visit="v1")
    noisy = EmbeddedSimulator(NoiseConfig(), spec=sim.spec)
    one, again = (noisy.reset(SEED, visit="v1", start=sim.truth.pose) for _ in range(2))
    assert np.array_equal(one.color, exact.color) and np.array_equal(one.depth, again.depth)
    assert np.array_equal(one.base_to_map, again.base_to_map)
    hit = exact.depth > 0
    assert 0.005 < np.std(one.depth[hit] / exact.depth[hit]) < 0.02
    assert 0 < np.hypot(*np.subtract(pose_xyyaw(one.base_to_map), pose_xyyaw(exact.base_to_map))[:2]) < 0.2


def test_a_blocked_robot_slides_along_the_wall(sim):
    sim.reset(SEED, visit="slide")
    for room in sim.truth.house.rooms:
        for x, y in _wall_stands(sim, room.rect):
            sim.reset(SEED, visit="slide", start=(x, y, math.radians(45)))  # half towards +y, where the wall is
            before = sim.truth.pose
            for _ in range(2):
                sim.step("forward")
            after = sim.truth.pose
            assert after[0] > before[0] + 0.2 and after[1] <= room.rect[3] - sim.spec.radius_m + 1e-5
            return
    pytest.fail("no metre of free wall on a +y side in house 7")


def test_a_start_inside_furniture_is_refused(sim):
    sim.reset(SEED, visit="v0")
    bed = next(f for f in sim.truth.house.furniture if f.label == "double bed")
    with pytest.raises(InputError, match="free floor"):
        sim.reset(SEED, visit="v0", start=(bed.x, bed.y, 0.0))


def test_pick_and_place_move_a_thing_and_are_logged(sim):
    thing = _stand_before_a_thing(sim)
    frame = sim.step("pick")
    held = sim.truth.held
    assert frame.gripper_full and held is not None
    assert all(t.id != held.id for t in sim.truth.house.things)
    assert sim.truth.visible_pixels().get(held.id, 0) > 50, "what is held is drawn in the image"
    for _ in range(24):
        frame = sim.step("place")
        if not frame.gripper_full:
            break
        sim.step("left")
    assert not frame.gripper_full
    put = next(t for t in sim.truth.house.things if t.id == held.id)
    assert math.dist((put.x, put.y), sim.truth.pose[:2]) < 2.5
    doings = [e for e in sim.truth.log.events if e.who == "robot"]
    assert [e.kind for e in doings] == ["remove", "appear"]
    sim.reset(SEED, visit="later")
    back = next(t for t in sim.truth.house.things if t.id == thing.id)
    assert (back.x, back.y) == (thing.x, thing.y), "a new visit starts from the house's own life"


def test_an_arm_at_the_side_turns_the_base_under_the_head():
    robot = RobotSpec(Camera(60, 80, 43.0, 1.31, -30.0), turn_rad=math.radians(10), actions=MANIPULATOR_ACTIONS)
    sim = EmbeddedSimulator(NoiseConfig(), Sidecar(None), spec=robot)
    before = sim.reset(SEED, visit="modes")
    after = sim.step("manipulate")
    assert (before.mode, after.mode) == ("navigation", "manipulation")
    assert np.array_equal(before.color, after.color)
    assert sim._sidecar.get(before.ref)[1] == sim._sidecar.get(after.ref)[1], "a viewpoint is the camera's"
    x, y, yaw = sim.truth.pose
    hx, hy, looks = sim.truth.head
    assert (hx, hy, math.remainder(yaw - looks, math.tau)) == (x, y, pytest.approx(math.pi / 2))
    for _ in range(36):
        sim.step("left")
        moved = np.subtract(sim.step("forward").base_to_map[:2, 3], after.base_to_map[:2, 3])
        x1, y1, yaw = sim.truth.pose
        if math.dist((x, y), (x1, y1)) > 0.2:  # it drives where its base looks
            assert math.cos(math.atan2(y1 - y, x1 - x) - yaw) > 0.99 and np.hypot(*moved) > 0.1
            break
        x, y = x1, y1
    else:
        pytest.fail("no free way in any direction")


def test_who_owns_the_simulator_may_say_what_is_meant(sim):
    thing = _stand_before_a_thing(sim)
    far = max(sim.truth.house.things, key=lambda t: math.dist((t.x, t.y), (thing.x, thing.y)))
    assert not sim.step("pick", far.id).gripper_full, "what is out of reach stays"
    assert sim.step("pick", thing.id).gripper_full and sim.truth.held.id == thing.id
    elsewhere = next(f for f in sim.truth.house.furniture if f.room != thing.room and f.surfaces)
    assert sim.step("place", (elsewhere.id, elsewhere.surfaces[0].name)).gripper_full
    assert not sim.step("place", (thing.furniture, thing.surface)).gripper_full
    put = next(t for t in sim.truth.house.things if t.id == thing.id)
    assert (put.furniture, put.surface) == (thing.furniture, thing.surface)
    _, columns = np.nonzero(sim.truth.render(*sim.truth.head).instance == thing.id)
    assert len(columns) > 50 and abs(columns.mean() - 80) < 30, "it is put where the robot looks"
    with pytest.raises(InputError, match="takes a target"):
        sim.step("left", thing.id)


def test_a_house_can_be_given_as_it_is(sim):
    sim.reset(SEED, visit="v0")
    emptied = dataclasses.replace(sim.truth.house, things=sim.truth.house.things[:3])
    sim.reset(SEED, visit="now", time=sim.clock, house=emptied)
    sim.advance(sim.clock + 3 * 86400)
    assert sim.truth.house == emptied and sim.truth.log.events == ()
    with pytest.raises(InputError, match="give the time"):
        sim.reset(SEED, visit="now", house=emptied)


def test_the_house_lives_on_but_not_while_it_is_frozen(sim):
    sim.reset(SEED, visit="v0")
    before = sim.truth.house
    sim.advance(sim.clock + 3 * 86400)
    assert sim.truth.house.things != before.things
    sim.reset(SEED, visit="now", frozen=True)
    sim.advance(sim.clock + 3 * 86400)
    assert sim.truth.house == before and sim.clock == sim.observe().time


def test_frames_hold_nothing_but_what_a_robot_senses(sim):
    frame = sim.reset(SEED, visit="v0")
    text = repr([getattr(frame, f.name) for f in dataclasses.fields(frame) if f.name not in ("color", "depth")])
    assert not any(t.label in text for t in sim.truth.house.things)


def _wall_stands(sim, rect):
    """Cells just below the +y wall with a metre of free wall to the right."""
    grid, gap = sim.truth.grid, sim.spec.radius_m
    y = rect[3] - gap - 0.03
    for x in np.arange(rect[0] + 0.3, rect[2] - 1.2, 0.05):
        on_floor = all(grid.is_passable((x + d, y)) for d in np.arange(0, 1.0, 0.05))
        doors = [d.rect for d in sim.truth.house.doors if abs(d.rect[1] - rect[3]) < 0.02]
        if on_floor and not any(d[0] - 0.3 < x + 1 and x - 0.3 < d[2] for d in doors):
            yield float(x), float(y)


def _stand_before_a_thing(sim):
    """Put the robot a metre before some thing on a table, looking at it."""
    sim.reset(SEED, visit="hands")
    for thing in (t for t in sim.truth.house.things if t.z > 0.4):
        for turn in np.arange(0, 2 * math.pi, math.pi / 6):
            x, y = thing.x - 0.9 * math.cos(turn), thing.y - 0.9 * math.sin(turn)
            if sim.truth.grid.is_passable((x, y)) and sim.truth.grid.is_passable((x, y - 0.02)):
                sim.reset(SEED, visit="hands", start=(x, y, turn))
                if sim.truth.visible_pixels().get(thing.id, 0) > 60:
                    return thing
    raise AssertionError("house 7 has no thing on a table that can be seen from a metre")
