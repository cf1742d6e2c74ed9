"""Instance images and their facts, kept beside the palace and never in it.

Only the simulator writes a sidecar and only the simulated detector opens it: it stands in for what a
real detector would read from the pixels. A folder holds ``VISIT/000012.png`` (16 bit, the true
viewpoint cell as text in the file) and ``VISIT/facts.json``.
"""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from embodied_mem.errors import EmbodiedMemError, InputError
from embodied_mem.types import FrameRef

Cell = tuple[int, int, int]
_CELL_M, _CELL_RAD = 0.5, math.radians(30)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def viewpoint_cell(x: float, y: float, yaw: float) -> Cell:
    """The cell of half a metre and 30° that a camera looks from (metres, radians): what is seen from it looks alike."""
    return math.floor(x / _CELL_M), math.floor(y / _CELL_M), math.floor((yaw % (2 * math.pi)) / _CELL_RAD)


class MissingSidecar(EmbodiedMemError, LookupError):
    """There is no instance image (or no facts) for this frame: the simulated detector cannot look at it."""

    def __str__(self) -> str:  # LookupError alone would not quote, KeyError would; say the message plainly.
        return str(self.args[0]) if self.args else ""


class Sidecar:
    """Instance images by frame. ``folder`` None keeps the latest ``capacity`` frames in memory only.

    Facts are ``{instance id: {"label": str, "attributes": dict, "states": dict, "kind": "thing"|"furniture"}}``
    and hold from a frame index on, until the next facts of that visit.
    """

    def __init__(self, folder: str | Path | None, capacity: int = 1000) -> None:
        self.folder = None if folder is None else Path(folder)
        self._capacity = capacity
        # Compressed: an instance image is mostly flat, 150 kB shrink to a few.
        self._frames: OrderedDict[FrameRef, tuple[bytes | Callable, tuple[int, int], Cell]] = OrderedDict()
        self._facts: dict[str, list[tuple[int, dict[int, dict]]]] = {}
        self._read_at: dict[str, int] = {}  # modification time of the facts file that was read last

    def put_late(self, ref: FrameRef, draw: Callable[[], np.ndarray], cell: Cell) -> None:
        """As :meth:`put`, in memory only; the image is drawn when somebody asks for it."""
        self._keep(ref, draw, (0, 0), cell)

    def _keep(self, ref: FrameRef, data: bytes | Callable, shape: tuple[int, int], cell: Cell) -> None:
        self._frames[ref] = (data, shape, cell)
        self._frames.move_to_end(ref)
        while len(self._frames) > self._capacity:
            self._frames.popitem(last=False)

    def put(self, ref: FrameRef, instance: np.ndarray, cell: Cell) -> None:
        """Keep one instance image (uint16 H W) and the true viewpoint cell (ix, iy, iyaw) it was taken from."""
        if instance.ndim != 2 or instance.dtype != np.uint16:
            raise InputError(f"instance image of {ref} is {instance.dtype} {instance.shape}; it must be uint16 H W")
        cell = (int(cell[0]), int(cell[1]), int(cell[2]))
        if self.folder is None:
            self._keep(ref, zlib.compress(instance.tobytes(), 1), instance.shape, cell)
        else:
            _write_png(self._path(ref), instance, cell)

    def get(self, ref: FrameRef) -> tuple[np.ndarray, Cell]:
        """The instance image (uint16 H W) and viewpoint cell of a frame; raises MissingSidecar."""
        if self.folder is None:
            if ref not in self._frames:
                raise MissingSidecar(f"no instance image of frame {ref} in memory; look again instead")
            if callable(self._frames[ref][0]):
                self.put(ref, self._frames[ref][0](), self._frames[ref][2])
            data, shape, cell = self._frames[ref]
            return np.frombuffer(zlib.decompress(data), np.uint16).reshape(shape), cell
        try:
            return _read_png(self._path(ref))
        except FileNotFoundError:
            raise MissingSidecar(
                f"no instance image of frame {ref} under {self.folder}; record the visit again with a sidecar folder"
            ) from None
        except (OSError, SyntaxError, KeyError, ValueError) as error:
            raise MissingSidecar(f"damaged image {self._path(ref)}: {error}; record the visit again") from error

    def put_facts(self, visit: str, from_index: int, facts: dict[int, dict]) -> None:
        """From frame ``from_index`` of ``visit`` on, the instances are these."""
        entries = [entry for entry in self._load_facts(visit) if entry[0] < from_index]
        entries.append((int(from_index), {int(key): dict(value) for key, value in facts.items()}))
        self._facts[visit] = entries
        if self.folder is not None:
            _write_atomically(self._visit_folder(visit) / "facts.json", json.dumps(entries).encode())

    def facts(self, ref: FrameRef) -> dict[int, dict]:
        """What the instances of this frame are; raises MissingSidecar."""
        for from_index, facts in reversed(self._load_facts(ref.visit)):
            if from_index <= ref.index:
                return facts
        raise MissingSidecar(f"no facts for frame {ref}; the simulator must put them before it returns the frame")

    def _load_facts(self, visit: str) -> list[tuple[int, dict[int, dict]]]:
        if self.folder is not None:
            path = self._visit_folder(visit) / "facts.json"
            written = path.stat().st_mtime_ns if path.exists() else None
            if written != self._read_at.get(visit):
                self._facts[visit] = _read_facts(path) if written else []
                self._read_at[visit] = written
        return self._facts.get(visit, [])

    def _visit_folder(self, visit: str) -> Path:
        if not _NAME.fullmatch(visit):
            raise InputError(f"visit name {visit!r} cannot be a folder; use letters, digits, '_', '-' and '.'")
        return self.folder / visit

    def _path(self, ref: FrameRef) -> Path:
        return self._visit_folder(ref.visit) / f"{ref.index:06d}.png"


def _read_facts(path: Path) -> list[tuple[int, dict[int, dict]]]:
    try:
        raw = json.loads(path.read_bytes())
        return [(int(index), {int(key): dict(value) for key, value in facts.items()}) for index, facts in raw]
    except (ValueError, TypeError, AttributeError) as error:
        raise MissingSidecar(f"damaged facts {path}: {error}; record the visit again") from error


def _write_png(path: Path, instance: np.ndarray, cell: Cell) -> None:
    from io import BytesIO

    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("cell", " ".join(map(str, cell)))
    buffer = BytesIO()
    Image.fromarray(instance).save(buffer, "PNG", compress_level=1, pnginfo=info)
    _write_atomically(path, buffer.getvalue())


def _read_png(path: Path) -> tuple[np.ndarray, Cell]:
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image).astype(np.uint16)
        ix, iy, iyaw = map(int, image.text["cell"].split())
    return pixels, (ix, iy, iyaw)


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)
