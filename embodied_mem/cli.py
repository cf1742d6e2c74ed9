"""The command line: ``embodied-mem evaluate | score | ask | record``. Errors that are yours to mend exit with 2."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional, arg

from embodied_mem.errors import EmbodiedMemError


@dataclass
class Evaluate:
    """Run an evaluation into a folder; the same command goes on where a killed run stopped.

    Examples:
        embodied-mem evaluate la_eqa
        embodied-mem evaluate configs/la_eqa.yaml --houses 2 --days 5 --questions 60 --out runs/small
    """

    config: Positional[str]
    """A YAML file, or the name of a shipped configuration (la_eqa, la_eqa_small)."""
    out: Path | None = None
    """The run folder (default: runs/TASK-DIGEST)."""
    seed: int | None = None
    """First house seed. Below 10,000: development; from 100,000: evaluation."""
    houses: int | None = None
    """How many houses."""
    days: int | None = None
    """How many days the robot patrols before it is asked."""
    questions: int | None = None
    """How many questions in all, spread evenly over the houses."""
    workers: int | None = None
    """Parallel processes (default: one a core)."""

    def run(self) -> None:
        from embodied_mem.evaluation.run import evaluate

        names = ("seed", "houses", "days", "questions", "workers")
        folder = evaluate(self.config, self.out, {n: getattr(self, n) for n in names})
        _print_summary(folder)


@dataclass
class Score:
    """Score a predictions file alone, without running anything.

    Example:
        embodied-mem score runs/small/predictions.jsonl --out metrics.json
    """

    predictions: Positional[Path]
    """A predictions.jsonl."""
    out: Path | None = None
    """Write the metrics here as well."""
    task: str = "la_eqa"
    """The task that made the file."""

    def run(self) -> None:
        import json

        from embodied_mem import registry
        from embodied_mem.errors import InputError
        from embodied_mem.evaluation.run import read_rows, write_atomically

        if not self.predictions.is_file():
            raise InputError(f"no predictions file at {self.predictions}; give the predictions.jsonl of a run folder")
        cls = registry.load("tasks", self.task)
        metrics = cls.score(list(read_rows(self.predictions)))
        text = json.dumps(metrics, indent=1)
        if self.out:
            write_atomically(self.out, text + "\n")
        print(text)


@dataclass
class Ask:
    """Ask a recorded palace a question. Without a robot it recalls; it cannot go and look.

    Examples:
        embodied-mem ask cache/la_eqa/house-7/palace "Where was the red mug on Tuesday evening?"
    """

    palace: Positional[Path]
    """A palace folder."""
    question: Positional[str]
    """The question, in English."""
    trace: bool = False
    """Print every decision: action, value, cost, belief."""

    def run(self) -> None:
        from embodied_mem.evaluation.ask import ask

        print(ask(self.palace, self.question, self.trace))


@dataclass
class Record:
    """Let the simulated robot live in a house for some days and record its palace.

    Example:
        embodied-mem record 7 demo --days 3
    """

    house: Positional[int]
    """House seed."""
    out: Positional[Path]
    """Folder for the palace and, beside it, the simulated detector's sidecar."""
    days: Annotated[int, arg(help="Days to patrol, one patrol a day.")] = 3

    def run(self) -> None:
        from embodied_mem import registry

        task = registry.load("tasks", "la_eqa")
        print(f"palace: {task.record(self.house, self.out, self.days)}")


def _print_summary(folder: Path) -> None:
    from embodied_mem.evaluation.summary import summary_table

    print(summary_table(folder))
    print(f"\npredictions, metrics and report: {folder}/predictions.jsonl, metrics.json, report.html")


def main() -> None:
    """Entry point of the console command."""
    command = tyro.extras.subcommand_cli_from_dict(
        {"evaluate": Evaluate, "score": Score, "ask": Ask, "record": Record}, prog="embodied-mem"
    )
    try:
        command.run()
    except EmbodiedMemError as error:
        print(f"embodied-mem: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nembodied-mem: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
