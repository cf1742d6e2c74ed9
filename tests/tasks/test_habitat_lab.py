"""Our tasks as episodes for habitat-lab: written, read back with a check, judged as everywhere else."""

from __future__ import annotations

import gzip
import json
import math
from types import SimpleNamespace

import pytest

from embodied_mem.errors import InputError
from embodied_mem.sim.export.life import FORMAT, VERSION, SceneLife
from embodied_mem.tasks.habitat_lab.episodes import (
    LabEpisode,
    of_findingdory,
    of_la_eqa,
    of_object_search,
    read_episodes,
    value_of,
    write_episodes,
)
from embodied_mem.tasks.habitat_lab.judging import judge
from embodied_mem.types import Value


def at(x: float) -> dict:
    return {"template": "house-7/mug.object_config.json", "translation": [x, 0, 0], "rotation": [1, 0, 0, 0],
            "states": {}}  # fmt: skip


@pytest.fixture
def life() -> SceneLife:
    thing = {"label": "mug", "kind": "thing", "attributes": {}}
    return SceneLife({
        "format": FORMAT, "version": VERSION, "scene": "house-7", "start": 0.0, "question_time": 100.0,
        "visits": [{"id": "day0", "time": 10.0}],
        "objects": {"mug-1": {"id": 1001, **thing}, "vase-2": {"id": 1002, **thing, "label": "vase"},
                    "desk-3": {"id": 103, "label": "desk", "kind": "furniture", "attributes": {}}},
        "initial": {"mug-1": at(1), "vase-2": at(2), "desk-3": at(3)},
        "events": [{"time": 50.0, "object": "vase-2", "to": None}],
    })  # fmt: skip


def question(value: Value):
    return SimpleNamespace(
        question_id="q1", scene_name="house-7", question="How many mugs?", question_time=100.0,
        start_pose=[1.0, 2.0, 0.5], answer_value=value.to_json(), tolerance_s=0.0, l_star=2.0,
    )  # fmt: skip


def nowhere(label: str) -> float:
    return math.inf


def test_what_is_written_is_read_back_and_finds_its_houses(tmp_path, life):
    episodes = [*of_la_eqa([question(Value("count", 2))], "palaces/7"), *of_object_search(life, [(0.0, 1.0, 2.0)])]
    (tmp_path / "houses").mkdir()
    write_episodes(tmp_path / "e.json.gz", tmp_path / "houses" / "d.scene_dataset_config.json", episodes)
    dataset, read = read_episodes(tmp_path / "e.json.gz")
    assert read == episodes and dataset == str(tmp_path / "houses" / "d.scene_dataset_config.json")
    (tmp_path / "moved").mkdir()
    for name in ("e.json.gz", "houses"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    assert read_episodes(tmp_path / "moved" / "e.json.gz")[0].startswith(str(tmp_path / "moved"))


def test_the_same_episodes_are_the_same_bytes(tmp_path, life):
    for name in ("a.gz", "b.gz"):
        write_episodes(tmp_path / name, tmp_path / "d", of_object_search(life, [(0.0, 1.0, 2.0)]))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("damage, named", [
    ({"start": [0, 0]}, "start"), ({"time": "noon"}, "time"), ({"kind": "chess"}, "kind"), ({"colour": 1}, "fields"),
])  # fmt: skip
def test_a_damaged_file_is_refused_by_name(tmp_path, life, damage, named):
    file = tmp_path / "e.json.gz"
    write_episodes(file, tmp_path / "d", of_object_search(life, [(0.0, 1.0, 2.0)]))
    raw = json.loads(gzip.decompress(file.read_bytes()))
    raw["episodes"][0].update(damage)
    file.write_bytes(gzip.compress(json.dumps(raw).encode()))
    with pytest.raises(InputError, match=named):
        read_episodes(file)


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8bcut"], ids=["empty", "text", "torn"])
def test_what_is_no_gzip_file_is_refused(tmp_path, content):
    (tmp_path / "e.json.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"e\.json\.gz"):
        read_episodes(tmp_path / "e.json.gz")


@pytest.mark.parametrize("text", ["[1", "{}"])
def test_what_is_no_episode_file_is_refused(tmp_path, text):
    (tmp_path / "e.json.gz").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(InputError, match=r"e\.json\.gz"):
        read_episodes(tmp_path / "e.json.gz")


def test_an_answer_is_judged_as_in_la_eqa():
    episode = of_la_eqa([question(Value("count", 2))], "")[0]
    assert judge(episode, None, [], 0.0, nowhere) == {"success": 0, "partial": 0, "efficiency": 0}
    assert judge(episode, value_of({"type": "count", "data": 2}), [], 1.0, nowhere)["efficiency"] == 1
    far = judge(episode, Value("count", 2), [], 4.0, nowhere)
    assert far == {"success": 1, "partial": 1, "efficiency": 0.5}, "twice the shortest way"
    assert judge(episode, Value("count", 3), [], 1.0, nowhere)["partial"] == 0.5
    with pytest.raises(InputError):
        value_of("two")


def test_only_what_is_still_there_is_searched_for(life):
    """The vase is gone at question time; the desk is no thing."""
    episodes = of_object_search(life, [(0.0, 0.0, 0.0), (1.0, 1.0, 0.0)])
    assert [e.instruction for e in episodes] == ["mug", "mug"]
    assert judge(episodes[0], None, [(0, 0, 0)], 3.0, lambda label: 1.5)["success"] == 1
    assert judge(episodes[0], None, [(0, 0, 0)], 3.0, lambda label: 2.5)["success"] == 0
    assert judge(episodes[0], None, [], 3.0, lambda label: 0.0)["success"] == 0, "nothing was said to be found"


def test_what_an_experience_moved_is_moved_in_its_episodes(life):
    """The robot has carried the mug and found the vase gone before its life takes it away."""
    mug = SimpleNamespace(id=1001, x=4.0, y=5.0, z=0.7, yaw=0.0, states={})
    after = SimpleNamespace(things=[mug])
    log = SimpleNamespace(steps=SimpleNamespace(time=[0.0, 40.0]), end_pose=(1, 2, 3), after=after)
    from embodied_mem.tasks.findingdory.items import Item

    item = Item("7-0/1", 1, "Object Recall", "Single-Goal Spatial Tasks", "Go to the mug.", "any", (), "unanswerable")
    episode = of_findingdory([item], log, "x", life)[0]
    assert episode.moved["vase-2"] is None and episode.moved["mug-1"]["translation"] == pytest.approx([4, 0.7, -5])
    assert "desk-3" not in episode.moved
    assert judge(episode, None, [], 0.0, nowhere)["success"] == 1, "there is nothing to go to"
    assert judge(episode, None, [(0, 0, 0)], 0.0, nowhere)["success"] == 0


def test_an_episode_says_what_is_wrong_with_it():
    with pytest.raises(InputError, match="'e': instruction"):
        LabEpisode("e", "la_eqa", "house-7", 5, 0.0, (0, 0, 0), {})
