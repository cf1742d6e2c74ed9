#!/usr/bin/env python
"""Keep what trainings logged beside the documentation, so that its tables and figures can be made again in seconds.

    scripts/keep_logs.py grid_object_search_ablations                          # all in runs/policies/NAME
    scripts/keep_logs.py grid_object_search_trxl runs/elsewhere/relic-0 …      # these
    scripts/ablations.py docs/logs/grid_object_search_ablations --figure curves.png

A run may be unfinished. Its configuration is kept with it and must be that of the committed experiment; of each round
only what the scripts read stays.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from embodied_mem.config import build, read_yaml
from embodied_mem.errors import EmbodiedMemError, InputError
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.train import RUNS
from embodied_mem.policies.trainer import same_config

LOGS = Path(__file__).resolve().parents[1] / "docs" / "logs"
KEPT = ("steps", "optimiser_steps", "seconds", "steps_per_cpu_second", "return_by_episode", "success_by_episode")


def keep(experiment: ExperimentConfig, run: Path, logs: Path = LOGS) -> Path:
    """Copy the log of a run folder AGENT-SEED; returns the new folder. Raises InputError where it has no whole round,
    ConfigError where it is of another agent or trained differently."""
    if not (run / "config.json").is_file() or not (run / "log.jsonl").is_file():
        raise InputError(f"{run} holds no config.json and log.jsonl; name the folder of a training")
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    agent, seed = run.name.removesuffix(f"-{config['seed']}"), config["seed"]
    experiment.agent(agent)
    same_config(experiment.training_of(agent, seed), config, run / "config.json")
    lines = [x for x in (run / "log.jsonl").read_text(encoding="utf-8").splitlines(keepends=True) if x.endswith("\n")]
    rounds = [json.loads(line) for line in lines]
    if not rounds:
        raise InputError(f"{run}/log.jsonl has no round yet; wait for one")
    folder = logs / experiment.name / run.name
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "config.json", json.dumps(config) + "\n")
    kept = [json.dumps({key: row[key] for key in KEPT}) + "\n" for row in rounds]
    write_atomically(folder / "log.jsonl", "".join(kept))
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", help="the experiment: a YAML file, or the name of a shipped one")
    parser.add_argument("runs", type=Path, nargs="*", help="run folders; left out: all of runs/policies/NAME")
    options = parser.parse_args()
    try:
        experiment = build(ExperimentConfig, read_yaml(options.config), options.config)
        runs = options.runs or sorted(log.parent for log in (RUNS / experiment.name).glob("*/log.jsonl"))
        if not runs:
            raise InputError(f"nothing in {RUNS / experiment.name}; embodied-mem train {experiment.name}")
        for run in runs:
            folder = keep(experiment, run)
            print(f"{run} -> {folder} ({(folder / 'log.jsonl').stat().st_size / 1000:.0f} kB)")
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
