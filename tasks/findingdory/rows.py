"""A line of predictions.jsonl: the item, the stops of an answer, how they stand to the goals. Scoring needs no more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from embodied_mem.tasks.findingdory.facts import Facts
from embodied_mem.tasks.findingdory.items import Item, Stop
from embodied_mem.tasks.findingdory.log import EpisodeLog, Pose
from embodied_mem.tasks.findingdory.predicates import GoalFacts
from embodied_mem.tasks.findingdory.scene import Scene
from embodied_mem.tasks.findingdory.sequence import judge, met_by
from embodied_mem.tasks.findingdory.tours import ways_of


def prediction_row(
    item: Item, agent: str, stops: Sequence[Stop], error: str, log: EpisodeLog, scene: Scene, facts: Facts
) -> dict:
    """The JSON-encodable row of one answer, before any driving (``docs/findingdory.md`` lists its fields).

    Stops are frames of the log or poses (camera straight ahead). What the agent adds (confidence, costs, ``ll``) is
    set to nothing here.
    """
    end = log.end_pose[:2]
    table = [stop_facts(item, stop, scene, facts) for stop in stops]
    told = []
    for stop, found in zip(stops, table, strict=True):
        named = {"frame": stop.frame} if stop.pose is None else {"pose": [round(v, 4) for v in stop.pose]}
        xy = tuple(log.steps.pose[stop.frame][:2]) if stop.pose is None else stop.pose[:2]
        told.append({**named, "facts": [f.to_json() for f in found], "start_m": finite(scene.way(end, xy))})
    right = judge(item.quantifier, met_by(item.goals, table)).success
    plain = {k: v for k, v in asdict(item).items() if k != "frames"}
    return {
        **plain, "agent": agent, "key": f"{agent}/{item.id}", "job": f"house-{log.name}", "house": log.house,
        "episode": log.episode, "interactions": len(log.interactions), "frames": len(log.steps), "error": error,
        "confidence": 0.0, "images": 0, "explored_m": 0.0, "seconds": 0.0, "stops": told,
        **ways_of(scene, item, table, end), "ll": None, "correct": right,
    }  # fmt: skip


def stop_facts(item: Item, stop: Stop, scene: Scene, facts: Facts) -> list[GoalFacts]:
    """How one stop of an answer stands to each goal of an item."""
    if stop.pose is None:
        return [facts.of(stop.frame, goal) for goal in item.goals]
    return pose_facts(item, stop.pose, scene)


def pose_facts(item: Item, pose: Pose, scene: Scene) -> list[GoalFacts]:
    """How a pose (camera straight ahead) stands to each goal of an item."""
    return [scene.facts(pose, False, goal) for goal in item.goals]


def finite(metres: float) -> float | None:
    """A length for a row: millimetres, None where there is no way."""
    return round(float(metres), 3) if math.isfinite(metres) else None
