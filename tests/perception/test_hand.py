"""What is in the hand is told from what is in the room, also when the detector has missed it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embodied_mem.perception.hand import in_hand, split, without_hand
from embodied_mem.perception.mapping import SiteMap
from embodied_mem.types import Camera, Detection, Frame, FrameRef, planar_pose

CAMERA = Camera(width=240, height=320, hfov_deg=43.0, height_m=1.31, pitch_deg=-30.0)
MUG = (slice(230, 285), slice(88, 152))  # 0.12 m wide at 0.55 m, where a hand holds it
PLATE = (slice(120, 150), slice(40, 100))


def frame(**changes) -> Frame:
    """Empty floor three metres off, a mug in the hand."""
    depth = np.full((320, 240), 3.0, np.float32)
    depth[MUG] = 0.52
    base = planar_pose(1.0, 2.0, 0.0)
    made = Frame(FrameRef("v000", 0), 0.0, np.full((320, 240, 3), 90, np.uint8), depth, base,
                 base @ CAMERA.to_base(), CAMERA, gripper_full=True)  # fmt: skip
    return replace(made, **changes)


def detection(label: str, where: tuple[slice, slice]) -> Detection:
    mask = np.zeros((320, 240), bool)
    mask[where] = True
    return Detection(mask, label, 0.9, (where[1].start, where[0].start, where[1].stop, where[0].stop), (90, 90, 90))


def test_the_thing_in_the_hand_is_held_and_the_rest_is_the_scene():
    mug, plate = detection("mug", MUG), detection("plate", PLATE)
    held, scene = split(frame(), [mug, plate])
    assert held is mug and scene == [plate]


def test_an_empty_hand_holds_nothing_whatever_is_before_it():
    mug, seen = detection("mug", MUG), frame(gripper_full=False)
    assert split(seen, [mug]) == (None, [mug])
    assert without_hand(seen) is seen


def test_what_the_detector_invents_on_the_held_thing_is_not_in_the_room():
    mug, ghost = detection("mug", MUG), detection("plant", (slice(235, 260), slice(60, 110)))
    held, scene = split(frame(depth=np.where(ghost.mask, np.float32(0.52), frame().depth)), [ghost, mug])
    assert held is mug and scene == []


def test_furniture_before_the_hand_is_never_held():
    counter = detection("kitchen counter", (slice(200, 320), slice(0, 240)))
    near = frame(depth=np.full((320, 240), 0.6, np.float32))
    assert split(near, [counter]) == (None, [counter])


@pytest.mark.parametrize("width, height, deep", [(0.12, 0.10, 0.09), (0.46, 0.42, 0.36), (0.70, 0.07, 0.16)])
def test_the_volume_of_the_hand_holds_things_of_every_size(width, height, deep):
    """The near side of a box that is held as the robot holds things: large ones lower and farther off."""
    z = max(0.55, 0.45 + deep / 2) - deep / 2
    top = max(0.17, height / 2) - height / 2
    rows, columns = np.mgrid[0:320, 0:240] + 0.5
    x, y = (columns - 120) / CAMERA.focal * z, (rows - 160) / CAMERA.focal * z
    shown = (abs(x) <= width / 2) & (y >= top) & (y <= top + height)
    depth = np.where(shown, np.float32(z), np.float32(3.0)).astype(np.float32)
    assert np.array_equal(in_hand(frame(depth=depth)), shown)


def test_a_missed_thing_in_the_hand_leaves_no_trace_on_the_map():
    empty, seen, careless = (SiteMap() for _ in range(3))
    empty.integrate(frame(depth=np.where(frame().depth < 1, np.float32(0), np.float32(3.0)), gripper_full=False))
    seen.integrate(without_hand(frame()))
    careless.integrate(frame())
    assert np.array_equal(seen.hits, empty.hits)
    assert careless.hits[1:].sum() > seen.hits[1:].sum()
