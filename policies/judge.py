"""SAT-AMA: a small Q network that chooses which eviction rule is in force, learned from what was paid afterwards.

It judges by the embedding of the moment at which it chooses: at the start of the trial (the source's contextual
bandit), of each episode, or at each write. Its value is the mean reward after the choice, discounted across episodes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from embodied_mem.policies.allocator import RULES
from embodied_mem.policies.tokens import Tokens
from embodied_mem.sim.vector.draws import integers, uniform

DECISIONS = ("trial", "episode", "write")
_TRIES, _WHICH = 31, 32  # streams
_WEIGHT, _HIDDEN = 0.1, 64  # the source's


class Judge(nn.Module):
    """``rules`` to choose from, ``decide`` one of DECISIONS, ``explore`` the share of random choices when collecting,
    ``horizon`` the discount."""

    def __init__(self, width: int, rules: tuple[str, ...], decide: str, explore: float, horizon: float) -> None:
        super().__init__()
        self.decide, self.explore, self.horizon = decide, explore, horizon
        self.value = nn.Sequential(
            nn.RMSNorm(width), nn.Linear(width, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, len(rules))
        )
        self.register_buffer("choices", torch.tensor([RULES.index(r) for r in rules]), persistent=False)

    def choose(self, moment: Tensor, tokens: Tokens, time: int, rule: Tensor, keys: Tensor | None) -> Tensor:
        """[B]: the rule in force from now on, given the one in force so far. With ``keys`` [B] some are tried out."""
        choice = self.value(moment).argmax(-1)
        if keys is not None:
            tries = uniform(keys, _TRIES, time) < self.explore
            choice = torch.where(tries, integers(len(self.choices), keys, _WHICH, time), choice)
        return torch.where(self._decides(tokens, torch.tensor(time)), self.choices[choice], rule)

    def best(self, moments: Tensor, tokens: Tokens) -> Tensor:
        """[B, T]: the rules in force through a trial in which nothing is tried out."""
        time = torch.arange(moments.shape[1], device=moments.device)
        since = torch.where(self._decides(tokens, time), time, 0).cummax(1).values
        return self.choices[self.value(moments).argmax(-1)].gather(1, since)

    def loss(self, moments: Tensor, tokens: Tokens, reward: Tensor, start: int) -> Tensor:
        """How far its values of the choices made from step ``start`` on (``tokens["rule"]``) are from what was paid."""
        time = torch.arange(reward.shape[1], device=reward.device)
        counts = (self._decides(tokens, time) & (time >= start)).to(reward.dtype)
        chosen = (tokens["rule"][..., None] == self.choices).long().argmax(-1, keepdim=True)
        believed = self.value(moments.detach()).gather(-1, chosen)[..., 0]
        off = (self._paid(reward) - believed).square()
        return _WEIGHT * (counts * off).sum() / counts.sum().clamp(min=1)

    def _paid(self, reward: Tensor) -> Tensor:
        """[B, T]: the discounted mean of the rewards from each step on, as far as the trial was lived."""
        paid, total, norm = torch.zeros_like(reward), torch.zeros_like(reward[:, 0]), 0.0
        for t in range(reward.shape[1] - 1, -1, -1):
            total, norm = reward[:, t] + self.horizon * total, 1 + self.horizon * norm
            paid[:, t] = total / norm
        return paid

    def _decides(self, tokens: Tokens, time: Tensor) -> Tensor:
        """Whether a choice is made at these steps."""
        start = tokens["step"] == 0
        first = (time == 0).to(start.device)
        return {"trial": first & start, "episode": start, "write": torch.ones_like(start)}[self.decide]
