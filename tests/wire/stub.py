"""A simulator that is quick to start and does what its scene's name says: hangs, dies or fails at "forward"."""

from __future__ import annotations

import os
import signal
import sys
import time as clocks
from types import SimpleNamespace

import numpy as np

from embodied_mem.errors import InputError, NavigationError
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Frame, FrameRef, planar_pose

TOKEN = "for-the-tests-only"


class Stub:
    """Its frames carry the id of the process that they come from as ``map_revision``."""

    def __init__(self, spec: RobotSpec, seed: int = 0) -> None:
        self.spec, self.clock, self.truth = spec, 0.0, SimpleNamespace(pose=(1.0, 2.0, 0.5), secret="house")

    def reset(self, scene, *, visit, time=None, start=None) -> Frame:
        self._scene, self._visit, self._index, self._action, self.clock = scene, visit, 0, "", time or 0.0
        return self.observe()

    def observe(self) -> Frame:
        camera = self.spec.camera
        color, depth = np.zeros((camera.height, camera.width, 3), np.uint8), np.ones((camera.height, camera.width))
        return Frame(FrameRef(self._visit, self._index), self.clock, color, depth.astype(np.float32),
                     np.eye(4), planar_pose(0, 0, 0) @ camera.to_base(), camera, last_action=self._action,
                     map_revision=os.getpid())  # fmt: skip

    def step(self, action: str) -> Frame:
        if action not in self.spec.actions:
            raise InputError(f"action {action!r} is none of {self.spec.actions}")
        if action == "forward":
            self._misbehave()
        self._index, self._action, self.clock = self._index + 1, action, self.clock + 1
        return self.observe()

    def advance(self, to_time: float) -> None:
        self._index, self.clock = self._index + 1, to_time

    def _misbehave(self) -> None:
        if self._scene == "hangs":
            clocks.sleep(60)
        elif self._scene == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._scene == "fails":
            raise KeyError("a bug in the simulator")
        elif self._scene == "refuses":
            raise NavigationError("the way is blocked by a mug; go around it")


def serve_until_killed() -> None:
    """For a process of its own: serve, say where, wait."""
    from embodied_mem.wire.server import Server

    with Server(Stub, TOKEN) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def connect_and_hang(url: str) -> None:
    """For a process of its own: begin a session, say which process serves it, hang in a step."""
    from embodied_mem.wire.client import RemoteSimulator

    sim = RemoteSimulator(url, TOKEN)
    print(sim.reset("hangs", visit="v0").map_revision, flush=True)
    sim.step("forward")
