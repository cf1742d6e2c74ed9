"""Questions about the present in a world of boxes: the robot looks, drives only as far as it must, and stops."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.recorder import Recorder
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.query import KINDS, ObjectRef, Query, TimeRef
from embodied_mem.planner.reasoner import EmbeddedReasoner
from embodied_mem.planner.workbench import Workbench
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Frame, FrameRef, Value, planar_pose
from tests.memory.boxworld import CAMERA, boxes, day_one, patrol, render, thing
from tests.planner.fake import visit_time

NOISE = NoiseConfig()
DAYS = 4
AT_TABLE, AT_COFFEE = (1.8, 1.8, 0.75), (6.7, 2.0, 0.42)


def on_day(day: int) -> dict[int, tuple]:
    """The mug is on the dining table in the morning and on the coffee table in the evening."""
    things = day_one()
    things[1000] = thing("mug", "red", *(AT_TABLE if day % 2 == 0 else AT_COFFEE))
    return things


@dataclass
class BoxRobot:
    """A robot in the box world; blocked by whatever stands lower than its head."""

    world: dict
    sidecar: Sidecar
    x: float
    y: float
    yaw: float
    clock: float
    spec: RobotSpec = field(default_factory=lambda: RobotSpec(camera=CAMERA))
    index: int = 0
    metres: float = 0.0
    _frame: Frame | None = None

    def observe(self) -> Frame:
        if self._frame is None:
            base = planar_pose(self.x, self.y, self.yaw)
            color, depth, instance = render(self.world, base @ CAMERA.to_base())
            ref = FrameRef("now", self.index)
            cell = (math.floor(self.x / 0.5), math.floor(self.y / 0.5), int(self.yaw % 6.28 / math.radians(30)))
            self.sidecar.put(ref, instance, cell)
            self._frame = Frame(ref, self.clock, color, depth, base, base @ CAMERA.to_base(), CAMERA)
        return self._frame

    def step(self, action: str) -> Frame:
        self._frame, self.index = None, self.index + 1
        if action in ("left", "right"):
            self.yaw += self.spec.turn_rad * (1 if action == "left" else -1)
        if action == "forward":
            at = np.array((self.x + 0.25 * math.cos(self.yaw), self.y + 0.25 * math.sin(self.yaw)))
            solid = [b for b in self.world.values() if b[3][2] > 0.1 and b[2][2] < 1.3]
            if not any(np.all(at > b[2][:2] - 0.15) and np.all(at < b[3][:2] + 0.15) for b in solid):
                self.x, self.y = map(float, at)
                self.metres += 0.25
        return self.observe()


class Both:
    """Stored visits and the present, each from its own sidecar."""

    def __init__(self, stored: Sidecar, live: Sidecar) -> None:
        self.stored, self.live = stored, live

    def get(self, ref):
        return (self.live if ref.visit == "now" else self.stored).get(ref)

    def facts(self, ref):
        return (self.live if ref.visit == "now" else self.stored).facts(ref)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("looking")
    sidecar = Sidecar(folder / "sidecar")
    palace = MindPalace.create(folder / "palace")
    recorder = Recorder(palace, SimulatedDetector(sidecar, NOISE, 0))
    for day in range(DAYS):
        recorder.record(f"v{day:03d}", patrol(f"v{day:03d}", visit_time(day), on_day(day), sidecar, NOISE, turns=12))
    return palace, sidecar


def bench_at(recorded, things, x, y, yaw=0.0) -> Workbench:
    palace, stored = recorded
    live = Sidecar(None, capacity=4000)
    world = boxes(things)
    live.put_facts("now", 0, {i: {"label": b[0], "attributes": {}, "states": {}, "kind": "thing"}
                              for i, b in world.items() if i >= 100})  # fmt: skip
    robot = BoxRobot(world, live, x, y, yaw, visit_time(DAYS))
    detector = SimulatedDetector(Both(stored, live), NOISE, 0)
    return Workbench(palace, palace.load_map(), robot, detector, visit_time(DAYS))


MUG = ObjectRef("mug")


def test_what_is_in_view_is_answered_without_driving(recorded):
    bench = bench_at(recorded, on_day(DAYS), 1.0, 1.0)
    answer = EmbeddedReasoner().answer_query(Query("where", MUG), bench)
    assert answer.value == Value("place", ("dining table", "kitchen")), answer
    assert bench.robot.metres <= 0.5
    assert answer.evidence and answer.evidence[0].visit == "now"


def test_it_goes_where_habit_says_and_stops_on_sight(recorded):
    bench = bench_at(recorded, on_day(DAYS), 8.2, 1.0)
    answer = EmbeddedReasoner(prices=Prices(metre=0.003)).answer_query(Query("where", MUG), bench)
    assert answer.value == Value("place", ("dining table", "kitchen")), answer
    assert 0 < bench.robot.metres < 7
    assert answer.cost.metres == pytest.approx(bench.robot.metres, abs=0.5)


def test_it_finds_what_left_its_habit(recorded):
    bench = bench_at(recorded, on_day(DAYS + 1), 1.0, 1.0)
    answer = EmbeddedReasoner().answer_query(Query("where", MUG), bench)
    assert answer.value == Value("place", ("coffee table", "living room")), answer


def test_still_there_and_how_many(recorded):
    first = TimeRef("first")
    still = Query("compare", MUG, when=first, until=TimeRef("now"), aspect="place")
    moved = EmbeddedReasoner().answer_query(still, bench_at(recorded, on_day(1), 5.0, 2.0))
    assert moved.value == Value("bool", False), moved
    count = Query("count", MUG, "kitchen", aspect="objects")
    assert EmbeddedReasoner().answer_query(count, bench_at(recorded, on_day(0), 1.0, 1.0)).value == Value("count", 1)


def test_nothing_of_the_present_is_known_before_looking(recorded):
    """Without a robot the belief rests on memory alone, wherever the mug is now."""
    palace, stored = recorded
    bench = Workbench(palace, palace.load_map(), None, SimulatedDetector(stored, NOISE, 0), visit_time(DAYS))
    answer = EmbeddedReasoner().answer_query(Query("where", MUG), bench)
    assert answer.value == Value("place", ("dining table", "kitchen"))
    assert answer.confidence < 0.99 and all(ref.visit != "now" for ref in answer.evidence)


@pytest.mark.parametrize("kind", KINDS)
def test_any_question_about_what_was_never_there_gets_an_answer(recorded, kind):
    """No kind of question may fail for want of anything to believe; abstaining, no and 0 are answers."""
    aspects = {"attribute": "colour", "state": "power", "compare": "count", "predict": "place", "when": "moved"}
    query = Query(kind, ObjectRef("umbrella"), "kitchen", aspect=aspects.get(kind, ""), until=TimeRef("now"))
    answer = EmbeddedReasoner().answer_query(query, bench_at(recorded, on_day(DAYS), 1.0, 1.0))
    assert answer.value.data in (None, False, 0, "same", frozenset()), answer
