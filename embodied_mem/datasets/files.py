"""Files from outside: read within limits, checked field by field; errors name file, field, value and fix.

Nothing is unpickled. Compressed files are read up to a limit of plain bytes, so that a small file cannot fill memory.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from embodied_mem.errors import InputError

MAX_JSON = 2**30  # plain bytes: FindingDory's and MP3D's largest episode files are a few hundred MB
MAX_PIXELS = 2**24  # 4096 × 4096; HM3D's frames have 2 million
MAX_ARRAY = 2**31  # bytes
MAX_TEXT = 2**16  # bytes of a file of a few numbers
_REPAIR = "correct the file or download it again"
_MISSING = "check the folder, or download that part of the dataset"


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a file, decompressed where its name ends in ``.gz``; InputError beyond ``limit`` plain bytes."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise InputError(f"no file {path}; {_MISSING}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); {_REPAIR}") from error
    if len(data) > limit:
        raise InputError(f"{path} has more than {limit} bytes (decompressed), the limit of such a file; {_REPAIR}")
    return data


def read_json(path: Path, limit: int = MAX_JSON) -> Any:
    """The content of a ``.json`` or ``.json.gz``; InputError where it is missing, too large or no JSON."""
    try:
        return json.loads(read_bytes(path, limit))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}); {_REPAIR}") from error


def read_numbers(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A text file of numbers, as numpy writes a small matrix: float64 of ``shape``, infinities and NaN included."""
    text = read_bytes(path, MAX_TEXT)
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise InputError(f"{path} must hold numbers only ({error}); {_REPAIR}") from error
    if values.size != math.prod(shape):
        raise InputError(f"{path} holds {values.size} numbers, expected {' × '.join(map(str, shape))}; {_REPAIR}")
    return values.reshape(shape)


def read_array(path: Path, row: tuple[int, ...], limit: int = MAX_ARRAY) -> np.ndarray:
    """A ``.npy`` of finite numbers with N rows of shape ``row``, float64. Its header is checked before it is loaded."""
    if not path.is_file():
        raise InputError(f"no file {path}; {_MISSING}")
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, kind = read(file)
        if kind.hasobject or kind.kind not in "fiu":
            raise InputError(f"{path} holds {kind}, expected numbers; objects are never unpickled, {_REPAIR}")
        if len(shape) != len(row) + 1 or shape[1:] != row:
            raise InputError(f"{path} has shape {shape}, expected (N, {', '.join(map(str, row))}); {_REPAIR}")
        if math.prod(shape) * 8 > limit:
            raise InputError(f"{path} takes {math.prod(shape) * 8} bytes of memory, the limit is {limit}; split it")
        values = np.load(path, allow_pickle=False).astype(np.float64)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} is no array file ({error}); {_REPAIR}") from error
    if not np.isfinite(values).all():
        bad = int(np.argwhere(~np.isfinite(values))[0][0])
        raise InputError(f"{path}: row {bad} is not finite; {_REPAIR}")
    return values


def read_picture(path: Path, kind: str) -> np.ndarray:
    """An image file: kind "color" gives uint8 H W 3, "number" (one number a pixel, PNG) gives uint16 H W."""
    from PIL import Image

    if not path.is_file():
        raise InputError(f"no image {path}; check the folder, or extract the frames again")
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"{path} has {image.width} × {image.height} pixels, the limit is {MAX_PIXELS} in all; "
                                 "scale the frames down")  # fmt: skip
            if kind == "color":
                return np.asarray(image.convert("RGB"))
            if image.mode not in ("I;16", "I;16B", "I", "L"):
                raise InputError(f"{path} has mode {image.mode}, expected a 16-bit number a pixel; extract it again")
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is no readable PNG or JPEG ({error}); extract the frames again") from error
    if pixels.min() < 0 or pixels.max() > 65535:
        raise InputError(f"{path} holds numbers outside 0..65535; extract it again")
    return pixels.astype(np.uint16)


class Fields:
    """One JSON object of a dataset, read field by field: ``Fields(raw, "file.json: episode 3").text("scene_id")``.

    Every reader raises InputError that names the place, the field, what was found and what is expected; ``default``
    (where given) stands for a field that is missing or null.
    """

    _NEEDED: Any = object()

    def __init__(self, raw: Any, where: str) -> None:
        if not isinstance(raw, dict):
            raise InputError(f"{where} is {show(raw)}, expected an object of fields; {_REPAIR}")
        self.raw, self.where = raw, where

    def text(self, name: str, default: Any = _NEEDED, choices: tuple[str, ...] = (), most: int = 10_000) -> str:
        """A string of 1 to ``most`` characters (empty only as the default)."""
        expected = f"one of {', '.join(choices)}" if choices else f"a text of 1 to {most} characters"
        return self._read(
            name, default, expected,
            lambda v: isinstance(v, str) and 0 < len(v) <= most and (not choices or v in choices),
        )  # fmt: skip

    def name(self, name: str, default: Any = _NEEDED) -> str:
        """An id: a text, or a whole number, which becomes one."""
        value = self._read(name, default, "a text or a whole number", lambda v: type(v) is int or _is_text(v))
        return str(value) if type(value) is int else value

    def whole(self, name: str, default: Any = _NEEDED, low: int = 0, high: int = 2**31) -> int:
        """An integer from ``low`` to ``high``."""
        return self._read(name, default, f"a whole number from {low} to {high}", lambda v: _is_whole(v, low, high))

    def number(self, name: str, default: Any = _NEEDED) -> float:
        """A finite number."""
        value = self._read(name, default, "a finite number", _is_number)
        return float(value) if _is_number(value) else value

    def numbers(self, name: str, count: int, default: Any = _NEEDED) -> np.ndarray:
        """float64 of ``count`` finite numbers."""
        value = self._read(
            name, default, f"a list of {count} finite numbers",
            lambda v: isinstance(v, list) and len(v) == count and all(map(_is_number, v)),
        )  # fmt: skip
        return np.array(value, dtype=np.float64) if isinstance(value, list) else value

    def texts(self, name: str, default: Any = _NEEDED) -> tuple[str, ...]:
        """A list of strings; empty ones are left out (OpenEQA has one)."""
        value = self.items(name, default)
        for i, item in enumerate(value or ()):
            if not _is_text(item) and item != "":
                raise self.refusal(name, f"a list of texts (its item {i} is {show(item)})")
        return tuple(item for item in value if item) if isinstance(value, list) else value

    def wholes(self, name: str, default: Any = _NEEDED, high: int = 2**31) -> tuple[int, ...]:
        """A list of integers from 0 to ``high``."""
        value = self.items(name, default)
        for i, item in enumerate(value or ()):
            if not _is_whole(item, 0, high):
                raise self.refusal(name, f"whole numbers from 0 to {high} (its item {i} is {show(item)})")
        return tuple(value) if isinstance(value, list) else value

    def items(self, name: str, default: Any = _NEEDED) -> list:
        """A list of anything."""
        return self._read(name, default, "a list", lambda v: isinstance(v, list))

    def objects(self, name: str, default: Any = _NEEDED) -> list[Fields]:
        """A list of objects, each with its place in the file."""
        return [Fields(raw, f"{self.where}, {name}[{i}]") for i, raw in enumerate(self.items(name, default))]

    def mapping(self, name: str, default: Any = _NEEDED) -> dict:
        """An object whose keys are data."""
        return self._read(name, default, "an object", lambda v: isinstance(v, dict))

    def inside(self, name: str) -> Fields:
        """An object of fields inside this one."""
        return Fields(self.mapping(name), f"{self.where}, {name}")

    def quaternion(self, name: str, default: Any = _NEEDED) -> np.ndarray:
        """A unit quaternion x y z w (float64, within 1e-3 of length 1, normalised)."""
        value = self.numbers(name, 4, default)
        if value is default:
            return value
        length = float(np.linalg.norm(value))
        if abs(length - 1) > 1e-3:
            raise self.refusal(name, f"a unit quaternion x y z w (its length is {length:.4g})")
        return value / length

    def refusal(self, name: str, expected: str) -> InputError:
        """The error for a field that is not what it must be."""
        found = show(self.raw[name]) if name in self.raw else "missing"
        return InputError(f"{self.where}: field {name!r} is {found}, expected {expected}; {_REPAIR}")

    def _read(self, name: str, default: Any, expected: str, good: Any) -> Any:
        value = self.raw.get(name)
        if value is None and default is not Fields._NEEDED:
            return default
        if not good(value):
            raise self.refusal(name, expected)
        return value


def rows_of(raw: Any, where: str) -> list[Fields]:
    """The objects of a JSON list; InputError for anything else."""
    if not isinstance(raw, list):
        raise InputError(f"{where} holds {show(raw)}, expected a list of objects; {_REPAIR}")
    return [Fields(row, f"{where}: row {i}") for i, row in enumerate(raw)]


def safe_name(fields: Fields, name: str, default: Any = Fields._NEEDED) -> str:
    """A relative path out of a file that is to be opened below a folder: no way up, no absolute path."""
    value = fields.text(name, default, most=500)
    if value is not default and (re.search(r"(^|[\\/])\.\.([\\/]|$)|^[\\/~]|[\x00-\x1f:]", value)):
        raise fields.refusal(name, "a path below the dataset's folder, without '..'")
    return value


def show(value: Any) -> str:
    """A value as an error says it: short, with its type where that is not plain."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e15  # NaN compares false, so does infinity


def _is_whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 10_000
