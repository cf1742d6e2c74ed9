"""One experience and its instructions: hands each agent what it may have, notes how its stops stand to the goals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embodied_mem.control.navigator import Classical
from embodied_mem.errors import InputError
from embodied_mem.evaluation.session import SessionRobot
from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.mapping import SiteMap
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.planner.goals.seeker import GoalSeeker
from embodied_mem.planner.workbench import Workbench
from embodied_mem.tasks.findingdory.baselines import FlatRetrieval, LatestFrame, OracleFrame, RandomFrame
from embodied_mem.tasks.findingdory.dataset import video_of
from embodied_mem.tasks.findingdory.episode import episode_of, save_episode
from embodied_mem.tasks.findingdory.experience import ExperienceConfig, digest_of, record_experience
from embodied_mem.tasks.findingdory.facts import Facts, collect_facts
from embodied_mem.tasks.findingdory.generate import generate_items
from embodied_mem.tasks.findingdory.items import Item, Stop
from embodied_mem.tasks.findingdory.log import EpisodeLog
from embodied_mem.tasks.findingdory.lowlevel import Present, driven
from embodied_mem.tasks.findingdory.pictures import Pictures
from embodied_mem.tasks.findingdory.rows import prediction_row
from embodied_mem.tasks.findingdory.scene import Scene
from embodied_mem.tasks.findingdory.tours import shortest_m
from embodied_mem.tasks.findingdory.video import write_video

if TYPE_CHECKING:
    from embodied_mem.tasks.findingdory.task import FindingDoryConfig

DRAWN_AGENT = "mind_palace"  # the agent whose instructions get pictures in the report
Status = Callable[[str], None]


@dataclass
class Episode:
    """One experience, ready for instructions."""

    job: str
    config: FindingDoryConfig
    log: EpisodeLog
    scene: Scene
    facts: Facts
    items: list[Item]
    palace: MindPalace
    site_map: SiteMap
    present: Present
    pictures: Pictures
    navigators: Any

    @classmethod
    def prepare(
        cls, house: int, episode: int, config: FindingDoryConfig, folder: Path, status: Status, navigators=None
    ) -> Episode:
        """Record the experience (or take the cached one), judge its frames, make its instructions.

        ``folder``: of the run; the episode file goes into its ``episodes``, pictures into its ``pictures``.
        ``navigators``: an entry of ``embodied_mem.navigators`` (None: the classical one).
        """
        kept = folder_of(config, house, episode)
        experience = record_experience(house, episode, settings_of(config), kept, config.noise, status)
        log = experience.log()
        scene = Scene(log.after)
        facts = facts_beside(kept, log, scene, status)
        status("making instructions")
        items, left_out = generate_items(log, scene, facts)
        (folder / "episodes").mkdir(parents=True, exist_ok=True)
        save_episode(folder / "episodes" / f"{log.name}.json", episode_of(log, items, left_out))
        palace = MindPalace.open(experience.palace, read_only=True)
        site_map = palace.load_map()
        present = Present(log, config.noise, Sidecar(experience.sidecar))
        job, video = f"house-{house}-{episode}", folder / video_of(house, log.name)
        if config.mp4 and not video.exists():
            write_video(experience, video, status)
        pictures = Pictures(folder / "pictures" / job, palace, site_map, log)
        return cls(job, config, log, scene, facts, items, palace, site_map, present, pictures,
                   navigators or Classical())  # fmt: skip

    def agent(self, name: str):
        """An agent by name: something with ``choose`` and ``drive``, or the oracle, which is handed the facts."""
        if name == "mind_palace":
            return GoalSeeker(self.config.prices)
        return {a.name: a for a in (FlatRetrieval(), RandomFrame(), LatestFrame(), OracleFrame())}[name]

    def answer(self, agent, item: Item) -> dict:
        """One prediction: where the agent says the goals are, how these stops stand to them, and how it drove there."""
        started = time.perf_counter()
        robot = self.present.start()
        # The map is copied: what a robot learns while it follows one instruction is forgotten with it.
        now = float(self.log.steps.time[-1])
        bench = Workbench(
            self.palace, self.site_map.copy(), robot, self.present.detector, now, self.navigators.begin()
        )  # fmt: skip
        if isinstance(agent, OracleFrame):
            choice = agent.choose_for(item, self.facts, bench)
        else:
            choice = agent.choose(item.instruction, bench)
        stops = [Stop(frame=v.frame) if v.frame is not None else Stop(pose=v.pose) for v in choice.stops]
        row = prediction_row(item, agent.name, stops, choice.error, self.log, self.scene, self.facts)
        trace = list(choice.trace)
        if row["correct"]:
            marks = agent.drive(choice, bench)
            shortest = shortest_m(self.scene, item.quantifier, item.goals, self.log.end_pose[:2])
            reason = next((m.reason for m in marks if m.reason != "arrived"), "arrived")
            row["ll"] = driven(item, self.scene, self.present, robot, shortest, reason)
            trace += [{"action": "drive", "search": m.search, "metres": m.metres} for m in marks if m.search]
        row |= {
            "confidence": float(choice.confidence), "images": choice.images, "explored_m": round(choice.explored_m, 3),
            "seconds": round(time.perf_counter() - started, 3), "understood": choice.understood,
            "trace": trace,
        }  # fmt: skip
        if agent.name == DRAWN_AGENT:
            self._draw(item, row, robot)
        return row

    def _draw(self, item: Item, row: dict, robot: SessionRobot) -> None:
        low = row["ll"]
        ends = [stop["pose"] for stop in low["stops"]] if low else []
        seen = [frame for frame, _ in self.present.stops(robot)]
        self.pictures.draw(item, row, row["correct"], self.present.path(robot) if low else [], ends, seen)


def settings_of(config: FindingDoryConfig) -> ExperienceConfig:
    """How experiences of a run are made."""
    return ExperienceConfig(tuple(config.interactions), config.seconds_per_step)


def folder_of(config: FindingDoryConfig, house: int, episode: int) -> Path:
    """Where the cache of a run keeps an experience."""
    digest = digest_of(house, episode, settings_of(config), config.noise)
    return Path(config.cache) / f"house-{house}-{episode}-{digest[:8]}"


def facts_beside(folder: Path, log: EpisodeLog, scene: Scene, status: Status = lambda text: None) -> Facts:
    """The facts of an experience, from beside it or made anew."""
    path = folder / "facts.npz"
    try:
        facts = Facts.load(path)
        if np.array_equal(facts.pose, log.steps.pose):
            return facts
    except InputError:
        pass  # missing or of another version: made anew
    status("judging every frame")
    facts = collect_facts(log, scene, status)
    facts.save(path)
    return facts


