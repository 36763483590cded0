"""The trainer of stochastic binary units: exact gradients, from the compiled kernel of this package.

Networks share nothing, so threads take them a few at a time. Their only random numbers are their initial weights,
samples and batches: the noise of the units is averaged over exactly.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Float64
from threadpoolctl import ThreadpoolController

from ibtui_engine.streams import SAMPLING_CODES, order_epoch, rounded_up
from ibtui_engine.threads import Threads
from ibtui_engine.training import stochastic_kernel as kernel
from ibtui_engine.training.bottleneck_objective import METHODS
from ibtui_engine.training.problem import FrozenGradients, GradientNorms, Problem, TrainingState, worth

OPTIMIZER = {"sgd": kernel.SGD, "momentum": kernel.MOMENTUM, "adam": kernel.ADAM}
"""Those that train stochastic units, as the kernel knows them."""


class StochasticTrainer:
    """Trains a cohort of stochastic networks (`Trainer`)."""

    def __init__(self, problem: Problem, state: TrainingState, threads: Threads) -> None:
        self._problem = problem
        self._threads = threads
        self._epoch = state.epoch
        self._weights = np.array(state.weights, np.float32, order="C")
        self._slots = np.array(state.slots, np.float32, order="C")
        samples = problem.samples
        self._items = samples.patterns.astype(np.uint32) * np.uint32(2) + samples.labels
        self._patterns = np.ascontiguousarray(problem.rule.patterns, dtype=np.float64)
        self._worth = worth(problem)

    def advance(self, epochs: int, *, statistics: bool = False) -> GradientNorms | None:
        """Train that many epochs; with `statistics`, return those of the last of them."""
        how, architecture = self._problem.optimization, self._problem.architecture
        networks = len(self._weights)
        until = self._epoch + epochs
        shape = (networks if statistics else 0, architecture.layers)
        norms = GradientNorms(np.full(shape, math.nan), np.full(shape, math.nan))
        unused = np.zeros((networks, 0), np.float32)
        slots = [*self._slots, unused, unused]

        def train(first: int, last: int) -> None:
            kernel.train_stochastic(
                *(first, last, self._epoch, until),
                self._weights,
                slots[0],
                slots[1],
                np.array(self._problem.seeds, np.int64),
                self._items,
                self._patterns,
                *self._worth,
                np.array(architecture.widths, np.int64),
                OPTIMIZER[how.optimizer],
                float(how.learning_rate),
                float(how.momentum),
                float(how.weight_decay),
                SAMPLING_CODES[how.sampling],
                how.batch,
                norms.mean,
                norms.std,
                np.empty(self._weights.shape),
                np.empty(networks),
            )

        if how.ib_beta is None or architecture.layers == 1:
            self._threads.share_out(networks, train)
        else:
            with ThreadpoolController().limit(limits=1, user_api="blas"):
                self._threads.share_out(
                    networks, lambda first, last: self._bottleneck(first, last, until, slots, norms)
                )
        self._epoch = until
        return norms if statistics else None

    def _bottleneck(
        self,
        first: int,
        last: int,
        until: int,
        slots: list[Float32[np.ndarray, "networks numbers"]],
        norms: GradientNorms,
    ) -> None:
        """Train networks first..last-1 with information in the objective, to the end of an epoch."""
        how, architecture = self._problem.optimization, self._problem.architecture
        assert how.ib_beta is not None
        worth_of, shares_of = self._worth
        order = np.empty(self._items.shape[1], np.uint32)
        scratch = np.empty(rounded_up(len(order)), np.uint32)
        for network in range(first, last):
            weights, code = self._weights[network], OPTIMIZER[how.optimizer]
            for epoch in range(self._epoch + 1, until + 1):
                seed = self._problem.seeds[network]
                order_epoch(self._items[network], order, scratch, SAMPLING_CODES[how.sampling], seed, epoch)
                gradients = []
                for number, start in enumerate(range(0, len(order), how.batch), start=1):
                    chosen = order[start : start + how.batch].astype(np.int64)
                    patterns, labels = chosen >> 1, chosen & 1
                    shares = np.full(len(chosen), 1.0 / len(chosen))
                    if len(worth_of):
                        shares *= worth_of[patterns].astype(np.float64) * np.float64(shares_of[network])
                    matrices = [matrix[0].astype(np.float64) for matrix in architecture.matrices(weights[None])]
                    gradient, _ = METHODS[how.ib_method](
                        matrices, self._patterns[patterns], labels, shares, how.ib_beta
                    )
                    gradients.append(gradient)
                    done = (epoch - 1) * self._problem.batches + number
                    rates = float(how.learning_rate), float(how.momentum)
                    if how.weight_decay:
                        decayed = [how.weight_decay * matrix for matrix in matrices]
                        for matrix in decayed:
                            matrix[:, -1] = 0.0
                        gradient = gradient + np.concatenate([matrix.ravel() for matrix in decayed])
                    kernel.step(weights, slots[0][network], slots[1][network], gradient, code, *rates, done)
                if epoch == until and len(norms.mean):
                    self._measure(np.array(gradients), norms.mean[network], norms.std[network])

    def _measure(
        self,
        gradients: Float64[np.ndarray, "batches parameters"],
        mean: Float64[np.ndarray, " layers"],
        std: Float64[np.ndarray, " layers"],
    ) -> None:
        """Fill in the statistics of a network's batch gradients, of each layer's weights without biases."""
        for layer, matrix in enumerate(self._problem.architecture.matrices(gradients)):
            of_weights = matrix[:, :, :-1]
            mean[layer] = np.sqrt(np.square(of_weights.mean(axis=0)).sum())
            std[layer] = np.sqrt(of_weights.var(axis=0, ddof=1).sum()) if len(gradients) > 1 else math.nan

    def frozen_gradients(self) -> FrozenGradients:
        """None: the kernel passes messages of whole batches, not of examples."""
        shape = len(self._weights), self._problem.architecture.layers
        return FrozenGradients(np.full(shape, math.nan), np.full(shape, math.nan))

    def state(self) -> TrainingState:
        """A copy of where training stands."""
        return TrainingState(self._epoch, self._weights.copy(), self._slots.copy())

    def close(self) -> None:
        """Nothing to give back: the threads are the caller's."""
