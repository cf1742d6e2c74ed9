"""The contract between a vector environment and whatever acts in it: B trials side by side, stepped together.

A *trial* is one unchanged house; in it runs one *episode* after another, each with a new start and a new goal. What
a policy remembers is cleared between trials only, so a trial is what a policy gets better in.

How an episode ends (same-step restart). The step that ends an episode returns ``episode_end`` True, with ``reward``,
``success`` and ``info`` of the episode that ended, and ``obs`` of the FIRST moment of the next episode in the same
house. So there is no step without an action, the number of observations equals the number of actions plus one, and a
learner that cuts credit at episode ends never needs the observation that was skipped. A trial never ends by itself:
whoever runs it counts steps or episodes and then calls :meth:`VectorEnv.reset_trial`. In environments of
``fixed_length`` every episode lasts ``episode_cap`` steps, whatever is reached: every episode index then has the same
number of trials, and curves over it are without bias.

Randomness. Everything about a trial follows from its seed through independent streams (house, things, starts, goals)
that are functions of (seed, stream, episode): neither the batch a trial stands in, nor the actions, nor what other
trials do can change its house or the start and goal of its n-th episode. The environment keeps no generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, device, float32, int64, uint8

#: What ``Step.info`` must hold, each of shape [B]; read by scorers, never shown to a policy.
INFO = {
    "steps": "int64: steps of this episode until the goal was reached first, or so far if it was not",
    "shortest": "float32: length of the shortest path from this episode's start to its goal",
    "travelled": "float32: length of the path until the goal was reached first, or so far; same unit as shortest",
    "goal": "int64: what was searched for in this episode",
    "goal_seen": "bool: the goal had been in view in an EARLIER episode of this trial, its last step included, after "
    "which the next observation is of another episode already",
}
#: Names of fields that mean something to encoders, and the ending of a fan's kinds; see :class:`Space`.
POSITION, GOAL, HEADING, KIND_OF = "position", "goal", "heading", "_kind"
#: The dtype of each kind of field.
DTYPES = {"index": int64, "vector": float32, "ranges": float32, "kinds": int64, "image": uint8}


@dataclass(frozen=True)
class Space:
    """One field of an observation, shape without B. Kinds:

    index    int64, each in 0..size−1
    vector   float32; one of shape (2,) called ``position`` is a place on the floor, in units of 10 m
    ranges   float32 [rays]: how far each ray of a fan goes, from left to right, in units of 10 m
    kinds    int64 [rays], each in 0..size−1: what the rays of the fan F hit, in a field called F ``_kind``; 0: nothing.
             An index field ``goal`` is numbered like the last of the kinds
    image    uint8 [H, W, C]: what a camera sees, as it comes from one (C = 3: red, green, blue)
    An index field ``heading`` counts equal parts of a full turn from the x axis towards the y axis.
    """

    kind: str
    shape: tuple[int, ...]
    size: int = 0


@dataclass
class Step:
    """What a step brings, each tensor with B first; ``obs`` may belong to the next episode already (see above)."""

    obs: dict[str, Tensor]
    reward: Tensor
    """[B] float32."""
    episode_end: Tensor
    """[B] bool: this step was the last of its episode."""
    success: Tensor
    """[B] bool: the goal of this step's episode has been reached, now or earlier in the episode."""
    info: dict[str, Tensor]
    """See :data:`INFO`."""
    felt: Tensor | None = None
    """[B] float32: what the agent itself notices of the reward, so that a policy may read it; none: all of it. Progress
    towards a goal is the simulator's knowledge: a policy that reads it is led there and needs no memory."""


class VectorEnv(Protocol):
    """B trials on one device. Observations hold what the agent may know: no seeds, no goal position, no distances."""

    batch: int
    device: device
    actions: int
    """Actions are int64 in 0..actions−1."""
    episode_cap: int
    """No episode lasts longer than this many steps."""
    fixed_length: bool
    """Every episode lasts exactly ``episode_cap`` steps."""
    spaces: dict[str, Space]

    def reset_trial(self, seeds: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Begin new trials in the houses of ``seeds`` ([B] int64, at least 0), in all rows or where ``mask`` ([B]
        bool) says; other rows go on untouched. Returns the observations of all rows; in the rows that began, of the
        first episode's first moment."""

    def step(self, actions: Tensor) -> Step:
        """One step of every trial; ``actions`` is [B] int64. Raises InputError for another shape or dtype."""

    def oracle(self) -> Tensor:
        """[B] int64: actions of somebody who knows the house, along a shortest path to the goal (and staying
        there). For controls and demonstrations; None instead of the method where nobody knows the way."""
