"""Rays through the raster of many houses, to the solid things that they meet: torch on a CPU, one kernel on a GPU."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from embodied_mem.sim.vector.fused import FUSED
from embodied_mem.sim.vector.plans import CAMERA, CELL
from embodied_mem.sim.vector.raster import Houses

LONGEST = 300  # cells: more than a house has along a ray
NUDGE = 1e-3  # cells: over the edge of a square
_LEAPS = (4, 6, 14)  # between looks for rays that are done


class Met(NamedTuple):
    """Cells along rays [N] and numbers of solids in their house (int64): the nearest, and the nearest that is as high
    as the camera (the same where the nearest is)."""

    near: Tensor
    near_piece: Tensor
    over: Tensor
    over_piece: Tensor


class Rays(NamedTuple):
    """[N] rays: the house each is in, cells it begins at, [N, 2] its direction, and one over that."""

    row: Tensor
    px: Tensor
    py: Tensor
    ray: Tensor
    inverse: Tensor

    def some(self, index: Tensor) -> Rays:
        return Rays(*(part[index] for part in self))


def meet(houses: Houses, rays: Rays) -> Met:
    """What rays meet."""
    if rays.px.is_cuda and FUSED:
        from embodied_mem.sim.vector import march_gpu

        return march_gpu.meet(houses, rays)
    near, near_piece = _march(houses, 0, rays, torch.zeros_like(rays.px))
    low = (torch.take(houses.hides, rays.row * houses.hides.shape[1] + near_piece) < CAMERA).nonzero().flatten()
    over, over_piece = near.clone(), near_piece.clone()
    over[low], over_piece[low] = _march(houses, 1, rays.some(low), near[low].clamp(min=0))
    return Met(near, near_piece, over, over_piece)


@torch.inference_mode()
def _march(houses: Houses, layer: int, rays: Rays, start: Tensor) -> tuple[Tensor, Tensor]:
    """Cells along rays [N] to the first solid of a layer (0 all, 1 tall), and its number in its house.

    A leap goes to the end of the square around a cell in which nothing solid is. The few rays that are not there after
    some leaps (they run along a wall) are searched from end to end at once. What was met is then cut exactly.
    """
    row, px, py, ray, inverse = rays
    leap, deep = houses.leap[layer].flatten(), houses.extent.deep
    base = (row * houses.piece.shape[1]).int()
    p, u, v = torch.stack([px, py]), ray.t(), inverse.t()
    # Towards larger x a square ends at ix + leap, towards smaller ones at ix − leap + 1; in units along the ray:
    # t = (ix + c − px + s·leap) / u, where s / u = |1 / u|.
    c = ((u < 0).float() - p) * v
    # Rows of one tensor, so that rays that are done are left behind in one call.
    state = torch.cat([p, u, v, c, v.abs(), base.view(torch.float32)[None], start[None]])
    at, found, todo = start.clone(), base.clone(), torch.arange(len(row), device=row.device)
    for leaps in _LEAPS:
        p, u, v, c, w = state[:10].view(5, 2, -1).unbind()
        base, t = state[10].view(torch.int32), state[11]
        for _ in range(leaps):
            i = torch.addcmul(p, u, t).floor_()
            cell = torch.add(i[1], i[0], alpha=deep).int().add_(base)
            free = leap.index_select(0, cell)
            far = free.float()
            ends = torch.addcmul(c, i, v).addcmul_(w, far)
            # A ray that is there stays: its cell was entered before.
            t = torch.maximum(torch.minimum(ends[0], ends[1]), t).add_(far.clamp_(max=1), alpha=NUDGE)
        at.index_copy_(0, todo, t)
        found.index_copy_(0, todo, cell)
        left = free.nonzero().flatten()
        if not len(left):
            break
        state[11] = t
        todo, state = todo.index_select(0, left), state.index_select(1, left)
    else:
        at[todo], found[todo] = _search(leap, deep, state)
    number = houses.piece.flatten().index_select(0, found).long()
    return _cut(houses, row * houses.box.shape[1] + number, rays, at), number


def _search(leap: Tensor, deep: int, state: Tensor) -> tuple[Tensor, Tensor]:
    """Cells along rays and the first solid cell, every half cell looked at."""
    x0, y0, ux, uy, *_, base, t = state[..., None]
    t = t + torch.arange(0, LONGEST, 0.5, device=t.device)
    cell = (x0 + ux * t).floor().int() * deep + (y0 + uy * t).floor().int() + base.view(torch.int32)
    solid = leap[cell.clamp(0, len(leap) - 1)] == 0
    first = solid.byte().argmax(1, keepdim=True)
    return t.gather(1, first)[:, 0], cell.gather(1, first)[:, 0]


def _cut(houses: Houses, solid: Tensor, rays: Rays, at: Tensor) -> Tensor:
    """Where rays really enter the solids they met; ``at`` for those that the raster alone believes to be met."""
    _, px, py, ray, inverse = rays
    box = houses.box.view(-1, 4).index_select(0, solid) / CELL
    ax, bx = (box[:, 0] - px) * inverse[:, 0], (box[:, 2] - px) * inverse[:, 0]
    ay, by = (box[:, 1] - py) * inverse[:, 1], (box[:, 3] - py) * inverse[:, 1]
    enter = torch.maximum(torch.minimum(ax, bx), torch.minimum(ay, by))
    leave = torch.minimum(torch.maximum(ax, bx), torch.maximum(ay, by))
    exact = torch.where((enter <= leave) & (enter > 0), enter, at)
    disc = houses.disc.flatten().index_select(0, solid).nonzero().flatten()
    b, u = box[disc], ray[disc]
    half = (b[:, 2:] - b[:, :2]) / 2
    p = (torch.stack([px[disc], py[disc]], 1) - (b[:, :2] + b[:, 2:]) / 2) / half
    u = u / half
    square, mixed = (u * u).sum(1), (p * u).sum(1)
    under = mixed * mixed - square * ((p * p).sum(1) - 1)
    exact[disc] = torch.where(under > 0, (-mixed - under.clamp(min=0).sqrt()) / square, at[disc])
    return exact
