"""Who acts in an evaluation: a policy with its memory, and the controls it is compared with."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from embodied_mem.policies.interface import Policy
from embodied_mem.policies.rollout import sample
from embodied_mem.policies.tokens import Tokens
from embodied_mem.sim.vector.draws import integers, uniform
from embodied_mem.sim.vector.protocol import VectorEnv


class Actor(Protocol):
    """Begins trials in all rows of an environment with nothing remembered, and then acts step by step."""

    def begin(self, env: VectorEnv, capacity: int, keys: Tensor) -> None:
        """``capacity`` steps may follow; ``keys`` [B] int64 decide what the actor draws in each row."""

    def act(self, tokens: Tokens) -> Tensor:
        """[B] int64 actions."""


class PolicyActor:
    """A policy; its actions are drawn as in training (``greedy``: the likeliest). ``bytes_kept`` is the most that its
    memory took of a trial between two steps."""

    def __init__(self, policy: Policy, greedy: bool = False) -> None:
        self.policy, self.greedy, self.bytes_kept = policy.eval(), greedy, 0

    def begin(self, env: VectorEnv, capacity: int, keys: Tensor) -> None:
        self.keys, self.lived = keys, 0
        self.state = self.policy.init_state(env.batch, capacity)

    @torch.no_grad()
    def act(self, tokens: Tokens) -> Tensor:
        output, self.state = self.policy.step(tokens, self.state)
        self.lived += 1
        self.bytes_kept = max(self.bytes_kept, self.policy.state_bytes(self.state) // len(tokens["step"]))
        if self.greedy:
            return output.logits.argmax(-1)
        return sample(output.logits.log_softmax(-1), uniform(self.keys, self.lived))


class RandomActor:
    """Every action equally likely."""

    def begin(self, env: VectorEnv, capacity: int, keys: Tensor) -> None:
        self.keys, self.actions, self.lived = keys, env.actions, 0

    def act(self, tokens: Tokens) -> Tensor:
        self.lived += 1
        return integers(self.actions, self.keys, self.lived)


class OracleActor:
    """Knows the house: the upper bound."""

    def begin(self, env: VectorEnv, capacity: int, keys: Tensor) -> None:
        self.env = env

    def act(self, tokens: Tokens) -> Tensor:
        return self.env.oracle()


#: Controls that need no training; the trained one is the same policy without attention across episodes.
CONTROLS = {"random": RandomActor, "oracle": OracleActor}
