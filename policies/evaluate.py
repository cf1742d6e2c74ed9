"""Evaluate trained policies in houses never trained in, beside controls: ``… policies.evaluate CONFIG``.

The same as ``embodied-mem evaluate``, where nothing but torch, numpy, safetensors and PyYAML is installed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from embodied_mem.config import build
from embodied_mem.errors import EmbodiedMemError
from embodied_mem.evaluation.run import evaluate
from embodied_mem.policies import checkpoint
from embodied_mem.policies.actors import PolicyActor
from embodied_mem.policies.build import make_policy, policy_config
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.tokens import Spec


def load_policy(
    path: Path, device: str = "cpu", budget: int | None = None, lasting: bool = False
) -> tuple[PolicyActor, TrainConfig, dict]:
    """The actor of a checkpoint, its training's configuration, and what else the checkpoint says. Weights may be in
    half precision; the actor is in float32. ``budget``: the tokens it keeps instead of those it was trained with.
    ``lasting``: for a life without end, where who keeps everything keeps the latest tokens, as many as a trial of the
    training had: a longer memory has never been learned from (docs/policies_measured.md, longer trials), and grows.
    A code of time that can begin anew (``span``) does so after a trial of the training: no longer one has been seen.
    Raises InputError for a file that is damaged or of another architecture.
    """
    tensors, meta = checkpoint.read(path)
    config = build(TrainConfig, meta["config"], f"{path}: config")
    trained = policy_config(config.policy)
    if lasting and budget is None and getattr(trained, "budget", 0) is None:
        budget = config.trial_steps
    kept = {} if budget is None else {"budget": budget}
    if getattr(trained, "span", 0) is None:
        kept["span"] = config.trial_steps
    policy = make_policy(Spec.from_dict(meta["spec"]), {**config.policy, **kept}).to(device)
    checkpoint.load_weights(policy, checkpoint.part_of(tensors, "policy."), str(path))
    return PolicyActor(policy), config, meta


def main() -> int:
    about = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m embodied_mem.policies.evaluate", description=about)
    parser.add_argument("config", help="an experiment: a YAML file, or the name of a shipped one")
    parser.add_argument("--checkpoint", nargs="+", help="seeds of its agents; left out: the shipped ones")
    parser.add_argument("--seed", type=int, help="first house; below 10,000: development, from 100,000: evaluation")
    parser.add_argument("--houses", type=int)
    parser.add_argument("--episodes", type=int, help="of each trial")
    parser.add_argument("--streaming", type=int, nargs="+", help="the first agent keeps only so many steps, too")
    parser.add_argument("--device", help="cpu or cuda; left out: as the configuration says")
    parser.add_argument("--workers", type=int, help="parallel processes; left out: one a core")
    parser.add_argument("--out", type=Path, help="the run folder; left out: runs/TASK-DIGEST")
    options = vars(parser.parse_args())
    try:
        folder = evaluate(options.pop("config"), options.pop("out"), options)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print((folder / "report.md").read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
