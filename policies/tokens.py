"""What a policy reads: one token a step, made of the observation and of what the agent did and got before it.

A token is a dict of tensors; while acting each is [B, ...], of a trial [B, T, ...]:

    the observation's own fields   as the environment's ``spaces`` say; kinds of a trial may be kept as uint8
    action   int64    the previous action; ``actions`` (one past the last) at the start of an episode
    reward   float32  what the agent noticed of the previous action's reward; 0 at the start of an episode
    step     int64    steps since the episode began
    episode  int64    index of the episode in its trial

Everything but ``episode`` tells of its own episode alone, so that old episodes can be put in another order.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from embodied_mem.sim.vector.protocol import Space, Step, VectorEnv

Tokens = dict[str, Tensor]
CONTEXT = ("action", "reward", "step", "episode")


@dataclass(frozen=True)
class Spec:
    """What a policy must know of an environment to be built; kept in every checkpoint."""

    spaces: dict[str, Space]
    actions: int
    episode_cap: int

    @classmethod
    def of(cls, env: VectorEnv) -> Spec:
        return cls(dict(env.spaces), env.actions, env.episode_cap)

    def as_dict(self) -> dict:
        """Plain values for JSON; two specs with the same ones fit the same policy."""
        spaces = {k: [s.kind, list(s.shape), s.size] for k, s in sorted(self.spaces.items())}
        return {"spaces": spaces, "actions": self.actions, "episode_cap": self.episode_cap}

    @classmethod
    def from_dict(cls, plain: dict) -> Spec:
        """The reverse of :meth:`as_dict`."""
        spaces = {k: Space(kind, tuple(shape), size) for k, (kind, shape, size) in plain["spaces"].items()}
        return cls(spaces, plain["actions"], plain["episode_cap"])


class TokenStream:
    """Makes tokens from what an environment returns; one for each batch of trials."""

    def __init__(self, actions: int, batch: int, device: torch.device | str = "cpu") -> None:
        self.none = actions
        zeros = torch.zeros(batch, dtype=torch.int64, device=device)
        self._step, self._episode = zeros, zeros.clone()

    def begin(self, obs: dict[str, Tensor]) -> Tokens:
        """The first token of new trials in every row."""
        self._step, self._episode = torch.zeros_like(self._step), torch.zeros_like(self._episode)
        none = torch.full_like(self._step, self.none)
        return {**obs, "action": none, "reward": none.new_zeros(none.shape, dtype=torch.float32),
                "step": self._step, "episode": self._episode}  # fmt: skip

    def after(self, step: Step, actions: Tensor) -> Tokens:
        """The token that follows ``actions``."""
        end = step.episode_end
        self._step = torch.where(end, 0, self._step + 1)
        self._episode = self._episode + end
        felt = step.reward if step.felt is None else step.felt
        return {**step.obs, "action": torch.where(end, self.none, actions),
                "reward": torch.where(end, 0.0, felt), "step": self._step, "episode": self._episode}  # fmt: skip


def stack(tokens: list[Tokens]) -> Tokens:
    """[B, T, ...] from T tokens [B, ...]."""
    return {k: torch.stack([t[k] for t in tokens], 1) for k in tokens[0]}
