"""What crosses the wire and how: the greeting, requests and their answers, robots, frames and errors as plain maps.

The server's first message is the greeting ``{protocol, version, simulator, spec, capabilities}``. Then the client asks
and the server answers, one for one: ``{"do": "open" | "reset" | "observe" | "step" | "advance" | "look" | "truth",
...}`` → a map, or ``{"error": {"kind", "message"}}``. docs/habitat.md lists the fields.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from embodied_mem import errors
from embodied_mem.errors import EmbodiedMemError, InputError, WireError
from embodied_mem.sim.protocol import MANIPULATOR_ACTIONS, RobotSpec
from embodied_mem.types import Camera, Frame, FrameRef, LateFrame

PROTOCOL, VERSION = "embodied_mem.simulator", 1
REQUEST_BYTES = 1 << 20  # requests carry no images
MAX_SIDE = 4096
_IMAGES = ("color", "depth")
_PLAIN = ("time", "base_to_map", "camera_to_map", "gripper_full", "last_action", "map_frame", "map_revision", "mode")


def check_greeting(raw: dict, url: str) -> dict:
    """The greeting, if it is this protocol in this version; raises WireError that names both versions."""
    if raw.get("protocol") != PROTOCOL:
        found = str(raw.get("protocol"))
        raise WireError(f"{url} speaks {found!r:.60}, not {PROTOCOL!r}; give a simulator server's url")
    if raw.get("version") != VERSION:
        raise WireError(f"{url} speaks version {raw.get('version')!r:.20} of {PROTOCOL}, this client speaks {VERSION}; "
                        "use the same version of embodied_mem on both ends")  # fmt: skip
    return raw


def spec_to_wire(spec: RobotSpec) -> dict:
    """A robot as a map of plain values."""
    return dataclasses.asdict(spec)


def spec_from_wire(raw: Any) -> RobotSpec:
    """The robot in a map. Raises InputError that names the field for one that no simulator could have."""
    try:
        camera = Camera(**raw["camera"])
        spec = RobotSpec(**{**raw, "camera": camera, "actions": tuple(raw["actions"])})
        numbers = {**vars(camera), **{k: v for k, v in vars(spec).items() if k not in ("camera", "actions")}}
        wrong = [f"{k} is {v!r}" for k, v in numbers.items() if not math.isfinite(v)]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"a robot lacks a field or has one of another kind: {error}") from error
    wrong += [f"{k} is {numbers[k]!r}, not a whole number in 1..{MAX_SIDE}" for k in ("width", "height")
              if type(numbers[k]) is not int or not 1 <= numbers[k] <= MAX_SIDE]  # fmt: skip
    wrong += [f"{k} is {numbers[k]}, not above 0" for k in ("forward_m", "turn_rad", "radius_m", "step_seconds")
              if not numbers[k] > 0]  # fmt: skip
    wrong += [f"action {a!r} is none of {', '.join(MANIPULATOR_ACTIONS)}"
              for a in spec.actions if a not in MANIPULATOR_ACTIONS]  # fmt: skip
    if wrong:
        raise InputError(f"a robot's {'; '.join(wrong)}")
    return spec


def is_late(frame: Frame) -> bool:
    """Whether a frame's images are still to be drawn."""
    return isinstance(frame, LateFrame) and "color" not in vars(frame)


def frame_to_wire(frame: Frame) -> dict:
    """A frame as a map; without its images where they are not drawn yet. The camera is the robot's."""
    names = _PLAIN if is_late(frame) else (*_PLAIN, *_IMAGES)
    return {"visit": frame.ref.visit, "index": frame.ref.index, **{name: getattr(frame, name) for name in names}}


def frame_from_wire(raw: Any, camera: Camera, draw: Callable[[], tuple[np.ndarray, np.ndarray]]) -> Frame:
    """The frame in a map; ``draw`` is called for colour and depth when they are looked at. Raises WireError."""
    try:
        known = {name: raw[name] for name in _PLAIN}
        known["ref"] = FrameRef(raw["visit"], raw["index"])
        for name in ("base_to_map", "camera_to_map"):
            _expect(name, known[name], (4, 4), np.float64)
        if not isinstance(known["time"], (int, float)) or not math.isfinite(known["time"]):
            raise ValueError(f"time is {known['time']!r}")
        return LateFrame.of(draw, camera=camera, **known)
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"the server's frame is broken: {error}; the simulator behind it breaks its contract "
                        "(embodied_mem.sim.check.check_simulator says where)") from error  # fmt: skip


def images_from_wire(raw: dict, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """color uint8 H W 3 and depth float32 H W of a map; raises WireError for anything else."""
    h, w = camera.height, camera.width
    return (_expect("color", raw.get("color"), (h, w, 3), np.uint8),
            _expect("depth", raw.get("depth"), (h, w), np.float32))  # fmt: skip


def instance_from_wire(raw: dict, camera: Camera) -> np.ndarray:
    """instance uint16 H W of a map; raises WireError for anything else."""
    return _expect("instance", raw.get("instance"), (camera.height, camera.width), np.uint16)


def _expect(name: str, array: Any, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise WireError(f"the server sent {name} as {found}; it must be {np.dtype(dtype)} {shape}")
    return array


def error_to_wire(error: EmbodiedMemError) -> dict:
    """An error as a map: the nearest class that both ends know, and its message; never a traceback."""
    kind = next(c.__name__ for c in type(error).__mro__ if vars(errors).get(c.__name__) is c)
    return {"error": {"kind": kind, "message": str(error)[:4000]}}


def raise_error(raw: Any) -> None:
    """Raise the error in an answer as its own class; does nothing where there is none."""
    if isinstance(raw, dict) and "error" in raw:
        error = raw["error"] if isinstance(raw["error"], dict) else {}
        known = getattr(errors, str(error.get("kind")), None)
        kind = known if isinstance(known, type) and issubclass(known, EmbodiedMemError) else WireError
        raise kind(str(error.get("message", "the server says that something failed and not what")))
