"""Looking at the present: what the robot's frames show of the things a question is about, and where to look from.

Everything here is working memory for one question. Nothing of the present is known before a frame has shown it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from embodied_mem import ontology
from embodied_mem.memory.clusters import Cluster, cluster
from embodied_mem.memory.records import Sighting
from embodied_mem.memory.support import HOLDERS, SEATS, Piece, surfaces_under
from embodied_mem.perception.lifting import lift_all
from embodied_mem.planner.belief_history import LIKE_RGB, History, Place, Subject
from embodied_mem.planner.belief_worlds import Present
from embodied_mem.planner.costs import Rates
from embodied_mem.types import Camera, Frame, FrameRef, pose_xyyaw

NEAR_M = 3.0  # absence is believed only where the place was in view within this range
LEAST_PIXELS = 40
FAR_M = 6.0  # what is farther is not told apart from its neighbours
HIDDEN = 0.12  # chance that a thing at a place in view is not seen from there: missed, or behind something
SURELY = 0.005  # the same after any number of looks
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
    """One thing seen now, merged over frames. xyz (m): centre of its box at the height of its base; rgb 0..255.
    frames: (pixels, frame, viewpoint cell) of each sighting."""

    label: str
    xyz: np.ndarray
    rgb: np.ndarray
    base_z: float
    frames: list[tuple[int, FrameRef, tuple]] = field(default_factory=list)

    @property
    def cells(self) -> int:
        return len({cell for _, _, cell in self.frames})


@dataclass
class Eyes:
    """Watches frames for the subjects of one question. ``labels``: what to watch for.

    Frames of the present are read in the slow gear (*inspect*): only stored images have a price.
    """

    history: History
    subjects: list[Subject]
    detector: object
    site_map: object
    rates: Rates
    labels: frozenset[str]
    sightings: list[Sighting] = field(default_factory=list)
    kept: dict[FrameRef, Frame] = field(default_factory=dict)
    watched: dict[tuple, set[tuple]] = field(default_factory=dict)
    taken: set[FrameRef] = field(default_factory=set)
    newcomers: list[Subject] = field(default_factory=list)
    searched: float = 0.0  # share of the house in which a thing at no known place would have been seen
    _clustered: tuple[int, list[Glimpsed]] = (0, [])

    def __post_init__(self) -> None:
        self.furniture = [s for s in self.history.subjects if s.fixed and s.seen]
        self.spots = {place: np.array(xyz) for s in self.subjects for place, xyz in s.places().items()}
        points = {(s.key, place): (xyz, s.label) for s in self.subjects for place, xyz in s.places().items()}
        points |= {name: (xyz, "") for name, xyz in tops(self.furniture).items()}
        self.names = list(points)
        self.points = np.array([xyz for xyz, _ in points.values()], float).reshape(-1, 3)
        self.kinds = [label for _, label in points.values()]
        self._reach: np.ndarray | None = None

    def watch(self, frame: Frame) -> bool:
        """Take in one frame; True where it showed something that is asked about."""
        if frame.ref in self.taken:
            return False
        self.taken.add(frame.ref)
        before = len(self.sightings)
        detections = [d for d in self.detector.detect(frame, "inspect") if d.label in self.labels]
        for seen in lift_all(frame, detections):
            if seen is not None and seen.pixels >= LEAST_PIXELS and seen.range_m < FAR_M:
                self.sightings.append(Sighting(
                    len(self.sightings), frame.ref, frame.time, seen.label, seen.score, seen.xyz, seen.low, seen.high,
                    seen.box, seen.pixels, seen.range_m, seen.rgb,
                ))  # fmt: skip
                self.kept[frame.ref] = frame
        self._note_points(frame)
        return len(self.sightings) > before

    @property
    def glimpsed(self) -> list[Glimpsed]:
        """The things seen so far: sightings merged over frames, never two of one frame."""
        count, found = self._clustered
        if count != len(self.sightings):
            camera = next(iter(self.kept.values())).camera
            found = [self._glimpse(c) for c in cluster(list(self.sightings), camera, {})]
            self._clustered = (len(self.sightings), found)
        return found

    def _glimpse(self, seen: Cluster) -> Glimpsed:
        frames = [(s.pixels, s.ref, view_cell(self.kept[s.ref])) for s in seen.sightings]
        rgb = np.average([s.rgb for s in seen.sightings], axis=0, weights=seen.weights)
        xyz = (np.asarray(seen.low) + np.asarray(seen.high)) / 2 if seen.xyz is None else np.asarray(seen.xyz)
        return Glimpsed(seen.label, xyz, rgb, float(seen.low[2]), frames)

    def reach(self, camera: Camera) -> np.ndarray:
        """(P) from how far each point tells whether a thing is there (m)."""
        if self._reach is None:
            general = 2.5
            if len(self.labels) < 4:
                general = max(sight_range(label, camera) for label in self.labels)
            self._reach = np.array([sight_range(k, camera) if k else general for k in self.kinds])
        return self._reach

    def _note_points(self, frame: Frame) -> None:
        """Which known places this frame looks at, unoccluded and near: depth is checked at each place's pixel."""
        if not len(self.points):
            return
        pixels, z = project(frame, self.points)
        height, width = frame.depth.shape
        inside = (z > 0.3) & (z < self.reach(frame.camera)) & (pixels >= 4).all(axis=1)
        inside &= (pixels[:, 0] < width - 4) & (pixels[:, 1] < height - 4)
        cell = view_cell(frame)
        for i in np.flatnonzero(inside):
            measured = float(frame.depth[int(pixels[i, 1]), int(pixels[i, 0])])
            if measured == 0 or measured > z[i] - 0.3:
                self.watched.setdefault(self.names[i], set()).add(cell)

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
                missed = {p: self._missed(subject, p) for p in subject.places() if (subject.key, p) in self.watched}
                out[subject.key] = Present(missed=missed, elsewhere=1.0 - 0.85 * self.searched)
        self.newcomers = []
        for j, glimpse in enumerate(free):
            if j not in taken_g:
                subject = self._newcomer(j, glimpse)
                self.newcomers.append(subject)
                out[subject.key] = self._seen(glimpse)
        return out

    def _missed(self, subject: Subject, place: Place) -> float:
        return max(SURELY, HIDDEN ** len(self.watched[(subject.key, place)]))

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
        xyz = tuple(map(float, glimpse.xyz))
        return Present(self.place_of(glimpse), glimpse.cells, frames, xyz, label=glimpse.label)

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


def tops(furniture: list[Subject]) -> dict[tuple, tuple[float, float, float]]:
    """Points on every surface that may hold things, three along a long one: (surface, room, n) → x, y, z (m)."""
    points = {}
    for subject in furniture:
        if subject.label not in HOLDERS:
            continue
        state = next(reversed(subject.seen.values()))
        low, high = np.array(state.low), np.array(state.high)
        middle, size = (low + high) / 2, high - low
        along = np.where(size[:2] == size[:2].max(), size[:2] * 0.3, 0.0) if size[:2].max() > 0.9 else np.zeros(2)
        offsets = (-1, 0, 1) if along.any() else (0,)
        levels = ontology.LEVELS.get(subject.label)
        if levels:
            heights = [(name, min(bottom + 0.15, float(high[2]))) for bottom, _, name in levels]
        else:
            top = SEATS.get(subject.label) or min(float(high[2]), ontology.FURNITURE[subject.label].size[2])
            heights = [(subject.label, top)]
        for name, z in heights:
            for k in offsets:
                x, y = middle[:2] + k * along
                points[(name, state.room, subject.key, k)] = (float(x), float(y), float(z))
    return points


def sight_range(label: str, camera: Camera) -> float:
    """Metres from which a thing of this label still covers 60 pixels, with some margin."""
    known = ontology.THINGS.get(label) or ontology.FURNITURE.get(label)
    size = math.sqrt(known.size[0] * known.size[2]) if known else 0.12
    return float(np.clip(camera.focal * size / (1.2 * math.sqrt(LEAST_PIXELS)), 1.15, NEAR_M + 0.3))


def same_room(site_map, centres: np.ndarray, xyz) -> np.ndarray:
    """(N) whether floor points (N 2) lie in the room of a place: from behind a wall nothing of it is seen."""
    room = site_map.room_at(float(xyz[0]), float(xyz[1]))
    return np.array([room is not None and site_map.room_at(float(x), float(y)) == room for x, y in centres], bool)


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
    same = same_room(site_map, centres[near], xyz)
    i = near[int(np.argmin(np.abs(away[near] - 1.0) + 1e-3 * metres + 10.0 * ~same))]
    return (float(field_from_robot[tuple(passable[i])]), *(float(c) for c in centres[i]))
