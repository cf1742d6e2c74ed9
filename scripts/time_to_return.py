#!/usr/bin/env python
"""How long trainings took to the same return: steps and CPU seconds, from their logs.

    scripts/time_to_return.py RUNS/relic-* RUNS/trxl_ppo-* --return 12 --json times.json

A run is there when the mean return of its episodes, over the latest ``--span`` environment steps, is as high as asked:
runs with rounds of different sizes are smoothed alike. A run that never came there is given what it took in all, which
is then a lower bound. Runs of one agent (AGENT-SEED) are averaged, and given as multiples of the first agent's.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from embodied_mem.errors import EmbodiedMemError, InputError
from embodied_mem.evaluation.run import write_atomically

SPAN = 200_000  # environment steps that a mean is taken over


def rounds_of(run: Path) -> list[dict]:
    """The lines of a run's log. Raises InputError where there is none, or a line is none."""
    file = run / "log.jsonl" if run.is_dir() else run
    if not file.is_file():
        raise InputError(f"{file} is not there; give the folder of a training, with its log.jsonl")
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            rows.append({"steps": int(row["steps"]), "rate": float(row["steps_per_cpu_second"]),
                         "seconds": float(row["seconds"]), "return": _mean(row["return_by_episode"])})  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}:{number} is not a line of a training's log: {error}") from None
    if not rows:
        raise InputError(f"{file} is empty; let the training finish a round")
    return rows


def time_to(rows: list[dict], wanted: float, span: int = SPAN) -> dict:
    """Steps, seconds and CPU seconds until the mean return over ``span`` steps was ``wanted``; ``reached``: whether it
    ever was. ``best`` is the highest such mean."""
    cpu, before, best, first = 0.0, 0, -math.inf, 0
    for i, row in enumerate(rows):
        cpu += (row["steps"] - before) / row["rate"]
        before = row["steps"]
        while first < i and rows[first]["steps"] <= row["steps"] - span:
            first += 1
        mean = sum(r["return"] for r in rows[first : i + 1]) / (i + 1 - first)
        best = max(best, mean if row["steps"] >= span else -math.inf)
        if best >= wanted:
            return _figures(row, cpu, best, True)
    return _figures(rows[-1], cpu, best if best > -math.inf else mean, False)


def _figures(row: dict, cpu: float, best: float, reached: bool) -> dict:
    return {"reached": reached, "steps": row["steps"], "cpu_seconds": round(cpu, 1),
            "seconds": round(row["seconds"], 1), "steps_per_cpu_second": round(row["steps"] / cpu, 1),
            "best": round(best, 3)}  # fmt: skip


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def compared(runs: dict[Path, list[dict]], wanted: float, span: int = SPAN) -> dict:
    """Each run's times; each agent's means over its runs, and how many times the first agent's they are."""
    times = {run: time_to(rows, wanted, span) for run, rows in runs.items()}
    agents: dict[str, dict] = {}
    for name in dict.fromkeys(agent_of(run) for run in runs):
        own = [row for run, row in times.items() if agent_of(run) == name]
        mean = {key: round(_mean([row[key] for row in own]), 1) for key in ("steps", "cpu_seconds")}
        agents[name] = {"runs": len(own), "reached": sum(row["reached"] for row in own), **mean}
    first = next(iter(agents.values()))
    for row in agents.values():
        for key in ("steps", "cpu_seconds"):
            known = first["reached"] == first["runs"]
            row[f"{key}_ratio"] = round(row[key] / first[key], 2) if known else None
    return {"return": wanted, "span": span, "agents": agents, "runs": {str(run): row for run, row in times.items()}}


def agent_of(run: Path) -> str:
    """The agent of a folder AGENT-SEED."""
    agent, _, seed = run.name.rpartition("-")
    return agent if seed.isdigit() else run.name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders AGENT-SEED; ratios are to the first agent")
    parser.add_argument("--return", dest="wanted", type=float, required=True, help="mean return of an episode")
    parser.add_argument("--span", type=int, default=SPAN, help="environment steps that the mean is taken over")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    try:
        figures = compared({run: rounds_of(run) for run in options.runs}, options.wanted, options.span)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, row in figures["runs"].items():
        sign = "" if row["reached"] else "more than "
        print(f"{name}: {sign}{row['steps']:,} steps, {sign}{row['cpu_seconds']:,} CPU seconds; best {row['best']}")
    for name, row in figures["agents"].items():
        sign = "" if row["reached"] == row["runs"] else "more than "
        ratio = "" if row["cpu_seconds_ratio"] is None else (
            f", {row['steps_ratio']} and {row['cpu_seconds_ratio']} times the first")  # fmt: skip
        print(f"{name}, {row['reached']} of {row['runs']} there: {sign}{row['steps']:,.0f} steps, {sign}"
              f"{row['cpu_seconds']:,} CPU seconds{ratio}")  # fmt: skip
    if options.json:
        write_atomically(options.json, json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
