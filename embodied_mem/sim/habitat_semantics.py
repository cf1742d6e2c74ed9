"""What habitat's semantic ids mean: HM3D, MP3D, Replica, HSSD and ReplicaCAD annotations in the stack's own words.

Two kinds of annotation exist. A scan (HM3D, MP3D, Replica, Gibson) has one mesh whose ids are *instances*, each with a
category. An assembled scene (HSSD, ReplicaCAD, our exported houses) has objects whose ids are *classes* of a lexicon,
so that two chairs share one; :func:`instances_of_objects` gives each object an id of its own. numpy only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.ontology import FURNITURE, THINGS, resolve

STRUCTURE = 1  # the instance id of walls, floors and whatever nobody named, as in the embedded simulator
FIRST = 100
_MOST = 2**16 - 1  # an instance image is uint16
# Names that no detector should report: the building itself, and annotators' words for "do not know".
_STRUCTURE = frozenset(re.split(
    ", ", ", wall, floor, ceiling, roof, beam, column, stairs, staircase, stair, stair step, railing, banister, "
    "door frame, window frame, baseboard, molding, skirting, unknown, unlabeled, undefined, misc, void, background, "
    "remove, object, objects, anonymize, other, other room, stage",
))  # fmt: skip
# Words of the datasets that the vocabulary has under another name.
_WORDS = {
    "tv monitor": "television", "tvmonitor": "television", "tv screen": "television", "monitor": "television",
    "bed side table": "nightstand", "night stand": "nightstand", "indoor plant": "plant", "picture": "picture frame",
    "trashcan": "waste bin", "trash can": "waste bin", "shelf": "bookcase",
}  # fmt: skip


def label_of(name: str) -> str:
    """A dataset's category name in the stack's words; "" for structure and for what nobody knows.

    ``"tv_monitor"`` → ``"television"``; what the vocabulary lacks stays, in lower case with spaces.
    """
    words = " ".join(re.sub(r"[^a-z0-9]+", " ", str(name).lower()).split())
    if words in _STRUCTURE:
        return ""
    return resolve(words) or resolve(_WORDS.get(words, "")) or words


def label_of_handle(handle: str) -> str:
    """A label from an object's file or handle: ``"objects/frl_apartment_chair_01.object_config.json_:0003"`` → chair.

    For objects without a class. "" where the name says nothing (HSSD names its files by hashes).
    """
    name = re.split(r"[\\/]", handle)[-1].split(".")[0].split("_:")[0]
    if re.fullmatch(r"[0-9a-f]{16,}(_part_\d+)?", name):
        return ""
    words = [w for w in re.split(r"[^A-Za-z]+", name) if len(w) > 1 and w.lower() not in ("frl", "apartment", "obj")]
    return label_of(" ".join(words))


def fact(label: str, movable: bool) -> dict[str, Any]:
    """One row of facts for the sidecar: the vocabulary says what is a thing; of other labels, what moves is."""
    thing = label in THINGS or (movable and label not in FURNITURE)
    return {"label": label, "attributes": {}, "states": {}, "kind": "thing" if thing else "furniture"}


@dataclass
class Instances:
    """What semantic ids in an image mean.

    table    uint16 R: semantic id as habitat draws it → instance id (0 nothing, ``STRUCTURE``, else a key of facts)
    facts    {instance id: label, attributes, states, kind} as a sidecar wants them
    """

    table: np.ndarray = field(default_factory=lambda: np.full(1, STRUCTURE, np.uint16))
    facts: dict[int, dict] = field(default_factory=dict)

    def image(self, semantic: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """The instance image (uint16 H W) of habitat's semantic image and depth (both H W); 0 where nothing was hit."""
        raw = semantic.astype(np.int64)
        known = np.where(raw < len(self.table), raw, 0)
        return np.where(depth > 0, self.table[known], 0).astype(np.uint16)

    def put(self, semantic_id: int, instance: int, about: dict | None) -> None:
        """Let ``semantic_id`` be drawn as ``instance``; about: its fact, None for structure."""
        if not 0 < instance <= _MOST:
            raise InputError(f"instance id {instance} of semantic id {semantic_id} does not fit an image of "
                             f"1..{_MOST}; leave annotations out of the scene, or split it")  # fmt: skip
        if semantic_id >= len(self.table):
            longer = np.full(max(semantic_id + 1, 2 * len(self.table)), STRUCTURE, np.uint16)
            longer[: len(self.table)] = self.table
            self.table = longer
        self.table[semantic_id] = instance
        if about is not None:
            self.facts[instance] = about


def instances_of_scan(annotations: Iterable[Any]) -> Instances:
    """From ``sim.semantic_scene.objects``: anything with ``semantic_id`` and ``category.name()`` (None is skipped)."""
    found = Instances()
    for one in annotations:
        if one is None or one.category is None or int(one.semantic_id) < 0:
            continue
        label, semantic = label_of(one.category.name()), int(one.semantic_id)
        if label:
            found.put(semantic, FIRST + semantic, fact(label, movable=False))
        else:
            found.put(semantic, STRUCTURE, None)
    return found


def lexicon(categories: Iterable[Any]) -> dict[int, str]:
    """{semantic id: label} from ``sim.semantic_scene.categories``: anything with ``index()`` and ``name()``."""
    return {int(c.index()): label_of(c.name()) for c in categories if c is not None}


def instances_of_objects(
    found: Instances, objects: Iterable[tuple[str, int, bool]], classes: dict[int, str]
) -> dict[str, int]:
    """Give every object of a scene a semantic id that nobody else has; {handle: id}, and ``found`` learns them.

    objects: (handle, semantic id of its class, 0 for none, whether it may move), in an order that does not change.
    """
    given = {}
    semantic = max(FIRST, len(found.table), max(classes, default=0) + 1)
    for handle, of_class, movable in objects:
        label = classes[of_class] if of_class and of_class in classes else label_of_handle(handle)
        instance = FIRST + semantic
        found.put(semantic, instance if label else STRUCTURE, fact(label, movable) if label else None)
        given[handle] = semantic
        semantic += 1
    return given
