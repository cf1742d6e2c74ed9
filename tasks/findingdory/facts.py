"""How every frame of an experience stands to every goal, in the house as it is now: the offline judge's memory.

A frame is judged by its pose, not by its picture: what it shows may have been carried away since. The numbers are those
that the live scene gives (``live_facts``), so the verdicts agree.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.log import EpisodeLog, Pose
from embodied_mem.tasks.findingdory.predicates import GoalFacts, Relax, angle_to, heading, holds
from embodied_mem.tasks.findingdory.scene import Scene

VERSION = 1
_STATUS_EVERY = 100
_KINDS = ("object", "receptacle", "room")
#: Array → kind of number and shape; equal letters are equal lengths (T frames, V pictures, S shown, N goals, P points).
_SHAPES = {
    "pose": ("f8", "T3"), "manipulating": ("b1", "T"), "room": ("i4", "T"), "view": ("i4", "T"),
    "start": ("i8", "W"), "shown": ("i4", "S"), "pixels": ("i4", "S"),
    "kind": ("i1", "N"), "id": ("i4", "N"), "metres": ("f4", "TN"), "target": ("f8", "P2"), "owner": ("i4", "P"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Facts:
    """Facts of T frames about N goals: every object, every piece of furniture and every room of the house after.

    pose: float64 T 3 (base); manipulating: bool T; room: int32 T (0 none); view: int32 T, which picture a frame takes;
    start: int64 V+1: picture v shows the instances ``shown[start[v]:start[v + 1]]`` on as many ``pixels`` each;
    kind (index of object, receptacle, room), id: of the N goals; metres: float32 T N on foot; target: float64 P 2,
    the points that a camera looks towards, and owner: int32 P, the index of the goal that each belongs to.
    """

    pose: np.ndarray
    manipulating: np.ndarray
    room: np.ndarray
    view: np.ndarray
    start: np.ndarray
    shown: np.ndarray
    pixels: np.ndarray
    kind: np.ndarray
    id: np.ndarray
    metres: np.ndarray
    target: np.ndarray
    owner: np.ndarray

    def __len__(self) -> int:
        return len(self.pose)

    def of(self, step: int, goal: Goal) -> GoalFacts:
        """How frame ``step`` (0 … T−1) stands to a goal. Raises InputError for a frame or goal that is not there."""
        if not 0 <= step < len(self):
            raise InputError(f"frame {step} is not one of the experience's 0 … {len(self) - 1}")
        at, view = self._index(goal), int(self.view[step])
        far = float(self.metres[step, at])
        if goal.kind == "room":
            return GoalFacts(far, inside=bool(self.room[step] == goal.id))
        looking = heading(self.pose[step, 2], self.manipulating[step])
        angle = angle_to(self.pose[step, :2], looking, self.target[self.owner == at])
        picture = slice(self.start[view], self.start[view + 1])
        return GoalFacts(far, float(angle), int(self.pixels[picture][self.shown[picture] == goal.id].sum()))

    def every(self, goal: Goal) -> GoalFacts:
        """How all frames stand to a goal, arrays of length T. Raises InputError for a goal that is not there."""
        at, none = self._index(goal), np.zeros(len(self))
        if goal.kind == "room":
            return GoalFacts(self.metres[:, at], none, none.astype(np.int32), self.room == goal.id)
        looking = heading(self.pose[:, 2], self.manipulating)
        angle = angle_to(self.pose[:, :2], looking, self.target[self.owner == at])
        picture = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        pixels = np.zeros(len(self.start) - 1, np.int32)
        shows = self.shown == goal.id
        pixels[picture[shows]] = self.pixels[shows]
        return GoalFacts(self.metres[:, at], angle, pixels[self.view], none.astype(bool))

    def _index(self, goal: Goal) -> int:
        found = np.flatnonzero((self.kind == _KINDS.index(goal.kind)) & (self.id == goal.id))
        if not len(found):
            raise InputError(f"the facts know no {goal.kind} {goal.id}; make goals of what is in the house at the end")
        return int(found[0])

    def save(self, path: Path) -> None:
        """Write an .npz file; readers see the old one or the new one."""
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            np.savez_compressed(file, version=VERSION, **{name: getattr(self, name) for name in _SHAPES})
        os.replace(part, path)

    @classmethod
    def load(cls, path: Path) -> Facts:
        """The inverse of :meth:`save`. Raises InputError for a file that is missing, damaged or of another version."""
        try:
            with np.load(path, allow_pickle=False) as file:
                if int(file["version"]) != VERSION:
                    raise InputError(f"{path} is of version {file['version']}, this program reads {VERSION}; delete it")
                arrays = {name: file[name] for name in _SHAPES}
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} cannot be read as facts ({error}); delete it, it will be made anew") from error
        _check(arrays, path)
        return cls(**arrays)


def collect_facts(log: EpisodeLog, scene: Scene, status: Callable[[str], None] = lambda text: None) -> Facts:
    """The facts of an experience; ``scene`` is that of ``log.after``. Draws every distinct view once (12 ms)."""
    poses = [tuple(float(v) for v in pose) for pose in log.steps.pose]
    manipulating = np.asarray(log.steps.manipulating, bool)
    goals = [
        *(Goal("object", t.id) for t in scene.house.things), *(Goal("receptacle", f.id) for f in scene.house.furniture),
        *(Goal("room", r.id) for r in scene.house.rooms),
    ]  # fmt: skip
    view, pictures = _pictures(poses, manipulating, scene, status)
    cells = [scene.grid.nearest_passable(pose[:2]) for pose in poses]
    reached = np.array([p is not None for p in cells])
    index = np.array([scene.grid.cell(p) if p is not None else (0, 0) for p in cells])
    metres = np.stack([scene.field(goal)[index[:, 0], index[:, 1]] for goal in goals], axis=1)
    metres[~reached] = np.inf
    targets = [scene.targets(goal) for goal in goals]
    return Facts(
        pose=np.array(poses), manipulating=manipulating,
        room=np.array([scene.room_of(pose[:2]) for pose in poses], np.int32), view=view,
        start=np.cumsum([0, *(len(p) for p in pictures)]),
        shown=np.array([i for p in pictures for i in p], np.int32),
        pixels=np.array([n for p in pictures for n in p.values()], np.int32),
        kind=np.array([_KINDS.index(g.kind) for g in goals], np.int8), id=np.array([g.id for g in goals], np.int32),
        metres=metres, target=np.concatenate(targets),
        owner=np.repeat(np.arange(len(goals), dtype=np.int32), [len(t) for t in targets]),
    )  # fmt: skip


def live_facts(scene: Scene, pose: Pose, manipulating: bool, goal: Goal) -> GoalFacts:
    """How a pose (x, y, yaw of the base) stands to a goal in the scene."""
    return scene.facts(pose, manipulating, goal)


def frames_where(facts: Facts, goal: Goal, relax: Relax = "") -> np.ndarray:
    """The frames (ascending) at whose poses the goal's predicate holds in the house as it is now."""
    return np.flatnonzero(holds(goal.kind, facts.every(goal), relax))


def _pictures(poses: list[Pose], manipulating: np.ndarray, scene: Scene, status: Callable[[str], None]) -> tuple:
    """Which picture each frame takes (int32 T), and what every picture shows."""
    known: dict[tuple, int] = {}
    pictures, view = [], np.zeros(len(poses), np.int32)
    for i, (pose, side) in enumerate(zip(poses, manipulating, strict=True)):
        if i % _STATUS_EVERY == 0:
            status(f"judging frame {i}/{len(poses)}")
        key = *pose, bool(side)
        if key not in known:
            known[key] = len(pictures)
            pictures.append(scene.look(pose, bool(side)))
        view[i] = known[key]
    return view, pictures


def _check(arrays: dict[str, np.ndarray], path: Path) -> None:
    """InputError unless all arrays have the types and sizes that belong together."""
    sizes: dict[str, int] = {}
    for name, (kind, shape) in _SHAPES.items():
        found = arrays[name]
        wanted = [int(s) if s.isdigit() else sizes.setdefault(s, n) for s, n in zip(shape, found.shape, strict=False)]
        if found.dtype != np.dtype(kind) or list(found.shape) != wanted or found.ndim != len(shape):
            raise InputError(f"{path}: {name} is {found.dtype} {found.shape}, not {kind} {shape}; delete it")
    start, view = arrays["start"], arrays["view"]
    ordered = len(start) and start[0] == 0 and start[-1] == sizes["S"] and (np.diff(start) >= 0).all()
    if not ordered or (len(view) and (view.min() < 0 or view.max() >= len(start) - 1)):
        raise InputError(f"{path}: frames and pictures do not belong together; delete it")
