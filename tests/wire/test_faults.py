"""Ends that die, hang, lie or may not come in: a clear error here, and the other end goes on for everybody else."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

from embodied_mem.errors import InputError, NavigationError, WireError
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.wire import client
from embodied_mem.wire.client import RemoteSimulator
from embodied_mem.wire.codec import decode, encode
from embodied_mem.wire.messages import PROTOCOL, VERSION, spec_to_wire
from embodied_mem.wire.server import Server
from tests.wire.stub import TOKEN, Stub

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server():
    with Server(Stub, TOKEN) as server:
        yield server


def test_two_clients_have_two_simulators(server):
    with RemoteSimulator(server.url, TOKEN) as one, RemoteSimulator(server.url, TOKEN) as other:
        a, b = one.reset("a", visit="v0"), other.reset("b", visit="v9")
        one.step("left")
        assert a.map_revision != b.map_revision, "each its own process"
        assert one.observe().ref.index == 1 and other.step("right").ref.index == 1
        assert other.observe().ref.visit == "v9"


def test_a_killed_client_frees_its_simulator_and_the_next_gets_a_fresh_one(server):
    killed = child("connect_and_hang", server.url)
    pid = int(killed.stdout.readline())
    killed.kill()
    wait_for(lambda: not alive(pid), f"the simulator of the killed client (process {pid}) is still there")
    with RemoteSimulator(server.url, TOKEN) as sim:
        frame = sim.reset("next", visit="v0")
        assert frame.ref.index == 0 and frame.map_revision != pid


def test_a_client_that_goes_away_in_order_frees_its_simulator_too(server):
    sim = RemoteSimulator(server.url, TOKEN)
    pid = sim.reset("a", visit="v0").map_revision
    del sim
    wait_for(lambda: not alive(pid), "a simulator outlives its client")


def test_a_server_that_dies_in_the_middle_of_a_step_is_an_error_at_once():
    process = child("serve_until_killed")
    url = process.stdout.readline().strip()
    other, sim = RemoteSimulator(url, TOKEN), RemoteSimulator(url, TOKEN)
    idle = other.reset("a", visit="v0").map_revision
    hanging = sim.reset("hangs", visit="v0").map_revision
    threading.Timer(0.3, process.kill).start()
    with pytest.raises(WireError, match=r"ended at 'step'.*start it with `python scripts/serve_simulator.py"):
        sim.step("forward")
    with pytest.raises(WireError, match="ended at 'step'"):
        sim.step("left")
    process.wait()
    with pytest.raises(WireError, match="nothing answers at"):
        RemoteSimulator(url, TOKEN)
    wait_for(lambda: not alive(idle), "a simulator outlives its server")
    os.kill(hanging, signal.SIGKILL)  # this one would notice after its step


def test_a_simulator_that_dies_takes_nobody_with_it(server):
    with RemoteSimulator(server.url, TOKEN) as other, RemoteSimulator(server.url, TOKEN) as sim:
        other.reset("a", visit="v0")
        sim.reset("dies", visit="v0")
        with pytest.raises(WireError, match="exit code -9"):
            sim.step("forward")
        with pytest.raises(WireError, match="ended at 'observe'|exit code"):
            sim._link.ask("observe")
        assert other.step("left").ref.index == 1


def test_errors_keep_their_class_and_bugs_show_no_traceback(server):
    with RemoteSimulator(server.url, TOKEN) as sim:
        sim.reset("refuses", visit="v0")
        with pytest.raises(NavigationError, match="^the way is blocked by a mug; go around it$"):
            sim.step("forward")
        sim.reset("fails", visit="v0")
        with pytest.raises(WireError, match="failed with KeyError: 'a bug in the simulator'") as error:
            sim.step("forward")
        assert "Traceback" not in str(error.value) and "stub.py" not in str(error.value)
        assert sim.step("left").ref.index == 1, "the session goes on"


def test_a_slow_simulator_is_given_up_by_the_client():
    with Server(Stub, TOKEN) as server:
        sim = RemoteSimulator(server.url, TOKEN)
        sim.reset("hangs", visit="v0")
        sim._link._timeout_s = 0.3
        with pytest.raises(WireError, match=r"no answer to 'step' within 0.3 s; raise timeout_s"):
            sim.step("forward")
        with pytest.raises(WireError, match="ended at"):
            sim.observe() and sim.step("left")


def test_or_ended_by_the_server():
    with Server(Stub, TOKEN, limit_s=1.5) as server, RemoteSimulator(server.url, TOKEN) as sim:
        pid = sim.reset("hangs", visit="v0").map_revision
        with pytest.raises(WireError, match=r"within the server's 1.5 s and was ended; .*--limit-s"):
            sim.step("forward")
        wait_for(lambda: not alive(pid), "the simulator still hangs")


def test_without_the_token_nobody_comes_in(server):
    with pytest.raises(InputError, match="refuses this token; the server prints where"):
        RemoteSimulator(server.url, "another-token-than-that")
    for headers in ({}, {"Authorization": TOKEN}, {"Authorization": "Bearer "}, {"Authorization": "Basic " + TOKEN}):
        with pytest.raises(Exception, match="401"):
            connect(server.url, additional_headers=headers)
    with connect(server.url, additional_headers={"Authorization": f"Api-Key {TOKEN}"}) as openpi:
        assert decode(openpi.recv())["protocol"] == PROTOCOL
    with pytest.raises(InputError, match="16 or more"):
        Server(Stub, "short")


def test_a_token_is_read_from_the_file_that_the_server_names(server, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    RemoteSimulator(server.url, tmp_path / "token").close()
    with pytest.raises(InputError, match="no token in .*nowhere"):
        RemoteSimulator(server.url, tmp_path / "nowhere")


def test_health_needs_no_token(server):
    there = http.client.HTTPConnection(server.url.removeprefix("ws://"), timeout=5)
    there.request("GET", "/healthz")
    answer = there.getresponse()
    assert (answer.status, answer.read()) == (200, b"OK\n")


def test_the_truth_stays_there_unless_the_server_was_started_for_scoring(server):
    with RemoteSimulator(server.url, TOKEN) as sim:
        sim.reset("a", visit="v0")
        with pytest.raises(InputError, match="no truth.*--truth"):
            assert sim.truth.pose
    with Server(Stub, TOKEN, truth=True) as scoring, RemoteSimulator(scoring.url, TOKEN) as sim:
        assert sim.truth.pose == (1.0, 2.0, 0.5)
        with pytest.raises(InputError, match="'secret' of the truth does not travel; there are pose$"):
            sim.truth._ask("secret")


def test_more_clients_than_places_are_told_so():
    with Server(Stub, TOKEN, sessions=1) as server:
        with RemoteSimulator(server.url, TOKEN), pytest.raises(WireError, match="all 1 places are taken"):
            RemoteSimulator(server.url, TOKEN)
        wait_for(lambda: _connects(server.url), "the place is not free again")


def test_messages_over_the_limit_end_only_their_own_connection(server):
    with RemoteSimulator(server.url, TOKEN) as sim, pytest.raises(InputError, match="the limit is 1048576"):
        sim.reset("x" * 2_000_000, visit="v0")
    with connect(server.url, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as raw:
        raw.recv()
        raw.send(b"\0" * 2_000_000)
        with pytest.raises(ConnectionClosed, match="1009"):
            raw.recv()
    RemoteSimulator(server.url, TOKEN).close()


def test_images_over_the_limit_are_refused_by_the_client(server, monkeypatch):
    monkeypatch.setattr(client, "MAX_BYTES", 10_000)
    with RemoteSimulator(server.url, TOKEN) as sim, pytest.raises(WireError, match="over the limit.*smaller images"):
        sim.reset("a", visit="v0")


@pytest.mark.parametrize("request_, why", [
    (b"\xc1", "no value of this protocol"),
    (b"\x81\xa2do\xa4step", "missing a required argument: 'action'"),
    (encode({"do": "rm -rf"}), "'rm -rf' is none of open, reset"),
    (encode({"do": "step", "action": ["left"]}), "action is"),
    (encode({"do": "reset", "scene": "a", "visit": "v", "start": [1.0, float("nan"), 0.0]}), "start is nan"),
    (encode({"do": "look", "late": 5, "what": "frame"}), "not there"),
    (encode({"do": "open", "spec": {"camera": {}}}), "a robot lacks a field"),
    ("text", "a text message"),
])  # fmt: skip
def test_wrong_requests_are_answered_and_change_nothing(server, request_, why):
    with connect(server.url, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as raw:
        assert decode(raw.recv())["spec"] == {**spec_to_wire(RobotSpec()), "actions": list(RobotSpec().actions)}
        raw.send(request_)
        error = decode(raw.recv())["error"]
        assert error["kind"] == "InputError" and why in error["message"]
        raw.send(encode({"do": "reset", "scene": "a", "visit": "v0"}))
        assert decode(raw.recv())["frame"]["index"] == 0


@pytest.mark.parametrize("greeting, why", [
    (encode({"protocol": PROTOCOL, "version": VERSION + 1}), f"version {VERSION + 1} .*this client speaks {VERSION}"),
    (encode({}), f"speaks 'None', not '{PROTOCOL}'"),  # a policy server of openpi
    ("Traceback", "sent text"),
    (b"\x93\x01\x02\x03", "one map"),
])  # fmt: skip
def test_another_protocol_or_version_is_named(greeting, why):
    with someone(lambda peer: peer.send(greeting)) as url, pytest.raises((WireError, InputError), match=why):
        RemoteSimulator(url, TOKEN)


def test_a_simulator_that_sends_wrong_frames_is_found_out():
    def lying(peer) -> None:
        peer.send(encode({"protocol": PROTOCOL, "version": VERSION, "capabilities": []}))
        peer.recv()
        peer.send(encode({"spec": spec_to_wire(RobotSpec())}))
        peer.recv()
        peer.send(encode({"frame": {"visit": "v0", "index": 0, "time": 1.0}, "clock": 1.0}))

    with someone(lying) as url, pytest.raises(WireError, match="frame is broken: 'base_to_map'.*check_simulator"):
        RemoteSimulator(url, TOKEN).reset("a", visit="v0")


def test_urls_that_lead_nowhere_say_so(server):
    for url in ("localhost", "ws://127.0.0.1", "http://127.0.0.1:80", "ws://127.0.0.1:99999"):
        with pytest.raises(InputError, match="not of the form ws://127.0.0.1:PORT"):
            RemoteSimulator(url, TOKEN)
    with pytest.raises(WireError, match="nothing answers"):
        RemoteSimulator("ws://127.0.0.1:9", TOKEN)
    with mute() as url, pytest.raises(WireError, match="something else than a simulator server listens"):
        RemoteSimulator(url, TOKEN)


# -- helpers -----------------------------------------------------------------------------------------------------------


def child(function: str, *arguments: str) -> subprocess.Popen:
    code = f"from tests.wire.stub import {function}; {function}(*{arguments!r})"
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


@contextlib.contextmanager
def someone(handler):
    """Another websocket server than ours."""
    with serve(handler, "127.0.0.1", 0) as other:
        thread = threading.Thread(target=other.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{other.socket.getsockname()[1]}"
        other.shutdown()
        thread.join()


@contextlib.contextmanager
def mute():
    """A server that speaks something else."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"220 mail.example.org ready\r\n\r\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked about does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no /proc on this system, or it ended just now
        return not Path("/proc").is_dir()


def wait_for(condition, otherwise: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, otherwise
        time.sleep(0.02)


def _connects(url: str) -> bool:
    try:
        RemoteSimulator(url, TOKEN).close()
    except WireError:
        return False
    return True
