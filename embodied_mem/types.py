"""The values that cross room borders: a frame goes in at one door, an answer comes out at the other.

Conventions (docs/architecture.md): right-handed, metres, radians, seconds (UTC epoch). World and map
are Z up; the robot base is x forward, y left; the camera's optical frame is z forward, x right, y down.
Shapes use single letters: H W image, N items.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Gear = Literal["index", "inspect"]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera on the robot: pixels, horizontal field of view, height over the floor, pitch.

    ``pitch_deg`` is negative when the camera looks down.
    """

    width: int = 320
    height: int = 240
    hfov_deg: float = 75.0
    height_m: float = 1.3
    pitch_deg: float = -15.0

    @property
    def focal(self) -> float:
        """Focal length in pixels (square pixels)."""
        return self.width / 2 / math.tan(math.radians(self.hfov_deg) / 2)

    @property
    def matrix(self) -> np.ndarray:
        """3×3 float64 intrinsics; the principal point is the image centre."""
        return np.array(
            [[self.focal, 0, self.width / 2], [0, self.focal, self.height / 2], [0, 0, 1]], dtype=np.float64
        )

    def to_base(self) -> np.ndarray:
        """4×4 float64 ``camera_to_base``: the pose of the optical frame in the base frame."""
        p = math.radians(self.pitch_deg)
        pose = np.eye(4)
        # Columns: where the optical x (right), y (down), z (forward) axes point in the base frame.
        pose[:3, 0] = (0, -1, 0)
        pose[:3, 1] = (math.sin(p), 0, -math.cos(p))
        pose[:3, 2] = (math.cos(p), 0, math.sin(p))
        pose[2, 3] = self.height_m
        return pose


def planar_pose(x: float, y: float, yaw: float) -> np.ndarray:
    """A robot base pose in the map: 4×4 float64 ``base_to_map`` from metres and radians."""
    c, s = math.cos(yaw), math.sin(yaw)
    pose = np.eye(4)
    pose[:2, :2] = ((c, -s), (s, c))
    pose[:2, 3] = (x, y)
    return pose


def pose_xyyaw(base_to_map: np.ndarray) -> tuple[float, float, float]:
    """x, y in metres and yaw in radians of a 4×4 ``base_to_map``."""
    return float(base_to_map[0, 3]), float(base_to_map[1, 3]), math.atan2(base_to_map[1, 0], base_to_map[0, 0])


@dataclass(frozen=True)
class FrameRef:
    """The name of one image: the visit it belongs to and its index in that visit.

    The present (what a robot sees while it answers) is the visit ``"now"``.
    """

    visit: str
    index: int

    def __str__(self) -> str:
        return f"{self.visit}/{self.index:06d}"

    @classmethod
    def parse(cls, text: str) -> FrameRef:
        visit, _, index = text.rpartition("/")
        return cls(visit, int(index))


@dataclass(frozen=True)
class Frame:
    """One posed RGB-D image of the robot's own stream.

    color: uint8 H W 3; depth: float32 H W, metres along the optical axis, 0 = no return;
    base_to_map and camera_to_map: 4×4 float64 as the robot believes them; time: UTC seconds;
    gripper_full: whether the robot holds something (not what); mode: "manipulation" while a robot with an arm stands
    side-on to what it handles (base 90° to the left of where the camera looks).
    """

    ref: FrameRef
    time: float
    color: np.ndarray
    depth: np.ndarray
    base_to_map: np.ndarray
    camera_to_map: np.ndarray
    camera: Camera
    gripper_full: bool = False
    last_action: str = ""
    map_frame: str = "map"
    map_revision: int = 0
    mode: str = "navigation"


class LateFrame(Frame):
    """A frame whose images are drawn when one of them is first looked at: most frames of a drive never are."""

    @classmethod
    def of(cls, draw: Callable[[], tuple[np.ndarray, np.ndarray]], **known: Any) -> LateFrame:
        """``draw`` gives color and depth; ``known``: the other fields of :class:`Frame`."""
        frame = object.__new__(cls)
        vars(frame).update(known, _draw=draw)
        return frame

    def __getattr__(self, name: str) -> np.ndarray:
        # Asked for only while the images are not there yet; afterwards this is a frame like any other.
        if name not in ("color", "depth") or "_draw" not in vars(self):
            raise AttributeError(f"a frame has no {name!r}")
        color, depth = vars(self).pop("_draw")()
        vars(self).update(color=color, depth=depth)
        return vars(self)[name]


@dataclass(frozen=True)
class Detection:
    """What a detector says about one region of one image. There is no instance id, on purpose.

    mask: bool H W; box: x0, y0, x1, y1 pixels (x1, y1 exclusive); score in (0, 1];
    rgb: mean colour under the mask, 0..255; attributes and states are empty in the index gear
    (states: name → value, e.g. ``{"power": "on"}``; attributes: colour, material, print, shape).
    """

    mask: np.ndarray
    label: str
    score: float
    box: tuple[int, int, int, int]
    rgb: tuple[float, float, float]
    attributes: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)


ValueType = Literal["place", "time", "duration", "count", "bool", "label", "set", "abstain"]


@dataclass(frozen=True)
class Value:
    """A typed answer, hashable, so that a belief can be a dict over values.

    place: (surface, room); time: UTC seconds; duration: seconds; count: int; bool; label: str
    (a colour, a state, "more"/"fewer"/"same"); set: frozenset of strings such as "+mug", "-book";
    abstain: None, an honest "I don't know".
    """

    type: ValueType
    data: Any = None

    def to_json(self) -> dict:
        data = self.data
        if self.type == "set":
            data = sorted(data)
        elif self.type == "place":
            data = list(data)
        return {"type": self.type, "data": data}

    @classmethod
    def from_json(cls, raw: dict) -> Value:
        data = raw.get("data")
        if raw["type"] == "set":
            data = frozenset(data)
        elif raw["type"] == "place":
            data = tuple(data)
        return cls(raw["type"], data)


ABSTAIN = Value("abstain")


@dataclass
class Cost:
    """The one ledger of a question: what answering it has used."""

    images: int = 0
    metres: float = 0.0
    steps: int = 0
    model_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What an agent returns: a typed value, its words, how sure it is, what it rests on, what it cost.

    confidence: probability that the answer is right; evidence: cited frames, best first;
    trace: one dict a decision (action, value, cost, belief before and after), JSON-encodable;
    understood: False when the question could not be parsed (value is then ABSTAIN).
    """

    value: Value
    text: str
    confidence: float
    evidence: tuple[FrameRef, ...] = ()
    cost: Cost = field(default_factory=Cost)
    trace: tuple[dict, ...] = ()
    understood: bool = True
