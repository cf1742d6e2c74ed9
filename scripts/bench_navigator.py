#!/usr/bin/env python
"""How well a policy finds things through a robot's camera, search by search in one house: for ``docs/policies.md``.

    scripts/bench_navigator.py CHECKPOINT [--houses 5] [--searches 10] [--json FILE]

Development houses of the embedded simulator, camera and detector with their noise, the policy's memory kept from search
to search. The robot goes on from where it stopped, to a kind of thing that it is not at already. A search succeeds as
in training: the policy says stop, and a ray of the environment's own fan is on such a thing within 2 m. ``fan``: how
many of the rays that the policy was shown have the kind and, within 0.2 m, the distance that the environment shows.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from embodied_mem.control.fan_view import Slices
from embodied_mem.control.search import REACH_M, HouseFrame, Lookout, SearchNavigator
from embodied_mem.evaluation.session import Session
from embodied_mem.perception.noise import NoiseConfig
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.policies.evaluate import load_policy
from embodied_mem.policies.navigator import PolicyPilot
from embodied_mem.sim.generate import generate_house
from embodied_mem.sim.truth import passable_grid
from embodied_mem.sim.vector.fan import Fan
from embodied_mem.sim.vector.plans import KINDS, plan_of
from embodied_mem.sim.vector.raster import Extent, Houses
from embodied_mem.tasks.object_search.env import GOALS, ObjectSearchConfig

NOON = 1_700_000_000.0 // 86400 * 86400 + 43200
STEP = math.pi / 6


class Truth:
    """What the environment knows of a house: ways to goals, and what its fan shows."""

    def __init__(self, seed: int) -> None:
        self.house = generate_house(seed)
        self.plan = plan_of(self.house)
        self.kinds = [KINDS.index(label) for label in GOALS]
        self.houses = Houses.of([self.plan], Extent.of([self.plan]), self.kinds, 2.0)
        self.fan, self.row = Fan(8.0), torch.zeros(1, dtype=torch.int64)

    def at(self, pose) -> tuple[torch.Tensor, torch.Tensor, int]:
        x, y, yaw = self.plan.from_world(self.house, *pose)
        return torch.tensor([x], dtype=torch.float32), torch.tensor([y], dtype=torch.float32), round(yaw / STEP) % 12

    def way(self, label: str, pose) -> float:
        """Metres to the nearest place from which the goal is in reach and in sight; inf where there is none."""
        x, y, _ = self.at(pose)
        return float(self.houses.way(self.row, torch.tensor([GOALS.index(label)]), x, y)[0])

    def look(self, pose) -> Slices:
        """What the environment shows at a pose."""
        x, y, heading = self.at(pose)
        return Slices(*(hit[0].numpy() for hit in self.fan.look(self.houses, x, y, torch.tensor([heading]))))


class Compared(PolicyPilot):
    """A pilot whose views are compared with the environment's; nothing of that reaches the policy."""

    def __init__(self, policy, options: ObjectSearchConfig, key: int, truth) -> None:
        super().__init__(policy, options, key)
        self._truth, self.agreed = truth, {"first": [], "second": []}

    def act(self, view: Slices, place: tuple[float, float], heading: int) -> str:
        truth = self._truth()
        for k, shares in self.agreed.items():
            near = np.abs(getattr(view, k) - getattr(truth, k)) < 0.2
            shares.append(float((near & (getattr(view, f"{k}_kind") == getattr(truth, f"{k}_kind"))).mean()))
        return super().act(view, place, heading)


def searches(seed: int, count: int, policy, options: ObjectSearchConfig) -> list[dict]:
    """One house: what became of each search, in order."""
    truth, rng = Truth(seed), np.random.default_rng([seed, 1])
    grid = passable_grid(truth.house, 0.18)
    start = grid.centre(np.argwhere(grid.passable)[rng.integers(int(grid.passable.sum()))])
    session = Session(seed, NoiseConfig(), Sidecar(None))
    robot = session.begin(time=NOON, house=truth.house, start=(*start, STEP * int(rng.integers(12))))
    rects = np.array([room.rect for room in truth.house.rooms])
    low, high = rects[:, :2].min(0) - 0.1, rects[:, 2:].max(0) + 0.1
    frame = HouseFrame((float(low[0]), float(low[1])), float(high[0] - low[0]), bool(truth.plan.turned))
    pilot = Compared(policy, options, seed, lambda: truth.look(session._sim.truth.pose))
    lookout = Lookout(pilot, session.detector, robot.spec.camera.height_m)
    navigator, rows = SearchNavigator(robot, None, lookout=lookout, frame=frame), []
    for index in range(count):
        pose = session._sim.truth.pose
        ways = {label: truth.way(label, pose) for label in GOALS[: options.types]}
        far = [label for label, way in ways.items() if options.min_start <= way < math.inf]
        if not far:
            break
        label = far[int(rng.integers(len(far)))]
        travel = navigator.seek(label)
        stopped = travel.reached or travel.reason.startswith("stopped with")
        success = stopped and truth.look(session._sim.truth.pose).nearest(label) <= REACH_M
        rows.append({
            "house": seed, "search": index, "goal": label, "success": success, "reason": _kind(travel.reason),
            "metres": round(travel.metres, 2), "steps": travel.steps, "shortest": round(ways[label], 2),
            "fan": {k: round(float(np.mean(shares)), 3) for k, shares in pilot.agreed.items()},
        })  # fmt: skip
        pilot.agreed = {k: [] for k in pilot.agreed}
    return rows


def _kind(reason: str) -> str:
    """Why a search ended, without what differs from one to the next."""
    endings = {"stopped with": "false stop", "found no": "step limit", "bumped": "bumped"}
    return next((short for begin, short in endings.items() if reason.startswith(begin)), reason)


def figures(rows: list[dict]) -> dict:
    """Success, SPL and the metres that a search which failed has cost, by index of the search and in all."""
    spl = [r["success"] * r["shortest"] / max(r["shortest"], r["metres"], 1e-9) for r in rows]
    by = {i: [r["success"] for r in rows if r["search"] == i] for i in sorted({r["search"] for r in rows})}
    lost = [r["metres"] for r in rows if r["reason"] != "arrived"]
    return {
        "searches": len(rows), "success": float(np.mean([r["success"] for r in rows])), "spl": float(np.mean(spl)),
        "success_by_search": [round(float(np.mean(v)), 3) for v in by.values()],
        "fell_back": len(lost) / max(1, len(rows)), "extra_metres_a_fallback": float(np.mean(lost)) if lost else 0.0,
        "fan": {k: round(float(np.mean([r["fan"][k] for r in rows])), 3) for k in ("first", "second")},
        "endings": dict(Counter(r["reason"] for r in rows)),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--houses", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="first house; development houses lie below 10,000")
    parser.add_argument("--searches", type=int, default=10, help="in each house")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    actor, config, _ = load_policy(options.checkpoint, lasting=True)
    environment, rows = ObjectSearchConfig(**config.environment), []
    for seed in range(options.seed, options.seed + options.houses):
        rows += searches(seed, options.searches, actor.policy, environment)
        print(json.dumps(figures(rows)), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures(rows), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
