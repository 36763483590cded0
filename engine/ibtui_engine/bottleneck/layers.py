"""How the layers of networks partition the patterns, from their saved weights, with the bins of the session, or by the
levels that the networks round their outputs to.

The same outputs and the same bins as `ibtui_engine.measures.snapshot`, kept as a group number for every pattern
instead of being summed up at once: what a layer is compared with the bound by.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from ibtui_engine.activations import OUTPUT, OUTPUT_RANGE, bin_ends
from ibtui_engine.compiled import compiled
from ibtui_engine.forward import ACTIVATION_CODES
from ibtui_engine.measures.outputs import binned_range, enter_layer
from ibtui_engine.measures.partition import fill_edges, partition
from ibtui_engine.measures.scratch import Scratch, as_layer, make_scratch
from ibtui_engine.networks import Architecture
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads


def layer_groups(
    rule: Rule,
    architecture: Architecture,
    weights: Float32[np.ndarray, "networks parameters"],
    bins: int,
    threads: Threads,
) -> tuple[Int32[np.ndarray, "networks layers patterns"], Int64[np.ndarray, "networks layers"]]:
    """The number of each pattern's t, from 0 in order of first occurrence, in every layer, and how many t there are.
    Networks that round their outputs need no bins: each level is one.
    """
    inputs = as_layer(rule.patterns)
    widths = np.array(architecture.widths, np.int64)
    ends = np.array([*[bin_ends(architecture.activation)] * (architecture.layers - 1), OUTPUT_RANGE])
    if architecture.bits:
        bins, ends[-1] = 2**architecture.bits, bin_ends(OUTPUT)
    groups = np.empty((len(weights), architecture.layers, len(rule.p_y)), np.int32)
    counts = np.empty((len(weights), architecture.layers), np.int64)
    kind = ACTIVATION_CODES[architecture.activation]

    def work(first: int, last: int) -> None:
        scratch = threads.kept(make_scratch, architecture.widths, len(rule.p_y))
        group_networks(
            first, last, weights, widths, kind, architecture.bits, bins, ends, inputs, groups, counts, scratch
        )

    threads.share_out(len(weights), work)
    return groups, counts


@compiled
def group_networks(
    first: int,
    last: int,
    weights: Float32[np.ndarray, "networks parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    bits: int,
    bins: int,
    ends: Float64[np.ndarray, "layers 2"],
    inputs: Float64[np.ndarray, "inputs_and_one columns"],
    groups: Int32[np.ndarray, "networks layers patterns"],
    counts: Int64[np.ndarray, "networks layers"],
    scratch: Scratch,
) -> None:
    """Fill in `groups` and `counts` for networks first..last-1. `ends`: of the bins (`binned_range`)."""
    layers = widths.shape[0] - 1
    patterns = groups.shape[2]
    edges = np.empty(bins + 1, np.float64)
    for network in range(first, last):
        for layer in range(layers):
            units = widths[layer + 1]
            above = enter_layer(layer, weights[network], widths, activation, bits, inputs, scratch)
            low, high = binned_range(ends[layer, 0], ends[layer, 1], above, units, patterns)
            fill_edges(edges, low, high)
            counts[network, layer] = partition(above, units, edges, groups[network, layer], *scratch.hashing)
