"""Copies of one Gymnasium environment as a vector environment: other people's tasks for our policies and trainer.

The opposite of ``gym.py``. Gymnasium is imported by whoever makes the environments and, here, only to read spaces.

An episode of the trial is an episode of the copy. With ``level: new`` each begins from a seed of its own, which is
plain reinforcement learning with memory; with ``level: same`` all episodes of a trial begin from the same one, so that
what was seen in the first helps in the next. Seeds follow from (trial's seed, episode); those of ``split: train`` and
``split: test`` differ. What foreign environments cannot say, and what stands for it: ``oracle`` is None, ``goal`` is 0,
``goal_seen`` is False, and ``shortest`` and ``travelled`` are 0, by which SPL is the same as success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.sim.vector.draws import hashed
from embodied_mem.sim.vector.protocol import Space, Step

if TYPE_CHECKING:
    import gymnasium

MOST_ACTIONS = 1024
#: Where environments keep their longest episode when it is not registered.
_CAPS = ("max_episode_steps", "max_steps", "max_episode_length", "episode_length")
_LEVEL = 31  # stream


@dataclass(frozen=True, kw_only=True)
class GymnasiumConfig:
    """How a foreign environment is seen."""

    split: str = field(default="train", metadata={"choices": ("train", "test")})
    level: str = field(default="new", metadata={"choices": ("new", "same")})
    """Whether each episode of a trial begins from a seed of its own."""
    observe: tuple[str, ...] = ()
    """Entries of a Dict or Tuple that are seen (``image``, ``0``, ``inner/image``); none named: all."""
    symbols: tuple[int, ...] = ()
    """Arrays of integers hold symbols, of so many kinds in each channel of their last axis; left out: bytes of three
    axes are images, all else is scaled to 0..1."""
    actions: tuple[int, ...] = ()
    """The actions one can take, as numbers among all; none named: all."""
    cap: int | None = field(default=None, metadata={"min": 1, "max": 1_000_000})
    """Episodes end after so many steps at the latest; left out: as the environment says."""
    success: str = field(default="none", metadata={"choices": ("none", "rewarded")})
    """``rewarded``: an episode that terminates with a positive reward was a success."""
    feel_reward: bool = True
    """Whether a policy reads the previous reward, which most published agents do not."""


class FromGymnasium:
    """B copies from ``make``, stepped one after the other; see :class:`~embodied_mem.sim.vector.protocol.VectorEnv`.

    Fields of observations are named by their path (``observation`` when there is but one, ``image/0`` for a channel).
    Raises ConfigError for spaces that have no place here, InputError when an observation leaves its space.
    """

    oracle = None
    fixed_length = False

    def __init__(self, make: Callable[[], gymnasium.Env], config: GymnasiumConfig, batch: int,
                 device: torch.device | str = "cpu") -> None:  # fmt: skip
        self.config, self.batch, self.device = config, batch, torch.device(device)
        self._envs = [make() for _ in range(batch)]
        self.episode_cap = config.cap or _cap_of(self._envs[0])
        self._native = _actions_of(self._envs[0].action_space, config.actions)
        self.actions = len(self._native)
        leaves = _leaves_of(self._envs[0].observation_space, config.observe)
        self._leaves = [_Leaf(path, get, space, config.symbols, batch) for path, get, space in leaves]
        self.spaces = {name: space for leaf in self._leaves for name, space in leaf.spaces.items()}
        self._seeds = torch.zeros(batch, dtype=torch.int64)
        self._episode, self._length = torch.zeros_like(self._seeds), torch.zeros_like(self._seeds)

    def reset_trial(self, seeds: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        rows = torch.ones(self.batch, dtype=torch.bool) if mask is None else mask.cpu()
        self._seeds = torch.where(rows, seeds.cpu(), self._seeds)
        self._episode = torch.where(rows, 0, self._episode)
        self._begin_episode(rows)
        return self._obs()

    def step(self, actions: Tensor) -> Step:
        if actions.shape != (self.batch,) or actions.dtype != torch.int64:
            raise InputError(f"actions are {actions.dtype} {tuple(actions.shape)}; give int64 ({self.batch},)")
        reward, done, end = np.zeros(self.batch, np.float32), np.zeros(self.batch, bool), np.zeros(self.batch, bool)
        for i, action in enumerate(actions.tolist()):
            obs, reward[i], done[i], end[i], _ = self._envs[i].step(self._native[action])
            for leaf in self._leaves:
                leaf.raw[i] = leaf.get(obs)
        self._length += 1
        finished = torch.from_numpy(done | end) | (self._length >= self.episode_cap)
        success = torch.from_numpy(done & (reward > 0) & (self.config.success == "rewarded"))
        nowhere = torch.zeros(self.batch)
        info = {"steps": self._length.clone(), "shortest": nowhere, "travelled": nowhere.clone(),
                "goal": torch.zeros_like(self._length), "goal_seen": torch.zeros_like(finished)}  # fmt: skip
        if bool(finished.any()):
            self._episode += finished
            self._begin_episode(finished)
        to, paid = self.device, torch.from_numpy(reward).to(self.device)
        return Step(self._obs(), paid, finished.to(to), success.to(to), {k: v.to(to) for k, v in info.items()},
                    felt=None if self.config.feel_reward else torch.zeros_like(paid))  # fmt: skip

    def _begin_episode(self, rows: Tensor) -> None:
        self._length = torch.where(rows, 0, self._length)
        episode = self._episode if self.config.level == "new" else torch.zeros_like(self._episode)
        level = (hashed(self._seeds, _LEVEL, episode) & (2**30 - 1)) * 2 + (self.config.split == "test")
        for i in rows.nonzero().flatten().tolist():
            obs, _ = self._envs[i].reset(seed=int(level[i]))
            for leaf in self._leaves:
                leaf.raw[i] = leaf.get(obs)

    def _obs(self) -> dict[str, Tensor]:
        return {k: v.to(self.device) for leaf in self._leaves for k, v in leaf.tensors().items()}


class _Leaf:
    """One part of an observation: where it is, the rows' latest values (``raw``), and the fields it becomes."""

    def __init__(self, path: str, get: Callable[[Any], Any], space: gymnasium.Space, symbols: tuple[int, ...],
                 batch: int) -> None:  # fmt: skip
        from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

        self.get, self.low, self.scale, self.split = get, 0, None, False
        shape, whole = tuple(space.shape or ()), np.issubdtype(space.dtype, np.integer)
        if isinstance(space, Discrete):
            self.low, self.spaces = int(space.start), {path: Space("index", (), int(space.n))}
        elif isinstance(space, MultiDiscrete):
            self.low, self.spaces = space.start, {path: Space("index", shape, int(space.nvec.max()))}
        elif isinstance(space, MultiBinary):
            self.spaces = {path: Space("index", shape, 2)}
        elif isinstance(space, Box) and whole and symbols:
            if not shape or shape[-1] != len(symbols):
                raise ConfigError(f"symbols: {len(symbols)} channels, but {path} is an array {shape}")
            self.split = True
            self.spaces = {f"{path}/{c}": Space("index", shape[:-1], n) for c, n in enumerate(symbols)}
        elif isinstance(space, Box) and space.dtype == np.uint8 and len(shape) == 3:
            self.spaces = {path: Space("image", shape)}
        elif isinstance(space, Box):
            if whole:
                self.low, self.scale = space.low.astype(np.float32), 1 / (space.high.astype(np.float32) - space.low)
            self.spaces = {path: Space("vector", shape)}
        else:
            raise ConfigError(f"{path} is a {type(space).__name__}, which no policy reads; name others under observe")
        kind = next(iter(self.spaces.values())).kind
        self.raw = np.zeros((batch, *shape), {"index": np.int64, "vector": np.float32, "image": np.uint8}[kind])

    def tensors(self) -> dict[str, Tensor]:
        """A copy of the latest values, as the spaces say."""
        values = self.raw - self.low
        if self.scale is not None:
            values = values * self.scale
        parts = np.moveaxis(values, -1, 0) if self.split else [values]
        out = {}
        for (name, space), part in zip(self.spaces.items(), parts, strict=True):
            if space.kind == "index" and not 0 <= part.min() <= part.max() < space.size:
                raise InputError(f"{name} holds {part.min()}..{part.max()}, there are {space.size} kinds; "
                                 "give more under symbols")  # fmt: skip
            out[name] = torch.tensor(part)
        return out


def _leaves_of(space: gymnasium.Space, observe: tuple[str, ...]) -> list[tuple[str, Callable, gymnasium.Space]]:
    """Path, getter and space of the parts of an observation that are wanted."""
    leaves = list(_walk(space, ()))
    names = ["/".join(map(str, path)) or "observation" for path, _ in leaves]
    unknown = [n for n in observe if n not in names]
    if unknown:
        raise ConfigError(f"observe: {unknown[0]!r} is not one of {', '.join(names)}")
    return [(name, _getter(path), part) for name, (path, part) in zip(names, leaves, strict=True)
            if not observe or name in observe]  # fmt: skip


def _walk(space: gymnasium.Space, path: tuple) -> Iterator[tuple[tuple, gymnasium.Space]]:
    from gymnasium.spaces import Dict, Tuple

    if isinstance(space, Dict | Tuple):
        for key, part in space.spaces.items() if isinstance(space, Dict) else enumerate(space.spaces):
            yield from _walk(part, (*path, key))
    else:
        yield path, space


def _getter(path: tuple) -> Callable[[Any], Any]:
    if len(path) == 1:
        key = path[0]
        return lambda obs: obs[key]

    def get(obs: Any) -> Any:
        for key in path:
            obs = obs[key]
        return obs

    return get


def _actions_of(space: gymnasium.Space, wanted: tuple[int, ...]) -> list[Any]:
    """The environment's own actions; ours is the index among them."""
    from gymnasium.spaces import Discrete, MultiDiscrete

    if isinstance(space, Discrete):
        count, native = int(space.n), lambda: [int(space.start) + a for a in range(space.n)]
    elif isinstance(space, MultiDiscrete):
        count = int(np.prod(space.nvec.astype(float)))
        native = lambda: [space.start + np.array(a) for a in product(*map(range, space.nvec.flatten()))]  # noqa: E731
    else:
        raise ConfigError(f"actions are a {type(space).__name__}; only Discrete and MultiDiscrete become one choice")
    if count > MOST_ACTIONS:
        raise ConfigError(f"{space} has {count} actions, the limit is {MOST_ACTIONS}; wrap it into fewer")
    if any(not 0 <= a < count for a in wanted):
        raise ConfigError(f"actions: {list(wanted)} are not all in 0..{count - 1}")
    return [a for i, a in enumerate(native()) if not wanted or i in wanted]


def _cap_of(env: gymnasium.Env) -> int:
    places = [env.spec, env.unwrapped]
    found = [int(cap) for place in places for name in _CAPS if (cap := getattr(place, name, None))]
    if not found:
        raise ConfigError(f"{env} does not say how long an episode may be; give it under cap")
    return found[0]
