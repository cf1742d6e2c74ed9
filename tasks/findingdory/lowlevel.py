"""Phase 2 in the simulator: a robot in the house as the experience left it, and what the scorer notes of its drive."""

from __future__ import annotations

from dataclasses import replace

from embodied_mem.evaluation.session import Session, SessionRobot
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.tasks.findingdory.experience import noise_seed
from embodied_mem.tasks.findingdory.items import Item
from embodied_mem.tasks.findingdory.log import EpisodeLog
from embodied_mem.tasks.findingdory.rows import finite, pose_facts
from embodied_mem.tasks.findingdory.scene import Scene
from embodied_mem.tasks.findingdory.settings import robot_spec

DRIVES = ("forward", "left", "right", "stop")  # instructions are about going somewhere; nothing is carried any more
KEPT_FRAMES = 200


class Present(Session):
    """The house after an experience; every instruction starts at the pose where the experience ended."""

    def __init__(self, log: EpisodeLog, noise: NoiseConfig, stored: Sidecar) -> None:
        spec = replace(robot_spec(log.seconds_per_step), actions=DRIVES)
        seed = noise_seed(log.house, log.episode)
        super().__init__(log.house, noise, stored, spec, kept=KEPT_FRAMES, seed=seed)
        self._log, self._house = log, log.after

    def start(self) -> SessionRobot:
        """A fresh robot at the end pose, at the time of the last frame."""
        log = self._log
        return self.begin(time=float(log.steps.time[-1]), start=log.end_pose, house=self._house)


def driven(item: Item, scene: Scene, present: Present, robot: SessionRobot, shortest_m: float, reason: str) -> dict:
    """The ``ll`` part of a row: each stop with its facts, metres truly driven and the least that would have done."""
    stops = []
    for _, pose in present.stops(robot):
        facts = [f.to_json() for f in pose_facts(item, pose, scene)]
        stops.append({"pose": [round(v, 4) for v in pose], "facts": facts})
    metres = present.way(robot)[0]
    return {"stops": stops, "metres": round(metres, 3), "shortest_m": finite(shortest_m), "reason": reason}
