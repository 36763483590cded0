"""Vector operations against NumPy. Sums are of small whole numbers, which are exact in any order."""

from __future__ import annotations

import math
from collections.abc import Callable

import numba
import numpy as np
import pytest

from ibtui_engine.simd import (
    VECTOR_BYTES,
    add_square_of_sums,
    add_sums,
    lanes,
    load,
    load_half,
    load_pair,
    multiply_add,
    power_of_two,
    splat,
    splat_half,
    store,
    where_positive,
)

PRECISIONS = [np.float32, np.float64]


@numba.njit
def count_lanes(array):
    return lanes(array)


@numba.njit
def copy(source, row, column, target, target_row, target_column):
    store(target, target_row, target_column, load(source, row, column))


@numba.njit
def copy_pair(source, row, column, target, target_row, target_column):
    store(target, target_row, target_column, load_pair(source, row, column))


@numba.njit
def copy_half(source, row, column, target, target_row, target_column):
    store(target, target_row, target_column, multiply_add(load_half(source, row, column), splat_half(source[0, 0]),
                                                          splat_half(source[0, 0] - source[0, 0])))  # fmt: skip


@numba.njit
def calculate(x, y, number, out):
    """Every operation on two vectors, and on a vector and a number on either side."""
    u = load(x, 0, 0)
    v = load(y, 0, 0)
    store(out, 0, 0, u + v)
    store(out, 1, 0, u + number)
    store(out, 2, 0, number + u)
    store(out, 3, 0, u - v)
    store(out, 4, 0, u - number)
    store(out, 5, 0, number - u)
    store(out, 6, 0, u * v)
    store(out, 7, 0, u * number)
    store(out, 8, 0, number * u)
    store(out, 9, 0, u / v)
    store(out, 10, 0, u / number)
    store(out, 11, 0, number / u)
    store(out, 12, 0, min(u, v))
    store(out, 13, 0, min(u, number))
    store(out, 14, 0, abs(u))
    store(out, 15, 0, math.copysign(u, v))
    store(out, 16, 0, where_positive(u, v))


@numba.njit
def powers(x, shift, out, one):
    store(out, 0, 0, power_of_two(load(x, 0, 0) + shift))
    one[0] = power_of_two(x[0, 0] + shift)


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
@pytest.mark.parametrize(("copied", "vectors"), [(copy_half, 0.5), (copy_pair, 2)], ids=["half", "pair"])
def test_halves_and_pairs_are_as_long_as_they_say(dtype: type, copied: Callable, vectors: float) -> None:
    width = int(64 * vectors) // dtype().itemsize
    source, target = numbered(dtype, 3, 200), np.zeros((3, 200), dtype)
    copied(source, 2, 5, target, 1, 7)
    expected = np.zeros_like(target)
    expected[1, 7 : 7 + width] = source[2, 5 : 5 + width]
    assert np.array_equal(target, expected)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("number", [3.0, -0.1])
def test_arithmetic_is_that_of_each_lane(dtype: type, number: float) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 1, 64 // dtype().itemsize)).astype(dtype)
    n, out = dtype(number), np.zeros((17, x.size), dtype)
    calculate(x, y, n, out)
    u, v = x[0], y[0]
    expected = [u + v, u + n, n + u, u - v, u - n, n - u, u * v, u * n, n * u, u / v, u / n, n / u]
    expected += [np.minimum(u, v), np.minimum(u, n), np.abs(u), np.copysign(u, v), np.where(u > 0, v, 0)]
    assert np.array_equal(out, np.array(expected))


@pytest.mark.parametrize(("dtype", "shift"), [(np.float32, 3 * 2.0**22), (np.float64, 3 * 2.0**51)])
def test_powers_of_two_are_exact(dtype: type, shift: float) -> None:
    most = -np.finfo(dtype).minexp
    for k in range(-most, most):
        x = np.clip(k + np.arange(64 // dtype().itemsize), -most, most).astype(dtype)[None]
        out, one = np.zeros_like(x), np.zeros(1, dtype)
        powers(x, dtype(shift), out, one)
        assert np.array_equal(out, np.ldexp(dtype(1), x.astype(int)))
        assert one[0] == out[0, 0]


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
