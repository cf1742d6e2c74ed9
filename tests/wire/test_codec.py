"""What goes out comes in the same; what is damaged or too much is refused before it costs memory."""

from __future__ import annotations

import contextlib
import math
import tracemalloc

import msgpack
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embodied_mem.errors import InputError
from embodied_mem.wire.codec import MAX_DEPTH, decode, encode

NUMBERS = st.sampled_from(["?", "<i1", "<u2", ">i4", "<u8", "<f2", ">f4", "<f8"]).map(np.dtype)
SHAPES = st.sampled_from([(), (0,), (5,), (3, 0, 2), (2, 3, 4), (1, 1, 1, 1)])
NOISE = st.randoms(use_true_random=False).map(lambda r: r.getrandbits(8 * 192).to_bytes(192, "little"))
ARRAYS = st.builds(lambda d, s, noise: np.frombuffer(noise, d, math.prod(s)).reshape(s).copy(), NUMBERS, SHAPES, NOISE)
SCALARS = st.builds(lambda d, noise: np.frombuffer(noise, d)[0], NUMBERS, NOISE)
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
KEYS = st.text() | st.integers(0, 2**16)
VALUES = st.recursive(
    PLAIN | ARRAYS | SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)
MESSAGES = st.dictionaries(KEYS, VALUES, max_size=5)
IMAGE = encode({"color": np.arange(24, dtype=np.uint8).reshape(2, 4, 3), "time": 1.5, "ref": ["v0", 3]})


@given(MESSAGES)
def test_a_message_comes_back_bit_for_bit(message):
    assert same(decode(encode(message)), message)


def test_decoded_arrays_are_read_only_and_transposed_ones_travel():
    array = np.arange(6.0).reshape(2, 3).T
    back = decode(encode({"a": array}))["a"]
    assert np.array_equal(back, array) and not back.flags.writeable


def test_arrays_look_as_openpi_writes_them():
    plain = msgpack.unpackb(encode({"a": np.float32([1, 2])}), strict_map_key=False)
    assert plain == {"a": {b"__ndarray__": True, b"data": b"\0\0\x80?\0\0\0@", b"dtype": "<f4", b"shape": [2]}}


@pytest.mark.parametrize("value", [
    np.array(["a", None], object), np.array([1j]), np.zeros(2, "i4,f4"), np.array(["text"]), np.datetime64("2027-03"),
    object(), {1, 2}, 2**64, "\ud800",
])  # fmt: skip
def test_what_has_no_plain_form_is_not_sent(value):
    with pytest.raises(InputError, match="cannot be sent"):
        encode({"value": value})


@given(st.binary(max_size=200))
@example(b"\xc1")
def test_garbage_is_refused_and_nothing_else_happens(data):
    decoded_or_refused(data)


@given(st.integers(0, len(IMAGE) - 1), st.integers(0, 255))
def test_so_is_a_message_with_one_wrong_byte(at, byte):
    decoded_or_refused(IMAGE[:at] + bytes([byte]) + IMAGE[at + 1 :])


@settings(max_examples=25)
@given(MESSAGES)
def test_a_message_cut_off_anywhere_or_followed_by_more_is_refused(message):
    data = encode(message)
    for cut in range(0, len(data), max(1, len(data) // 16)):
        with pytest.raises(InputError):
            decode(data[:cut])
    with pytest.raises(InputError, match="follow"):
        decode(data + b"\0")


def array_of(dtype: str, shape: list, data: bytes = b"") -> bytes:
    return msgpack.packb({"a": {b"__ndarray__": True, b"data": data, b"dtype": dtype, b"shape": shape}})


@pytest.mark.parametrize("data, why", [
    (b"\xdd\xff\xff\xff\xff", "more than"),  # a list that claims four billion values
    (b"\x81\xa1a\xdf\xff\xff\xff\xff", "more than"),
    (b"\x81\xa1a\xc6\xff\xff\xff\xff", "cut off"),  # four billion bytes that are not there
    (b"\x81\xa1a" + b"\x91" * 1_000_000 + b"\xc0", "deep"),
    (b"\x81\xa1a\xdd\x00\x0f\x42\x40" + b"\x80" * 1_000_000, "more than"),  # a million empty maps: 64 MB of Python
    (b"\x81\xa1a\xc7\x01\x05\x00", "0xc7"),  # an extension type
    (b"\x93\x01\x02\x03", "one map"),
    (b"\x81\xa1a\xa1\xff", "damaged"),  # no UTF-8
    (b"\x81\x90\x01", "damaged"),  # a list as a key
    (array_of("|O", [1], b"\0" * 8), "dtype"),
    (array_of("<c16", [1], b"\0" * 16), "dtype"),
    (array_of("|V4", [1], b"\0" * 4), "dtype"),
    (array_of("i4,f4", [1], b"\0" * 8), "dtype"),
    (array_of("<f4", [1 << 60]), "must hold"),
    (array_of("<f4", [-1], b"\0" * 4), "shape"),
    (array_of("<f4", [1] * 9, b"\0" * 4), "shape"),
    (array_of("<f4", [2], b"\0" * 4), "must hold 8 bytes"),
    (msgpack.packb({"a": {b"__npgeneric__": True, b"data": 300, b"dtype": "|u1"}}), "damaged"),
])  # fmt: skip
def test_hostile_messages_are_refused_without_memory(data, why):
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=why):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_limits_hold_for_what_is_sent_too():
    deep: dict = {}
    for _ in range(MAX_DEPTH):
        deep = {"a": deep}
    with pytest.raises(InputError, match="deep"):
        encode(deep)
    with pytest.raises(InputError, match="values"):
        encode({"a": [0] * 200_000})
    with pytest.raises(InputError, match="2006 bytes, the limit is 1000"):
        encode({"a": b"0" * 2000}, max_bytes=1000)


def decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(decode(data), dict)


def same(a, b) -> bool:
    if isinstance(b, (np.ndarray, np.generic)) and not isinstance(b, np.float64):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(b, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in b)
    if isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (a != a and b != b)
