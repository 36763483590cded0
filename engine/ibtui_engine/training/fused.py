"""The fused trainer: the compiled kernels of this package over the networks of a cohort, on the CPU.

Networks share nothing, so threads take them a few at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt32

from ibtui_engine.compiled import compile_elsewhere, is_kept
from ibtui_engine.experiment import OPTIMIZERS
from ibtui_engine.forward import ACTIVATION_CODES
from ibtui_engine.rules.rule import Rule
from ibtui_engine.streams import SAMPLING_CODES
from ibtui_engine.threads import Threads, usable_cores
from ibtui_engine.training import kernel, relaxation
from ibtui_engine.training.problem import FrozenGradients, GradientNorms, Problem, TrainingState, worth

TILE_BYTES = 512 * 1024
"""For the activations of a tile: half of a common second-level cache."""
LARGEST_TILE = 512

_OPTIMIZER = {"sgd": kernel.SGD, "momentum": kernel.MOMENTUM, "adam": kernel.ADAM, "metropolis": kernel.SGD}
assert set(_OPTIMIZER) == set(OPTIMIZERS)


class FusedTrainer:
    """Trains a cohort with the compiled kernel (`Trainer`)."""

    def __init__(self, problem: Problem, state: TrainingState, threads: Threads, *, trains: bool = True) -> None:
        """`trains`: whether it will; else its kernel is compiled only when it does."""
        self._problem = problem
        self._epoch = state.epoch
        self._weights = state.weights.astype(np.float32, order="C")
        slots = state.slots.astype(np.float32, order="C")
        unused = np.zeros((len(problem.seeds), 0), np.float32)
        self._slots = [*slots, unused, unused][:2]
        self._slot_count = len(slots)
        self._table, numbers = _inputs(problem.rule)
        chosen = numbers[problem.samples.patterns]
        self._items: UInt32[np.ndarray, "networks samples"] = chosen * np.uint32(2) + problem.samples.labels
        self._worth, self._shares = worth(problem)
        self._seeds = np.array(problem.seeds, np.int64)
        self._widths = np.array(problem.architecture.widths, np.int64)
        self._tile = _tile(problem)
        self._threads = threads
        self._wait_for_kernel = _kernel_elsewhere() if trains else lambda: None

    def advance(self, epochs: int, *, statistics: bool = False) -> GradientNorms | None:
        """Train that many epochs; with `statistics`, return those of the last of them."""
        self._wait_for_kernel()
        how = self._problem.optimization
        until = self._epoch + epochs
        turn = max(how.relax_from, self._epoch) if how.optimizer == "metropolis" else until
        shape = (len(self._seeds) if statistics else 0, self._problem.architecture.layers)
        norms = GradientNorms(np.full(shape, math.nan), np.full(shape, math.nan))
        if self._epoch < min(turn, until):
            nothing = np.zeros((0, 0))
            self._descend(min(turn, until), norms if turn >= until else GradientNorms(nothing, nothing))
        if turn < until:
            self._relax(until)
        return norms if statistics else None

    def _descend(self, until: int, norms: GradientNorms) -> None:
        """Follow the batch gradients to the end of an epoch, and fill in its statistics."""
        how = self._problem.optimization

        def train(first: int, last: int) -> None:
            kernel.train_networks(
                first,
                last,
                self._epoch,
                until,
                self._weights,
                self._slots[0],
                self._slots[1],
                self._seeds,
                self._items,
                self._table,
                self._worth,
                self._shares,
                self._widths,
                ACTIVATION_CODES[self._problem.architecture.activation],
                self._problem.architecture.bits,
                _OPTIMIZER[how.optimizer],
                float(how.learning_rate),  # a whole number would have the kernel compiled once more
                float(how.momentum),
                float(how.weight_decay),
                float(how.dropout),
                SAMPLING_CODES[how.sampling],
                how.batch,
                self._tile,
                norms.mean,
                norms.std,
            )

        self._threads.share_out(len(self._seeds), train)
        self._epoch = until

    def _relax(self, until: int) -> None:
        """Make the Monte-Carlo moves that are due up to the end of an epoch."""
        architecture, how = self._problem.architecture, self._problem.optimization
        start = how.relax_from
        begin, end = (relaxation.moves_until(architecture.widths, epoch - start) for epoch in (self._epoch, until))

        def relax(first: int, last: int) -> None:
            relaxation.relax_networks(
                first,
                last,
                begin,
                end,
                self._weights,
                self._slots[0],
                self._slots[1],
                self._seeds,
                self._items,
                self._table,
                self._worth,
                self._shares,
                self._widths,
                ACTIVATION_CODES[architecture.activation],
                architecture.bits,
                relaxation.PRIOR_CODES[how.relax_prior],
                float(how.prior_scale),
                self._tile,
            )

        self._threads.share_out(len(self._seeds), relax)
        self._epoch = until

    def frozen_gradients(self) -> FrozenGradients:
        """Statistics of single examples' gradients where training stands."""
        architecture = self._problem.architecture
        shape = len(self._seeds), architecture.layers
        found = FrozenGradients(np.empty(shape), np.empty(shape))

        def look(first: int, last: int) -> None:
            kernel.frozen_gradients(
                *(first, last, self._weights, self._items, self._table, self._worth, self._shares, self._widths),
                *(ACTIVATION_CODES[architecture.activation], architecture.bits, self._tile, found.mean, found.std),
            )

        self._threads.share_out(shape[0], look)
        return found

    def state(self) -> TrainingState:
        """A copy of where training stands."""
        slots = np.array(self._slots[: self._slot_count], np.float32).reshape(-1, *self._weights.shape)
        return TrainingState(self._epoch, self._weights.copy(), slots)

    def close(self) -> None:
        """Nothing to give back: the threads are the caller's."""


def _inputs(rule: Rule) -> tuple[Float32[np.ndarray, "inputs columns"], UInt32[np.ndarray, " patterns"]]:
    """How the kernel finds a pattern's inputs: its bits in one number (and an empty table), or a table's column."""
    if rule.patterns.dtype == np.uint8 and rule.inputs <= 31 and rule.p_x is None:
        place = np.left_shift(np.uint32(1), np.arange(rule.inputs - 1, -1, -1, dtype=np.uint32))
        return np.zeros((0, 0), np.float32), (rule.patterns * place).sum(axis=1, dtype=np.uint32)
    table = np.ascontiguousarray(rule.patterns.T, dtype=np.float32)
    return table, np.arange(len(rule.patterns), dtype=np.uint32)


def _tile(problem: Problem) -> int:
    """Samples in a tile, a multiple of the kernel's step: as many as fit the cache, at most a batch."""
    widths = problem.architecture.widths
    rows = sum(widths) + len(widths) + 3 * (max(widths) + 4)
    rows += sum(widths) if problem.architecture.bits else 0
    fitting = TILE_BYTES // (4 * rows)
    wanted = min(fitting, LARGEST_TILE, problem.optimization.batch + kernel.STEP - 1)
    return max(wanted // kernel.STEP, 1) * kernel.STEP


def _kernel_elsewhere() -> Callable[[], None]:
    """Where no kernel is kept, have it compiled while this process compiles what measures; how to wait for that."""
    if usable_cores() < 2 or is_kept(kernel.train_networks):
        return lambda: None
    return compile_elsewhere(__name__, compile_kernel.__name__)


def compile_kernel() -> None:
    """Compile or load the kernel now, so that what follows can be timed."""
    arguments: list[Any] = [0, 0, 0, 0]
    arguments += [np.zeros((0, 0), np.float32)] * 3
    arguments += [np.zeros(0, np.int64), np.zeros((0, 0), np.uint32), np.zeros((0, 0), np.float32)]
    arguments += [np.zeros(0, np.float32)] * 2
    arguments += [np.array([1, 1]), 0, 0, 0, 0.1, 0.9, 0.0, 0.0, 0, 1, kernel.STEP, np.zeros((0, 0)), np.zeros((0, 0))]
    kernel.train_networks(*arguments)
