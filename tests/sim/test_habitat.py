"""habitat-sim behind the simulator protocol: the same promises, on an empty room that stands in for habitat, and on
habitat itself where it is installed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim import habitat
from embodied_mem.sim.check import check_simulator
from embodied_mem.sim.export.life import FORMAT, VERSION
from embodied_mem.sim.habitat import HabitatSimulator
from embodied_mem.sim.habitat_grasp import find_object, find_spot
from embodied_mem.sim.habitat_objects import Spot
from embodied_mem.sim.habitat_state import scene_name
from embodied_mem.sim.habitat_world import HabitatWorld, View
from embodied_mem.sim.protocol import MANIPULATOR_ACTIONS, RobotSpec
from embodied_mem.types import Camera, planar_pose

SOURCES = Path(habitat.__file__).parent
SPEC = RobotSpec(Camera(width=64, height=48))
SIDE, MUG, TEMPLATE = 4.0, 1003, "house-7/mug.object_config.json"


class EmptyRoom:
    """A stand-in for HabitatWorld: a square floor, a horizon, and one mug that is drawn as the image's left column."""

    opened = 0

    def __init__(self, dataset, scene, spec, gpu, light, life):
        type(self).opened += 1
        self.spec, self.objects, self.closed = spec, self, False
        self.spots = {"mug": Spot("mug", planar_pose(1.0, 0.0, 0.0))}
        self.movable, self.now = {"mug"}, self.spots

    def close(self):
        self.closed = True

    def arrange(self, spots):
        self.now = spots

    def template(self, name):
        if name not in ("mug", TEMPLATE):
            raise InputError("0 object templates are called that")

    def instance_of(self, name):
        return MUG

    def base_of(self, name):
        return 0.05

    def facts(self):
        return {MUG: {"label": "mug", "attributes": {}, "states": {}, "kind": "thing"}} if "mug" in self.now else {}

    def render(self, head_to_world):
        assert not self.closed, "drawn after it was closed"
        h, w = self.spec.camera.height, self.spec.camera.width
        rays = np.stack(np.meshgrid((np.arange(w) + 0.5 - w / 2) / self.spec.camera.focal,
                                    (np.arange(h) + 0.5 - h / 2) / self.spec.camera.focal), -1)  # fmt: skip
        to_world = (head_to_world @ self.spec.camera.to_base())[:3, :3]
        falling = np.concatenate((rays, np.ones((h, w, 1))), -1) @ to_world[2]
        depth = np.where(falling < -0.01, -self.spec.camera.height_m / np.minimum(falling, -0.01), 0).astype(np.float32)
        instance = np.where(depth > 0, 1, 0).astype(np.uint16)
        if "mug" in self.now:
            instance[-1, w // 2] = MUG
        color = np.full((h, w, 3), int(100 + 20 * np.sin(sum(s.pose[0, 3] for s in self.now.values()))), np.uint8)
        return View(color, depth, instance)

    def slide(self, start, end):
        return np.clip(end, (0, 0, 0), (SIDE, SIDE, 0))

    def floor_at(self, point):
        return np.clip(point, (0, 0, 0), (SIDE, SIDE, 0))

    def some_floor(self, seed):
        return np.array([0.5, 0.5, 0.0])

    def geodesic(self, a, b):
        return float(np.linalg.norm(a - b))

    def passable(self, floor_z, resolution):
        return np.ones((80, 80), bool), (0.0, 0.0)


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr(habitat, "HabitatWorld", EmptyRoom)
    monkeypatch.setattr(HabitatSimulator, "_open", None)


def test_the_adapter_keeps_the_simulator_contract(stand_in):
    check_simulator(lambda: HabitatSimulator(spec=SPEC), scene="room.glb")


def test_so_does_a_robot_with_an_arm_at_its_side(stand_in):
    spec = RobotSpec(SPEC.camera, actions=MANIPULATOR_ACTIONS)
    check_simulator(lambda: HabitatSimulator(spec=spec), scene="room.glb")


def test_what_is_picked_is_gone_until_it_is_placed_and_a_new_visit_undoes_it(stand_in):
    sim = HabitatSimulator(spec=SPEC)
    before = sim.reset("room.glb", visit="v", start=(0.1, 0.0, 0.0))
    assert sim.step("pick").gripper_full and sim.truth.held == "mug" and not sim.truth.objects
    assert MUG not in sim.truth.visible_pixels()
    sim.step("forward")
    assert not sim.step("place").gripper_full and sim.truth.held is None
    x, y, z = sim.truth.objects["mug"].pose[:3, 3]
    assert (x, y, z) == pytest.approx((0.1 + SPEC.forward_m + 0.8, 0.0, 0.05)), "it rests on the floor ahead"
    again = sim.reset("room.glb", visit="v", start=(0.1, 0.0, 0.0))
    assert sim.truth.objects["mug"].pose[0, 3] == 1.0 and np.array_equal(again.color, before.color)


def test_the_owner_moves_adds_and_removes_objects(stand_in):
    sim = HabitatSimulator(spec=SPEC)
    first = sim.reset("room.glb", visit="v")
    sim.put("mug", Spot("mug", planar_pose(3, 3, 0)))
    assert sim.observe().ref != first.ref and not np.array_equal(sim.observe().color, first.color)
    sim.put("other mug", Spot("mug", planar_pose(2, 2, 0)))
    assert set(sim.truth.objects) == {"mug", "other mug"}
    sim.put("mug", None)
    with pytest.raises(InputError, match="template"):
        sim.put("teapot", Spot("teapot", np.eye(4)))
    assert set(sim.truth.objects) == {"other mug"}, "what was refused changes nothing"


def test_a_start_beside_the_floor_is_refused(stand_in):
    with pytest.raises(InputError, match="truth.grid"):
        HabitatSimulator(spec=SPEC).reset("room.glb", visit="v", start=(9.0, 1.0, 0.0))


def test_nothing_works_before_reset():
    with pytest.raises(InputError, match="reset"):
        HabitatSimulator().observe()


def test_two_simulators_take_turns_and_a_frame_of_before_is_still_what_it_was(stand_in):
    """habitat-sim draws in one context; whoever looks next gets it."""
    one, other = HabitatSimulator(spec=SPEC), HabitatSimulator(spec=SPEC)
    late = one.reset("room.glb", visit="one")
    one.put("mug", Spot("mug", planar_pose(3, 0, 0)))
    moved = one.observe()
    early = other.reset("room.glb", visit="other")
    assert np.array_equal(late.color, early.color) and not np.array_equal(moved.color, late.color)


def test_the_sidecar_knows_what_is_seen_and_loses_what_is_picked(stand_in):
    sidecar = Sidecar(None)
    sim = HabitatSimulator(spec=SPEC, sidecar=sidecar)
    first = sim.reset("room.glb", visit="v", start=(0.1, 0.0, 0.0))
    after = sim.step("pick")
    assert MUG in sidecar.get(first.ref)[0] and sidecar.facts(first.ref)[MUG]["label"] == "mug"
    assert MUG not in sidecar.get(after.ref)[0] and not sidecar.facts(after.ref)


def test_an_exported_house_lives_on_with_the_clock(stand_in, tmp_path):
    """Beside its dataset lies its life; a seed names the scene; frozen, nothing happens."""
    at = {"template": TEMPLATE, "translation": [1, 0, 0], "rotation": [1, 0, 0, 0], "states": {}}
    life = {
        "format": FORMAT, "version": VERSION, "scene": "house-7", "start": 1000.0, "question_time": 9000.0,
        "visits": [{"id": "day0", "time": 2000.0}],
        "objects": {"mug": {"id": MUG, "label": "mug", "kind": "thing", "attributes": {}}}, "initial": {"mug": at},
        "events": [{"time": 2500.0, "object": "mug", "to": {**at, "translation": [2, 0, -3]}},
                   {"time": 3000.0, "object": "mug", "to": None}],
    }  # fmt: skip
    (tmp_path / "life").mkdir()
    (tmp_path / "life" / "house-7.json").write_text(json.dumps(life))
    sim = HabitatSimulator(str(tmp_path / "embodied.scene_dataset_config.json"), spec=SPEC)
    assert sim.reset(7, visit="v").time == 2000.0, "the first patrol"
    sim.advance(2600.0)
    assert sim.truth.objects["mug"].pose[:3, 3].tolist() == [2, 3, 0], "Y up became Z up"
    sim.advance(4000.0)
    assert not sim.truth.objects
    sim.reset("7", visit="v", time=2400.0, frozen=True)
    sim.advance(4000.0)
    assert "mug" in sim.truth.objects


def test_a_scene_that_is_called_by_a_number_keeps_its_name(tmp_path):
    """As HSSD's are; only beside the lives of exported houses a number is a seed."""
    dataset = str(tmp_path / "some.scene_dataset_config.json")
    assert scene_name(dataset, "102344250") == "102344250" and scene_name(dataset, 7) == "house-7"
    (tmp_path / "life").mkdir()
    assert scene_name(dataset, "7") == "house-7" and scene_name(dataset, "house-7") == "house-7"


def test_things_are_put_on_what_is_level_and_near():
    camera, head = SPEC.camera, planar_pose(1.0, 2.0, 0.3)
    floor = EmptyRoom("", "", SPEC, -1, False, None).render(head).depth
    assert find_spot(floor, camera, head) is None, "the floor in the image's centre is too far off"
    steep = Camera(width=64, height=48, pitch_deg=-60)
    room = EmptyRoom("", "", RobotSpec(steep), -1, False, None)
    spot = find_spot(room.render(head).depth, steep, head)
    assert spot[2] == pytest.approx(0, abs=1e-5) and np.hypot(*(spot[:2] - (1, 2))) == pytest.approx(0.75, abs=0.05)
    wall = np.full((48, 64), 1.0, np.float32)
    assert find_spot(wall, camera, head) is None and find_spot(0 * wall, camera, head) is None


def test_the_nearest_thing_in_the_middle_is_what_a_pick_takes():
    instance = np.zeros((6, 9), np.uint16)
    instance[:, 4], instance[:, 3], instance[:, 0] = 7, 8, 9
    at = {7: np.array([1.2, 0, 0]), 8: np.array([0.8, 0, 1]), 9: np.array([0.1, 0, 0]), 10: np.array([0.1, 0, 0])}
    assert find_object(instance, at, np.eye(4)) == 8
    assert find_object(instance, {7: np.array([2.0, 0, 0])}, np.eye(4)) is None, "out of reach"


def test_without_habitat_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "habitat_sim", None)
    with pytest.raises(InputError, match="conda install habitat-sim .*docs/habitat.md"):
        HabitatWorld("default", "room.glb", SPEC)


def test_the_adapter_needs_numpy_alone_and_a_python_of_3_9():
    """That is what users' habitat lives in. geodesic.py is for a scorer that asks for a grid, and needs scipy."""
    code = "import sys, embodied_mem.sim.habitat; print('\\n'.join(f'{n} {m.__file__}' for n, m in sys.modules.items() if getattr(m, '__file__', None)))"  # noqa: E501
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = dict(line.split(" ", 1) for line in out.splitlines())
    heavy = {"torch", "scipy", "open3d", "PIL", "networkx", "transformers", "habitat_sim", "magnum"}
    assert not heavy & set(loaded)
    ours = {n: Path(f) for n, f in loaded.items() if n.startswith("embodied_mem") and n != "embodied_mem.geodesic"}
    assert "embodied_mem.sim.export.life" in ours
    for name, file in ours.items():
        tree = ast.parse(file.read_text(), feature_version=(3, 9))
        strict = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.keyword) and n.arg == "strict"]
        assert not strict, f"{name} line {strict}: zip(strict=...) came with 3.10"
