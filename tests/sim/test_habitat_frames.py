"""Y up to Z up and back: what is up stays up, what is ahead stays ahead, and nothing is lost on the way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.sim.habitat_frames import (
    BODY,
    CAMERA,
    OBJECT,
    WORLD,
    points_from_habitat,
    points_to_habitat,
    pose_from_habitat,
    pose_of,
    pose_to_habitat,
    quaternion,
    rotation,
    state_of,
)
from embodied_mem.types import Camera, planar_pose

metres = st.floats(-50, 50)
quaternions = st.tuples(*[st.floats(-1, 1)] * 4).map(np.array).filter(lambda q: np.linalg.norm(q) > 0.1)
locals_ = st.sampled_from([BODY, CAMERA, OBJECT])


@st.composite
def poses(draw):
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation(draw(quaternions)), [draw(metres) for _ in range(3)]
    return pose


@pytest.mark.parametrize("frame", [WORLD, BODY, CAMERA])
def test_every_frame_is_right_handed(frame):
    assert np.allclose(frame @ frame.T, np.eye(3)) and np.linalg.det(frame) == pytest.approx(1)


def test_up_is_up():
    assert points_to_habitat([1, 2, 3]).tolist() == [1, 3, -2]


@given(st.lists(st.tuples(metres, metres, metres), min_size=1, max_size=5))
def test_points_come_back(points):
    assert np.allclose(points_from_habitat(points_to_habitat(points)), points)


@given(poses(), locals_)
def test_poses_come_back_and_stay_rigid(pose, local):
    there = pose_to_habitat(pose, local)
    assert np.allclose(pose_from_habitat(there, local), pose)
    assert np.linalg.det(there[:3, :3]) == pytest.approx(1)
    position, turned = state_of(pose, local)
    assert np.allclose(pose_of(position, turned, local), pose, atol=1e-9)


@given(poses(), st.tuples(metres, metres, metres))
def test_a_point_of_a_thing_lands_on_the_same_spot_in_both_worlds(pose, point):
    ours = pose @ [*point, 1]
    theirs = pose_to_habitat(pose) @ [*points_to_habitat(point), 1]
    assert np.allclose(points_from_habitat(theirs[:3]), ours[:3])


@given(quaternions)
def test_quaternions_come_back_up_to_their_sign(q):
    q = q / np.linalg.norm(q)
    back = quaternion(rotation(q))
    assert back[0] >= 0 and (np.allclose(back, q, atol=1e-7) or np.allclose(back, -q, atol=1e-7))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_turns_have_a_quaternion_too(axis):
    half = -np.eye(3)
    half[axis, axis] = 1
    assert np.allclose(rotation(quaternion(half)), half)


@given(metres, metres, st.floats(-math.pi, math.pi))
def test_a_habitat_body_looks_where_the_base_drives(x, y, yaw):
    body = pose_to_habitat(planar_pose(x, y, yaw), BODY)
    ahead = points_from_habitat(body[:3, :3] @ [0, 0, -1])
    assert np.allclose(ahead, [math.cos(yaw), math.sin(yaw), 0], atol=1e-9)
    assert np.allclose(body[:3, :3] @ [0, 1, 0], [0, 1, 0])  # upright
    # On flat ground a body is a turn about habitat's y by yaw − 90°.
    q = state_of(planar_pose(x, y, yaw), BODY)[1]
    assert np.allclose(q[[1, 3]], 0) and math.cos(2 * math.atan2(q[2], q[0]) - (yaw - math.pi / 2)) > 1 - 1e-9


@given(st.floats(-60, 30), st.floats(0.2, 2))
def test_a_camera_sensor_is_a_height_and_a_pitch_on_the_habitat_body(pitch, height):
    """Habitat's sensor: raised by ``height`` along y, turned by ``pitch`` about x; no other number is needed."""
    base = planar_pose(1, 2, 0.7)
    camera = pose_to_habitat(base @ Camera(pitch_deg=pitch, height_m=height).to_base(), CAMERA)
    on_body = np.linalg.inv(pose_to_habitat(base, BODY)) @ camera
    c, s = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
    assert np.allclose(on_body[:3, :3], [[1, 0, 0], [0, c, -s], [0, s, c]])
    assert np.allclose(on_body[:3, 3], [0, height, 0])
