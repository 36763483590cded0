"""What depth saves: the two sides of Eq. 11 of Shwartz-Ziv and Tishby (2017), section 3.7.

Their argument: a diffusion needs a time that grows exponentially with the entropy it has to produce, so one layer that
compresses by sum_k DS_k alone needs exp(sum_k DS_k), in units of some elementary time, where K layers that compress by
DS_k each need sum_k exp(DS_k), which is much less. DS_k is in nats here, and is measured in two ways:

* `from_below`: I(X;T_k-1) - I(X;T_k) at the last snapshot, what layer k compresses of the layer below it (the paper's
  reading), with T_0 = X and I(X;T_0) = H(X). It sums to H(X) - I(X;T_K).
* `since_peak`: what I(X;T_k) has lost since its own peak (`ibtui_engine.phases.turning`).

Both over the hidden layers, from the mean over networks. The elementary time is not known and cancels in neither side,
so this is about orders of magnitude: natural logarithms of both sides are given, and nothing says that epochs follow.
For one hidden layer both sides are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64


@dataclass(frozen=True)
class Sides:
    """Both sides of Eq. 11."""

    steps: tuple[float, ...]
    """DS_k of the hidden layers, nats."""
    log_alone: float
    """Natural logarithm of exp(sum_k DS_k); NaN without a hidden layer."""
    log_together: float
    """Natural logarithm of sum_k exp(DS_k); NaN without a hidden layer."""


@dataclass(frozen=True)
class Depth:
    """What depth saves in one ensemble."""

    from_below: Sides
    since_peak: Sides


def sides(steps: Float64[np.ndarray, " layers"]) -> Sides:
    """Both sides from DS_k in nats; NaN where one of them is."""
    values = tuple(float(step) for step in steps)
    if not values or not all(map(math.isfinite, values)):
        return Sides(values, math.nan, math.nan)
    largest = max(values)
    together = largest + math.log(math.fsum(math.exp(value - largest) for value in values))
    return Sides(values, math.fsum(values), together)


def depth(h_x: float, i_x: Float64[np.ndarray, " layers"], compression: Float64[np.ndarray, " layers"]) -> Depth:
    """Both sides from H(X), the layers' last I(X;T) and their compression since the peak, all in bits.

    The last layer is the output, which does not count.
    """
    nats = math.log(2)
    below = -np.diff(np.concatenate([[h_x], i_x[:-1]]))
    return Depth(sides(below * nats), sides(compression[:-1] * nats))
