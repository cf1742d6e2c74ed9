"""Chains of small operations as one kernel on a GPU, where a small step costs calls rather than arithmetic.

The code stays one: what runs on a CPU as it is written is compiled (torch.compile, which needs Triton and a C compiler)
the first time it meets a tensor on a GPU. ``EMBODIED_MEM_FUSED=0`` leaves it as it is written there too.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

#: Whether calls are fused on a GPU: by torch.compile here, by kernels in ``march_gpu.py`` and ``attention_gpu.py``.
FUSED = os.environ.get("EMBODIED_MEM_FUSED", "1") != "0"
F = TypeVar("F", bound=Callable)


def fused(function: F) -> F:
    """``function`` of tensors, the first argument one of them, that neither waits for the device nor keeps anything."""

    @functools.wraps(function)
    def call(first: Tensor, *args, **kwargs):
        run = _compiled(function) if first.is_cuda and FUSED else function
        return run(first, *args, **kwargs)

    return call


@functools.cache
def _compiled(function: Callable) -> Callable:
    """Compiled once for all sizes: how many rays or bodies there are changes from step to step."""
    return torch.compile(function, dynamic=True)
