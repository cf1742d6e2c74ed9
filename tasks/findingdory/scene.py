"""The house as it is when instructions are given: how far everything is on foot, what shows from where.

Ways are grid fields (0.05 m cells, at most 3 % too long) from a goal's own geometry: the floor nearest the object,
the viewpoints of the receptacle, the floor of the room. Positions are snapped to the nearest cell the robot fits on.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.geodesic import XY, Grid
from embodied_mem.sim.house import Furniture, House, Thing
from embodied_mem.sim.layout import contains
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.sim.render import Renderer
from embodied_mem.sim.truth import passable_grid
from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.log import Pose
from embodied_mem.tasks.findingdory.predicates import GoalFacts, angle_to, heading, holds
from embodied_mem.tasks.findingdory.settings import CAMERA, OBJECT_M
from embodied_mem.tasks.findingdory.viewpoints import Viewpoints
from embodied_mem.types import planar_pose

SNAP_M = 1.5  # things stand on furniture, the floor beside it is that far away at most
_LOOKS_KEPT = 4096
_WITNESS_TRIES = 40


class Scene:
    """One house, nobody moving in it. Everything is computed when asked for and kept.

    house: e.g. ``EpisodeLog.after``; radius_m: of the robot's body. Unknown ids raise InputError.
    """

    def __init__(self, house: House, radius_m: float = RobotSpec().radius_m) -> None:
        self.house, self.grid = house, main_part(passable_grid(house, radius_m))
        self._things = {t.id: t for t in house.things}
        self._pieces = {f.id: f for f in house.furniture}
        self._rooms = {r.id: r for r in house.rooms}
        self._finder: Viewpoints | None = None
        self._renderer: Renderer | None = None
        self._viewpoints: dict[int, np.ndarray] = {}
        self._fields: dict[tuple, np.ndarray] = {}
        self._sources: dict[tuple, np.ndarray] = {}
        self.tours: dict[tuple, float] = {}  # lengths that tours.py has found already
        self._looks: OrderedDict[tuple, dict[int, int]] = OrderedDict()
        self._witnesses: dict[tuple, Pose | None] = {}

    # -- where goals are -------------------------------------------------------------------------------------------

    def object_xy(self, thing: int) -> XY:
        """Where an object stands."""
        found = self._thing(thing)
        return found.x, found.y

    def piece_xy(self, furniture: int) -> XY:
        """The centre of a piece of furniture."""
        found = self._piece(furniture)
        return found.x, found.y

    def targets(self, goal: Goal) -> np.ndarray:
        """What a camera has to look towards, N 2: the object; the centres of the piece's surfaces; nothing for a room.

        A receptacle's siblings count (docs/findingdory.md), so the best of its piece's surfaces decides.
        """
        if goal.kind == "object":
            return np.array([self.object_xy(goal.id)])
        if goal.kind == "room":
            return np.zeros((0, 2))
        rects = [s.rect for s in self._piece(goal.id).surfaces]
        return np.array([((r[0] + r[2]) / 2, (r[1] + r[3]) / 2) for r in rects] or [self.piece_xy(goal.id)])

    def viewpoints(self, furniture: int) -> np.ndarray:
        """x, y, yaw (N 3) of the poses from which a piece of furniture is seen nearby; see :mod:`viewpoints`."""
        if furniture not in self._viewpoints:
            piece = self._piece(furniture)
            self._finder = self._finder or Viewpoints(self.house, self.grid)
            self._viewpoints[furniture] = self._finder.of(piece)
        return self._viewpoints[furniture]

    def room_of(self, xy: XY) -> int:
        """The room that a position is in; 0 in a doorway or outside."""
        return next((r.id for r in self.house.rooms if contains(r.rect, xy)), 0)

    def sources(self, goal: Goal) -> np.ndarray:
        """The floor positions (N 2) where a goal is reached: the goal's own geometry."""
        key = goal.kind, goal.id
        if key not in self._sources:
            self._sources[key] = self._reached_from(goal)
        return self._sources[key]

    def _reached_from(self, goal: Goal) -> np.ndarray:
        if goal.kind == "object":
            thing = self._thing(goal.id)
            return self._floor_near((thing.x, thing.y), thing.room)
        if goal.kind == "receptacle":
            piece = self._piece(goal.id)
            seen = self.viewpoints(goal.id)[:, :2]
            return seen if len(seen) else self._floor_near((piece.x, piece.y), piece.room)
        if goal.id not in self._rooms:
            raise InputError(f"house {self.house.seed} has no room {goal.id}; rooms are {sorted(self._rooms)}")
        return self._floor_of(goal.id)

    def _thing(self, thing: int) -> Thing:
        if thing not in self._things:
            raise InputError(f"house {self.house.seed} has no object {thing}; take the id of a thing that is in it now")
        return self._things[thing]

    def _piece(self, furniture: int) -> Furniture:
        if furniture not in self._pieces:
            raise InputError(f"house {self.house.seed} has no furniture {furniture}; ids are {sorted(self._pieces)}")
        return self._pieces[furniture]

    def _floor_of(self, room: int) -> np.ndarray:
        cells = np.argwhere(self.grid.passable)
        xy = (cells + 0.5) * self.grid.resolution + self.grid.origin
        x0, y0, x1, y1 = self._rooms[room].rect
        return xy[(x0 <= xy[:, 0]) & (xy[:, 0] <= x1) & (y0 <= xy[:, 1]) & (xy[:, 1] <= y1)]

    def _floor_near(self, xy: XY, room: int) -> np.ndarray:
        """The nearest floor (1 2, or 0 2) within ``SNAP_M``, in the same room if there is any: not through the wall."""
        cells = np.argwhere(self.grid.passable)
        floor = (cells + 0.5) * self.grid.resolution + self.grid.origin
        for candidates in (self._floor_of(room) if room in self._rooms else floor[:0], floor):
            gaps = np.hypot(*(candidates - xy).T)
            if len(gaps) and gaps.min() <= SNAP_M:
                return candidates[[int(gaps.argmin())]]
        return floor[:0]

    # -- ways ------------------------------------------------------------------------------------------------------

    def field(self, goal: Goal) -> np.ndarray:
        """Metres on foot from every cell of ``grid`` to a goal: float32 X Y, inf where there is no way."""
        key = goal.kind, goal.id
        if key not in self._fields:
            costs = np.full(self.grid.passable.shape, np.inf)
            for xy in self.sources(goal):
                costs[self.grid.cell(xy)] = 0
            self._fields[key] = np.maximum(self.grid.distances_over(costs), 0)
        return self._fields[key]

    def goal_m(self, goal: Goal, xy: XY) -> float:
        """Metres on foot from a position to a goal; inf where there is no way."""
        at = self.grid.nearest_passable(xy)
        return float(self.field(goal)[self.grid.cell(at)]) if at is not None else math.inf

    def object_m(self, thing: int, xy: XY) -> float:
        """Metres on foot from a position to the floor nearest an object."""
        return self.goal_m(Goal("object", thing), xy)

    def receptacle_m(self, furniture: int, xy: XY) -> float:
        """Metres on foot from a position to the nearest viewpoint of a piece (it has none: to the floor nearest it)."""
        return self.goal_m(Goal("receptacle", furniture), xy)

    def way(self, a: XY, b: XY) -> float:
        """Metres on foot between two positions, straightened; inf where there is no way."""
        return self.grid.length(a, b)

    # -- looking ---------------------------------------------------------------------------------------------------

    def look(self, pose: Pose, manipulating: bool = False) -> dict[int, int]:
        """{instance id: pixels} of the task's camera at a pose (x, y, yaw of the base), with empty hands."""
        head = float(pose[0]), float(pose[1]), float(heading(pose[2], manipulating))
        key = tuple(round(v, 6) for v in (head[0], head[1], math.remainder(head[2], 2 * math.pi)))
        if key not in self._looks:
            self._renderer = self._renderer or Renderer(self.house, CAMERA)
            counts = np.bincount(self._renderer.instances(planar_pose(*head)[None]).ravel())
            self._looks[key] = {int(i): int(counts[i]) for i in np.flatnonzero(counts) if i}
            if len(self._looks) > _LOOKS_KEPT:
                self._looks.popitem(last=False)
        return self._looks[key]

    def facts(self, pose: Pose, manipulating: bool, goal: Goal) -> GoalFacts:
        """How a pose (x, y, yaw of the base) stands to a goal."""
        far = self.goal_m(goal, pose[:2])
        if goal.kind == "room":
            return GoalFacts(far, inside=self.room_of(pose[:2]) == goal.id)
        angle = angle_to(np.array(pose[:2]), heading(pose[2], manipulating), self.targets(goal))
        return GoalFacts(far, float(angle), self.look(pose, manipulating).get(goal.id, 0))

    # -- is it solvable at all? ------------------------------------------------------------------------------------

    def witness(self, goal: Goal) -> Pose | None:
        """Some pose (camera straight ahead) at which the goal's predicate holds; None where none was found."""
        key = goal.kind, goal.id
        if key not in self._witnesses:
            tries = self._candidates(goal)
            found = (p for p in tries if holds(goal.kind, self.facts(p, False, goal)))
            self._witnesses[key] = next(found, None)
        return self._witnesses[key]

    def _candidates(self, goal: Goal) -> list[Pose]:
        """Poses worth a picture, likeliest first."""
        if goal.kind == "room":
            floor, (x0, y0, x1, y1) = self.sources(goal), self._rooms[goal.id].rect
            middle = np.hypot(*(floor - ((x0 + x1) / 2, (y0 + y1) / 2)).T)
            return [(float(x), float(y), 0.0) for x, y in floor[np.argsort(middle, kind="stable")[:1]]]
        if goal.kind == "receptacle":
            poses = self.viewpoints(goal.id)
            best = poses[np.linspace(0, len(poses) - 1, min(_WITNESS_TRIES, len(poses))).astype(int)]
            return [(float(x), float(y), float(yaw)) for x, y, yaw in best]
        return self._around(self._thing(goal.id), self.field(goal))

    def _around(self, thing: Thing, field: np.ndarray) -> list[Pose]:
        """Near cells, at most every 0.3 m, from which the thing is inside the picture from top to bottom."""
        cells = np.argwhere(field <= OBJECT_M - 0.05)
        xy = (cells + 0.5) * self.grid.resolution + self.grid.origin
        gap = np.array([thing.x, thing.y]) - xy
        flat = np.hypot(*gap.T)
        half = math.degrees(math.atan(CAMERA.height / 2 / CAMERA.focal))
        low, high = (np.degrees(np.arctan2(z - CAMERA.height_m, flat)) for z in (thing.z, thing.z + thing.size[2]))
        shown = (high > CAMERA.pitch_deg - half) & (low < CAMERA.pitch_deg + half)
        chosen: list[Pose] = []
        for i in np.argsort(np.abs(flat - 1.0), kind="stable"):
            if shown[i] and all(math.dist(xy[i], p[:2]) >= 0.3 for p in chosen):
                chosen.append((float(xy[i][0]), float(xy[i][1]), math.atan2(gap[i][1], gap[i][0])))
        return chosen[:_WITNESS_TRIES]


def main_part(grid: Grid) -> Grid:
    """The largest connected part of a grid; pockets of floor that no way leads to are nobody's goal."""
    from scipy.ndimage import label

    parts, count = label(grid.passable)  # every move of the grid passes through cells that touch by their sides
    if count < 2:
        return grid
    return Grid(parts == np.bincount(parts[grid.passable]).argmax(), grid.origin, grid.resolution)
