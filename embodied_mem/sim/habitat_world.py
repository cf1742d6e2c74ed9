"""One scene loaded in habitat-sim with one robot in it, seen from the stack's side: Z up, our instance ids.

The only module that imports habitat_sim (and magnum), and only when a scene is loaded. It runs on Python 3.9 with numpy
beside habitat-sim, which is where users' habitat lives.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.sim.export.life import SceneLife
from embodied_mem.sim.export.navmesh import navmesh_settings
from embodied_mem.sim.habitat_frames import BODY, points_from_habitat, points_to_habitat, state_of
from embodied_mem.sim.habitat_objects import HabitatObjects
from embodied_mem.sim.protocol import RobotSpec

_FAR = 90.0  # metres; what is farther off counts as no return
_ROUNDING = 1e-4  # metres; habitat reckons in single precision
_DRAWS = 20
_MISSING = (
    "habitat_sim does not import ({}); install it with: conda install habitat-sim headless -c conda-forge "
    "-c aihabitat (Python 3.9), or build 0.3.4 from source for this Python (docs/habitat.md); a habitat in another "
    "environment is reached through scripts/serve_simulator.py"
)


class View(NamedTuple):
    """color uint8 H W 3; depth float32 H W, metres along the optical axis, 0 none; instance uint16 H W, 0 none."""

    color: np.ndarray
    depth: np.ndarray
    instance: np.ndarray


class HabitatWorld:
    """A scene with its camera, navmesh and rigid ``objects`` (:class:`HabitatObjects`).

    dataset  path of a ``*.scene_dataset_config.json``, or "default" for single model files
    scene    name of a scene instance of the dataset, or path of a model (.glb, .gltf, .ply, .obj)
    gpu      habitat's ``gpu_device_id``; −1 draws without a GPU
    light    whether materials are lit by habitat's image-based lighting, which takes some ten seconds to load
    life     of an exported house

    Raises InputError where habitat-sim is missing or does not load the scene. Positions are x, y, z in metres, Z up.
    """

    def __init__(
        self, dataset: str, scene: str, spec: RobotSpec, gpu: int = -1, light: bool = False,
        life: SceneLife | None = None,
    ) -> None:  # fmt: skip
        self._hs, self._mn = _habitat()
        self._spec = spec
        self._sim = self._open(dataset, scene, gpu, light)
        try:
            self.objects = HabitatObjects(self._hs, self._mn, self._sim, life)
            if not self._sim.pathfinder.is_loaded:
                compute_navmesh(self._hs, self._sim, spec, scene)
        except BaseException:
            self._sim.close()  # collected later it would take the GL context of the next scene with it
            raise
        self._ways = self._sim.pathfinder

    def close(self) -> None:
        """Give back the GL context; nothing else may be called afterwards."""
        self._sim.close()

    def _open(self, dataset: str, scene: str, gpu: int, light: bool) -> Any:
        hs = self._hs
        settings = hs.SimulatorConfiguration()
        if dataset != "default" and not Path(dataset).is_file():
            raise InputError(f"no scene dataset config at {dataset!r}; give its path, or 'default' for single models")
        settings.scene_dataset_config_file = _absolute(dataset)
        settings.gpu_device_id = gpu
        # Nothing ever falls here; habitat loads articulated furniture only where it has its physics.
        settings.enable_physics = bool(getattr(hs, "built_with_bullet", False))
        agent = hs.agent.AgentConfiguration(
            height=self._spec.camera.height_m, radius=self._spec.radius_m, action_space={},
            sensor_specifications=[self._camera(name) for name in ("color", "depth", "semantic")],
        )  # fmt: skip
        try:
            with contextlib.nullcontext() if light else no_image_lighting():
                mediator = hs.metadata.MetadataMediator(settings)
            settings.scene_id = _scene_of(mediator, dataset, scene)
            return hs.Simulator(hs.Configuration(settings, [agent], mediator))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise InputError(
                f"habitat-sim cannot load scene {scene!r} of dataset {dataset!r} ({error}); give a scene instance of "
                "that dataset, or a model's path and the dataset 'default'"
            ) from error

    def _camera(self, kind: str) -> Any:
        camera, sensor = self._spec.camera, self._hs.CameraSensorSpec()
        sensor.uuid, sensor.sensor_type = kind, getattr(self._hs.SensorType, kind.upper())
        sensor.resolution, sensor.hfov, sensor.far = [camera.height, camera.width], self._mn.Deg(camera.hfov_deg), _FAR
        sensor.position = self._mn.Vector3(0.0, camera.height_m, 0.0)
        sensor.orientation = self._mn.Vector3(math.radians(camera.pitch_deg), 0.0, 0.0)
        return sensor

    def render(self, head_to_world: np.ndarray) -> View:
        """What the camera sees from a true pose of the robot's head (4×4)."""
        node, (position, (w, x, y, z)) = self._sim.get_agent(0).scene_node, state_of(head_to_world, BODY)
        node.translation = self._mn.Vector3(*position.tolist())
        node.rotation = self._mn.Quaternion(self._mn.Vector3(float(x), float(y), float(z)), float(w))
        seen = self._sim.get_sensor_observations()
        depth = np.array(seen["depth"], np.float32)
        depth[~np.isfinite(depth) | (depth >= _FAR * (1 - 1e-4))] = 0
        instance = self.objects.instances.image(np.asarray(seen["semantic"]), depth)
        return View(np.array(seen["color"][:, :, :3]), depth, instance)

    def slide(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Where a step from ``start`` to ``end`` gets on the navmesh, sliding along what is in the way.

        Habitat goes to the reachable point nearest to ``end``, which around a corner can be farther than a step.
        """
        step, wanted = np.hypot(*(end - start)[:2]), end
        while True:
            there = points_from_habitat(np.array(self._ways.try_step(_to(start), _to(wanted)), float))
            length = np.hypot(*(there - start)[:2])
            if length <= step + _ROUNDING:
                return start + (there - start) * (step / max(length, step))
            wanted = start + (wanted - start) * (step / length)

    def floor_at(self, point: np.ndarray) -> np.ndarray | None:
        """The point of the navmesh nearest to a point; None where habitat finds none near it."""
        snapped = np.array(self._ways.snap_point(_to(point)), float)
        return points_from_habitat(snapped) if np.isfinite(snapped).all() else None

    def some_floor(self, seed: int) -> np.ndarray:
        """A seeded point of the navmesh, on the largest of the islands that some draws meet."""
        self._ways.seed(seed)
        points = [self._ways.get_random_navigable_point() for _ in range(_DRAWS)]
        return points_from_habitat(np.array(max(points, key=lambda p: float(self._ways.island_radius(p))), float))

    def geodesic(self, a: np.ndarray, b: np.ndarray) -> float:
        """Length of the shortest way between two points on the navmesh, metres; inf where there is none."""
        way = self._hs.ShortestPath()
        way.requested_start, way.requested_end = _to(a), _to(b)
        return float(way.geodesic_distance) if self._ways.find_path(way) else math.inf

    def passable(self, floor_z: float, resolution: float) -> tuple[np.ndarray, tuple[float, float]]:
        """Where the robot's centre can be on the floor of that height: bool X Y, and x, y of the grid's corner."""
        seen = np.asarray(self._ways.get_topdown_view(resolution, floor_z))  # [row along habitat's z, column along x]
        low = np.array(self._ways.get_bounds()[0], float)
        # Habitat tests the corners low + i · resolution; ours are the centres of cells, and our y runs against its z.
        y = -(low[2] + (seen.shape[0] - 1) * resolution)
        return seen[::-1].T.astype(bool), (float(low[0]) - resolution / 2, float(y) - resolution / 2)


def require_habitat() -> None:
    """Before long work: InputError, which says how to install it, where habitat-sim is not there. Imports nothing."""
    if sys.modules.get("habitat_sim") is None and importlib.util.find_spec("habitat_sim") is None:
        raise InputError(_MISSING.format("No module named 'habitat_sim'"))


def _habitat() -> tuple[Any, Any]:
    for name in ("HABITAT_SIM_LOG", "MAGNUM_LOG"):
        os.environ.setdefault(name, "quiet")
    try:
        import habitat_sim
        import magnum
    except ImportError as error:
        raise InputError(_MISSING.format(error)) from error
    return habitat_sim, magnum


def compute_navmesh(habitat_sim: Any, sim: Any, spec: RobotSpec, scene: str) -> None:
    """Give a ``habitat_sim.Simulator`` the navmesh of our robot's body; InputError where it finds no floor."""
    settings = habitat_sim.NavMeshSettings()
    for name, value in navmesh_settings(spec).items():  # by the names of habitat's JSON: cellSize → cell_size
        setattr(settings, re.sub("[A-Z]", lambda m: f"_{m.group().lower()}", name), value)
    if not sim.recompute_navmesh(sim.pathfinder, settings):
        raise InputError(f"no navmesh can be computed for {scene!r}: a robot of radius {spec.radius_m} m finds no "
                         "floor there (is the model Z up without a stage config?)")  # fmt: skip


@contextlib.contextmanager
def no_image_lighting() -> Iterator[None]:
    """Habitat reads its lighting defaults from ``data/`` of the working directory and offers no other way to say no."""
    # Habitat prepares the lighting for ten seconds even where it is off, unless the picture is missing. It complains
    # on stderr about the file it does not find; the name tells who reads it that this is meant.
    back, off = os.getcwd(), {"enable_ibl": False, "ibl_envmap_filename": "none, as light=False was asked for"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data" / "default.pbr_config.json"
        file.parent.mkdir()
        file.write_text(json.dumps(off))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(back)


def _scene_of(mediator: Any, dataset: str, scene: str) -> str:
    """The scene's full handle: habitat itself takes the first that contains the name, house-71 for house-7."""
    known = sorted(mediator.get_scene_handles())
    exact = [handle for handle in known if Path(handle).name.split(".scene_instance.json")[0] == scene]
    if exact:
        return exact[0]
    if Path(scene).is_file() or mediator.stage_template_manager.get_template_handles(scene):
        return _absolute(scene)  # scans have no scene instances: their stage is the scene
    names = ", ".join(Path(handle).name.split(".")[0] for handle in known[:8]) or "none by name"
    raise InputError(f"no scene {scene!r} in dataset {dataset!r}; it has {names}{' …' if len(known) > 8 else ''}")


def _absolute(name: str) -> str:
    """A path made absolute, so that it holds in any working directory; a mere name as it is."""
    return str(Path(name).resolve()) if Path(name).exists() else name


def _to(point: np.ndarray) -> np.ndarray:
    return points_to_habitat(point).astype(np.float32)
