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

from embodied_mem.sim.vector.march import Rays, meet
from embodied_mem.sim.vector.plans import CELL
from embodied_mem.sim.vector.raster import Houses

RAYS = 64
SPREAD = math.radians(120)
HEADINGS = 12
_ALL = HEADINGS * 16  # directions: as fine as rays, so that a turn of 30° moves the fan by 16 of them
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
        near, near_piece, over, over_piece = meet(houses, Rays(row, px, py, ray, inverse))
        thing, label = self._things(houses, x, y, heading, ray, inverse, over, over_piece)
        near, over = near * CELL, over * CELL
        near_kind = torch.take(houses.kind, row * houses.hides.shape[1] + near_piece)
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
