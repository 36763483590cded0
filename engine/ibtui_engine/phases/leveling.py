"""Where the gradient SNR stops falling: a broken line through log SNR over log epoch (Hinkley 1971), from the
transition on.

The line falls, then is level; where it breaks is chosen by least squares among the snapshots. SNR levels off where at
least `LEAST_SNAPSHOTS` snapshots and `LEAST_LENGTH` of log epoch lie beyond the break and their own trend is none: less
than three of its standard errors, or than a tenth of the fall before. An SNR that rises again at the end does not
level off. Independent batches of pure noise have an SNR of about 1/sqrt(batches). The batches of one epoch share no
pattern, so that their mean is that of the whole sample and SNR can level off below: 0.12 is usual where that is 0.38.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64, Real

LEAST_SNAPSHOTS = 5
LEAST_LENGTH = 0.7
"""Natural-log epochs: the level holds at least until twice the epoch at which it begins."""


@dataclass(frozen=True, eq=False)
class Leveling:
    """Where some curves of SNR level off, each by itself; NaN where they do not."""

    epochs: Float64[np.ndarray, "*shape"]
    snr: Float64[np.ndarray, "*shape"]
    """Geometric mean of the SNR beyond."""


def leveling(
    epochs: Real[np.ndarray, " epochs"],
    snr: Float64[np.ndarray, "epochs ..."],
    transitions: Float64[np.ndarray, "*shape"],
) -> Leveling:
    """Where curves of SNR level off after their transition (an epoch each, NaN for none, whose curve has no level)."""
    shape = snr.shape[1:]
    later = np.asarray(epochs) >= 1
    axis = np.log(np.asarray(epochs, np.float64)[later])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_snr = np.log(snr[later]).reshape(len(axis), int(np.prod(shape)))
        begin = np.log(transitions.reshape(-1))
        used = np.isfinite(log_snr) & (axis[:, None] >= begin)
    if not used.any():
        return Leveling(np.full(shape, np.nan), np.full(shape, np.nan))
    value = np.where(used, log_snr, 0.0)
    counted = used.astype(np.float64)

    # level + slope * (break - u)+ for every snapshot as the break, from running sums over the snapshots before it.
    place_of = axis[:, None] - axis[0]
    number, total, squares = used.sum(axis=0), value.sum(axis=0), np.square(value).sum(axis=0)
    before, ahead = counted.cumsum(axis=0), (counted * place_of).cumsum(axis=0)
    ramps = place_of * before - ahead
    ramp_squares = place_of**2 * before - 2 * place_of * ahead + (counted * place_of**2).cumsum(axis=0)
    products = place_of * value.cumsum(axis=0) - (place_of * value).cumsum(axis=0)
    spread = ramp_squares - ramps**2 / np.maximum(number, 1)
    joint = products - ramps * total / np.maximum(number, 1)
    slope = np.zeros_like(joint)
    np.divide(joint, spread, out=slope, where=spread > 1e-9)
    beyond = used[::-1].cumsum(axis=0)[::-1]
    gain = np.where((slope > 0) & used & (beyond >= LEAST_SNAPSHOTS), slope * joint, -1.0)
    place = np.argmax(gain, axis=0)
    column = np.arange(value.shape[1])
    best = gain[place, column]

    flat = used & (np.arange(len(axis))[:, None] >= place)
    count = np.maximum(flat.sum(axis=0), 1)
    level = np.where(flat, value, 0.0).sum(axis=0) / count
    centre = np.where(flat, axis[:, None], 0.0).sum(axis=0) / count
    offset = np.where(flat, axis[:, None] - centre, 0.0)
    width = np.square(offset).sum(axis=0)
    trend = np.divide((offset * value).sum(axis=0), width, out=np.zeros(len(column)), where=width > 0)
    rest = np.where(flat, value - level - trend * offset, 0.0)
    noise = np.square(rest).sum(axis=0) / np.maximum(count - 2, 1)
    error = np.sqrt(np.divide(noise, width, out=np.zeros(len(column)), where=width > 0))
    even = (np.abs(trend) <= 3 * error) | (np.abs(trend) <= slope[place, column] / 10)
    remains = axis[-1] - axis[place] >= LEAST_LENGTH
    # A break that explains no more than noise would is no break.
    unexplained = np.maximum(squares - total**2 / np.maximum(number, 1) - best, 0.0) / np.maximum(number - 2, 1)
    found = (best > 9 * unexplained) & (best > 0) & even & remains
    return Leveling(
        np.where(found, np.exp(axis[place]), np.nan).reshape(shape),
        np.where(found, np.exp(level), np.nan).reshape(shape),
    )
