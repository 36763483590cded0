"""The frontier of hard partitions: the most that a deterministic T can know of Y for its entropy.

A layer without noise puts each x into one cell t(x), so that I(X;T) = H(T): it is a hard partition of X, which reaches
the IB curve at no point but its ends, as a rule. The fair comparison is with the best of its kind (deterministic
information bottleneck: Strouse and Schwab 2017, arXiv:1604.00268). For a beta, the best partition has the least
H(T) − beta I(T;Y). Each x then lies in the cell for which −log p(t) + beta KL(p(y|x) ‖ p(y|t)) is least; for two labels
that is linear in p(y=1|x), so that cells are intervals of it, and a dynamic programme over the classes finds the best.

The partitions that are best for some beta are the corners of the upper hull of all of them. Between two corners no
partition lies above the chord, though some, best for no beta, may lie on or below it.

NumPy alone: a program can find a frontier without loading a compiler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui_engine.bottleneck.source import Source
from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from ibtui_engine.rules.rule import Rule

MOST_CLASSES = 8192
"""Classes of p(y|x), at most: the time grows with their square, about a second for each beta at this many."""
MOST_KEPT = 1024
"""Classes up to which the cells of all intervals are kept from beta to beta: 16 MB."""
ERROR = 1e-5
"""Bits that a corner may lie above the chord of its neighbours and be left out."""


@dataclass(frozen=True, eq=False)
class Frontier:
    """Corners of the upper hull of hard partitions, from no information to all classes apart."""

    entropy: Float64[np.ndarray, " corners"]
    """H(T) = I(X;T), bits; ascending from 0 to the entropy of the classes."""
    i_y: Float64[np.ndarray, " corners"]
    """I(T;Y), bits."""
    cells: Int64[np.ndarray, " corners"]
    """Values of T."""
    error: float
    """No partition has an I(T;Y) more than this many bits above the line through the corners."""

    def most(self, entropy: Float64[np.ndarray, "*shape"] | float) -> Float64[np.ndarray, "*shape"]:
        """I(T;Y) in bits on the line through the corners, at H(T) in bits."""
        return np.asarray(np.interp(entropy, self.entropy, self.i_y))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        columns = {name: getattr(self, name).tolist() for name in ("entropy", "i_y", "cells")}
        return {**columns, "error": self.error}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Frontier:
        """The inverse of `to_dict`.

        Raises:
            InvalidValue: it is none.
        """
        try:
            entropy, i_y = (np.array(plain[name], np.float64) for name in ("entropy", "i_y"))
            cells = np.array(plain["cells"], np.int64)
            error = float(plain["error"])
        except (KeyError, TypeError, ValueError) as fault:
            raise InvalidValue(f"this is not a frontier: {fault}") from None
        if not entropy.shape == i_y.shape == cells.shape == (len(entropy),):
            raise InvalidValue("this is not a frontier: its columns differ in length")
        return cls(entropy, i_y, cells, error)


def hard_frontier(rule: Rule, *, error: float = ERROR) -> Frontier:
    """The hull of all hard partitions of a rule's patterns, by dynamic programmes.

    Args:
        rule: of two labels.
        error: bits that a corner may lie above the chord of its neighbours and be left out.

    Raises:
        InvalidValue: the rule has more labels, or more than `MOST_CLASSES` classes of p(y|x).
    """
    if rule.labels > 2:
        raise InvalidValue(f"hard partitions are found for rules with two labels, and {rule.name!r} has {rule.labels}")
    return frontier_of(Source.of_rule(rule), error=error)


def frontier_of(source: Source, *, error: float = ERROR) -> Frontier:
    """The same of classes of p(y|x)."""
    intervals = _Intervals(source)
    first, last = intervals.corner(np.array([0, intervals.count])), intervals.corner(np.arange(intervals.count + 1))
    found = [first] if intervals.count == 1 else [first, *_between(first, last, intervals, error), last]
    return Frontier(
        np.array([one.entropy for one in found]),
        np.array([one.i_y for one in found]),
        np.array([one.cells for one in found], np.int64),
        error,
    )


@dataclass(frozen=True)
class _Corner:
    entropy: float
    i_y: float
    cells: int


class _Intervals:
    """The cells that intervals of classes make, by ascending p(y=1|x)."""

    def __init__(self, source: Source) -> None:
        self.count = len(source.weights)
        if self.count > MOST_CLASSES:
            raise InvalidValue(f"classes of p(y|x) must be at most {MOST_CLASSES} for partitions, got {self.count}")
        self._ones = _sums(source.weights * source.p_y)
        self._zeros = _sums(source.weights * source.rest)
        self._h_y = float(_unsure(self._ones[-1], self._zeros[-1]))
        self._kept: dict[int, tuple[Any, Any]] = {}

    def ending(self, end: int) -> tuple[Float64[np.ndarray, " end"], Float64[np.ndarray, " end"]]:
        """Of the intervals that end before the class `end`, by their beginnings, in bits: what each as a cell t adds to
        H(T), and to H(Y|T).
        """
        if (found := self._kept.get(end)) is None:
            one, zero = self._ones[end] - self._ones[:end], self._zeros[end] - self._zeros[:end]
            found = -_x_log_x(one + zero), _unsure(one, zero)
            if self.count <= MOST_KEPT:
                self._kept[end] = found
        return found

    def corner(self, cuts: Int64[np.ndarray, " cuts"]) -> _Corner:
        """The partition whose cells begin and end at these places."""
        one, zero = np.diff(self._ones[cuts]), np.diff(self._zeros[cuts])
        entropy = float(abs(_x_log_x(one + zero).sum()))
        return _Corner(entropy, max(self._h_y - float(_unsure(one, zero).sum()), 0.0), len(one))

    def best(self, beta: float) -> _Corner:
        """The partition with the least H(T) − beta I(T;Y)."""
        least = np.zeros(self.count + 1)
        begins = np.zeros(self.count + 1, np.int64)
        for end in range(1, self.count + 1):
            entropy, unsure = self.ending(end)
            cost = least[:end] + entropy + beta * unsure
            begins[end] = begin = int(cost.argmin())
            least[end] = cost[begin]
        cuts = [self.count]
        while cuts[-1] > 0:
            cuts.append(int(begins[cuts[-1]]))
        return self.corner(np.array(cuts[::-1]))


def _between(first: _Corner, last: _Corner, intervals: _Intervals, error: float) -> list[_Corner]:
    """Corners between two: the best partition for the slope of their chord, and those on its sides."""
    found: list[_Corner] = []
    waiting = [(first, last)]
    while waiting:
        left, right = waiting.pop()
        rise, run = right.i_y - left.i_y, right.entropy - left.entropy
        if rise <= error:  # nothing between them is higher than that
            continue
        best = intervals.best(run / rise)
        above = best.i_y - left.i_y - (best.entropy - left.entropy) * rise / run
        if above > error and left.entropy < best.entropy < right.entropy:
            found.append(best)
            waiting += [(left, best), (best, right)]
    return sorted(found, key=lambda one: one.entropy)


def _sums(parts: Float64[np.ndarray, " classes"]) -> Float64[np.ndarray, " more"]:
    """The sums of the first 0, 1, ... of them."""
    return np.concatenate(([0.0], np.cumsum(parts, dtype=np.longdouble).astype(np.float64)))


def _x_log_x(x: Any) -> Any:
    """x log2 x, 0 at 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, x * np.log2(x), 0.0)


def _unsure(one: Any, zero: Any) -> Any:
    """p(t) H(Y|t) in bits of cells with these p(t, y=1) and p(t, y=0)."""
    return _x_log_x(one + zero) - _x_log_x(one) - _x_log_x(zero)
