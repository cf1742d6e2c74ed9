"""What an agent holds while it answers one question: its memory, its body, its eyes, the time. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from embodied_mem.types import Answer

if TYPE_CHECKING:
    from embodied_mem.control.navigator import Navigator, OnFrame
    from embodied_mem.memory.palace import MindPalace
    from embodied_mem.perception.detector import Detector
    from embodied_mem.perception.mapping import SiteMap
    from embodied_mem.sim.protocol import Robot


@dataclass(frozen=True)
class Workbench:
    """One question's tools. ``robot`` is None where there is no body (``ask`` on a recorded palace); ``navigation``
    makes its navigators (None: they drive by the map), which share what they learn while the question lasts."""

    palace: MindPalace
    site_map: SiteMap
    robot: Robot | None
    detector: Detector | None
    now: float
    navigation: Navigation | None = None

    def navigator(self, site_map=None, on_frame: OnFrame | None = None) -> Navigator:
        """A navigator for the robot on a map of the place (None: the bench's)."""
        from embodied_mem.control.navigator import Navigator

        site_map = self.site_map if site_map is None else site_map
        if self.navigation is None:
            return Navigator(self.robot, site_map, on_frame)
        return self.navigation(self, site_map, on_frame)


class Navigation(Protocol):
    """What an entry point of ``embodied_mem.navigators`` gives for one question."""

    def __call__(self, bench: Workbench, site_map, on_frame: OnFrame | None) -> Navigator:
        """A navigator for the bench's robot that drives by ``site_map``."""


class Agent(Protocol):
    """Anything that answers: the planner, a baseline, somebody else's model."""

    name: str

    def answer(self, text: str, bench: Workbench) -> Answer:
        """Answer one question; never raises for a question it does not understand (abstains and says so)."""
