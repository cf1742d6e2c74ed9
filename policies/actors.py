"""Who acts in an evaluation: a policy with its memory, and the controls it is compared with."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from embodied_mem.policies.interface import Policy
from embodied_mem.policies.rollout import sample
from embodied_mem.policies.tokens import Tokens
from embodied_mem.sim.vector.protocol import VectorEnv


class Actor(Protocol):
    """Begins trials in all rows of an environment with nothing remembered, and then acts step by step."""

    def begin(self, env: VectorEnv, capacity: int, seed: int) -> None:
        """``capacity`` steps may follow; ``seed`` decides what the actor draws."""

    def act(self, tokens: Tokens) -> Tensor:
        """[B] int64 actions."""


class PolicyActor:
    """A policy; its actions are drawn as in training (``greedy``: the likeliest)."""

    def __init__(self, policy: Policy, greedy: bool = False) -> None:
        self.policy, self.greedy = policy.eval(), greedy

    def begin(self, env: VectorEnv, capacity: int, seed: int) -> None:
        self.generator = torch.Generator(env.device)
        self.generator.manual_seed(seed)
        self.state = self.policy.init_state(env.batch, capacity)

    @torch.no_grad()
    def act(self, tokens: Tokens) -> Tensor:
        output, self.state = self.policy.step(tokens, self.state)
        return output.logits.argmax(-1) if self.greedy else sample(output.logits.log_softmax(-1), self.generator)


class RandomActor:
    """Every action equally likely."""

    def begin(self, env: VectorEnv, capacity: int, seed: int) -> None:
        self.generator, self.actions = torch.Generator(env.device), env.actions
        self.generator.manual_seed(seed)

    def act(self, tokens: Tokens) -> Tensor:
        action = tokens["action"]
        return torch.randint(self.actions, action.shape, generator=self.generator, device=action.device)


class OracleActor:
    """Knows the house: the upper bound."""

    def begin(self, env: VectorEnv, capacity: int, seed: int) -> None:
        self.env = env

    def act(self, tokens: Tokens) -> Tensor:
        return self.env.oracle()


#: Controls that need no training; the trained one is the same policy without attention across episodes.
CONTROLS = {"random": RandomActor, "oracle": OracleActor}
