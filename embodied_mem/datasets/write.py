"""Our frames written as OpenEQA's scripts write theirs, so that the whole way can be tried without a download.

What goes in comes out of :class:`embodied_mem.datasets.episodes.Episode` again: poses to a micrometre, depth to the
layout's own rounding.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem.datasets.episodes import LAYOUTS
from embodied_mem.errors import InputError
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.habitat_frames import CAMERA, pose_to_habitat
from embodied_mem.types import Camera, Frame

DIGITS = {"hm3d-v0": 5, "scannet-v0": 6}


def write_episode(folder: Path, layout: str, frames: Iterable[Frame], sidecar: Sidecar | None = None) -> int:
    """Write frames as an episode folder of a layout ("hm3d-v0", "scannet-v0"); returns how many there were.

    sidecar: where the instance pictures of the frames are; they and the facts of the last frame are written as well.
    """
    if layout not in LAYOUTS:
        raise InputError(f"layout {layout!r} is none of {', '.join(LAYOUTS)}; give one of them")
    folder.mkdir(parents=True, exist_ok=True)
    count, frame = 0, None
    for frame in frames:
        count += 1
        name = f"{frame.ref.index:0{DIGITS[layout]}d}"
        _save_png(folder / f"{name}-rgb.png", frame.color)
        _save_png(folder / f"{name}-depth.png", depth_units(frame.depth, layout))
        matrix = pose_to_habitat(frame.camera_to_map, CAMERA) if layout == "hm3d-v0" else frame.camera_to_map
        _save_matrix(folder / f"{name}.txt", matrix)
        if sidecar is not None:
            _save_png(folder / f"{name}-instance.png", sidecar.get(frame.ref)[0])
    if frame is None:
        raise InputError(f"{folder}: no frames to write; check where they come from")
    for kind in ("color", "depth"):
        _save_matrix(folder / f"intrinsic_{kind}.txt", intrinsics(frame.camera, layout))
        if layout == "scannet-v0":
            _save_matrix(folder / f"extrinsic_{kind}.txt", np.eye(4))
    if sidecar is not None:
        save_json(folder / "instances.json", {str(number): fact for number, fact in sidecar.facts(frame.ref).items()})
    return count


def depth_units(depth: np.ndarray, layout: str) -> np.ndarray:
    """uint16 H W of a depth image in metres, rounded as the layout's own script does; what does not fit is 0."""
    units = depth / LAYOUTS[layout].depth_m
    units = np.floor(units) if layout == "hm3d-v0" else np.rint(units)
    return np.where(units < 65536, units, 0).astype(np.uint16)


def intrinsics(camera: Camera, layout: str) -> np.ndarray:
    """The 4×4 of ``intrinsic_color.txt``; hm3d-v0 with OpenEQA's own fy, which no reader may trust."""
    matrix = np.eye(4)
    matrix[:3, :3] = camera.matrix
    matrix[:2, 2] -= LAYOUTS[layout].corner
    if layout == "hm3d-v0":
        vfov = np.radians(camera.hfov_deg) * camera.height / camera.width
        matrix[1, 1] = camera.height / np.tan(vfov / 2) / 2
    return matrix


def save_json(path: Path, content: Any) -> None:
    """Write JSON atomically, the same bytes for the same content."""
    _save(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _save_matrix(path: Path, matrix: np.ndarray) -> None:
    _save(path, "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in matrix).encode())


def _save_png(path: Path, pixels: np.ndarray) -> None:
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    _save(path, buffer.getvalue())


def _save(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    os.replace(part, path)
