#!/usr/bin/env python3
"""How fast is the embedded simulator here? Prints a table and, with --json FILE, writes the numbers.

Standard house: seed 7. images_per_s: colour + depth + instance together, by side of a square image;
patrol_steps_per_s: the scripted patrol at 320×240 with default noise; house_s, day_s: seconds to generate a house
and a day of its life.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np

from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.life import FUTURE_DAYS, Life
from embodied_mem.sim.render import Renderer
from embodied_mem.sim.truth import passable_grid
from embodied_mem.tasks.la_eqa.patrol import plan_patrol
from embodied_mem.types import Camera, planar_pose

SEED = 7
SIDES = (64, 128, 256)
LIFE_DAYS = 7


def images_per_s(side: int, seconds: float) -> float:
    """Pictures of random poses in the standard house."""
    house = generate_house(SEED)
    renderer = Renderer(house, Camera(width=side, height=side))
    grid = passable_grid(house, 0.18)
    rng = np.random.default_rng(0)
    cells = np.argwhere(grid.passable)
    poses = [(*grid.centre(cells[rng.integers(len(cells))]), rng.uniform(0, 2 * math.pi)) for _ in range(200)]
    renderer.render(planar_pose(*poses[0]), 0.0)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        renderer.render(planar_pose(*poses[count % len(poses)]), 9 * 3600.0)
        count += 1
    return count / (time.perf_counter() - start)


def patrol_steps_per_s(steps: int) -> float:
    """The first steps of the scripted patrol, as they are recorded."""
    sim = EmbeddedSimulator(noise=NoiseConfig(), seed=SEED)
    patrol = plan_patrol(generate_house(SEED))
    sim.reset(SEED, visit="v000", start=patrol.start)
    start = time.perf_counter()
    for action in patrol.actions[:steps]:
        sim.step(action)
    return min(steps, len(patrol.actions)) / (time.perf_counter() - start)


def seconds_of(work, repeats: int = 5) -> float:
    """Median wall seconds of ``work(k)`` for k = 0, 1, …"""
    took = []
    for k in range(repeats):
        start = time.perf_counter()
        work(k)
        took.append(time.perf_counter() - start)
    return sorted(took)[repeats // 2]


def measure(seconds: float, steps: int) -> dict:
    """All figures, rounded."""
    houses = [generate_house(k) for k in range(5)]
    return {
        "house": SEED,
        "cpus": os.cpu_count(),
        "images_per_s": {str(side): round(images_per_s(side, seconds), 1) for side in SIDES},
        "patrol_steps_per_s": round(patrol_steps_per_s(steps), 1),
        "house_s": round(seconds_of(generate_house), 4),
        "day_s": round(seconds_of(lambda k: Life(houses[k], k, LIFE_DAYS)) / (LIFE_DAYS + FUTURE_DAYS), 5),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to draw at each size (default 2)")
    parser.add_argument("--steps", type=int, default=300, help="patrol steps to time (default 300)")
    options = parser.parse_args()
    result = measure(options.seconds, options.steps)
    for side, rate in result["images_per_s"].items():
        print(f"{side}×{side}: {rate:8.1f} images/s (colour + depth + instance)")
    print(f"patrol:  {result['patrol_steps_per_s']:8.1f} steps/s at 320×240")
    print(f"house:   {result['house_s']:8.3f} s, a day of its life: {result['day_s']:.4f} s")
    if options.json:
        partial = options.json.with_name(options.json.name + ".part")
        partial.write_text(json.dumps(result, indent=1) + "\n")
        os.replace(partial, options.json)


if __name__ == "__main__":
    main()
