"""What a snapshot holds of networks with a softmax over more than two labels, which may be wide, and of all networks
where patterns are not equally likely: by matrix products.

The quantities are those of `ibtui_engine.measures.snapshot`, in double precision too. Patterns are taken a block at a
time, so that large rules fit; information can be measured over some of the patterns alone, losses and accuracies are
over all. NumPy's BLAS computes each network in one thread: threads take networks, which makes the numbers independent
of how many there are, and where others use the machine, too, is up to five times as fast as threads within a product.
One logistic output is the softmax of 0 and its logit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from threadpoolctl import ThreadpoolController

from ibtui_engine.activations import LIMITS, OUTPUT, OUTPUT_RANGE, SATURATED, bin_ends
from ibtui_engine.estimation import Estimation
from ibtui_engine.forward import ACTIVATION_CODES, RELU, SIGMOID, activate_rounded, round_to_levels
from ibtui_engine.measures.grouping import group_patterns
from ibtui_engine.measures.layer import measure_layer, require_equally_likely
from ibtui_engine.measures.outputs import NONLINEAR, NUMBERS, shares_beyond
from ibtui_engine.measures.outputs import SATURATED as SATURATED_ROW
from ibtui_engine.measures.outputs_by_block import LayerOutputs
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.rules.rule import Rule, mean_over
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Problem

BLOCK = 2048
"""Patterns that go forward together."""


class SoftmaxMeasurer:
    """Measures cohorts that learn one problem, of any number of labels and any p(x)."""

    def __init__(
        self,
        problem: Problem,
        how: Estimation,
        threads: Threads,
        measured: Int64[np.ndarray, " measured"] | None = None,
    ) -> None:
        """`how`: what is drawn is drawn by the seed of each network, the same at each snapshot. `measured`: the
        patterns that information is measured over, if not all.

        Raises:
            InvalidValue: the estimator needs equally likely patterns.
        """
        require_equally_likely(how.estimator, problem.rule.p_x)
        self._problem = problem
        self._threads = threads
        self._how = how
        self._blas = ThreadpoolController()
        self._part: Rule = problem.rule if measured is None else problem.rule.over(measured)
        self._p_y, self._part_p_y = (
            rule.p_y if rule.labels > 2 else np.stack([1.0 - rule.p_y, rule.p_y], axis=1)
            for rule in (problem.rule, self._part)
        )

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
                how = replace(self._how, seed=self._problem.seeds[network])
                for layer, found in enumerate(self._layers(matrices, how)):
                    numbers[:, network, layer] = found

        with self._blas.limit(limits=1, user_api="blas"):
            self._threads.share_out(networks, work)
        return LayerInformation.of(numbers), Learning(*learning)

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
            a = a if len(a) > 1 else np.concatenate([np.zeros_like(a), a])
            log_p = a - _log_sum_exp(a)
            answer = a.argmax(axis=0)
            at = np.arange(a.shape[1])
            p_y = self._p_y[rows]
            there = np.where(p_y > 0, p_y * log_p.T, 0.0).sum(axis=1)
            losses[rows] = -np.where(inside[rows], log_p[label[rows], at], there)
            hits[rows] = np.where(inside[rows], answer == label[rows], p_y[at, answer])
        loss, hit = ([_mean(values, there, rule.p_x) for there in (inside, ~inside)] for values in (losses, hits))
        return loss[0], loss[1], hit[0], hit[1]

    def _layers(
        self, matrices: list[Float64[np.ndarray, "units inputs_and_bias"]], how: Estimation
    ) -> Iterator[Float64[np.ndarray, " numbers"]]:
        """The numbers of each layer, from the input on."""
        patterns, bits = self._part.patterns, self._problem.architecture.bits
        activation, p_x = self._problem.architecture.activation, self._part.p_x
        a = np.empty((len(matrices[0]), len(patterns)))
        for layer, matrix in enumerate(matrices):
            if layer == 0:  # the inputs in double precision need not all be there at once
                for begin in range(0, len(patterns), BLOCK):
                    block = patterns[begin : begin + BLOCK].T.astype(np.float64)
                    a[:, begin : begin + BLOCK] = _enter(matrix, block)
                z = a
            else:
                z = _enter(matrix, a)
                if bits:  # equal columns of a product may differ in rounding: patterns that share their t share z
                    groups, _ = group_patterns(LayerOutputs(a.T), "exact", 2, 0.0, 0.0)
                    z = np.take(z, np.unique(groups, return_index=True)[1][groups], axis=1)
            if layer == len(matrices) - 1:
                ends = OUTPUT_RANGE
                if len(z) > 1:
                    a = np.exp(z - _log_sum_exp(z))
                    if bits:
                        round_to_levels(SIGMOID, bits, a, a, 0, *a.shape)
                    # of the way from the middle between 0 and 1, as for one logistic output
                    shares = float(mean_over((abs(2 * a - 1) > SATURATED).mean(axis=0), p_x)), math.nan
                else:
                    a, shares = self._activated(z, OUTPUT), _shares(z, OUTPUT, p_x)
            else:
                a, shares = self._activated(z), _shares(z, activation, p_x)
                ends = bin_ends(activation)
            outputs = LayerOutputs(a.T)
            if outputs.finite:
                numbers, _ = measure_layer(
                    outputs, how, self._part_p_y, self._part.orbits, ends, inputs=patterns, p_x=p_x
                )
            else:  # whoever records it sees that the network has diverged
                numbers = np.full(NUMBERS, math.nan)
            numbers[[SATURATED_ROW, NONLINEAR]] = shares
            yield numbers

    def _activated(
        self, z: Float64[np.ndarray, "units patterns"], activation: str = ""
    ) -> Float64[np.ndarray, "units patterns"]:
        architecture, a = self._problem.architecture, np.empty_like(z)
        kind = ACTIVATION_CODES[activation or architecture.activation]
        activate_rounded(kind, architecture.bits, z, a, 0, *z.shape)
        return a


def _shares(
    z: Float64[np.ndarray, "units patterns"], activation: str, p_x: Float64[np.ndarray, " patterns"] | None
) -> tuple[float, float]:
    """Shares of a layer's neurons and patterns that are saturated, and nonlinear (`shares_beyond`), under p(x)."""
    limits, code = LIMITS[activation], ACTIVATION_CODES[activation]
    if p_x is None:
        return shares_beyond(z, len(z), z.shape[1], code, limits.saturated, limits.linear)
    first, second = (
        float(p_x @ (z <= limit if code == RELU else abs(z) > limit).mean(axis=0))
        for limit in (limits.saturated, limits.linear)
    )
    return math.nan if math.isnan(limits.saturated) else first, math.nan if math.isnan(limits.linear) else second


def _mean(
    values: Float64[np.ndarray, " patterns"],
    there: Bool[np.ndarray, " patterns"],
    p_x: Float64[np.ndarray, " patterns"] | None,
) -> float:
    """The mean over some of the patterns; NaN over none."""
    if not there.any():
        return math.nan
    return float(values[there].mean() if p_x is None else values[there] @ p_x[there] / p_x[there].sum())


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
