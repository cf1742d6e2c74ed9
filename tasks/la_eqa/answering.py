"""A recorded house and its questions: hands each agent what it may have, judges what it answers, notes the evidence."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embodied_mem.control.navigator import Classical
from embodied_mem.memory.palace import MindPalace
from embodied_mem.perception.mapping import SiteMap
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.planner.agents import build_agent
from embodied_mem.planner.workbench import Agent, Workbench
from embodied_mem.sim.houses import simulator_of_house
from embodied_mem.sim.protocol import Simulator
from embodied_mem.tasks.la_eqa.items import Item
from embodied_mem.tasks.la_eqa.oracle import Oracle
from embodied_mem.tasks.la_eqa.pictures import Pictures
from embodied_mem.tasks.la_eqa.predictions import prediction_row
from embodied_mem.tasks.la_eqa.session import NOW, Present
from embodied_mem.types import Answer, FrameRef

if TYPE_CHECKING:
    from embodied_mem.tasks.la_eqa.task import LaEqaConfig

DRAWN_AGENT = "mind_palace"  # the agent whose questions get pictures in the report
DRAWN_PER_CATEGORY = 4
DRAWN_FRAMES = 4


@dataclass
class House:
    """One house, ready to be asked."""

    job: str
    seed: int
    config: LaEqaConfig
    palace: MindPalace
    site_map: SiteMap
    present: Present
    items: list[Item]
    pictures: Pictures
    navigators: Any
    _drawn: dict[str, int] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls, seed: int, config: LaEqaConfig, questions: int, folder: Path, status: Callable[[str], None],
        navigators=None,
    ) -> House:
        """Record the house (or take the cached recording) and make its questions. ``navigators``: an entry of
        ``embodied_mem.navigators`` (None: the classical one)."""
        from embodied_mem.tasks.la_eqa.record import digest_of, items_of, record_house

        digest = digest_of(seed, config.days, config.noise, config.simulator)
        out = Path(config.cache) / f"house-{seed}-{digest[:8]}"
        recording = record_house(seed, config.days, out, config.noise, status, config.simulator)
        status("making questions")
        items = items_of(recording, questions)
        palace = MindPalace.open(recording.palace, read_only=True)
        site_map = palace.load_map()
        make = partial(_simulator, config, seed)
        stored = Sidecar(recording.sidecar)
        present = Present(seed, config.days, items[0].question_time, config.noise, stored, make)
        job = f"house-{seed}"
        pictures = Pictures(folder, palace, site_map)
        return cls(job, seed, config, palace, site_map, present, items, pictures, navigators or Classical())

    def agent(self, name: str) -> Agent | Oracle:
        """An agent by name; the oracle is the task's own, because it is handed the answers."""
        return Oracle() if name == "oracle" else build_agent(name, prices=self.config.prices)

    def answer(self, agent: Agent | Oracle, item: Item) -> dict:
        """One prediction: what the agent answered and cited, judged, with the true way it went."""
        if isinstance(agent, Oracle):
            answer, views = agent.answer_item(item)
            return {"job": self.job, **prediction_row(item, agent.name, answer, views)}
        robot = self.present.start(tuple(item.start_pose))
        # The map is copied: what a robot learns while it answers one question is forgotten with it.
        bench = Workbench(
            self.palace, self.site_map.copy(), robot, self.present.detector, item.question_time,
            self.navigators.begin(),
        )  # fmt: skip
        started = time.perf_counter()
        answer = agent.answer(item.question, bench)
        seconds = time.perf_counter() - started
        metres, steps = self.present.way(robot)
        cost = replace(answer.cost, metres=round(metres, 3), steps=steps, seconds=seconds)
        views = self.present.noted(robot, list(answer.evidence))
        row = prediction_row(item, agent.name, replace(answer, cost=cost), views)
        row |= {"job": self.job, "path": self.present.path(robot)}
        if agent.name == DRAWN_AGENT and self._drawn.get(item.category, 0) < DRAWN_PER_CATEGORY:
            self._drawn[item.category] = self._drawn.get(item.category, 0) + 1
            self.pictures.draw(item, row, [(why, self._frame(ref)) for why, ref in _shown(answer)])
        return row

    def _frame(self, ref: FrameRef):
        return self.present.frame(ref) if ref.visit == NOW else self.palace.load_frame(ref)


def _simulator(config: LaEqaConfig, seed: int, sidecar: Sidecar) -> Simulator:
    """What a question's present is seen in."""
    return simulator_of_house(
        config.simulator, seed, days=config.days, exports=config.cache, noise=config.noise, sidecar=sidecar, seed=seed
    )


def _shown(answer: Answer) -> list[tuple[str, FrameRef]]:
    """The images worth showing with an answer: what it cites, then what it opened without citing it."""
    opened = [FrameRef.parse(step["image"]) for step in answer.trace if step.get("image")]
    shown = {ref: "opened" for ref in opened} | {ref: "cited" for ref in answer.evidence}
    ranked = sorted(shown, key=lambda ref: shown[ref] != "cited")
    return [(shown[ref], ref) for ref in ranked[:DRAWN_FRAMES]]
