"""Shortest distances on many small grids at once, by relaxation: pure torch, any device."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
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


#: dx, dy of moves with dx > 0, and the cells that each passes through; with their turns by 90° all 16 neighbours.
_MOVES = (
    ((1, 0), ()), ((1, 1), ((1, 0), (0, 1))), ((1, -1), ((1, 0), (0, -1))), ((1, 2), ((0, 1), (1, 1))),
    ((1, -2), ((0, -1), (1, -1))), ((2, 1), ((1, 0), (1, 1))), ((2, -1), ((1, 0), (1, -1))),
)  # fmt: skip
#: Whole units a cell: 29, 41 and 65 stand for 1, √2 and √5 to within 0.3 %, and int16 holds 550 cells.
UNITS = 29
FAR = 16_000
_ROUNDS = 64


def travel_fields(passable: Tensor, sources: Tensor) -> Tensor:
    """Lengths of the shortest ways over 16 neighbours, from every cell to the nearest source.

    ``passable`` [B, X, Y] bool, ``sources`` [B, K, X, Y] bool. Returns int16 [B, K, X, Y] in ``UNITS`` a cell; ``FAR``
    where there is no way. The graph is that of :class:`embodied_mem.geodesic.Grid`. Relaxed row by row, in four
    directions in turn, until nothing changes: each sweep carries a distance across the whole house.
    """
    field = torch.where(sources & passable[:, None], 0, FAR).to(torch.int16).permute(2, 0, 1, 3).contiguous()  # X B K Y
    turned = passable.transpose(1, 2)
    along, back = _costs(passable), _costs(passable.flip(1))
    across, back_across = _costs(turned), _costs(turned.flip(1))
    for _ in range(_ROUNDS):
        before = field
        field = _sweep(_sweep(field, along).flip(0), back).flip(0).transpose(0, 3).contiguous()
        field = _sweep(_sweep(field, across).flip(0), back_across).flip(0).transpose(0, 3).contiguous()
        if torch.equal(field, before):
            break
    return field.permute(1, 2, 0, 3)


def _costs(passable: Tensor) -> Tensor:
    """What each move costs that ends on a cell, int16 [X, M, B, 1, Y]; FAR where the way there is not free."""
    free = F.pad(passable, (2, 2, 2, 2)).transpose(0, 1)  # X B Y
    wide, deep = passable.shape[1:]

    def at(dx: int, dy: int) -> Tensor:
        return free[2 + dx : 2 + dx + wide, :, 2 + dy : 2 + dy + deep]

    costs = []
    for (dx, dy), through in _MOVES:
        way = at(0, 0) & at(-dx, -dy)
        for a, b in through:
            way = way & at(a - dx, b - dy)
        costs.append(torch.where(way, round(UNITS * math.hypot(dx, dy)), FAR).to(torch.int16))
    return torch.stack(costs, 1)[:, :, :, None].contiguous()


def _sweep(field: Tensor, costs: Tensor) -> Tensor:
    """Rows [X, …, Y] relaxed from the rows before them."""
    deep = field.shape[-1]
    field = F.pad(field, (2, 2), value=FAR)
    for i in range(1, len(field)):
        there = field[i, ..., 2 : 2 + deep]
        for ((dx, dy), _), cost in zip(_MOVES, costs[i].unbind(), strict=True):
            if i >= dx:
                torch.minimum(there, field[i - dx, ..., 2 - dy : 2 - dy + deep] + cost, out=there)
    return field[..., 2 : 2 + deep]
