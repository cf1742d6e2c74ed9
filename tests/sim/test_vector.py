"""Vector environments: the contract's check catches who breaks it, draws are even, geodesics are scipy's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import lil_matrix
from scipy.sparse.csgraph import dijkstra

from embodied_mem.errors import InputError
from embodied_mem.sim.vector.check import check_vector_env
from embodied_mem.sim.vector.draws import integers, mix, pick, uniform
from embodied_mem.sim.vector.geodesic import distance_fields
from embodied_mem.tasks.darkroom.env import Darkroom, DarkroomConfig, goals_of

SMALL = DarkroomConfig(size=5, cap=8)


@pytest.mark.parametrize("config", [SMALL, DarkroomConfig(size=10, cap=30, start="corner", split="test")])
def test_darkroom_keeps_the_contract(config):
    check_vector_env(lambda batch: Darkroom(config, batch))


class Leaking(Darkroom):
    """Shows its goal under a name that spaces does not know."""

    def _obs(self):
        return {**super()._obs(), "goal": self._goal}


class Restless(Darkroom):
    """Ends an episode one step early, though its length is fixed."""

    def step(self, actions):
        step = super().step(actions)
        early = self._step == self.episode_cap - 1
        self._begin_episode(early)
        return replace(step, episode_end=step.episode_end | early)


class Endless(Darkroom):
    """Forgets to end episodes."""

    def step(self, actions):
        step = super().step(actions)
        return replace(step, episode_end=torch.zeros_like(step.episode_end))


class Drifting(Darkroom):
    """Moves its goal when the agent has been somewhere else."""

    def _begin_episode(self, rows):
        self._goal = torch.where(rows[:, None], (self._goal + self._position) % self.config.size, self._goal)
        super()._begin_episode(rows)


class Crowded(Darkroom):
    """A trial knows which row it stands in."""

    def reset_trial(self, seeds, mask=None):
        return super().reset_trial(seeds + torch.arange(self.batch), mask)


class Forgetful(Darkroom):
    """Restarts all rows whatever the mask."""

    def reset_trial(self, seeds, mask=None):
        return super().reset_trial(seeds)


class Silent(Darkroom):
    """Tells scorers nothing of the shortest path."""

    def step(self, actions):
        step = super().step(actions)
        return replace(step, info={k: v for k, v in step.info.items() if k != "shortest"})


@pytest.mark.parametrize("broken, message", [
    (Leaking, "fields"), (Restless, "fixed_length"), (Endless, "goes on after 8 steps"), (Drifting, "actions before"),
    (Crowded, "depends on the row"), (Forgetful, "changed position of other rows"), (Silent, "lacks shortest"),
])  # fmt: skip
def test_the_check_names_what_is_broken(broken, message):
    with pytest.raises(AssertionError, match=message):
        check_vector_env(lambda batch: broken(SMALL, batch))


def test_the_check_names_what_is_missing():
    class Empty:
        batch = 6

    with pytest.raises(AssertionError, match="reset_trial, step, oracle"):
        check_vector_env(lambda batch: Empty())


def test_darkroom_pays_on_the_goal_only_and_starts_again_in_the_middle():
    env = Darkroom(SMALL, batch=1)
    env.reset_trial(torch.tensor([3]))
    goal = env._goal[0].tolist()
    for t in range(8):
        step = env.step(env.oracle())
        there = t + 1 >= int(step.info["shortest"])
        assert float(step.reward) == there and bool(step.success) == there
    assert bool(step.episode_end) and step.obs["position"][0].tolist() == [2, 2] and goal == env._goal[0].tolist()
    assert not bool(step.info["goal_seen"])
    assert bool(env.step(torch.tensor([4])).info["goal_seen"])  # found in the episode before


def test_darkroom_s_goals_are_split():
    train, test = (set(map(tuple, goals_of(split, 9).tolist())) for split in ("train", "test"))
    assert len(train) == 65 and len(test) == 16 and not train & test


def test_bad_actions_are_refused():
    env = Darkroom(SMALL, batch=2)
    env.reset_trial(torch.arange(2))
    with pytest.raises(InputError, match="give int64"):
        env.step(torch.zeros(3, dtype=torch.int64))


def test_draws_are_even_and_do_not_repeat():
    keys = torch.arange(100_000)
    assert len(mix(keys).unique()) == len(keys)
    assert torch.histc(uniform(keys, 1).float(), 10, 0, 1).div(10_000).sub(1).abs().max() < 0.05
    both = torch.stack([uniform(keys, 1), uniform(keys, 2)])
    assert abs(float(torch.corrcoef(both)[0, 1])) < 0.02
    assert sorted(integers(6, keys, 3).unique().tolist()) == list(range(6))


def test_pick_takes_each_choice_equally_often():
    mask = torch.tensor([False, True, True, False, True])
    u = torch.arange(999) / 999
    assert pick(mask.expand(999, 5), u).bincount(minlength=6).tolist() == [0, 333, 333, 0, 333, 0]
    assert int(pick(torch.zeros(5, dtype=torch.bool), torch.tensor(0.5))) == 5


def test_geodesics_are_scipys():
    passable = torch.rand(6, 9, 12, generator=torch.Generator().manual_seed(0)) > 0.35
    sources = torch.zeros(6, 2, 9, 12, dtype=torch.bool)
    sources[:, 0, 4, 4] = sources[:, 1, 0, 0] = sources[:, 1, 8, 11] = True
    fields = distance_fields(passable[:, None], sources)
    for house in range(6):
        for kind in range(2):
            expected = scipy_field(passable[house].numpy(), sources[house, kind].numpy())
            np.testing.assert_array_equal(fields[house, kind].numpy(), expected)


def scipy_field(passable: np.ndarray, sources: np.ndarray) -> np.ndarray:
    height, width = passable.shape
    graph = lil_matrix((height * width, height * width))
    for x, y in np.argwhere(passable):
        for nx, ny in ((x + 1, y), (x, y + 1)):
            if nx < height and ny < width and passable[nx, ny]:
                graph[x * width + y, nx * width + ny] = 1
    starts = np.flatnonzero(sources & passable)
    if not len(starts):
        return np.full(passable.shape, np.inf)
    field = dijkstra(graph.tocsr(), directed=False, indices=starts, min_only=True).reshape(passable.shape)
    return np.where(passable, field, np.inf)
