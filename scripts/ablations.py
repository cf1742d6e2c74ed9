#!/usr/bin/env python
"""Curves and a table of trainings that differ in one thing each, at equal steps and at equal CPU time.

    .venv/bin/python scripts/ablations.py runs/policies/grid_object_search_ablations --figure ablations.png
    .venv/bin/python scripts/ablations.py runs/policies/grid_object_search_reward --metrics metrics.json --json FILE

Runs lie as a training leaves them, in FOLDER/AGENT-SEED, finished or not, in one or more folders. Everything is
measured in training, over the episodes that every trial has (the last of them against the first); with --metrics, an
evaluation's curves stand beside. CPU time is that of the trainings, or, where FOLDER/pace.json names the agent
(scripts/pace.py), of the machine that all agents were timed on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embodied_mem.errors import EmbodiedMemError, InputError
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies.build import make_environment
from embodied_mem.policies.journal import takeoff_at

#: Questions, and the agents whose runs answer them: the first is what the others are compared with.
QUESTIONS = {
    "updates along a trial (U)": ("base", "u4", "u16"),
    "order and age of the cache (U = 4)": ("u4", "u4_ordered", "u4_stale"),
    "what the rotary code counts": ("base", "ago_steps"),
    "sink": ("base", "sink_kv0", "sink_k0v", "sink_k0v0", "sink_token", "sink_none"),
    "training houses": ("base", "houses_1024", "houses_128", "houses_16"),
    "memory": ("relic", "spatial", "spatial_loud", "hcam", "elmur", "memo", "rate", "trxl", "trxl_ppo"),
    "what a spatial memory forgets": ("spatial_mvfo", "spatial_least", "spatial_lifo", "spatial_fifo", "spatial_lvfo",
                                      "spatial_trial", "spatial_write"),
    "reward": ("stay", "shaped", "shaped_large", "shaped_costly", "shaped_ending", "shaped_six_types", "shaped_far",
               "shaped_moving", "shaped_hard", "shaped_hard_long"),
}
LATE = 3
"""Episodes at the end of a trial whose mean is compared with the first episode's."""
SMOOTH = 5
"""Rounds that are averaged."""
MEASURES = ("return", "success")


@dataclass
class Run:
    """One training's log: arrays over its rounds, [R]."""

    agent: str
    seed: int
    environment: dict
    steps: np.ndarray
    cpu: np.ndarray
    """CPU seconds until the round's end, on the machine of the folder's pace.json if it has one."""
    optimiser_steps: np.ndarray
    curves: dict[str, np.ndarray]
    """``return`` and ``success``: [R, 2], of the first and of the late episodes, each the mean of SMOOTH rounds."""

    def at(self, clock: np.ndarray, limit: float, of: np.ndarray) -> np.ndarray:
        """What an array over rounds holds where a clock (``steps`` or ``cpu``) has reached a limit."""
        return of[max(0, int((clock <= limit).sum()) - 1)]

    def take_off(self, measure: str) -> int | None:
        """The round in which in-context learning took off (:func:`takeoff_at`); None: never."""
        whole = SMOOTH - 1  # the first round that is the mean of as many
        at = takeoff_at(*self.curves[measure][whole:].T)
        return None if at is None else at + whole


def runs_in(folder: Path) -> list[Run]:
    """All runs below a folder that have begun. Raises InputError when there are none."""
    runs = [read_run(log.parent) for log in sorted(folder.glob("*/log.jsonl")) if log.stat().st_size]
    if not runs:
        raise InputError(f"no */log.jsonl in {folder}; train first: embodied-mem train CONFIG")
    return runs


def runs_of(folders: list[Path]) -> list[Run]:
    """All runs of some folders. Raises InputError where a seed of an agent is in two of them."""
    runs, found = [], {}
    for folder in folders:
        for run in runs_in(folder):
            if other := found.get((run.agent, run.seed)):
                raise InputError(f"{other} and {folder} both have {run.agent}-{run.seed}; name one of the two")
            found[run.agent, run.seed] = folder
            runs.append(run)
    return runs


def read_run(folder: Path) -> Run:
    """The run in a folder. Raises InputError when it has not finished a round."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    rows = []
    for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break  # being written
    if not rows:
        raise InputError(f"{folder}/log.jsonl has no round yet; wait for one, or name another folder")
    steps = np.array([r["steps"] for r in rows])
    agent = folder.name.removesuffix(f"-{config['seed']}")
    pace = _paces(folder.parent).get(agent, np.array([r["steps_per_cpu_second"] for r in rows]))
    cpu = np.cumsum(np.diff(steps, prepend=0) / pace)
    cap = make_environment(config["task"], config["environment"], 1).episode_cap
    common = config["trial_steps"] // cap  # later episodes are there only where earlier ones were short
    curves = {k: _smooth(np.array([_ends(r[f"{k}_by_episode"][:common]) for r in rows])) for k in MEASURES}
    taken = np.array([r["optimiser_steps"] for r in rows])
    return Run(agent, config["seed"], config["environment"], steps, cpu, taken, curves)


def _paces(folder: Path) -> dict[str, float]:
    """Steps per CPU second of agents that were timed side by side; empty: none were."""
    path = folder / "pace.json"
    return json.loads(path.read_text(encoding="utf-8"))["steps_per_cpu_second"] if path.exists() else {}


def _ends(curve: list[float]) -> tuple[float, float]:
    late = curve[-LATE:]
    return curve[0], sum(late) / len(late)


def _smooth(curve: np.ndarray) -> np.ndarray:
    """[R, 2]: each the mean of itself and the rounds before it, SMOOTH together."""
    return np.stack([curve[max(0, i + 1 - SMOOTH) : i + 1].mean(0) for i in range(len(curve))])


def compare(runs: list[Run], measure: str, evaluated: dict, most: int | None = None) -> dict:
    """Figures of one question: what is reached at the steps (``most``: no later than there), and at the CPU seconds,
    that all of its runs have; of agents that were evaluated, how much better their first episode was in the houses of
    training."""
    steps, cpu = min(int(r.steps[-1]) for r in runs), min(float(r.cpu[-1]) for r in runs)
    steps = steps if most is None else min(steps, most)
    agents = {}
    for name in dict.fromkeys(r.agent for r in runs):
        own = [r for r in runs if r.agent == name]
        off = [r.take_off(measure) for r in own]
        agents[name] = {
            "seeds": [r.seed for r in own],
            "at_steps": np.mean([r.at(r.steps, steps, r.curves[measure]) for r in own], 0).round(3).tolist(),
            "at_cpu_seconds": np.mean([r.at(r.cpu, cpu, r.curves[measure]) for r in own], 0).round(3).tolist(),
            "late_by_seed": [round(float(r.at(r.steps, steps, r.curves[measure])[1]), 3) for r in own],  # at steps
            "optimiser_steps_at_steps": round(np.mean([r.at(r.steps, steps, r.optimiser_steps) for r in own])),
            "optimiser_steps_at_cpu_seconds": round(np.mean([r.at(r.cpu, cpu, r.optimiser_steps) for r in own])),
            "take_off_steps": [None if i is None else int(r.steps[i]) for r, i in zip(own, off, strict=True)],
            "take_off_cpu_seconds": [None if i is None else round(r.cpu[i]) for r, i in zip(own, off, strict=True)],
            "steps": [int(r.steps[-1]) for r in own], "cpu_seconds": [round(r.cpu[-1]) for r in own],
        }  # fmt: skip
        if name in evaluated:  # by heart: nothing of this house is remembered yet
            at_home = np.mean([r.curves[measure][-1, 0] for r in own])
            agents[name]["by_heart"] = round(float(at_home - evaluated[name][f"{measure}_by_episode"][0]), 3)
    return {"steps": steps, "cpu_seconds": round(cpu), "agents": agents}


def table(question: str, figures: dict, measure: str) -> str:
    """Markdown: first → late episodes of training, mean and range over seeds, and when the late ones took off, seed by
    seed."""
    million, minutes = f"{figures['steps'] / 1e6:.2f} M steps", f"{figures['cpu_seconds'] / 60:.1f} CPU min"
    head = [question, f"{measure} after {million}", f"after {minutes}", "optimiser steps by then",
            "takes off at M steps", "at CPU min", "seeds"]  # fmt: skip
    known = any("by_heart" in row for row in figures["agents"].values())
    head += ["first episode: in trained minus unseen houses"] if known else []
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in figures["agents"].items():
        spans = [f"{first:.2f} → {late:.2f}" for first, late in (row["at_steps"], row["at_cpu_seconds"])]
        seeds = row["late_by_seed"]
        spans[0] += f" <sub>{min(seeds):.2f}–{max(seeds):.2f}</sub>" if len(seeds) > 1 else ""
        spans.append(f"{row['optimiser_steps_at_steps']}, {row['optimiser_steps_at_cpu_seconds']}")
        when = [", ".join("none" if x is None else f"{x / unit:.1f}" for x in row[key])
                for key, unit in (("take_off_steps", 1e6), ("take_off_cpu_seconds", 60))]  # fmt: skip
        own = [f"{row['by_heart']:+.2f}" if "by_heart" in row else "–"] if known else []
        lines.append(f"| `{name}` | " + " | ".join([*spans, *when, str(len(row["seeds"])), *own]) + " |")
    return "\n".join(lines) + "\n"


def questions(runs: list[Run]) -> dict[str, list[Run]]:
    """The runs of each question that at least two agents answer; runs that answer none stand together."""
    asked = {q: [r for name in names for r in runs if r.agent == name] for q, names in QUESTIONS.items()}
    asked = {q: some for q, some in asked.items() if len({r.agent for r in some}) > 1}
    rest = [r for r in runs if not any(r in some for some in asked.values())]
    return asked | ({"other runs": rest} if rest else {})


def draw(asked: dict[str, list[Run]], measure: str, evaluated: dict, path: Path) -> None:
    """One row a question: against steps, against CPU minutes and, where evaluated, against the episode's index."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = 3 if evaluated else 2
    size = (4.6 * columns, 3.2 * len(asked))
    figure, axes = plt.subplots(len(asked), columns, figsize=size, squeeze=False, layout="constrained")
    for (question, runs), row in zip(asked.items(), axes, strict=True):
        names = list(dict.fromkeys(r.agent for r in runs))
        for i, name in enumerate(names):
            for j, run in enumerate(r for r in runs if r.agent == name):
                first, late = run.curves[measure].T
                for axis, clock in zip(row, (run.steps / 1e6, run.cpu / 60), strict=False):
                    axis.plot(clock, late, color=f"C{i}", lw=1.3, label=None if j else name)
                    axis.plot(clock, first, color=f"C{i}", lw=0.8, ls=":", alpha=0.7)
            if name in evaluated:
                _by_episode(row[2], evaluated[name], measure, f"C{i}")
        row[0].set(xlabel="million steps", title=question, ylabel=f"{measure} in training")
        row[1].set(xlabel="CPU minutes", title="solid: last three episodes, dotted: first")
        row[0].legend(fontsize=7)
        if evaluated:
            row[2].set(xlabel="episode in an unseen house", title="evaluated", ylabel=measure)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
        axis.title.set_fontsize(9)
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    figure.savefig(part, dpi=110)
    plt.close(figure)
    part.replace(path)


def _by_episode(axis, figures: dict, measure: str, colour: str) -> None:
    curve = figures[f"{measure}_by_episode"]
    band = np.array(figures["ci95" if measure == "return" else "success_ci95"])
    index = np.arange(1, len(curve) + 1)
    axis.plot(index, curve, color=colour, lw=1.3)
    axis.fill_between(index, *band.T, color=colour, alpha=0.15, lw=0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="ablations.py", description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="holds runs, AGENT-SEED each")
    parser.add_argument("--measure", choices=MEASURES, help="left out: return, or success where rewards differ")
    parser.add_argument("--steps", type=int, help="compare after so many; left out: the most that all runs have")
    parser.add_argument("--metrics", type=Path, help="metrics.json of an evaluation of the same agents")
    parser.add_argument("--figure", type=Path, help="write the curves here (PNG, PDF or SVG)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    try:
        runs = runs_of(options.folders)
        earliest = max(int(r.steps[0]) for r in runs)
        if options.steps is not None and options.steps < earliest:
            raise InputError(f"--steps: {options.steps:,} is before the first round's end; from {earliest:,} on")
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    measure = options.measure or ("return" if all(r.environment == runs[0].environment for r in runs) else "success")
    evaluated = json.loads(options.metrics.read_text(encoding="utf-8"))["agents"] if options.metrics else {}
    asked = questions(runs)
    figures = {question: compare(some, measure, evaluated, options.steps) for question, some in asked.items()}
    print("\n".join(table(question, row, measure) for question, row in figures.items()))
    if options.figure:
        draw(asked, measure, evaluated, options.figure)
    if options.json:
        write_atomically(options.json, json.dumps({"measure": measure, "questions": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
