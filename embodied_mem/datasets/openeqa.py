"""OpenEQA (Majumdar et al., CVPR 2024): its questions, and its episode folders as our frames.

A folder ``DATA`` as OpenEQA's own scripts leave it::

    DATA/open-eqa-v0.json                            [{question, answer, category, question_id, episode_history, …}]
    DATA/frames/hm3d-v0/000-hm3d-…/00000-rgb.png     colour; with it -depth.png, .txt (pose) and intrinsic_color.txt
    DATA/frames/scannet-v0/002-scannet-…/000000-rgb.png

Ours may also carry ``NNNNN-instance.png`` (uint16) and ``instances.json``, which the simulated detector reads.
Formats: the repository facebookresearch/open-eqa, data/hm3d/extract-frames.py and data/scannet/SensorData.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from embodied_mem.datasets.files import Fields, read_json, rows_of, safe_name
from embodied_mem.errors import InputError

CATEGORIES = (
    "object recognition", "attribute recognition", "object state recognition", "object localization",
    "spatial understanding", "functional reasoning", "world knowledge",
)  # fmt: skip
QUESTIONS = "open-eqa-v0.json"


@dataclass(frozen=True)
class Question:
    """One question. ``answers``: the reference, then the further ones that are right as well; ``raw``: the whole item,
    with fields that are not OpenEQA's own (ours may carry a typed key)."""

    question_id: str
    question: str
    answers: tuple[str, ...]
    category: str
    episode_history: str
    raw: dict = field(repr=False, compare=False)


def load_questions(path: Path) -> list[Question]:
    """The questions of a file such as ``open-eqa-v0.json``; InputError names the row and field that is wrong."""
    questions = [_question(fields) for fields in rows_of(read_json(path), str(path))]
    seen: set[str] = set()
    for i, question in enumerate(questions):
        if question.question_id in seen:
            raise InputError(f"{path}: row {i}: question_id {question.question_id!r} is used twice; remove one of them")
        seen.add(question.question_id)
    return questions


def load_subset(path: Path) -> list[str]:
    """The question ids of a subset file (OpenEQA's 184 questions of A-EQA are one): a JSON list of ids."""
    return list(Fields({"ids": read_json(path)}, str(path)).texts("ids"))


def _question(fields: Fields) -> Question:
    answers = (fields.text("answer"), *fields.texts("extra_answers", ()))
    return Question(
        fields.text("question_id", most=200), fields.text("question", most=2000), answers,
        fields.text("category", choices=CATEGORIES), safe_name(fields, "episode_history"), fields.raw,
    )  # fmt: skip
