"""What an agent holds while it answers one question: its memory, its body, its eyes, the time. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from embodied_mem.types import Answer

if TYPE_CHECKING:
    from embodied_mem.memory.palace import MindPalace
    from embodied_mem.perception.detector import Detector
    from embodied_mem.perception.mapping import SiteMap
    from embodied_mem.sim.protocol import Robot


@dataclass(frozen=True)
class Workbench:
    """One question's tools. ``robot`` is None where there is no body (``ask`` on a recorded palace)."""

    palace: MindPalace
    site_map: SiteMap
    robot: Robot | None
    detector: Detector | None
    now: float


class Agent(Protocol):
    """Anything that answers: the planner, a baseline, somebody else's model."""

    name: str

    def answer(self, text: str, bench: Workbench) -> Answer:
        """Answer one question; never raises for a question it does not understand (abstains and says so)."""
