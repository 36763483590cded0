"""How I(X;T) declines after the transition: a line over log epoch.

Of a diffusion, entropy grows with the logarithm of time (Shwartz-Ziv and Tishby 2017, section 3.7, Eq. 10), so that
I(X;T) is expected to fall by equal steps in equal factors of epochs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64, Real

LEAST_SNAPSHOTS = 5
"""Snapshots after the transition that a line needs."""


@dataclass(frozen=True, eq=False)
class Decline:
    """Lines through I(X;T) over natural log epoch, of each layer of each network; NaN where there is none."""

    slope: Float64[np.ndarray, "networks layers"]
    """Bits per e-fold of epochs; negative where the layer compresses."""
    r_squared: Float64[np.ndarray, "networks layers"]
    """Share of the variance of I(X;T) that the line explains; NaN also where I(X;T) does not vary."""


def decline(
    epochs: Real[np.ndarray, " epochs"],
    i_x: Float64[np.ndarray, "epochs networks layers"],
    transitions: Float64[np.ndarray, "networks layers"],
) -> Decline:
    """Least squares over the snapshots after each transition (an epoch, or NaN for none), each counted once."""
    later = np.asarray(epochs) >= 1
    axis = np.log(np.asarray(epochs, np.float64)[later])[:, None, None]
    with np.errstate(invalid="ignore"):
        used = np.isfinite(i_x[later]) & (axis >= np.log(transitions))
    number = np.maximum(used.sum(axis=0), 1)
    u = np.where(used, axis - np.where(used, axis, 0.0).sum(axis=0) / number, 0.0)
    y = np.where(used, i_x[later], 0.0)
    y = np.where(used, y - y.sum(axis=0) / number, 0.0)
    uu, uy, yy = (u * u).sum(axis=0), (u * y).sum(axis=0), (y * y).sum(axis=0)
    there = (used.sum(axis=0) >= LEAST_SNAPSHOTS) & (uu > 0)
    slope, r_squared = np.full(uu.shape, np.nan), np.full(uu.shape, np.nan)
    np.divide(uy, uu, out=slope, where=there)
    np.divide(uy * uy, uu * yy, out=r_squared, where=there & (yy > 1e-18 * number))
    return Decline(slope, r_squared)
