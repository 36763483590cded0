"""The thresholds of claims, as values that judge a number and say in words what they ask: `str` of one is its sentence.

No criterion holds for NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ibtui_engine.statistics import Spread

CLEARLY = 3.0
"""Standard errors by which a number must differ from 0."""


@dataclass(frozen=True)
class AtMost:
    """A number up to a limit."""

    limit: float
    unit: str = ""

    def holds(self, value: float) -> bool:
        """Whether the number is within the limit."""
        return value <= self.limit

    def __str__(self) -> str:
        return f"at most {_amount(self.limit, self.unit)}"


@dataclass(frozen=True)
class AtLeast:
    """A number from a limit on."""

    limit: float
    unit: str = ""

    def holds(self, value: float) -> bool:
        """Whether the number reaches the limit."""
        return value >= self.limit

    def __str__(self) -> str:
        return f"at least {_amount(self.limit, self.unit)}"


@dataclass(frozen=True)
class Below:
    """A number below a limit."""

    limit: float

    def holds(self, value: float) -> bool:
        """Whether the number is below the limit."""
        return value < self.limit

    def __str__(self) -> str:
        return f"below {self.limit:g}"


@dataclass(frozen=True)
class Between:
    """A number from one limit to another, both included."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the number is between the limits."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"between {self.low:g} and {self.high:g}"


@dataclass(frozen=True)
class Factor:
    """A ratio that is at most a factor, up or down, from 1."""

    factor: float

    def holds(self, log_ratio: float) -> bool:
        """Whether a ratio, given by its natural logarithm, is within the factor."""
        return abs(log_ratio) <= math.log(self.factor)

    def __str__(self) -> str:
        return f"within a factor {self.factor:g}"


@dataclass(frozen=True)
class Share:
    """At least a share of the networks, and at least one."""

    share: float

    def holds(self, count: int, networks: int) -> bool:
        """Whether `count` of `networks` are enough."""
        return count > 0 and count >= self.share * networks

    def __str__(self) -> str:
        return f"at least {100 * self.share:g} % of the networks"


@dataclass(frozen=True)
class Clear:
    """A mean over networks of at least `least`, and above 0 by more than `errors` standard errors."""

    least: float = 0.0
    """In bits."""
    errors: float = CLEARLY

    def holds(self, value: Spread) -> bool:
        """Whether the mean is large enough; that of one network has no error, and has to be above 0 alone."""
        floor = self.errors * value.error if math.isfinite(value.error) else 0.0
        return value.mean >= self.least and value.mean > floor

    def __str__(self) -> str:
        least = f"at least {self.least:g} bits and " if self.least else ""
        return f"{least}more than {self.errors:g} standard errors"


def _amount(limit: float, unit: str) -> str:
    return f"{limit:g} {unit}" if unit else f"{limit:g}"
