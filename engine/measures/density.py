"""Bounds on information under Gaussian noise, from the pairwise distances of a layer's outputs (estimator `kde`).

Each neuron's output gets independent normal noise of variance v. T + noise is then a mixture of one Gaussian for each
pattern, all with the same covariance, and its entropy H has two bounds that need only distances between pairs
(Kolchinsky and Tracey 2017, "Estimating mixture entropy with pairwise distances"):

    H(noise) − sum_i c_i log sum_j c_j exp(−|t_i − t_j|² / (8 v))   <=   H   <=   the same with 2 v in place of 8 v,

from the Bhattacharyya distance and from the Kullback-Leibler divergence. Less H(noise) they bound I(X;T+noise). The
mixture given a label y has the weights c_i p(y|x_i) / p(y), and

    I(T+noise;Y) = H(T+noise) − sum_y p(y) H(T+noise|y),

whose upper bound takes the upper bound of the first and the lower ones of the others, and conversely: bounds that hold,
where the difference of two upper bounds (as in Saxe et al. 2018) would only be an estimate. Neither is negative, and
neither exceeds I(X;Y).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int32

from engine.compiled import compiled
from engine.forward import exp_less_one
from engine.simd import add_sums, lanes, load, multiply_add, splat, store

BLOCK = 256
"""Columns worked on together: their numbers stay in the nearest cache for all rows."""
FARTHEST = 87.0
"""exp(−87) = 2e-38 stands for all smaller ones: nothing beside the 1 of a pattern's distance to itself."""


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
    bounds = np.zeros(4)
    for kind in range(2):  # Bhattacharyya, then Kullback-Leibler
        whole = 0.0
        parts = 0.0
        for t in range(count):
            zeros = mass[0, t] + near[t, 2 * kind] + far[2 * kind, t]
            ones = mass[1, t] + near[t, 2 * kind + 1] + far[2 * kind + 1, t]
            whole -= (mass[0, t] + mass[1, t]) * math.log2(zeros + ones)
            if mass[0, t] > 0.0:
                parts -= mass[0, t] * math.log2(zeros / p0)
            if mass[1, t] > 0.0:
                parts -= mass[1, t] * math.log2(ones / p1)
        bounds[2 * kind] = whole
        bounds[2 * kind + 1] = parts
    i_x_lower, parts_lower, i_x, parts_upper = bounds
    i_y = min(max(i_x - parts_lower, 0.0), i_xy)
    i_y_lower = min(max(i_x_lower - parts_upper, 0.0), i_xy)
    return max(i_x, 0.0), i_y, max(i_x_lower, 0.0), i_y_lower


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
    units = points.shape[0]
    room = np.zeros((1, BLOCK + width))
    one = splat(points.dtype.type(1))
    zero = splat(points.dtype.type(0))
    for begin in range(0, count, BLOCK):
        end = min(begin + BLOCK, count)
        for i in range(end):
            first = max(begin, i + 1)
            length = end - first
            for s in range(0, length, width):
                square = zero
                for j in range(units):
                    apart = multiply_add(load(points, j, first + s), one, splat(-points[j, i]))
                    square = multiply_add(apart, apart, square)
                store(room, 0, s, square)
            for s in range(length):
                # a distance that is not a number, of outputs near the end of floating point, is far
                square_here = room[0, s]
                rest, power = exp_less_one(-(square_here if square_here < FARTHEST else FARTHEST))
                room[0, s] = rest + power
            for s in range(length, length + width):
                room[0, s] = 0.0  # the rest of the last vector
            zeros = splat(mass[0, i])
            ones = splat(mass[1, i])
            b0 = zero
            b1 = zero
            k0 = zero
            k1 = zero
            for s in range(0, length, width):
                b = load(room, 0, s)
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
