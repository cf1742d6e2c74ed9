"""What environments share in which a trial is one house and each episode asks for another kind of thing in it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from embodied_mem.errors import ConfigError, InputError

TEST_TYPES = "test_types"
"""The split of test houses in which only types that training never asks for are asked for."""


class SearchEnv:
    """Base of such environments: how a trial begins, and what is kept of it for scorers.

    A subclass builds its houses (:meth:`_houses_of`; they have ``put(rows, houses)`` and ``take(rows)``), begins
    episodes in the rows that a mask [B] names (:meth:`_begin_episode`, which counts them) and says what is observed
    (:meth:`_observe`).
    """

    def __init__(self, config: Any, batch: int, device: torch.device | str) -> None:
        """``config`` has ``cap`` steps an episode, ``types`` of things, and a ``split``; the last ``held_out_types``
        are asked for in the split test_types alone. Raises ConfigError."""
        self.asked = asked_types(config)
        self.config, self.batch, self.device = config, batch, torch.device(device)
        self.episode_cap = config.cap
        self.houses: Any = None
        self._kept: tuple[Tensor, Any] | None = None
        self._row = torch.arange(batch, device=self.device)
        zeros = torch.zeros(batch, dtype=torch.int64, device=self.device)
        self._seeds, self._episode, self._goal, self._step = (zeros.clone() for _ in range(4))
        self._shortest, self._travelled = zeros.float(), zeros.float()
        self._seen = torch.zeros(batch, config.types, dtype=torch.bool, device=self.device)
        self._seen_before = zeros.bool()

    def reset_trial(self, seeds: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        """See :meth:`embodied_mem.sim.vector.protocol.VectorEnv.reset_trial`."""
        seeds = seeds.to(self.device)
        if mask is None or self.houses is None:
            mask, self.houses = torch.ones_like(self._seen_before), self._built(seeds)
        else:
            mask = mask.to(self.device)
            rows = mask.nonzero().flatten()
            if len(rows):
                self.houses.put(rows, self._built(seeds[rows]))
        self._seeds = torch.where(mask, seeds, self._seeds)
        self._episode = torch.where(mask, -1, self._episode)
        self._seen = self._seen & ~mask[:, None]
        self._begin_episode(mask)
        return self._observe()

    def prepare(self, seeds: Tensor) -> None:
        """Build the houses of ``seeds`` [N] at once and keep them: trials that begin there one by one begin faster."""
        seeds = seeds.to(self.device).unique()
        self._kept = seeds, self._houses_of(seeds)

    def _built(self, seeds: Tensor) -> Any:
        """The houses of ``seeds``, from those that are kept if all of them are."""
        if self._kept is not None:
            known, houses = self._kept
            at = torch.searchsorted(known, seeds).clamp(max=len(known) - 1)
            if bool((known[at] == seeds).all()):
                return houses.take(at)
        return self._houses_of(seeds)

    def _check(self, actions: Tensor) -> None:
        """Raises InputError for actions of another shape or dtype."""
        if actions.shape != (self.batch,) or actions.dtype != torch.int64:
            raise InputError(f"actions are {actions.dtype} {tuple(actions.shape)}; give int64 ({self.batch},)")

    def _houses_of(self, seeds: Tensor) -> Any:
        raise NotImplementedError

    def _begin_episode(self, rows: Tensor) -> None:
        raise NotImplementedError

    def _observe(self) -> dict[str, Tensor]:
        raise NotImplementedError


def asked_types(config: Any) -> range:
    """The types that are asked for in a split. Raises ConfigError where there are none."""
    trained = config.types - config.held_out_types
    if trained < 1:
        raise ConfigError(f"environment.held_out_types: {config.held_out_types} of {config.types} types leave none to "
                          "train with; hold out fewer")  # fmt: skip
    if config.split != TEST_TYPES:
        return range(trained)
    if not config.held_out_types:
        raise ConfigError(f"split: {TEST_TYPES} asks for types that training never asks for, but "
                          "environment.held_out_types is 0; hold some out, or take test")  # fmt: skip
    return range(trained, config.types)
