"""How many bodies move at once: the embedded robot's steps with sliding contact, among the same rectangles."""

from __future__ import annotations

import torch
from torch import Tensor

from embodied_mem.sim.vector.plans import RADIUS
from embodied_mem.sim.vector.raster import Houses

FORWARD = 0.25  # metres a step
_COUNT = 10  # contact tests a step


def free(houses: Houses, row: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """[N, M] bool: whether a body at positions [N, M] in houses ``row`` [N] touches no wall and no furniture."""
    return _gap(houses, row, x, y) >= (RADIUS - 1e-5) ** 2


def _gap(houses: Houses, row: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """[N, M]: square of the metres to the nearest solid."""
    x0, y0, x1, y1 = houses.box.index_select(0, row).permute(2, 0, 1)[:, :, None].unbind()  # N 1 S
    x, y = x[..., None], y[..., None]
    dx = torch.maximum(x0 - x, x - x1).clamp_(min=0)
    dy = torch.maximum(y0 - y, y - y1).clamp_(min=0)
    return dx.mul_(dx).add_(dy.mul_(dy)).amin(-1)


def forward(houses: Houses, x: Tensor, y: Tensor, ahead: Tensor, going: Tensor) -> tuple[Tensor, Tensor]:
    """Positions [B] after a step along ``ahead`` ([B, 2] unit vectors) of the rows in ``going`` ([B] bool)."""
    step = ahead * FORWARD
    end_x, end_y = torch.where(going, x + step[:, 0], x), torch.where(going, y + step[:, 1], y)
    # Where nothing is near the middle of the step, nothing is in its way.
    tight = going.nonzero().flatten()
    middle = _gap(houses, tight, (x + step[:, 0] / 2)[tight, None], (y + step[:, 1] / 2)[tight, None])[:, 0]
    tight = tight[middle < (RADIUS + FORWARD / 2) ** 2]
    along = (torch.arange(_COUNT, device=x.device) + 1) / _COUNT
    clear = free(houses, tight, x[tight, None] + step[tight, :1] * along, y[tight, None] + step[tight, 1:] * along)
    tight = tight[~clear.all(1)]
    end_x[tight], end_y[tight] = _slide(houses, tight, x[tight], y[tight], step[tight] / _COUNT)
    return end_x, end_y


def _slide(houses: Houses, row: Tensor, x: Tensor, y: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
    """Step by step: straight on where that is free, else along x, else along y."""
    if not len(row):
        return x, y
    px, py = part.unbind(1)
    # A sliver of motion along a wall that is met head-on is no sliding.
    sliver = 0.02 * FORWARD / _COUNT
    none = torch.zeros_like(px)
    moves = [(px, py, none == 0), (px, none, px.abs() > sliver), (none, py, py.abs() > sliver)]
    dx, dy, real = (torch.stack([m[k] for m in moves], 1) for k in range(3))
    for _ in range(_COUNT):
        fine = real & free(houses, row, x[:, None] + dx, y[:, None] + dy)
        first, moved = fine.byte().argmax(1, keepdim=True), fine.any(1)
        x = torch.where(moved, x + dx.gather(1, first)[:, 0], x)
        y = torch.where(moved, y + dy.gather(1, first)[:, 0], y)
    return x, y
