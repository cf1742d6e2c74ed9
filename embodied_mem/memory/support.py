"""On what a thing stands: the piece of furniture under it and the name of the surface."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from embodied_mem.ontology import FURNITURE, HOLDERS, LEVELS, THINGS, surface_name

# Heights at which people sit and lie; tops of all other furniture are as high as the furniture.
SEATS = {
    "sofa": 0.43, "armchair": 0.43, "dining chair": 0.46, "office chair": 0.48, "double bed": 0.50,
    "single bed": 0.48, "kids bed": 0.42,
}  # fmt: skip
FLOOR_M = 0.08
SIDE_M = 0.05  # how fast belief falls off outside a footprint
HEIGHT_M = 0.05  # how fast belief falls off above or below a top


@dataclass(frozen=True)
class Piece:
    """A piece of furniture as known so far: fixed track, label, box in the map frame."""

    track: int
    label: str
    low: np.ndarray
    high: np.ndarray


def surfaces_under(
    label: str, base: np.ndarray, pieces: Iterable[Piece], anywhere: bool = False
) -> tuple[dict[str, float], int | None]:  # fmt: skip
    """Belief over surface names for a thing of ``label`` whose base is at ``base`` (x, y, z), best first.

    Also the track of the furniture that is most likely under it, None for the floor. ``anywhere``: a robot put it
    there, so that any piece may be under it, usual or not.
    """
    usual = THINGS[label].surfaces if label in THINGS else ()
    weights: dict[str, float] = defaultdict(float)
    owner: dict[str, tuple[float, int]] = {}
    weights["floor"] = _floor(base[2]) * (1.0 if "floor" in usual else 0.25)
    for piece in pieces:
        if piece.label not in HOLDERS and not anywhere:
            continue
        weight = _inside(base, piece) * _level(base[2], piece) * (1.0 if anywhere or piece.label in usual else 0.2)
        if weight < 1e-6:
            continue
        if piece.label in LEVELS:
            weights["floor"] *= 1 - 0.9 * _inside(base, piece)  # its lowest board covers the floor
        name = surface_name(piece.label, base[2])
        weights[name] = max(weights[name], weight)
        owner[name] = max(owner.get(name, (0.0, piece.track)), (weight, piece.track))
    total = sum(weights.values())
    ranked = sorted(((w / total, name) for name, w in weights.items() if w > 0.01 * total), key=lambda p: (-p[0], p[1]))
    belief = {name: round(share, 4) for share, name in ranked}
    best = next(iter(belief))
    return belief, owner[best][1] if best in owner else None


def _floor(z: float) -> float:
    """How well a base height fits the floor; a tiny rest, so that something always remains."""
    return float(np.exp(-0.5 * (max(0.0, z - FLOOR_M) / 0.04) ** 2)) + 1e-4


def _inside(base: np.ndarray, piece: Piece) -> float:
    out = np.maximum(np.maximum(piece.low[:2] - base[:2], base[:2] - piece.high[:2]), 0.0)
    return float(np.exp(-0.5 * float(out @ out) / SIDE_M**2))


def _level(z: float, piece: Piece) -> float:
    """How well a base height fits the surfaces of a piece of furniture."""
    if piece.label in LEVELS:
        return 0.8 if 0.04 < z < FURNITURE[piece.label].size[2] + 0.05 else 0.0
    height = SEATS.get(piece.label) or FURNITURE[piece.label].size[2]
    # The lower rim may be hidden behind others or cut by the image, so too high is likelier than too low.
    off = z - height
    width = HEIGHT_M if off < 0 else 1.6 * HEIGHT_M
    return float(np.exp(-0.5 * (off / width) ** 2)) + 1e-3 * (z > 0.3)
