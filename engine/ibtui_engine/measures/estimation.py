"""What one layer's outputs say of the input and of the label, by any estimator: arrays in, numbers out.

Runs of more than two labels and recordings measure their layers here; runs of two labels have compiled loops
(`ibtui_engine.measures.kernels`) for the same numbers.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32

from ibtui_engine.errors import InvalidValue, either, shown
from ibtui_engine.measures.checks import NEARLY, at_ceiling
from ibtui_engine.measures.gaussian import sampled_information
from ibtui_engine.measures.grouping import group_patterns
from ibtui_engine.measures.outputs import (
    DISTINCT,
    HIGH,
    I_X,
    I_X_ERROR,
    I_X_LOWER,
    I_Y,
    I_Y_ERROR,
    I_Y_LOWER,
    LOW,
    NUMBERS,
)
from ibtui_engine.measures.outputs_by_block import LayerOutputs
from ibtui_engine.measures.pairwise import distinct_points, pairwise_bounds
from ibtui_engine.measures.probe import probe_information
from ibtui_engine.measures.renyi import DEFAULT_WIDTH, compared, matrix_information
from ibtui_engine.rules.rule import label_entropy, label_information
from ibtui_engine.setting import is_whole
from ibtui_engine.settings import BINNED, DEFAULT_NOISE, ESTIMATORS, LEAST_NOISE, MOST_NOISE, SETTINGS

OF_ARRAYS = (*ESTIMATORS, "gauss", "renyi", "probe")
"""The estimators that can measure outputs."""
NOISY = ("kde", "gauss")
"""Those that add noise to the outputs."""
UNIFORM = ("renyi", "probe")
"""Those that need equally likely patterns."""
SCALES = ("absolute", "unit", "layer")
"""What the variance of noise is a multiple of: 1, the mean variance of a unit's outputs over the patterns, or the sum
of that over units, which is the mean squared distance of a pattern's outputs from their mean."""
DEFAULT_RELATIVE_NOISE = 0.03
"""Variance of the noise of `gauss`, of the scale `layer`: layers of a convolutional network on 1000 images keep nearly
all that they know of ten labels, and are far from the ceiling of I(X;T). Noise in the scale of a unit says nothing of
wide layers: squared distances are sums over units."""
DEFAULT_SAMPLES = 1000
"""Draws of noise of `gauss`."""
MOST_SAMPLES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Estimation:
    """How information is measured.

    Raises:
        InvalidValue: a value is outside its range, or the estimator does not use it.
    """

    estimator: str = "binning"
    """One of `OF_ARRAYS`."""
    bins: int = 30
    """Intervals for a unit's output; of the estimators in `BINNED` alone."""
    noise: float | None = None
    """Variance of the noise of `kde` and `gauss`, in multiples of `scale`; None is 0.001 absolute for `kde`, and 0.03
    of the layer for `gauss`."""
    scale: str | None = None
    """One of `SCALES`; None is `absolute` where `noise` is given."""
    samples: int = DEFAULT_SAMPLES
    """Draws of noise of `gauss`, at least 2: its error falls with their root."""
    width: float = DEFAULT_WIDTH
    """Width of the kernel of `renyi`, in medians of the distance between two patterns."""
    seed: int = 0
    """Of what is drawn: the noise of `gauss`, the patterns that `renyi` compares, the parts that `probe` holds out."""

    def __post_init__(self) -> None:
        if self.estimator not in OF_ARRAYS:
            raise InvalidValue(f"estimator must be {either(OF_ARRAYS)}, got {shown(self.estimator)}")
        SETTINGS["bins"].require("bins", self.bins)
        if self.noise is not None:
            SETTINGS["noise"].require("noise", self.noise)
            if self.estimator not in NOISY:
                raise InvalidValue(f"noise applies only to {either(NOISY)}, not to {self.estimator}")
        if self.scale is not None and self.scale not in SCALES:
            raise InvalidValue(f"scale must be {either(SCALES)}, got {shown(self.scale)}")
        if self.scale is not None and self.noise is None:
            raise InvalidValue("scale is what noise is a multiple of: give noise, too")
        if not is_whole(self.samples) or not 2 <= self.samples <= MOST_SAMPLES:
            raise InvalidValue(f"samples must be a whole number from 2 to {MOST_SAMPLES}, got {shown(self.samples)}")
        if not isinstance(self.width, int | float) or not 1e-3 <= self.width <= 1e3:
            raise InvalidValue(f"width must be a number from 0.001 to 1000, got {shown(self.width)}")
        if not is_whole(self.seed) or not 0 <= self.seed < 2**63:
            raise InvalidValue(f"seed must be a whole number from 0 to 2^63 − 1, got {shown(self.seed)}")

    def to_dict(self) -> dict[str, Any]:
        """What the estimator uses, as plain values for JSON."""
        used = {"bins": BINNED, "noise": NOISY, "scale": NOISY, "samples": ("gauss",), "width": ("renyi",)}
        used["seed"] = ("gauss", "renyi", "probe")
        found = asdict(self)
        if self.estimator in NOISY:
            found["noise"], found["scale"] = self._noise
        return {name: value for name, value in found.items() if name not in used or self.estimator in used[name]}

    @property
    def text(self) -> str:
        """In a few words, such as `gauss, noise 0.03 of the layer's variance`."""
        if self.estimator in BINNED:
            return f"{self.estimator}, {self.bins} bins"
        if self.estimator in NOISY:
            noise, scale = self._noise
            of = {"absolute": "", "unit": " of a unit's variance", "layer": " of the layer's variance"}[scale]
            return f"{self.estimator}, noise {noise:g}{of}"
        return self.estimator

    @property
    def _noise(self) -> tuple[float, str]:
        if self.noise is not None:
            return float(self.noise), self.scale or "absolute"
        return (DEFAULT_NOISE, "absolute") if self.estimator == "kde" else (DEFAULT_RELATIVE_NOISE, "layer")

    def variance(self, layer: LayerOutputs) -> float:
        """Variance of the noise for a layer, within what can be computed with."""
        noise, scale = self._noise
        if scale != "absolute":
            whole = layer.mean_square()
            noise *= whole if scale == "layer" else whole / layer.units
        return min(max(noise, LEAST_NOISE), MOST_NOISE)


def measure_layer(
    layer: LayerOutputs,
    how: Estimation,
    p_y: Float64[np.ndarray, "patterns labels"],
    ends: tuple[float, float] = (math.nan, math.nan),
    *,
    h_x: float = math.inf,
    inputs: Float64[np.ndarray, "patterns input_coordinates"] | None = None,
    p_x: Float64[np.ndarray, " patterns"] | None = None,
) -> tuple[Float64[np.ndarray, " numbers"], bool]:
    """The numbers of `ibtui_engine.measures.outputs` of a layer with finite outputs, but for its saturation; and
    whether they are at the estimator's ceiling, and so say nothing of the layer.

    Args:
        layer: the outputs.
        how: the estimator and its settings.
        p_y: p(y|x) of each pattern.
        ends: the interval that `binning` bins; an end that is NaN is the one that occurs.
        h_x: H(X) in bits, the ceiling of I(X;T); infinite where nobody asks.
        inputs: points with the distances of the patterns, for `renyi`; None: they are just different.
        p_x: p(x) of each pattern; None where they are equally likely, as `renyi` and `probe` need them.

    Raises:
        InvalidValue: the estimator needs equally likely patterns.
    """
    if p_x is not None and how.estimator in UNIFORM:
        raise InvalidValue(f"estimator {how.estimator} needs equally likely patterns, and here p(x) has weights")
    low, high = (
        (given if how.estimator == "binning" and not math.isnan(given) else found)
        for given, found in zip(ends, (layer.low, layer.high), strict=True)
    )
    groups, count = group_patterns(layer, how.estimator, how.bins, low, high, p_x)
    numbers = np.full(NUMBERS, math.nan)
    numbers[[DISTINCT, LOW, HIGH]] = count, low, high
    if how.estimator == "renyi":
        chosen = compared(layer.patterns, how.seed)
        of_x = None if inputs is None else inputs[chosen]
        found = matrix_information(layer.points(chosen), p_y[chosen], of_x, how.width)
        numbers[[I_X, I_Y]] = found.i_x, found.i_y
        return numbers, found.i_x >= found.most - NEARLY
    if how.estimator == "probe":
        numbers[[I_Y, I_Y_ERROR]] = probe_information(layer.points(), p_y, how.seed)
        return numbers, bool(numbers[I_Y] >= label_information(p_y) - NEARLY)
    if how.estimator == "kde":
        numbers[[I_X, I_Y, I_X_LOWER, I_Y_LOWER]] = pairwise_bounds(layer, how.variance(layer), groups, count, p_y, p_x)
    elif how.estimator == "gauss":
        first, mass = distinct_points(groups, count, p_y, p_x)
        numbers[[I_X, I_Y, I_X_ERROR, I_Y_ERROR]] = sampled_information(
            layer.points(first), mass, p_y, how.variance(layer), how.samples, how.seed
        )
        return numbers, bool(numbers[I_X] >= h_x - NEARLY)
    else:
        numbers[[I_X, I_Y]] = information_of_labels(groups, count, p_y, p_x)
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
