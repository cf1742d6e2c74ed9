"""habitat-sim behind the simulator protocol: HM3D, HSSD, ReplicaCAD, MP3D, exported houses or any single model.

Needs habitat_sim where it is used, not where it is imported; runs on Python 3.9 with numpy beside it. One scene is open
at a time in a process (habitat-sim draws in one GL context): a simulator whose scene another one closed loads it again.
"""

from __future__ import annotations

import math
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.perception.noise import NoiseConfig, noisy_depth, noisy_pose
from embodied_mem.perception.sidecar import Sidecar, viewpoint_cell
from embodied_mem.sim.export.life import SceneLife
from embodied_mem.sim.habitat_grasp import find_object, find_spot
from embodied_mem.sim.habitat_objects import Spot
from embodied_mem.sim.habitat_state import SceneState, life_of, scene_name
from embodied_mem.sim.habitat_truth import HabitatTruth
from embodied_mem.sim.habitat_world import HabitatWorld, View
from embodied_mem.sim.motion import Body, Pose
from embodied_mem.sim.protocol import RobotSpec, mount
from embodied_mem.types import Frame, FrameRef, LateFrame, planar_pose

_ON_FLOOR_M = 0.05
_AHEAD_M = 0.8
_MEMO_BYTES = 128e6


class HabitatSimulator:
    """A :class:`~embodied_mem.sim.protocol.Simulator` on habitat-sim's scenes, Z up.

    scene_dataset   path of a ``*.scene_dataset_config.json``; "default" for single models, whose path is the scene
    noise, sidecar, seed, spec   as for the embedded simulator
    gpu       habitat's ``gpu_device_id``; −1: none (Mesa's software EGL)
    light     image-based lighting of materials; off, a scene loads ten seconds sooner

    A scene is the name of a scene instance, or the seed of a house that ``embodied-mem export-house`` wrote, whose life
    then goes on with the clock; elsewhere nothing moves but what the robot and the simulator's owner move. The map
    frame is habitat's world turned Z up. ``truth`` (:class:`HabitatTruth`) is for scorers. Call ``reset`` first.
    """

    _open: ClassVar[HabitatSimulator | None] = None

    def __init__(
        self, scene_dataset: str = "default", noise: NoiseConfig | None = None, sidecar: Sidecar | None = None,
        seed: int = 0, spec: RobotSpec | None = None, gpu: int = -1, light: bool = False,
    ) -> None:  # fmt: skip
        self.spec = spec or RobotSpec()
        self.truth = HabitatTruth(self)
        self._dataset, self._gpu, self._light = str(scene_dataset), gpu, light
        self._noise, self._sidecar, self._seed = noise or NoiseConfig.none(), sidecar, seed
        self._scene: str | None = None
        self._loaded: tuple[str, HabitatWorld] | None = None
        self._memo: OrderedDict[bytes, View] = OrderedDict()  # pictures of the objects as they are in _drawn
        self._drawn: Mapping[str, Spot] | None = None

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
        name = scene_name(self._dataset, scene)
        if name == self._scene:
            world = self._world(name, self._state.life)
            self._state.forget()
        else:
            life = life_of(self._dataset, name)
            world = self._world(name, life)
            self._scene, self._state = name, SceneState(life, world.objects.spots)
        self._clock = self._state.begins if time is None else float(time)
        self._frozen_at = self._clock if frozen else None
        self._visit, self._index, self._last_action = visit, 0, ""
        self._held: tuple[str, Spot, float] | None = None  # name, spot, how far it reaches below its origin
        self._told: Mapping | None = None
        self._body = self._stand(world, start, floor)
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
        if spot is not None:
            self._arranged().objects.template(spot.template)
        self._state.touch(name, spot)
        self._next("")

    def close(self) -> None:
        """Give habitat's memory and GL context back; the next ``reset`` or look loads the scene again."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    # -- the world -------------------------------------------------------------------------------------------------

    def _check_started(self) -> None:
        if self._scene is None:
            raise InputError("the simulator has no scene yet; call reset(scene, visit=...) first")

    def _next(self, action: str) -> None:
        self._index, self._last_action, self._frame = self._index + 1, action, None

    def _world(self, name: str, life: SceneLife | None) -> HabitatWorld:
        other = HabitatSimulator._open
        if other is not None and other is not self:
            other.close()
        if self._loaded is None or self._loaded[0] != name:
            self.close()
            self._loaded = (name, HabitatWorld(self._dataset, name, self.spec, self._gpu, self._light, life))
            HabitatSimulator._open = self
        return self._loaded[1]

    @property
    def _spots(self) -> Mapping[str, Spot]:
        """Where the objects are now."""
        return self._state.at(self._clock if self._frozen_at is None else self._frozen_at)

    def _arranged(self) -> HabitatWorld:
        """The current scene with its objects where they are now."""
        world = self._world(self._scene, self._state.life)
        world.objects.arrange(self._spots)
        return world

    def _stand(self, world: HabitatWorld, start: Pose | None, floor: float | None) -> _Walker:
        rng = np.random.default_rng(zlib.crc32(self._scene.encode()))
        at = world.some_floor(int(rng.integers(2**31)))
        if start is None:
            return _Walker(self, (at[0], at[1], float(rng.integers(24)) * self.spec.turn_rad), at[2])
        wanted = np.array([start[0], start[1], at[2] if floor is None else floor])
        found = world.floor_at(wanted)
        if found is None or np.hypot(*(found - wanted)[:2]) > _ON_FLOOR_M:
            raise InputError(
                f"start ({start[0]:.2f}, {start[1]:.2f}) is not on the navmesh of {self._scene!r} near height "
                f"{wanted[2]:.2f} m; take a passable cell of truth.grid, or give floor="
            )
        return _Walker(self, (float(found[0]), float(found[1]), float(start[2])), float(found[2]))

    def _pick(self) -> None:
        objects, spots = self._arranged().objects, self._spots
        names = {objects.instance_of(name): name for name in spots if name in objects.movable}
        positions = {i: spots[name].pose[:3, 3] for i, name in names.items()}
        found = find_object(self._view().instance, positions, self._head_to_world())
        if found is not None:
            name = names[found]
            self._held = (name, spots[name], objects.base_of(name))
            self._state.touch(name, None)

    def _place(self) -> None:
        head = self._head_to_world()
        point = find_spot(self._view().depth, self.spec.camera, head)
        if point is None:  # on the floor ahead, where the robot could stand as well
            ahead = head[:3, 3] + _AHEAD_M * head[:3, 0]
            floor = self._arranged().floor_at(ahead)
            point = floor if floor is not None and np.linalg.norm(floor - ahead) < _ON_FLOOR_M else None
        if point is not None:
            name, spot, below = self._held
            pose = spot.pose.copy()
            pose[:3, 3] = point + (0, 0, below)
            self._held = None
            self._state.touch(name, spot._replace(pose=pose))

    # -- seeing ----------------------------------------------------------------------------------------------------

    def _head_to_world(self) -> np.ndarray:
        pose = planar_pose(*self._body.head)
        pose[2, 3] = self._body.z
        return pose

    def _draw(self, scene: str, life: SceneLife | None, spots: Mapping[str, Spot], head: np.ndarray) -> View:
        """A picture from an exact pose of the head, from memory if it was taken before (evaluations return there)."""
        if spots is not self._drawn:
            self._memo.clear()
            self._drawn = spots
        key = head.tobytes()
        if key not in self._memo:
            world = self._world(scene, life)
            world.objects.arrange(spots)
            view = self._memo[key] = world.render(head)
            if len(self._memo) * sum(image.nbytes for image in view) > _MEMO_BYTES:
                self._memo.popitem(last=False)
        self._memo.move_to_end(key)
        return self._memo[key]

    def _view(self, head: np.ndarray | None = None) -> View:
        """What the camera sees now, or as if the head were there."""
        head = self._head_to_world() if head is None else head
        return self._draw(self._scene, self._state.life, self._spots, head)

    def _take(self) -> Frame:
        ref, noise, seed, held = FrameRef(self._visit, self._index), self._noise, self._seed, self._held
        head, mode = self._head_to_world(), "manipulation" if self._body.manipulating else "navigation"
        when = (self._scene, self._state.life, self._spots)

        def view() -> View:
            return self._draw(*when, head)

        def images() -> tuple[np.ndarray, np.ndarray]:
            return view().color.copy(), noisy_depth(view().depth, seed, ref.visit, ref.index, noise)

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
