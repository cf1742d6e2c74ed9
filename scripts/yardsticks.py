#!/usr/bin/env python
"""Train in other people's memory tasks, evaluate from seeds never trained with, and print what they reached beside it.

    pip install -e '.[yardsticks]'
    .venv/bin/python scripts/yardsticks.py                              # everything: five to six hours of one core
    .venv/bin/python scripts/yardsticks.py repeat_previous --agent gru --json yardsticks.json
    .venv/bin/python scripts/yardsticks.py --no-train                   # the table of what is trained already

Stopped and started again it goes on where it was. Levels of an evaluation are none of the training's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from embodied_mem.config import build, read_yaml
from embodied_mem.errors import ConfigError, EmbodiedMemError
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies.actors import Actor, RandomActor
from embodied_mem.policies.build import make_environment, with_split
from embodied_mem.policies.evaluate import load_policy
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.train import RUNS, train_all
from embodied_mem.policies.trials import interval, run_trials
from embodied_mem.tasks.yardsticks.references import REFERENCES

CONFIGS = Path(__file__).parents[1] / "configs" / "yardsticks"


def rows_of(experiment: ExperimentConfig, runs: Path, agents: list[str]) -> Iterator[dict]:
    """One row for each agent of which something is trained, its seeds together, one for chance, and the references."""
    yield {**_measure(experiment, [RandomActor()]), "agent": "random"}
    for agent in agents:
        folders = sorted(path.parent for path in runs.glob(f"{agent}-*/policy.safetensors"))
        if not folders:
            continue
        loaded = [load_policy(folder / "policy.safetensors") for folder in folders]
        logs = [[json.loads(line) for line in (f / "log.jsonl").read_text("utf-8").splitlines()] for f in folders]
        seconds = [sum(config.steps_a_round / row["steps_per_cpu_second"] for row in log)
                   for (_, config, _), log in zip(loaded, logs, strict=True)]  # fmt: skip
        _, config, meta = loaded[0]
        whole = config.trial_steps >= meta["spec"]["episode_cap"]  # else long episodes would be missing
        yield {**_measure(experiment, [actor for actor, _, _ in loaded]), "agent": agent, "seeds": len(folders),
               "steps": config.total_steps, "cpu_minutes": round(float(np.mean(seconds)) / 60, 1),
               "MMER": _mmer(logs) if whole else None}  # fmt: skip
    for r in REFERENCES.get(experiment.name, ()):
        yield {"agent": r.agent, "published": True, "steps": r.steps, r.metric: r.mean, "spread": r.spread,
               "source": r.source}  # fmt: skip


def _measure(experiment: ExperimentConfig, seeds: list[Actor]) -> dict:
    """Return and success of an episode from seeds never trained with, over all trials of an agent's seeds."""
    e = experiment.evaluation
    options = with_split(experiment.task, experiment.environment, e.first_house, e.split)
    env = make_environment(experiment.task, options, min(e.batch, e.houses))
    levels = range(e.first_house, e.first_house + e.houses)
    curves = [run_trials(env, actor, levels, e.episodes, seed) for seed, actor in enumerate(seeds)]
    returns = np.stack([c.returns for c in curves]).mean(2, keepdims=True)
    success = np.stack([c.success for c in curves])
    return {"return": round(float(returns.mean()), 4), "return_ci95": interval(returns)[0],
            "success": round(float(success.mean()), 4), "episodes": success[0].size}  # fmt: skip


def _mmer(logs: list[list[dict]]) -> float:
    """POPGym's measure, mean over seeds: the highest mean return of a round's episodes, the first of each trial."""
    return round(float(np.mean([max(row["return_by_episode"][0] for row in log) for log in logs])), 4)


def _table(name: str, rows: list[dict]) -> str:
    succeeded = any(row.get("success") for row in rows)
    return "\n".join("| " + " | ".join([name, *_cells(row, succeeded)]) + " |" for row in rows)


def _cells(row: dict, succeeded: bool) -> list[str]:
    low, high = row.get("return_ci95", (None, None))
    return [
        row["agent"] + " (published)" * row.get("published", False),
        f"{row['steps'] / 1e6:.2f} M" if "steps" in row else "",
        _signed(row.get("return")) + (f" [{low:+.3f}, {high:+.3f}]" if low is not None else ""),
        _signed(row.get("MMER")),
        f"{row['success']:.2f}" if succeeded and "success" in row else "",
        str(row.get("cpu_minutes", "")),
    ]


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"


def main() -> int:
    known = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"left out: all of {', '.join(known)}")
    parser.add_argument("--agent", nargs="+", help="left out: all of each experiment")
    parser.add_argument("--no-train", action="store_true", help="only evaluate what is trained already")
    parser.add_argument("--out", type=Path, default=RUNS, help=f"where the runs stand; left out: {RUNS}")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args()
    try:
        unknown = [n for n in options.names if n not in known]
        if unknown:
            raise ConfigError(f"no yardstick {unknown[0]!r}; there are {', '.join(known)}")
        results = {}
        for name in options.names or known:
            experiment = build(ExperimentConfig, read_yaml(CONFIGS / f"{name}.yaml"), name)
            agents = [a for a in options.agent or experiment.agents if experiment.agent(a)]
            for agent in () if options.no_train else agents:
                train_all(experiment, agent, out=options.out / name)
            results[name] = list(rows_of(experiment, options.out / name, agents))
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("| yardstick | agent | steps | return [95 %] | MMER | success | CPU min |\n|---|---|---|---|---|---|---|")
    for name, rows in results.items():
        print(_table(name, rows))
    if options.json:
        write_atomically(options.json, json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
