"""Bounds on information under Gaussian noise, from the pairwise distances of a layer's outputs (estimator `kde`).

Each neuron's output gets independent normal noise of variance v. T + noise is then a mixture of one Gaussian for each
pattern, all with the same covariance, and its entropy H has two bounds that need only distances between pairs
(Kolchinsky and Tracey 2017, "Estimating mixture entropy with pairwise distances"):

    H(noise) − sum_i c_i log sum_j c_j exp(−|t_i − t_j|² / (8 v))   <=   H   <=   the same with 2 v in place of 8 v,

from the Bhattacharyya distance and from the Kullback-Leibler divergence. Less H(noise) they bound I(X;T+noise). The
mixture given a label y has the weights c_i p(y|x_i) / p(y), and

    I(T+noise;Y) = H(T+noise) − sum_y p(y) H(T+noise|y),

whose upper bound takes the upper bound of the first and the lower ones of the others, and conversely: bounds that hold,
where the difference of two upper bounds (as in Saxe et al. 2018) is only an estimate. They are wide where Gaussians
overlap. There a second upper bound, made for this program, is often the better one. H(Y|T+noise) is the integral of
g(a, b) = (a + b) h(a / (a + b)) over the densities a, b of y = 1 and y = 0, h the binary entropy. As g is concave and
homogeneous, it is superadditive: whatever way the Gaussians of both labels are cut up and paired, the pairs' sum is not
above it. With h(p) >= 4 p (1 − p) and Cauchy and Schwarz, a pair of masses u at t_i and w at t_j has at least
4 u w / (u + w) exp(−|t_i − t_j|² / (4 v)) bits. Masses are shared out in proportion to
k_ij = exp(−|t_i − t_j|² / (2 v)), so that, with o_i and z_i the masses of y = 1 and y = 0,

    I(T+noise;Y) <= H(Y) − 4 sum_ij o_i z_j k_ij exp(−|t_i − t_j|² / (4 v)) / (sum_l z_l k_il + sum_l o_l k_lj).

The smaller of the two upper bounds is taken. None is negative, and none exceeds I(X;Y).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int32

from ibtui_engine.compiled import compiled
from ibtui_engine.forward import LEAST, exp_less_one
from ibtui_engine.simd import add_sums, lanes, load, multiply_add, splat, store

BLOCK = 256
"""Columns worked on together: their numbers stay in the nearest cache for all rows."""
FARTHEST = -LEAST
"""exp(−87) stands for all smaller ones: nothing beside the 1 of a pattern's distance to itself."""


@compiled
def exponentials(scratch: Float64[np.ndarray, "1 columns"], length: int) -> None:
    """Replace numbers from 0 on by exp(−number), and those beyond `FARTHEST` or that are NaN by exp(−`FARTHEST`)."""
    for s in range(length):
        x = scratch[0, s]
        rest, power = exp_less_one(-(x if x < FARTHEST else FARTHEST))
        scratch[0, s] = rest + power


@compiled
def density_bounds(
    values: Float64[np.ndarray, "rows patterns_and_padding"],
    units: int,
    noise: float,
    groups: Int32[np.ndarray, " patterns"],
    count: int,
    p_y: Float64[np.ndarray, " patterns"],
    i_xy: float,
) -> tuple[float, float, float, float]:
    """Upper bounds of I(X;T+noise) and I(T+noise;Y), then their lower bounds, in bits.

    `noise`: its variance. `groups`: numbers of the patterns' distinct outputs, `count` of them (`exact_partition`):
    patterns of equal outputs are one Gaussian of the mixture. Work: count² / 2 distances.
    """
    patterns = groups.shape[0]
    width = lanes(values)
    stride = count + 2 * width
    points = np.zeros((units, stride))
    # weights of the Gaussians, those of y = 0 and of y = 1 apart; then the sums that they add up to
    mass = np.zeros((2, stride))
    scale = 1.0 / math.sqrt(8.0 * noise)
    for s in range(patterns):
        t = groups[s]
        mass[0, t] += (1.0 - p_y[s]) / patterns
        mass[1, t] += p_y[s] / patterns
        for j in range(units):
            points[j, t] = values[j, s] * scale
    near = np.zeros((count, 4))
    far = np.zeros((4, stride))
    add_pairs(points, mass, count, near, far)

    p0 = mass[0, :count].sum()
    p1 = mass[1, :count].sum()
    sums = np.zeros((2, stride))  # of mass times k, for y = 0 and y = 1
    bounds = np.zeros(4)
    for kind in range(2):  # Bhattacharyya, then Kullback-Leibler
        whole = 0.0
        parts = 0.0
        for t in range(count):
            zeros = mass[0, t] + near[t, 2 * kind] + far[2 * kind, t]
            ones = mass[1, t] + near[t, 2 * kind + 1] + far[2 * kind + 1, t]
            sums[0, t] = zeros
            sums[1, t] = ones
            whole -= (mass[0, t] + mass[1, t]) * math.log2(zeros + ones)
            if mass[0, t] > 0.0:
                parts -= mass[0, t] * math.log2(zeros / p0)
            if mass[1, t] > 0.0:
                parts -= mass[1, t] * math.log2(ones / p1)
        bounds[2 * kind] = whole
        bounds[2 * kind + 1] = parts
    i_x_lower, parts_lower, i_x, parts_upper = bounds
    i_y = float(i_x - parts_lower)
    if p0 > 0.0 and p1 > 0.0:
        h_y = -(p0 * math.log2(p0) + p1 * math.log2(p1))
        i_y = min(i_y, h_y - 4.0 * confusion(points, mass, sums, count))
    i_y = min(max(i_y, 0.0), i_xy)
    i_y_lower = min(max(i_x_lower - parts_upper, 0.0), i_xy)
    return max(i_x, 0.0), i_y, max(i_x_lower, 0.0), i_y_lower


@compiled
def likenesses(
    points: Float64[np.ndarray, "units stride"],
    i: int,
    first: int,
    length: int,
    scratch: Float64[np.ndarray, "1 columns"],
) -> None:
    """scratch[0, s] = b of the points i and first + s, for s < length; 0 for a vector's length beyond."""
    width = lanes(points)
    units = points.shape[0]
    one = splat(points.dtype.type(1))
    zero = splat(points.dtype.type(0))
    for s in range(0, length, width):
        square = zero
        for j in range(units):
            apart = multiply_add(load(points, j, first + s), one, splat(-points[j, i]))
            square = multiply_add(apart, apart, square)
        store(scratch, 0, s, square)
    exponentials(scratch, length)
    for s in range(length, length + width):
        scratch[0, s] = 0.0


@compiled
def add_pairs(
    points: Float64[np.ndarray, "units stride"],
    mass: Float64[np.ndarray, "2 stride"],
    count: int,
    near: Float64[np.ndarray, "points 4"],
    far: Float64[np.ndarray, "4 stride"],
) -> None:
    """Add up, over all pairs of different points, mass times b and mass times b^4, where b = exp(−distance²).

    For y = 0 and y = 1 apart. Each pair is computed once: what the later of its points adds to the earlier one goes to
    `near`, and the other way round to `far`. Both together are the sums over all other points.
    """
    width = lanes(points)
    scratch = np.zeros((1, BLOCK + width))
    zero = splat(points.dtype.type(0))
    for begin in range(0, count, BLOCK):
        end = min(begin + BLOCK, count)
        for i in range(end):
            first = max(begin, i + 1)
            length = end - first
            likenesses(points, i, first, length, scratch)
            zeros = splat(mass[0, i])
            ones = splat(mass[1, i])
            b0 = zero
            b1 = zero
            k0 = zero
            k1 = zero
            for s in range(0, length, width):
                b = load(scratch, 0, s)
                k = multiply_add(b, b, zero)
                k = multiply_add(k, k, zero)
                m0 = load(mass, 0, first + s)
                m1 = load(mass, 1, first + s)
                b0 = multiply_add(m0, b, b0)
                b1 = multiply_add(m1, b, b1)
                k0 = multiply_add(m0, k, k0)
                k1 = multiply_add(m1, k, k1)
                store(far, 0, first + s, multiply_add(zeros, b, load(far, 0, first + s)))
                store(far, 1, first + s, multiply_add(ones, b, load(far, 1, first + s)))
                store(far, 2, first + s, multiply_add(zeros, k, load(far, 2, first + s)))
                store(far, 3, first + s, multiply_add(ones, k, load(far, 3, first + s)))
            add_sums(near, i, 0, b0, b1, k0, k1)


@compiled
def confusion(
    points: Float64[np.ndarray, "units stride"],
    mass: Float64[np.ndarray, "2 stride"],
    sums: Float64[np.ndarray, "2 stride"],
    count: int,
) -> float:
    """sum_ij o_i z_j k_ij b_ij² / (sum_l z_l k_il + sum_l o_l k_lj), the sums in `sums`; see the module's docstring."""
    width = lanes(points)
    scratch = np.zeros((1, BLOCK + width))
    parts = np.zeros((count, 4))
    shares = np.zeros((2, BLOCK + width))
    total = 0.0
    for t in range(count):
        both = sums[0, t] + sums[1, t]
        if both > 0.0:
            total += mass[0, t] * mass[1, t] / both
    zero = splat(points.dtype.type(0))
    for begin in range(0, count, BLOCK):
        end = min(begin + BLOCK, count)
        for i in range(end):
            first = max(begin, i + 1)
            length = end - first
            likenesses(points, i, first, length, scratch)
            z0, z1 = sums[0, i], sums[1, i]
            for s in range(length):
                # i with y = 1 beside j with y = 0, then the other way round; both sums have the pair's own term
                shares[0, s] = mass[0, first + s] / (z0 + sums[1, first + s])
                shares[1, s] = mass[1, first + s] / (z1 + sums[0, first + s])
            c0 = zero
            c1 = zero
            for s in range(0, length, width):
                b = load(scratch, 0, s)
                square = multiply_add(b, b, zero)
                cube = multiply_add(multiply_add(square, square, zero), square, zero)
                c0 = multiply_add(cube, load(shares, 0, s), c0)
                c1 = multiply_add(cube, load(shares, 1, s), c1)
            add_sums(parts, i, 0, c0, c1, zero, zero)
    for t in range(count):
        total += mass[1, t] * parts[t, 0] + mass[0, t] * parts[t, 1]
    return total
