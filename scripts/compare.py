#!/usr/bin/env python
"""Two agents in the same houses: how far apart they are, with an interval that differences of houses do not widen.

    .venv/bin/python scripts/compare.py runs/object_search-* --agents spatial gru --measure success

Reads the predictions of finished evaluations; an agent's seeds may stand in several of them, if they were in the same
houses. First: the first episode of a trial; late: the mean of the last third.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from embodied_mem.errors import EmbodiedMemError, InputError
from embodied_mem.evaluation.run import read_rows, write_atomically
from embodied_mem.policies.metrics import check_row
from embodied_mem.policies.trials import late, shares


def read(folders: list[Path], agents: list[str], measure: str) -> list[np.ndarray]:
    """[seeds, houses, E] of each agent, in all runs. Raises InputError where an agent is missing, a row is damaged, or
    trials are not of the same houses."""
    found: dict[str, dict[tuple[Path, int], dict[int, list[float]]]] = {}
    for folder in folders:
        if not (folder / "predictions.jsonl").exists():
            raise InputError(f"{folder} has no predictions.jsonl; give the folder of a finished evaluation")
        for row in read_rows(folder / "predictions.jsonl"):
            check_row(row)
            found.setdefault(row["agent"], {}).setdefault((folder, row["seed"]), {})[row["house"]] = row[measure]
    missing = [name for name in agents if name not in found]
    if missing:
        raise InputError(f"no agent {missing[0]!r} in these runs; there are: {', '.join(found)}")
    found = {agent: found[agent] for agent in agents}
    houses = {tuple(sorted(there)) for seeds in found.values() for there in seeds.values()}
    lengths = {len(x) for seeds in found.values() for there in seeds.values() for x in there.values()}
    if len(houses) > 1 or len(lengths) > 1:
        raise InputError(f"trials in {len(houses)} sets of houses, of {sorted(lengths)} episodes; take runs in "
                         "the same houses, of as many episodes")  # fmt: skip
    for agent, seeds in found.items():
        numbers = [seed for _, seed in seeds]
        if len(set(numbers)) < len(numbers):
            raise InputError(f"{agent}: seed {max(numbers, key=numbers.count)} stands in two runs; leave one out")
    return [np.array([[values for _, values in sorted(there.items())] for there in found[a].values()]) for a in agents]


def figures(a: np.ndarray, b: np.ndarray) -> dict[str, dict]:
    """Means of both, and a − b with its 95 % bootstrap interval: seeds [seeds, houses, E] drawn for each by itself,
    houses for both together."""
    views = {"first": lambda x: x[..., 0], "late": late, "gain": lambda x: late(x) - x[..., 0]}
    return {name: _difference(view(a), view(b)) for name, view in views.items()}


def _difference(a: np.ndarray, b: np.ndarray) -> dict:
    rng = np.random.default_rng(0)
    weight = shares(rng, a.shape[1])
    drawn = [np.einsum("rs,rh,sh->r", shares(rng, len(x)), weight, x, optimize=True) for x in (a, b)]
    low, high = np.percentile(drawn[0] - drawn[1], [2.5, 97.5])
    means = {"a": float(a.mean()), "b": float(b.mean()), "difference": float(a.mean() - b.mean())}
    return {**{k: round(v, 4) for k, v in means.items()}, "ci95": [round(float(low), 4), round(float(high), 4)]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished evaluations")
    parser.add_argument("--agents", nargs=2, required=True, metavar=("A", "B"))
    parser.add_argument("--measure", choices=("success", "returns", "spl"), default="success", help="(%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    try:
        both = read(options.runs, options.agents, options.measure)
    except (EmbodiedMemError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    result = figures(*both)
    print(f"{options.measure}, {len(both[0])} and {len(both[1])} seeds, {both[0].shape[1]} houses\n")
    print("| | `{}` | `{}` | difference [95 %] |\n|---|---|---|---|".format(*options.agents))
    for name, x in result.items():
        low, high = x["ci95"]
        print(f"| {name} | {x['a']:.3f} | {x['b']:.3f} | {x['difference']:+.3f} [{low:+.3f}, {high:+.3f}] |")
    if options.json:
        write_atomically(options.json, json.dumps({"agents": options.agents, **result}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
