"""What can be seen now and from where: every reachable viewpoint of a lattice rendered once, and shortest tours.

True, low-resolution views of the house at question time; for question makers and scorers only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from embodied_mem.geodesic import Grid
from embodied_mem.tasks.la_eqa.seen import COUNTED_PX, EVIDENCE_PX, pixels_of
from embodied_mem.types import planar_pose

STEP_M = 0.5  # lattice of viewpoints
HEADINGS = 6  # 60° apart, with a field of view of 75°
SHRINK = 2  # views are rendered at half the size; a pixel there stands for four

Pose = tuple[float, float, float]


@dataclass
class PresentView:
    """``spots``: P×2 positions (m); ``views[p]``: one (yaw, {id: pixels at full size}) per heading."""

    grid: Grid
    spots: np.ndarray
    views: list[list[tuple[float, dict[int, int]]]]
    _best: dict[int, int] = field(default_factory=dict, repr=False)
    _far: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for spot in self.views:
            for _, seen in spot:
                for thing, pixels in seen.items():
                    self._best[thing] = max(self._best.get(thing, 0), pixels)

    def counted(self, thing: int) -> bool:
        """Whether some reachable pose sees it with at least 60 pixels."""
        return self._best.get(thing, 0) >= COUNTED_PX

    def tour(self, start: Pose, groups: list[set[int]]) -> tuple[float, list[Pose]]:
        """Shortest way from ``start`` that sees one member (≥ 60 pixels) of every group: metres and poses in order.

        Exact on the lattice (dynamic programming over the groups seen); turning is free. (inf, []) if impossible.
        """
        if not groups:
            return 0.0, []
        covers = np.array([self._mask(p, groups) for p in range(len(self.spots))])
        full = (1 << len(groups)) - 1
        useful = np.flatnonzero(covers)
        if not len(useful) or np.bitwise_or.reduce(covers) != full:
            return math.inf, []
        cost = np.full((full + 1, len(useful)), np.inf)
        back = np.full((full + 1, len(useful), 2), -1, np.int64)
        first = self._from(start[:2])[useful]
        mask_of = covers[useful]
        for j, mask in enumerate(mask_of):
            cost[mask, j] = first[j]
        legs = np.stack([self._from(self.spots[p])[useful] for p in useful]) if self._several(covers, full) else None
        for mask in range(1, full + 1 if legs is not None else 0):
            self._extend(mask, mask_of, cost, back, legs)
        return self._unwind(cost, back, useful, groups, full)

    @staticmethod
    def _several(covers: np.ndarray, full: int) -> bool:
        return full & (full - 1) != 0

    @staticmethod
    def _extend(mask: int, mask_of: np.ndarray, cost: np.ndarray, back: np.ndarray, legs: np.ndarray) -> None:
        known = np.flatnonzero(np.isfinite(cost[mask]))
        if not len(known):
            return
        through = cost[mask, known][:, None] + legs[known]
        best = through.argmin(axis=0)
        reached = through[best, np.arange(through.shape[1])]
        for j in range(len(mask_of)):
            more = mask | int(mask_of[j])
            if more != mask and reached[j] < cost[more, j] - 1e-9:
                cost[more, j] = reached[j]
                back[more, j] = (mask, known[best[j]])

    def _unwind(self, cost, back, useful, groups, full) -> tuple[float, list[Pose]]:
        j = int(cost[full].argmin())
        metres, mask, poses = float(cost[full, j]), full, []
        while mask > 0:
            poses = self._poses_at(int(useful[j]), groups) + poses
            mask, j = (int(v) for v in back[mask, j])
        return round(metres, 3), poses

    def _mask(self, spot: int, groups: list[set[int]]) -> int:
        return sum(
            1 << g
            for g, group in enumerate(groups)
            if any(seen.get(t, 0) >= COUNTED_PX for _, seen in self.views[spot] for t in group)
        )

    def _poses_at(self, spot: int, groups: list[set[int]]) -> list[Pose]:
        """The fewest headings (greedily) that see what this spot sees of the groups."""
        sees = {
            yaw: {g for g, group in enumerate(groups) if any(seen.get(t, 0) >= COUNTED_PX for t in group)}
            for yaw, seen in self.views[spot]
        }
        left, poses = set().union(*sees.values()), []
        x, y = (round(float(v), 3) for v in self.spots[spot])
        while left:
            yaw = max(sees, key=lambda a: len(sees[a] & left))
            left -= sees[yaw]
            poses.append((x, y, round(yaw, 4)))
        return poses

    def _from(self, xy) -> np.ndarray:
        """Geodesic metres from a position to every spot."""
        cell = self.grid.cell(xy)
        key = cell[0] * 100_000 + cell[1]
        if key not in self._far:
            field_ = self.grid.distances_from(tuple(float(v) for v in xy))
            at = np.array([self.grid.cell(s) for s in self.spots])
            far = field_[at[:, 0], at[:, 1]].astype(float)
            self._far[key] = np.where(far < self.grid.resolution, 0.0, far)
        return self._far[key]


def lattice(grid: Grid, step: float = STEP_M) -> np.ndarray:
    """P×2 positions: centres of the passable cells nearest a square lattice, the largest connected part only."""
    from scipy.ndimage import label

    parts, _ = label(grid.passable)
    main = np.bincount(parts[grid.passable]).argmax() if grid.passable.any() else 1
    stride = max(1, round(step / grid.resolution))
    cells = [(i, j) for i, j in np.argwhere(parts == main) if i % stride == 0 and j % stride == 0]
    return np.array([grid.centre(c) for c in cells]).reshape(-1, 2)


def look_around(renderer, grid: Grid, spots: np.ndarray, time: float) -> PresentView:
    """Render every spot in HEADINGS directions; the renderer shows the present, its camera is shrunk by SHRINK."""
    least = EVIDENCE_PX // SHRINK**2
    views = []
    for x, y in spots:
        around = []
        for h in range(HEADINGS):
            yaw = h * 2 * math.pi / HEADINGS
            instances = renderer.render(planar_pose(float(x), float(y), yaw), time).instance
            seen = {t: px * SHRINK**2 for t, px in pixels_of(np.asarray(instances)).items() if px >= least}
            around.append((yaw, seen))
        views.append(around)
    return PresentView(grid, spots, views)
