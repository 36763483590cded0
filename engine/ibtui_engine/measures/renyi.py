"""Matrix-based Rényi entropy (estimator `renyi`; Yu, Giraldo, Jenssen and Príncipe 2020, arXiv:1808.07912).

A = K / n, K the matrix of a Gaussian kernel between the outputs of all pairs of n patterns, has trace 1, and

    S(A) = log2(sum of its eigenvalues^a) / (1 − a),    a = 1.01,      S(A, B) = S(A∘B / tr(A∘B)),
    I(X;T) ~ S(A_x) + S(A_t) − S(A_x, A_t),                             I(T;Y) ~ S(A_t) + S(A_y) − S(A_t, A_y).

These are no Shannon informations: no IB curve bounds them. They order layers that are too wide for bins and densities
(Wickstrøm and others 2019, arXiv:1909.11396). The kernel's width is a share of the median distance between patterns, so
that no number depends on the scale of the outputs. The kernel of labels is the cosine between the p(y|x) of two
patterns: 1 or 0 where labels are certain. Without inputs, patterns are just different: A_x = 1/n, and I(X;T) ~ S(A_t).

Work grows with n³: of more than `MOST_PATTERNS` patterns, that many are taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

ORDER = 1.01
"""a in the formulas: near 1, where Rényi's entropy is Shannon's."""

MOST_PATTERNS = 1000
"""Patterns that are compared."""


@dataclass(frozen=True)
class MatrixInformation:
    """The numbers of one layer, bits."""

    i_x: float
    i_y: float
    most: float
    """S(A_x), which I(X;T) reaches where the kernel tells all patterns apart."""


def matrix_information(
    points: Float64[np.ndarray, "patterns coordinates"],
    p_y: Float64[np.ndarray, "patterns labels"],
    inputs: Float64[np.ndarray, "patterns input_coordinates"] | None,
    width: float,
) -> MatrixInformation:
    """I(X;T) and I(T;Y) of a layer's outputs, one point a pattern. `inputs`: likewise, or None."""
    of_t = gram(points, width)
    lengths = np.sqrt(np.einsum("ij,ij->i", p_y, p_y))
    unit = p_y / lengths[:, None]
    of_y = unit @ unit.T / len(p_y)
    s_t = entropy(of_t)
    i_y = s_t + entropy(of_y) - joint_entropy(of_t, of_y)
    if inputs is None:
        return MatrixInformation(s_t, max(i_y, 0.0), math.log2(len(points)))
    of_x = gram(inputs, width)
    s_x = entropy(of_x)
    return MatrixInformation(max(s_x + s_t - joint_entropy(of_x, of_t), 0.0), max(i_y, 0.0), s_x)


def compared(patterns: int, seed: int) -> Int64[np.ndarray, " chosen"]:
    """The patterns that are compared, ascending: all, or as many as are allowed, chosen at random."""
    if patterns <= MOST_PATTERNS:
        return np.arange(patterns)
    return np.sort(np.random.Generator(np.random.Philox(seed)).permutation(patterns)[:MOST_PATTERNS])


def gram(points: Float64[np.ndarray, "n coordinates"], width: float) -> Float64[np.ndarray, "n n"]:
    """exp(−d² / 2s²) / n of all pairs of points at distance d; s is `width` times the median distance."""
    squares = np.einsum("ij,ij->i", points, points)
    between = squares[:, None] + squares - 2 * (points @ points.T)
    np.maximum(between, 0.0, out=between)
    np.fill_diagonal(between, 0.0)
    n = len(points)
    pairs = between[np.triu_indices(n, 1)]
    middle = float(np.median(pairs)) if len(pairs) else 0.0
    if not middle > 0:  # most of the patterns are at one point
        middle = float(pairs.mean()) if len(pairs) else 0.0
    if not middle > 0:
        return np.full((n, n), 1 / n)
    return np.asarray(np.exp(between / (-2 * width**2 * middle)) / n)


def entropy(a: Float64[np.ndarray, "n n"]) -> float:
    """S of a positive semidefinite matrix of trace 1, bits."""
    values = np.maximum(np.linalg.eigvalsh(a), 0.0)
    return max(math.log2(float((values**ORDER).sum())) / (1 - ORDER), 0.0)


def joint_entropy(a: Float64[np.ndarray, "n n"], b: Float64[np.ndarray, "n n"]) -> float:
    """S of both together: of their product by entries, scaled to trace 1."""
    both = a * b
    return entropy(both / np.trace(both))
