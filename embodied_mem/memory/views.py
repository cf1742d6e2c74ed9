"""Where a visit looked: for any spot, the frames that had it in view, unoccluded and near enough to detect.

Negative evidence rests on this: not to see a thing says something only where one has looked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from embodied_mem.memory.palace import MindPalace
from embodied_mem.types import Camera, Frame, FrameRef

STRIDE = 4  # of the depth that is kept
MAX_RANGE_M = 4.0
MARGIN_PX = 6  # a spot nearer to the image's edge is cut off
BEHIND_M = 0.15  # a surface this much nearer than the spot hides it
MIN_PIXELS = 60  # smaller things are not detected by the index gear
CELL_M, CELL_RAD = 0.5, math.radians(30)
# Nominal rates of the index gear: share missed up to NEAR_M, at FAR_M, linear between.
MISS_NEAR, MISS_FAR, NEAR_M, FAR_M = 0.15, 0.60, 2.0, 5.0
HIDDEN = 0.03  # share of things that no viewpoint shows though their spot is in view


@dataclass(frozen=True)
class Look:
    """How well a visit looked at one spot. ``frames``: nearest first; ``views``: distinct viewpoints among them;
    ``overlooked``: probability that a thing there would have been missed by all of them (1: nobody looked)."""

    frames: tuple[FrameRef, ...]
    views: int
    overlooked: float


NO_LOOK = Look((), 0, 1.0)


class Views:
    """The poses and thinned depth images of one visit, kept in memory (about 4 MB for 400 frames)."""

    def __init__(self, camera: Camera):
        self.camera = camera
        self.refs: list[FrameRef] = []
        self.cells: list[tuple[int, int, int]] = []
        self._to_camera: list[np.ndarray] = []
        self._depth: list[np.ndarray] = []
        self._stacked: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def of_visit(cls, palace: MindPalace, visit: str) -> Views:
        """Rebuild the views of a stored visit from its depth images (about 0.3 s for 400 frames)."""
        nodes = palace.frames(visit)
        views = cls(nodes[0].camera if nodes else Camera())
        for node in nodes:
            views.add(palace.load_depth(node.ref), node.ref, node.base_to_map, node.camera_to_map, node.mode)
        return views

    @classmethod
    def of_frames(cls, frames: Iterable[Frame]) -> Views:
        """Views of frames at hand (the present)."""
        frames = list(frames)
        views = cls(frames[0].camera if frames else Camera())
        for frame in frames:
            views.add(frame.depth, frame.ref, frame.base_to_map, frame.camera_to_map, frame.mode)
        return views

    def add(
        self, depth: np.ndarray, ref: FrameRef, base_to_map: np.ndarray, camera_to_map: np.ndarray,
        mode: str = "navigation",
    ) -> None:  # fmt: skip
        """Add one frame: depth float32 H W metres and its poses (4×4)."""
        self.refs.append(ref)
        self.cells.append(view_cell(base_to_map, mode))
        self._to_camera.append(np.linalg.inv(camera_to_map)[:3])
        self._depth.append(depth[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE].astype(np.float16))
        self._stacked = None

    def looks(self, spots: np.ndarray, apparent: np.ndarray, since: Sequence[int] | None = None) -> list[Look]:
        """One :class:`Look` for each spot. ``spots``: N 3, map frame; ``apparent``: N, pixels · range²; ``since``: N,
        the frame index from which on a look at the spot counts (None: all count)."""
        if not self.refs or not len(spots):
            return [NO_LOOK] * len(spots)
        visible, distance = self._visible(np.asarray(spots, dtype=np.float64))
        visible &= np.asarray(apparent) >= MIN_PIXELS * distance**2
        if since is not None and any(since):
            visible &= np.array([ref.index for ref in self.refs])[:, None] >= np.asarray(since)
        return [self._look(visible[:, i], distance[:, i]) for i in range(len(spots))]

    def _visible(self, spots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """bool F N: spot N is inside frame F, near and not hidden; and its distance F N."""
        if self._stacked is None:
            self._stacked = np.stack(self._to_camera), np.stack(self._depth)
        poses, depth = self._stacked
        seen = np.einsum("fij,nj->fni", poses[:, :, :3], spots) + poses[:, None, :, 3]
        z = seen[..., 2]
        ahead = np.maximum(z, 0.05)
        u = seen[..., 0] / ahead * self.camera.focal + self.camera.width / 2
        v = seen[..., 1] / ahead * self.camera.focal + self.camera.height / 2
        distance = np.linalg.norm(seen, axis=2)
        inside = (z > 0.05) & (distance < MAX_RANGE_M) & (u > MARGIN_PX) & (u < self.camera.width - MARGIN_PX)
        inside &= (v > MARGIN_PX) & (v < self.camera.height - MARGIN_PX)
        rows = np.clip(v / STRIDE, 0, depth.shape[1] - 1).astype(np.intp)
        columns = np.clip(u / STRIDE, 0, depth.shape[2] - 1).astype(np.intp)
        frames, which = np.nonzero(inside)
        surface = depth[frames, rows[frames, which], columns[frames, which]].astype(np.float64)
        inside[frames, which] = (surface == 0) | (surface > z[frames, which] - BEHIND_M)
        return inside, distance

    def _look(self, visible: np.ndarray, distance: np.ndarray) -> Look:
        frames = np.flatnonzero(visible)
        if not len(frames):
            return NO_LOOK
        frames = frames[np.argsort(distance[frames], kind="stable")]
        nearest: dict[tuple[int, int, int], float] = {}
        for frame in frames:
            nearest.setdefault(self.cells[frame], float(distance[frame]))
        missed = math.prod(miss_rate(r) for r in nearest.values())
        return Look(tuple(self.refs[f] for f in frames), len(nearest), HIDDEN + (1 - HIDDEN) * missed)


def heading(base_to_map: np.ndarray, mode: str) -> float:
    """Where the camera looks, radians: a robot in manipulation mode looks to its right."""
    yaw = math.atan2(base_to_map[1, 0], base_to_map[0, 0])
    return yaw - math.pi / 2 if mode == "manipulation" else yaw


def view_cell(base_to_map: np.ndarray, mode: str = "navigation") -> tuple[int, int, int]:
    """The viewpoint cell of a pose: x, y in steps of 0.5 m, yaw in steps of 30°. Looks from one cell err alike."""
    yaw = heading(base_to_map, mode) % (2 * math.pi)
    x, y = base_to_map[0, 3], base_to_map[1, 3]
    return math.floor(x / CELL_M), math.floor(y / CELL_M), int(yaw / CELL_RAD)


def miss_rate(range_m: float) -> float:
    """Share of things of sufficient size that the index gear misses at a range."""
    share = min(max((range_m - NEAR_M) / (FAR_M - NEAR_M), 0.0), 1.0)
    return MISS_NEAR + (MISS_FAR - MISS_NEAR) * share
