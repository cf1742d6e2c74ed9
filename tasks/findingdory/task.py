"""FindingDory as the runner sees it: an experience is a job; it is recorded once and every agent goes back into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from embodied_mem import registry
from embodied_mem.errors import ConfigError
from embodied_mem.evaluation.seeds import EVALUATION_FROM, check_seeds
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.planner.costs import Prices
from embodied_mem.tasks.findingdory.settings import SECONDS_PER_STEP

AGENTS = ("mind_palace", "flat_retrieval", "random", "latest", "oracle")
TEMPLATES = 60
MOST_INTERACTIONS = 50
COLUMNS = (
    ("HL-SR", "hl_sr"), ("DTG-SR", "dtg_sr"), ("SC-SR", "sc_sr"), ("HL-SPL", "hl_spl"), ("LL-SR", "ll_sr"),
    ("LL-SPL", "ll_spl"), ("partial", "partial"),
)  # fmt: skip


@dataclass(frozen=True)
class FindingDoryConfig:
    """One FindingDory experiment. Seeds below 10,000 are for development and calibration, from 100,000 for evaluation.

    episodes: experiences a house, each another day; interactions: fewest and most of an experience, drawn between;
    seconds_per_step: of the robot's clock; mp4: keep each experience as a video beside its episode file; navigator: an
    entry of ``embodied_mem.navigators``; checkpoint: what it runs from (left out: its own).
    """

    seed: int = field(default=EVALUATION_FROM, metadata={"min": 0, "max": 2**31})
    houses: int = field(default=20, metadata={"min": 1, "max": 10_000})
    episodes: int = field(default=1, metadata={"min": 1, "max": 100})
    interactions: tuple[int, ...] = (2, 11)
    seconds_per_step: float = field(default=SECONDS_PER_STEP, metadata={"min": 0.1, "max": 3600.0})
    agents: tuple[str, ...] = field(default=AGENTS, metadata={"choices": AGENTS})
    noise: NoiseConfig = NoiseConfig()
    prices: Prices = Prices()
    navigator: str = "classical"
    checkpoint: str = ""
    cache: str = "cache/findingdory"
    mp4: bool = False
    workers: int | None = field(default=None, metadata={"min": 1, "max": 1024})


class FindingDory:
    """The task, found as ``findingdory`` through the entry points."""

    Config = FindingDoryConfig
    OPTIONS = {name: name for name in ("seed", "houses", "episodes", "interactions", "workers")}

    def __init__(self, config: FindingDoryConfig) -> None:
        check_seeds(config.seed, config.houses)
        if not config.agents or len(set(config.agents)) < len(config.agents):
            raise ConfigError(
                f"findingdory.agents: {list(config.agents)} must name each agent once, and at least one of them"
            )
        span = config.interactions
        if len(span) != 2 or not 1 <= span[0] <= span[1] <= MOST_INTERACTIONS:
            raise ConfigError(
                f"findingdory.interactions: {list(span)} must be the fewest and the most of an experience, "
                f"between 1 and {MOST_INTERACTIONS}; for example [2, 11]"
            )
        self.config = config
        self.navigators = registry.load("navigators", config.navigator)(config.checkpoint)

    def inputs(self) -> dict[str, str]:
        """What else results depend on: the weights of a navigator that has some."""
        return dict.fromkeys(self.jobs(), self.navigators.fingerprint())

    def jobs(self) -> list[str]:
        c = self.config
        return [f"house-{c.seed + i}-{episode}" for i in range(c.houses) for episode in range(c.episodes)]

    def expected(self) -> int:
        return len(self.jobs()) * TEMPLATES * len(self.config.agents)

    def run(
        self, job: str, folder: Path, done: set[str], emit: Callable[[dict], None], status: Callable[[str], None]
    ) -> None:
        from embodied_mem.tasks.findingdory.answering import Episode

        house, episode = map(int, job.removeprefix("house-").split("-"))
        at = Episode.prepare(house, episode, self.config, folder, status, self.navigators)
        agents = {name: at.agent(name) for name in self.config.agents}
        for i, item in enumerate(at.items):
            for name, agent in agents.items():
                if f"{name}/{item.id}" not in done:
                    status(f"instruction {i + 1}/{len(at.items)}, {name}")
                    emit(at.answer(agent, item))

    def metrics(self, rows: list[dict]) -> dict:
        return {**self.score(rows), "seed": self.config.seed, "config": asdict(self.config)}

    def report(self, folder: Path) -> Path:
        from embodied_mem.tasks.findingdory.dataset import write_dataset
        from embodied_mem.tasks.findingdory.report import write_report

        write_dataset(folder)
        return write_report(folder)

    @staticmethod
    def score(rows: list[dict]) -> dict:
        """Metrics of a predictions file alone; every verdict is found anew. Raises InputError for a damaged row."""
        from embodied_mem.tasks.findingdory.metrics import score

        return score(rows)

    @staticmethod
    def foreign(predictions: Path, run: Path) -> tuple[list[dict], list[str]]:
        """Rows to score for answers made elsewhere to a run's instructions, and what was wrong with single ones."""
        from embodied_mem.tasks.findingdory.foreign import foreign_rows

        return foreign_rows(predictions, run)

    @staticmethod
    def made(row: dict) -> bool:
        """Whether a line of a predictions file is this task's."""
        return "quantifier" in row or "task_id" in row

    @staticmethod
    def table(metrics: dict) -> tuple[str, list[str], list[list]]:
        """What a finished run prints: title, column names, a line an agent."""
        names = ["agent", *(name for name, _ in COLUMNS)]
        lines = [
            [agent, *(row[key] if not isinstance(row[key], dict) else row[key]["all"] for _, key in COLUMNS)]
            for agent, row in metrics["agents"].items()
        ]
        # Eleven categories do not fit beside: the report has them.
        return f"findingdory: {metrics['houses']} houses, {metrics['items']} instructions", names, lines
