"""Environments of Gymnasium by their id: ``task: gymnasium, environment: {id: popgym-RepeatPreviousEasy-v0}``.

The packages are optional (``pip install 'embodied-mem[yardsticks]'``) and imported here only, when one is made.
"""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from embodied_mem.errors import ConfigError
from embodied_mem.sim.vector.from_gymnasium import FromGymnasium, GymnasiumConfig

if TYPE_CHECKING:
    import gymnasium

#: What ids begin with, and the packages that make them known when imported. All other ids are Gymnasium's own.
PACKAGES = {
    "popgym-Labyrinth": ("mazelib", "popgym"), "popgym-": ("popgym",), "MiniGrid-": ("minigrid",),
    "BabyAI-": ("minigrid",),
}  # fmt: skip
_EXTRA = "pip install 'embodied-mem[yardsticks]'"


@dataclass(frozen=True, kw_only=True)
class YardstickConfig(GymnasiumConfig):
    """Which environment, and how it is seen."""

    id: str
    options: dict = field(default_factory=dict)
    """What the environment itself is made with, e.g. ``agent_view_size: 3``."""


class Yardstick(FromGymnasium):
    """Copies of the environment named by the configuration. Raises ConfigError when it, or its package, is missing."""

    Config = YardstickConfig

    def __init__(self, config: YardstickConfig, batch: int, device: torch.device | str = "cpu") -> None:
        super().__init__(lambda: make(config.id, config.options), config, batch, device)


def make(name: str, options: dict) -> gymnasium.Env:
    """One environment without the wrappers that check its use: faster, and the adapter keeps the rules."""
    packages = next((p for start, p in PACKAGES.items() if name.startswith(start)), ())
    try:
        gymnasium = importlib.import_module("gymnasium")
        for package in packages:
            importlib.import_module(package)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of POPGym's mazes: they need little memory
            env = gymnasium.make(name, disable_env_checker=True, **options)
    except ImportError as error:
        raise ConfigError(f"environment.id: {name} needs {error.name}, which is not installed; "
                          f"run {_EXTRA}") from error  # fmt: skip
    except (gymnasium.error.Error, TypeError) as error:
        raise ConfigError(f"environment: {name} with {options} cannot be made: {error}") from error
    return env if env.spec.additional_wrappers else env.unwrapped
