"""The information bottleneck as the objective of stochastic units (Shwartz-Ziv and Tishby 2017, section 4, question 4).

    E −log p(y | t_L) + sum over hidden layers l of I(X;T_l) / beta,        in nats,

X being equally likely over the patterns of a batch, or in proportion to what they count. The first term bounds H(Y|T_L)
from above, so that the sum of both is a bound of the IB Lagrangian of every layer at once; its gradient is exact.

I(X;T_l) of the layers above the first is no function of messages by label (`stochastic_kernel`): it needs p(t_l|x) of
each pattern, so that a step costs three products with each transfer matrix. H(T_1|X) is a sum over units.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from ibtui_engine.stochastic import chances, layers_of, states_of

LEAST = 1e-300
"""A state that is less likely than this counts as being so: its logarithm is finite."""


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
    found = list(layers_of(matrices, inputs))
    p_x = shares / shares.sum()
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
    for layer in range(len(matrices) - 2, -1, -1):
        states = found[layer]
        p_t = np.maximum(p_x @ states.given, LEAST)
        logs = -np.log(p_t)
        p_up, p_down = chances(2.0 * states.z)
        if states.below is None:
            unsure = -(p_up * np.log(np.maximum(p_up, LEAST)) + p_down * np.log(np.maximum(p_down, LEAST)))
            total += float(p_t @ logs - p_x @ unsure.sum(axis=1)) / beta
            d += np.outer(p_x, logs / beta)
            parts = d * states.transfer
        else:
            logs = np.log(np.maximum(states.given, LEAST)) + logs
            total += float(p_x @ (states.given * logs).sum(axis=1)) / beta
            d += p_x[:, None] * logs / beta
            parts = (states.below.T @ d) * states.transfer
            d = d @ states.transfer.T
        plus = parts @ (states_of(len(matrices[layer])) > 0)
        slopes = 2.0 * (p_down * plus - p_up * (parts.sum(axis=1, keepdims=True) - plus))
        if states.below is None:
            slopes += p_x[:, None] * (4.0 * states.z * p_up * p_down) / beta
        below = inputs if layer == 0 else states_of(len(matrices[layer - 1]))
        gradients.append(slopes.T @ _with_bias(below))
    return np.concatenate([gradient.ravel() for gradient in reversed(gradients)]), total


def _with_bias(below: Float64[np.ndarray, "rows inputs"]) -> Float64[np.ndarray, "rows inputs_and_bias"]:
    return np.concatenate([below, np.ones((len(below), 1))], axis=1)
