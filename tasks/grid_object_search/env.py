"""Grid object search, batched: a new start and a new goal type each episode, the same house through the trial.

Two rewards, whose factors are options of their own so that they can be taken apart: ``stay`` pays 1 for every step on
a goal object in episodes of fixed length; ``shaped`` is ReLIC's: geodesic progress, a bonus on arrival, a cost a step,
and the episode ends there (or, without ``early_end``, stands still until the cap).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from embodied_mem.sim.vector.draws import integers, pick, uniform
from embodied_mem.sim.vector.protocol import Space, Step
from embodied_mem.sim.vector.search import TEST_TYPES, SearchEnv, asked_types
from embodied_mem.tasks.grid_object_search.house import MOVES, OBJECT, Houses

_STARTS, _GOALS = 13, 14  # streams
STAY = len(MOVES) - 1


@dataclass(frozen=True)
class GridConfig:
    """The CPU size by default: 9×9 cells, 4 rooms, 4 object types, a view of 3×3, 24 steps an episode."""

    split: str = field(default="train", metadata={"choices": ("train", "test", TEST_TYPES)})
    size: int = field(default=9, metadata={"min": 5, "max": 64})
    rooms: int = field(default=4, metadata={"min": 1, "max": 16})
    extra_doors: int = field(default=1, metadata={"min": 0, "max": 16})
    types: int = field(default=4, metadata={"min": 1, "max": 64})
    held_out_types: int = field(default=0, metadata={"min": 0, "max": 63})
    """So many, the last ones, are in every house but never asked for, except in the split test_types: there they alone
    are."""
    instances: int = field(default=1, metadata={"min": 1, "max": 8})
    radius: int = field(default=1, metadata={"min": 1, "max": 8})
    cap: int = field(default=24, metadata={"min": 2, "max": 10_000})
    min_start: int = field(default=1, metadata={"min": 0, "max": 64})
    reward: str = field(default="stay", metadata={"choices": ("stay", "shaped")})
    early_end: bool = False
    can_stay: bool = True
    shaping: float = field(default=0.1, metadata={"min": 0.0, "max": 10.0})
    bonus: float = field(default=1.0, metadata={"min": 0.0, "max": 100.0})
    step_cost: float = field(default=0.01, metadata={"min": 0.0, "max": 1.0})
    position: str = field(default="house", metadata={"choices": ("house", "start")})
    """Frame of the position: the house's, or from the episode's start; never to be mixed in a table."""

    def __post_init__(self) -> None:
        asked_types(self)  # refuses what leaves nothing to ask for


class GridObjectSearch(SearchEnv):
    """See :class:`embodied_mem.sim.vector.protocol.VectorEnv`. Actions: +x, −x, +y, −y and, if it can, stay."""

    Config = GridConfig

    def __init__(self, config: GridConfig, batch: int, device: torch.device | str = "cpu") -> None:
        super().__init__(config, batch, device)
        self.actions, self.fixed_length = len(MOVES) - (not config.can_stay), not config.early_end
        side = 2 * config.radius + 1
        self.spaces = {
            "goal": Space("index", (1,), config.types),
            "position": Space("index", (2,), config.size if config.position == "house" else 2 * config.size - 1),
            "view": Space("index", (side * side,), OBJECT + config.types),
        }
        self._cell, self._start, self._reached_at = (torch.zeros_like(self._step) for _ in range(3))

    def _houses_of(self, seeds: Tensor) -> Houses:
        c = self.config
        return Houses.of(seeds, c.split, c.size, c.rooms, c.extra_doors, c.types, c.instances, c.radius)

    def step(self, actions: Tensor) -> Step:
        self._check(actions)
        c, before = self.config, self._distance()
        frozen = (self._reached_at > 0) & (c.reward == "shaped")
        cell = self.houses.following[self._row, self._cell, torch.where(frozen, STAY, actions)]
        self._travelled = self._travelled + ((cell != self._cell) & (self._reached_at == 0))
        self._cell, self._step = cell, self._step + 1
        distance = self._distance()
        there = distance == 0
        first = there & (self._reached_at == 0)
        self._reached_at = torch.where(first, self._step, self._reached_at)
        success = self._reached_at > 0
        if c.reward == "stay":
            reward = felt = there.float()
        else:
            reward = c.shaping * (before - distance) + c.bonus * first - c.step_cost * ~frozen
            felt = c.bonus * first
        end = (self._step >= c.cap) | (success & c.early_end)
        info = {
            "steps": torch.where(success, self._reached_at, self._step), "shortest": self._shortest,
            "travelled": self._travelled, "goal": self._goal, "goal_seen": self._seen_before,
        }  # fmt: skip
        self._look()
        self._begin_episode(end)
        return Step(self._observe(), reward, end, success, info, felt)

    def oracle(self) -> Tensor:
        after = self.houses.following[self._row, self._cell][:, : self.actions]
        field = self.houses.distance[self._row, self._goal]
        return field.gather(1, after).argmin(1)

    def _distance(self) -> Tensor:
        return self.houses.distance[self._row, self._goal, self._cell]

    def _begin_episode(self, rows: Tensor) -> None:
        """A new goal, and a start at least ``min_start`` steps from it, where ``rows`` says."""
        if self.device.type == "cpu" and not rows.any():
            return
        self._episode = self._episode + rows
        goal = self.asked.start + integers(len(self.asked), self._seeds, _GOALS, self._episode)
        field = self.houses.distance[self._row, goal]
        far = field.isfinite() & (field >= self.config.min_start)
        far = torch.where(far.any(1, keepdim=True), far, field.isfinite())  # a small house: anywhere
        start = pick(far, uniform(self._seeds, _STARTS, self._episode))
        self._goal, self._start = torch.where(rows, goal, self._goal), torch.where(rows, start, self._start)
        self._cell = torch.where(rows, start, self._cell)
        self._shortest = torch.where(rows, self._distance(), self._shortest)
        self._travelled = torch.where(rows, 0.0, self._travelled)
        self._step, self._reached_at = torch.where(rows, 0, self._step), torch.where(rows, 0, self._reached_at)
        self._seen_before = torch.where(rows, self._seen[self._row, self._goal], self._seen_before)
        self._look()

    def _look(self) -> None:
        self._seen = self._seen | self.houses.types_seen[self._row, self._cell]

    def _observe(self) -> dict[str, Tensor]:
        size = self.config.size
        place = torch.stack([self._cell // size, self._cell % size], -1)
        if self.config.position == "start":
            place = place - torch.stack([self._start // size, self._start % size], -1) + size - 1
        return {"goal": self._goal[:, None], "position": place, "view": self.houses.view[self._row, self._cell].long()}
