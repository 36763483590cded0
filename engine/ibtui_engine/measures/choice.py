"""Which measurer a cohort gets: compiled loops for two labels and equally likely patterns by estimators that have them,
else matrix products; for stochastic units sums over their states; and a second one where rows are held out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from jaxtyping import Float32, Int64

from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.kernels import COMPILED
from ibtui_engine.measures.snapshot import LayerInformation, Learning, Measurer
from ibtui_engine.measures.softmax import SoftmaxMeasurer
from ibtui_engine.measures.stochastic import StochasticMeasurer
from ibtui_engine.networks import Samples
from ibtui_engine.settings import NOISY
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Problem


class AnyMeasurer(Protocol):
    """Measures the networks of a cohort."""

    def measure(self, weights: Float32[np.ndarray, "networks parameters"]) -> tuple[LayerInformation, Learning]:
        """Measure every network and layer from its weights."""


def make_measurer(
    problem: Problem, experiment: Experiment, threads: Threads, measured: Int64[np.ndarray, " measured"] | None
) -> AnyMeasurer:
    """Measures a cohort as `experiment` says; `measured`: the patterns to measure information over, if not all."""
    whole = _of_one_rule(problem, experiment, threads, measured)
    if problem.rule.held_out is None:
        return whole
    networks = len(problem.seeds)
    none = Samples(np.empty((networks, 0), np.int64), np.empty((networks, 0), np.uint8))
    held_out = replace(problem, rule=problem.rule.held_out, samples=none)
    return WithHeldOut(whole, _of_one_rule(held_out, experiment, threads, None))


def _of_one_rule(
    problem: Problem, experiment: Experiment, threads: Threads, measured: Int64[np.ndarray, " measured"] | None
) -> AnyMeasurer:
    if problem.architecture.stochastic:
        return StochasticMeasurer(problem, threads)
    how = experiment.estimation
    noise, scale = how.relative_noise
    compiled = how.estimator in COMPILED and (how.estimator not in NOISY or scale == "absolute")
    if compiled and problem.rule.labels == 2 and problem.rule.p_x is None:
        return Measurer(problem, how.bins, threads, how.estimator, noise)
    return SoftmaxMeasurer(problem, how, threads, measured)


class WithHeldOut:
    """Measures networks over the rows that train, and over those that are held out."""

    def __init__(self, whole: AnyMeasurer, held_out: AnyMeasurer) -> None:
        """`held_out`: of a problem with the held-out rows alone and empty samples, so that all are outside them."""
        self._whole = whole
        self._held_out = held_out

    def measure(self, weights: Float32[np.ndarray, "networks parameters"]) -> tuple[LayerInformation, Learning]:
        """Measure every network and layer from its weights."""
        information, learning = self._whole.measure(weights)
        beside, learned = self._held_out.measure(weights)
        return (
            replace(
                information,
                held_out_i_x=beside.i_x,
                held_out_i_y=beside.i_y,
                held_out_i_x_lower=beside.i_x_lower,
                held_out_i_y_lower=beside.i_y_lower,
            ),
            replace(learning, held_out_loss=learned.test_loss, held_out_accuracy=learned.test_accuracy),
        )
