"""FindingDory (arXiv 2506.15635): its episode files for habitat, in our frames (Z up), and its video dataset's rows.

    FOLDER/episodes.json.gz       episodes: scene, things, what was carried where, instructions
    FOLDER/viewpoints.npy         N × 8: position 3, quaternion x y z w, iou; episodes name rows of it
    FOLDER/transformations.npy    N × 3 × 4: poses of things; episodes name rows of it

Format: findingdory-benchmark/findingdory-habitat, findingdory/dataset/findingdory_dataset.py, and the dataset card of
yali30/findingdory. What an instruction means (``goal_expr``) is kept as the file has it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from embodied_mem.datasets.files import MAX_JSON, Fields, read_array, read_bytes, read_json, safe_name
from embodied_mem.datasets.navigation import Goal, ViewPoint, start_of
from embodied_mem.errors import InputError
from embodied_mem.sim.habitat_frames import BODY, OBJECT, points_from_habitat, pose_from_habitat, pose_of

CANDIDATES = (
    "candidate_objects", "candidate_objects_noninteracted", "candidate_start_receps",
    "candidate_start_receps_noninteracted", "candidate_goal_receps", "candidate_goal_receps_noninteracted",
)  # fmt: skip
COLUMNS = (
    "ep_id", "video", "question", "answer", "task_id", "high_level_category", "low_level_category", "num_interactions",
)  # fmt: skip
MAX_ANSWER = 2**21  # characters of one answer


@dataclass(frozen=True)
class Instruction:
    """One instruction: what is asked (``text``), and what it means as the dataset has it."""

    task_id: str
    text: str
    task_type: str
    goal_expr: dict = field(repr=False)
    sequential_goals: dict | None = field(repr=False, default=None)


@dataclass(frozen=True)
class Carried:
    """One interaction: which thing went from which surface to which (``asset|mesh``, as the dataset names them)."""

    thing: str
    start: str
    goal: str


@dataclass(frozen=True)
class FindingDoryEpisode:
    """One experience to be had and asked about.

    base_to_world, end_base_to_world: 4×4 poses of the robot's base at the start and at the end (None: not given);
    things: (asset, object_to_world 4×4); carried: interactions in order; candidates: {one of CANDIDATES: goals}.
    """

    episode_id: str
    scene_id: str
    scene_dataset_config: str
    base_to_world: np.ndarray
    end_base_to_world: np.ndarray | None
    things: tuple[tuple[str, np.ndarray], ...]
    carried: tuple[Carried, ...]
    candidates: dict[str, tuple[Goal, ...]] = field(repr=False)
    instructions: tuple[Instruction, ...] = field(repr=False)


def load_episodes(folder: Path | str) -> Iterator[FindingDoryEpisode]:
    """The episodes of a folder; InputError names the file, episode and field that is wrong, and a row out of range."""
    folder = Path(folder)
    path = folder / "episodes.json.gz"
    views, poses = read_array(folder / "viewpoints.npy", (8,)), read_array(folder / "transformations.npy", (3, 4))
    lengths = np.linalg.norm(views[:, 3:7], axis=1)
    if (np.abs(lengths - 1) > 1e-2).any():
        bad = int(np.argmax(np.abs(lengths - 1)))
        raise InputError(f"{folder / 'viewpoints.npy'}: row {bad} holds a quaternion of length {lengths[bad]:.3g}, "
                         "expected 1; download it again")  # fmt: skip
    for row in Fields(read_json(path), str(path)).objects("episodes"):
        yield _episode(row, views, poses)


def _episode(row: Fields, views: np.ndarray, poses: np.ndarray) -> FindingDoryEpisode:
    end = None
    if row.raw.get("nav_goal_pos") is not None:
        end = start_of(Fields({**row.raw, **_end(row)}, row.where), "nav_goal_pos", "nav_goal_rot")
    named = row.mapping("instructions", {})
    instructions = [_instruction(Fields(raw, f"{row.where}, instructions[{k!r}]")) for k, raw in named.items()]
    return FindingDoryEpisode(
        row.name("episode_id"), row.text("scene_id"), row.text("scene_dataset_config", "default"), start_of(row), end,
        tuple(_thing(row, i, item, poses) for i, item in enumerate(row.items("rigid_objs"))), _carried(row),
        {name: tuple(_candidate(goal, views) for goal in row.objects(name, [])) for name in CANDIDATES},
        tuple(instructions),
    )  # fmt: skip


def _end(row: Fields) -> dict:
    """The final position is a list, or a goal with a position in it."""
    position = row.raw["nav_goal_pos"]
    return {"nav_goal_pos": position.get("position")} if isinstance(position, dict) else {}


def _thing(row: Fields, i: int, item: object, poses: np.ndarray) -> tuple[str, np.ndarray]:
    good = isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and type(item[1]) is int
    if not good or not 0 <= item[1] < len(poses):
        raise InputError(f"{row.where}, rigid_objs[{i}] is {item!r:.80}, expected [asset, a row of transformations.npy "
                         f"below {len(poses)}]; the files do not belong together, download them again")  # fmt: skip
    pose = np.eye(4)
    pose[:3] = poses[item[1]]
    return item[0], pose_from_habitat(pose, OBJECT)


def _carried(row: Fields) -> tuple[Carried, ...]:
    things = list(row.mapping("targets", {}))
    surfaces = []
    for name in ("target_receptacles", "goal_receptacles"):
        listed = row.items(name, [])
        if len(listed) != len(things) or not all(isinstance(s, list) and s and isinstance(s[0], str) for s in listed):
            raise row.refusal(name, f"a [surface, …] for each of the {len(things)} targets")
        surfaces.append([s[0] for s in listed])
    return tuple(Carried(*line) for line in zip(things, *surfaces, strict=True))


def _candidate(row: Fields, views: np.ndarray) -> Goal:
    rows = row.wholes("view_points", ())
    if rows and max(rows) >= len(views):
        raise row.refusal("view_points", f"rows of viewpoints.npy below {len(views)}")
    seen = tuple(view_point(views[i]) for i in rows)
    return Goal(
        points_from_habitat(row.numbers("position", 3)), None, row.name("object_id", ""), row.text("object_name", ""),
        row.text("object_category", ""), seen,
    )  # fmt: skip


def view_point(row: np.ndarray) -> ViewPoint:
    """A row of ``viewpoints.npy``: x, y, z, then the quaternion x, y, z, w, then iou."""
    return ViewPoint(pose_of(row[:3], row[[6, 3, 4, 5]], BODY), float(row[7]))


def _instruction(row: Fields) -> Instruction:
    goals = row.raw.get("sequential_goals") or None
    if goals is not None and not isinstance(goals, dict):
        raise row.refusal("sequential_goals", "an object, or nothing")
    return Instruction(
        row.name("task_id"), row.text("lang"), row.text("task_type", ""), row.mapping("goal_expr"), goals,
    )  # fmt: skip


# -- the video dataset -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VideoRow:
    """One row. answer: a list of frames (0-based) a goal, any of which is right; video: below the dataset's folder."""

    ep_id: str
    video: str
    question: str
    answer: tuple[tuple[int, ...], ...]
    task_id: str
    high_level_category: str
    low_level_category: str
    num_interactions: int


def load_video_rows(path: Path | str) -> list[VideoRow]:
    """The rows of a split as ``.jsonl`` or ``.csv``; InputError names the row and field that is wrong.

    The dataset's own parquet is not read (that needs pyarrow); the message says how to write it as JSON lines.
    """
    path = Path(path)
    if path.suffix == ".parquet":
        raise InputError(f"{path} is parquet, which this package does not read; with pandas and pyarrow installed: "
                         f"python -c \"import pandas; pandas.read_parquet('{path.name}').to_json('{path.stem}.jsonl', "
                         "orient='records', lines=True)\"")  # fmt: skip
    try:
        text = read_bytes(path, MAX_JSON).decode("utf-8")
        if path.suffix == ".csv":
            raw = list(csv.DictReader(io.StringIO(text)))
        else:
            raw = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, csv.Error, RecursionError) as error:
        raise InputError(f"{path} is neither JSON lines nor CSV ({error}); download it again") from error
    return [_video_row(Fields(row, f"{path}: row {i}")) for i, row in enumerate(raw)]


def _video_row(row: Fields) -> VideoRow:
    count = row.raw.get("num_interactions")
    if isinstance(count, str) and count.isdigit():  # as CSV has it
        row.raw["num_interactions"] = int(count)
    return VideoRow(
        row.name("ep_id"), safe_name(row, "video"), row.text("question"), _frames(row), row.name("task_id"),
        row.text("high_level_category"), row.text("low_level_category"), row.whole("num_interactions", high=1000),
    )  # fmt: skip


def _frames(row: Fields) -> tuple[tuple[int, ...], ...]:
    """The answer: text of a nested list of frame indices, read as JSON and never evaluated."""
    expected = "the text of a nested list of frame indices such as '[[3, 4], [17]]'"
    text = row.text("answer", most=MAX_ANSWER)
    try:
        lists = json.loads(text)
    except (ValueError, RecursionError):
        raise row.refusal("answer", expected) from None
    good = isinstance(lists, list) and all(isinstance(part, list) for part in lists)
    if not good or not all(type(i) is int and 0 <= i < 10**9 for part in lists for i in part):
        raise row.refusal("answer", expected)
    return tuple(tuple(part) for part in lists)
