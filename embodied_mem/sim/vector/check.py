"""The vector contract as a check: run it on a new environment to learn what is missing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from embodied_mem.errors import InputError
from embodied_mem.sim.vector.draws import hashed
from embodied_mem.sim.vector.protocol import DTYPES, INFO, KIND_OF, Step, VectorEnv

_MEMBERS = ("batch", "device", "actions", "episode_cap", "fixed_length", "spaces", "reset_trial", "step", "oracle")
_SEED = 41


def check_vector_env(make: Callable[[int], VectorEnv], batch: int = 6) -> None:
    """Drive environments from ``make(batch)`` through some trials and compare them with the contract.

    Raises AssertionError that says which promise is broken and what was found instead.
    """
    env = make(batch)
    missing = [m for m in _MEMBERS if not hasattr(env, m)]
    _require(not missing, f"{type(env).__name__} lacks {', '.join(missing)} of the VectorEnv protocol")
    _require(env.batch == batch, f"make({batch}) made an environment of batch {env.batch}")
    seeds = torch.arange(_SEED, _SEED + batch, device=env.device)
    _check_obs(env, env.reset_trial(seeds), "reset_trial")
    _check_episodes(env, seeds)
    _check_bad_actions(env)
    _check_repeats(make, batch, seeds)
    _check_streams(make, batch, seeds)
    _check_mask(make, batch, seeds)
    if env.oracle is not None:
        _check_oracle(env, seeds)


def _check_obs(env: VectorEnv, obs: dict[str, Tensor], where: str) -> None:
    _require(set(obs) == set(env.spaces), f"{where} returns fields {sorted(obs)}, spaces names {sorted(env.spaces)}")
    for name, space in env.spaces.items():
        _require(space.kind in DTYPES, f"field {name}: kind {space.kind!r} is not one of {', '.join(DTYPES)}")
        value, shape, dtype = obs[name], (env.batch, *space.shape), DTYPES[space.kind]
        _require(value.shape == shape and value.dtype == dtype,
                 f"field {name} is {value.dtype} {tuple(value.shape)}; it must be {dtype} {shape}")  # fmt: skip
        if space.kind == "ranges":
            kinds = env.spaces.get(name + KIND_OF)
            _require(kinds is not None and kinds.kind == "kinds" and kinds.shape == space.shape,
                     f"field {name} holds ranges of {space.shape} rays; a field {name + KIND_OF} must say what as many "
                     "rays hit")  # fmt: skip
        if dtype == torch.int64:
            low, high = int(value.min()), int(value.max())
            _require(low >= 0 and high < space.size, f"field {name} holds {low}..{high}, its size is {space.size}")
        if space.kind == "image":
            _require(len(space.shape) == 3, f"field {name} is an image of shape {space.shape}; it must be (H, W, C)")
        elif dtype == torch.float32:
            _require(bool(value.isfinite().all()), f"field {name} is not finite")


def _check_step(env: VectorEnv, step: Step) -> None:
    _check_obs(env, step.obs, "step")
    for name, dtype in (("reward", torch.float32), ("episode_end", torch.bool), ("success", torch.bool)):
        value = getattr(step, name)
        _require(value.shape == (env.batch,) and value.dtype == dtype,
                 f"{name} is {value.dtype} {tuple(value.shape)}; it must be {dtype} ({env.batch},)")  # fmt: skip
    _require(bool(step.reward.isfinite().all()), "reward is not finite")
    felt = step.reward if step.felt is None else step.felt
    _require(felt.shape == (env.batch,) and felt.dtype == torch.float32 and bool(felt.isfinite().all()),
             f"felt is {felt.dtype} {tuple(felt.shape)}; give finite float32 ({env.batch},) or None")  # fmt: skip
    lacking = [k for k in INFO if k not in step.info]
    _require(not lacking, "info lacks " + "; ".join(f"{k} ({INFO[k]})" for k in lacking))
    for name in INFO:
        dtype = getattr(torch, INFO[name].split(":")[0])
        value = step.info[name]
        _require(value.shape == (env.batch,) and value.dtype == dtype, f"info {name} must be {dtype} ({env.batch},)")


def _check_episodes(env: VectorEnv, seeds: Tensor) -> None:
    """Lengths, ends and the flags over three caps of random steps."""
    env.reset_trial(seeds)
    length = torch.zeros(env.batch, dtype=torch.int64, device=env.device)
    ended = 0
    for t in range(3 * env.episode_cap):
        step = env.step(_random_actions(env, seeds, t))
        _check_step(env, step)
        length += 1
        over = int(length.max())
        _require(over < env.episode_cap or bool(step.episode_end[length >= env.episode_cap].all()),
                 f"an episode goes on after {over} steps, episode_cap is {env.episode_cap}")  # fmt: skip
        if env.fixed_length:
            early = length[step.episode_end & (length < env.episode_cap)].tolist()
            _require(not early, f"fixed_length, but an episode ended after {early[:1]} of {env.episode_cap} steps")
        _require(bool((step.info["steps"] <= length).all()), "info steps counts more steps than the episode has")
        ended += int(step.episode_end.sum())
        length[step.episode_end] = 0
    _require(ended >= 3 * env.batch, f"{ended} episodes ended in 3 × episode_cap steps of {env.batch} trials; "
             f"at least {3 * env.batch} must")  # fmt: skip


def _check_bad_actions(env: VectorEnv) -> None:
    good = torch.zeros(env.batch, dtype=torch.int64, device=env.device)
    for bad, why in ((good[:-1], "of another batch"), (good.float(), "of floats")):
        try:
            env.step(bad)
        except InputError:
            continue
        raise AssertionError(f"step with actions {why} must raise InputError")


def _check_repeats(make: Callable[[int], VectorEnv], batch: int, seeds: Tensor) -> None:
    """Two environments that do the same are the same; a trial does not notice which row it stands in."""
    one, other = make(batch), make(batch)
    turned = seeds.flip(0)
    for t, (a, b) in enumerate(zip(_run(one, seeds, seeds), _run(other, turned, turned), strict=True)):
        for name in a:
            _require(torch.equal(a[name], b[name].flip(0)),
                     f"{name} at step {t} depends on the row or differs between runs; only seeds may")  # fmt: skip


def _check_streams(make: Callable[[int], VectorEnv], batch: int, seeds: Tensor) -> None:
    """Whatever the actions, the n-th episode has the same goal and the same shortest path."""
    episodes = []
    for salt in (1, 2):
        env = make(batch)
        env.reset_trial(seeds)
        rows: list[list[tuple[int, float]]] = [[] for _ in range(batch)]
        for t in range(3 * env.episode_cap):
            step = env.step(_random_actions(env, seeds + 1000 * salt, t))
            for i in step.episode_end.nonzero().flatten().tolist():
                rows[i].append((int(step.info["goal"][i]), float(step.info["shortest"][i])))
        episodes.append([row[:3] for row in rows])
    _require(episodes[0] == episodes[1], "start or goal of an episode depends on the actions before it; draw them from "
             "(seed, episode) alone")  # fmt: skip


def _check_mask(make: Callable[[int], VectorEnv], batch: int, seeds: Tensor) -> None:
    """A reset of some rows leaves the others as they were."""
    env, twin = make(batch), make(batch)
    for e in (env, twin):
        e.reset_trial(seeds)
        e.step(_random_actions(e, seeds, 0))
    mask = torch.arange(batch, device=env.device) % 2 == 0
    env.reset_trial(seeds + 500, mask)
    a, b = env.step(_random_actions(env, seeds, 1)), twin.step(_random_actions(twin, seeds, 1))
    for name in a.obs:
        _require(torch.equal(a.obs[name][~mask], b.obs[name][~mask]), f"reset_trial(mask) changed {name} of other rows")
    steps = a.info["steps"][mask]
    _require(bool((steps <= 1).all()), f"after reset_trial(mask) an episode is {int(steps.max())} steps old, not 1")


def _check_oracle(env: VectorEnv, seeds: Tensor) -> None:
    env.reset_trial(seeds)
    reached = torch.zeros(env.batch, dtype=torch.bool, device=env.device)
    for _ in range(env.episode_cap):
        step = env.step(env.oracle())
        reached |= step.success
    _require(bool(reached.any()), "the oracle reached no goal within episode_cap steps")


def _run(env: VectorEnv, seeds: Tensor, keys: Tensor) -> list[dict[str, Tensor]]:
    records = [env.reset_trial(seeds)]
    for t in range(2 * env.episode_cap):
        step = env.step(_random_actions(env, keys, t))
        records.append({**step.obs, "reward": step.reward, "episode_end": step.episode_end, "success": step.success})
    return records


def _random_actions(env: VectorEnv, keys: Tensor, t: int) -> Tensor:
    return hashed(keys, t).remainder(env.actions)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
