"""Shortest distances on many small grids at once, by relaxation: pure torch, any device."""

from __future__ import annotations

import torch
from torch import Tensor

_CHECK_EVERY = 8  # asking whether anything changed costs a wait for the GPU


def distance_fields(passable: Tensor, sources: Tensor) -> Tensor:
    """Steps over the 4 neighbours from every cell to the nearest source.

    ``passable`` [..., H, W] bool, ``sources`` [..., H, W] bool, leading axes broadcast. Returns float32 [..., H, W];
    inf where no source can be reached and on cells that are not passable.
    """
    passable, sources = torch.broadcast_tensors(passable, sources)
    inf = torch.tensor(torch.inf, device=passable.device)
    field = torch.where(sources & passable, 0.0, inf)
    for turn in range(passable.shape[-1] * passable.shape[-2]):
        before = field
        near = torch.full_like(field, torch.inf)
        near[..., 1:, :] = field[..., :-1, :]
        near[..., :-1, :] = torch.minimum(near[..., :-1, :], field[..., 1:, :])
        near[..., :, 1:] = torch.minimum(near[..., :, 1:], field[..., :, :-1])
        near[..., :, :-1] = torch.minimum(near[..., :, :-1], field[..., :, 1:])
        field = torch.where(passable, torch.minimum(field, near + 1), inf)
        if turn % _CHECK_EVERY == 0 and torch.equal(field, before):
            break
    return field
