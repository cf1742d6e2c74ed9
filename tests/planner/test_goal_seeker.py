"""From targets to stops: a frame well inside the limits, near rather than far, apart from the other goals."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from embodied_mem.geodesic import Grid
from embodied_mem.memory.records import FrameNode, RoomNode, Sighting
from embodied_mem.planner.goals.drive import short_tour
from embodied_mem.planner.goals.frames import GoalFrames
from embodied_mem.planner.goals.query import Target, Wanted
from embodied_mem.planner.goals.seeker import Choice, GoalSeeker
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import FrameRef, planar_pose

SPEC = RobotSpec()
FULL = SPEC.camera.width * SPEC.camera.height
ROOM = RoomNode(1, "kitchen", 1.0, (2.0, 2.0), (0.0, 0.0, 4.0, 4.0))
ATTIC = RoomNode(2, "attic", 1.0, (6.0, 2.0), (4.0, 0.0, 8.0, 4.0))


class FlatMap:
    """An empty floor of 8 m × 4 m, two rooms side by side; nothing hides anything."""

    resolution, origin, shape = 0.05, np.zeros(2), (160, 80)

    def __init__(self) -> None:
        self.room_grid = np.ones(self.shape, np.int16)
        self.room_grid[80:] = 2

    def grid(self, radius: float) -> Grid:
        passable = np.zeros(self.shape, bool)
        edge = math.ceil(radius / self.resolution)
        passable[edge:-edge, edge:-edge] = True
        return Grid(passable, (0.0, 0.0), self.resolution)

    def occupied(self):
        return np.zeros(self.shape, bool)

    def room_at(self, x, y):
        return (ROOM if x < 4 else ATTIC) if 0 <= x < 8 and 0 <= y < 4 else None

    def eyes_on(self, eyes, target, camera, max_range):
        return np.linalg.norm(np.asarray(eyes) - target, axis=1) <= max_range


class Palace:
    """Frames at poses (x, y, yaw), and what each of them shows: frame → [(track, label, xyz, pixels)]."""

    def __init__(self, poses, shown) -> None:
        mount = SPEC.camera.to_base()
        self._frames = [
            FrameNode(FrameRef("experience", i), float(i), planar_pose(*p), planar_pose(*p) @ mount, SPEC.camera)
            for i, p in enumerate(poses)
        ]
        self._seen = [
            Sighting(1000 * i + track, FrameRef("experience", i), float(i), label, 0.9, xyz, xyz, xyz, (0, 0, 9, 9),
                     pixels, 1.0, (0.0, 0.0, 0.0), track)
            for i, found in shown.items() for track, label, xyz, pixels in found
        ]  # fmt: skip

    def frames(self, visit=None):
        return self._frames

    def sightings(self, track=None, near=None, label=None):
        return [s for s in self._seen if track is None or s.track == track]


def mug(x: float, y: float, track: int = 7, since: float = 0.0, confidence: float = 1.0) -> Target:
    return Target("object", "mug", track, 0, (x, y, 0.8), since=since, confidence=confidence)


def frames_of(poses, shown) -> GoalFrames:
    return GoalFrames(Palace(poses, shown), FlatMap(), SPEC)


def test_a_frame_counts_where_the_thing_is_near_ahead_and_seen_after_it_came_there():
    target = mug(2.0, 2.0, since=3.0)
    poses = [
        (1.0, 2.0, 0.0),  # 0: before it was put there
        (1.0, 2.0, 0.0), (1.0, 2.0, 0.0),
        (1.0, 2.0, 0.0),  # 3: a metre before it
        (1.0, 2.0, math.pi),  # 4: turned away
        (0.4, 3.8, math.radians(-48)),  # 5: too far
        (1.0, 2.0, 0.0),  # 6: near, but it shows as a speck
    ]  # fmt: skip
    at = [(7, "mug", (2.0, 2.0, 0.8), 3000)]
    speck = [(7, "mug", (2.0, 2.0, 0.8), FULL // 3000)]
    chances = frames_of(poses, {3: at, 4: at, 5: at, 6: speck}).chances(target)
    assert chances[3] > 0.95
    assert chances[4] < 0.01 and chances[5] < 0.2 and chances[6] < chances[3] / 2


def test_what_was_seen_before_it_was_moved_shows_nothing_of_where_it_is_now():
    here, there = (7, "mug", (2.0, 2.0, 0.8), 3000), (7, "mug", (6.0, 2.0, 0.8), 3000)
    frames = frames_of([(1.0, 2.0, 0.0), (5.0, 2.0, 0.0)], {0: [here], 1: [there]})
    chances = frames.chances(mug(6.0, 2.0, since=1.0))
    assert chances[0] < 0.01 and chances[1] > 0.95


def test_at_furniture_the_robot_stands_beside_its_box_not_a_room_away():
    low, high = (1.5, 1.5, 0.0), (2.5, 2.5, 0.8)
    table = Target("receptacle", "table", 9, 0, (2.0, 2.0, 0.7), low, high)
    seen = [(9, "table", (2.0, 2.0, 0.7), 20000)]
    poses = [(3.1, 2.0, math.pi), (3.9, 2.0, math.pi)]
    chances = frames_of(poses, {0: seen, 1: seen}).chances(table)
    assert chances[0] > 0.9 > 0.1 > chances[1]


def test_in_a_room_the_robot_is_well_inside_not_in_the_doorway():
    room = Target("room", "kitchen", room=1)
    chances = frames_of([(2.0, 2.0, 0.0), (3.95, 2.0, 0.0), (5.0, 2.0, 0.0)], {}).chances(room)
    assert chances[0] > 0.95 and chances[1] < 0.3 and chances[2] < 0.2


def choose(targets, frames, start=(2.0, 1.0), many="any"):
    slots = (tuple(targets),) if many == "any" else tuple((t,) for t in targets)
    return GoalSeeker().stops_for(Wanted(many, slots), frames, start)


def test_of_two_things_that_will_do_the_nearer_one_is_chosen_but_a_surer_one_is_worth_the_way():
    seen = {0: [(7, "mug", (2.0, 2.0, 0.8), 3000)], 1: [(8, "mug", (6.0, 2.0, 0.8), 3000)]}
    frames = frames_of([(1.0, 2.0, 0.0), (5.0, 2.0, 0.0)], seen)
    near, far = mug(2.0, 2.0, 7), mug(6.0, 2.0, 8)
    assert [v.frame for v in choose([far, near], frames)] == [0]
    doubtful = mug(2.0, 2.0, 7, confidence=0.5)
    assert [v.frame for v in choose([doubtful, far], frames)] == [1]


def test_all_are_visited_on_a_short_way_and_ordered_ones_in_their_order():
    xs = (7.0, 2.0, 4.5)
    seen = {i: [(i + 1, "mug", (x, 2.0, 0.8), 3000)] for i, x in enumerate(xs)}
    frames = frames_of([(x - 1, 2.0, 0.0) for x in xs], seen)
    targets = [mug(x, 2.0, i + 1) for i, x in enumerate(xs)]
    assert [v.frame for v in choose(targets, frames, many="all")] == [1, 2, 0]
    assert [v.frame for v in choose(targets, frames, many="ordered")] == [0, 1, 2]


def test_where_no_frame_shows_it_a_standing_spot_that_faces_it_is_the_answer():
    stop = choose([mug(2.0, 2.0, since=5.0)], frames_of([(7.0, 2.0, 0.0)], {}))[0]
    assert stop.frame is None
    x, y, yaw = stop.pose
    assert math.hypot(x - 2, y - 2) < 1.5
    assert abs(math.remainder(math.atan2(2 - y, 2 - x) - yaw, math.tau)) < 1e-6


@pytest.mark.parametrize("text", ["", "How are you today?", "go to the flux capacitor"])
def test_what_is_no_instruction_gets_an_honest_no_answer(text):
    bench = SimpleNamespace(palace=Palace([(1.0, 1.0, 0.0)], {}), site_map=FlatMap(), robot=None, detector=None)
    choice = GoalSeeker().choose(text, bench)
    assert choice == Choice(error="no_answer", understood=False, trace=choice.trace) and choice.trace


def test_a_short_tour_is_the_shortest_for_few_points_and_near_it_for_many():
    line = np.array([5.0, 1.0, 3.0])
    between = np.abs(line[:, None] - line)
    assert short_tour(line, between) == [1, 2, 0]
    around = np.exp(2j * math.pi * np.array([3, 0, 7, 5, 1, 9, 2, 8, 4, 6]) / 10)
    order = short_tour(np.abs(around - 1), np.abs(around[:, None] - around))
    steps = np.abs(np.diff(around[order]))
    assert sorted(order) == list(range(10)) and np.allclose(steps, steps[0])
