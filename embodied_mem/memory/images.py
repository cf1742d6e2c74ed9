"""Content-addressed image files: ``images/ab/abcdef….jpg`` for colour, ``….png`` for depth.

Colour is JPEG of quality 90; depth is a 16-bit PNG in millimetres at half resolution (nearest neighbour).
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from embodied_mem.errors import PalaceError

MAX_DEPTH_M = 65.535


def encode_color(color: np.ndarray) -> bytes:
    """uint8 H W 3 → JPEG."""
    out = io.BytesIO()
    Image.fromarray(color).save(out, "JPEG", quality=90)
    return out.getvalue()


def encode_depth(depth: np.ndarray) -> bytes:
    """float32 H W metres → PNG of half the resolution; beyond 65.5 m counts as no return (0)."""
    half = depth[::2, ::2]
    mm = np.where(half > MAX_DEPTH_M, 0, np.rint(half * 1000)).astype(np.uint16)
    out = io.BytesIO()
    Image.fromarray(mm).save(out, "PNG", compress_level=1)
    return out.getvalue()


def decode_color(data: bytes) -> np.ndarray:
    """JPEG → uint8 H W 3."""
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def decode_depth(data: bytes, height: int, width: int) -> np.ndarray:
    """PNG → float32 ``height`` ``width`` metres, by nearest repeat."""
    half = np.array(Image.open(io.BytesIO(data))).astype(np.float32) / 1000
    return np.repeat(np.repeat(half, 2, axis=0), 2, axis=1)[:height, :width].copy()


class ImageStore:
    """Files named by the hash of their bytes. Written at once, synced together by :meth:`sync`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._unsynced: set[Path] = set()

    def path(self, name: str) -> Path:
        return self.folder / name[:2] / name

    def put(self, data: bytes, suffix: str) -> str:
        """Write bytes, return their name; nothing happens where the same bytes stand already. Raises OSError."""
        name = hashlib.blake2b(data, digest_size=16).hexdigest() + suffix
        path = self.path(name)
        self._unsynced.add(path)
        # An equal file may be a leftover of a killed run; its bytes are compared because it may be torn.
        if path.exists() and path.read_bytes() == data:
            return name
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(name + ".new")
        try:
            half.write_bytes(data)
            half.replace(path)
        except OSError:
            half.unlink(missing_ok=True)
            self._unsynced.discard(path)
            raise
        return name

    def sync(self) -> None:
        """Put every file since the last call, and the folders that name them, on the disk."""
        folders = {self.folder.parent, self.folder} | {path.parent for path in self._unsynced}
        for path in [*sorted(self._unsynced), *sorted(folders)] if self._unsynced else []:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self._unsynced.clear()

    def read(self, name: str) -> bytes:
        """The bytes of a name; PalaceError where the file is missing or not what its name says."""
        path = self.path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PalaceError(
                f"image {path} cannot be read ({error.strerror}); reopen the palace for writing to drop it"
            ) from error
        if hashlib.blake2b(data, digest_size=16).hexdigest() != path.stem:
            raise PalaceError(f"image {path} is damaged ({len(data)} bytes, wrong hash); restore it or record again")
        return data

    def intact(self, name: str, size: int) -> bool:
        """Whether the file is there with the length it had when written (cheap; :meth:`read` checks every byte)."""
        try:
            return self.path(name).stat().st_size == size
        except OSError:
            return False
