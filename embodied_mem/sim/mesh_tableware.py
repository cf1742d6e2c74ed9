"""Meshes of movable things, part one: kitchen and table.

Every function draws into a box of size ``s`` (x, y, z metres, origin at the centre of the base, front −y) with the
body in colour ``c``; ``k`` is the :class:`Look`. Accents stay small, so that the mean colour is the body's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from embodied_mem.sim.catalog import Size
from embodied_mem.sim.mesh_primitives import RGB, MeshBuilder, tone

STEEL: RGB = (0.62, 0.63, 0.65)
DARK: RGB = (0.08, 0.08, 0.09)
PAPER: RGB = (0.93, 0.92, 0.88)
FRUIT: tuple[RGB, ...] = ((0.85, 0.15, 0.12), (0.98, 0.62, 0.10), (0.55, 0.75, 0.15), (0.95, 0.85, 0.2))


@dataclass(frozen=True)
class Look:
    """How a thing looks beside its colour: print, shape, states."""

    print: str = "plain"
    shape: str = ""
    states: dict[str, str] = field(default_factory=dict)

    @property
    def on(self) -> bool:
        return self.states.get("power") == "on"

    @property
    def open(self) -> bool:
        return self.states.get("openness") == "open"

    @property
    def full(self) -> bool:
        return self.states.get("fill") == "full"

    @property
    def corners(self) -> int:
        """Corners of a body that may be round or square."""
        return 4 if self.shape == "square" else 14


def vessel(
    b: MeshBuilder,
    r: float,
    z: float,
    c: RGB,
    k: Look,
    foot: float = 0.8,
    wall: float = 0.06,
    n: int = 14,
    squash: float = 1.0,
    floor: float = 0.1,
) -> None:
    """An open vessel: outside printed, rim, darker inside down to its floor."""
    rings = 6 if k.print != "plain" else 0
    b.lathe([(0, 0), (foot * r, 0), (r, z)], c, n=n, squash=squash, pattern=k.print, rings=rings)
    inner = r * (1 - wall)
    b.lathe([(r, z), (inner, z), (foot * inner, floor * z), (0, floor * z)], tone(c, 0.72), n=n, squash=squash)


def _mug(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r = y / 2
    shift = MeshBuilder()
    vessel(shift, r, z, c, k, foot=0.92, wall=0.1)
    shift.arc((r * 0.95, 0, z * 0.5), (x - 2 * r - 0.008, 0, 0), (0, 0, z * 0.3), -90, 90, 0.008, c)
    b.append(shift, (-(x / 2 - r), 0, 0))


def _glass(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    vessel(b, s[0] / 2, s[2], tone(c, 1.25), k, foot=0.72, wall=0.08, floor=0.15)
    b.lathe([(0, 0.45 * s[2]), (0.40 * s[0], 0.45 * s[2])], tone(c, 0.85))  # water


def _plate(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    rings = 7 if k.print != "plain" else 0
    for lift in (0.0, 0.28, 0.56):  # three plates, so that a plate is seen from the side
        b.lathe([(0.5 * r, lift * z), (r, (lift + 0.3) * z), (r, (lift + 0.44) * z)], tone(c, 0.95), n=16)
    b.lathe([(r, z), (0.72 * r, 0.72 * z), (0, 0.72 * z)], c, n=16, pattern=k.print, rings=rings)


def _bowl(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    rings = 6 if k.print != "plain" else 0
    b.lathe([(0, 0), (0.5 * r, 0), (0.82 * r, 0.45 * z), (r, z)], c, n=16, pattern=k.print, rings=rings)
    b.lathe([(r, z), (0.94 * r, z), (0.76 * r, 0.45 * z), (0.3 * r, 0.15 * z), (0, 0.15 * z)], tone(c, 0.75), n=16)


def _fruit_bowl(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    _bowl(b, (x, y, 0.62 * z), c, k)
    if k.full:
        for i, (px, py, pz) in enumerate(((-0.2, -0.1, 0.5), (0.2, -0.12, 0.5), (0, 0.2, 0.5), (0.02, -0.02, 0.74))):
            b.sphere((px * x, py * y, pz * z), (0.15 * x, 0.15 * x, 0.24 * z), FRUIT[i], 8, 5)


def _bottle(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    b.lathe([(0, 0), (0.97 * r, 0), (0.97 * r, 0.55 * z), (0.35 * r, 0.74 * z), (0.35 * r, 0.93 * z), (0, 0.93 * z)], c)
    b.cylinder((0, 0), 0.42 * r, 0.93 * z, z, tone(c, 0.4), n=8)
    b.lathe([(1.0 * r, 0.2 * z), (1.0 * r, 0.45 * z)], tone(c, 1.6))


def _thermos(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    rings = 8 if k.print != "plain" else 0
    b.lathe([(0, 0), (r, 0), (r, 0.70 * z), (0.75 * r, 0.76 * z)], c, pattern=k.print, rings=rings)
    b.cylinder((0, 0), 0.8 * r, 0.76 * z, 0.80 * z, STEEL)
    b.cylinder((0, 0), 0.8 * r, 0.80 * z, z, tone(c, 0.8), top=0.68 * r)


def _kettle(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r, shift = y / 2, -0.04 * x
    b.cylinder((shift, 0), r, 0, 0.09 * z, DARK, n=14)
    b.lathe([(0.95 * r, 0.09 * z), (0.98 * r, 0.15 * z), (0.68 * r, 0.80 * z), (0, 0.86 * z)], c, (shift, 0))
    b.sphere((shift, 0, 0.88 * z), (0.18 * r, 0.18 * r, 0.05 * z), DARK, 8, 4)
    b.tube([(shift - 0.7 * r, 0, 0.55 * z), (-0.45 * x, 0, 0.80 * z)], 0.014, c)  # spout
    b.tube(
        [
            (shift + 0.6 * r, 0, 0.84 * z),
            (0.42 * x, 0, 0.94 * z),
            (0.44 * x, 0, 0.30 * z),
            (shift + 0.9 * r, 0, 0.22 * z),
        ],
        0.013,
        DARK,
    )
    light = (1.0, 0.45, 0.05) if k.on else (0.25, 0.25, 0.25)
    b.lathe([(0.985 * r, 0.10 * z), (0.99 * r, 0.16 * z)], light, (shift, 0), shines=k.on)
    if k.on:  # steam
        for px, pz in ((-0.36, 0.90), (-0.28, 0.955)):
            b.sphere((px * x, 0, pz * z), (0.02, 0.02, 0.03 * z), (0.97, 0.97, 1.0), 6, 4, shines=True)


def _teapot(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r, shift = y / 2, 0.0
    rings = 7 if k.print != "plain" else 0
    profile = [(0, 0), (0.55 * r, 0), (r, 0.35 * z), (0.9 * r, 0.6 * z), (0.45 * r, 0.82 * z), (0, 0.86 * z)]
    b.lathe(profile, c, (shift, 0), pattern=k.print, rings=rings)
    b.sphere((shift, 0, 0.93 * z), (0.2 * r, 0.2 * r, 0.07 * z), tone(c, 0.7), 8, 4)
    b.tube([(-0.85 * r, 0, 0.3 * z), (-0.36 * x, 0, 0.42 * z), (-0.45 * x, 0, 0.75 * z)], 0.014, c)
    b.arc((0.8 * r, 0, 0.48 * z), (0.48 * x - 0.8 * r - 0.012, 0, 0), (0, 0, 0.27 * z), -90, 90, 0.010, c)


def _pot(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r = y / 2
    b.lathe([(0, 0), (0.95 * r, 0), (r, 0.75 * z)], c, n=16)
    b.lathe([(r, 0.75 * z), (0.98 * r, 0.78 * z), (0.4 * r, 0.88 * z), (0, 0.88 * z)], tone(c, 1.25), n=16)
    b.cylinder((0, 0), 0.16 * r, 0.88 * z, z, DARK, n=8)
    for side in (-1, 1):
        b.tube(
            [
                (side * 0.95 * r, -0.3 * r, 0.6 * z),
                (side * (x / 2 - 0.012), -0.25 * r, 0.62 * z),
                (side * (x / 2 - 0.012), 0.25 * r, 0.62 * z),
                (side * 0.95 * r, 0.3 * r, 0.6 * z),
            ],
            0.011,
            DARK,
        )


def _pan(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    r, middle = y / 2, (-x / 2 + y / 2, 0.0)
    b.lathe([(0, 0), (0.8 * r, 0), (r, 0.6 * z)], c, middle, 16)
    b.lathe([(r, 0.6 * z), (0.95 * r, 0.6 * z), (0.78 * r, 0.1 * z), (0, 0.1 * z)], tone(c, 0.7), middle, 16)
    b.tube([(middle[0] + 0.95 * r, 0, 0.5 * z), (x / 2 - 0.01, 0, 0.85 * z)], 0.013, DARK)


def _cutting_board(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-x / 2, -y / 2, 0), (0.3 * x, y / 2, 0.4 * z), c)
    b.box((0.3 * x, -0.12 * y, 0), (x / 2, 0.12 * y, 0.4 * z), c)
    b.box((-0.40 * x, -0.3 * y, 0.4 * z), (-0.05 * x, -0.22 * y, 0.55 * z), STEEL)  # a knife
    b.box((-0.05 * x, -0.32 * y, 0.4 * z), (0.15 * x, -0.20 * y, 0.62 * z), DARK)
    b.sphere((0.02 * x, 0.15 * y, 0.7 * z), (0.1 * x, 0.1 * x, 0.3 * z), FRUIT[0], 8, 5)


def _jar(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    b.lathe([(0, 0), (0.95 * r, 0), (r, 0.1 * z), (r, 0.68 * z), (0.75 * r, 0.80 * z)], c)
    b.cylinder((0, 0), 0.82 * r, 0.80 * z, z, tone(c, 0.5), n=14)
    b.box((-0.45 * r, -1.0 * r, 0.25 * z), (0.45 * r, -0.8 * r, 0.50 * z), PAPER)


def _lunch_box(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    cells = 4 if k.print != "plain" else 1
    b.box((-x / 2, -0.47 * y, 0), (x / 2, 0.5 * y, 0.52 * z), c, k.print, cells)
    b.box((-x / 2, -0.47 * y, 0.56 * z), (x / 2, 0.5 * y, 0.75 * z), tone(c, 1.2))
    b.box((-0.48 * x, -0.45 * y, 0.52 * z), (0.48 * x, 0.48 * y, 0.56 * z), tone(c, 0.5))
    for px in (-0.3, 0.2):
        b.box((px * x, -0.5 * y, 0.42 * z), ((px + 0.1) * x, -0.46 * y, 0.68 * z), DARK)
    b.tube(
        [(-0.25 * x, 0, 0.75 * z), (-0.2 * x, 0, 0.93 * z), (0.2 * x, 0, 0.93 * z), (0.25 * x, 0, 0.75 * z)],
        0.006,
        DARK,
    )


def _toaster(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    x, y, z = s
    b.box((-0.46 * x, -0.46 * y, 0), (0.46 * x, 0.46 * y, 0.08 * z), DARK)
    b.box((-0.46 * x, -y / 2, 0.08 * z), (0.46 * x, y / 2, 0.78 * z), c)
    b.box((-0.43 * x, -0.42 * y, 0.78 * z), (0.43 * x, 0.42 * y, 0.84 * z), tone(c, 1.15))
    for py in (-0.24, 0.1):  # slots with toast
        b.box((-0.36 * x, py * y, 0.84 * z), (0.36 * x, (py + 0.14) * y, 0.85 * z), DARK)
        b.box((-0.28 * x, (py + 0.02) * y, 0.84 * z), (0.28 * x, (py + 0.12) * y, z), (0.75, 0.52, 0.28))
    b.box((0.46 * x, -0.1 * y, 0.5 * z), (x / 2, 0.1 * y, 0.58 * z), DARK)


def _blender(b: MeshBuilder, s: Size, c: RGB, k: Look) -> None:
    r, z = s[0] / 2, s[2]
    b.lathe([(0, 0), (r, 0), (0.7 * r, 0.36 * z), (0, 0.36 * z)], c)
    b.box((-0.3 * r, -0.98 * r, 0.08 * z), (0.3 * r, -0.7 * r, 0.18 * z), DARK)
    b.lathe([(0.5 * r, 0.36 * z), (0.78 * r, 0.90 * z)], tone(c, 1.3))
    b.lathe([(0.80 * r, 0.90 * z), (0.75 * r, 0.96 * z), (0, z)], c)
    b.tube(
        [(0.6 * r, 0, 0.8 * z), (0.93 * r, 0, 0.78 * z), (0.88 * r, 0, 0.5 * z), (0.55 * r, 0, 0.5 * z)], 0.05 * r, c
    )


TABLEWARE_SHAPES = {
    "mug": _mug,
    "glass": _glass,
    "plate": _plate,
    "bowl": _bowl,
    "fruit bowl": _fruit_bowl,
    "bottle": _bottle,
    "thermos": _thermos,
    "kettle": _kettle,
    "teapot": _teapot,
    "pot": _pot,
    "pan": _pan,
    "cutting board": _cutting_board,
    "jar": _jar,
    "lunch box": _lunch_box,
    "toaster": _toaster,
    "blender": _blender,
}
