"""An episode folder gives back the geometry that was written into it, in both of OpenEQA's layouts."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from embodied_mem.datasets.episodes import Episode
from embodied_mem.datasets.write import write_episode
from embodied_mem.errors import InputError
from embodied_mem.memory.validate import check_frame
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.types import Camera, Frame, FrameRef, planar_pose
from tests.datasets.walks import walk

LAYOUTS = ("hm3d-v0", "scannet-v0")
TIME = 1_803_891_600.0


@pytest.fixture(scope="module")
def walked():
    """A turn on the spot and two steps: nine frames."""
    return walk(("left",) * 6 + ("forward",) * 2)


@pytest.fixture
def folders(walked, tmp_path):
    """The walk as an episode folder of each layout."""
    frames, sidecar = walked
    made = {layout: tmp_path / layout / "000-embodied-7" for layout in LAYOUTS}
    for layout, folder in made.items():
        write_episode(folder, layout, frames, sidecar)
    return made


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_visit_comes_back_with_its_poses_depth_colours_and_camera(walked, folders, layout):
    frames, _ = walked
    episode = Episode.open(folders[layout])
    assert episode.indices == tuple(range(9)) and episode.lost == 0 and len(episode.storeys) == 1
    for name in ("width", "height"):
        assert getattr(episode.camera, name) == getattr(frames[0].camera, name)
    assert episode.camera.hfov_deg == pytest.approx(75, abs=1e-4)
    assert episode.camera.height_m == pytest.approx(1.3, abs=5e-3)
    assert episode.camera.pitch_deg == pytest.approx(-15, abs=0.05)
    for before, after in zip(frames, episode.frames("v000", TIME), strict=True):
        check_frame(after, "v000", after.ref.index - 1, TIME)  # what the palace asks of a frame
        assert after.ref == before.ref and after.time == TIME + after.ref.index
        np.testing.assert_array_equal(after.color, before.color)
        np.testing.assert_allclose(after.depth, np.where(before.depth < 10, before.depth, 0), atol=6e-4)
        np.testing.assert_allclose(after.camera_to_map, before.camera_to_map, atol=3e-3)  # the floor is measured
        np.testing.assert_allclose(after.camera_to_map[:2], before.camera_to_map[:2], atol=3e-6)
        np.testing.assert_allclose(after.base_to_map, before.base_to_map, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_instance_pictures_and_facts_reach_the_simulated_detectors_sidecar(walked, folders, layout):
    frames, written = walked
    episode, sidecar = Episode.open(folders[layout]), Sidecar(None)
    assert episode.has_instances
    for frame in episode.frames("v000", TIME, sidecar):
        instance, cell = sidecar.get(frame.ref)
        true, true_cell = written.get(frame.ref)
        np.testing.assert_array_equal(instance, true)
        turned = (cell[2] - true_cell[2]) % 12  # headings of the walk lie on the borders of the cells of 30°
        assert cell[:2] == true_cell[:2] and turned in (0, 1, 11)
        assert sidecar.facts(frame.ref) == written.facts(frame.ref)


def wall(distance: float, width: int, height: int, fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Depth of a wall whose left half (x < 0) is 0.5 m nearer: seen through any pinhole, its edge is at x = 0."""
    columns = np.arange(width) + 0.5
    x = np.broadcast_to((columns - cx) / fx, (height, width))
    return np.where(x < 0, distance - 0.5, distance)


def test_colour_and_depth_of_different_cameras_become_one_centred_camera_with_square_pixels(tmp_path):
    """As ScanNet's: 1296 × 968 and 640 × 480, neither centred; here smaller, with an edge in the world's middle."""
    folder = tmp_path / "scannet-v0" / "scene"
    folder.mkdir(parents=True)
    color, depth = (162, 121, 146.0, 145.0, 83.0, 59.0), (80, 60, 72.0, 72.0, 39.0, 31.0)
    for name, (w, h, *k) in (("rgb", color), ("depth", depth)):
        nearer = wall(2.0, w, h, *k)
        if name == "rgb":
            picture = np.where((nearer < 1.9)[..., None], 255, 0).astype(np.uint8).repeat(3, axis=2)
        else:
            picture = (nearer * 1000).astype(np.uint16)
        Image.fromarray(picture).save(folder / f"000000-{name}.png")
        matrix = np.array([[k[0], 0, k[2] - 0.5, 0], [0, k[1], k[3] - 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        np.savetxt(folder / f"intrinsic_{'color' if name == 'rgb' else name}.txt", matrix, fmt="%f")
    np.savetxt(folder / "000000.txt", np.eye(4), fmt="%f")
    episode = Episode.open(folder)
    frame = next(episode.frames("v", TIME))
    camera = episode.camera
    assert camera.width <= 80 and abs(camera.width / camera.height - 79 / 59) < 0.1
    middle = camera.width // 2
    assert (frame.depth[:, : middle - 1] == np.float32(1.5)).all() and (frame.depth[:, middle + 1 :] == 2).all()
    assert (frame.color[:, : middle - 2] == 255).all() and (frame.color[:, middle + 2 :] == 0).all()
    across, down = math.tan(math.radians(camera.hfov_deg) / 2), camera.height / 2 / camera.focal
    assert across == pytest.approx(min(39 / 72, 41 / 72, 79 / 146, 83 / 146)) and down <= 29 / 72 + 1e-6


def test_pictures_are_scaled_down_to_the_width_that_is_asked_for(folders):
    episode = Episode.open(folders["hm3d-v0"], width=48)
    frame = next(episode.frames("v", TIME))
    assert frame.color.shape == (36, 48, 3) and frame.depth.shape == (36, 48)
    assert episode.camera.hfov_deg == pytest.approx(75, abs=1e-4)


def lifted(frame: Frame, index: int, metres: float) -> Frame:
    pose = frame.camera_to_map.copy()
    pose[2, 3] += metres
    return replace(frame, ref=FrameRef("v000", index), camera_to_map=pose)


def test_storeys_are_laid_side_by_side_each_on_its_own_floor(walked, tmp_path):
    frames, _ = walked
    upstairs = [lifted(f, 20 + i, 2.8) for i, f in enumerate(frames[:5])]
    folder = tmp_path / "hm3d-v0" / "two-storeys"
    write_episode(folder, "hm3d-v0", [*frames, *upstairs])
    episode = Episode.open(folder)
    shown = {f.ref.index: f for f in episode.frames("v", TIME)}
    assert len(episode.storeys) == 2
    for below, above in ((0, 20), (4, 24)):
        pose = shown[above].camera_to_map
        assert pose[2, 3] == pytest.approx(1.3, abs=5e-3)
        assert pose[0, 3] - shown[below].camera_to_map[0, 3] > 10
        assert episode.position(above)[2] - episode.position(below)[2] == pytest.approx(2.8, abs=1e-5)


def test_frames_whose_pose_was_lost_are_left_out_and_counted(folders):
    folder = folders["scannet-v0"]
    (folder / "000003.txt").write_text("-inf -inf -inf -inf\n" * 4)
    episode = Episode.open(folder)
    assert episode.lost == 1 and 3 not in episode.indices and len(episode.indices) == 8


def test_poses_written_with_few_digits_become_rotations_again(folders):
    for path in folders["hm3d-v0"].glob("0000?.txt"):
        np.savetxt(path, np.loadtxt(path), fmt="%.3f")
    for frame in Episode.open(folders["hm3d-v0"]).frames("v000", TIME):
        check_frame(frame, "v000", frame.ref.index - 1, TIME)


def test_a_camera_that_looks_straight_down_still_has_a_heading():
    from embodied_mem.datasets.cameras import base_under

    pose = planar_pose(1, 2, 0.7) @ Camera(pitch_deg=-90).to_base()
    np.testing.assert_allclose(base_under(pose), planar_pose(1, 2, 0.7), atol=1e-9)
    up = planar_pose(1, 2, 0.7) @ Camera(pitch_deg=90).to_base()
    np.testing.assert_allclose(base_under(up), planar_pose(1, 2, 0.7), atol=1e-9)


def break_layout(folder):
    moved = folder.parent.parent / "frames" / folder.name
    moved.parent.mkdir()
    return folder.rename(moved)


def break_depth(folder):
    (folder / "00002-depth.png").unlink()


def break_pose(folder):
    (folder / "00002.txt").unlink()


def break_rotation(folder):
    (folder / "00002.txt").write_text("2 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n")


def break_words(folder):
    (folder / "00002.txt").write_text("1 0 0 zero\n0 1 0 0\n0 0 1 0\n0 0 0 1\n")


def break_picture(folder):
    (folder / "00002-rgb.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")


def break_size(folder):
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(folder / "00002-depth.png")


def break_depth_mode(folder):
    shutil.copy(folder / "00002-rgb.png", folder / "00002-depth.png")


def break_intrinsics(folder):
    (folder / "intrinsic_color.txt").write_text("960 0 960 0\n0 960 540 0\n0 0 1 0\n0 0 0 1\n")


def break_names(folder):
    shutil.copy(folder / "00002-rgb.png", folder / "000011-rgb.png")


def break_facts(folder):
    (folder / "instances.json").write_text('{"1000": {"label": 3, "kind": "thing"}}')


@pytest.mark.parametrize(
    "damage, says",
    [
        (break_layout, "the folder above is 'frames'.*hm3d-v0, scannet-v0"),
        (break_depth, "00002-depth.png is missing.*--rgb-only"),
        (break_pose, "00002.txt is missing.*pkl"),
        (break_rotation, "00002.txt is no pose.*limit 0.01"),
        (break_words, "00002.txt must hold numbers only.*zero"),
        (break_picture, "00002-rgb.png is no readable PNG"),
        (break_size, "00002-depth.png has 8 × 8 pixels.*96 × 72"),
        (break_depth_mode, "00002-depth.png has mode RGB.*16-bit"),
        (break_intrinsics, "intrinsic_color.txt: the principal point .960, 540. is far.*96 × 72"),
        (break_names, "mixes names of different lengths"),
        (break_facts, "instance '1000': field 'label' is 3, expected a text"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_with_file_value_and_fix(folders, damage, says):
    folder = damage(folders["hm3d-v0"]) or folders["hm3d-v0"]
    with pytest.raises(InputError, match=says):
        list(Episode.open(folder).frames("v000", TIME, Sidecar(None)))


def test_a_picture_too_large_to_open_is_refused_before_it_is_decoded(folders, monkeypatch):
    monkeypatch.setattr("embodied_mem.datasets.files.MAX_PIXELS", 1000)
    with pytest.raises(InputError, match="96 × 72 pixels, the limit is 1000"):
        Episode.open(folders["hm3d-v0"])


def test_a_folder_that_is_not_there_or_empty(tmp_path):
    with pytest.raises(InputError, match="no episode folder"):
        Episode.open(tmp_path / "hm3d-v0" / "missing")
    (tmp_path / "hm3d-v0" / "empty").mkdir(parents=True)
    with pytest.raises(InputError, match="no pictures such as 00000-rgb.png"):
        Episode.open(tmp_path / "hm3d-v0" / "empty")
