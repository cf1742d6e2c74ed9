"""Whoever brings a policy is told what is wrong with it."""

from __future__ import annotations

import pytest
import torch

from embodied_mem import registry
from embodied_mem.policies.build import make_policy
from embodied_mem.policies.check import check_policy
from embodied_mem.policies.gru import Gru

SMALL = {
    "gru": {"width": 16}, "lstm": {"width": 16}, "spatial": {"budget": 12, "place": "place", "cell": 1},
    "trxl": {"budget": 12, "segment": 4}, "hcam": {"budget": 12, "segment": 4}, "elmur": {"budget": 8, "segment": 4},
    "memo": {"budget": 12, "segment": 4}, "rate": {"budget": 8, "segment": 4},
}  # fmt: skip


@pytest.mark.parametrize("kind", ["relic", *SMALL])
def test_every_policy_keeps_the_contract(kind):
    assert kind in registry.names("policies")
    check_policy(lambda spec: make_policy(spec, {"kind": kind, **SMALL.get(kind, {})}), length=20)


class Forgetful(Gru):
    """Acts without its memory."""

    def step(self, tokens, state):
        return super().step(tokens, torch.zeros_like(state))


class Clairvoyant(Gru):
    """Learns with its eyes on what comes later."""

    def forward(self, trial):
        out, _ = self.replay(trial)
        return out._replace(logits=out.logits + trial["reward"].mean(1)[:, None, None])


class Gossiping(Gru):
    """Tells one trial about the others."""

    def forward(self, trial):
        out, _ = self.replay(trial)
        return out._replace(value=out.value + out.value.mean(0))


class Weightless(Gru):
    def state_bytes(self, state):
        return 0


class Belated(Gru):
    """Learns from other steps than it was asked about."""

    def newest(self, trial, since):
        return super().newest({k: v[:, 1:] for k, v in trial.items()}, since - 1)


@pytest.mark.parametrize(
    ("policy", "promise"),
    [
        (Forgetful, "step and forward differ in logits at step 1"),
        (Clairvoyant, "step and forward differ"),
        (Gossiping, "step and forward differ in value"),
        (Belated, "newest and forward differ in logits"),
        (Weightless, "state_bytes says 0"),
        (lambda spec: torch.nn.Linear(1, 1), "is no Policy"),
    ],
)
def test_a_broken_promise_is_named(policy, promise):
    with pytest.raises(AssertionError, match=promise):
        check_policy(policy, length=12)
