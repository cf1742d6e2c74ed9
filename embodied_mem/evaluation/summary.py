"""The table that a finished evaluation prints. Which columns it has is the task's business."""

from __future__ import annotations

import json
from pathlib import Path

from embodied_mem import registry

WIDTH = 170


def summary_table(folder: Path) -> str:
    """Agents by how well they did, with what it cost them, as plain text."""
    from rich.console import Console
    from rich.table import Table

    metrics = json.loads((folder / "metrics.json").read_text())
    title, names, lines = registry.load("tasks", metrics["task"]).table(metrics)
    table = Table(title=title)
    for i, name in enumerate(names):
        table.add_column(name, justify="right" if i else "left", overflow="fold")
    for agent, *numbers in lines:
        table.add_row(agent, *map(_number, numbers))
    console = Console(width=WIDTH)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
