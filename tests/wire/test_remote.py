"""The embedded simulator at the other end of the wire is the embedded simulator: same contract, same bits."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from embodied_mem import registry
from embodied_mem.errors import InputError
from embodied_mem.evaluation.session import SessionRobot
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.perception.simulated import SimulatedDetector
from embodied_mem.sim.check import check_simulator
from embodied_mem.sim.embedded import EmbeddedSimulator, LiveRobot
from embodied_mem.sim.protocol import MANIPULATOR_ACTIONS, Robot, RobotSpec, Simulator
from embodied_mem.types import Camera, Frame, pose_xyyaw
from embodied_mem.wire.client import RemoteSimulator

SEED = 7
SMALL = RobotSpec(Camera(width=80, height=60))
SCRIPT = Path(__file__).parents[2] / "scripts" / "serve_simulator.py"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """What a user starts in the other environment; (url, file of the token)."""
    token = tmp_path_factory.mktemp("token") / "token"
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "embedded", "--token-file", token, "--truth"], stdout=subprocess.PIPE, text=True
    )
    first = process.stdout.readline()
    assert first.startswith("serving embedded on ws://127.0.0.1:"), first
    yield first.split()[3], token
    process.terminate()
    assert process.wait(20) == 0


@pytest.fixture(scope="module")
def pair(served):
    """The same simulator here and there, both with noise and a sidecar: (local, remote)."""
    noise, robot = NoiseConfig(), dataclasses.replace(SMALL, actions=MANIPULATOR_ACTIONS)
    local = EmbeddedSimulator(noise, Sidecar(None), seed=3, spec=robot, days=4)
    with RemoteSimulator(*served, noise=noise, sidecar=Sidecar(None), seed=3, spec=robot, days=4) as remote:
        yield local, remote


@pytest.mark.skipif(importlib.util.find_spec("habitat_sim") is not None, reason="habitat-sim is installed")
def test_a_habitat_that_is_not_installed_is_not_served(tmp_path):
    command = [sys.executable, SCRIPT, "habitat", "--token-file", tmp_path / "token"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith("serve_simulator: habitat_sim does not import")


def test_it_keeps_the_simulator_contract(served):
    check_simulator(lambda: RemoteSimulator(*served, spec=SMALL))


def test_frames_are_the_same_bit_for_bit(pair):
    seen = []
    for sim in pair:
        frames = [sim.reset(SEED, visit="v0")]
        frames += [sim.step(a) for a in ("left", "forward", "manipulate", "right", "navigate", "pick", "stop")]
        sim.advance(sim.clock + 86400)
        seen.append([*frames, sim.observe(), sim.reset(SEED, visit="v1", frozen=True)])
    for one, other in zip(*seen, strict=True):
        for field in dataclasses.fields(Frame):
            a, b = getattr(one, field.name), getattr(other, field.name)
            assert np.array_equal(a, b) and type(a) is type(b), f"{field.name} of {one.ref}"
            assert not isinstance(a, np.ndarray) or a.dtype == b.dtype


def test_the_simulated_detector_sees_the_same_through_it(pair):
    found = []
    for sim in pair:
        detector = SimulatedDetector(sim._sidecar, NoiseConfig(), 3)
        frames = [sim.reset(SEED, visit="v2"), *(sim.step("left") for _ in range(6))]
        found.append([(d.label, d.box, d.attributes) for f in frames for d in detector.detect(f, "inspect")])
        assert sim._sidecar.get(frames[-1].ref)[1][:2] == tuple(math.floor(v / 0.5) for v in sim.truth.pose[:2])
    assert found[0] == found[1] != []


def test_a_folder_for_a_sidecar_is_filled_here_not_there(served, tmp_path):
    with RemoteSimulator(*served, sidecar=Sidecar(tmp_path / "side"), spec=SMALL, days=1) as sim:
        frame = sim.reset(SEED, visit="v0")
    again = Sidecar(tmp_path / "side")
    assert again.get(frame.ref)[0].shape == (60, 80) and len(again.facts(frame.ref)) > 20


def test_images_are_drawn_and_travel_only_while_somebody_looks(pair, monkeypatch):
    remote, sent = pair[1], []

    def listen(do, ask=remote._link.ask, **fields):
        answer = ask(do, **fields)
        sent.append((do, "color" in answer or "color" in answer.get("frame", ())))
        return answer

    remote.reset(SEED, visit="v0")
    monkeypatch.setattr(remote._link, "ask", listen)
    assert remote.step("left").color.shape == (60, 80, 3), "drawn when it is looked at"
    assert remote.step("left").depth.shape == (60, 80), "who looked at the last one will look at this one"
    remote.step("left")
    remote.step("left")
    assert sent == [("step", False), ("look", True), ("step", True), ("step", True), ("step", False)]


def test_a_frame_can_be_looked_at_later_and_shows_what_was_then(pair):
    for sim in pair:
        sim.reset(SEED, visit="v0")
    local, remote = ([sim.step(a) for a in ("left", "forward", "left")][0] for sim in pair)
    for sim in pair:
        sim.reset(SEED, visit="v1", start=sim.truth.pose)
    assert np.array_equal(remote.color, local.color) and np.array_equal(remote.depth, local.depth)


def test_scorers_read_the_same_truth(pair):
    for sim in pair:
        sim.reset(SEED, visit="v0")
        sim.step("forward")
    local, remote = (sim.truth for sim in pair)
    a, b = (local.grid.centre(c) for c in np.argwhere(local.grid.passable)[[0, -1]])
    assert remote.pose == local.pose and remote.head == local.head and remote.manipulating is False
    assert remote.geodesic(a, b) == local.geodesic(a, b) > 1
    assert remote.visible_pixels() == local.visible_pixels()
    assert np.array_equal(remote.grid.passable, local.grid.passable) and remote.grid.origin == local.grid.origin
    assert all(np.array_equal(x, y) for x, y in zip(remote.render(*a, 0.3), local.render(*a, 0.3), strict=True))


def test_agents_and_scorers_hold_it_as_they_hold_the_embedded_one(pair):
    _, remote = pair
    remote.reset(SEED, visit="now")
    robot = LiveRobot(remote)
    assert isinstance(remote, Simulator) and isinstance(robot, Robot) and not isinstance(robot, Simulator)
    assert robot.step("left") is remote.observe() and robot.clock == remote.clock
    scored = SessionRobot(remote)
    before = remote.truth.pose
    for _ in range(4):
        scored.step("forward")
    assert math.isclose(scored._metres, math.dist(before[:2], remote.truth.pose[:2]), abs_tol=0.05)
    assert abs(pose_xyyaw(scored.observe().base_to_map)[0] - remote.truth.pose[0]) < 0.3


def test_errors_are_raised_here_as_what_they_were_there(pair):
    _, remote = pair
    remote.reset(SEED, visit="v0")
    with pytest.raises(InputError, match="free floor"):
        remote.reset(SEED, visit="v0", start=(-50.0, 0.0, 0.0))
    with pytest.raises(InputError, match="fly.*none of forward"):
        remote.step("fly")
    with pytest.raises(InputError, match="unexpected keyword argument 'wings'"):
        remote.reset(SEED, visit="v0", wings=2)
    with pytest.raises(InputError, match="no place on the wire for a House"):
        remote.reset(SEED, visit="v0", house=pair[0].truth.house)
    assert remote.step("left").last_action == "left", "and the session goes on"


def test_nothing_happens_before_reset_and_unknown_options_are_named(served):
    with RemoteSimulator(*served) as sim:
        with pytest.raises(InputError, match="call reset"):
            sim.step("left")
        with pytest.raises(InputError, match="call reset"):
            assert sim.clock
    with pytest.raises(InputError, match="takes no wings; it takes noise, sidecar, seed"):
        RemoteSimulator(*served, wings=2)
    with pytest.raises(InputError, match="width is 9999"):
        RemoteSimulator(*served, spec=RobotSpec(Camera(width=9999)))


def test_it_is_registered():
    assert registry.load("simulators", "remote") is RemoteSimulator
