"""Information under Gaussian noise, by sampling the noise (estimator `gauss`; Goldfeld and others 2019).

arXiv:1810.05728. A layer's outputs S = f(X) take finitely many values that are all known; T = S + Z, with normal Z of
variance v in every unit. With the weight w_j of the j-th value and k_j = exp(−(|S + Z − S_j|² − |Z|²) / 2v),

    I(X;T) = −E log2 sum_j w_j k_j,        I(T;Y) = H(Y) − E H(Y | weights w_j k_j / sum_l w_l k_l),

the expectation being over S and Z. Since P(X) is known, sampling Z is the only source of error, and its size is known.
Both lie between the bounds of `ibtui_engine.measures.pairwise`. For v → 0, I(X;T) becomes the entropy of the values.

Only the components of Z in the space that the points span matter. So a layer of a million units costs no more than
points in as many dimensions as there are of them.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64

from ibtui_engine.rules.rule import label_entropy

BLOCK = 256
"""Samples whose distances to all points are there at once."""


def sampled_information(
    points: Float64[np.ndarray, "count coordinates"],
    mass: Float64[np.ndarray, "count labels"],
    i_xy: float,
    variance: float,
    samples: int,
    seed: int,
) -> tuple[float, float, float, float]:
    """I(X;T) and I(T;Y) in bits, then the standard error of each.

    Args:
        points: the different outputs, as points with their distances.
        mass: the probability of each with each label.
        i_xy: I(X;Y) in bits: I(T;Y) is at most that.
        variance: of the noise, in each coordinate, above 0.
        samples: draws of the noise. They are spread over the points in proportion to their probability.
        seed: of the draws.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    weight = mass.sum(axis=1)
    posterior = mass / weight[:, None]
    log_weight = np.log(weight)
    points = points / math.sqrt(variance)
    squares = np.einsum("ij,ij->i", points, points)
    ends = np.cumsum(weight)
    drawn = np.searchsorted(ends / ends[-1], (np.arange(samples) + rng.random(samples)) / samples, side="right")
    drawn = np.minimum(drawn, len(points) - 1)
    bits, unsure = np.empty(samples), np.empty(samples)
    for begin in range(0, samples, BLOCK):
        rows = slice(begin, min(begin + BLOCK, samples))
        noise = rng.standard_normal((len(drawn[rows]), points.shape[1]))
        noisy = points[drawn[rows]] + noise
        logs = noisy @ points.T
        logs -= squares / 2
        logs -= (np.einsum("ij,ij->i", noisy, noisy) - np.einsum("ij,ij->i", noise, noise))[:, None] / 2
        logs += log_weight
        most = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - most)
        total = shares.sum(axis=1)
        bits[rows] = -(most[:, 0] + np.log(total)) / math.log(2)
        unsure[rows] = label_entropy(shares @ posterior / total[:, None])
    i_y = float(label_entropy(mass.sum(axis=0))) - float(unsure.mean())
    errors = [float(found.std(ddof=1)) / math.sqrt(samples) for found in (bits, unsure)]
    return max(float(bits.mean()), 0.0), min(max(i_y, 0.0), max(i_xy, 0.0)), errors[0], errors[1]
