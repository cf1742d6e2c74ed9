"""The shared encoder: what a fan shows reaches the policy, and what has no fan is encoded as ever."""

from __future__ import annotations

import pytest
import torch

from embodied_mem.errors import ConfigError
from embodied_mem.policies.encoder import Encoder
from embodied_mem.policies.tokens import Spec
from embodied_mem.sim.vector.protocol import Space

RAYS, KINDS, GOALS = 64, 20, 6
FAN = {
    "goal": Space("index", (1,), GOALS), "position": Space("vector", (2,)), "heading": Space("index", (1,), 12),
    "first": Space("ranges", (RAYS,)), "first_kind": Space("kinds", (RAYS,), KINDS),
}  # fmt: skip


def spec(spaces: dict = FAN) -> Spec:
    return Spec(spaces, actions=4, episode_cap=120)


def view(**fields) -> dict:
    """One token: walls (kind 1) 2 m away all around, goal 0 sought, at the origin, looking along x."""
    token = {
        "goal": torch.tensor([[0]]), "position": torch.zeros(1, 2), "heading": torch.tensor([[0]]),
        "first": torch.full((1, RAYS), 0.2), "first_kind": torch.ones(1, RAYS, dtype=torch.int64),
        "action": torch.tensor([4]), "reward": torch.zeros(1), "step": torch.tensor([0]), "episode": torch.tensor([0]),
    }  # fmt: skip
    return token | fields


def with_ray(ray: int, kind: int) -> torch.Tensor:
    kinds = torch.ones(1, RAYS, dtype=torch.int64)
    kinds[0, ray] = kind
    return kinds


def fan(token: dict) -> torch.Tensor:
    torch.manual_seed(0)
    return Encoder(spec(), 32).fan(token)[0]


def test_one_ray_on_the_goal_is_told_from_one_on_another_kind_and_from_one_elsewhere():
    goal = fan(view(first_kind=with_ray(10, KINDS - GOALS)))
    for other in (with_ray(10, KINDS - 1), with_ray(50, KINDS - GOALS)):
        assert (goal - fan(view(first_kind=other))).abs().max() > 1e-3


def test_the_same_view_differs_by_what_is_sought():
    """A ray on a thing of kind 14 + i is on the goal i: what changes is more than the goal's own code."""
    kinds = with_ray(10, KINDS - GOALS + 3)
    assert not torch.allclose(fan(view(first_kind=kinds, goal=torch.tensor([[3]]))), fan(view(first_kind=kinds)))
    assert torch.allclose(fan(view(goal=torch.tensor([[3]]))), fan(view())), "no goal in sight, nothing to differ"


def test_rays_that_hit_nothing_say_no_more_than_their_range():
    """Kind 0 with any code is nothing: its row in the table has no weight."""
    torch.manual_seed(0)
    encoder = Encoder(spec(), 32)
    token = view(first_kind=torch.zeros(1, RAYS, dtype=torch.int64))
    before = encoder(token)
    with torch.no_grad():
        encoder.fan.kind[0] += 1.0
    assert torch.equal(encoder(token), before)


def test_a_quarter_turn_turns_what_is_seen_by_a_quarter():
    """The vectors in the plane: after a turn of 90° (3 of 12 parts) each is (−y, x) of what it was."""
    torch.manual_seed(0)
    encoder = Encoder(spec(), 32).fan
    seen = []
    encoder.turned.register_forward_pre_hook(lambda _, args: seen.append(args[0][0]))
    encoder(view())
    encoder(view(heading=torch.tensor([[3]])))
    (x, y), (turned_x, turned_y) = (v.chunk(2) for v in seen)
    assert torch.allclose(turned_x, -y, atol=1e-6) and torch.allclose(turned_y, x, atol=1e-6)


def test_batches_and_trials_are_encoded_alike():
    encoder, tokens = Encoder(spec(), 32), [view(position=torch.rand(1, 2)) for _ in range(6)]
    one_by_one = torch.cat([encoder(t) for t in tokens])
    trials = {k: torch.cat([t[k] for t in tokens]).unflatten(0, (2, 3)) for k in tokens[0]}
    assert torch.allclose(encoder(trials).flatten(0, 1), one_by_one, atol=1e-6)


def test_without_a_fan_the_encoder_has_the_weights_it_always_had():
    """Checkpoints of grid tasks must go on fitting."""
    grid = spec({"position": Space("index", (2,), 9), "view": Space("index", (25,), 4)})
    assert set(Encoder(grid, 16).state_dict()) == {"table", "floats.weight", "floats.bias", "steps.weight"}


def test_fans_that_do_not_fit_together_are_refused():
    odd = {"first": Space("ranges", (30,)), "first_kind": Space("kinds", (30,), KINDS)}
    with pytest.raises(ConfigError, match="multiple of 4"):
        Encoder(spec(odd), 16)


def test_a_spec_with_a_fan_survives_its_plain_form():
    plain = spec().as_dict()
    again = {k: Space(kind, tuple(shape), size) for k, (kind, shape, size) in plain["spaces"].items()}
    assert again == dict(sorted(FAN.items()))
