"""PPO over trials: the loss stands on the newest chunk, its gradient runs through everything remembered.

Steps and minibatches are whole sequences, because what a policy does at a step depends on all before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from embodied_mem.errors import EmbodiedMemError
from embodied_mem.policies import parallel
from embodied_mem.policies.imitation import copying, mean_over_own, own_moments, own_side_loss
from embodied_mem.policies.interface import Policy
from embodied_mem.policies.rollout import Trial
from embodied_mem.policies.sightings import recalled


class TrainingError(EmbodiedMemError):
    """Training cannot go on; the last good checkpoint stays."""


@dataclass(frozen=True)
class PPOConfig:
    """ReLIC's values: clip .2, entropy .01, value .5, grad_norm .2, value_clip .2, no normalisation, 4 epochs."""

    gamma: float = field(default=0.95, metadata={"min": 0.0, "max": 1.0})
    lam: float = field(default=0.95, metadata={"min": 0.0, "max": 1.0})
    across_episodes: bool = False
    clip: float = field(default=0.2, metadata={"min": 0.01, "max": 1.0})
    epochs: int = field(default=3, metadata={"min": 1, "max": 100})
    minibatches: int = field(default=4, metadata={"min": 1, "max": 4096})
    accumulate: int = field(default=1, metadata={"min": 1, "max": 4096})
    entropy: float = field(default=0.01, metadata={"min": 0.0, "max": 1.0})
    value: float = field(default=0.5, metadata={"min": 0.0, "max": 10.0})
    value_clip: float | None = field(default=None, metadata={"min": 0.01, "max": 100.0})
    grad_norm: float = field(default=0.5, metadata={"min": 0.001, "max": 1000.0})
    normalise: bool = True
    recall: float = field(default=0.0, metadata={"min": 0.0, "max": 1000.0})
    """Weight of how far off (in 10 m) a policy is that says where its goal was seen nearest in this trial."""


def advantages(trial: Trial, next_value: Tensor, config: PPOConfig) -> Tensor:
    """[B, T]: generalised advantages of every step so far, cut at episode ends unless ``across_episodes``."""
    goes_on = torch.ones_like(trial.value) if config.across_episodes else (~trial.end).to(trial.value.dtype)
    following = torch.cat([trial.value[:, 1:], next_value[:, None]], 1)
    delta = trial.reward + config.gamma * goes_on * following - trial.value
    decay = config.gamma * config.lam * goes_on
    running, out = torch.zeros_like(next_value), torch.empty_like(delta)
    for t in range(trial.length - 1, -1, -1):
        running = delta[:, t] + decay[:, t] * running
        out[:, t] = running
    return out


@dataclass
class Batch:
    """What the loss of some trials needs; only steps from ``start`` on are in it."""

    trial: Trial
    advantage: Tensor
    target: Tensor
    start: int
    imitation: float = 0.0
    """Weight of the cross entropy to the oracle's actions, in trials that have them."""
    way: Tensor | None = None
    """[B, T, WAYS] to where the goal was seen, and"""
    known: Tensor | None = None
    """[B, T] whether it was; none: nothing is to be recalled."""


def loss_of(policy: Policy, batch: Batch, config: PPOConfig) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss averaged over the newest steps, and what it is made of (detached)."""
    output = policy.newest(batch.trial.tokens, batch.start)
    new, mean = slice(batch.start, None), mean_over_own(batch.trial, batch.start)
    log_probs = output.logits.log_softmax(-1)
    log_prob = log_probs.gather(-1, batch.trial.action[:, new, None])[..., 0]
    log_ratio = log_prob - batch.trial.log_prob[:, new]
    ratio, advantage = log_ratio.exp(), batch.advantage[:, new]
    gain = mean(torch.minimum(ratio * advantage, ratio.clamp(1 - config.clip, 1 + config.clip) * advantage))
    entropy = -mean((log_probs.exp() * log_probs).sum(-1))
    off = _value_error(output.value, batch.trial.value[:, new], batch.target[:, new], config.value_clip)
    value_loss = 0.5 * mean(off.square())
    loss = -gain + config.value * value_loss - config.entropy * entropy
    side = own_side_loss(policy, batch.trial, batch.start)
    if side is not None:
        loss = loss + side
    figures = {}
    if batch.trial.label is not None:
        copied, figures = copying(log_probs, batch.trial.label[:, new])
        loss = loss + batch.imitation * copied
    if batch.way is not None:
        off = recall_error(output.recalled, batch.way[:, new], batch.known[:, new])
        loss, figures = loss + config.recall * off, {**figures, "recall_error": off}
    with torch.no_grad():
        parts = {
            "loss": loss, "policy_loss": -gain, "value_loss": value_loss, "entropy": entropy,
            "kl": mean(ratio - 1 - log_ratio), "clipped": mean(((ratio - 1).abs() > config.clip).float()), **figures,
        }  # fmt: skip
    return loss, {k: v.detach() for k, v in parts.items()}


def recall_error(said: Tensor, way: Tensor, known: Tensor) -> Tensor:
    """How far off, in units of the position, ``said`` [B, T, WAYS] is on average where the way is known."""
    apart = (said - way).unflatten(-1, (-1, 2)).square().sum(-1).add(1e-6).sqrt().mean(-1)
    return (apart * known).sum() / known.sum().clamp(min=1)


def _value_error(value: Tensor, before: Tensor, target: Tensor, clip: float | None) -> Tensor:
    """How far values are off; with ``clip`` a value that has moved by as much gets no gradient any more."""
    if clip is not None:
        value = before + (value - before).clamp(-clip, clip)
    return value - target


def update(
    policy: Policy, optimiser: torch.optim.Optimizer, trial: Trial, next_value: Tensor, start: int,
    config: PPOConfig, generator: torch.Generator, autocast: torch.dtype | None = None, imitation: float = 0.0,
) -> dict[str, float]:  # fmt: skip
    """All epochs on the steps from ``start`` on; returns means over the minibatches, and how many steps were taken.
    ``imitation`` is the weight of the oracle's actions in trials that have them.

    Raises TrainingError, before the weights change, when a loss or a gradient is not finite.
    """
    policy.train()
    trial = replace(trial, tokens=policy.prepared(trial.tokens))
    advantage = advantages(trial, next_value, config)
    target = advantage + trial.value
    if config.normalise:
        mean, std = own_moments(advantage, trial, start)
        advantage = (advantage - mean) / (std + 1e-8)
    way, known = recalled(trial.tokens, policy.spec.spaces, policy.across) if config.recall else (None, None)
    whole = Batch(trial, advantage, target, start, imitation, way, known)
    sums: dict[str, Tensor | float] = {}
    steps = 0
    for _ in range(config.epochs):
        parts = minibatches(len(trial.action), config.minibatches, generator, advantage.device)
        for first in range(0, len(parts), config.accumulate):
            group = parts[first : first + config.accumulate]
            figures = _optimise(policy, optimiser, [_rows(whole, p) for p in group], config, autocast)
            steps += 1
            sums = {k: sums.get(k, 0.0) + v for k, v in figures.items()}
    return {**{k: float(v) / steps for k, v in sums.items()}, "optimiser_steps": steps}


def minibatches(count: int, parts: int, generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """Rows of each minibatch, each row in one of them."""
    return torch.randperm(count, generator=generator, device=device).chunk(parts)


def _optimise(policy: Policy, optimiser: torch.optim.Optimizer, group: list[Batch], config: PPOConfig,
              autocast: torch.dtype | None) -> dict[str, Tensor]:  # fmt: skip
    """One optimiser step on the mean loss of a group of minibatches."""
    optimiser.zero_grad(set_to_none=True)
    sums: dict[str, Tensor] = {}
    for batch in group:
        kind = batch.advantage.device.type
        with torch.autocast(kind, autocast or torch.bfloat16, enabled=autocast is not None):
            loss, figures = loss_of(policy, batch, config)
        (loss / len(group)).backward()
        sums = {k: sums.get(k, 0) + v / len(group) for k, v in figures.items()}
    parallel.average(p.grad for p in policy.parameters() if p.grad is not None)
    norm = nn.utils.clip_grad_norm_(policy.parameters(), config.grad_norm, foreach=True)
    if not torch.isfinite(sums["loss"] + norm):
        raise TrainingError(_what_broke(policy, group[-1], sums["loss"]))
    optimiser.step()
    return {**sums, "grad_norm": norm.detach()}


def _rows(batch: Batch, index: Tensor) -> Batch:
    way, known = (None if x is None else x[index] for x in (batch.way, batch.known))
    return Batch(batch.trial.rows(index), batch.advantage[index], batch.target[index], batch.start, batch.imitation,
                 way, known)  # fmt: skip


def _what_broke(policy: Policy, batch: Batch, loss: Tensor) -> str:
    """Names the first tensor that is not finite, from the weights over the data to the gradients."""
    trial = batch.trial
    candidates = [(f"weight {n}", p) for n, p in policy.named_parameters()]
    candidates += [(f"token {k}", v) for k, v in trial.tokens.items()]
    candidates += [("reward", trial.reward), ("log_prob", trial.log_prob), ("value", trial.value)]
    candidates += [("advantage", batch.advantage)]
    candidates += [(f"gradient of {n}", p.grad) for n, p in policy.named_parameters() if p.grad is not None]
    name = next((n for n, x in candidates if not torch.isfinite(x).all()), "none but the loss itself")
    return (
        f"the loss is {float(loss)}: the first tensor that is not finite is {name}. The last checkpoint is good; "
        "go on from it with a lower learning_rate or grad_norm"
    )
