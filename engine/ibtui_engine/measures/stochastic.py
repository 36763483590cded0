"""What a snapshot holds of networks of stochastic binary units: exactly, with nothing to choose.

p(t|x) of every layer is known (`ibtui_engine.stochastic`), so that I(X;T) = H(T) − H(T|X) and I(T;Y) = H(Y) − H(Y|T)
are sums over states, under the true rule. X − T_1 − ... − Y^ is a Markov chain, and the inequalities of data processing
(Shwartz-Ziv and Tishby 2017, Eq. 5 and 6) hold to rounding. The output layer is Y^, the label that the network draws.

The loss is what is trained: the expectation of −log p(y | t_L) over the states t_L of the last hidden layer, which is
at least −log p(y|x). An answer is right where it is the likelier label under p(Y^|x), the network's noise averaged
out.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64
from threadpoolctl import ThreadpoolController

from ibtui_engine.activations import LIMITS, OUTPUT
from ibtui_engine.measures.outputs import DISTINCT, HIGH, I_ORBIT, I_X, I_Y, LOW, NONLINEAR, NUMBERS, SATURATED
from ibtui_engine.measures.snapshot import OUTSIDE, LayerInformation, Learning, label_map
from ibtui_engine.rules.rule import label_entropy, orbits_of
from ibtui_engine.stochastic import BLOCK, LayerStates, layers_of
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Problem

MOST_SHARED = 2**24
"""Orbits times states of a layer, at most, of which I(T;orbit) is measured: 128 MB of probabilities."""
MEAN = "tanh"
"""The activation that a unit's mean is: its limits say where a unit is hardly stochastic any more."""


class StochasticMeasurer:
    """Measures cohorts of stochastic networks that learn one problem, of two labels and any p(x).

    NumPy's BLAS computes each network in one thread, threads take networks: so their number changes no number.
    """

    def __init__(self, problem: Problem, threads: Threads) -> None:
        rule = problem.rule
        self._problem = problem
        self._threads = threads
        self._blas = ThreadpoolController()
        self._p_x = np.full(len(rule.p_y), 1.0 / len(rule.p_y)) if rule.p_x is None else rule.p_x
        self._p_labels = np.stack([rule.rest, rule.p_y])
        self._labels = label_map(rule, problem.samples)
        self._orbits = orbits_of(rule.p_y)
        self._h_orbit = float(label_entropy(np.bincount(self._orbits, weights=self._p_x)))

    def measure(self, weights: Float32[np.ndarray, "networks parameters"]) -> tuple[LayerInformation, Learning]:
        """Measure every network and layer from its weights."""
        networks = len(weights)
        architecture = self._problem.architecture
        numbers = np.full((NUMBERS, networks, architecture.layers), np.nan)
        learning = np.empty((4, networks))

        def work(first: int, last: int) -> None:
            for network in range(first, last):
                matrices = [matrix[0].astype(np.float64) for matrix in architecture.matrices(weights[network][None])]
                numbers[:, network], learning[:, network] = self._network(network, matrices)

        with self._blas.limit(limits=1, user_api="blas"):
            self._threads.share_out(networks, work)
        return LayerInformation.of(numbers), Learning(*learning)

    def _network(
        self, network: int, matrices: list[Float64[np.ndarray, "units inputs_and_bias"]]
    ) -> tuple[Float64[np.ndarray, "numbers layers"], Float64[np.ndarray, " 4"]]:
        patterns, layers = self._problem.rule.patterns, len(matrices)
        joint = [np.zeros((2, 1 << len(matrix))) for matrix in matrices]  # p(y, t)
        orbits = int(self._orbits.max()) + 1
        shared = [
            np.zeros((orbits, p.shape[1] if orbits * p.shape[1] <= MOST_SHARED else 0)) for p in joint
        ]  # p(orbit, t)
        unsure = np.zeros(layers)  # H(T|X)
        beyond = np.zeros((2, layers))
        losses, hits = np.empty((2, len(patterns))), np.empty((2, len(patterns)))  # by label
        for begin in range(0, len(patterns), BLOCK):
            rows = slice(begin, begin + BLOCK)
            p_x, p_labels = self._p_x[rows], self._p_labels[:, rows]
            for layer, found in enumerate(layers_of(matrices, patterns[rows])):
                joint[layer] += (p_labels * p_x) @ found.given
                unsure[layer] += p_x @ found.entropy()
                if shared[layer].size:
                    order = np.argsort(self._orbits[rows], kind="stable")
                    here, starts = np.unique(self._orbits[rows][order], return_index=True)
                    shared[layer][here] += np.add.reduceat((p_x[:, None] * found.given)[order], starts)
                beyond[:, layer] += _shares_beyond(found, p_x, MEAN if layer < layers - 1 else OUTPUT)
            z = found.z[:, 0]  # of the output
            ones = found.given[:, 1]
            for label, logits in enumerate((z, -z)):
                loss = np.logaddexp(0.0, logits)
                losses[label, rows] = loss if found.below is None else found.below @ loss
                hits[label, rows] = (ones > 0.5) == label
        numbers = np.full((NUMBERS, layers), np.nan)
        numbers[[SATURATED, NONLINEAR]] = beyond
        for layer, p_joint in enumerate(joint):
            p_t = p_joint.sum(axis=0)
            there = p_t > 0
            output = layer == layers - 1
            i_x = float(label_entropy(p_t)) - unsure[layer]
            i_y = self._problem.rule.h_y - float(p_t[there] @ label_entropy((p_joint[:, there] / p_t[there]).T))
            numbers[[I_X, I_Y, DISTINCT], layer] = max(i_x, 0.0), max(i_y, 0.0), np.count_nonzero(there)
            if shared[layer].size:
                both = float(label_entropy(p_t)) + self._h_orbit - float(label_entropy(shared[layer].ravel()))
                numbers[I_ORBIT, layer] = max(both, 0.0)
            numbers[[LOW, HIGH], layer] = 0.0 if output else -1.0, 1.0
        return numbers, self._learning(network, losses, hits)

    def _learning(
        self, network: int, losses: Float64[np.ndarray, "2 patterns"], hits: Float64[np.ndarray, "2 patterns"]
    ) -> Float64[np.ndarray, " 4"]:
        """Train loss, test loss, train accuracy and test accuracy."""
        labels = self._labels[network]
        inside = labels != OUTSIDE
        at = np.arange(len(labels))
        found = []
        for values in (losses, hits):
            for there, by_pattern in ((inside, values[labels, at]), (~inside, (self._p_labels * values).sum(axis=0))):
                p_x = self._p_x[there]
                found.append(float(by_pattern[there] @ p_x / p_x.sum()) if there.any() else np.nan)
        return np.array(found)


def _shares_beyond(found: LayerStates, p_x: Float64[np.ndarray, " patterns"], mean: str) -> tuple[float, float]:
    """What a block adds to the shares of units that are saturated, and nonlinear, under p(x) and the layer below."""
    mass = p_x if found.below is None else p_x @ found.below
    limits, size = LIMITS[mean], np.abs(found.z)
    return float(mass @ (size > limits.saturated).mean(axis=1)), float(mass @ (size > limits.linear).mean(axis=1))
