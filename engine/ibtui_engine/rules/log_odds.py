"""Probabilities of two labels by their log-odds, log(p(y=1|x) / p(y=0|x)), which keep the digits of both.

A probability near 1 has lost its complement: p = 1 − 1e-17 is 1 in double precision, while p = 1e-17 is not 0. So a
number that depends on both would depend on which label is called 1. Log-odds have no such side: swapping the labels
changes their sign and nothing else. Labels that are certain have log-odds of −inf and inf.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64, Real

CLOSE = 1e-3
"""Differences of log-odds below which a divergence comes from its series: the next term is 2e-11 of it."""
FAR = 30.0
"""Differences beyond which it comes from its terms, of which the first is then far larger than the others."""


def logistic(z: Float64[np.ndarray, "*shape"] | float) -> Float64[np.ndarray, "*shape"]:
    """1 / (1 + exp(−z)), the probability of log-odds z, without overflow, and with all its digits where it is tiny."""
    small = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1.0, small) / (1.0 + small))


def log_odds_of(p: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """log(p / (1 − p)) of probabilities in [0, 1]: −inf and inf for 0 and 1."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-np.asarray(p)))


def log_ratio(ones: Real[np.ndarray, "*shape"], zeros: Real[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """log(ones / zeros), the log-odds of shares or counts of the labels; equal for equal ratios, NaN for 0 of both."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        ratio = np.asarray(ones, np.float64) / zeros
        inside = (ratio > 1e-300) & (ratio < 1e300)
        return np.asarray(np.where(inside, np.log(ratio), np.log(ones) - np.log(zeros)))


def soft_plus(z: Float64[np.ndarray, "*shape"] | float) -> Float64[np.ndarray, "*shape"]:
    """log(1 + exp(z)), which is −log p(y=0) for log-odds z."""
    return np.asarray(np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z))))


def entropies(z: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """H(Y) in bits of two labels with these log-odds."""
    size = np.minimum(np.abs(z), 1e4)  # beyond, the entropy is 0 in double precision
    rare = np.exp(-size)
    return np.asarray((np.log1p(rare) + size * rare / (1.0 + rare)) / math.log(2))


def divergences(
    odds: Float64[np.ndarray, "*shape"], other: Float64[np.ndarray, "*shape"]
) -> Float64[np.ndarray, "*shape"]:
    """KL(p ‖ q) in nats, of the labels with log-odds `odds` from those with log-odds `other`, without cancellation.

    inf where q rules out a label that p allows. With small = min(p, 1 − p), and x how far q's log-odds of that label
    are above p's, it is log(1 − small + small exp(x)) − small x: the second and higher cumulants of a binary variable.
    """
    a, t = np.broadcast_arrays(np.asarray(odds, np.float64), np.asarray(other, np.float64))
    t = np.where(a > 0, -t, t)  # the divergence of −a from −t is the same
    a = -np.abs(a)
    small = logistic(a)
    with np.errstate(invalid="ignore", over="ignore"):
        x = t - a
        near = np.abs(x) < CLOSE
        v = small * (1.0 - small)
        series = v * x * x * (0.5 + x * ((1.0 - 2.0 * small) / 6.0 + x * (1.0 - 6.0 * v) / 24.0))
        middle = np.log1p(small * np.expm1(np.minimum(x, FAR))) - small * x
        far = soft_plus(t) - soft_plus(a) - np.where(small > 0, small * x, 0.0)
    found = np.where(near, series, np.where(x < FAR, middle, far))
    certain = np.isneginf(a)
    found = np.where(certain, soft_plus(t), found)
    found = np.where(~certain & np.isinf(t), np.inf, found)
    return np.asarray(np.maximum(found, 0.0))
