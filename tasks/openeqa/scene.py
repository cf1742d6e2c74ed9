"""A recorded scene of a dataset folder and its questions: hands each agent what it may have, and notes what it did."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from embodied_mem.datasets.episodes import Episode
from embodied_mem.datasets.la_eqa import way_length
from embodied_mem.datasets.replay import ReplayRobot
from embodied_mem.errors import InputError
from embodied_mem.evaluation.session import BothSidecars
from embodied_mem.geodesic import Grid
from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.recorder import Recorder
from embodied_mem.perception.mapping import SiteMap
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.planner.workbench import Agent, Workbench
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.tasks.openeqa.metrics import Asked, prediction_row

Visit = tuple[str, float, Callable[[], Episode]]  # name, start (UTC s), how to open it


@dataclass
class Scene:
    """A palace and, where the present is to be walked, the frames of the present. ``now``: UTC s of the questions.

    walked: metres that were walked before any question, start: the frame where that ended (None: as the question says).
    """

    job: str
    palace: MindPalace
    site_map: SiteMap
    detector: SimulatedDetector
    now: float
    present: Episode | None
    _live: Sidecar
    _floor: Grid | None = None
    walked: float = 0.0
    start: int | None = None

    @classmethod
    def prepare(
        cls, job: str, folder: Path, visits: Iterable[Visit], noise: NoiseConfig, status: Callable[[str], None],
        present: Episode | None = None, now: float | None = None,
    ) -> Scene:  # fmt: skip
        """Record the visits (oldest first) into ``folder``, or go on where a killed recording stopped.

        now: when questions are asked (None: at the end of the last visit). Raises InputError for an episode that no
        detector here can read.
        """
        stored, live = Sidecar(folder / "sidecar"), Sidecar(None, capacity=100_000)
        detector = SimulatedDetector(BothSidecars(stored, live), noise)
        recording = folder / "palace"
        palace = MindPalace.open(recording) if recording.exists() else MindPalace.create(recording)
        done = {visit.id for visit in palace.visits() if visit.end is not None}
        for name, start, opened in visits:
            if name not in done:
                episode = check_readable(opened())
                _record(palace, detector, episode, name, start, stored, status)
        palace.close()
        palace = MindPalace.open(recording, read_only=True)
        last = palace.visits()[-1]
        scene = cls(job, palace, palace.load_map(), detector, now or last.end, present, live)
        if present is not None:
            scene._floor = scene.site_map.grid(RobotSpec().radius_m)
        return scene

    def answer(self, agent: Agent, asked: Asked) -> dict:
        """One prediction: what the agent answered and cited, with the way that it truly went."""
        robot, reference = None, None
        if self.present is not None:
            reference = round(way_length(asked.way, self.present), 3) if asked.way else None
            start = asked.way[0] if self.start is None else self.start
            robot = ReplayRobot(self.present, start, self.now, self._floor, self._live)
        # The map is copied: what is learnt while one question is answered is forgotten with it.
        bench = Workbench(self.palace, self.site_map.copy(), robot, self.detector, self.now)
        started = time.perf_counter()
        answer = agent.answer(asked.question, bench)
        metres, steps = robot.way if robot else (0.0, 0)
        seconds = time.perf_counter() - started
        cost = replace(answer.cost, metres=round(self.walked + metres, 3), steps=steps, seconds=round(seconds, 3))
        return prediction_row(asked, agent.name, replace(answer, cost=cost), self.job, reference)


def check_readable(episode: Episode) -> Episode:
    """The episode, if the simulated detector can read it; else InputError that says what is needed."""
    if not episode.has_instances:
        raise InputError(
            f"{episode.folder} has no instances.json and NNNNN-instance.png, which the simulated detector reads, and "
            "no other detector comes with this package. For real pictures write one (CONTRIBUTING.md, 'a detector') "
            "and record from Python: Recorder(palace, detector).record('v000', Episode.open(FOLDER).frames('v000', "
            "start)); scripts/make_openeqa_folder.py makes a folder that runs as it is"
        )
    return episode


def walked(episode: Episode, most_m: float) -> tuple[Episode, int, float]:
    """The first ``most_m`` metres of an episode's way: (the episode so far, its last frame, metres truly walked)."""
    points = np.array([episode.position(i) for i in episode.indices])
    way = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    count = int(np.searchsorted(way, most_m, side="right"))
    seen = replace(episode, indices=episode.indices[:count])
    return seen, seen.indices[-1], round(float(way[count - 1]), 3)


def _record(
    palace: MindPalace, detector: SimulatedDetector, episode: Episode, name: str, start: float, sidecar: Sidecar,
    status: Callable[[str], None],
) -> None:  # fmt: skip
    total = len(episode.indices)
    frames = episode.frames(name, start, sidecar)
    Recorder(palace, detector).record(name, frames, lambda n: status(f"recording {name}, frame {n}/{total}"))
