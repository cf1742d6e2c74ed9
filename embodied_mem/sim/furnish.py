"""Furniture that fits each room: mostly against walls with the front to the room, never in the way.

A piece is kept only if a robot can still get from every door to every other and to a place in front of every
surface of the room; :class:`RoomPlan` is that judge. Metres, world frame; fronts are local −y (yaw 0 faces −y).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from embodied_mem.ontology import FURNITURE
from embodied_mem.sim.catalog import ASSETS, furniture_size, surfaces_of
from embodied_mem.sim.house import Door, Furniture, Rect, Room, Surface
from embodied_mem.sim.layout import clearance, gap_to
from embodied_mem.sim.recipes import BESIDE, CENTRAL, NO_KEEP, OPPOSITE, recipe

#: Half the width of the passages that furniture must leave: the robot (0.18 m) on a map that is a little wrong.
PASSAGE = 0.27
APPROACH = 1.0  # from a reachable standing point to a surface, a bit under the 1.2 m that a pick needs
DOOR_KEEP = 0.75  # floor in front of a door that stays free
FRONT_KEEP = 0.60  # floor in front of a cupboard that other furniture leaves free
TALL = 1.05  # what is higher hides things behind it from the camera, and is open to its front only
CELL = 0.05
_GAP = 0.03


def turned(rect: Rect, x: float, y: float, yaw: float) -> Rect:
    """A local rectangle in the world, for a yaw that is a multiple of π/2."""
    c, s = round(math.cos(yaw)), round(math.sin(yaw))
    xs = sorted((c * rect[0] - s * rect[1], c * rect[2] - s * rect[3]))
    ys = sorted((s * rect[0] + c * rect[1], s * rect[2] + c * rect[3]))
    return (round(x + xs[0], 4), round(y + ys[0], 4), round(x + xs[1], 4), round(y + ys[1], 4))


def footprint(piece: Furniture) -> Rect:
    """The floor a piece of furniture covers."""
    w, d = piece.size[0] / 2, piece.size[1] / 2
    return turned((-w, -d, w, d), piece.x, piece.y, piece.yaw)


def front(piece: Furniture) -> np.ndarray:
    """The unit vector its front looks along."""
    return np.array([round(math.sin(piece.yaw)), -round(math.cos(piece.yaw))], float)


def crosses(a: Rect, b: Rect, gap: float = 0.0) -> bool:
    """Whether two rectangles overlap or are nearer than ``gap`` (per axis)."""
    return a[0] < b[2] + gap and b[0] < a[2] + gap and a[1] < b[3] + gap and b[1] < a[3] + gap


@dataclass
class RoomPlan:
    """One room while it is being furnished; ``blocked`` are footprints of what stands in it."""

    room: Room
    doors: list[Door]
    pieces: list[Furniture] = field(default_factory=list)
    blocked: list[Rect] = field(default_factory=list)

    def door_zones(self) -> list[Rect]:
        """The floor in front of the doors, in the room and through the wall."""
        zones = []
        for x0, y0, x1, y1 in (d.rect for d in self.doors):
            along_x = x1 - x0 > y1 - y0
            dx, dy = (0.05, DOOR_KEEP) if along_x else (DOOR_KEEP, 0.05)
            zones.append((x0 - dx, y0 - dy, x1 + dx, y1 + dy))
        return zones

    def reachable(self, extra: Iterable[Rect] = ()) -> np.ndarray | None:
        """Centres (N 2) of the free cells that all doors lead to; None where the room falls apart."""
        from scipy.ndimage import label

        x0, y0, x1, y1 = self.room.rect
        outside = [(x0 - 1, y0 - 1, x0, y1 + 1), (x1, y0 - 1, x1 + 1, y1 + 1),
                   (x0 - 1, y0 - 1, x1 + 1, y0), (x0 - 1, y1, x1 + 1, y1 + 1)]  # fmt: skip
        free = clearance(self.room.rect, [*outside, *self.blocked, *extra], CELL, PASSAGE + CELL) >= PASSAGE
        parts, _ = label(free)
        centres = np.argwhere(free) * CELL + (x0 + CELL / 2, y0 + CELL / 2)
        if not len(centres):
            return None
        numbers = parts[free]
        entries = set()
        for door in self.doors:
            middle = np.array([(door.rect[0] + door.rect[2]) / 2, (door.rect[1] + door.rect[3]) / 2])
            gaps = np.hypot(*(centres - middle).T)
            if gaps.min() > PASSAGE + 0.15:
                return None
            entries.add(int(numbers[np.argmin(gaps)]))
        return centres[numbers == entries.pop()] if len(entries) == 1 else None

    def approachable(self, piece: Furniture, standing: np.ndarray) -> bool:
        """Whether some standing point is near every surface of the piece, in front of it if it is tall."""
        tall = [footprint(p) for p in self.pieces if p.size[2] > TALL and p.id != piece.id]
        for surface in piece.surfaces:
            x0, y0, x1, y1 = surface.rect
            middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
            nearest = np.clip(standing, (x0, y0), (x1, y1))
            near = np.hypot(*(standing - nearest).T) <= APPROACH
            if piece.size[2] > TALL:  # open to the front only; not from a flat angle
                offset = (standing - middle) @ front(piece)
                near &= offset > 0.7 * np.hypot(*(standing - middle).T)
            if not any(_in_sight(p, middle, tall) for p in standing[near][::7]):
                return False
        return True

    def fits(self, piece: Furniture, companion: str = "") -> bool:
        """Whether the piece may stand there: in the room, on free floor, and everything stays reachable.

        ``companion`` is the label of a piece whose front zone it may stand in (the chair before the desk).
        """
        rect, inner = footprint(piece), self.room.rect
        if rect[0] < inner[0] or rect[1] < inner[1] or rect[2] > inner[2] or rect[3] > inner[3]:
            return False
        if any(crosses(rect, b, _GAP - 1e-6) for b in self.blocked) or any(crosses(rect, z) for z in self.door_zones()):
            return False
        for other in self.pieces:
            if other.label != companion and crosses(rect, _keep(other)):
                return False
            if crosses(_keep(piece), footprint(other), -0.01) and piece.label not in CENTRAL:
                return False
        standing = self.reachable([rect])
        if standing is None:
            return False
        self.pieces.append(piece)
        fine = all(self.approachable(p, standing) for p in self.pieces)
        self.pieces.pop()
        return fine

    def add(self, piece: Furniture) -> None:
        self.pieces.append(piece)
        self.blocked.append(footprint(piece))


def _in_sight(a: np.ndarray, b: np.ndarray, tall: list[Rect]) -> bool:
    points = a + (b - a) * np.linspace(0, 1, 12)[:, None]
    return not any(gap_to(rect, p) == 0 for rect in tall for p in points)


def _keep(piece: Furniture) -> Rect:
    """The floor in front of a piece that other furniture leaves free; empty for tables and chairs."""
    if piece.label in NO_KEEP:
        return footprint(piece)
    w, d = piece.size[0] / 2, piece.size[1] / 2
    return turned((-w, -d - FRONT_KEEP, w, -d), piece.x, piece.y, piece.yaw)


def furnish(rooms: Iterable[Room], doors: Iterable[Door], rng: np.random.Generator) -> list[RoomPlan]:
    """Every room with the furniture of its recipe, as far as it fits. Ids count from 100 in the order of rooms."""
    rooms, doors, plans = list(rooms), list(doors), []
    labels, next_id = {r.label for r in rooms}, 100
    for room in rooms:
        plan = RoomPlan(room, [d for d in doors if room.id in d.rooms])
        for label in recipe(room.label, labels, rng):
            piece = _place(plan, label, next_id, rng)
            if piece:
                plan.add(piece)
                next_id += 1
        plans.append(plan)
    return plans


def make_piece(
    label: str, number: int, room: int, pose: tuple[float, float, float], style: dict
) -> Furniture:
    """A piece at x, y, yaw with its surfaces in the world; ``style``: asset, size, colour, material, states."""
    x, y, yaw = round(pose[0], 4), round(pose[1], 4), pose[2]
    surfaces = tuple(
        Surface(number, name, turned(rect, x, y, yaw), z, headroom)
        for name, rect, z, headroom in surfaces_of(style["asset"], style["size"])
    )
    return Furniture(id=number, label=label, room=room, x=x, y=y, yaw=yaw, surfaces=surfaces, **style)


def _style(label: str, plan: RoomPlan, rng: np.random.Generator) -> dict:
    """Looks and states; chairs of one table are of one set."""
    for other in plan.pieces:
        if other.label == label and label in ("dining chair", "nightstand"):
            return {k: getattr(other, k) for k in ("asset", "size", "colour", "material")} | {"states": {}}
    known = FURNITURE[label]
    asset = ASSETS[label][int(rng.integers(len(ASSETS[label])))].name
    states = {}
    for aspect in known.states:
        likely = {"power": "off", "openness": "closed", "fill": "empty"}[aspect]
        other = {"power": "on", "openness": "open", "fill": "full"}[aspect]
        states[aspect] = other if rng.random() < 0.3 else likely
    return {
        "asset": asset, "size": furniture_size(asset, rng), "colour": str(rng.choice(known.colours)),
        "material": str(rng.choice(known.materials)), "states": states,
    }  # fmt: skip


def _place(plan: RoomPlan, label: str, number: int, rng: np.random.Generator) -> Furniture | None:
    style = _style(label, plan, rng)
    if label == "television":  # stands on the tv stand: no floor of its own
        stand = next((p for p in plan.pieces if p.label == "tv stand"), None)
        if stand is None:
            return None
        return make_piece(label, number, plan.room.id, (stand.x, stand.y, stand.yaw), style)
    companion = BESIDE.get(label, ("",))[0]
    for pose in _poses(plan, label, style["size"], rng):
        piece = make_piece(label, number, plan.room.id, pose, style)
        if plan.fits(piece, companion):
            return piece
    return None


def _poses(plan: RoomPlan, label: str, size: tuple, rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    if label in BESIDE:
        yield from _beside(plan, label, size, rng)
        return
    if label in CENTRAL:
        yield from _central(plan, size, rng)
    yield from _against_walls(plan, label, size, rng)


def _beside(plan: RoomPlan, label: str, size: tuple, rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    """Poses around each host: chairs face their table, nightstands flank the bed, the low table faces the sofa."""
    host_label, gap, sides = BESIDE[label]
    for host in (p for p in plan.pieces if p.label == host_label or (host_label == "bed" and p.label.endswith("bed"))):
        hw, hd, w, d = host.size[0] / 2, host.size[1] / 2, size[0] / 2, size[1] / 2
        spread = (-0.25, 0.25) if hw > 0.7 else (0.0,)
        local = {
            "front": [(0.0, -hd - gap - d, math.pi)],
            "facing": [(k * 2 * hw, -hd - gap - d, math.pi) for k in spread]
            + [(k * 2 * hw, hd + gap + d, 0.0) for k in spread]
            + [(-hw - gap - d, 0.0, math.pi / 2), (hw + gap + d, 0.0, -math.pi / 2)],
            "flank": [(-hw - gap - w, hd - d, 0.0), (hw + gap + w, hd - d, 0.0)],
        }[sides]
        for k in rng.permutation(len(local)) if sides == "flank" else range(len(local)):
            lx, ly, turn = local[k]
            c, s = round(math.cos(host.yaw)), round(math.sin(host.yaw))
            yield host.x + c * lx - s * ly, host.y + s * lx + c * ly, (host.yaw + turn) % (2 * math.pi)


def _central(plan: RoomPlan, size: tuple, rng: np.random.Generator) -> Iterator[tuple[float, float, float]]:
    x0, y0, x1, y1 = plan.room.rect
    longer = 0.0 if x1 - x0 > y1 - y0 else math.pi / 2
    for k in range(8):
        x, y = (x0 + x1) / 2 + rng.uniform(-0.1, 0.1) * k, (y0 + y1) / 2 + rng.uniform(-0.1, 0.1) * k
        yield x, y, longer if k % 3 else (longer + math.pi / 2) % math.pi


def _against_walls(plan: RoomPlan, label: str, size: tuple, rng: np.random.Generator) -> Iterator[tuple]:
    """Corners and neighbours first (they keep long stretches of wall free), then anywhere along a wall."""
    x0, y0, x1, y1 = plan.room.rect
    w, d = size[0] / 2 + _GAP, size[1] / 2 + 0.01
    yaws = [k * math.pi / 2 for k in rng.permutation(4)]
    host = next((p for p in plan.pieces if p.label == OPPOSITE.get(label)), None)
    if host:
        yaws.sort(key=lambda yaw: abs(math.cos(yaw - host.yaw) + 1) > 0.1)
    for rough in (False, True):
        for yaw in yaws:
            along_x = round(math.cos(yaw)) != 0
            low, high = (x0 + w, x1 - w) if along_x else (y0 + w, y1 - w)
            if high < low:
                continue
            spots = [low, high] if not rough else list(rng.uniform(low, high, 6))
            for other in plan.blocked if not rough else ():
                a, b = (other[0], other[2]) if along_x else (other[1], other[3])
                spots += [v for v in (a - w, b + w) if low <= v <= high]
            if host and not rough:
                spots = [host.x if along_x else host.y, *spots]
                spots = [v for v in spots if low <= v <= high]
            else:
                spots = [spots[i] for i in rng.permutation(len(spots))]
            for v in spots:
                across = {0: y1 - d, 1: x0 + d, 2: y0 + d, 3: x1 - d}[round(yaw / (math.pi / 2)) % 4]
                yield (v, across, yaw) if along_x else (across, v, yaw)
