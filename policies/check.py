"""The contract of policies as a check: run it on a new memory to learn what is missing.

    check_policy(lambda spec: MyMemory(spec, MyConfig()))
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from embodied_mem.policies.interface import Output, Policy
from embodied_mem.policies.tokens import Spec, Tokens, TokenStream, stack
from embodied_mem.sim.vector.protocol import Space, Step

TOLERANCE = 1e-4
SPEC = Spec({"place": Space("index", (2,), 5), "smell": Space("vector", (3,))}, actions=4, episode_cap=9)


def check_policy(make: Callable[[Spec], Policy], spec: Spec = SPEC, length: int = 40, even: bool = False) -> None:
    """Let a policy from ``make(spec)`` live and learn made-up trials. ``even``: all episodes last to the cap.

    Raises AssertionError that says which promise is broken, and where.
    """
    policy = make(spec)
    missing = [name for name in ("spec", "Config", "parameter_count") if not hasattr(policy, name)]
    assert isinstance(policy, Policy) and not missing, f"{type(policy).__name__} is no Policy, or lacks {missing}"
    check_agreement(shaken(policy), length, even=even)
    trial = random_trial(length=length, even=even, spec=spec)
    _check_barriers(policy, trial)
    _check_gradient(policy, trial)
    check_newest(policy, trial)
    _, state = policy.replay(trial)
    size = policy.state_bytes(state)
    assert isinstance(size, int) and size > 0, f"state_bytes says {size!r}; it must count the bytes of a state"


def check_agreement(policy: Policy, length: int = 40, even: bool = False) -> None:
    """``step`` one by one, ``forward`` and ``replay`` agree to 1e-4 (of the largest value, where that is above 1); and
    stepping goes on after a replay."""
    trial, half = random_trial(length=length, even=even, spec=policy.spec), length // 2
    with torch.no_grad():
        whole = policy(trial)
    state = policy.init_state(len(trial["step"]))
    for t in range(length):
        tokens = {k: v[:, t] for k, v in trial.items()}
        peeked, _ = policy.step(tokens, state)  # looking does not change what is remembered
        output, state = policy.step(tokens, state)
        for name in ("logits", "value"):
            again = torch.equal(getattr(output, name), getattr(peeked, name))
            assert again, f"{name} at step {t} differs when stepped twice from the same state"
            _same(getattr(output, name), getattr(whole, name)[:, t], f"step and forward differ in {name} at step {t}")
    with torch.no_grad():
        output, state = policy.replay({k: v[:, :half] for k, v in trial.items()})
    _same(output.logits, whole.logits[:, :half], "replay and forward differ")
    for t in range(half, length):
        output, state = policy.step({k: v[:, t] for k, v in trial.items()}, state)
        _same(output.logits, whole.logits[:, t], f"after a replay, step and forward differ at step {t}")


def random_trial(batch: int = 3, length: int = 40, seed: int = 0, even: bool = False, spec: Spec = SPEC) -> Tokens:
    """Tokens [B, T, ...] of made-up trials whose episodes end at random (``even``: always at the cap)."""
    g = torch.Generator().manual_seed(seed)
    stream = TokenStream(spec.actions, batch)
    tokens = [stream.begin(_random_obs(spec, batch, g))]
    for _ in range(length - 1):
        end = (torch.rand(batch, generator=g) < 0.2) & (not even) | (tokens[-1]["step"] == spec.episode_cap - 1)
        step = Step(_random_obs(spec, batch, g), torch.randn(batch, generator=g), end, end, {})
        tokens.append(stream.after(step, torch.randint(spec.actions, (batch,), generator=g)))
    return stack(tokens)


def shaken(policy: Policy, seed: int = 1) -> Policy:
    """The policy with noise on every weight: heads and sinks start at zero and would hide what is wrong. Wide layers
    get less of it, so that they do not amplify what float32 leaves out."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in policy.parameters():
            p += min(0.3, 1.2 * p.shape[-1] ** -0.5) * torch.randn(p.shape, generator=g)
    return policy.eval()


def _random_obs(spec: Spec, batch: int, g: torch.Generator) -> dict[str, Tensor]:
    obs = {}
    for name, space in spec.spaces.items():
        shape = (batch, *space.shape)
        if space.kind in ("index", "kinds"):
            obs[name] = torch.randint(space.size, shape, generator=g)
        elif space.kind == "image":
            obs[name] = torch.randint(256, shape, generator=g, dtype=torch.uint8)
        else:
            obs[name] = torch.randn(shape, generator=g) if space.kind == "vector" else torch.rand(shape, generator=g)
    return obs


def _check_barriers(policy: Policy, trial: Tokens) -> None:
    """Nothing of another trial, and nothing that comes later, changes what is said."""
    half = trial["step"].shape[1] // 2
    other = random_trial(len(trial["step"]), 2 * half, seed=7, spec=policy.spec)
    with torch.no_grad():
        plain = policy(trial)
        mixed = policy({k: torch.cat([other[k][:1, : v.shape[1]], v[1:, : 2 * half]]) for k, v in trial.items()})
        later = policy({k: torch.cat([v[:, :half], other[k][:, half:]], 1) for k, v in trial.items()})
    for name in Output._fields:
        whole = getattr(plain, name)[:, : 2 * half]
        _same(getattr(mixed, name)[1:], whole[1:], f"another trial changes the {name} of this one")
        _same(getattr(later, name)[:, :half], whole[:, :half], f"what comes later changes the {name} of earlier steps")


def _check_gradient(policy: Policy, trial: Tokens) -> None:
    """Learning reaches the policy, and nothing that is not a number comes of it."""
    policy.zero_grad()
    output = policy(trial)
    (output.logits.log_softmax(-1)[..., 0].mean() + output.value.mean() + output.recalled.sum()).backward()
    reached = {name: p.grad for name, p in policy.named_parameters() if p.grad is not None}
    assert reached, "forward gives no gradient to any parameter"
    broken = [name for name, grad in reached.items() if not bool(grad.isfinite().all())]
    assert not broken, f"the gradient of {', '.join(broken[:3])} is not finite"
    policy.zero_grad()


def check_newest(policy: Policy, trial: Tokens) -> None:
    """What is said of the latest third of the steps alone, and learned from it, is what comes of working out all."""
    since, found = 2 * trial["step"].shape[1] // 3, []
    for newest in (policy.newest, partial(Policy.newest, policy)):
        policy.zero_grad()
        output = newest(trial, since)
        (output.logits.log_softmax(-1)[..., 0].mean() + output.value.mean() + output.recalled.sum()).backward()
        found.append((output, {name: p.grad for name, p in policy.named_parameters() if p.grad is not None}))
    (output, learned), (expected, whole) = found
    for name in Output._fields:
        _same(getattr(output, name), getattr(expected, name), f"newest and forward differ in {name}")
    other = learned.keys() ^ whole.keys()
    assert not other, f"newest and forward do not both reach {', '.join(sorted(other))}"
    for name in whole:
        _same(learned[name], whole[name], f"newest and forward differ in the gradient of {name}")
    policy.zero_grad()


def _same(one: Tensor, other: Tensor, what: str) -> None:
    if not one.numel():
        return
    one, other = one.detach(), other.detach()
    apart, limit = float((one - other).abs().max()), TOLERANCE * max(1.0, float(other.abs().max()))
    assert apart <= limit, f"{what}: {apart:.2g} apart, {limit:.2g} is the limit"
