#!/usr/bin/env python
"""Fit what the planner learns from development houses: calibration maps and the blind agent's table.

    scripts/calibrate.py RUN/predictions.jsonl [MORE.jsonl ...] [--agent mind_palace]

Reads prediction files of development seeds (below 10,000; anything else is refused) and writes
embodied_mem/planner/data/calibration.json and blind.json.
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


def raw_beliefs(rows: list[dict], agent: str) -> list[tuple[str, float, bool]]:
    """(kind, uncalibrated belief, right) of one agent's answers; where it abstained there is nothing to calibrate."""
    found = []
    for row in rows:
        if row["agent"] != agent or row["answer"]["type"] == "abstain":
            continue
        if row["trace"] and row["trace"][-1]["action"] == "answer":
            last = row["trace"][-1]
            found.append((last["kind"], float(last["belief"]), bool(row["correct"])))
    return found


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
    args = parser.parse_args()
    rows = read_rows(args.predictions)
    beliefs = raw_beliefs(rows, args.agent)
    write(calibration.FILE, calibration.fit(beliefs))
    write(baselines.BLIND_FILE, baselines.blind_table(questions(rows)))
    print(f"{len(beliefs)} answers of {args.agent}, {sum(r for *_, r in beliefs)} right")


if __name__ == "__main__":
    main()
