"""The rigid objects of a scene in habitat-sim: by name, with instance ids of their own, put where they should be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.sim.export.life import Placed, SceneLife
from embodied_mem.sim.habitat_frames import pose_from_habitat, pose_of, state_of
from embodied_mem.sim.habitat_semantics import Instances, instances_of_objects, instances_of_scan, lexicon

_LIGHT = "embodied"  # our key of a scene's lamps


class Spot(NamedTuple):
    """Where an object is.

    template: its name in the scene dataset; pose: 4×4 float64 ``object_to_world``, Z up, of its origin (which habitat
    puts into the middle of an object whose config has no ``COM``); states: ``{"power": "on"}`` where they are known.
    """

    template: str
    pose: np.ndarray
    states: Mapping[str, str] = MappingProxyType({})


def spots_of(placed: Mapping[str, Placed]) -> dict[str, Spot]:
    """An exported house's objects at one moment, Z up."""
    return {
        name: Spot(p.template, pose_of(np.array(p.translation), np.array(p.rotation)), p.states)
        for name, p in placed.items()
    }


class HabitatObjects:
    """What stands in the loaded scene of a ``habitat_sim.Simulator``.

    spots      name → where it was when the scene was loaded
    movable    names of what may move
    instances  what the ids in the semantic image mean

    With the ``life`` of an exported house names and ids are the house's. Else a name is habitat's handle, and every
    object gets an instance id of its own beside those that a scan brings along.
    """

    def __init__(self, habitat_sim: Any, magnum: Any, sim: Any, life: SceneLife | None = None) -> None:
        self._mn, self._motion, self._sim = magnum, habitat_sim.physics.MotionType, sim
        self._all = sim.get_rigid_object_manager()
        self._light = _light_of(habitat_sim, sim)
        self._handles: dict[str, str] = {}  # of what is there
        self._semantic: dict[str, int] = {}  # of what is there or was
        self.movable: set[str] = set()
        self.instances = Instances()
        self.spots = self._named(life) if life else self._annotated()
        self._now: Mapping[str, Spot] = self.spots

    def _named(self, life: SceneLife) -> dict[str, Spot]:
        for name, about in life.objects.items():
            semantic = self._semantic[name] = int(about["id"])
            fact = {key: about[key] for key in ("label", "attributes", "kind")}
            self.instances.put(semantic, semantic, {**fact, "states": {}})
            if about["kind"] == "thing":
                self.movable.add(name)
        spots = spots_of(life.state_at(life.start))
        names = {_stem(spot.template): name for name, spot in spots.items()}
        self._handles = {names[_stem(handle)]: handle for handle in self._all.get_object_handles()}
        return spots

    def _annotated(self) -> dict[str, Spot]:
        scene, spots, classes = self._sim.semantic_scene, {}, []
        for handle in sorted(self._all.get_object_handles()):
            one = self._all.get_object_by_handle(handle)
            self._handles[handle] = handle
            pose = pose_from_habitat(np.array(one.transformation, float))
            spots[handle] = Spot(one.creation_attributes.handle, pose)
            if one.motion_type != self._motion.STATIC:
                self.movable.add(handle)
            classes.append((handle, int(one.semantic_id), handle in self.movable))
        scanned = scene.objects if scene is not None else ()  # a single model has no semantics at all
        self.instances = instances_of_scan(scanned)
        names = {} if scene is None or scanned else lexicon(scene.categories)
        self._semantic = instances_of_objects(self.instances, classes, names)
        for handle, semantic in self._semantic.items():
            self._all.get_object_by_handle(handle).semantic_id = semantic
        return spots

    @property
    def now(self) -> Mapping[str, Spot]:
        """name → where every object is."""
        return self._now

    def arrange(self, spots: Mapping[str, Spot], anew: bool = False) -> None:
        """Have exactly these objects in the scene, where ``spots`` says; what is so already is left alone.

        anew: somebody else has moved objects meanwhile. Raises InputError for a template that the scene dataset does
        not have.
        """
        if spots is self._now and not anew:
            return
        for name in [n for n in self._now if n not in spots or spots[n].template != self._now[n].template]:
            self._all.remove_object_by_handle(self._handles.pop(name))
        for name, spot in spots.items():
            if name not in self._handles:
                self._add(name, spot)
            elif anew or (spot is not self._now[name] and not np.array_equal(spot.pose, self._now[name].pose)):
                self._move(self._all.get_object_by_handle(self._handles[name]), spot)
        self._now = spots

    def template(self, name: str) -> str:
        """Habitat's handle of an object template; InputError unless exactly one is called that."""
        handles = self._sim.get_object_template_manager().get_template_handles()
        found = [handle for handle in handles if f"/{handle}".endswith(f"/{name}")]
        if len(found) != 1:
            raise InputError(f"{len(found)} object templates are called {name!r}, it must be one; the scene dataset "
                             f"has {', '.join(sorted(handles)[:5])} …")  # fmt: skip
        return found[0]

    def _add(self, name: str, spot: Spot) -> None:
        one = self._all.add_object_by_template_handle(self.template(spot.template), light_setup_key=self._light)
        if name not in self._semantic:
            self._semantic.update(instances_of_objects(self.instances, [(name, int(one.semantic_id), True)], {}))
            self.movable.add(name)
        one.semantic_id, self._handles[name] = self._semantic[name], one.handle
        self._move(one, spot)

    def _move(self, one: Any, spot: Spot) -> None:
        position, (w, x, y, z) = state_of(spot.pose)
        one.motion_type = self._motion.KINEMATIC  # habitat refuses to move what is static
        one.translation = self._mn.Vector3(*position.tolist())
        one.rotation = self._mn.Quaternion(self._mn.Vector3(float(x), float(y), float(z)), float(w))

    def facts(self) -> dict[int, dict]:
        """{instance id: label, attributes, states, kind} of what is in the scene now, for a sidecar."""
        own = {self.instance_of(name): name for name in self._semantic}
        return {
            i: {**about, "states": dict(self._now[own[i]].states)} if i in own else about
            for i, about in self.instances.facts.items()
            if i not in own or own[i] in self._now
        }

    def instance_of(self, name: str) -> int:
        """The id under which an object shows in the instance image."""
        return int(self.instances.table[self._semantic[name]])

    def base_of(self, name: str) -> float:
        """How far an object that is there reaches below its origin, metres."""
        one = self._all.get_object_by_handle(self._handles[name])
        return -float(one.root_scene_node.cumulative_bb.min[1])


def _light_of(habitat_sim: Any, sim: Any) -> str:
    """A key of the light that the scene is drawn in; habitat would light what is added later with its default lamps."""
    lights = sim.get_current_light_setup()
    if not lights:
        return habitat_sim.gfx.NO_LIGHT_KEY
    sim.set_light_setup(lights, _LIGHT)
    return _LIGHT


def _stem(handle: str) -> str:
    """``/a/b/mug.object_config.json`` and ``mug_:0003`` → ``mug``."""
    return Path(handle).name.split(".object_config.json")[0].split("_:")[0]
