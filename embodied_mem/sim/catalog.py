"""The catalogue: furniture assets with their size ranges and named surfaces; sizes of things.

An asset is named ``"label/style"`` (``"sofa/two-seater"``). Its local frame: origin at the centre of its base on the
floor, Z up, front −y, the back towards the wall at +y; metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embodied_mem.ontology import FURNITURE, LEVELS, THINGS, surface_name
from embodied_mem.sim.house import Rect

Size = tuple[float, float, float]
LocalSurface = tuple[str, Rect, float, float]

BOARD = 0.024  # thickness of shelf boards and table tops
OPEN_ABOVE = 0.9  # headroom of a surface with nothing above it
TV_BASE = 0.50  # the television's mesh begins at this height: it stands on the tv stand, which is exactly so high
TAP = 0.18  # how far the taps of sink cabinet and washbasin stand over their tops
TV_HALF_WIDTH = 0.50  # the tv stand is free to the left and right of this

# Upper sides of the boards of furniture with levels, one for each band of ontology.LEVELS.
SHELF_BOARDS: dict[str, tuple[float, ...]] = {
    "bookcase": (0.10, 0.60, 1.10),
    "kitchen shelf": (0.10, 0.58, 1.04),
    "towel shelf": (0.10, 0.55, 1.00),
    "shoe rack": (0.08, 0.46),
}
# Seats and mattresses: height, and the margins (left and right, front, back) that arms and backs take.
SEATS: dict[str, tuple[float, float, float, float]] = {
    "sofa": (0.42, 0.20, 0.04, 0.26),
    "armchair": (0.42, 0.17, 0.04, 0.24),
    "dining chair": (0.46, 0.03, 0.02, 0.07),
    "office chair": (0.48, 0.09, 0.08, 0.14),
    "double bed": (0.50, 0.06, 0.06, 0.12),
    "single bed": (0.48, 0.06, 0.06, 0.12),
    "kids bed": (0.42, 0.08, 0.08, 0.10),
}
_TOPS = (
    "coffee table",
    "dining table",
    "sideboard",
    "kitchen counter",
    "stove",
    "nightstand",
    "dresser",
    "desk",
    "toy chest",
    "washing machine",
    "laundry table",
    "drying rack",
    "console table",
    "bench",
    "filing cabinet",
)

# style → (factor on x, factor on y); labels that are not here have the one style "plain".
_STYLES: dict[str, dict[str, tuple[float, float]]] = {
    "sofa": {"two-seater": (0.84, 1.0), "three-seater": (1.05, 1.0)},
    "armchair": {"tub": (1.0, 1.0), "wing": (0.95, 1.0)},
    "coffee table": {"legs": (1.0, 1.0), "panel": (1.0, 1.0), "round": (0.80, 1.4)},
    "bookcase": {"wide": (1.05, 1.0), "narrow": (0.75, 1.0)},
    "dining table": {"long": (1.05, 1.0), "round": (0.75, 1.333)},
    "dining chair": {"slats": (1.0, 1.0), "solid": (1.0, 1.0)},
    "sideboard": {"doors": (1.0, 1.0), "drawers": (0.92, 1.0)},
    "dresser": {"three drawers": (0.8, 1.0), "six drawers": (1.05, 1.0)},
    "wardrobe": {"two doors": (0.85, 1.0), "three doors": (1.1, 1.0)},
    "refrigerator": {"one door": (0.95, 1.0), "two doors": (1.0, 1.0)},
    "desk": {"drawers": (1.05, 1.0), "legs": (0.95, 1.0)},
    "nightstand": {"drawer": (1.0, 1.0), "open": (1.0, 1.0)},
    "floor lamp": {"cone": (1.0, 1.0), "drum": (0.9, 0.9)},
    "bench": {"legs": (1.0, 1.0), "panel": (0.9, 1.0)},
}
_FIXED_HEIGHT = (*SHELF_BOARDS, "tv stand", "television")


@dataclass(frozen=True)
class Asset:
    """One variant of a furniture label; ``low`` and ``high`` bound its size (x, y, z in metres)."""

    name: str
    label: str
    low: Size
    high: Size


def _asset(label: str, style: str, factors: tuple[float, float]) -> Asset:
    x, y, z = FURNITURE[label].size
    x, y = x * factors[0], y * factors[1]
    sway = 0.0 if label in _FIXED_HEIGHT else 0.02
    return Asset(f"{label}/{style}", label, (0.95 * x, 0.97 * y, (1 - sway) * z), (1.05 * x, 1.03 * y, (1 + sway) * z))


ASSETS: dict[str, tuple[Asset, ...]] = {
    label: tuple(_asset(label, style, factors) for style, factors in _STYLES.get(label, {"plain": (1.0, 1.0)}).items())
    for label in FURNITURE
}
_BY_NAME = {asset.name: asset for assets in ASSETS.values() for asset in assets}


def find_asset(name: str) -> Asset:
    """The asset of that name (``"sofa/two-seater"``), or the first of a label (``"sofa"``); KeyError otherwise."""
    return _BY_NAME[name] if name in _BY_NAME else ASSETS[name][0]


def furniture_size(asset: str, rng: np.random.Generator) -> Size:
    """A size within the asset's range, in whole centimetres; square where the asset is round."""
    found = find_asset(asset)
    x, y, z = (round(float(v), 2) for v in rng.uniform(found.low, found.high))
    if found.name.endswith("/round") or found.label in ("floor lamp", "coat stand", "office chair"):
        y = x
    return x, y, z


def thing_size(label: str, rng: np.random.Generator) -> Size:
    """A size for a thing: the typical one times a factor in 0.92..1.08, in whole millimetres."""
    factor = rng.uniform(0.92, 1.08)
    x, y, z = (round(float(v * factor), 3) for v in THINGS[label].size)
    return x, y, z


def _inset(size: Size, side: float = 0.02, front: float = 0.02, back: float = 0.02) -> Rect:
    """The footprint less its margins; the front is at −y."""
    x, y = size[0] / 2, size[1] / 2
    return (-x + side, -y + front, x - side, y - back)


def _levels(label: str, size: Size) -> list[LocalSurface]:
    boards = SHELF_BOARDS[label]
    ceilings = (*boards[1:], size[2] if boards[-1] < size[2] - 0.1 else boards[-1] + OPEN_ABOVE)
    rect = _inset(size, side=0.03, front=0.01, back=0.03)
    return [
        (surface_name(label, z), rect, z, round(ceiling - BOARD - z, 3))
        for z, ceiling in zip(boards, ceilings, strict=True)
    ]


def surfaces_of(asset: str, size: Size) -> list[LocalSurface]:
    """The places on an asset of that size where things may stand: (name, x0 y0 x1 y1 in the local frame, z, headroom).

    A label may have two surfaces of one name (beside the television); fixtures like the bathtub have none.
    """
    found = find_asset(asset)
    label, (x, y, z) = found.label, size
    if label in LEVELS:
        return _levels(label, size)
    if label in SEATS:
        height, side, front, back = SEATS[label]
        return [(label, _inset(size, side, front, back), height, OPEN_ABOVE)]
    if label in _TOPS:
        if found.name.endswith("/round"):  # the square inscribed in the round top
            return [(label, _inset(size, 0.155 * x, 0.155 * y, 0.155 * y), z, OPEN_ABOVE)]
        return [(label, _inset(size), z, OPEN_ABOVE)]
    if label == "tv stand":
        left, right = -x / 2 + 0.01, TV_HALF_WIDTH + 0.01
        return [
            (label, (x0, -y / 2 + 0.02, x1, y / 2 - 0.02), z, OPEN_ABOVE)
            for x0, x1 in ((left, -TV_HALF_WIDTH - 0.01), (right, x / 2 - 0.01))
        ]
    if label == "sink cabinet":  # the basin is in the right half
        return [(label, (-x / 2 + 0.02, -y / 2 + 0.02, -0.02, y / 2 - 0.02), z - TAP, OPEN_ABOVE)]
    if label == "washbasin":  # the basin is on the left
        return [(label, (0.06, -y / 2 + 0.02, x / 2 - 0.02, y / 2 - 0.02), z - TAP, OPEN_ABOVE)]
    if label == "toilet":  # the lid of the cistern
        return [(label, (-x / 2 + 0.01, y / 2 - 0.19, x / 2 - 0.01, y / 2 - 0.01), z, OPEN_ABOVE)]
    return []
