"""The same on a GPU as on a CPU: simulators, policies, learning. Skipped where there is none.

    python -m pytest --noconftest tests/policies/test_cuda.py      # a bare GPU node: torch, numpy, PyYAML, safetensors
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from embodied_mem.config import build
from embodied_mem.policies import attention
from embodied_mem.policies.build import make_environment, make_policy
from embodied_mem.policies.check import random_trial, shaken
from embodied_mem.policies.settings import TrainConfig
from embodied_mem.policies.tokens import Spec, TokenStream
from embodied_mem.policies.trainer import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
if torch.cuda.is_available():
    from embodied_mem.policies import attention_gpu
GRID, SEARCH = ("grid_object_search", {}), ("object_search", {"split": "dev", "houses": 100, "compass": True})
POLICIES = {
    "relic": {"kind": "relic"}, "budget": {"kind": "relic", "kv_heads": 1, "budget": 20}, "gru": {"kind": "gru"},
    "alone": {"kind": "relic", "across": False}, "spatial": {"kind": "spatial", "budget": 20}, "lstm": {"kind": "lstm"},
    "trxl": {"kind": "trxl", "budget": 40, "segment": 10}, "hcam": {"kind": "hcam", "budget": 40, "segment": 10},
    "elmur": {"kind": "elmur", "budget": 40, "segment": 10}, "memo": {"kind": "memo", "budget": 40, "segment": 10},
    "rate": {"kind": "rate", "budget": 40, "segment": 10},
}  # fmt: skip


@pytest.mark.parametrize("task, options", [GRID, SEARCH], ids=["grid", "search"])
def test_a_simulator_shows_the_same_on_both(task, options):
    envs = [make_environment(task, options, 64, device) for device in ("cpu", "cuda")]
    seeds, generator = torch.arange(64), torch.Generator().manual_seed(0)
    shown = [env.reset_trial(seeds) for env in envs]
    for _ in range(60):
        actions = torch.randint(envs[0].actions, (64,), generator=generator)
        cpu, gpu = (env.step(actions.to(env.device)) for env in envs)
        off = sum((cpu.obs[k] - gpu.obs[k].cpu()).abs().reshape(64, -1).amax(1) > 1e-3 for k in cpu.obs)
        # A ray that grazes an edge may fall to either side: rounding differs.
        assert (off > 0).float().mean() < 0.1, off.nonzero()
        assert (cpu.reward - gpu.reward.cpu()).abs().max() < 1e-3
        assert (cpu.episode_end == gpu.episode_end.cpu()).float().mean() > 0.97
    assert {k: v.shape for k, v in shown[0].items()} == {k: v.shape for k, v in shown[1].items()}
    assert (envs[1].oracle() < envs[1].actions).all()


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_says_the_same_on_both_and_steps_as_it_learns(name):
    task, options = SEARCH if name in ("relic", "budget", "alone", "spatial") else GRID
    spec = Spec.of(make_environment(task, options, 2, "cpu"))
    policy, trial = shaken(make_policy(spec, POLICIES[name])), random_trial(3, 40, spec=spec)
    with torch.no_grad():
        expected = policy(trial).logits
        policy, moved = policy.cuda(), {k: v.cuda() for k, v in trial.items()}
        assert (policy(moved).logits.cpu() - expected).abs().max() < 0.02 * expected.abs().max()
        replayed, _ = policy.replay(moved)
        state, limit = policy.init_state(3, 40), 0.02 * expected.abs().max()
        for t in range(40):
            output, state = policy.step({k: v[:, t] for k, v in moved.items()}, state)
            assert (output.logits.cpu() - expected[:, t]).abs().max() < limit
    assert (replayed.logits.cpu() - expected).abs().max() < limit


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", POLICIES)
def test_learning_runs_and_goes_on_from_its_checkpoint_on_either(name, precision, tmp_path):
    task, options = SEARCH if name in ("relic", "budget", "alone", "spatial", "gru") else GRID
    extra = {"imitation": {"weight": 1.0, "until": 10**6, "expert": 0.3}} if task == "object_search" else {}
    config = {"task": task, "environment": options, "policy": POLICIES[name], "trials": 8, "trial_steps": 48,
              "updates": 2, "device": "cuda", "precision": precision, **extra,
              "ppo": {"minibatches": 2, "epochs": 1, "recall": float(task == "object_search")}}  # fmt: skip
    trainer = Trainer(build(TrainConfig, config))
    trainer.round()
    trainer.save(tmp_path / "half.safetensors")
    for device in ("cuda", "cpu"):
        other = Trainer(build(TrainConfig, {**config, "device": device}))
        other.load(tmp_path / "half.safetensors")
        assert other.round()["steps"] == 2 * 8 * 48


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("tokens", [attention._LONG, 9_999])
@pytest.mark.parametrize("narrowed", [False, True], ids=["all", "some"])
def test_a_long_memory_is_read_by_the_kernel_as_by_torch(dtype, tokens, narrowed):
    generator = torch.Generator("cuda").manual_seed(0)
    query = torch.randn(3, 2, 4, 32, device="cuda", generator=generator).to(dtype)
    room = torch.randn(2, 3, 2, tokens + 5, 32, device="cuda", generator=generator).to(dtype)
    key, value = room[:, :, :, :tokens]
    mask = torch.rand(3, 1, 1, tokens, device="cuda", generator=generator) < 0.1 if narrowed else None
    exact = F.scaled_dot_product_attention(query.double(), key.double(), value.double(), attn_mask=mask)
    assert attention_gpu.fits(query, key)
    off = attention.attend_one(query, key, value, mask) - exact
    assert off.norm() < (1e-4 if dtype == torch.float32 else 1e-2) * exact.norm()


def test_tokens_stay_on_their_device():
    env = make_environment(*SEARCH, 4, "cuda")
    tokens = TokenStream(env.actions, 4, "cuda").begin(env.reset_trial(torch.arange(4)))
    assert {v.device.type for v in tokens.values()} == {"cuda"}
