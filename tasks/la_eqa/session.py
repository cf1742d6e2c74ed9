"""The present of a LA-EQA question: the house at question time, and what cited frames of it truly show."""

from __future__ import annotations

from collections.abc import Callable

from embodied_mem.evaluation.session import NOW, Session, SessionRobot
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.protocol import Simulator
from embodied_mem.tasks.la_eqa.seen import EVIDENCE_PX, pixels_of
from embodied_mem.types import FrameRef

__all__ = ["NOW", "Present"]


class Present(Session):
    """The house at question time, reused for all questions of one house (each starts anew at its start pose)."""

    def __init__(
        self, seed: int, days: int, time: float, noise: NoiseConfig, stored: Sidecar,
        make: Callable[[Sidecar], Simulator] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(seed, noise, stored, days=days, make=make)
        self._time = time

    def start(self, pose: tuple[float, float, float]) -> SessionRobot:
        """A fresh robot at ``pose`` (x, y, yaw; world frame)."""
        return self.begin(time=self._time, start=tuple(pose), frozen=True)

    def noted(self, robot: SessionRobot, refs: list[FrameRef]) -> dict[str, dict]:
        """For cited present frames: the true pose and which instances it truly shows (≥ 30 pixels)."""
        notes = {}
        for ref in refs:
            if ref.visit == NOW and ref in robot._poses:
                instance, _ = self._live.get(ref)
                things = sorted(t for t, n in pixels_of(instance).items() if n >= EVIDENCE_PX)
                notes[str(ref)] = {"pose": [round(v, 4) for v in robot._poses[ref]], "things": things}
        return notes
