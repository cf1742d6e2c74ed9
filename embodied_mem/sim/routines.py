"""What the mechanisms of a life share: the draft they write into, things' owners, residents, patterns.

A mechanism is a function ``(draft) -> None`` that claims things, reserves spots and schedules acts. Acts run
in time order afterwards; each looks at the house as it then is and emits events.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from embodied_mem.ontology import THINGS
from embodied_mem.sim.catalog import thing_size
from embodied_mem.sim.house import Furniture, House, Thing
from embodied_mem.sim.log import Event, apply, description, placement
from embodied_mem.sim.routines_space import Box, Place, box_of, free_spot, places_of, thing_box
from embodied_mem.sim.schedule import DAY, WINDOWS, day_zero, rng_of
from embodied_mem.sim.stock import SAME_LABEL, first_states, looks

NAMES = ("Ada", "Ben", "Clara", "David", "Emma", "Finn", "Grace", "Hugo", "Iris", "Jonas", "Lena", "Milo")
Act = Callable[[float], None]
Twin = tuple[str, str]


@dataclass(frozen=True)
class Pattern:
    """A regularity that holds for a whole life; for scorers, who look for questions about the future.

    kind      params
    routine   ``morning``, ``evening``: placement at the patrols of that part of day
    state     ``name``, ``morning``, ``evening``: value of that state
    weekly    ``weekdays`` (Monday 0), ``on``, ``off``: placement at the patrols of those days and of others
    rotation  ``places``: placement on day d is ``places[d % len(places)]``
    trend     ``room``, ``furniture``, ``surface``, ``step`` (+1/−1), ``every`` (days between steps), ``last_day``:
              the number of ``label`` on that surface; ``thing`` is 0

    ``thing`` is the id of the thing or furniture. Placements repeat exactly.
    """

    thing: int
    label: str
    kind: str
    who: str
    params: dict = field(default_factory=dict)


def twin_key(thing: Thing) -> Twin:
    """Label and colour: two things that share both cannot be told apart."""
    return thing.label, thing.attributes.get("colour", "")


class Draft:
    """A life in the making: the house as it is, who owns which thing, what is to happen when.

    days   days that the log covers, the future after the question included
    """

    def __init__(self, house: House, seed: int, days: int):
        self.seed, self.days, self.house = seed, days, house
        self.start = day_zero(seed)
        self.places = places_of(house)
        rng = rng_of(seed, "residents")
        self.residents = tuple(str(n) for n in rng.choice(NAMES, size=int(rng.integers(2, 5)), replace=False))
        self.patterns: list[Pattern] = []
        self.events: list[Event] = []
        self.owned: set[int] = set()
        self.trend_labels: set[str] = set()
        self.reserved: list[tuple[int, str, int, Box]] = []  # (owner, its label, room, box): kept for its return
        self.touched: dict[Twin, float] = {}  # when a thing of this look was last moved by chance
        self.lent: list[Thing] = []  # gone, and may come back
        self._queue: list[tuple[float, int, Act]] = []
        self._order = 0
        self._next_id = max((t.id for t in house.things), default=999) + 1

    # Asking

    def rng(self, *names: object) -> np.random.Generator:
        return rng_of(self.seed, "life", *names)

    def thing(self, thing_id: int) -> Thing | None:
        return next((t for t in self.house.things if t.id == thing_id), None)

    def owner_of_state(self, owner_id: int) -> Thing | Furniture | None:
        """The thing or piece of furniture with this id, if it is in the house."""
        return next((o for o in (*self.house.things, *self.house.furniture) if o.id == owner_id), None)

    def resident(self, rng: np.random.Generator) -> str:
        return self.residents[int(rng.integers(len(self.residents)))]

    def at(self, day: int, window: str, rng: np.random.Generator) -> float:
        """A whole second of ``day`` inside one of the residents' windows."""
        low, high = WINDOWS[window]
        return self.start + day * DAY + float(rng.integers(int(low), int(high)))

    def places_for(self, label: str) -> list[Place]:
        """The surfaces on which things of this label belong."""
        return [p for p in self.places if p.owner in THINGS[label].surfaces]

    def taken(self, room: int, thing: Thing) -> list[Box]:
        """Boxes in a room that are occupied, or reserved for others than ``thing``.

        Things of its label claim more: their centres stay ``SAME_LABEL`` metres from each other's.
        """
        stand = [(thing_box(t), t.label) for t in self.house.things if t.room == room and t.id != thing.id]
        kept = [(box, label) for owner, label, r, box in self.reserved if owner != thing.id and r == room]
        reach = SAME_LABEL - min(thing.size[:2]) / 2
        return [_grown(box, reach) if label == thing.label else box for box, label in stand + kept]

    def spot(self, place: Place, thing: Thing, rng: np.random.Generator) -> dict | None:
        """A free placement for ``thing`` on ``place``, or None."""
        return free_spot(place, thing.size, self.taken(place.room, thing), rng)

    def spot_in(self, places: list[Place], thing: Thing, rng: np.random.Generator) -> dict | None:
        """A free placement on the first of the shuffled ``places`` that has one; rooms get equal chances."""
        by_room: dict[int, list[Place]] = {}
        for p in places:
            by_room.setdefault(p.room, []).append(p)
        rooms = sorted(by_room)
        for room in (rooms[i] for i in rng.permutation(len(rooms))):
            for i in rng.permutation(len(by_room[room])):
                if (at := self.spot(by_room[room][i], thing, rng)) is not None:
                    return at
        return None

    def free_things(self) -> list[Thing]:
        """Things that no pattern owns, has a twin of, or counts."""
        looks = {twin_key(t) for t in self.house.things if t.id in self.owned}
        return [
            t for t in self.house.things
            if t.id not in self.owned and twin_key(t) not in looks and t.label not in self.trend_labels
        ]  # fmt: skip

    def is_alone(self, thing: Thing, since: float = float("-inf")) -> bool:
        """Whether nothing in the house looks like ``thing`` and chance touched nothing like it after ``since``."""
        key = twin_key(thing)
        return self.touched.get(key, float("-inf")) <= since and all(twin_key(t) != key for t in self.house.things)

    # Planning

    def reserve(self, thing: Thing, at: dict) -> None:
        """Keep a placement free for ``thing`` for good."""
        self.reserved.append((thing.id, thing.label, at["room"], box_of(thing.size, at)))

    def release(self, thing_id: int) -> None:
        """Give up all that is reserved for a thing."""
        self.reserved = [r for r in self.reserved if r[0] != thing_id]

    def schedule(self, time: float, act: Act) -> None:
        """Have ``act(time)`` called when its time comes; acts after the last day are dropped."""
        if time < self.start + self.days * DAY:
            heapq.heappush(self._queue, (time, self._order, act))
            self._order += 1  # simultaneous acts happen in the order they were scheduled in

    def run(self) -> None:
        """Let everything scheduled happen, in time order."""
        while self._queue:
            time, _, act = heapq.heappop(self._queue)
            act(time)

    # Doing

    def move(self, time: float, thing_id: int, to: dict, cause: str, who: str) -> None:
        """Move a thing to a reserved or free placement; nothing happens where it already stands there."""
        thing = self.thing(thing_id)
        if thing is None or placement(thing) == to:
            return
        self._emit(Event(time, "move", thing.id, thing.label, placement(thing), dict(to), cause, who))

    def appear(self, time: float, thing: Thing, cause: str, who: str) -> None:
        self._emit(Event(time, "appear", thing.id, thing.label, {}, description(thing), cause, who))

    def remove(self, time: float, thing: Thing, cause: str, who: str) -> None:
        self._emit(Event(time, "remove", thing.id, thing.label, description(thing), {}, cause, who))

    def set_state(self, time: float, owner_id: int, name: str, value: str, cause: str, who: str) -> None:
        owner = self.owner_of_state(owner_id)
        if owner is not None and owner.states[name] != value:
            before = {name: owner.states[name]}
            self._emit(Event(time, "state", owner_id, owner.label, before, {name: value}, cause, who))

    def _emit(self, event: Event) -> None:
        self.house = apply(self.house, event)
        self.events.append(event)

    def new_thing(self, label: str, rng: np.random.Generator) -> Thing:
        """A thing of ``label`` with a new id and, while there is one, a colour of its own; not placed yet."""
        kind = THINGS[label]
        colours = [t.attributes["colour"] for t in (*self.house.things, *self.lent) if t.label == label]
        nowhere = {"x": 0.0, "y": 0.0, "z": 0.0, "yaw": 0.0, "room": 0, "furniture": 0, "surface": "floor"}
        thing = Thing(
            self._next_id, label, looks(kind, colours, rng), thing_size(label, rng),
            **nowhere, states=first_states(kind, rng),
        )  # fmt: skip
        self._next_id += 1
        return thing


def placed(thing: Thing, at: dict) -> Thing:
    """``thing`` standing at a placement."""
    return replace(thing, **at)


def _grown(box: Box, reach: float) -> Box:
    """``box`` widened until its sides are at least ``reach`` from its centre."""
    gx, gy = (max(0.0, reach - (box[k + 3] - box[k]) / 2) for k in (0, 1))
    return box[0] - gx, box[1] - gy, box[2], box[3] + gx, box[4] + gy, box[5]
