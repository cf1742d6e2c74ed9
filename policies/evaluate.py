"""Evaluate checkpoints on houses never trained in, with controls.

    python -m embodied_mem.policies.evaluate CHECKPOINT [CHECKPOINT …] --json FILE

Several checkpoints are seeds of one training: intervals are over seeds and houses.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from embodied_mem.config import build
from embodied_mem.errors import ConfigError, EmbodiedMemError
from embodied_mem.policies import checkpoint
from embodied_mem.policies.actors import CONTROLS, PolicyActor
from embodied_mem.policies.build import make_environment, make_policy
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.tokens import Spec
from embodied_mem.policies.trials import run_trials, summary


def load_policy(path: Path, device: str = "cpu") -> tuple[PolicyActor, TrainConfig, dict]:
    """The actor of a checkpoint, its training's configuration, and what else the checkpoint says. Raises InputError."""
    tensors, meta = checkpoint.read(path)
    config = build(TrainConfig, meta["config"])
    spec = Spec.of(make_environment(config.task, config.environment, 1))
    if spec.as_dict() != meta["spec"]:
        raise ConfigError(f"{path} was trained on {meta['spec']}, the environment now is {spec.as_dict()}; train again")
    policy = make_policy(spec, config.policy).to(device)
    checkpoint.load_weights(policy, checkpoint.part_of(tensors, "policy."), str(path))
    return PolicyActor(policy), config, meta


def evaluate(
    paths: list[Path], houses: Sequence[int], episodes: int, batch: int = 128, device: str = "cpu", split: str = "test",
    controls: Sequence[str] = ("swapped_context", "random", "oracle"),
) -> dict:  # fmt: skip
    """Metrics of one policy (its seeds' checkpoints) with controls, in the form of ``metrics.json``."""
    runs, swapped, config = [], [], None
    for i, path in enumerate(paths):
        actor, config, _ = load_policy(path, device)
        env = make_environment(config.task, {**config.environment, "split": split}, batch, device)
        runs.append(run_trials(env, actor, houses, episodes, seed=i))
        if "swapped_context" in controls:
            swapped.append(run_trials(env, actor, houses, episodes, seed=i, swapped=True))
    agents = {config.policy["kind"]: {**summary(runs), "policy": config.policy}}
    if swapped:
        agents["swapped_context"] = summary(swapped)
    agents |= {name: summary([run_trials(env, CONTROLS[name](), houses, episodes)])
               for name in controls if name in CONTROLS}  # fmt: skip
    return {"task": config.task, "environment": config.environment, "split": split, "houses": len(houses),
            "first_house": int(houses[0]), "episodes": episodes, "agents": agents}  # fmt: skip


def main() -> int:
    about = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m embodied_mem.policies.evaluate", description=about)
    parser.add_argument("checkpoints", type=Path, nargs="+", help="seeds of one training")
    parser.add_argument("--houses", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1, help="first house; development below 10,000")
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--split", choices=("test", "train", "dev"), default="test", help="dev: object search alone")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="write the metrics here")
    options = parser.parse_args()
    try:
        houses = range(options.seed, options.seed + options.houses)
        metrics = evaluate(options.checkpoints, houses, options.episodes, options.batch, options.device, options.split)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, figures in metrics["agents"].items():
        curve = " ".join(f"{x:5.2f}" for x in figures["return_by_episode"])
        print(f"{name:16s} return {curve}  gain {figures['gain']:+.2f} {figures['gain_ci95']}")
    if options.json:
        options.json.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
