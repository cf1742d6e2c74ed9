"""Folders of posed RGB-D pictures, in the two layouts that OpenEQA's scripts write, as our frames.

hm3d-v0: habitat's world (Y up) and camera (OpenGL axes), depth in 10 m / 65535, no clock.
scannet-v0: Z up, optical axes, depth in millimetres, colour and depth of different sizes, poses that may be lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from embodied_mem.datasets import cameras
from embodied_mem.datasets.cameras import Pinhole
from embodied_mem.datasets.files import Fields, read_json, read_numbers, read_picture
from embodied_mem.datasets.storeys import Storey, floor_under, levels_of, side_by_side
from embodied_mem.errors import InputError
from embodied_mem.memory.views import view_cell
from embodied_mem.perception.sidecar import Sidecar
from embodied_mem.sim.habitat_frames import CAMERA, pose_from_habitat
from embodied_mem.types import Camera, Frame, FrameRef

WIDTH = 640  # pixels of a frame: HM3D's 1920 take nine times as long and show a detector little more
FRAME_SECONDS = 1.0  # the datasets have no clock: frames are a second apart
MAX_FRAMES = 100_000
FLOOR_FRAMES = 24  # of a storey, looked at to find its floor
_NAME = re.compile(r"(\d{1,8})-rgb\.png")


@dataclass(frozen=True)
class Layout:
    """What differs between the two. depth_m: metres a unit of depth; corner: see :func:`cameras.pinhole`."""

    depth_m: float
    corner: float
    square: bool
    to_map: Callable[[np.ndarray], np.ndarray]


LAYOUTS = {
    # OpenEQA computes fy from hfov · H / W as if angles were lengths; habitat renders square pixels, so fy is fx.
    "hm3d-v0": Layout(10 / 65535, 0.0, True, lambda pose: pose_from_habitat(pose, CAMERA)),
    "scannet-v0": Layout(0.001, 0.5, False, lambda pose: pose),
}


@dataclass(frozen=True)
class Episode:
    """One episode folder, opened: checked, measured, nothing but poses in memory.

    indices: the frames' numbers in their file names, those of lost poses left out (``lost`` says how many); camera:
    what every frame is made to look like; storeys: see :mod:`embodied_mem.datasets.storeys` (one, mostly).
    """

    folder: Path
    layout: str
    indices: tuple[int, ...]
    camera: Camera
    lost: int
    storeys: tuple[Storey, ...]
    _poses: dict[int, np.ndarray] = field(repr=False, compare=False)
    _color: Pinhole = field(repr=False)
    _depth: Pinhole = field(repr=False)
    _beside: tuple[Path, ...] = field(repr=False, default=())
    _digits: int = field(repr=False, default=5)

    @classmethod
    def open(cls, folder: Path | str, layout: str = "", width: int = WIDTH, beside: tuple[Path, ...] = ()) -> Episode:
        """Check a folder and read its poses.

        layout: "hm3d-v0" or "scannet-v0", the name of the folder above by default; width: pixels of a frame (never
        more than the pictures have); beside: folders where poses, depth and intrinsics may lie instead.
        Raises InputError where a part is missing or cannot be right.
        """
        folder = Path(folder)
        layout = layout or folder.parent.name
        if layout not in LAYOUTS:
            raise InputError(f"{folder}: the folder above is {layout!r}, which does not say what the files mean; "
                             f"put it below one of {', '.join(LAYOUTS)}")  # fmt: skip
        found = _names(folder)
        bare = cls(folder, layout, (), Camera(), 0, (), {}, *(Pinhole(1, 1, 1, 1, 0.5, 0.5),) * 2, tuple(beside),
                   len(next(iter(found.values()))))  # fmt: skip
        color, depth = bare._pinholes(min(found))
        poses = {i: bare._pose(i) for i in found}
        kept = {i: pose for i, pose in poses.items() if pose is not None}
        if not kept:
            raise InputError(f"{folder}: every one of its {len(found)} poses is lost (infinite); use another episode")
        opened = replace(
            bare, indices=tuple(kept), camera=cameras.common_camera((color, depth), width), lost=len(found) - len(kept),
            _poses=kept, _color=color, _depth=depth,
        )  # fmt: skip
        return opened._with_storeys()

    @property
    def has_instances(self) -> bool:
        """Whether it carries instance pictures and their facts, which the simulated detector needs."""
        return (self.folder / "instances.json").is_file()

    def position(self, index: int) -> np.ndarray:
        """x, y, z of the camera of one frame in the dataset's own house, Z up: storeys stand above each other."""
        return self._poses[index][:3, 3]

    def pose(self, index: int) -> np.ndarray:
        """4×4 float64 ``camera_to_map`` of one frame, on the flat map with its floor at z = 0."""
        pose = self._poses[index].copy()
        pose[:3, 3] += next((s.shift for s in self.storeys if index in s.frames), (0.0, 0.0, 0.0))
        return pose

    def frames(self, visit: str, start: float, sidecar: Sidecar | None = None) -> Iterator[Frame]:
        """The frames in order, the first at ``start`` (UTC s), one a second; index: the number in the file name.

        sidecar: where instance pictures and facts go before each frame, for the simulated detector.
        """
        if sidecar is not None:
            sidecar.put_facts(visit, 0, self.facts())
        for index in self.indices:
            yield self.frame(index, visit, start, sidecar)

    def frame(self, index: int, visit: str, start: float, sidecar: Sidecar | None = None) -> Frame:
        """One frame; see :meth:`frames`, which also tells the sidecar the facts."""
        pose = self.pose(index)
        color = cameras.fit_color(self._picture(index, "rgb", self._color), self._color, self.camera)
        frame = Frame(
            FrameRef(visit, index), start + index * FRAME_SECONDS, color, self._metres(index),
            cameras.base_under(pose), pose, self.camera,
        )  # fmt: skip
        if sidecar is not None:
            instance = self._picture(index, "instance", self._color)
            sidecar.put(frame.ref, cameras.fit_pixels(instance, self._color, self.camera), view_cell(frame.base_to_map))
        return frame

    def facts(self) -> dict[int, dict]:
        """{instance number: label, attributes, states, kind} of ``instances.json``; InputError where it is wrong."""
        path = self.folder / "instances.json"
        raw = read_json(path)
        rows = Fields(raw, str(path)).raw
        facts = {}
        for number, row in rows.items():
            fields = Fields(row, f"{path}: instance {number!r}")
            if not number.isdigit() or not 0 < int(number) < 65536:
                raise InputError(f"{path}: {number!r} is no instance number; use whole numbers from 100 to 65535")
            facts[int(number)] = {
                "label": fields.text("label", most=200), "attributes": fields.mapping("attributes", {}),
                "states": fields.mapping("states", {}), "kind": fields.text("kind", choices=("thing", "furniture")),
            }  # fmt: skip
        return facts

    # -- inside -------------------------------------------------------------------------------------------------

    def _file(self, name: str) -> Path:
        paths = [folder / name for folder in (self.folder, *self._beside)]
        return next((p for p in paths if p.is_file()), paths[0])

    def _numbered(self, index: int, end: str) -> Path:
        return self._file(f"{index:0{self._digits}d}{end}")

    def _picture(self, index: int, kind: str, expected: Pinhole) -> np.ndarray:
        path = self._numbered(index, f"-{kind}.png")
        if kind == "depth" and not path.is_file():
            raise InputError(f"{path} is missing: this folder was extracted with --rgb-only, and nothing can be placed "
                             "without depth; extract it again without that option")  # fmt: skip
        image = read_picture(path, "color" if kind == "rgb" else "number")
        if image.shape[:2] != (expected.height, expected.width):
            raise InputError(f"{path} has {image.shape[1]} × {image.shape[0]} pixels, the first {kind} picture has "
                             f"{expected.width} × {expected.height}; extract the episode again")  # fmt: skip
        return image

    def _metres(self, index: int) -> np.ndarray:
        depth = cameras.fit_pixels(self._picture(index, "depth", self._depth), self._depth, self.camera)
        return (depth * LAYOUTS[self.layout].depth_m).astype(np.float32)

    def _pinholes(self, index: int) -> tuple[Pinhole, Pinhole]:
        found = []
        for kind, name in (("rgb", "intrinsic_color.txt"), ("depth", "intrinsic_depth.txt")):
            path = self._numbered(index, f"-{kind}.png")
            if kind == "depth" and not path.is_file():
                self._picture(index, kind, Pinhole(1, 1, 1, 1, 0, 0))  # says what is missing
            height, width = read_picture(path, "color" if kind == "rgb" else "number").shape[:2]
            matrix, layout = read_numbers(self._file(name), (4, 4)), LAYOUTS[self.layout]
            if layout.square:
                matrix[1, 1] = matrix[0, 0]
            found.append(cameras.pinhole(matrix, (width, height), str(self._file(name)), layout.corner))
        return found[0], found[1]

    def _pose(self, index: int) -> np.ndarray | None:
        """``camera_to_world``, Z up, or None where tracking was lost (ScanNet writes infinities then)."""
        path = self._numbered(index, ".txt")
        if not path.is_file():
            raise InputError(f"{path} is missing (the camera's pose); extract the episode again without --rgb-only. A "
                             ".pkl is not read: unpickling a file from outside runs what is in it")  # fmt: skip
        pose = read_numbers(path, (4, 4))
        if not np.isfinite(pose).all():
            return None
        return LAYOUTS[self.layout].to_map(cameras.rigid(pose, str(path)))

    def _with_storeys(self) -> Episode:
        positions = np.array([self.position(i) for i in self.indices])
        levels = levels_of(positions[:, 2])
        floors = []
        for level in range(levels.max() + 1):
            inside = np.flatnonzero(levels == level)
            some = inside[np.linspace(0, len(inside) - 1, min(FLOOR_FRAMES, len(inside))).astype(int)]
            points = [self._points(self.indices[i]) for i in some]
            floors.append(floor_under(points, float(np.median(positions[inside, 2]))))
        found = side_by_side(positions, levels, floors)
        shifted = tuple(replace(s, frames=frozenset(self.indices[i] for i in s.frames)) for s in found)
        main = [self._poses[i] for i in self.indices if i in shifted[0].frames]
        eye = float(np.median([pose[2, 3] for pose in main])) + shifted[0].shift[2]
        pitch = float(np.median([cameras.pitch_of(pose) for pose in main]))
        camera = replace(self.camera, height_m=round(eye, 3), pitch_deg=round(pitch, 2))
        return replace(self, storeys=shifted, camera=camera)

    def _points(self, index: int) -> np.ndarray:
        """World points, N 3, of every eighth pixel with a return."""
        depth, camera = self._metres(index)[::8, ::8], self.camera
        rows, columns = np.nonzero(depth > 0)
        z = depth[rows, columns].astype(np.float64)
        x = (columns * 8 + 0.5 - camera.width / 2) / camera.focal * z
        y = (rows * 8 + 0.5 - camera.height / 2) / camera.focal * z
        pose = self._poses[index]
        return np.column_stack((x, y, z)) @ pose[:3, :3].T + pose[:3, 3]


def _names(folder: Path) -> dict[int, str]:
    """{number: its digits} of the colour pictures, in order."""
    if not folder.is_dir():
        raise InputError(f"no episode folder {folder}; download or extract this episode, or ask about others")
    found = sorted((m[1] for m in map(_NAME.fullmatch, (p.name for p in folder.iterdir())) if m), key=int)
    if not found:
        raise InputError(f"{folder} has no pictures such as 00000-rgb.png; extract the episode there")
    if len(found) > MAX_FRAMES:
        raise InputError(f"{folder} has {len(found)} frames, the limit is {MAX_FRAMES}; split the episode")
    if len({len(name) for name in found}) > 1:
        raise InputError(f"{folder} mixes names of different lengths ({found[0]}, {found[-1]}); keep one extraction")
    return {int(name): name for name in found}

