"""What a robot sees around it, flat: a fan of 64 rays over 120° from the camera's height, for many robots at once.

A ray is a vertical slice of the view. It shows the nearest solid thing (wall, door frame, furniture), the first one as
high as the camera, which is seen over lower furniture, and the nearest movable thing that is not hidden. Of these a
robot gets two, see :class:`Hits`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from embodied_mem.sim.vector.fused import fused
from embodied_mem.sim.vector.plans import CAMERA, CELL
from embodied_mem.sim.vector.raster import Houses

RAYS = 64
SPREAD = math.radians(120)
HEADINGS = 12
_ALL = HEADINGS * 16  # directions: as fine as rays, so that a turn of 30° moves the fan by 16 of them
_LEAPS = (4, 6, 14)  # between looks for rays that are done
_LONGEST = 300  # cells: more than a house has along a ray
_NUDGE = 1e-3  # cells: over the edge of a square
_IN_SHELF = 0.7  # metres behind a tall piece's front at which something in it can stand


class Hits(NamedTuple):
    """Distances float32 metres and kinds int64 (see ``plans.KINDS``), all [B, 64], from left to right."""

    first: Tensor
    """The nearest thing in the slice, movable or not."""
    first_kind: Tensor
    second: Tensor
    """Behind a movable thing the solid one; else the movable thing (on furniture, say); else what is seen over low
    furniture; else 0."""
    second_kind: Tensor
    """0 where there is no second one."""


class Fan:
    """Looks into houses. ``reach``: metres up to which movable things are made out."""

    def __init__(self, reach: float, device: torch.device | str = "cpu") -> None:
        self.reach = reach
        angle = (torch.arange(_ALL, dtype=torch.float64) + 0.5) * (2 * math.pi / _ALL)
        # Slices are never parallel to a wall, so the inverse is finite.
        self._ray = torch.stack([angle.cos(), angle.sin()], 1).float().to(device)
        self._inverse = 1 / self._ray
        ahead = torch.arange(HEADINGS, dtype=torch.float64) * (2 * math.pi / HEADINGS)
        self._ahead = torch.stack([ahead.cos(), ahead.sin()], 1).float().to(device)
        self._turn = torch.arange(RAYS, device=device)

    def directions(self, heading: Tensor) -> Tensor:
        """[B, 64] numbers of directions; a direction is (number + ½)·1.875° from x."""
        return (16 * heading[:, None] + RAYS // 2 - 1 - self._turn).remainder(_ALL)

    def look(self, houses: Houses, x: Tensor, y: Tensor, heading: Tensor) -> Hits:
        """The fans at positions in metres ([B] float32) towards headings ([B] int64, in steps of 30°)."""
        count = len(x)
        way = self.directions(heading)
        row = torch.arange(count, device=x.device)[:, None].expand(-1, RAYS).flatten()
        ray, inverse = (table.index_select(0, way.flatten()) for table in (self._ray, self._inverse))
        px, py = (p[:, None].expand(-1, RAYS).flatten() / CELL for p in (x, y))
        near, near_piece = _march(houses, 0, row, px, py, ray, inverse, torch.zeros_like(px))
        solid = row * houses.hides.shape[1] + near_piece
        low = (torch.take(houses.hides, solid) < CAMERA).nonzero().flatten()
        over, over_piece = near.clone(), near_piece.clone()
        over[low], over_piece[low] = _march(
            houses, 1, row[low], px[low], py[low], ray[low], inverse[low], near[low].clamp(min=0)
        )
        thing, label = self._things(houses, x, y, heading, ray, inverse, over, over_piece)
        near, over = near * CELL, over * CELL
        near_kind = torch.take(houses.kind, solid)
        over_kind = torch.take(houses.kind, row * houses.hides.shape[1] + over_piece)
        seen, before = label > 0, thing < near
        beyond = over_piece != near_piece
        second = torch.where(seen, thing, torch.where(beyond, over, 0.0))
        second_kind = torch.where(seen, label, torch.where(beyond, over_kind, 0))
        hits = (torch.where(before, thing, near), torch.where(before, label, near_kind),
                torch.where(before, near, second), torch.where(before, near_kind, second_kind))  # fmt: skip
        return Hits(*(h.view(count, RAYS) for h in hits))

    @torch.inference_mode()  # hundreds of small calls, each a little cheaper
    def _things(self, houses: Houses, x: Tensor, y: Tensor, heading: Tensor, ray: Tensor, inverse: Tensor,
                over: Tensor, over_piece: Tensor) -> tuple[Tensor, Tensor]:  # fmt: skip
        """The nearest movable thing in each slice: metres (inf) and kind (0)."""
        box, ahead = houses.things, self._ahead[heading]
        dx = (box[..., 0] + box[..., 3]) / 2 - x[:, None]
        dy = (box[..., 1] + box[..., 4]) / 2 - y[:, None]
        forward = dx * ahead[:, :1] + dy * ahead[:, 1:]
        sideways = dy * ahead[:, :1] - dx * ahead[:, 1:]
        # Within 60° of straight ahead, give or take the thing's own size.
        within = (sideways.abs() < math.tan(SPREAD / 2) * (forward + 0.6)) & (forward < self.reach)
        row, thing = within.nonzero(as_tuple=True)
        # Most things are behind walls: what the fan saw around a thing's direction tells without a closer look.
        left = torch.atan2(sideways[row, thing], forward[row, thing])
        turn = ((SPREAD / 2 - left) * (RAYS / SPREAD)).round().long()
        free_way = F.max_pool1d(over.view(len(x), 1, RAYS) * CELL, 5, 1, 2)[row, 0, turn.clamp(0, RAYS - 1)]
        seen = forward[row, thing] < free_way + _IN_SHELF
        row, thing = row[seen], thing[seen]
        free = houses.in_sight(row, thing, x[row], y[row])
        row, thing = row[free], thing[free]
        slot = row[:, None] * RAYS + self._turn
        part, (vx, vy) = box[row, thing], (v.view(-1, RAYS).index_select(0, row) for v in inverse.unbind(1))
        ax, bx = ((part[:, k] - x[row])[:, None] * vx for k in (0, 3))
        ay, by = ((part[:, k] - y[row])[:, None] * vy for k in (1, 4))
        enter = torch.maximum(torch.minimum(ax, bx), torch.minimum(ay, by))
        leave = torch.minimum(torch.maximum(ax, bx), torch.maximum(ay, by))
        pair, turn = ((enter <= leave) & (leave > 0) & (enter < self.reach)).nonzero(as_tuple=True)
        slot, enter = slot[pair, turn], enter[pair, turn].clamp(min=0)
        own = over_piece[slot] == houses.owners[row[pair], thing[pair]]
        hit = enter < over[slot] * CELL + torch.where(own, _IN_SHELF, 0.0)
        # Distance in millimetres over the kind: the least of a slice is the nearest thing.
        code = (enter * 1000).round().int() * 256 + houses.labels[row[pair], thing[pair]].int()
        none = torch.iinfo(torch.int32).max
        best = torch.full((len(over),), none, dtype=torch.int32, device=x.device)
        best.scatter_reduce_(0, slot[hit], code[hit], "amin")
        return torch.where(best < none, (best >> 8) * 0.001, torch.inf), torch.where(best < none, best & 255, 0).long()


@torch.inference_mode()
def _march(houses: Houses, layer: int, row: Tensor, px: Tensor, py: Tensor, ray: Tensor, inverse: Tensor,
           start: Tensor) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Cells along rays [N] to the first solid of a layer (0 all, 1 tall), and its number in its house.

    A leap goes to the end of the square around a cell in which nothing solid is. The few rays that are not there after
    some leaps (they run along a wall) are searched from end to end at once. What was met is then cut exactly.
    """
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
            t, cell, free = _leapt(t, p, u, v, c, w, base, leap, deep)
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
    return _cut(houses, row * houses.box.shape[1] + number, px, py, ray, inverse, at), number


@fused
def _leapt(t: Tensor, p: Tensor, u: Tensor, v: Tensor, c: Tensor, w: Tensor, base: Tensor, leap: Tensor,
           deep: int) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Where rays are after one leap more, the cell that they looked at before it, and how far it let them leap."""
    i = torch.addcmul(p, u, t).floor_()
    cell = torch.add(i[1], i[0], alpha=deep).int().add_(base)
    free = leap.index_select(0, cell)
    far = free.float()
    ends = torch.addcmul(c, i, v).addcmul_(w, far)
    # A ray that is there stays: its cell was entered before.
    return torch.maximum(torch.minimum(ends[0], ends[1]), t).add_(far.clamp_(max=1), alpha=_NUDGE), cell, free


def _search(leap: Tensor, deep: int, state: Tensor) -> tuple[Tensor, Tensor]:
    """Cells along rays and the first solid cell, every half cell looked at."""
    x0, y0, ux, uy, *_, base, t = state[..., None]
    t = t + torch.arange(0, _LONGEST, 0.5, device=t.device)
    cell = (x0 + ux * t).floor().int() * deep + (y0 + uy * t).floor().int() + base.view(torch.int32)
    solid = leap[cell.clamp(0, len(leap) - 1)] == 0
    first = solid.byte().argmax(1, keepdim=True)
    return t.gather(1, first)[:, 0], cell.gather(1, first)[:, 0]


def _cut(houses: Houses, solid: Tensor, px: Tensor, py: Tensor, ray: Tensor, inverse: Tensor, at: Tensor) -> Tensor:
    """Where rays really enter the solids they met; ``at`` for those that the raster alone believes to be met."""
    box = houses.box.view(-1, 4).index_select(0, solid) / CELL
    exact = _entered(box, px, py, inverse, at)
    disc = houses.disc.flatten().index_select(0, solid).nonzero().flatten()
    b, u = box[disc], ray[disc]
    half = (b[:, 2:] - b[:, :2]) / 2
    p = (torch.stack([px[disc], py[disc]], 1) - (b[:, :2] + b[:, 2:]) / 2) / half
    u = u / half
    square, mixed = (u * u).sum(1), (p * u).sum(1)
    under = mixed * mixed - square * ((p * p).sum(1) - 1)
    exact[disc] = torch.where(under > 0, (-mixed - under.clamp(min=0).sqrt()) / square, at[disc])
    return exact


@fused
def _entered(box: Tensor, px: Tensor, py: Tensor, inverse: Tensor, at: Tensor) -> Tensor:
    """Where rays enter boxes [N, 4]; ``at`` for those that miss."""
    ax, bx = (box[:, 0] - px) * inverse[:, 0], (box[:, 2] - px) * inverse[:, 0]
    ay, by = (box[:, 1] - py) * inverse[:, 1], (box[:, 3] - py) * inverse[:, 1]
    enter = torch.maximum(torch.minimum(ax, bx), torch.minimum(ay, by))
    leave = torch.minimum(torch.maximum(ax, bx), torch.maximum(ay, by))
    return torch.where((enter <= leave) & (enter > 0), enter, at)
