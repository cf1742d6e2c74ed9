"""Grid object search: houses, disjoint splits, views, both rewards, and the oracle's shortest way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import label

from embodied_mem.errors import ConfigError
from embodied_mem.policies.build import make_environment
from embodied_mem.sim.vector.check import check_vector_env
from embodied_mem.tasks.grid_object_search.env import GridConfig, GridObjectSearch
from embodied_mem.tasks.grid_object_search.house import FLOOR, OBJECT, UNSEEN, WALL, Houses, _views
from embodied_mem.tasks.grid_object_search.layout import held_out, layout_hash, layouts

SHAPED = GridConfig(reward="shaped", early_end=True, can_stay=False, min_start=3, cap=30)


@pytest.mark.parametrize("config", [
    GridConfig(), SHAPED, GridConfig(reward="shaped", split="test"),
    GridConfig(size=13, rooms=6, radius=3, types=8, instances=2, cap=30, position="start"),
], ids=["stay", "shaped", "shaped, fixed length", "large"])  # fmt: skip
def test_it_keeps_the_contract(config):
    check_vector_env(lambda batch: GridObjectSearch(config, batch))


def test_training_has_ten_thousand_layouts_and_none_of_the_tests():
    train, test = layouts(torch.arange(25_000), "train", 9, 4, 1), layouts(torch.arange(1000), "test", 9, 4, 1)
    seen, kept = set(layout_hash(train).tolist()), set(layout_hash(test).tolist())
    assert len(seen) >= 10_000 and not seen & kept and len(kept) > 500
    mirrored = test.flip(1).transpose(1, 2)
    assert not torch.equal(mirrored, test) and held_out(layout_hash(mirrored)).all()


@pytest.mark.parametrize("size, rooms", [(9, 4), (11, 4), (15, 7)])
def test_every_house_has_its_rooms_and_all_its_floor_is_one(size, rooms):
    doors_shut = 0
    for wall in layouts(torch.arange(60), "train", size, rooms, 1).numpy():
        assert label(~wall)[1] == 1, "floor that cannot be reached"
        framed = np.pad(wall, 1, constant_values=True)
        across = (framed[:-2, 1:-1] & framed[2:, 1:-1]) | (framed[1:-1, :-2] & framed[1:-1, 2:])
        doors_shut += label(~wall & ~across)[1] >= rooms
    assert doors_shut == 60, "with the doors shut the rooms are apart"


def test_a_house_follows_from_its_seed_alone():
    one = layouts(torch.tensor([5, 6, 7]), "train", 9, 4, 1)
    assert torch.equal(one[2:], layouts(torch.tensor([7]), "train", 9, 4, 1)) and not torch.equal(one[0], one[1])


def test_a_view_shows_what_the_line_of_sight_reaches():
    wall = torch.zeros(1, 5, 5, dtype=torch.bool)
    wall[0, 2, :3] = True  # a wall in front of the agent at (1, 1), open at its right end
    objects = torch.full((1, 5, 5), -1)
    objects[0, 3, 1], objects[0, 0, 3] = 0, 1
    view = _views(wall, objects, 2)[0, 1 * 5 + 1].view(5, 5).tolist()
    assert view == [
        [UNSEEN, WALL, WALL, WALL, WALL],  # outside; its corner is behind two walls
        [WALL, FLOOR, FLOOR, FLOOR, OBJECT + 1],
        [WALL, FLOOR, FLOOR, FLOOR, FLOOR],
        [WALL, WALL, WALL, WALL, FLOOR],
        [UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN],  # behind the wall, and the object with it
    ]


def test_objects_are_where_distances_end():
    houses = Houses.of(torch.arange(20), "train", 9, 4, 1, 3, 2, 1)
    at = houses.distance == 0
    assert (at.sum(-1) == 2).all() and (at.sum(1) <= 1).all() and not (at & ~houses.floor[:, None]).any()
    assert houses.distance.transpose(1, 2)[houses.floor].isfinite().all()


def test_the_oracle_takes_the_shortest_way_and_stays():
    env = GridObjectSearch(GridConfig(), 40)
    env.reset_trial(torch.arange(40))
    total = torch.zeros(40)
    for _ in range(24):
        step = env.step(env.oracle())
        total += step.reward
    assert step.success.all() and torch.equal(step.info["steps"].float(), step.info["shortest"])
    assert torch.equal(total, 24 - step.info["shortest"] + 1)
    assert torch.equal(step.info["travelled"], step.info["shortest"])


def test_the_shaped_reward_is_progress_a_bonus_and_a_cost():
    env = GridObjectSearch(SHAPED, 30)
    env.reset_trial(torch.arange(30))
    shortest, total, done = env._shortest.clone(), torch.zeros(30), torch.zeros(30, dtype=torch.bool)
    assert (shortest >= 3).all()
    while not done.all():
        step = env.step(env.oracle())
        total += torch.where(done, 0.0, step.reward)
        done |= step.episode_end
    assert torch.allclose(total, 0.1 * shortest + 1 - 0.01 * shortest, atol=1e-5)


def test_without_an_early_end_the_shaped_episode_stands_still():
    env = GridObjectSearch(GridConfig(reward="shaped"), 10)
    env.reset_trial(torch.arange(10))
    while not bool((env._reached_at > 0).all()):
        env.step(env.oracle())
    at = env._cell.clone()
    step = env.step(torch.zeros(10, dtype=torch.int64))
    assert torch.equal(env._cell, at) and (step.reward == 0).all()


def test_a_goal_counts_as_seen_when_it_was_in_view_in_an_earlier_episode():
    env, row = GridObjectSearch(GridConfig(types=2, cap=6), 64), torch.arange(64)
    env.reset_trial(row)
    looked = torch.zeros(64, 2, dtype=torch.bool)
    for _ in range(4):
        before, goal, cell = looked.clone(), env._goal.clone(), env._cell.clone()
        for t in range(6):
            looked |= env.houses.types_seen[row, cell]
            step, cell = env.step(torch.full((64,), t % 4)), env.houses.following[row, cell, t % 4]
            looked |= env.houses.types_seen[row, cell]
        assert torch.equal(step.info["goal_seen"], before[row, goal])
    assert 0 < int(step.info["goal_seen"].sum()) < 64


def test_the_start_s_frame_hides_where_in_the_house_one_is():
    env = GridObjectSearch(GridConfig(position="start"), 20)
    obs = env.reset_trial(torch.arange(20))
    assert (obs["position"] == 8).all()
    assert (env.step(torch.zeros(20, dtype=torch.int64)).obs["position"][:, 1] == 8).all()


def test_houses_too_full_are_refused():
    with pytest.raises(ConfigError, match="rooms do not fit"):
        layouts(torch.arange(1), "train", 5, 9, 0)
    with pytest.raises(ConfigError, match="no free floor"):
        Houses.of(torch.arange(3), "train", 5, 1, 0, 5, 5, 1)


@pytest.mark.parametrize("task", ["grid_object_search", "object_search"])
def test_houses_that_were_built_before_are_the_same_houses(task):
    options = {"split": "dev", "houses": 100} if task == "object_search" else {}
    plain, prepared = (make_environment(task, options, 3) for _ in range(2))
    prepared.prepare(torch.tensor([9, 4, 9, 5]))
    for env in (plain, prepared):
        env.reset_trial(torch.arange(3))
    for seeds in ([5, 9, 4], [9, 1, 5]):  # all were built before; one was not
        mask = torch.tensor([True, False, True])
        shown = [env.reset_trial(torch.tensor(seeds), mask) for env in (plain, prepared)]
        assert all(torch.equal(shown[0][k], shown[1][k]) for k in shown[0])


def asked_for(task, split, episodes=8):
    """Which types a task with six types, two of them held out, asks for; the trials' environment."""
    options = {"types": 6, "held_out_types": 2, "split": split}
    options |= {"houses": 20, "cap": 2} if task == "object_search" else {"cap": 2}
    env = make_environment(task, options, 20)
    env.reset_trial(torch.arange(20))
    steps = [env.step(env.oracle()) for _ in range(2 * episodes)]
    return {int(goal) for step in steps for goal in step.info["goal"]}, env


@pytest.mark.parametrize("task", ["grid_object_search", "object_search"])
def test_types_that_are_held_out_are_in_the_houses_but_asked_for_in_their_own_split_alone(task):
    plain = "dev" if task == "object_search" else "train"  # object search's houses for training take long to draw
    (trained, env), (held_out, other) = asked_for(task, plain), asked_for(task, "test_types")
    assert trained == {0, 1, 2, 3} and held_out == {4, 5}
    assert env._seen[:, 4:].any() and other._seen[:, :4].any()
    assert env.spaces == other.spaces == make_environment(task, {**vars(env.config), "held_out_types": 0}, 1).spaces


def test_the_split_of_held_out_types_is_in_layouts_of_the_test_split():
    walls = [layouts(torch.arange(20), split, 9, 4, 1) for split in ("test", "test_types", "train")]
    assert torch.equal(walls[0], walls[1]) and not torch.equal(walls[0], walls[2])


@pytest.mark.parametrize(("options", "says"), [
    ({"types": 4, "held_out_types": 4}, "held_out_types: 4 of 4 types leave none to train with"),
    ({"split": "test_types"}, "held_out_types is 0; hold some out, or take test"),
])  # fmt: skip
@pytest.mark.parametrize("task", ["grid_object_search", "object_search"])
def test_held_out_types_that_make_no_sense_are_refused(task, options, says):
    with pytest.raises(ConfigError, match=says):
        make_environment(task, options, 1)
