"""Object search: the contract, what a stop pays, the way that rewards follow, goals that are really there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from embodied_mem.errors import ConfigError, InputError
from embodied_mem.sim.vector.check import check_vector_env
from embodied_mem.sim.vector.draws import hashed
from embodied_mem.sim.vector.plans import KINDS, plans
from embodied_mem.tasks.object_search.env import (
    AHEAD,
    GOALS,
    LEFT,
    OTHER_THING,
    STOP,
    ObjectSearch,
    ObjectSearchConfig,
    _pool,
)


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> ObjectSearchConfig:
    folder = tmp_path_factory.mktemp("houses")
    plans(0, 5, folder, workers=1)
    return ObjectSearchConfig(split="dev", houses=5, cap=40, folder=str(folder))


def begun(config: ObjectSearchConfig, batch: int = 5) -> tuple[ObjectSearch, dict]:
    env = ObjectSearch(config, batch)
    return env, env.reset_trial(torch.arange(batch))


def test_it_keeps_the_contract(config):
    config = replace(config, cap=20, types=20, min_start=0.5, position="noisy", compass=True)
    check_vector_env(lambda batch: ObjectSearch(config, batch), batch=3)


def test_goals_are_kinds_of_things_and_houses_must_have_some(config):
    with pytest.raises(ConfigError, match="none of 5 houses has 3 goal kinds; take more"):
        _pool(config, [KINDS.index(furniture) for furniture in ("sofa", "dresser", "desk")])
    assert all(label in KINDS for label in GOALS) and len(set(GOALS)) == 20


def test_the_oracle_finds_what_it_searches_on_nearly_the_shortest_way(config):
    env, _ = begun(replace(config, types=20, cap=200), batch=15)
    ended, found, detour = 0, 0, []
    for _ in range(130):
        step = env.step(env.oracle())
        for i in step.episode_end.nonzero().flatten().tolist():
            ended, found = ended + 1, found + bool(step.success[i])
            detour.append(float(step.info["travelled"][i] - step.info["shortest"][i]))
    assert ended > 20 and found > 0.9 * ended, (ended, found)
    assert np.median(detour) < 0.3 and min(detour) > -1.0, "shortest is not the shortest way"


def test_the_oracle_does_not_stay_where_its_way_leads_no_further(config):
    env, _ = begun(replace(config, types=20, cap=500), batch=15)
    standing, longest = torch.zeros(15, dtype=torch.int64), 0
    for _ in range(600):
        before = env._travelled.clone()
        step = env.step(env.oracle())
        moved = (env._travelled != before) | step.episode_end
        standing = torch.where(moved, 0, standing + 1)
        longest = max(longest, int(standing.max()))
    assert longest < 100, f"it stood still for {longest} steps of an episode"


def test_a_stop_pays_only_in_front_of_the_goal_in_sight(config):
    env, obs = begun(replace(config, cap=200))
    stops = torch.full((5,), STOP)
    paid = unpaid = 0
    for t in range(90):
        goal = OTHER_THING + 1 + obs["goal"]
        near = [(obs[f"{hit}_kind"] == goal) & (obs[hit] <= 0.2) for hit in ("first", "second")]
        due, oracle = (near[0] | near[1]).any(1), env.oracle()
        acting = torch.where(hashed(torch.arange(5), t) % 40 == 0, stops, oracle)
        step = env.step(acting)
        stopped = acting == STOP
        assert torch.equal(step.success, stopped & due)
        assert torch.equal(step.episode_end[stopped], torch.ones_like(stopped[stopped]))
        expected = torch.where(step.success, 2.0, 0.0) - 0.001
        torch.testing.assert_close(step.reward[stopped], expected[stopped])
        paid, unpaid = paid + int(step.success.sum()), unpaid + int((stopped & ~due).sum())
        obs = step.obs
    assert paid > 3 and unpaid > 3


def test_rewards_add_up_to_the_way_won(config):
    """Without a stop: what was paid is the way at the start less the way left, and the cost of the steps."""
    env, _ = begun(replace(config, cap=500))
    start, total = env._way.clone(), torch.zeros(5)
    for t in range(60):
        action = hashed(torch.arange(5), t) % 3
        total += env.step(action).reward
    torch.testing.assert_close(total, start - env._way - 60 * 0.001, rtol=0, atol=1e-4)
    assert (start != env._way).all()


def test_positions_are_of_the_named_frame(config):
    frames = {}
    for position in ("house", "start", "noisy"):
        env, obs = begun(replace(config, position=position))
        frames[position] = torch.stack([obs["position"], env.step(torch.full((5,), AHEAD)).obs["position"]])
    assert (frames["start"][0] == 0).all()
    torch.testing.assert_close(frames["start"][1], frames["house"][1] - frames["house"][0], rtol=0, atol=1e-6)
    error = 10 * (frames["noisy"] - frames["house"])
    assert 0.05 < error.abs().mean() < 0.6 and (error[0] != error[1]).all()


def test_turns_move_nobody_and_twelve_of_them_make_a_circle(config):
    env, obs = begun(config)
    for _ in range(12):
        step = env.step(torch.full((5,), LEFT))
    for name in obs:
        assert torch.equal(obs[name], step.obs[name]), name
    assert (step.info["travelled"] == 0).all()


def test_training_houses_are_none_of_the_tests(config, tmp_path):
    train, test = plans(10_000, 3, tmp_path, workers=1), plans(0, 5, config.folder)
    assert not {p.layout for p in train} & {p.layout for p in test}
    env = ObjectSearch(replace(config, split="train", houses=3, folder=str(tmp_path)), 6)
    env.reset_trial(2**40 + torch.arange(6))
    assert {p.seed for p in env._plans} <= {10_000, 10_001, 10_002}


def test_gymnasium_drives_it(config):
    gymnasium = pytest.importorskip("gymnasium")
    from embodied_mem.sim.vector.gym import as_gymnasium

    envs = as_gymnasium(ObjectSearch(replace(config, cap=10), 3))
    assert isinstance(envs, gymnasium.vector.VectorEnv)
    obs, _ = envs.reset(seed=1)
    assert obs in envs.observation_space
    direct = ObjectSearch(replace(config, cap=10), 3)
    direct.reset_trial(torch.arange(1, 4))
    envs.action_space.seed(0)
    ends = 0
    for _ in range(25):
        actions = envs.action_space.sample()
        obs, reward, terminated, truncated, info = envs.step(actions)
        expected = direct.step(torch.from_numpy(actions))
        assert obs in envs.observation_space and not (terminated & truncated).any()
        np.testing.assert_array_equal(reward, expected.reward)
        np.testing.assert_array_equal(terminated | truncated, expected.episode_end)
        np.testing.assert_array_equal(obs["first"], expected.obs["first"])
        assert (terminated == (actions == STOP)).all()
        ends += int(terminated.sum() + truncated.sum())
    assert ends > 5
    before = obs["position"].copy()
    obs, _ = envs.reset(seed=[7, 8, 9], options={"reset_mask": np.array([True, False, False])})
    assert (obs["position"][1:] == before[1:]).all() and (obs["position"][0] != before[0]).any()
    with pytest.raises(InputError, match="give int64"):
        envs.step(np.zeros(2))
