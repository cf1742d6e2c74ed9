"""The three predicates: is the robot at the object, at the receptacle, in the room? Numbers in, verdict out.

The numbers (:class:`GoalFacts`) come from :mod:`facts`, for a stored frame or for a pose of now alike; a prediction row
keeps them, so that whoever scores the row reaches the same verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.tasks.findingdory.items import Kind
from embodied_mem.tasks.findingdory.settings import (
    MIN_PIXELS,
    OBJECT_M,
    OBJECT_RAD,
    RECEPTACLE_M,
    RECEPTACLE_RAD,
)

Relax = Literal["", "coverage", "distance"]
RELAXED_M = 10_000.0  # SC-SR: any way will do, as long as there is one
_LIMITS = {"object": (OBJECT_M, OBJECT_RAD), "receptacle": (RECEPTACLE_M, RECEPTACLE_RAD)}
_SLACK = 1e-5  # a limit is met by a float32 that equals it up to rounding


@dataclass(frozen=True)
class GoalFacts:
    """How a pose stands to a goal.

    distance_m  metres on foot from the base to the goal: to the floor nearest the object, to the nearest viewpoint of
                the receptacle, to the room; inf where there is no way
    angle_rad   between where the camera looks and the object, or the centre of the receptacle's best surface, seen
                from above; 0 for rooms
    pixels      of the image that show the object, or the receptacle's piece of furniture; 0 for rooms
    inside      whether the base is in the room; False for other goals

    The fields may be arrays of one length as well (one entry a frame).
    """

    distance_m: float | np.ndarray
    angle_rad: float | np.ndarray = 0.0
    pixels: int | np.ndarray = 0
    inside: bool | np.ndarray = False

    def to_json(self) -> list:
        """[distance, angle, pixels, inside]; an unreachable distance is None."""
        far = float(self.distance_m)
        return [far if math.isfinite(far) else None, float(self.angle_rad), int(self.pixels), bool(self.inside)]

    @classmethod
    def from_json(cls, raw: list) -> GoalFacts:
        """The inverse of :meth:`to_json`; InputError for anything else."""
        if isinstance(raw, (list, tuple)) and len(raw) == 4:
            far, angle, pixels, inside = raw
            far = math.inf if far is None else far
            numbers = all(type(v) in (int, float) for v in (far, angle, pixels))
            if numbers and type(inside) is bool and far >= 0 and math.isfinite(angle) and pixels >= 0:
                return cls(float(far), float(angle), int(pixels), inside)
        raise InputError(f"facts {raw!r} are not [metres or null, radians, pixels, inside]; write the row anew")


def holds(kind: Kind, facts: GoalFacts, relax: Relax = "") -> bool | np.ndarray:
    """Whether the predicate of a goal of that kind holds; an array where the facts are arrays.

    relax: "coverage" asks for no pixels (DTG-SR), "distance" for any distance that can be walked (SC-SR). Rooms have
    nothing to relax. Raises InputError for another kind or relaxation.
    """
    if relax not in ("", "coverage", "distance"):
        raise InputError(f"relax {relax!r} is none of '', 'coverage', 'distance'")
    if kind == "room":
        return facts.inside
    if kind not in _LIMITS:
        raise InputError(f"goal kind {kind!r} is none of object, receptacle, room")
    far, angle = _LIMITS[kind]
    far = RELAXED_M if relax == "distance" else far
    near = (facts.distance_m <= far + _SLACK) & (facts.angle_rad <= angle + _SLACK)
    return near & (facts.pixels >= (0 if relax == "coverage" else MIN_PIXELS))


def heading(yaw: float | np.ndarray, manipulating: bool | np.ndarray) -> float | np.ndarray:
    """Where the camera looks, radians: the base's yaw, 90° to its right while it manipulates."""
    return yaw - np.where(manipulating, math.pi / 2, 0.0)


def angle_to(xy: np.ndarray, looking: float | np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Radians (0 to π) between a view and the best of some targets, seen from above.

    xy: ... 2, where the robot stands; looking: ..., camera heading; targets: N 2. Returns ...; π without targets.
    """
    if not len(targets):
        return np.full(np.shape(looking), math.pi)
    gap = targets - np.asarray(xy, float)[..., None, :]
    off = np.arctan2(gap[..., 1], gap[..., 0]) - np.asarray(looking, float)[..., None]
    return np.abs((off + math.pi) % (2 * math.pi) - math.pi).min(axis=-1)
