"""Learning from somebody who knows the house: the oracle's actions are labels in training, never an input.

On trials that the policy lives, this is imitation on its own states (DAgger: Ross, Gordon and Bagnell, 2011) beside
PPO, fading out (a kickstart: Schmitt et al., 2018). On trials that the oracle lives it is behaviour cloning: a policy
gradient says nothing about actions of somebody else, so PPO's loss leaves those trials out.

What nobody can know should not be imitated: told the way to a goal it has never seen, a policy learns to turn left and
right in turn (the imitation gap: Weihs et al., 2021). So where an environment tells ``goal_known``, steps of the
policy's own have a label only from the step on at which it can know where the goal is (``told``); the rest is left to
PPO and to the oracle's own trials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from embodied_mem.errors import ConfigError
from embodied_mem.policies import parallel
from embodied_mem.policies.interface import Policy
from embodied_mem.policies.rollout import Trial

#: The least ``goal_known`` of an environment's info at which a step of the policy's own has a label.
TOLD = {"trial": 1, "episode": 2, "view": 3}


@dataclass(frozen=True)
class ImitationConfig:
    """Off by default. Plain behaviour cloning is ``{weight: 1.0, until: total_steps, expert: 1.0}``."""

    weight: float = field(default=0.0, metadata={"min": 0.0, "max": 1000.0})
    """Of the cross entropy to the oracle's actions at the start; it falls linearly to 0 at ``until``."""
    until: int = field(default=0, metadata={"min": 0, "max": 10**12})
    """Environment steps; rounds that begin later are without imitation."""
    expert: float = field(default=0.0, metadata={"min": 0.0, "max": 1.0})
    """Share of the trials in which the oracle itself acts."""

    told: str = field(default="view", metadata={"choices": tuple(TOLD)})
    """When the policy's own steps have a label: while the goal is in ``view``, once it was seen in this ``episode``, or
    once it was seen in this ``trial`` (for policies that can remember that; others would learn to guess)."""

    def __post_init__(self) -> None:
        if (self.weight > 0) != (self.until > 0):
            raise ConfigError(f"imitation: weight {self.weight} with until {self.until}; set both, or both to 0 (off)")
        if self.expert > 0 and self.weight == 0:
            raise ConfigError(f"imitation.expert: {self.expert} of the trials teach nothing; set weight and until")

    def active_at(self, steps: int) -> bool:
        """Whether a round that begins after ``steps`` environment steps is with imitation."""
        return self.weight > 0 and steps < self.until

    def weight_at(self, steps: int) -> float:
        """The weight after ``steps`` environment steps."""
        return self.weight * max(0.0, 1 - steps / self.until) if self.until else 0.0


def copying(log_probs: Tensor, label: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross entropy of ``log_probs`` [B, T, A] to the oracle's actions [B, T], and figures: how often the likeliest
    action is the oracle's. Where several actions are equally good, the oracle's choice counts alone; −1 is no label."""
    known = label >= 0
    count = known.sum().clamp(min=1)
    loss = -(log_probs.gather(-1, label.clamp(min=0)[..., None])[..., 0] * known).sum() / count
    agreement = ((log_probs.argmax(-1) == label) & known).sum() / count
    return loss, {"imitation_loss": loss, "agreement": agreement}


def mean_over_own(trial: Trial, start: int) -> Callable[[Tensor], Tensor]:
    """The mean of [B, T − start] values in which the oracle's steps count as 0, so that every step of the policy's own
    weighs the same in any minibatch and any process."""
    if trial.expert is None:
        return Tensor.mean
    own = ~trial.expert[:, start:]
    return lambda values: (values * own).mean()


def own_moments(values: Tensor, trial: Trial, start: int) -> tuple[Tensor, Tensor]:
    """Mean and (unbiased) standard deviation of ``values`` [B, T] over the policy's own steps from ``start`` on, in all
    processes."""
    if trial.expert is None:
        return parallel.mean_and_std(values[:, start:])
    own, x = (~trial.expert[:, start:]).double(), values[:, start:].double()
    sums = torch.stack([own.sum(), (own * x).sum(), (own * x * x).sum()])
    parallel.average([sums])
    count, total, squares = sums * parallel.world()
    mean = total / count.clamp(min=1)
    variance = (squares / count.clamp(min=1) - mean**2).clamp(min=0) * count / (count - 1).clamp(min=1)
    return mean.to(values.dtype), variance.sqrt().to(values.dtype)


def own_side_loss(policy: Policy, trial: Trial, start: int) -> Tensor | None:
    """The policy's own loss for decisions beside the action; what the oracle was paid says nothing about them."""
    if trial.expert is None:
        return policy.side_loss(trial.tokens, trial.reward, start)
    own = ~trial.expert[:, 0]
    some = trial.rows(own) if own.any() else trial
    loss = policy.side_loss(some.tokens, some.reward, start)
    # Times 0 rather than none, or processes would average the gradients of different weights.
    return None if loss is None else loss * own.any()
