#!/usr/bin/env python
"""The README's tables from a finished run.

    .venv/bin/python scripts/readme_table.py runs/la_eqa
    .venv/bin/python scripts/readme_table.py runs/findingdory
    .venv/bin/python scripts/readme_table.py embodied_mem/policies/checkpoints/object_search     # of shipped policies
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


FOLLOWED = (
    ("hl_sr", "HL-SR"), ("dtg_sr", "DTG-SR"), ("sc_sr", "SC-SR"), ("hl_spl", "HL-SPL"), ("partial", "partial"),
    ("ll_sr_given_hl", "LL-SR given HL"), ("ll_sr", "LL-SR"), ("ll_spl", "LL-SPL"),
)  # fmt: skip


def main(folder: Path) -> None:
    """Print the tables of a run as markdown."""
    metrics = json.loads((folder / "metrics.json").read_text())
    print(f"{metrics['houses']} houses, {metrics['run_seconds'] / 60:.0f} minutes.\n")
    {"la_eqa": la_eqa, "findingdory": findingdory}.get(metrics["task"], policies)(metrics)


def la_eqa(metrics: dict) -> None:
    """Correctness by category with 95 % intervals, then costs, calibration and evidence."""
    agents = metrics["agents"]
    categories = list(next(iter(agents.values()))["correctness"])
    print(f"{metrics['questions']} questions.\n")
    print("| correctness | " + " | ".join(c.replace("_", " ") for c in categories) + " |")
    print("|---|" + "---|" * len(categories))
    for name, row in agents.items():
        cells = [_with_interval(row["correctness"][c], row["intervals"].get(c)) for c in categories]
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    print("\n| a question | " + " | ".join(title for _, title in COLUMNS) + " |")
    print("|---|" + "---|" * len(COLUMNS))
    for name, row in agents.items():
        print(f"| `{name}` | " + " | ".join(_number(row[key]) for key, _ in COLUMNS) + " |")


def findingdory(metrics: dict) -> None:
    """Success and path efficiency by agent, then HL-SR by category, agents in columns."""
    agents = metrics["agents"]
    print(f"{metrics['episodes']} experiences, {metrics['items']} instructions.\n")
    print("| | " + " | ".join(title for _, title in FOLLOWED) + " |")
    print("|---|" + "---|" * len(FOLLOWED))
    for name, row in agents.items():
        spreads = row["intervals"]
        cells = [_with_interval(row[key]["all"], spreads.get(key, {}).get("all")) for key, _ in FOLLOWED]
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    print("\n| HL-SR | " + " | ".join(f"`{name}`" for name in agents) + " |")
    print("|---|" + "---|" * len(agents))
    for category in next(iter(agents.values()))["hl_sr"]:
        cells = [_number(row["hl_sr"][category]) for row in agents.values()]
        print(f"| {category.replace('_', ' ')} | " + " | ".join(cells) + " |")
    explored = {name: row["needs_exploration"] for name, row in agents.items()}
    print("\nNeeds exploration (" + str(next(iter(explored.values()))["count"]) + " instructions): "
          + ", ".join(f"`{name}` {_number(row['hl_sr'])}" for name, row in explored.items()))  # fmt: skip


def policies(metrics: dict) -> None:
    """Return and success in the first and the last episode in a house, and what is gained."""
    print("| seeds | return, first | last | success, first | last | last third − first | SPL, first → last |")
    print("|---|" + "---|" * 6)
    for name, row in metrics["agents"].items():
        curves = (("return", "ci95"), ("success", "success_ci95"))
        cells = [_end(row, curve, interval, at) for curve, interval in curves for at in (0, -1)]
        low, high = row["success_gain_ci95"]
        gain = f"{row['success_gain']:+.3f} <sub>{low:+.2f} to {high:+.2f}</sub>"
        spl = " → ".join(f"{row['spl_by_episode'][at]:.2f}" for at in (0, -1))
        print(f"| `{name}`, {len(row['seeds'])} | " + " | ".join([*cells, gain, spl]) + " |")


def _end(row: dict, curve: str, interval: str, at: int) -> str:
    low, high = row[interval][at]
    return f"{row[curve + '_by_episode'][at]:.2f} <sub>{low:.2f}–{high:.2f}</sub>"


def _with_interval(value: float | None, pair: list[float] | None) -> str:
    spread = f" <sub>{pair[0]:.2f}–{pair[1]:.2f}</sub>" if pair else ""
    return _number(value) + spread


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
