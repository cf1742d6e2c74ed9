"""One client's simulator, in a process of its own behind a pipe of messages.

A process each, because a simulator in C++ may hang, abort or keep the graphics card's memory: then this one process
ends and nobody else notices, and two clients never share a body.
"""

from __future__ import annotations

import inspect
import math
import signal
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from embodied_mem.errors import EmbodiedMemError, InputError, WireError
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.sim.protocol import RobotSpec, Simulator
from embodied_mem.types import Frame, FrameRef
from embodied_mem.wire.codec import decode, encode
from embodied_mem.wire.messages import (
    PROTOCOL,
    REQUEST_BYTES,
    VERSION,
    error_to_wire,
    frame_to_wire,
    is_late,
    spec_from_wire,
    spec_to_wire,
)

KEPT = 4096  # frames that were not looked at yet and still can be
#: What scorers may ask of ``simulator.truth``: what the stack itself asks of any simulator.
TRUTHS = ("pose", "head", "manipulating", "geodesic", "visible_pixels", "render", "grid")


def run_session(pipe: Connection, make: Callable[..., Simulator], spec: RobotSpec, truth: bool) -> None:
    """Greet, then answer every request that comes through ``pipe`` until its other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C at the terminal is the server's to handle
    session = Session(make, spec, truth)
    try:
        pipe.send_bytes(encode(session.greeting()))
        while True:
            pipe.send_bytes(session.answer(pipe.recv_bytes()))
    except (EOFError, OSError):
        pass  # the client is gone
    finally:
        session.close()


class Session:
    """Answers requests with a simulator that ``make(spec=…)`` makes at the first of them.

    truth: whether instance images and ``simulator.truth`` may be asked for.
    """

    def __init__(self, make: Callable[..., Simulator], spec: RobotSpec, truth: bool) -> None:
        self._make, self._spec, self._truth = make, spec, truth
        self._sim: Simulator | None = None
        self._told: Told | None = None
        self._late: OrderedDict[int, dict[str, Callable[[], dict]]] = OrderedDict()
        self._handed = 0
        self._requests = {
            "open": self._open, "reset": self._reset, "observe": self._observe, "step": self._step,
            "advance": self._advance, "look": self._look, "truth": self._ask_truth,
        }  # fmt: skip

    def greeting(self) -> dict:
        """What a client is told first; ``capabilities`` are the options of ``open`` and "truth"."""
        options = [n for n, p in inspect.signature(self._make).parameters.items() if p.kind is not p.VAR_KEYWORD]
        if not self._truth:
            options = [n for n in options if n != "sidecar"]
        name = getattr(getattr(self._make, "func", self._make), "__name__", "simulator")
        return {"protocol": PROTOCOL, "version": VERSION, "simulator": name, "spec": spec_to_wire(self._spec),
                "capabilities": [*options, *(["truth"] if self._truth else [])]}  # fmt: skip

    def answer(self, data: bytes) -> bytes:
        """The answer to one request, an error included; raises nothing that a request can cause."""
        try:
            return encode(self._do(decode(data, REQUEST_BYTES)))
        except EmbodiedMemError as error:
            return encode(error_to_wire(error))
        except Exception as error:
            traceback.print_exc()  # for who runs the server; the client learns what, not where
            return encode(error_to_wire(WireError(
                f"the simulator failed with {type(error).__name__}: {str(error)[:500]}; the server's output says where"
            )))  # fmt: skip

    def close(self) -> None:
        """Let the simulator go, and what it holds."""
        if self._sim is not None and hasattr(self._sim, "close"):
            self._sim.close()

    def _do(self, request: dict) -> dict:
        name = request.pop("do", None)
        if not isinstance(name, str) or name not in self._requests:
            raise InputError(f"request {name!r:.60} is none of {', '.join(self._requests)}")
        return _call(self._requests[name], f"request {name!r}", request)

    # -- the requests --------------------------------------------------------------------------------------------------

    def _open(self, **options: Any) -> dict:
        if self._sim is not None:
            raise InputError("'open' comes once and before everything else; connect again for another simulator")
        spec = spec_from_wire(options.pop("spec")) if "spec" in options else self._spec
        if "noise" in options:
            options["noise"] = _call(NoiseConfig, "noise", options["noise"])
        if options.pop("sidecar", False):
            self._allowed("a sidecar")
            self._told = options["sidecar"] = Told()
        self._sim = _call(self._make, "option of this simulator", {"spec": spec, **options})
        return {"spec": spec_to_wire(self._sim.spec)}

    def _reset(
        self, scene: int | str, visit: str, time: float | None = None, start: list | None = None,
        options: dict | None = None, look: Sequence[str] = (),
    ) -> dict:  # fmt: skip
        _expect("scene", scene, int, str)
        _expect("visit", visit, str)
        _expect("time", time, float, int, type(None))
        if start is not None and (not isinstance(start, list) or len(start) != 3):
            raise InputError(f"start is {start!r:.60}; it must be x, y in metres and yaw in radians")
        for value in start or ():
            _expect("start", value, float, int)
        arguments = {"visit": visit, "time": time, "start": None if start is None else tuple(start)}
        frame = _call(self._ready().reset, "reset", {"scene": scene, **arguments, **(options or {})})
        return self._show(frame, look)

    def _observe(self, look: Sequence[str] = ()) -> dict:
        return self._show(self._ready().observe(), look)

    def _step(self, action: str, look: Sequence[str] = ()) -> dict:
        _expect("action", action, str)
        return self._show(self._ready().step(action), look)

    def _advance(self, to_time: float) -> dict:
        _expect("to_time", to_time, float, int)
        self._ready().advance(to_time)
        return {"clock": self._sim.clock}

    def _look(self, late: int, what: str) -> dict:
        """The images ("frame") or the instance image ("instance") of a frame that came without; once each."""
        _expect("late", late, int)
        _expect("what", what, str)
        if what not in self._late.get(late, ()):
            raise InputError(f"{what!r:.20} of frame handle {late!r:.20} is not there (any more); the latest {KEPT} "
                             "frames can be looked at, once")  # fmt: skip
        drawn = self._late[late].pop(what)()
        if not self._late[late]:
            del self._late[late]
        return drawn

    def _ask_truth(self, name: str, args: list) -> dict:
        self._allowed("the truth")
        _expect("name", name, str)
        _expect("args", args, list)
        truth = self._ready().truth
        if name not in TRUTHS or not hasattr(truth, name):
            raise InputError(f"{name!r:.40} of the truth does not travel; there are "
                             f"{', '.join(n for n in TRUTHS if hasattr(truth, n))}")  # fmt: skip
        value = getattr(truth, name)
        value = value(*args) if callable(value) else value
        if name == "grid":
            value = {"passable": np.asarray(value.passable), "origin": value.origin, "resolution": value.resolution}
        return {"value": value}

    # -- helpers -------------------------------------------------------------------------------------------------------

    def _ready(self) -> Simulator:
        if self._sim is None:
            self._open()
        return self._sim

    def _allowed(self, what: str) -> None:
        if not self._truth:
            raise InputError(f"this server gives out no truth, and so not {what}; start it with --truth for scoring")

    def _show(self, frame: Frame, look: Sequence[str]) -> dict:
        """A frame's answer: the frame, the clock, what the sidecar was told, a handle for what is drawn later.

        look: of what is drawn late, what is to be drawn at once.
        """
        told = self._told.take(frame.ref) if self._told else {}
        late = {"frame": lambda: {"color": frame.color, "depth": frame.depth}} if is_late(frame) else {}
        if callable(draw := told.get("instance")):
            late["instance"] = lambda: {"instance": draw()}
            del told["instance"]
        answer = {"frame": frame_to_wire(frame), "clock": self._sim.clock, **told}
        for what in [w for w in ("frame", "instance") if w in late and w in look]:
            (answer["frame"] if what == "frame" else answer).update(late.pop(what)())
        if late:
            self._handed += 1
            self._late[self._handed] = late
            answer["late"] = self._handed
            if len(self._late) > KEPT:
                self._late.popitem(last=False)
        return answer


class Told:
    """Takes a sidecar's place beside the simulator; what is put here travels with the frame to the client's."""

    folder = None

    def __init__(self) -> None:
        self._ref: FrameRef | None = None
        self._seen: dict = {}
        self._facts: dict = {}

    def put(self, ref: FrameRef, instance: np.ndarray, cell: tuple[int, int, int]) -> None:
        """As :meth:`embodied_mem.perception.sidecar.Sidecar.put`."""
        self._ref, self._seen = ref, {"instance": instance, "cell": [int(c) for c in cell]}

    put_late = put  # a function that draws in place of the image

    def put_facts(self, visit: str, from_index: int, facts: dict[int, dict]) -> None:
        """As :meth:`embodied_mem.perception.sidecar.Sidecar.put_facts`."""
        self._facts = {"facts": facts, "facts_from": from_index}

    def take(self, ref: FrameRef) -> dict:
        """What was told of this frame since the last time; empty if nothing was."""
        told, self._seen = (self._seen if ref == self._ref else {}), {}
        facts, self._facts = self._facts, {}
        return {**told, **facts}


def _expect(name: str, value: Any, *kinds: type) -> None:
    """Raise InputError for a value of another kind, and for numbers that are none."""
    fits = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if not fits or isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{name} is {value!r:.60}; it must be {' or '.join(k.__name__ for k in kinds)}, finite")


def _call(function: Callable, what: str, arguments: Any) -> Any:
    """``function(**arguments)``; raises InputError where they do not fit, and nothing else because of that."""
    try:
        bound = inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise InputError(f"{what}: {error}") from None
    return function(*bound.args, **bound.kwargs)
