"""The embedded simulator: a robot with a noisy camera in a seeded house that lives on. CPU only, no downloads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.perception.noise import NoiseConfig, noisy_depth, noisy_pose
from embodied_mem.perception.sidecar import Sidecar, viewpoint_cell
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.hands import Target, find_place, find_thing
from embodied_mem.sim.house import House, Thing
from embodied_mem.sim.life import Life
from embodied_mem.sim.log import Event, EventLog, description
from embodied_mem.sim.motion import Body, Pose
from embodied_mem.sim.protocol import RobotSpec, mount
from embodied_mem.sim.render import Renderer, View
from embodied_mem.sim.truth import Truth, obstacles
from embodied_mem.types import Frame, FrameRef, LateFrame, planar_pose

_MEMO_BYTES = 128e6


class EmbeddedSimulator:
    """A :class:`~embodied_mem.sim.protocol.Simulator` on seeded houses.

    noise     the camera's and localisation's noise (None: exact); draws depend on ``seed``, visit and frame index
    sidecar   where instance images, viewpoint cells and facts go before each frame is returned (None: nowhere)
    spec      the robot: camera, step sizes, actions (None: the default one, without an arm)
    days      the number of patrol days that the house's life is made for (see ``Life``)

    ``truth`` (:class:`Truth`) is for scorers; hand agents a :class:`LiveRobot`. Call ``reset`` first: everything
    else raises InputError before.
    """

    def __init__(
        self, noise: NoiseConfig | None = None, sidecar: Sidecar | None = None, seed: int = 0,
        spec: RobotSpec | None = None, days: int = 8,
    ) -> None:  # fmt: skip
        self.spec = spec or RobotSpec()
        self.truth = Truth(self)
        self._noise, self._sidecar, self._seed, self._days = noise or NoiseConfig.none(), sidecar, seed, days
        self._scene: int | None = None
        self._life: Life | None = None
        self._house: House | None = None
        self._renderer: Renderer | None = None
        self._memo: OrderedDict[tuple, View] = OrderedDict()

    @property
    def clock(self) -> float:
        """UTC seconds."""
        self._check_started()
        return self._clock

    def reset(
        self, scene: int | str, *, visit: str, time: float | None = None, start: Pose | None = None,
        frozen: bool = False, house: House | None = None,
    ) -> Frame:  # fmt: skip
        """Begin a visit of house ``scene`` (its seed) and return frame 0.

        time: UTC s, the first patrol of the house's life by default; start: x, y, yaw in the world, seeded by
        default; frozen: the house stays as it is at ``time`` while the clock runs (answering a question);
        house: start from this state of the house instead of its life's (``time`` is needed; nobody else lives there).
        What a robot did in an earlier visit is undone. Raises InputError where ``start`` is not free floor.
        """
        scene = int(scene)
        if house is None:
            if self._life is None or scene != self._life.seed:
                self._life = Life(generate_house(scene), scene, self._days)
            now = float(self._life.visits[0][1] if time is None else time)
            log = EventLog(self._life.log.state_at(now)) if frozen else self._life.log.copy()
        elif time is None:
            raise InputError(f"house {scene} is given as it is, which says nothing about when; give the time as well")
        else:
            now, log = float(time), EventLog(house)
        self._scene, self._clock, self._log = scene, now, log
        self._visit, self._index, self._held, self._last_action = visit, 0, None, ""
        self._told: tuple | None = None
        self._see(self._log.state_at(self._clock))
        self._body = self._stand(start if start is not None else self._seeded_start())
        self._frame: Frame | None = None
        return self.observe()

    def _stand(self, start: Pose) -> Body:
        body = Body(self.spec, obstacles(self._house), start)
        if not body.is_free(np.array([start[:2]], float)):
            raise InputError(f"start ({start[0]:.2f}, {start[1]:.2f}) of house {self._scene} is not free floor for a "
                             f"robot of radius {self.spec.radius_m} m; take a passable cell of truth.grid")  # fmt: skip
        return body

    def observe(self) -> Frame:
        """The current frame; the same object until the next step."""
        self._check_started()
        if self._frame is None:
            self._frame = self._take()
        return self._frame

    def step(self, action: str, target: Target | None = None) -> Frame:
        """Do one action; the clock runs on by ``spec.step_seconds``. Raises InputError for an unknown action.

        target: what to pick (a thing's id) or where to place ((furniture id, surface name)), for the simulator's
        owner; without it what is in the middle of the view is meant. A pick of what is not in view and within reach,
        or a place without room, does nothing; so does entering the mode that the robot is in.
        """
        self.act(action, target)
        return self.observe()

    def act(self, action: str, target: Target | None = None) -> None:
        """As :meth:`step`, without looking: the frame is drawn when it is asked for."""
        self._check_started()
        if action not in self.spec.actions:
            raise InputError(f"action {action!r} is none of {', '.join(self.spec.actions)}")
        if target is not None and (action, type(target)) not in (("pick", int), ("place", tuple)):
            raise InputError(f"target {target!r} for {action!r}; a pick takes a thing's id, a place takes "
                             "(furniture id, surface name), nothing else takes a target")  # fmt: skip
        self._clock = round(self._clock + self.spec.step_seconds, 6)  # or 14.4 s add up to a clock of fractions
        if action == "forward":
            self._body.forward()
        elif action in ("left", "right"):
            self._body.turn(1 if action == "left" else -1)
        elif action in ("manipulate", "navigate"):
            self._body.manipulating = action == "manipulate"
        elif action == "pick" and self._held is None:
            self._pick(target)
        elif action == "place" and self._held is not None:
            self._place(target)
        self._next(action)

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

    def _seeded_start(self) -> Pose:
        cells = np.argwhere(self.truth.grid.passable)
        rng = np.random.default_rng([self._scene, 0x57A27])
        x, y = self.truth.grid.centre(cells[int(rng.integers(len(cells)))])
        return x, y, float(rng.integers(24)) * self.spec.turn_rad

    # -- the magic grasp -------------------------------------------------------------------------------------------

    def _pick(self, target: Target | None) -> None:
        thing = find_thing(self._house, self._view(), self._body.head, target)
        if thing is not None:
            self._held = thing
            self._write("remove", thing, before=description(thing))

    def _place(self, target: Target | None) -> None:
        at = self._placement(self._held, target)
        if at is not None:
            thing, self._held = replace(self._held, **at), None
            self._write("appear", thing, after=description(thing))

    def _placement(self, thing: Thing, target: Target | None, head: Pose | None = None) -> dict | None:
        """Where a place would put a thing, from here or from where the head would be."""
        head = head or self._body.head
        view, rng = self._draw(planar_pose(*head), None), np.random.default_rng([self._seed, thing.id])
        return find_place(self._house, view, head, self.spec.camera, thing, rng, target)

    def _write(self, kind: str, thing: Thing, before: dict | None = None, after: dict | None = None) -> None:
        self._log.append(
            Event(self._clock, kind, thing.id, thing.label, before or {}, after or {}, cause="robot", who="robot")
        )

    # -- seeing ----------------------------------------------------------------------------------------------------

    def _see(self, house: House) -> None:
        """Make ``house`` the one that is drawn from now on."""
        # One object as long as nothing changes, so that later comparisons are cheap.
        self._house = self._house if house == self._house else house

    def _draw(self, head_to_world: np.ndarray, held: Thing | None, when: tuple[House, float] | None = None) -> View:
        """A picture from an exact pose of the head, from memory if it was taken before (evaluations return there).

        when: the house and the clock then (None: as they are); pictures are kept while one house is drawn.
        """
        house, clock = when or (self._house, self._clock)
        if self._renderer is None:
            self._renderer = Renderer(house, self.spec.camera)
        elif house is not self._renderer.house and house != self._renderer.house:
            self._renderer.update(house)
            self._memo.clear()
        key = (head_to_world.tobytes(), self._renderer.moment(clock), held.id if held else 0)
        if key not in self._memo:
            view = self._renderer.render(head_to_world, clock, held)
            for image in view:
                image.setflags(write=False)
            self._memo[key] = view
            if len(self._memo) * sum(image.nbytes for image in view) > _MEMO_BYTES:
                self._memo.popitem(last=False)
        self._memo.move_to_end(key)
        return self._memo[key]

    def _view(self) -> View:
        return self._draw(planar_pose(*self._body.head), self._held)

    def _take(self) -> Frame:
        ref, noise, seed = FrameRef(self._visit, self._index), self._noise, self._seed
        head, held, when = planar_pose(*self._body.head), self._held, (self._house, self._clock)

        def view() -> View:
            return self._draw(head, held, when)

        def images() -> tuple[np.ndarray, np.ndarray]:
            shown = view()
            return shown.color, noisy_depth(shown.depth, seed, ref.visit, ref.index, noise)

        if self._sidecar is not None:
            self._tell(ref, view)
        mode = "manipulation" if self._body.manipulating else "navigation"
        believed = noisy_pose(planar_pose(*self._body.base), seed, ref.visit, ref.index, noise)
        return LateFrame.of(
            images, ref=ref, time=self._clock, camera=self.spec.camera, base_to_map=believed,
            camera_to_map=believed @ mount(self.spec.camera, mode), mode=mode, gripper_full=held is not None,
            last_action=self._last_action,
        )  # fmt: skip

    def _tell(self, ref: FrameRef, view: Callable[[], View]) -> None:
        """The sidecar learns what the camera truly saw; the facts only when they are new."""
        if self._told is None or self._told[0] is not self._house or self._told[1] is not self._held:
            self._told = (self._house, self._held)
            self._sidecar.put_facts(ref.visit, ref.index, facts(self._house, self._held))
        cell = viewpoint_cell(*self._body.head)
        if self._sidecar.folder is None:
            self._sidecar.put_late(ref, lambda: view().instance, cell)
        else:
            self._sidecar.put(ref, view().instance, cell)


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
        self._clock, self.observe = (lambda: sim.clock), (lambda: sim.observe())
        self.step = lambda action: sim.step(action)

    @property
    def clock(self) -> float:
        """UTC seconds."""
        return self._clock()
