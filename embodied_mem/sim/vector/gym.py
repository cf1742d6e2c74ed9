"""Vector environments for whoever speaks Gymnasium; only this file needs the package, and only when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from embodied_mem.sim.vector.protocol import Step, VectorEnv

if TYPE_CHECKING:
    from gymnasium import Space
    from gymnasium.vector import VectorEnv as GymVectorEnv


def as_gymnasium(env: VectorEnv) -> GymVectorEnv:
    """The environment behind Gymnasium's vector API (1.1 or newer), with arrays of numpy in and out.

    ``reset(seed=n)`` begins new trials in houses n, n+1, …; a list names each row's; without one they are drawn.
    ``options={"reset_mask": bool N}`` leaves the other rows' trials alone. Ends of episodes restart in the same step
    (``AutoresetMode.SAME_STEP``) in the same house, without a final observation: there is none. Reaching the cap
    truncates, all else terminates. Infos are those of ``protocol.INFO`` and ``success``.
    """
    from gymnasium.spaces import Dict, Discrete
    from gymnasium.vector import AutoresetMode
    from gymnasium.vector import VectorEnv as Base
    from gymnasium.vector.utils import batch_space

    class Adapter(Base):
        metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}

        def __init__(self) -> None:
            self.num_envs = env.batch
            self.single_action_space = Discrete(env.actions)
            self.single_observation_space = Dict({k: _space(s.kind, s.shape, s.size) for k, s in env.spaces.items()})
            self.action_space = batch_space(self.single_action_space, env.batch)
            self.observation_space = batch_space(self.single_observation_space, env.batch)
            self._length = np.zeros(env.batch, np.int64)

        def reset(self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None) -> tuple:
            if seed is None or isinstance(seed, int):
                super().reset(seed=seed)
            if seed is None:
                seeds = self.np_random.integers(2**40, size=env.batch)
            else:
                seeds = np.arange(seed, seed + env.batch) if isinstance(seed, int) else np.asarray(seed)
            mask = np.ones(env.batch, bool) if not options else np.asarray(options["reset_mask"], bool)
            obs = env.reset_trial(torch.from_numpy(seeds.astype(np.int64)), torch.from_numpy(mask))
            self._length[mask] = 0
            return _arrays(obs), {}

        def step(self, actions: np.ndarray) -> tuple:
            step = env.step(torch.as_tensor(np.asarray(actions), dtype=torch.int64, device=env.device))
            self._length += 1
            end = step.episode_end.cpu().numpy()
            truncated = end & (self._length >= env.episode_cap) & ~step.success.cpu().numpy()
            self._length[end] = 0
            return _arrays(step.obs), step.reward.cpu().numpy(), end & ~truncated, truncated, _infos(step)

    return Adapter()


def _space(kind: str, shape: tuple[int, ...], size: int) -> Space:
    from gymnasium.spaces import Box, MultiDiscrete

    if kind in ("index", "kinds"):
        return MultiDiscrete(np.full(shape, size))
    return Box(0, 255, shape, np.uint8) if kind == "image" else Box(-np.inf, np.inf, shape, np.float32)


def _arrays(obs: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {k: v.cpu().numpy().copy() for k, v in obs.items()}


def _infos(step: Step) -> dict[str, np.ndarray]:
    """Values of all rows and, as Gymnasium has it, under ``_name`` whether a row has one."""
    infos = _arrays({**step.info, "success": step.success})
    return infos | {f"_{k}": np.ones(len(v), bool) for k, v in infos.items()}
