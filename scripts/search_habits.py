#!/usr/bin/env python
"""How policies search in the first episode of a house, where nothing is remembered yet: a table for object search.

    .venv/bin/python scripts/search_habits.py policies/checkpoints/object_search/{gru,spatial,fifo,relic}-*.safetensors

Shipped checkpoints, AGENT-SEED.safetensors, or those of trainings, AGENT-SEED/policy.safetensors. Houses are the
development split's; the evaluation's stay unseen.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

from embodied_mem.errors import EmbodiedMemError, InputError
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies import checkpoint
from embodied_mem.policies.actors import Actor
from embodied_mem.policies.build import make_environment
from embodied_mem.policies.evaluate import load_policy
from embodied_mem.policies.tokens import TokenStream
from embodied_mem.sim.vector.draws import hashed
from embodied_mem.tasks.object_search.env import LEFT, RIGHT, STOP, ObjectSearch

CELL = 0.5  # metres: the floor is counted in squares of this size
_UNIT = 10.0  # metres of a position of 1.0
_ACTING = 29  # stream
COLUMNS = {
    "success": "success", "seen": "goal came into view", "success_if_seen": "success where it did",
    "false_stop": "stopped in vain", "cells": "new squares of 0.5 m a 100 steps", "undone": "turns undone at once",
    "steps": "steps",
}  # fmt: skip


def habits(env: ObjectSearch, actor: Actor, houses: int) -> dict[str, float]:
    """Means over ``houses`` first episodes, each in the next of the environment's houses.

    ``cells`` are squares the robot stood in, for every 100 of its steps, ``undone`` the share of steps that turn back
    what the step before has turned.
    """
    sums = {}
    for first in range(0, houses, env.batch):
        seeds = torch.arange(first, first + env.batch)
        for key, values in _first_episodes(env, actor, seeds).items():
            sums[key] = sums.get(key, 0.0) + float(values[: houses - first].double().sum())
    return {
        "success": sums["success"] / houses, "seen": sums["seen"] / houses,
        "success_if_seen": sums["found"] / max(1.0, sums["seen"]), "false_stop": sums["false_stop"] / houses,
        "cells": 100 * sums["cells"] / sums["steps"], "undone": sums["undone"] / sums["steps"],
        "steps": sums["steps"] / houses,
    }  # fmt: skip


def _first_episodes(env: ObjectSearch, actor: Actor, seeds: torch.Tensor) -> dict[str, torch.Tensor]:
    """[B] figures of each row's first episode."""
    actor.begin(env, env.episode_cap, hashed(seeds, _ACTING))
    stream, obs = TokenStream(env.actions, env.batch), env.reset_trial(seeds)
    tokens, going = stream.begin(obs), torch.ones(env.batch, dtype=torch.bool)
    seen, success, false_stop = (torch.zeros_like(going) for _ in range(3))
    steps, undone, before = (torch.zeros_like(seeds) for _ in range(3))
    stood: list[set[tuple[int, int]]] = [set() for _ in seeds]
    while bool(going.any()):
        for cells, place, on in zip(stood, (obs["position"] * (_UNIT / CELL)).floor().tolist(), going, strict=True):
            cells.update([tuple(place)] if on else [])
        action = actor.act(tokens)
        step = env.step(action)
        back = (action == LEFT) & (before == RIGHT) | (action == RIGHT) & (before == LEFT)
        steps, undone, before = steps + going, undone + (going & back), action
        seen |= going & (step.info["goal_known"] >= 2)  # in view, or seen in this episode
        success |= going & step.success
        false_stop |= going & (action == STOP) & ~step.success
        going = going & ~step.episode_end
        obs, tokens = step.obs, stream.after(step, action)
    cells = torch.tensor([len(x) for x in stood])
    return {"success": success, "seen": seen, "found": success & seen, "false_stop": false_stop, "cells": cells,
            "undone": undone, "steps": steps}  # fmt: skip


def table(found: dict[str, list[dict]]) -> str:
    """Markdown: means over seeds and, with more than one, their range."""
    lines = ["| | seeds | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for agent, rows in found.items():
        cells = []
        for key in COLUMNS:
            values, digits = [row[key] for row in rows], 0 if key == "steps" else 1 if key == "cells" else 2
            span = f" <sub>{min(values):.{digits}f}–{max(values):.{digits}f}</sub>" if len(values) > 1 else ""
            cells.append(f"{sum(values) / len(values):.{digits}f}{span}")
        lines.append(f"| `{agent}` | {len(rows)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoints", type=Path, nargs="+", help="of object search")
    parser.add_argument("--houses", type=int, default=400, help="of the development split (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    if not 1 <= options.houses <= 1000:
        parser.error(f"--houses: {options.houses} must be from 1 to 1000")
    found: dict[str, list[dict]] = {}
    try:
        for path in options.checkpoints:
            actor, config, _ = load_policy(path)
            if config.task != "object_search":
                raise InputError(f"{path} is of task {config.task}; take checkpoints of object_search")
            houses = {"split": "dev", "houses": options.houses}
            env = make_environment(config.task, {**config.environment, **houses}, min(100, options.houses))
            row = habits(env, actor, options.houses)
            name = checkpoint.named(path)
            found.setdefault(name.rpartition("-")[0] or name, []).append(row)
            print(f"{name}: {json.dumps({k: round(v, 3) for k, v in row.items()})}", file=sys.stderr, flush=True)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(found))
    if options.json:
        write_atomically(options.json, json.dumps({"houses": options.houses, "agents": found}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
