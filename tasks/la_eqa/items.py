"""One LA-EQA question as data: LA-EQA's seven fields, and those that make it checkable by a program.

An item set is one JSON file ``{"version", "house", "days", "items": [...]}``, written with sorted keys, so that the
same seed and version give the same bytes. Nothing in it is unpickled or evaluated; every field is checked on load.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from embodied_mem.errors import InputError
from embodied_mem.planner.query import KINDS, ObjectRef, Query, TimeRef
from embodied_mem.types import FrameRef, Value

VERSION = 1
CATEGORIES = ("past", "present", "multi_past", "past_present", "past_present_future")
ANSWER_TYPES = ("place", "time", "duration", "count", "bool", "label", "set", "abstain")
# A requirement is an any-of list of frame names, or {"visit": "now", "things": [instance ids]} for the present.
Requirement = list | dict


@dataclass(frozen=True)
class Item:
    """A question with its answer key.

    question, category, question_id, scene_name, answer, best_path, start_place: LA-EQA's fields. Here ``answer`` is the
    answer in words, ``start_place`` numbers the house's start poses, ``best_path`` lists the poses ``[x, y, yaw]`` (m,
    rad, world frame) of the shortest tour that sees what the answer depends on ([]: no motion needed).
    start_pose: ``[x, y, yaw]`` of the start. question_time: UTC s. answer_type, answer_value: the typed key.
    gold_query: what a perfect parser returns. template, kind: where the item comes from.
    evidence: requirements; ``["v001/000123", ...]`` is met by citing any of these frames, ``{"visit": "now",
    "things": [ids]}`` by citing a present frame in which one of these instances is visible.
    static: any single visit (or the present alone) gives the answer. moving: it concerns a thing whose place, state or
    count changes. l_star: geodesic metres of ``best_path``. min_images: fewest stored images to inspect.
    tolerance_s: for answers in time.
    """

    question: str
    category: str
    question_id: str
    scene_name: str
    answer: str
    best_path: list
    start_place: int
    start_pose: list
    question_time: float
    answer_type: str
    answer_value: dict
    gold_query: dict
    template: str
    kind: str
    evidence: list
    static: bool
    moving: bool
    l_star: float
    min_images: int
    unanswerable: bool
    tolerance_s: float = 0.0

    @property
    def value(self) -> Value:
        return Value.from_json(self.answer_value)

    @property
    def query(self) -> Query:
        return query_from_json(self.gold_query)

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict) -> Item:
        """Raises InputError, naming the question and the field, for anything that is not a valid item."""
        if not isinstance(raw, dict):
            raise InputError(f"an item must be a JSON object, got {type(raw).__name__}")
        name = raw.get("question_id", "?")
        known = {f.name for f in fields(cls)}
        if missing := sorted(known - {"tolerance_s"} - raw.keys()):
            raise InputError(f"item {name}: missing {', '.join(missing)}; regenerate the item file")
        if extra := sorted(raw.keys() - known):
            raise InputError(f"item {name}: unknown field {', '.join(extra)}; remove it or regenerate the item file")
        item = cls(**raw)
        _check(item)
        return item


def _check(item: Item) -> None:
    def need(ok: bool, what: str) -> None:
        if not ok:
            raise InputError(f"item {item.question_id}: {what}")

    for name in ("question", "category", "question_id", "scene_name", "answer", "template"):
        value = getattr(item, name)
        need(isinstance(value, str) and bool(value), f"{name} must be a non-empty string, got {value!r}")
    need(item.category in CATEGORIES, f"category {item.category!r} is none of {', '.join(CATEGORIES)}")
    need(item.kind in KINDS, f"kind {item.kind!r} is none of {', '.join(KINDS)}")
    need(item.answer_type in ANSWER_TYPES, f"answer_type {item.answer_type!r} is none of {', '.join(ANSWER_TYPES)}")
    check_value(item.answer_value, item.question_id)
    need(item.answer_value["type"] == item.answer_type, "answer_value and answer_type disagree")
    need(item.unanswerable == (item.answer_type == "abstain"), "unanswerable must go with the answer type 'abstain'")
    for name in ("question_time", "l_star", "tolerance_s"):
        need(_finite(getattr(item, name)) and getattr(item, name) >= 0, f"{name} must be a finite number >= 0")
    for name in ("start_place", "min_images"):
        need(type(getattr(item, name)) is int and getattr(item, name) >= 0, f"{name} must be an integer >= 0")
    for name in ("static", "moving", "unanswerable"):
        need(type(getattr(item, name)) is bool, f"{name} must be true or false")
    for pose in [item.start_pose, *item.best_path]:
        need(len(pose) == 3 and all(map(_finite, pose)), f"a pose is [x, y, yaw], got {pose!r}")
    for requirement in item.evidence:
        need(_requirement_ok(requirement), f"bad evidence requirement {requirement!r}")
    query_from_json(item.gold_query)


def _finite(x: Any) -> bool:
    return type(x) in (int, float) and math.isfinite(x)


def _requirement_ok(requirement: Any) -> bool:
    if isinstance(requirement, dict):
        things = requirement.get("things")
        return requirement.get("visit") == "now" and bool(things) and all(type(t) is int for t in things)
    try:
        return bool(requirement) and all(str(FrameRef.parse(name)) == name for name in requirement)
    except (ValueError, AttributeError, TypeError):
        return False


def check_value(raw: Any, name: str) -> Value:
    """The strict reading of a Value's JSON: the right type of data for each type, or InputError naming the question."""
    kind = raw.get("type") if isinstance(raw, dict) else None
    data = raw.get("data") if isinstance(raw, dict) else None

    def texts(n: int | None = None) -> bool:
        return isinstance(data, list) and all(isinstance(s, str) for s in data) and n in (None, len(data))

    ok = {
        "place": lambda: texts(2),
        "set": texts,
        "time": lambda: _finite(data),
        "duration": lambda: _finite(data),
        "count": lambda: type(data) is int,
        "bool": lambda: type(data) is bool,
        "label": lambda: isinstance(data, str),
        "abstain": lambda: data is None,
    }
    if kind not in ok or not ok[kind]():
        raise InputError(f"item {name}: {raw!r} is no valid answer value (types: {', '.join(ok)})")
    return Value.from_json(raw)


def query_to_json(query: Query) -> dict:
    """A Query as plain JSON."""
    raw = asdict(query)
    if query.target is not None:
        raw["target"]["attributes"] = [list(pair) for pair in query.target.attributes]
    return raw


def query_from_json(raw: dict) -> Query:
    """The inverse of :func:`query_to_json`; InputError for an unknown slot or kind."""
    try:
        slots = dict(raw)
        target, until = slots.pop("target", None), slots.pop("until", None)
        if target is not None:
            target = ObjectRef(**{**target, "attributes": tuple(tuple(p) for p in target.get("attributes", ()))})
        query = Query(
            target=target, when=TimeRef(**slots.pop("when", {})), until=TimeRef(**until) if until else None, **slots
        )
    except (TypeError, AttributeError, ValueError) as error:
        raise InputError(f"bad query {raw!r}: {error}") from error
    if query.kind not in KINDS:
        raise InputError(f"query kind {query.kind!r} is none of {', '.join(KINDS)}")
    return query


def save_items(path: Path | str, items: list[Item], **about: Any) -> None:
    """Write an item set atomically; byte-identical for equal content."""
    path = Path(path)
    body = {"version": VERSION, **about, "items": [item.to_json() for item in items]}
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(body, sort_keys=True, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def load_items(path: Path | str) -> list[Item]:
    """Read and check an item set. Raises InputError for a damaged file, an unknown version or a duplicate id."""
    try:
        body = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: cannot read the item file ({error}); regenerate it") from error
    if not isinstance(body, dict) or body.get("version") != VERSION or not isinstance(body.get("items"), list):
        raise InputError(f"{path}: not an item file of version {VERSION}; regenerate it")
    items = [Item.from_json(raw) for raw in body["items"]]
    ids = [item.question_id for item in items]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise InputError(f"{path}: question ids used twice: {', '.join(twice)}")
    return items
