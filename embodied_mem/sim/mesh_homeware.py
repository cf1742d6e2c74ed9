"""Meshes of movable things, part three: light, decoration, bags, clothes.

Arguments as in mesh_tableware.py: builder, size, body colour, :class:`Look`.
"""

from __future__ import annotations

import numpy as np

from embodied_mem.sim.catalog import Size
from embodied_mem.sim.mesh_belongings import cells_of, disc
from embodied_mem.sim.mesh_fixtures import GLOW
from embodied_mem.sim.mesh_primitives import RGB, MeshBuilder, tone
from embodied_mem.sim.mesh_tableware import DARK, PAPER, STEEL, Look, vessel

LEAF: RGB = (0.12, 0.55, 0.18)
CLAY: RGB = (0.66, 0.38, 0.24)


def _desk_lamp(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, _, z = s
    r = x / 2
    b.cylinder((0, 0), 0.7 * r, 0, 0.05 * z, tone(c, 0.7), n=14)
    b.cylinder((0, 0), 0.09 * r, 0.05 * z, 0.62 * z, STEEL, n=6)
    b.lathe([(0.82 * r, 0.72 * z), (0.5 * r, z)], c)
    b.lathe([(r, 0.56 * z), (0.82 * r, 0.72 * z)], GLOW if k.on else tone(c, 0.85), shines=k.on)
    b.sphere(
        (0, 0, 0.68 * z), (0.35 * r, 0.35 * r, 0.11 * z), (1, 1, 0.88) if k.on else (0.8, 0.8, 0.78), 8, 5, shines=k.on
    )
    if k.on:  # light falls out of the upper opening too
        b.lathe([(0.5 * r, 0.995 * z), (0, 0.98 * z)], GLOW, shines=True)


def _vase(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = 0.5 * s[0], s[2]
    n = k.corners
    profile = [
        (0, 0),
        (0.55 * r, 0),
        (0.95 * r, 0.22 * z),
        (0.8 * r, 0.42 * z),
        (0.4 * r, 0.58 * z),
        (0.55 * r, 0.66 * z),
    ]
    b.lathe(profile, c, n=n, pattern=k.print, rings=8 if k.print != "plain" else 0)
    for dx, dy, h, colour in (
        (-0.5, 0.1, 0.88, (0.95, 0.4, 0.5)),
        (0.45, -0.3, 0.84, (0.98, 0.85, 0.3)),
        (0.1, 0.45, 0.93, (0.95, 0.95, 0.95)),
    ):
        b.tube([(0, 0, 0.5 * z), (dx * r, dy * r, h * z)], 0.045 * r, LEAF, 4)
        b.sphere((dx * r, dy * r, h * z), (0.2 * r, 0.2 * r, 0.05 * z), colour, 7, 4)


def _candle(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    b.cylinder((0, 0), r, 0, 0.06 * z, STEEL, n=12)
    b.lathe([(0.8 * r, 0.06 * z), (0.8 * r, 0.84 * z), (0.5 * r, 0.82 * z), (0, 0.82 * z)], c, n=k.corners)
    b.cylinder((0, 0), 0.06 * r, 0.82 * z, z, DARK, n=5)


def _plant(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, _, z = s
    r = 0.5 * x
    vessel(b, 0.55 * r, 0.32 * z, CLAY, Look(), foot=0.75, floor=0.8)
    for i in range(11):  # leaves: bent blades around the stem
        a = 2.4 * i
        reach, height = (0.95, 0.72) if i % 2 else (0.7, 0.98)
        d, side = np.array([np.cos(a), np.sin(a), 0]), np.array([-np.sin(a), np.cos(a), 0])
        spine = [(0.05, 0.3), (0.5 * reach, 0.85 * height), (reach, height if i % 2 == 0 else 0.62)]
        rows = [
            [d * q * r + np.array([0, 0, h * z]) - side * w * r, d * q * r + np.array([0, 0, h * z]) + side * w * r]
            for (q, h), w in zip(spine, (0.06, 0.22, 0.02), strict=True)
        ]
        b.sheet(np.array(rows), tone(c, 0.75 + 0.08 * (i % 4)))


def _picture_frame(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    lean = 0.4 * y

    def panel(x0: float, x1: float, z0: float, z1: float, forward: float, colour: RGB) -> None:
        b.block(
            (x0 * x, -y / 2 + lean * z0 + forward, z0 * z),
            ((x1 - x0) * x, 0, 0),
            (0, lean * (z1 - z0), (z1 - z0) * z),
            (0, 0.1 * y, 0),
            colour,
        )

    for x0, x1, z0, z1 in ((-0.5, 0.5, 0, 0.2), (-0.5, 0.5, 0.8, 1), (-0.5, -0.28, 0.2, 0.8), (0.28, 0.5, 0.2, 0.8)):
        panel(x0, x1, z0, z1, 0.0, c)
    panel(-0.28, 0.28, 0.2, 0.45, 0.03 * y, (0.42, 0.50, 0.36))  # a landscape
    panel(-0.28, 0.28, 0.45, 0.8, 0.03 * y, (0.62, 0.66, 0.70))
    b.block((-0.06 * x, 0.40 * y, 0), (0.12 * x, 0, 0), (0, -0.35 * y, 0.7 * z), (0, 0.08 * y, 0), tone(c, 0.7))


def _clock(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    middle, r = 0.52 * z, 0.48 * z
    if k.shape == "square":
        b.box((-x / 2, -0.4 * y, 0.04 * z), (x / 2, y / 2, z), c)
    else:
        disc(b, (0, 0.5 * y, middle), r, c, -0.9 * y, n=18)
    disc(b, (0, -0.4 * y, middle), 0.72 * r, PAPER, -0.04 * y, n=18)
    for dx, dz in ((0.0, 0.55), (0.38, 0.15)):
        b.tube([(0, -0.46 * y, middle), (dx * r, -0.46 * y, middle + dz * r)], 0.04 * y, DARK, 4)
    for px in (-0.3, 0.3):
        b.box((px * x - 0.05 * x, -0.4 * y, 0), (px * x + 0.05 * x, 0.4 * y, 0.2 * z), tone(c, 0.6))


def _fan(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r, middle = 0.48 * x, z - 0.5 * x
    b.cylinder((0, 0), 0.3 * x, 0, 0.06 * z, c, n=14)
    b.cylinder((0, 0.15 * y), 0.05 * x, 0.06 * z, middle, c, n=8)
    b.box((-0.1 * x, 0.0, middle - 0.1 * x), (0.1 * x, 0.48 * y, middle + 0.1 * x), c)
    for front in (-0.48, -0.1):
        b.arc((0, front * y, middle), (r, 0, 0), (0, 0, r), 0, 360, 0.02 * x, c, steps=16, n=4)
    if k.on:  # blurred blades and a light
        disc(b, (0, -0.28 * y, middle), 0.9 * r, tone(c, 1.4), -0.01, n=18)
        b.sphere((0.15 * x, -0.2 * y, 0.06 * z), (0.04 * x, 0.04 * x, 0.03 * z), (0.3, 1.0, 0.4), 6, 4, shines=True)
    else:
        for i in range(3):
            a = 2 * np.pi * i / 3 + 0.5
            u, v = np.array([np.cos(a), 0, np.sin(a)]), np.array([-np.sin(a), 0.0, np.cos(a)])
            hub = np.array([0, -0.28 * y, middle])
            rows = [
                [hub + 0.1 * r * u - 0.1 * r * v, hub + 0.1 * r * u + 0.1 * r * v],
                [hub + 0.88 * r * u - 0.28 * r * v, hub + 0.85 * r * u + 0.28 * r * v],
            ]
            b.sheet(np.array(rows), tone(c, 0.7))
    b.sphere((0, -0.34 * y, middle), (0.1 * x, 0.1 * y, 0.1 * x), DARK, 8, 5)


def _backpack(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    cells, top = cells_of(k, 6), 0.80 * z
    b.box((-0.46 * x, -0.2 * y, 0), (0.46 * x, 0.42 * y, top), c, k.print, cells)
    b.box((-0.34 * x, -0.46 * y, 0.06 * z), (0.34 * x, -0.2 * y, 0.42 * z), tone(c, 0.85))
    b.box((-0.3 * x, -0.48 * y, 0.36 * z), (0.3 * x, -0.46 * y, 0.39 * z), DARK)
    for side in (-1, 1):
        b.tube(
            [
                (side * 0.25 * x, 0.40 * y, 0.08 * z),
                (side * 0.28 * x, 0.47 * y, 0.4 * z),
                (side * 0.2 * x, 0.40 * y, 0.78 * z),
            ],
            0.03 * y,
            tone(c, 0.5),
        )
    if k.open:  # the flap hangs over the back, the inside is dark, books look out
        b.box((-0.40 * x, -0.14 * y, top), (0.40 * x, 0.34 * y, top + 0.002), DARK)
        b.block((-0.46 * x, 0.40 * y, top), (0.92 * x, 0, 0), (0, 0.04 * y, 0.20 * z), (0, 0.05 * y, 0), tone(c, 0.9))
        b.box((-0.28 * x, -0.05 * y, top), (0.05 * x, 0.08 * y, 0.94 * z), PAPER)
        b.box((0.08 * x, 0.0, top), (0.28 * x, 0.12 * y, 0.90 * z), (0.85, 0.6, 0.2))
    else:
        b.sphere((0, 0.11 * y, top), (0.46 * x, 0.31 * y, 0.13 * z), tone(c, 0.92), 12, 6)
        b.arc((0, 0.11 * y, 0.92 * z), (0.12 * x, 0, 0), (0, 0, 0.065 * z), 0, 180, 0.012 * z, DARK)


def _handbag(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    body = 0.62 * z
    b.lathe(
        [(0.5 * x, 0), (0.38 * x, body), (0, body)],
        c,
        n=4,
        squash=y / x,
        pattern=k.print,
        rings=6 if k.print != "plain" else 0,
    )
    b.box((-0.3 * x, -0.5 * y, 0.45 * body), (0.3 * x, -0.33 * y, body), tone(c, 0.75))
    b.box((-0.05 * x, -0.505 * y + 0.001, 0.40 * body), (0.05 * x, -0.45 * y, 0.55 * body), (0.95, 0.8, 0.35))
    b.arc((0, 0, body), (0.26 * x, 0, 0), (0, 0, 0.95 * (z - body)), 0, 180, 0.05 * y, tone(c, 0.6), steps=8)


def _umbrella(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r = 0.5 * min(y, z)
    turn = np.linspace(0, 2 * np.pi, 13)
    # Folded and lying: a cone along x with folds, tip to the right, crook to the left.
    profile = ((-0.28, 0.98), (-0.25, 0.85), (-0.1, 0.75), (0.05, 0.65), (0.2, 0.5), (0.34, 0.32), (0.42, 0.1))
    rows = [
        [
            (px * x, q * r * np.cos(t) * (1 - 0.15 * (i % 2)), r + q * r * np.sin(t) * (1 - 0.15 * (i % 2)))
            for i, t in enumerate(turn)
        ]
        for px, q in profile
    ]
    b.sheet(np.array(rows), c, k.print)
    b.tube([(-0.40 * x, 0, r), (0.5 * x, 0, r)], 0.006, STEEL)
    b.arc((-0.42 * x, 0.2 * y, r), (-0.07 * x, 0, 0), (0, 0.2 * y, 0), -90, 90, 0.012, (0.45, 0.28, 0.15))


def _shoe(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    for side in (-1, 1):  # a pair, toes to −x
        my = side * 0.27 * y
        b.sphere((0, my, 0.10 * z), (0.5 * x, 0.215 * y, 0.10 * z), tone(c, 1.3), 12, 4)
        b.sphere((-0.2 * x, my, 0.28 * z), (0.28 * x, 0.2 * y, 0.28 * z), c, 10, 6)
        b.lathe([(0.22 * x, 0.12 * z), (0.21 * x, 0.6 * z), (0.2 * x, z)], c, (0.24 * x, my), 12, 0.2 * y / (0.22 * x))
        b.lathe(
            [(0.2 * x, z), (0.18 * x, 0.9 * z), (0, 0.4 * z)], tone(c, 0.4), (0.24 * x, my), 12, 0.2 * y / (0.22 * x)
        )
        for px in (-0.16, -0.06):
            b.box((px * x, my - 0.1 * y, 0.5 * z), ((px + 0.04) * x, my + 0.1 * y, 0.66 * z), PAPER)


def _slipper(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    for side in (-1, 1):
        my = side * 0.27 * y
        b.sphere((0, my, 0.14 * z), (0.5 * x, 0.215 * y, 0.14 * z), tone(c, 0.7), 12, 4)
        b.sphere((0.12 * x, my, 0.22 * z), (0.32 * x, 0.17 * y, 0.08 * z), tone(c, 1.12), 10, 4)
        turn, along = np.linspace(0, np.pi, 9), np.linspace(0, 1, 5)
        rows = [
            [
                (
                    (-0.46 + 0.45 * t) * x,
                    my + (0.09 + 0.12 * t**0.5) * y * np.cos(a),
                    (0.15 + 0.85 * t**0.6 * np.sin(a)) * z,
                )
                for a in turn
            ]
            for t in along
        ]
        b.sheet(np.array(rows), c, k.print)


def _hat(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r, squash = x / 2, y / x
    b.lathe([(r, 0.06 * z), (0.6 * r, 0), (0.56 * r, 0.1 * z)], c, n=18, squash=squash)
    b.lathe(
        [(0.56 * r, 0.1 * z), (0.55 * r, 0.6 * z), (0.42 * r, 0.94 * z), (0, z)],
        c,
        n=14,
        squash=squash,
        pattern=k.print,
        rings=6 if k.print != "plain" else 0,
    )
    b.lathe([(0.58 * r, 0.1 * z), (0.57 * r, 0.3 * z)], tone(c, 0.4), n=14, squash=squash)


def _wallet(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-x / 2, -y / 2, 0), (x / 2, y / 2, 0.35 * z), tone(c, 0.9))
    b.block((-x / 2, -y / 2, 0.38 * z), (x, 0, 0.12 * z), (0, y, 0), (0, 0, 0.35 * z), c)
    b.box((-0.40 * x, -0.40 * y, 0.33 * z), (0.42 * x, 0.5 * y, 0.42 * z), (0.6, 0.8, 0.6))  # notes
    b.box((0.32 * x, -0.15 * y, 0.6 * z), (0.48 * x, 0.15 * y, 0.95 * z), tone(c, 0.6))


HOMEWARE_SHAPES = {
    "desk lamp": _desk_lamp,
    "vase": _vase,
    "candle": _candle,
    "plant": _plant,
    "picture frame": _picture_frame,
    "clock": _clock,
    "fan": _fan,
    "backpack": _backpack,
    "handbag": _handbag,
    "umbrella": _umbrella,
    "shoe": _shoe,
    "slipper": _slipper,
    "hat": _hat,
    "wallet": _wallet,
}
