"""Random numbers as a function of integer keys, in torch on any device: no state, the same on CPU and CUDA.

Splitmix64's finaliser over the chained keys. Arithmetic on int64 wraps, which is what the hash wants.
"""

from __future__ import annotations

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64


def mix(x: Tensor) -> Tensor:
    """A well-mixed int64 (any sign) for every int64."""
    x = x + _GOLDEN
    x = (x ^ _shift(x, 30)) * _FIRST
    x = (x ^ _shift(x, 27)) * _SECOND
    return x ^ _shift(x, 31)


def hashed(first: Tensor, *keys: Tensor | int) -> Tensor:
    """One int64 for each combination of keys, which broadcast."""
    h = mix(first)
    for key in keys:
        h = mix(h ^ key)
    return h


def uniform(first: Tensor, *keys: Tensor | int) -> Tensor:
    """float64 in [0, 1) for each combination of keys."""
    return _shift(hashed(first, *keys), 11).double() * 2.0**-53


def integers(below: Tensor | int, first: Tensor, *keys: Tensor | int) -> Tensor:
    """int64 in 0..below−1 for each combination of keys."""
    return (uniform(first, *keys) * below).long()


def pick(mask: Tensor, u: Tensor) -> Tensor:
    """Index of one True of the last axis, each equally likely; ``u`` in [0, 1) of mask's shape without that axis.

    Where nothing is True the last index plus one comes back.
    """
    counts = mask.cumsum(-1, dtype=torch.int32)
    chosen = (u * counts[..., -1]).int()
    return torch.searchsorted(counts, chosen[..., None], right=True)[..., 0]


def _shift(x: Tensor, bits: int) -> Tensor:
    """Logical shift to the right (torch's is arithmetic)."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def seeds_for(base: int, count: int, device: torch.device | str = "cpu") -> Tensor:
    """``count`` seeds from ``base`` on: the houses of an evaluation."""
    return torch.arange(base, base + count, device=device)
