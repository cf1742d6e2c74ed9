"""Checkpoints: one safetensors file with weights, optimiser and, as JSON, configuration and counters."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from embodied_mem.errors import InputError

FORMAT = 1


def named(path: Path) -> str:
    """AGENT-SEED, of a shipped AGENT-SEED.safetensors or of a training's AGENT-SEED/policy.safetensors."""
    return path.parent.name if path.stem == "policy" else path.stem


def write(path: Path, tensors: dict[str, Tensor], meta: dict) -> None:
    """The whole file or the old one, never half of it."""
    plain = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(save(plain, {"embodied_mem": json.dumps({"format": FORMAT, **meta}, sort_keys=True)}))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Tensors (on the CPU) and the JSON beside them. Raises InputError when the file is not one of ours."""
    meta = describe(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118  (not a dict)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error
    if "sha256" in meta and digest(tensors) != meta["sha256"]:
        raise _damaged(path, "its weights are not those that were written")
    return tensors, meta


def describe(path: Path) -> dict:
    """The JSON of a checkpoint alone. Raises InputError when the file is not one of ours."""
    if not path.is_file():
        raise InputError(f"no checkpoint {path}; train one first (python -m embodied_mem.policies.train CONFIG)")
    try:
        with safe_open(path, framework="pt") as file:
            meta = json.loads((file.metadata() or {}).get("embodied_mem", "{}"))
    except (SafetensorError, ValueError, OSError) as error:
        raise _damaged(path, error) from error
    if meta.get("format") != FORMAT:
        raise InputError(f"{path} has checkpoint format {meta.get('format')}, this version reads {FORMAT}")
    return meta


def _damaged(path: Path, why: object) -> InputError:
    return InputError(f"{path} is not a whole checkpoint: {why}; take an older one or train again")


def digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and values."""
    total = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        total.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        total.update(value.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def part_of(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, without it."""
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def load_weights(policy: nn.Module, weights: dict[str, Tensor], where: str) -> None:
    """Raises InputError, changing nothing, when the weights are another architecture's."""
    own = policy.state_dict()
    wrong = [f"{k} is missing" for k in own if k not in weights]
    wrong += [f"{k} is not known" for k in weights if k not in own]
    wrong += [f"{k} is {tuple(weights[k].shape)}, the policy has {tuple(v.shape)}" for k, v in own.items()
              if k in weights and weights[k].shape != v.shape]  # fmt: skip
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise InputError(f"{where} holds another architecture: {'; '.join(wrong[:3])}{more}. "
                         "Build the policy from the checkpoint's own configuration")  # fmt: skip
    policy.load_state_dict(weights)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as named tensors."""
    state = optimiser.state_dict()["state"]
    return {f"{i}.{name}": value for i, values in state.items() for name, value in values.items()}


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The reverse of :func:`optimiser_tensors`; learning rate and the like stay as they are."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def plain(config: dict) -> dict:
    """A configuration as it comes back from JSON (tuples are lists)."""
    return json.loads(json.dumps(config))
