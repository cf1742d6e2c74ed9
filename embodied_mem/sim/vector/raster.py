"""Many houses as rasters in torch: what stands where and how high, how far rays may leap, ways to each kind of thing.

Plans come from :mod:`embodied_mem.sim.vector.plans`; frames, units and numbers of kinds are theirs. Two lattices: cells
of 10 cm for seeing and standing, *places* of 20 cm for ways. A place can be passed if one of its four cells can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from embodied_mem.sim.vector.geodesic import FAR, UNITS, travel_fields
from embodied_mem.sim.vector.plans import CAMERA, CELL, Plan

PLACE = 2 * CELL
_LEAP = 20  # cells that a ray may leap at most
_SAMPLES = 24  # of a line of sight
_WINDOW = 11  # places around a thing from which it may be within reach
_NOWHERE = (1e4, 1e4, 1e4, 1e4)  # box of what is not there
_CHUNK = 64  # houses that are made at once on a CPU
_OPAQUE = 100.0  # metres: what is as high as the camera hides all behind it


@dataclass(frozen=True)
class Extent:
    """Sizes that a batch is padded to: cells along x and y (even), solids, things."""

    wide: int
    deep: int
    solids: int
    things: int

    @classmethod
    def of(cls, plans: Sequence[Plan]) -> Extent:
        """What holds each of these plans."""
        sizes = np.array([(*p.piece.shape, len(p.kinds), len(p.labels)) for p in plans]).max(0)
        return cls(*(int(n + n % 2) for n in sizes[:2]), int(sizes[2]), int(sizes[3]))


@dataclass
class Houses:
    """B houses. C cells number ``ix * deep + iy``, P places likewise; solid 0 is none. Tensors, the house first."""

    extent: Extent
    piece: Tensor
    """[B, C] uint8: the solid over each cell's centre."""
    leap: Tensor
    """[2, B, C] uint8: cells to the nearest solid, diagonals counted as one, up to a limit; then to the nearest tall
    one."""
    box: Tensor
    """[B, 1+S, 4] float32: x0, y0, x1, y1; far away where there is none."""
    sides: Tensor
    """[B, 4, 1+S] float32: the same, each side of all solids together."""
    hides: Tensor
    """[B, 1+S] float32: metres up to which it hides what is behind; 100 for what is as high as the camera."""
    kind: Tensor
    """[B, 1+S] int64."""
    disc: Tensor
    """[B, 1+S] bool: an ellipse in its box."""
    things: Tensor
    """[B, T, 8] float32, see :class:`Plan`; far away where there is none."""
    labels: Tensor
    """[B, T] int64: kinds; 0 where there is none."""
    owners: Tensor
    """[B, T] uint8: the solid it stands on."""
    standing: Tensor
    """[B, P] int64: a cell of each place where the robot can stand; −1 where it cannot."""
    travel: Tensor
    """[B, G, P] int16: way to the nearest place from which one of a goal kind is in reach and in sight."""
    there: Tensor
    """[B, G] bool: whether there is such a place."""

    @classmethod
    def of(cls, plans: Sequence[Plan], extent: Extent, goals: Sequence[int], reach: float,
           device: torch.device | str = "cpu") -> Houses:  # fmt: skip
        """Houses of plans. ``goals``: kinds that are searched for; ``reach``: metres within which one is found."""
        if torch.device(device).type != "cpu" or len(plans) <= _CHUNK:
            return cls._of(plans, extent, goals, reach, device)
        # A CPU likes what fits its cache, and houses of one size beside each other.
        order = sorted(range(len(plans)), key=lambda i: plans[i].piece.size)
        parts = [cls._of([plans[i] for i in order[k : k + _CHUNK]], extent, goals, reach, device)
                 for k in range(0, len(order), _CHUNK)]  # fmt: skip
        back, joined = torch.tensor(order).argsort(), {"extent": extent}
        for name in (f.name for f in fields(cls)[1:]):
            axis = int(name == "leap")
            joined[name] = torch.cat([getattr(p, name) for p in parts], axis).index_select(axis, back)
        return cls(**joined)

    @classmethod
    def _of(cls, plans: Sequence[Plan], extent: Extent, goals: Sequence[int], reach: float,
            device: torch.device | str) -> Houses:  # fmt: skip
        e, count = extent, len(plans)
        piece = np.zeros((count, e.wide, e.deep), np.uint8)
        passable = np.zeros((count, e.wide, e.deep), bool)
        solids = np.full((count, 1 + e.solids, 6), (*_NOWHERE, 0, 0), np.float32)
        kind = np.zeros((count, 1 + e.solids), np.int64)
        things = np.full((count, e.things, 8), _NOWHERE[0], np.float32)
        labels, owners = np.zeros((2, count, e.things), np.uint8)
        rooms = np.zeros((count, e.things, 4), np.float32)
        for n, p in enumerate(plans):
            (x, y), s, t = p.piece.shape, len(p.kinds), len(p.labels)
            piece[n, :x, :y], passable[n, :x, :y] = p.piece, p.passable
            solids[n, 1 : 1 + s], kind[n, 1 : 1 + s] = p.solids, p.kinds
            things[n, :t], labels[n, :t], owners[n, :t], rooms[n, :t] = p.things, p.labels, p.owners, p.rooms
        put = lambda array: torch.from_numpy(np.ascontiguousarray(array)).to(device)  # noqa: E731
        piece, solids = put(piece), put(solids)
        hides = torch.where(solids[..., 4] >= CAMERA, _OPAQUE, solids[..., 4])
        tall = (hides >= CAMERA).gather(1, piece.flatten(1).long()).view_as(piece)
        standing = _standing(put(passable))
        houses = cls(
            extent=e, piece=piece.flatten(1), leap=torch.stack([_leaps(piece > 0), _leaps(tall)]).flatten(2),
            box=solids[..., :4].contiguous(), sides=solids[..., :4].transpose(1, 2).contiguous(), hides=hides,
            kind=put(kind), disc=solids[..., 5] > 0, things=put(things),
            labels=put(labels).long(), owners=put(owners), standing=standing,
            travel=torch.empty(0), there=torch.empty(0),
        )  # fmt: skip
        sources = _sources(houses, put(rooms), torch.tensor(goals, device=device), reach)
        places, goal_places = (count, e.wide // 2, e.deep // 2), (count, len(goals), e.wide // 2, e.deep // 2)
        w, d = (-(-max(p.piece.shape[k] for p in plans) // 2) for k in (0, 1))
        travel = torch.full(goal_places, FAR, dtype=torch.int16, device=device)
        travel[..., :w, :d] = travel_fields(
            (standing >= 0).view(places)[:, :w, :d], sources.view(goal_places)[..., :w, :d]
        )
        houses.travel = travel.flatten(2)
        houses.there = (houses.travel == 0).any(-1)
        return houses

    def take(self, rows: Tensor) -> Houses:
        """The houses of these ``rows``."""
        taken = {f.name: getattr(self, f.name).index_select(int(f.name == "leap"), rows) for f in fields(self)[1:]}
        return Houses(extent=self.extent, **taken)

    def put(self, rows: Tensor, other: Houses) -> None:
        """Other houses, as many, in the place of these ``rows``."""
        for name in (f.name for f in fields(self)[1:]):
            getattr(self, name).index_copy_(int(name == "leap"), rows, getattr(other, name))

    def cell(self, x: Tensor, y: Tensor) -> Tensor:
        """The cell under positions, int32."""
        ix, iy = (x * (1 / CELL)).floor_(), (y * (1 / CELL)).floor_()
        return torch.add(iy, ix, alpha=self.extent.deep).int()  # exact: a house has less than 2^24 cells

    def centre(self, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Metres of cells' centres."""
        deep = self.extent.deep
        return (cell // deep + 0.5) * CELL, (cell % deep + 0.5) * CELL

    def way(self, row: Tensor, goal: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Metres [N] from positions to the nearest source of a goal; inf where there is no way. All of shape [N]."""
        wide, deep = self.extent.wide // 2, self.extent.deep // 2
        i, j = (x * (1 / PLACE)).floor().long(), (y * (1 / PLACE)).floor().long()
        near = torch.arange(-1, 2, device=x.device)
        ii = (i[:, None] + near).clamp(0, wide - 1)[:, :, None]  # N 3 1
        jj = (j[:, None] + near).clamp(0, deep - 1)[:, None, :]
        length = self.travel[row[:, None, None], goal[:, None, None], ii * deep + jj]
        gap = torch.sqrt(((ii + 0.5) * PLACE - x[:, None, None]) ** 2 + ((jj + 0.5) * PLACE - y[:, None, None]) ** 2)
        metres = torch.where(length < FAR, length * (PLACE / UNITS) + gap, torch.inf).flatten(1).amin(1)
        at_goal = self.travel[row, goal, i.clamp(0, wide - 1) * deep + j.clamp(0, deep - 1)] == 0
        return torch.where(at_goal, 0.0, metres)

    def in_sight(self, row: Tensor, thing: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """[N] bool: whether the line from the camera at x, y to the top of a thing (number in its house) is free: over
        furniture that is lower, past what is as high as the camera, into shelves from their open side."""
        box, owner = self.things[row, thing], self.owners[row, thing]
        dx, dy = (box[:, 0] + box[:, 3]) / 2 - x, (box[:, 1] + box[:, 4]) / 2 - y
        along = (torch.arange(_SAMPLES, device=x.device) + 0.5) / _SAMPLES
        cell = self.cell(x[:, None] + dx[:, None] * along, y[:, None] + dy[:, None] * along)
        piece = self.piece.flatten().index_select(0, cell.add_((row * self.piece.shape[1]).int()[:, None]).flatten())
        # The first row of each house is "nothing"; what it stands on hides as little.
        piece = piece.view_as(cell).masked_fill_(piece.view_as(cell) == owner[:, None], 0)
        solid = piece.int().add_((row * self.hides.shape[1]).int()[:, None])
        height = self.hides.flatten().index_select(0, solid.flatten()).view_as(cell)
        # Slopes from the camera: what is hidden lies under the steepest one before it.
        horizon = ((height - CAMERA) / along).amax(1)
        open_to = -(dx * box[:, 6] + dy * box[:, 7])
        return (box[:, 5] - 0.01 - CAMERA > horizon) & ((open_to > 0) | ((box[:, 6] == 0) & (box[:, 7] == 0)))


def gap_to(box: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Metres over the floor from positions to things ([..., 8])."""
    dx = torch.maximum(box[..., 0] - x, x - box[..., 3]).clamp(min=0)
    dy = torch.maximum(box[..., 1] - y, y - box[..., 4]).clamp(min=0)
    return torch.sqrt(dx * dx + dy * dy)


def _leaps(solid: Tensor) -> Tensor:
    """[B, C] uint8 of [B, X, Y]."""
    leap = torch.where(solid, 0, _LEAP).to(torch.uint8)
    for _ in range(_LEAP - 1):
        near = leap.clone()
        near[:, 1:] = torch.minimum(near[:, 1:], leap[:, :-1])
        near[:, :-1] = torch.minimum(near[:, :-1], leap[:, 1:])
        most = near.clone()
        most[:, :, 1:] = torch.minimum(most[:, :, 1:], near[:, :, :-1])
        most[:, :, :-1] = torch.minimum(most[:, :, :-1], near[:, :, 1:])
        leap = torch.minimum(leap, most + 1)
    return leap.flatten(1)


def _standing(passable: Tensor) -> Tensor:
    """[B, P] int64: the first passable cell of each place, −1 where there is none."""
    count, wide, deep = passable.shape
    cells = torch.arange(wide * deep, device=passable.device).view(wide, deep)
    cells = torch.where(passable, cells, wide * deep)
    first = -F.max_pool2d(-cells[:, None].float(), 2)[:, 0].flatten(1).long()
    return torch.where(first < wide * deep, first, -1)


def _sources(houses: Houses, rooms: Tensor, goals: Tensor, reach: float) -> Tensor:
    """[B, G, P] bool: places from which a thing of a goal kind is within ``reach`` and in sight, in its room."""
    count, places = houses.standing.shape
    wide, deep = houses.extent.wide // 2, houses.extent.deep // 2
    row, thing = (houses.labels[..., None] == goals).any(-1).nonzero(as_tuple=True)
    goal = (houses.labels[row, thing][:, None] == goals).long().argmax(1)
    box = houses.things[row, thing]
    cx, cy = (box[:, 0] + box[:, 3]) / 2, (box[:, 1] + box[:, 4]) / 2
    offset = torch.arange(-_WINDOW, _WINDOW + 1, device=goals.device)
    i = (cx / PLACE).floor().long()[:, None, None] + offset[:, None]
    j = (cy / PLACE).floor().long()[:, None, None] + offset
    inside = (i >= 0) & (i < wide) & (j >= 0) & (j < deep)
    place = i.clamp(0, wide - 1) * deep + j.clamp(0, deep - 1)
    cell = houses.standing[row[:, None, None], place]
    x, y = houses.centre(cell)
    room = rooms[row, thing][:, None, None]
    near = gap_to(box[:, None, None], x, y) <= reach - CELL / 2
    inside &= (cell >= 0) & near & (x > room[..., 0]) & (y > room[..., 1]) & (x < room[..., 2]) & (y < room[..., 3])
    n, a, b = inside.nonzero(as_tuple=True)
    seen = houses.in_sight(row[n], thing[n], x[n, a, b], y[n, a, b])
    n, a, b = n[seen], a[seen], b[seen]
    sources = torch.zeros(count, len(goals), places, dtype=torch.bool, device=goals.device)
    sources[row[n], goal[n], place[n, a, b]] = True
    return sources
