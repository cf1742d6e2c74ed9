"""The adapter on habitat-sim itself: an exported house and a single model, drawn, walked, rearranged."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.sim.check import check_simulator
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.habitat import HabitatSimulator
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Camera

pytestmark = pytest.mark.habitat
SEED, SPEC = 7, RobotSpec(Camera(width=96, height=72))


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    from embodied_mem.sim.export.habitat import export_house

    return str(export_house(SEED, tmp_path_factory.mktemp("houses"), days=2))


@pytest.fixture(scope="module")
def sim(houses):
    sim = HabitatSimulator(houses, spec=SPEC)
    yield sim
    sim.close()


def test_an_exported_house_keeps_the_simulator_contract(houses):
    check_simulator(lambda: HabitatSimulator(houses, spec=SPEC), SEED)


def test_a_single_model_keeps_it_too(tmp_path):
    """A room of three metres with a box in it, as a plain .glb with a stage config that says what is up."""
    from embodied_mem.sim.export.gltf import Node, coloured
    from embodied_mem.sim.habitat_frames import points_to_habitat

    def box(name, x0, y0, z0, x1, y1, z1):
        corners = np.array([(x, y, z) for z in (z0, z1) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], float)
        quads = [(0, 1, 2, 3), (4, 7, 6, 5), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0)]  # seen from inside
        triangles = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
        colours = np.repeat(np.arange(6, dtype=np.uint8)[:, None] * 40, 6, axis=0).reshape(12, 3)
        return Node(name, points_to_habitat(corners), triangles, colours).seen_from_both_sides()

    file = tmp_path / "room.glb"
    file.write_bytes(coloured([box("room", 0, 0, 0, 3, 3, 2.4), box("crate", 2, 2, 0, 2.5, 2.5, 1)]))
    config = {"render_asset": "room.glb", "up": [0, 1, 0], "front": [0, 0, -1]}
    (tmp_path / "room.stage_config.json").write_text(json.dumps(config))
    check_simulator(lambda: HabitatSimulator(spec=SPEC), str(file))


def test_it_sees_what_the_embedded_simulator_sees(sim):
    ours = EmbeddedSimulator(spec=SPEC)
    ours.reset(SEED, visit="v")
    rng = np.random.default_rng(0)
    cells = np.argwhere(ours.truth.grid.passable)
    depth, instance, colour = [], [], []
    for cell in cells[rng.integers(len(cells), size=12)]:
        x, y = ours.truth.grid.centre(cell)
        yaw = rng.uniform(-math.pi, math.pi)
        ours.reset(SEED, visit="v", start=(x, y, yaw))
        sim.reset(SEED, visit="v", time=ours.clock)
        here, there = ours.truth.render(x, y, yaw), sim.truth.render(x, y, yaw, floor=0.0)
        depth.append(np.abs(here.depth - there.depth).ravel())
        instance.append((here.instance == there.instance).ravel())
        colour.append(np.abs(here.color.astype(int) - there.color).ravel())
    depth = np.concatenate(depth)
    assert np.median(depth) < 0.005 and (depth < 0.02).mean() > 0.98
    assert np.concatenate(instance).mean() > 0.98
    assert np.median(np.concatenate(colour)) < 25, "the light differs, the things do not"


def test_its_ways_are_as_long_as_the_embedded_ones(sim):
    ours = EmbeddedSimulator(spec=SPEC)
    ours.reset(SEED, visit="v")
    sim.reset(SEED, visit="v")
    rng, cells = np.random.default_rng(1), np.argwhere(ours.truth.grid.passable)
    ratios, agree = [], []
    for i, j in rng.integers(len(cells), size=(40, 2)):
        a, b = ours.truth.grid.centre(cells[i]), ours.truth.grid.centre(cells[j])
        here, there = ours.truth.geodesic(a, b), sim.truth.geodesic(a, b)
        agree.append(math.isinf(here) == math.isinf(there))
        if 1 < here < math.inf:
            ratios.append(there / here)
    assert abs(np.median(ratios) - 1) < 0.03
    assert np.mean(agree) >= 0.95, "a cell squeezed between two things may be cut off in one of the two"


def test_life_goes_on_as_in_the_embedded_house(sim):
    """Whatever moves in the house's log has moved here at the same time."""
    sim.reset(SEED, visit="v")
    life = sim.truth.life
    before = sim.truth.objects
    sim.advance(life.visits[1][1])
    ours = EmbeddedSimulator(spec=SPEC, days=2)
    ours.reset(SEED, visit="v", time=life.visits[1][1])
    after = sim.truth.objects
    assert any(not np.array_equal(after[n].pose, before[n].pose) for n in after if n in before)
    ids = {about["id"]: name for name, about in life.objects.items()}
    for thing in ours.truth.house.things:
        assert np.allclose(after[ids[thing.id]].pose[:3, 3], (thing.x, thing.y, thing.z), atol=1e-5)
        assert sim.truth.facts[thing.id]["label"] == thing.label
    assert set(after) == {ids[o.id] for o in (*ours.truth.house.things, *ours.truth.house.furniture)}


def test_what_is_added_later_is_lit_like_the_rest(sim):
    """A thing that appears at its place looks as it did when the scene was loaded with it."""
    sim.reset(SEED, visit="v")
    name, spot = next((n, s) for n, s in sim.truth.objects.items() if sim.truth.life.objects[n]["kind"] == "thing")
    x, y, z = spot.pose[:3, 3]
    loaded = sim.truth.render(x - 0.5, y, 0.0, floor=z - 0.7)
    shown = loaded.instance == sim.truth.instance_of(name)
    assert shown.sum() > 10
    sim.put(name, None)
    assert not (sim.truth.render(x - 0.5, y, 0.0, floor=z - 0.7).instance == sim.truth.instance_of(name)).any()
    sim.put(name, spot)
    assert np.array_equal(sim.truth.render(x - 0.5, y, 0.0, floor=z - 0.7).color[shown], loaded.color[shown])


def test_objects_are_moved_added_and_taken_away(sim):
    sim.reset(SEED, visit="v")
    x, y, yaw = sim.truth.pose
    name = next(n for n, about in sim.truth.life.objects.items() if about["kind"] == "thing" and n in sim.truth.objects)
    spot, ahead = sim.truth.objects[name], np.array([math.cos(yaw), math.sin(yaw), 0.0])
    pose = np.eye(4)
    pose[:3, 3] = np.array([x, y, sim.truth.floor + 0.7]) + 0.5 * ahead
    before = sim.truth.visible_pixels()
    sim.put(name, spot._replace(pose=pose))
    assert sim.truth.visible_pixels().get(sim.truth.instance_of(name), 0) > 50
    sim.put(name, None)
    sim.put("another", spot._replace(pose=pose))
    assert sim.truth.visible_pixels().get(sim.truth.instance_of("another"), 0) > 50
    assert sim.truth.instance_of("another") != sim.truth.instance_of(name)
    sim.reset(SEED, visit="v", start=(x, y, yaw))
    assert sim.truth.visible_pixels() == before, "a new visit undoes it"


def test_a_scene_that_is_not_there_is_named(houses):
    with pytest.raises(InputError, match="house-99999"):
        HabitatSimulator(houses, spec=SPEC).reset(99999, visit="v")
