"""Which measurer a cohort gets: compiled loops for two labels, matrix products for networks with a softmax."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.measures.softmax import SoftmaxMeasurer
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Problem

AnyMeasurer = Measurer | SoftmaxMeasurer


def make_measurer(
    problem: Problem, experiment: Experiment, threads: Threads, measured: Int64[np.ndarray, " measured"] | None
) -> AnyMeasurer:
    """Measures a cohort as `experiment` says; `measured`: the patterns to measure information over, if not all."""
    estimator, noise = experiment.estimator, experiment.noise_variance
    if problem.rule.labels == 2:
        return Measurer(problem, experiment.bins, threads, estimator, noise)
    return SoftmaxMeasurer(problem, experiment.bins, threads, estimator, noise, measured)
