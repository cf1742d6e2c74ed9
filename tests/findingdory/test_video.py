"""An experience as MP4: one picture a frame, in order, each with its own index and clock burnt in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from embodied_mem.errors import InputError
from embodied_mem.memory.palace import MindPalace
from embodied_mem.tasks.findingdory import video
from embodied_mem.tasks.findingdory.settings import CAMERA, VISIT
from embodied_mem.types import Frame, FrameRef, planar_pose

COUNT, SIX_O_CLOCK = 12, 21 * 86400 + 6 * 3600.0


@pytest.fixture(scope="module")
def experience(tmp_path_factory):
    """Twelve grey frames of 14.4 s each."""
    folder = tmp_path_factory.mktemp("video") / "palace"
    with MindPalace.create(folder) as palace:
        palace.begin_visit(VISIT, SIX_O_CLOCK)
        for k in range(COUNT):
            color = np.full((CAMERA.height, CAMERA.width, 3), 120, np.uint8)
            depth = np.full(color.shape[:2], 2.0, np.float32)
            pose = planar_pose(0, 0, 0)
            palace.add_frame(
                Frame(FrameRef(VISIT, k), SIX_O_CLOCK + 14.4 * k, color, depth, pose, pose @ CAMERA.to_base(), CAMERA)
            )
        palace.end_visit(VISIT, SIX_O_CLOCK + 14.4 * COUNT)
        palace.commit()
    return SimpleNamespace(palace=folder)


def test_a_video_has_every_frame_once_in_its_own_size(experience, tmp_path):
    av = pytest.importorskip("av", reason="the optional extra 'video' (PyAV) is not installed")
    path = video.write_video(experience, tmp_path / "episode.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["episode.mp4"], "no temporary file is left"
    with av.open(str(path)) as container:
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(images) == COUNT and images[0].shape == (CAMERA.height, CAMERA.width, 3)
    for k, image in enumerate(images):
        burnt = video.burn(np.full_like(image, 120), k, f"06:0{int(k * 14.4 // 60)}")
        wrong = video.burn(np.full_like(image, 120), (k + 1) % COUNT, "06:09")
        gap, wrong_gap = (np.abs(image.astype(int) - other).mean() for other in (burnt, wrong))
        assert gap < wrong_gap, f"picture {k} shows another index"


def test_index_and_clock_are_burnt_in_without_touching_the_rest():
    grey = np.full((CAMERA.height, CAMERA.width, 3), 120, np.uint8)
    first, next_, later = (video.burn(grey, k, when) for k, when in ((7, "06:01"), (8, "06:01"), (7, "06:02")))
    assert (first != next_).any() and (first != later).any() and (grey == 120).all()
    lower = CAMERA.height // 4
    assert (first[lower:] == 120).all() and (first[:lower] == 255).any() and (first[:lower] == 0).any()


def test_without_the_library_the_error_says_how_to_get_it(experience, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(InputError, match="embodied-mem\\[video\\]"):
        video.write_video(experience, tmp_path / "episode.mp4")
