#!/usr/bin/env python
"""Steps per CPU second of every agent's training, measured in turn on one machine.

    .venv/bin/python scripts/pace.py grid_object_search_ablations                     # minutes; into docs/logs/NAME
    .venv/bin/python scripts/pace.py grid_object_search_memories darkroom --out /tmp/pace

Seeds are trained where there is a core, and cores differ by more than agents do. With this file beside the runs,
scripts/ablations.py compares them at the CPU seconds that they would have taken here. Agents take turns, a round each,
so that whatever else the machine does falls on all of them; the first round of each is not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median

from embodied_mem.config import build, read_yaml
from embodied_mem.errors import EmbodiedMemError
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.trainer import Trainer, hardware

LOGS = Path(__file__).resolve().parents[1] / "docs" / "logs"


def measure(trainings: dict[str, TrainConfig], rounds: int) -> dict[str, float]:
    """The median pace over rounds, steps per CPU second, of each training."""
    trainers = {name: Trainer(config) for name, config in trainings.items()}
    paces = {name: [] for name in trainings}
    for i in range(rounds + 1):
        for name, trainer in trainers.items():
            pace = trainer.round()["steps_per_cpu_second"]
            paces[name] += [pace] if i else []
            print(f"round {i} of {rounds}, {name}: {pace:,.0f} steps per CPU second", flush=True)
    return {name: round(median(some)) for name, some in paces.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("configs", nargs="+", metavar="CONFIG", help="YAML files, or names of shipped experiments")
    parser.add_argument("--rounds", type=int, default=5, help="counted, of each agent (%(default)s)")
    parser.add_argument("--out", type=Path, default=LOGS, help="write OUT/NAME/pace.json (docs/logs)")
    options = parser.parse_args()
    if not 1 <= options.rounds <= 1000:
        parser.error(f"--rounds: {options.rounds} must be from 1 to 1000")
    try:
        experiments = [build(ExperimentConfig, read_yaml(path), path) for path in options.configs]
        trainings = {(e.name, agent): replace(e.training_of(agent, 0), device="cpu")
                     for e in experiments for agent in e.agents}  # fmt: skip
        found = measure({f"{name} {agent}": config for (name, agent), config in trainings.items()}, options.rounds)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for experiment in experiments:
        paces = {agent: found[f"{experiment.name} {agent}"] for agent in experiment.agents}
        machine = hardware(trainings[experiment.name, experiment.first])
        figures = {"hardware": machine, "rounds": options.rounds, "steps_per_cpu_second": paces}
        folder = options.out / experiment.name
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "pace.json", json.dumps(figures, indent=1) + "\n")
        print(folder / "pace.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
