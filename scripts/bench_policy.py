#!/usr/bin/env python
"""Time the simulators alone, training end to end and acting with a long context. Needs torch alone.

    .venv/bin/python scripts/bench_policy.py --json bench.json           # on a CPU; and on a GPU too where there is one
    .venv/bin/python scripts/bench_policy.py --only simulator --processes 1

Rates are given by the clock and, for machines that are shared, by CPU seconds. Simulators run in ``--processes``
processes side by side with one thread each, acting in one, and training in one and, sharing its trials as under
torchrun, in all. Actions are random and even, so that one in four ends an episode of object search: new goals and
starts are dearer here than in use.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from embodied_mem.config import build
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies import parallel
from embodied_mem.policies.build import make_environment, make_policy
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.tokens import Spec, TokenStream
from embodied_mem.policies.trainer import Trainer

TINY = {"kind": "relic", "width": 64, "layers": 2, "heads": 4, "hidden": 128, "sink": "kv"}
SMALL = {"kind": "relic", "width": 256, "layers": 4, "heads": 8, "hidden": 1024, "sink": "kv0", "kv_heads": 2}
LONG = 65_536  # steps of context
SIMULATORS = {
    "darkroom": ("darkroom", {}),
    "grid, stay": ("grid_object_search", {}),
    "grid, shaped": ("grid_object_search", {"reward": "shaped", "early_end": True}),
    "grid, 15×15": ("grid_object_search", {"size": 15, "rooms": 6, "types": 12, "radius": 3, "cap": 64}),
    "object search, CPU size": ("object_search", {"split": "dev", "houses": 100}),
    "object search, full size": ("object_search", {"split": "dev", "houses": 100, "types": 20, "cap": 500}),
}
POLICIES = {
    "2×64": TINY, "2×64, no attention across episodes": {**TINY, "across": False},
    "2×64, spatial, budget 120": {"kind": "spatial", "width": 64, "budget": 120}, "gru 128": {"kind": "gru"},
}  # fmt: skip


class Clock:
    """Seconds by the clock and of this process's CPUs, since it was made."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.wall, self.cpu = self.now()

    def now(self) -> tuple[float, float]:
        """Seconds by the clock and of CPUs."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()

    def rates(self, count: int) -> dict[str, float]:
        wall, cpu = self.now()
        return {"per_second": round(count / (wall - self.wall)), "per_cpu_second": round(count / (cpu - self.cpu))}


def simulator(name: str, trials: int, device: str, steps: int) -> dict:
    """Steps of all trials of one process, from the reset of the houses on."""
    torch.set_num_threads(1)
    task, options = SIMULATORS[name]
    env = make_environment(task, options, trials, device)
    actions = torch.randint(env.actions, (64, trials), generator=torch.Generator().manual_seed(0)).to(device)
    seeds = torch.arange(trials, device=device)
    env.reset_trial(seeds)
    for t in range(8):
        env.step(actions[t])
    clock = Clock(env.device)
    env.reset_trial(seeds + trials)
    for t in range(steps):
        env.step(actions[t % 64])
    return clock.rates(steps * trials)


def side_by_side(processes: int, *args) -> dict:
    """:func:`simulator` in several processes at once: the sum of their rates, and the mean of those a CPU second."""
    if processes == 1:
        return simulator(*args)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        rates = [job.result() for job in [pool.submit(simulator, *args) for _ in range(processes)]]
    cpu = sum(r["per_cpu_second"] for r in rates) / processes
    return {"per_second": sum(r["per_second"] for r in rates), "per_cpu_second": round(cpu)}


def training(policy: dict, updates: int, trials: int, device: str) -> dict:
    """Acting and learning on grid object search, as configured there, after one round to warm up."""
    config = build(TrainConfig, {
        "task": "grid_object_search", "policy": policy, "trials": trials, "trial_steps": 240, "updates": updates,
        "device": device, "precision": "fp32" if device == "cpu" else "bf16", "ppo": {"minibatches": 12, "epochs": 2},
    })  # fmt: skip
    trainer = Trainer(config)
    trainer.round()
    clock = Clock(torch.device(device))
    shares = [trainer.round()["acting_share"] for _ in range(2)]
    return {**clock.rates(2 * config.steps_a_round), "acting_share": round(sum(shares) / 2, 3)}


def joined(rank: int, processes: int, port: int, *args) -> dict:
    """:func:`training` as one of several processes that share its trials."""
    where = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({k: str(v) for k, v in where.items()})
    try:
        return training(*args)
    finally:
        parallel.stop()


def together(processes: int, *args) -> dict:
    """:func:`training` by several processes: their common rate by the clock, and that of a second of one CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        rates = [job.result() for job in [pool.submit(joined, r, processes, port, *args) for r in range(processes)]]
    cpu = 1 / sum(1 / r["per_cpu_second"] for r in rates)  # each counted the steps of all
    return {**rates[0], "per_cpu_second": round(cpu)}


@torch.no_grad()
def acting(policy: dict, context: int, batch: int, device: str) -> dict:
    """Milliseconds of a step behind ``context`` steps (the median of 20), and bytes of memory for each trial."""
    env = make_environment("grid_object_search", {}, batch, device)
    built = make_policy(Spec.of(env), policy).to(device).eval()
    stream = TokenStream(env.actions, batch, device)
    tokens = stream.begin(env.reset_trial(torch.arange(batch, device=device)))
    state = built.init_state(batch, context + 32)
    if context < LONG:
        for _ in range(context):
            _, state = built.step(tokens, state)
            actions = torch.randint(env.actions, (batch,), device=device)
            tokens = stream.after(env.step(actions), actions)
    else:
        state.length = context  # what is in the slots does not matter for time
    wall, cpu = [], []
    for _ in range(20):
        clock = Clock(env.device)
        _, state = built.step(tokens, state)
        now = clock.now()
        wall.append(1000 * (now[0] - clock.wall))
        cpu.append(1000 * (now[1] - clock.cpu))
    return {"milliseconds": round(sorted(wall)[10], 2), "cpu_milliseconds": round(sorted(cpu)[10], 2),
            "memory_bytes": built.state_bytes(state) // batch}  # fmt: skip


def figures(device: str, processes: int, trials: int, only: str | None, names: list[str]) -> dict:
    """All rows for one device."""
    rows: dict = {"trials": trials}
    if only in (None, "simulator"):
        rows["simulator"] = {n: side_by_side(processes, n, trials, device, 1024) for n in names}
    if only in (None, "training"):
        side = 192 if device == "cpu" else 4096
        runs = [("2×64", 4)] + [(name, 1) for name in POLICIES]
        rows["training"] = {f"{n}, U {u}, {side} trials": training(POLICIES[n], u, side, device) for n, u in runs}
        if processes > 1:
            shared = {f"2×64, U {u}, {side} trials, {processes} processes": u for u in (1, 4)}
            rows["training"] |= {name: together(processes, TINY, u, side, device) for name, u in shared.items()}
    if only in (None, "acting"):
        batch = 1 if device == "cpu" else 64
        half = {**SMALL, "half_cache": True}
        runs = {f"2×64 behind 240, batch {batch}": (TINY, 240), f"2×64 behind 960, batch {batch}": (TINY, 960),
                f"2×64 behind 960, the latest 240, batch {batch}": ({**TINY, "budget": 240}, 960),
                f"2×64, spatial, budget 120, behind 960, batch {batch}": (POLICIES["2×64, spatial, budget 120"], 960),
                f"4×256 behind {LONG}, batch {batch}": (SMALL, LONG),
                f"4×256 behind {LONG}, bf16 cache, batch {batch}": (half, LONG)}  # fmt: skip
        rows["acting"] = {name: acting(*run, batch, device) for name, run in runs.items()}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--processes", type=int, default=2, help="of simulators and training on the CPU")
    parser.add_argument("--trials", type=int, default=1024, help="side by side in a process, of simulators on the CPU")
    parser.add_argument("--gpu-trials", type=int, default=16_384, help="side by side, of simulators on the GPU")
    parser.add_argument("--only", choices=("simulator", "training", "acting"))
    parser.add_argument("--simulators", nargs="+", choices=list(SIMULATORS), default=list(SIMULATORS), metavar="NAME",
                        help="which to time; left out: " + ", ".join(SIMULATORS))
    parser.add_argument("--device", choices=("cpu", "cuda"), help="left out: both, where there is a GPU")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found, only, names = {}, options.only, options.simulators
    if options.device != "cuda":
        found["cpu"] = {"processes": options.processes,
                        **figures("cpu", options.processes, options.trials, only, names)}  # fmt: skip
    if options.device != "cpu" and torch.cuda.is_available():
        found["cuda"] = {"device": torch.cuda.get_device_name(), **figures("cuda", 1, options.gpu_trials, only, names)}
    text = json.dumps(found, indent=1, ensure_ascii=False)
    print(text)
    if options.json:
        write_atomically(options.json, text + "\n")


if __name__ == "__main__":
    main()
