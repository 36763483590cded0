"""Where fitting ends and compression begins, as I(X;T) and I(T;Y) themselves show it (Shwartz-Ziv and Tishby 2017,
sections 3.3, 3.4 and 3.6), whatever the gradients do.

I(X;T) is smoothed over log epoch (`ibtui_engine.phases.smoothing`). The turning point is its peak before its deepest
fall. It is there where that fall is at least `LEAST_BITS` and more than noise of the size seen from one snapshot to
the next would make (`CERTAINTY`), and where the peak is not the first snapshot: a layer whose I(X;T) falls from the
start has nothing to turn. While a session grows, it moves only to a peak that is followed by a deeper fall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.phases.smoothing import first_passage, log_axis, smooth

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Real

LEAST_BITS = 0.1
"""A rise or fall of less is not called one."""
CERTAINTY = 6.0
"""Nor is one of fewer standard deviations of noise: the range of a hundred values of pure noise is about five."""


@dataclass(frozen=True, eq=False)
class Turning:
    """Turning points of I(X;T), of each layer of each network."""

    epochs: Float64[np.ndarray, "networks layers"]
    """NaN where I(X;T) does not turn."""
    resolution: Float64[np.ndarray, "networks layers"]
    """Standard error on the natural log axis from the distance of the snapshots around it; NaN likewise."""
    from_start: Bool[np.ndarray, "networks layers"]
    """Whether I(X;T) falls from the first snapshot on."""
    compression: Float64[np.ndarray, "networks layers"]
    """Bits from the peak of the smoothed I(X;T) to its last value; never negative."""
    half_compressed: Float64[np.ndarray, "networks layers"]
    """The epoch at which half of the deepest fall of I(X;T) is done; NaN where it does not fall."""
    half_fitted: Float64[np.ndarray, "networks layers"]
    """The epoch at which I(T;Y) has come half of the way from its first value to its highest; NaN where that is less
    than `LEAST_BITS`."""


def turning(
    epochs: Real[np.ndarray, " epochs"],
    i_x: Float64[np.ndarray, "epochs networks layers"],
    i_y: Float64[np.ndarray, "epochs networks layers"],
) -> Turning:
    """Where each layer of each network turns from fitting to compression. Epochs ascend; information is in bits."""
    shape = i_x.shape[1:]
    columns = int(np.prod(shape))
    if len(epochs) == 0:
        nothing = np.full(shape, np.nan)
        return Turning(nothing, nothing, np.zeros(shape, bool), nothing, nothing, nothing)
    axis = log_axis(epochs)
    raw = i_x.reshape(len(epochs), columns)
    course = smooth(axis, raw)
    column = np.arange(columns)
    rows = np.arange(len(epochs))[:, None]
    measured = np.isfinite(course)
    heights = np.where(measured, course, -np.inf)
    with np.errstate(invalid="ignore"):
        falls = np.where(measured, np.maximum.accumulate(heights, axis=0) - heights, -1.0)
    below = np.argmax(falls, axis=0)
    peak = np.max(np.where(rows <= below, heights, -np.inf), axis=0)
    top = np.max(np.where((rows <= below) & (heights == peak), rows, 0), axis=0)
    first = np.argmax(measured, axis=0)
    last = len(epochs) - 1 - np.argmax(measured[::-1], axis=0)

    pairs = measured[1:] & measured[:-1]
    steps = np.where(pairs, np.square(np.diff(raw, axis=0)), 0.0).sum(axis=0)
    scatter = np.sqrt(steps / np.maximum(2 * pairs.sum(axis=0), 1))
    fall = falls[below, column]
    falling = (fall >= LEAST_BITS) & (fall > CERTAINTY * scatter)
    turns = falling & (top > first)
    gap = (axis[np.minimum(top + 1, len(axis) - 1)] - axis[np.maximum(top - 1, 0)]) / 2

    halfway = first_passage(axis, course, peak - fall / 2, top)
    with np.errstate(invalid="ignore"):
        compression = heights.max(axis=0) - heights[last, column]
        return Turning(
            epochs=np.where(turns, np.exp(axis[top]), np.nan).reshape(shape),
            resolution=np.where(turns, gap / np.sqrt(12), np.nan).reshape(shape),
            from_start=(falling & (top == first)).reshape(shape),
            compression=np.where(measured.any(axis=0), compression, np.nan).reshape(shape),
            half_compressed=np.where(falling, np.exp(halfway), np.nan).reshape(shape),
            half_fitted=_half_fitted(axis, i_y.reshape(len(epochs), columns)).reshape(shape),
        )


def _half_fitted(
    axis: Float64[np.ndarray, " epochs"], i_y: Float64[np.ndarray, "epochs columns"]
) -> Float64[np.ndarray, " columns"]:
    course = smooth(axis, i_y)
    measured = np.isfinite(course)
    heights = np.where(measured, course, -np.inf)
    first = np.argmax(measured, axis=0)
    start = course[first, np.arange(course.shape[1])]
    highest = heights.max(axis=0)
    passage = first_passage(axis, -course, -(start + highest) / 2, first)
    with np.errstate(invalid="ignore"):
        return np.where(highest - start >= LEAST_BITS, np.exp(passage), np.nan)
