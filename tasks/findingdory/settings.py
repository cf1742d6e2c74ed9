"""The robot and the day of FindingDory (``docs/findingdory.md``): camera at half size, 10° turns, 14.4 s a step."""

from __future__ import annotations

import math

from embodied_mem.sim.protocol import MANIPULATOR_ACTIONS, RobotSpec
from embodied_mem.types import Camera

HOUR = 3600.0
DAY_START, DAY_END = 6 * HOUR, 22 * HOUR  # the robot works between these; a longer experience goes on the next day
SECONDS_PER_STEP = 14.4  # 4,000 steps fill 06:00 to 22:00
CAMERA = Camera(width=240, height=320, hfov_deg=43.0, height_m=1.31, pitch_deg=-30.0)
VISIT = "experience"  # the palace's one visit; the index of its frames is the index that answers name
EPISODE_VERSION = 1  # raise it whenever instructions, goal sets or experiences change

OBJECT_M, OBJECT_RAD = 2.0, math.radians(45)  # robot_at_object: geodesic to the snapped position, angle
RECEPTACLE_M, RECEPTACLE_RAD = 0.1, math.radians(90)  # robot_at_receptacle: geodesic to the nearest viewpoint, angle
COVERAGE = 0.001  # share of the image that must show the object, or the receptacle's piece of furniture
MIN_PIXELS = COVERAGE * CAMERA.width * CAMERA.height  # 76.8


def robot_spec(step_seconds: float = SECONDS_PER_STEP) -> RobotSpec:
    """The robot's spec for a clock of that many seconds a step."""
    return RobotSpec(
        camera=CAMERA, turn_rad=math.radians(10), step_seconds=step_seconds, actions=MANIPULATOR_ACTIONS
    )
