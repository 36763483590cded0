"""The loop over networks and layers that fills in a snapshot's numbers, for any estimator.

An estimator is a value that the kernel takes: its type says how a layer is measured, and its fields hold the settings.
So the loop stands here once, and is compiled for the estimators that are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int8, Int64

from ibtui_engine.activations import OUTPUT_RANGE, bin_ends
from ibtui_engine.compiled import compiled
from ibtui_engine.forward import SIGMOID
from ibtui_engine.measures.density import density_bounds
from ibtui_engine.measures.exact import exact_partition
from ibtui_engine.measures.learning import weigh_learning
from ibtui_engine.measures.outputs import (
    DISTINCT,
    HIGH,
    I_ORBIT,
    I_X,
    I_X_LOWER,
    I_Y,
    I_Y_LOWER,
    LOW,
    NONLINEAR,
    SATURATED,
    binned_range,
    enter_layer,
    range_of,
    shares_beyond,
)
from ibtui_engine.measures.partition import Orbits, fill_edges, information, orbit_information, partition
from ibtui_engine.measures.quantile import quantile_partition
from ibtui_engine.measures.scratch import Scratch

# isort: split
from numba.extending import overload

HIDDEN, OUTPUT = range(2)
"""Rows of what hidden layers and the output have different values of."""


class EqualWidth(NamedTuple):
    """Bins of equal width."""

    bins: int
    ends: Float64[np.ndarray, "2 2"]
    """The interval that is binned in hidden layers and in the output; an end that is NaN is the one that occurs."""


class EqualMass(NamedTuple):
    """Bins of equal mass, for each neuron."""

    bins: int


class Exact(NamedTuple):
    """No bins: the outputs themselves."""


class Noisy(NamedTuple):
    """Bounds on the densities of outputs with Gaussian noise."""

    noise: float
    """Its variance."""


Estimator = EqualWidth | EqualMass | Exact | Noisy
COMPILED = ("binning", "adaptive", "quantile", "kde", "exact")
"""The estimators that these are."""


def estimator_of(name: str, bins: int, noise: float, activation: str) -> Estimator:
    """One of `COMPILED` with its settings, for hidden layers of this activation."""
    found: dict[str, Estimator] = {
        "binning": EqualWidth(bins, np.array([bin_ends(activation), OUTPUT_RANGE])),
        "adaptive": EqualWidth(bins, np.full((2, 2), math.nan)),
        "quantile": EqualMass(bins),
        "exact": Exact(),
        "kde": Noisy(float(noise)),
    }
    return found[name]


def estimate(
    estimator: Estimator,
    values: Float64[np.ndarray, "rows columns"],
    units: int,
    kind: int,
    p_y: Float64[np.ndarray, " patterns"],
    h_pattern: Float64[np.ndarray, " patterns"],
    h_y: float,
    orbits: Orbits,
    scratch: Scratch,
) -> tuple[float, float, float, float, int, float, float, float]:
    """I(X;T) and I(T;Y) of a layer's outputs in bits, their lower bounds where they are upper ones (else NaN), how many
    t there are, the ends of what is binned or, without bins of equal width, of what occurs, and I(T;orbit) where values
    of t are counted (else NaN). Only compiled code can call it.
    """
    raise NotImplementedError


@overload(estimate)
def _estimate_by(
    estimator: Any, values: Any, units: Any, kind: Any, p_y: Any, h_pattern: Any, h_y: Any, orbits: Any, scratch: Any
) -> Callable[..., Any]:
    return {EqualWidth: _by_width, EqualMass: _by_mass, Exact: _exactly, Noisy: _with_noise}[estimator.instance_class]


def _by_width(
    estimator: Any, values: Any, units: Any, kind: Any, p_y: Any, h_pattern: Any, h_y: Any, orbits: Any, scratch: Any
) -> Any:
    low, high = binned_range(estimator.ends[kind, 0], estimator.ends[kind, 1], values, units, p_y.shape[0])
    edges = np.empty(estimator.bins + 1, np.float64)
    fill_edges(edges, low, high)
    count = partition(values, units, edges, scratch.groups, *scratch.hashing)
    i_x, i_y = information(scratch.groups, count, p_y, h_pattern, h_y, *scratch.counting)
    i_orbit = orbit_information(scratch.groups, count, i_x, orbits)
    return i_x, i_y, np.nan, np.nan, count, low, high, i_orbit


def _by_mass(
    estimator: Any, values: Any, units: Any, kind: Any, p_y: Any, h_pattern: Any, h_y: Any, orbits: Any, scratch: Any
) -> Any:
    low, high = range_of(values, units, p_y.shape[0])
    count = quantile_partition(values, units, estimator.bins, scratch.groups, *scratch.hashing)
    i_x, i_y = information(scratch.groups, count, p_y, h_pattern, h_y, *scratch.counting)
    i_orbit = orbit_information(scratch.groups, count, i_x, orbits)
    return i_x, i_y, np.nan, np.nan, count, low, high, i_orbit


def _exactly(
    estimator: Any, values: Any, units: Any, kind: Any, p_y: Any, h_pattern: Any, h_y: Any, orbits: Any, scratch: Any
) -> Any:
    low, high = range_of(values, units, p_y.shape[0])
    count = exact_partition(values, units, scratch.groups, *scratch.hashing)
    i_x, i_y = information(scratch.groups, count, p_y, h_pattern, h_y, *scratch.counting)
    i_orbit = orbit_information(scratch.groups, count, i_x, orbits)
    return i_x, i_y, np.nan, np.nan, count, low, high, i_orbit


def _with_noise(
    estimator: Any, values: Any, units: Any, kind: Any, p_y: Any, h_pattern: Any, h_y: Any, orbits: Any, scratch: Any
) -> Any:
    low, high = range_of(values, units, p_y.shape[0])
    count = exact_partition(values, units, scratch.groups, *scratch.hashing)
    i_xy = max(h_y - h_pattern.sum() / p_y.shape[0], 0.0)
    i_x, i_y, i_x_lower, i_y_lower = density_bounds(values, units, estimator.noise, scratch.groups, count, p_y, i_xy)
    return i_x, i_y, i_x_lower, i_y_lower, count, low, high, np.nan


@compiled
def measure_networks(
    first: int,
    last: int,
    weights: Float32[np.ndarray, "networks parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    bits: int,
    estimator: Estimator,
    limits: Float64[np.ndarray, "2 2"],
    inputs: Float64[np.ndarray, "inputs_and_one columns"],
    p_y: Float64[np.ndarray, " patterns"],
    h_pattern: Float64[np.ndarray, " patterns"],
    h_y: float,
    labels: Int8[np.ndarray, "networks patterns"],
    orbits: Orbits,
    numbers: Float64[np.ndarray, "13 networks layers"],
    learning: Float64[np.ndarray, "4 networks"],
    scratch: Scratch,
) -> None:
    """Fill in `numbers` and `learning` for networks first..last-1.

    A row of `limits`: the pre-activations beyond which a neuron is saturated, and nonlinear. `h_pattern`: the entropy
    of each p(y|x).
    """
    layers = widths.shape[0] - 1
    patterns = p_y.shape[0]
    for network in range(first, last):
        for layer in range(layers):
            units = widths[layer + 1]
            above = enter_layer(layer, weights[network], widths, activation, bits, inputs, scratch)
            kind = HIDDEN if layer < layers - 1 else OUTPUT
            if kind == OUTPUT:  # one neuron
                weigh_learning(scratch.z[0], labels[network], p_y, learning[:, network], scratch.z[1])
            saturated, nonlinear = shares_beyond(
                scratch.z, units, patterns, activation if kind == HIDDEN else SIGMOID, limits[kind, 0], limits[kind, 1]
            )
            i_x, i_y, i_x_lower, i_y_lower, count, low, high, i_orbit = estimate(
                estimator, above, units, kind, p_y, h_pattern, h_y, orbits, scratch
            )
            numbers[I_X, network, layer] = i_x
            numbers[I_Y, network, layer] = i_y
            numbers[DISTINCT, network, layer] = count
            numbers[LOW, network, layer] = low
            numbers[HIGH, network, layer] = high
            numbers[I_X_LOWER, network, layer] = i_x_lower
            numbers[I_Y_LOWER, network, layer] = i_y_lower
            numbers[SATURATED, network, layer] = saturated
            numbers[NONLINEAR, network, layer] = nonlinear
            numbers[I_ORBIT, network, layer] = i_orbit
