"""The table that a finished evaluation prints."""

from __future__ import annotations

import json
from pathlib import Path

COLUMNS = (
    ("efficiency", "efficiency"), ("images", "images"), ("travel_m", "metres"), ("ece", "ECE"),
    ("evidence_recall", "ev. recall"),
)  # fmt: skip


def summary_table(folder: Path) -> str:
    """Agents by correctness, with what it cost them, as plain text."""
    from rich.console import Console
    from rich.table import Table

    metrics = json.loads((folder / "metrics.json").read_text())
    agents = metrics["agents"]
    categories = [c for c in next(iter(agents.values()))["correctness"] if c != "all"]
    table = Table(title=f"{metrics['task']}: {metrics['houses']} houses, {metrics['questions']} questions")
    for name in ("agent", "correct", *(c.replace("_", " ") for c in categories), *(c for _, c in COLUMNS)):
        table.add_column(name, justify="left" if name == "agent" else "right", no_wrap=True)
    for agent, row in agents.items():
        cells = [row["correctness"]["all"], *(row["correctness"][c] for c in categories), *(row[k] for k, _ in COLUMNS)]
        table.add_row(agent, *(_number(c) for c in cells))
    console = Console(width=150)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
