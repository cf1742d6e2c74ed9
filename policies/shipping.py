"""Checkpoints that come with the package: weights in half precision with what made them, and the card beside them.

    policies/checkpoints/NAME/AGENT-SEED.safetensors   weights (bf16), configuration, counters, hardware, curve, hash
    policies/checkpoints/NAME/metrics.json             what evaluating exactly these gave
    policies/checkpoints/NAME/README.md, figure.png    the card; with what a person wrote into data.md and limits.md
"""

from __future__ import annotations

import json
from pathlib import Path

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies import candidates, checkpoint
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.figure import draw
from embodied_mem.policies.journal import learning_curve, takeoff
from embodied_mem.policies.report import about, curves, results, trainings
from embodied_mem.policies.trainer import same_config

#: All checkpoints of the package together.
MOST_BYTES = 60_000_000
_HOUSES = ("None but the simulator: every trial of the training is in a house drawn by seed (from 2^40 on, or from the "
           "pool the environment names), with layouts that no test house has.")  # fmt: skip


def ship(experiment: ExperimentConfig, run: Path, hardware: str | None = None) -> Path:
    """Put the finished training in a run folder among the shipped; returns the file. ``hardware``: said of a run that
    did not note it. Raises ConfigError where the experiment, as it stands, would not train the same."""
    tensors, meta = checkpoint.read(run / "policy.safetensors")
    agent, seed = candidates.agent_of(experiment, run / "policy.safetensors", meta), meta["config"]["seed"]
    same_config(experiment.training_of(agent, seed), meta["config"], run / "policy.safetensors")
    halves = {k: v.bfloat16() if v.is_floating_point() else v for k, v in tensors.items() if k.startswith("policy.")}
    curve = learning_curve(run / "log.jsonl")
    kept = {key: meta[key] for key in ("config", "spec", "counters")}
    kept |= {"agent": agent, "seed": seed, "hardware": meta.get("hardware") or hardware or "not noted",
             "curve": curve, "takeoff_steps": takeoff(curve), "sha256": checkpoint.digest(halves)}  # fmt: skip
    path = candidates.SHIPPED / experiment.name / f"{agent}-{seed}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write(path, halves, kept)
    return path


def write_card(experiment: ExperimentConfig, metrics: Path | None = None) -> Path:
    """The model card of an experiment's shipped checkpoints; ``metrics`` of a new evaluation are kept beside it.

    Raises InputError where they are of other weights.
    """
    folder = candidates.SHIPPED / experiment.name
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InputError(f"nothing is shipped of {experiment.name}; train it and ship the runs first")
    if metrics is not None:
        figures = json.loads(metrics.read_text(encoding="utf-8"))
        _check_weights(figures, files, metrics)
        write_atomically(folder / "metrics.json", json.dumps(figures, indent=1) + "\n")
        if "no_inter_episode" in figures["agents"]:
            draw(figures, folder / "figure.png")
    path = folder / "README.md"
    write_atomically(path, _card(experiment, folder, files))
    return path


def _check_weights(figures: dict, files: list[Path], metrics: Path) -> None:
    measured = {sha for agent in figures["agents"].values() for sha in agent.get("sha256", ())}
    for path in files:
        if checkpoint.describe(path)["sha256"] not in measured:
            raise InputError(f"{metrics} is not of {path.name} as it is shipped; evaluate what is shipped again")


def _card(experiment: ExperimentConfig, folder: Path, files: list[Path]) -> str:
    name, metas = experiment.name, [checkpoint.describe(path) for path in files]
    count = "One policy" if len(files) == 1 else f"{len(files)} policies"
    parts = [
        f"# {name}: policies that remember",
        f"{count} for `{experiment.task}`, trained by in-context reinforcement learning: PPO over trials "
        f"of many episodes in one world{_teacher(metas)}. They get better inside a world they have never seen, without "
        "a change of weights, as far as the results below say so. Weights are bfloat16 and act in float32.",
        f"## Data\n\n{_by_hand(folder, 'data.md') or _HOUSES} Options of the environment: "
        + (", ".join(f"`{k}: {v}`" for k, v in experiment.environment.items()) or "its defaults") + ".",
        _results(folder),
        "## Limits\n\n" + _limits(experiment, folder, metas),
        f"## To make them again\n\n    embodied-mem train {name}\n    python scripts/ship_policies.py {name}\n"
        f"    embodied-mem evaluate {name}",
        _files(files, metas),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _teacher(metas: list[dict]) -> str:
    taught = sorted({m["agent"] for m in metas if m["config"].get("imitation", {}).get("weight")})
    return f" (the oracle's actions taught {', '.join(f'`{a}`' for a in taught)} at the beginning)" if taught else ""


def _results(folder: Path) -> str:
    path = folder / "metrics.json"
    if not path.exists():
        return "## Results\n\nNot evaluated yet."
    figures = json.loads(path.read_text(encoding="utf-8"))
    picture = "![Return and success by episode](figure.png)" if (folder / "figure.png").exists() else ""
    tables = [about(figures), results(figures), picture, curves(figures), trainings(figures)]
    return "## Results\n\n" + "\n\n".join(table for table in tables if table)


def _limits(experiment: ExperimentConfig, folder: Path, metas: list[dict]) -> str:
    seeds = {}
    for meta in metas:
        seeds.setdefault(meta["agent"], []).append(meta["seed"])
    few = [f"`{agent}` ({len(own)})" for agent, own in seeds.items() if len(own) < 3]
    never = [f"`{m['agent']}` seed {m['seed']}" for m in metas if m["takeoff_steps"] is None]
    lines = [
        "Simulation only; observations and actions are those of the environment above, with its size, its number "
        "of goals and its length of episodes. Actions are drawn from the policy, not its likeliest.",
        f"Fewer than three seeds: {', '.join(few)}." if few else "",
        f"Whose return did not rise over the episodes of a trial while training: {', '.join(never)}." if never else "",
    ]
    lines.append(_by_hand(folder, "limits.md"))
    return "\n\n".join(line for line in lines if line)


def _by_hand(folder: Path, name: str) -> str:
    path = folder / name
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def _files(files: list[Path], metas: list[dict]) -> str:
    rows = ["| file | kB | steps | SHA-256 of the weights |", "| --- | --- | --- | --- |"]
    rows += [f"| {path.name} | {path.stat().st_size / 1000:.0f} | {m['counters']['steps']:,} | `{m['sha256']}` |"
             for path, m in zip(files, metas, strict=True)]  # fmt: skip
    return "## Files\n\n" + "\n".join(rows)


def runs_of(experiment: ExperimentConfig, folder: Path) -> list[Path]:
    """The finished runs of an experiment in a folder of AGENT-SEED. Raises ConfigError where there is none."""
    found = [folder / f"{agent}-{seed}" for agent, seed in experiment.trainings()]
    found = [run for run in found if (run / "policy.safetensors").exists()]
    if not found:
        raise ConfigError(f"nothing of {experiment.name} is finished in {folder}; embodied-mem train {experiment.name}")
    return found
