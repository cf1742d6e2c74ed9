#!/usr/bin/env python
"""Whether a spatial memory still holds the goal when it is asked for, and what an episode is worth if it does.

    .venv/bin/python scripts/kept_goals.py policies/checkpoints/grid_object_search/spatial-*.safetensors
    .venv/bin/python scripts/kept_goals.py CHECKPOINT --budgets 120 24 --rules mvfo fifo lifo lvfo least

Where an episode begins in a house whose goal came into view in an earlier one, the memory either holds a moment that
shows it or has forgotten all of them. Shipped checkpoints, AGENT-SEED.safetensors, or those of trainings,
AGENT-SEED/policy.safetensors, as they are or with another budget or rule than they were trained with. Houses are those
of development, which no policy was trained in; the evaluation's stay unseen.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from embodied_mem.errors import EmbodiedMemError, InputError
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies import checkpoint
from embodied_mem.policies.actors import PolicyActor
from embodied_mem.policies.allocator import RULES
from embodied_mem.policies.build import make_environment, with_split
from embodied_mem.policies.evaluate import load_policy
from embodied_mem.policies.spatial import Spatial, SpatialState
from embodied_mem.policies.tokens import Tokens
from embodied_mem.policies.trials import run_trials
from embodied_mem.sim.vector.protocol import GOAL, Space, VectorEnv

LOOKS = ("view", "first_kind", "second_kind")
"""Fields of what is in view; their last values are the kinds that are searched for."""
BATCH = 100


@dataclass
class Asked:
    """Every episode after the first: each array is [houses, episodes − 1]."""

    seen: np.ndarray
    """bool: an observation of an earlier episode shows the goal."""
    kept: np.ndarray
    """int: moments in memory that show it, as the episode begins."""
    success: np.ndarray
    returns: np.ndarray
    rules: dict[str, float]
    """The share of steps with a full memory in which each rule was in force."""


def in_view(tokens: Tokens, spaces: dict[str, Space]) -> Tensor:
    """[B, G] bool: which kinds of goal a look shows."""
    goals, shown = spaces[GOAL].size, []
    for field in (k for k in LOOKS if k in spaces):
        first = spaces[field].size - goals
        shown.append((tokens[field].flatten(1)[..., None] == first + torch.arange(goals)).any(1))
    return torch.stack(shown).any(0)


def moments(state: SpatialState, now: int) -> Tensor:
    """[B, now] bool: the steps before ``now`` that are in memory, with the one that is written next."""
    _, slot, _ = state.pending
    time = state.slots.time.scatter(1, slot[:, None], now - 1)
    held = torch.zeros(len(time), now + 1, dtype=torch.bool)
    return held.scatter_(1, torch.where(time < 0, now, time), True)[:, :now]  # empty slots: a column too many


class Watched:
    """A policy of kind spatial that acts as it would, while its memory is looked into as each episode begins."""

    def __init__(self, actor: PolicyActor, episodes: int) -> None:
        self.actor, self.episodes = actor, episodes
        self.shown: list[Tensor] = []
        """For each batch of trials [2, B, episodes] int64: moments that showed the goal before the episode began, in
        all and in memory. What comes into view with an episode's last step is no moment: the next observation is of
        another episode."""
        self.in_force = torch.zeros(len(RULES), dtype=torch.int64)
        """Steps with a full memory in which each rule was in force."""

    def begin(self, env: VectorEnv, capacity: int, keys: Tensor) -> None:
        self.actor.begin(env, capacity, keys)
        self.spaces, self.looks = env.spaces, []
        self.shown.append(torch.zeros(2, env.batch, self.episodes, dtype=torch.int64))

    def act(self, tokens: Tokens) -> Tensor:
        index = tokens["episode"]
        counts, lived = index < self.episodes, len(self.looks)  # rows whose episodes are over live on with the others
        if lived and bool((begins := (tokens["step"] == 0) & counts).any()):
            row = begins.nonzero()[:, 0]
            shows = torch.stack(self.looks, 1)[row, :, tokens[GOAL][row, 0]]  # [n, lived]
            held = shows & moments(self.actor.state, lived)[row]
            self.shown[-1][:, row, index[row]] = torch.stack([shows, held]).sum(-1)
        self.looks.append(in_view(tokens, self.spaces))
        action = self.actor.act(tokens)
        if lived >= self.actor.policy.config.budget:
            self.in_force += torch.bincount(self.actor.state.rule[counts], minlength=len(RULES))
        return action


def ask(env: VectorEnv, actor: PolicyActor, houses: int, episodes: int) -> Asked:
    """``episodes`` in each of the environment's first ``houses``."""
    watched = Watched(actor, episodes)
    curves = run_trials(env, watched, range(houses), episodes)
    seen, kept = torch.cat(watched.shown, 1)[:, :houses, 1:].numpy()
    shares = (watched.in_force / watched.in_force.sum().clamp(min=1)).tolist()
    rules = {name: round(x, 3) for name, x in zip(RULES, shares, strict=True) if x}
    return Asked(seen > 0, kept, curves.success[:, 1:], curves.returns[:, 1:], rules)


def figures(asked: Asked) -> dict:
    """What a table says of one actor: shares, and means over the episodes whose goal is kept, forgotten, new."""
    kept = asked.kept > 0
    groups = {"kept": asked.seen & kept, "forgotten": asked.seen & ~kept, "new": ~asked.seen}
    row = {"seen": float(asked.seen.mean()), "kept": _mean(kept, asked.seen), "moments": _mean(asked.kept, asked.seen)}
    for name, group in groups.items():
        row |= {f"episodes_{name}": int(group.sum()), f"success_{name}": _mean(asked.success, group),
                f"return_{name}": _mean(asked.returns, group)}  # fmt: skip
    return {**row, "return": float(asked.returns.mean()), "success": float(asked.success.mean()), "rules": asked.rules}


def _mean(values: np.ndarray, group: np.ndarray) -> float | None:
    return float(values[group].mean()) if group.any() else None


def table(found: dict[str, list[dict]]) -> str:
    """Markdown, a line an actor: means over its seeds, and lowest to highest of what is kept."""
    head = ["", "seeds", "still in memory, of goals seen", "moments of it", "success and return, later episodes",
            "goal in memory", "forgotten", "never seen", "rules in force"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, rows in found.items():
        kept = [row["kept"] for row in rows if row["kept"] is not None]
        span = f" <sub>{min(kept):.2f}–{max(kept):.2f}</sub>" if len(kept) > 1 else ""
        pairs = [_pair(rows, "success", "return"), *(_pair(rows, f"success_{k}", f"return_{k}")
                                                    for k in ("kept", "forgotten", "new"))]  # fmt: skip
        rules = {k: sum(row["rules"].get(k, 0.0) for row in rows) / len(rows) for k in RULES}
        told = ", ".join(f"{k} {x:.2f}" for k, x in sorted(rules.items(), key=lambda x: -x[1]) if x >= 0.005)
        cells = [f"`{name}`", str(len(rows)), _over(rows, "kept", 2) + span, _over(rows, "moments", 1), *pairs, told]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _over(rows: list[dict], key: str, digits: int) -> str:
    """The mean over seeds, of those that have such episodes."""
    values = [row[key] for row in rows if row[key] is not None]
    return f"{sum(values) / len(values):.{digits}f}" if values else "–"


def _pair(rows: list[dict], *keys: str) -> str:
    return ", ".join(_over(rows, key, 2) for key in keys)


def load(path: Path, budget: int | None, rule: str | None) -> tuple[PolicyActor, str, dict]:
    """The actor of a checkpoint with this budget and rule, its task and the task's options. Raises InputError."""
    actor, config, _ = load_policy(path, budget=budget)
    if not isinstance(actor.policy, Spatial):
        raise InputError(f"{path} is a policy of kind {config.policy['kind']}; take those of kind spatial")
    if not set(LOOKS) & set(actor.policy.spec.spaces) or GOAL not in actor.policy.spec.spaces:
        raise InputError(f"{path} is of task {config.task}, where no look shows a kind of goal; take "
                         "grid_object_search or object_search")  # fmt: skip
    if rule:
        actor.policy.config, actor.policy.judge = replace(actor.policy.config, allocator=rule), None
    return actor, config.task, config.environment


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoints", type=Path, nargs="+", help="of policies of kind spatial")
    parser.add_argument("--budgets", type=int, nargs="+", help="moments to keep; left out: as trained")
    parser.add_argument("--rules", nargs="+", choices=RULES, help="of what to forget; left out: as trained")
    parser.add_argument("--houses", type=int, default=200, help="of development (%(default)s)")
    parser.add_argument("--episodes", type=int, default=10, help="in each house (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    for name, most in (("houses", 1000), ("episodes", 1000)):
        value, least = getattr(options, name), 2 if name == "episodes" else 1
        if not least <= value <= most:
            parser.error(f"--{name}: {value} must be from {least} to {most}")
    found: dict[str, list[dict]] = {}
    torch.set_num_threads(1)
    try:
        for path, budget, rule in product(options.checkpoints, options.budgets or [None], options.rules or [None]):
            actor, task, environment = load(path, budget, rule)
            env = make_environment(task, with_split(task, environment, first_house=0), min(BATCH, options.houses))
            row = figures(ask(env, actor, options.houses, options.episodes))
            run, kept_as = checkpoint.named(path), "".join(f" {x}" for x in (budget, rule) if x)
            found.setdefault((run.rpartition("-")[0] or run) + kept_as, []).append(row)
            print(f"{run}{kept_as}: {row['kept'] or 0:.3f} kept", file=sys.stderr, flush=True)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(found))
    if options.json:
        text = json.dumps({"houses": options.houses, "episodes": options.episodes, "actors": found}, indent=1)
        write_atomically(options.json, text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
