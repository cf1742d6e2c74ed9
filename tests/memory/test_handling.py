"""A robot carries things about in a world of boxes: what the palace says that it did, and where the things are now."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from embodied_mem.memory.handling import Grasp, grasps
from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.recorder import Recorder
from embodied_mem.memory.records import FrameNode
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.types import FrameRef
from tests.memory.boxworld import CAMERA, carrying, day_one, filmed, patrol, thing

START = 1_803_805_200.0
MUG, OTHER_MUG, BOOK = 1000, 1006, 1002
TABLE_SIDE, SOFA_SIDE = (2.0, 1.0, math.pi / 2), (6.5, 2.7, -math.pi / 2)


def nodes(states: str) -> list[FrameNode]:
    """n, m: navigation and manipulation with an empty hand; N, M: with a full one."""
    modes = ["manipulation" if s in "mM" else "navigation" for s in states]
    return [FrameNode(FrameRef("v000", i), float(i), np.eye(4), np.eye(4), CAMERA, mode, s in "NM")
            for i, (s, mode) in enumerate(zip(states, modes, strict=True))]  # fmt: skip


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ("nnmmMMNNNMMmmn", [Grasp(2, 4, 6, 9, 11)]),
        ("nmmnnmMNMmn", [Grasp(5, 6, 7, 8, 9)]),  # the first try failed
        ("nmMNMmMNMmn", [Grasp(1, 2, 3, 4, 5), Grasp(5, 6, 7, 8, 9)]),  # taken up again at once
        ("nmMMMmn", [Grasp(1, 2, 2, 2, 5)]),  # put back without going anywhere
        ("nnNNNnn", [Grasp(1, 2, 2, 4, 5)]),  # a robot without modes
        ("nmMNNN", []),  # still in the hand
        ("NNMmn", []),  # was in the hand before
        ("nmmmn", []),
        ("", []),
    ],
)
def test_gripper_and_mode_tell_when_something_was_carried(states, found):
    assert grasps(nodes(states)) == found


def day() -> tuple[list, dict]:
    """A look at both rooms, the mug goes to the coffee table, the book to the dining table, another look."""
    things = {**day_one(), OTHER_MUG: thing("mug", "blue", 1.5, 3.6, 0.9)}
    stops = ((1.7, 2.9), (5.2, 2.0), (6.5, 2.9))
    tour = [(x, y, 2 * math.pi * i / 16) for x, y in stops for i in range(16)]
    first, moved = carrying(things, MUG, thing("mug", "red", 6.7, 1.9, 0.42), TABLE_SIDE, SOFA_SIDE)
    second, last = carrying(moved, BOOK, thing("book", "green", 2.0, 1.7, 0.75), SOFA_SIDE, TABLE_SIDE)
    before, after = ([(*pose, state, None, "navigation") for pose in tour] for state in (things, last))
    return [*before, *first, *second, *after], last


@pytest.fixture(scope="module")
def palace(tmp_path_factory):
    made, sidecar, noise = MindPalace.create(tmp_path_factory.mktemp("boxes") / "palace"), Sidecar(None), NoiseConfig()
    recorder = Recorder(made, SimulatedDetector(sidecar, noise, 3))
    steps, last = day()
    recorder.record("v000", filmed("v000", START, steps, sidecar, noise, 3))
    recorder.record("v001", patrol("v001", START + 3600, last, sidecar, noise, 3, turns=9))
    yield made
    made.close()


def test_each_handling_says_what_went_from_where_to_where(palace):
    first, second = palace.handlings("v000")
    assert (first.label, first.start.surface, first.goal.surface) == ("mug", "dining table", "coffee table")
    assert (second.label, second.start.surface, second.goal.surface) == ("book", "coffee table", "dining table")
    assert (first.start.room, first.goal.room) == ("kitchen", "living room") == (second.goal.room, second.start.room)
    assert next(iter(first.colours)) == "red" and next(iter(second.colours)) == "green"
    table = palace.objects(label="dining table")[0]
    assert first.start.furniture == second.goal.furniture == table.track


def test_the_moments_are_those_of_gripper_and_mode(palace):
    nodes = palace.frames("v000")
    for handling in palace.handlings("v000"):
        at = [nodes[ref.index] for ref in handling.frames]
        assert [(n.mode, n.gripper_full) for n in at] == [
            ("manipulation", False), ("navigation", True), ("manipulation", True), ("manipulation", False),
        ]  # fmt: skip
        assert tuple(n.time for n in at) == handling.times
        assert all(nodes[ref.index].gripper_full for ref in handling.held) and handling.held


def test_a_handled_thing_is_one_object_where_it_was_put(palace):
    for handling, at in zip(palace.handlings("v000"), ((6.7, 1.9, 0.42), (2.0, 1.7, 0.75)), strict=True):
        (state,) = palace.objects("v000", track=handling.track)
        alike = [o for o in palace.objects("v000", label=handling.label) if o.colour == state.colour]
        same = [o for o in alike if o.confidence > 0.5]
        assert same == [state] and math.dist(state.xyz, at) < 0.15
        assert state.hits and all(ref.index >= handling.frames[3].index for ref in state.frames)
        before = [s for s in palace.sightings("v000", track=handling.track) if s.ref.index < handling.frames[0].index]
        assert before and all(math.dist(s.xyz, handling.start.xyz) < 0.4 for s in before)


def test_its_like_that_stays_keeps_its_own_track(palace):
    blue = [o for o in palace.objects("v000", label="mug") if o.colour == "blue"]
    assert len(blue) == 1 and blue[0].track not in {h.track for h in palace.handlings("v000")}


def test_nothing_hangs_in_the_air_along_the_way(palace):
    known = {t[0] for t in day()[1].values()}
    sure = [o for o in palace.objects("v000") if o.confidence > 0.5 and o.label in known]
    assert len(sure) == len(day()[1])
    assert palace.held("v000") and all(palace.frames("v000")[s.ref.index].gripper_full for s in palace.held())


def test_what_the_detector_never_saw_is_handled_all_the_same(tmp_path):
    """Blind but for its gripper the robot knows when; and where about, by what it looked at."""
    steps, _ = carrying(day_one(), MUG, thing("mug", "red", 6.7, 1.9, 0.42), TABLE_SIDE, SOFA_SIDE)
    sidecar, noise = Sidecar(None), NoiseConfig()
    blind = SimulatedDetector(sidecar, replace(noise, index_min_pixels=10**6))
    with MindPalace.create(tmp_path / "p") as palace:
        Recorder(palace, blind).record("v000", filmed("v000", START, steps, sidecar, noise))
        (seen,) = palace.handlings()
        assert (seen.label, seen.labels, seen.held, seen.track) == ("thing", {}, (), 0)
        assert math.dist(seen.start.xyz[:2], (1.8, 1.8)) < 1.2 and math.dist(seen.goal.xyz[:2], (6.7, 1.9)) < 1.2
        assert palace.objects() == []


def test_a_later_visit_follows_what_was_carried(palace):
    for handling in palace.handlings("v000"):
        assert [o.visit for o in palace.objects(track=handling.track)] == ["v000", "v001"]
    assert [c for c in palace.changes(kind="moved") if c.label in ("mug", "book")] == []
