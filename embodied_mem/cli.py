"""The command line: ``embodied-mem train | evaluate | score | ask | record | export-house``.

Errors that are yours to mend exit with 2.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional, arg

from embodied_mem.errors import EmbodiedMemError

ABOUT = "A robot's memory of a house over days: record it, ask it, measure it."


@dataclass
class Train:
    """Train the policies of an experiment; the same command goes on where a killed one stopped.

    Started twice at once it shares the work: what another process trains is left to it.

    For example:
    $ embodied-mem train grid_object_search
    $ embodied-mem train configs/darkroom.yaml --agent relic --seed 1 --out runs/dark
    """

    config: Annotated[Positional[str], arg(metavar="CONFIG")]
    """A YAML file, or the name of a shipped configuration (grid_object_search, object_search, darkroom …)."""
    agent: Annotated[str | None, arg(metavar="NAME")] = None
    """One of the experiment's agents; left out: all."""
    seed: Annotated[int | None, arg(metavar="INT")] = None
    """Seed of the training; left out: all of the experiment."""
    out: Annotated[Path | None, arg(metavar="PATH")] = None
    """Where the folders AGENT-SEED stand; left out: runs/policies/NAME."""
    device: Annotated[str | None, arg(metavar="cpu|cuda")] = None
    """Where to train; left out: as the configuration says."""

    def run(self) -> None:
        from embodied_mem.errors import ConfigError
        from embodied_mem.evaluation.run import task_class

        cls, raw = task_class(self.config)
        if not hasattr(cls, "train"):
            raise ConfigError(f"{raw['task']} has nothing to train; embodied-mem evaluate {self.config} runs it")
        cls.train(raw, self.agent, self.seed, self.out, self.device)


@dataclass
class Evaluate:
    """Run an evaluation into a folder; the same command goes on where a killed run stopped.

    For example:
    $ embodied-mem evaluate la_eqa
    $ embodied-mem evaluate configs/la_eqa.yaml --houses 2 --questions 60 --out runs/small
    $ embodied-mem evaluate openeqa --folder open-eqa/data
    $ embodied-mem evaluate grid_object_search
    $ embodied-mem evaluate grid_object_search --episodes 40 --streaming 240 --houses 200
    $ embodied-mem evaluate darkroom --checkpoint runs/policies/darkroom/*/policy.safetensors --seed 1 --houses 100
    """

    config: Annotated[Positional[str], arg(metavar="CONFIG")]
    """A YAML file, or the name of a shipped configuration (la_eqa, findingdory, openeqa, grid_object_search …)."""
    out: Annotated[Path | None, arg(metavar="PATH")] = None
    """The run folder; left out: runs/TASK-DIGEST."""
    seed: Annotated[int | None, arg(metavar="INT")] = None
    """First house seed. Below 10,000: development; from 100,000: evaluation."""
    houses: Annotated[int | None, arg(metavar="INT")] = None
    """How many houses."""
    days: Annotated[int | None, arg(metavar="INT")] = None
    """la_eqa: how many days the robot patrols before it is asked."""
    questions: Annotated[int | None, arg(metavar="INT")] = None
    """la_eqa: how many questions in all, spread evenly over the houses; openeqa, la_eqa_files: the first so many."""
    folder: Annotated[Path | None, arg(metavar="PATH")] = None
    """openeqa, la_eqa_files: the dataset's folder (scripts/make_openeqa_folder.py makes one to try it)."""
    episodes: Annotated[int | None, arg(metavar="INT")] = None
    """findingdory: experiences a house; policies: episodes of a trial."""
    interactions: Annotated[tuple[int, int] | None, arg(metavar="INT INT")] = None
    """findingdory: fewest and most pick-and-place interactions of an experience."""
    checkpoint: Annotated[tuple[str, ...], arg(metavar="FILE …")] = ()
    """Policies: trained seeds of the experiment's agents; left out: the shipped ones."""
    streaming: Annotated[tuple[int, ...], arg(metavar="INT …")] = ()
    """Policies: also let the first agent act while it keeps no more than so many of its latest steps."""
    split: str | None = None
    """Policies: train, dev, test, or test_types, which asks in test houses for types that training never asks for."""
    simulator: Literal["embedded", "habitat"] | None = None
    """la_eqa: where the houses are recorded and asked about; habitat needs habitat-sim (docs/habitat.md)."""
    workers: Annotated[int | None, arg(metavar="INT")] = None
    """Parallel processes; left out: one a core."""
    device: Annotated[str | None, arg(metavar="cpu|cuda")] = None
    """Policies: where they act; left out: as the configuration says."""

    def run(self) -> None:
        from embodied_mem.evaluation.run import evaluate

        names = ("seed", "houses", "days", "questions", "episodes", "interactions", "checkpoint", "simulator",
                 "split", "workers", "device")  # fmt: skip
        options = {name: getattr(self, name) for name in names}
        options |= {name: getattr(self, name) or None for name in ("checkpoint", "streaming")}
        options["folder"] = str(self.folder) if self.folder else None
        _print_summary(evaluate(self.config, self.out, options))


@dataclass
class Score:
    """Score a predictions file alone, without running anything.

    For example:
    $ embodied-mem score runs/small/predictions.jsonl --out metrics.json
    $ embodied-mem score answers.csv --episodes-of runs/findingdory
    """

    predictions: Annotated[Positional[Path], arg(metavar="PREDICTIONS")]
    """A predictions.jsonl."""
    out: Annotated[Path | None, arg(metavar="PATH")] = None
    """Write the metrics here as well."""
    task: str | None = None
    """The task that made the file; left out: what the run folder or the rows say."""
    episodes_of: Annotated[Path | None, arg(metavar="RUN")] = None
    """The run folder whose instructions a file made elsewhere answers (columns ep_id, task_id, answer)."""

    def run(self) -> None:
        import json

        from embodied_mem.errors import InputError
        from embodied_mem.evaluation.run import read_rows, write_atomically
        from embodied_mem.evaluation.score import foreign_rows, task_of

        if not self.predictions.is_file():
            raise InputError(f"no predictions file at {self.predictions}; give the predictions.jsonl of a run folder")
        if self.episodes_of:
            cls, rows = foreign_rows(self.predictions, self.episodes_of, self.task)
        else:
            rows = list(read_rows(self.predictions, torn_ok=False))
            cls = task_of(self.predictions, rows, self.task)
        if not rows:
            raise InputError(f"{self.predictions} holds no predictions; give the predictions.jsonl of a finished run")
        text = json.dumps(cls.score(rows), indent=1)
        if self.out:
            write_atomically(self.out, text + "\n")
        print(text)


@dataclass
class Ask:
    """Ask a recorded palace a question. Without a robot it recalls; it cannot go and look.

    For example:
    $ embodied-mem ask demo/palace "Where was the red mug on Tuesday evening?" --trace
    """

    palace: Annotated[Positional[Path], arg(metavar="PALACE")]
    """A palace folder."""
    question: Annotated[Positional[str], arg(metavar="QUESTION")]
    """The question, in English."""
    trace: bool = False
    """Print every decision: action, value, cost, belief."""

    def run(self) -> None:
        from embodied_mem.evaluation.ask import ask

        print(ask(self.palace, self.question, self.trace))


@dataclass
class Record:
    """Let the simulated robot live in a house for some days and record its palace.

    For example:
    $ embodied-mem record 7 demo --days 3
    $ embodied-mem ask demo/palace "Where is the mug?"
    """

    house: Annotated[Positional[int], arg(metavar="HOUSE")]
    """House seed."""
    out: Annotated[Positional[Path], arg(metavar="FOLDER")]
    """Folder for the palace and, beside it, the simulated detector's sidecar."""
    days: Annotated[int, arg(help="Days to patrol, one patrol a day.")] = 3

    def run(self) -> None:
        from embodied_mem import registry

        task = registry.load("tasks", "la_eqa")
        print(f"palace: {task.record(self.house, self.out, self.days)}")


@dataclass
class ExportHouse:
    """Write a house and what happens in it as files that another simulator loads.

    The houses that are exported to one folder are the scenes house-SEED of one dataset (docs/habitat.md).

    For example:
    $ embodied-mem export-house 7 houses
    $ embodied-mem export-house 8 houses --format habitat --days 3
    """

    seed: Annotated[Positional[int], arg(metavar="SEED")]
    """House seed."""
    folder: Annotated[Positional[Path], arg(metavar="DIR")]
    """A new or empty folder, or one with earlier exports of other houses."""
    format: Literal["habitat"] = "habitat"
    """habitat: glTF and the configs of a Habitat scene dataset."""
    days: Annotated[int, arg(help="Patrol days to live; simulators are compared on the same number.")] = 8

    def run(self) -> None:
        from rich.progress import Progress

        from embodied_mem.sim.export.habitat import export_house

        with Progress(transient=True, disable=not sys.stdout.isatty()) as bar:
            task = bar.add_task(f"house {self.seed}", total=None)
            path = export_house(
                self.seed, self.folder, self.days, lambda done, all: bar.update(task, completed=done, total=all)
            )
        print(f"scene house-{self.seed} in {path}")


def _print_summary(folder: Path) -> None:
    from embodied_mem.evaluation.summary import summary_table

    print(summary_table(folder))
    files = ("predictions.jsonl", "metrics.json", "report.html", "report.md", "figure.png")
    print(f"\nin {folder}: {', '.join(name for name in files if (folder / name).exists())}")


def main() -> None:
    """Entry point of the console command."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the encoder's loading bar says nothing to a user
    command = tyro.extras.subcommand_cli_from_dict(
        {"train": Train, "evaluate": Evaluate, "score": Score, "ask": Ask, "record": Record,
         "export-house": ExportHouse},
        prog="embodied-mem",
        description=ABOUT,
    )
    try:
        command.run()
    except EmbodiedMemError as error:
        print(f"embodied-mem: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, a file where a folder should be, no permission
        print(f"embodied-mem: {error}; check the path, its permissions and the free space", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nembodied-mem: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
