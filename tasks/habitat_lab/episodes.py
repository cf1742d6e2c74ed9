"""Our questions and instructions as episodes for habitat-lab, in exported houses: one JSON file, checked when read.

Positions are ours (Z up); ``lab.py`` turns them. Nothing here needs habitat.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from embodied_mem.errors import InputError
from embodied_mem.sim.export.life import SceneLife
from embodied_mem.types import Value

VERSION = 1
KINDS = ("la_eqa", "findingdory", "object_search")
REACH_M = 2.0  # of object search
_MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class LabEpisode:
    """One episode.

    kind: of ``KINDS``; scene: a scene instance of the dataset; instruction: what the agent is told; time: UTC s, at
    which the house stands still; start: x, y, yaw; key: what only the judge may know (see ``judging.py``); memory: the
    palace that an agent with a past may open; moved: name → placement (``SceneLife``'s) of what is not where its life
    says.
    """

    id: str
    kind: str
    scene: str
    instruction: str
    time: float
    start: tuple[float, float, float]
    key: dict
    memory: str = ""
    moved: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises InputError, naming the episode and the field, for what no episode may be."""
        good = {
            "id": isinstance(self.id, str) and bool(self.id), "kind": self.kind in KINDS,
            "scene": isinstance(self.scene, str) and bool(self.scene), "instruction": isinstance(self.instruction, str),
            "time": _finite(self.time), "key": isinstance(self.key, dict), "memory": isinstance(self.memory, str),
            "start": isinstance(self.start, (list, tuple)) and len(self.start) == 3 and all(map(_finite, self.start)),
            "moved": isinstance(self.moved, dict),
        }  # fmt: skip
        for name, fine in good.items():
            if not fine:
                raise InputError(f"episode {str(self.id)[:40]!r}: {name} is {str(getattr(self, name))[:80]!r}; "
                                 "write the file anew")  # fmt: skip


def of_la_eqa(items: Iterable[Any], memory: Path | str) -> list[LabEpisode]:
    """LA-EQA's questions (``tasks.la_eqa.items.Item``) about a house; ``memory``: the palace of its patrols."""
    return [
        LabEpisode(
            item.question_id, "la_eqa", item.scene_name, item.question, item.question_time, tuple(item.start_pose),
            {"answer": item.answer_value, "tolerance_s": item.tolerance_s, "shortest_m": item.l_star}, str(memory),
        )
        for item in items
    ]  # fmt: skip


def of_findingdory(items: Iterable[Any], log: Any, experience: Path | str, life: SceneLife) -> list[LabEpisode]:
    """FindingDory's instructions (``tasks.findingdory.items.Item``) after the experience of ``log``.

    experience: its folder; life: of the exported house, which says what things are called there.
    """
    from embodied_mem.sim.habitat_frames import state_of
    from embodied_mem.types import planar_pose

    names = {about["id"]: name for name, about in life.objects.items()}
    time, before = float(log.steps.time[-1]), life.state_at(float(log.steps.time[-1]))
    moved = {}
    for thing in log.after.things:
        pose = planar_pose(thing.x, thing.y, thing.yaw)
        pose[2, 3] = thing.z
        position, rotation = state_of(pose)
        name = names[thing.id]
        known = before.get(name) or life.state_at(life.start)[name]
        if name not in before or math.dist(known.translation, position) > 1e-4:
            moved[name] = {"template": known.template, "translation": position.tolist(),
                           "rotation": rotation.tolist(), "states": dict(thing.states)}  # fmt: skip
    there = {names[thing.id] for thing in log.after.things}
    things = {name for name, about in life.objects.items() if about["kind"] == "thing"}
    moved |= {name: None for name in (set(before) & things) - there}
    return [
        LabEpisode(
            item.id, "findingdory", life.scene, item.instruction, time, tuple(map(float, log.end_pose)),
            {"experience": str(experience), "item": asdict(item)}, str(Path(experience) / "palace"), moved,
        )
        for item in items
    ]  # fmt: skip


def of_object_search(
    life: SceneLife, starts: Iterable[tuple[float, float, float]], labels: Iterable[str] = ()
) -> list[LabEpisode]:
    """Find a thing by what it is called, from each start: every label of which something lies in the house at the
    question time, or of ``labels`` those that do."""
    there = {life.objects[name]["label"] for name in life.state_at(life.question_time)
             if life.objects[name]["kind"] == "thing"}  # fmt: skip
    chosen = sorted(there & set(labels) if labels else there)
    return [
        LabEpisode(
            f"{life.scene}/{label}/{k}", "object_search", life.scene, label, life.question_time,
            tuple(map(float, start)), {"label": label, "reach_m": REACH_M},
        )
        for label in chosen
        for k, start in enumerate(starts)
    ]  # fmt: skip


def write_episodes(path: Path | str, dataset: Path | str, episodes: Iterable[LabEpisode]) -> None:
    """Write ``episodes.json.gz``; ``dataset``: the exported houses' scene dataset config, kept relative to the file."""
    path = Path(path)
    where = os.path.relpath(Path(dataset).resolve(), path.resolve().parent)
    rows = [asdict(episode) for episode in episodes]
    text = json.dumps({"version": VERSION, "dataset": where, "episodes": rows}, sort_keys=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(gzip.compress(text.encode(), mtime=0))
    os.replace(part, path)


def read_episodes(path: Path | str) -> tuple[str, list[LabEpisode]]:
    """The scene dataset config and the episodes. Raises InputError for a file that is missing, too large or damaged."""
    path = Path(path)
    try:
        with gzip.open(path) as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise InputError(f"{path} holds more than {_MOST_BYTES >> 20} MiB; split it")
        raw = json.loads(data)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path} cannot be read as episodes ({error}); write it anew") from error
    if not isinstance(raw, dict) or raw.get("version") != VERSION or not isinstance(raw.get("episodes"), list):
        raise InputError(f"{path} is no episode file of version {VERSION}; write it anew")
    known = {f.name for f in fields(LabEpisode)}
    episodes = []
    for row in raw["episodes"]:
        if not isinstance(row, dict) or not set(row) <= known or not {"id", "kind", "scene"} <= set(row):
            raise InputError(f"{path}: {str(row)[:80]} is no episode; its fields are {', '.join(sorted(known))}")
        try:
            episodes.append(LabEpisode(**{**row, "start": tuple(row.get("start", ()))}))
        except (TypeError, InputError) as error:
            raise InputError(f"{path}: {error}") from error
    return str((path.resolve().parent / str(raw.get("dataset", ""))).resolve()), episodes


def value_of(raw: Any) -> Value:
    """An answer as agents give it to habitat-lab (``{"type": "count", "data": 2}``); InputError for anything else."""
    from embodied_mem.tasks.la_eqa.items import check_value

    return raw if isinstance(raw, Value) else check_value(raw, "answer")


def _finite(x: Any) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x)
