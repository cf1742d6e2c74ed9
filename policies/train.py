"""Train a policy into a folder: ``python -m embodied_mem.policies.train CONFIG [--out FOLDER]``.

    FOLDER/config.json              the configuration
    FOLDER/log.jsonl                one line a round of trials
    FOLDER/checkpoint.safetensors   the latest good state; the same command goes on from it
    FOLDER/policy.safetensors       weights, configuration and counters, when training is done
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from embodied_mem.config import build, read_yaml, to_dict
from embodied_mem.errors import ConfigError, EmbodiedMemError
from embodied_mem.policies import checkpoint, parallel
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.trainer import Trainer, describe

_SHOW_EVERY = 15.0  # seconds


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
            raise ConfigError(f"{folder} is in use by another training; wait for it or choose another --out") from error
        yield


def _train(config: TrainConfig, folder: Path, until: int | None, quiet: bool) -> Trainer:
    trainer, latest, first = Trainer(config), folder / "checkpoint.safetensors", parallel.rank() == 0
    if latest.exists():
        trainer.load(latest)
    if first:
        (folder / "config.json").write_text(json.dumps(to_dict(config), indent=1) + "\n", encoding="utf-8")
    show = _Progress(trainer, quiet or not first)
    with _open_log(folder / "log.jsonl" if first else Path(os.devnull), trainer.rounds) as log:
        while not trainer.done and (until is None or trainer.steps < until):
            row = trainer.round()
            log.write(json.dumps(row) + "\n")
            log.flush()
            show(row)
            if first and (trainer.rounds % config.checkpoint_every == 0 or trainer.done):
                trainer.save(latest)
    if trainer.done and first:
        weights = {f"policy.{k}": v for k, v in trainer.policy.state_dict().items()}
        counters = {k: getattr(trainer, k) for k in ("rounds", "steps", "optimiser_steps", "seconds")}
        meta = {**describe(config, trainer.spec), "counters": counters}
        checkpoint.write(folder / "policy.safetensors", weights, meta)
    return trainer


def _open_log(path: Path, rounds: int) -> IO[str]:
    """The log without what came after the checkpoint: those rounds are lived again."""
    kept = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                break  # torn by a kill
            if row["round"] <= rounds:
                kept.append(line + "\n")
    path.write_text("".join(kept), encoding="utf-8")
    return path.open("a", encoding="utf-8")


class _Progress:
    """A line every few seconds: how far, how fast, how long still, how well."""

    def __init__(self, trainer: Trainer, quiet: bool) -> None:
        self.trainer, self.quiet, self._shown = trainer, quiet, 0.0
        self._began, self._steps = time.monotonic(), trainer.steps

    def __call__(self, row: dict) -> None:
        now, total = time.monotonic(), self.trainer.config.total_steps
        if self.quiet or (now - self._shown < _SHOW_EVERY and not self.trainer.done):
            return
        self._shown = now
        rate = (row["steps"] - self._steps) / (now - self._began)
        left = max(0, total - row["steps"]) / rate / 60
        curve = " ".join(f"{x:.1f}" for x in row["return_by_episode"][:12])
        print(f"{row['steps'] / 1e6:.2f}/{total / 1e6:.2f} M steps, {rate:.0f}/s, about {left:.0f} min left | "
              f"entropy {row['entropy']:.2f} kl {row['kl']:.4f} value {row['value_loss']:.3f} | return {curve}",
              flush=True)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embodied_mem.policies.train", description=__doc__.split("\n")[0])
    parser.add_argument("config", help="a YAML file, or the name of a shipped configuration")
    parser.add_argument("--out", type=Path, help="the run folder; left out: runs/policies/CONFIG-SEED")
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    options = parser.parse_args()
    try:
        raw = read_yaml(options.config)
        config = build(TrainConfig, raw if options.seed is None else {**raw, "seed": options.seed})
        train(config, options.out or Path("runs/policies") / f"{Path(options.config).stem}-{config.seed}")
    except EmbodiedMemError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        parallel.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
