"""One question in the present: the robot that an agent holds, and what the scorer notes behind its back.

The present is the visit ``"now"``. The house stands still while a question is answered; nothing of it reaches the
agent but the frames that its robot looks at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.tasks.la_eqa.seen import EVIDENCE_PX, pixels_of
from embodied_mem.types import Frame, FrameRef

NOW = "now"
LIVE_FRAMES = 4000  # more than any question takes


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

    _sim: EmbeddedSimulator
    _metres: float = 0.0
    _steps: int = 0
    _poses: dict[FrameRef, tuple[float, float, float]] = field(default_factory=dict)
    _frames: dict[FrameRef, Frame] = field(default_factory=dict)

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
        return frame

    def _note(self, frame: Frame) -> Frame:
        self._poses[frame.ref], self._frames[frame.ref] = tuple(self._sim.truth.pose), frame
        return frame


class Present:
    """The house at question time, reused for all questions of one house (each starts anew at its start pose)."""

    def __init__(self, seed: int, days: int, time: float, noise: NoiseConfig, stored: Sidecar) -> None:
        self._live = Sidecar(None, capacity=LIVE_FRAMES)
        self._sim = EmbeddedSimulator(noise=noise, sidecar=self._live, seed=seed, days=days)
        self._seed, self._time = seed, time
        self.detector = SimulatedDetector(BothSidecars(stored, self._live), noise, seed)

    def start(self, pose: tuple[float, float, float]) -> SessionRobot:
        """A fresh robot at ``pose`` (x, y, yaw; world frame)."""
        self._sim.reset(self._seed, visit=NOW, time=self._time, start=tuple(pose), frozen=True)
        self._robot = SessionRobot(self._sim)
        return self._robot

    def frame(self, ref: FrameRef) -> Frame:
        """A frame that the current robot has seen."""
        return self._robot._frames[ref]

    def noted(self, robot: SessionRobot, refs: list[FrameRef]) -> dict[str, dict]:
        """For cited present frames: the true pose and which instances it truly shows (≥ 30 pixels)."""
        notes = {}
        for ref in refs:
            if ref.visit == NOW and ref in robot._poses:
                instance, _ = self._live.get(ref)
                things = sorted(t for t, n in pixels_of(instance).items() if n >= EVIDENCE_PX)
                notes[str(ref)] = {"pose": [round(v, 4) for v in robot._poses[ref]], "things": things}
        return notes

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
