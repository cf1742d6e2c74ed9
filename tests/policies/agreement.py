"""What every policy must pass: acting with a memory and learning from the whole trial say the same."""

from __future__ import annotations

import torch

from embodied_mem.policies.interface import Policy
from embodied_mem.policies.tokens import Spec, Tokens, TokenStream, stack
from embodied_mem.sim.vector.protocol import Space, Step

TOLERANCE = 1e-4
SPEC = Spec({"place": Space("index", (2,), 5), "smell": Space("vector", (3,))}, actions=4, episode_cap=9)


def random_trial(batch: int = 3, length: int = 40, seed: int = 0, even: bool = False) -> Tokens:
    """Tokens [B, T, ...] of made-up trials whose episodes end at random (``even``: always at the cap)."""
    g = torch.Generator().manual_seed(seed)
    stream = TokenStream(SPEC.actions, batch)

    def obs() -> dict:
        return {"place": torch.randint(5, (batch, 2), generator=g), "smell": torch.randn(batch, 3, generator=g)}

    tokens = [stream.begin(obs())]
    for _ in range(length - 1):
        end = (torch.rand(batch, generator=g) < 0.2) & (not even) | (tokens[-1]["step"] == SPEC.episode_cap - 1)
        step = Step(obs(), torch.randn(batch, generator=g), end, end, {})
        tokens.append(stream.after(step, torch.randint(4, (batch,), generator=g)))
    return stack(tokens)


def shaken(policy: Policy, seed: int = 1) -> Policy:
    """The policy with noise on every weight: heads and sinks start at zero and would hide what is wrong."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in policy.parameters():
            p += 0.3 * torch.randn(p.shape, generator=g)
    return policy.eval()


def check_agreement(policy: Policy, length: int = 40, **kind) -> None:
    """``step`` one by one, ``forward`` and ``replay`` agree; and stepping goes on after a replay."""
    trial = random_trial(length=length, **kind)
    with torch.no_grad():
        whole = policy(trial)
    state, half = policy.init_state(3), length // 2
    for t in range(length):
        tokens = {k: v[:, t] for k, v in trial.items()}
        peeked, _ = policy.step(tokens, state)  # looking does not change what is remembered
        output, state = policy.step(tokens, state)
        for name in ("logits", "value"):
            seen, learned = getattr(output, name), getattr(whole, name)[:, t]
            assert torch.equal(seen, getattr(peeked, name)), f"{name} at step {t} differs when stepped twice"
            assert torch.allclose(seen, learned, atol=TOLERANCE), f"{name} at step {t}: {(seen - learned).abs().max()}"
    with torch.no_grad():
        output, state = policy.replay({k: v[:, :half] for k, v in trial.items()})
    assert torch.allclose(output.logits, whole.logits[:, :half], atol=TOLERANCE)
    for t in range(half, length):
        output, state = policy.step({k: v[:, t] for k, v in trial.items()}, state)
        assert torch.allclose(output.logits, whole.logits[:, t], atol=TOLERANCE), f"after a replay, at step {t}"
