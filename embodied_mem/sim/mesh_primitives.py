"""Triangle soups and the primitives that parametric meshes are built from.

Metres, Z up. Colours are RGB 0..1 per triangle; faces are meant to be seen from both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]
Point = Sequence[float]


@dataclass(frozen=True)
class TriangleSoup:
    """vertices float32 V×3 (m); triangles int32 T×3; colours float32 T×3 in 0..1; emissive bool T (takes no shade)."""

    vertices: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray
    emissive: np.ndarray


def tone(rgb: RGB, factor: float) -> RGB:
    """A darker (factor < 1) or lighter (factor > 1, towards white) tone of one colour."""
    if factor <= 1:
        return (rgb[0] * factor, rgb[1] * factor, rgb[2] * factor)
    mix = min(1.0, factor - 1)
    return (rgb[0] + (1 - rgb[0]) * mix, rgb[1] + (1 - rgb[1]) * mix, rgb[2] + (1 - rgb[2]) * mix)


def print_colour(rgb: RGB) -> RGB:
    """The second colour of a print: a tone of the first, so that the mean still reads as the first colour."""
    if max(rgb) < 0.15:
        return (0.17, 0.17, 0.17)
    return tone(rgb, 0.42 if max(rgb) - min(rgb) > 0.1 else 0.6)


def _is_printed(pattern: str, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Which cells of a grid take the print's colour; i counts rows (up), j columns (around)."""
    if pattern == "striped":
        return (i % 2 == 1) & (j >= 0)
    if pattern == "checked":
        return (i + j) % 2 == 1
    if pattern == "dotted":
        return (i % 2 == 1) & ((j + i // 2) % 2 == 1)
    return np.zeros(np.broadcast(i, j).shape, bool)


class MeshBuilder:
    """Collects primitives; ``build`` returns the soup. Every method takes metres and an RGB colour."""

    def __init__(self) -> None:
        self._vertices: list[np.ndarray] = []
        self._triangles: list[np.ndarray] = []
        self._colours: list[np.ndarray] = []
        self._emissive: list[np.ndarray] = []
        self._count = 0

    def build(self) -> TriangleSoup:
        return TriangleSoup(
            np.concatenate(self._vertices).astype(np.float32),
            np.concatenate(self._triangles).astype(np.int32),
            np.clip(np.concatenate(self._colours), 0, 1).astype(np.float32),
            np.concatenate(self._emissive),
        )

    def sheet(self, points: np.ndarray, colour: RGB, pattern: str = "plain", shines: bool = False) -> None:
        """A surface over a grid of points M×N×3: (M−1)·(N−1) cells of two triangles, printed by cell."""
        m, n = points.shape[:2]
        index = np.arange(m * n).reshape(m, n)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
        triangles = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], -2).reshape(-1, 3)
        printed = _is_printed(pattern, np.arange(m - 1)[:, None], np.arange(n - 1)[None, :])
        colours = np.where(printed[..., None], print_colour(colour), colour)
        self._add(points.reshape(-1, 3), triangles, np.repeat(colours.reshape(-1, 3), 2, axis=0), shines)

    def _add(self, vertices: np.ndarray, triangles: np.ndarray, colours: np.ndarray, shines: bool) -> None:
        corners = vertices[triangles]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        keep = area > 1e-9  # the poles of a lathe fold cells to lines
        self._vertices.append(vertices)
        self._triangles.append(triangles[keep] + self._count)
        self._colours.append(colours[keep])
        self._emissive.append(np.full(int(keep.sum()), shines))
        self._count += len(vertices)

    def block(
        self,
        corner: Point,
        e1: Point,
        e2: Point,
        e3: Point,
        colour: RGB,
        pattern: str = "plain",
        cells: int = 1,
        shines: bool = False,
    ) -> None:
        """A parallelepiped from a corner and three edge vectors; every face has ``cells``² printable cells."""
        o, edges = np.asarray(corner, float), [np.asarray(e, float) for e in (e1, e2, e3)]
        t = np.linspace(0, 1, cells + 1)
        for k in range(3):
            u, v, w = edges[(k + 1) % 3], edges[(k + 2) % 3], edges[k]
            face = o + t[:, None, None] * v + t[None, :, None] * u
            self.sheet(face, colour, pattern, shines)
            self.sheet(face + w, colour, pattern, shines)

    def box(
        self, low: Point, high: Point, colour: RGB, pattern: str = "plain", cells: int = 1, shines: bool = False
    ) -> None:
        """An axis-aligned box between two corners."""
        x, y, z = (float(h) - float(lo) for lo, h in zip(low, high, strict=True))
        self.block(low, (x, 0, 0), (0, y, 0), (0, 0, z), colour, pattern, cells, shines)

    def lathe(
        self,
        profile: Sequence[tuple[float, float]],
        colour: RGB,
        centre: tuple[float, float] = (0.0, 0.0),
        n: int = 14,
        squash: float = 1.0,
        pattern: str = "plain",
        rings: int = 0,
        shines: bool = False,
    ) -> None:
        """A profile of (radius, height) turned about the vertical through ``centre``.

        squash: factor on y; rings > 0 resamples the profile evenly (prints need rings); n = 4 makes a square box.
        """
        line = np.asarray(profile, float)
        if rings:
            along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
            at = np.unique(np.concatenate([along, np.linspace(0, along[-1], rings + 1)]).round(6))
            line = np.stack([np.interp(at, along, line[:, k]) for k in (0, 1)], axis=1)
        turn = 2 * np.pi * (np.arange(n + 1) + (0.5 if n == 4 else 0)) / n
        scale = np.sqrt(2) if n == 4 else 1.0
        points = np.empty((len(line), n + 1, 3))
        points[..., 0] = centre[0] + scale * line[:, :1] * np.cos(turn)
        points[..., 1] = centre[1] + scale * squash * line[:, :1] * np.sin(turn)
        points[..., 2] = line[:, 1:]
        self.sheet(points, colour, pattern, shines)

    def cylinder(
        self,
        centre: tuple[float, float],
        radius: float,
        z0: float,
        z1: float,
        colour: RGB,
        top: float | None = None,
        n: int = 10,
        shines: bool = False,
    ) -> None:
        """A closed upright cylinder, or a frustum where ``top`` is the upper radius."""
        upper = radius if top is None else top
        self.lathe([(0, z0), (radius, z0), (upper, z1), (0, z1)], colour, centre, n, shines=shines)

    def sphere(
        self,
        centre: Point,
        radii: Point,
        colour: RGB,
        n: int = 10,
        rings: int = 6,
        pattern: str = "plain",
        shines: bool = False,
    ) -> None:
        """An ellipsoid."""
        polar = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)[:, None]
        turn = np.linspace(0, 2 * np.pi, n + 1)[None, :]
        unit = np.stack(
            np.broadcast_arrays(np.cos(polar) * np.cos(turn), np.cos(polar) * np.sin(turn), np.sin(polar)), -1
        )
        self.sheet(np.asarray(centre, float) + unit * np.asarray(radii, float), colour, pattern, shines)

    def tube(self, path: Sequence[Point], radius: float, colour: RGB, n: int = 5, shines: bool = False) -> None:
        """A round rod along a polyline."""
        line = np.asarray(path, float)
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        helper = np.where(np.abs(along[:, 2:]) > 0.9, [[1.0, 0, 0]], [[0, 0, 1.0]])
        side = np.cross(along, helper)
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        up = np.cross(side, along)
        turn = np.linspace(0, 2 * np.pi, n + 1)[None, :, None]
        ring = line[:, None] + radius * (np.cos(turn) * side[:, None] + np.sin(turn) * up[:, None])
        ends = (np.repeat(line[:1, None], n + 1, 1), np.repeat(line[-1:, None], n + 1, 1))
        self.sheet(np.concatenate([ends[0], ring, ends[1]]), colour, shines=shines)

    def arc(
        self,
        centre: Point,
        u: Point,
        v: Point,
        start: float,
        stop: float,
        radius: float,
        colour: RGB,
        steps: int = 6,
        n: int = 5,
    ) -> None:
        """A rod bent along an elliptic arc: centre + cos·u + sin·v for angles in degrees (a mug's handle)."""
        angle = np.radians(np.linspace(start, stop, steps + 1))[:, None]
        path = np.asarray(centre, float) + np.cos(angle) * np.asarray(u, float) + np.sin(angle) * np.asarray(v, float)
        self.tube(path, radius, colour, n)

    def append(self, other: MeshBuilder, offset: Point = (0.0, 0.0, 0.0)) -> None:
        """Adds what another builder has collected, moved by ``offset``."""
        soup = other.build()
        self._vertices.append(soup.vertices + np.asarray(offset, float))
        self._triangles.append(soup.triangles + self._count)
        self._colours.append(soup.colours.astype(float))
        self._emissive.append(soup.emissive)
        self._count += len(soup.vertices)
