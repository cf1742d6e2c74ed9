"""What a grid house is once it is drawn: tables that make a step of thousands of trials a few look-ups.

Cells are numbered ``x * size + y``. All tables are tensors with the house first.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from embodied_mem.errors import ConfigError
from embodied_mem.sim.vector.draws import hashed, uniform
from embodied_mem.sim.vector.geodesic import distance_fields
from embodied_mem.tasks.grid_object_search.layout import layouts

#: +x, −x, +y, −y, stay.
MOVES = ((1, 0), (-1, 0), (0, 1), (0, -1), (0, 0))
#: What a view shows of a cell; objects of type i are OBJECT + i.
UNSEEN, WALL, FLOOR, OBJECT = 0, 1, 2, 3
_OBJECTS = 12  # stream


@dataclass
class Houses:
    """B houses."""

    floor: Tensor
    """[B, C] bool: where one can stand."""
    following: Tensor
    """[B, C, 5] int64: the cell after each move; a wall keeps one where one is."""
    distance: Tensor
    """[B, K, C] float32: steps to the nearest object of each type; inf on walls."""
    view: Tensor
    """[B, C, P] int8: what is seen around each cell, row by row; see the codes above."""
    types_seen: Tensor
    """[B, C, K] bool: object types in view from each cell."""

    @classmethod
    def of(cls, seeds: Tensor, split: str, size: int, rooms: int, extra_doors: int, types: int, instances: int,
           radius: int) -> Houses:  # fmt: skip
        """The houses of seeds [B]. Raises ConfigError when rooms or objects do not fit."""
        wall = layouts(seeds, split, size, rooms, extra_doors)
        objects = _place(seeds, ~wall.flatten(1), types, instances)
        kinds = torch.arange(types, device=seeds.device)
        there = (objects[:, None] == kinds[:, None]).view(len(seeds), types, size, size)
        view = _views(wall, objects.view_as(wall), radius)
        seen = (view[:, :, None] == (OBJECT + kinds[:, None]).to(view.dtype)).any(-1)
        distance = distance_fields(~wall[:, None], there).flatten(2)
        return cls(~wall.flatten(1), _following(wall), distance, view, seen)

    def take(self, rows: Tensor) -> Houses:
        """The houses of these ``rows``."""
        return Houses(*(getattr(self, f.name).index_select(0, rows) for f in fields(self)))

    def put(self, rows: Tensor, other: Houses) -> None:
        """Other houses, as many, in the place of these ``rows``."""
        for f in fields(self):
            getattr(self, f.name).index_copy_(0, rows, getattr(other, f.name))


def _place(seeds: Tensor, floor: Tensor, types: int, instances: int) -> Tensor:
    """[B, C] int64: the type of object on each cell, −1 for none; every type has ``instances`` objects."""
    count = types * instances
    if int(floor.sum(1).min()) <= count:
        raise ConfigError(f"environment.types: {types} × {instances} objects leave no free floor; use fewer")
    cells = torch.arange(floor.shape[1], device=floor.device)
    order = torch.where(floor, uniform(hashed(seeds, _OBJECTS)[:, None], cells), 2.0).argsort(1)[:, :count]
    objects = torch.full_like(floor, -1, dtype=torch.int64)
    return objects.scatter_(1, order, (torch.arange(count, device=floor.device) % types).expand_as(order))


def _following(wall: Tensor) -> Tensor:
    count, size, _ = wall.shape
    framed, cell = F.pad(wall, (1, 1, 1, 1), value=True), torch.arange(size * size, device=wall.device)
    tables = []
    for dx, dy in MOVES:
        blocked = framed[:, 1 + dx : 1 + dx + size, 1 + dy : 1 + dy + size].flatten(1)
        tables.append(torch.where(blocked, cell, cell + dx * size + dy))
    return torch.stack(tables, -1)


def _views(wall: Tensor, objects: Tensor, radius: int) -> Tensor:
    """[B, C, P] int8: the square of cells around each cell, as far as the line of sight is free."""
    count, size, _ = wall.shape
    tile = torch.where(wall, WALL, torch.where(objects >= 0, OBJECT + objects, FLOOR)).to(torch.int8)
    tile = F.pad(tile, [radius] * 4, value=WALL)
    opaque = tile == WALL

    def shifted(x: Tensor, dx: int, dy: int) -> Tensor:
        return x[:, radius + dx : radius + dx + size, radius + dy : radius + dy + size]

    patches = []
    for dx in range(-radius, radius + 1):
        for dy in range(-radius, radius + 1):
            hidden = torch.zeros_like(wall)
            for ways in _between(dx, dy):
                hidden |= torch.stack([shifted(opaque, *way) for way in ways]).all(0)
            patches.append(torch.where(hidden, UNSEEN, shifted(tile, dx, dy)).flatten(1))
    return torch.stack(patches, -1)


def _between(dx: int, dy: int) -> list[list[tuple[int, int]]]:
    """What the line of sight to an offset passes: at each place a cell, or two where it runs between them; sight is
    blocked where all cells of a place are opaque."""
    places = []
    steps = max(abs(dx), abs(dy))
    for i in range(1, steps):
        x, y = dx * i / steps, dy * i / steps
        xs, ys = {int(x // 1), int(-(-x // 1))}, {int(y // 1), int(-(-y // 1))}
        places.append(sorted((a, b) for a in xs for b in ys))
    if abs(dx) == abs(dy) and dx:  # round a corner one does not see
        sx, sy = dx // abs(dx), dy // abs(dy)
        places += [[(sx * i + sx, sy * i), (sx * i, sy * i + sy)] for i in range(steps)]
    return places
