"""Tasks, environments, policies, simulators, reasoners and navigators are entry points, ours as well as yours.

A new one is one file and one line in its distribution's ``pyproject.toml``:

    [project.entry-points."embodied_mem.tasks"]
    my_task = "my_package.my_task:MyTask"

Ours are read from the checkout's own ``pyproject.toml`` where there is one, so that it works without installation.
"""

from __future__ import annotations

import functools
import re
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from embodied_mem.errors import ConfigError

#: Groups, and what one of each is called.
GROUPS = {
    "tasks": "task", "environments": "environment", "policies": "policy", "simulators": "simulator",
    "reasoners": "reasoner", "navigators": "navigator",
}  # fmt: skip
_CHECKOUT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def names(group: str) -> list[str]:
    """The names registered in a group, sorted."""
    return sorted({e.name for e in _entries(group)})


def load(group: str, name: str) -> Any:
    """The object registered under a name; raises ConfigError that lists the names there are."""
    if group not in GROUPS:
        raise ValueError(f"no group {group!r}; groups: {', '.join(GROUPS)}")
    for entry in _entries(group):
        if entry.name == name:
            return entry.load()
    raise ConfigError(f"no {GROUPS[group]} {name!r}; installed: {', '.join(names(group)) or 'none'}")


def _entries(group: str) -> list[EntryPoint]:
    full = f"embodied_mem.{group}"
    return [*_of_checkout(full), *_installed(full)]


@functools.cache  # looking through all distributions takes tens of milliseconds
def _installed(group: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))


@functools.cache
def _of_checkout(group: str) -> tuple[EntryPoint, ...]:
    """The lines of a group in the checkout's pyproject.toml (by hand: Python 3.10 has no reader for TOML)."""
    text = _CHECKOUT.read_text(encoding="utf-8") if _CHECKOUT.is_file() else ""
    if 'name = "embodied-mem"' not in text:
        return ()
    section = text.partition(f'[project.entry-points."{group}"]')[2].partition("\n[")[0]
    return tuple(EntryPoint(n, value, group) for n, value in re.findall(r'^([\w-]+) *= *"([^"]+)"', section, re.M))
