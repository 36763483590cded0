"""The loops over networks and layers that fill in a snapshot's numbers, one for each kind of estimator.

All have the same arguments, which is all that an estimator is to the measurer: it is chosen once per snapshot, and a
kernel that is not used is not compiled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Float64, Int8, Int64

from ibtui_engine.compiled import compiled
from ibtui_engine.forward import LINEAR, RELU
from ibtui_engine.measures.density import density_bounds
from ibtui_engine.measures.exact import exact_partition
from ibtui_engine.measures.learning import weigh_learning
from ibtui_engine.measures.outputs import (
    DISTINCT,
    HIGH,
    I_X,
    I_X_LOWER,
    I_Y,
    I_Y_LOWER,
    LOW,
    NONLINEAR,
    SATURATED,
    enter_layer,
    range_of,
    shares_beyond,
)
from ibtui_engine.measures.partition import fill_edges, information, partition
from ibtui_engine.measures.quantile import quantile_partition
from ibtui_engine.measures.room import Room

BINNING, ADAPTIVE, QUANTILE, EXACT, DENSITY = range(5)
ESTIMATOR_CODES = {
    "binning": BINNING,
    "adaptive": ADAPTIVE,
    "quantile": QUANTILE,
    "exact": EXACT,
    "kde": DENSITY,
}
"""How the kernels know the estimators of `ibtui_engine.experiment.ESTIMATORS`."""


@compiled
def next_layer(
    network: int,
    layer: int,
    weights: Float32[np.ndarray, "networks parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    limits: Float64[np.ndarray, "2 2"],
    inputs: Float64[np.ndarray, "inputs_and_one columns"],
    p_y: Float64[np.ndarray, " patterns"],
    labels: Int8[np.ndarray, "networks patterns"],
    learning: Float64[np.ndarray, "4 networks"],
    room: Room,
) -> tuple[Float64[np.ndarray, "rows columns"], float, float]:
    """A layer's outputs, and the shares of it that are saturated and nonlinear; the layers below were entered before.
    Of the output layer, fill in what the network has learned, too.
    """
    units, patterns = widths[layer + 1], p_y.shape[0]
    above = enter_layer(layer, weights[network], widths, activation, inputs, room)
    if layer < widths.shape[0] - 2:
        saturated, nonlinear = shares_beyond(room.z, units, patterns, activation, limits[0, 0], limits[0, 1])
    else:
        weigh_learning(room.z[0], labels[network], p_y, learning[:, network], room.z[1])  # the output is one neuron
        saturated, nonlinear = shares_beyond(room.z, units, patterns, -1, limits[1, 0], limits[1, 1])
    return above, saturated, nonlinear


@compiled
def keep(
    numbers: Float64[np.ndarray, "9 networks layers"],
    network: int,
    layer: int,
    i_x: float,
    i_y: float,
    i_x_lower: float,
    i_y_lower: float,
    count: int,
    low: float,
    high: float,
    saturated: float,
    nonlinear: float,
) -> None:
    """Fill in what has been found of a layer."""
    numbers[I_X, network, layer] = i_x
    numbers[I_Y, network, layer] = i_y
    numbers[DISTINCT, network, layer] = count
    numbers[LOW, network, layer] = low
    numbers[HIGH, network, layer] = high
    numbers[I_X_LOWER, network, layer] = i_x_lower
    numbers[I_Y_LOWER, network, layer] = i_y_lower
    numbers[SATURATED, network, layer] = saturated
    numbers[NONLINEAR, network, layer] = nonlinear


@compiled
def measure_partitions(
    first: int,
    last: int,
    weights: Float32[np.ndarray, "networks parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    estimator: int,
    bins: int,
    noise: float,
    ranges: Float64[np.ndarray, "2 2"],
    limits: Float64[np.ndarray, "2 2"],
    inputs: Float64[np.ndarray, "inputs_and_one columns"],
    p_y: Float64[np.ndarray, " patterns"],
    h_pattern: Float64[np.ndarray, " patterns"],
    h_y: float,
    labels: Int8[np.ndarray, "networks patterns"],
    numbers: Float64[np.ndarray, "9 networks layers"],
    learning: Float64[np.ndarray, "4 networks"],
    room: Room,
) -> None:
    """Fill in `numbers` and `learning` for networks first..last-1 by bins of equal width, or by the outputs themselves.

    Row 0 of `ranges` and `limits` is of the hidden layers, row 1 of the output: the interval that is binned (NaN where
    it is the one that occurs), and the pre-activations beyond which a neuron is saturated and nonlinear.
    """
    layers = widths.shape[0] - 1
    patterns = p_y.shape[0]
    edges = np.empty(bins + 1, np.float64)
    for network in range(first, last):
        for layer in range(layers):
            units = widths[layer + 1]
            above, saturated, nonlinear = next_layer(
                network, layer, weights, widths, activation, limits, inputs, p_y, labels, learning, room
            )
            kind = 1 if layer == layers - 1 else 0
            low, high = ranges[kind, 0], ranges[kind, 1]
            if estimator != BINNING:
                low, high = range_of(above, units, patterns)
            elif kind == 0 and activation in (RELU, LINEAR):
                low, high = range_of(above, units, patterns)
                if activation == RELU:
                    low = 0.0
            if estimator == EXACT:
                count = exact_partition(above, units, room.groups, *room.hashing)
            else:
                fill_edges(edges, low, high)
                count = partition(above, units, edges, room.groups, *room.hashing)
            i_x, i_y = information(room.groups, count, p_y, h_pattern, h_y, *room.counting)
            keep(numbers, network, layer, i_x, i_y, np.nan, np.nan, count, low, high, saturated, nonlinear)


@compiled
def measure_quantiles(
    first: int,
    last: int,
    weights: Float32[np.ndarray, "networks parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    estimator: int,
    bins: int,
    noise: float,
    ranges: Float64[np.ndarray, "2 2"],
    limits: Float64[np.ndarray, "2 2"],
    inputs: Float64[np.ndarray, "inputs_and_one columns"],
    p_y: Float64[np.ndarray, " patterns"],
    h_pattern: Float64[np.ndarray, " patterns"],
    h_y: float,
    labels: Int8[np.ndarray, "networks patterns"],
    numbers: Float64[np.ndarray, "9 networks layers"],
    learning: Float64[np.ndarray, "4 networks"],
    room: Room,
) -> None:
    """As `measure_partitions`, by bins of equal mass."""
    layers = widths.shape[0] - 1
    patterns = p_y.shape[0]
    for network in range(first, last):
        for layer in range(layers):
            units = widths[layer + 1]
            above, saturated, nonlinear = next_layer(
                network, layer, weights, widths, activation, limits, inputs, p_y, labels, learning, room
            )
            low, high = range_of(above, units, patterns)
            count = quantile_partition(above, units, bins, room.groups, *room.hashing)
            i_x, i_y = information(room.groups, count, p_y, h_pattern, h_y, *room.counting)
            keep(numbers, network, layer, i_x, i_y, np.nan, np.nan, count, low, high, saturated, nonlinear)


@compiled
def measure_densities(
    first: int,
    last: int,
    weights: Float32[np.ndarray, "networks parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    estimator: int,
    bins: int,
    noise: float,
    ranges: Float64[np.ndarray, "2 2"],
    limits: Float64[np.ndarray, "2 2"],
    inputs: Float64[np.ndarray, "inputs_and_one columns"],
    p_y: Float64[np.ndarray, " patterns"],
    h_pattern: Float64[np.ndarray, " patterns"],
    h_y: float,
    labels: Int8[np.ndarray, "networks patterns"],
    numbers: Float64[np.ndarray, "9 networks layers"],
    learning: Float64[np.ndarray, "4 networks"],
    room: Room,
) -> None:
    """As `measure_partitions`, by bounds on the densities of outputs with noise of variance `noise`."""
    layers = widths.shape[0] - 1
    patterns = p_y.shape[0]
    i_xy = max(h_y - h_pattern.sum() / patterns, 0.0)
    for network in range(first, last):
        for layer in range(layers):
            units = widths[layer + 1]
            above, saturated, nonlinear = next_layer(
                network, layer, weights, widths, activation, limits, inputs, p_y, labels, learning, room
            )
            low, high = range_of(above, units, patterns)
            count = exact_partition(above, units, room.groups, *room.hashing)
            i_x, i_y, i_x_lower, i_y_lower = density_bounds(above, units, noise, room.groups, count, p_y, i_xy)
            keep(numbers, network, layer, i_x, i_y, i_x_lower, i_y_lower, count, low, high, saturated, nonlinear)


def kernel_of(estimator: str) -> Callable[..., None]:
    """What fills in the numbers of that estimator."""
    return {"kde": measure_densities, "quantile": measure_quantiles}.get(estimator, measure_partitions)
