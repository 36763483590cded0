"""The thresholds of claims, as values that judge a number and say in words what they ask: `str` of one is its sentence.

No criterion holds for NaN.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64


class Criterion(ABC):
    """A number from one limit to another, both included, of which one may be infinite."""

    @property
    @abstractmethod
    def low(self) -> float:
        """The least number that is within the limits."""

    @property
    @abstractmethod
    def high(self) -> float:
        """The greatest."""

    def holds(self, values: Float64[np.ndarray, "*shape"] | float) -> Bool[np.ndarray, "*shape"]:
        """Whether numbers are within the limits."""
        return (np.asarray(values) >= self.low) & (np.asarray(values) <= self.high)


@dataclass(frozen=True)
class AtMost(Criterion):
    """A number up to a limit."""

    limit: float
    unit: str = ""

    @property
    def low(self) -> float:
        """None."""
        return -math.inf

    @property
    def high(self) -> float:
        """The limit."""
        return self.limit

    def __str__(self) -> str:
        return f"at most {_amount(self.limit, self.unit)}"


@dataclass(frozen=True)
class AtLeast(Criterion):
    """A number from a limit on."""

    limit: float
    unit: str = ""

    @property
    def low(self) -> float:
        """The limit."""
        return self.limit

    @property
    def high(self) -> float:
        """None."""
        return math.inf

    def __str__(self) -> str:
        return f"at least {_amount(self.limit, self.unit)}"


@dataclass(frozen=True)
class Between(Criterion):
    """A number from one limit to another."""

    least: float
    most: float

    @property
    def low(self) -> float:
        """The first."""
        return self.least

    @property
    def high(self) -> float:
        """The second."""
        return self.most

    def __str__(self) -> str:
        return f"between {self.least:g} and {self.most:g}"


@dataclass(frozen=True)
class Factor(Criterion):
    """A ratio that is at most a factor, up or down, from 1, given by its natural logarithm."""

    factor: float

    @property
    def low(self) -> float:
        """Of the logarithm."""
        return -self.high

    @property
    def high(self) -> float:
        """Of the logarithm."""
        return math.log(self.factor)

    def __str__(self) -> str:
        return f"within a factor {self.factor:g}"


@dataclass(frozen=True)
class Share:
    """At least a share of the networks, and at least one."""

    share: float

    def holds(
        self, counts: Bool[np.ndarray, "*shape"] | Float64[np.ndarray, "*shape"] | int, networks: int
    ) -> Bool[np.ndarray, "*shape"]:
        """Whether so many of the networks are enough."""
        return (np.asarray(counts) > 0) & (np.asarray(counts) >= self.share * networks)

    def __str__(self) -> str:
        return f"at least {100 * self.share:g} % of the networks"


def _amount(limit: float, unit: str) -> str:
    return f"{limit:g} {unit}" if unit else f"{limit:g}"
