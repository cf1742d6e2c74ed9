"""What truly happened in an experience. Question makers and scorers read it; an agent never does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embodied_mem.sim.house import House
from embodied_mem.sim.log import EventLog

Pose = tuple[float, float, float]  # x, y (m) and yaw (rad) of the robot's base, world frame


@dataclass(frozen=True)
class Interaction:
    """The k-th thing that was carried from one surface to another (k counts from 0).

    start, goal: (furniture id, surface name); rooms: Room ids of the furniture. Times in UTC seconds, steps are frame
    indices of the same moments: t1 reaching begins (manipulation mode, hand empty), t2 driving off with the thing,
    t3 reaching out to put it down begins, t4 the frame that shows it put down, hand empty again.
    """

    index: int
    thing: int
    start: tuple[int, str]
    goal: tuple[int, str]
    start_room: int
    goal_room: int
    times: tuple[float, float, float, float]
    steps: tuple[int, int, int, int]

    @property
    def seconds(self) -> float:
        """How long it took: t4 − t1."""
        return self.times[3] - self.times[0]


@dataclass(frozen=True, eq=False)
class Steps:
    """What every frame was truly taken from; T frames, all arrays of length T.

    pose: float64 T 3, the base's x, y, yaw; manipulating: bool T, the mode flag (the camera then looks 90° to the
    right of the base); time: float64 T, UTC s; holding: int32 T, the thing in the hand (0 none);
    action: T strings, what was done to get here ("" for the first).
    """

    pose: np.ndarray
    manipulating: np.ndarray
    time: np.ndarray
    holding: np.ndarray
    action: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, eq=False)
class EpisodeLog:
    """One experience. ``events``: the initial house and what the robot did to it.

    candidates: furniture ids of all pieces that have surfaces; they are the receptacles that instructions may mean.
    """

    house: int
    episode: int
    seconds_per_step: float
    events: EventLog
    interactions: tuple[Interaction, ...]
    steps: Steps

    @property
    def name(self) -> str:
        """``"100000-0"``: house seed and number of the episode in that house."""
        return f"{self.house}-{self.episode}"

    @property
    def before(self) -> House:
        """The house before the robot did anything."""
        return self.events.initial

    @property
    def after(self) -> House:
        """The house when the experience was over: phase 2 happens in it."""
        return self.events.state_at(float(self.steps.time[-1]))

    @property
    def end_pose(self) -> Pose:
        """Where the robot stands when instructions are given."""
        x, y, yaw = self.steps.pose[-1]
        return float(x), float(y), float(yaw)

    @property
    def candidates(self) -> tuple[int, ...]:
        """Ids of the furniture that has surfaces, in order."""
        return tuple(f.id for f in self.after.furniture if f.surfaces)
