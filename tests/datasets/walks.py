"""A short walk of the embedded robot, exact, with its instance pictures: what the dataset tests write and read back."""

from __future__ import annotations

from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Camera, Frame

SEED = 7
SMALL = Camera(width=96, height=72)


def walk(actions: tuple[str, ...], camera: Camera = SMALL, seed: int = SEED) -> tuple[list[Frame], Sidecar]:
    """The frames of one visit (index 0 before the first action) and the sidecar that holds what they show."""
    sidecar = Sidecar(None, capacity=1000)
    simulator = EmbeddedSimulator(sidecar=sidecar, spec=RobotSpec(camera=camera), days=1)
    frames = [simulator.reset(seed, visit="v000")]
    frames += [simulator.step(action) for action in actions]
    return frames, sidecar
