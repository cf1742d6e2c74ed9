"""Whose predictions a file holds: the task that made them, or answers made elsewhere to a run's instructions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from embodied_mem import registry
from embodied_mem.errors import ConfigError, InputError

SHOWN = 20  # problems with single answers that are printed


def task_of(predictions: Path, rows: list[dict], name: str | None = None) -> type:
    """The task class: by ``name``, by the configuration beside the file, or by what its first row looks like.

    Raises ConfigError where none of these tells.
    """
    if name is None:
        name = _task_of_run(predictions.parent)
    if name is not None:
        return registry.load("tasks", name)
    for known in registry.names("tasks"):
        cls = registry.load("tasks", known)
        if not rows or (hasattr(cls, "made") and cls.made(rows[0])):
            return cls
    raise ConfigError(f"{predictions} does not say which task made it; add --task, one of {registry.names('tasks')}")


def foreign_rows(predictions: Path, run: Path, name: str | None = None) -> tuple[type, list[dict]]:
    """The task class of a run and rows to score for answers made elsewhere; says on stderr what is wrong with which.

    Raises InputError for a folder that is no run of a task that reads such answers.
    """
    name = name or _task_of_run(run)
    if name is None:
        raise InputError(f"{run} is no run folder (it has no config.json); give the folder of a finished run")
    cls = registry.load("tasks", name)
    if not hasattr(cls, "foreign"):
        raise InputError(f"the task {name!r} reads no answers made elsewhere; score its own predictions.jsonl")
    rows, problems = cls.foreign(predictions, run)
    for problem in problems[:SHOWN]:
        print(problem, file=sys.stderr)
    if len(problems) > SHOWN:
        print(f"… and {len(problems) - SHOWN} more", file=sys.stderr)
    return cls, rows


def _task_of_run(folder: Path) -> str | None:
    path = folder / "config.json"
    if not path.is_file():
        return None
    try:
        name = json.loads(path.read_text(encoding="utf-8")).get("task")
    except (ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None
