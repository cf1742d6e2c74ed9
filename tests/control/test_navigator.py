"""The navigator on a robot of paper: a disc in a plane with walls, seen only through poses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from embodied_mem.control.explore import explore
from embodied_mem.control.navigator import Limits, Navigator
from embodied_mem.geodesic import Grid, erode
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Camera, Frame, FrameRef, planar_pose


@dataclass
class PaperRobot:
    """Moves on a 10 cm floor plan (True = free), stops at walls, reports its pose with a little noise."""

    free: np.ndarray
    x: float = 1.0
    y: float = 1.0
    yaw: float = 0.0
    noise: float = 0.0
    spec: RobotSpec = RobotSpec()
    clock: float = 0.0
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    _frame: Frame | None = None

    def observe(self) -> Frame:
        if self._frame is None:
            dx, dy = self._rng.normal(0, self.noise, 2)
            pose = planar_pose(self.x + dx, self.y + dy, self.yaw)
            color, depth = np.zeros((2, 2, 3), np.uint8), np.ones((2, 2), np.float32)
            self._frame = Frame(FrameRef("now", 0), 0.0, color, depth, pose, pose, Camera(2, 2))
        return self._frame

    def step(self, action: str) -> Frame:
        self._frame = None
        if action == "forward":
            x, y = self.x + 0.25 * math.cos(self.yaw), self.y + 0.25 * math.sin(self.yaw)
            if self.free[int(x / 0.1), int(y / 0.1)]:
                self.x, self.y = x, y
        elif action in ("left", "right"):
            self.yaw += self.spec.turn_rad * (1 if action == "left" else -1)
        return self.observe()


@dataclass
class PaperMap:
    """A site map that knows the plan, or what was seen of it."""

    free_cells: np.ndarray
    known: np.ndarray
    origin: tuple[float, float] = (0.0, 0.0)
    resolution: float = 0.1

    def grid(self, radius: float) -> Grid:
        return Grid(erode(self.free(), radius, 0.1), self.origin, 0.1)

    def free(self) -> np.ndarray:
        return self.free_cells & self.known

    def unknown(self) -> np.ndarray:
        return ~self.known

    def integrate(self, frame: Frame) -> None:
        ix, iy = np.indices(self.known.shape)
        x, y = frame.base_to_map[:2, 3]
        self.known |= np.hypot(ix * 0.1 - x, iy * 0.1 - y) < 2.0


def two_rooms() -> np.ndarray:
    free = np.zeros((80, 60), bool)
    free[2:38, 2:58] = free[42:78, 2:58] = True
    free[38:42, 24:36] = True  # the door
    return free


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_drives_through_the_door_and_reports_what_it_took(noise):
    robot = PaperRobot(two_rooms(), noise=noise)
    navigator = Navigator(robot, PaperMap(two_rooms(), np.ones((80, 60), bool)))
    travel = navigator.go_to_pose(6.5, 1.0, math.pi / 2)
    assert travel.reached
    assert math.dist((robot.x, robot.y), (6.5, 1.0)) < 0.35
    assert abs(math.remainder(robot.yaw - math.pi / 2, 2 * math.pi)) <= robot.spec.turn_rad / 2 + 1e-6
    shortest = navigator.grid().length((1.0, 1.0), (6.5, 1.0))
    assert shortest * 0.9 < travel.metres < shortest * 1.2


def test_stops_when_it_has_seen_what_it_wanted():
    seen = []
    navigator = Navigator(PaperRobot(two_rooms()), PaperMap(two_rooms(), np.ones((80, 60), bool)))
    navigator.on_frame = lambda frame: seen.append(frame) or len(seen) >= 5
    travel = navigator.go_to_pose(6.5, 1.0)
    assert travel.stopped and not travel.reached and travel.steps == 5


def test_gives_up_with_a_reason():
    plan = two_rooms()
    navigator = Navigator(PaperRobot(plan), PaperMap(plan, np.ones((80, 60), bool)))
    assert "no free floor" in navigator.go_to_pose(30.0, 30.0).reason
    closed = plan.copy()
    closed[38:42] = False
    shut = Navigator(PaperRobot(closed), PaperMap(closed, np.ones((80, 60), bool)))
    assert "no way" in shut.go_to_pose(6.5, 1.0).reason
    short = Navigator(PaperRobot(plan), PaperMap(plan, np.ones((80, 60), bool)), limits=Limits(metres=1.0))
    assert "gave up" in short.go_to_pose(6.5, 1.0).reason


def test_plans_around_what_is_not_on_the_map():
    real = two_rooms()
    real[15:17, 2:40] = False  # a screen that the map does not show
    robot = PaperRobot(real, noise=0.01)
    navigator = Navigator(robot, PaperMap(two_rooms(), np.ones((80, 60), bool)), limits=Limits(replans=40))
    travel = navigator.go_to_pose(3.0, 1.0)
    assert travel.reached, travel.reason


def test_approach_stops_short_and_faces_the_object():
    robot = PaperRobot(two_rooms())
    navigator = Navigator(robot, PaperMap(two_rooms(), np.ones((80, 60), bool)))
    assert navigator.approach((6.5, 5.0, 0.8), standoff=1.2).reached
    gap = math.dist((robot.x, robot.y), (6.5, 5.0))
    assert gap < 1.2 + 0.3
    bearing = math.atan2(5.0 - robot.y, 6.5 - robot.x)
    assert abs(math.remainder(bearing - robot.yaw, 2 * math.pi)) < robot.spec.turn_rad


def test_exploring_ends_when_no_frontier_is_left():
    known = np.zeros((80, 60), bool)
    site_map = PaperMap(two_rooms(), known)
    travel = explore(Navigator(PaperRobot(two_rooms()), site_map))
    assert travel.reached and travel.reason == "explored"
    assert (site_map.free() == two_rooms()).mean() > 0.99
