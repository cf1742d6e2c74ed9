"""Which house seeds are for what: what was tuned on a house is not measured on it."""

from __future__ import annotations

from embodied_mem.errors import ConfigError

DEVELOPMENT_BELOW, EVALUATION_FROM = 10_000, 100_000


def check_seeds(seed: int, houses: int) -> None:
    """Raise ConfigError unless all of the houses are for development (below 10,000) or all for evaluation (from
    100,000)."""
    last = seed + houses - 1
    if seed < EVALUATION_FROM and last >= DEVELOPMENT_BELOW:
        raise ConfigError(
            f"house seeds {seed} to {last} are neither for development (below {DEVELOPMENT_BELOW}) nor for "
            f"evaluation (from {EVALUATION_FROM}); choose another seed or fewer houses"
        )
