"""From depth to places, a map, rooms and their names, in a toy world of boxes."""

from dataclasses import replace

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.perception.lifting import lift, lift_all
from embodied_mem.perception.mapping import SiteMap
from embodied_mem.perception.noise import NoiseConfig, noisy_depth, noisy_pose
from embodied_mem.perception.rooms import name_rooms, segment_rooms
from embodied_mem.types import Detection, FrameRef
from tests.perception.toy import BED, CAMERA, FRIDGE, TWO_ROOMS, look, patrol

STOPS = [(2.5, 1.8), (3.65, 1.45), (5.5, 1.5)]


def noisy(frame, seed=0):
    cfg, ref = NoiseConfig(), frame.ref
    base = noisy_pose(frame.base_to_map, seed, ref.visit, ref.index, cfg)
    depth = noisy_depth(frame.depth, seed, ref.visit, ref.index, cfg)
    return replace(frame, depth=depth, base_to_map=base, camera_to_map=base @ frame.camera.to_base())


def mapped(frames):
    site = SiteMap()
    for frame in frames:
        site.integrate(frame, stride=2)
    return site


@pytest.fixture(scope="module")
def frames():
    return patrol([*TWO_ROOMS, BED, FRIDGE], STOPS)


@pytest.fixture(scope="module")
def site(frames):
    site = mapped(map(noisy, frames))
    segment_rooms(site)
    return site


def detection_of(instance, number, label="box"):
    mask = instance == number
    rows, columns = np.nonzero(mask)
    box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    return Detection(mask, label, 0.9, box, (1.0, 2.0, 3.0), {"colour": "red"})


def test_lifting_finds_a_box_where_it_stands():
    thing = (2.0, 0.4, 0.0, 2.3, 0.7, 0.3)
    frame, instance = look([*TWO_ROOMS, thing], 0.6, 0.5, 0.0)
    lifted = lift(frame, detection_of(instance, 100 + len(TWO_ROOMS)))
    # Only the front and the top are seen; quantiles cut 2 % off each side.
    assert np.allclose(lifted.low, thing[:3], atol=0.06) and np.allclose(lifted.high, thing[3:], atol=0.1)
    assert abs(lifted.base_z) < 0.06 and lifted.range_m == pytest.approx(np.hypot(1.45, 1.1), abs=0.25)
    assert (lifted.label, lifted.colour, lifted.rgb) == ("box", "red", (1.0, 2.0, 3.0))


def test_lifting_cuts_pixels_that_return_the_background():
    thing = (2.0, 0.4, 0.0, 2.3, 0.7, 0.3)
    frame, instance = look([*TWO_ROOMS, thing], 0.6, 0.5, 0.0)
    detection = detection_of(instance, 100 + len(TWO_ROOMS))
    rows, columns = np.nonzero(detection.mask)
    frame.depth[rows[::12], columns[::12]] = 3.6  # a twelfth of the mask lies on the wall behind
    frame.depth[rows[1::12], columns[1::12]] = 0.0  # and another has no return
    assert lift(frame, detection).high[0] < 2.4


def test_lifting_gives_none_where_there_is_no_depth():
    frame, instance = look(TWO_ROOMS, 2.0, 1.5, 0.0)
    detection = detection_of(instance, 105)
    blind = replace(frame, depth=np.zeros_like(frame.depth))
    assert lift_all(blind, [detection, detection]) == [None, None]
    assert lift_all(frame, []) == []


def test_the_map_knows_floor_furniture_and_walls(site):
    assert site.free()[site.cell(2.5, 1.8)] and site.free()[site.cell(3.65, 1.45)]
    assert site.occupied()[site.cell(1.7, 0.9)], "the bed stands in the way"
    assert site.walls()[site.cell(3.65, 0.5)] and not site.walls()[site.cell(3.65, 1.45)], "a doorway is no wall"
    assert site.unknown()[2, 2]
    assert not site.passable(0.22)[site.cell(2.5, 0.1)], "a body does not fit beside a wall"


def test_the_way_through_the_door_is_about_as_long_as_it_is(site):
    grid = site.grid(0.22)
    assert grid is site.grid(0.22)
    assert grid.length((2.5, 1.5), (5.0, 1.5)) == pytest.approx(2.5, rel=0.03)
    assert grid.nearest_passable((1.0, 0.6), 0.3) is None


def test_sight_ends_at_walls_and_at_the_image_border(site):
    eye = (2.5, 1.45, CAMERA.height_m)
    through_the_door, behind_the_wall, on_the_bed = (5.5, 1.45, 0.7), (5.5, 2.7, 0.7), (1.0, 0.6, 0.55)
    assert site.visible_from(*eye, 0.0, through_the_door, CAMERA)
    assert not site.visible_from(*eye, np.pi / 2, through_the_door, CAMERA), "out of the image"
    seen = site.visible_from(*eye, None, [through_the_door, behind_the_wall, on_the_bed], CAMERA)
    assert seen.tolist() == [True, False, True]
    assert not site.visible_from(*eye, None, through_the_door, CAMERA, max_range=2.0)


def test_a_removed_thing_fades_and_the_rest_stays():
    crate = (2.2, 2.2, 0.0, 2.8, 2.8, 0.6)
    with_crate = patrol([*TWO_ROOMS, crate], STOPS)
    site = mapped(with_crate)
    assert site.occupied()[site.cell(2.4, 2.4)]
    emptied = patrol(TWO_ROOMS, STOPS)
    for day in range(1, 4):
        for frame in emptied:
            site.integrate(replace(frame, ref=FrameRef(f"v{day:03d}", frame.ref.index)), stride=1)
    assert site.free()[site.cell(2.4, 2.4)] and site.walls()[site.cell(3.65, 0.5)]


def test_a_map_survives_writing_and_reading(site):
    again = SiteMap.from_bytes(site.to_bytes())
    assert np.array_equal(again.hits, site.hits) and np.array_equal(again.room_grid, site.room_grid)
    assert (again.rooms, tuple(again.origin), again.revision) == (site.rooms, tuple(site.origin), site.revision)
    for damaged in (b"", b"nonsense", site.to_bytes()[:200]):
        with pytest.raises(InputError, match="not a map"):
            SiteMap.from_bytes(damaged)


def test_a_copy_is_independent(site, frames):
    before, copy = site.hits.copy(), site.copy()
    copy.integrate(replace(frames[0], ref=FrameRef("now", 0)))
    assert np.array_equal(site.hits, before) and copy.revision > site.revision


def test_frontiers_lie_where_the_seen_floor_ends():
    site = mapped([look(TWO_ROOMS, 2.5, 1.45, 0.0)[0]])
    assert site.frontiers()
    assert all(site.free()[site.cell(*point)] for point in site.frontiers())


def test_two_rooms_are_told_apart_at_the_door(site):
    left, right = site.room_at(1.0, 1.5), site.room_at(6.0, 1.5)
    assert len(site.rooms) == 2 and left.id != right.id
    assert left.rect == pytest.approx((0, 0, 3.65, 3), abs=0.2)
    assert site.room_at(7.0, 0.3).id == right.id, "what stands along a wall lies in the room"
    assert site.room_at(1.0, 0.6).id == left.id and site.room_at(-9, 0) is None


def test_rooms_keep_their_ids_over_visits(site, frames):
    later = site.copy()
    before = {room.id: room.centroid for room in later.rooms}
    for frame in frames:
        later.integrate(replace(noisy(frame, seed=5), ref=FrameRef("v001", frame.ref.index)))
    segment_rooms(later)
    assert {r.id for r in later.rooms} == set(before)
    assert all(np.allclose(r.centroid, before[r.id], atol=0.3) for r in later.rooms)


def test_rooms_are_named_after_their_furniture_and_labels_are_unique(site):
    named = site.copy()
    furniture = [("double bed", (1.0, 0.6, 0.3), 20), ("refrigerator", (6.9, 0.3, 1.0), 9),
                 ("dresser", (3.0, 2.8, 0.4), 8), ("stove", (1.5, 2.5, 0.4), 1)]  # fmt: skip
    labels = {room.id: room.label for room in name_rooms(named, furniture)}
    assert labels[named.room_at(1.0, 1.5).id] == "bedroom" and labels[named.room_at(6.0, 1.5).id] == "kitchen"
    two_kitchens = name_rooms(site.copy(), [("stove", (1.0, 1.5, 0.4), 9), ("stove", (6.0, 1.5, 0.4), 9)])
    assert len({room.label for room in two_kitchens}) == 2
    assert min(room.confidence for room in two_kitchens) < 0.6, "which of them is the kitchen is anybody's guess"


def test_an_empty_map_has_no_rooms():
    site = SiteMap()
    site.integrate(look([], 0, 0, 0)[0])
    assert segment_rooms(site)[1] == [] or all(room.label == "room" for room in site.rooms)
    assert name_rooms(SiteMap(), []) == []
