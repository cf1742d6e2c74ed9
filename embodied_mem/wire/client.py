"""A simulator that runs elsewhere, driven as if it were here: ``RemoteSimulator(url, token)``."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from embodied_mem.errors import InputError, WireError
from embodied_mem.sim.protocol import RobotSpec
from embodied_mem.types import Frame, FrameRef
from embodied_mem.wire.codec import MAX_BYTES, decode, encode
from embodied_mem.wire.messages import (
    REQUEST_BYTES,
    check_greeting,
    frame_from_wire,
    images_from_wire,
    instance_from_wire,
    raise_error,
    spec_from_wire,
    spec_to_wire,
)

if TYPE_CHECKING:
    from embodied_mem.geodesic import Grid
    from embodied_mem.perception.noise import NoiseConfig
    from embodied_mem.perception.sidecar import Sidecar
    from embodied_mem.sim.render import View

_START = "start it with `python scripts/serve_simulator.py embedded` (or `habitat`) and use the url that it prints"


class RemoteSimulator:
    """A :class:`~embodied_mem.sim.protocol.Simulator` behind a :class:`~embodied_mem.wire.server.Server`.

    url, token  what the server printed: ``ws://127.0.0.1:PORT``, and the token or the Path of its file
    noise, sidecar, spec   as of :class:`~embodied_mem.sim.embedded.EmbeddedSimulator`; a sidecar needs a server with
                --truth, and so does ``truth`` (:class:`RemoteTruth`)
    timeout_s   the longest wait for one answer
    options     further keywords of the simulator that is served (``seed``, ``days`` …)

    Each has a body and a world of its own at the server, until :meth:`close` or the end of this object. Where the
    simulator draws late, images are fetched when one is first looked at (of the latest 4,096 frames), and come along
    with the next frame then. Errors of the simulator are raised here as their own class; WireError where the
    connection fails: connect again then.
    """

    def __init__(
        self, url: str, token: str | Path, *, noise: NoiseConfig | None = None, sidecar: Sidecar | None = None,
        spec: RobotSpec | None = None, timeout_s: float = 300.0, **options: Any,
    ) -> None:  # fmt: skip
        self._link = link = Link(url, token, timeout_s)
        if noise is not None:
            options["noise"] = dataclasses.asdict(noise)
        if spec is not None:
            options["spec"] = spec_to_wire(spec)
        if sidecar is not None:
            options["sidecar"] = True
        can = link.greeting.get("capabilities") or []
        if missing := sorted(set(options) - set(can)):
            link.close()
            raise InputError(
                f"the {link.greeting.get('simulator')} at {url} takes no {', '.join(missing)}; it takes "
                f"{', '.join(map(str, can)) or 'no options'} (for a sidecar it must be started with --truth)"
            )
        self.spec = spec_from_wire(link.ask("open", **options).get("spec"))
        self.truth = RemoteTruth(link)
        self._sidecar, self._clock = sidecar, None
        self._frame: Frame | None = None
        self._looked: set[str] = set()  # what of the latest frame was looked at: it will be of the next, most likely

    @property
    def clock(self) -> float:
        """UTC seconds."""
        if self._clock is None:
            raise InputError("the simulator has no scene yet; call reset(scene, visit=...) first")
        return self._clock

    def reset(
        self, scene: int | str, *, visit: str, time: float | None = None,
        start: tuple[float, float, float] | None = None, **options: Any,
    ) -> Frame:  # fmt: skip
        """Begin a visit of ``scene`` and return frame 0; ``options``: what the served simulator's reset takes more."""
        return self._see("reset", scene=scene, visit=visit, time=time, start=start, options=options)

    def observe(self) -> Frame:
        """The current frame; the same object until the next step."""
        return self._frame or self._see("observe")

    def step(self, action: str) -> Frame:
        """Do one action of ``spec.actions``. Raises InputError for any other."""
        return self._see("step", action=action)

    def advance(self, to_time: float) -> None:
        """The world lives on until ``to_time`` (UTC s). Raises InputError for a time before the clock."""
        self._clock = float(self._link.ask("advance", to_time=to_time)["clock"])
        self._frame = None

    def close(self) -> None:
        """End the connection, and with it the simulator at the other end."""
        self._link.close()

    def __enter__(self) -> RemoteSimulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _see(self, do: str, **fields: Any) -> Frame:
        link, camera, looked = self._link, self.spec.camera, set()
        answer = link.ask(do, **fields, look=sorted(self._looked))

        def drawn(what: str, along: dict, image: str) -> dict:
            looked.add(what)
            return along if image in along else link.ask("look", late=answer.get("late"), what=what)

        def images() -> tuple[np.ndarray, np.ndarray]:
            raw = drawn("frame", answer["frame"], "color")
            # Taken out, or a sidecar that waits for its image would keep these as well.
            return images_from_wire({name: raw.pop(name, None) for name in ("color", "depth")}, camera)

        def instance() -> np.ndarray:
            return instance_from_wire(drawn("instance", answer, "instance"), camera)

        frame = frame_from_wire(answer.get("frame"), camera, images)
        if self._sidecar is not None:
            _tell(self._sidecar, frame.ref, answer, instance)
        self._frame, self._clock, self._looked = frame, frame.time, looked
        return frame


def _tell(sidecar: Sidecar, ref: FrameRef, answer: dict, draw: Callable[[], np.ndarray]) -> None:
    """The sidecar here learns what the one there was told."""
    if "facts" in answer:
        sidecar.put_facts(ref.visit, answer["facts_from"], answer["facts"])
    if "cell" in answer and sidecar.folder is None:
        sidecar.put_late(ref, draw, tuple(answer["cell"]))
    elif "cell" in answer:
        sidecar.put(ref, draw(), tuple(answer["cell"]))


class RemoteTruth:
    """What scorers may ask of a served simulator, in the world frame; InputError without --truth at the server.

    Houses, logs and lives do not travel: who needs them has the embedded simulator in its own process.
    """

    def __init__(self, link: Link) -> None:
        self._ask = lambda name, *args: link.ask("truth", name=name, args=list(args))["value"]

    @property
    def pose(self) -> tuple[float, float, float]:
        """x, y in metres and yaw in radians of the robot's base."""
        return tuple(self._ask("pose"))

    @property
    def head(self) -> tuple[float, float, float]:
        """The same with the camera's yaw."""
        return tuple(self._ask("head"))

    @property
    def manipulating(self) -> bool:
        """Whether the robot is in manipulation mode."""
        return bool(self._ask("manipulating"))

    @property
    def grid(self) -> Grid:
        """The true passable grid of the robot's body."""
        from embodied_mem.geodesic import Grid

        raw = self._ask("grid")
        return Grid(raw["passable"], tuple(raw["origin"]), raw["resolution"])

    def geodesic(self, a: tuple[float, float], b: tuple[float, float]) -> float:
        """Shortest way for the robot's body, metres; inf where there is none."""
        return float(self._ask("geodesic", tuple(a), tuple(b)))

    def visible_pixels(self) -> dict[int, int]:
        """{instance id: pixels} of the current view."""
        return self._ask("visible_pixels")

    def render(self, x: float, y: float, yaw: float) -> View:
        """Exact images as if the robot stood there and its camera looked along ``yaw``, empty-handed."""
        from embodied_mem.sim.render import View

        return View(*self._ask("render", x, y, yaw))


class Link:
    """One connection: its greeting, and questions that are answered in turn. Safe to use from several threads."""

    def __init__(self, url: str, token: str | Path, timeout_s: float) -> None:
        self._url, self._timeout_s, self._turn = url, timeout_s, threading.Lock()
        connection = contextlib.ExitStack()  # entered here, left when this object goes or at the end of the program
        self._socket = _connect(url, _read(token), connection)
        self.close = weakref.finalize(self, connection.close)
        self.greeting = check_greeting(self._receive("the greeting"), url)

    def ask(self, do: str, **fields: Any) -> dict:
        """The answer to a request; raises what the other end says went wrong, or WireError."""
        message = encode({"do": do, **fields}, REQUEST_BYTES)
        with self._turn:
            try:
                self._socket.send(message)
            except ConnectionClosed as error:
                raise self._gone(repr(do), error) from error
            return self._receive(repr(do))

    def _receive(self, what: str) -> dict:
        try:
            data = self._socket.recv(self._timeout_s)
        except TimeoutError:
            self.close()  # or the late answer would be taken for the next one's
            raise WireError(f"{self._url} gave no answer to {what} within {self._timeout_s:g} s; raise timeout_s, or "
                            "give the simulator a smaller scene or more processors") from None  # fmt: skip
        except ConnectionClosed as error:
            raise self._gone(what, error) from error
        if isinstance(data, str):
            raise WireError(f"{self._url} sent text, {data!r:.80}; give a simulator server's url")
        answer = decode(data)
        raise_error(answer)
        return answer

    def _gone(self, what: str, error: ConnectionClosed) -> WireError:
        if error.rcvd is not None and error.rcvd.code == 1009 or error.sent is not None and error.sent.code == 1009:
            return WireError(f"{what}: a message over the limit of {MAX_BYTES >> 20} MiB (requests: "
                             f"{REQUEST_BYTES >> 20} MiB); use smaller images")  # fmt: skip
        return WireError(f"the connection to {self._url} ended at {what} ({error}); the server or its simulator "
                         f"stopped: see its output, {_START}")  # fmt: skip


def _read(token: str | Path) -> str:
    if not isinstance(token, Path):
        return token
    try:
        return token.expanduser().read_text().strip()
    except OSError as error:
        raise InputError(f"no token in {token}: {error.strerror}; the server prints where it is") from None


def _connect(url: str, token: str, until: contextlib.ExitStack) -> ClientConnection:
    """Raises InputError for a wrong url or token, WireError where no simulator server answers."""
    where = re.fullmatch(r"ws://([^/:@]+):(\d{1,5})/?", url)
    if not where or int(where[2]) > 65535:
        raise InputError(f"url {url!r} is not of the form ws://127.0.0.1:PORT; {_START}")
    try:
        # An own socket goes straight there, whatever proxy the environment names.
        plain = socket.create_connection((where[1], int(where[2])), timeout=10)
        plain.settimeout(None)
        return until.enter_context(
            connect(url, sock=plain, additional_headers={"Authorization": f"Bearer {token}"}, compression=None,
                    max_size=MAX_BYTES, ping_interval=None, close_timeout=2)
        )  # fmt: skip
    except InvalidStatus as error:
        if error.response.status_code == 401:
            raise InputError(f"{url} refuses this token; the server prints where its own is") from None
        raise WireError(f"{url} answers with HTTP status {error.response.status_code}; {_START}") from None
    except (OSError, EOFError, TimeoutError, ConnectionClosed) as error:
        raise WireError(f"nothing answers at {url} ({error}); {_START}") from None
    except WebSocketException as error:
        raise WireError(f"something else than a simulator server listens at {url} ({error}); {_START}") from None
