"""The parity check notices what differs: the embedded simulator beside itself, and beside copies that are a bit off."""

from __future__ import annotations

import math
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.export.habitat import DATASET
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.schedule import DAY, day_zero
from embodied_mem.types import Camera

SEED = 7
SCRIPT = Path(__file__).parents[3] / "scripts" / "check_habitat_parity.py"
SMALL = RobotSpec(camera=Camera(width=48, height=48), forward_m=0.05)
NOONS = [day_zero(SEED) + DAY / 2, day_zero(SEED) + 2.5 * DAY]
TIMED = {"embedded_times_faster"}  # says nothing where both are the same simulator


@pytest.fixture(scope="module")
def parity():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture(scope="module")
def sims():
    return [EmbeddedSimulator(spec=SMALL, days=2) for _ in range(2)]


@pytest.fixture
def measure(parity, sims):
    """Measures of the embedded simulator against another one that is first changed by ``spoil``."""

    def run(spoil=lambda side: side, other=None):
        one, other = (parity.Side(sim, SEED, sim.truth.render) for sim in (sims[0], other or sims[1]))
        return parity.summary([parity.compare_house(one, spoil(other), NOONS, parity.Count(4, 6, 6), SEED)])

    return run


def test_the_same_simulator_twice_is_the_same_place(parity, measure):
    measures = measure()
    assert set(parity.missed(measures)) <= TIMED
    assert measures["depth_median_m"] == 0 and measures["instance_agrees"] == 1 and measures["sliding_median_m"] == 0
    assert measures["pixels"] == 4 * 48 * 48 and measures["ways"] == 6


def test_a_house_that_stands_five_centimetres_aside_is_noticed(parity, measure):
    def shifted(side):
        return side._replace(look=lambda x, y, yaw: side.look(x + 0.05, y + 0.05, yaw))

    assert {"depth_median_m", "depth_within_2cm"} <= set(parity.missed(measure(shifted)))


def test_a_house_whose_life_was_not_replayed_is_noticed_in_the_instances(measure, sims, monkeypatch):
    reset = sims[1].reset
    monkeypatch.setattr(sims[1], "reset", lambda scene, **how: reset(scene, **{**how, "time": NOONS[0]}))
    assert measure()["instance_agrees"] < 1


def test_a_robot_of_another_size_is_noticed_on_its_ways_and_where_it_bumps(parity, measure):
    measures = measure(other=EmbeddedSimulator(spec=replace(SMALL, radius_m=0.30), days=2))
    assert measures["collision_same_place"] < 0.5 and "collision_same_place" in parity.missed(measures)
    assert measures["way_median_relative"] > 0


def test_a_place_that_only_one_side_can_reach_is_noticed(measure, sims, monkeypatch):
    monkeypatch.setattr(sims[1].truth, "geodesic", lambda a, b: math.inf)
    measures = measure()
    assert measures["reachable_agrees"] == 0 and measures["way_median_relative"] == math.inf


@pytest.mark.habitat
def test_habitat_shows_the_same_house_at_the_start_and_after_its_life_was_replayed(parity, exported):
    one = EmbeddedSimulator(spec=parity.SPEC, days=exported.life.days)
    other = parity.habitat_side(SEED, exported.folder / DATASET)
    raw = parity.compare_house(parity.Side(one, SEED, one.truth.render), other, NOONS, parity.Count(8, 30, 10), SEED)
    other.sim.close()
    assert set(parity.missed(parity.summary([raw]))) <= TIMED


def test_the_table_says_which_targets_were_missed(parity):
    measures = {name: 0.0 for name in parity.TARGETS} | {"pixels": 9}
    text = parity.table(measures)
    assert "instance_agrees" in text and "≥ 0.98 MISSED" in text and "≤ 0.005 reached" in text
