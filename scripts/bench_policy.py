#!/usr/bin/env python
"""Time the vector environments, training end to end and acting with a long context. Needs torch alone.

    .venv/bin/python scripts/bench_policy.py --json bench.json
    .venv/bin/python scripts/bench_policy.py --threads 2 --device cuda --trials 4096 --only environment

Rates are given by the clock and, for machines that are shared, by CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from embodied_mem.config import build
from embodied_mem.policies.build import make_environment, make_policy
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.tokens import Spec, TokenStream
from embodied_mem.policies.trainer import Trainer

TINY = {"kind": "relic", "width": 64, "layers": 2, "heads": 4, "hidden": 128, "sink": "kv"}
SMALL = {"kind": "relic", "width": 256, "layers": 4, "heads": 8, "hidden": 1024, "sink": "kv0"}
ENVIRONMENTS = {
    "darkroom": ("darkroom", {}),
    "grid, stay": ("grid_object_search", {}),
    "grid, shaped": ("grid_object_search", {"reward": "shaped", "early_end": True}),
    "object search, CPU size": ("object_search", {"split": "dev", "houses": 100}),
    "grid, 15×15": ("grid_object_search", {"size": 15, "rooms": 6, "types": 12, "radius": 3, "cap": 64}),
}


class Clock:
    """Seconds by the clock and of this process's CPUs, since it was made."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.wall, self.cpu = self._now()

    def _now(self) -> tuple[float, float]:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()

    def rates(self, count: int) -> dict[str, float]:
        wall, cpu = self._now()
        return {"per_second": round(count / (wall - self.wall)), "per_cpu_second": round(count / (cpu - self.cpu))}


def environment(name: str, trials: int, device: torch.device) -> dict:
    """Steps of all trials, two trials long, houses and resets included."""
    task, options = ENVIRONMENTS[name]
    env = make_environment(task, options, trials, device)
    actions = torch.randint(env.actions, (64, trials), device=device)
    length = 10 * env.episode_cap
    env.reset_trial(torch.arange(trials, device=device))
    clock = Clock(device)
    for turn in (1, 2):
        env.reset_trial(torch.arange(trials, device=device) + turn * trials)
        for t in range(length):
            env.step(actions[t % 64])
    return clock.rates(2 * length * trials)


def training(updates: int, policy: dict, trials: int, threads: int, device: torch.device) -> dict:
    """Acting and learning on grid object search, 10 episodes of 24 steps a trial, after one round to warm up."""
    config = build(TrainConfig, {
        "task": "grid_object_search", "policy": policy, "trials": trials, "trial_steps": 240, "updates": updates,
        "threads": threads, "device": str(device), "ppo": {"minibatches": 4, "epochs": 3},
    })  # fmt: skip
    trainer = Trainer(config)
    trainer.round()
    clock = Clock(device)
    shares = [trainer.round()["acting_share"] for _ in range(3)]
    return {**clock.rates(3 * config.steps_a_round), "acting_share": round(sum(shares) / 3, 3)}


@torch.no_grad()
def acting(policy: dict, context: int, batch: int, device: torch.device) -> dict:
    """Milliseconds of a step behind ``context`` steps, and what the memory takes."""
    env = make_environment("grid_object_search", {}, batch, device)
    built = make_policy(Spec.of(env), policy).to(device).eval()
    tokens = TokenStream(env.actions, batch, device).begin(env.reset_trial(torch.arange(batch, device=device)))
    state = built.init_state(batch, context + 32)
    if hasattr(state, "length"):
        state.length = context  # what is in the slots does not matter for time
    steps = []
    for _ in range(20):
        clock = Clock(device)
        _, state = built.step(tokens, state)
        steps.append(clock._now()[0] - clock.wall)
    return {"milliseconds": round(1000 * sorted(steps)[10], 2), "memory_bytes": built.state_bytes(state) // batch}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--trials", type=int, default=256, help="trials side by side, of environments alone")
    parser.add_argument("--only", choices=("environment", "training", "acting"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    hardware = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    figures: dict = {"device": hardware, "threads": options.threads, "trials": options.trials}
    if options.only in (None, "environment"):
        figures["environment"] = {name: environment(name, options.trials, device) for name in ENVIRONMENTS}
    if options.only in (None, "training"):
        gru = {"kind": "gru", "width": 128}
        runs = {"2×64, U 1": (1, TINY), "2×64, U 4": (4, TINY), "2×64 no IEA, U 1": (1, {**TINY, "across": False}),
                "gru 128, U 1": (1, gru)}  # fmt: skip
        figures["training"] = {k: training(u, p, 96, options.threads, device) for k, (u, p) in runs.items()}
    if options.only in (None, "acting"):
        grouped = {**SMALL, "kv_heads": 2}
        policies = {"2×64": (TINY, 240), "4×256": (SMALL, 65_536), "4×256, 2 kv heads": (grouped, 65_536),
                    "4×256, 2 kv heads, bf16 cache": ({**grouped, "half_cache": True}, 65_536)}  # fmt: skip
        figures["acting"] = {f"{k} behind {n} steps": acting(p, n, 1, device) for k, (p, n) in policies.items()}
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    if options.json:
        part = options.json.with_name(options.json.name + ".part")
        part.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(options.json)


if __name__ == "__main__":
    main()
