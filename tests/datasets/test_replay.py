"""A robot among recorded frames: it moves like ours and shows what was taken nearest to where it stands."""

from __future__ import annotations

import math

import numpy as np
import pytest

from embodied_mem.datasets.episodes import Episode
from embodied_mem.datasets.replay import ReplayRobot
from embodied_mem.datasets.write import write_episode
from embodied_mem.errors import InputError
from embodied_mem.geodesic import Grid
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.protocol import Robot
from embodied_mem.types import FrameRef, pose_xyyaw
from tests.datasets.walks import walk

TIME = 1_803_891_600.0


@pytest.fixture(scope="module")
def episode(tmp_path_factory):
    """Six turns of 15° to the left, then two steps."""
    frames, sidecar = walk(("left",) * 6 + ("forward",) * 2)
    folder = tmp_path_factory.mktemp("walk") / "hm3d-v0" / "walk"
    write_episode(folder, "hm3d-v0", frames, sidecar)
    return Episode.open(folder)


def test_it_repeats_the_walk_that_was_recorded(episode):
    robot = ReplayRobot(episode, 0, TIME)
    assert isinstance(robot, Robot) and robot.clock == TIME
    shown = [robot.observe(), *(robot.step(a) for a in ("left",) * 6 + ("forward",) * 2)]
    assert [f.ref for f in shown] == [FrameRef("now", i) for i in range(9)]
    for index, frame in enumerate(shown):
        np.testing.assert_array_equal(frame.camera_to_map, episode.pose(index))
        np.testing.assert_allclose(frame.base_to_map[:2, 3], episode.pose(index)[:2, 3], atol=1e-3)
        assert frame.time == TIME + index
    assert robot.way == (0.5, 8)


def test_away_from_the_recorded_way_it_shows_the_nearest_picture_and_says_where_that_was_taken(episode):
    robot = ReplayRobot(episode, 8, TIME)
    for _ in range(3):
        frame = robot.step("forward")
    assert frame.ref.index == 8
    np.testing.assert_array_equal(frame.camera_to_map, episode.pose(8))
    x, y, yaw = pose_xyyaw(frame.base_to_map)
    start = pose_xyyaw(episode.pose(8) @ np.eye(4))[:2]
    assert math.dist((x, y), start) == pytest.approx(0.75, abs=1e-6) and math.isfinite(yaw)


def test_walls_hold_it(episode):
    everywhere = Grid(np.zeros((10, 10), bool), (0.0, 0.0), 0.05)
    robot = ReplayRobot(episode, 0, TIME, floor=everywhere)
    before = robot.observe().base_to_map
    np.testing.assert_array_equal(robot.step("forward").base_to_map, before)
    assert robot.way == (0.0, 1)


def test_the_detectors_sidecar_knows_what_is_shown_and_nothing_before(episode):
    sidecar = Sidecar(None)
    robot = ReplayRobot(episode, 0, TIME, sidecar=sidecar)
    assert not sidecar._frames, "the present is not there before it is looked at"
    frame = robot.step("left")
    assert sidecar.get(frame.ref)[0].shape == frame.depth.shape and sidecar.facts(frame.ref)


def test_what_it_cannot_do_is_refused(episode):
    with pytest.raises(InputError, match="no frame 99"):
        ReplayRobot(episode, 99, TIME)
    with pytest.raises(InputError, match="'jump' is none of forward"):
        ReplayRobot(episode, 0, TIME).step("jump")
