"""Arrays come back as they were, and bytes that no array made are refused without being believed."""

from __future__ import annotations

import math
import tracemalloc
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ibtui_engine.errors import SessionError
from ibtui_engine.session.codec import (
    cells,
    inflate,
    members_and_labels,
    pack_bits,
    pack_numbers,
    pack_weights,
    unpack_bits,
    unpack_numbers,
    unpack_weights,
)
from ibtui_engine.session.columns import Column

SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0])


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=30), elements=SINGLES))
def test_weights_come_back_to_the_last_bit(weights: np.ndarray) -> None:
    found = unpack_weights(pack_weights(weights), *weights.shape)
    assert found.dtype == np.float32
    assert found.shape == weights.shape
    assert np.array_equal(found.view(np.uint32), weights.view(np.uint32))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_weights_that_are_no_numbers_are_refused(value: float) -> None:
    weights = np.ones((3, 4), np.float32)
    weights[1, 2] = value
    with pytest.raises(SessionError, match="some of its weights are no finite numbers"):
        unpack_weights(pack_weights(weights), 3, 4)


def test_weights_of_more_than_the_limit_are_refused_before_they_are_inflated() -> None:
    with pytest.raises(SessionError, match="4000000000 bytes of weights; allowed are at most 1000000000"):
        unpack_weights(b"", 1000, 1_000_000)


def test_weights_that_do_not_lie_in_order_come_back_too() -> None:
    weights = np.arange(12, dtype=np.float32).reshape(3, 4).T
    assert np.array_equal(unpack_weights(pack_weights(weights), 4, 3), weights)


def test_weights_are_planes_of_bytes_that_any_program_can_read() -> None:
    data = zlib.decompress(pack_weights(np.array([[1.0, -2.0]], np.float32)))
    assert data == bytes([0, 0, 0, 0, 0x80, 0x00, 0x3F, 0xC0])  # 0x3F800000 and 0xC0000000, byte 0 of both first


@given(
    arrays(
        st.sampled_from([np.dtype(name) for name in ("uint8", "float32", "float64", "int64", ">f8", ">i4")]),
        array_shapes(max_dims=3, max_side=12),
    )
)
def test_numbers_come_back_to_the_last_bit_whatever_the_order_of_bytes(numbers: np.ndarray) -> None:
    name = numbers.dtype.newbyteorder("=").name
    found = unpack_numbers(pack_numbers(numbers), name, numbers.shape)
    assert found.dtype == np.dtype(name)
    assert found.tobytes() == numbers.astype(name).tobytes()
    found[...] = 0  # what comes back belongs to whoever asked


@given(arrays(np.uint8, st.integers(0, 200), elements=st.integers(0, 1)))
def test_flags_come_back(flags: np.ndarray) -> None:
    data = pack_bits(flags)
    assert len(data) == -(-len(flags) // 8)
    assert np.array_equal(unpack_bits(data, len(flags)), flags)


def test_the_first_flag_is_the_most_significant_bit() -> None:
    assert pack_bits(np.array([1, 0, 0, 0, 0, 0, 1, 0, 1], np.uint8)) == bytes([0x82, 0x80])


@pytest.mark.parametrize("count", [-1, 0, 7, 17, 100, 10**12])
def test_too_few_or_too_many_flags_are_refused(count: int) -> None:
    with pytest.raises(SessionError, match="damaged"):
        unpack_bits(b"ab", count)


@given(st.data(), st.integers(1, 60))
def test_a_sample_is_its_members_and_their_labels(data: st.DataObject, total: int) -> None:
    patterns = np.array(sorted(data.draw(st.sets(st.integers(0, total - 1), min_size=1))), np.int64)
    labels = data.draw(arrays(np.uint8, len(patterns), elements=st.integers(0, 1)))
    members, ones = (unpack_bits(bits, total) for bits in members_and_labels(patterns, labels, total))
    assert np.array_equal(np.flatnonzero(members), patterns)
    assert np.array_equal(ones[patterns], labels)
    assert ones.sum() == labels.sum()  # none outside the sample


@given(st.binary(max_size=300))
def test_inflating_gives_exactly_the_bytes_that_were_compressed(raw: bytes) -> None:
    data = zlib.compress(raw)
    assert inflate(data, len(raw)) == raw
    for size in {0, len(raw) - 1, len(raw) + 1, 10 * len(raw) + 5} - {len(raw)}:
        with pytest.raises(SessionError, match="damaged"):
            inflate(data, size)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 10**6))
def test_damaged_bytes_are_refused(raw: bytes, where: int) -> None:
    data = zlib.compress(raw)
    with pytest.raises(SessionError, match="damaged"):
        inflate(data[: where % len(data)], len(raw))
    flipped = bytearray(data)
    flipped[where % len(data)] ^= 1 << where % 8
    with suppress(SessionError):
        assert inflate(bytes(flipped), len(raw)) == raw  # a bit that says nothing, such as the level's


@given(st.binary(max_size=60), st.integers(-5, 100))
def test_any_bytes_are_numbers_or_damaged(data: bytes, size: int) -> None:
    with suppress(SessionError):
        assert len(inflate(data, size)) == size


@pytest.mark.parametrize("data", [None, "text", 5, 2.5])
def test_what_is_no_bytes_is_damaged(data: object) -> None:
    with pytest.raises(SessionError, match="damaged"):
        inflate(data, 10)  # type: ignore[arg-type]
    with pytest.raises(SessionError, match="damaged"):
        unpack_bits(data, 10)  # type: ignore[arg-type]


def test_a_bomb_is_never_inflated_beyond_what_belongs_there() -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    tracemalloc.start()
    try:
        with pytest.raises(SessionError, match="damaged"):
            inflate(bomb, 1000)
        with pytest.raises(SessionError, match="damaged"):
            inflate(bomb, -1)
        with pytest.raises(SessionError, match="damaged"):
            unpack_weights(bomb, 10, 25)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_size_that_no_memory_holds_is_refused() -> None:
    data = zlib.compress(b"abc")
    for shape in ((2**62, 2**62), (2**31, 2**31), (-1, 4)):
        with pytest.raises(SessionError, match="damaged"):
            unpack_numbers(data, "float64", shape)
    with pytest.raises(SessionError, match="damaged"):
        unpack_weights(data, 2**40, 2**40)
    with pytest.raises(SessionError, match="damaged"):
        unpack_weights(data, -1, 1)


@given(st.lists(st.floats()))
def test_values_that_are_not_finite_are_absent_where_a_column_may_lack_them(values: list[float]) -> None:
    found = cells(Column("it", "REAL"), np.array(values, np.float64))
    assert found == [value if math.isfinite(value) else None for value in values]
    assert all(value is None or type(value) is float for value in found)  # what SQLite takes
    always = cells(Column("it", "REAL NOT NULL"), np.array(values, np.float64))
    assert np.array_equal(np.array(always, np.float64), np.array(values, np.float64), equal_nan=True)
