"""A number over networks: mean, standard error and 95 % interval; for epochs all of it on the log axis.

The interval is Student's (1908), so that it holds for few networks too. Standard library and NumPy only: the app
reads what is made of this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64

LEVEL = 0.95
"""Chance with which an interval is to hold the truth."""


@dataclass(frozen=True)
class Spread:
    """What the networks of an ensemble say of one number; NaN where they say nothing."""

    mean: float
    """Over the networks that have it."""
    error: float
    """Standard error of the mean; NaN for fewer than two networks."""
    low: float
    """Lower end of the 95 % interval; NaN for fewer than two networks."""
    high: float
    count: int
    """Networks that have it."""
    networks: int
    """Networks in all."""

    @property
    def present(self) -> bool:
        """Whether at least one network has it."""
        return self.count > 0


@dataclass(frozen=True)
class EpochSpread:
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
    def present(self) -> bool:
        """Whether at least one network has it."""
        return self.count > 0


def spread(values: Float64[np.ndarray, " networks"], common_error: float = 0.0) -> Spread:
    """Mean over the networks with a finite value, with its standard error and 95 % interval.

    `common_error` is a standard error that all networks share (a resolution), which averaging does not reduce.
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    count, networks = len(known), len(values)
    if count == 0:
        return Spread(math.nan, math.nan, math.nan, math.nan, 0, networks)
    mean = float(known.mean())
    if count == 1:
        return Spread(mean, math.nan, math.nan, math.nan, 1, networks)
    error = math.hypot(float(known.std(ddof=1)) / math.sqrt(count), common_error)
    reach = student_quantile(count - 1) * error
    return Spread(mean, error, mean - reach, mean + reach, count, networks)


def epoch_spread(epochs: Float64[np.ndarray, " networks"], common_error: float = 0.0) -> EpochSpread:
    """The same of epochs above 0, on the natural log axis, on which `common_error` is too."""
    with np.errstate(invalid="ignore", divide="ignore"):
        of = spread(np.log(np.asarray(epochs, np.float64)), common_error)
    return EpochSpread(_exp(of.mean), of.error, _exp(of.low), _exp(of.high), of.count, of.networks)


def common_error(resolution: Float64[np.ndarray, " networks"]) -> float:
    """The standard error that networks share which are looked at in the same snapshots: the root mean square of what
    each has from them (NaN for none); 0 where none has.
    """
    known = resolution[np.isfinite(resolution)]
    return float(np.sqrt(np.mean(known**2))) if len(known) else 0.0


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


def _exp(value: float) -> float:
    with np.errstate(over="ignore"):  # the interval of two networks may end beyond any epoch
        return float(np.exp(np.float64(value)))
