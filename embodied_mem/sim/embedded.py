"""The embedded simulator: a robot with a noisy camera in a seeded house that lives on. CPU only, no downloads."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.perception.noise import NoiseConfig, noisy_depth, noisy_pose
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.hands import find_place, find_thing
from embodied_mem.sim.house import House, Thing
from embodied_mem.sim.life import Life
from embodied_mem.sim.log import Event, EventLog, description
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.render import Renderer, View
from embodied_mem.sim.truth import Truth, obstacles
from embodied_mem.types import Camera, Frame, FrameRef, planar_pose

_SUBSTEP = 0.025  # metres between two contact tests
_MEMO_BYTES = 128e6
_CELL_M, _CELL_RAD = 0.5, math.radians(30)


class EmbeddedSimulator:
    """A :class:`~embodied_mem.sim.protocol.Simulator` on seeded houses.

    noise     the camera's and localisation's noise (None: exact); draws depend on ``seed``, visit and frame index
    sidecar   where instance images, viewpoint cells and facts go before each frame is returned (None: nowhere)
    days      the number of patrol days that the house's life is made for (see ``Life``)

    ``truth`` (:class:`Truth`) is for scorers; hand agents a :class:`LiveRobot`. Call ``reset`` first: everything
    else raises InputError before.
    """

    def __init__(
        self, noise: NoiseConfig | None = None, sidecar: Sidecar | None = None, seed: int = 0,
        camera: Camera | None = None, days: int = 8,
    ) -> None:  # fmt: skip
        self.spec = RobotSpec(camera=camera or Camera())
        self.truth = Truth(self)
        self._noise, self._sidecar, self._seed, self._days = noise or NoiseConfig.none(), sidecar, seed, days
        self._scene: int | None = None
        self._renderer: Renderer | None = None
        self._memo: OrderedDict[tuple, View] = OrderedDict()

    @property
    def clock(self) -> float:
        """UTC seconds."""
        self._check_started()
        return self._clock

    def reset(
        self, scene: int | str, *, visit: str, time: float | None = None,
        start: tuple[float, float, float] | None = None, frozen: bool = False,
    ) -> Frame:  # fmt: skip
        """Begin a visit of house ``scene`` (its seed) and return frame 0.

        time: UTC s, the first patrol of the house's life by default; start: x, y, yaw in the world, seeded by
        default; frozen: the house stays as it is at ``time`` while the clock runs (answering a question).
        What a robot did in an earlier visit is undone. Raises InputError where ``start`` is not free floor.
        """
        scene = int(scene)
        if scene != self._scene:
            self._life = Life(generate_house(scene), scene, self._days)
            self._scene, self._rects = scene, np.array(obstacles(self._life.log.initial))
        self._clock = float(self._life.visits[0][1] if time is None else time)
        self._log = EventLog(self._life.log.state_at(self._clock)) if frozen else self._life.log.copy()
        self._visit, self._index, self._held, self._last_action = visit, 0, None, ""
        self._told: tuple | None = None
        self._see(self._log.state_at(self._clock))
        x, y, yaw = start if start is not None else self._seeded_start()
        if not self._is_free(np.array([[x, y]])):
            raise InputError(f"start ({x:.2f}, {y:.2f}) of house {scene} is not free floor for a robot of radius "
                             f"{self.spec.radius_m} m; take a passable cell of truth.grid")  # fmt: skip
        self._xy, self._start_yaw, self._turns = (float(x), float(y)), float(yaw), 0
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

        A pick without a thing in the middle of the view within reach, or a place without room, does nothing.
        """
        self._check_started()
        if action not in self.spec.actions:
            raise InputError(f"action {action!r} is none of {', '.join(self.spec.actions)}")
        view = self._view() if action in ("pick", "place") else None
        self._clock += self.spec.step_seconds
        if action == "forward":
            self._forward()
        elif action in ("left", "right"):
            self._turns += 1 if action == "left" else -1
        elif action == "pick" and self._held is None:
            self._pick(view)
        elif action == "place" and self._held is not None:
            self._place(view)
        self._next(action)
        return self.observe()

    def advance(self, to_time: float) -> None:
        """The world lives on until ``to_time`` (UTC s). Raises InputError for a time before the clock."""
        self._check_started()
        if not to_time >= self._clock:
            raise InputError(f"advance to {to_time} but the clock is at {self._clock}; time does not run backwards")
        self._clock = float(to_time)
        self._next("")

    def _next(self, action: str) -> None:
        self._see(self._log.state_at(self._clock))
        self._index, self._last_action, self._frame = self._index + 1, action, None

    def _check_started(self) -> None:
        if self._scene is None:
            raise InputError("the simulator has no scene yet; call reset(house seed, visit=...) first")

    @property
    def _pose(self) -> tuple[float, float, float]:
        yaw = self._start_yaw + self._turns * self.spec.turn_rad
        return *self._xy, math.remainder(yaw, 2 * math.pi)

    # -- moving ----------------------------------------------------------------------------------------------------

    def _is_free(self, points: np.ndarray) -> bool:
        """Whether a body at every one of N positions touches neither walls nor furniture, and is in the house."""
        x, y = points[:, :1], points[:, 1:]
        r = self._rects
        dx = np.maximum(np.maximum(r[:, 0] - x, x - r[:, 2]), 0)
        dy = np.maximum(np.maximum(r[:, 1] - y, y - r[:, 3]), 0)
        clear = (dx * dx + dy * dy).min() >= (self.spec.radius_m - 1e-6) ** 2
        return bool(clear and (r[:, :2].min(0) < points).all() and (points < r[:, 2:].max(0)).all())

    def _forward(self) -> None:
        """Straight on where it is free; else slide along what is in the way, as axis-aligned contact allows."""
        yaw = self._pose[2]
        ahead = np.array([math.cos(yaw), math.sin(yaw)]) * self.spec.forward_m
        count = math.ceil(self.spec.forward_m / _SUBSTEP)
        at = np.array(self._xy)
        if self._is_free(at + ahead * (np.arange(1, count + 1) / count)[:, None]):
            self._xy = (float(at[0] + ahead[0]), float(at[1] + ahead[1]))
            return
        for _ in range(count):
            for move in (ahead, ahead * (1, 0), ahead * (0, 1)):
                # A sliver of motion along a wall that is met head-on is no sliding but a numerical accident.
                if np.hypot(*move) > 0.02 * self.spec.forward_m and self._is_free((at + move / count)[None]):
                    at = at + move / count
                    break
        self._xy = (float(at[0]), float(at[1]))

    def _seeded_start(self) -> tuple[float, float, float]:
        cells = np.argwhere(self.truth.grid.passable)
        rng = np.random.default_rng([self._scene, 0x57A27])
        x, y = self.truth.grid.centre(cells[int(rng.integers(len(cells)))])
        return x, y, float(rng.integers(24)) * self.spec.turn_rad

    # -- the magic grasp -------------------------------------------------------------------------------------------

    def _pick(self, view: View) -> None:
        thing = find_thing(self._house, view, self._pose)
        if thing is not None:
            self._held = thing
            self._write("remove", thing, before=description(thing))

    def _place(self, view: View) -> None:
        rng = np.random.default_rng([self._seed, self._index])
        at = find_place(self._house, view, self._pose, self.spec.camera, self._held, rng)
        if at is not None:
            thing, self._held = replace(self._held, **at), None
            self._write("appear", thing, after=description(thing))

    def _write(self, kind: str, thing: Thing, before: dict | None = None, after: dict | None = None) -> None:
        self._log.append(
            Event(self._clock, kind, thing.id, thing.label, before or {}, after or {}, cause="robot", who="robot")
        )

    # -- seeing ----------------------------------------------------------------------------------------------------

    def _see(self, house: House) -> None:
        """Make ``house`` the one that is drawn; pictures are kept while nothing in it changes."""
        self._house = house
        if self._renderer is None:
            self._renderer = Renderer(house, self.spec.camera)
        elif house != self._renderer.house:
            self._renderer.update(house)
            self._memo.clear()

    def _draw(self, base_to_world: np.ndarray, held: Thing | None) -> View:
        """A picture from an exact pose, from memory if it was taken before (evaluations stand where others stood)."""
        key = (base_to_world.tobytes(), self._renderer.moment(self._clock), held.id if held else 0)
        if key not in self._memo:
            view = self._renderer.render(base_to_world, self._clock, held)
            for image in view:
                image.setflags(write=False)
            self._memo[key] = view
            if len(self._memo) * sum(image.nbytes for image in view) > _MEMO_BYTES:
                self._memo.popitem(last=False)
        self._memo.move_to_end(key)
        return self._memo[key]

    def _view(self) -> View:
        return self._draw(planar_pose(*self._pose), self._held)

    def _take(self) -> Frame:
        view, ref, noise = self._view(), FrameRef(self._visit, self._index), self._noise
        if self._sidecar is not None:
            self._tell(ref, view)
        believed = noisy_pose(planar_pose(*self._pose), self._seed, self._visit, self._index, noise)
        return Frame(
            ref=ref, time=self._clock, color=view.color, camera=self.spec.camera,
            depth=noisy_depth(view.depth, self._seed, self._visit, self._index, noise),
            base_to_map=believed, camera_to_map=believed @ self.spec.camera.to_base(),
            gripper_full=self._held is not None, last_action=self._last_action,
        )  # fmt: skip

    def _tell(self, ref: FrameRef, view: View) -> None:
        """The sidecar learns what the camera truly saw; the facts only when they are new."""
        if self._told is None or self._told[0] is not self._house or self._told[1] is not self._held:
            self._told = (self._house, self._held)
            self._sidecar.put_facts(ref.visit, ref.index, facts(self._house, self._held))
        x, y, yaw = self._pose
        cell = (math.floor(x / _CELL_M), math.floor(y / _CELL_M), math.floor((yaw % (2 * math.pi)) / _CELL_RAD))
        self._sidecar.put(ref, view.instance, cell)


def facts(house: House, held: Thing | None = None) -> dict[int, dict]:
    """{instance id: label, attributes, states, kind} of all furniture and things, for the sidecar."""
    found = {
        f.id: {"label": f.label, "attributes": {"colour": f.colour, "material": f.material},
               "states": dict(f.states), "kind": "furniture"}
        for f in house.furniture
    }  # fmt: skip
    for t in (*house.things, *([held] if held else [])):
        found[t.id] = {"label": t.label, "attributes": dict(t.attributes), "states": dict(t.states), "kind": "thing"}
    return found


class LiveRobot:
    """The body of a simulator and nothing else: what an agent may hold."""

    def __init__(self, sim: EmbeddedSimulator) -> None:
        self.spec = sim.spec
        # Closures instead of an attribute: no agent reaches the truth by accident.
        self._clock, self.observe, self.step = (lambda: sim.clock), (lambda: sim.observe()), (lambda a: sim.step(a))

    @property
    def clock(self) -> float:
        """UTC seconds."""
        return self._clock()
