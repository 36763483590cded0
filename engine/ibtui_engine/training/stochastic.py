"""The trainer of stochastic binary units: exact gradients, from the compiled kernel of this package.

Networks share nothing, so threads take them a few at a time. Their only random numbers are their initial weights,
samples and batches: the noise of the units is averaged over exactly.
"""

from __future__ import annotations

import math

import numpy as np

from ibtui_engine.threads import Threads
from ibtui_engine.training import stochastic_kernel as kernel
from ibtui_engine.training.problem import GradientNorms, Problem, TrainingState, worth

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
                how.batch,
                norms.mean,
                norms.std,
                np.empty(self._weights.shape),
                np.empty(networks),
            )

        self._threads.share_out(networks, train)
        self._epoch = until
        return norms if statistics else None

    def state(self) -> TrainingState:
        """A copy of where training stands."""
        return TrainingState(self._epoch, self._weights.copy(), self._slots.copy())

    def close(self) -> None:
        """Nothing to give back: the threads are the caller's."""
