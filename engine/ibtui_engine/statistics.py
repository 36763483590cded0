"""Statistics over the networks of an ensemble: the one place that tables, charts, documents and figures get them from.

A network whose number is NaN or infinite has no value: it does not count, and `count` says how many do. NaN stands for
what is not defined: a mean over no value, a spread over fewer than two, and results beyond double precision. Spread is
that of a sample (n − 1). Equal values give equal bits, whatever the shape of the array that they come in.

`Spread` has all of it for one number, with a 95 % interval by Student's distribution (1908), which holds for few
networks too; `EpochSpread` has the same for an epoch, on the log axis. NumPy and the standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64, Real

LEVEL = 0.95
"""Chance with which an interval is to hold the truth."""


# arrays: one statistic for every place but the axis of the networks


def count(values: Real[np.ndarray, " ..."], axis: int = 0) -> Int64[np.ndarray, " ..."]:
    """How many networks, along `axis`, have a value."""
    return np.asarray(np.isfinite(values).sum(axis=axis), np.int64)


def mean(values: Real[np.ndarray, " ..."], axis: int = 0) -> Float64[np.ndarray, " ..."]:
    """Arithmetic mean over the networks that have a value; NaN where none has."""
    known, there = _last(values, axis)
    return _mean(known, there)


def geometric_mean(values: Real[np.ndarray, " ..."], axis: int = 0) -> Float64[np.ndarray, " ..."]:
    """Geometric mean over the networks with a value above 0; NaN where there is none.

    It is that of ratios such as the gradient SNR: half and twice have the mean one, which is where drift ends.
    """
    return np.asarray(np.exp(mean(logarithms(values), axis)))


def standard_deviation(values: Real[np.ndarray, " ..."], axis: int = 0) -> Float64[np.ndarray, " ..."]:
    """Standard deviation (n − 1) over the networks that have a value; NaN where fewer than two have."""
    known, there = _last(values, axis)
    counts = there.sum(axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):
        away = np.where(there, known - _mean(known, there)[..., None], 0.0)
        squares = np.square(away).sum(axis=-1)
    return _divided(np.sqrt(_divided(squares, counts - 1)), np.ones_like(counts))


def standard_error(values: Real[np.ndarray, " ..."], axis: int = 0) -> Float64[np.ndarray, " ..."]:
    """Standard error of the mean; NaN where fewer than two networks have a value."""
    return _divided(standard_deviation(values, axis), np.sqrt(count(values, axis)))


def sampling_error(errors: Real[np.ndarray, " ..."], axis: int = 0) -> Float64[np.ndarray, " ..."]:
    """Standard error of the mean of independent estimates with these standard errors, from their sampling alone: the
    root of the sum of squares over their number; NaN without any.
    """
    return np.asarray(np.sqrt(_divided(mean(np.square(errors), axis), count(errors, axis))))


def least(values: Real[np.ndarray, " ..."], axis: int = 0) -> Float64[np.ndarray, " ..."]:
    """The least value that a network has; NaN where none has one."""
    return np.asarray(-greatest(-np.asarray(values, np.float64), axis))


def greatest(values: Real[np.ndarray, " ..."], axis: int = 0) -> Float64[np.ndarray, " ..."]:
    """The greatest value that a network has; NaN where none has one."""
    known, there = _last(values, axis)
    return np.where(there.any(axis=-1), np.where(there, known, -np.inf).max(axis=-1, initial=-np.inf), np.nan)


def quantiles(values: Real[np.ndarray, " networks"], shares: Sequence[float]) -> Float64[np.ndarray, " shares"]:
    """The least value that at least such a share of the networks do not exceed (0 < share <= 1).

    Each is a value that some network has; for the share 0.5 it is the lower median. Infinite values are in order with
    the others here, for epochs that a network never comes to; NaN is no value. NaN where no network has one.
    """
    known = np.sort(np.asarray(values, np.float64))
    known = known[~np.isnan(known)]
    if not len(known):
        return np.full(len(shares), np.nan)
    places = np.ceil(np.asarray(shares, np.float64) * len(known) * (1 - 1e-12)).astype(np.int64) - 1
    return np.asarray(known[np.clip(places, 0, len(known) - 1)])


def median_interval(values: Real[np.ndarray, " networks"]) -> tuple[float, float, float, int]:
    """The median over the networks that have a number, its 95 % interval, and how many they are.

    Infinite numbers are in order with the others: for epochs that a network had not come to, and for what is heavy in
    its tails. The interval is between two of the numbers, whatever their distribution (Conover 1999, section 3.2), at
    least at that level; NaN of fewer than six networks, which cannot give one.
    """
    known = np.sort(np.asarray(values, np.float64))
    known = known[~np.isnan(known)]
    if not len(known):
        return math.nan, math.nan, math.nan, 0
    low, high = known[(len(known) - 1) // 2], known[len(known) // 2]
    middle = float(low if low == high else (low + high) / 2)
    outside, rank = 0, 0
    while (outside + math.comb(len(known), rank)) * 2 <= (1 - LEVEL) * 2 ** len(known):
        outside += math.comb(len(known), rank)
        rank += 1
    if rank == 0:
        return middle, math.nan, math.nan, len(known)
    return middle, float(known[rank - 1]), float(known[-rank]), len(known)


def logarithms(values: Real[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Natural logarithms; NaN for what has none (0, negative or infinite numbers)."""
    plain = np.asarray(values, np.float64)
    found = np.full(plain.shape, np.nan)
    np.log(plain, out=found, where=np.isfinite(plain) & (plain > 0))
    return found


def _last(
    values: Real[np.ndarray, " ..."], axis: int
) -> tuple[Float64[np.ndarray, "... networks"], Bool[np.ndarray, "... networks"]]:
    """The values with the networks last and 0 for none, and where there are some.

    Sums run along contiguous memory, so that they are taken in the same order for arrays of all shapes.
    """
    moved = np.ascontiguousarray(np.moveaxis(np.asarray(values, np.float64), axis, -1))
    there = np.isfinite(moved)
    return np.where(there, moved, 0.0), there


def _mean(
    known: Float64[np.ndarray, "... networks"], there: Bool[np.ndarray, "... networks"]
) -> Float64[np.ndarray, " ..."]:
    with np.errstate(over="ignore", invalid="ignore"):
        sums = known.sum(axis=-1)
    return _divided(sums, there.sum(axis=-1))


def _divided(
    sums: Float64[np.ndarray, "*shape"] | np.float64, counts: Real[np.ndarray, "*shape"] | np.number
) -> Float64[np.ndarray, "*shape"]:
    """Quotients; NaN where there is nothing to divide by, or the sum is no number."""
    found = np.full(np.shape(sums), np.nan)
    np.divide(sums, counts, out=found, where=np.isfinite(sums) & (np.asarray(counts) > 0))
    return found


# one number, with all that is to be said of it


class _OfNetworks:
    """What is known of some of the networks of an ensemble."""

    count: int
    networks: int

    @property
    def present(self) -> bool:
        """Whether at least one network has it."""
        return self.count > 0

    @property
    def common(self) -> bool:
        """Whether at least half of the networks have it."""
        return self.present and 2 * self.count >= self.networks


@dataclass(frozen=True)
class Spread(_OfNetworks):
    """What the networks of an ensemble say of one number; NaN where they say nothing."""

    mean: float
    """Over the networks that have it."""
    deviation: float
    """Standard deviation over them (n − 1); NaN for fewer than two networks."""
    error: float
    """Standard error of the mean; NaN for fewer than two networks."""
    low: float
    """Lower end of the 95 % interval of the mean; NaN for fewer than two networks."""
    high: float
    count: int
    """Networks that have it."""
    networks: int
    """Networks in all."""


@dataclass(frozen=True)
class EpochSpread(_OfNetworks):
    """What the networks of an ensemble say of one epoch, on the log axis; NaN where they say nothing."""

    epoch: float
    """Geometric mean over the networks that have it."""
    log_error: float
    """Standard error of its natural logarithm; NaN for fewer than two networks."""
    low: float
    """Lower end of the 95 % interval, an epoch; NaN for fewer than two networks."""
    high: float
    count: int
    """Networks that have it."""
    networks: int
    """Networks in all."""

    @property
    def agreed(self) -> float | None:
        """The epoch, where at least half of the networks have one."""
        return self.epoch if self.common else None


def spread(values: Real[np.ndarray, " networks"], common_error: float = 0.0) -> Spread:
    """Mean over the networks that have a value, with its spread, standard error and 95 % interval.

    `common_error` is a standard error that all networks share (a resolution), which averaging does not reduce.
    """
    return spreads(np.asarray(values)[:, None], common_error)[0]


def spreads(values: Real[np.ndarray, "networks numbers"], common_error: float = 0.0) -> tuple[Spread, ...]:
    """`spread` of each of several numbers, such as those of the layers."""
    known = np.asarray(values, np.float64)
    found = zip(count(known).tolist(), mean(known).tolist(), standard_deviation(known).tolist(), strict=True)
    return tuple(_spread(number, middle, deviation, len(known), common_error) for number, middle, deviation in found)


def _spread(number: int, middle: float, deviation: float, networks: int, common_error: float) -> Spread:
    if number < 2:
        return Spread(_plain(middle), math.nan, math.nan, math.nan, math.nan, number, networks)
    error = math.hypot(deviation / math.sqrt(number), common_error)
    reach = student_quantile(number - 1) * error
    low, high = _plain(middle - reach), _plain(middle + reach)
    return Spread(_plain(middle), _plain(deviation), _plain(error), low, high, number, networks)


def geometric_spread(values: Real[np.ndarray, " networks"]) -> Spread:
    """The same of a ratio, such as the gradient SNR: all of it is worked out on the log axis.

    The mean is the geometric one over the networks with a value above 0; the interval is that of its logarithm.
    Standard deviation and error are those of the logarithm, times the mean: relative ones.
    """
    return geometric_spreads(np.asarray(values)[:, None])[0]


def geometric_spreads(values: Real[np.ndarray, "networks numbers"]) -> tuple[Spread, ...]:
    """`geometric_spread` of each of several ratios, such as those of the layers."""
    return tuple(map(_of_logarithms, spreads(logarithms(values))))


def _of_logarithms(of: Spread) -> Spread:
    middle = _exp(of.mean)
    ends = _exp(of.low), _exp(of.high)
    return Spread(middle, _plain(of.deviation * middle), _plain(of.error * middle), *ends, of.count, of.networks)


def epoch_spread(epochs: Real[np.ndarray, " networks"], common_error: float = 0.0) -> EpochSpread:
    """The same of epochs above 0, on the natural log axis, on which `common_error` is too."""
    of = spread(logarithms(epochs), common_error)
    return EpochSpread(_exp(of.mean), of.error, _exp(of.low), _exp(of.high), of.count, of.networks)


def turned(value: Spread) -> Spread:
    """The same number with the other sign."""
    return replace(value, mean=-value.mean, low=-value.high, high=-value.low)


@dataclass(frozen=True)
class Difference:
    """How far one number is from another, each of networks of its own; NaN where either is absent."""

    value: float
    """One less the other."""
    error: float
    """Standard error: both errors together. NaN where either has fewer than two networks."""
    low: float
    """Lower end of the 95 % interval; NaN likewise."""
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out that there is no difference."""
        return self.low > 0 or self.high < 0


def difference(one: Spread, other: Spread) -> Difference:
    """How far one mean is from another, of networks that have nothing to do with each other.

    The interval is that of Welch (1947), with the degrees of freedom of Satterthwaite (1946), a whole number of them.
    """
    return _difference(one.mean - other.mean, (one.error, one.count), (other.error, other.count))


def log_ratio(one: EpochSpread, other: EpochSpread) -> Difference:
    """The same of two epochs: the natural logarithm of their ratio."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = _plain(np.log(np.float64(one.epoch) / other.epoch))
    return _difference(ratio, (one.log_error, one.count), (other.log_error, other.count))


def _difference(value: float, *sides: tuple[float, int]) -> Difference:
    """`sides`: the standard error of each mean, and the networks that it is over."""
    squares = [error * error for error, _ in sides]
    error = math.sqrt(sum(squares))
    if math.isnan(error) or math.isnan(value):
        return Difference(value, math.nan, math.nan, math.nan)
    degrees = 1.0
    if error > 0:
        parts = [(square / error**2) ** 2 / (count - 1) for square, (_, count) in zip(squares, sides, strict=True)]
        degrees = max(1 / sum(parts), 1.0)
    reach = student_quantile(math.floor(degrees * (1 + 1e-12))) * error
    return Difference(value, error, value - reach, value + reach)


def common_error(resolution: Real[np.ndarray, " networks"]) -> float:
    """The standard error that networks share which are looked at in the same snapshots: the root mean square of what
    each has from them (NaN for none); 0 where none has.
    """
    middle = float(mean(np.square(resolution)))
    return 0.0 if math.isnan(middle) else math.sqrt(middle)


@cache
def student_quantile(degrees: int, level: float = LEVEL) -> float:
    """How many standard errors a two-sided interval of this level reaches to each side, for Student's distribution.

    Exact for one and two degrees of freedom, else the expansion of Abramowitz and Stegun (1964), 26.7.5: at 95 % its
    relative error is below 0.3 % for three and falls fast.
    """
    p = (1 + level) / 2
    if degrees == 1:
        return math.tan(math.pi * (p - 0.5))
    if degrees == 2:
        return (2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p)))
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees) ** (k + 1) for k, term in enumerate(terms))


def _plain(value: Float64[np.ndarray, ""] | float) -> float:
    """A number of Python's; what is absent is the one `math.nan`, so that equal spreads are equal."""
    return math.nan if np.isnan(value) else float(value)


def _exp(value: float) -> float:
    with np.errstate(over="ignore"):  # the interval of two networks may end beyond any epoch
        return _plain(np.exp(np.float64(value)))
