"""Several processes that train one policy (torchrun): each has its share of the trials, gradients are averaged.

Without torchrun everything here is a no-op. With the same trials the parameters after an update are the same, however
many processes share them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor

from embodied_mem.errors import ConfigError


def start(device: str) -> str:
    """Join the other processes when torchrun started this one; returns the device of this process. Raises ConfigError
    for a device that is not there."""
    check_device(device)
    if "RANK" not in os.environ or dist.is_initialized():
        return device
    local = int(os.environ.get("LOCAL_RANK", 0))
    if device.startswith("cuda"):
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return f"cuda:{local}" if device.startswith("cuda") else device


def check_device(device: str) -> None:
    """Raise ConfigError for a device that is not there."""
    if device != "cpu" and not (device.partition(":")[0] == "cuda" and torch.cuda.is_available()):
        raise ConfigError(f"device: {device!r} is not here; take cpu (--device cpu), or cuda where torch is built for "
                          "it and sees a GPU")  # fmt: skip


def stop() -> None:
    """Leave the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def average(tensors: Iterable[Tensor]) -> None:
    """Replace tensors by their means over all processes, in one message."""
    tensors = list(tensors)
    if world() == 1 or not tensors:
        return
    flat = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(flat)
    flat /= world()
    for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def mean_and_std(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and (unbiased) standard deviation over all processes; each must have as many entries."""
    if world() == 1:
        return x.mean(), x.std()
    moments = torch.stack([x.mean(), x.square().mean()])
    average([moments])
    count = x.numel() * world()
    return moments[0], ((moments[1] - moments[0] ** 2).clamp(min=0) * count / max(1, count - 1)).sqrt()
