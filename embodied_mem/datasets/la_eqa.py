"""LA-EQA (Ginting et al., CoRL 2025): its question and label files, and its scenes as visits of our own.

A folder as its release is laid out::

    DIR/eqa-questions.json           question, category, question_id, scene_name, answer, best_path, start_place
    DIR/scene-episode-names.json     {scene: ["now (saturday morning)", "friday afternoon", …]}, newest first
    DIR/frames/hm3d-v0/SCENE_0/00000-rgb.png     the present; SCENE_1 the visit before, and so on
    DIR/state/hm3d-v0/SCENE_0/                   poses, depth and intrinsics, if not beside the pictures
    DIR/isaac_warehouse/SCENE_0/state/0.yaml     poses of the Isaac scene, which has neither depth nor intrinsics

The release has poses as pickles and no depth. Pickles are never opened here: OpenEQA's extract-frames.py, run on the
same states, writes both as the files that are read here (``NNNNN.txt``, ``NNNNN-depth.png``, ``intrinsic_color.txt``).
Formats: the repository mind-palace-laeqa/benchmark (question and label files, mind_palace_generation.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from embodied_mem.datasets.episodes import WIDTH, Episode
from embodied_mem.datasets.files import MAX_TEXT, Fields, read_bytes, read_json, rows_of, safe_name
from embodied_mem.errors import InputError

QUESTIONS, LABELS = "eqa-questions.json", "scene-episode-names.json"
CATEGORIES = ("past", "present", "multi_past", "past_present", "past_present_future")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOURS = {"morning": 9, "noon": 12, "afternoon": 15, "evening": 19, "night": 21}
WEEK = datetime(2027, 3, 29, tzinfo=timezone.utc)  # the labels name no date: the present is in this week (a Monday)
MAX_VISITS = 1000


@dataclass(frozen=True)
class Question:
    """One question. answers: the right ones; best_path: frames of the present to pass in order, empty where no motion
    is needed; start_place: the frame of the present that the robot starts at; raw: the whole item."""

    question_id: str
    question: str
    answers: tuple[str, ...]
    category: str
    scene_name: str
    best_path: tuple[int, ...]
    start_place: int
    raw: dict = field(repr=False, compare=False)


def load_questions(path: Path) -> list[Question]:
    """The questions of an ``eqa-questions.json``; InputError names the row and field that is wrong."""
    questions = [_question(fields) for fields in rows_of(read_json(path), str(path))]
    ids = [question.question_id for question in questions]
    if len(set(ids)) < len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        raise InputError(f"{path}: question_id {twice!r} is used twice; remove one of them")
    return questions


def _question(fields: Fields) -> Question:
    answers = tuple(part.strip() for part in fields.text("answer").split(" OR ") if part.strip())
    return Question(
        fields.text("question_id", most=200), fields.text("question", most=2000), answers,
        fields.text("category", choices=CATEGORIES), safe_name(fields, "scene_name"), fields.wholes("best_path"),
        fields.whole("start_place"), fields.raw,
    )  # fmt: skip


def load_labels(path: Path) -> dict[str, tuple[str, ...]]:
    """{scene: labels of its visits, the present first} of a ``scene-episode-names.json``."""
    fields = Fields(read_json(path), str(path))
    labels = {}
    for scene in fields.raw:
        names = fields.texts(scene)
        if not names or "now" not in names[0] or len(names) > MAX_VISITS or len(set(names)) < len(names):
            raise fields.refusal(scene, f"1 to {MAX_VISITS} different labels, the first with 'now' in it")
        labels[scene] = names
    return labels


def visit_times(labels: tuple[str, ...]) -> list[float]:
    """UTC seconds of each visit, from labels such as "friday afternoon", newest first: the latest such moment before
    the one above it. A label without a weekday is a day earlier; without a part of day it is noon."""
    times: list[datetime] = []
    for label in labels:
        day = next((i for i, name in enumerate(WEEKDAYS) if name in label.lower()), None)
        hour = next((h for part, h in HOURS.items() if re.search(rf"\b{part}\b", label.lower())), 12)
        if not times:
            moment = WEEK + timedelta(days=day or 0, hours=hour)
        else:
            last = times[-1].replace(hour=hour)
            moment = last - timedelta(days=1 if day is None else (last.weekday() - day) % 7)
            if moment >= times[-1]:
                moment -= timedelta(days=7)
        times.append(moment)
    return [moment.timestamp() for moment in times]


@dataclass(frozen=True)
class Scene:
    """One scene of a folder: ``labels`` of its visits and their ``times`` (UTC s), the present first."""

    folder: Path
    name: str
    labels: tuple[str, ...]
    width: int = WIDTH

    @property
    def times(self) -> list[float]:
        return visit_times(self.labels)

    def episode(self, number: int) -> Episode:
        """Visit ``number`` (0: the present) as posed RGB-D frames; InputError where a part is missing."""
        name = f"{self.name}_{number}"
        if (self.folder / "isaac_warehouse" / name).is_dir():
            raise InputError(f"{self.folder / 'isaac_warehouse' / name} has neither depth nor camera intrinsics (LA-EQA"
                             " published none), so nothing in it can be placed; ask about other scenes")  # fmt: skip
        state = self.folder / "state" / "hm3d-v0" / name
        return Episode.open(self.folder / "frames" / "hm3d-v0" / name, width=self.width, beside=(state,))

    def isaac_position(self, number: int, frame: int) -> np.ndarray:
        """x, y, z (m, Z up) of a frame of an Isaac visit, from its ``state/FRAME.yaml``."""
        import yaml

        path = self.folder / "isaac_warehouse" / f"{self.name}_{number}" / "state" / f"{frame}.yaml"
        try:
            raw = yaml.safe_load(read_bytes(path, MAX_TEXT))
        except yaml.YAMLError as error:
            raise InputError(f"{path} is no YAML ({error}); download it again") from error
        return Fields(raw, str(path)).numbers("position", 3)


def way_length(way: tuple[int, ...], present: Episode) -> float:
    """LA-EQA's reference way in metres: straight lines from the start (the first frame of ``way``) to the others in
    order; 0 where there are none. InputError where the present has no frame of such a number."""
    if missing := [frame for frame in way if frame not in present.indices]:
        raise InputError(f"{present.folder} has no frame {missing[0]} with a pose, where a question starts or leads; "
                         "download the missing frames or leave that question out")  # fmt: skip
    points = np.array([present.position(frame) for frame in way])
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
