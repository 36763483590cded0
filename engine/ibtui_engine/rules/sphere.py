"""The O(3)-invariant rule's statistic f(x): twelve points on the sphere, seen through their power spectrum.

Shwartz-Ziv and Tishby (arXiv:1703.00810, section 3.1) put the inputs on the vertices v_i of an icosahedron
and let f(x) = sum_l r_l |c_l| / (2l+1), where c_lm = (4 pi/12) sum_i x_i Y_lm(v_i). By the addition theorem

    |c_l|^2 = (4 pi/12)^2 (2l+1)/(4 pi) sum_ij x_i x_j P_l(v_i . v_j),

and v_i . v_j of an icosahedron is 1, 1/sqrt 5 (adjacent), -1/sqrt 5 or -1 (antipodal). So f depends on three
integers only, which makes patterns of one class have exactly, not nearly, the same f.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int64
from numpy.polynomial import legendre

from ibtui_engine.rules.patterns import binary_patterns

INPUTS = 12
PHI = (1 + math.sqrt(5)) / 2

# The authors' column order; it decides which pattern has which label.
DIRECTIONS = (
    (0, 1, PHI),
    (1, PHI, 0),
    (0, 1, -PHI),
    (-1, PHI, 0),
    (PHI, 0, -1),
    (0, -1, PHI),
    (1, -PHI, 0),
    (-1, -PHI, 0),
    (-PHI, 0, -1),
    (0, -1, -PHI),
    (-PHI, 0, 1),
    (PHI, 0, 1),
)


def icosahedron_vertices() -> Float64[np.ndarray, "12 3"]:
    """The unit vectors on which inputs 0..11 sit, in the order of the authors' columns."""
    return np.array(DIRECTIONS, dtype=np.float64) / math.sqrt(1 + PHI**2)


def power_spectrum_classes() -> Int64[np.ndarray, "patterns 3"]:
    """Of every pattern: number of points, of pairs of adjacent points, of pairs of antipodal points.

    Two patterns have the same power spectrum exactly where these are equal; they take 64 values.
    """
    vertices = icosahedron_vertices()
    cosine = vertices @ vertices.T
    pairs = np.triu(np.ones((INPUTS, INPUTS), dtype=bool), k=1)
    adjacent = pairs & (np.abs(cosine - 1 / math.sqrt(5)) < 0.1)
    antipodal = pairs & (cosine < -0.9)
    x = binary_patterns(INPUTS).astype(np.int64)
    pairs_present = [((x @ pairs) * x).sum(axis=1) for pairs in (adjacent, antipodal)]
    return np.stack([x.sum(axis=1), *pairs_present], axis=1)


def spectrum_norm(classes: Int64[np.ndarray, "patterns 3"], degree: int) -> Float64[np.ndarray, " patterns"]:
    """|c_l| of degree l of each pattern, from its row of `power_spectrum_classes` (addition theorem)."""
    points, adjacent, antipodal = classes.T
    others = points * (points - 1) // 2 - adjacent - antipodal  # pairs with cosine -1/sqrt 5
    sign = (-1) ** degree  # P_l(-z) = (-1)^l P_l(z)
    at_adjacent = float(legendre.legval(1 / math.sqrt(5), [0] * degree + [1]))
    total = (points + 2 * sign * antipodal) + 2 * at_adjacent * (adjacent + sign * others)
    # A sum that is zero comes out as some 1e-15, whose root would be 1e-8; the others are above 0.01.
    total = np.where(total < 1e-9, 0.0, total)
    return 4 * math.pi / INPUTS * np.sqrt((2 * degree + 1) / (4 * math.pi) * total)


def sphere_statistic(r: tuple[float, ...]) -> Float64[np.ndarray, " patterns"]:
    """f(x) = sum_l r_l |c_l| / (2l+1) of every binary pattern, for the degrees l = 0 .. len(r)-1."""
    classes = power_spectrum_classes()
    f = np.zeros(len(classes))
    for degree, weight in enumerate(r):
        f += weight * spectrum_norm(classes, degree) / (2 * degree + 1)
    return f
