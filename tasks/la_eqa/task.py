"""LA-EQA as the runner sees it: a house is a job; it is recorded once and every agent answers its questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from embodied_mem import registry
from embodied_mem.errors import ConfigError
from embodied_mem.evaluation.seeds import EVALUATION_FROM, check_seeds
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.planner.costs import Prices
from embodied_mem.sim.houses import SIMULATORS, require_simulator

AGENTS = ("mind_palace", "no_voi", "all_images", "latest_visit", "flat_retrieval", "blind", "oracle")
COLUMNS = (
    ("efficiency", "efficiency"), ("images", "images"), ("metres", "travel_m"), ("ECE", "ece"),
    ("ev. recall", "evidence_recall"),
)  # fmt: skip


@dataclass(frozen=True)
class LaEqaConfig:
    """One LA-EQA experiment. Seeds below 10,000 are for development and calibration, from 100,000 for evaluation.

    navigator: an entry of ``embodied_mem.navigators``; checkpoint: what it runs from (left out: its own); simulator:
    where the houses are recorded and asked about (habitat: on exports in the cache, with habitat-sim installed).
    """

    seed: int = field(default=EVALUATION_FROM, metadata={"min": 0, "max": 2**31})
    houses: int = field(default=20, metadata={"min": 1, "max": 10_000})
    days: int = field(default=6, metadata={"min": 3, "max": 366})
    questions: int = field(default=1500, metadata={"min": 5, "max": 10_000_000})
    agents: tuple[str, ...] = field(default=AGENTS, metadata={"choices": AGENTS})
    noise: NoiseConfig = NoiseConfig()
    prices: Prices = Prices()
    navigator: str = "classical"
    checkpoint: str = ""
    cache: str = "cache/la_eqa"
    simulator: str = field(default="embedded", metadata={"choices": SIMULATORS})
    workers: int | None = field(default=None, metadata={"min": 1, "max": 1024})


class LaEqa:
    """The task, found as ``la_eqa`` through the entry points."""

    Config = LaEqaConfig
    OPTIONS = {name: name for name in ("seed", "houses", "days", "questions", "simulator", "workers")}

    def __init__(self, config: LaEqaConfig) -> None:
        check_seeds(config.seed, config.houses)
        if not config.agents or len(set(config.agents)) < len(config.agents):
            raise ConfigError(f"la_eqa.agents: {list(config.agents)} must name each agent once, and at least one")
        if config.questions < config.houses:
            raise ConfigError(
                f"la_eqa.questions: {config.questions} is less than one a house; "
                f"ask at least {config.houses} or take fewer houses"
            )
        require_simulator(config.simulator)
        self.config = config
        self.navigators = registry.load("navigators", config.navigator)(config.checkpoint)

    def inputs(self) -> dict[str, str]:
        """What else results depend on: the weights of a navigator that has some."""
        return dict.fromkeys(self.jobs(), self.navigators.fingerprint())

    def jobs(self) -> list[str]:
        return [f"house-{self.config.seed + i}" for i in range(self.config.houses)]

    def expected(self) -> int:
        return self.config.questions * len(self.config.agents)

    def questions_of(self, house: int) -> int:
        """Questions of the house's share: the total spread evenly, the first houses take what is left over."""
        share, left = divmod(self.config.questions, self.config.houses)
        return share + (house - self.config.seed < left)

    def run(
        self, job: str, folder: Path, done: set[str], emit: Callable[[dict], None], status: Callable[[str], None]
    ) -> None:
        from embodied_mem.tasks.la_eqa.answering import House

        house = int(job.removeprefix("house-"))
        at = House.prepare(
            house, self.config, self.questions_of(house), folder / "pictures" / job, status, self.navigators
        )  # fmt: skip
        agents = {name: at.agent(name) for name in self.config.agents}
        # Question by question: what one agent's robot saw of the present is still drawn when the next one stands there.
        for i, item in enumerate(at.items):
            for name, agent in agents.items():
                if f"{name}/{item.question_id}" not in done:
                    status(f"question {i + 1}/{len(at.items)}, {name}")
                    emit(at.answer(agent, item))

    def metrics(self, rows: list[dict]) -> dict:
        return {**self.score(rows), "seed": self.config.seed, "config": asdict(self.config)}

    def report(self, folder: Path) -> Path:
        from embodied_mem.tasks.la_eqa.report import write_report

        return write_report(folder)

    @staticmethod
    def score(rows: list[dict]) -> dict:
        """Metrics of a predictions file alone; every answer is judged anew. Raises InputError for a damaged row."""
        from embodied_mem.tasks.la_eqa.metrics import score

        return score(rows)

    @staticmethod
    def made(row: dict) -> bool:
        """Whether a line of a predictions file is this task's."""
        return "question_id" in row and "template" in row

    @staticmethod
    def table(metrics: dict) -> tuple[str, list[str], list[list]]:
        """What a finished run prints: title, column names, a line an agent."""
        agents = metrics["agents"]
        categories = [c for c in next(iter(agents.values()))["correctness"] if c != "all"]
        names = ["agent", "correct", *(c.replace("_", " ") for c in categories), *(name for name, _ in COLUMNS)]
        lines = [
            [agent, row["correctness"]["all"], *(row["correctness"][c] for c in categories),
             *(row[key] for _, key in COLUMNS)] for agent, row in agents.items()
        ]  # fmt: skip
        return f"{metrics['task']}: {metrics['houses']} houses, {metrics['questions']} questions", names, lines

    @staticmethod
    def record(house: int, out: Path, days: int) -> Path:
        """Record one house with default noise into ``out``; returns the palace folder."""
        from embodied_mem.tasks.la_eqa.record import record_house

        return record_house(house, days, out, NoiseConfig(), status=lambda text: print(text, flush=True)).palace
