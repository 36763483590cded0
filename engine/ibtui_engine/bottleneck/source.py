"""What the bound is of: the classes of patterns with equal p(y=1|x), which are all of X that the label depends on.

Patterns with the same p(y|x) are one to every information bottleneck (Tishby, Pereira and Bialek 1999): an optimal
encoder treats them alike, so that 4096 patterns become at most as many classes as p(y=1|x) has values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.rule import Rule, binary_entropy

if TYPE_CHECKING:
    from jaxtyping import Float64


@dataclass(frozen=True, eq=False)
class Source:
    """Classes of patterns, by ascending p(y=1|x), no two with the same. The arrays are not to be written to."""

    weights: Float64[np.ndarray, " classes"]
    """p(class), each above 0; they add up to 1."""
    p_y: Float64[np.ndarray, " classes"]
    """p(y=1|class), ascending; exact 0 and 1 are allowed."""

    @classmethod
    def of(cls, p_y: Float64[np.ndarray, " n"], weights: Float64[np.ndarray, " n"] | None = None) -> Source:
        """The classes of patterns with these p(y=1|x) and p(x) (in any unit; equally likely if left out).

        Raises:
            InvalidValue: a probability outside [0, 1], a weight that is negative or not finite, or none above 0.
        """
        p = np.asarray(p_y, np.float64).ravel() + 0.0  # turns -0.0 into 0.0
        w = np.ones(p.size) if weights is None else np.asarray(weights, np.float64).ravel()
        if w.size != p.size:
            raise InvalidValue(f"{w.size} weights for {p.size} posteriors: allowed is one for each")
        if not ((p >= 0) & (p <= 1)).all():
            raise InvalidValue("p(y=1|x) must lie in [0, 1] everywhere")
        if not (np.isfinite(w).all() and (w >= 0).all() and w.any()):
            raise InvalidValue("weights must be finite and at least 0, one of them above it")
        p, group = np.unique(p, return_inverse=True)
        w = np.asarray(np.bincount(group.ravel(), weights=w / w.max()), np.float64)
        there = w > 0
        w = w[there] / math.fsum(w[there])
        return cls(w[w > 0], p[there][w > 0])

    @classmethod
    def of_rule(cls, rule: Rule) -> Source:
        """The classes of a rule's patterns."""
        return cls.of(rule.p_y)

    @cached_property
    def log_odds(self) -> Float64[np.ndarray, " classes"]:
        """log(p / (1−p)); −inf and inf for p(y=1|x) of 0 and 1."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.p_y) - np.log1p(-self.p_y))

    @cached_property
    def p_y1(self) -> float:
        """p(y=1)."""
        return min(float(self.weights @ self.p_y), 1.0)

    @cached_property
    def h_y(self) -> float:
        """H(Y) in bits."""
        return float(binary_entropy(np.asarray(self.p_y1)))

    @cached_property
    def entropy(self) -> float:
        """H(class) in bits, the entropy of the minimal sufficient statistic: where the curve reaches I(X;Y)."""
        return max(float(-(self.weights @ np.log2(self.weights))), 0.0)

    @cached_property
    def i_xy(self) -> float:
        """I(X;Y) in bits: the mean of KL(p(y|x) ‖ p(y)), whose terms cannot cancel."""
        return float(self.weights @ divergences(self.p_y, np.asarray(self.p_y1))) / math.log(2)


def divergences(p: Float64[np.ndarray, "*shape"], q: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """KL(p ‖ q) of binary distributions with these probabilities of 1, in nats; inf where q rules out what p allows."""
    p, q = np.broadcast_arrays(np.asarray(p, np.float64), np.asarray(q, np.float64))
    zero = np.zeros(p.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = p / q
        one = np.where(p > 0, p * np.where(np.isfinite(ratio), np.log(ratio), np.log(p) - np.log(q)), zero)
        other = np.where(p < 1, (1 - p) * (np.log1p(-p) - np.log1p(-q)), zero)
    return np.asarray(np.maximum(one + other, 0.0))
