"""The information bottleneck as the objective of stochastic units (Shwartz-Ziv and Tishby 2017, section 4, question 4).

    E −log p(y | t_L) + sum over hidden layers l of I(X;T_l) / beta,        in nats,

X being equally likely over the patterns of a batch, or in proportion to what they count. The first term bounds H(Y|T_L)
from above, so that the sum of both is a bound of the IB Lagrangian of every layer at once; its gradient is exact.

`self_consistent_gradient` takes the paper's own way instead: a step applies Eq. 8 and 9 to every hidden layer's
encoder, which gives p_beta(t|x), and then moves the weights so that p(t|x) comes closer to it. Hidden layers never see
the loss.

I(X;T_l) of the layers above the first is no function of messages by label (`stochastic_kernel`): it needs p(t_l|x) of
each pattern, so that a step costs three products with each transfer matrix. H(T_1|X) is a sum over units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float64, Int64

from ibtui_engine.stochastic import LayerStates, chances, layers_of, states_of

LEAST = 1e-300
"""A state that is less likely than this counts as being so: its logarithm is finite."""
LEAST_GIVEN = 1e-100
"""Likewise of p(t|x) that something is divided by."""


def bottleneck_gradient(
    matrices: Sequence[Float64[np.ndarray, "units inputs_and_bias"]],
    inputs: Float64[np.ndarray, "batch inputs"],
    labels: Int64[np.ndarray, " batch"],
    shares: Float64[np.ndarray, " batch"],
    beta: float,
) -> tuple[Float64[np.ndarray, " parameters"], float]:
    """The gradient of the objective by a network's weights, in their order, and the objective in nats.

    Args:
        matrices: weights of each layer, biases in the last column; one hidden layer at least.
        inputs: of the patterns of the batch.
        labels: 0 or 1.
        shares: what each counts in the loss; 1 over the batch's size where patterns are equally likely.
        beta: what I(X;T) of each hidden layer is divided by.
    """
    p_x = shares / shares.sum()

    def information(states: LayerStates) -> tuple[float, Float64[np.ndarray, "batch states"]]:
        """I(X;T) / beta in nats, and its derivative by p(t|x). In the first layer H(T|X) is a sum over units, whose
        derivative is added to their slopes.
        """
        p_t = np.maximum(p_x @ states.given, LEAST)
        if states.below is None:
            p_up, p_down = chances(2.0 * states.z)
            unsure = -(p_up * np.log(np.maximum(p_up, LEAST)) + p_down * np.log(np.maximum(p_down, LEAST)))
            value = float(-p_t @ np.log(p_t) - p_x @ unsure.sum(axis=1)) / beta
            return value, np.outer(p_x, -np.log(p_t) / beta)
        logs = np.log(np.maximum(states.given, LEAST)) - np.log(p_t)
        return float(p_x @ (states.given * logs).sum(axis=1)) / beta, p_x[:, None] * logs / beta

    def of_units(states: LayerStates) -> Float64[np.ndarray, "batch units"]:
        p_up, p_down = chances(2.0 * states.z)
        slopes: Float64[np.ndarray, "batch units"] = p_x[:, None] * (4.0 * states.z * p_up * p_down) / beta
        return slopes

    return _gradient(matrices, inputs, labels, shares, information, of_units)


def self_consistent_gradient(
    matrices: Sequence[Float64[np.ndarray, "units inputs_and_bias"]],
    inputs: Float64[np.ndarray, "batch inputs"],
    labels: Int64[np.ndarray, " batch"],
    shares: Float64[np.ndarray, " batch"],
    beta: float,
) -> tuple[Float64[np.ndarray, " parameters"], float]:
    """The gradient, by a network's weights, of the loss of its output weights plus E KL[p_beta(t|x) || p(t|x)] of each
    hidden layer, and the sum of these in nats. p_beta is Eq. 8 with the layer's own p(t) and p(y|t), which is
    Eq. 9 by the labels of the batch,

        p_beta(t|x) = p(t) exp(−beta KL[p(y|x) || p(y|t)]) / Z(x, beta),

    and does not move with the weights. Arguments are those of `bottleneck_gradient`.
    """
    p_x = shares / shares.sum()
    by_label = np.stack([p_x * (labels == 0), p_x * (labels == 1)])

    def fit(states: LayerStates) -> tuple[float, Float64[np.ndarray, "batch states"]]:
        """The divergence, and its derivative by p(t|x)."""
        joint = by_label @ states.given
        p_t = np.maximum(joint.sum(axis=0), LEAST)
        divergence = -np.log(np.maximum(joint, LEAST) / p_t)[labels]  # of a label that is certain
        logs = np.log(p_t) - beta * divergence
        logs -= logs.max(axis=1, keepdims=True)
        target = np.exp(logs)
        target /= target.sum(axis=1, keepdims=True)
        given = np.maximum(states.given, LEAST_GIVEN)
        value = (target * np.log(np.maximum(target, LEAST) / given)).sum(axis=1)
        return float(p_x @ value), -p_x[:, None] * target / given

    return _gradient(matrices, inputs, labels, shares, fit, None)


def _gradient(
    matrices: Sequence[Float64[np.ndarray, "units inputs_and_bias"]],
    inputs: Float64[np.ndarray, "batch inputs"],
    labels: Int64[np.ndarray, " batch"],
    shares: Float64[np.ndarray, " batch"],
    of_layer: Callable[[LayerStates], tuple[float, Float64[np.ndarray, "batch states"]]],
    of_units: Callable[[LayerStates], Float64[np.ndarray, "batch units"]] | None,
) -> tuple[Float64[np.ndarray, " parameters"], float]:
    """The gradient of the loss plus a term of each hidden layer, and the sum of all.

    Args:
        of_layer: a layer's term, and its derivative by p(t|x).
        of_units: what the first layer's term adds to the slopes by what goes into its units; None where the loss, too,
            ends at the output's weights.
    """
    found = list(layers_of(matrices, inputs))
    z = found[-1].z[:, 0]
    last = found[-2].given
    losses = np.logaddexp(0.0, np.stack([z, -z]))  # −log p(y|t), by label and state
    by_label = np.stack([shares * (labels == 0), shares * (labels == 1)])
    mass = by_label @ last
    total = float((mass * losses).sum())
    up, down = chances(z)
    slopes = (mass[0] * up - mass[1] * down)[:, None]
    gradients = [slopes.T @ _with_bias(states_of(len(matrices[-2])))]
    d = by_label.T @ losses  # of the objective by p(t|x)
    if of_units is None:
        d[:] = 0.0
    for layer in range(len(matrices) - 2, -1, -1):
        states = found[layer]
        value, own = of_layer(states)
        total += value
        d += own
        if states.below is None:
            parts = d * states.transfer
        else:
            parts = (states.below.T @ d) * states.transfer
            d = d @ states.transfer.T
        p_up, p_down = chances(2.0 * states.z)
        plus = parts @ (states_of(len(matrices[layer])) > 0)
        slopes = 2.0 * (p_down * plus - p_up * (parts.sum(axis=1, keepdims=True) - plus))
        if states.below is None and of_units is not None:
            slopes += of_units(states)
        below = inputs if layer == 0 else states_of(len(matrices[layer - 1]))
        gradients.append(slopes.T @ _with_bias(below))
    return np.concatenate([gradient.ravel() for gradient in reversed(gradients)]), total


def _with_bias(below: Float64[np.ndarray, "rows inputs"]) -> Float64[np.ndarray, "rows inputs_and_bias"]:
    return np.concatenate([below, np.ones((len(below), 1))], axis=1)


METHODS = {"gradient": bottleneck_gradient, "self-consistent": self_consistent_gradient}
"""By the value of the setting `ib_method`."""
