"""Looking at the present: what the robot's frames show of the things a question is about, and where to look from.

Everything here is working memory for one question. Nothing of the present is known before a frame has shown it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from embodied_mem import ontology
from embodied_mem.memory.support import Piece, surfaces_under
from embodied_mem.perception.lifting import Lifted, lift_all
from embodied_mem.planner.belief_history import LIKE_RGB, History, Place, Subject
from embodied_mem.planner.belief_worlds import Present
from embodied_mem.planner.costs import Rates
from embodied_mem.types import Camera, Frame, FrameRef, pose_xyyaw

NEAR_M = 3.0  # absence is believed only where the place was in view within this range
SAME_M = 0.35  # sightings of one label nearer than this are one thing
LEAST_PIXELS = 60
EYES_AT_ONCE = 96  # standpoints checked together, nearest first
NEW_KEY = 1_000_000  # keys of subjects that only the present shows


def view_cell(frame: Frame) -> tuple[int, int, int]:
    """The viewpoint cell of 0.5 m × 30°: looking again from the same one reads the same."""
    x, y, yaw = pose_xyyaw(frame.base_to_map)
    return math.floor(x / 0.5), math.floor(y / 0.5), math.floor((yaw % (2 * math.pi)) / (math.pi / 6))


def project(frame: Frame, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Map points (N 3) → pixels u, v (N 2) and depth (N) in the frame's camera."""
    to_camera = np.linalg.inv(frame.camera_to_map)
    local = points @ to_camera[:3, :3].T + to_camera[:3, 3]
    z = np.where(np.abs(local[:, 2]) < 1e-6, 1e-6, local[:, 2])
    camera = frame.camera
    return np.column_stack((local[:, 0] / z * camera.focal + camera.width / 2,
                            local[:, 1] / z * camera.focal + camera.height / 2)), local[:, 2]  # fmt: skip


@dataclass
class Glimpsed:
    """One thing seen now: all its sightings so far."""

    label: str
    xyz: np.ndarray
    rgb: np.ndarray
    base_z: float
    frames: list[tuple[int, FrameRef, tuple]] = field(default_factory=list)

    @property
    def cells(self) -> int:
        return len({cell for _, _, cell in self.frames})

    def add(self, seen: Lifted, ref: FrameRef, cell: tuple) -> None:
        n = len(self.frames)
        self.xyz = (self.xyz * n + np.array(seen.xyz)) / (n + 1)
        self.rgb = (self.rgb * n + np.array(seen.rgb)) / (n + 1)
        self.base_z = min(self.base_z, seen.base_z) if n else seen.base_z
        self.frames.append((seen.pixels, ref, cell))


@dataclass
class Eyes:
    """Watches frames for the subjects of one question. ``labels``: what to watch for."""

    history: History
    subjects: list[Subject]
    detector: object
    site_map: object
    rates: Rates
    labels: frozenset[str]
    glimpsed: list[Glimpsed] = field(default_factory=list)
    kept: dict[FrameRef, Frame] = field(default_factory=dict)
    watched: dict[Place, dict[tuple, float]] = field(default_factory=dict)
    newcomers: list[Subject] = field(default_factory=list)
    searched: float = 0.0  # share of the house in which a thing at no known place would have been seen

    def __post_init__(self) -> None:
        self.furniture = [s for s in self.history.subjects if s.fixed and s.seen]
        self.spots = {place: np.array(xyz) for s in self.subjects for place, xyz in s.places().items()}

    def watch(self, frame: Frame) -> bool:
        """Take in one frame; True where it showed something that is asked about."""
        cell = view_cell(frame)
        news = False
        detections = [d for d in self.detector.detect(frame, "index") if d.label in self.labels]
        for seen in lift_all(frame, detections):
            if seen is not None and seen.pixels >= LEAST_PIXELS:
                self._note(seen, frame.ref, cell)
                self.kept[frame.ref] = frame
                news = True
        self._note_spots(frame, cell)
        return news

    def _note(self, seen: Lifted, ref: FrameRef, cell: tuple) -> None:
        at = np.array(seen.xyz)
        same = [g for g in self.glimpsed if g.label == seen.label and np.linalg.norm(g.xyz - at) < SAME_M]
        if not same:
            same = [Glimpsed(seen.label, at, np.array(seen.rgb), seen.base_z)]
            self.glimpsed.append(same[0])
        min(same, key=lambda g: float(np.linalg.norm(g.xyz - at))).add(seen, ref, cell)

    def _note_spots(self, frame: Frame, cell: tuple) -> None:
        """Which known places this frame looks at, unoccluded and near: depth is checked at each place's pixel."""
        if not self.spots:
            return
        names = list(self.spots)
        pixels, depth = project(frame, np.array([self.spots[n] for n in names]))
        height, width = frame.depth.shape
        reach = max(sight_range(label, frame.camera) for label in self.labels) if len(self.labels) < 4 else NEAR_M
        for name, (u, v), z in zip(names, pixels, depth, strict=True):
            if 0.3 < z < min(NEAR_M, reach) and 4 <= u < width - 4 and 4 <= v < height - 4:
                measured = float(frame.depth[int(v), int(u)])
                if measured == 0 or measured > z - 0.3:
                    self.watched.setdefault(name, {})[cell] = self.rates.miss(float(z))

    # -- what it means ------------------------------------------------------------------------------------------

    def present(self) -> dict[int, Present]:
        """What is seen now of each subject (keys); things that fit no subject become newcomers."""
        out, free = {}, [g for g in self.glimpsed if g.frames]
        pairs = sorted(
            ((self._distance(s, g), i, j) for i, s in enumerate(self.subjects) for j, g in enumerate(free)),
        )
        taken_s, taken_g = set(), set()
        for distance, i, j in pairs:
            if distance < 1.0 and i not in taken_s and j not in taken_g:
                taken_s.add(i)
                taken_g.add(j)
                out[self.subjects[i].key] = self._seen(free[j])
        for i, subject in enumerate(self.subjects):
            if i not in taken_s:
                missed = {p: self._missed(p) for p in subject.places() if p in self.watched}
                out[subject.key] = Present(missed=missed, elsewhere=1.0 - 0.85 * self.searched)
        self.newcomers = []
        for j, glimpse in enumerate(free):
            if j not in taken_g and glimpse.cells >= 2:
                subject = self._newcomer(j, glimpse)
                self.newcomers.append(subject)
                out[subject.key] = self._seen(glimpse)
        return out

    def _missed(self, place: Place) -> float:
        return max(0.04, float(np.prod(sorted(self.watched[place].values())[:4])))

    def _distance(self, subject: Subject, glimpse: Glimpsed) -> float:
        """Below 1: may be the same thing (label, colour); smaller where it stands where the subject has stood."""
        if subject.is_called(glimpse.label) < 0.5:
            return 9.0
        colour = float(np.linalg.norm(np.array(subject.rgb) - glimpse.rgb)) / (1.3 * LIKE_RGB)
        if ontology.colour_name(glimpse.rgb) == subject.colour:
            colour *= 0.5
        near = min((float(np.linalg.norm(np.array(xyz) - glimpse.xyz)) for xyz in subject.places().values()), default=1)
        return 0.8 * colour + 0.2 * min(1.0, near)

    def _seen(self, glimpse: Glimpsed) -> Present:
        frames = tuple(ref for _, ref, _ in sorted(glimpse.frames, key=lambda f: (-f[0], str(f[1]))))
        return Present(self.place_of(glimpse), glimpse.cells, frames, tuple(map(float, glimpse.xyz)))

    def _newcomer(self, j: int, glimpse: Glimpsed) -> Subject:
        colour = ontology.colour_name(glimpse.rgb)
        return Subject(NEW_KEY + j, glimpse.label, colour, glimpse.label in ontology.FURNITURE, (-1 - j,),
                       {glimpse.label: float(glimpse.cells)}, {colour: 1.0}, tuple(glimpse.rgb))  # fmt: skip

    def place_of(self, glimpse: Glimpsed) -> Place:
        """(surface, room) of a thing seen now, by the furniture of the robot's own memory."""
        x, y = float(glimpse.xyz[0]), float(glimpse.xyz[1])
        pieces = []
        for subject in self.furniture:
            state = next(reversed(subject.seen.values()))
            pieces.append(Piece(state.track, subject.label, np.array(state.low), np.array(state.high)))
        surfaces, track = surfaces_under(glimpse.label, np.array((x, y, glimpse.base_z)), pieces)
        rooms = [next(reversed(s.seen.values())).room for s in self.furniture if track in s.tracks]
        return next(iter(surfaces)), rooms[0] if rooms else self._room_label(self.site_map.room_at(x, y))

    def _room_label(self, node) -> str:
        return node.label if node is not None else ""


def sight_range(label: str, camera: Camera) -> float:
    """Metres from which a thing of this label still covers 60 pixels, with some margin."""
    known = ontology.THINGS.get(label) or ontology.FURNITURE.get(label)
    size = math.sqrt(known.size[0] * known.size[2]) if known else 0.12
    return float(np.clip(camera.focal * size / (1.2 * math.sqrt(LEAST_PIXELS)), 1.15, NEAR_M + 0.3))


def viewpoint(site_map, grid, field_from_robot: np.ndarray, xyz, reach: float, camera: Camera):
    """The floor point nearest to the robot (geodesic) from which ``xyz`` is in view within ``reach`` m:
    (metres, x, y), or None. ``field_from_robot``: distances of every cell of ``grid`` from the robot."""
    passable = np.argwhere(np.isfinite(field_from_robot))
    if not len(passable):
        return None
    origin, step = np.array(grid.origin), grid.resolution
    centres = origin + (passable + 0.5) * step
    away = np.linalg.norm(centres - np.array(xyz[:2]), axis=1)
    near = np.flatnonzero((away < reach) & (away > 0.4))
    metres = field_from_robot[passable[near, 0], passable[near, 1]]
    order = near[np.argsort(metres, kind="stable")]
    for start in range(0, len(order), EYES_AT_ONCE):
        some = order[start : start + EYES_AT_ONCE]
        eyes = np.column_stack((centres[some], np.full(len(some), camera.height_m)))
        seen = np.flatnonzero(site_map.eyes_on(eyes, xyz, camera, reach))
        if len(seen):
            i = some[seen[0]]
            return (float(field_from_robot[tuple(passable[i])]), *(float(c) for c in centres[i]))
    if not len(near):
        return None
    # The map knows no clear view (a shelf hides what stands in it): stand before it, as near as one can.
    i = near[int(np.argmin(np.abs(away[near] - 1.0) + 1e-3 * metres))]
    return (float(field_from_robot[tuple(passable[i])]), *(float(c) for c in centres[i]))
