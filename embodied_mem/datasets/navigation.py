"""habitat-lab's ObjectNav-v1 and PointNav-v1 episode files, in our frames (Z up): one file, or one a scene.

    FOLDER/val.json.gz                   categories, and episodes where they are not split
    FOLDER/content/SCENE.json.gz         episodes of one scene, with its goals_by_category (ObjectNav)

Format: facebookresearch/habitat-lab, habitat/datasets/{pointnav,object_nav}/ and habitat/tasks/nav/.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from embodied_mem.datasets.files import Fields, read_json
from embodied_mem.errors import InputError
from embodied_mem.sim.habitat_frames import BODY, points_from_habitat, pose_of
from embodied_mem.types import pose_xyyaw

SCENES_PREFIX = "data/scene_datasets/"  # habitat-lab replaces it by the folder where the scenes lie
CONTENT = "{data_path}/content/{scene}.json.gz"
MAX_EPISODES = 5_000_000  # PointNav on Gibson has 3.6 million in training


@dataclass(frozen=True)
class ViewPoint:
    """Where an object is seen from: base_to_world 4×4, Z up; iou: how well it fills a centred frame (None: unknown)."""

    base_to_world: np.ndarray
    iou: float | None = None


@dataclass(frozen=True)
class Goal:
    """Where an episode leads: position x, y, z (m, Z up); radius: how near counts (None: the task says); the rest is
    ObjectNav's: the object's id, name and category, and the poses that see it."""

    position: np.ndarray
    radius: float | None = None
    object_id: str = ""
    object_name: str = ""
    object_category: str = ""
    view_points: tuple[ViewPoint, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class NavigationEpisode:
    """One episode. scene_id: below the scenes' folder; base_to_world: 4×4 start pose of the agent, Z up.

    object_category: "" for PointNav; geodesic_m: shortest way to the (nearest) goal as the file says it, None if not.
    """

    episode_id: str
    scene_id: str
    scene_dataset_config: str
    base_to_world: np.ndarray
    goals: tuple[Goal, ...]
    object_category: str = ""
    geodesic_m: float | None = None
    info: dict = field(default_factory=dict, repr=False)

    @property
    def start(self) -> tuple[float, float, float]:
        """x, y (m) and yaw (rad) of the start."""
        return pose_xyyaw(self.base_to_world)


def load_navigation(path: Path | str, scenes: tuple[str, ...] = ()) -> Iterator[NavigationEpisode]:
    """The episodes of a split (``…/val.json.gz``), scene file after scene file; ``scenes``: of these alone (stems).

    Nothing is kept: a split of millions of episodes can be walked through. Raises InputError naming the file, the
    episode and the field that is wrong, or where the split holds no episode at all.
    """
    path = Path(path)
    count = 0
    for file in _files(path, scenes):
        for episode in _episodes(file):
            count += 1
            if count > MAX_EPISODES:
                raise InputError(f"{path} has more than {MAX_EPISODES} episodes; give fewer scenes")
            if not scenes or scene_of(episode.scene_id) in scenes:
                yield episode
    if not count:
        raise InputError(f"{path} holds no episodes and no content/ beside it does; download the split again")


def categories(path: Path | str) -> dict[str, int]:
    """ObjectNav's categories with their task ids ({} for PointNav)."""
    fields = Fields(read_json(Path(path)), str(path))
    found = fields.mapping("category_to_task_category_id", {})
    return {name: Fields(found, f"{path}, category_to_task_category_id").whole(name) for name in found}


def scene_of(scene_id: str) -> str:
    """The scene's short name, as content files are called: ``mp3d/17DRP5sb8fy/17DRP5sb8fy.glb`` → ``17DRP5sb8fy``."""
    return PurePosixPath(scene_id).name.split(".")[0]


def _files(path: Path, scenes: tuple[str, ...]) -> list[Path]:
    """The split's own file and those under content/."""
    pattern = Fields(read_json(path), str(path)).text("content_scenes_path", CONTENT, most=500)
    head, found, tail = pattern.partition("{scene}")
    folder = Path(head.replace("{data_path}", str(path.parent)))
    if not found or ".." in PurePosixPath(head).parts or path.parent not in (folder, *folder.parents):
        raise InputError(f"{path}: field 'content_scenes_path' is {pattern!r}, expected a path below {{data_path}} "
                         "with {scene} in it; correct the file or download it again")  # fmt: skip
    content = sorted(p for p in folder.glob(f"*{tail}") if p != path) if folder.is_dir() else []
    known = {p.name.removesuffix(tail): p for p in content}
    if known and (missing := [scene for scene in scenes if scene not in known]):
        raise InputError(f"{folder} has no file for scene {missing[0]!r}; it has {len(known)}, such as {min(known)!r}")
    return [path, *(known[scene] for scene in scenes or known if scene in known)]


def _episodes(file: Path) -> Iterator[NavigationEpisode]:
    fields = Fields(read_json(file), str(file))
    goals = {
        key: tuple(_goal(Fields(raw, f"{file}, goals_by_category[{key!r}][{i}]")) for i, raw in enumerate(listed))
        for key, listed in fields.mapping("goals_by_category", {}).items()
    }
    for row in fields.objects("episodes"):
        yield _episode(row, goals)


def _episode(row: Fields, goals_by_category: dict[str, tuple[Goal, ...]]) -> NavigationEpisode:
    scene = row.text("scene_id").removeprefix(SCENES_PREFIX)
    category = row.text("object_category", "")
    goals = tuple(_goal(goal) for goal in row.objects("goals", []))
    if category and goals_by_category:
        key = f"{PurePosixPath(scene).name}_{category}"
        if key not in goals_by_category:
            raise row.refusal("object_category", f"a category with goals in this scene (goals_by_category[{key!r}])")
        goals = goals_by_category[key]
    if not goals:
        raise row.refusal("goals", "at least one goal")
    info = row.mapping("info", {})
    geodesic = Fields(info, f"{row.where}, info").number("geodesic_distance", None)
    return NavigationEpisode(
        row.name("episode_id"), scene, row.text("scene_dataset_config", "default"), start_of(row), goals,
        category or goals[0].object_category, geodesic, info,
    )  # fmt: skip


def start_of(row: Fields, position: str = "start_position", rotation: str = "start_rotation") -> np.ndarray:
    """4×4 ``base_to_world`` (Z up) of habitat's position and quaternion (x, y, z, w) in a row."""
    x, y, z, w = row.quaternion(rotation)
    return pose_of(row.numbers(position, 3), np.array([w, x, y, z]), BODY)


def _goal(row: Fields) -> Goal:
    radius = row.number("radius", None)
    if radius is not None and not 0 <= radius < math.inf:
        raise row.refusal("radius", "at least 0")
    views = tuple(
        ViewPoint(start_of(view.inside("agent_state"), "position", "rotation"), view.number("iou", None))
        for view in row.objects("view_points", [])
    )
    return Goal(
        points_from_habitat(row.numbers("position", 3)), radius, row.name("object_id", ""), row.text("object_name", ""),
        row.text("object_category", ""), views,
    )  # fmt: skip
