"""What a snapshot holds of networks with a softmax over more than two labels, which may be wide: by matrix products.

The quantities are those of `ibtui_engine.measures.snapshot`, in double precision too. Patterns are taken a block at a
time, so that large rules fit; information can be measured over some of the patterns alone, losses and accuracies are
over all. NumPy's BLAS computes each network in one thread: threads take networks, which makes the numbers independent
of how many there are, and where others use the machine, too, is up to five times as fast as threads within a product.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Float64, Int64
from threadpoolctl import ThreadpoolController

from ibtui_engine.activations import LIMITS, OUTPUT_RANGE, SATURATED, bin_ends
from ibtui_engine.experiment import BINNED, DEFAULT_NOISE
from ibtui_engine.forward import ACTIVATION_CODES, activate
from ibtui_engine.measures.exact import exact_partition
from ibtui_engine.measures.outputs import (
    DISTINCT,
    HIGH,
    I_X,
    I_X_LOWER,
    I_Y,
    I_Y_LOWER,
    LOW,
    NONLINEAR,
    NUMBERS,
    binned_range,
    shares_beyond,
)
from ibtui_engine.measures.outputs import (
    SATURATED as SATURATED_ROW,
)
from ibtui_engine.measures.pairwise import pairwise_bounds
from ibtui_engine.measures.partition import fill_edges, hash_arrays, partition
from ibtui_engine.measures.quantile import quantile_partition
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.rules.rule import Rule, label_entropy
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Problem

BLOCK = 2048
"""Patterns that go forward together."""


class SoftmaxMeasurer:
    """Measures cohorts that learn one problem of more than two labels."""

    def __init__(
        self,
        problem: Problem,
        bins: int,
        threads: Threads,
        estimator: str = "binning",
        noise: float = DEFAULT_NOISE,
        measured: Int64[np.ndarray, " measured"] | None = None,
    ) -> None:
        self._problem = problem
        self._threads = threads
        self._bins = bins
        self._estimator = estimator
        self._noise = noise
        self._blas = ThreadpoolController()
        self._part: Rule = problem.rule if measured is None else problem.rule.over(measured)

    def measure(self, weights: Float32[np.ndarray, "networks parameters"]) -> tuple[LayerInformation, Learning]:
        """Measure every network and layer from its weights."""
        networks = len(weights)
        numbers = np.empty((NUMBERS, networks, self._problem.architecture.layers))
        learning = np.empty((4, networks))

        def work(first: int, last: int) -> None:
            for network in range(first, last):
                matrices = [
                    matrix[0].astype(np.float64)
                    for matrix in self._problem.architecture.matrices(weights[network : network + 1])
                ]
                learning[:, network] = self._learning(network, matrices)
                for layer, found in enumerate(self._layers(matrices)):
                    numbers[:, network, layer] = found

        with self._blas.limit(limits=1, user_api="blas"):
            self._threads.share_out(networks, work)
        i_x, i_y, distinct, *others = numbers
        return LayerInformation(i_x, i_y, distinct.astype(np.int64), *others), Learning(*learning)

    def _learning(
        self, network: int, matrices: list[Float64[np.ndarray, "units inputs_and_bias"]]
    ) -> tuple[float, float, float, float]:
        """Train loss, test loss, train accuracy and test accuracy; the first of equal outputs is the answer."""
        rule, samples = self._problem.rule, self._problem.samples
        total = len(rule.p_y)
        label = np.zeros(total, np.int64)
        label[samples.patterns[network]] = samples.labels[network]
        inside = np.zeros(total, bool)
        inside[samples.patterns[network]] = True
        losses, hits = np.empty(total), np.empty(total)
        for begin in range(0, total, BLOCK):
            rows = slice(begin, min(begin + BLOCK, total))
            a = rule.patterns[rows].T.astype(np.float64)
            for k, matrix in enumerate(matrices):
                z = _enter(matrix, a)
                a = z if k == len(matrices) - 1 else self._activated(z)
            log_p = a - _log_sum_exp(a)
            answer = a.argmax(axis=0)
            at = np.arange(a.shape[1])
            p_y = rule.p_y[rows]
            there = np.where(p_y > 0, p_y * log_p.T, 0.0).sum(axis=1)
            losses[rows] = -np.where(inside[rows], log_p[label[rows], at], there)
            hits[rows] = np.where(inside[rows], answer == label[rows], p_y[at, answer])
        outside = ~inside
        if not outside.any():
            return float(losses.mean()), math.nan, float(hits.mean()), math.nan
        return (
            float(losses[inside].mean()),
            float(losses[outside].mean()),
            float(hits[inside].mean()),
            float(hits[outside].mean()),
        )

    def _layers(
        self, matrices: list[Float64[np.ndarray, "units inputs_and_bias"]]
    ) -> Iterator[Float64[np.ndarray, " numbers"]]:
        """The numbers of each layer, from the input on."""
        patterns = self._part.patterns
        limits = LIMITS[self._problem.architecture.activation]
        code = ACTIVATION_CODES[self._problem.architecture.activation]
        a = np.empty((len(matrices[0]), len(patterns)))
        for layer, matrix in enumerate(matrices):
            if layer == 0:  # the inputs in double precision need not all be there at once
                for begin in range(0, len(patterns), BLOCK):
                    block = patterns[begin : begin + BLOCK].T.astype(np.float64)
                    a[:, begin : begin + BLOCK] = _enter(matrix, block)
                z = a
            else:
                z = _enter(matrix, a)
            if layer == len(matrices) - 1:
                a = np.exp(z - _log_sum_exp(z))
                # of the way from the middle between 0 and 1, as for one logistic output
                saturated, nonlinear = float((abs(2 * a - 1) > SATURATED).mean()), math.nan
                ends = OUTPUT_RANGE
            else:
                a = self._activated(z)
                saturated, nonlinear = shares_beyond(z, len(z), z.shape[1], code, limits.saturated, limits.linear)
                ends = bin_ends(self._problem.architecture.activation)
            yield self._numbers(a, ends, saturated, nonlinear)

    def _activated(self, z: Float64[np.ndarray, "units patterns"]) -> Float64[np.ndarray, "units patterns"]:
        a = np.empty_like(z)
        activate(ACTIVATION_CODES[self._problem.architecture.activation], z, a, 0, *z.shape)
        return a

    def _numbers(
        self,
        a: Float64[np.ndarray, "units patterns"],
        ends: tuple[float, float],
        saturated: float,
        nonlinear: float,
    ) -> Float64[np.ndarray, " numbers"]:
        units, patterns = a.shape
        fixed = ends if self._estimator == "binning" else (math.nan, math.nan)
        low, high = binned_range(*fixed, a, units, patterns)
        hashing = hash_arrays(patterns)
        groups = np.empty(patterns, np.int32)
        i_x_lower = i_y_lower = math.nan
        if self._estimator not in BINNED:
            count = exact_partition(a, units, groups, *hashing)
        elif self._estimator == "quantile":
            count = quantile_partition(a, units, self._bins, groups, *hashing)
        else:
            edges = np.empty(self._bins + 1)
            fill_edges(edges, low, high)
            count = partition(a, units, edges, groups, *hashing)
        if self._estimator == "kde":
            i_x, i_y, i_x_lower, i_y_lower = pairwise_bounds(a, self._noise, groups, count, self._part.p_y)
        else:
            i_x, i_y = information_of_labels(groups, count, self._part.p_y)
        numbers = np.empty(NUMBERS)
        numbers[[I_X, I_Y, DISTINCT, LOW, HIGH]] = i_x, i_y, count, low, high
        numbers[[I_X_LOWER, I_Y_LOWER]] = i_x_lower, i_y_lower
        numbers[[SATURATED_ROW, NONLINEAR]] = saturated, nonlinear
        return numbers


def _enter(
    matrix: Float64[np.ndarray, "units inputs_and_bias"], a: Float64[np.ndarray, "inputs patterns"]
) -> Float64[np.ndarray, "units patterns"]:
    """What goes into a layer's units."""
    z = matrix[:, :-1] @ a
    z += matrix[:, -1:]
    return np.asarray(z)


def _log_sum_exp(z: Float64[np.ndarray, "units patterns"]) -> Float64[np.ndarray, "1 patterns"]:
    most = z.max(axis=0, keepdims=True)
    return np.asarray(most + np.log(np.exp(z - most).sum(axis=0, keepdims=True)))


def information_of_labels(
    groups: np.ndarray, count: int, p_y: Float64[np.ndarray, "patterns labels"]
) -> tuple[float, float]:
    """(I(X;T), I(T;Y)) in bits of a partition of equally likely patterns into groups 0..count-1, for many labels.

    T is a function of X, so I(X;T) = H(T); p(y|t) is the mean of p(y|x) over the patterns with that t.
    """
    joint = np.stack([np.bincount(groups, weights=column, minlength=count) for column in p_y.T], axis=1)
    sizes = np.bincount(groups, minlength=count)
    patterns = len(groups)
    i_x = math.log2(patterns) - float((sizes * np.log2(sizes)).sum()) / patterns
    unsure = float((sizes * label_entropy(joint / sizes[:, None])).sum()) / patterns
    return max(i_x, 0.0), max(float(label_entropy(p_y.mean(axis=0))) - unsure, 0.0)
