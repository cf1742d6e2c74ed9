"""A probe that needs memory: after 20 tokens, tell the sign of a number in the first. Supervised, about a minute."""

from __future__ import annotations

import pytest
import torch

from embodied_mem.policies.build import make_policy
from tests.policies.agreement import SPEC, random_trial

SIZE = {"width": 32, "heads": 2, "hidden": 32, "layers": 2}
PARTS = {**SIZE, "segment": 6}
PLACES = {**SIZE, "place": "place", "cell": 2, "budget": 8}
#: Policy, length, and the mean squared error to end below (1.0 is a guess).
CAN = {
    "relic": ({"kind": "relic", **SIZE}, 20, 0.3),
    "trxl": ({"kind": "trxl", **PARTS, "budget": 24}, 20, 0.3),
    "hcam": ({"kind": "hcam", **PARTS, "budget": 24}, 20, 0.5),
    "memo": ({"kind": "memo", **PARTS, "budget": 24}, 20, 0.3),
    "elmur, all gradient": ({"kind": "elmur", **PARTS, "budget": 12, "detach": False}, 20, 0.5),
    "rate, all gradient": ({"kind": "rate", **PARTS, "budget": 12, "detach": False}, 10, 0.5),
    "spatial, keeping the earliest": ({"kind": "spatial", **PLACES, "allocator": "lifo"}, 20, 0.5),
}


def error_after(policy: dict, length: int, steps: int = 220) -> float:
    made = make_policy(SPEC, policy).train()
    made.generator = torch.Generator().manual_seed(0)
    optimiser, losses = torch.optim.Adam(made.parameters(), 3e-3), []
    for i in range(steps):
        trial = random_trial(batch=32, length=length, seed=i)
        loss = (made(trial).value[:, -1] - trial["smell"][:, 0, 0].sign()).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    return float(torch.stack(losses[-20:]).mean())


@pytest.mark.slow
@pytest.mark.parametrize("name", CAN)
def test_what_lies_in_memory_can_be_recalled(name):
    policy, length, limit = CAN[name]
    assert error_after(policy, length) < limit


@pytest.mark.slow
def test_what_was_evicted_cannot():
    assert error_after({"kind": "spatial", **PLACES, "allocator": "fifo"}, 20) > 0.9
