"""Evaluation: every episode index has the same trials, who does not remember does not improve, swaps are foreign."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from embodied_mem.policies.actors import OracleActor, RandomActor
from embodied_mem.policies.trials import Curves, interval, run_trials, summary
from embodied_mem.tasks.darkroom.env import Darkroom, DarkroomConfig
from embodied_mem.tasks.grid_object_search.env import GridConfig, GridObjectSearch

EARLY = GridConfig(size=7, rooms=2, reward="shaped", early_end=True, cap=30, types=2)


class Notebook:
    """A hand-written memory for Darkroom: tries cells row by row, and goes back to where it was paid."""

    def begin(self, env, capacity, keys):
        self.size, self.paid = env.config.size, torch.full((env.batch, 2), -1)
        self.next = torch.zeros(env.batch, dtype=torch.int64)

    def act(self, tokens):
        here, found = tokens["position"], self.paid[:, 0] >= 0
        just = (tokens["reward"] > 0) & ~found
        self.paid[just] = here[just]
        at = self.next[:, None] == here[:, 0, None] * self.size + here[:, 1, None]
        self.next += at[:, 0].long()
        aim = torch.stack([self.next // self.size, self.next % self.size], -1).clamp(max=self.size - 1)
        dx, dy = (torch.where((self.paid[:, :1] >= 0), self.paid, aim) - here).unbind(-1)
        return torch.where(dx > 0, 0, torch.where(dx < 0, 1, torch.where(dy > 0, 2, torch.where(dy < 0, 3, 4))))


def test_every_index_has_every_house_even_when_episodes_end_early():
    env = GridObjectSearch(EARLY, 16)
    curves = run_trials(env, RandomActor(), range(1, 41), episodes=5)
    assert all(getattr(curves, k).shape == (40, 5) for k in ("success", "returns", "steps", "spl", "seen"))
    assert (curves.steps > 0).all(), "an episode that nobody lived"
    alone = run_trials(GridObjectSearch(EARLY, 1), OracleActor(), [7], episodes=5)
    together = run_trials(env, OracleActor(), range(1, 41), episodes=5)
    np.testing.assert_array_equal(alone.steps[0], together.steps[6])


def test_who_does_not_remember_has_no_slope():
    env = GridObjectSearch(EARLY, 128)
    curves = run_trials(env, RandomActor(), range(1, 513), episodes=6)
    index = np.arange(6) - 2.5
    slopes = curves.success @ index / (index**2).sum()
    assert abs(slopes.mean()) < 3 * slopes.std() / np.sqrt(len(slopes))
    assert 0.1 < curves.success.mean() < 0.9


def test_the_oracle_is_perfect_and_a_notebook_gets_better():
    env = Darkroom(DarkroomConfig(size=5, cap=16, split="train"), 20)
    oracle = summary([run_trials(env, OracleActor(), range(1, 21), episodes=4)])
    assert oracle["success_by_episode"] == oracle["spl_by_episode"] == [1.0] * 4 and oracle["gain"] == 0
    written = run_trials(env, Notebook(), range(1, 21), episodes=4)
    assert written.returns[:, -1].mean() > written.returns[:, 0].mean() + 3
    assert summary([written])["gain_ci95"][0] > 0


def test_in_swapped_context_a_notebook_is_of_no_use():
    env = Darkroom(DarkroomConfig(size=5, cap=16), 20)
    swapped = run_trials(env, Notebook(), range(1, 41), episodes=4, swapped=True)
    own = run_trials(env, Notebook(), range(1, 41), episodes=4)
    np.testing.assert_array_equal(swapped.returns[:, 0], own.returns[:, 0])
    assert swapped.returns[:, 1:].mean() < own.returns[:, 1:].mean() / 2
    assert not swapped.seen.any(), "nothing of these houses was in view before"


def test_intervals_cover_seeds_and_houses():
    rng = np.random.default_rng(0)
    seeds = np.array([0.0, 1.0, 2.0])[:, None, None]
    narrow, wide = rng.normal(size=(1, 400, 1)).repeat(3, 0), seeds + rng.normal(size=(3, 400, 1))
    (a, b), (c, d) = interval(narrow)[0], interval(wide)[0]
    assert b - a == pytest.approx(2 * 1.96 / 20, rel=0.2) and d - c > 4 * (b - a)
    seen = np.array([[[0.0, 1.0], [0.0, 0.0]]])
    curves = Curves(*(np.array([[1.0, 2.0], [3.0, 5.0]]) for _ in range(4)), seen[0])
    figures = summary([curves])
    assert figures["return_by_episode_goal_seen"] == [None, 2.0]
    assert figures["return_by_episode_goal_not_seen"] == [2.0, 5.0]
