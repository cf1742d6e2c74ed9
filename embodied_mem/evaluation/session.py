"""One question in the present: the robot that an agent holds, and what the scorer notes behind its back.

The present is the visit ``"now"``. The house stands still while a question is answered; nothing of it reaches the
agent but the frames that its robot looks at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.protocol import RobotSpec, Simulator
from embodied_mem.types import Frame, FrameRef

NOW = "now"
LIVE_FRAMES = 4000  # more than any question takes
Pose = tuple[float, float, float]


class BothSidecars:
    """Instance images for the simulated detector: stored visits from their folder, the present from memory."""

    def __init__(self, stored: Sidecar, live: Sidecar) -> None:
        self.stored, self.live = stored, live

    def _of(self, ref: FrameRef) -> Sidecar:
        return self.live if ref.visit == NOW else self.stored

    def get(self, ref: FrameRef):
        return self._of(ref).get(ref)

    def facts(self, ref: FrameRef):
        return self._of(ref).facts(ref)


@dataclass
class SessionRobot:
    """The robot protocol and no more; counts true metres and steps and keeps the true pose of every frame."""

    _sim: Simulator
    _metres: float = 0.0
    _steps: int = 0
    _poses: dict[FrameRef, Pose] = field(default_factory=dict)
    _frames: dict[FrameRef, Frame] = field(default_factory=dict)
    _stops: list[Frame] = field(default_factory=list)
    _kept: int = LIVE_FRAMES

    @property
    def spec(self) -> RobotSpec:
        return self._sim.spec

    @property
    def clock(self) -> float:
        return self._sim.clock

    def observe(self) -> Frame:
        return self._note(self._sim.observe())

    def step(self, action: str) -> Frame:
        before = self._sim.truth.pose
        frame = self._note(self._sim.step(action))
        self._metres += math.dist(before[:2], self._sim.truth.pose[:2])
        self._steps += 1
        if action == "stop":
            self._stops.append(frame)
        return frame

    def _note(self, frame: Frame) -> Frame:
        self._poses[frame.ref], self._frames[frame.ref] = tuple(self._sim.truth.pose), frame
        if len(self._frames) > self._kept:
            self._frames.pop(next(iter(self._frames)))
        return frame


class Session:
    """A present that is reused for all questions of one house; each begins anew.

    stored: the recording's sidecar; spec: the robot's (None: the default one); days: what the house's life is made
    for; kept: how many frames of one question can be seen again (0.5 MB each); seed: of the noise (None: the house's);
    make: another simulator than the embedded one, from the sidecar of the present.
    """

    def __init__(
        self, house: int, noise: NoiseConfig, stored: Sidecar, spec: RobotSpec | None = None, days: int = 8,
        kept: int = LIVE_FRAMES, seed: int | None = None, make: Callable[[Sidecar], Simulator] | None = None,
    ) -> None:  # fmt: skip
        seed = house if seed is None else seed
        self._live, self._kept = Sidecar(None, capacity=kept), kept
        self._sim = make(self._live) if make else EmbeddedSimulator(noise, self._live, seed, spec, days)
        self._scene = house
        self.detector = SimulatedDetector(BothSidecars(stored, self._live), noise, seed)

    def begin(self, **reset) -> SessionRobot:
        """A fresh robot; ``reset``: arguments of the simulator's ``reset`` but scene and visit."""
        self._sim.reset(self._scene, visit=NOW, **reset)
        self._robot = SessionRobot(self._sim, _kept=self._kept)
        return self._robot

    def frame(self, ref: FrameRef) -> Frame:
        """A frame that the current robot has seen."""
        return self._robot._frames[ref]

    def way(self, robot: SessionRobot) -> tuple[float, int]:
        """How many metres the robot truly went, in how many steps."""
        return robot._metres, robot._steps

    def path(self, robot: SessionRobot) -> list[list[float]]:
        """Where the robot truly went, as [x, y] with standing still left out."""
        path: list[list[float]] = []
        for x, y, _ in robot._poses.values():
            if not path or math.dist(path[-1], (x, y)) > 0.05:
                path.append([round(x, 2), round(y, 2)])
        return path

    def stops(self, robot: SessionRobot) -> list[tuple[Frame, Pose]]:
        """Each "stop" that the robot did: the frame that it then saw and its true pose, in order."""
        return [(frame, robot._poses[frame.ref]) for frame in robot._stops]
