"""Train an experiment's agents, each seed into a folder: ``python -m embodied_mem.policies.train CONFIG``.

    RUN/config.json              the configuration of the training
    RUN/log.jsonl                one line a round of trials; the same in TensorBoard's form where it is installed
    RUN/checkpoint.safetensors   the latest good state; the same command goes on from it
    RUN/policy.safetensors       weights, configuration, counters and hardware, when training is done
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from embodied_mem.config import build, read_yaml, to_dict
from embodied_mem.errors import ConfigError, EmbodiedMemError
from embodied_mem.evaluation.run import write_atomically
from embodied_mem.policies import checkpoint, parallel
from embodied_mem.policies.experiment import ExperimentConfig
from embodied_mem.policies.journal import Journal, learning_curve, takeoff
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.trainer import Trainer, describe, same_config

RUNS = Path("runs/policies")


class InUse(ConfigError):
    """The folder of a run is another process's."""


def train_all(
    experiment: ExperimentConfig, agent: str | None = None, seed: int | None = None, out: Path | None = None,
    device: str | None = None,
) -> None:  # fmt: skip
    """Train what is left of an experiment (of one agent, of one seed), one after another, each in OUT/AGENT-SEED.

    What is finished is skipped, and so is what another process is training: the same command started twice shares the
    work. ``out``: left out, ``runs/policies/NAME``; ``device``: left out, the configuration's. Raises ConfigError and
    TrainingError as :func:`train` does.
    """
    for name, s in experiment.trainings(agent, seed):
        folder, config = (out or RUNS / experiment.name) / f"{name}-{s}", experiment.training_of(name, s)
        config = replace(config, device=device or config.device)
        if _finished(config, folder):
            _say(f"{name}-{s}: done already, {folder}/policy.safetensors")
            continue
        _say(f"{name}-{s}: {config.total_steps / 1e6:.2f} M steps into {folder}")
        try:
            train(config, folder)
        except InUse as error:
            if agent and seed is not None:
                raise
            _say(f"{name}-{s}: {error}")


def _say(line: str) -> None:
    if int(os.environ.get("RANK", 0)) == 0:
        print(line, flush=True)


def _finished(config: TrainConfig, folder: Path) -> bool:
    """Whether the folder holds the end of this training. Raises ConfigError for the end of another one."""
    path = folder / "policy.safetensors"
    if not path.exists():
        return False
    same_config(config, checkpoint.read(path)[1]["config"], path)
    return True


def train(config: TrainConfig, folder: Path, until: int | None = None, quiet: bool = False) -> Trainer:
    """Train to the end (or for ``until`` steps) and return the trainer; goes on where a killed run stopped.

    Raises TrainingError when a loss is not finite (the checkpoint before it stays), ConfigError when the folder holds
    a run of another configuration or one that is still going on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _only_training(folder, int(os.environ.get("RANK", 0))):
        return _train(config, folder, until, quiet)


@contextlib.contextmanager
def _only_training(folder: Path, rank: int) -> Iterator[None]:
    """Hold the folder's lock, which the system drops with the process: two trainings would mix their logs and
    checkpoints. Processes that train together hold one each."""
    with (folder / ("lock" if rank == 0 else f"lock.{rank}")).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InUse(f"{folder} is in use by another training; wait for it or choose another --out") from error
        yield


def _train(config: TrainConfig, folder: Path, until: int | None, quiet: bool) -> Trainer:
    trainer, latest, first = Trainer(config), folder / "checkpoint.safetensors", parallel.rank() == 0
    if latest.exists():
        trainer.load(latest)
    if first:
        write_atomically(folder / "config.json", json.dumps(to_dict(config), indent=1) + "\n")
    with Journal(trainer, folder if first else None, quiet or not first) as journal:
        while not trainer.done and (until is None or trainer.steps < until):
            journal.write(trainer.round())
            if first and (trainer.rounds % config.checkpoint_every == 0 or trainer.done):
                trainer.save(latest)
    if trainer.done and first:
        weights = {f"policy.{k}": v for k, v in trainer.policy.state_dict().items()}
        counters = {k: getattr(trainer, k) for k in ("rounds", "steps", "optimiser_steps", "seconds")}
        meta = {**describe(config, trainer.spec), "counters": counters, "hardware": trainer.hardware}
        meta["takeoff_steps"] = takeoff(learning_curve(folder / "log.jsonl"))
        checkpoint.write(folder / "policy.safetensors", weights, meta)
    return trainer


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embodied_mem.policies.train", description=__doc__.split("\n")[0])
    parser.add_argument("config", help="an experiment: a YAML file, or the name of a shipped one")
    parser.add_argument("--agent", help="left out: all of the experiment")
    parser.add_argument("--seed", type=int, help="left out: all of the experiment")
    parser.add_argument("--out", type=Path, help="where the folders AGENT-SEED stand; left out: runs/policies/NAME")
    parser.add_argument("--device", help="cpu or cuda; left out: as the configuration says")
    options = parser.parse_args()
    try:
        experiment = build(ExperimentConfig, read_yaml(options.config), options.config)
        train_all(experiment, options.agent, options.seed, options.out, options.device)
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        parallel.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
