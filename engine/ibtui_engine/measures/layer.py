"""What one layer's outputs say of the input and of the label, by any estimator: arrays in, numbers out.

Runs of more than two labels and recordings measure their layers here; runs of two labels have compiled loops
(`ibtui_engine.measures.kernels`) for the same numbers.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int32, Int64, Num

from ibtui_engine.errors import InvalidValue
from ibtui_engine.estimation import Estimation
from ibtui_engine.measures.checks import NEARLY, at_ceiling
from ibtui_engine.measures.gaussian import sampled_information
from ibtui_engine.measures.grouping import group_patterns
from ibtui_engine.measures.outputs import (
    DISTINCT,
    HIGH,
    I_ORBIT,
    I_X,
    I_X_ERROR,
    I_X_LOWER,
    I_X_MOST,
    I_Y,
    I_Y_ERROR,
    I_Y_LOWER,
    LOW,
    NUMBERS,
)
from ibtui_engine.measures.outputs_by_block import LayerOutputs
from ibtui_engine.measures.pairwise import distinct_points, pairwise_bounds
from ibtui_engine.measures.probe import probe_information
from ibtui_engine.measures.renyi import compared, matrix_information
from ibtui_engine.rules.rule import label_entropy, label_information
from ibtui_engine.settings import LEAST_NOISE, MOST_NOISE, UNIFORM


def noise_variance(how: Estimation, layer: LayerOutputs) -> float:
    """Variance of the noise for a layer, within what can be computed with."""
    noise, scale = how.relative_noise
    if scale != "absolute":
        whole = layer.mean_square()
        noise *= whole if scale == "layer" else whole / layer.units
    return min(max(noise, LEAST_NOISE), MOST_NOISE)


def require_equally_likely(estimator: str, p_x: Float64[np.ndarray, " patterns"] | None) -> None:
    """Refuse weights of patterns, which some estimators cannot take: InvalidValue."""
    if p_x is not None and estimator in UNIFORM:
        raise InvalidValue(f"estimator {estimator} needs equally likely patterns, and here p(x) has weights")


def measure_layer(
    layer: LayerOutputs,
    how: Estimation,
    p_y: Float64[np.ndarray, "patterns labels"],
    orbits: Int64[np.ndarray, " patterns"],
    ends: tuple[float, float] = (math.nan, math.nan),
    *,
    h_x: float = math.inf,
    inputs: Num[np.ndarray, "patterns input_coordinates"] | None = None,
    p_x: Float64[np.ndarray, " patterns"] | None = None,
) -> tuple[Float64[np.ndarray, " numbers"], bool]:
    """The numbers of `ibtui_engine.measures.outputs` of a layer with finite outputs, but for its saturation; and
    whether they are at the estimator's ceiling, and so say nothing of the layer.

    Args:
        layer: the outputs.
        how: the estimator and its settings.
        p_y: p(y|x) of each pattern.
        orbits: the class of equal p(y|x) that each is in, from 0.
        ends: the interval that `binning` bins; an end that is NaN is the one that occurs.
        h_x: H(X) in bits, the ceiling of I(X;T); infinite where nobody asks.
        inputs: the patterns, or points with their distances, for `renyi`; None: they are just different.
        p_x: p(x) of each pattern; None where they are equally likely, as `renyi` and `probe` need them.

    Raises:
        InvalidValue: the estimator needs equally likely patterns.
    """
    require_equally_likely(how.estimator, p_x)
    low, high = (
        (given if how.estimator == "binning" and not math.isnan(given) else found)
        for given, found in zip(ends, (layer.low, layer.high), strict=True)
    )
    groups, count = group_patterns(layer, how.estimator, how.bins, low, high, p_x)
    numbers = np.full(NUMBERS, math.nan)
    numbers[[DISTINCT, LOW, HIGH]] = count, low, high
    if how.estimator == "renyi":
        chosen = compared(layer.patterns, how.seed)
        of_x = None if inputs is None else inputs[chosen].astype(np.float64)
        found = matrix_information(layer.points(chosen), p_y[chosen], of_x, how.width)
        numbers[[I_X, I_Y, I_X_MOST]] = found.i_x, found.i_y, found.most
        return numbers, found.i_x >= found.most - NEARLY
    if how.estimator == "probe":
        numbers[[I_Y, I_Y_ERROR]] = probe_information(layer.points(), p_y, how.seed)
        return numbers, bool(numbers[I_Y] >= label_information(p_y) - NEARLY)
    if how.estimator == "kde":
        bounds = pairwise_bounds(layer, noise_variance(how, layer), groups, count, p_y, p_x)
        numbers[[I_X, I_Y, I_X_LOWER, I_Y_LOWER]] = bounds
    elif how.estimator == "gauss":
        first, mass = distinct_points(groups, count, p_y, p_x)
        numbers[[I_X, I_Y, I_X_ERROR, I_Y_ERROR]] = sampled_information(
            layer.points(first), mass, label_information(p_y, p_x), noise_variance(how, layer), how.samples, how.seed
        )
        return numbers, bool(numbers[I_X] >= h_x - NEARLY)
    else:
        numbers[[I_X, I_Y]] = information_of_labels(groups, count, p_y, p_x)
        numbers[I_ORBIT] = information_of_classes(groups, orbits, p_x)
    return numbers, bool(at_ceiling(numbers[[I_X]], h_x, numbers[[I_X_LOWER]])[0])


def information_of_labels(
    groups: Int32[np.ndarray, " patterns"],
    count: int,
    p_y: Float64[np.ndarray, "patterns labels"],
    p_x: Float64[np.ndarray, " patterns"] | None = None,
) -> tuple[float, float]:
    """(I(X;T), I(T;Y)) in bits of a partition of patterns, equally likely without `p_x`, into groups 0..count-1, for
    many labels.

    T is a function of X, so I(X;T) = H(T); p(y|t) is the mean of p(y|x) over the patterns with that t.
    """
    if p_x is not None:
        joint = np.stack([np.bincount(groups, weights=p_x * column, minlength=count) for column in p_y.T], axis=1)
        mass = np.bincount(groups, weights=p_x, minlength=count)
        unsure = float(mass @ label_entropy(joint / mass[:, None]))
        return max(float(label_entropy(mass)), 0.0), max(float(label_entropy(p_x @ p_y)) - unsure, 0.0)
    joint = np.stack([np.bincount(groups, weights=column, minlength=count) for column in p_y.T], axis=1)
    sizes = np.bincount(groups, minlength=count)
    patterns = len(groups)
    i_x = math.log2(patterns) - float((sizes * np.log2(sizes)).sum()) / patterns
    unsure = float((sizes * label_entropy(joint / sizes[:, None])).sum()) / patterns
    return max(i_x, 0.0), max(float(label_entropy(p_y.mean(axis=0))) - unsure, 0.0)


def information_of_classes(
    groups: Int32[np.ndarray, " patterns"],
    orbits: Int64[np.ndarray, " patterns"],
    p_x: Float64[np.ndarray, " patterns"] | None = None,
) -> float:
    """I(T;orbit) in bits: H(T) + H(orbit) − H(T,orbit), of numbers from 0 for each pattern."""
    mass = np.full(len(groups), 1 / len(groups)) if p_x is None else p_x
    both = np.unique(groups.astype(np.int64) * (int(orbits.max()) + 1) + orbits, return_inverse=True)[1].ravel()
    of_t, of_orbit, of_both = (float(label_entropy(np.bincount(one, weights=mass))) for one in (groups, orbits, both))
    return min(max(of_t + of_orbit - of_both, 0.0), of_t, of_orbit)
