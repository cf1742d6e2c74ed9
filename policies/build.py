"""Environments and policies by name, as the registry finds them, from options as in a configuration."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch

from embodied_mem import registry
from embodied_mem.config import build
from embodied_mem.errors import ConfigError
from embodied_mem.evaluation.seeds import DEVELOPMENT_BELOW
from embodied_mem.policies.interface import Policy
from embodied_mem.policies.tokens import Spec
from embodied_mem.sim.vector.protocol import VectorEnv


def environment_config(task: str, options: dict, where: str = "environment") -> Any:
    """The options of a task's environment, checked, as its ``Config``. Raises ConfigError that names the key."""
    return build(registry.load("environments", task).Config, options, where)


def policy_config(options: dict, where: str = "policy") -> Any:
    """The options of a policy (with its ``kind``), checked, as its ``Config``. Raises ConfigError naming the key."""
    return build(_policy(options, where).Config, {k: v for k, v in options.items() if k != "kind"}, where)


def make_environment(task: str, options: dict, batch: int, device: torch.device | str = "cpu") -> VectorEnv:
    """The environment of a task from its options as in a configuration. Raises ConfigError."""
    return registry.load("environments", task)(environment_config(task, options), batch, device)


def with_split(task: str, options: dict, first_house: int, split: str | None = None) -> dict:
    """Options of a task's environment for an evaluation in houses from ``first_house`` on: of this split; left out, of
    ``dev`` below the evaluation's seeds where there is one, of ``test`` otherwise. Where an environment has no splits
    they are as they were, and to name one is a ConfigError.
    """
    config = environment_config(task, options)
    choices = next((f.metadata["choices"] for f in fields(config) if f.name == "split"), None)
    if choices is None:
        if split:
            raise ConfigError(f"evaluation.split: {task} has no splits; leave it out")
        return options
    return {**options, "split": split or ("dev" if first_house < DEVELOPMENT_BELOW and "dev" in choices else "test")}


def make_policy(spec: Spec, options: dict, seed: int = 0) -> Policy:
    """A policy with fresh weights that follow from ``seed`` alone; ``options`` has a ``kind``. Raises ConfigError."""
    kind, config = _policy(options, "policy"), policy_config(options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(spec, config)


def _policy(options: dict, where: str) -> type[Policy]:
    known = ", ".join(registry.names("policies"))
    if "kind" not in options:
        raise ConfigError(f"{where}: missing key 'kind'; one of {known}")
    if options["kind"] not in registry.names("policies"):
        raise ConfigError(f"{where}.kind: {options['kind']!r} is not one of {known}")
    return registry.load("policies", options["kind"])
