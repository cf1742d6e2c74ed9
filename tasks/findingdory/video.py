"""An experience as MP4: every frame once, its index (0-based, as answers name it) and the clock burnt in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.memory.palace import MindPalace
from embodied_mem.tasks.findingdory.pictures import clock
from embodied_mem.tasks.findingdory.settings import VISIT

if TYPE_CHECKING:
    from embodied_mem.tasks.findingdory.experience import Experience

FRAMES_PER_SECOND = 10
INSTALL = 'pip install "embodied-mem[video]"'


def write_video(experience: Experience, path: Path, status: Callable[[str], None] | None = None) -> Path:
    """Write the experience's frames to ``path`` (H.264, 10 frames a second); returns ``path``.

    Raises InputError where PyAV (the optional extra ``video``) is not installed.
    """
    av = _pyav()
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with MindPalace.open(experience.palace, read_only=True) as palace:
            _encode(av, palace, part, status or (lambda text: None))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def burn(color: np.ndarray, index: int, when: str) -> np.ndarray:
    """The image (uint8 H W 3) with "Frame: 17" and "Time of Day: 08:04" in its upper left corner."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(color)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(10, color.shape[0] // 24))
    for line, words in enumerate((f"Frame: {index}", f"Time of Day: {when}")):
        place = (5, 5 + line * font.size * 1.25)
        pen.text(place, words, fill="white", font=font, stroke_width=2, stroke_fill="black")
    return np.asarray(image)


def _encode(av, palace: MindPalace, path: Path, status: Callable[[str], None]) -> None:
    nodes = palace.frames(VISIT)
    if not nodes:
        raise InputError(f"{palace.folder} has no frames of the visit {VISIT!r}; record the experience first")
    with av.open(str(path), "w", format="mp4") as container:
        camera = nodes[0].camera
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"crf": "23", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = camera.width, camera.height, "yuv420p"
        for node in nodes:
            color = palace.load_frame(node.ref).color
            image = burn(color, node.ref.index, clock(node.time, nodes[0].time))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            if node.ref.index % 200 == 0:
                status(f"video {node.ref.index}/{len(nodes)}")
        container.mux(stream.encode())


def _pyav():
    try:
        import av
    except ImportError as error:
        raise InputError(f"writing MP4 needs PyAV, which is not installed; run: {INSTALL}") from error
    return av
