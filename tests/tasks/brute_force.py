"""A second opinion on LA-EQA items: the answer recomputed naively, from plain JSON, by replaying event after event.

It shares no code with the item generator, on purpose: nothing of ``embodied_mem`` is imported. Inputs: the item as a
JSON dict, the event log as JSON (``{"house": ..., "events": [...]}``), the visits ``[(id, start, end)]`` in UTC
seconds, in order, and the pixel table ``{visit: {frame index: {instance id: pixels}}}`` of what the camera saw.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

SHOWN, ASKABLE = 30, 60  # pixels: a frame is evidence of a thing from 30 on; questions may ask about it from 60 on
SLOT_HOURS = {"morning": 9, "evening": 19}
ABSTAIN = {"type": "abstain", "data": None}


class Ambiguous(Exception):
    """The log gives more than one answer, or none that the definitions know: the item should not exist."""


@dataclass(frozen=True)
class Verdict:
    """Whether the item agrees with the log, what the log says, and why (one line a disagreement)."""

    agrees: bool
    answer: dict
    why: str = ""


@dataclass(frozen=True)
class Case:
    """What is known beside the item. ``visits``: (id, start, end); ``pixels``: visit → frame → instance → pixels."""

    log: dict
    visits: list
    pixels: dict
    reachable: frozenset | None = None  # ids that some pose of the present sees with 60 pixels; None: not known
    _worlds: dict = field(default_factory=dict)

    def world(self, t: float) -> dict[int, dict]:
        """Instance id → label, attributes, place (surface, room) and states at ``t``: a replay from the start."""
        if t not in self._worlds:
            self._worlds[t] = self._replay(t)
        return self._worlds[t]

    def _replay(self, t: float) -> dict[int, dict]:
        rooms = {r["id"]: r["label"] for r in self.log["house"]["rooms"]}
        things = {t["id"]: {**t, "states": dict(t["states"])} for t in self.log["house"]["things"]}
        fixed = {f["id"]: {**f, "states": dict(f["states"])} for f in self.log["house"]["furniture"]}
        for event in self.log["events"]:
            if event["time"] > t:
                continue
            at, kind = event["thing"], event["kind"]
            if kind == "appear":
                things[at] = {**event["after"], "states": dict(event["after"]["states"])}
            elif kind == "remove":
                things.pop(at, None)
            elif kind == "move" and at in things:
                things[at] = {**things[at], **event["after"]}
            elif kind == "state":
                for owners in (things, fixed):
                    if at in owners:
                        owners[at] = {**owners[at], "states": {**owners[at]["states"], **event["after"]}}
        found = {i: _record(t, t["surface"], rooms, t["attributes"]) for i, t in things.items()}
        for i, f in fixed.items():
            found[i] = _record(f, "floor", rooms, {"colour": f["colour"], "material": f["material"]})
        return found

    def shows(self, visit: str, ids, least: int = SHOWN) -> list[str]:
        """Names of the frames of a visit in which one of ``ids`` has at least ``least`` pixels."""
        frames = self.pixels.get(visit, {})
        return [f"{visit}/{int(k):06d}" for k in sorted(frames, key=int)
                if any(_pixels(frames[k], i) >= least for i in ids)]


def _pixels(frame: dict, i: int) -> int:
    return frame.get(i, frame.get(str(i), 0))


def _record(raw: dict, surface: str, rooms: dict, attributes: dict) -> dict:
    place = (surface, rooms[raw["room"]])
    return {"label": raw["label"], "attributes": attributes, "place": place, "states": raw["states"]}


# --- which things, which moments ------------------------------------------------------------------------------------


def matching(world: dict, query: dict) -> set[int]:
    """Ids of what the target names by label and attributes."""
    target = query.get("target") or {}
    wanted = dict(map(tuple, target.get("attributes", ())))
    return {
        i for i, r in world.items()
        if r["label"] == target.get("label") and all(r["attributes"].get(k) == v for k, v in wanted.items())
    }


def in_scope(record: dict, query: dict) -> bool:
    """Whether something stands in the room and on the surface that the query names (unnamed: anywhere)."""
    surface, room = record["place"]
    return query.get("surface", "") in ("", surface) and query.get("room", "") in ("", room)


def scoped(world: dict, query: dict) -> set[int]:
    return {i for i in matching(world, query) if in_scope(world[i], query)}


def _day(t: float) -> date:
    return datetime.fromtimestamp(t, timezone.utc).date()


def _part(t: float) -> str:
    return "morning" if datetime.fromtimestamp(t, timezone.utc).hour < 14 else "evening"


def resolve(ref: dict, case: Case, now: float) -> list[tuple[str, float]]:
    """The (visit id, moment) pairs that a TimeRef names; "now" is the visit of the present. Empty: no such visit."""
    kind, day, part = ref.get("kind", "now"), ref.get("date", ""), ref.get("part", "")
    if kind == "now":
        return [("now", now)]
    if kind == "future":
        return [("future", _future(day, part, case, now))]
    visits = [(name, start) for name, start, _ in case.visits]
    if kind in ("first", "last"):
        return visits[:1] if kind == "first" else visits[-1:]
    if kind == "unknown":
        return []
    return [v for v in visits if (not day or _day(v[1]).isoformat() == day) and (not part or _part(v[1]) == part)]


def _future(day: str, part: str, case: Case, now: float) -> float:
    """The patrol slot meant: days alternate between morning and evening, so a date alone is enough."""
    if not day:
        day = (_day(now) + timedelta(days=1)).isoformat()
    if not part:
        start = case.visits[0][1]
        other = "evening" if _part(start) == "morning" else "morning"
        part = other if (date.fromisoformat(day) - _day(start)).days % 2 else _part(start)
    midnight = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
    return (midnight + timedelta(hours=SLOT_HOURS[part])).timestamp()


def one(moments: list, what: str) -> tuple[str, float]:
    if len(moments) != 1:
        raise Ambiguous(f"{what} names {len(moments)} visits")
    return moments[0]


# --- the answers ------------------------------------------------------------------------------------------------------


def answer(query: dict, case: Case, now: float) -> dict:
    """The Value (JSON) that the log gives. Raises Ambiguous where it gives none or several."""
    return _KINDS[query["kind"]](query, case, now)


def _unique(values, what: str):
    values = set(values)
    if len(values) != 1:
        raise Ambiguous(f"{what}: {sorted(map(str, values)) or 'nothing'}")
    return values.pop()


def _place(data) -> dict:
    return {"type": "place", "data": list(data)}


def _at(query: dict, case: Case, now: float, key: str = "when") -> dict:
    return case.world(one(resolve(query.get(key) or {}, case, now), key)[1])


def _where(query, case, now):
    world = _at(query, case, now)
    return _place(_unique((world[i]["place"] for i in scoped(world, query)), "places of the target"))


def _exists(query, case, now):
    ref = query.get("when") or {}
    moments = resolve(ref, case, now) + ([("now", now)] if ref.get("kind") == "ever" else [])
    if not moments:
        raise Ambiguous("no visit at that time")
    return {"type": "bool", "data": any(scoped(case.world(t), query) for _, t in moments)}


def _count(query, case, now):
    if query.get("aspect") == "visits":
        moments = resolve(query.get("when") or {"kind": "ever"}, case, now)
        return {"type": "count", "data": sum(bool(scoped(case.world(t), query)) for _, t in moments)}
    world = _at(query, case, now)
    return {"type": "count", "data": len(scoped(world, query))}


def _compare(query, case, now):
    before, after = _at(query, case, now), _at(query, case, now, "until")
    if query["aspect"] == "count":
        gain = len(scoped(after, query)) - len(scoped(before, query))
        return {"type": "label", "data": "more" if gain > 0 else "fewer" if gain < 0 else "same"}
    read = (lambda r: r["place"]) if query["aspect"] == "place" else (lambda r: sorted(r["states"].items()))
    ids = scoped(before, query) if query["aspect"] == "place" else matching(before, query)
    lost = "gone" if query["aspect"] == "place" else None
    then = Counter(str(read(before[i])) for i in ids)
    now_ = Counter(str(read(after[i])) if i in after else lost for i in ids)
    if not ids or (lost is None and not ids <= after.keys()):
        raise Ambiguous("the target is not there at both times")
    return {"type": "bool", "data": then == now_}


def _changes(query, case, now):
    scope = {**query, "target": None}
    before, after = _at(query, case, now), _at(query, case, now, "until")
    if query.get("target"):
        old, new = scoped(before, query), scoped(after, query)
    else:
        old = {i for i, r in before.items() if i >= 1000 and in_scope(r, scope)}
        new = {i for i, r in after.items() if i >= 1000 and in_scope(r, scope)}
    # Two of one label and colour are interchangeable: one for the other is no change.
    old_kinds, new_kinds = (Counter(_looks(w[i]) for i in ids) for w, ids in ((before, old), (after, new)))
    came, left = new_kinds - old_kinds, old_kinds - new_kinds
    return {"type": "set", "data": sorted({f"+{k[0]}" for k in came} | {f"-{k[0]}" for k in left})}


def _looks(record: dict) -> tuple:
    return record["label"], record["attributes"].get("colour", "")


def _routine(query, case, now):
    part = (query.get("when") or {}).get("part", "")
    places = Counter()
    for _, t in resolve({"kind": "ever", "part": part}, case, now):
        world = case.world(t)
        places.update({world[i]["place"] for i in matching(world, query)})
    ranked = places.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        raise Ambiguous(f"no single usual place: {ranked}")
    return _place(ranked[0][0])


def _attribute(query, case, now):
    moments = resolve(query.get("when") or {}, case, now)
    seen = [w[i]["attributes"].get(query["aspect"]) for w in (case.world(t) for _, t in moments)
            for i in scoped(w, query)]
    return {"type": "label", "data": _unique(seen, f"{query['aspect']} of the target")}


def _state(query, case, now):
    world = _at(query, case, now)
    seen = [world[i]["states"].get(query["aspect"]) for i in scoped(world, query)]
    return {"type": "label", "data": _unique(seen, f"{query['aspect']} of the target")}


def _predict(query, case, now):
    # ``case.log`` must reach over the named time: the prediction is judged by what then happens.
    aspect = query["aspect"]
    world = _at(query, case, now)
    ids = scoped(world, query)
    if aspect == "place":
        return _place(_unique((world[i]["place"] for i in ids), "places of the target"))
    if aspect == "count":
        return {"type": "count", "data": len(ids)}
    if aspect == "exists":
        return {"type": "bool", "data": bool(ids)}
    seen = [world[i]["states"].get(aspect) for i in ids]
    return {"type": "label", "data": _unique(seen, f"{aspect} of the target")}


# --- when and how long: every event is walked, the world before and after it compared ---------------------------------


def _holds(query: dict):
    """What must become true (or end being true) for the aspect asked about, as a test on a world."""
    aspect, value = query["aspect"], query.get("value", "")
    if aspect == "state":
        return lambda w: any(value in w[i]["states"].values() for i in scoped(w, query))
    if aspect in ("arrived", "place"):
        return lambda w: bool(scoped(w, query))
    return lambda w: bool(matching(w, query))


def _switches(case: Case, test, until: float) -> list[tuple[float, bool]]:
    """(time, now true?) of every event that turned the test over, up to ``until``."""
    turns, last = [], test(case.world(float("-inf")))
    for t in sorted({e["time"] for e in case.log["events"] if e["time"] <= until}):
        now = test(case.world(t))
        if now != last:
            turns.append((t, now))
        last = now
    return turns


def _when(query, case, now):
    aspect = query["aspect"]
    ids = {i for t in _all_moments(case, now) for i in matching(case.world(t), query)}
    if aspect in ("first_seen", "last_seen"):
        seen = [start for name, start, _ in case.visits if case.shows(name, ids)]
        if not seen:
            raise Ambiguous("never seen")
        return {"type": "time", "data": seen[0] if aspect == "first_seen" else seen[-1]}
    if aspect == "moved":
        times = _place_changes(query, case, now)
    else:
        want = aspect != "removed"
        times = [t for t, on in _switches(case, _holds(query), now) if on is want]
    times = [t for t in times if t > case.visits[0][1]]  # the camera knows nothing of what was before its first visit
    return {"type": "time", "data": _unique(times, f"times at which it {aspect} since the first visit")}


def _place_changes(query, case, now) -> list[float]:
    turns, last = [], None
    for t in [float("-inf"), *sorted({e["time"] for e in case.log["events"] if e["time"] <= now})]:
        world = case.world(t)
        places = sorted(world[i]["place"] for i in matching(world, query))
        if last is not None and places and places != last:
            turns.append(t)
        last = places or last
    return turns


def _all_moments(case: Case, now: float) -> list[float]:
    return [start for _, start, _ in case.visits] + [now]


def _how_long(query, case, now):
    world = case.world(now)
    if query["aspect"] == "place" and not (query.get("room") or query.get("surface")):
        surface, room = _unique((world[i]["place"] for i in matching(world, query)), "places of the target now")
        query = {**query, "surface": surface, "room": room}
    turns = _switches(case, _holds(query), now)
    starts = [t for t, on in turns if on]
    ends = [t for t, on in turns if not on and (not starts or t > case.visits[0][1])]
    if not starts:
        raise Ambiguous("it has been so since before the log began, or never was")
    if turns[-1][1]:
        return {"type": "duration", "data": now - starts[-1]}  # it is so now: asked is the present stay
    if len(ends) != 1:
        raise Ambiguous(f"{len(ends)} stays ended since the first visit")
    return {"type": "duration", "data": ends[0] - max(t for t in starts if t < ends[0])}


_KINDS = {
    "where": _where, "when": _when, "exists": _exists, "count": _count, "compare": _compare, "changes": _changes,
    "routine": _routine, "how_long": _how_long, "predict": _predict, "attribute": _attribute, "state": _state,
}
