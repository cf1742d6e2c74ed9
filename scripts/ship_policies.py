#!/usr/bin/env python
"""Put finished trainings among the checkpoints that come with the package, and write their model card.

python scripts/ship_policies.py grid_object_search                                   # all in runs/policies/NAME
python scripts/ship_policies.py grid_object_search runs/elsewhere/relic-0 …          # these
python scripts/ship_policies.py grid_object_search --metrics runs/…/metrics.json     # and what evaluating them gave
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from embodied_mem.config import build, read_yaml
from embodied_mem.errors import EmbodiedMemError
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.shipping import runs_of, ship, write_card
from embodied_mem.policies.train import RUNS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", help="the experiment: a YAML file, or the name of a shipped one")
    parser.add_argument("runs", type=Path, nargs="*", help="run folders; left out: all of runs/policies/NAME")
    parser.add_argument("--metrics", type=Path, help="metrics.json of an evaluation of the shipped checkpoints")
    parser.add_argument("--card", action="store_true", help="ship nothing, write the card of what is shipped")
    parser.add_argument("--hardware", help="what runs were trained on that did not note it")
    options = parser.parse_args()
    try:
        experiment = build(ExperimentConfig, read_yaml(options.config), options.config)
        for run in [] if options.card else options.runs or runs_of(experiment, RUNS / experiment.name):
            path = ship(experiment, run, options.hardware)
            print(f"{run} -> {path} ({path.stat().st_size / 1000:.0f} kB)")
        print(write_card(experiment, options.metrics))
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
