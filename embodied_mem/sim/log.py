"""The event log: every change of a house with its time. It is the ground truth that scorers read.

A log is an initial :class:`House` and events sorted by time; the house at any moment is the replay of
the events up to and including that moment. Times are UTC seconds, positions world metres, yaw radians.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from embodied_mem.errors import InputError
from embodied_mem.sim.house import Door, Furniture, House, Room, Surface, Thing

VERSION = 1
KINDS = ("move", "appear", "remove", "state")
PLACEMENT = ("room", "furniture", "surface", "x", "y", "z", "yaw")


@dataclass(frozen=True)
class Event:
    """One change of one thing, or of the states of one piece of furniture.

    kind    "move": ``before`` and ``after`` are placements (room, furniture, surface, x, y, z, yaw);
            "appear": ``after`` describes the whole thing (placement, label, attributes, size, states);
            "remove": ``before`` does;
            "state": both map the names of the changed states to values.
    thing   the id of the thing, or of the furniture whose state changed
    cause   the mechanism (``"routine"``, ``"one_off"``, ``"robot"`` ...); ``who``: a resident's name or "robot"
    """

    time: float
    kind: str
    thing: int
    label: str
    before: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)
    cause: str = ""
    who: str = ""


def placement(thing: Thing) -> dict:
    """Where a thing is, as ``move`` events keep it."""
    return {name: getattr(thing, name) for name in PLACEMENT}


def description(thing: Thing) -> dict:
    """The whole thing without its id, as ``appear`` and ``remove`` events keep it (plain JSON types)."""
    raw = asdict(thing)
    del raw["id"]
    raw["size"] = list(thing.size)
    return raw


def thing_of(thing_id: int, raw: dict) -> Thing:
    """The inverse of :func:`description`."""
    return Thing(
        id=thing_id,
        **{**raw, "size": tuple(raw["size"]), "attributes": dict(raw["attributes"]), "states": dict(raw["states"])},
    )


def apply(house: House, event: Event) -> House:
    """The house after ``event``.

    An event on a thing that is not there changes nothing: the robot may have taken away what a resident
    would have moved later.
    """
    if event.kind == "appear":
        if any(t.id == event.thing for t in house.things):
            raise InputError(f"thing {event.thing} appears at {event.time} but is already there; remove it first")
        return replace(house, things=(*house.things, thing_of(event.thing, event.after)))
    if event.kind == "remove":
        return replace(house, things=tuple(t for t in house.things if t.id != event.thing))
    if event.kind == "move":
        return replace(
            house, things=tuple(replace(t, **event.after) if t.id == event.thing else t for t in house.things)
        )
    return replace(house, things=_with_state(house.things, event), furniture=_with_state(house.furniture, event))


def _with_state(owners: tuple, event: Event) -> tuple:
    return tuple(replace(o, states={**o.states, **event.after}) if o.id == event.thing else o for o in owners)


class EventLog:
    """An initial house and its events in time order; ``state_at`` is a lookup after the first replay.

    Raises :class:`InputError` for an unknown kind of event or a thing that appears twice.
    """

    def __init__(self, initial: House, events: Iterable[Event] = ()):
        self.initial = initial
        self._events = sorted(events, key=lambda e: e.time)  # stable: simultaneous events keep their order
        for event in self._events:
            _check(event)
        self._times = [e.time for e in self._events]
        self._states = [initial]  # _states[i]: the house after the first i events, filled as asked for

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(self._events)

    def state_at(self, t: float) -> House:
        """The house at ``t``, events at exactly ``t`` included."""
        count = bisect_right(self._times, t)
        while len(self._states) <= count:
            self._states.append(apply(self._states[-1], self._events[len(self._states) - 1]))
        return self._states[count]

    def events_between(self, t0: float, t1: float, thing: int | None = None) -> list[Event]:
        """Events with ``t0 < time <= t1``: what turns ``state_at(t0)`` into ``state_at(t1)``."""
        found = self._events[bisect_right(self._times, t0) : bisect_right(self._times, t1)]
        return [e for e in found if thing is None or e.thing == thing]

    def next_after(self, t: float) -> float | None:
        """The time of the first event after ``t``, or None."""
        i = bisect_right(self._times, t)
        return self._times[i] if i < len(self._times) else None

    def append(self, event: Event) -> None:
        """Add an event at its time (a robot's pick or place), after those of the same time."""
        _check(event)
        i = bisect_right(self._times, event.time)
        self._events.insert(i, event)
        self._times.insert(i, event.time)
        del self._states[i + 1 :]

    def copy(self) -> EventLog:
        """An independent log: a robot's doings in the copy leave this one alone."""
        return EventLog(self.initial, self._events)

    def to_json(self) -> dict:
        """Plain JSON types only; :meth:`from_json` is the exact inverse."""
        return {
            "version": VERSION,
            "house": house_to_json(self.initial),
            "events": [asdict(e) for e in self._events],
        }

    @classmethod
    def from_json(cls, raw: dict) -> EventLog:
        """Raises :class:`InputError` where the version is another one or fields are missing."""
        if raw.get("version") != VERSION:
            raise InputError(f"event log version {raw.get('version')!r}, this program reads {VERSION}; make it anew")
        try:
            return cls(house_from_json(raw["house"]), [Event(**e) for e in raw["events"]])
        except (KeyError, TypeError) as error:
            raise InputError(f"the event log is damaged ({error}); make it anew") from error


def _check(event: Event) -> None:
    if event.kind not in KINDS:
        raise InputError(f"event kind {event.kind!r} is none of {', '.join(KINDS)}")


def house_to_json(house: House) -> dict:
    """A house as plain JSON types."""
    return _listed(asdict(house))


def house_from_json(raw: dict) -> House:
    """The inverse of :func:`house_to_json`."""
    return House(
        seed=raw["seed"],
        rooms=tuple(Room(r["id"], r["label"], tuple(r["rect"])) for r in raw["rooms"]),
        doors=tuple(Door(tuple(d["rooms"]), tuple(d["rect"])) for d in raw["doors"]),
        furniture=tuple(_furniture(f) for f in raw["furniture"]),
        things=tuple(thing_of(t["id"], {k: v for k, v in t.items() if k != "id"}) for t in raw["things"]),
        wall_height=raw["wall_height"],
    )


def _furniture(raw: dict) -> Furniture:
    surfaces = tuple(Surface(**{**s, "rect": tuple(s["rect"])}) for s in raw["surfaces"])
    return Furniture(**{**raw, "size": tuple(raw["size"]), "surfaces": surfaces, "states": dict(raw["states"])})


def _listed(value):
    if isinstance(value, dict):
        return {k: _listed(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [_listed(v) for v in value]
    return value
