"""Where the goal was seen: read off looks, recalled over a trial, and learned as a label."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from embodied_mem.errors import ConfigError
from embodied_mem.policies.attention import rotation
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.encoder import Encoder
from embodied_mem.policies.ppo import PPOConfig, recall_error, update
from embodied_mem.policies.rollout import Trial
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.sightings import in_view, recalled
from embodied_mem.policies.tokens import stack
from embodied_mem.policies.trainer import Trainer
from tests.policies.agreement import random_trial
from tests.policies.test_encoder import FAN, GOALS, KINDS, RAYS, spec, view, with_ray

LAMP, RADIO = 0, 1
AHEAD = RAYS // 2  # the ray just right of straight ahead


def look(kind: int | None = None, ray: int = AHEAD, **fields) -> dict:
    """A token in which one ray may be on a thing of the goal kind ``kind``, 2 m away."""
    return view(**({} if kind is None else {"first_kind": with_ray(ray, KINDS - GOALS + kind)}), **fields)


def trial(*looks: dict) -> dict:
    return stack(list(looks))


@pytest.mark.parametrize("heading, place", [(0, (0.5, 0.3)), (3, (0.3, 0.5)), (6, (0.1, 0.3)), (9, (0.3, 0.1))])
def test_a_thing_straight_ahead_lies_two_metres_off_in_the_direction_of_the_heading(heading, place):
    seen = in_view(look(RADIO, position=torch.tensor([[0.3, 0.3]]), heading=torch.tensor([[heading]])), FAN)
    assert seen.seen[0].tolist() == [False, True] + 4 * [False]
    assert seen.place[0, RADIO].tolist() == pytest.approx(place, abs=0.2 * math.radians(1))


def test_rays_go_from_left_to_right():
    """The leftmost of a fan of 120° looks 60° to the left: forward 1 m, left 1.7 m."""
    place = in_view(look(LAMP, ray=0), FAN).place[0, LAMP]
    assert place.tolist() == pytest.approx([0.1, 0.173], abs=0.01)


def test_what_was_seen_under_another_goal_is_recalled_when_it_is_asked_for():
    """A radio is seen while a lamp is sought; 3 m on, the radio is asked for, 1 m behind."""
    lamp, radio = torch.tensor([[LAMP]]), torch.tensor([[RADIO]])
    there = torch.tensor([[0.3, 0.0]])
    way, known = recalled(trial(look(RADIO, goal=lamp), look(goal=lamp), look(goal=radio, position=there)), FAN)
    assert known[0].tolist() == [False, False, True]
    assert way[0, 2].tolist() == pytest.approx([-0.1, 0.0, -0.1, 0.0], abs=0.01)
    assert not way[0, :2].any()


def test_who_cannot_remember_other_episodes_is_asked_for_sightings_of_this_one_alone():
    looks = trial(look(LAMP), look(), look(LAMP), look())
    looks["episode"] = torch.tensor([[0, 1, 1, 1]])
    assert recalled(looks, FAN, across=False)[1][0].tolist() == [True, False, True, True]
    assert recalled(looks, FAN)[1].all()
    policies = [make_policy(spec(), {"kind": k, "across": a}).across for k in ("relic", "gru") for a in (True, False)]
    assert policies == [True, False, True, False]


def test_the_way_is_told_from_the_map_and_from_the_robot():
    """Looking along y, what lies ahead on the y axis is ahead and not to the left."""
    way, _ = recalled(trial(look(LAMP, heading=torch.tensor([[3]]))), FAN)
    assert way[0, 0].tolist() == pytest.approx([0.0, 0.2, 0.2, 0.0], abs=0.01)


def test_of_several_sightings_the_nearest_to_here_counts_and_none_of_the_future():
    far, near = torch.tensor([[-1.0, 0.0]]), torch.tensor([[0.1, 0.0]])
    looks = look(LAMP, position=far), look(position=torch.zeros(1, 2)), look(LAMP, position=near)
    way, known = recalled(trial(*looks, look(position=torch.zeros(1, 2))), FAN)
    assert known.all()
    assert way[0, 1, 0] == pytest.approx(-0.8, abs=0.01), "the one in the future is nearer, but not known yet"
    assert way[0, 3, 0] == pytest.approx(0.3, abs=0.01)


def test_an_answer_that_is_right_is_not_off_and_unknown_steps_do_not_count():
    way, known = torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    assert recall_error(way, way, known) == pytest.approx(0.001, abs=1e-4)
    known[:, 2:] = False
    wrong = way.clone()
    wrong[:, 2:] += 100
    assert recall_error(wrong, way, known) == pytest.approx(0.001, abs=1e-4)


def test_what_is_sought_and_what_is_seen_have_one_code():
    """The difference between two goals points where the difference between things of these kinds in view does."""
    encoder = Encoder(spec(), 64)
    goals = torch.cat([encoder(view(goal=torch.tensor([[goal]]))) for goal in (LAMP, RADIO)])
    kinds = encoder.fan.nearest(torch.eye(KINDS))[KINDS - GOALS :][[LAMP, RADIO]]
    assert torch.cosine_similarity(goals[0] - goals[1], kinds[0] - kinds[1], 0) > 0.999


def test_keys_that_match_begin_as_queries():
    x = torch.randn(1, 5, 64)
    block = make_policy(spec(), {"kind": "relic", "kv_heads": 2, "match": True}).blocks[0]
    query, key, _ = block._project(x, rotation(torch.zeros(1, 5), 16))
    assert torch.equal(query[:, ::2], key) and torch.equal(query[:, 1::2], key)
    reader = make_policy(spec(), {"kind": "spatial", "cell": 2, "match": True}).blocks[0]
    assert torch.equal(reader.query.weight, reader.key_value.weight[:64])
    assert torch.equal(reader.relevant.weight, reader.summary.weight)


def test_training_lowers_how_far_off_recalled_places_are():
    """The same trials over and over, in which somebody walks and looks: what was seen is learned to be told."""
    tokens = random_trial(2, 12, seed=1, spec=spec())
    zeros = torch.zeros(2, 12)
    lived = Trial(tokens, zeros.long(), zeros - 1.4, zeros, zeros.bool(), zeros, zeros.bool())
    policy = make_policy(spec(), {"kind": "relic", "match": True})
    optimiser, draw = torch.optim.Adam(policy.parameters(), 3e-3), torch.Generator().manual_seed(0)
    config = PPOConfig(recall=1.0, epochs=5, minibatches=1)
    errors = [update(policy, optimiser, lived, zeros[:, 0], 0, config, draw)["recall_error"] for _ in range(4)]
    assert errors[-1] < 0.8 * errors[0], errors


def test_where_looks_do_not_say_where_things_are_recall_is_refused():
    with pytest.raises(ConfigError, match="ppo.recall.*darkroom.*compass"):
        Trainer(TrainConfig(task="darkroom", policy={"kind": "gru"}, ppo=replace(TrainConfig("", {}).ppo, recall=1.0)))
