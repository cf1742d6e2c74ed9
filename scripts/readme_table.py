#!/usr/bin/env python
"""The README's table from a finished run.

    .venv/bin/python scripts/readme_table.py runs/la_eqa
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

COLUMNS = (
    ("efficiency", "efficiency"), ("efficiency_moving", "… moving"), ("images", "images"), ("travel_m", "metres"),
    ("abstained", "abstained"), ("ece", "ECE"), ("brier", "Brier"), ("auroc", "AUROC"),
    ("evidence_recall", "ev. recall"), ("evidence_precision", "ev. precision"),
)  # fmt: skip


def main(folder: Path) -> None:
    """Print markdown: correctness by category with 95 % intervals, then costs, calibration and evidence."""
    metrics = json.loads((folder / "metrics.json").read_text())
    agents = metrics["agents"]
    categories = list(next(iter(agents.values()))["correctness"])
    print(f"{metrics['houses']} houses, {metrics['questions']} questions, {metrics['run_seconds'] / 60:.0f} minutes.\n")
    print("| correctness | " + " | ".join(c.replace("_", " ") for c in categories) + " |")
    print("|---|" + "---|" * len(categories))
    for name, row in agents.items():
        cells = [_with_interval(row["correctness"][c], row["intervals"].get(c)) for c in categories]
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    print("\n| a question | " + " | ".join(title for _, title in COLUMNS) + " |")
    print("|---|" + "---|" * len(COLUMNS))
    for name, row in agents.items():
        print(f"| `{name}` | " + " | ".join(_number(row[key]) for key, _ in COLUMNS) + " |")


def _with_interval(value: float | None, pair: list[float] | None) -> str:
    spread = f" <sub>{pair[0]:.2f}–{pair[1]:.2f}</sub>" if pair else ""
    return _number(value) + spread


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
