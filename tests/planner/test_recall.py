"""Images are opened while they pay, count once, and read the same from one viewpoint."""

from __future__ import annotations

import json

import numpy as np
import pytest

from embodied_mem.planner.agents import build_agent
from embodied_mem.planner.belief_worlds import Readings
from embodied_mem.planner.costs import Prices, Rates
from embodied_mem.planner.query import ObjectRef, Query, TimeRef
from embodied_mem.planner.reasoner import EmbeddedReasoner
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import Camera, Detection, Frame, Value, planar_pose
from tests.planner.fake import SPOTS, FakePalace, visit_time

COUNTER = ("kitchen counter", "kitchen")
STATES = ["on", "off", "off", "on"]


class PicturedPalace(FakePalace):
    """Every image shows the kettle on the counter, each from another viewpoint."""

    def load_frame(self, ref):
        x, y, _ = SPOTS[COUNTER]
        base = planar_pose(x - 1.5, y, 0.0)
        base[1, 3] += 0.6 * (ref.index % 100)
        base[0, 3] -= 0.01 * ref.index
        camera = Camera()
        blank = np.zeros((camera.height, camera.width))
        to_map = base @ camera.to_base()
        to_map[1, 3] = y  # always straight ahead
        return Frame(ref, 0.0, np.zeros((*blank.shape, 3), np.uint8), blank.astype(np.float32), base, to_map, camera)


class Reader:
    """An inspect gear that reads the kettle's true state of the visit."""

    def __init__(self) -> None:
        self.opened = []

    def detect(self, frame, gear="index"):
        assert gear == "inspect"
        self.opened.append(frame.ref)
        mask = np.zeros(frame.depth.shape, bool)
        mask[110:130, 150:170] = True
        state = STATES[int(frame.ref.visit[1:])]
        box = (150, 110, 170, 130)
        return [Detection(mask, "kettle", 1.0, box, (0, 0, 0), {"material": "metal"}, {"power": state})]


class Unreadable:
    def detect(self, frame, gear="index"):
        from embodied_mem.perception.sidecar import MissingSidecar

        raise MissingSidecar("no instance image")


@pytest.fixture
def bench():
    palace = PicturedPalace(4)
    palace.put("kettle", "red", [COUNTER] * 4)
    return Workbench(palace, None, None, Reader(), visit_time(4))


KETTLE = ObjectRef("kettle")
QUERY = Query("state", KETTLE, when=TimeRef("visit", "2027-03-02"), aspect="power")


def test_a_state_is_read_from_one_or_two_images_and_cited(bench):
    answer = EmbeddedReasoner().answer_query(QUERY, bench)
    assert answer.value == Value("label", "off")
    assert 1 <= answer.cost.images <= 2 == len(STATES) - 2
    assert len(set(bench.detector.opened)) == len(bench.detector.opened) == answer.cost.images
    assert answer.evidence[0].visit == "v001"
    json.dumps(answer.trace)
    assert answer.trace[0]["action"] == "recall" and answer.trace[0]["before"] != answer.trace[0]["after"]


def test_a_change_of_state_needs_the_images_of_several_visits(bench):
    answer = EmbeddedReasoner().answer_query(Query("when", KETTLE, aspect="state", value="off"), bench)
    assert answer.value == Value("time", (visit_time(0) + visit_time(1)) / 2)
    assert {ref.visit for ref in bench.detector.opened} >= {"v000", "v001"}


def test_dear_images_are_not_opened(bench):
    answer = EmbeddedReasoner(prices=Prices(image=2.0)).answer_query(QUERY, bench)
    assert answer.cost.images == 0


def test_without_the_value_of_information_more_images_are_opened(bench):
    """Three visits would say more, but nothing could be decided by them: only the threshold goes on opening."""
    bench.palace.put("kettle", "blue", [COUNTER, None, None, None], hits=1)
    query = Query("count", KETTLE, "kitchen", when=TimeRef("visit", "2027-03-01"), aspect="objects")
    costs = {n: build_agent(n).answer_query(query, bench).cost.images for n in ("mind_palace", "no_voi", "all_images")}
    assert costs["mind_palace"] <= costs["no_voi"] <= costs["all_images"]


def test_without_a_sidecar_the_index_answers_and_says_so(bench):
    blind = Workbench(bench.palace, None, None, Unreadable(), bench.now)
    answer = EmbeddedReasoner().answer_query(QUERY, blind)
    assert answer.cost.images == 0
    assert any("index alone" in step.get("reason", "") for step in answer.trace)


def test_two_looks_from_one_viewpoint_count_once():
    once, twice = Readings(), Readings()
    for readings, looks in ((once, 1), (twice, 2)):
        for _ in range(looks):
            readings.add(1, "v000", "power", (0, 0, 0), "on")
    rates = Rates()
    assert np.allclose(once.likelihood(1, "v000", "power", rates), twice.likelihood(1, "v000", "power", rates))
