"""The forward pass through one layer, compiled for single precision (training) and double (measuring).

Activations lie one row a neuron and one column a pattern, so that inner loops run over patterns in vectors; the row
under a layer's neurons holds ones, which makes the bias one more weight.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from ibtui_engine.compiled import compiled
from ibtui_engine.simd import lanes, load, load_pair, multiply_add, power_of_two, splat, store

# isort: split
from numba.extending import overload

LEAST = -87.0
"""Least argument of `exp_less_one`: exp(−87) = 2e-38 is nearly the smallest number of single precision."""

TANH, RELU, SIGMOID, SOFTSIGN, LINEAR = range(5)
ACTIVATION_CODES = {"tanh": TANH, "relu": RELU, "sigmoid": SIGMOID, "softsign": SOFTSIGN, "linear": LINEAR}
"""How `activate` knows the activations of `ibtui_engine.experiment.ACTIVATIONS`."""


def _exp_less_one_single(x: Any) -> Any:
    # (exp(r) − 1 − r) / r² by its interpolant at Chebyshev's points: off by at most 2.5e-8 of exp(r) − 1
    f = np.float32
    shifted = x * f(1.4426950408889634) + f(12582912)  # 3 2^22 leaves no room for a fraction: what is left is k
    k = shifted - f(12582912)
    r = x - k * f(0.6931471805599453)
    r2 = r * r
    p = f(0.5) + r * f(0.16666576989698803)
    q = f(0.04166655461721519) + r * f(0.0083631790527194)
    q = q + r2 * f(0.0013926183586701981)
    p = (p + r2 * q) * r2 + r
    power = power_of_two(shifted)
    return power * p, power


def _exp_less_one_double(x: Any) -> Any:
    # ln 2 in two parts, the first exact in 33 bits; the interpolant is off by at most 4.1e-17 of exp(r) − 1
    shifted = x * 1.4426950408889634 + 6755399441055744.0  # 3 2^51
    k = shifted - 6755399441055744.0
    r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    r2 = r * r
    r4 = r2 * r2
    p = (0.5000000000000001 + r * 0.16666666666666669) + r2 * (0.041666666666624164 + r * 0.008333333333330065)
    q = (0.0013888888917196719 + r * 0.00019841269863040545) + r2 * (2.480152132236869e-05 + r * 2.755726848031002e-06)
    q = q + r4 * (2.7620075879983367e-07 + r * 2.5100375832561234e-08)
    p = (p + r4 * q) * r2 + r
    power = power_of_two(shifted)
    return power * p, power


def exp_less_one(x: Any) -> Any:
    """(exp(x) − 2^k, 2^k) for x in [`LEAST`, −`LEAST`], in the precision of x: their sum is exp(x), and exp(x) − 1 can
    be had from them without cancellation at 0. Of a number or of a vector; only compiled code can call it.

    x = k ln 2 + r with |r| <= ln 2 / 2, and exp(r) − 1 by a polynomial, added up in pairs of powers: what takes time is
    to wait for one term after another.
    """
    raise NotImplementedError


@overload(exp_less_one)
def _overload_exp_less_one(x: Any) -> Any:
    return _exp_less_one_single if x.bitwidth == 32 else _exp_less_one_double


def tanh(x: Any) -> Any:
    """tanh(x) of a number or of a vector, in its precision. Only compiled code can call it."""
    raise NotImplementedError


@overload(tanh)
def _overload_tanh(x: Any) -> Any:
    f = np.float32 if x.bitwidth == 32 else np.float64

    def by_exp(x: Any) -> Any:
        rest, power = exp_less_one(min(f(2) * abs(x), f(40)))  # tanh(20) rounds to 1
        e = rest + (power - f(1))  # exp(2|x|) − 1
        return math.copysign(e / (e + f(2)), x)

    return by_exp


@compiled
def largest(widths: Int64[np.ndarray, " layers_and_one"]) -> int:
    """The largest of them. (NumPy's own function would take longer to compile than the loops that use it.)"""
    found = 0
    for width in widths:
        found = max(found, width)
    return found


@compiled
def activate(kind: int, z: Float[np.ndarray, "rows columns"], a: Float[np.ndarray, "rows columns"], first: int,
             rows: int, columns: int) -> None:  # fmt: skip
    """a[first + j] = activation(z[j]) for each of `rows` rows, contiguous ones; `kind` is one of `ACTIVATION_CODES`."""
    zero, one = z.dtype.type(0), z.dtype.type(1)
    least = z.dtype.type(LEAST)
    width = 2 * lanes(z)
    whole = columns // width * width
    for j in range(rows):
        row = first + j
        if kind == TANH:
            for s in range(0, whole, width):
                store(a, row, s, tanh(load_pair(z, j, s)))
            for s in range(whole, columns):
                a[row, s] = tanh(z[j, s])
        elif kind == SIGMOID:
            for s in range(columns):
                rest, power = exp_less_one(max(-abs(z[j, s]), least))
                e = rest + power
                a[row, s] = (e if z[j, s] < zero else one) / (one + e)
        elif kind == RELU:
            for s in range(columns):
                a[row, s] = max(z[j, s], zero)
        elif kind == SOFTSIGN:
            for s in range(columns):
                a[row, s] = z[j, s] / (one + abs(z[j, s]))
        else:
            for s in range(columns):
                a[row, s] = z[j, s]


@compiled
def round_to_levels(kind: int, bits: int, y: Float[np.ndarray, "rows columns"], a: Float[np.ndarray, "rows columns"],
                    first: int, rows: int, columns: int) -> None:  # fmt: skip
    """a[first + j] = y[first + j] rounded to the nearest of 2^bits levels, for each of `rows` rows; y may be a itself.

    The levels are the centres of as many equal cells of the range of the activation `kind`, [−1, 1] or [0, 1]; an edge
    belongs to the cell above it, the range's upper end to the last. All is in powers of two, so that a level is the
    same number in any precision. What is no number stays so.
    """
    scale = y.dtype.type(2.0 ** (bits if kind == SIGMOID else bits - 1))  # cells in a length of 1
    half = y.dtype.type(0.5)
    size = y.dtype.type(1) / scale
    last = scale - y.dtype.type(1)
    for j in range(first, first + rows):
        for s in range(columns):
            cell = np.floor(y[j, s] * scale)
            cell = last if cell > last else cell
            a[j, s] = (cell + half) * size


@compiled
def activate_rounded(kind: int, bits: int, z: Float[np.ndarray, "rows columns"], a: Float[np.ndarray, "rows columns"],
                     first: int, rows: int, columns: int) -> None:  # fmt: skip
    """`activate`, and with bits `round_to_levels`."""
    activate(kind, z, a, first, rows, columns)
    if bits > 0:
        round_to_levels(kind, bits, a, a, first, rows, columns)


@compiled
def forward_layer(w: Float[np.ndarray, "units inputs"], top: int, a: Float[np.ndarray, "rows columns"], first: int,
                  z: Float[np.ndarray, "rows columns"], inputs: int, outputs: int, columns: int) -> None:  # fmt: skip
    """z[j] = sum over i < inputs of w[top + j, i] a[first + i], for j < outputs rounded up to even."""
    width = lanes(z)
    zero = splat(z.dtype.type(0))
    for s in range(0, columns, 2 * width):
        j = 0
        while j + 4 <= outputs:
            for t in range(s, s + 2 * width, width):
                u0 = zero
                u1 = u0
                u2 = u0
                u3 = u0
                for i in range(inputs):
                    p = load(a, first + i, t)
                    u0 = multiply_add(splat(w[top + j, i]), p, u0)
                    u1 = multiply_add(splat(w[top + j + 1, i]), p, u1)
                    u2 = multiply_add(splat(w[top + j + 2, i]), p, u2)
                    u3 = multiply_add(splat(w[top + j + 3, i]), p, u3)
                store(z, j, t, u0)
                store(z, j + 1, t, u1)
                store(z, j + 2, t, u2)
                store(z, j + 3, t, u3)
            j += 4
        while j < outputs:
            u0 = zero
            u1 = u0
            v0 = u0
            v1 = u0
            for i in range(inputs):
                p = load(a, first + i, s)
                q = load(a, first + i, s + width)
                x = splat(w[top + j, i])
                u0 = multiply_add(x, p, u0)
                v0 = multiply_add(x, q, v0)
                x = splat(w[top + j + 1, i])
                u1 = multiply_add(x, p, u1)
                v1 = multiply_add(x, q, v1)
            store(z, j, s, u0)
            store(z, j, s + width, v0)
            store(z, j + 1, s, u1)
            store(z, j + 1, s + width, v1)
            j += 2
