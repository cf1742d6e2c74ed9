"""A house's event log written as what :class:`~embodied_mem.sim.export.life.SceneLife` replays: object moves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embodied_mem.sim.export.life import FORMAT, VERSION
from embodied_mem.sim.export.shapes import name_of
from embodied_mem.sim.habitat_frames import state_of
from embodied_mem.sim.house import Furniture, House, Thing
from embodied_mem.sim.life import Life
from embodied_mem.sim.log import Event, EventLog, apply
from embodied_mem.sim.scene import SceneBuilder
from embodied_mem.types import planar_pose

Owner = Furniture | Thing


class Templates:
    """The distinct looks of everything that is ever in a house: a lamp that is switched has two, most have one."""

    def __init__(self, log: EventLog, builder: SceneBuilder) -> None:
        looks: dict[int, dict[tuple, Owner]] = {}
        for owner in _owners(log):
            looks.setdefault(owner.id, {}).setdefault(_states(owner), owner)
        #: template name → an owner that looks like it
        self.owners: dict[str, Owner] = {}
        self._names: dict[tuple[int, tuple], str] = {}
        for owner_id, found in sorted(looks.items()):
            alike = len({_shape(builder, owner) for owner in found.values()}) == 1
            for states, owner in sorted(found.items()):
                suffix = "" if alike else "_" + "-".join(value for _, value in states).replace(" ", "_")
                self._names[owner_id, states] = name_of(owner) + suffix
                self.owners.setdefault(name_of(owner) + suffix, owner)

    def of(self, owner: Owner) -> str:
        """The name of what ``owner`` looks like now."""
        return self._names[owner.id, _states(owner)]


def placement(owner: Owner, templates: Templates, scene: str) -> dict:
    """Where ``owner`` stands, as the life file keeps it: template, translation, rotation, states."""
    pose = planar_pose(owner.x, owner.y, owner.yaw)
    pose[2, 3] = owner.z if isinstance(owner, Thing) else 0.0
    position, rotation = state_of(pose)
    return {
        "template": f"{scene}/{templates.of(owner)}.object_config.json", "translation": _rounded(position),
        "rotation": _rounded(rotation), "states": dict(owner.states),
    }  # fmt: skip


def life_file(life: Life, templates: Templates, scene: str) -> dict:
    """The contents of ``life/SCENE.json``: plain JSON types."""
    log = life.log
    objects = {}
    for owner in sorted(templates.owners.values(), key=lambda o: o.id):
        kind = "furniture" if isinstance(owner, Furniture) else "thing"
        look = owner.attributes if kind == "thing" else {"colour": owner.colour, "material": owner.material}
        objects[name_of(owner)] = {"id": owner.id, "label": owner.label, "kind": kind, "attributes": dict(look)}
    return {
        "format": FORMAT, "version": VERSION, "scene": scene, "start": life.start, "question_time": life.question_time,
        "visits": [{"id": name, "time": time} for name, time in life.visits],
        "objects": objects,
        "initial": {name_of(o): placement(o, templates, scene) for o in _all(log.initial)},
        "events": _events(log, templates, scene),
    }  # fmt: skip


def _events(log: EventLog, templates: Templates, scene: str) -> list[dict]:
    rows, names = [], {owner.id: name_of(owner) for owner in templates.owners.values()}
    for event, house in _after(log):
        owner = next((o for o in _all(house) if o.id == event.thing), None)
        rows.append({
            "time": event.time, "object": names[event.thing], "kind": event.kind, "cause": event.cause,
            "who": event.who, "to": placement(owner, templates, scene) if owner else None,
        })  # fmt: skip
    return rows


def _after(log: EventLog) -> Iterator[tuple[Event, House]]:
    """(event, the house right after it), in order; several events may share a time."""
    house = log.initial
    for event in log.events:
        house = apply(house, event)
        yield event, house


def _owners(log: EventLog) -> Iterator[Owner]:
    """Everything that is ever there, once for each of its states at least."""
    yield from _all(log.initial)
    for event, house in _after(log):
        yield from (owner for owner in _all(house) if owner.id == event.thing)


def _all(house: House) -> tuple[Owner, ...]:
    return (*house.furniture, *house.things)


def _states(owner: Owner) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(owner.states.items()))


def _shape(builder: SceneBuilder, owner: Owner) -> bytes:
    mesh = builder.mesh(owner)
    return b"".join(part.tobytes() for part in (mesh.vertices, mesh.triangles, mesh.colours, mesh.emissive))


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(v), 6) + 0.0 for v in values]  # + 0.0: no negative zeros
