"""Object search, batched: ReLIC's ExtObjNav in houses of the embedded generator, seen through a fan of 64 rays.

A trial is one house. Each episode names one of the goal kinds; any thing of the kind counts. It ends with "stop", which
succeeds within 2 m of such a thing that a ray is on, or at the cap. The reward is the way won towards the nearest place
from which the goal is in reach and in sight, 2 on success, and a cost a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from embodied_mem.errors import ConfigError
from embodied_mem.sim.vector.body import FORWARD, forward, free
from embodied_mem.sim.vector.draws import hashed, pick, uniform
from embodied_mem.sim.vector.fan import HEADINGS, RAYS, Fan
from embodied_mem.sim.vector.geodesic import FAR, UNITS
from embodied_mem.sim.vector.plans import FIRST_THING, KINDS, Plan, plans
from embodied_mem.sim.vector.protocol import Space, Step
from embodied_mem.sim.vector.raster import PLACE, Extent, Houses, gap_to
from embodied_mem.sim.vector.search import TEST_TYPES, SearchEnv, asked_types

#: What is searched for; the first ``types`` of them.
GOALS = (
    "backpack", "vase", "pillow", "basket", "kettle", "waste bin", "plant", "towel", "radio", "bowl", "bucket", "shoe",
    "book", "fan", "teapot", "blanket", "hat", "bottle", "laptop", "mug",
)  # fmt: skip
#: Generator seeds of the houses of each split, from which ``houses`` are taken.
FIRST_HOUSE = {"train": 10_000, "dev": 0, "test": 100_000, TEST_TYPES: 100_000}
TEST_HOUSES = 1000  # at most, of each split that is not for training
AHEAD, LEFT, RIGHT, STOP = range(4)
OTHER_THING = FIRST_THING  # the kind of all things that are never searched for; goal i is OTHER_THING + 1 + i
_HOUSES, _STARTS, _HEADINGS, _GOALS, _NOISE, _DETOURS = 21, 22, 23, 24, 25, 26  # streams
_SPELL = 12  # steps: a turn of 180° and as many ahead
_LEAST = 0.02  # metres that a step must bring nearer, or the oracle is stuck
_RANGE = 10.0  # metres: unit of distances and positions in observations
_SIGHT = 8.0  # metres up to which things are made out


@dataclass(frozen=True)
class ObjectSearchConfig:
    """The CPU size by default; full size is ``types: 20, cap: 500``."""

    split: str = field(default="train", metadata={"choices": tuple(FIRST_HOUSE)})
    houses: int = field(default=10_000, metadata={"min": 1, "max": 80_000})
    types: int = field(default=6, metadata={"min": 1, "max": len(GOALS)})
    held_out_types: int = field(default=0, metadata={"min": 0, "max": len(GOALS) - 1})
    """So many, the last ones, are seen as what they are but never asked for, except in the split test_types: there they
    alone are."""
    cap: int = field(default=120, metadata={"min": 2, "max": 10_000})
    min_start: float = field(default=1.0, metadata={"min": 0.0, "max": 20.0})
    reach: float = field(default=2.0, metadata={"min": 0.5, "max": 2.0})
    shaping: float = field(default=1.0, metadata={"min": 0.0, "max": 10.0})
    bonus: float = field(default=2.0, metadata={"min": 0.0, "max": 100.0})
    step_cost: float = field(default=0.001, metadata={"min": 0.0, "max": 1.0})
    position: str = field(default="house", metadata={"choices": ("house", "start", "noisy")})
    """Frame of the position: the house's, from the episode's start, or the house's with noise of ``noise`` metres
    anew each step; never to be mixed in a table."""
    noise: float = field(default=0.25, metadata={"min": 0.0, "max": 5.0})
    compass: bool = False
    """Show the heading as well, which ReLIC's agents do not know."""
    folder: str = ""
    """Where the houses' files lie; a folder of the user's cache if empty."""

    def __post_init__(self) -> None:
        asked_types(self)  # refuses what leaves nothing to ask for


class ObjectSearch(SearchEnv):
    """See :class:`embodied_mem.sim.vector.protocol.VectorEnv`. Actions: forward 0.25 m, left 30°, right 30°, stop."""

    Config = ObjectSearchConfig

    def __init__(self, config: ObjectSearchConfig, batch: int, device: torch.device | str = "cpu") -> None:
        super().__init__(config, batch, device)
        self.actions, self.fixed_length = 4, False
        self.goals = tuple(KINDS.index(label) for label in GOALS[: config.types])
        kinds = OTHER_THING + 1 + config.types
        self.spaces = {
            "goal": Space("index", (1,), config.types), "position": Space("vector", (2,)),
            "first": Space("ranges", (RAYS,)), "first_kind": Space("kinds", (RAYS,), kinds),
            "second": Space("ranges", (RAYS,)), "second_kind": Space("kinds", (RAYS,), kinds),
        }  # fmt: skip
        if config.compass:
            self.spaces["heading"] = Space("index", (1,), HEADINGS)
        self._plans = _pool(config, [self.goals[i] for i in self.asked])
        self._extent = Extent.of(self._plans)
        self._fan = Fan(_SIGHT, self.device)
        shown = [min(k, OTHER_THING) for k in range(len(KINDS))]
        for i, kind in enumerate(self.goals):
            shown[kind] = OTHER_THING + 1 + i
        self._shown = torch.tensor(shown, device=self.device)
        turn = torch.arange(HEADINGS, dtype=torch.float64) * (2 * math.pi / HEADINGS)
        self._ahead = torch.stack([turn.cos(), turn.sin()], 1).float().to(self.device)
        self._heading = torch.zeros_like(self._step)
        self._x, self._y, self._start_x, self._start_y, self._way = (torch.zeros_like(self._shortest) for _ in range(5))
        self._found, self._in_view, self._seen_now = (torch.zeros_like(self._seen_before) for _ in range(3))

    def _houses_of(self, seeds: Tensor) -> Houses:
        number = hashed(seeds, _HOUSES) if self.config.split == "train" else seeds
        chosen = [self._plans[i] for i in number.remainder(len(self._plans)).tolist()]
        return Houses.of(chosen, self._extent, self.goals, self.config.reach, self.device)

    def step(self, actions: Tensor) -> Step:
        self._check(actions)
        c, stop = self.config, actions == STOP
        x, y = forward(self.houses, self._x, self._y, self._ahead[self._heading], actions == AHEAD)
        self._travelled = self._travelled + torch.sqrt((x - self._x) ** 2 + (y - self._y) ** 2)
        self._x, self._y = x, y
        turn = (actions == LEFT).long() - (actions == RIGHT).long()
        self._heading = (self._heading + turn).remainder(HEADINGS)
        self._step = self._step + 1
        way = self.houses.way(self._row, self._goal, x, y)
        way = torch.where(way.isfinite(), way, self._way)  # squeezed in where no way is known: no progress
        success = stop & self._found
        reward = c.shaping * (self._way - way) + c.bonus * success - c.step_cost
        self._way = way
        end = stop | (self._step >= c.cap)
        info = {
            "steps": self._step, "shortest": self._shortest, "travelled": self._travelled, "goal": self._goal,
            "goal_seen": self._seen_before, "goal_known": self._known(),
        }  # fmt: skip
        self._begin_episode(end)
        felt = c.bonus * success  # progress is the simulator's knowledge
        return Step(self._observe(), reward, end, success, info, felt)

    def oracle(self) -> Tensor:
        """Down the field; where the goal is in reach, towards it until a ray is on it; then stop. Where that leads no
        further (furniture before a thing that falls between two rays, a corner that steps of 30° do not round) it
        tries other ways, half of the time."""
        seen, bearing = self._in_reach()
        way, clear = self._ahead_of_here()
        here = self.houses.way(self._row, self._goal, self._x, self._y)
        stuck = torch.where(seen, ~clear.gather(1, bearing[:, None])[:, 0], way.amin(1) > here - _LEAST)
        spell = self._step // _SPELL
        drawn = uniform(self._seeds, _DETOURS, self._episode, spell)
        detour = pick(clear, drawn).clamp(max=HEADINGS - 1)
        best = torch.where(seen, bearing, way.argmin(1))
        best = torch.where(stuck & (spell % 2 == 1), detour, best)
        turn = (best - self._heading).remainder(HEADINGS)
        action = torch.where(turn == 0, AHEAD, torch.where(turn <= HEADINGS // 2, LEFT, RIGHT))
        return torch.where(self._found, STOP, action)

    def _in_reach(self) -> tuple[Tensor, Tensor]:
        """Whether a goal is in reach and in sight all around, and the heading towards the nearest."""
        kind = torch.tensor(self.goals, device=self.device)[self._goal]
        box = self.houses.things
        dx = (box[..., 0] + box[..., 3]) / 2 - self._x[:, None]
        dy = (box[..., 1] + box[..., 4]) / 2 - self._y[:, None]
        gap = gap_to(box, self._x[:, None], self._y[:, None])
        row, thing = ((self.houses.labels == kind[:, None]) & (gap < self.config.reach)).nonzero(as_tuple=True)
        free_line = self.houses.in_sight(row, thing, self._x[row], self._y[row])
        near = torch.full_like(gap, torch.inf)
        near[row[free_line], thing[free_line]] = gap[row[free_line], thing[free_line]]
        least, thing = near.min(1)
        angle = torch.atan2(dy[self._row, thing], dx[self._row, thing])
        return least.isfinite(), (angle * (HEADINGS / (2 * math.pi))).round().long().remainder(HEADINGS)

    def _ahead_of_here(self) -> tuple[Tensor, Tensor]:
        """[B, 12] each: metres to the goal after a step along each heading, and whether nothing is in its way; where
        something is, the way is inf."""
        x = self._x[:, None] + FORWARD * self._ahead[:, 0]
        y = self._y[:, None] + FORWARD * self._ahead[:, 1]
        row, goal = (v[:, None].expand(-1, HEADINGS).flatten() for v in (self._row, self._goal))
        way = self.houses.way(row, goal, x.flatten(), y.flatten()).view(-1, HEADINGS)
        clear = free(self.houses, self._row, x, y) & free(self.houses, self._row, (x + self._x[:, None]) / 2,
                                                          (y + self._y[:, None]) / 2)  # fmt: skip
        return torch.where(clear, way, torch.inf), clear

    def _begin_episode(self, ending: Tensor) -> None:
        """A new goal of those there are, and a start at least ``min_start`` metres from it, where ``ending`` says."""
        rows = ending.nonzero().flatten()
        if not len(rows):
            return
        self._episode = self._episode + ending
        seeds, episode = self._seeds[rows], self._episode[rows]
        streams = torch.tensor([_GOALS, _STARTS, _HEADINGS], device=self.device)
        drawn = uniform(seeds, streams[:, None], episode)
        there = self.houses.there[rows, self.asked.start : self.asked.stop]
        goal = self.asked.start + pick(there, drawn[0]).clamp(max=len(self.asked) - 1)
        place = pick(self._starts(rows, goal), drawn[1])
        x, y = self.houses.centre(self.houses.standing[rows, place])
        way = self.houses.way(rows, goal, x, y).nan_to_num(posinf=0.0)
        heading = (drawn[2] * HEADINGS).long()
        news = {"_x": x, "_y": y, "_start_x": x, "_start_y": y, "_way": way, "_shortest": way, "_goal": goal,
                "_heading": heading, "_seen_before": self._seen[rows, goal]}  # fmt: skip
        for name, value in news.items():
            setattr(self, name, getattr(self, name).index_copy(0, rows, value))
        self._travelled, self._step = torch.where(ending, 0.0, self._travelled), torch.where(ending, 0, self._step)

    def _starts(self, rows: Tensor, goal: Tensor) -> Tensor:
        """[N, P] bool: places that are far enough from the goal; where none is, all from which it can be reached;
        where none can, all."""
        way = self.houses.travel[rows, goal]
        far = (way < FAR) & (way >= math.ceil(self.config.min_start * UNITS / PLACE))
        for wider in (lambda: way < FAR, lambda: self.houses.standing[rows] >= 0):
            some = far.any(1, keepdim=True)
            if bool(some.all()):
                break
            far = torch.where(some, far, wider())
        return far

    def _observe(self) -> dict[str, Tensor]:
        """The observation, and what follows from it: goals that have been seen, whether a stop would succeed."""
        hits = self._fan.look(self.houses, self._x, self._y, self._heading)
        kinds = torch.take(self._shown, torch.stack([hits.first_kind, hits.second_kind], 1))
        metres = torch.stack([hits.first, hits.second], 1)
        goals = kinds - (OTHER_THING + 1)
        row, where, ray = (goals >= 0).nonzero(as_tuple=True)
        on_goal = goals == self._goal[:, None, None]
        self._in_view = on_goal.flatten(1).any(1)
        self._seen_now = self._in_view | self._seen_now & (self._step > 0)
        self._seen = self._seen.index_put((row, goals[row, where, ray]), torch.tensor(True, device=self.device))
        on_goal = on_goal & (metres <= self.config.reach)
        self._found = on_goal.flatten(1).any(1)
        shown = (metres * (1 / _RANGE)).clamp_(max=1.0)
        obs = {"goal": self._goal[:, None], "position": self._position(), "first": shown[:, 0],
               "first_kind": kinds[:, 0], "second": shown[:, 1], "second_kind": kinds[:, 1]}  # fmt: skip
        return obs | ({"heading": self._heading[:, None]} if self.config.compass else {})

    def _known(self) -> Tensor:
        """[B] int64: how well its own looks let a robot know where the goal is, 0 to 3: seen in no look so far, in
        an earlier episode, in this one, in view."""
        before = self._seen[self._row, self._goal].long()
        return torch.where(self._in_view, 3, torch.where(self._seen_now, 2, before))

    def _position(self) -> Tensor:
        place = torch.stack([self._x, self._y], 1)
        if self.config.position == "start":
            place = place - torch.stack([self._start_x, self._start_y], 1)
        elif self.config.position == "noisy":
            axis = torch.arange(2, device=self.device)
            # The sum of twelve even draws is as good as a normal one, and needs no logarithm.
            parts = torch.arange(12, device=self.device)[:, None]
            keys = [v[:, None, None] for v in (self._seeds, self._episode, self._step)]
            draw = uniform(keys[0], _NOISE, keys[1], keys[2], parts, axis).sum(1) - 6
            place = place + (self.config.noise * draw).float()
        return place * (1 / _RANGE)


def _pool(config: ObjectSearchConfig, goals: list[int]) -> list[Plan]:
    """The split's houses that have something to search for, of these kinds."""
    wanted, count = min(3, len(goals)), config.houses
    if config.split != "train":
        count = min(count, TEST_HOUSES)
    found = plans(FIRST_HOUSE[config.split], count, config.folder or None)
    found = [p for p in found if len(set(p.labels.tolist()) & set(goals)) >= wanted]
    if not found:
        raise ConfigError(f"environment.houses: none of {count} houses has {wanted} goal kinds; take more")
    return found
