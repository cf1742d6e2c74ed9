"""Grid houses by seed, thousands at once in torch: rooms by recursive splitting, doors, and a hash that splits them.

A house is a square of cells, ``[x, y]``; outside is wall. Every layout belongs for good to the training or to the
test split by a hash of its walls that mirrored and turned twins share; a house whose layout is of the other split, or
whose rooms did not fit, is drawn again. So no training ever sees a test layout, however many houses there are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from embodied_mem.errors import ConfigError
from embodied_mem.sim.vector.draws import hashed, mix, pick, uniform

_WALLS = 11  # stream
_TEST_ONE_IN = 8
_SMALLEST_SIDE = 2
_ATTEMPTS = 200


def layouts(seeds: Tensor, split: str, size: int, rooms: int, extra_doors: int) -> Tensor:
    """[B, size, size] bool, True where there is wall. The same seed gives the same layout in any batch."""
    wall = torch.zeros(len(seeds), size, size, dtype=torch.bool, device=seeds.device)
    left = torch.arange(len(seeds), device=seeds.device)
    for attempt in range(_ATTEMPTS):
        drawn, fits = _draw(hashed(seeds[left], _WALLS, attempt), size, rooms, extra_doors)
        fits &= held_out(layout_hash(drawn)) == (split != "train")
        wall[left[fits]] = drawn[fits]
        left = left[~fits]
        if not len(left):
            return wall
    raise ConfigError(f"environment.rooms: {rooms} rooms do not fit into {size}×{size} cells; take fewer")


def layout_hash(wall: Tensor) -> Tensor:
    """[B] int64, the same for a layout and its mirrored and turned twins."""
    size = wall.shape[-1]
    weight = mix(torch.arange(size * size, device=wall.device)).view(size, size)
    total = torch.zeros(len(wall), dtype=torch.int64, device=wall.device)
    for turned in (wall, wall.transpose(1, 2)):
        for dims in ((), (1,), (2,), (1, 2)):
            total = total + mix((turned.flip(dims).long() * weight).sum((1, 2)))
    return mix(total)


def held_out(layout: Tensor) -> Tensor:
    """Which layouts (by hash) are for tests only."""
    return layout.remainder(_TEST_ONE_IN) == 0


def _draw(keys: Tensor, size: int, rooms: int, extra_doors: int) -> tuple[Tensor, Tensor]:
    """Walls [B, size, size], and [B] whether all rooms fitted."""
    count, where = len(keys), keys.device
    wall = torch.zeros(count, size, size, dtype=torch.bool, device=where)
    door = wall.clone()
    rects = torch.zeros(count, rooms, 4, dtype=torch.int64, device=where)  # x0, y0, x1, y1; the end is outside
    rects[:, 0, 2:] = size
    fits = torch.ones(count, dtype=torch.bool, device=where)
    for made in range(1, rooms):
        fits &= _split_one(keys, wall, door, rects, made)
    for i in range(extra_doors):
        spots = _door_spots(wall, door).flatten(1)
        chosen = torch.arange(size * size, device=where) == pick(spots, uniform(keys, 2, i))[:, None]
        wall &= ~chosen.view_as(wall)
        door |= chosen.view_as(wall)
    return wall, fits


def _split_one(keys: Tensor, wall: Tensor, door: Tensor, rects: Tensor, made: int) -> Tensor:
    """Split the largest room that can be split by a wall with one door, in place; [B] whether there was one."""
    size, where = wall.shape[-1], wall.device
    row, at = torch.arange(len(keys), device=where), torch.arange(size, device=where)
    options = torch.cat([_cuts(door, rects), _cuts(door.transpose(1, 2), rects[..., [1, 0, 3, 2]])], -1)
    area = (rects[..., 2] - rects[..., 0]) * (rects[..., 3] - rects[..., 1])
    room = torch.where(options.any(-1), area, -1).argmax(1)
    options, rect = options[row, room], rects[row, room]
    cut = pick(options, uniform(keys, 0, made)).clamp(max=2 * size - 1)
    upright, cut = cut < size, cut % size  # upright: the wall is a column x = cut
    x0, y0, x1, y1 = rect.unbind(-1)
    low, high = torch.where(upright, y0, x0), torch.where(upright, y1, x1)
    gap = low + (uniform(keys, 1, made) * (high - low)).long()
    across, along = at == cut[:, None], (at >= low[:, None]) & (at < high[:, None])
    turn = upright[:, None, None]
    possible = options.any(-1)[:, None, None]
    line = torch.where(turn, across[:, :, None] & along[:, None, :], along[:, :, None] & across[:, None, :]) & possible
    hole = at == gap[:, None]
    hole = line & torch.where(turn, hole[:, None, :], hole[:, :, None])
    wall |= line & ~hole
    door |= hole
    first = torch.stack([x0, y0, torch.where(upright, cut, x1), torch.where(upright, y1, cut)], -1)
    second = torch.stack([torch.where(upright, cut + 1, x0), torch.where(upright, y0, cut + 1), x1, y1], -1)
    rects[row, room] = first
    rects[:, made] = second
    return options.any(-1)


def _cuts(door: Tensor, rects: Tensor) -> Tensor:
    """[B, R, size]: columns x at which each room may be cut: both sides wide enough, and no door at a wall's end."""
    size = door.shape[-1]
    x = torch.arange(size, device=door.device)
    x0, y0, x1, y1 = (rects[..., i, None] for i in range(4))
    wide = (x - x0 >= _SMALLEST_SIDE) & (x1 - 1 - x >= _SMALLEST_SIDE)
    row = torch.arange(len(door), device=door.device)[:, None, None]
    before = (y0 > 0) & door[row, x, (y0 - 1).clamp(min=0)]
    behind = (y1 < size) & door[row, x, y1.clamp(max=size - 1)]
    return wide & ~before & ~behind


def _door_spots(wall: Tensor, door: Tensor) -> Tensor:
    """[B, size, size]: wall cells with floor on two opposite sides and wall on the other two, and no door beside."""
    west, east, south, north = _beside(wall, True)
    beside = torch.stack(_beside(door, False)).any(0)
    return wall & ~beside & ((~west & ~east & south & north) | (west & east & ~south & ~north))


def _beside(x: Tensor, outside: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four neighbours of every cell."""
    framed = F.pad(x, (1, 1, 1, 1), value=outside)
    return framed[:, :-2, 1:-1], framed[:, 2:, 1:-1], framed[:, 1:-1, :-2], framed[:, 1:-1, 2:]
