"""What a snapshot holds: each layer's place in the information plane, and each network's loss and accuracy.

Sections 3.2 and 3.3 of Shwartz-Ziv and Tishby (2017). All numbers are exact functions of the weights, the rule and
the samples: the sums run over all patterns, nothing is sampled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int8, Int64

from engine.compiled import compiled
from engine.forward import ACTIVATION_CODES, LINEAR, RELU, SIGMOID, activate, exp_less_one, forward_layer
from engine.measures.partition import fill_edges, information, partition
from engine.networks import Samples
from engine.rules.rule import Rule, binary_entropy
from engine.simd import lanes
from engine.threads import Threads
from engine.training.problem import Problem

OUTSIDE = -1
"""Marks a pattern that is not in a network's sample."""


@dataclass(frozen=True, eq=False)
class LayerInformation:
    """Binned information of every layer, one column a layer, the output last."""

    i_x: Float64[np.ndarray, "networks layers"]
    """I(X;T) in bits; T is a function of X, so it is H(T)."""
    i_y: Float64[np.ndarray, "networks layers"]
    """I(T;Y) in bits under the true rule, whatever sample was learned."""
    distinct: Int64[np.ndarray, "networks layers"]
    """Different values of t."""
    low: Float64[np.ndarray, "networks layers"]
    """Lower end of the bins."""
    high: Float64[np.ndarray, "networks layers"]
    """Upper end of the bins."""


@dataclass(frozen=True, eq=False)
class Learning:
    """Cross-entropy in nats and accuracy of each network.

    On its sample with the sample's labels; on the patterns outside it in expectation under p(y|x), NaN where there
    are none.
    """

    train_loss: Float64[np.ndarray, " networks"]
    test_loss: Float64[np.ndarray, " networks"]
    train_accuracy: Float64[np.ndarray, " networks"]
    test_accuracy: Float64[np.ndarray, " networks"]


def bin_range(activation: str) -> tuple[float, float] | None:
    """The interval that a hidden layer's outputs are binned on; None where they have no bounds.

    The paper bins [−1, 1] for tanh, and the output, which is logistic here, is binned so too. Unbounded outputs are
    binned on the range that occurs in the layer, over all patterns, at each snapshot (from 0 for relu).
    """
    ranges = {"tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
    return ranges.get(activation)


class Measurer:
    """Measures cohorts that learn one problem: holds what is the same at every snapshot."""

    def __init__(self, problem: Problem, bins: int, threads: Threads) -> None:
        rule = problem.rule
        self._threads = threads
        self._bins = bins
        self._architecture = problem.architecture
        self._inputs = np.ascontiguousarray(rule.patterns.T, dtype=np.float64)
        self._p_y = np.ascontiguousarray(rule.p_y, dtype=np.float64)
        self._h_pattern = binary_entropy(self._p_y)
        self._h_y = rule.h_y
        self._labels = label_map(rule, problem.samples)

    def measure(self, weights: Float32[np.ndarray, "networks parameters"]) -> tuple[LayerInformation, Learning]:
        """Measure every network and layer from its weights."""
        networks = len(weights)
        architecture = self._architecture
        widths = np.array(architecture.widths, np.int64)
        fixed = bin_range(architecture.activation) or (math.nan, math.nan)
        numbers = np.empty((5, networks, architecture.layers))
        learning = np.empty((4, networks))

        def work(first: int, last: int) -> None:
            measure_networks(
                first,
                last,
                weights,
                widths,
                ACTIVATION_CODES[architecture.activation],
                self._bins,
                fixed[0],
                fixed[1],
                self._inputs,
                self._p_y,
                self._h_pattern,
                self._h_y,
                self._labels,
                numbers,
                learning,
            )

        self._threads.share_out(networks, work)
        i_x, i_y, distinct, low, high = numbers
        return LayerInformation(i_x, i_y, distinct.astype(np.int64), low, high), Learning(*learning)


def label_map(rule: Rule, samples: Samples) -> Int8[np.ndarray, "networks patterns"]:
    """Each network's label of every pattern, `OUTSIDE` where the pattern is not in its sample."""
    labels = np.full((len(samples.patterns), len(rule.p_y)), OUTSIDE, np.int8)
    np.put_along_axis(labels, samples.patterns, samples.labels.astype(np.int8), axis=1)
    return labels


@compiled
def measure_networks(
    first: int,
    last: int,
    weights: Float32[np.ndarray, "networks parameters"],
    widths: Int64[np.ndarray, " layers_and_one"],
    activation: int,
    bins: int,
    fixed_low: float,
    fixed_high: float,
    inputs: Float64[np.ndarray, "inputs patterns"],
    p_y: Float64[np.ndarray, " patterns"],
    h_pattern: Float64[np.ndarray, " patterns"],
    h_y: float,
    labels: Int8[np.ndarray, "networks patterns"],
    numbers: Float64[np.ndarray, "5 networks layers"],
    learning: Float64[np.ndarray, "4 networks"],
) -> None:
    """Fill in `numbers` (i_x, i_y, distinct, low, high) and `learning` for networks first..last-1."""
    layers = widths.shape[0] - 1
    patterns = inputs.shape[1]
    slots = 2
    while slots < 2 * patterns:
        slots *= 2
    slot_keys = np.empty(slots, np.uint64)
    slot_groups = np.empty(slots, np.int32)
    keys = np.empty(patterns, np.uint64)
    groups = np.empty(patterns, np.int32)
    members = np.empty(patterns, np.int64)
    ones = np.empty(patterns, np.float64)
    edges = np.empty(bins + 1, np.float64)
    widest = widths.max()
    step = 2 * lanes(inputs)
    columns = (patterns + step - 1) // step * step
    stride = columns + step  # rows a power of two apart would fight for the same lines of the cache
    matrix = np.zeros((widest + 1, widest + 1), np.float64)
    z = np.zeros((widest + 2, stride), np.float64)
    below = np.zeros_like(z)
    above = np.zeros_like(z)
    for network in range(first, last):
        below[: widths[0], :patterns] = inputs
        parameter = 0
        for layer in range(layers):
            fan_in = widths[layer]
            units = widths[layer + 1]
            for j in range(units):
                for i in range(fan_in + 1):
                    matrix[j, i] = weights[network, parameter]
                    parameter += 1
            below[fan_in] = 1.0
            forward_layer(matrix, 0, below, 0, z, fan_in + 1, units, columns)
            if layer == layers - 1:
                weigh_learning(z[0], labels[network], p_y, learning[:, network], above[1])
                activate(SIGMOID, z, above, 0, units, columns)
                low, high = -1.0, 1.0
            else:
                activate(activation, z, above, 0, units, columns)
                low, high = fixed_low, fixed_high
                if activation in (RELU, LINEAR):
                    low = above[:units, :patterns].min() if activation == LINEAR else 0.0
                    high = above[:units, :patterns].max()
            fill_edges(edges, low, high)
            count = partition(above, units, edges, groups, keys, slot_keys, slot_groups)
            i_x, i_y = information(groups, count, p_y, h_pattern, h_y, members, ones)
            numbers[0, network, layer] = i_x
            numbers[1, network, layer] = i_y
            numbers[2, network, layer] = count
            numbers[3, network, layer] = low
            numbers[4, network, layer] = high
            below, above = above, below


@compiled
def weigh_learning(
    logits: Float64[np.ndarray, " patterns_and_padding"],
    labels: Int8[np.ndarray, " patterns"],
    p_y: Float64[np.ndarray, " patterns"],
    learning: Float64[np.ndarray, " 4"],
    room: Float64[np.ndarray, " patterns_and_padding"],
) -> None:
    """Fill in train loss, test loss, train accuracy and test accuracy. A logit of 0 counts as the answer 0.

    −log p(y=0) = max(z, 0) + log(1 + exp(−|z|)), and −log p(y=1) is z less. The logarithms' arguments, each at most
    2, are multiplied up, 512 to one logarithm.
    """
    patterns = labels.shape[0]
    for s in range(patterns):
        rest, power = exp_less_one(max(-abs(logits[s]), -87.0))
        room[s] = 1.0 + (rest + power)
    train_loss = 0.0
    test_loss = 0.0
    train_hits = 0.0
    test_hits = 0.0
    inside = 0
    for begin in range(0, patterns, 512):
        train_product = 1.0
        test_product = 1.0
        for s in range(begin, min(begin + 512, patterns)):
            z = logits[s]
            if labels[s] >= 0:
                inside += 1
                train_product *= room[s]
                train_loss += max(z, 0.0) - labels[s] * z
                train_hits += 1.0 if (z > 0.0) == (labels[s] == 1) else 0.0
            else:
                test_product *= room[s]
                test_loss += max(z, 0.0) - p_y[s] * z
                test_hits += p_y[s] if z > 0.0 else 1.0 - p_y[s]
        train_loss += math.log(train_product)
        test_loss += math.log(test_product)
    outside = patterns - inside
    learning[0] = train_loss / inside
    learning[1] = test_loss / outside if outside > 0 else math.nan
    learning[2] = train_hits / inside
    learning[3] = test_hits / outside if outside > 0 else math.nan
