"""Messages as msgpack, arrays in openpi's way (openpi-client ``msgpack_numpy``), refused before anything is built.

An array is a map with bytes keys ``{b"__ndarray__": True, b"data", b"dtype", b"shape"}``, a numpy scalar
``{b"__npgeneric__": True, b"data", b"dtype"}``. The limits hold for what is sent as for what is received, so what
:func:`encode` returns is what :func:`decode` accepts.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgpack
import numpy as np

from embodied_mem.errors import InputError

#: Of one message: bytes, values in it (keys included), maps and lists inside each other, axes of an array.
MAX_BYTES = 64 << 20
MAX_VALUES = 100_000
MAX_DEPTH = 16
MAX_AXES = 8

_DTYPE = re.compile(r"[<>|](b1|[iu][1248]|f[248])")


def encode(message: dict, max_bytes: int = MAX_BYTES) -> bytes:
    """A map of None, bools, 64-bit ints, floats, str, bytes, lists, maps, arrays and numpy scalars as one message.

    Keys are text or integers; tuples arrive as lists, float64 scalars as floats. Raises InputError for anything else
    (an array of objects, a complex number, an own class) and for what is over a limit.
    """
    try:
        data = msgpack.packb(message, default=_pack)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"this cannot be sent: {error}; send numbers, text, lists, maps and numeric arrays") from error
    _check(data, max_bytes)
    return data


def decode(data: bytes, max_bytes: int = MAX_BYTES) -> dict:
    """The map in a message; arrays are read-only.

    Raises InputError, before anything is built, for a message that is over a limit, cut off, followed by more,
    no map, or no msgpack.
    """
    _check(data, max_bytes)
    try:
        message = msgpack.unpackb(data, object_hook=_unpack, strict_map_key=False)
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException) as error:
        raise InputError(f"a message is damaged: {error}; both ends must speak msgpack with UTF-8 text") from error
    if not isinstance(message, dict):
        raise InputError(f"a message holds a {type(message).__name__}; it must be one map")
    return message


def _pack(value: Any) -> dict:
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"no place on the wire for a {type(value).__name__}")
    if not _DTYPE.fullmatch(value.dtype.str):
        raise TypeError(f"no place on the wire for numpy's {value.dtype}; numbers and booleans up to 64 bits only")
    if isinstance(value, np.generic):
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": value.dtype.str}
    return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": value.dtype.str, b"shape": value.shape}


def _unpack(raw: dict) -> Any:
    if b"__ndarray__" not in raw and b"__npgeneric__" not in raw:
        return raw
    name, data = raw.get(b"dtype"), raw.get(b"data")
    if not isinstance(name, str) or not _DTYPE.fullmatch(name):
        raise ValueError(f"an array's dtype is {name!r:.40}; numbers and booleans up to 64 bits only")
    dtype = np.dtype(name)
    if b"__npgeneric__" in raw:
        if not isinstance(data, (bool, int, float)):
            raise ValueError(f"a numpy scalar holds a {type(data).__name__}")
        return dtype.type(data)
    shape = raw.get(b"shape")
    if not isinstance(shape, list) or len(shape) > MAX_AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"an array's shape is {shape!r:.80}; it must be at most {MAX_AXES} sizes of at least 0")
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of shape {shape} and {name} must hold {math.prod(shape) * dtype.itemsize} bytes")
    return np.frombuffer(data, dtype).reshape(shape)


# -- the limits: a walk over the heads of all values, which builds nothing and stops at the first value too many -------


def _heads() -> list[tuple[int, int, int] | None]:
    """What each first byte of msgpack announces (the format's specification, "formats" table).

    (bytes of the length field, payload bytes if there is no such field, values inside for each unit of length);
    None for what is refused: the unused byte 0xc1 and the extension types.
    """
    heads: list[tuple[int, int, int] | None] = [(0, 0, 0)] * 256
    for byte in range(0x80, 0xC0):  # fixmap, fixarray: values inside; fixstr: payload
        heads[byte] = (0, byte & 0x1F, 0) if byte >= 0xA0 else (0, byte & 0x0F, 2 if byte < 0x90 else 1)
    for byte in (0xC1, 0xC7, 0xC8, 0xC9, *range(0xD4, 0xD9)):
        heads[byte] = None
    for byte, size in enumerate((4, 8, 1, 2, 4, 8, 1, 2, 4, 8), 0xCA):  # floats, unsigned and signed integers
        heads[byte] = (0, size, 0)
    for byte, field in {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}.items():  # bytes and text
        heads[byte] = (field, 0, 0)
    heads[0xDC], heads[0xDD], heads[0xDE], heads[0xDF] = (2, 0, 1), (4, 0, 1), (2, 0, 2), (4, 0, 2)
    return heads


_HEADS = _heads()


def _check(data: bytes, max_bytes: int) -> None:
    """Refuse what is too large, too deep, too many, cut off or too long for one value."""
    size = len(data)
    if size > max_bytes:
        raise InputError(f"a message has {size} bytes, the limit is {max_bytes}; send less at once (smaller images)")
    at, announced, waiting = 0, 1, [1]  # waiting: how many values are still to come on each level
    while waiting:
        if not waiting[-1]:
            waiting.pop()
            continue
        waiting[-1] -= 1
        head = _HEADS[data[at]] if at < size else (0, 1, 0)
        if head is None:
            raise InputError(f"a message holds the byte 0x{data[at]:02x} at {at}: no value of this protocol")
        field, length, inside = head
        at += 1
        if field:
            length, at = int.from_bytes(data[at : at + field], "big"), at + field
        if inside:
            waiting.append(length * inside)
            announced += length * inside
            if announced > MAX_VALUES:
                raise InputError(f"a message holds more than {MAX_VALUES} values; send arrays instead of lists")
            if len(waiting) > MAX_DEPTH + 1:
                raise InputError(f"a message nests more than {MAX_DEPTH} deep; send flat maps")
        else:
            at += length
        if at > size:
            raise InputError(f"a message is cut off after {size} bytes; the other end or the way there is damaged")
    if at != size:
        raise InputError(f"{size - at} bytes follow a message; each message is one map")
