"""The columns of the original's video dataset: ours written with them, predictions made elsewhere read from them.

An answer is the text of a nested list of frame indices, 0-based: one list a goal to stop at, with all frames that
solve it (one list, of all alternatives, where any goal will do). Read by pattern and JSON, never evaluated.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embodied_mem.errors import InputError
from embodied_mem.evaluation.seeds import EVALUATION_FROM
from embodied_mem.tasks.findingdory.episode import EpisodeFile, load_episode
from embodied_mem.tasks.findingdory.items import Item, Stop

COLUMNS = (
    "ep_id", "video", "question", "answer", "task_id", "high_level_category", "low_level_category", "num_interactions",
)  # fmt: skip
NEEDED = ("ep_id", "task_id", "answer")  # of a prediction
MAX_BYTES = 2**30
MAX_ROWS = 1_000_000
MAX_ANSWER = 2**21  # characters

_LIST = r"\[\s*(?:-?\d{1,9}\s*(?:,\s*-?\d{1,9}\s*)*)?\]"
_NESTED = re.compile(rf"\s*\[\s*(?:{_LIST}\s*(?:,\s*{_LIST}\s*)*)?\]\s*", re.ASCII)
_FLAT = re.compile(rf"\s*{_LIST}\s*", re.ASCII)
_EPISODE = re.compile(r"(?:ep_)?(\d{1,10}-\d{1,10})", re.ASCII)
_TASK = re.compile(r"(?:task_)?([1-9]\d?)", re.ASCII)


@dataclass(frozen=True)
class Prediction:
    """What somebody answered: stops in order, and "" or why there are none.

    error: "no_answer" (no row, or nothing in it), "unparsable" (no list of frames), "out_of_range" (a frame that the
    experience does not have). A wrong number of stops is no error here; scoring sees to it.
    """

    stops: tuple[Stop, ...] = ()
    error: str = ""


def video_of(house: int, name: str) -> str:
    """Where the video of episode ``name`` lies in a run folder; evaluation houses are the split "val"."""
    return f"videos/{'val' if house >= EVALUATION_FROM else 'train'}/ep_id_{name}.mp4"


def write_dataset(run: Path) -> Path:
    """``dataset.jsonl`` of a run folder: its instructions in the original's columns, to train or test models on."""
    episodes = [load_episode(path) for path in sorted((run / "episodes").glob("*.json"))]
    write_rows(run / "dataset.jsonl", [row for episode in episodes for row in rows_of(episode)])
    return run / "dataset.jsonl"


def rows_of(episode: EpisodeFile) -> list[dict]:
    """One row an item with the original's columns."""
    return [
        {
            "ep_id": f"ep_{episode.name}",
            "video": video_of(episode.house, episode.name),
            "question": item.instruction,
            "answer": answer_of(item),
            "task_id": f"task_{item.template}",
            "high_level_category": item.group,
            "low_level_category": item.category,
            "num_interactions": len(episode.interactions),
        }
        for item in episode.items
    ]


def answer_of(item: Item) -> str:
    """The key as text: ``"[[3, 4, 9]]"``, for several goals ``"[[3, 4], [17]]"``; a goal never shown gives ``[]``."""
    if item.quantifier == "any":
        return json.dumps([sorted(set().union(*item.frames))])
    return json.dumps([list(frames) for frames in item.frames])


def parse_answer(answer: Any, frames: int) -> Prediction:
    """The stops of an answer (text, or the list itself) to an item of an experience of ``frames`` frames.

    A nested list makes one stop of the first frame of each list (empty ones make none); a flat list makes a stop of
    every frame. Nothing is guessed: what is no such list is "unparsable".
    """
    if answer is None or answer == "":
        return Prediction(error="no_answer")
    text = answer if isinstance(answer, str) else json.dumps(answer)
    if len(text) > MAX_ANSWER or not (_NESTED.fullmatch(text) or _FLAT.fullmatch(text)):
        return Prediction(error="unparsable")
    try:
        lists = [part if isinstance(part, list) else [part] for part in json.loads(text)]
    except ValueError:  # a number such as 007
        return Prediction(error="unparsable")
    if not all(0 <= frame < frames for part in lists for frame in part):
        return Prediction(error="out_of_range")
    stops = tuple(Stop(frame=part[0]) for part in lists if part)
    return Prediction(stops) if stops else Prediction(error="no_answer")


def stops_from_rows(rows: Iterable[dict], episodes: Iterable[EpisodeFile]) -> tuple[dict[str, Prediction], list[str]]:
    """Predictions by item id (``"100000-0/31"``), one for every item of the episodes, and what was wrong with rows.

    A row for an instruction that does not exist, or a second one for the same, is named in the list and left out; an
    item without a row is a "no_answer".
    """
    found: dict[str, Prediction] = {}
    problems: list[str] = []
    frames = {item.id: episode.frames for episode in episodes for item in episode.items}
    for number, row in enumerate(rows, 1):
        name, task = (_match(p, row.get(k)) for p, k in ((_EPISODE, "ep_id"), (_TASK, "task_id")))
        item = f"{name}/{task}"
        if item not in frames:
            asked = f"ep_id {row.get('ep_id')!r:.60}, task_id {row.get('task_id')!r:.60}"
            problems.append(f"row {number}: no instruction has {asked}; it is not scored")
        elif item in found:
            problems.append(f"row {number}: a second answer to {item}; the first one counts")
        else:
            found[item] = parse_answer(row.get("answer"), frames[item])
    unanswered = Prediction(error="no_answer")
    return {item: found.get(item, unanswered) for item in frames}, problems


def _match(pattern: re.Pattern, value: Any) -> str:
    found = pattern.fullmatch(str(value).strip()) if isinstance(value, (str, int)) else None
    return found.group(1) if found else ""


def write_rows(path: Path, rows: Iterable[dict]) -> None:
    """Rows as JSON lines (``.jsonl``) or as CSV (``.csv``); written whole or not at all."""
    rows = list(rows)
    out = io.StringIO()
    if _is_csv(path):
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    else:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    part = path.with_name(path.name + ".part")
    part.write_text(out.getvalue(), encoding="utf-8")
    os.replace(part, path)


def read_rows(path: Path) -> list[dict]:
    """The rows of a ``.jsonl`` or ``.csv`` file; those of a prediction need ep_id, task_id and answer, no more.

    Raises InputError, with file and line, for what is no such file, lacks a column or is larger than the limits.
    """
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise InputError(f"{path}: {size} bytes are more than {MAX_BYTES}; split the file")
        with path.open(encoding="utf-8", newline="") as file:
            rows = []
            for number, row in enumerate(_csv_rows(file) if _is_csv(path) else _json_rows(file), 1):
                if missing := [name for name in NEEDED if not isinstance(row, dict) or name not in row]:
                    raise InputError(f"{path}, row {number}: missing {', '.join(missing)}; give {', '.join(NEEDED)}")
                if number > MAX_ROWS:
                    raise InputError(f"{path}: more than {MAX_ROWS} rows; split the file")
                rows.append(row)
            return rows
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as rows ({error}); give JSON lines or CSV in UTF-8") from error


def _json_rows(file) -> Iterator[Any]:
    return (json.loads(line) for line in file if not line.isspace())


def _csv_rows(file) -> list[dict]:
    before = csv.field_size_limit(MAX_ANSWER)  # of the module: put back after reading
    try:
        return list(csv.DictReader(file))
    finally:
        csv.field_size_limit(before)


def _is_csv(path: Path) -> bool:
    if path.suffix not in (".csv", ".jsonl"):
        raise InputError(f"{path}: the name must end in .jsonl or .csv")
    return path.suffix == ".csv"
