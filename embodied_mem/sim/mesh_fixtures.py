"""Meshes of kitchen, bathroom and standing fixtures, some of which are on or off.

Arguments as in mesh_furniture.py, plus ``on``: whether the power is on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embodied_mem.sim.catalog import TAP, TV_BASE, Size
from embodied_mem.sim.mesh_furniture import STEEL, fronts
from embodied_mem.sim.mesh_primitives import RGB, MeshBuilder, tone

GLOW: RGB = (1.0, 0.94, 0.66)
DARK: RGB = (0.07, 0.07, 0.08)
CHINA: RGB = (0.93, 0.93, 0.92)


def _television(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-0.22, -y, TV_BASE), (0.22, y, TV_BASE + 0.02), DARK)
    b.box((-0.04, -0.03, TV_BASE + 0.02), (0.04, 0.03, TV_BASE + 0.12), DARK)
    low = TV_BASE + 0.06
    b.box((-x, -0.03, low), (x, 0.03, z), DARK)
    screen = (0.35, 0.65, 1.0) if on else (0.13, 0.14, 0.16)
    b.box((-x + 0.02, -0.036, low + 0.025), (x - 0.02, -0.03, z - 0.02), screen, shines=on)
    if on:  # a landscape: meadow, sun
        b.box((-x + 0.02, -0.040, low + 0.025), (x - 0.02, -0.036, low + 0.17), (0.35, 0.8, 0.35), shines=True)
        b.box((0.3 * x, -0.040, z - 0.18), (0.3 * x + 0.12, -0.036, z - 0.06), (1.0, 0.95, 0.5), shines=True)


def _counter(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    _body(b, size, c)
    b.box((-x, -y, z - 0.04), (x, y, z), (0.33, 0.32, 0.31))
    fronts(b, -x, x, 0.10, z - 0.22, -y + 0.02, 1, 3, c)
    fronts(b, -x, x, z - 0.22, z - 0.04, -y + 0.02, 1, 3, c)


def _body(b: MeshBuilder, size: Size, c: RGB) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x + 0.01, -y + 0.07, 0), (x - 0.01, y, 0.10), tone(c, 0.45))
    b.box((-x + 0.002, -y + 0.04, 0.10), (x - 0.002, y, z - 0.04), c)


def _basin_top(b: MeshBuilder, size: Size, x0: float, x1: float, thick: float, top: RGB, bowl: RGB) -> None:
    """A work top with a real hole from x0 to x1 and a bowl in it."""
    x, y, z = size[0] / 2, size[1] / 2, size[2] - TAP
    y0, y1, floor = -y + 0.07, y - 0.12, z - 0.16
    b.box((-x, -y, z - thick), (x0, y, z), top)
    b.box((x1, -y, z - thick), (x, y, z), top)
    b.box((x0, -y, z - thick), (x1, y0, z), top)
    b.box((x0, y1, z - thick), (x1, y, z), top)
    b.box((x0, y0, floor - 0.01), (x1, y1, floor), tone(bowl, 0.8))
    for low, high in (
        ((x0 - 0.01, y0, floor), (x0, y1, z)),
        ((x1, y0, floor), (x1 + 0.01, y1, z)),
        ((x0, y0 - 0.01, floor), (x1, y0, z)),
        ((x0, y1, floor), (x1, y1 + 0.01, z)),
    ):
        b.box(low, high, bowl)
    mid = (x0 + x1) / 2
    b.cylinder((mid, (y0 + y1) / 2), 0.025, floor, floor + 0.004, DARK, n=8)


def _tap(b: MeshBuilder, x: float, y: float, base: float, reach: float, height: float) -> None:
    b.tube(
        [(x, y, base), (x, y, base + height), (x, y - reach, base + height), (x, y - reach, base + height - 0.04)],
        0.014,
        STEEL,
    )


def _sink_cabinet(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2] - TAP
    b.box((-x + 0.01, -y + 0.07, 0), (x - 0.01, y, 0.10), tone(c, 0.45))
    b.box((-x + 0.002, -y + 0.04, 0.10), (x - 0.002, y, z - 0.18), c)
    b.box((-x + 0.002, -y + 0.04, z - 0.18), (x - 0.002, -y + 0.05, z - 0.03), c)
    for px in (-x + 0.002, x - 0.022):
        b.box((px, -y + 0.05, z - 0.18), (px + 0.02, y, z - 0.03), c)
    fronts(b, -x, x, 0.10, z - 0.05, -y + 0.02, 1, 2, c)
    _basin_top(b, size, 0.05, x - 0.06, 0.03, STEEL, (0.72, 0.73, 0.75))
    _tap(b, x / 2, y - 0.06, z, 0.16, TAP - 0.016)


def _washbasin(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2] - TAP
    b.box((-x + 0.03, -y + 0.05, 0.22), (x - 0.03, y, z - 0.18), c)
    fronts(b, -x + 0.03, x - 0.03, 0.22, z - 0.18, -y + 0.03, 1, 2, c)
    b.box((-x + 0.08, -0.5 * y, 0), (x - 0.08, y, 0.22), tone(c, 0.5))
    b.box((-x, -y, z - 0.18), (x, -y + 0.02, z - 0.05), CHINA)
    for px in (-x, x - 0.02):
        b.box((px, -y, z - 0.18), (px + 0.02, y, z - 0.05), CHINA)
    _basin_top(b, size, -x + 0.06, 0.02, 0.05, CHINA, (0.86, 0.89, 0.91))
    _tap(b, (-x + 0.08) / 2, y - 0.05, z, 0.14, TAP - 0.016)


def _stove(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x, -y + 0.03, 0.02), (x, y, z - 0.012), c)
    b.box((-x, -y + 0.02, z - 0.012), (x, y, z - 0.004), DARK)
    hot, cold = (1.0, 0.25, 0.08), (0.30, 0.30, 0.32)
    for px in (-0.5 * x, 0.5 * x):
        for py in (-0.45 * y, 0.5 * y):
            b.lathe(
                [(0, z - 0.004), (0.095, z - 0.004), (0.095, z), (0, z)], hot if on else cold, (px, py), 14, shines=on
            )
    window = (1.0, 0.70, 0.25) if on else (0.10, 0.10, 0.12)
    b.box((-x + 0.03, -y + 0.012, 0.14), (x - 0.03, -y + 0.03, z - 0.20), tone(c, 0.85))
    b.box((-x + 0.09, -y + 0.006, 0.28), (x - 0.09, -y + 0.012, z - 0.32), window, shines=on)
    b.box((-x + 0.05, -y, z - 0.25), (x - 0.05, -y + 0.012, z - 0.225), STEEL)
    for k in range(5):
        px = (k - 2) * 0.36 * x
        b.box((px - 0.02, -y, z - 0.12), (px + 0.02, -y + 0.03, z - 0.08), DARK)


def _refrigerator(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x, -y + 0.07, 0.03), (x, y, z), tone(c, 0.85))
    b.box((-x + 0.03, -y + 0.09, 0), (x - 0.03, y - 0.03, 0.03), DARK)
    split = 0.62 * z if style == "two doors" else 0.28 * z
    for low, high in ((0.05, split), (split, z)):
        b.box((-x, -y + 0.03, low + 0.008), (x, -y + 0.065, high - 0.008), c)
        near = low + 0.06 if high == z else max(low + 0.04, high - 0.36)  # the handles meet at the gap
        b.box((x - 0.09, -y, near), (x - 0.06, -y + 0.03, min(near + 0.3, high - 0.03)), STEEL)


def _bathtub(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    white = CHINA
    b.box((-x, -y, 0), (x, -y + 0.02, z), white)
    b.box((-x, y - 0.02, 0), (x, y, z), white)
    for px in (-x, x - 0.02):
        b.box((px, -y, 0), (px + 0.02, y, z), white)
    rim, inner = 0.08, 0.14
    for low, high in (
        ((-x, -y), (x, -y + rim)),
        ((-x, y - rim), (x, y)),
        ((-x, -y), (-x + rim, y)),
        ((x - rim, -y), (x, y)),
    ):
        b.box((*low, z - 0.03), (*high, z), white)
    x0, y0 = x - rim, y - rim
    x1, y1, floor = x - rim - inner, y - rim - 0.05, 0.14
    top = [(-x0, -y0, z), (x0, -y0, z), (x0, y0, z), (-x0, y0, z)]
    low = [(-x1, -y1, floor), (x1, -y1, floor), (x1, y1, floor), (-x1, y1, floor)]
    b.sheet(np.array([[*top, top[0]], [*low, low[0]]]), (0.84, 0.87, 0.89))
    b.sheet(np.array([[low[0], low[1]], [low[3], low[2]]]), (0.80, 0.83, 0.86))
    b.box((x - 0.07, -0.02, z - 0.03), (x - 0.03, 0.02, z), STEEL)
    b.box((x - 0.20, -0.015, z - 0.03), (x - 0.07, 0.015, z - 0.01), STEEL)


def _toilet(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x, y - 0.20, 0.38), (x, y, z - 0.03), CHINA)  # cistern
    b.box((-x, y - 0.20, z - 0.03), (x, y, z), tone(CHINA, 0.94))
    b.box((-0.03, y - 0.21, z - 0.12), (0.03, y - 0.20, z - 0.09), STEEL)
    depth = size[1] - 0.20
    middle = (0.0, -y + depth / 2)
    wide = 0.9 * x
    b.lathe([(0.6 * wide, 0), (0.62 * wide, 0.16), (wide, 0.36), (wide, 0.40)], CHINA, middle, 16, depth / 2 / wide)
    b.lathe(
        [(wide, 0.40), (wide, 0.43), (0.62 * wide, 0.43), (0.5 * wide, 0.28), (0, 0.26)],
        (0.86, 0.88, 0.90),
        middle,
        16,
        depth / 2 / wide,
    )
    b.box((-0.5 * x, -0.1, 0.0), (0.5 * x, y - 0.02, 0.38), CHINA)


def _washing_machine(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    b.box((-x, -y + 0.03, 0.0), (x, y, z), c)
    b.box((-x + 0.01, -y + 0.02, z - 0.14), (x - 0.01, -y + 0.03, z - 0.02), tone(c, 0.75))
    b.box((-x + 0.04, -y + 0.012, z - 0.12), (-x + 0.2, -y + 0.02, z - 0.04), tone(c, 0.9))
    b.box((0.02, -y + 0.01, z - 0.11), (0.16, -y + 0.02, z - 0.05), (0.2, 0.95, 0.4) if on else DARK, shines=on)
    b.box((x - 0.10, -y + 0.005, z - 0.11), (x - 0.04, -y + 0.02, z - 0.05), STEEL)
    turn = np.linspace(0, 2 * np.pi, 19)
    middle = 0.46 * z
    rings = ((0.66 * x, 0.03), (0.66 * x, 0.005), (0.50 * x, 0.0), (0.48 * x, 0.02), (0.0, 0.02))
    points = np.array([[(r * np.cos(t), -y + d, middle + r * np.sin(t)) for t in turn] for r, d in rings])
    b.sheet(points[:3], STEEL)
    b.sheet(points[2:], (0.45, 0.75, 1.0) if on else (0.12, 0.14, 0.18), shines=on)


def _drying_rack(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    r = 0.012
    for px in (-0.6 * x, 0.6 * x):  # crossed legs
        b.tube([(px, -y + r, r), (px, 0.55 * y, z - 2 * r)], r, c)
        b.tube([(px, y - r, r), (px, -0.55 * y, z - 2 * r)], r, c)
    for py in (-y + r, y - r):
        b.tube([(-x + r, py, z - r), (x - r, py, z - r)], r, c, 4)
    for k in range(9):  # the lines to hang clothes on
        px = -x + r + k * (x - r) / 4
        b.box((px - 0.008, -y + r, z - 0.016), (px + 0.008, y - r, z), tone(c, 0.9))
    for py in (-0.5 * y, 0.5 * y):
        b.box((-x + r, py - 0.008, z - 0.016), (x - r, py + 0.008, z), tone(c, 0.9))


def _coat_stand(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, z = size[0] / 2, size[2]
    b.cylinder((0, 0), 0.8 * x, 0, 0.03, tone(c, 0.9), n=14)
    b.cylinder((0, 0), 0.028, 0.03, z - 0.02, c, n=8)
    b.sphere((0, 0, z - 0.04), (0.04, 0.04, 0.04), c, 8, 5)
    for level in (z - 0.12, z - 0.45):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            reach = 0.9 * x - 0.02
            b.tube(
                [
                    (0, 0, level - 0.10),
                    (0.6 * dx * reach, 0.6 * dy * reach, level - 0.06),
                    (dx * reach, dy * reach, level + 0.06),
                ],
                0.014,
                c,
                4,
            )
    coat = (0.32, 0.36, 0.42)  # a coat hangs on it
    b.lathe([(0.02, z - 0.22), (0.10, z - 0.30), (0.15, z - 0.85), (0, z - 0.85)], coat, (0.45 * x, 0), 8, 0.7)


def _floor_lamp(b: MeshBuilder, size: Size, c: RGB, style: str, on: bool) -> None:
    x, z = size[0] / 2, size[2]
    b.cylinder((0, 0), 0.62 * x, 0, 0.03, tone(c, 0.8), n=14)
    b.cylinder((0, 0), 0.016, 0.03, z - 0.22, tone(c, 0.8), n=6)
    upper = 0.55 * x if style == "cone" else x
    shade = GLOW if on else (0.80, 0.76, 0.66)
    b.lathe([(x, z - 0.30), (upper, z)], shade, n=16, shines=on)
    b.sphere((0, 0, z - 0.17), (0.05, 0.05, 0.06), (1, 1, 0.9) if on else (0.85, 0.85, 0.85), 8, 5, shines=on)


FIXTURE_SHAPES: dict[str, Callable[[MeshBuilder, Size, RGB, str, bool], None]] = {
    "television": _television,
    "kitchen counter": _counter,
    "sink cabinet": _sink_cabinet,
    "washbasin": _washbasin,
    "stove": _stove,
    "refrigerator": _refrigerator,
    "bathtub": _bathtub,
    "toilet": _toilet,
    "washing machine": _washing_machine,
    "drying rack": _drying_rack,
    "coat stand": _coat_stand,
    "floor lamp": _floor_lamp,
}
