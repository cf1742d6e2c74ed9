"""Meshes of seats, beds, tables and storage. Every function draws into a box of ``size`` with the front at −y.

Arguments: b the builder, size x y z in metres, c the colour, style the part of the asset's name after the slash.
Heights of seats and boards are those of sim/catalog.py, so that things stand on what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable

from embodied_mem.sim.catalog import BOARD, SEATS, SHELF_BOARDS, Size
from embodied_mem.sim.mesh_primitives import RGB, MeshBuilder, tone

STEEL: RGB = (0.62, 0.63, 0.65)
WOOD: RGB = (0.52, 0.36, 0.22)
LINEN: RGB = (0.90, 0.89, 0.85)


def legs(
    b: MeshBuilder, size: Size, height: float, thick: float, c: RGB, inset: float = 0.03, base: float = 0.0
) -> None:
    """Four legs near the corners of the footprint."""
    x, y = size[0] / 2 - inset, size[1] / 2 - inset
    for px in (-x, x - thick):
        for py in (-y, y - thick):
            b.box((px, py, base), (px + thick, py + thick, height), c)


def fronts(
    b: MeshBuilder,
    x0: float,
    x1: float,
    z0: float,
    z1: float,
    y: float,
    rows: int,
    columns: int,
    c: RGB,
    knob: RGB = STEEL,
) -> None:
    """Drawer or door fronts on the face at ``y``, standing out by 1 cm, each with a handle."""
    width, height = (x1 - x0) / columns, (z1 - z0) / rows
    for i in range(rows):
        for j in range(columns):
            left, low = x0 + j * width, z0 + i * height
            b.box((left + 0.012, y, low + 0.012), (left + width - 0.012, y + 0.02, low + height - 0.012), tone(c, 1.12))
            mid, level = left + width / 2, low + height * 0.72
            if height > 1.4 * width:  # a door: upright handle at the edge
                mid = left + (width * 0.85 if j % 2 == 0 else width * 0.15)
                b.box((mid - 0.012, y - 0.02, level - 0.09), (mid + 0.012, y, level + 0.03), knob)
            else:
                b.box((mid - 0.06, y - 0.02, level - 0.012), (mid + 0.06, y, level + 0.012), knob)


def _sofa(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    height, side, front, back = SEATS["sofa"] if size[0] > 1.2 else SEATS["armchair"]
    arm = side - 0.02
    legs(b, size, 0.10, 0.06, tone(WOOD, 0.6))
    b.box((-x, -y + front, 0.10), (x, y, height - 0.14), tone(c, 0.8))
    for px in (-x, x - arm):
        b.box((px, -y, 0.10), (px + arm, y - 0.04, 0.62), tone(c, 0.9))
    b.block((-x, y - 0.10, 0.10), (2 * x, 0, 0), (0, 0.10, 0), (0, 0, z - 0.10), tone(c, 0.85))
    count = 1 if style in ("tub", "wing") else 2 if style == "two-seater" else 3
    width = 2 * (x - arm) / count
    for k in range(count):
        left = -x + arm + k * width
        b.box((left + 0.01, -y + front, height - 0.14), (left + width - 0.01, y - back, height), c)
        b.block(
            (left + 0.01, y - back, height - 0.02),
            (width - 0.02, 0, 0),
            (0, back - 0.1, 0),
            (0, 0.06, z - height - 0.04),
            c,
        )
    if style == "wing":
        for px in (-x, x - 0.07):
            b.box((px, y - 0.34, 0.62), (px + 0.07, y - 0.10, z - 0.03), tone(c, 0.9))


def _table(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    if style == "round":
        b.lathe([(0, z - BOARD), (x, z - BOARD), (x, z), (0, z)], c, n=24)
        b.cylinder((0, 0), 0.06, 0.03, z - BOARD, tone(c, 0.8))
        b.cylinder((0, 0), 0.45 * x, 0.0, 0.03, tone(c, 0.8), top=0.4 * x, n=16)
        return
    b.box((-x, -y, z - BOARD - 0.01), (x, y, z), c)
    if style == "panel":
        for px in (-x + 0.05, x - 0.09):
            b.box((px, -y + 0.05, 0), (px + 0.04, y - 0.05, z - BOARD), tone(c, 0.85))
        b.box((-x + 0.09, -y + 0.06, 0.12), (x - 0.09, y - 0.06, 0.145), tone(c, 0.9))
        return
    legs(b, size, z - BOARD, 0.06, tone(c, 0.85))
    if size[2] > 0.55:  # an apron under high tops
        for py in (-y + 0.05, y - 0.07):
            b.box((-x + 0.08, py, z - 0.11), (x - 0.08, py + 0.02, z - BOARD), tone(c, 0.8))


def _desk(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    _table(b, size, c, "legs")
    if style == "drawers":
        b.box((x - 0.44, -y + 0.05, 0.10), (x - 0.04, y - 0.04, z - BOARD), tone(c, 0.92))
        fronts(b, x - 0.44, x - 0.04, 0.10, z - 0.05, -y + 0.03, 3, 1, c)
    else:
        b.box((-x + 0.08, y - 0.08, 0.25), (x - 0.08, y - 0.06, z - 0.1), tone(c, 0.85))


def _laundry_table(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y = size[0] / 2, size[1] / 2
    _table(b, size, c, "legs")
    b.box((-x + 0.05, -y + 0.05, 0.18), (x - 0.05, y - 0.05, 0.205), tone(c, 0.9))


def _console(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    _table(b, size, c, "legs")
    b.box((-x + 0.05, -y + 0.03, z - 0.16), (x - 0.05, y - 0.03, z - BOARD), tone(c, 0.92))
    fronts(b, -x + 0.05, x - 0.05, z - 0.16, z - 0.03, -y + 0.02, 1, 2, c)


def _shelf(b: MeshBuilder, size: Size, c: RGB, style: str, label: str) -> None:
    """Open at the front: sides, back, and a board under each level."""
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    for px in (-x, x - 0.025):
        b.box((px, -y, 0), (px + 0.025, y, z), c)
    if label in ("bookcase", "kitchen shelf"):
        b.box((-x + 0.025, y - 0.015, 0.05), (x - 0.025, y, z), tone(c, 0.72))
    boards = SHELF_BOARDS[label]
    for level in (*boards, *(() if boards[-1] > z - 0.1 else (z,))):
        b.box((-x + 0.02, -y, level - BOARD), (x - 0.02, y, level), tone(c, 1.05))
    if label == "bookcase":
        b.box((-x + 0.02, -y + 0.02, 0), (x - 0.02, -y + 0.04, boards[0] - BOARD), tone(c, 0.85))


def _bed(b: MeshBuilder, size: Size, c: RGB, style: str, label: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    height, side, _, _ = SEATS[label]
    legs(b, size, 0.16, 0.07, tone(c, 0.8), inset=0.0)
    b.box((-x, -y, 0.16), (x, y - 0.06, height - 0.18), c)
    b.box((-x, y - 0.06, 0.10), (x, y, z), tone(c, 0.9))  # head
    b.box((-x + 0.03, -y + 0.03, height - 0.18), (x - 0.03, y - 0.06, height - 0.02), LINEN)
    blue = (0.62, 0.68, 0.74) if label != "kids bed" else (0.75, 0.80, 0.55)
    b.box((-x + 0.015, -y + 0.015, height - 0.15), (x - 0.015, y - 0.62, height), blue, cells=2)
    b.box((-x + 0.03, y - 0.62, height - 0.04), (x - 0.03, y - 0.56, height), tone(blue, 1.4))
    b.box((-x + 0.05, y - 0.56, height - 0.03), (x - 0.05, y - 0.10, height), LINEN)
    if label == "kids bed":
        b.box((-x, -y, height - 0.18), (x, -y + 0.04, z - 0.18), tone(c, 0.9))
        for px in (-x, x - 0.03):
            for level in (height + 0.02, height + 0.13):
                b.box((px, -0.25 * y, level), (px + 0.03, y - 0.05, level + 0.05), c)


def _dining_chair(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    height = SEATS["dining chair"][0]
    legs(b, size, height - 0.03, 0.04, tone(c, 0.85), inset=0.01)
    b.box((-x, -y, height - 0.035), (x, y - 0.02, height), c)
    for px in (-x + 0.01, x - 0.05):
        b.box((px, y - 0.05, height - 0.03), (px + 0.04, y - 0.01, z), tone(c, 0.85))
    if style == "solid":
        b.box((-x + 0.05, y - 0.04, height + 0.14), (x - 0.05, y - 0.02, z), c)
    else:
        for level in (height + 0.12, height + 0.24, z - 0.07):
            b.box((-x + 0.05, y - 0.04, level), (x - 0.05, y - 0.02, level + 0.06), c)


def _office_chair(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    height = SEATS["office chair"][0]
    dark = (0.10, 0.10, 0.11)
    for dx, dy in ((1, 0.15), (0.4, 0.9), (-0.75, 0.65), (-0.75, -0.65), (0.4, -0.9)):
        b.tube([(0, 0, 0.10), (dx * (x - 0.04), dy * (y - 0.04), 0.06)], 0.022, dark)
        b.sphere((dx * (x - 0.04), dy * (y - 0.04), 0.035), (0.03, 0.03, 0.035), dark, 6, 4)
    b.cylinder((0, 0), 0.03, 0.08, height - 0.07, STEEL, n=8)
    b.box((-x + 0.07, -y + 0.06, height - 0.08), (x - 0.07, y - 0.12, height), c)
    b.box((-0.04, y - 0.12, height - 0.07), (0.04, y - 0.08, height + 0.2), dark)
    b.block((-x + 0.09, y - 0.12, height + 0.12), (2 * x - 0.18, 0, 0), (0, 0.07, 0), (0, 0.04, z - height - 0.12), c)
    for px in (-x + 0.02, x - 0.07):
        b.box((px, -0.12, height + 0.17), (px + 0.05, 0.14, height + 0.20), dark)
        b.box((px, 0.0, height - 0.06), (px + 0.05, 0.04, height + 0.17), dark)


def _cabinet(b: MeshBuilder, size: Size, c: RGB, rows: int, columns: int, foot: float = 0.08) -> None:
    """A closed body on a plinth with a top board and fronts."""
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x + 0.03, -y + 0.06, 0), (x - 0.03, y - 0.02, foot), tone(c, 0.55))
    b.box((-x + 0.005, -y + 0.04, foot), (x - 0.005, y, z - BOARD), c)
    b.box((-x, -y, z - BOARD), (x, y, z), tone(c, 1.06))
    fronts(b, -x + 0.005, x - 0.005, foot, z - BOARD, -y + 0.02, rows, columns, c)


def _sideboard(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    rows, columns = (2, 3) if style == "drawers" else (1, 4)
    _cabinet(b, size, c, rows, columns, foot=0.14)


def _dresser(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    _cabinet(b, size, c, 3, 2 if style == "six drawers" else 1)


def _filing_cabinet(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    _cabinet(b, size, c, 3, 1, foot=0.03)


def _tv_stand(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x, -y, z - BOARD), (x, y, z), c)
    b.box((-x, -y, 0.06), (x, y, 0.06 + BOARD), c)
    b.box((-x, y - 0.02, 0.06), (x, y, z), tone(c, 0.7))
    for px in (-x, -0.27, 0.245, x - 0.025):
        b.box((px, -y, 0.0), (px + 0.025, y, z - BOARD), c)
    for x0, x1 in ((-x + 0.025, -0.27), (0.27, x - 0.025)):
        fronts(b, x0, x1, 0.085, z - BOARD, -y + 0.02, 1, 1, tone(c, 0.9))
    b.box((-0.2, -y + 0.06, 0.085), (0.2, y - 0.05, 0.15), (0.08, 0.08, 0.09))  # a receiver in the open middle


def _nightstand(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x, -y, z - BOARD), (x, y, z), tone(c, 1.06))
    for px in (-x, x - 0.025):
        b.box((px, -y + 0.02, 0), (px + 0.025, y, z - BOARD), c)
    b.box((-x, y - 0.02, 0.08), (x, y, z - BOARD), tone(c, 0.75))
    b.box((-x, -y + 0.02, 0.10), (x, y, 0.125), c)
    if style == "drawer":
        b.box((-x, -y + 0.04, z - 0.20), (x, y, z - BOARD), tone(c, 0.9))
        fronts(b, -x, x, z - 0.20, z - BOARD, -y + 0.02, 1, 1, c)


def _wardrobe(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x + 0.02, -y + 0.05, 0), (x - 0.02, y, 0.07), tone(c, 0.55))
    b.box((-x + 0.01, -y + 0.04, 0.07), (x - 0.01, y, z - 0.05), c)
    b.box((-x, -y, z - 0.05), (x, y, z), tone(c, 0.85))
    fronts(b, -x + 0.01, x - 0.01, 0.07, z - 0.05, -y + 0.02, 1, 3 if style == "three doors" else 2, c)


def _toy_chest(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x + 0.02, -y + 0.02, 0.03), (x - 0.02, y - 0.01, z - 0.05), c)
    b.box((-x, -y, z - 0.05), (x, y, z), tone(c, 0.7))
    b.box((-x, -y, 0), (x, y, 0.05), tone(c, 0.7))
    for k, other in enumerate(((0.95, 0.85, 0.2), (0.9, 0.3, 0.25), (0.3, 0.55, 0.9))):  # three squares on the front
        mid = (k - 1) * 0.5 * x
        b.box((mid - 0.08, -y + 0.005, 0.16), (mid + 0.08, -y + 0.02, 0.32), other)
    b.box((-0.06, -y - 0.0, z - 0.11), (0.06, -y + 0.02, z - 0.07), STEEL)


def _bench(b: MeshBuilder, size: Size, c: RGB, style: str) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    for k in range(3):  # three planks
        low = -y + k * 2 * y / 3
        b.box((-x, low + 0.004, z - 0.035), (x, low + 2 * y / 3 - 0.004, z), c)
    b.box((-x + 0.05, -y + 0.02, z - 0.06), (x - 0.05, y - 0.02, z - 0.036), tone(c, 0.8))
    if style == "panel":
        for px in (-x + 0.06, x - 0.10):
            b.box((px, -y + 0.02, 0), (px + 0.04, y - 0.02, z - 0.06), tone(c, 0.85))
    else:
        legs(b, size, z - 0.05, 0.05, tone(c, 0.8))


def _with_label(draw: Callable, label: str) -> Callable:
    return lambda b, size, c, style: draw(b, size, c, style, label)


FURNITURE_SHAPES: dict[str, Callable[[MeshBuilder, Size, RGB, str], None]] = {
    "sofa": _sofa,
    "armchair": _sofa,
    "coffee table": _table,
    "tv stand": _tv_stand,
    "dining table": _table,
    "dining chair": _dining_chair,
    "sideboard": _sideboard,
    "nightstand": _nightstand,
    "dresser": _dresser,
    "wardrobe": _wardrobe,
    "desk": _desk,
    "office chair": _office_chair,
    "toy chest": _toy_chest,
    "laundry table": _laundry_table,
    "console table": _console,
    "bench": _bench,
    "filing cabinet": _filing_cabinet,
    **{label: _with_label(_shelf, label) for label in SHELF_BOARDS},
    **{label: _with_label(_bed, label) for label in ("double bed", "single bed", "kids bed")},
}
