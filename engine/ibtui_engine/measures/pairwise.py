"""The bounds of `ibtui_engine.measures.density` for any number of labels and units: distances by matrix products.

Of K labels, with m_k(i) = p(x_i) p(y=k|x_i) the mass that label k has at t_i, both bounds of I(X;T+noise) and the first
ones of I(T+noise;Y) are as for two. The further upper bound becomes a sum over pairs of labels. The integrand
(sum_k a_k) H(a / sum_k a_k) of H(Y|T+noise) is concave and homogeneous in the densities a_k, so that the Gaussians may
be cut up and paired; and a pair of masses u and w of different labels, at t_i and t_j, has at least
4 u w / (u + w) exp(−|t_i − t_j|² / (4 v)) bits, as for two labels. Each mass is shared out among all those of other
labels in proportion to theirs times k_ij = exp(−|t_i − t_j|² / (2 v)). With R_k(i) the sum of m_l(j) k_ij over all j
and all l other than k,

    I(T+noise;Y) <= H(Y) − 4 sum_{k<l} sum_ij m_k(i) m_l(j) k_ij exp(−|t_i − t_j|² / (4 v)) / (R_k(i) + R_l(j)).

The smaller of the two upper bounds is taken. None is negative, and none exceeds I(X;Y).
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from jaxtyping import Float64, Int32, Int64

from ibtui_engine.measures.outputs_by_block import LayerOutputs
from ibtui_engine.rules.rule import label_entropy, label_information

BLOCK = 512
"""Points whose distances to all others are there at once."""


def pairwise_bounds(
    layer: LayerOutputs,
    noise: float,
    groups: Int32[np.ndarray, " patterns"],
    count: int,
    p_y: Float64[np.ndarray, "patterns labels"],
    p_x: Float64[np.ndarray, " patterns"] | None = None,
) -> tuple[float, float, float, float]:
    """Upper bounds of I(X;T+noise) and I(T+noise;Y), then their lower bounds, in bits.

    `noise`: its variance. `groups`: numbers of the patterns' distinct outputs, `count` of them: patterns of equal
    outputs are one Gaussian of the mixture. `p_x`: None where patterns are equally likely. Work: count² distances for
    the sums, half of them again for the pairs.
    """
    first, mass = distinct_points(groups, count, p_y, p_x)
    points = layer.points(first) / math.sqrt(8 * noise)
    squares = np.einsum("ij,ij->i", points, points)

    far, near = np.empty_like(mass), np.empty_like(mass)  # sums of mass times exp(−d²/8v), and times exp(−d²/2v)
    for begin in range(0, count, BLOCK):
        rows = slice(begin, begin + BLOCK)
        likeness = _likenesses(points, squares, rows, slice(None))
        likeness[np.arange(len(likeness)), np.arange(begin, begin + len(likeness))] = 1.0
        far[rows] = likeness @ mass
        np.square(likeness, out=likeness)
        np.square(likeness, out=likeness)
        near[rows] = likeness @ mass

    p = mass.sum(axis=0)
    whole = mass.sum(axis=1)
    i_x_lower, parts_lower = _entropies(mass, whole, p, far)
    i_x, parts_upper = _entropies(mass, whole, p, near)
    i_xy = max(label_information(p_y, p_x), 0.0)
    confused = float(label_entropy(p)) - 4 * _confusion(points, squares, mass, near)
    i_y = min(max(min(i_x - parts_lower, confused), 0.0), i_xy)
    i_y_lower = min(max(i_x_lower - parts_upper, 0.0), i_xy)
    return max(i_x, 0.0), i_y, max(i_x_lower, 0.0), i_y_lower


def distinct_points(
    groups: Int32[np.ndarray, " patterns"],
    count: int,
    p_y: Float64[np.ndarray, "patterns labels"],
    p_x: Float64[np.ndarray, " patterns"] | None = None,
) -> tuple[Int64[np.ndarray, " count"], Float64[np.ndarray, "count labels"]]:
    """For each group the first pattern of it, and its mass with each label: sum over it of p(x) p(y|x)."""
    patterns = len(groups)
    if p_x is None:
        mass = np.stack([np.bincount(groups, weights=column, minlength=count) for column in p_y.T], axis=1) / patterns
    else:
        mass = np.stack([np.bincount(groups, weights=p_x * column, minlength=count) for column in p_y.T], axis=1)
    first = np.empty(count, np.int64)
    first[groups[::-1]] = np.arange(patterns - 1, -1, -1)
    return first, mass


def _likenesses(
    points: Float64[np.ndarray, "count units"],
    squares: Float64[np.ndarray, " count"],
    rows: slice | np.ndarray,
    columns: slice | np.ndarray,
) -> Float64[np.ndarray, "rows columns"]:
    """exp(−squared distance) of some points to others."""
    found = points[rows] @ points[columns].T
    found *= 2
    found -= squares[rows, None]
    found -= squares[columns]
    np.minimum(found, 0.0, out=found)  # squares of distances, but for rounding
    return np.asarray(np.exp(found, out=found))


def _entropies(
    mass: Float64[np.ndarray, "count labels"],
    whole: Float64[np.ndarray, " count"],
    p: Float64[np.ndarray, " labels"],
    sums: Float64[np.ndarray, "count labels"],
) -> tuple[float, float]:
    """H(T+noise) and sum_y p(y) H(T+noise|y), each less H(noise), in bits."""
    there = mass > 0
    shares = np.divide(sums, p, out=np.ones_like(sums), where=there)
    return float(-(whole * np.log2(sums.sum(axis=1))).sum()), float(-(mass * np.log2(shares)).sum())


def _confusion(
    points: Float64[np.ndarray, "count units"],
    squares: Float64[np.ndarray, " count"],
    mass: Float64[np.ndarray, "count labels"],
    near: Float64[np.ndarray, "count labels"],
) -> float:
    """The double sum of the module's docstring."""
    others = near.sum(axis=1, keepdims=True) - near
    members = [np.flatnonzero(column) for column in mass.T]
    total = 0.0
    for k, l in combinations(range(mass.shape[1]), 2):
        columns = members[l]
        for begin in range(0, len(members[k]), BLOCK):
            rows = members[k][begin : begin + BLOCK]
            pairs = _likenesses(points, squares, rows, columns)  # to the sixth power: 1/2 + 1/4 = 6/8
            np.square(pairs, out=pairs)
            pairs *= pairs * pairs
            shared = others[rows, k][:, None] + others[columns, l]
            np.divide(pairs, shared, out=pairs, where=shared > 0)
            total += float(mass[rows, k] @ pairs @ mass[columns, l])
    return total
