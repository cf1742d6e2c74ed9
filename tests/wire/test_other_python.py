"""What runs beside habitat-sim stays small and old: numpy, msgpack and websockets on Python 3.9."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embodied_mem.wire.client import RemoteSimulator
from tests.wire.stub import TOKEN

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "serve_simulator.py"
ALLOWED = {"embodied_mem", "numpy", "msgpack", "websockets"}
BESIDE = ["embodied_mem.wire.session", "embodied_mem.wire.client", "embodied_mem.sim.habitat"]
LIST = (  # those without a file are made by others while they load
    "import sys, json\n"
    "print(json.dumps({n: m.__file__ for n, m in list(sys.modules.items()) if getattr(m, '__file__', None)}))"
)


def loaded_by(code: str) -> dict[str, str]:
    command = [sys.executable, "-c", f"{code}\n{LIST}"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout)


@pytest.fixture(scope="module")
def closure() -> dict[str, str]:
    """{module: file} of all that the server script and what it serves load, beyond what any program does."""
    there = [name for name in BESIDE if importlib.util.find_spec(name)]
    code = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='imported')\nimport {', '.join(there)}"
    before = loaded_by("")
    return {name: file for name, file in loaded_by(code).items() if name not in before}


def test_the_server_needs_numpy_msgpack_and_websockets_alone(closure):
    packages = {name.partition(".")[0] for name in closure}
    foreign = packages - set(sys.stdlib_module_names) - ALLOWED
    assert not ALLOWED - packages and not foreign, f"the server now also needs {sorted(foreign)}"


def test_all_of_it_is_python_3_9(closure):
    files = [SCRIPT, *(Path(f) for n, f in closure.items() if n.startswith("embodied_mem") )]
    assert len(files) > 8
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(), feature_version=(3, 9))):
            if isinstance(node, ast.Call):
                newer = {k.arg for k in node.keywords} & {"strict", "slots", "kw_only"}
                assert not newer, f"{file.name}:{node.lineno} uses {newer}, which Python 3.9 does not have"
            assert not type(node).__name__.startswith("Match"), f"{file.name} has a match statement"


def test_served_by_python_3_9():
    """Runs where a ``python3.9`` with the three packages is on the PATH."""
    python = shutil.which("python3.9")
    needs = "import numpy, msgpack, websockets.sync.server"
    if not python or subprocess.run([python, "-c", needs], capture_output=True, cwd=ROOT).returncode:
        pytest.skip("no python3.9 with numpy, msgpack and websockets on the PATH")
    code = "from tests.wire.stub import serve_until_killed; serve_until_killed()"
    server = subprocess.Popen([python, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with RemoteSimulator(server.stdout.readline().strip(), TOKEN, seed=3) as sim:
        assert sim.reset("a", visit="v0", start=(0.0, 1.0, 2.0)).color.shape == (240, 320, 3)
        assert sim.step("left").last_action == "left"
    server.stdin.close()
    assert server.wait(20) == 0
