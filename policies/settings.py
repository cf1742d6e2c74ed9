"""What a training is: a YAML over these dataclasses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from embodied_mem.errors import ConfigError
from embodied_mem.policies.imitation import ImitationConfig
from embodied_mem.policies.ppo import PPOConfig

SCHEDULES = ("cosine", "linear", "constant")


@dataclass(frozen=True)
class TrainConfig:
    """One training. Steps are environment steps, summed over all parallel trials, and drive every schedule."""

    task: str
    policy: dict
    environment: dict = field(default_factory=dict)
    ppo: PPOConfig = PPOConfig()
    imitation: ImitationConfig = ImitationConfig()
    seed: int = field(default=0, metadata={"min": 0, "max": 2**31})
    total_steps: int = field(default=4_000_000, metadata={"min": 1, "max": 10**12})
    trials: int = field(default=96, metadata={"min": 1, "max": 1_000_000})
    """Trials side by side."""
    trial_steps: int = field(default=200, metadata={"min": 2, "max": 10_000_000})
    updates: int = field(default=1, metadata={"min": 1, "max": 100_000})
    """U: policy updates along each trial; the last is a full one."""
    refresh: bool = True
    """Compute memory and values anew after every update within a trial."""
    shuffle: bool = True
    """Put finished episodes in another order after every update within a trial."""
    houses: int | None = field(default=None, metadata={"min": 1, "max": 2**40})
    """Size of the pool of training houses; none: without end."""
    learning_rate: float = field(default=1e-3, metadata={"min": 0.0, "max": 1.0})
    weight_decay: float = field(default=0.0, metadata={"min": 0.0, "max": 1.0})
    warmup_steps: int = field(default=400_000, metadata={"min": 0, "max": 10**12})
    schedule: str = field(default="linear", metadata={"choices": SCHEDULES})
    final_rate: float = field(default=0.05, metadata={"min": 0.0, "max": 1.0})
    """Share of the learning rate that is left at the end."""
    device: str = "cpu"
    precision: str = field(default="fp32", metadata={"choices": ("fp32", "bf16")})
    compile: bool = False
    """torch.compile for learning; needs a C++ compiler, and minutes at first. On a CPU it gains nothing."""
    threads: int = field(default=1, metadata={"min": 1, "max": 1024})
    checkpoint_every: int = field(default=5, metadata={"min": 1, "max": 1_000_000})
    """Rounds between checkpoints: what a kill costs at most."""

    def __post_init__(self) -> None:
        if self.trial_steps % self.updates:
            raise ConfigError(f"trial_steps: {self.trial_steps} must be a multiple of updates = {self.updates}")
        if self.updates > 1 and self.shuffle and not self.refresh:
            raise ConfigError("shuffle: true needs refresh: true, or the memory has episodes in an order of its own")
        if self.ppo.minibatches > self.trials:
            raise ConfigError(f"ppo.minibatches: {self.ppo.minibatches} is more than trials = {self.trials}")

    @property
    def chunk(self) -> int:
        """c: steps of each trial between two updates."""
        return self.trial_steps // self.updates

    @property
    def steps_a_round(self) -> int:
        """Environment steps of one round of parallel trials."""
        return self.trials * self.trial_steps

    def rate_at(self, steps: int) -> float:
        """The learning rate after ``steps`` environment steps."""
        if steps < self.warmup_steps:
            return self.learning_rate * max(1e-3, steps / self.warmup_steps)
        left = max(1, self.total_steps - self.warmup_steps)
        done = min(1.0, (steps - self.warmup_steps) / left)
        fall = {"cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done, "constant": 1.0}[self.schedule]
        return self.learning_rate * (self.final_rate + (1 - self.final_rate) * fall)
