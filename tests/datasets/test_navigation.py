"""habitat-lab's episode files: what is written Y up is read Z up, split or not, and damage is named."""

from __future__ import annotations

import gzip
import json
import math

import numpy as np
import pytest

from embodied_mem.datasets.navigation import categories, load_navigation
from embodied_mem.errors import InputError
from embodied_mem.sim.habitat_frames import BODY, points_to_habitat, state_of
from embodied_mem.types import planar_pose


def save(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    return path


def state(x: float, y: float, yaw: float) -> tuple[list[float], list[float]]:
    """A pose of ours as habitat writes it: position, and the quaternion as x, y, z, w."""
    position, (w, *xyz) = state_of(planar_pose(x, y, yaw), BODY)
    return position.tolist(), [*map(float, xyz), float(w)]


def point(number: int = 0, **more) -> dict:
    """A PointNav episode that starts at (1, 2) heading 0.5 and leads to (3, −4)."""
    position, rotation = state(1.0, 2.0, 0.5)
    return {
        "episode_id": str(number), "scene_id": "data/scene_datasets/gibson/Cantwell.glb", "start_position": position,
        "start_rotation": rotation, "info": {"geodesic_distance": 6.5, "difficulty": "easy"}, "shortest_paths": None,
        "goals": [{"position": points_to_habitat((3.0, -4.0, 0.1)).tolist(), "radius": None}],
    } | more  # fmt: skip


def object_split(folder):
    """An ObjectNav split of two scenes with one episode each: a chair at (2, 1), seen from (1, 1) facing it."""
    table = {"chair": 0, "bed": 1}
    top = {"category_to_task_category_id": table, "category_to_mp3d_category_id": table, "episodes": []}
    position, rotation = state(1.0, 1.0, 0.0)
    view = {"agent_state": {"position": position, "rotation": rotation}, "iou": 0.25}
    for scene in ("17DRP5sb8fy", "1LXtFkjw3qL"):
        file = f"mp3d/{scene}/{scene}.glb"
        goal = {
            "position": points_to_habitat((2.0, 1.0, 0.4)).tolist(), "radius": None, "object_id": 7,
            "object_name": "chair_7", "object_category": "chair", "room_id": None, "view_points": [view],
        }  # fmt: skip
        episode = point(0, scene_id=file, goals=[], object_category="chair")
        save(folder / "content" / f"{scene}.json.gz", {
            **top, "goals_by_category": {f"{scene}.glb_chair": [goal]}, "episodes": [episode],
        })  # fmt: skip
    return save(folder / "val.json.gz", top)


def test_a_pointnav_episode_comes_back_in_our_frames(tmp_path):
    (episode,) = load_navigation(save(tmp_path / "val.json.gz", {"episodes": [point()]}))
    assert episode.start == pytest.approx((1.0, 2.0, 0.5)) and episode.scene_id == "gibson/Cantwell.glb"
    assert episode.base_to_world[2, 3] == 0 and episode.geodesic_m == 6.5 and episode.object_category == ""
    np.testing.assert_allclose(episode.goals[0].position, (3.0, -4.0, 0.1))
    assert episode.goals[0].radius is None and episode.scene_dataset_config == "default"


def test_habitats_own_start_rotation_is_a_turn_about_the_vertical(tmp_path):
    """PointNav's generator writes [0, sin(a/2), 0, cos(a/2)]: an agent that looks along −z (our y) turned left by a."""
    angle = 0.7
    row = point(start_position=[0, 0, 0], start_rotation=[0, math.sin(angle / 2), 0, math.cos(angle / 2)])
    (episode,) = load_navigation(save(tmp_path / "val.json.gz", {"episodes": [row]}))
    assert episode.start[2] == pytest.approx(math.pi / 2 + angle)


def test_an_objectnav_split_is_read_scene_by_scene_with_its_goals_and_viewpoints(tmp_path):
    path = object_split(tmp_path)
    episodes = list(load_navigation(path))
    assert [e.scene_id.split("/")[1] for e in episodes] == ["17DRP5sb8fy", "1LXtFkjw3qL"]
    goal = episodes[0].goals[0]
    assert episodes[0].object_category == "chair" and goal.object_id == "7" and goal.view_points[0].iou == 0.25
    np.testing.assert_allclose(goal.position, (2.0, 1.0, 0.4))
    np.testing.assert_allclose(goal.view_points[0].base_to_world, planar_pose(1.0, 1.0, 0.0), atol=1e-9)
    assert categories(path) == {"chair": 0, "bed": 1}
    assert [e.scene_id for e in load_navigation(path, ("1LXtFkjw3qL",))] == [episodes[1].scene_id]


def test_an_old_objectnav_file_has_its_goals_in_the_episodes(tmp_path):
    goals = [{"position": [0, 0, 0], "object_id": "3", "object_category": "sofa"}]
    (episode,) = load_navigation(save(tmp_path / "val.json.gz", {"episodes": [point(goals=goals)]}))
    assert episode.object_category == "sofa"


@pytest.mark.parametrize(
    "change, says",
    [
        ({"start_position": [0, 1]}, "episodes.0.: field 'start_position' is a list of 2, expected a list of 3 finite"),
        ({"start_rotation": [0, 0, 0, 2]}, "'start_rotation'.*unit quaternion x y z w .its length is 2"),
        ({"start_position": [0, 1e400, 0]}, "'start_position'.*finite"),
        ({"scene_id": None}, "field 'scene_id' is None, expected a text"),
        ({"goals": []}, "field 'goals' is a list of 0, expected at least one goal"),
        ({"goals": [{"position": "here"}]}, "goals.0.: field 'position' is 'here'"),
        ({"goals": [{"position": [0, 0, 0], "radius": -1}]}, "'radius' is -1, expected at least 0"),
        ({"episode_id": 1.5}, "'episode_id' is 1.5, expected a text or a whole number"),
        ({"info": 3}, "field 'info' is 3, expected an object"),
    ],
)
def test_a_wrong_field_is_named_with_its_episode_and_value(tmp_path, change, says):
    path = save(tmp_path / "val.json.gz", {"episodes": [point(0, **change)]})
    with pytest.raises(InputError, match=says) as error:
        list(load_navigation(path))
    assert str(path) in str(error.value) and "download it again" in str(error.value)


def test_a_category_without_goals_and_a_scene_without_a_file(tmp_path):
    path = object_split(tmp_path)
    content = tmp_path / "content" / "17DRP5sb8fy.json.gz"
    raw = json.loads(gzip.decompress(content.read_bytes()))
    raw["episodes"][0]["object_category"] = "bed"
    save(content, raw)
    with pytest.raises(InputError, match="'object_category' is 'bed'.*17DRP5sb8fy.glb_bed"):
        list(load_navigation(path))
    with pytest.raises(InputError, match="no file for scene 'Elsewhere'; it has 2"):
        list(load_navigation(path, ("Elsewhere",)))


def test_files_that_are_missing_empty_torn_too_large_or_lead_elsewhere(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no file .*val.json.gz"):
        list(load_navigation(tmp_path / "val.json.gz"))
    path = save(tmp_path / "val.json.gz", {"episodes": []})
    with pytest.raises(InputError, match="holds no episodes and no content/"):
        list(load_navigation(path))
    save(path, {"episodes": [point()], "content_scenes_path": "{data_path}/../../{scene}.json.gz"})
    with pytest.raises(InputError, match="content_scenes_path.*below {data_path}"):
        list(load_navigation(path))
    path.write_bytes(gzip.compress(json.dumps({"episodes": [point()]}).encode())[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        list(load_navigation(path))
    path.write_bytes(gzip.compress(b"[" * 200_000))
    with pytest.raises(InputError, match="is no JSON"):
        list(load_navigation(path))


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path):
    from embodied_mem.datasets.files import read_json

    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * 5_000_000))
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match=r"more than 1000000 bytes \(decompressed\)"):
        read_json(path, limit=1_000_000)
