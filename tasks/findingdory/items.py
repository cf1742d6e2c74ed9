"""What an instruction is: its words, and the goals that only the scorer may know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["object", "receptacle", "room"]
Quantifier = Literal["any", "all", "ordered"]
Answerable = Literal["answerable_from_log", "needs_exploration", "unanswerable"]

CATEGORIES = (
    "Object Recall", "Interaction", "Conditional Interaction", "Object Attributes", "Spatial Relationship",
    "Room Visitation", "Interaction Order", "Time-Based", "Duration Tracking", "Unordered Revisitation",
    "Ordered Revisitation",
)  # fmt: skip
GROUPS = ("Single-Goal Spatial Tasks", "Single-Goal Temporal Tasks", "Multi-Goal Tasks")


@dataclass(frozen=True)
class Goal:
    """Something to stop at: an object (thing id), a receptacle (furniture id and surface name) or a room (Room id).

    All surfaces of one piece of furniture are the same goal to a predicate (the sibling rule); ``surface`` says which
    one was meant.
    """

    kind: Kind
    id: int
    surface: str = ""


@dataclass(frozen=True)
class Item:
    """One instruction of an episode.

    quantifier: "any" of ``goals``; "all" of them in any order; "ordered": all of them in this order.
    answerable: from the log where for every required goal some frame of the log stands where its predicate holds.
    frames: the frames (0-based) of the log at which each goal holds, parallel to ``goals``.
    slots: what was filled into the wording, for analyses.
    """

    id: str  # "100000-0/31"
    template: int
    category: str
    group: str
    instruction: str
    quantifier: Quantifier
    goals: tuple[Goal, ...]
    answerable: Answerable
    frames: tuple[tuple[int, ...], ...] = ()
    slots: dict = field(default_factory=dict)

    @property
    def required(self) -> int:
        """How many stops a full answer needs."""
        return 1 if self.quantifier == "any" else len(self.goals)


@dataclass(frozen=True)
class Stop:
    """Where an agent says that a goal is: a frame of the log, or a pose.

    pose: x, y in metres and the camera's heading in radians, map frame.
    """

    frame: int | None = None
    pose: tuple[float, float, float] | None = None
