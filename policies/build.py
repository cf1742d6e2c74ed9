"""Environments and policies by name. Each is one file and one line here (entry points follow with the command line)."""

from __future__ import annotations

import importlib
from typing import Any

import torch

from embodied_mem.config import build
from embodied_mem.errors import ConfigError
from embodied_mem.policies.interface import Policy
from embodied_mem.policies.tokens import Spec
from embodied_mem.sim.vector.protocol import VectorEnv

ENVIRONMENTS = {
    "darkroom": "embodied_mem.tasks.darkroom.env:Darkroom",
    "grid_object_search": "embodied_mem.tasks.grid_object_search.env:GridObjectSearch",
    "object_search": "embodied_mem.tasks.object_search.env:ObjectSearch",
}
POLICIES = {
    "relic": "embodied_mem.policies.relic:Relic",
    "gru": "embodied_mem.policies.gru:Gru",
    "lstm": "embodied_mem.policies.lstm:Lstm",
    "trxl": "embodied_mem.policies.trxl:Trxl",
    "hcam": "embodied_mem.policies.hcam:Hcam",
    "elmur": "embodied_mem.policies.elmur:Elmur",
    "memo": "embodied_mem.policies.memo:Memo",
    "rate": "embodied_mem.policies.rate:Rate",
    "spatial": "embodied_mem.policies.spatial:Spatial",
}


def make_environment(task: str, options: dict, batch: int, device: torch.device | str = "cpu") -> VectorEnv:
    """The environment of a task from its options as in a configuration. Raises ConfigError."""
    kind = _load(ENVIRONMENTS, task, "task")
    return kind(build(kind.Config, options, "environment"), batch, device)


def make_policy(spec: Spec, options: dict, seed: int = 0) -> Policy:
    """A policy with fresh weights that follow from ``seed`` alone; ``options`` has a ``kind``. Raises ConfigError."""
    options = dict(options)
    if "kind" not in options:
        raise ConfigError(f"policy: missing key 'kind'; one of {', '.join(POLICIES)}")
    kind = _load(POLICIES, options.pop("kind"), "policy.kind")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(spec, build(kind.Config, options, "policy"))


def _load(table: dict[str, str], name: Any, where: str) -> Any:
    if name not in table:
        raise ConfigError(f"{where}: {name!r} is not one of {', '.join(table)}")
    module, member = table[name].split(":")
    return getattr(importlib.import_module(module), member)
