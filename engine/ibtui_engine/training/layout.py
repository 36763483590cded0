"""How the fused kernels lay a network out: its weights as rows of one matrix, its activations as rows of another.

A layer's rows of weights begin at an even one. A row of activations is a neuron, a column a sample; under each layer's
neurons is a row of ones, which makes the bias one more weight. Outside, a network is a vector of parameters: by layer,
then neuron, then input, the bias last.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

from ibtui_engine.compiled import compiled


@compiled
def layer_rows(
    widths: Int64[np.ndarray, " layers_and_one"],
) -> tuple[Int64[np.ndarray, " layers_and_one"], Int64[np.ndarray, " layers_and_one"]]:
    """The first row of each layer's weights, and of each layer's activations, the inputs first; then where they end."""
    layers = widths.shape[0] - 1
    tops = np.zeros(layers + 1, np.int64)
    firsts = np.zeros(layers + 1, np.int64)
    for layer in range(layers):
        tops[layer + 1] = tops[layer] + (widths[layer + 1] + 1) // 2 * 2
        firsts[layer + 1] = firsts[layer] + widths[layer] + 1
    return tops, firsts


@compiled
def unpack(
    parameters: Float32[np.ndarray, " parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    tops: Int64[np.ndarray, " layers_and_one"],
    rows: Float32[np.ndarray, "rows columns"],
) -> None:
    """Fill in a network's rows from its parameters."""
    parameter = 0
    for layer in range(widths.shape[0] - 1):
        for j in range(widths[layer + 1]):
            for i in range(widths[layer] + 1):
                rows[tops[layer] + j, i] = parameters[parameter]
                parameter += 1


@compiled
def pack(
    rows: Float32[np.ndarray, "rows columns"],
    widths: Int64[np.ndarray, " layers_and_one"],
    tops: Int64[np.ndarray, " layers_and_one"],
    parameters: Float32[np.ndarray, " parameters"],
) -> None:
    """The inverse of `unpack`: fill in a network's parameters from its rows."""
    parameter = 0
    for layer in range(widths.shape[0] - 1):
        for j in range(widths[layer + 1]):
            for i in range(widths[layer] + 1):
                parameters[parameter] = rows[tops[layer] + j, i]
                parameter += 1
