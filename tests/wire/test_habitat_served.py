"""habitat-sim in a process of its own, an exported house in it, driven from here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.check import check_simulator
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Camera
from embodied_mem.wire.client import RemoteSimulator

SCRIPT = Path(__file__).parents[2] / "scripts" / "serve_simulator.py"
SMALL = RobotSpec(Camera(width=80, height=60))


@pytest.mark.habitat
def test_an_exported_house_in_habitat_is_driven_over_the_wire(tmp_path):
    from embodied_mem.sim.export.habitat import export_house

    dataset, token = export_house(7, tmp_path / "houses", days=1), tmp_path / "token"
    server = subprocess.Popen(
        [sys.executable, SCRIPT, "habitat", "--scene-dataset", dataset, "--token-file", token, "--truth"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = server.stdout.readline().split()[3]
        check_simulator(lambda: RemoteSimulator(url, token, spec=SMALL), scene="house-7")
        with RemoteSimulator(url, token, spec=SMALL, sidecar=Sidecar(None)) as sim:
            frame = sim.reset(7, visit="v0")
            seen = set(map(int, sim._sidecar.get(frame.ref)[0].ravel()))
            assert {i for i in seen if i > 1} <= set(sim._sidecar.facts(frame.ref)) and len(seen) > 1
            assert sim.truth.render(*sim.truth.pose).color.shape == frame.color.shape
            assert sim.truth.geodesic(sim.truth.pose[:2], sim.truth.pose[:2]) < 0.1
    finally:
        server.terminate()
        server.wait(20)
