"""The rows that come out of a palace. Frozen, plain; positions in the map frame, metres; times in UTC seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from embodied_mem.types import Camera, FrameRef

XYZ = tuple[float, float, float]


@dataclass(frozen=True)
class Visit:
    """A recorded world instance, ``id`` such as ``"v003"``; complete once ``end`` is set."""

    id: str
    start: float
    end: float | None
    frames: int


@dataclass(frozen=True, eq=False)
class FrameNode:
    """A stored frame without its images: when, from where (4×4 float64 as believed then), through which camera, and
    what the robot knew of itself (as in :class:`~embodied_mem.types.Frame`)."""

    ref: FrameRef
    time: float
    base_to_map: np.ndarray
    camera_to_map: np.ndarray
    camera: Camera
    mode: str = "navigation"
    gripper_full: bool = False
    last_action: str = ""


@dataclass(frozen=True)
class RoomNode:
    """A room of the robot's own map. ``rect``: its bounding box; ``label``: guessed type, ``confidence`` of that."""

    id: int
    label: str
    confidence: float
    centroid: tuple[float, float]
    rect: tuple[float, float, float, float]


@dataclass(frozen=True)
class PlaceNode:
    """A viewpoint that the robot stood at: a cell of the free map with the frames taken there."""

    id: int
    room: int | None
    x: float
    y: float
    frames: tuple[FrameRef, ...]


@dataclass(frozen=True)
class Sighting:
    """One detection in one frame, lifted to 3-D. ``low``/``high``: corners of its box; ``rgb``: mean colour 0..255."""

    id: int
    ref: FrameRef
    time: float
    label: str
    score: float
    xyz: XYZ
    low: XYZ
    high: XYZ
    box: tuple[int, int, int, int]
    pixels: int
    range_m: float
    rgb: tuple[float, float, float]
    track: int | None = None


@dataclass(frozen=True)
class ObjectState:
    """What one visit says about one track: where it stood, on what, in which room, seen how often.

    ``looks``: frames of the visit in which its place was in view, unoccluded and within the index
    gear's range; ``hits``: how many of those saw it. ``frames``: best first (most pixels, nearest).
    ``labels``: votes by label; ``surface`` as named by the robot (``"floor"`` where nothing is under it).
    """

    track: int
    visit: str
    label: str
    labels: dict[str, int]
    colour: str
    rgb: tuple[float, float, float]
    xyz: XYZ
    low: XYZ
    high: XYZ
    room: str
    surface: str
    furniture: int | None
    looks: int
    hits: int
    frames: tuple[FrameRef, ...]
    confidence: float
    surfaces: dict[str, float] = field(default_factory=dict)
    colours: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Track:
    """An object through time. ``fixed``: furniture and fixtures, which do not move between visits."""

    id: int
    label: str
    colour: str
    fixed: bool
    first_seen: float
    last_seen: float
    visits: tuple[str, ...]


@dataclass(frozen=True)
class Absence:
    """Negative evidence: in ``visit`` the spot where the track had been was looked at ``looks`` times in vain.

    ``views``: distinct viewpoints (0.5 m × 30°) among the looks, which err independently; ``overlooked``:
    probability that all of them would have missed it had it been there, at the index gear's nominal rates.
    """

    track: int
    visit: str
    xyz: XYZ
    looks: int
    frames: tuple[FrameRef, ...]
    views: int = 0
    overlooked: float = 1.0


@dataclass(frozen=True)
class Change:
    """A change event between two visits: kind in {"appeared", "moved", "removed", "state"}.

    Valid time lies in (``after``, ``before``]; ``recorded`` is when the palace learned of it.
    """

    track: int
    label: str
    kind: str
    after: float
    before: float
    recorded: float
    from_room: str = ""
    from_surface: str = ""
    to_room: str = ""
    to_surface: str = ""


@dataclass(frozen=True)
class Spot:
    """Where a thing stood before or after it was handled, as the robot understood it; metres, map frame."""

    xyz: XYZ
    room: str
    surface: str
    furniture: int | None


@dataclass(frozen=True)
class Handling:
    """One thing that the robot took up and put down, worked out from gripper, mode and images of one visit.

    index: 0-based, in order of time; label: best name, ``labels``: votes by label; colours: shares by name;
    times: UTC s when reaching began, when the robot drove off with the thing, when reaching out to put it down began,
    when the hand was empty again; frames: the frames of these moments; held: frames that show it in the hand, best
    first; track: the thing's track (0: none follows it), whose state is the one after.
    """

    visit: str
    index: int
    label: str
    labels: dict[str, int]
    colours: dict[str, float]
    times: tuple[float, float, float, float]
    frames: tuple[FrameRef, FrameRef, FrameRef, FrameRef]
    held: tuple[FrameRef, ...]
    start: Spot
    goal: Spot
    track: int = 0
