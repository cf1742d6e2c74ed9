"""The life file replays to what the event log says, and refuses what is not a life file."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.sim.export.life import SceneLife
from embodied_mem.sim.export.shapes import name_of
from embodied_mem.sim.habitat_frames import pose_of
from embodied_mem.sim.house import House, Thing
from embodied_mem.types import pose_xyyaw

from .reading import config


@pytest.fixture(scope="module")
def raw(exported):
    return config(exported.folder / "life" / "house-7.json")


def test_a_replay_is_the_log_at_every_moment_of_the_life(exported, raw):
    life, log = SceneLife(raw), exported.life.log
    assert len(life.times) == len(log.events) > 50
    for time in [life.start, *life.times[::9], life.times[-1] + 1e6]:
        assert_same(life.state_at(time), log.state_at(time))


def assert_same(there, house: House) -> None:
    owners = {name_of(o): o for o in (*house.furniture, *house.things)}
    assert set(there) == set(owners)
    for name, owner in owners.items():
        placed = there[name]
        pose = pose_of(placed.translation, placed.rotation)
        x, y, yaw = pose_xyyaw(pose)
        height = owner.z if isinstance(owner, Thing) else 0.0
        assert np.allclose((x, y, pose[2, 3]), (owner.x, owner.y, height), atol=2e-6)
        assert abs(np.exp(1j * yaw) - np.exp(1j * owner.yaw)) < 1e-5
        assert placed.states == owner.states and name in placed.template


def test_moments_may_be_asked_for_in_any_order(raw):
    life, other = SceneLife(raw), SceneLife(raw)
    late = life.state_at(life.times[-1])
    assert life.state_at(life.start) == other.state_at(life.start)
    assert other.state_at(life.times[-1]) == late


def test_whatever_moves_wears_a_template_that_was_exported_and_switches_it_with_its_state(exported, raw):
    files = {f"{p.parent.name}/{p.name}" for p in exported.folder.glob("objects/*/*.object_config.json")}
    events = raw["events"]
    placed = [p for p in (*raw["initial"].values(), *(e["to"] for e in events)) if p]
    assert {p["template"] for p in placed} == files
    switched = [e["object"] for e in events if e["kind"] == "state"]
    looks = {name: {e["to"]["template"] for e in events if e["object"] == name and e["to"]} for name in switched}
    assert any(len(templates) > 1 for templates in looks.values())


def test_it_says_when_the_robot_comes_and_what_the_objects_are(exported, raw):
    life = SceneLife(raw)
    assert life.visits == exported.life.visits and life.question_time == exported.life.question_time
    thing = exported.house.things[0]
    about = life.objects[name_of(thing)]
    assert about == {"id": thing.id, "label": thing.label, "kind": "thing", "attributes": thing.attributes}


DAMAGE = {
    "format": (lambda r: r.update(format="other"), "format is 'other'"),
    "version": (lambda r: r.update(version=9), "version is '9'"),
    "no events": (lambda r: r.pop("events"), "events is 'None'"),
    "a start that is no time": (lambda r: r.update(start="noon"), "start is 'noon'"),
    "an unknown object": (lambda r: r["events"][0].update(object="ghost"), r"events\[0\].object is 'ghost'"),
    "a short translation": (lambda r: moved(r)["to"].update(translation=[0, 1]), "translation is"),
    "a translation of NaN": (lambda r: moved(r)["to"].update(translation=[0, 1, float("nan")]), "translation is 'nan'"),
    "a template that is no name": (lambda r: moved(r)["to"].update(template=3), "template is '3'"),
    "times that go back": (lambda r: r["events"].reverse(), "events in time order"),
    "a visit without a time": (lambda r: r["visits"].append({"id": "v9"}), "a finite number"),
}


def moved(raw: dict) -> dict:
    return next(e for e in raw["events"] if e["to"])


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_with_the_field_and_the_value(raw, tmp_path, damage):
    spoil, said = DAMAGE[damage]
    broken = copy.deepcopy(raw)
    spoil(broken)
    path = tmp_path / "house-7.json"
    path.write_text(json.dumps(broken))
    with pytest.raises(InputError, match=said) as error:
        SceneLife.open(path)
    assert str(path) in str(error.value) and "export the house again" in str(error.value)


def test_a_file_that_is_missing_or_no_json_is_refused(tmp_path):
    with pytest.raises(InputError, match="no life file at"):
        SceneLife.open(tmp_path / "none.json")
    (tmp_path / "torn.json").write_text('{"format": ')
    with pytest.raises(InputError, match="is no JSON"):
        SceneLife.open(tmp_path / "torn.json")
