"""The outputs of a network's layers in double precision, one layer after another, and how saturated they are.

What every estimator's loop over networks and layers begins with.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Float64, Int64

from ibtui_engine.compiled import compiled
from ibtui_engine.forward import RELU, SIGMOID, activate_rounded, forward_layer
from ibtui_engine.measures.scratch import Scratch

# Rows of the array that an estimator fills in, each networks x layers.
I_X, I_Y, DISTINCT, LOW, HIGH, I_X_LOWER, I_Y_LOWER, SATURATED, NONLINEAR, I_X_ERROR, I_Y_ERROR, I_X_MOST = range(12)
I_ORBIT = 12
NUMBERS = 13


@compiled
def enter_layer(
    layer: int,
    weights: Float32[np.ndarray, " parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    bits: int,
    inputs: Float64[np.ndarray, "inputs_and_one columns"],
    scratch: Scratch,
) -> Float64[np.ndarray, "rows columns"]:
    """Fill in the layer's pre-activations `scratch.z` and return its outputs, from those of the layer before it, or
    from the patterns (`as_layer`). They stay until the layer after the next. With `bits`, they are rounded to levels.
    """
    parameter = 0
    for earlier in range(layer):
        parameter += (widths[earlier] + 1) * widths[earlier + 1]
    fan_in = widths[layer]
    units = widths[layer + 1]
    for j in range(units):
        for i in range(fan_in + 1):
            scratch.matrix[j, i] = weights[parameter]
            parameter += 1
    below = inputs if layer == 0 else scratch.outputs[(layer - 1) % 2]
    above: Float64[np.ndarray, "rows columns"] = scratch.outputs[layer % 2]
    forward_layer(scratch.matrix, 0, below, 0, scratch.z, fan_in + 1, units, inputs.shape[1])
    kind = SIGMOID if layer == widths.shape[0] - 2 else activation
    activate_rounded(kind, bits, scratch.z, above, 0, units, inputs.shape[1])
    above[units] = 1.0
    return above


@compiled
def shares_beyond(
    z: Float64[np.ndarray, "rows columns"],
    units: int,
    patterns: int,
    activation: int,
    saturated: float,
    linear: float,
) -> tuple[float, float]:
    """Shares of a layer's neurons and patterns whose pre-activation is beyond |saturated|, and beyond |linear|.

    For relu the first is the share at or below `saturated`. A limit that is not a number has no share.
    """
    first = 0
    second = 0
    for j in range(units):
        if activation == RELU:
            for s in range(patterns):
                first += z[j, s] <= saturated
        else:
            for s in range(patterns):
                first += abs(z[j, s]) > saturated
                second += abs(z[j, s]) > linear
    whole = units * patterns
    return (
        math.nan if math.isnan(saturated) else first / whole,
        math.nan if math.isnan(linear) else second / whole,
    )


@compiled
def range_of(values: Float64[np.ndarray, "rows columns"], units: int, patterns: int) -> tuple[float, float]:
    """The least and the largest output of a layer."""
    low = math.inf
    high = -math.inf
    for j in range(units):
        for s in range(patterns):
            low = min(low, values[j, s])
            high = max(high, values[j, s])
    return low, high


@compiled
def binned_range(
    low: float, high: float, values: Float64[np.ndarray, "rows columns"], units: int, patterns: int
) -> tuple[float, float]:
    """The interval that is binned: each end as it is given or, where that is NaN, as it occurs in the layer."""
    if math.isnan(low) or math.isnan(high):
        least, largest = range_of(values, units, patterns)
        low = least if math.isnan(low) else low
        high = largest if math.isnan(high) else high
    return low, high
