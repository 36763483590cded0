"""Vector operations against NumPy. Sums are of small whole numbers, which are exact in any order."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import pytest

from engine.simd import VECTOR_BYTES, add_square_of_sums, add_sums, lanes, load, multiply_add, splat, store

PRECISIONS = [np.float32, np.float64]


@numba.njit
def count_lanes(array):
    return lanes(array)


@numba.njit
def copy(source, row, column, target, target_row, target_column):
    store(target, target_row, target_column, load(source, row, column))


@numba.njit
def axpy(factor, x, y, out):
    store(out, 0, 0, multiply_add(splat(factor), load(x, 0, 0), load(y, 0, 0)))


@numba.njit
def sums(rows, out, row, column):
    add_sums(out, row, column, load(rows, 0, 0), load(rows, 1, 0), load(rows, 2, 0), load(rows, 3, 0))


@numba.njit
def square_of_sums(rows, out, row, column):
    add_square_of_sums(out, row, column, load(rows, 0, 0), load(rows, 1, 0), load(rows, 2, 0), load(rows, 3, 0))


def numbered(dtype: type, rows: int, columns: int) -> np.ndarray:
    return np.arange(1, rows * columns + 1, dtype=dtype).reshape(rows, columns)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_a_vector_is_64_bytes(dtype: type) -> None:
    assert count_lanes(np.zeros((1, 1), dtype)) == VECTOR_BYTES // np.dtype(dtype).itemsize == 64 // dtype().itemsize


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("cut", [lambda a: a, lambda a: a[1:, 3:]], ids=["whole array", "part of an array"])
def test_what_is_loaded_and_stored_lies_at_the_row_and_column(dtype: type, cut: Callable) -> None:
    """Rows that are not as long as their stride, and columns that no vector is aligned to."""
    width = 64 // dtype().itemsize
    source, target = cut(numbered(dtype, 5, 3 * width + 3)), cut(np.zeros((5, 3 * width + 3), dtype))
    copy(source, 2, 5, target, 1, 7)
    expected = np.zeros_like(target)
    expected[1, 7 : 7 + width] = source[2, 5 : 5 + width]
    assert np.array_equal(target, expected)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_multiply_add_is_lane_by_lane(dtype: type) -> None:
    width = 64 // dtype().itemsize
    x, y, out = numbered(dtype, 1, width), numbered(dtype, 1, width)[:, ::-1].copy() * 1000, np.zeros((1, width), dtype)
    axpy(dtype(3), x, y, out)
    assert np.array_equal(out, 3 * x + y)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("seed", range(5))
def test_the_sum_of_each_vector_is_added_to_its_own_number(dtype: type, seed: int) -> None:
    rng = np.random.default_rng(seed)
    width = 64 // dtype().itemsize
    rows = rng.integers(-1000, 1000, (4, width)).astype(dtype)
    out = rng.integers(-1000, 1000, (3, 11)).astype(dtype)
    expected = out.copy()
    expected[1, 5:9] += rows.sum(axis=1)
    sums(rows, out, 1, 5)
    assert np.array_equal(out, expected)
    expected[1:3, 7:9] += rows.sum(axis=1).reshape(2, 2)
    square_of_sums(rows, out, 1, 7)
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_sums_count_every_lane_once(dtype: type) -> None:
    width = 64 // dtype().itemsize
    for row in range(4):
        for lane in range(width):
            rows, out = np.zeros((4, width), dtype), np.zeros((1, 4), dtype)
            rows[row, lane] = 1
            sums(rows, out, 0, 0)
            assert out.tolist() == [[float(k == row) for k in range(4)]]
            square = np.zeros((2, 2), dtype)
            square_of_sums(rows, square, 0, 0)
            assert square.ravel().tolist() == out[0].tolist()
