"""Tasks, policies, simulators and reasoners are found through entry points, ours as well as yours.

A new one is one file and one line in its distribution's ``pyproject.toml``:

    [project.entry-points."embodied_mem.tasks"]
    my_task = "my_package.my_task:MyTask"
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from embodied_mem.errors import ConfigError

GROUPS = ("tasks", "policies", "simulators", "reasoners")


def names(group: str) -> list[str]:
    """The names registered in a group, sorted."""
    return sorted({e.name for e in entry_points(group=f"embodied_mem.{group}")})


def load(group: str, name: str) -> Any:
    """The object registered under a name; raises ConfigError that lists the names there are."""
    if group not in GROUPS:
        raise ValueError(f"no group {group!r}; groups: {', '.join(GROUPS)}")
    for entry in entry_points(group=f"embodied_mem.{group}"):
        if entry.name == name:
            return entry.load()
    raise ConfigError(f"no {group[:-1]} {name!r}; installed: {', '.join(names(group)) or 'none'}")
