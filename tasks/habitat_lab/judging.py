"""Whether an episode was done right, by the same judges as everywhere else. Nothing here needs habitat."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem.tasks.habitat_lab.episodes import LabEpisode
from embodied_mem.types import Value

Pose = tuple[float, float, float]


def judge(
    episode: LabEpisode, answer: Value | None, stops: Sequence[Pose], metres: float, near: Callable[[str], float]
) -> dict[str, float]:
    """``success`` (0 or 1), ``partial`` credit and ``efficiency`` (success · shortest / way, as SPL) so far.

    answer: what was answered, if anything; stops: x, y, yaw where the agent said "found" or "stop"; metres: travelled;
    near: metres on foot from the last stop to the nearest thing of a label, inf where there is none.
    """
    if episode.kind == "la_eqa":
        right, partial, shortest = _answered(episode.key, answer)
    elif episode.kind == "findingdory":
        right, partial, shortest = _found(episode, stops)
    else:
        right = bool(stops) and near(episode.key["label"]) <= episode.key["reach_m"]
        partial, shortest = float(right), None
    efficiency = 1.0 if shortest is None or metres <= shortest else shortest / metres
    return {"success": float(right), "partial": float(partial), "efficiency": float(right) * efficiency}


def _answered(key: dict, answer: Value | None) -> tuple[bool, float, float]:
    from embodied_mem.tasks.la_eqa.judge import accepts

    if answer is None:
        return False, 0.0, key["shortest_m"]
    right, partial = accepts(Value.from_json(key["answer"]), answer, key["tolerance_s"])
    return right, partial, key["shortest_m"]


def _found(episode: LabEpisode, stops: Sequence[Pose]) -> tuple[bool, float, float | None]:
    from embodied_mem.tasks.findingdory.rows import pose_facts
    from embodied_mem.tasks.findingdory.sequence import judge as judge_stops
    from embodied_mem.tasks.findingdory.sequence import met_by
    from embodied_mem.tasks.findingdory.tours import shortest_m

    item = _item(episode.key["item"])
    if not item.goals:  # unanswerable: to go nowhere is right
        return not stops, float(not stops), None
    scene = _scene(episode.key["experience"])
    verdict = judge_stops(item.quantifier, met_by(item.goals, [pose_facts(item, pose, scene) for pose in stops]))
    shortest = shortest_m(scene, item.quantifier, item.goals, episode.start[:2])
    return verdict.success, verdict.partial, shortest if math.isfinite(shortest) else None


@functools.lru_cache(4)
def _scene(folder: str) -> Any:
    from embodied_mem.tasks.findingdory.experience import Experience
    from embodied_mem.tasks.findingdory.scene import Scene

    return Scene(Experience(Path(folder)).log().after)


def _item(raw: dict) -> Any:
    from embodied_mem.tasks.findingdory.items import Goal, Item

    return Item(**{**raw, "goals": tuple(Goal(**goal) for goal in raw["goals"]),
                   "frames": tuple(map(tuple, raw["frames"]))})  # fmt: skip


def nearest_on_foot(far: Sequence[float]) -> float:
    """The least of some ways, inf where there is none."""
    return float(np.min(far)) if len(far) else math.inf
