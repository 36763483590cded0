"""What both ways to trace an IB curve share: how far apart its two sides still are, and the curve of points solved for.

Between two points the curve lies above their chord and below both their lines (Rote 1992). Numpy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.onset import Onset
from ibtui_engine.bottleneck.source import Source

if TYPE_CHECKING:
    from jaxtyping import Float64


class Point(Protocol):
    """An achieved point, bits, and the line `intercept` + x / `beta` that nothing crosses."""

    @property
    def beta(self) -> float:
        """The multiplier of I(T;Y)."""

    @property
    def i_x(self) -> float:
        """I(X;T)."""

    @property
    def i_y(self) -> float:
        """I(T;Y)."""

    @property
    def intercept(self) -> float:
        """The line at I(X;T) = 0."""


class Solved(Point, Protocol):
    """The optimum at one beta."""

    @property
    def gap(self) -> float:
        """I(X;T) − beta I(T;Y) is within this many bits of its minimum."""

    @property
    def support(self) -> int:
        """Values of t."""


def apart(left: Point, right: Point) -> float:
    """The largest distance in bits between the chord of two points and the lower of their lines."""
    fall = 1 / left.beta - 1 / right.beta
    if right.i_x <= left.i_x or right.i_y <= left.i_y or fall <= 0.0:
        return 0.0
    x = min(max((right.intercept - left.intercept) / fall, left.i_x), right.i_x)
    line = min(left.intercept + x / left.beta, right.intercept + x / right.beta)
    return line - (left.i_y + (right.i_y - left.i_y) * (x - left.i_x) / (right.i_x - left.i_x))


def curve_through(
    source: Source,
    first: Onset,
    solved: Sequence[Solved],
    *,
    name: str,
    method: str,
    error: float,
    tolerance: float,
    bifurcations: Float64[np.ndarray, "bifurcations 3"],
    segments: Float64[np.ndarray, "segments 5"],
) -> Curve:
    """The certified curve of a source from its optima by ascending beta. The arguments are fields of `Curve`."""

    def column(field: str) -> Float64[np.ndarray, " points"]:
        return np.array([getattr(one, field) for one in solved], np.float64)

    return Curve(
        name=name,
        certified=True,
        method=method,
        i_xy=source.i_xy,
        h_y=source.h_y,
        entropy=source.entropy,
        classes=len(source.weights),
        error=error,
        critical=first.beta,
        critical_local=first.local,
        critical_decoder=first.q,
        tolerance=tolerance,
        beta=column("beta"),
        i_x=column("i_x"),
        i_y=column("i_y"),
        gap=column("gap"),
        support=column("support").astype(np.int64),
        intercept=column("intercept"),
        bifurcations=bifurcations,
        segments=segments,
    )
