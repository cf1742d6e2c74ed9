"""Serves any simulator over a websocket on this machine: a token to come in, a process and a body for every client."""

from __future__ import annotations

import contextlib
import hmac
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.sync.server import ServerConnection, serve

from embodied_mem.errors import InputError, WireError
from embodied_mem.sim.protocol import RobotSpec, Simulator
from embodied_mem.wire.codec import encode
from embodied_mem.wire.messages import REQUEST_BYTES, error_to_wire
from embodied_mem.wire.session import run_session

HOST = "127.0.0.1"
_GLANCE_S = 0.2  # how often a waiting server looks whether its client is still there


class Server:
    """``make`` behind a websocket on 127.0.0.1 for as long as the context is open: ``with Server(…) as server``.

    make      a top-level class or a ``functools.partial`` of one, called as ``make(spec=…)`` for every client with
              the further keywords that the client asked for (``noise``, ``seed``, ``sidecar`` …) if it has them
    token     what clients must send as ``Authorization: Bearer TOKEN`` (16 characters at least)
    spec      the robot that clients get who ask for no other
    port      0 takes a free one; :attr:`url` says which
    truth     whether clients may ask for the truth and for instance images: for scorers, never for agents
    limit_s   after so many seconds a request fails and its simulator is ended
    sessions  how many clients at once
    preload   modules that all sessions need and that are slow to import: loaded once

    ``GET /healthz`` answers 200 without a token. Raises InputError for a token that could be guessed.
    """

    def __init__(
        self, make: Callable[..., Simulator], token: str, *, spec: RobotSpec | None = None, port: int = 0,
        truth: bool = False, limit_s: float = 240.0, sessions: int = 8, preload: Sequence[str] = (),
    ) -> None:  # fmt: skip
        if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
            raise InputError(f"a token of {len(token)} characters; it needs 16 or more of plain ASCII without blanks: "
                             'python -c "import secrets; print(secrets.token_urlsafe())"')  # fmt: skip
        self._token, self._limit_s, self._sessions = token.encode(), limit_s, sessions
        self._arguments = (make, spec or RobotSpec(), truth)
        self._free = threading.BoundedSemaphore(sessions)
        # Neither spawned afresh (seconds of imports a client) nor forked from here, where threads are running.
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["embodied_mem.wire.session", *preload])
        # Pings are off: a scene may load for minutes without letting other threads run, and is not dead.
        self._server = serve(self._serve, HOST, port, process_request=self._admit, compression=None,
                             max_size=REQUEST_BYTES, ping_interval=None, close_timeout=2)  # fmt: skip
        self.url = f"ws://{HOST}:{self._server.socket.getsockname()[1]}"
        self._clients: set[ServerConnection] = set()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Server:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        for client in list(self._clients):
            client.close()
        self._thread.join()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/healthz":
            return connection.respond(HTTPStatus.OK, "OK\n")
        for header in request.headers.get_all("Authorization"):
            scheme, _, token = header.partition(" ")
            # "Api-Key" is how openpi's client sends one.
            if scheme.lower() in ("bearer", "api-key") and hmac.compare_digest(token.strip().encode(), self._token):
                return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "a token is needed: Authorization: Bearer TOKEN\n")

    def _serve(self, client: ServerConnection) -> None:
        """One connection from its greeting to its end."""
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a client whose machine died, too
        if not self._free.acquire(blocking=False):
            _send(client, error_to_wire(WireError(
                f"all {self._sessions} places are taken; end another client or start a second server")))  # fmt: skip
            return
        self._clients.add(client)
        try:
            with _Process(self._processes, self._arguments, self._limit_s) as process:
                client.send(process.wait_for_answer(client))
                for request in client:
                    if isinstance(request, bytes):
                        client.send(process.ask(request, client))
                    else:
                        _send(client, error_to_wire(InputError("a text message; requests are binary, in msgpack")))
        except WireError as error:
            _send(client, error_to_wire(error))
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)
            self._free.release()


class _Process:
    """The process of one session; leaving the context ends it, however it is."""

    def __init__(self, processes: Any, arguments: tuple, limit_s: float) -> None:
        self._pipe, theirs = processes.Pipe()
        self._limit_s = limit_s
        self._process = processes.Process(target=run_session, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()  # or its end would never be noticed

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(2 if self._process.is_alive() else 0)
        self._process.kill()
        self._process.join()

    def ask(self, request: bytes, client: ServerConnection) -> bytes:
        """The answer to a request; raises as :meth:`wait_for_answer`."""
        try:
            self._pipe.send_bytes(request)
        except OSError:
            raise self._died() from None
        return self.wait_for_answer(client)

    def wait_for_answer(self, client: ServerConnection) -> bytes:
        """Raises WireError when the process ends or takes too long, ConnectionClosed when nobody waits any more."""
        until = time.monotonic() + self._limit_s
        try:
            while not self._pipe.poll(_GLANCE_S):
                if client.state is not State.OPEN:
                    self._process.kill()  # nobody waits for what it is doing
                    raise ConnectionClosed(None, None)
                if time.monotonic() > until:
                    self._process.kill()
                    raise WireError(
                        f"the simulator gave no answer within the server's {self._limit_s:g} s and was ended; "
                        "start the server with a larger --limit-s or use a smaller scene"
                    )
            return self._pipe.recv_bytes()
        except (EOFError, OSError):
            raise self._died() from None

    def _died(self) -> WireError:
        self._process.join(5)
        return WireError(f"the simulator's process ended with exit code {self._process.exitcode} (negative: a signal); "
                         "the server's output may say why; connect again for a fresh one")  # fmt: skip


def _send(client: ServerConnection, message: dict) -> None:
    with contextlib.suppress(ConnectionClosed):
        client.send(encode(message))
