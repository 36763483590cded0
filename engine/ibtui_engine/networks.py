"""Networks: their shape, where each weight lies, their initial weights and the samples they learn from.

Fully connected, hidden layers of one activation, one logistic output (Shwartz-Ziv and Tishby 2017, section 3.1), or for
more than two labels a softmax with one output each. A network's weights are one row of numbers: layer by layer a matrix
of units x (inputs + 1), the bias last in each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.experiment import Ensemble, Hidden
from ibtui_engine.rules.rule import Rule

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Float64, Int64, UInt8

CUT_OFF = 2.0
"""Initial weights are drawn from a normal distribution cut off at this many standard deviations."""


@dataclass(frozen=True)
class Architecture:
    """The shape of a network."""

    widths: tuple[int, ...]
    """Inputs, hidden layers, and the output layer: one unit for two labels, else one for each label."""
    activation: str
    """Of deterministic hidden layers: one of `ibtui_engine.experiment.ACTIVATIONS`."""
    bits: int = 0
    """Of the levels that outputs are rounded to (`ibtui_engine.forward.round_to_levels`); 0: they are not."""
    stochastic: bool = False
    """Whether hidden units are −1 or 1 by chance (`ibtui_engine.stochastic`)."""

    @classmethod
    def of(
        cls, rule: Rule, hidden: Hidden, activation: str, bits: int = 0, *, stochastic: bool = False
    ) -> Architecture:
        """The network with these hidden layers for the inputs of `rule`."""
        return cls((rule.inputs, *hidden, rule.outputs), activation, bits, stochastic)

    @classmethod
    def of_ensemble(cls, rule: Rule, ensemble: Ensemble) -> Architecture:
        """The networks of an ensemble that learn `rule`."""
        return cls.of(rule, ensemble.hidden, ensemble.activation, ensemble.bits, stochastic=ensemble.stochastic)

    @property
    def layers(self) -> int:
        """Layers with weights: the hidden ones and the output."""
        return len(self.widths) - 1

    @property
    def parameters(self) -> int:
        """Weights and biases of one network."""
        return sum((inputs + 1) * units for inputs, units in pairwise(self.widths))

    def matrices(
        self, weights: Float[np.ndarray, "networks parameters"]
    ) -> list[Float[np.ndarray, "networks units inputs_and_bias"]]:
        """Views of each layer's matrix, biases in the last column."""
        views = []
        begin = 0
        for inputs, units in pairwise(self.widths):
            end = begin + (inputs + 1) * units
            views.append(weights[:, begin:end].reshape(-1, units, inputs + 1))
            begin = end
        return views

    def weight_norms(self, weights: Float[np.ndarray, "networks parameters"]) -> Float64[np.ndarray, "networks layers"]:
        """Frobenius norm of each layer's weights, biases apart."""
        norms = [
            np.sqrt(np.square(matrix[:, :, :-1].astype(np.float64)).sum(axis=(1, 2)))
            for matrix in self.matrices(weights)
        ]
        return np.stack(norms, axis=1)

    def initial_weights(self, seeds: Sequence[int], scale: float = 1.0) -> Float32[np.ndarray, "networks parameters"]:
        """Weights before training: normal with standard deviation scale / sqrt(fan-in), cut off at two of them; zero
        biases. A network's row depends on its own seed alone.
        """
        from scipy.special import ndtr, ndtri  # with Numba below, a second that readers of sessions do not need

        from ibtui_engine.streams import Purpose, uniforms

        weights = np.zeros((len(seeds), self.parameters), np.float32)
        count = self.parameters - sum(self.widths[1:])
        low, high = ndtr(-CUT_OFF), ndtr(CUT_OFF)
        for row, seed in enumerate(seeds):
            normal = ndtri(low + (high - low) * uniforms(count, seed, Purpose.WEIGHTS))
            begin = 0
            for matrix in self.matrices(weights[row : row + 1]):
                _, units, columns = matrix.shape
                inputs = columns - 1
                drawn = normal[begin : begin + units * inputs].reshape(units, inputs)
                with np.errstate(over="ignore"):  # beyond single precision is infinite: networks that have diverged
                    matrix[0, :, :-1] = drawn * (scale / np.sqrt(inputs))
                begin += units * inputs
        return weights


@dataclass(frozen=True, eq=False)
class Samples:
    """What each network learns from: some of the patterns, each with one label."""

    patterns: Int64[np.ndarray, "networks samples"]
    """Pattern numbers, ascending in each row, none twice."""
    labels: UInt8[np.ndarray, "networks samples"]
    """From 0, drawn once: from p(y|x), or where they are random, all labels being equally likely."""

    @property
    def size(self) -> int:
        """Patterns in each network's sample."""
        return int(self.patterns.shape[1])


def sample_size(patterns: int, fraction: float) -> int:
    """Patterns in a sample of this fraction: the nearest whole number, at least one."""
    return max(1, round(patterns * fraction))


def draw_samples(rule: Rule, fraction: float, seeds: Sequence[int], labels: str = "rule") -> Samples:
    """Each seed's sample of the patterns, without replacement, each with one label drawn from p(y|x).

    One seed's samples are nested: a smaller fraction's lies inside a larger one's, with the same labels, so that
    ensembles which differ in their fraction differ in nothing else. `labels`: one of `ibtui_engine.experiment.LABELS`;
    `random` ones, all equally likely, are drawn for the same patterns from a stream of their own, so that they are
    independent of the rule's.
    """
    from ibtui_engine.streams import Purpose, permutation, uniforms  # imports Numba

    total = len(rule.p_y)
    size = sample_size(total, fraction)
    chosen = np.empty((len(seeds), size), np.int64)
    drawn = np.empty((len(seeds), size), np.uint8)
    for row, seed in enumerate(seeds):
        chosen[row] = np.sort(permutation(total, seed, Purpose.SAMPLE)[:size])
        stream = uniforms(total, seed, Purpose.RANDOM_LABELS if labels == "random" else Purpose.LABELS)[chosen[row]]
        if rule.labels > 2:
            p_y = np.full((size, rule.labels), 1 / rule.labels) if labels == "random" else rule.p_y[chosen[row]]
            drawn[row] = drawn_labels(p_y, stream)
        else:
            drawn[row] = stream < (0.5 if labels == "random" else rule.p_y[chosen[row]])
    return Samples(chosen, drawn)


def drawn_labels(
    p_y: Float64[np.ndarray, "samples labels"], uniform: Float64[np.ndarray, " samples"]
) -> Int64[np.ndarray, " samples"]:
    """For each row the label at which its distribution function passes a number in (0, 1); none of probability 0."""
    up_to = np.cumsum(p_y, axis=1)
    up_to /= up_to[:, -1:]  # exactly 1 from the last label that is possible on
    return np.asarray((up_to <= uniform[:, None]).sum(axis=1))
