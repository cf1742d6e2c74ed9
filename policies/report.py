"""What an evaluation of policies says in words and tables: for the terminal, for ``report.md``, for model cards."""

from __future__ import annotations

import json
from pathlib import Path

from embodied_mem.errors import ConfigError
from embodied_mem.evaluation.run import write_atomically


def table(metrics: dict) -> tuple[str, list[str], list[list]]:
    """Title, column names, a line an agent: numbers, or None where there is none."""
    last = metrics["episodes"]
    names = ["agent", "return 1", f"return {last}", "gain", "low", "high", "success 1", f"success {last}",
             f"SPL {last}", "gap closed", "of oracle"]  # fmt: skip
    lines = [
        [agent, a["return_by_episode"][0], a["return_by_episode"][-1], a["gain"], *a["gain_ci95"],
         a["success_by_episode"][0], a["success_by_episode"][-1], a["spl_by_episode"][-1], a.get("gap_closed"),
         a.get("of_oracle")]
        for agent, a in metrics["agents"].items()
    ]  # fmt: skip
    return f"{_name(metrics)}: {metrics['houses']} houses, {last} episodes each", names, lines


def write_report(folder: Path) -> Path:
    """``report.md`` and, where it can be drawn, ``figure.png`` of a finished run."""
    from embodied_mem.policies.figure import draw

    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    try:
        draw(metrics, folder / "figure.png")
        picture = "![Return and success by the index of the episode](figure.png)"
    except (ConfigError, ImportError) as error:
        (folder / "figure.png").unlink(missing_ok=True)
        picture = f"No figure: {error}."
    parts = [f"# {_name(metrics)}", about(metrics), results(metrics), picture, curves(metrics), trainings(metrics)]
    path = folder / "report.md"
    write_atomically(path, "\n\n".join(part for part in parts if part) + "\n")
    return path


def about(metrics: dict) -> str:
    """What was measured, in a sentence or two."""
    first, houses = metrics["first_house"], metrics["houses"]
    kind = "houses for development" if first < 10_000 else "evaluation houses that nothing was developed on"
    options = ", ".join(f"{k} {v}" for k, v in metrics.get("environment", {}).items()) or "as it is by default"
    missing = ", ".join(f"`{name}`" for name in metrics.get("not_shipped", ()))
    return (
        f"{houses} {kind} (seeds from {first}), {metrics['episodes']} episodes in each, whatever they cost; 95 % "
        f"intervals by bootstrap over seeds and houses. Environment: {options}. Gain: return in the last third of the "
        "episodes minus return in the first. Gap closed: share of what lies between the first return and the oracle's "
        "that is caught up in the last episode." + (f" Not shipped yet, so not compared: {missing}." if missing else "")
    )


def results(metrics: dict) -> str:
    """Every agent's headline numbers as a Markdown table."""
    last = metrics["episodes"]
    head = ["agent", "seeds", "return, episode 1", f"episode {last}", "gain", "gain by seed", "success, episode 1",
            f"episode {last}", f"SPL, episode {last}", "gap closed", "of the oracle"]  # fmt: skip
    lines = []
    for agent, a in metrics["agents"].items():
        returns, success, spl = a["return_by_episode"], a["success_by_episode"], a["spl_by_episode"]
        other = "".join(f", {k}: {v}" for k, v in a.get("environment", {}).items())  # never mixed without a word
        lines.append([
            f"`{agent}`{other}", len(a["seeds"]), _with(returns[0], a["ci95"][0]), _with(returns[-1], a["ci95"][-1]),
            _with(a["gain"], a["gain_ci95"]), ", ".join(f"{x:.2f}" for x in a["gain_by_seed"]),
            _with(success[0], a["success_ci95"][0]), _with(success[-1], a["success_ci95"][-1]),
            _with(spl[-1], a["spl_ci95"][-1]), _with(a.get("gap_closed"), a.get("gap_closed_ci95")),
            _with(a.get("of_oracle"), a.get("of_oracle_ci95")),
        ])  # fmt: skip
    return _markdown(head, lines)


def curves(metrics: dict) -> str:
    """Return by the index of the episode; the last one also by whether the goal had been seen in an earlier one."""
    head = ["return by episode", *range(1, metrics["episodes"] + 1), "last, goal seen before", "not seen before"]
    lines = [
        [f"`{agent}`", *(f"{x:.2f}" for x in a["return_by_episode"]), _number(a["return_by_episode_goal_seen"][-1]),
         _number(a["return_by_episode_goal_not_seen"][-1])]
        for agent, a in metrics["agents"].items()
    ]  # fmt: skip
    return _markdown(head, lines)


def trainings(metrics: dict) -> str:
    """What it took to train each agent, and what it keeps in memory; nothing where the metrics do not say."""
    head = ["trained agent", "memory", "sink", "parameters", "tokens kept", "bytes kept", "steps", "optimiser steps",
            "minutes a seed", "took off at", "on"]  # fmt: skip
    lines = []
    for agent, a in metrics["agents"].items():
        if "parameters" not in a or agent == "swapped_context" or a.get("demonstrations") or a.get("streaming"):
            continue
        takeoff = ["never" if s is None else f"{s / 1e6:.1f} M" for s in a["takeoff_steps"]]
        minutes = [f"{s / 60:.0f}" for s in a["training_seconds"]]
        lines.append([
            f"`{agent}`", a["policy"]["kind"], a["sink"] or "–", f"{a['parameters']:,}", _tokens(a["context_tokens"]),
            f"{a['context_bytes']:,}", f"{max(a['training_steps']) / 1e6:.1f} M", f"{max(a['optimiser_steps']):,}",
            ", ".join(minutes), ", ".join(takeoff), "; ".join(a["hardware"]),
        ])  # fmt: skip
    return _markdown(head, lines) if lines else ""


def _name(metrics: dict) -> str:
    return metrics.get("name") or metrics["task"]


def _markdown(head: list, lines: list[list]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _tokens(budget: int | None) -> str:
    """A budget of tokens; policies without one keep all of them, or a state instead."""
    return "all" if budget is None else f"{budget:,}" if budget else "a state"


def _with(value: float | None, interval: list[float] | None) -> str:
    """A number with its 95 % interval."""
    if value is None or interval is None:
        return "–"
    dash = "–" if interval[0] >= 0 else " to "
    return f"{value:.2f} <sub>{interval[0]:.2f}{dash}{interval[1]:.2f}</sub>"
