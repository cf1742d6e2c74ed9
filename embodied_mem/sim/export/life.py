"""The life of an exported house as object moves with UTC times, replayed beside a scene in Habitat's frame.

The file is JSON: ``objects`` (name → id, label, kind, attributes), ``initial`` (name → placement) and ``events`` in
time order, each with the placement of one object after it, or null where it is gone. Positions are metres with Y up,
rotations quaternions w x y z. Nothing here needs more than the standard library: it runs where Habitat runs.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from pathlib import Path
from typing import Any, NamedTuple

from embodied_mem.errors import InputError

FORMAT, VERSION = "embodied-mem life", 1
_LIMIT = 64 << 20  # bytes; a year of a house's life takes less


class Placed(NamedTuple):
    """Where an object stands and what it looks like.

    template: the object's template in the scene dataset; translation: x, y, z in metres, Y up; rotation: w, x, y, z;
    states: ``{"power": "on"}`` and the like, as the house knows them.
    """

    template: str
    translation: tuple[float, float, float]
    rotation: tuple[float, float, float, float]
    states: dict[str, str]


class SceneLife:
    """What happens in an exported house.

    scene      name of the scene instance
    start      UTC seconds of the initial state, which is what the scene instance file holds
    visits     (id, start) of every patrol; ``question_time``: when questions are asked
    objects    name → ``{"id", "label", "kind", "attributes"}`` of all that is ever there
    times      UTC seconds of the events
    """

    def __init__(self, raw: Any, source: str = "the life") -> None:
        """Raises InputError that names ``source``, the field and the value where ``raw`` is not what was exported."""
        _require(isinstance(raw, dict), source, "the file", type(raw).__name__, "a JSON object")
        _require(raw.get("format") == FORMAT, source, "format", raw.get("format"), repr(FORMAT))
        _require(raw.get("version") == VERSION, source, "version", raw.get("version"), str(VERSION))
        for field, kind in (("objects", dict), ("initial", dict), ("events", list), ("visits", list), ("scene", str)):
            _require(isinstance(raw.get(field), kind), source, field, raw.get(field), f"a {kind.__name__}")
        self.scene, self.objects = raw["scene"], raw["objects"]
        self.start = _number(raw.get("start"), source, "start")
        self.question_time = _number(raw.get("question_time"), source, "question_time")
        self.visits = [_visit(v, source, f"visits[{i}]") for i, v in enumerate(raw["visits"])]
        initial = {name: self._placed(name, p, source, f"initial[{name!r}]") for name, p in raw["initial"].items()}
        self._moves = [self._move(e, source, f"events[{i}]") for i, e in enumerate(raw["events"])]
        self.times = [time for time, _, _ in self._moves]
        _require(self.times == sorted(self.times), source, "events", "times that go back", "events in time order")
        self._states = [initial]  # _states[i]: after the first i events, filled as asked for

    @classmethod
    def open(cls, path: str | Path) -> SceneLife:
        """Read a file of ``life/``; raises InputError for one that is missing, too large or damaged."""
        path = Path(path)
        if not path.is_file():
            raise InputError(f"no life file at {path}; export the house again (embodied-mem export-house)")
        if path.stat().st_size > _LIMIT:
            raise InputError(f"{path} has {path.stat().st_size >> 20} MiB; at most {_LIMIT >> 20} are read")
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path} is no JSON ({error}); export the house again") from error
        return cls(raw, str(path))

    def state_at(self, time: float) -> dict[str, Placed]:
        """name → placement of every object that is there at ``time`` (UTC s), events at exactly ``time`` included."""
        count = bisect_right(self.times, time)
        while len(self._states) <= count:
            _, name, placed = self._moves[len(self._states) - 1]
            after = dict(self._states[-1])
            if placed is None:
                after.pop(name, None)
            else:
                after[name] = placed
            self._states.append(after)
        return self._states[count]

    def _move(self, raw: Any, source: str, field: str) -> tuple[float, str, Placed | None]:
        _require(isinstance(raw, dict), source, field, raw, "an object")
        name = raw.get("object")
        _require(name in self.objects, source, f"{field}.object", name, "a name of objects")
        time = _number(raw.get("time"), source, f"{field}.time")
        to = None if raw.get("to") is None else self._placed(name, raw["to"], source, f"{field}.to")
        return time, name, to

    def _placed(self, name: str, raw: Any, source: str, field: str) -> Placed:
        _require(name in self.objects, source, field, name, "a name of objects")
        _require(isinstance(raw, dict), source, field, raw, "an object")
        template, states = raw.get("template"), raw.get("states")
        _require(isinstance(template, str), source, f"{field}.template", template, "a template's name")
        _require(isinstance(states, dict), source, f"{field}.states", states, "an object")
        at = _vector(raw.get("translation"), 3, source, f"{field}.translation")
        return Placed(template, at, _vector(raw.get("rotation"), 4, source, f"{field}.rotation"), states)


def _require(good: bool, source: str, field: str, value: Any, wanted: str) -> None:
    if not good:
        raise InputError(f"{source}: {field} is {str(value)[:80]!r}, it must be {wanted}; export the house again")


def _number(value: Any, source: str, field: str) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    _require(good, source, field, value, "a finite number")
    return float(value)


def _vector(value: Any, count: int, source: str, field: str) -> tuple[float, ...]:
    _require(isinstance(value, list) and len(value) == count, source, field, value, f"{count} numbers")
    return tuple(_number(v, source, field) for v in value)


def _visit(raw: Any, source: str, field: str) -> tuple[str, float]:
    good = isinstance(raw, dict) and isinstance(raw.get("id"), str)
    _require(good, source, field, raw, "an object with id and time")
    return raw["id"], _number(raw.get("time"), source, f"{field}.time")
