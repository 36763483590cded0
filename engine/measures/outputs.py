"""The outputs of a network's layers in double precision, one layer after another, and how saturated they are.

What every estimator's loop over networks and layers begins with.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Float64, Int64

from engine.compiled import compiled
from engine.forward import RELU, SIGMOID, activate, forward_layer, largest
from engine.simd import lanes

# Rows of the array that an estimator fills in, each networks x layers.
I_X, I_Y, DISTINCT, LOW, HIGH, I_X_LOWER, I_Y_LOWER, SATURATED, NONLINEAR = range(9)
NUMBERS = 9


@compiled
def rooms(
    widths: Int64[np.ndarray, " layers_and_one"], inputs: Float64[np.ndarray, "inputs patterns"]
) -> tuple[
    int,
    Float64[np.ndarray, "units inputs"],
    Float64[np.ndarray, "rows columns"],
    Float64[np.ndarray, "rows columns"],
    Float64[np.ndarray, "rows columns"],
]:
    """How many columns hold the patterns in whole pairs of vectors; and room for a layer's weights,
    its pre-activations, the outputs that it takes and those that it gives.
    """
    widest = largest(widths)
    step = 2 * lanes(inputs)
    columns = (inputs.shape[1] + step - 1) // step * step
    stride = columns + step  # rows a power of two apart would fight for the same lines of the cache
    rows = widest + 2
    return (
        columns,
        np.zeros((widest + 1, widest + 1), np.float64),
        np.zeros((rows, stride), np.float64),
        np.zeros((rows, stride), np.float64),
        np.zeros((rows, stride), np.float64),
    )


@compiled
def enter_inputs(inputs: Float64[np.ndarray, "inputs patterns"], below: Float64[np.ndarray, "rows columns"]) -> None:
    """Copy the patterns. (Assigning a part of an array compiles what it would say of shapes that do not fit: 2 s.)"""
    for i in range(inputs.shape[0]):
        for s in range(inputs.shape[1]):
            below[i, s] = inputs[i, s]


@compiled
def enter_layer(
    layer: int,
    weights: Float32[np.ndarray, " parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    matrix: Float64[np.ndarray, "units inputs"],
    below: Float64[np.ndarray, "rows columns"],
    z: Float64[np.ndarray, "rows columns"],
    above: Float64[np.ndarray, "rows columns"],
    columns: int,
) -> None:
    """Fill in the layer's pre-activations `z` and its outputs `above` from the outputs `below`."""
    parameter = 0
    for earlier in range(layer):
        parameter += (widths[earlier] + 1) * widths[earlier + 1]
    fan_in = widths[layer]
    units = widths[layer + 1]
    for j in range(units):
        for i in range(fan_in + 1):
            matrix[j, i] = weights[parameter]
            parameter += 1
    below[fan_in] = 1.0
    forward_layer(matrix, 0, below, 0, z, fan_in + 1, units, columns)
    activate(SIGMOID if layer == widths.shape[0] - 2 else activation, z, above, 0, units, columns)


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
