"""What the bound is of: the classes of patterns with equal p(y|x), which are all of X that the label depends on.

Patterns with the same p(y|x) are one to every information bottleneck (Tishby, Pereira and Bialek 1999): an optimal
encoder treats them alike, so that 4096 patterns become at most as many classes as p(y|x) has values. Classes are told
apart by their log-odds, which have the digits of both labels' probabilities, so that no number here depends on which
of the two labels is called 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.log_odds import divergences, log_odds_of, log_ratio
from ibtui_engine.rules.rule import Rule, label_entropy

if TYPE_CHECKING:
    from jaxtyping import Float64


@dataclass(frozen=True, eq=False)
class Source:
    """Classes of patterns, by ascending log-odds, no two with the same. The arrays are not to be written to."""

    weights: Float64[np.ndarray, " classes"]
    """p(class), each above 0; they add up to 1."""
    log_odds: Float64[np.ndarray, " classes"]
    """log(p(y=1|class) / p(y=0|class)), ascending; −inf and inf where the label is certain."""
    p_y: Float64[np.ndarray, " classes"]
    """p(y=1|class), with all its digits where it is near 0."""
    rest: Float64[np.ndarray, " classes"]
    """p(y=0|class), with all its digits where it is near 0."""

    @classmethod
    def of(cls, p_y: Float64[np.ndarray, " n"], weights: Float64[np.ndarray, " n"] | None = None) -> Source:
        """The classes of patterns with these p(y=1|x) and p(x) (in any unit; equally likely if left out).

        Raises:
            InvalidValue: a probability outside [0, 1], a weight that is negative or not finite, or none above 0.
        """
        p = np.asarray(p_y, np.float64).ravel() + 0.0  # turns -0.0 into 0.0
        if not ((p >= 0) & (p <= 1)).all():
            raise InvalidValue("p(y=1|x) must lie in [0, 1] everywhere")
        return cls._grouped(log_odds_of(p), p, 1.0 - p, weights)

    @classmethod
    def of_parts(cls, ones: Float64[np.ndarray, " n"], zeros: Float64[np.ndarray, " n"]) -> Source:
        """The same of patterns with these p(x, y=1) and p(x, y=0), in any unit; those with neither are left out.

        Raises:
            InvalidValue: a part that is negative or not finite, or none above 0.
        """
        one, zero = np.asarray(ones, np.float64).ravel(), np.asarray(zeros, np.float64).ravel()
        there = (one + zero) != 0
        one, zero = one[there], zero[there]
        both = one + zero
        return cls._grouped(log_ratio(one, zero), one / both, zero / both, both)

    @classmethod
    def _grouped(
        cls,
        odds: Float64[np.ndarray, " n"],
        p: Float64[np.ndarray, " n"],
        rest: Float64[np.ndarray, " n"],
        weights: Float64[np.ndarray, " n"] | None,
    ) -> Source:
        w = np.ones(odds.size) if weights is None else np.asarray(weights, np.float64).ravel()
        if w.size != odds.size:
            raise InvalidValue(f"weights must be one for each of the {odds.size} posteriors, got {w.size}")
        if not (np.isfinite(w).all() and (w >= 0).all() and w.any()):
            raise InvalidValue("weights must be finite and at least 0, one of them above it")
        odds, first, group = np.unique(odds, return_index=True, return_inverse=True)
        w = np.asarray(np.bincount(group.ravel(), weights=w / w.max()), np.float64)
        there = w > 0
        w = w[there] / math.fsum(w[there])
        left = np.flatnonzero(there)[w > 0]
        return cls(w[w > 0], odds[left], p[first[left]], rest[first[left]])

    @classmethod
    def of_rule(cls, rule: Rule) -> Source:
        """The classes of a rule's patterns.

        Raises:
            InvalidValue: the rule has more than two labels.
        """
        if rule.labels > 2:
            raise InvalidValue(f"rule {rule.name!r} must have two labels, got {rule.labels}")
        return cls._grouped(rule.log_odds, rule.p_y, rule.rest, rule.p_x)

    @cached_property
    def p_y1(self) -> float:
        """p(y=1)."""
        return min(float(self.weights @ self.p_y), 1.0)

    @cached_property
    def p_y0(self) -> float:
        """p(y=0)."""
        return min(float(self.weights @ self.rest), 1.0)

    @cached_property
    def log_odds_y(self) -> float:
        """log(p(y=1) / p(y=0))."""
        return float(log_ratio(np.asarray(self.p_y1), np.asarray(self.p_y0)))

    @cached_property
    def h_y(self) -> float:
        """H(Y) in bits."""
        return float(label_entropy(np.array([self.p_y0, self.p_y1])))

    @cached_property
    def entropy(self) -> float:
        """H(class) in bits, the entropy of the minimal sufficient statistic: where the curve reaches I(X;Y)."""
        return max(float(-(self.weights @ np.log2(self.weights))), 0.0)

    @cached_property
    def i_xy(self) -> float:
        """I(X;Y) in bits: the mean of KL(p(y|x) ‖ p(y)), whose terms cannot cancel."""
        if len(self.weights) == 1:
            return 0.0
        return float(self.weights @ divergences(self.log_odds, np.asarray(self.log_odds_y))) / math.log(2)

    @property
    def deterministic(self) -> bool:
        """Whether the class tells the label for sure."""
        return bool(np.isinf(self.log_odds).all())

    def swapped(self) -> Source:
        """The same classes with the labels' names exchanged."""
        return Source(self.weights[::-1], -self.log_odds[::-1], self.rest[::-1], self.p_y[::-1])
