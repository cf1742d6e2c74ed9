"""What a question maker may know of one house: the log, the recorded visits, what the camera saw, the present.

A *moment* is an index: 0 .. D−1 are the recorded visits, D is now. ``World`` answers in true labels and never
reaches an agent.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from embodied_mem.planner.query import ObjectRef, TimeRef
from embodied_mem.sim.house import Furniture, House, Thing
from embodied_mem.sim.log import Event, EventLog
from embodied_mem.tasks.la_eqa.present import PresentView
from embodied_mem.tasks.la_eqa.seen import Seen

PLACING = ("move", "appear", "remove")
Place = tuple[str, str]


@dataclass(frozen=True)
class Stop:
    """A recorded visit: its name and UTC seconds of its first and last frame."""

    id: str
    start: float
    end: float

    @property
    def date(self) -> dt.date:
        return dt.datetime.fromtimestamp(self.start, dt.timezone.utc).date()

    @property
    def part(self) -> str:
        return part_of(self.start)


def part_of(time: float) -> str:
    """"morning" before 14:00 UTC, "evening" from then on."""
    return "morning" if dt.datetime.fromtimestamp(time, dt.timezone.utc).hour < 14 else "evening"


@dataclass
class World:
    """Everything that an answer may be computed from.

    seed: the house; stops: recorded visits in order; now: question time (UTC s); starts: start poses (x, y, yaw).
    """

    seed: int
    log: EventLog
    stops: list[Stop]
    now: float
    seen: Seen
    present: PresentView
    starts: list[tuple[float, float, float]]
    _snapshots: dict[int, House] = field(default_factory=dict, repr=False)
    _things: dict[int, dict[int, Thing | Furniture]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.days = len(self.stops)
        self.house = self.log.initial
        self.rooms = {r.id: r.label for r in self.house.rooms}
        self.furniture = {f.id: f for f in self.house.furniture}
        start = self.stops[0].start
        self.entities: dict[int, Thing | Furniture] = dict(self.furniture)
        for thing in self.log.state_at(start).things:
            self.entities.setdefault(thing.id, thing)
        for event in self.log.events_between(start, self.now):
            if event.kind == "appear":
                house = self.log.state_at(event.time)
                self.entities.setdefault(event.thing, next(t for t in house.things if t.id == event.thing))

    # -- moments ------------------------------------------------------------------------------------------------

    @property
    def moments(self) -> range:
        """All recorded visits and now."""
        return range(self.days + 1)

    @property
    def today(self) -> dt.date:
        return dt.datetime.fromtimestamp(self.now, dt.timezone.utc).date()

    @property
    def visits(self) -> range:
        return range(self.days)

    def time(self, k: int) -> float:
        """Start of a visit, or now."""
        return self.now if k == self.days else self.stops[k].start

    def part(self, k: int) -> str:
        return part_of(self.time(k))

    def at(self, k: int) -> dict[int, Thing | Furniture]:
        """Everything in the house at a moment, things and furniture, by id."""
        if k not in self._things:
            self._things[k] = self.at_time(self.time(k))
        return self._things[k]

    def at_time(self, t: float) -> dict[int, Thing | Furniture]:
        house = self.log.state_at(t)
        return {e.id: e for e in (*house.furniture, *house.things)}

    def when(self, k: int) -> TimeRef:
        """A moment as the query algebra names it."""
        if k == self.days:
            return TimeRef("now")
        return TimeRef("visit", self.stops[k].date.isoformat(), self.stops[k].part)

    # -- things -------------------------------------------------------------------------------------------------

    def things(self, k: int) -> list[Thing]:
        return [e for e in self.at(k).values() if isinstance(e, Thing)]

    def place(self, k: int, thing: int) -> Place | None:
        """(surface, room) of a thing at a moment; None if it is not in the house."""
        return self.place_in(self.at(k), thing)

    def place_in(self, house: dict[int, Thing | Furniture], thing: int) -> Place | None:
        there = house.get(thing)
        return (there.surface, self.rooms[there.room]) if isinstance(there, Thing) else None

    def state(self, k: int, entity: int, name: str) -> str | None:
        there = self.at(k).get(entity)
        return there.states.get(name) if there else None

    def visible(self, k: int, entity: int) -> bool:
        """Counted as seen (≥ 60 pixels) in the visit, or seen so from a reachable pose now."""
        return self.present.counted(entity) if k == self.days else self.seen.counted(self.stops[k].id, entity)

    def evidence(self, k: int, *entities: int) -> list | dict:
        """One requirement: any frame of the moment that shows one of the entities."""
        if k == self.days:
            return {"visit": "now", "things": sorted(entities)}
        names = {name for e in entities for name in self.seen.frames(self.stops[k].id, e)}
        return sorted(names)

    def events(self, entity: int, k0: int = 0, k1: int | None = None, kinds: tuple = PLACING) -> list[Event]:
        """Events of one entity after moment ``k0`` and up to ``k1`` (default: now)."""
        found = self.log.events_between(self.time(k0), self.time(self.days if k1 is None else k1), thing=entity)
        return [e for e in found if e.kind in kinds]

    def clean(self, thing: int, k0: int = 0, k1: int | None = None) -> bool:
        """Whether the visits tell the whole story: each gap holds one event where the place changed, else none."""
        for k in range(k0, self.days if k1 is None else k1):
            changed = self.place(k, thing) != self.place(k + 1, thing)
            if len(self.events(thing, k, k + 1)) != int(changed):
                return False
        return True

    def state_clean(self, entity: int, name: str, k0: int = 0, k1: int | None = None) -> bool:
        """Likewise for one state of an entity."""
        for k in range(k0, self.days if k1 is None else k1):
            changed = self.state(k, entity, name) != self.state(k + 1, entity, name)
            if len([e for e in self.events(entity, k, k + 1, ("state",)) if name in e.after]) != int(changed):
                return False
        return True

    def moving(self, entity: int) -> bool:
        """Whether its place or state changes during the horizon (first visit to now)."""
        looks = [(self.place(k, entity), self._states(k, entity)) for k in self.moments]
        return any(look != looks[0] for look in looks)

    def _states(self, k: int, entity: int) -> dict | None:
        there = self.at(k).get(entity)
        return there.states if there else None

    def gap(self, k: int) -> float:
        """Seconds between visit ``k`` and the next moment."""
        return self.time(k + 1) - self.time(k)

    # -- naming -------------------------------------------------------------------------------------------------

    def refer(self, entity: int) -> ObjectRef | None:
        """How to name one entity: its label if unique in the house over all recorded time, else label and colour."""
        me = self.entities[entity]
        same = [e for e in self.entities.values() if e.label == me.label and e.id != entity]
        if not same:
            return ObjectRef(me.label, words=me.label)
        mine = colour_of(me)
        if not mine or any(colour_of(e) == mine for e in same):
            return None
        return ObjectRef(me.label, (("colour", mine),), words=f"{mine} {me.label}")

    def labels(self) -> set[str]:
        """Labels of everything that ever was in the house."""
        return {e.label for e in self.entities.values()}


def colour_of(entity: Thing | Furniture) -> str:
    """The colour of a thing or a piece of furniture, "" if it has none."""
    return entity.attributes.get("colour", "") if isinstance(entity, Thing) else entity.colour
