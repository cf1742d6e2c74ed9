"""habitat-sim behind the simulator protocol: HM3D, HSSD, ReplicaCAD, MP3D, exported houses or any single model.

Needs habitat_sim where it is used, not where it is imported; runs on Python 3.9 with numpy beside it. One scene is open
at a time in a process (habitat-sim draws in one GL context): a simulator whose scene another one closed loads it again.
"""

from __future__ import annotations

import calendar
import math
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.perception.noise import NoiseConfig, noisy_depth, noisy_pose
from embodied_mem.perception.sidecar import Sidecar, viewpoint_cell
from embodied_mem.sim.export.life import SceneLife
from embodied_mem.sim.habitat_grasp import find_object, find_spot
from embodied_mem.sim.habitat_objects import Spot, spots_of
from embodied_mem.sim.habitat_truth import HabitatTruth
from embodied_mem.sim.habitat_world import HabitatWorld, View
from embodied_mem.sim.motion import Body, Pose
from embodied_mem.sim.protocol import RobotSpec, mount
from embodied_mem.types import Frame, FrameRef, LateFrame, planar_pose

_MORNING = float(calendar.timegm((2027, 3, 1, 9, 0, 0)))  # when a visit begins where nothing else is known: a Monday
_ON_FLOOR_M = 0.05
_AHEAD_M = 0.8


class HabitatSimulator:
    """A :class:`~embodied_mem.sim.protocol.Simulator` on habitat-sim's scenes, Z up.

    dataset   path of a ``*.scene_dataset_config.json``; "default" for single models, whose path is then the scene
    noise, sidecar, seed, spec   as for the embedded simulator
    gpu       habitat's ``gpu_device_id``; −1: none (Mesa's software EGL)
    light     image-based lighting of materials; off, a scene loads ten seconds sooner

    A scene is the name of a scene instance, or the seed of a house that ``embodied-mem export-house`` wrote, whose life
    then goes on with the clock; elsewhere nothing moves but what the robot and the simulator's owner move. The map
    frame is habitat's world turned Z up. ``truth`` (:class:`HabitatTruth`) is for scorers. Call ``reset`` first.
    """

    _open: ClassVar[HabitatSimulator | None] = None

    def __init__(
        self, dataset: str = "default", noise: NoiseConfig | None = None, sidecar: Sidecar | None = None, seed: int = 0,
        spec: RobotSpec | None = None, gpu: int = -1, light: bool = False,
    ) -> None:  # fmt: skip
        self.spec = spec or RobotSpec()
        self.truth = HabitatTruth(self)
        self._dataset, self._gpu, self._light = str(dataset), gpu, light
        self._noise, self._sidecar, self._seed = noise or NoiseConfig.none(), sidecar, seed
        self._scene: str | None = None
        self._loaded: tuple[str, HabitatWorld] | None = None
        self._life: SceneLife | None = None

    @property
    def clock(self) -> float:
        """UTC seconds."""
        self._check_started()
        return self._clock

    def reset(
        self, scene: int | str, *, visit: str, time: float | None = None, start: Pose | None = None,
        frozen: bool = False, floor: float | None = None,
    ) -> Frame:  # fmt: skip
        """Begin a visit of a scene and return frame 0; what was done to the objects before is undone.

        scene: a scene instance's name, a model's path, or the seed of an exported house; time: UTC s (an exported
        house's first patrol by default); start: x, y, yaw, seeded by default; floor: height in metres of the storey
        that x, y are meant on (by default that of the seeded start); frozen: objects stay as they are at ``time``.
        Raises InputError where the scene does not load or ``start`` is not on its navmesh.
        """
        name = f"house-{scene}" if isinstance(scene, int) or scene.isdigit() else scene
        life = _life_of(self._dataset, name)
        world = self._world(name, life)
        self._scene, self._life = name, life
        self._clock = float(time) if time is not None else life.visits[0][1] if life and life.visits else _MORNING
        self._frozen_at = self._clock if frozen else None
        self._visit, self._index, self._last_action = visit, 0, ""
        self._touched: dict[str, Spot | None] = {}  # what was picked, placed, moved, added (None: taken away)
        self._held: tuple[str, Spot] | None = None
        self._base: Mapping | None = None
        self._told: Mapping | None = None
        self._see()
        self._body = self._stand(world, name, start, floor)
        self._frame: Frame | None = None
        return self.observe()

    def observe(self) -> Frame:
        """The current frame; the same object until the next step."""
        self._check_started()
        if self._frame is None:
            self._frame = self._take()
        return self._frame

    def step(self, action: str) -> Frame:
        """Do one action; the clock runs on by ``spec.step_seconds``. Raises InputError for an unknown action.

        A pick takes the nearest movable object within reach that shows in the middle third of the image; a place puts
        it on what is level and within reach in the image's centre, else on free floor ahead; else they do nothing.
        """
        self._check_started()
        if action not in self.spec.actions:
            raise InputError(f"action {action!r} is none of {', '.join(self.spec.actions)}")
        self._clock = round(self._clock + self.spec.step_seconds, 6)
        if action == "forward":
            self._body.forward()
        elif action in ("left", "right"):
            self._body.turn(1 if action == "left" else -1)
        elif action in ("manipulate", "navigate"):
            self._body.manipulating = action == "manipulate"
        elif action == "pick" and self._held is None:
            self._pick()
        elif action == "place" and self._held is not None:
            self._place()
        self._next(action)
        return self.observe()

    def advance(self, to_time: float) -> None:
        """The scene lives on until ``to_time`` (UTC s). Raises InputError for a time before the clock."""
        self._check_started()
        if not to_time >= self._clock:
            raise InputError(f"advance to {to_time} but the clock is at {self._clock}; time does not run backwards")
        self._clock = float(to_time)
        self._next("")

    def put(self, name: str, spot: Spot | None) -> None:
        """For the simulator's owner: have object ``name`` there from now on (None: nowhere); a new name adds one.

        Raises InputError where the scene dataset has no template of that name.
        """
        self._check_started()
        before = self._spots
        self._touched = {**self._touched, name: spot}
        self._see(changed=True)
        try:
            self._arranged()
        except InputError:
            self._touched.pop(name)
            self._spots = before
            raise
        self._index, self._frame = self._index + 1, None

    def close(self) -> None:
        """Give habitat's memory and GL context back; the next ``reset`` or look loads the scene again."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    # -- the world -------------------------------------------------------------------------------------------------

    def _check_started(self) -> None:
        if self._scene is None:
            raise InputError("the simulator has no scene yet; call reset(scene, visit=...) first")

    def _world(self, name: str, life: SceneLife | None) -> HabitatWorld:
        other = HabitatSimulator._open
        if other is not None and other is not self:
            other.close()
        if self._loaded is None or self._loaded[0] != name:
            self.close()
            self._loaded = (name, HabitatWorld(self._dataset, name, self.spec, self._gpu, self._light, life))
            HabitatSimulator._open = self
        return self._loaded[1]

    def _arranged(self) -> HabitatWorld:
        """The current scene with its objects where they are now."""
        world = self._world(self._scene, self._life)
        world.objects.arrange(self._spots)
        return world

    def _see(self, changed: bool = False) -> None:
        """Learn where the objects are at this clock; the same mapping as long as nothing moves."""
        if self._life is None:
            base = self._loaded[1].objects.spots if self._base is None else self._base
        else:
            base = self._life.state_at(self._clock if self._frozen_at is None else self._frozen_at)
        if changed or base is not self._base:
            self._base = base
            spots = {**(base if self._life is None else spots_of(base)), **self._touched}
            self._spots = {name: spot for name, spot in spots.items() if spot is not None}

    def _stand(self, world: HabitatWorld, name: str, start: Pose | None, floor: float | None) -> _Walker:
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        at = world.some_floor(int(rng.integers(2**31)))
        if start is None:
            return _Walker(self, (at[0], at[1], float(rng.integers(24)) * self.spec.turn_rad), at[2])
        wanted = np.array([start[0], start[1], at[2] if floor is None else floor])
        found = world.floor_at(wanted)
        if found is None or np.hypot(*(found - wanted)[:2]) > _ON_FLOOR_M:
            raise InputError(f"start ({start[0]:.2f}, {start[1]:.2f}) is not on the navmesh of {name!r} near height "
                             f"{wanted[2]:.2f} m; take a passable cell of truth.grid, or give floor=")  # fmt: skip
        return _Walker(self, (float(found[0]), float(found[1]), float(start[2])), float(found[2]))

    def _next(self, action: str) -> None:
        self._see()
        self._index, self._last_action, self._frame = self._index + 1, action, None

    def _pick(self) -> None:
        objects = self._arranged().objects
        near = {objects.instance_of(n): n for n in self._spots if n in objects.movable}
        view, head = self._view(), self._head_to_world()
        name = find_object(view.instance, {i: self._spots[n].pose[:3, 3] for i, n in near.items()}, head)
        if name is not None:
            self._held = (near[name], self._spots[near[name]])
            self._reach = objects.base_of(near[name])
            self._touched = {**self._touched, near[name]: None}
            self._see(changed=True)

    def _place(self) -> None:
        head = self._head_to_world()
        point = find_spot(self._view().depth, self.spec.camera, head)
        if point is None:  # on the floor ahead, where the robot could stand as well
            ahead = head[:3, 3] + _AHEAD_M * head[:3, 0]
            floor = self._arranged().floor_at(ahead)
            point = floor if floor is not None and np.linalg.norm(floor - ahead) < _ON_FLOOR_M else None
        if point is not None:
            name, spot = self._held
            pose = spot.pose.copy()
            pose[:3, 3] = point + (0, 0, self._reach)
            self._touched, self._held = {**self._touched, name: spot._replace(pose=pose)}, None
            self._see(changed=True)

    # -- seeing ----------------------------------------------------------------------------------------------------

    def _head_to_world(self) -> np.ndarray:
        pose = planar_pose(*self._body.head)
        pose[2, 3] = self._body.z
        return pose

    def _view(self) -> View:
        return self._arranged().render(self._head_to_world())

    def _take(self) -> Frame:
        ref, noise, seed, held = FrameRef(self._visit, self._index), self._noise, self._seed, self._held
        head, mode = self._head_to_world(), "manipulation" if self._body.manipulating else "navigation"
        when, seen = (self._scene, self._life, self._spots), []

        def view() -> View:
            if not seen:
                scene, life, spots = when
                world = self._world(scene, life)
                world.objects.arrange(spots)
                seen.append(world.render(head))
            return seen[0]

        def images() -> tuple[np.ndarray, np.ndarray]:
            return view().color, noisy_depth(view().depth, seed, ref.visit, ref.index, noise)

        if self._sidecar is not None:
            self._tell(ref, view)
        base = planar_pose(*self._body.base)
        base[2, 3] = self._body.z
        believed = noisy_pose(base, seed, ref.visit, ref.index, noise)
        return LateFrame.of(
            images, ref=ref, time=self._clock, camera=self.spec.camera, base_to_map=believed,
            camera_to_map=believed @ mount(self.spec.camera, mode), mode=mode, gripper_full=held is not None,
            last_action=self._last_action,
        )  # fmt: skip

    def _tell(self, ref: FrameRef, view: Callable[[], View]) -> None:
        """The sidecar learns what the camera truly saw; the facts only when they are new."""
        if self._told is not self._spots:
            self._told = self._spots
            self._sidecar.put_facts(ref.visit, ref.index, self._arranged().objects.facts())
        cell = viewpoint_cell(*self._body.head)
        if self._sidecar.folder is None:
            self._sidecar.put_late(ref, lambda: view().instance, cell)
        else:
            self._sidecar.put(ref, view().instance, cell)


class _Walker(Body):
    """A body on the navmesh instead of among rectangles; ``z`` is the height of the floor it stands on."""

    def __init__(self, sim: HabitatSimulator, start: Pose, z: float) -> None:
        super().__init__(sim.spec, (), start)
        self._sim, self.z = sim, float(z)

    def forward(self) -> None:
        """As far as the navmesh goes, sliding along its edge."""
        yaw, start = self.base[2], np.array([*self._xy, self.z])
        ahead = np.array([math.cos(yaw), math.sin(yaw), 0.0]) * self._spec.forward_m
        end = self._sim._arranged().slide(start, start + ahead)
        self._xy, self.z = (float(end[0]), float(end[1])), float(end[2])


def _life_of(dataset: str, scene: str) -> SceneLife | None:
    """The life beside the dataset of an exported house; None for every other scene."""
    file = Path(dataset).parent / "life" / f"{scene}.json"
    return SceneLife.open(file) if dataset != "default" and file.is_file() else None
