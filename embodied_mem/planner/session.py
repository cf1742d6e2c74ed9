"""One question's working memory and its decisions: recall an image, go and look, or stop."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embodied_mem import ontology
from embodied_mem.perception.sidecar import MissingSidecar
from embodied_mem.planner import look
from embodied_mem.planner.answers_world import in_scope
from embodied_mem.planner.belief import Belief, believe
from embodied_mem.planner.belief_actions import Inspect, aspects_of, inspections
from embodied_mem.planner.belief_history import Subject, candidates, load_history
from embodied_mem.planner.belief_places import Plan, Stop, about_now, one_thing, plan_stops, unseen_share
from embodied_mem.planner.belief_worlds import ELSEWHERE, LABEL, Present, Readings, Worlds, sample_worlds
from embodied_mem.planner.costs import Prices, Rates
from embodied_mem.planner.inspecting import read_image, read_stored
from embodied_mem.planner.query import Query
from embodied_mem.planner.trace import Trace
from embodied_mem.planner.voi import answer_masses, answer_value, choose, worth_of_kinds
from embodied_mem.planner.workbench import Workbench
from embodied_mem.types import ABSTAIN, Cost, Frame, FrameRef, Value

if TYPE_CHECKING:
    from embodied_mem.control.navigator import Travel

MOST_ACTIONS = 400
ENOUGH_NOW = 0.9  # belief at which a drive ends early
PRESENT_IMAGES = 3  # images of the present that are inspected for one thing, from different viewpoints
LEAST_OF_SET = 0.25  # lists and numbers are said from here on: their beliefs are low, being spread over near misses
NEW_IN_SCOPE = {"changes": 0.15}  # how often a thing that was never there is there now
SCOPE_SEEN = 0.95  # how sure a question of scope is after its whole place was seen


class Session:
    """State of one question. ``belief()`` is always that of everything seen so far."""

    def __init__(self, query: Query, bench: Workbench, prices: Prices, rates: Rates, last_only: bool = False) -> None:
        query = as_forecast(query)
        self.query, self.bench, self.prices, self.rates = query, bench, prices, rates
        self.history = load_history(bench.palace, bench.now, last_only)
        self.subjects: list[Subject] = candidates(self.history, query.target)
        if query.kind == "changes":
            self.subjects = [s for s in self.subjects if self._was_in_scope(s)]
        self.aspects = aspects_of(query)
        self.readings, self.cost, self.trace = Readings(), Cost(), Trace()
        self.opened: dict[FrameRef, list] = {}
        self.present: dict[int, Present] = {}
        self.looked_at: Counter = Counter()
        self.rooms: dict[str, tuple[float, float]] = {}
        self.read_now: dict[int, set] = {}
        self.can_inspect = bench.detector is not None
        self._worlds: Worlds | None = None
        self._belief: Belief | None = None
        self._chains: dict[int, tuple] = {}  # subject key → (what is known of it, its chain)
        self._kinds: np.ndarray | None = None
        self.eyes, self.navigator = None, None
        if bench.robot is not None and bench.detector is not None and about_now(query, self.history):
            self._wake()

    def _was_in_scope(self, subject: Subject) -> bool:
        rooms = {room for _, room in subject.places()}
        return not self.query.room or self.query.room in rooms

    def _wake(self) -> None:
        labels = {s.label for s in self.subjects} | ({self.query.target.label} if self.query.target else set())
        if self.query.kind == "changes":
            labels = set(ontology.THINGS)
        bench = self.bench
        self.eyes = look.Eyes(
            self.history, self.subjects, bench.detector, bench.site_map, self.rates, frozenset(labels)
        )
        self.rooms = {room.label: room.centroid for room in bench.palace.rooms()}
        self.navigator = bench.navigator(on_frame=self._on_frame)

    # -- belief -------------------------------------------------------------------------------------------------

    def worlds(self) -> Worlds:
        if self._worlds is None:
            future = self.history.next_slot(self.query.when) if self.query.kind == "predict" else None
            subjects = [*self.subjects, *self._newcomers()]
            known = {s.key: self._known_of(s) for s in subjects}
            news = [s for s in subjects if self._chains.get(s.key, (None,))[0] != known[s.key]]
            fresh = sample_worlds(
                self.history, news, self.query.target, self.rates, self.readings, self.present, self.aspects, future
            )
            self._chains |= {c.subject.key: (known[c.subject.key], c) for c in fresh.chains}
            self._worlds = replace(fresh, chains=[self._chains[s.key][1] for s in subjects])
        return self._worlds

    def _known_of(self, subject: Subject) -> tuple:
        """All evidence of this question about a subject: while it stays the same, so do the subject's samples."""
        values, looked = self.readings.values, self.readings.looked
        read = {k: dict(cells) for table in (values, looked) for k, cells in table.items() if k[0] == subject.key}
        return subject.tracks, subject.label, subject.colour, self.present.get(subject.key), read

    def _newcomers(self) -> list[Subject]:
        """Things that only the present shows; for questions of scope those in it."""
        if self.eyes is None:
            return []
        free = self.eyes.newcomers
        if one_thing(self.query):
            return free
        return [s for s in free if in_scope(self.query, self.present[s.key].place)]

    def belief(self) -> Belief:
        if self._belief is None:
            self._belief = believe(self.query, self.worlds())
            self._belief.mass = self._belief.mass * self._complete()
        return self._belief

    def _complete(self) -> float:
        """Probability that nothing new stands where nobody has looked yet, for questions of scope."""
        if self.navigator is None or one_thing(self.query):
            return 1.0
        new = NEW_IN_SCOPE.get(self.query.kind, 0.02) * (1.0 if self.query.surface else 1.5)
        return 1.0 - new * unseen_share(self.query, self.eyes)

    def _changed(self) -> None:
        self._worlds = self._belief = self._kinds = None

    def conclude(self, belief: Belief) -> tuple[Value, float]:
        """The answer of highest worth, and the probability that it is right."""
        best, chance = belief.best, belief.confidence
        least = LEAST_OF_SET if best.type in ("set", "count") else 0.5
        if best.type != "abstain" and answer_value(chance, self.prices) <= self.prices.u and chance < least:
            return ABSTAIN, max(belief.of(ABSTAIN), 0.02)
        return best, chance

    # -- decisions ----------------------------------------------------------------------------------------------

    def decide(self, stopping: str, enough: float, most_images: int) -> bool:
        """Take the best action; False when it is time to answer."""
        if len(self.trace.steps()) >= MOST_ACTIONS:
            return False
        belief, worlds = self.belief(), self.worlds()
        if stopping == "confident" and (belief.confidence >= enough or self.cost.images >= most_images):
            return False
        plan = self._plan() if self.navigator else Plan([], np.zeros((1, 1)))
        # Without stops and images nothing can change.
        images = inspections(self.query, worlds, self.rates, self.prices, set(self.opened)) if self.can_inspect else []
        worth = self._worth(belief, plan)
        images = images if stopping == "never" or len(images) <= 60 else images[-60:]
        if stopping == "never" and images:
            self._inspect_all(images, belief)
            return True
        choice = choose(worlds.weights, [i.option for i in images], worth)
        index = choice.index
        if index is None and stopping == "confident" and images:
            # The same ranking, but it goes on below zero: whichever of image and drive loses least.
            gain, first = self._gain(plan, belief)
            index = choice.first if first < 0 or choice.alone >= gain else None
        if index is not None:
            self._inspect(images[index], choice.voi, belief)
            return True
        return self._maybe_go(plan, belief, stopping)

    def _gain(self, plan: Plan, belief: Belief) -> tuple[float, int]:
        """(what setting out adds to answering now, first stop or −1)."""
        if not plan.stops:
            return -np.inf, -1
        value, first = self._going(self.worlds().weights, belief, plan)
        return value - answer_value(belief.confidence, self.prices), first

    def _worth(self, belief: Belief, plan: Plan):
        count, complete = len(belief.values), self._complete()

        def worth(weights: np.ndarray) -> float:
            stay = answer_value(complete * float(answer_masses(weights, belief.answers, count).max()), self.prices)
            if not plan.stops:
                return stay
            return max(stay, self._going(weights, belief, plan)[0])

        return worth

    def _going(self, weights: np.ndarray, belief: Belief, plan: Plan) -> tuple[float, int]:
        """(worth of setting out, first stop): the tour for one thing, the whole scope for questions of scope."""
        if one_thing(self.query):
            tour = plan.tour(weights, self.prices)
            return tour.value, tour.order[0] if tour.order else -1
        # All worlds told apart by where things are now: what seeing the whole scope would leave open.
        if self._kinds is None:
            worlds = self.worlds()
            places = [np.where(c.match, c.sequence[:, worlds.present], -1) for c in worlds.chains]
            # The column of zeros: where nothing of the kind was ever seen, all worlds are alike.
            now = np.column_stack([np.zeros(len(weights), int), *places])
            self._kinds = np.unique(now, axis=0, return_inverse=True)[1].ravel()
        after = worth_of_kinds(weights, self._kinds, belief.answers, SCOPE_SEEN, self.prices)
        return after - self.prices.metre * plan.length(), 0

    def _plan(self) -> Plan:
        x, y, _ = self.navigator.pose
        camera = self.bench.robot.spec.camera
        grid = self.navigator.grid()
        return plan_stops(self.query, self.worlds(), self.eyes, self.rooms, (x, y), grid, camera, self.looked_at)

    # -- acting -------------------------------------------------------------------------------------------------

    def look_from_here(self) -> None:
        """Turn once around before deciding anything: turning costs no metres."""
        if self.navigator is not None:
            before = self.belief()
            self._on_frame(self.bench.robot.observe())
            travel = self.navigator.look_around()
            here = self.bench.site_map.room_at(*self.navigator.pose[:2])
            if here is not None:
                self._searched(here.label)
            self._moved(travel, "look around", 0.0, before)

    def _maybe_go(self, plan: Plan, belief: Belief, stopping: str) -> bool:
        if not plan.stops:
            return False
        gain, first = self._gain(plan, belief)
        if first < 0 or (gain <= 1e-9 and stopping == "voi") or (stopping == "never" and belief.confidence >= 0.97):
            return False
        stop = plan.stops[first]
        for name in stop.covers or (stop.place,):
            self.looked_at[name] += 1
        what = f"drive to see the {stop.place[0]} of the {stop.place[1]}"
        if stop.place[0] == ELSEWHERE[0]:
            what = f"drive to search the {stop.place[1]}"
        travel = self._seek(gain, belief)
        if not travel.stopped:
            before = self.belief() if travel.reason else belief
            travel = self.navigator.go_to_pose(stop.x, stop.y)
            self._moved(travel, what, gain, before)
        if not travel.stopped:
            before = self.belief()
            if stop.place[0] == ELSEWHERE[0]:
                travel = self.navigator.look_around()
                self._searched(stop.place[1])
            else:
                travel = self._face_all(stop)
            self._moved(travel, "look", 0.0, before)
        return True

    def _seek(self, value: float, before: Belief) -> Travel:
        """The navigator may first look for the one thing that is asked about by itself; its map alone knows nothing."""
        label = self.query.target.label if self.query.target and one_thing(self.query) else ""
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

    def _moved(self, travel, what: str, value: float, before: Belief) -> None:
        self.cost.metres += travel.metres
        self.cost.steps += travel.steps
        self.present = self.eyes.present()
        self._read_present()
        self._changed()
        self.trace.add("look", value=value, cost=self.prices.metre * travel.metres, before=before, after=self.belief(),
                       what=what, metres=round(travel.metres, 3), reason=travel.reason)  # fmt: skip

    def _on_frame(self, frame: Frame) -> bool:
        """Working memory takes in a frame of the present; True ends the drive: the answer is as good as known."""
        if not self.eyes.watch(frame):
            return False
        if not one_thing(self.query):
            return False  # a whole place is to be seen
        self.present = self.eyes.present()
        self._read_present()
        self._changed()
        seen = any(p.place is not None for p in self.present.values())
        return seen and self.belief().confidence >= ENOUGH_NOW

    def _read_present(self) -> None:
        """Inspect frames of the present (free) where a state or attribute is asked and the thing is seen."""
        if not self.aspects or self.query.kind in ("where", "count"):
            return
        by_key = {s.key: s for s in (*self.subjects, *self.eyes.newcomers)}
        for key, present in self.present.items():
            done = self.read_now.setdefault(key, set())
            for ref in present.frames[:PRESENT_IMAGES]:
                frame = self.eyes.kept[ref]
                cell = look.view_cell(frame)
                if cell in done or len(done) >= PRESENT_IMAGES:
                    continue
                done.add(cell)
                detections = self.bench.detector.detect(frame, "inspect")
                read_image(self.readings, by_key[key], "now", frame, detections, None, present.xyz, self.aspects)

    def _inspect_all(self, images: list[Inspect], before: Belief) -> None:
        """One decision for all of them: the belief is asked before the first and after the last."""
        for i, image in enumerate(images):
            if image.ref not in self.opened:
                self._inspect(image, 0.0, None if i else before, ask=False)
            if not self.can_inspect:
                return
        self._changed()
        self.trace.add("recalled", after=self.belief())

    def _inspect(self, action: Inspect, value: float, before: Belief | None, ask: bool = True) -> None:
        ref = action.ref
        try:
            frame = self.bench.palace.load_frame(ref)
            self.opened[ref] = self.bench.detector.detect(frame, "inspect")
        except MissingSidecar as error:
            self._blind(str(error), before)
            return
        self.cost.images += 1
        sightings = self.bench.palace.sightings(ref=ref)
        for chain in self.worlds().chains:
            boxes = [s.box for s in sightings if s.track in chain.subject.tracks]
            read_stored(self.readings, chain, frame, self.opened[ref], boxes, (*self.aspects, LABEL))
        if ask:
            self._changed()
        self.trace.add("recall", value=value, cost=self.prices.image, before=before,
                       after=self.belief() if ask else None, image=str(ref), aspect=action.aspect)  # fmt: skip

    def _blind(self, reason: str, before: Belief | None) -> None:
        self.can_inspect = False
        self.trace.add("recall refused", before=before, reason=f"answering from the index alone: {reason}")

    # -- evidence -----------------------------------------------------------------------------------------------

    def evidence(self, belief: Belief, value: Value) -> tuple[FrameRef, ...]:
        """The frames that the answer rests on: the best one of each thing and time, opened ones first."""
        worlds, found = self.worlds(), []
        for i, t in belief.uses.get(value, ()):
            subject = worlds.chains[i].subject
            if t == worlds.present:
                frames = self.present.get(subject.key, Present()).frames
            else:
                state = subject.seen.get(worlds.slots[t].visit)
                frames = state.frames if state else ()
            opened = [f for f in frames if f in self.opened]
            found += list((opened or list(frames))[:1])
        return tuple(dict.fromkeys(found))




def as_forecast(query: Query) -> Query:
    """A plain question about a time to come is a prediction."""
    if query.when.kind != "future" or query.kind not in ("where", "state", "count", "exists"):
        return query
    aspect = {"where": "place", "count": "count", "exists": "exists"}.get(query.kind, query.aspect)
    return replace(query, kind="predict", aspect=aspect)
