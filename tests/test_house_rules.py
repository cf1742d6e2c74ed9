"""Rules of the house that no reviewer should have to remember."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [p for d in ("embodied_mem", "tasks", "policies", "scripts", "tests") for p in (ROOT / d).rglob("*.py")]
LIBRARY = [p for p in SOURCES if p.is_relative_to(ROOT / "embodied_mem") and p == p.resolve()]


@functools.cache
def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
    return found


def test_the_library_never_imports_tasks_or_policies():
    reaching = [
        p.name for p in LIBRARY for m in imports(p)
        if m.startswith(("embodied_mem.tasks", "embodied_mem.policies")) or m.split(".")[0] in ("tasks", "policies")
    ]  # fmt: skip
    assert LIBRARY and not reaching


def test_tasks_and_policies_are_imported_by_their_long_names_only():
    short = [(p.name, m) for p in SOURCES for m in imports(p) if m.split(".")[0] in ("tasks", "policies", "configs")]
    assert not short, "a short name loads a second copy of every class; write embodied_mem.tasks…"


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, embodied_mem, embodied_mem.types; print([m for m in ('torch','open3d','transformers','scipy') if m in sys.modules])"  # noqa: E501
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("word", ["pickle", "marshal", "shelve"])
def test_nothing_is_unpickled(word):
    assert not [p.name for p in LIBRARY for m in imports(p) if m.split(".")[0] == word]


def test_the_agent_side_never_touches_the_truth():
    """Perception, memory, planner and control know the robot protocol, never a simulator, its truth or the log."""
    agent_side = [p for d in ("memory", "planner", "control") for p in (ROOT / "embodied_mem" / d).rglob("*.py")]
    allowed = {"embodied_mem.sim.protocol"}
    touching = [
        (p.name, m) for p in agent_side for m in imports(p) if m.startswith("embodied_mem.sim") and m not in allowed
    ]
    assert not touching


def test_scripts_are_executable():
    for name in ("setup", "run", "test"):
        assert os.access(ROOT / "scripts" / name, os.X_OK)
