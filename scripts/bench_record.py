#!/usr/bin/env python
"""Time recording: a patrol of 400 frames through the simulator, default perception, memory and understanding.

    .venv/bin/python scripts/bench_record.py --json record.json
    .venv/bin/python scripts/bench_record.py --house 7 --frames 400 --visits 2
"""

from __future__ import annotations

import itertools
import json
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tyro

from embodied_mem.evaluation.run import write_atomically
from embodied_mem.memory.palace import MindPalace
from embodied_mem.memory.recorder import Recorder
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.sim.embedded import EmbeddedSimulator
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.schedule import visit_times
from embodied_mem.tasks.la_eqa.patrol import plan_patrol


@dataclass
class Options:
    """What to time."""

    json: Path | None = None
    """Write the figures here as well."""
    house: int = 7
    """House seed."""
    frames: int = 400
    """Frames of each patrol (the scripted patrol is cut there)."""
    visits: int = 2
    """Patrols on successive days."""


def frames_of(sim: EmbeddedSimulator, patrol, house: int, visit: str, start: float):
    """The frames of one patrol, as the robot sees them."""
    yield sim.reset(house, visit=visit, time=start, start=patrol.start)
    for action in patrol.actions:
        yield sim.step(action)


def main(options: Options) -> None:
    """Record, and print seconds a patrol, milliseconds a frame, bytes a frame and peak memory."""
    patrol = plan_patrol(generate_house(options.house))
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        sidecar = Sidecar(Path(folder) / "sidecar")
        sim = EmbeddedSimulator(noise=NoiseConfig(), sidecar=sidecar, seed=options.house, days=max(3, options.visits))
        palace = MindPalace.create(Path(folder) / "palace")
        recorder = Recorder(palace, SimulatedDetector(sidecar, NoiseConfig(), options.house))
        for visit, start in visit_times(options.house, options.visits):
            began = time.perf_counter()
            frames = itertools.islice(frames_of(sim, patrol, options.house, visit, start), options.frames)
            recorder.record(visit, frames)
            seconds.append(time.perf_counter() - began)
        palace.close()
        stored = sum(p.stat().st_size for p in (Path(folder) / "palace").rglob("*") if p.is_file())
    count = min(options.frames, patrol.frames)
    figures = {
        "house": options.house, "frames": count, "seconds": [round(s, 1) for s in seconds],
        "ms_a_frame": round(1000 * min(seconds) / count, 1),
        "kilobytes_a_frame": round(stored / 1024 / count / len(seconds), 1),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }  # fmt: skip
    print(json.dumps(figures, indent=1))
    if options.json:
        write_atomically(options.json, json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options))
