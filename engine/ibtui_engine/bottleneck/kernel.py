"""The kernel exp(−beta KL(p(y|x) ‖ q)) of binary labels, and sums of it along q, compiled.

q is given by its log odds t. With A(t) = log(1 + exp(t)), the kernel of a class with p(y=1|x) = p is proportional to
exp(beta (p t − A(t))): an exponential family in t. Two things follow. All kernels have the same curvature
−beta q(1−q) in log and t, so that their widths are one in arcsin sqrt(q). And the logarithm of any sum of them plus
beta A(t) is convex in t, which bounds it between two points by its chord.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64

from ibtui_engine.compiled import compiled

SMALL = 1e-3
"""Differences of log odds below which divergences come from their series: the next term is 2e-11 of them."""
FAST = 3e3
"""beta times log odds below which the exponents' rounding, 1e-16 of it, may stay."""
FAINT = -46.0
"""Logarithm of what is left out of sums whose terms are near 1: 1e-20."""


@compiled
def soft_plus(t: float) -> float:
    """log(1 + exp(t))."""
    return max(t, 0.0) + math.log1p(math.exp(-abs(t)))


@compiled
def logistic(t: float) -> float:
    """1 / (1 + exp(−t)), to full precision where it is small."""
    if t < 0.0:
        e = math.exp(t)
        return e / (1.0 + e)
    return 1.0 / (1.0 + math.exp(-t))


@compiled
def divergence(p: float, rest: float, odds: float, t: float) -> float:
    """KL(p ‖ logistic(t)) in nats, where `rest` is 1 − p and `odds` the log odds of p, each with all its digits.

    The compiled form of `ibtui_engine.rules.log_odds.divergences`, which says how.
    """
    if odds > 0.0:
        small = rest
        a = -odds
        t = -t
    else:
        small = p
        a = odds
    if a == -math.inf:
        return soft_plus(t)
    if math.isinf(t):
        return math.inf
    x = t - a
    if abs(x) < SMALL:
        v = small * (1.0 - small)
        return v * x * x * (0.5 + x * ((1.0 - 2.0 * small) / 6.0 + x * (1.0 - 6.0 * v) / 24.0))
    if x < 30.0:
        return max(math.log1p(small * math.expm1(x)) - small * x, 0.0)
    return max(soft_plus(t) - soft_plus(a) - small * x, 0.0)


@compiled
def slope_sum(
    t: float,
    beta: float,
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    base: Float64[np.ndarray, " classes"],
    level: Float64[np.ndarray, " classes"],
    scratch: Float64[np.ndarray, " classes"],
) -> tuple[float, float, float]:
    """(log c, s, v) at log odds t, where c = sum of exp(level − beta KL(p ‖ q)).

    s = E[p] − q and v = Var[p] under the terms' shares: c rises with t where s > 0 (its logarithm's slope is beta s).
    `rest`: 1 − p. `base`: beta times the entropy of p in nats, plus `level`. `scratch` is overwritten.
    """
    n = p.shape[0]
    a = soft_plus(t)
    most = -math.inf
    fast = beta * max(abs(t), 1.0) < FAST
    for i in range(n):
        scratch[i] = base[i] + beta * (p[i] * t - a)
        most = max(most, scratch[i])
    total = 0.0
    share = 0.0
    square = 0.0
    q = logistic(t)
    right = t > 0.0
    other = logistic(-t)
    for i in range(n):
        x = scratch[i] - most
        if x < FAINT:
            continue
        if not fast:
            x = level[i] - beta * divergence(p[i], rest[i], odds[i], t) - most
        e = math.exp(x)
        d = other - rest[i] if right else p[i] - q
        total += e
        share += e * d
        square += e * d * d
    share /= total
    return most + math.log(total), share, max(square / total - share * share, 0.0)


@compiled
def chord_bound(low: float, log_c: float, high: float, log_d: float, beta: float) -> tuple[float, float]:
    """An upper bound on log c between `low` and `high`, where it is `log_c` and `log_d`, and where that is reached.

    log c + beta A is convex: it lies below its chord, and the chord less beta A is concave with its maximum where
    logistic(t) is the chord's slope over beta, r. There it is log c(low) + beta KL(r ‖ logistic(low)).
    """
    q = logistic(low)
    rest = logistic(-low)
    width = high - low
    excess = (divergence(q, rest, low, high) + (log_d - log_c) / beta) / width  # r − q
    r = q + excess
    end = logistic(high)
    if excess <= 0.0 or r >= end or (low >= 0.0 and rest - excess <= logistic(-high)):
        return (log_c, low) if log_c >= log_d else (log_d, high)
    r_rest = rest - excess
    gain = r * math.log1p(excess / q) + r_rest * math.log1p(-excess / rest)
    return log_c + beta * max(gain, 0.0), min(max(math.log(r) - math.log(r_rest), low), high)
