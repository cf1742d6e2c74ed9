"""FindingDory's files: poses Z up, rows of the arrays looked up, nothing unpickled, damage named."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from embodied_mem.datasets.findingdory import load_episodes, load_video_rows
from embodied_mem.errors import InputError
from embodied_mem.sim.habitat_frames import BODY, OBJECT, points_to_habitat, pose_to_habitat
from embodied_mem.types import planar_pose
from tests.datasets.test_navigation import state

THING = planar_pose(2.0, -1.0, 0.3)
THING[2, 3] = 0.75


def episode(**more) -> dict:
    """A cup was carried from a table to a shelf; two instructions."""
    position, rotation = state(1.0, 2.0, 0.5)
    end_position, end_rotation = state(4.0, 4.0, -1.0)
    cup = {
        "position": points_to_habitat((2.0, -1.0, 0.75)).tolist(), "object_name": "cup_0", "object_id": "11",
        "object_category": "cup", "view_points": [1],
    }  # fmt: skip
    task = {
        "task_id": "task_5", "lang": "Go to an object that you handled.", "task_type": "x", "sampled_objects": [],
        "goal_expr": {"quantifier": "EXISTS"}, "sampled_receps": [], "sequential_goals": [],
    }  # fmt: skip
    return {
        "episode_id": 0, "scene_id": "scenes-uncluttered/102.scene_instance.json", "scene_dataset_config": "hssd.json",
        "start_position": position, "start_rotation": rotation, "nav_goal_pos": end_position,
        "nav_goal_rot": end_rotation, "rigid_objs": [["cup.object_config.json", 0]], "targets": {"cup_:0000": []},
        "target_receptacles": [["table|mesh", 0]], "goal_receptacles": [["shelf|mesh", 0]],
        "candidate_objects": [cup], "instructions": {"task_5": task, "task_6": {**task, "task_id": "task_6"}},
    } | more  # fmt: skip


def save(folder, rows, views=None, poses=None):
    position, rotation = state(1.0, -1.0, 0.0)
    views = np.array([[*position, *rotation, 0.1], [*position, *rotation, 0.2]]) if views is None else views
    poses = pose_to_habitat(THING, OBJECT)[None, :3] if poses is None else poses
    (folder / "episodes.json.gz").write_bytes(gzip.compress(json.dumps({"episodes": rows}).encode()))
    np.save(folder / "viewpoints.npy", views)
    np.save(folder / "transformations.npy", poses)
    return folder


def test_an_episode_comes_back_in_our_frames_with_the_rows_of_both_arrays(tmp_path):
    (found,) = load_episodes(save(tmp_path, [episode()]))
    np.testing.assert_allclose(found.base_to_world, planar_pose(1.0, 2.0, 0.5), atol=1e-9)
    np.testing.assert_allclose(found.end_base_to_world, planar_pose(4.0, 4.0, -1.0), atol=1e-9)
    asset, pose = found.things[0]
    assert asset == "cup.object_config.json"
    np.testing.assert_allclose(pose, THING, atol=1e-9)
    goal = found.candidates["candidate_objects"][0]
    np.testing.assert_allclose(goal.position, THING[:3, 3], atol=1e-9)
    np.testing.assert_allclose(goal.view_points[0].base_to_world, planar_pose(1.0, -1.0, 0.0), atol=1e-9)
    assert goal.view_points[0].iou == pytest.approx(0.2) and goal.object_category == "cup"
    carried = found.carried[0]
    assert (carried.thing, carried.start, carried.goal) == ("cup_:0000", "table|mesh", "shelf|mesh")
    assert [i.task_id for i in found.instructions] == ["task_5", "task_6"]
    assert found.instructions[0].text.startswith("Go to") and found.instructions[0].sequential_goals is None


def test_the_end_may_be_a_goal_or_missing(tmp_path):
    as_goal = episode(nav_goal_pos={"position": episode()["nav_goal_pos"], "radius": None})
    first, second = load_episodes(save(tmp_path, [as_goal, episode(nav_goal_pos=None)]))
    np.testing.assert_allclose(first.end_base_to_world, planar_pose(4.0, 4.0, -1.0), atol=1e-9)
    assert second.end_base_to_world is None


@pytest.mark.parametrize(
    "change, says",
    [
        ({"rigid_objs": [["cup", 5]]}, r"rigid_objs\[0\] is \['cup', 5\].*below 1.*belong together"),
        ({"rigid_objs": [["cup", "0"]]}, r"rigid_objs\[0\]"),
        ({"candidate_objects": [{"position": [0, 0, 0], "view_points": [9]}]}, "view_points.*viewpoints.npy below 2"),
        ({"goal_receptacles": []}, "goal_receptacles.*each of the 1 targets"),
        ({"start_rotation": [1, 1, 1, 1]}, "start_rotation.*unit quaternion"),
        ({"instructions": {"task_5": {"task_id": "task_5", "goal_expr": {}}}}, "'task_5'.*'lang' is missing"),
    ],
)
def test_a_wrong_field_is_named_with_its_episode_and_value(tmp_path, change, says):
    with pytest.raises(InputError, match=says) as error:
        list(load_episodes(save(tmp_path, [episode(**change)])))
    assert "episodes[0]" in str(error.value)


def test_arrays_of_another_shape_of_objects_with_nan_or_too_large_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"viewpoints.npy has shape \(2, 7\), expected \(N, 8\)"):
        list(load_episodes(save(tmp_path, [], views=np.zeros((2, 7)))))
    with pytest.raises(InputError, match="viewpoints.npy holds object, expected numbers; objects are never unpickled"):
        list(load_episodes(save(tmp_path, [], views=np.array([[{}] * 8], dtype=object))))
    with pytest.raises(InputError, match="transformations.npy: row 0 is not finite"):
        list(load_episodes(save(tmp_path, [], poses=np.full((1, 3, 4), np.nan))))
    with pytest.raises(InputError, match="row 0 holds a quaternion of length 0"):
        list(load_episodes(save(tmp_path, [], views=np.zeros((2, 8)))))
    save(tmp_path, [])
    (tmp_path / "viewpoints.npy").write_bytes(b"\x93NUMPY\x01\x00 no header")
    with pytest.raises(InputError, match="viewpoints.npy is no array file"):
        list(load_episodes(tmp_path))
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 8), }"
    (tmp_path / "viewpoints.npy").write_bytes(header.ljust(127) + b"\n")
    with pytest.raises(InputError, match="bytes of memory, the limit is"):
        list(load_episodes(tmp_path))


ROW = {
    "ep_id": "ep_3", "video": "videos/val/ep_id_3.mp4", "question": "Go to the cup.", "answer": "[[3, 4], [17]]",
    "task_id": "task_9", "high_level_category": "Single-Goal Spatial Tasks",
    "low_level_category": "Conditional Interaction", "num_interactions": 4,
}  # fmt: skip


def test_video_rows_as_json_lines_and_as_csv(tmp_path):
    lines = tmp_path / "val.jsonl"
    lines.write_text(json.dumps(ROW) + "\n")
    table = tmp_path / "val.csv"
    table.write_text(",".join(ROW) + "\n" + ",".join(json.dumps(str(v)) for v in ROW.values()) + "\n")
    (row,), (same,) = load_video_rows(lines), load_video_rows(table)
    assert row == same and row.answer == ((3, 4), (17,)) and row.num_interactions == 4


@pytest.mark.parametrize(
    "change, says",
    [
        ({"answer": "frame 3"}, "row 0: field 'answer' is 'frame 3', expected the text of a nested list"),
        ({"answer": "[3, 4]"}, "field 'answer'"),
        ({"answer": "[[-1]]"}, "field 'answer'"),
        ({"answer": "__import__('os')"}, "field 'answer'"),
        ({"video": "../../etc/passwd"}, "'video'.*without '..'"),
        ({"num_interactions": "many"}, "'num_interactions' is 'many', expected a whole number"),
    ],
)
def test_a_wrong_video_row_is_named(tmp_path, change, says):
    path = tmp_path / "val.jsonl"
    path.write_text(json.dumps(ROW | change))
    with pytest.raises(InputError, match=says):
        load_video_rows(path)


def test_parquet_is_refused_with_the_command_that_converts_it(tmp_path):
    with pytest.raises(InputError, match="parquet.*read_parquet.*val.jsonl"):
        load_video_rows(tmp_path / "val.parquet")
    (tmp_path / "val.jsonl").write_text("{not json}\n")
    with pytest.raises(InputError, match="neither JSON lines nor CSV"):
        load_video_rows(tmp_path / "val.jsonl")


def test_body_poses_are_habitats(tmp_path):
    """Identity in habitat: at the origin, looking along −z, which is our y."""
    row = episode(start_position=[0, 0, 0], start_rotation=[0, 0, 0, 1])
    (found,) = load_episodes(save(tmp_path, [row]))
    np.testing.assert_allclose(pose_to_habitat(found.base_to_world, BODY), np.eye(4), atol=1e-12)
    np.testing.assert_allclose(found.base_to_world[:3, 0], (0, 1, 0), atol=1e-12)
