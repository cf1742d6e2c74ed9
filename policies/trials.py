"""Trials of a fixed number of episodes, and what they sum up to: curves over the index of the episode in its trial.

Every trial has the same number of episodes, whatever they cost: with a fixed number of steps instead, late indices
exist only where early episodes were short, and even a policy without memory seems to improve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from embodied_mem.errors import ConfigError
from embodied_mem.policies.actors import Actor
from embodied_mem.policies.tokens import TokenStream
from embodied_mem.sim.vector.draws import hashed
from embodied_mem.sim.vector.protocol import VectorEnv

_ACTING, _SWAPS = 23, 24  # streams
_OTHER_HOUSES_FROM = 2**41
_RESAMPLES = 2000


@dataclass
class Curves:
    """What happened: each array is [houses, episodes] float64 (``seen``: the goal was in view in an earlier one)."""

    success: np.ndarray
    returns: np.ndarray
    steps: np.ndarray
    spl: np.ndarray
    seen: np.ndarray


def run_trials(env: VectorEnv, actor: Actor, houses: Sequence[int], episodes: int, seed: int = 0,
               swapped: bool = False, demonstrations: int = 0) -> Curves:  # fmt: skip
    """``episodes`` episodes in each house. ``swapped``: after every episode the trial moves to a house it has not
    been in while the actor remembers on, so that all earlier episodes of its context are of other houses.

    ``demonstrations``: before its own, the oracle lives this many episodes of the trial, and the actor remembers them
    as if it had acted so (few-shot imitation, as ReLIC). Curves begin with the first episode of the actor's own, so
    their control is the plain curve from index ``demonstrations`` on: the same episodes after as much experience of
    one's own. With ``swapped`` they are of other houses as well, which tells what any house's demonstration is worth.
    """
    if demonstrations and env.oracle is None:
        raise ConfigError(f"demonstrations: {demonstrations}, but nobody knows the way in this environment; take none")
    parts = []
    for first in range(0, len(houses), env.batch):
        some = torch.as_tensor(houses[first : first + env.batch])
        padded = torch.cat([some, some[:1].expand(env.batch - len(some))])
        padded = padded.to(env.device)
        actor.begin(env, (demonstrations + episodes) * env.episode_cap, hashed(padded, _ACTING, seed))
        parts.append([x[: len(some)] for x in _run(env, actor, padded, demonstrations, episodes, swapped)])
    return Curves(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _run(env: VectorEnv, actor: Actor, seeds: torch.Tensor, shown: int, own: int, swapped: bool
         ) -> list[np.ndarray]:  # fmt: skip
    """Success, return, steps, spl, seen of one batch of trials, each [B, own], after ``shown`` demonstrations."""
    stream, row = TokenStream(env.actions, env.batch, env.device), torch.arange(env.batch, device=env.device)
    tokens, episodes = stream.begin(env.reset_trial(seeds)), shown + own
    if swapped and hasattr(env, "prepare"):  # houses are cheaper to build together
        env.prepare(torch.cat([_other_houses(seeds, torch.full_like(seeds, i)) for i in range(1, episodes + 1)]))
    out = torch.zeros(5, env.batch, episodes + 1, dtype=torch.float64, device=env.device)
    index, total = torch.zeros_like(row), torch.zeros(env.batch, dtype=torch.float64, device=env.device)
    for _ in range(episodes * env.episode_cap):
        action = actor.act(tokens)
        if shown and bool((index < shown).any()):
            action = torch.where(index < shown, env.oracle(), action)
        step = env.step(action)
        info, total = step.info, total + step.reward
        spl = step.success * info["shortest"] / torch.maximum(info["shortest"], info["travelled"]).clamp(min=1e-9)
        spl = torch.where(step.success & (info["shortest"] == 0), 1.0, spl)
        figures = torch.stack([x.double() for x in (step.success, total, info["steps"], spl, info["goal_seen"])])
        out[:, row, index] = torch.where(step.episode_end, figures, out[:, row, index])
        index = (index + step.episode_end).clamp(max=episodes)  # what comes after the last is not counted
        total = torch.where(step.episode_end, 0.0, total)
        if swapped and bool(step.episode_end.any()):
            step.obs = env.reset_trial(_other_houses(seeds, index), step.episode_end)
        tokens = stream.after(step, action)
        if bool((index == episodes).all()):
            break
    return list(out[:, :, shown:episodes].cpu().numpy())


def _other_houses(seeds: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """[B]: where a trial of ``seeds`` goes on after ``index`` episodes, when its context is swapped."""
    return _OTHER_HOUSES_FROM + (hashed(seeds, _SWAPS, index) & (2**40 - 1))


def shares(rng: np.random.Generator, count: int) -> np.ndarray:
    """[resamples, count]: how much each of ``count`` seeds or houses weighs in bootstrap samples; rows add up to 1."""
    return rng.multinomial(count, np.full(count, 1 / count), _RESAMPLES) / count


def late(values: np.ndarray) -> np.ndarray:
    """[..., E] to [...]: the mean over the last third of the episodes, of the last at least."""
    return values[..., -max(1, values.shape[-1] // 3) :].mean(-1)


def interval(values: np.ndarray, seed: int = 0) -> list[list[float]]:
    """95 % bootstrap interval of the mean over seeds and houses: ``values`` [seeds, houses, E] to E pairs."""
    rng = np.random.default_rng(seed)
    seeds, houses, _ = values.shape
    which, weight = shares(rng, seeds), shares(rng, houses)
    means = np.einsum("rs,rh,she->re", which, weight, values, optimize=True)
    return np.percentile(means, [2.5, 97.5], axis=0).T.round(4).tolist()


def summary(runs: list[Curves]) -> dict:
    """The figures of one agent from its seeds: means by episode index, intervals, and the gain with its interval.

    ``gain``: return in the last third of the episodes minus return in the first; ``ci95`` is of the return.
    """
    stacked = {k: np.stack([getattr(r, k) for r in runs]) for k in ("success", "returns", "steps", "spl", "seen")}
    returns = stacked["returns"]
    gain, gained = (late(x)[..., None] - x[..., :1] for x in (returns, stacked["success"]))
    names = {"success": "success_by_episode", "returns": "return_by_episode", "spl": "spl_by_episode",
             "steps": "steps_by_episode"}  # fmt: skip
    means = {label: stacked[k].mean((0, 1)).round(4).tolist() for k, label in names.items()}
    return {
        **means, "ci95": interval(returns), "success_ci95": interval(stacked["success"]),
        "gain": round(float(gain.mean()), 4), "gain_ci95": interval(gain)[0],
        "success_gain": round(float(gained.mean()), 4), "success_gain_ci95": interval(gained)[0],
        "return_by_episode_goal_seen": _where(returns, stacked["seen"] > 0),
        "return_by_episode_goal_not_seen": _where(returns, stacked["seen"] == 0), "seeds": len(runs),
    }  # fmt: skip


def _where(values: np.ndarray, mask: np.ndarray) -> list[float | None]:
    """Means by episode over the entries of the mask; None where there is none."""
    count = mask.sum((0, 1))
    sums = (values * mask).sum((0, 1))
    return [round(float(s / n), 4) if n else None for s, n in zip(sums, count, strict=True)]
