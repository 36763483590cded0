"""Where the bound leaves the origin: the smallest beta at which knowing anything of X is worth its price.

No T knows more of Y than I(X;T) / beta_c, where 1/beta_c is the constant of the strong data processing inequality of
p(y|x) at p(x) (Ahlswede and Gács 1976; Anantharam, Gohari, Kamath and Nair 2013): the largest ratio of
KL(r_Y ‖ p_Y) to KL(r_X ‖ p_X) over distributions r_X. For binary Y the r_X that gives Y a certain probability at the
least divergence is p(x) exp(s p(y=1|x)), normalised, so that beta_c is a minimum over one number:

    beta_c = inf over s of (s m(s) − L(s)) / KL(m(s) ‖ p(y=1)),   L(s) = log E exp(s p(y=1|x)),   m = L'

Its limit at s = 0 is p(y=1) p(y=0) / Var p(y=1|x), one over the squared maximal correlation of X and Y (Witsenhausen
1975): there the one decoder splits in two. Where another s is less, a new decoder appears at a distance, at m(s).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ibtui_engine.bottleneck.source import Source
from ibtui_engine.rules.log_odds import divergences, log_odds_of

PER_DECADE = 20
LARGEST = 1e18
"""s in units of one over the standard deviation of p(y=1|x): beyond it only one class is left, in double precision."""


@dataclass(frozen=True)
class Onset:
    """The critical beta at the origin of the information plane."""

    beta: float
    """I(X;T) > 0 pays for beta above it; inf where X says nothing of Y."""
    local: float
    """Where the decoder p(y) of a T that knows nothing would split in two; at least `beta`."""
    q: float
    """p(y=1|t) of the decoder that appears at `beta`; p(y=1) itself where it splits."""

    @property
    def splits(self) -> bool:
        """Whether the one decoder splits, rather than another appearing at a distance."""
        return self.beta >= self.local * (1 - 1e-9)


def onset(source: Source) -> Onset:
    """The critical beta of these classes."""
    if source.p_y1 > source.p_y0:  # the rarer label's probabilities have the digits
        other = onset(source.swapped())
        return Onset(other.beta, other.local, source.p_y1 if other.splits else 1.0 - other.q)
    p, w, mean = source.p_y, source.weights, source.p_y1
    if len(p) < 2 or source.i_xy <= 0.0 or not mean > 0.0:
        return Onset(math.inf, math.inf, mean)
    away = p - mean
    variance = float(w @ away**2)
    if variance <= 0.0:
        return Onset(math.inf, math.inf, mean)
    local = source.p_y0 * mean / variance
    best, at = local, 0.0
    unit = 1 / math.sqrt(variance)
    sizes = unit * np.geomspace(1e-2, LARGEST, 20 * PER_DECADE + 1)
    for sign in (-1.0, 1.0):
        s = sign * sizes
        values = np.array([ratio(source, one)[0] for one in s])
        lowest = np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:]) & (values[1:-1] < 2 * best))
        for k in lowest[np.argsort(values[lowest + 1])][:3]:
            found, place = _descend(source, s[k], s[k + 2])
            if found < best:
                best, at = found, place
        k = int(values.argmin())
        if values[k] < best:
            best, at = float(values[k]), float(s[k])
    if best >= local * (1 - 1e-9):
        return Onset(local, local, mean)
    return Onset(best, local, ratio(source, at)[1])


def ratio(source: Source, s: float) -> tuple[float, float]:
    """(KL(r_X ‖ p_X) / KL(r_Y ‖ p_Y), r_Y(1)) of the distribution r_X proportional to p(x) exp(s p(y=1|x)), s ≠ 0."""
    w, away = source.weights, source.p_y - source.p_y1
    x = s * away
    most = float(x.max())
    if most < 1.0:  # L = log E exp(x) with E x = 0
        total = math.log1p(float(w @ (np.expm1(x) - x)))
        r = w * np.exp(x - total)
    else:
        tilted = w * np.exp(x - most)
        total = most + math.log(float(tilted.sum()))
        r = tilted / tilted.sum()
    shift = float(r @ away)
    cost = s * shift - total
    if abs(s * shift) > 1e3 * abs(cost):  # one class is left: L is not to be taken from s m
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = float(np.where(r > 0, r * (np.log(r) - np.log(w)), 0.0).sum())
    gain = _shifted(source.p_y1, shift)
    return (cost / gain if gain > 0 and cost > 0 else math.inf), source.p_y1 + shift


def _shifted(p: float, e: float) -> float:
    """KL(p + e ‖ p) in nats, by its series where e is small."""
    a, b = 1 / p, 1 / (1 - p)
    if abs(e) * max(a, b) < 1e-4:
        return e * e * ((a + b) / 2 - e * ((a * a - b * b) / 6 - e * (a**3 + b**3) / 12))
    return float(divergences(log_odds_of(np.asarray(min(max(p + e, 0.0), 1.0))), log_odds_of(np.asarray(p))))


def _descend(source: Source, low: float, high: float) -> tuple[float, float]:
    """The minimum of `ratio` between two s of one sign, by golden sections of their logarithm."""
    sign = math.copysign(1.0, low)
    a, b = sorted((math.log(abs(low)), math.log(abs(high))))
    golden = (math.sqrt(5) - 1) / 2
    inner = [b - golden * (b - a), a + golden * (b - a)]
    values = [ratio(source, sign * math.exp(x))[0] for x in inner]
    for _ in range(60):
        if values[0] <= values[1]:
            b, inner[1], values[1] = inner[1], inner[0], values[0]
            inner[0] = b - golden * (b - a)
            values[0] = ratio(source, sign * math.exp(inner[0]))[0]
        else:
            a, inner[0], values[0] = inner[0], inner[1], values[1]
            inner[1] = a + golden * (b - a)
            values[1] = ratio(source, sign * math.exp(inner[1]))[0]
    best = 0 if values[0] <= values[1] else 1
    return values[best], sign * math.exp(inner[best])
