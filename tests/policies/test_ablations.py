"""Ablations: what a policy may read of a reward; curves against steps and CPU time from the logs of runs; the table."""

from __future__ import annotations

import torch

from embodied_mem.policies.tokens import TokenStream
from embodied_mem.tasks.grid_object_search.env import GridConfig, GridObjectSearch


def test_a_policy_does_not_read_how_far_the_goal_is():
    """The shaped reward pays progress at every step; tokens tell of the arrival alone."""
    env, seeds = GridObjectSearch(GridConfig(reward="shaped", min_start=3), 20), torch.arange(20)
    stream = TokenStream(env.actions, 20)
    stream.begin(env.reset_trial(seeds))
    arrived = torch.zeros(20, dtype=torch.bool)
    for _ in range(20):
        action = env.oracle()
        step = env.step(action)
        paid = torch.where(step.success & ~arrived, 1.0, 0.0)
        assert (arrived | (step.reward > 0)).all()
        assert torch.equal(stream.after(step, action)["reward"], paid)
        arrived |= step.success
    assert arrived.any()
