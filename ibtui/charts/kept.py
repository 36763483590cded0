"""What each layer keeps of the input at one epoch, told apart by what it is good for: bits of the label, other bits of
the orbit (the class of patterns with equal p(y|x), all of x that the label depends on), and bits within orbits.

I(X;T) = I(T;Y) + [I(T;orbit) − I(T;Y)] + I(X;T | orbit): bars of three parts, none of which is negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.palette import Colour, Faded, Quantity
from ibtui.charts.scale import Axis
from ibtui.charts.spec import ChartSpec, Guide, Series

if TYPE_CHECKING:
    from jaxtyping import Float

    from ibtui.charts.readings import Readings

BAR = 0.7
"""Width of a bar, of the distance between two."""
STROKES = 60
"""Upright lines that fill a bar: more than one for each dot of a wide terminal."""
PARTS: tuple[tuple[str, str, Colour], ...] = (
    ("of the label", "y", Quantity(1)),
    ("else of the orbit", "o", Quantity(0)),
    ("within orbits", "x", Faded()),
)
"""Of a bar, from below: what it is called, its character without colour, its colour."""


def kept_chart(
    i_y: Float[np.ndarray, " layers"],
    i_orbit: Float[np.ndarray, " layers"],
    i_x: Float[np.ndarray, " layers"],
    h_x: float,
    *,
    shown: Sequence[int],
    title: str = "",
    caption: str = "",
    readings: Readings | None = None,
) -> ChartSpec:
    """A bar for each of the `shown` layers, from 0, in bits; NaN for no value. `h_x`: H(X)."""
    levels = np.stack([np.zeros_like(i_x), i_y, i_orbit, i_x])
    levels[:, ~np.isfinite(levels).all(axis=0)] = np.nan  # a bar is whole, or there is none
    series = []
    for part, (label, key, colour) in enumerate(PARTS):
        bars = [_bar(layer + 1.0, *levels[part : part + 2, layer]) for layer in shown]
        x, y = np.concatenate([np.empty((2, 0)), *bars], axis=1)
        series.append(Series(x, y, "line", colour, label=label, key=key, tell=label))
    return ChartSpec(
        title,
        Axis("layer", 0.5, len(i_x) + 0.5),
        Axis("bits", 0.0, 1.05 * h_x),
        series=tuple(series),
        guides=(Guide("y", h_x, "H(X)"),),
        caption=caption,
        readings=readings,
    )


def _bar(middle: float, low: float, high: float) -> Float[np.ndarray, "2 points"]:
    """x and y of upright lines beside one another, and a gap behind them; nothing where there is nothing to fill."""
    if not high > low:
        return np.empty((2, 0))
    places = middle + BAR * (np.arange(STROKES) / (STROKES - 1) - 0.5)
    ends = np.where(np.arange(2 * STROKES) // 2 % 2 == np.arange(2 * STROKES) % 2, low, high)
    return np.stack([np.append(np.repeat(places, 2), np.nan), np.append(ends, np.nan)])
