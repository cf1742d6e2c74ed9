"""How many bodies move at once: the embedded robot's steps with sliding contact, among the same rectangles."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from embodied_mem.sim.vector.fused import fused
from embodied_mem.sim.vector.plans import RADIUS
from embodied_mem.sim.vector.raster import Houses

FORWARD = 0.25  # metres a step
_COUNT = 10  # contact tests a step
_TOUCH = (RADIUS - 1e-5) ** 2


def free(houses: Houses, row: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """[N, M] bool: whether a body at positions [N, M] in houses ``row`` [N] touches no wall and no furniture."""
    return _gap(houses, row, x, y) >= _TOUCH


def _gap(houses: Houses, row: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """[N, M]: square of the metres to the nearest solid."""
    return _gap_to(houses.sides.index_select(0, row), torch.stack([x, y], 1))


def _gap_to(sides: Tensor, at: Tensor) -> Tensor:
    """[N, M]: square of the metres from positions [N, 2, M] to the nearest of solids [N, 4, S]."""
    low, high = sides[:, :2, None], sides[:, 2:, None]
    off = torch.maximum(low - at[..., None], at[..., None] - high).clamp_(min=0)
    return off.square_().sum(1).amin(-1)


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


@torch.inference_mode()  # many small calls, each a little cheaper
def _slide(houses: Houses, row: Tensor, x: Tensor, y: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
    """Step by step: straight on where that is free, else along x, else along y."""
    if not len(row):
        return x, y
    # A sliver of motion along a wall that is met head-on is no sliding.
    real = part.abs() > 0.02 * FORWARD / _COUNT
    straight, none = torch.ones_like(real[:, :1]), torch.zeros_like(part[:, 0])
    px, py = part.unbind(1)
    moves = torch.stack([torch.stack([px, px, none, none], 1), torch.stack([py, none, py, none], 1)], 1)  # N 2 4
    fine = torch.cat([straight, real, straight], 1)  # the last resort is to stay
    at, sides = torch.stack([x, y], 1)[..., None], houses.sides.index_select(0, row)
    for _ in range(_COUNT):
        at = _moved(at, moves, fine, sides)
    return at[:, 0, 0], at[:, 1, 0]


@fused
def _moved(at: Tensor, moves: Tensor, fine: Tensor, sides: Tensor) -> Tensor:
    """[N, 2, 1] after the first of ``moves`` [N, 2, 4] that is ``fine`` [N, 4] and free; the last is to stay."""
    clear = _gap_to(sides, at + moves[..., :3]) >= _TOUCH
    first = (fine & F.pad(clear, (0, 1), value=True)).byte().argmax(1)
    return at + moves.gather(2, first[:, None, None].expand(-1, 2, 1))
