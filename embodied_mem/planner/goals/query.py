"""An instruction as data: which object, receptacle or room to go back to. Sixty templates are a few fields combined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Anchor:
    """A handled object named in an instruction: its label, and which of several handled ones of it (from 1)."""

    label: str
    occurrence: int = 1


@dataclass(frozen=True)
class GoalQuery:
    """What is sought. Empty fields do not restrict.

    target       "object", "receptacle" or "room"
    role         objects: "handled", "unhandled"; receptacles: those and "picked_from", "placed_on"; rooms: "picked_in",
                 "placed_in" (of the object named by ``ordinal`` or ``anchor``), "unvisited" (else the start room)
    label        category of the target
    attribute    (name, value) of it, name in colour, material, print, shape, function
    ordinal      the N-th object handled, receptacle picked from or placed on (1-based)
    anchor       an object named in the instruction; ``offset`` interactions after (+) or before (−) its own is meant,
                 0: its own; with ``until``: the interaction between the two
    source       label of the receptacle that the object was picked from
    at           (day or None, seconds of the day): what was being handled then; day 1 is the first
    superlative  "farthest" (from now, by the way to it), "longest", "shortest" (time to rearrange; rooms: time spent)
    many         "any" one; "all" in any order; "ordered": as ``order`` says, interaction ordinals in order of visit
                 (empty: in the order of the day)
    """

    target: Literal["object", "receptacle", "room"]
    role: str = ""
    label: str = ""
    attribute: tuple[str, str] | None = None
    ordinal: int | None = None
    anchor: Anchor | None = None
    until: Anchor | None = None
    offset: int = 0
    source: str = ""
    at: tuple[int | None, float] | None = None
    superlative: Literal["", "farthest", "longest", "shortest"] = ""
    many: Literal["any", "all", "ordered"] = "any"
    order: tuple[int, ...] = ()


@dataclass(frozen=True)
class Target:
    """One thing, piece of furniture or room of the agent's own memory that may be meant.

    kind: as ``GoalQuery.target``; track: track id (0 for rooms and for things that no track follows); room: id of the
    RoomNode for rooms, else 0; xyz, low, high: metres, map frame, as it stands now; since: UTC s from when on it has
    stood there (frames before do not show it there); confidence: probability that this is (one of) the right one(s).
    """

    kind: Literal["object", "receptacle", "room"]
    label: str
    track: int = 0
    room: int = 0
    xyz: tuple[float, float, float] = (0.0, 0.0, 0.0)
    low: tuple[float, float, float] = (0.0, 0.0, 0.0)
    high: tuple[float, float, float] = (0.0, 0.0, 0.0)
    since: float = 0.0
    confidence: float = 1.0


@dataclass(frozen=True)
class Wanted:
    """A resolved query. ``slots``: one for each stop to make, each with the alternatives for it, best first.

    "any" has one slot; "all" and "ordered" have one a goal. An empty slot (or none): memory knows nothing that fits.
    """

    many: Literal["any", "all", "ordered"]
    slots: tuple[tuple[Target, ...], ...]
    images: int = 0  # stored images that were opened to find out
    trace: tuple[dict, ...] = ()
