"""In-context reinforcement learning with partial updates: the loop, and all of its state in one checkpoint.

One round is one trial in every row. Along it, ``updates`` times: collect a chunk, learn from the newest chunk with
gradient through everything before it (the last time: from all of the trial), put finished episodes in another order,
and compute memory and values anew with the new weights. Checkpoints are written between rounds, so that nothing of a
trial has to be kept: a run that was killed repeats its last rounds and ends with the same numbers.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path

import torch

from embodied_mem.config import build, to_dict
from embodied_mem.errors import ConfigError
from embodied_mem.policies import checkpoint, parallel
from embodied_mem.policies.build import make_environment, make_policy
from embodied_mem.policies.imitation import TOLD
from embodied_mem.policies.ppo import update
from embodied_mem.policies.rollout import Collector, Trial, by_episode
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.sightings import can_place
from embodied_mem.policies.tokens import Spec
from embodied_mem.sim.vector.draws import hashed

#: Training houses have seeds from here on, far from those of development (below 10,000) and evaluation (100,000 on).
TRAINING_SEEDS_FROM = 2**40
#: May differ between a checkpoint and the run that goes on from it.
FREE_TO_CHANGE = ("device", "threads", "checkpoint_every", "compile")
_LEARNING = 25  # stream


class Trainer:
    """Everything that changes while training; :meth:`save` and :meth:`load` carry all of it."""

    def __init__(self, config: TrainConfig) -> None:
        torch.set_num_threads(config.threads)
        self.config, self.device = config, torch.device(parallel.start(config.device))
        self.share = _share_of(config)
        self.env = make_environment(config.task, config.environment, self.share, self.device)
        if config.imitation.weight and self.env.oracle is None:
            raise ConfigError(f"imitation: nobody knows the way in {config.task}; leave it out")
        self.spec = Spec.of(self.env)
        if config.ppo.recall and not can_place(self.spec.spaces):
            raise ConfigError(f"ppo.recall: a look in {config.task} does not say where a thing is, which takes a fan, "
                              "goal, position and heading; leave it out (object search: compass: true)")
        self.policy = make_policy(self.spec, config.policy, config.seed).to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.policy.parameters(), lr=config.learning_rate, eps=1e-5, weight_decay=config.weight_decay, fused=True
        )
        self.learning = torch.Generator(self.device)
        self.policy.generator = self.learning
        if config.compile:
            self.policy.compile()
        self.collector = Collector(self.env, self.policy, config.seed)
        self.rounds = self.steps = self.optimiser_steps = 0
        self.seconds = 0.0
        self.hardware = hardware(config)
        self._seed_learning()

    @property
    def done(self) -> bool:
        return self.steps >= self.config.total_steps

    def house_seeds(self) -> torch.Tensor:
        """[B]: the houses of this round; they follow from the run's seed, the round and the row alone."""
        row = torch.arange(self.share, device=self.device) + self.share * parallel.rank()
        draw = hashed(row, self.config.seed, self.rounds) & (2**40 - 1)
        return TRAINING_SEEDS_FROM + (draw if self.config.houses is None else draw % self.config.houses)

    def _seed_learning(self) -> None:
        """What learning draws in a round follows from the run's seed, the round and the process: nothing to be kept."""
        draw = hashed(torch.tensor(self.config.seed), _LEARNING, self.rounds, parallel.rank())
        self.learning.manual_seed(int(draw) & (2**62 - 1))

    def round(self) -> dict:
        """One trial in every row and all its updates; returns figures for the log. Raises TrainingError."""
        self._seed_learning()
        config, began, cpu = self.config, time.perf_counter(), time.process_time()
        expert = config.imitation.expert if config.imitation.active_at(self.steps) else None
        self.collector.begin(self.house_seeds(), config.trial_steps, expert, TOLD[config.imitation.told])
        trial = lived = None
        figures, acting = [], 0.0
        for k in range(config.updates):
            since = time.perf_counter()
            chunk = self.collector.collect(config.chunk)
            trial = chunk if trial is None else trial.followed_by(chunk)
            lived = chunk.outline() if lived is None else lived.followed_by(chunk)  # in order, however it is shuffled
            next_value = self.collector.next_value()
            acting += time.perf_counter() - since
            self.steps += config.trials * config.chunk
            last = k == config.updates - 1
            figures.append(self._learn(trial, next_value, 0 if last else k * config.chunk))
            if not last:
                trial = self.collector.shuffle(trial) if config.shuffle else trial
                trial = self.collector.refresh(trial) if config.refresh else trial
        self.rounds += 1
        seconds = time.perf_counter() - began
        self.seconds += seconds
        row = {**self._progress(figures, seconds, acting), **_curves(lived)}
        return {**row, "steps_per_cpu_second": round(config.steps_a_round / (time.process_time() - cpu), 1)}

    def _learn(self, trial: Trial, next_value: torch.Tensor, start: int) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate_at(self.steps)
        autocast = torch.bfloat16 if self.config.precision == "bf16" else None
        figures = update(
            self.policy, self.optimiser, trial, next_value, start, self.config.ppo, self.learning, autocast,
            self.config.imitation.weight_at(self.steps),
        )  # fmt: skip
        self.optimiser_steps += int(figures.pop("optimiser_steps"))
        return figures

    def _progress(self, figures: list[dict], seconds: float, acting: float) -> dict:
        means = {k: sum(f[k] for f in figures) / len(figures) for k in figures[0]}
        return {
            "round": self.rounds, "steps": self.steps, "optimiser_steps": self.optimiser_steps,
            "seconds": round(self.seconds, 2), "steps_per_second": round(self.config.steps_a_round / seconds, 1),
            "acting_share": round(acting / seconds, 3), "learning_rate": self.config.rate_at(self.steps),
            **{k: round(v, 6) for k, v in means.items()},
        }  # fmt: skip

    def save(self, path: Path) -> None:
        """Everything, so that :meth:`load` goes on with the very same numbers."""
        tensors = {f"policy.{k}": v for k, v in self.policy.state_dict().items()}
        tensors |= {f"optimiser.{k}": v for k, v in checkpoint.optimiser_tensors(self.optimiser).items()}
        counters = {k: getattr(self, k) for k in ("rounds", "steps", "optimiser_steps", "seconds")}
        meta = {**describe(self.config, self.spec), "counters": counters, "hardware": self.hardware}
        checkpoint.write(path, tensors, meta)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of the same configuration. Raises InputError or ConfigError."""
        tensors, meta = checkpoint.read(path)
        same_config(self.config, meta["config"], path)
        checkpoint.load_weights(self.policy, checkpoint.part_of(tensors, "policy."), str(path))
        checkpoint.load_optimiser(self.optimiser, checkpoint.part_of(tensors, "optimiser."))
        for key, value in meta["counters"].items():
            setattr(self, key, value)
        before = meta.get("hardware", self.hardware)
        moved = not before.endswith(self.hardware)
        self.hardware = f"{before}; from step {self.steps:,} on {self.hardware}" if moved else before


def hardware(config: TrainConfig) -> str:
    """What a training runs on, for its checkpoint: the accelerators, or the processor and the threads on it."""
    if config.device.startswith("cuda"):
        return f"{parallel.world()} × {torch.cuda.get_device_name()}"
    threads, cores, model = parallel.world() * config.threads, os.cpu_count(), platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{threads} of {cores} cores, {model or platform.machine()}"


def _share_of(config: TrainConfig) -> int:
    """Trials of this process."""
    if config.trials % parallel.world() or config.ppo.minibatches > config.trials // parallel.world():
        raise ConfigError(f"trials: {config.trials} cannot be shared by {parallel.world()} processes in "
                          f"{config.ppo.minibatches} minibatches each; take a multiple")  # fmt: skip
    return config.trials // parallel.world()


def describe(config: TrainConfig, spec: Spec) -> dict:
    """What a checkpoint says about itself."""
    return {"config": to_dict(config), "spec": spec.as_dict()}


def same_config(config: TrainConfig, saved: dict, path: Path) -> None:
    """Raise ConfigError where the configuration ``saved`` in a checkpoint is not this one."""
    own = to_dict(config)
    saved = checkpoint.plain(to_dict(build(TrainConfig, saved, f"{path}: config")))  # settings newer than the file
    differs = [k for k, v in checkpoint.plain(own).items() if k not in FREE_TO_CHANGE and saved.get(k) != v]
    if differs:
        key = differs[0]
        raise ConfigError(f"{path} was trained with {key} = {saved.get(key)!r}, the configuration says {own[key]!r}; "
                          "use the same, or another folder")  # fmt: skip


def _curves(trial: Trial) -> dict:
    """Return and success by episode index, over the episodes that finished (in training: a look, not a result).
    Trials that the oracle lived are left out."""
    if trial.expert is not None:
        trial = trial.rows(~trial.expert[:, 0])
        if not len(trial.action):
            return {"return_by_episode": [], "success_by_episode": []}
    returns, done = by_episode(trial, trial.reward)
    success, _ = by_episode(trial, (trial.success & trial.end).float())
    count = done.sum(0).clamp(min=1)
    curves = {"return_by_episode": returns, "success_by_episode": success}
    return {k: [round(x, 3) for x in ((v * done).sum(0) / count).tolist()] for k, v in curves.items()}
