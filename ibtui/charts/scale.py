"""One axis of a chart: its limits, its map to the unit interval, and its ticks.

Everything a chart library would do about scales is done here instead, because plotext's automatic ticks are
odd numbers and its log axis cannot be given better ones. Ticks are found in exact decimal arithmetic, so that
a tick at 0.3 is written 0.3 and lies inside an axis that ends at 0.3.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike

RESOLUTION = 1e-12
"""Limits that differ by less than this fraction of their size (or of a decade) count as equal."""

_MOST = sys.float_info.max
_LEAST = sys.float_info.min  # below it numbers lose digits, and a log axis has nothing to show


@dataclass(frozen=True, slots=True)
class Axis:
    """What one axis shows: its label, with the unit in it, and the values at its two ends.

    Any numbers are accepted; `limits` says what becomes of those that make no axis.
    """

    label: str
    low: float
    high: float
    log: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        """The ends in use: finite, in ascending order, apart and, on a log axis, positive.

        Equal ends are moved apart by a tenth of their size (linear) or to a third and three times the value
        (log), so that constant data lie in the middle. An end that is no number gives way to the other one.
        A log axis whose low end is not positive begins three decades below its high end.
        """
        ends = sorted(float(end) for end in (self.low, self.high) if math.isfinite(end))
        return _log_limits(ends) if self.log else _linear_limits(ends)

    def to_unit(self, values: ArrayLike) -> Float[np.ndarray, " n"]:
        """Where values lie between the ends (0 to 1; beyond for values outside, NaN for what has no place).

        No place have NaN, infinities and, on a log axis, zero and negative values.
        """
        low, high = self.limits
        numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
        valid = np.isfinite(numbers) & (numbers > 0) if self.log else np.isfinite(numbers)
        numbers = np.where(valid, numbers, high)
        with np.errstate(over="ignore", under="ignore"):
            if self.log:
                start, end = np.log10(low), np.log10(high)
                unit = (np.log10(numbers) - start) / (end - start)
            else:  # halves, because the difference of two numbers can be too large for a number
                unit = (numbers / 2 - low / 2) / (high / 2 - low / 2)
        # whatever the rounding: inside is inside, and beyond is beyond, by a finite distance
        least = np.where(numbers > high, np.nextafter(1.0, 2.0), np.where(numbers < low, -1e100, 0.0))
        most = np.where(numbers < low, np.nextafter(0.0, -1.0), np.where(numbers > high, 1e100, 1.0))
        return np.where(valid, np.clip(unit, least, most), np.nan)

    def from_unit(self, unit: float) -> float:
        """The value at a place between the ends (0 to 1): what a cursor there reads."""
        low, high = self.limits
        if self.log:
            exponent = math.log10(low) * (1 - unit) + math.log10(high) * unit
            value = 10.0**exponent if exponent < 308.25 else high
        else:
            value = low * (1 - unit) + high * unit
        return min(max(value, low), high)


@dataclass(frozen=True, slots=True)
class Tick:
    """One labelled value of an axis and its place between the ends (0 to 1)."""

    value: float
    unit: float
    label: str


def spanning(label: str, values: ArrayLike, *, log: bool = False, margin: float = 0.05) -> Axis:
    """The axis that shows all of `values` that have a place on it, with `margin` of their span around."""
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers) & (numbers > 0)] if log else numbers[np.isfinite(numbers)]
    if numbers.size == 0:
        return Axis(label, 1.0 if log else 0.0, 10.0 if log else 1.0, log)
    low, high = float(numbers.min()), float(numbers.max())
    if low == high:
        return Axis(label, low, high, log)
    if log:
        wider = 10.0 ** min((math.log10(high) - math.log10(low)) * margin, 300.0)
        return Axis(label, max(low / wider, _LEAST), min(high * wider, _MOST), log)
    beyond = (high / 2 - low / 2) * margin * 2
    return Axis(label, max(low - beyond, -_MOST), min(high + beyond, _MOST), log)


def ticks(axis: Axis, at_most: int) -> tuple[Tick, ...]:
    """At most `at_most` ticks, inside the axis and ascending, at the roundest values.

    Linear: multiples of 1, 2 or 5 times a power of ten. Log: powers of ten, or every n-th of them on a long
    axis, with 2 and 5 times them on one of less than two decades; inside one decade linear ticks if need be.
    """
    if at_most < 1:
        return ()
    with localcontext() as context:
        context.prec = 60
        ends = axis.limits
        low, high = Decimal(repr(ends[0])), Decimal(repr(ends[1]))
        values = _log_values(low, high, at_most) if axis.log else _linear_values(low, high, at_most)
        labels = _labels(values, aligned=not axis.log)
    numbers = [float(value) for value in values]
    places = axis.to_unit(numbers) if numbers else np.empty(0)
    return tuple(Tick(*tick) for tick in zip(numbers, places.tolist(), labels, strict=True))


def _linear_limits(ends: list[float]) -> tuple[float, float]:
    if not ends:
        return 0.0, 1.0
    low, high = ends[0], ends[-1]
    size = max(abs(low), abs(high))
    if high / 2 - low / 2 > RESOLUTION * size and size > 1e-300:
        return low, high
    beyond = size / 10 if size > 1e-300 else 1.0
    return max(low - beyond, -_MOST), min(high + beyond, _MOST)


def _log_limits(ends: list[float]) -> tuple[float, float]:
    if not ends or ends[-1] <= _LEAST:
        return 1.0, 10.0
    low, high = ends[0], ends[-1]
    low = max(low if low > 0 else high / 1000, _LEAST)
    if math.log10(high) - math.log10(low) > RESOLUTION:
        return low, high
    return max(low / 3, _LEAST), min(high * 3, _MOST)


def _steps(least: Decimal) -> Iterator[Decimal]:
    """1, 2 and 5 times powers of ten, ascending without end, from the first one that is not below `least`."""
    power = Decimal(1).scaleb(least.adjusted())
    while True:
        yield from (step for step in (power, power * 2, power * 5) if step >= least)
        power *= 10


def _multiples(low: Decimal, high: Decimal, step: Decimal) -> list[Decimal]:
    first = (low / step).to_integral_value(ROUND_CEILING)
    last = (high / step).to_integral_value(ROUND_FLOOR)
    return [(first + k) * step for k in range(int(last - first) + 1)]


def _linear_values(low: Decimal, high: Decimal, at_most: int) -> list[Decimal]:
    last: list[Decimal] = []
    for step in _steps((high - low) / (at_most + 1)):
        values = _multiples(low, high, step)
        if not values:  # from several straight to none: one of the several
            return last[:1]
        if len(values) <= at_most:
            return values
        last = values
    raise AssertionError("steps have no end")


def _log_values(low: Decimal, high: Decimal, at_most: int) -> list[Decimal]:
    exponents = range(low.adjusted(), high.adjusted() + 1)
    decades = [power for e in exponents if low <= (power := Decimal(1).scaleb(e)) <= high]
    if high < 100 * low:
        finer = [v for e in exponents for m in (1, 2, 5) if low <= (v := m * Decimal(1).scaleb(e)) <= high]
        if 3 <= len(finer) <= at_most:
            return finer
        if len(decades) < 2:
            linear = _linear_values(low, high, at_most)
            return finer if len(linear) < len(finer) <= at_most else linear
    if len(decades) <= at_most:
        return decades
    for stride in _steps(Decimal(2)):
        values = [power for power in decades if power.adjusted() % int(stride) == 0]
        if not values:
            return decades[:1]
        if len(values) <= at_most:
            return values
    raise AssertionError("strides have no end")


def _labels(values: list[Decimal], *, aligned: bool) -> list[str]:
    """The values written out (`aligned`: equally many decimals), or all with exponents if that is shorter."""
    normal = [value.normalize() for value in values]
    decimals = [max(0, len(value.as_tuple().digits) - 1 - value.adjusted()) for value in normal]
    if max(decimals, default=0) > 30:
        return [_scientific(value) for value in values]
    most = max(decimals, default=0)
    plain = [f"{v:.{most if aligned else own}f}" for v, own in zip(values, decimals, strict=True)]
    scientific = [_scientific(value) for value in values]
    return plain if _longest(plain) <= max(6, _longest(scientific)) else scientific


def _longest(labels: list[str]) -> int:
    return max((len(label.lstrip("-")) for label in labels), default=0)


def _scientific(value: Decimal) -> str:
    if not value or value == 1:
        return f"{int(value)}"
    sign, digits, _ = value.normalize().as_tuple()
    mantissa = str(digits[0]) + ("." + "".join(map(str, digits[1:])) if len(digits) > 1 else "")
    return f"{'-' * sign}{mantissa}e{value.adjusted()}"
