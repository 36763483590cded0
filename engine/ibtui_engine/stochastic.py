"""Stochastic binary units: the probabilities of a layer's states, exactly (Nguyen and Choi 2017, arXiv:1712.01272).

Units t_j in {−1, 1} with p(t_j = 1 | t') = s(2 (w_j·t' + b_j)), s the logistic function: the mean of t_j is the tanh of
what goes into it. Given the layer below, units are independent, so that a layer of n units has 2^n states and
p(t_l | x) = sum over t_(l−1) of p(t_(l−1) | x) M_l(t_(l−1), t_l), where the rows of the transfer matrix M_l are
products over units. The output Y^ in {0, 1} is one logistic unit on the last hidden layer.

X − T_1 − ... − Y^ is a Markov chain: nothing has to be binned, and no noise has to be chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ibtui_engine.rules.rule import binary_entropy, label_entropy

if TYPE_CHECKING:
    from jaxtyping import Float64, Num

BLOCK = 4096
"""Patterns that go through the network together."""


class LayerStates(NamedTuple):
    """A layer's states, for some patterns."""

    z: Float64[np.ndarray, "rows units"]
    """What goes into its units, by pattern in the first layer, and above by state of the layer below."""
    below: Float64[np.ndarray, "patterns rows"] | None
    """p(t_(l−1) | x); None in the first layer."""
    up: Float64[np.ndarray, "rows units"]
    """p(t_j = 1 | what is below)."""
    transfer: Float64[np.ndarray, "rows states"]
    """p(t_l | what is below)."""
    given: Float64[np.ndarray, "patterns states"]
    """p(t_l | x). Bit j of a state's number is 1 where unit j is 1."""

    def entropy(self) -> Float64[np.ndarray, " patterns"]:
        """H(T_l | x) in bits."""
        return binary_entropy(self.up).sum(axis=1) if self.below is None else label_entropy(self.given)


def states_of(units: int) -> Float64[np.ndarray, "states units"]:
    """Every state of a layer, by its number: −1 and 1."""
    bits = np.arange(1 << units)[:, None] >> np.arange(units)
    return np.asarray(2.0 * (bits & 1) - 1.0)


def chances(z: Float64[np.ndarray, "*shape"]) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
    """s(z) and s(−z), each with all its digits."""
    e = np.exp(-np.abs(z))
    large, small = 1.0 / (1.0 + e), e / (1.0 + e)
    return np.where(z > 0, large, small), np.where(z > 0, small, large)


def state_probabilities(
    up: Float64[np.ndarray, "rows units"], down: Float64[np.ndarray, "rows units"]
) -> Float64[np.ndarray, "rows states"]:
    """Probabilities of the states of independent units, from those of 1 and −1 of each."""
    rows, units = up.shape
    found = np.ones((rows, 1 << units))
    for j in range(units):
        size = 1 << j
        np.multiply(found[:, :size], up[:, j : j + 1], out=found[:, size : 2 * size])
        found[:, :size] *= down[:, j : j + 1]
    return found


def layers_of(
    matrices: Sequence[Float64[np.ndarray, "units inputs_and_bias"]], patterns: Num[np.ndarray, "patterns inputs"]
) -> Iterator[LayerStates]:
    """Every layer of one network from the input on, the output last, for patterns as the network gets them.

    Args:
        matrices: weights of each layer, biases in the last column.
        patterns: at most some thousands: a layer of 12 units has 4096 numbers for each.
    """
    below: Float64[np.ndarray, "patterns rows"] | None = None
    inputs = np.asarray(patterns, np.float64)
    for layer, matrix in enumerate(matrices):
        z = inputs @ matrix[:, :-1].T + matrix[:, -1]
        up, down = chances(z if layer == len(matrices) - 1 else 2.0 * z)
        own = state_probabilities(up, down)
        given = own if below is None else below @ own
        yield LayerStates(z, below, up, own, given)
        below, inputs = given, states_of(len(matrix))


def encoders_of(
    matrices: Sequence[Float64[np.ndarray, "units inputs_and_bias"]],
    patterns: Num[np.ndarray, "patterns inputs"],
    parts: Float64[np.ndarray, "parts patterns"],
) -> list[tuple[Float64[np.ndarray, "parts states"], float]]:
    """p(part, t) and I(X;T) in bits of every layer of one network.

    Args:
        matrices: weights of each layer, biases in the last column.
        patterns: as many as there are.
        parts: p(part, x), which add up to 1: of labels, or of classes of patterns.
    """
    joint = [np.zeros((len(parts), 1 << len(matrix))) for matrix in matrices]
    unsure = np.zeros(len(matrices))
    for begin in range(0, len(patterns), BLOCK):
        rows = slice(begin, begin + BLOCK)
        for layer, found in enumerate(layers_of(matrices, patterns[rows])):
            joint[layer] += parts[:, rows] @ found.given
            unsure[layer] += parts[:, rows].sum(axis=0) @ found.entropy()
    return [(of, max(float(label_entropy(of.sum(axis=0)) - rest), 0.0)) for of, rest in zip(joint, unsure, strict=True)]
