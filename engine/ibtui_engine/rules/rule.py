"""A rule: patterns x with p(x), which are equally likely unless it says otherwise, and p(y|x), with the entropies and
information that follow from them.

The rule is the joint distribution P(X,Y) against which layers are measured (Shwartz-Ziv and Tishby 2017,
arXiv:1703.00810, section 3.1), whatever sample of it a network was trained on.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.labels import MOST_LABELS, outputs_for
from ibtui_engine.rules.log_odds import entropies, log_odds_of, logistic
from ibtui_engine.rules.patterns import distinct_rows

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Int64, UInt8

    from ibtui_engine.rules.tables.report import TableReport

    LabelProbabilities = Float64[np.ndarray, " patterns"] | Float64[np.ndarray, "patterns labels"]


def binary_entropy(p: Float64[np.ndarray, "*shape"] | float) -> Float64[np.ndarray, "*shape"]:
    """H(p) = -p log2 p - (1-p) log2 (1-p) in bits of each probability in [0,1], with 0 log 0 = 0."""
    p = np.asarray(p, dtype=np.float64)
    log_p = np.log2(p, out=np.zeros_like(p), where=p > 0)
    log_q = np.log1p(-p, out=np.zeros_like(p), where=p < 1) / math.log(2)  # log1p: exact for tiny p too
    return np.asarray(-(p * log_p + (1 - p) * log_q) + 0.0)


def label_entropy(p: Float64[np.ndarray, "*shape labels"]) -> Float64[np.ndarray, "*shape"]:
    """-sum_y p(y) log2 p(y) in bits over the last axis, with 0 log 0 = 0."""
    logs = np.log2(p, out=np.zeros_like(p), where=p > 0)
    return np.asarray(-(p * logs).sum(axis=-1) + 0.0)


def label_information(p_y: LabelProbabilities, p_x: Float64[np.ndarray, " patterns"] | None = None) -> float:
    """I(X;Y) = H(mean p) - mean H(p) in bits, for rows whose p(y|x) is a function of x. `p_x`: None where they are
    equally likely.
    """
    entropy = binary_entropy if p_y.ndim == 1 else label_entropy
    return float(entropy(mean_over(p_y, p_x)) - mean_over(entropy(p_y), p_x))


def mean_over(
    values: Float64[np.ndarray, "patterns ..."], p_x: Float64[np.ndarray, " patterns"] | None
) -> Float64[np.ndarray, ...]:
    """The mean over patterns, which are equally likely where `p_x` is None."""
    return np.asarray(values.mean(axis=0) if p_x is None else p_x @ values)


def orbits_of(p_y: Float64[np.ndarray, "patterns ..."]) -> Int64[np.ndarray, " patterns"]:
    """The class of each pattern, from 0: patterns are in one where all numbers that say p(y|x) are equal."""
    rows = p_y.reshape(len(p_y), -1) + 0.0  # turns -0.0 into 0.0
    return np.unique(rows, axis=0, return_inverse=True)[1].ravel()


@dataclass(frozen=True, eq=False)
class Rule:
    """P(X,Y) over rows, equally likely ones where `p_x` is None. The arrays are not to be written to.

    Two labels are given by the probability of one of them and its log-odds, which keep the digits of both labels'
    probabilities; more than two by a row of probabilities each.
    Raises InvalidValue where patterns, p_y, p_x and log_odds do not fit together or are no probabilities.
    """

    name: str
    """As it was chosen: `symmetric`, `committee`, `table:var_u.mat`."""
    patterns: UInt8[np.ndarray, "patterns inputs"] | Float32[np.ndarray, "patterns inputs"]
    """One row per pattern: uint8 where all inputs are 0 or 1, else float32."""
    p_y: LabelProbabilities
    """p(y=1|x) of each row, or where there are more than two labels p(y|x), labels from 0; rows with the same pattern
    have the same."""
    parameters: dict[str, float] = field(default_factory=dict)
    """What the rule was made with, such as theta and gamma; empty for a table."""
    odds: InitVar[Float64[np.ndarray, " patterns"] | None] = None
    """What becomes `log_odds`, where p_y alone would lose the digits of a probability near 1."""
    report: TableReport | None = None
    """What was read from its file; None of rules that come from none."""
    held_out: Rule | None = None
    """Rows of a table that no network trains on, as a rule of their own, with the same inputs and labels; None where
    none are held out. Nothing here is of them."""
    p_x: Float64[np.ndarray, " patterns"] | None = None
    """p(x) of each row, above 0; None where all rows are equally likely, also where equal numbers were given."""
    log_odds: Float64[np.ndarray, " patterns"] = field(init=False)
    """log(p(y=1|x) / p(y=0|x)) of each row, −inf and inf for labels that are certain; NaN where there are more than two
    labels."""

    def __post_init__(self, odds: Float64[np.ndarray, " patterns"] | None) -> None:
        if self.patterns.ndim != 2 or self.patterns.dtype not in (np.uint8, np.float32):
            raise InvalidValue(
                f"rule {self.name!r}: patterns of shape {self.patterns.shape} and type "
                f"{self.patterns.dtype}; allowed are uint8 or float32, patterns x inputs"
            )
        many = self.p_y.ndim == 2 and 2 < self.p_y.shape[1] <= MOST_LABELS
        fits = self.p_y.shape[:1] == self.patterns.shape[:1] and (self.p_y.ndim == 1 or many)
        if not fits or self.p_y.dtype != np.float64:
            raise InvalidValue(
                f"rule {self.name!r}: p(y|x) of shape {self.p_y.shape} and type {self.p_y.dtype} for "
                f"{len(self.patterns)} patterns; allowed is one float64 for each, or one for each of 3 to "
                f"{MOST_LABELS} labels"
            )
        if not ((self.p_y >= 0) & (self.p_y <= 1)).all():
            raise InvalidValue(f"rule {self.name!r}: p(y|x) must lie in [0, 1] everywhere")
        if many and not np.allclose(self.p_y.sum(axis=1), 1, rtol=0, atol=1e-9):
            raise InvalidValue(f"rule {self.name!r}: p(y|x) must add up to 1 over the labels")
        if many or odds is None:
            odds = np.full(len(self.p_y), np.nan) if many else log_odds_of(self.p_y)
        elif odds.shape != self.p_y.shape or not (np.abs(logistic(odds) - self.p_y) <= 1e-9).all():
            raise InvalidValue(f"rule {self.name!r}: its log-odds are not those of its p(y=1|x)")
        object.__setattr__(self, "log_odds", odds)
        if self.p_x is not None:
            self._require_p_x(self.p_x)
            if (self.p_x == self.p_x[0]).all():
                object.__setattr__(self, "p_x", None)
        held = self.held_out
        if held is not None and (held.inputs, held.labels) != (self.inputs, self.labels):
            raise InvalidValue(
                f"rule {self.name!r}: held out are patterns of {held.inputs} inputs and {held.labels} labels; needed "
                f"are {self.inputs} and {self.labels}"
            )

    def _require_p_x(self, p_x: Float64[np.ndarray, " patterns"]) -> None:
        if p_x.shape != self.p_y.shape[:1] or p_x.dtype != np.float64:
            raise InvalidValue(
                f"rule {self.name!r}: p(x) of shape {p_x.shape} and type {p_x.dtype} for {len(self.p_y)} patterns; "
                "needed is one float64 for each"
            )
        if not ((p_x > 0) & (p_x <= 1)).all() or abs(p_x.sum() - 1) > 1e-9:
            raise InvalidValue(f"rule {self.name!r}: p(x) must be above 0 everywhere and add up to 1")

    def mean(self, values: Float64[np.ndarray, "patterns ..."]) -> Float64[np.ndarray, ...]:
        """The mean over patterns under p(x)."""
        return mean_over(values, self.p_x)

    @property
    def inputs(self) -> int:
        """Number of inputs of a pattern."""
        return int(self.patterns.shape[1])

    @property
    def labels(self) -> int:
        """How many labels there are."""
        return 2 if self.p_y.ndim == 1 else int(self.p_y.shape[1])

    @property
    def outputs(self) -> int:
        """Outputs of a network that learns it: one logistic unit for two labels, else one of a softmax for each."""
        return outputs_for(self.labels)

    def over(self, chosen: Int64[np.ndarray, " chosen"]) -> Rule:
        """The rule of these of its patterns alone, by their numbers."""
        odds = self.log_odds[chosen] if self.labels == 2 else None
        p_x = None if self.p_x is None else self.p_x[chosen] / self.p_x[chosen].sum()
        return Rule(self.name, self.patterns[chosen], self.p_y[chosen], self.parameters, odds, p_x=p_x)

    @cached_property
    def orbits(self) -> Int64[np.ndarray, " patterns"]:
        """The class of equal p(y|x) that each pattern is in, from 0 (section 3.1 calls them orbits): the minimal
        sufficient statistic of x for y. Two labels are told apart by log-odds, which have the digits of both.
        """
        return orbits_of(self.log_odds if self.labels == 2 else self.p_y)

    @cached_property
    def h_x(self) -> float:
        """H(X) in bits: of equally likely rows log2 of their number (12 for the built-in rules), less where rows are
        equal.
        """
        group, counts = distinct_rows(self.patterns)
        if self.p_x is not None:
            return max(float(label_entropy(np.bincount(group, weights=self.p_x))), 0.0)
        rows = len(self.patterns)
        return math.log2(rows) - float((counts * np.log2(counts)).sum()) / rows

    @cached_property
    def p_y1(self) -> float:
        """p(y=1), the mean of p(y=1|x)."""
        return float(self.mean(self.p_y if self.p_y.ndim == 1 else self.p_y[:, 1]))

    @cached_property
    def rest(self) -> Float64[np.ndarray, " patterns"]:
        """p(y=0|x) of each row of a rule of two labels, with all its digits where p(y=1|x) is near 1."""
        return np.asarray(np.where(self.p_y > 0.5, logistic(-self.log_odds), 1.0 - self.p_y))

    @cached_property
    def p_y0(self) -> float:
        """p(y=0), the mean of p(y=0|x)."""
        return float(self.mean(self.rest if self.p_y.ndim == 1 else self.p_y[:, 0]))

    @cached_property
    def p_labels(self) -> Float64[np.ndarray, " labels"]:
        """p(y) of each label."""
        return np.asarray(self.mean(self.p_y) if self.labels > 2 else np.array([self.p_y0, self.p_y1]))

    @cached_property
    def h_y(self) -> float:
        """H(Y) in bits, at most log2 of the number of labels."""
        return float(label_entropy(self.p_labels))

    @cached_property
    def i_xy(self) -> float:
        """I(X;Y) in bits, between 0 and `h_y`."""
        if self.labels > 2:
            return max(label_information(self.p_y, self.p_x), 0.0)
        return max(self.h_y - float(self.mean(entropies(self.log_odds))), 0.0)

    @cached_property
    def classes(self) -> int:
        """How many different values p(y|x) takes, of two labels by its log-odds: patterns of one class are the same to
        the IB curve.
        """
        return len(np.unique(self.log_odds if self.labels == 2 else self.p_y, axis=0))

    @property
    def deterministic(self) -> bool:
        """Whether y is a function of x: every p(y|x) is 0 or 1."""
        return bool(((self.p_y == 0) | (self.p_y == 1)).all() and (self.labels > 2 or np.isinf(self.log_odds).all()))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the patterns' type, shape and bytes, of p(y|x), of two labels' log-odds and of p(x) where
        that is not uniform: equal for equal rules.
        """
        patterns = np.ascontiguousarray(self.patterns)
        digest = hashlib.sha256(f"{patterns.dtype.str}{patterns.shape}".encode())
        digest.update(patterns.tobytes())
        digest.update(np.ascontiguousarray(self.p_y).tobytes())
        if self.labels == 2:
            digest.update(np.ascontiguousarray(self.log_odds).tobytes())
        if self.p_x is not None:
            digest.update(self.p_x.tobytes())
        return digest.hexdigest()
