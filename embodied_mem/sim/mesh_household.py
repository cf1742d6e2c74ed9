"""Meshes of movable things, part four: bathroom, cleaning, textiles, boxes and baskets.

Arguments as in mesh_tableware.py: builder, size, body colour, :class:`Look`.
"""

from __future__ import annotations

import numpy as np

from embodied_mem.sim.catalog import Size
from embodied_mem.sim.mesh_belongings import cells_of
from embodied_mem.sim.mesh_primitives import RGB, MeshBuilder, tone
from embodied_mem.sim.mesh_tableware import DARK, PAPER, STEEL, Look, vessel


def _toilet_roll(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    b.lathe([(0.35 * r, 0), (r, 0), (r, z), (0.35 * r, z)], c, n=16)
    b.lathe([(0.35 * r, z), (0.35 * r, 0.05 * z), (0, 0.05 * z)], (0.45, 0.34, 0.24), n=10)
    b.box((0.6 * r, -0.98 * r, 0.0), (0.98 * r, -0.7 * r, 0.9 * z), tone(c, 0.95))


def _soap_bottle(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r = 0.5 * y
    b.lathe([(0, 0), (r, 0), (r, 0.55 * z), (0.4 * r, 0.68 * z), (0, 0.68 * z)], c)
    b.cylinder((0, 0), 0.2 * r, 0.68 * z, 0.92 * z, PAPER, n=6)
    b.box((-0.45 * x, -0.12 * y, 0.92 * z), (0.2 * x, 0.12 * y, z), PAPER)


def _toothbrush_cup(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    vessel(b, 0.95 * r, 0.58 * z, c, k, foot=0.85)
    for dx, dy, colour in ((0.35, 0.3, (0.9, 0.3, 0.3)), (-0.45, 0.1, (0.3, 0.5, 0.9))):
        b.tube([(0, 0, 0.1 * z), (dx * 2 * r * 0.8, dy * r, 0.96 * z)], 0.07 * r, colour)
        px = dx * 1.5 * r
        b.box((px - 0.1 * r, dy * r - 0.14 * r, 0.82 * z), (px + 0.1 * r, dy * r + 0.14 * r, z), PAPER)


def _detergent(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-x / 2, -0.48 * y, 0), (0.2 * x, 0.5 * y, 0.70 * z), c)
    b.box((0.36 * x, -0.3 * y, 0.12 * z), (x / 2, 0.3 * y, 0.70 * z), c)  # the grip and its hole
    b.box((0.2 * x, -0.3 * y, 0.0), (x / 2, 0.3 * y, 0.14 * z), c)
    b.box((0.2 * x, -0.3 * y, 0.58 * z), (x / 2, 0.3 * y, 0.70 * z), c)
    b.lathe([(0.48 * x, 0.70 * z), (0.2 * x, 0.82 * z)], c, (-0.02 * x, 0), 12, 0.5)
    b.cylinder((-0.02 * x, 0), 0.2 * x, 0.82 * z, z, tone(c, 0.45), n=12)
    b.box((-0.4 * x, -0.5 * y, 0.18 * z), (0.08 * x, -0.48 * y, 0.52 * z), PAPER)


def _iron(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s

    def outline(f: float, h: float) -> list:
        return [
            (-0.5 * x * f, 0, h),
            (-0.1 * x, -0.45 * y * f, h),
            (0.45 * x * f, -0.5 * y * f, h),
            (0.45 * x * f, 0.5 * y * f, h),
            (-0.1 * x, 0.45 * y * f, h),
            (-0.5 * x * f, 0, h),
        ]

    b.sheet(np.array([outline(1, 0), outline(1, 0.12 * z)]), STEEL)
    b.sheet(np.array([outline(0.95, 0.12 * z), outline(0.8, 0.5 * z), outline(0.0, 0.55 * z)]), c)
    b.tube(
        [(-0.2 * x, 0, 0.5 * z), (-0.15 * x, 0, 0.9 * z), (0.38 * x, 0, 0.9 * z), (0.40 * x, 0, 0.4 * z)],
        0.09 * z,
        tone(c, 0.6),
    )
    b.sphere(
        (-0.05 * x, 0, 0.62 * z),
        (0.05 * x, 0.1 * y, 0.10 * z),
        (1.0, 0.25, 0.05) if k.on else (0.3, 0.3, 0.3),
        6,
        4,
        shines=k.on,
    )


def _hairbrush(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.sphere((-0.22 * x, 0, 0.35 * z), (0.28 * x, 0.5 * y, 0.35 * z), c, 12, 6)
    b.tube([(0.0, 0, 0.3 * z), (0.25 * x, 0, 0.3 * z), (0.49 * x, 0, 0.3 * z)], 0.12 * y, c, 6)
    b.box((-0.40 * x, -0.32 * y, 0.5 * z), (-0.06 * x, 0.32 * y, z), DARK)


def _basket(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    body, squash = (0.78 * z, y / x)
    vessel(
        b,
        0.5 * x,
        body,
        c,
        Look("checked", k.shape),
        foot=0.85,
        n=4 if k.shape == "square" else 16,
        squash=squash,
        floor=0.06,
    )
    if k.full:
        for px, py, colour in ((-0.18, -0.1, tone(c, 1.6)), (0.16, -0.08, PAPER), (0, 0.16, tone(c, 0.5))):
            b.sphere((px * x, py * y, 0.80 * z), (0.22 * x, 0.22 * y, 0.20 * z), colour, 8, 5)


def _waste_bin(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    body = 0.82 * z
    vessel(b, 0.5 * x, body, c, k, foot=0.75, n=k.corners, floor=0.05)
    b.lathe([(0.5 * x, 0.93 * body), (0.5 * x, body)], tone(c, 0.6), n=k.corners)
    if k.full:  # crumpled paper
        for px, py, pz in ((-0.16, -0.1, 0.82), (0.17, -0.1, 0.84), (0, 0.17, 0.83), (0, 0, 0.90)):
            b.sphere((px * x, py * y, pz * z), (0.17 * x, 0.17 * x, 0.10 * z), PAPER, 6, 4)


def _bucket(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    body, r = 0.72 * z, 0.48 * x
    vessel(b, r, body, c, k, foot=0.72, floor=0.05)
    b.lathe([(r, 0.94 * body), (1.03 * r, 0.96 * body), (r, body)], tone(c, 0.7))
    b.arc((0, 0, body * 0.95), (r, 0, 0), (0, 0.5 * r, z - body - 0.0), 0, 180, 0.006, STEEL, steps=8)
    if k.full:
        b.lathe([(0, 0.9 * body), (0.9 * r, 0.9 * body)], (0.35, 0.62, 0.92))


def _watering_can(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r, middle = 0.48 * y, (0.12 * x, 0.0)
    b.lathe([(0, 0), (r, 0), (0.85 * r, 0.66 * z), (0, 0.66 * z)], c, middle)
    b.tube([(middle[0] - 0.8 * r, 0, 0.12 * z), (-0.36 * x, 0, 0.74 * z)], 0.03 * x, c)
    b.tube([(-0.35 * x, 0, 0.72 * z), (-0.42 * x, 0, 0.80 * z)], 0.07 * x, tone(c, 0.7), 8)
    b.tube(
        [
            (middle[0] - 0.6 * r, 0, 0.64 * z),
            (middle[0], 0, 0.94 * z),
            (0.42 * x, 0, 0.84 * z),
            (0.46 * x, 0, 0.45 * z),
            (middle[0] + 0.9 * r, 0, 0.22 * z),
        ],
        0.035 * z,
        tone(c, 0.8),
    )


def _pillow(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    t = np.linspace(-1, 1, 8)
    u, v = np.meshgrid(t, t)
    lift = ((1 - u**4) * (1 - v**4)) ** 0.6
    pinch = 1 - 0.08 * (1 - np.abs(u * v))
    top = np.stack([u * pinch * x / 2, v * pinch * y / 2, z / 2 * (1 + lift)], -1)
    under = np.stack([u * pinch * x / 2, v * pinch * y / 2, z / 2 * (1 - lift)], -1)
    b.sheet(top, c, k.print)
    b.sheet(under[::3, ::3] if k.print == "plain" else under, tone(c, 0.9))


def _blanket(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    """Folded over and over: soft layers, seen at the front as a stack, with a fringe."""
    x, y, z = s
    for i in range(3):
        low = i * z / 3
        slack = 0.02 * x * i
        b.box(
            (-x / 2 + slack, -y / 2 + 0.03 * y, low + 0.004),
            (x / 2 - slack, y / 2, low + z / 3),
            tone(c, 1 - 0.06 * (2 - i)),
            k.print,
            cells_of(k, 5 if i == 2 else 3),
        )
    for i in range(9):
        px = (-0.46 + 0.11 * i) * x
        b.box((px, -y / 2, 0.36 * z), (px + 0.04 * x, -0.46 * y, 0.64 * z), tone(c, 1.5))


def _towel(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    """Two folded towels with a rounded front fold and a band."""
    x, y, z = s
    for i in range(2):
        low, high = i * z / 2 + 0.003, (i + 1) * z / 2 - 0.003
        mid, half = (low + high) / 2, (high - low) / 2
        turn = np.linspace(np.pi / 2, 3 * np.pi / 2, 6)
        line = [
            (y / 2, high),
            *[(-y / 2 + half + half * np.cos(a), mid + half * np.sin(a)) for a in turn],
            (y / 2, low),
        ]
        across = np.linspace(-x / 2, x / 2, 8)
        b.sheet(
            np.array([[(px, py, pz) for px in across] for py, pz in _subdivided(line)]),
            tone(c, 1 - 0.1 * (1 - i)),
            k.print,
        )
    b.box((-x / 2, -0.05 * y, z - 0.003), (x / 2, 0.05 * y, z), tone(c, 1.5))


def _subdivided(line: list) -> list:
    """The long first stretch of a profile in five, so that prints have cells on top."""
    (y0, z0), (y1, z1) = line[0], line[1]
    return [(y0 + (y1 - y0) * i / 5, z0 + (z1 - z0) * i / 5) for i in range(5)] + line[1:]


def _box(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    body, px, py = 0.72 * z, 0.42 * x, 0.42 * y
    cells = cells_of(k, 4)
    if not k.open:
        b.box((-px, -py, 0), (px, py, body), c, k.print, cells)
        b.box((-px - 0.01 * x, -py - 0.01 * y, body), (px + 0.01 * x, py + 0.01 * y, 0.86 * z), tone(c, 1.15))
        b.box((-0.06 * x, -py - 0.015 * y, 0.5 * z), (0.06 * x, py + 0.015 * y, 0.87 * z), tone(c, 0.6))
        return
    t = 0.01
    for low, high in (
        ((-px, -py), (px, -py + t)),
        ((-px, py - t), (px, py)),
        ((-px, -py), (-px + t, py)),
        ((px - t, -py), (px, py)),
    ):
        b.box((*low, 0), (*high, body), c, k.print, min(cells, 3))
    b.box((-px + t, -py + t, 0.1 * z), (px - t, py - t, 0.12 * z), tone(c, 0.35))
    for side in (-1, 1):  # flaps stand up and out
        b.block(
            (side * px, -py, body),
            (side * 0.07 * x, 0, 0.26 * z),
            (0, 2 * py, 0),
            (side * 0.01 * x, 0, 0),
            tone(c, 1.15),
        )
        b.block(
            (-px, side * py, body),
            (0, side * 0.07 * y, 0.24 * z),
            (2 * px, 0, 0),
            (0, side * 0.01 * y, 0),
            tone(c, 1.15),
        )


HOUSEHOLD_SHAPES = {
    "toilet roll": _toilet_roll,
    "soap bottle": _soap_bottle,
    "toothbrush cup": _toothbrush_cup,
    "detergent bottle": _detergent,
    "iron": _iron,
    "hairbrush": _hairbrush,
    "basket": _basket,
    "waste bin": _waste_bin,
    "bucket": _bucket,
    "watering can": _watering_can,
    "pillow": _pillow,
    "blanket": _blanket,
    "towel": _towel,
    "box": _box,
}
