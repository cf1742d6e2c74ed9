"""The simulator contract, and the check that tells the author of a new one what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from embodied_mem.types import Camera, Frame

ACTIONS = ("forward", "left", "right", "stop", "pick", "place")
MANIPULATOR_ACTIONS = (*ACTIONS, "manipulate", "navigate")  # a robot with an arm at its side switches modes


@dataclass(frozen=True)
class RobotSpec:
    """What a controller may know of its robot: camera, step sizes, body. Metres and radians."""

    camera: Camera = Camera()
    forward_m: float = 0.25
    turn_rad: float = 0.2617993877991494  # 15°
    radius_m: float = 0.18
    step_seconds: float = 1.0
    actions: tuple[str, ...] = ACTIONS


def mount(camera: Camera, mode: str) -> np.ndarray:
    """4×4 float64 ``camera_to_base`` in a mode: with "manipulation" the head looks 90° to the right of the base."""
    to_base = camera.to_base()
    if mode == "manipulation":
        x, y = to_base[0].copy(), to_base[1].copy()
        to_base[0], to_base[1] = y, -x
    return to_base


@runtime_checkable
class Robot(Protocol):
    """All that an agent ever holds of a body: its spec, its clock, the current frame, one step at a time."""

    spec: RobotSpec

    @property
    def clock(self) -> float:
        """UTC seconds."""

    def observe(self) -> Frame:
        """The current frame, without moving; costs nothing and looks the same each time."""

    def step(self, action: str) -> Frame:
        """Do one action of ``spec.actions`` (sliding contact: a blocked step moves as far as it can)."""


@runtime_checkable
class Simulator(Robot, Protocol):
    """A robot plus the world around it. ``truth`` is for scorers and never handed to an agent."""

    truth: Any

    def reset(
        self,
        scene: int | str,
        *,
        visit: str,
        time: float | None = None,
        start: tuple[float, float, float] | None = None,
    ) -> Frame:
        """Load a scene (house seed) at a time (UTC s), robot at x, y, yaw; begin the visit of that name."""

    def advance(self, to_time: float) -> None:
        """The world lives on until ``to_time`` while the robot is away; refuses to go back."""
