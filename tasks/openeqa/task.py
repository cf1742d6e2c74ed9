"""OpenEQA's and LA-EQA's folders as the runner sees them: an episode (or scene) is a job, recorded once, then asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.planner.costs import Prices
from embodied_mem.tasks.openeqa.metrics import Asked

if TYPE_CHECKING:
    from embodied_mem.tasks.openeqa.scene import Scene

AGENTS = ("mind_palace", "no_voi", "all_images", "latest_visit", "flat_retrieval", "blind")
FIRST_TIME = 1_803_891_600.0  # Monday 2027-03-01 09:00 UTC: OpenEQA's episodes have no clock


@dataclass(frozen=True)
class FolderConfig:
    """One run over a dataset folder.

    folder: the dataset's (``--folder``); questions: the first so many (None: all); subset: a JSON list of the ids to
    ask (as OpenEQA's 184 questions of A-EQA); width: pixels of a frame at most; noise: of the simulated detector;
    active: openeqa explores, along the episode's own way for ``explore_m`` metres, then looks where it wants; what it
    walked counts. Without it the whole episode is remembered, which costs nothing.
    """

    folder: str = ""
    questions: int | None = field(default=None, metadata={"min": 1, "max": 10_000_000})
    subset: str = ""
    width: int = field(default=640, metadata={"min": 32, "max": 4096})
    agents: tuple[str, ...] = field(default=("mind_palace", "all_images", "blind"), metadata={"choices": AGENTS})
    noise: NoiseConfig = NoiseConfig()
    prices: Prices = Prices()
    active: bool = False
    explore_m: float = field(default=20.0, metadata={"min": 0.0, "max": 10_000.0})
    workers: int | None = field(default=None, metadata={"min": 1, "max": 1024})


class FolderTask:
    """What the two datasets share; a subclass says what its questions are and how a job is recorded."""

    Config = FolderConfig
    OPTIONS = {name: name for name in ("folder", "questions", "workers")}
    name = ""
    questions_file = ""

    def __init__(self, config: FolderConfig) -> None:
        if not config.folder:
            raise ConfigError(f"{self.name}.folder is empty; give the dataset's folder with --folder DIR, or make one "
                              "to try it: scripts/make_openeqa_folder.py 7 DIR")  # fmt: skip
        if not config.agents or len(set(config.agents)) < len(config.agents):
            raise ConfigError(f"{self.name}.agents: {list(config.agents)} must name each agent once, and at least one")
        from embodied_mem.datasets.files import MAX_JSON, read_bytes

        self.config, self.folder = config, Path(config.folder)
        self._fingerprint = hashlib.sha256(read_bytes(self.folder / self.questions_file, MAX_JSON)).hexdigest()
        self._asked: dict[str, list[Asked]] | None = None
        self.absent = 0  # episodes that are asked about and not in the folder: part of a dataset may be used

    # -- what a dataset says ------------------------------------------------------------------------------------

    def load(self) -> list[Asked]:
        """All questions of the folder, checked."""
        raise NotImplementedError

    def frames_of(self, episode: str) -> Path:
        """Where the pictures of an episode (of a scene: its present) lie."""
        raise NotImplementedError

    def scene(self, episode: str, folder: Path, status: Callable[[str], None]) -> Scene:
        """Record one episode into ``folder`` and make it ready to be asked."""
        raise NotImplementedError

    # -- what the runner asks -----------------------------------------------------------------------------------

    def inputs(self) -> dict[str, str]:
        """What else results depend on: the questions themselves."""
        return dict.fromkeys(self.jobs(), self._fingerprint)

    def asked(self) -> dict[str, list[Asked]]:
        """The chosen questions by episode, in the file's order."""
        if self._asked is None:
            chosen = self._chosen(self.load())
            self._asked = {}
            for question in chosen:
                self._asked.setdefault(question.episode, []).append(question)
        return self._asked

    def _chosen(self, questions: list[Asked]) -> list[Asked]:
        if self.config.subset:
            from embodied_mem.datasets.openeqa import load_subset

            wanted = load_subset(Path(self.config.subset))
            if unknown := sorted(set(wanted) - {q.question_id for q in questions}):
                raise InputError(
                    f"{self.config.subset} names {len(unknown)} ids that {self.folder / self.questions_file} does not "
                    f"have, {unknown[0]!r} first; use a subset of this file"
                )
            questions = [q for q in questions if q.question_id in set(wanted)]
        episodes = dict.fromkeys(q.episode for q in questions)
        here = {e for e in episodes if self.frames_of(e).is_dir()}
        if not here:
            looked = self.frames_of(next(iter(episodes), "EPISODE"))
            raise InputError(f"{self.folder} has no episode that {self.questions_file} asks about (such as {looked}); "
                             "download or extract the frames there")  # fmt: skip
        self.absent = len(episodes) - len(here)
        return [q for q in questions if q.episode in here][: self.config.questions]

    def jobs(self) -> list[str]:
        return [job_of(episode) for episode in self.asked()]

    def expected(self) -> int:
        return sum(map(len, self.asked().values())) * len(self.config.agents)

    def run(
        self, job: str, folder: Path, done: set[str], emit: Callable[[dict], None], status: Callable[[str], None]
    ) -> None:
        from embodied_mem.planner.agents import build_agent

        episode = next(e for e in self.asked() if job_of(e) == job)
        questions = self.asked()[episode]
        todo = [(q, a) for q in questions for a in self.config.agents if f"{a}/{q.question_id}" not in done]
        if not todo:
            return
        status("opening the episode")
        scene = self.scene(episode, folder / "episodes" / job, status)
        agents = {name: build_agent(name, prices=self.config.prices) for name in self.config.agents}
        for question, name in todo:
            status(f"question {questions.index(question) + 1}/{len(questions)}, {name}")
            emit(scene.answer(agents[name], question))

    def metrics(self, rows: list[dict]) -> dict:
        return {**self.score(rows), "episodes_not_in_folder": self.absent, "config": asdict(self.config)}

    def report(self, folder: Path) -> Path:
        from embodied_mem.tasks.openeqa.report import write_report

        return write_report(folder, self.folder / self.questions_file)

    @classmethod
    def score(cls, rows: list[dict]) -> dict:
        """Metrics of a predictions file alone, judged anew. Raises InputError for a damaged row."""
        from embodied_mem.tasks.openeqa.metrics import score

        return score(rows, cls.name)

    @staticmethod
    def table(metrics: dict) -> tuple[str, list[str], list[list]]:
        """What a finished run prints: title, column names, a line an agent."""
        columns = ("correct", "judged", "efficiency", "abstained", "images", "travel_m", "seconds")
        names = ["agent", "correct of judged", "judged", *columns[2:]]
        lines = [[agent, *(row[c] for c in columns)] for agent, row in metrics["agents"].items()]
        title = f"{metrics['task']}: {metrics['episodes']} episodes, {metrics['questions']} questions"
        if metrics.get("episodes_not_in_folder"):
            title += f" ({metrics['episodes_not_in_folder']} more episodes are not in the folder)"
        return title, names, lines


class OpenEqa(FolderTask):
    """OpenEQA: an episode is remembered, or (``active``) explored, then asked about. The entry point ``openeqa``."""

    name = "openeqa"
    questions_file = "open-eqa-v0.json"

    def load(self) -> list[Asked]:
        from embodied_mem.datasets.openeqa import load_questions
        from embodied_mem.tasks.openeqa.keys import key_of, way_of

        return [
            Asked(q.question_id, q.episode_history, q.question, q.category, q.answers, *key_of(q.raw), way_of(q.raw))
            for q in load_questions(self.folder / self.questions_file)
        ]

    def frames_of(self, episode: str) -> Path:
        return self.folder / "frames" / episode

    def scene(self, episode: str, folder: Path, status: Callable[[str], None]) -> Scene:
        from embodied_mem.datasets.episodes import Episode
        from embodied_mem.tasks.openeqa.scene import Scene, check_readable, walked

        def opened() -> Episode:
            return Episode.open(self.frames_of(episode), width=self.config.width)

        job = job_of(episode)
        if not self.config.active:
            return Scene.prepare(job, folder, [("v000", FIRST_TIME, opened)], self.config.noise, status)
        whole = check_readable(opened())
        seen, last, metres = walked(whole, self.config.explore_m)
        visits = [("v000", FIRST_TIME, lambda: seen)]
        scene = Scene.prepare(job, folder, visits, self.config.noise, status, whole)
        scene.walked, scene.start = metres, last
        return scene

    @staticmethod
    def made(row: dict) -> bool:
        """Whether a line of a predictions file is this task's."""
        from embodied_mem.datasets.openeqa import CATEGORIES

        return "references" in row and row.get("category") in CATEGORIES


class LaEqaFiles(FolderTask):
    """LA-EQA's own question file: past visits are remembered, the present is walked. Entry point ``la_eqa_files``."""

    name = "la_eqa_files"
    questions_file = "eqa-questions.json"

    def load(self) -> list[Asked]:
        from embodied_mem.datasets.la_eqa import load_questions
        from embodied_mem.tasks.openeqa.keys import key_of

        return [
            Asked(q.question_id, q.scene_name, q.question, q.category, q.answers, *key_of(q.raw),
                  (q.start_place, *q.best_path))
            for q in load_questions(self.folder / self.questions_file)
        ]  # fmt: skip

    def frames_of(self, episode: str) -> Path:
        return self.folder / "frames" / "hm3d-v0" / f"{episode}_0"

    def scene(self, episode: str, folder: Path, status: Callable[[str], None]) -> Scene:
        from embodied_mem.tasks.openeqa.scene import Scene, check_readable

        scene = self._scene(episode)
        times = scene.times
        past = [
            (f"v{k:03d}", times[i], lambda i=i: scene.episode(i)) for k, i in enumerate(range(len(times) - 1, 0, -1))
        ]
        present = check_readable(scene.episode(0))
        return Scene.prepare(job_of(episode), folder, past, self.config.noise, status, present, times[0])

    def _scene(self, name: str):
        from embodied_mem.datasets.la_eqa import LABELS, Scene, load_labels

        labels = load_labels(self.folder / LABELS)
        if name not in labels or len(labels[name]) < 2:
            known = ", ".join(labels)
            raise InputError(f"{self.folder / LABELS} has no past visit of scene {name!r}, it knows {known}; mend it")
        return Scene(self.folder, name, labels[name], self.config.width)

    @staticmethod
    def made(row: dict) -> bool:
        """Whether a line of a predictions file is this task's."""
        from embodied_mem.datasets.la_eqa import CATEGORIES

        return "references" in row and row.get("category") in CATEGORIES


def job_of(episode: str) -> str:
    """A file name for an episode: ``hm3d-v0/000-…`` has a folder in it."""
    return episode.replace("/", "--")
