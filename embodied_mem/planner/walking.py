"""The body of one question: it turns, drives and looks, and what it sees goes into what is known."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from embodied_mem import ontology
from embodied_mem.planner import look
from embodied_mem.planner.belief import Belief
from embodied_mem.planner.belief_places import Plan, Stop, one_thing, plan_stops
from embodied_mem.planner.belief_worlds import ELSEWHERE
from embodied_mem.planner.costs import Prices
from embodied_mem.planner.inspecting import read_image
from embodied_mem.planner.knowledge import Knowledge
from embodied_mem.planner.trace import Trace
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import Cost, Frame

if TYPE_CHECKING:
    from embodied_mem.control.navigator import Travel

ENOUGH_NOW = 0.9  # belief at which a drive ends early
PRESENT_IMAGES = 3  # images of the present that are inspected for one thing, from different viewpoints


class Walk:
    """A robot with eyes for what the question is about. Metres and steps go to ``cost``, each move into ``trace``."""

    def __init__(self, known: Knowledge, bench: Workbench, prices: Prices, cost: Cost, trace: Trace) -> None:
        self.known, self.bench, self.prices, self.cost, self.trace = known, bench, prices, cost, trace
        query = known.query
        labels = {s.label for s in known.subjects} | ({query.target.label} if query.target else set())
        if query.kind == "changes":
            labels = set(ontology.THINGS)
        self.eyes = known.eyes = look.Eyes(
            known.history, known.subjects, bench.detector, bench.site_map, known.rates, frozenset(labels)
        )
        self.looked_at: Counter = Counter()
        self.rooms = {room.label: room.centroid for room in bench.palace.rooms()}
        self.navigator = bench.navigator(on_frame=self._on_frame)
        self._read_now: dict[int, set] = {}  # subject key → viewpoint cells that it was inspected from

    def plan(self) -> Plan:
        """Where looking may tell something, and the ways there."""
        x, y, _ = self.navigator.pose
        camera, grid, known = self.bench.robot.spec.camera, self.navigator.grid(), self.known
        return plan_stops(known.query, known.worlds(), self.eyes, self.rooms, (x, y), grid, camera, self.looked_at)

    def look_from_here(self) -> None:
        """Turn once around before deciding anything: turning costs no metres."""
        before = self.known.belief()
        self._on_frame(self.bench.robot.observe())
        travel = self.navigator.look_around()
        here = self.bench.site_map.room_at(*self.navigator.pose[:2])
        if here is not None:
            self._searched(here.label)
        self._moved(travel, "look around", 0.0, before)

    def go(self, stop: Stop, gain: float, belief: Belief) -> None:
        """Drive to a stop and look from there. gain: what setting out is expected to add; belief: that of now."""
        for name in stop.covers or (stop.place,):
            self.looked_at[name] += 1
        surface, room = stop.place
        elsewhere = surface == ELSEWHERE[0]
        travel = self._seek(gain, belief)
        if not travel.stopped:
            before = self.known.belief() if travel.reason else belief
            travel = self.navigator.go_to_pose(stop.x, stop.y)
            what = f"drive to search the {room}" if elsewhere else f"drive to see the {surface} of the {room}"
            self._moved(travel, what, gain, before)
        if not travel.stopped:
            before = self.known.belief()
            if elsewhere:
                travel = self.navigator.look_around()
                self._searched(room)
            else:
                travel = self._face_all(stop)
            self._moved(travel, "look", 0.0, before)

    def _seek(self, value: float, before: Belief) -> Travel:
        """The navigator may first look for the one thing that is asked about by itself; its map alone knows nothing."""
        query = self.known.query
        label = query.target.label if query.target and one_thing(query) else ""
        travel = self.navigator.seek(label)
        if travel.reason:
            self._moved(travel, f"search for a {label or 'thing'}", value, before)
        return travel

    def _face_all(self, stop: Stop) -> Travel:
        """Turn to everything that is to be seen from a stop, unless a frame on the way showed it."""
        points = [self.eyes.points[self.eyes.names.index(name)] for name in stop.covers] or [stop.xyz]
        x, y, _ = self.navigator.pose
        steps = 0
        for point in sorted(points, key=lambda p: math.atan2(p[1] - y, p[0] - x)):
            travel = self.navigator.face(float(point[0]), float(point[1]))
            steps += travel.steps
            self._on_frame(self.bench.robot.observe())
        return replace(travel, steps=steps)

    def _searched(self, room: str) -> None:
        self.looked_at[(ELSEWHERE[0], room)] += 1
        known = [r for r in self.rooms if self.looked_at[(ELSEWHERE[0], r)]]
        self.eyes.searched = len(known) / max(1, len(self.rooms))

    def _moved(self, travel: Travel, what: str, value: float, before: Belief) -> None:
        self.cost.metres += travel.metres
        self.cost.steps += travel.steps
        self._take_in()
        after = self.known.belief()
        self.trace.add("look", value=value, cost=self.prices.metre * travel.metres, before=before, after=after,
                       what=what, metres=round(travel.metres, 3), reason=travel.reason)  # fmt: skip

    def _on_frame(self, frame: Frame) -> bool:
        """Working memory takes in a frame of the present; True ends the drive: the answer is as good as known."""
        if not self.eyes.watch(frame):
            return False
        if not one_thing(self.known.query):
            return False  # a whole place is to be seen
        self._take_in()
        seen = any(p.place is not None for p in self.known.present.values())
        return seen and self.known.belief().confidence >= ENOUGH_NOW

    def _take_in(self) -> None:
        self.known.present = self.eyes.present()
        if self.known.aspects and self.known.query.kind not in ("where", "count"):
            self._read_present()
        self.known.changed()

    def _read_present(self) -> None:
        """Inspect frames of the present (free) where a state or attribute is asked and the thing is seen."""
        known = self.known
        by_key = {s.key: s for s in (*known.subjects, *self.eyes.newcomers)}
        for key, present in known.present.items():
            done = self._read_now.setdefault(key, set())
            for ref in present.frames[:PRESENT_IMAGES]:
                frame = self.eyes.kept[ref]
                cell = look.view_cell(frame)
                if cell in done or len(done) >= PRESENT_IMAGES:
                    continue
                done.add(cell)
                seen = self.bench.detector.detect(frame, "inspect")
                read_image(known.readings, by_key[key], "now", frame, seen, None, present.xyz, known.aspects)
