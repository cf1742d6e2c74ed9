#!/usr/bin/env python
"""Fit what the planner learns from development houses: the calibration and the blind agent's table.

    scripts/calibrate.py RUN/predictions.jsonl [MORE.jsonl ...] [--agent mind_palace] [--out FOLDER]

Reads prediction files of development seeds (below 10,000; anything else is refused) and writes
calibration.json and blind.json, by default into embodied_mem/planner/data where the planner finds them.
Prints how well the calibration does on houses that it was not fitted on (each house left out once).
"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path

from embodied_mem.errors import ConfigError
from embodied_mem.planner import baselines, calibration
from embodied_mem.planner.parser import parse
from embodied_mem.tasks.la_eqa.metrics import confidence_measures
from embodied_mem.types import Value

DEVELOPMENT_SEEDS = 10_000


def read_rows(files: list[Path]) -> list[dict]:
    """All rows; ConfigError where one is of an evaluation house."""
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.strip()]
    for row in rows:
        seeds = [int(n) for n in re.findall(r"\d+", row["house"])]
        if seeds and max(seeds) >= DEVELOPMENT_SEEDS:
            raise ConfigError(f"{row['house']} is an evaluation house; calibrate on seeds below {DEVELOPMENT_SEEDS}")
    return rows


def raw_beliefs(rows: list[dict], agent: str) -> list[calibration.Judged]:
    """(kind, about the present, belief, right) of one agent's answers; abstentions have nothing to calibrate."""
    return [belief for beliefs in by_house(rows, agent).values() for belief in beliefs]


def by_house(rows: list[dict], agent: str) -> dict[str, list[calibration.Judged]]:
    """The same, a list a house."""
    found: dict[str, list] = {}
    for row in rows:
        if row["agent"] != agent or row["answer"]["type"] == "abstain":
            continue
        if row["trace"] and row["trace"][-1]["action"] == "answer":
            last = row["trace"][-1]
            belief = (last["kind"], bool(last["present"]), float(last["belief"]), bool(row["correct"]))
            found.setdefault(row["house"], []).append(belief)
    return found


def held_out(houses: dict[str, list[calibration.Judged]]) -> dict[str, float | None]:
    """ECE, Brier and AUROC where each house is judged by weights that were fitted on all the others."""
    judged = []
    for house, beliefs in houses.items():
        weights = calibration.fit([b for other, rest in houses.items() if other != house for b in rest])
        for kind, present, chance, right in beliefs:
            sure = calibration.mapped(weights, kind, present, chance)
            judged.append({"answer": {"type": "label"}, "confidence": sure, "correct": right})
    return confidence_measures(judged)


def questions(rows: list[dict]) -> list:
    """(query, truth, question time) of every distinct question that the parser understands."""
    distinct = {(r["house"], r["question_id"]): r for r in rows}
    found = []
    for row in distinct.values():
        query = parse(row["question"], row["question_time"]).query
        if query is not None:
            found.append((query, Value.from_json(row["truth"]), row["question_time"]))
    return found


def write(path: Path, data: dict) -> None:
    """Write JSON at one stroke."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(data, indent=0, sort_keys=True) + "\n")
    os.replace(temporary, path)
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", nargs="+", type=Path)
    parser.add_argument("--agent", default="mind_palace")
    parser.add_argument("--out", type=Path, default=calibration.FILE.parent)
    args = parser.parse_args()
    rows = read_rows(args.predictions)
    beliefs = raw_beliefs(rows, args.agent)
    if not beliefs:
        raise ConfigError(f"no answers of {args.agent!r} in {[str(p) for p in args.predictions]}; name another agent")
    write(args.out / calibration.FILE.name, calibration.fit(beliefs))
    write(args.out / baselines.BLIND_FILE.name, baselines.blind_table(questions(rows)))
    print(f"{len(beliefs)} answers of {args.agent}, {sum(r for *_, r in beliefs)} right")
    if len(houses := by_house(rows, args.agent)) > 1:
        print("left-out houses:", {name: value and round(value, 3) for name, value in held_out(houses).items()})


if __name__ == "__main__":
    main()
