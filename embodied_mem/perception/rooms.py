"""Rooms from the map, and their names from what stands in them.

Walls are what returns depth high up; low furniture belongs to the floor around it. A doorway (0.9 m)
is narrower than any room (2.2 m): what remains of the inside after erosion by half a door's width is
one core per room, and the cores grow back at the same speed until they meet in the doorways.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from embodied_mem.memory.records import RoomNode
from embodied_mem.ontology import FURNITURE, ROOMS
from embodied_mem.perception.mapping import SiteMap, solid

HIGH = slice(10, None)  # from 1.28 m up: walls, wardrobes, lintels
CORE_M = 0.55  # half the width of the widest opening that still counts as a door
MIN_ROOM_M2 = 2.0
MIN_WALL_M = 1.2  # what is shorter than this and ends below 1.76 m is a lamp or a cupboard, not a wall
SPOT_M = 0.5  # labels read closer together than this are about one piece
REACH_M = 0.6  # walls and what stands along them belong to a room as far as this

Furnishing = tuple[str, Sequence[float], float]  # label, xyz, votes


def segment_rooms(site_map: SiteMap) -> tuple[np.ndarray, list[RoomNode]]:
    """Segment the map into rooms; sets and returns ``site_map.room_grid`` (int16 X Y, 0 none) and ``.rooms``.

    Rooms keep the id and label of the earlier segmentation's room that they overlap most; new ones
    are called "room" until :func:`name_rooms` has seen what stands in them.
    """
    inside, seen = _inside(site_map)
    clearance = ndimage.distance_transform_edt(inside) * site_map.resolution
    cores, count = ndimage.label(clearance >= CORE_M)
    if count == 0:
        site_map.room_grid, site_map.rooms = np.zeros(site_map.shape, np.int16), []
        return site_map.room_grid, site_map.rooms
    # Not through what was never seen: a wardrobe's inside, and through the wall behind it into the next room.
    flooded = _flood(cores, inside & seen)
    areas = ndimage.sum_labels(inside, flooded, np.arange(1, count + 1)) * site_map.resolution**2
    flooded[np.isin(flooded, np.flatnonzero(areas < MIN_ROOM_M2) + 1)] = 0
    grid = _keep_ids(site_map, flooded)
    known = {room.id: room for room in site_map.rooms}
    site_map.rooms = [_node(site_map, grid, int(i), known.get(int(i))) for i in np.unique(grid[grid > 0])]
    site_map.room_grid = _reach_out(grid, site_map.resolution)
    site_map.revision += 1
    return site_map.room_grid, site_map.rooms


def _inside(site_map: SiteMap) -> tuple[np.ndarray, np.ndarray]:
    """bool X Y twice: the inside of the house without its walls, holes filled; and what was seen of it."""
    high = solid(site_map.hits[HIGH].sum(axis=0, dtype=np.int32)[None], share=0.1)[0]
    high = ndimage.binary_closing(high, np.ones((3, 3)), iterations=2) | high
    walls = site_map.walls()
    pieces, _ = ndimage.label(high, np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(pieces), 1):
        piece = pieces[box] == number
        if max(piece.shape) * site_map.resolution < MIN_WALL_M and walls[box][piece].mean() < 0.2:
            high[box] &= ~piece
    seen = (site_map.hits[0] >= 1) | site_map.occupied()
    seen = ndimage.binary_closing(seen, np.ones((3, 3)), iterations=2)
    near = ndimage.binary_closing(np.pad(seen, 8), np.ones((3, 3)), iterations=6)[8:-8, 8:-8]
    # Under and behind furniture nothing is seen: a hole that walls and seen cells enclose is inside as well.
    return ndimage.binary_fill_holes(near | high) & ~high, seen


def _flood(cores: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """int X Y: every cell inside gets the number of the core that reaches it first, 0 where none does."""
    grown = cores.copy()
    cross = ndimage.generate_binary_structure(2, 1)
    for step in range(sum(cores.shape)):
        # Alternating cross and square approximates round growth.
        wave = ndimage.grey_dilation(grown, footprint=cross if step % 2 else np.ones((3, 3)))
        new = inside & (grown == 0) & (wave > 0)
        if not new.any():
            break
        grown[new] = wave[new]
    return grown


def _keep_ids(site_map: SiteMap, flooded: np.ndarray) -> np.ndarray:
    """Number rooms as the earlier segmentation did where they overlap, one to one, largest overlap first."""
    grid = np.zeros(flooded.shape, np.int16)
    numbers = np.unique(flooded[flooded > 0])
    old = site_map.room_grid
    pairs, cells = np.unique(np.stack((flooded, old))[:, (flooded > 0) & (old > 0)], axis=1, return_counts=True)
    names: dict[int, int] = {}
    for i in np.argsort(-cells, kind="stable"):
        new, before = map(int, pairs[:, i])
        if new not in names and before not in names.values():
            names[new] = before
    free = 1 + max([*names.values(), *(room.id for room in site_map.rooms), 0])
    for number in map(int, numbers):
        if number not in names:
            names[number], free = free, free + 1
        grid[flooded == number] = names[number]
    return grid


def _node(site_map: SiteMap, grid: np.ndarray, number: int, known: RoomNode | None) -> RoomNode:
    cells = np.argwhere(grid == number)
    low, high = cells.min(axis=0), cells.max(axis=0) + 1
    at = [site_map.origin + corner * site_map.resolution for corner in (low, high, cells.mean(axis=0) + 0.5)]
    rect = (float(at[0][0]), float(at[0][1]), float(at[1][0]), float(at[1][1]))
    label, confidence = (known.label, known.confidence) if known else ("room", 0.0)
    return RoomNode(number, label, confidence, (float(at[2][0]), float(at[2][1])), rect)


def _reach_out(grid: np.ndarray, resolution: float) -> np.ndarray:
    """Walls and tall furniture go to the room whose box they lie in, else to the nearest one within REACH_M.

    A wardrobe's inside is nearer to the next room, through the wall, than to the floor before its doors.
    """
    distance, (ix, iy) = ndimage.distance_transform_edt(grid == 0, return_indices=True)
    reached = np.where(distance * resolution <= REACH_M, grid[ix, iy], 0).astype(np.int16)
    boxes = np.zeros(grid.shape, np.int16)
    owner = np.zeros(grid.shape, np.int16)
    for number, box in enumerate(ndimage.find_objects(grid), 1):
        if box is not None:
            boxes[box] += 1
            owner[box] = number
    return np.where((grid == 0) & (boxes == 1), owner, reached)


def name_rooms(site_map: SiteMap, furniture: Iterable[Furnishing]) -> list[RoomNode]:
    """Name the rooms of a segmented map after the furniture in them; sets and returns ``site_map.rooms``.

    furniture: (label, x y z in the map, votes) of each piece once, votes being how often it was seen.
    Labels are unique in a house, so they are assigned together (Hungarian method on log-likelihoods).
    ``confidence`` compares the best naming with the best one that gives this room another label. A
    room that nothing speaks for keeps its earlier label; more rooms than labels leaves the rest "room".
    """
    rooms = site_map.rooms
    if not rooms:
        return rooms
    row = {room.id: i for i, room in enumerate(rooms)}
    score = np.zeros((len(rooms), len(ROOMS)))
    pieces = [piece for piece in furniture if piece[0] in FURNITURE]
    for (label, xyz, _), weight in zip(pieces, _weights(pieces), strict=True):
        room = site_map.room_at(xyz[0], xyz[1])
        if room is not None:
            score[row[room.id]] += weight * _log_likelihood(label)
    spoken = np.ptp(score, axis=1) > 0
    for i, room in enumerate(rooms):
        if room.label in ROOMS and not spoken[i]:
            score[i, ROOMS.index(room.label)] += 0.5
    chosen, best = _assign(score)
    for i, room in enumerate(rooms):
        if chosen[i] < 0 or not score[i].any():
            rooms[i] = replace(room, label="room", confidence=0.0)
            continue
        without = score.copy()
        without[i, chosen[i]] = -1e3
        margin = min(50.0, best - _assign(without)[1])
        rooms[i] = replace(room, label=ROOMS[chosen[i]], confidence=1 / (1 + math.exp(-margin)))
    return rooms


def _weights(pieces: Sequence[Furnishing]) -> np.ndarray:
    """How much each piece counts, 0..1: one seen once may be a confusion, one seen ten times is one piece still.

    Where several labels were read in one spot they share one vote, in proportion to how often each was read.
    """
    votes = np.array([float(piece[2]) for piece in pieces])
    if not len(votes):
        return votes
    at = np.array([piece[1][:2] for piece in pieces], dtype=np.float64)
    together = np.linalg.norm(at[:, None] - at[None], axis=-1) < SPOT_M
    return votes / (votes + 2) * votes / np.maximum(together @ votes, 1e-9)


def _log_likelihood(label: str) -> np.ndarray:
    """log P(room label | a piece was called this) for each of ROOMS: right, or the name of something similar."""
    similar = [other for other in FURNITURE[label].similar if other in FURNITURE] or [label]
    confused = np.mean([_room_weights(other) for other in similar], axis=0)
    # 5 % of the pieces stand where nobody would expect them.
    return np.log(0.85 * _room_weights(label) + 0.10 * confused + 0.05 / len(ROOMS))


def _room_weights(label: str) -> np.ndarray:
    weights = np.array([FURNITURE[label].rooms.get(room, 0.0) for room in ROOMS])
    return weights / weights.sum()


def _assign(score: np.ndarray) -> tuple[np.ndarray, float]:
    rows, columns = linear_sum_assignment(score, maximize=True)
    chosen = np.full(len(score), -1)
    chosen[rows] = columns
    return chosen, float(score[rows, columns].sum())
