"""Depth agrees with geometry, instances with what is there, colours with their names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embodied_mem.ontology import colour_name
from embodied_mem.sim.house import House, Room, Thing
from embodied_mem.sim.render import Renderer
from embodied_mem.types import Camera, planar_pose

NOON, EVENING = 12 * 3600.0, 20 * 3600.0
LEVEL = Camera(width=160, height=120, pitch_deg=0.0)


def _box_room(*things: Thing) -> House:
    return House(0, (Room(1, "study", (0.0, 0.0, 4.0, 3.0)),), (), (), things)


def _mug(colour: str, x: float = 2.0, y: float = 1.5, z: float = 1.2) -> Thing:
    look = {"colour": colour, "material": "ceramic", "print": "plain", "shape": "round"}
    return Thing(1000, "mug", look, (0.24, 0.18, 0.2), x, y, z, 0.0, 1, 0, "floor")


@pytest.mark.parametrize(("yaw", "distance"), [(0.0, 3.0), (np.pi / 2, 1.5), (np.pi, 1.0), (-np.pi / 2, 1.5)])
def test_depth_is_the_distance_to_the_wall_along_the_optical_axis(yaw, distance):
    view = Renderer(_box_room(), LEVEL).render(planar_pose(1.0, 1.5, yaw), NOON)
    rows = slice(50, 70)  # the wall fills the middle rows; depth there is the same in every column of that wall
    assert np.allclose(view.depth[rows, 75:85], distance, atol=1e-4)
    assert view.depth.dtype == np.float32 and view.instance.dtype == np.uint16 and view.color.dtype == np.uint8
    assert (view.instance == 1).all()


def test_back_projected_pixels_lie_on_floor_walls_or_ceiling():
    camera = Camera(width=160, height=120)
    pose = planar_pose(1.2, 1.1, 0.4)
    depth = Renderer(_box_room(), camera).render(pose, NOON).depth
    v, u = np.mgrid[:120, :160]
    optical = np.stack(((u + 0.5 - 80) / camera.focal * depth, (v + 0.5 - 60) / camera.focal * depth, depth), -1)
    world = optical @ (pose @ camera.to_base())[:3, :3].T + (pose @ camera.to_base())[:3, 3]
    gaps = np.abs(np.concatenate((world - (0, 0, 0), world - (4, 3, 2.6)), axis=-1)).min(axis=-1)
    assert gaps.max() < 1e-3


def test_a_thing_covers_the_pixels_that_its_size_says():
    camera = replace(LEVEL, width=320, height=240)
    view = Renderer(_box_room(_mug("red")), camera).render(planar_pose(1.0, 1.5, 0.0), NOON)
    rows, columns = np.nonzero(view.instance == 1000)
    assert abs(np.ptp(rows) - 0.2 * camera.focal) < 12  # 0.2 m high at 1 m
    assert 0.1 * camera.focal < np.ptp(columns) < 0.25 * camera.focal
    assert abs(np.median(view.depth[view.instance == 1000]) - 0.93) < 0.08


@pytest.mark.parametrize("time", [NOON, EVENING])
@pytest.mark.parametrize("colour", ["red", "blue", "green", "yellow", "white", "black", "orange", "grey"])
def test_colours_can_be_read_by_day_and_by_night(colour, time):
    view = Renderer(_box_room(_mug(colour)), LEVEL).render(planar_pose(1.0, 1.5, 0.0), time)
    assert colour_name(view.color[view.instance == 1000].mean(axis=0)) == colour


def test_what_is_held_is_drawn_before_everything_else():
    renderer, pose = Renderer(_box_room(), LEVEL), planar_pose(1.0, 1.5, 0.0)
    empty, full = renderer.render(pose, NOON), renderer.render(pose, NOON, held=_mug("red"))
    hand = full.instance == 1000
    assert 200 < hand.sum() < 0.4 * hand.size
    assert full.depth[hand].max() < 0.8
    assert np.array_equal(full.color[~hand], empty.color[~hand])


def test_a_moved_thing_is_seen_where_it_is_after_update():
    renderer, pose = Renderer(_box_room(_mug("red")), LEVEL), planar_pose(1.0, 1.5, 0.0)
    renderer.update(_box_room(_mug("red", y=2.0)))  # to the left
    columns = np.nonzero(renderer.render(pose, NOON).instance == 1000)[1]
    assert len(columns) and columns.max() < 80
