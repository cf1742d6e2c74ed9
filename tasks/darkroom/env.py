"""Darkroom, batched: the agent feels where it is and what the last step paid, nothing else.

A trial is one goal cell; an episode has a fixed length and pays 1 for every step on the goal. Goals are split 80/20
by a fixed shuffle into training and test.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from embodied_mem.errors import InputError
from embodied_mem.sim.vector.draws import hashed, integers
from embodied_mem.sim.vector.protocol import Space, Step

MOVES = ((1, 0), (-1, 0), (0, 1), (0, -1), (0, 0))
STARTS = ("centre", "corner")
_GOAL = 1  # stream
TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class DarkroomConfig:
    """The fast version by default; ReLIC's: ``size: 10, cap: 100, start: corner``."""

    split: str = field(default="train", metadata={"choices": ("train", "test")})
    size: int = field(default=9, metadata={"min": 3, "max": 64})
    cap: int = field(default=20, metadata={"min": 2, "max": 1000})
    start: str = field(default="centre", metadata={"choices": STARTS})


class Darkroom:
    """See :class:`embodied_mem.sim.vector.protocol.VectorEnv`. Actions: +x, −x, +y, −y, stay."""

    Config = DarkroomConfig
    fixed_length = True

    def __init__(self, config: DarkroomConfig, batch: int, device: torch.device | str = "cpu") -> None:
        self.config, self.batch, self.device = config, batch, torch.device(device)
        self.actions, self.episode_cap = len(MOVES), config.cap
        self.spaces = {"position": Space("index", (2,), config.size)}
        self._moves = torch.tensor(MOVES, device=self.device)
        home = config.size // 2 if config.start == "centre" else 0
        self._home = torch.tensor([home, home], device=self.device)
        self._goals = goals_of(config.split, config.size).to(self.device)
        self._position = self._home.repeat(batch, 1)
        self._goal = self._position.clone()
        zeros = torch.zeros(batch, dtype=torch.int64, device=self.device)
        self._step, self._reached_at, self._ever = zeros, zeros.clone(), zeros.bool()
        self._seen_before = zeros.bool()

    def reset_trial(self, seeds: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        mask = torch.ones_like(self._ever) if mask is None else mask
        goal = self._goals[integers(len(self._goals), seeds.to(self.device), _GOAL)]
        self._goal = torch.where(mask[:, None], goal, self._goal)
        self._seen_before, self._ever = self._seen_before & ~mask, self._ever & ~mask
        self._begin_episode(mask)
        return self._obs()

    def step(self, actions: Tensor) -> Step:
        if actions.shape != (self.batch,) or actions.dtype != torch.int64:
            raise InputError(f"actions are {actions.dtype} {tuple(actions.shape)}; give int64 ({self.batch},)")
        self._position = (self._position + self._moves[actions]).clamp(0, self.config.size - 1)
        self._step = self._step + 1
        there = (self._position == self._goal).all(-1)
        first = there & (self._reached_at == 0)
        self._reached_at = torch.where(first, self._step, self._reached_at)
        success = self._reached_at > 0
        steps = torch.where(success, self._reached_at, self._step)
        info = {
            "steps": steps, "travelled": steps.float(), "goal": self._goal[:, 0] * self.config.size + self._goal[:, 1],
            "shortest": (self._goal - self._home).abs().sum(-1).float(), "goal_seen": self._seen_before,
        }  # fmt: skip
        end = self._step >= self.episode_cap
        self._ever = self._ever | success
        self._begin_episode(end)
        return Step(self._obs(), there.float(), end, success, info)

    def oracle(self) -> Tensor:
        dx, dy = (self._goal - self._position).unbind(-1)
        along_y = torch.where(dy > 0, 2, torch.where(dy < 0, 3, 4))
        return torch.where(dx > 0, 0, torch.where(dx < 0, 1, along_y))

    def _begin_episode(self, rows: Tensor) -> None:
        self._position = torch.where(rows[:, None], self._home, self._position)
        self._step = torch.where(rows, 0, self._step)
        self._reached_at = torch.where(rows, 0, self._reached_at)
        self._seen_before = torch.where(rows, self._ever, self._seen_before)

    def _obs(self) -> dict[str, Tensor]:
        return {"position": self._position}


def goals_of(split: str, size: int) -> Tensor:
    """The goal cells [n, 2] of a split: a fixed shuffle of all cells, 80 % of it for training."""
    order = hashed(torch.arange(size * size), 0).argsort()
    count = round(TRAIN_SHARE * size * size)
    cells = order[:count] if split == "train" else order[count:]
    return torch.stack([cells // size, cells % size], -1)
