"""A second opinion on FindingDory items: the goals of all 60 templates, enumerated by plain loops over the log.

Written from the specification and the rules of ``docs/findingdory.md``, without the templates: it reads the events,
interactions and steps of an experience and nothing else; only the ways from the end pose are handed in. A goal is
(kind, id, surface). :class:`Undefined` where the rules say that the instruction should not exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from embodied_mem.ontology import THINGS

Goal = tuple[str, int, str]
FAR_TIE_M, TIME_TIE_S, ROOM_TIE = 0.5, 30.0, 1 / 20

# (first template, last template, category) and what it means for the group and the quantifier.
SECTIONS = (
    (1, 2, "Object Recall"), (3, 8, "Interaction"), (9, 15, "Conditional Interaction"), (16, 20, "Object Attributes"),
    (21, 25, "Spatial Relationship"), (26, 30, "Room Visitation"), (31, 46, "Interaction Order"),
    (47, 48, "Time-Based"), (49, 51, "Duration Tracking"), (52, 57, "Unordered Revisitation"),
    (58, 60, "Ordered Revisitation"),
)  # fmt: skip


class Undefined(Exception):
    """The rules leave this instruction out: nothing fits, all tie, or the named thing was never handled."""


def section(template: int) -> tuple[str, str, str]:
    """Category, group and quantifier of a template, as the specification lists them."""
    category = next(name for first, last, name in SECTIONS if first <= template <= last)
    if template <= 30:
        return category, "Single-Goal Spatial Tasks", "any"
    if template <= 51:
        return category, "Single-Goal Temporal Tasks", "any"
    return category, "Multi-Goal Tasks", "all" if template <= 57 else "ordered"


@dataclass
class World:
    """An experience replayed: every thing as it stands at the end, and who handled what in which order.

    object_m, piece_m: metres of way from the end pose to a thing, to a piece's nearest viewpoint (inf: none).
    """

    log: object
    object_m: Callable[[int], float]
    piece_m: Callable[[int], float]

    def __post_init__(self) -> None:
        self.carried = list(self.log.interactions)
        if len({i.thing for i in self.carried}) < len(self.carried):
            raise Undefined("a thing was carried twice")
        self.things = {t.id: t for t in self.log.events.initial.things}
        self.stands = {t.id: (t.furniture, t.surface) for t in self.things.values()}
        for event in self.log.events.events:
            if event.kind == "remove":
                self.stands.pop(event.thing)
            elif event.kind in ("appear", "move"):
                self.stands[event.thing] = event.after["furniture"], event.after["surface"]
        self.pieces = {f.id: f for f in self.log.events.initial.furniture if f.surfaces}
        self.rooms = list(self.log.events.initial.rooms)
        self.stays = Counter(self.room_at(x, y) for x, y, _ in self.log.steps.pose)

    def contradictions(self) -> list[str]:
        """Where the interactions tell another story than the events."""
        first = {t.id: (t.furniture, t.surface) for t in self.log.events.initial.things}
        last, wrong = dict(first), []
        for k, i in enumerate(self.carried):
            if i.index != k or i.start != first[i.thing] or list(i.times) != sorted(i.times):
                wrong.append(f"interaction {k} begins at {i.start}, {i.times}; the thing stood on {first[i.thing]}")
            if [float(self.log.steps.time[s]) for s in i.steps] != list(i.times):
                wrong.append(f"interaction {k}: times {i.times} are not those of frames {i.steps}")
            if (self.pieces[i.start[0]].room, self.pieces[i.goal[0]].room) != (i.start_room, i.goal_room):
                wrong.append(f"interaction {k}: rooms {i.start_room}, {i.goal_room} are not the furniture's")
            last[i.thing] = i.goal
        if last != self.stands:
            moved = {t: (last.get(t), self.stands.get(t)) for t in last if last.get(t) != self.stands.get(t)}
            wrong.append(f"at the end (interactions, events): {moved}")
        return wrong

    def room_at(self, x: float, y: float) -> int:
        """The room whose floor holds the position; 0 in a doorway."""
        for room in self.rooms:
            x0, y0, x1, y1 = room.rect
            if x0 <= x <= x1 and y0 <= y <= y1:
                return room.id
        return 0

    def label(self, thing: int) -> str:
        return self.things[thing].label

    def named(self, anchor: dict) -> int:
        """Index of the interaction with the ``occurrence``-th handled thing of a label."""
        seen = 0
        for k, i in enumerate(self.carried):
            if self.label(i.thing) == anchor["label"]:
                seen += 1
                if seen == anchor.get("occurrence", 1):
                    return k
        raise Undefined(f"{anchor} was not handled")

    def at(self, k: int):
        """The k-th interaction, counted from 0."""
        if not 0 <= k < len(self.carried):
            raise Undefined(f"there is no interaction {k} of {len(self.carried)}")
        return self.carried[k]


def expected(template: int, slots: dict, world: World) -> list[Goal]:
    """All goals of an instruction; in order of visit for 58 to 60, else in no promised order."""
    if template <= 2:
        found = _recall(template, slots, world)
    elif template <= 20:
        found = _things(template, slots, world) if template in THING_TEMPLATES else _pieces(template, slots, world)
    elif template <= 25:
        found = _farthest(template, world)
    elif template <= 30:
        found = _rooms(template, slots, world)
    elif template <= 46:
        found = _order(template, slots, world)
    elif template <= 51:
        found = _clock(template, slots, world)
    else:
        found = _many(template, slots, world)
    if not found:
        raise Undefined(f"nothing fits template {template} with {slots}")
    return found


THING_TEMPLATES = (5, 6, 9, 10, 15, 16, 17, 18, 19, 20)


def _recall(template: int, slots: dict, world: World) -> list[Goal]:
    if template == 1:
        return [("object", t.id, "") for t in world.things.values() if t.label == slots["label"]]
    return [("receptacle", f.id, "") for f in world.pieces.values() if f.label == slots["label"]]


def _things(template: int, slots: dict, world: World) -> list[Goal]:
    attributes = {16: "shape", 17: "colour", 18: "print", 19: "material"}
    moved = {i.thing: i for i in world.carried}
    found = []
    for t in world.things.values():
        fits = t.id in moved
        if template in (6, 10):
            fits = not fits
        if template in (9, 10):
            fits = fits and t.label == slots["label"]
        if template == 15:
            fits = fits and world.pieces[moved[t.id].start[0]].label == slots["source"]
        if template in attributes:
            fits = fits and t.attributes.get(attributes[template]) == slots["value"]
        if template == 18 and slots["value"] == "plain":
            raise Undefined("plain is no print")
        if template == 20:
            fits = fits and THINGS[t.label].function == slots["value"]
        if fits:
            found.append(("object", t.id, ""))
    return found


def _uses(template: int, world: World) -> Iterable[tuple[int, str, object]]:
    """(piece, surface, interaction) of every use a template is about: picked from, placed on, or either."""
    for i in world.carried:
        if template in (3, 4, 11, 21, 22, 57, 7, 12, 14, 23, 52, 55):
            yield *i.start, i
        if template in (3, 4, 11, 21, 22, 57, 8, 13, 24, 53, 54):
            yield *i.goal, i


def _pieces(template: int, slots: dict, world: World) -> list[Goal]:
    first: dict[int, str] = {}
    for piece, surface, i in _uses(template, world):
        if template == 14 and world.label(i.thing) != slots["label"]:
            continue
        first.setdefault(piece, surface)
    if template in (4, 11, 22):
        first = {f: "" for f in world.pieces if f not in first}
    if template in (11, 12, 13):
        first = {f: s for f, s in first.items() if world.pieces[f].label == slots["label"]}
    return [("receptacle", f, s) for f, s in first.items()]


def _farthest(template: int, world: World) -> list[Goal]:
    if template == 25:
        far = {("object", i.thing, ""): world.object_m(i.thing) for i in world.carried}
    else:
        far = {g: world.piece_m(g[1]) for g in _pieces(template, {}, world)}
    return _best({g: m for g, m in far.items() if m < float("inf")}, FAR_TIE_M)


def _best(values: dict[Goal, float], margin: float) -> list[Goal]:
    """Everything within the margin of the greatest value; Undefined where that leaves nothing out."""
    if not values:
        return []
    found = [g for g, v in values.items() if v >= max(values.values()) - margin]
    if len(found) == len(values) > 1:
        raise Undefined("all candidates tie")
    return found


def _rooms(template: int, slots: dict, world: World) -> list[Goal]:
    if template == 30:
        never = [r.id for r in world.rooms if not world.stays[r.id]]
        began = next(r for r in (world.room_at(x, y) for x, y, _ in world.log.steps.pose) if r)
        return [("room", r, "") for r in never or [began]]
    if template in (26, 27):
        chosen = [world.at(slots["ordinal"] - 1)]
    else:
        chosen = [i for i in world.carried if world.label(i.thing) == slots["label"]]
    pieces = [(i.start if template in (26, 28) else i.goal)[0] for i in chosen]
    return [("room", r, "") for r in dict.fromkeys(world.pieces[p].room for p in pieces)]


def _order(template: int, slots: dict, world: World) -> list[Goal]:
    shift = {36: 1, 37: -1, 38: 2, 39: -2, 40: 1, 41: -1, 42: 1, 43: -2, 44: 2, 45: 1, 46: 1}
    if template in (38, 39, 40, 43, 44, 45, 46) and len(world.carried) < 3:
        raise Undefined("two interactions are too few")
    if template <= 35:
        i = world.at(slots["ordinal"] - 1)
    else:
        x = world.named(slots["x"])
        if template in (40, 45, 46) and world.named(slots["y"]) != x + 2:
            raise Undefined("not exactly one interaction lies between")
        i = world.at(x + shift[template])
    if template in (31, 35, 36, 37, 38, 39, 40):
        return [("object", i.thing, "")]
    return [("receptacle", *(i.goal if template in (33, 41, 43, 45) else i.start))]


def _clock(template: int, slots: dict, world: World) -> list[Goal]:
    if template in (47, 48):
        return _at(template, clock_time(slots, world), world)
    if template == 50:
        stays = {("room", r.id, ""): float(world.stays[r.id]) for r in world.rooms}
        return _best(stays, ROOM_TIE * len(world.log.steps))
    sign = 1 if template == 49 else -1
    return _best({("object", i.thing, ""): sign * (i.times[3] - i.times[0]) for i in world.carried}, TIME_TIE_S)


def _at(template: int, now: float, world: World) -> list[Goal]:
    found: dict[int, Goal] = {}
    for i in world.carried:
        t1, t2, t3, t4 = i.times
        if template == 48 and t1 <= now <= t4:
            found[i.thing] = ("object", i.thing, "")
        if template == 47 and t1 <= now <= t2:
            found.setdefault(i.start[0], ("receptacle", *i.start))
        if template == 47 and t3 <= now <= t4:
            found.setdefault(i.goal[0], ("receptacle", *i.goal))
    return list(found.values())


def _many(template: int, slots: dict, world: World) -> list[Goal]:
    if template == 56:
        return [("object", i.thing, "") for i in world.carried]
    if template <= 57:
        uses = [(p, s) for p, s, _ in _uses(template, world)]
        if template in (54, 55):
            uses = [(p, s) for p, s in uses if world.pieces[p].label == slots["label"]]
        return [("receptacle", p, s) for p, s in dict.fromkeys(uses)]
    chosen = [world.at(n - 1) for n in slots["order"]]
    wanted = list(range(1, len(world.carried) + 1))
    if len(wanted) <= 11 and sorted(slots["order"]) != wanted or len(set(slots["order"])) < len(chosen):
        raise Undefined(f"{slots['order']} is no permutation of the interactions")
    if template == 60:
        return [("object", i.thing, "") for i in chosen]
    return [("receptacle", *(i.start if template == 58 else i.goal)) for i in chosen]


# -- checking an item --------------------------------------------------------------------------------------------------


def check(item, world: World) -> list[str]:
    """Everything that is wrong with an item, one line each: its goals, quantifier, category, group, clock time."""
    wrong = []
    category, group, quantifier = section(item.template)
    for name, want in (("category", category), ("group", group), ("quantifier", quantifier)):
        if getattr(item, name) != want:
            wrong.append(f"{name} is {getattr(item, name)!r}, not {want!r}")
    stated = [(g.kind, g.id, g.surface) for g in item.goals]
    try:
        found = expected(item.template, item.slots, world)
    except Undefined as error:
        return [*wrong, f"should not exist: {error}"]
    if (stated if quantifier == "ordered" else sorted(stated)) != (found if quantifier == "ordered" else sorted(found)):
        wrong.append(f"goals are {stated}, the log says {found}")
    if item.template in (47, 48):
        clear = [m for m in minutes(world) if is_clear(m, item.template, world)]
        if clear and clock_time(item.slots, world) not in clear:
            wrong.append(f"{item.slots} is not clear-cut, though {len(clear)} minutes are")
    return wrong


def all_slots(template: int, world: World) -> Iterable[dict]:
    """Every way to fill a template's slots that could make sense."""
    labels = sorted({t.label for t in world.things.values()} | {f.label for f in world.pieces.values()})
    count = len(world.carried)
    if template in (1, 2, 9, 10, 11, 12, 13, 14, 28, 29, 54, 55):
        yield from ({"label": label} for label in labels)
    elif template == 15:
        yield from ({"source": label} for label in labels)
    elif template in (16, 17, 18, 19, 20):
        values = {v for t in world.things.values() for v in (*t.attributes.values(), THINGS[t.label].function)}
        yield from ({"value": v} for v in sorted(values - {"plain"} if template == 18 else values))
    elif template in (26, 27, 31, 32, 33, 34, 35):
        yield from ({"ordinal": n} for n in range(1, count + 1))
    elif 36 <= template <= 46:
        names = [{"label": label, "occurrence": n} for label in labels for n in range(1, count + 1)]
        yield from ({"x": x, "y": y} for x in names for y in (names if template in (40, 45, 46) else [None]))
    elif template in (47, 48):
        yield from ({"day": int(m // 86400 - _first_day(world)) + 1, "seconds": m % 86400} for m in minutes(world))
    elif template >= 58:
        yield {"order": list(range(1, count + 1))}
    else:
        yield {}


def may_exist(template: int, world: World) -> bool:
    """Whether some filling of a template's slots makes an instruction that the rules allow."""
    for slots in all_slots(template, world):
        try:
            return bool(expected(template, slots, world))
        except Undefined:
            continue
    return False


def _first_day(world: World) -> int:
    return int(world.log.steps.time[0] // 86400)


def minutes(world: World) -> list[float]:
    """Every whole minute of the experience, UTC s."""
    first, last = float(world.log.steps.time[0]), float(world.log.steps.time[-1])
    return [60.0 * m for m in range(int(first // 60), int(last // 60) + 2)]


def clock_time(slots: dict, world: World) -> float:
    """The instant that a time question names, UTC s."""
    return (_first_day(world) + (slots["day"] or 1) - 1) * 86400.0 + slots["seconds"]


def is_clear(minute: float, template: int, world: World) -> bool:
    """30 s to spare inside an interval of one entity, and none of another within 30 s."""
    inside, near = set(), set()
    for i in world.carried:
        t1, t2, t3, t4 = i.times
        spans = [(i.thing, t1, t4)] if template == 48 else [(i.start[0], t1, t2), (i.goal[0], t3, t4)]
        for entity, low, high in spans:
            if low + 30 <= minute <= high - 30:
                inside.add(entity)
            if low <= minute + 30 and minute - 30 <= high:
                near.add(entity)
    return len(inside) == 1 and near == inside
