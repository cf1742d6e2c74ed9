"""The present is hidden until the robot looks, and nothing that an agent holds leads to the truth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.planner.agents import build_agent
from embodied_mem.planner.workbench import Workbench
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.house import House
from embodied_mem.sim.life import Life
from embodied_mem.sim.log import EventLog
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.schedule import question_time
from embodied_mem.sim.truth import Truth
from embodied_mem.tasks.la_eqa.floor import free_floor
from embodied_mem.tasks.la_eqa.present import lattice
from embodied_mem.tasks.la_eqa.record import start_poses
from embodied_mem.tasks.la_eqa.seen import pixels_of
from embodied_mem.tasks.la_eqa.session import NOW, Present
from embodied_mem.types import FrameRef
from tests.conftest import RECORDED_DAYS, RECORDED_SEED

TURNS = 24  # once around


@pytest.fixture(scope="module")
def start(recording):
    """The first start pose of the house's questions."""
    grid = free_floor(recording.log().initial, RobotSpec().radius_m + 0.02)
    return start_poses(RECORDED_SEED, lattice(grid))[0]


def present_of(recording) -> Present:
    time = question_time(RECORDED_SEED, RECORDED_DAYS)
    return Present(RECORDED_SEED, RECORDED_DAYS, time, NoiseConfig(), Sidecar(recording.sidecar))


def look_around(robot) -> list:
    return [robot.observe(), *(robot.step("left") for _ in range(TURNS))]


def without(present: Present, robot, hidden: set[int]):
    """The same robot in a house that differs from its own only in that the hidden things are gone."""
    sim = robot._sim
    house = sim._house
    sim._log = EventLog(replace(house, things=tuple(t for t in house.things if t.id not in hidden)))
    sim._next("")
    sim._index, sim._frame, sim._last_action = 0, None, ""
    return robot


def bench_of(recording, palace, present, robot) -> Workbench:
    now = question_time(RECORDED_SEED, RECORDED_DAYS)
    return Workbench(palace, palace.load_map(), robot, present.detector, now)


@pytest.fixture(scope="module")
def two_presents(recording, start):
    """Two presents that differ only in what cannot be seen by turning on the spot; and what differs."""
    first, second = present_of(recording), present_of(recording)
    robot = first.start(start)
    frames = look_around(robot)
    shown = set().union(*(pixels_of(first._live.get(f.ref)[0]) for f in frames))
    hidden = {t.id for t in robot._sim._house.things} - shown
    assert len(hidden) > 5, "the start pose should not show the whole house"
    return first, second, hidden


def test_what_is_out_of_view_changes_no_depth_and_no_detection(two_presents, start):
    first, second, hidden = two_presents
    frames = look_around(first.start(start))
    others = look_around(without(second, second.start(start), hidden))
    for a, b in zip(frames, others, strict=True):
        assert np.array_equal(a.depth, b.depth) and np.array_equal(a.camera_to_map, b.camera_to_map)
        assert (a.ref, a.time) == (b.ref, b.time)
        # Where two faces of one piece of furniture coincide, the ray caster may take the other one in another scene.
        assert (a.color != b.color).any(axis=-1).mean() < 1e-3
        assert detections(first, a) == detections(second, b)


def detections(present: Present, frame) -> list[tuple]:
    found = present.detector.detect(frame, "inspect")
    return [(d.label, d.box, d.score, d.attributes, d.states, d.mask.tobytes()) for d in found]


class Rooted:
    """A robot that turns but cannot drive: what it answers rests on memory and on the view from its place."""

    def __init__(self, robot) -> None:
        self._robot, self.spec = robot, robot.spec

    @property
    def clock(self) -> float:
        return self._robot.clock

    def observe(self):
        return self._robot.observe()

    def step(self, action: str):
        return self._robot.step("stop" if action == "forward" else action)


@pytest.mark.parametrize("label", ["pillow", "book", "glass"])
def test_before_it_moves_an_agent_answers_the_same_in_both(two_presents, recording, start, label):
    first, second, hidden = two_presents
    answers = []
    with MindPalace.open(recording.palace, read_only=True) as palace:
        for present, gone in ((first, set()), (second, hidden)):
            robot = Rooted(without(present, present.start(start), gone))
            bench = bench_of(recording, palace, present, robot)
            answer = build_agent("mind_palace").answer(f"Where is the {label} now?", bench)
            answers.append((answer.value, answer.confidence, answer.evidence, answer.trace))
    assert answers[0] == answers[1]


def public_reach(root, depth: int = 4) -> list:
    """Everything that public attributes lead to from an object, a few steps deep."""
    found, layer = [], [root]
    for _ in range(depth):
        following = []
        for value in layer:
            if isinstance(value, str | bytes | int | float | np.ndarray | type(None)) or callable(value):
                continue
            if any(value is seen for seen in found):
                continue
            found.append(value)
            names = [n for n in dir(value) if not n.startswith("_")]
            following += [getattr(value, n, None) for n in names]
        layer = following
    return found


def test_a_workbench_reaches_no_simulator_no_sidecar_and_no_truth(recording, start):
    present = present_of(recording)
    robot = present.start(start)
    with MindPalace.open(recording.palace, read_only=True) as palace:
        bench = bench_of(recording, palace, present, robot)
        reached = public_reach(bench)
    secret = (EmbeddedSimulator, Sidecar, Truth, Life, EventLog, House, Present)
    assert not [value for value in reached if isinstance(value, secret)]
    assert {n for n in dir(robot) if not n.startswith("_")} == {"spec", "clock", "observe", "step"}
    assert {n for n in dir(bench.detector) if not n.startswith("_")} == {"detect"}


def test_the_house_stands_still_while_a_question_is_answered(recording, start):
    robot = present_of(recording).start(start)
    before = robot._sim._house
    for _ in range(TURNS):
        robot.step("left")
    assert robot._sim._house == before and robot.clock > question_time(RECORDED_SEED, RECORDED_DAYS)
    assert robot.observe().ref == FrameRef(NOW, TURNS) and math.isfinite(robot.observe().time)


def test_the_palace_folder_holds_no_instance_image_and_no_truth(recording):
    kinds = {p.suffix for p in recording.palace.rglob("*") if p.is_file()} - {".sqlite-wal", ".sqlite-shm"}
    assert kinds == {".sqlite", ".jpg", ".png"}
    with MindPalace.open(recording.palace, read_only=True) as palace:
        things = {t.id for t in recording.log().initial.things}
        assert not things & {track.id for track in palace.tracks()}, "tracks must not carry the simulator's ids"
