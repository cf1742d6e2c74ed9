"""What habitat's ids mean: annotated scans and scenes put together from objects, on stand-ins for its annotations."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.sim.habitat_semantics import (
    FIRST,
    STRUCTURE,
    Instances,
    instances_of_objects,
    instances_of_scan,
    label_of,
    label_of_handle,
    lexicon,
)


def annotation(semantic_id: int, name: str | None) -> SimpleNamespace:
    """As habitat's SemanticObject."""
    category = None if name is None else SimpleNamespace(name=lambda: name)
    return SimpleNamespace(semantic_id=semantic_id, category=category)


def a_class(index: int, name: str) -> SimpleNamespace:
    """As habitat's SemanticCategory."""
    return SimpleNamespace(index=lambda: index, name=lambda: name)


@pytest.mark.parametrize("name, label", [
    ("tv_monitor", "television"), ("Couch", "sofa"), ("chest_of_drawers", "dresser"), ("coffee maker", "coffee maker"),
    ("wall", ""), ("door frame", ""), ("Unknown", ""), ("", ""),
])  # fmt: skip
def test_names_of_datasets_become_labels_and_structure_has_none(name, label):
    assert label_of(name) == label


@pytest.mark.parametrize("handle, label", [
    ("objects/frl_apartment_chair_01.object_config.json_:0003", "dining chair"),
    ("donut_:0000", "donut"),
    ("objects/0a5e809804911e71de6a4ef89f2c8fef5b9291b3.glb", ""),
])  # fmt: skip
def test_a_file_name_is_the_last_resort(handle, label):
    assert label_of_handle(handle) == label


def test_a_scan_has_an_instance_for_every_annotated_object():
    found = instances_of_scan([
        annotation(0, "Unknown"), annotation(1, "wall"), annotation(2, "chair"), annotation(3, "chair"), None,
        annotation(4, None), annotation(-1, "chair"),
    ])  # fmt: skip
    assert {i: f["label"] for i, f in found.facts.items()} == {FIRST + 2: "dining chair", FIRST + 3: "dining chair"}
    semantic = np.array([[0, 1, 2], [3, 77, 2]], np.uint32)
    depth = np.array([[1, 1, 1], [1, 1, 0]], np.float32)
    assert found.image(semantic, depth).tolist() == [[1, 1, 102], [103, 1, 0]]


def test_objects_of_one_class_become_instances_of_their_own():
    """HSSD and ReplicaCAD draw the class of an object; afterwards two chairs have two ids."""
    found = Instances()
    objects = [("chair_:0000", 7, False), ("chair_:0001", 7, False), ("mug_:0000", 9, True), ("shell_:0000", 1, False)]
    classes = lexicon([None, a_class(1, "wall"), a_class(7, "chair"), a_class(9, "mug")])
    given = instances_of_objects(found, objects, classes)
    assert len(set(given.values())) == 4 and not set(given.values()) & {1, 7, 9}
    image = found.image(np.array([[given[handle] for handle, *_ in objects]]), np.ones((1, 4)))[0].tolist()
    assert [found.facts[i]["label"] for i in image[:3]] == ["dining chair", "dining chair", "mug"]
    assert [found.facts[i]["kind"] for i in image[:3]] == ["furniture", "furniture", "thing"]
    assert len(set(image)) == 4 and image[3] == STRUCTURE


def test_objects_put_into_a_scan_take_ids_that_it_does_not_use():
    found = instances_of_scan([annotation(500, "chair")])
    given = instances_of_objects(found, [("mug_:0000", 0, True)], {})
    assert given["mug_:0000"] > 500 and {f["label"] for f in found.facts.values()} == {"dining chair", "mug"}


def test_more_annotations_than_an_image_can_hold_are_refused():
    with pytest.raises(InputError, match="1..65535"):
        instances_of_scan([annotation(65500, "chair")])
