"""From an instruction to places to stop at: memory first, and where memory knows nothing that fits, a search.

One worth decides: the chance that a stop is right, weighed against a wrong one, less the metres that lead to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.goals.drive import Driver, Mark, short_tour
from embodied_mem.planner.goals.floor import ProvenMap, View
from embodied_mem.planner.goals.frames import GoalFrames
from embodied_mem.planner.goals.memory import GoalMemory
from embodied_mem.planner.goals.query import GoalQuery, Target, Wanted
from embodied_mem.planner.workbench import Workbench
from embodied_mem.sim.protocol import RobotSpec

POSE_BELOW = 0.6  # a stored frame less sure than this competes with a standing spot that no frame was taken from


@dataclass(frozen=True)
class Choice:
    """What an agent says to an instruction. stops: in the order of visit; error: "" or "no_answer"; images: stored
    ones that were opened; explored_m: metres driven to find out; understood: False where the words made no sense."""

    stops: tuple[View, ...] = ()
    confidence: float = 0.0
    error: str = ""
    images: int = 0
    explored_m: float = 0.0
    trace: tuple[dict, ...] = ()
    understood: bool = True


@dataclass
class GoalSeeker:
    """The mind palace's agent for instructions: understands, finds targets in its memory, chooses stops, drives."""

    prices: Prices = Prices()
    name: str = "mind_palace"
    _known: tuple[GoalFrames, GoalMemory] | None = field(default=None, repr=False, compare=False)

    # -- choosing -----------------------------------------------------------------------------------------------

    def choose(self, text: str, bench: Workbench) -> Choice:
        """Stops for an instruction; never raises for one that it does not understand."""
        from embodied_mem.planner.goals.parser import parse_goal
        from embodied_mem.planner.goals.resolver import resolve

        try:
            parsed = parse_goal(text)
            query, why = parsed.query, parsed.reason
        except InputError as error:
            query, why = None, str(error)
        if query is None:
            return Choice(error="no_answer", understood=False, trace=({"action": "give up", "why": why},))
        frames, memory = self.memory_of(bench)
        start = start_of(bench, frames)
        way = frames.way_from(start)
        distance = partial(frames.metres_to, field=way)
        wanted = resolve(query, memory, start, distance, bench.detector, self.prices)
        stops = self.stops_for(wanted, frames, start)
        trace = (*wanted.trace, *(_told(view) for view in stops))
        if not stops:
            return self._search(query, bench, Choice(images=wanted.images, trace=trace))
        sure = float(np.prod([v.chance * v.target.confidence for v in stops]))
        return Choice(tuple(stops), sure, images=wanted.images, trace=trace)

    def memory_of(self, bench: Workbench) -> tuple[GoalFrames, GoalMemory]:
        """The bench's palace as stops need it and as words need it, on the map as it was stored."""
        if self._known is None or self._known[0].palace is not bench.palace:
            spec = bench.robot.spec if bench.robot else RobotSpec()
            stored = bench.site_map.copy()
            self._known = GoalFrames(bench.palace, stored, spec), GoalMemory(bench.palace, stored)
        return self._known

    def stops_for(self, wanted: Wanted, frames: GoalFrames, start: tuple[float, float]) -> list[View]:
        """One view a slot that memory can fill, in the order of visit."""
        way = frames.way_from(start)
        picked = [view for slot in wanted.slots if (view := self._best(slot, frames, way)) is not None]
        if len(picked) < 2:
            return picked
        picked = [self._apart(view, picked, frames, way) for view in picked]
        return picked if wanted.many == "ordered" else in_tour(picked, frames, way)

    def _best(self, slot: tuple[Target, ...], frames: GoalFrames, way: np.ndarray) -> View | None:
        """The view worth most among all alternatives of a slot; None where there is none at all."""
        best, most = None, -np.inf
        for target in map(frames.sharper, slot):
            for view, metres in self._views(target, frames, way):
                worth = self._worth(view.chance * target.confidence, metres)
                if worth > most:
                    best, most = view, worth
        return best

    def _worth(self, chance: float, metres: float) -> float:
        return (1.0 + self.prices.w) * chance - self.prices.metre * min(metres, 100.0)

    def _views(self, target: Target, frames: GoalFrames, way: np.ndarray) -> list[tuple[View, float]]:
        """The best frame of a target and, where that is not sure, a standing spot; with the metres to them."""
        found = []
        chances, metres = frames.chances(target), frames.frame_ways(way)
        if len(chances):
            i = int(np.argmax((1.0 + self.prices.w) * chances - self.prices.metre * np.minimum(metres, 100.0)))
            if chances[i] > 0.02:
                found.append((frames.view(i, target), float(metres[i])))
        if not found or found[0][0].chance < POSE_BELOW:
            spot = frames.spot(target, way)
            found += [(spot[1], spot[0])] if spot else []
        return found

    def _apart(self, view: View, picked: list[View], frames: GoalFrames, way: np.ndarray) -> View:
        """Another frame of the same target at which no other goal's test holds too: a stop counts for one goal, and
        in an ordered instruction a later goal must not come true early."""
        others = [v.target for v in picked if v.target != view.target]
        if view.frame is None or not others:
            return view
        chances = frames.chances(view.target)
        alone = chances * np.prod([1.0 - 0.9 * frames.chances(t) for t in others], axis=0)
        worth = (1.0 + self.prices.w) * alone - self.prices.metre * np.minimum(frames.frame_ways(way), 100.0)
        return frames.view(int(np.argmax(worth)), view.target)

    def _search(self, query: GoalQuery, bench: Workbench, so_far: Choice) -> Choice:
        """Memory knows nothing that fits: go and look, as far as an answer is worth it."""
        from embodied_mem.planner.goals.search import search

        if bench.robot is None or bench.detector is None:
            return replace(so_far, error="no_answer")
        found = search(query, bench, self.prices, self.memory_of(bench)[0].xy)
        trace = (*so_far.trace, {"action": "search", "metres": round(found.metres, 2), "why": found.reason})
        if found.view is None:
            return replace(so_far, error="no_answer", explored_m=found.metres, trace=trace)
        return replace(so_far, stops=(found.view,), confidence=found.view.chance, explored_m=found.metres, trace=trace)

    # -- driving ------------------------------------------------------------------------------------------------

    def drive(self, choice: Choice, bench: Workbench) -> list[Mark]:
        """Drive to the stops in their order and do "stop" at each; returns a mark a stop."""
        # A search has changed the map: ways are planned on what is known now.
        known, _ = self.memory_of(bench)
        frames = GoalFrames(bench.palace, bench.site_map, bench.robot.spec) if choice.explored_m else known
        driver = Driver(frames, bench.navigator(ProvenMap(bench.site_map, known.xy)), bench.detector)
        return [driver.stop_at(view) for view in choice.stops]


def start_of(bench: Workbench, frames: GoalFrames) -> tuple[float, float]:
    """Where the robot is: its own belief, without a body where its last frame was taken."""
    if bench.robot is not None:
        x, y = bench.robot.observe().base_to_map[:2, 3]
        return float(x), float(y)
    return tuple(map(float, frames.xy[-1])) if len(frames.xy) else (0.0, 0.0)


def in_tour(views: list[View], frames: GoalFrames, way: np.ndarray) -> list[View]:
    """The views in an order that makes the tour through all of them short; ``way``: metres from the start."""
    cells = [frames.ways.nearest_passable(v.pose[:2], 0.8) or v.pose[:2] for v in views]
    index = [frames.ways.cell(c) for c in cells]
    first = np.array([way[c] if frames.ways.is_passable(p) else np.inf for c, p in zip(index, cells, strict=True)])
    between = np.array([[frames.ways.distances_from(a)[b] for b in index] for a in cells])
    return [views[i] for i in short_tour(first, between)]


def _told(view: View) -> dict:
    """A stop as a line of the trace."""
    return {
        "action": "choose", "what": view.target.label, "frame": view.frame, "chance": round(view.chance, 3),
        "confidence": round(view.target.confidence, 3), "pose": [round(v, 2) for v in view.pose],
    }  # fmt: skip
