#!/usr/bin/env python
"""How long one FindingDory experience takes to record, perceive and store, and how large it is.

    scripts/bench_findingdory.py --json
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")


def measure(house: int, interactions: int) -> dict:
    """Record one experience into a temporary folder; seconds of wall clock, frames, bytes of the palace."""
    from embodied_mem.perception.noise import NoiseConfig
    from embodied_mem.tasks.findingdory.experience import ExperienceConfig, record_experience

    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        settings = ExperienceConfig((interactions, interactions))
        experience = record_experience(house, 0, settings, Path(folder) / "experience", NoiseConfig())
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        frames = len(experience.log().steps)
        stored = sum(f.stat().st_size for f in experience.palace.rglob("*") if f.is_file())
    return {
        "house": house, "interactions": interactions, "frames": frames, "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1), "seconds_per_1000_frames": round(1000 * seconds / frames, 1),
        "palace_mb": round(stored / 1e6, 1),
    }  # fmt: skip


def main() -> None:
    """Print the figures, as a line of JSON or one to a line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--house", type=int, default=7, help="house seed (about 1,000 frames with the default)")
    parser.add_argument("--interactions", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = measure(args.house, args.interactions)
    print(json.dumps(found) if args.json else "\n".join(f"{k}: {v}" for k, v in found.items()))


if __name__ == "__main__":
    main()
