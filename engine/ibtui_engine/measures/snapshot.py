"""What a snapshot holds: each layer's place in the information plane, and each network's loss and accuracy.

Sections 3.2 and 3.3 of Shwartz-Ziv and Tishby (2017). All numbers are exact functions of the weights, the rule and
the samples: the sums run over all patterns, nothing is sampled.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float32, Float64, Int8, Int64

from ibtui_engine.activations import LIMITS, OUTPUT
from ibtui_engine.forward import ACTIVATION_CODES
from ibtui_engine.measures.kernels import estimator_of, measure_networks
from ibtui_engine.measures.outputs import NUMBERS
from ibtui_engine.measures.partition import Orbits
from ibtui_engine.measures.scratch import as_layer, make_scratch
from ibtui_engine.networks import Samples
from ibtui_engine.rules.rule import Rule, binary_entropy
from ibtui_engine.settings import DEFAULT_NOISE
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Problem

OUTSIDE = -1
"""Marks a pattern that is not in a network's sample."""


@dataclass(frozen=True, eq=False)
class LayerInformation:
    """What every layer knows of the input and the label, and its state; one column a layer, the output last."""

    i_x: Float64[np.ndarray, "networks layers"]
    """I(X;T) in bits; T is a function of X, so it is H(T). Of `kde` an upper bound of I(X;T+noise)."""
    i_y: Float64[np.ndarray, "networks layers"]
    """I(T;Y) in bits under the true rule, whatever sample was learned. Of `kde` an upper bound of I(T+noise;Y)."""
    distinct: Int64[np.ndarray, "networks layers"]
    """Different values of t; of `kde`, of the outputs without noise."""
    low: Float64[np.ndarray, "networks layers"]
    """Lower end of the bins; where they are not of equal width, or there are none, the least output that occurs."""
    high: Float64[np.ndarray, "networks layers"]
    """Upper end, likewise."""
    i_x_lower: Float64[np.ndarray, "networks layers"]
    """The lower bound where `i_x` is an upper one; else NaN."""
    i_y_lower: Float64[np.ndarray, "networks layers"]
    """The lower bound where `i_y` is an upper one; else NaN."""
    saturated: Float64[np.ndarray, "networks layers"]
    """Share of the outputs, over neurons and patterns, beyond 0.9 of the activation's way to its bounds, or at 0 for
    relu; NaN for linear layers (`ibtui_engine.activations`)."""
    nonlinear: Float64[np.ndarray, "networks layers"]
    """Share of the pre-activations beyond the activation's linear range; NaN for relu and linear layers."""
    i_x_error: Float64[np.ndarray, "networks layers"] = None  # type: ignore[assignment]
    """Standard error of `i_x` where the estimator samples (`gauss`); else NaN."""
    i_y_error: Float64[np.ndarray, "networks layers"] = None  # type: ignore[assignment]
    """Likewise of `i_y` (`gauss`, `probe`)."""
    i_x_most: Float64[np.ndarray, "networks layers"] = None  # type: ignore[assignment]
    """The most that `i_x` can be where that is not H(X) (`renyi`: the entropy of the patterns); else NaN."""
    i_orbit: Float64[np.ndarray, "networks layers"] = None  # type: ignore[assignment]
    """I(T;orbit) in bits, of the class of patterns with equal p(y|x); NaN where no values of t are counted."""
    held_out_i_x: Float64[np.ndarray, "networks layers"] = None  # type: ignore[assignment]
    """I(X;T) of the rows that are held out, by the same estimator, as a rule of their own; NaN where there are none."""
    held_out_i_y: Float64[np.ndarray, "networks layers"] = None  # type: ignore[assignment]
    """I(T;Y) of them."""
    held_out_i_x_lower: Float64[np.ndarray, "networks layers"] = None  # type: ignore[assignment]
    """The lower bound where `held_out_i_x` is an upper one; else NaN."""
    held_out_i_y_lower: Float64[np.ndarray, "networks layers"] = None  # type: ignore[assignment]
    """The lower bound where `held_out_i_y` is an upper one; else NaN."""

    def __post_init__(self) -> None:
        _fill(self, self.i_x)

    @classmethod
    def of(cls, numbers: Float64[np.ndarray, "13 networks layers"]) -> LayerInformation:
        """From the rows that `ibtui_engine.measures.outputs` numbers; without a value, no outputs were told apart."""
        i_x, i_y, distinct, *others = numbers
        return cls(i_x, i_y, np.nan_to_num(distinct).astype(np.int64), *others)


@dataclass(frozen=True, eq=False)
class Learning:
    """Cross-entropy in nats and accuracy of each network.

    On its sample with the sample's labels; on the patterns outside it in expectation under p(y|x). NaN where there are
    none.
    """

    train_loss: Float64[np.ndarray, " networks"]
    test_loss: Float64[np.ndarray, " networks"]
    train_accuracy: Float64[np.ndarray, " networks"]
    test_accuracy: Float64[np.ndarray, " networks"]
    held_out_loss: Float64[np.ndarray, " networks"] = None  # type: ignore[assignment]
    """Of the rows that are held out, in expectation under their p(y|x); NaN where there are none."""
    held_out_accuracy: Float64[np.ndarray, " networks"] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        _fill(self, self.train_loss)


def _fill(measured: LayerInformation | Learning, like: Float64[np.ndarray, "*shape"]) -> None:
    """Put NaN where nothing was sampled, or measured of rows that are held out."""
    for field in fields(measured):
        optional = field.name.startswith("held_out") or field.name.endswith(("_error", "_most", "_orbit"))
        if optional and getattr(measured, field.name) is None:
            object.__setattr__(measured, field.name, np.full(np.shape(like), np.nan))


class Measurer:
    """Measures cohorts that learn one problem: holds what is the same at every snapshot."""

    def __init__(
        self,
        problem: Problem,
        bins: int,
        threads: Threads,
        estimator: str = "binning",
        noise: float = DEFAULT_NOISE,
    ) -> None:
        rule = problem.rule
        self._threads = threads
        self._estimator = estimator_of(estimator, bins, noise, problem.architecture.activation)
        self._architecture = problem.architecture
        self._inputs = as_layer(rule.patterns)
        self._p_y = np.ascontiguousarray(rule.p_y, dtype=np.float64)
        self._h_pattern = binary_entropy(self._p_y)
        self._h_y = rule.h_y
        self._labels = label_map(rule, problem.samples)
        self._orbits = Orbits.of(rule.orbits)

    def measure(self, weights: Float32[np.ndarray, "networks parameters"]) -> tuple[LayerInformation, Learning]:
        """Measure every network and layer from its weights."""
        networks = len(weights)
        architecture = self._architecture
        widths = np.array(architecture.widths, np.int64)
        limits = np.array([(LIMITS[name].saturated, LIMITS[name].linear) for name in (architecture.activation, OUTPUT)])
        numbers = np.full((NUMBERS, networks, architecture.layers), np.nan)
        learning = np.empty((4, networks))

        def work(first: int, last: int) -> None:
            measure_networks(
                first,
                last,
                weights,
                widths,
                ACTIVATION_CODES[architecture.activation],
                architecture.bits,
                self._estimator,
                limits,
                self._inputs,
                self._p_y,
                self._h_pattern,
                self._h_y,
                self._labels,
                self._orbits._replace(seen=np.empty_like(self._orbits.seen)),  # each thread counts in its own
                numbers,
                learning,
                self._threads.kept(make_scratch, architecture.widths, len(self._p_y)),
            )

        self._threads.share_out(networks, work, each=1)
        return LayerInformation.of(numbers), Learning(*learning)


def label_map(rule: Rule, samples: Samples) -> Int8[np.ndarray, "networks patterns"]:
    """Each network's label of every pattern, `OUTSIDE` where the pattern is not in its sample."""
    labels = np.full((len(samples.patterns), len(rule.p_y)), OUTSIDE, np.int8)
    np.put_along_axis(labels, samples.patterns, samples.labels.astype(np.int8), axis=1)
    return labels
