"""What is known of the activations without computing: where their outputs lie, where they saturate, how far they are
nearly linear. Standard library only, so that captions and forms can say it.

Saxe et al. (2018) trace the compression of tanh layers to saturation: outputs pile up at both bounds, in the outermost
bins. These are the limits by which it is seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

OUTPUT = "sigmoid"
"""The output layer is logistic, whatever the hidden ones are."""
OUTPUT_RANGE = (-1.0, 1.0)
"""The interval that the output is binned on, as the paper bins all layers."""
SATURATED = 0.9
"""An output is saturated beyond this share of the way from the activation's middle to its bounds."""
NEARLY_LINEAR = 0.9
"""A pre-activation is in the linear range while its output is at least this share of what the tangent at 0 gives."""

_TANH_LINEAR = 0.5838105696200098
"""tanh(z) = 0.9 z"""


@dataclass(frozen=True)
class Limits:
    """Beyond which pre-activations a neuron is saturated, or nonlinear. NaN where that has no meaning."""

    saturated: float
    """|z| above which the output is saturated; for relu, z at or below which it is 0, its bound."""
    linear: float
    """|z| up to which the activation is nearly linear."""


LIMITS = {
    "tanh": Limits(math.atanh(SATURATED), _TANH_LINEAR),
    "sigmoid": Limits(2 * math.atanh(SATURATED), 2 * _TANH_LINEAR),  # 2 s(z) − 1 = tanh(z/2)
    "softsign": Limits(SATURATED / (1 - SATURATED), 1 / NEARLY_LINEAR - 1),
    # relu is linear on either side of its only bend, so that no range around 0 is its linear one
    "relu": Limits(0.0, math.nan),
    "linear": Limits(math.nan, math.nan),
}
"""By activation."""


def bin_range(activation: str) -> tuple[float, float] | None:
    """The interval that a hidden layer's outputs are binned on; None where they have no bounds.

    The paper bins [−1, 1] for tanh, and the output, which is logistic here, is binned so too. Unbounded outputs are
    binned on the range that occurs in the layer, over all patterns, at each snapshot (from 0 for relu).
    """
    ranges = {"tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
    return ranges.get(activation)


def bin_ends(activation: str) -> tuple[float, float]:
    """The same, with NaN for an end that is the one that occurs."""
    return bin_range(activation) or (0.0 if activation == "relu" else math.nan, math.nan)
