"""Meshes of movable things, part two: reading, devices, toys.

Arguments as in mesh_tableware.py: builder, size, body colour, :class:`Look`.
"""

from __future__ import annotations

import numpy as np

from embodied_mem.sim.catalog import Size
from embodied_mem.sim.mesh_primitives import RGB, MeshBuilder, tone
from embodied_mem.sim.mesh_tableware import DARK, PAPER, STEEL, Look

BLUE_GLOW: RGB = (0.55, 0.78, 1.0)


def cells_of(k: Look, n: int = 5) -> int:
    """Cells along an edge of a face: many only where a print needs them."""
    return n if k.print != "plain" else 1


def _book(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-x / 2, -y / 2, 0.76 * z), (x / 2, y / 2, z - 0.002), c, k.print, cells_of(k))
    b.box((-x / 2, -y / 2, 0), (x / 2, y / 2, 0.24 * z), c)
    b.box((-x / 2, -y / 2, 0.24 * z), (-x / 2 + 0.01, y / 2, 0.76 * z), tone(c, 0.8))
    b.box((-x / 2 + 0.01, -y / 2 + 0.008, 0.24 * z), (x / 2 - 0.008, y / 2 - 0.008, 0.76 * z), PAPER)
    b.box((-0.25 * x, 0.15 * y, z - 0.002), (0.2 * x, 0.25 * y, z), PAPER)  # the title


def _notebook(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-0.46 * x, -0.48 * y, 0.06 * z), (0.48 * x, 0.48 * y, 0.28 * z), PAPER)
    b.box((-0.46 * x, -y / 2, 0), (x / 2, y / 2, 0.06 * z), c)
    b.box((-0.46 * x, -y / 2, 0.28 * z), (x / 2, y / 2, 0.42 * z), c, k.print, cells_of(k))
    for i in range(5):  # the spiral
        b.box((-x / 2, (-0.4 + 0.19 * i) * y, 0), (-0.42 * x, (-0.36 + 0.19 * i) * y, 0.5 * z), STEEL)
    b.tube([(-0.2 * x, -0.35 * y, 0.52 * z), (0.35 * x, 0.3 * y, 0.52 * z)], 0.07 * z, DARK)  # a pen


def _magazine(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.block((-0.45 * x, -0.46 * y, 0), (0.9 * x, 0.06 * y, 0), (-0.05 * x, 0.86 * y, 0), (0, 0, 0.3 * z), tone(c, 0.8))
    b.box((-x / 2, -y / 2, 0.3 * z), (x / 2, y / 2, 0.6 * z), c)
    b.box((-0.45 * x, 0.22 * y, 0.6 * z), (0.45 * x, 0.42 * y, 0.62 * z), PAPER)
    b.sphere((0.05 * x, -0.15 * y, 0.6 * z), (0.2 * x, 0.22 * y, 0.04 * z), (0.95, 0.75, 0.6), 8, 4)


def _newspaper(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-x / 2, -y / 2, 0), (x / 2, y / 2, 0.35 * z), tone(c, 0.92))
    b.block((-x / 2, -y / 2, 0.35 * z), (0.95 * x, 0, 0.1 * z), (0, 0.94 * y, 0.2 * z), (0, 0, 0.15 * z), c)
    ink = (0.2, 0.2, 0.2)
    for i in range(4):  # headline and columns, lying on the sloping page
        low = -0.42 + 0.2 * i
        for j in range(1 if i == 3 else 3):
            left = -0.46 + 0.3 * j
            width = 0.8 if i == 3 else 0.22
            base = 0.51 + 0.1 * (left + 0.5) + 0.2 * (low + 0.5)
            b.block(
                (left * x, low * y, base * z),
                (width * x, 0, 0.1 * width * z),
                (0, 0.09 * y, 0.02 * z),
                (0, 0, 0.01 * z),
                ink,
            )


def _laptop(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    base = 0.018
    b.box((-x / 2, -y / 2, 0), (x / 2, 0.42 * y, base), c)
    if not k.open:
        b.box((-x / 2, -y / 2, base + 0.003), (x / 2, 0.42 * y, 2 * base), tone(c, 1.1))
        b.box((-0.05 * x, -0.1 * y, 2 * base), (0.05 * x, 0.05 * y, 2 * base + 0.001), STEEL)
        return
    b.box((-0.44 * x, -0.10 * y, base), (0.44 * x, 0.36 * y, base + 0.003), DARK)  # keys
    b.box((-0.14 * x, -0.44 * y, base), (0.14 * x, -0.18 * y, base + 0.002), tone(c, 0.7))
    lean, depth = 0.07 * y, 0.010
    b.block((-x / 2, 0.42 * y - depth, base), (x, 0, 0), (0, lean, z - base), (0, depth, 0), c)
    b.block(
        (-0.46 * x, 0.42 * y - depth - 0.003 + 0.05 * lean, base + 0.05 * z),
        (0.92 * x, 0, 0),
        (0, 0.85 * lean, 0.85 * (z - base)),
        (0, 0.003, 0),
        BLUE_GLOW,
        shines=True,
    )


def _tablet(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.block((-x / 2, -y / 2, 0.02 * z), (x, 0, 0), (0, 0.62 * y, 0.96 * z), (0, 0.12 * y, 0), c)
    b.block(
        (-0.36 * x, -0.40 * y, 0.18 * z),
        (0.72 * x, 0, 0),
        (0, 0.40 * y, 0.62 * z),
        (0, 0.02 * y, 0),
        (0.25, 0.28, 0.32),
    )
    b.block((-0.2 * x, 0.44 * y, 0), (0.4 * x, 0, 0), (0, -0.3 * y, 0.7 * z), (0, 0.05 * y, 0), tone(c, 0.6))


def _phone(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.lathe([(0.5 * x, 0), (0.42 * x, 0.22 * z), (0, 0.22 * z)], tone(c, 0.8), n=4, squash=y / x)
    b.block((-0.26 * x, -0.2 * y, 0.15 * z), (0.52 * x, 0, 0), (0, 0.3 * y, 0.82 * z), (0, 0.25 * y, 0), c)
    b.block((-0.18 * x, -0.06 * y, 0.62 * z), (0.36 * x, 0, 0), (0, 0.08 * y, 0.2 * z), (0, 0.02 * y, 0), BLUE_GLOW)
    for i in range(3):
        for j in range(3):
            b.block(
                ((-0.18 + 0.14 * j) * x, (-0.185 + 0.045 * i) * y, (0.25 + 0.12 * i) * z),
                (0.09 * x, 0, 0),
                (0, 0.02 * y, 0.07 * z),
                (0, 0.02 * y, 0),
                STEEL,
            )


def _remote(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.block((-x / 2, -y / 2, 0), (x, 0, 0), (0, y, 0), (0, 0, 0.7 * z), c)
    b.sphere((0.38 * x, 0, 0.7 * z), (0.05 * x, 0.15 * y, 0.15 * z), (0.9, 0.2, 0.2), 6, 4)
    b.lathe([(0.30 * y, 0.7 * z), (0.28 * y, 0.85 * z), (0, 0.85 * z)], STEEL, (0.15 * x, 0), 10)
    for i in range(4):
        for j in range(3):
            px, py = (-0.42 + 0.11 * i) * x, (-0.32 + 0.25 * j) * y
            b.box((px, py, 0.7 * z), (px + 0.06 * x, py + 0.14 * y, 0.85 * z), STEEL)


def _controller(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.sphere((0, 0.12 * y, 0.42 * z), (0.4 * x, 0.32 * y, 0.33 * z), c, 12, 6)
    for side in (-1, 1):
        b.sphere((side * 0.34 * x, -0.12 * y, 0.36 * z), (0.16 * x, 0.38 * y, 0.36 * z), c, 8, 6)
        b.cylinder((side * 0.14 * x, -0.02 * y), 0.06 * x, 0.6 * z, z, DARK, n=8)
    for px, py, colour in ((0.28, 0.2, (0.9, 0.3, 0.2)), (0.36, 0.1, (0.3, 0.8, 0.3)), (0.28, 0.02, (0.3, 0.5, 0.95))):
        b.cylinder((px * x, py * y), 0.03 * x, 0.55 * z, 0.80 * z, colour, n=6)
    b.box((-0.36 * x, 0.08 * y, 0.6 * z), (-0.2 * x, 0.15 * y, 0.80 * z), STEEL)


def _headphones(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r = 0.34 * z
    for side in (-1, 1):
        b.sphere((side * 0.36 * x, 0, r), (0.13 * x, 0.5 * y, r), c, 10, 6)
        b.sphere((side * 0.27 * x, 0, r), (0.07 * x, 0.42 * y, 0.85 * r), DARK, 8, 5)
    b.arc((0, 0, 0.5 * z), (0.40 * x, 0, 0), (0, 0, 0.44 * z), 0, 180, 0.055 * z, c, steps=9)


def _speaker(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-x / 2, -0.46 * y, 0), (x / 2, y / 2, z), c)
    for height, r in ((0.32 * z, 0.36 * x), (0.76 * z, 0.2 * x)):
        disc(b, (0, -0.46 * y, height), r, tone(STEEL, 0.7), -0.02 * y)
        disc(b, (0, -0.48 * y, height), 0.75 * r, DARK, -0.015 * y)


def disc(b: MeshBuilder, centre: tuple, r: float, c: RGB, bulge: float, shines: bool = False, n: int = 14) -> None:
    """A disc that faces the front (−y) with a rim of depth ``bulge``."""
    turn = np.linspace(0, 2 * np.pi, n + 1)
    rows = [
        [(centre[0] + q * np.cos(t), centre[1] + d, centre[2] + q * np.sin(t)) for t in turn]
        for q, d in ((r, 0), (r, bulge), (0, bulge))
    ]
    b.sheet(np.array(rows), c, shines=shines)


def _radio(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    body = 0.72 * z
    b.box((-x / 2, -0.42 * y, 0), (x / 2, y / 2, body), c)
    disc(b, (-0.24 * x, -0.42 * y, 0.5 * body), 0.38 * body, DARK, -0.06 * y)
    b.box(
        (0.02 * x, -0.47 * y, 0.55 * body),
        (0.44 * x, -0.42 * y, 0.88 * body),
        (0.5, 1.0, 0.6) if k.on else (0.18, 0.2, 0.18),
        shines=k.on,
    )
    for px in (0.12, 0.34):
        disc(b, (px * x, -0.42 * y, 0.28 * body), 0.14 * body, STEEL, -0.07 * y, n=8)
    b.tube([(0.4 * x, 0.2 * y, body), (0.2 * x, 0.2 * y, 0.98 * z)], 0.012 * x, STEEL)
    b.tube(
        [(-0.42 * x, 0, body), (-0.38 * x, 0, 0.88 * z), (0.1 * x, 0, 0.88 * z), (0.14 * x, 0, body)],
        0.02 * x,
        tone(c, 0.5),
    )


def _camera(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-x / 2, -0.05 * y, 0), (x / 2, 0.5 * y, 0.76 * z), c)
    b.lathe([(0.2 * x, 0.76 * z), (0.12 * x, z), (0, z)], tone(c, 0.8), (0, 0.2 * y), 4)
    disc(b, (0, -0.05 * y, 0.38 * z), 0.33 * z, STEEL, -0.2 * y)
    disc(b, (0, -0.25 * y, 0.38 * z), 0.28 * z, DARK, -0.25 * y)
    disc(b, (0, -0.5 * y + 0.001, 0.38 * z), 0.18 * z, (0.35, 0.45, 0.65), 0.0005)
    b.cylinder((0.36 * x, 0.2 * y), 0.06 * x, 0.76 * z, 0.88 * z, STEEL, n=8)


def _scissors(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    for side in (-1, 1):
        b.block(
            (-0.02 * x, -side * 0.03 * y, 0.3 * z),
            (0.5 * x, side * 0.30 * y, 0),
            (0.02 * x, -side * 0.09 * y, 0),
            (0, 0, 0.3 * z),
            tone(STEEL, 0.6),
        )
        b.tube([(0.0, side * 0.02 * y, 0.45 * z), (-0.16 * x, -side * 0.12 * y, 0.45 * z)], 0.08 * y, c)
        b.arc(
            (-0.30 * x, -side * 0.25 * y, 0.45 * z),
            (0.16 * x, 0, 0),
            (0, 0.17 * y, 0),
            0,
            360,
            0.08 * y,
            c,
            steps=9,
            n=6,
        )


def _toy_car(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-x / 2, -0.46 * y, 0.18 * z), (x / 2, 0.46 * y, 0.58 * z), c)
    b.lathe([(0.28 * x, 0.58 * z), (0.19 * x, z), (0, z)], c, (0.04 * x, 0), 4, 0.8 * y / (0.56 * x))
    for side in (-1, 1):
        b.block(
            (-0.17 * x, side * 0.40 * y - 0.01 * y, 0.62 * z),
            (0.42 * x, 0, 0),
            (-0.04 * x, -side * 0.08 * y, 0.28 * z),
            (0, 0.02 * y * side, 0),
            (0.75, 0.88, 0.95),
        )
        for px in (-0.28, 0.28):
            turn = np.linspace(0, 2 * np.pi, 11)
            rows = [
                [(px * x + q * np.cos(t), side * d * y, 0.2 * z + q * np.sin(t)) for t in turn]
                for q, d in ((0.2 * z, 0.36), (0.2 * z, 0.5), (0.08 * z, 0.5), (0, 0.49))
            ]
            b.sheet(np.array(rows), DARK)
    for py in (-0.3, 0.3):
        b.sphere((-0.48 * x, py * y, 0.42 * z), (0.02 * x, 0.08 * y, 0.07 * z), (1, 1, 0.8), 6, 4)


def _teddy(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.sphere((0, 0.1 * y, 0.30 * z), (0.34 * x, 0.38 * y, 0.30 * z), c)
    b.sphere((0, 0.05 * y, 0.72 * z), (0.31 * x, 0.36 * y, 0.22 * z), c)
    b.sphere((0, -0.26 * y, 0.67 * z), (0.13 * x, 0.14 * y, 0.08 * z), tone(c, 1.4), 8, 5)
    b.sphere((0, -0.38 * y, 0.69 * z), (0.04 * x, 0.04 * y, 0.025 * z), DARK, 6, 4)
    for side in (-1, 1):
        b.sphere((side * 0.24 * x, 0.05 * y, 0.90 * z), (0.12 * x, 0.12 * y, 0.10 * z), c, 8, 5)
        b.sphere((side * 0.12 * x, -0.26 * y, 0.77 * z), (0.03 * x, 0.04 * y, 0.022 * z), DARK, 6, 4)
        b.sphere((side * 0.38 * x, -0.1 * y, 0.42 * z), (0.11 * x, 0.22 * y, 0.09 * z), c, 8, 5)
        b.sphere((side * 0.26 * x, -0.26 * y, 0.11 * z), (0.15 * x, 0.24 * y, 0.11 * z), tone(c, 0.9), 8, 5)


def _blocks(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, _, z = s
    for i, (dx, dy, f) in enumerate(
        ((0, 0, 1.0), (0.03, -0.02, 0.85), (-0.03, 0.03, 0.72), (0.02, 0, 0.62), (0, 0, 0.5))
    ):
        r = 0.5 * x * f * 0.97
        shift = (dx * x * (1 - f) * 4, dy * x * (1 - f) * 4)
        other = c if i % 2 == 0 else tone(c, 0.5 if i == 1 else 1.45)
        b.box((shift[0] - r, shift[1] - r, i * 0.2 * z), (shift[0] + r, shift[1] + r, (i + 0.97) * 0.2 * z), other)


def _ball(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.sphere((0, 0, z / 2), (x / 2, y / 2, z / 2), c, 16, 9, k.print)
    if k.print == "plain":
        b.lathe([(0.502 * x * 0.985, 0.46 * z), (0.502 * x * 0.985, 0.54 * z)], tone(c, 0.6), n=16)


BELONGING_SHAPES = {
    "book": _book,
    "notebook": _notebook,
    "magazine": _magazine,
    "newspaper": _newspaper,
    "laptop": _laptop,
    "tablet": _tablet,
    "phone": _phone,
    "remote control": _remote,
    "game controller": _controller,
    "headphones": _headphones,
    "speaker": _speaker,
    "radio": _radio,
    "camera": _camera,
    "scissors": _scissors,
    "toy car": _toy_car,
    "teddy bear": _teddy,
    "block tower": _blocks,
    "ball": _ball,
}
