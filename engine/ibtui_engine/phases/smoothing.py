"""Curves over log epoch: their axis, their smooth course, and where they first pass a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64, Real

HALF_WIDTH = 0.3
"""Natural-log epochs to each side that a smoothed value looks at: three or four snapshots of 120 up to epoch 10 000."""
START = 0.5
"""Where epoch 0 stands on the log axis, as an epoch."""


def log_axis(epochs: Real[np.ndarray, " epochs"]) -> Float64[np.ndarray, " epochs"]:
    """Natural logarithm of epochs, epoch 0 at half an epoch."""
    axis: Float64[np.ndarray, " epochs"] = np.log(np.maximum(np.asarray(epochs, np.float64), START))
    return axis


def smooth(
    axis: Float64[np.ndarray, " epochs"], values: Float64[np.ndarray, "epochs columns"]
) -> Float64[np.ndarray, "epochs columns"]:
    """A local line through the neighbourhood of every point (triangular weights, `HALF_WIDTH`); lines stay as they are.

    Points that are alone in their neighbourhood stay as they are; NaN stays NaN and counts for no other.
    """
    measured = np.isfinite(values)
    known = np.where(measured, values, 0.0)
    counts, first, second, level, tilt = (np.zeros(values.shape) for _ in range(5))
    # By how many snapshots a neighbour is ahead, rather than a matrix product: small ones wait for threads where the
    # processor is busy.
    for ahead in range(len(axis)):
        distance = axis[ahead:] - axis[: len(axis) - ahead]
        weight = np.maximum(1 - distance / HALF_WIDTH, 0.0)
        if not weight.any():
            break
        here, there = slice(0, len(axis) - ahead), slice(ahead, len(axis))
        for to, source, sign in ((here, there, 1), (there, here, -1))[: 1 + (ahead > 0)]:
            w = weight[:, None] * measured[source]
            d = sign * distance[:, None]
            counts[to] += w
            first[to] += w * d
            second[to] += w * d**2
            level[to] += w * known[source]
            tilt[to] += w * d * known[source]
    determinant = counts * second - first**2
    line = second * level - first * tilt
    result = np.where(measured, values, np.nan)
    np.divide(line, determinant, out=result, where=measured & (determinant > 0))
    return result


def first_passage(
    axis: Float64[np.ndarray, " epochs"],
    values: Float64[np.ndarray, "epochs columns"],
    level: Float64[np.ndarray, " columns"],
    begin: Int64[np.ndarray, " columns"],
) -> Float64[np.ndarray, " columns"]:
    """Where on the axis each column, falling, first is at its level or below, from row `begin` on; NaN if never.

    Between snapshots by a straight line. For a rise, hand in the values and levels with their signs turned.
    """
    rows = np.arange(len(axis))[:, None]
    with np.errstate(invalid="ignore"):
        passed = (values <= level) & (rows >= begin)
    row = np.argmax(passed, axis=0)
    column = np.arange(values.shape[1])
    before = np.maximum(row - 1, begin)
    high, low = values[before, column], values[row, column]
    share = np.ones(len(column))
    np.divide(high - level, high - low, out=share, where=high > low)
    place = axis[before] + share * (axis[row] - axis[before])
    return np.where(passed.any(axis=0), place, np.nan)
