"""One snapshot of 50 networks 12-10-8-6-4-2-1 over 4096 patterns: the estimators, each against binning, and binned
information as it has been published.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ibtui_engine.experiment import ESTIMATORS
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.threads import Threads, usable_cores
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from tests.benchmarks.timing import Row, compare

NETWORKS = 50
BEGUN = 300
"""Epochs of training before: at the start outputs of the pattern 0 lie on the edge 0, where one looks twice."""


def snapshots() -> list[Row]:
    """Milliseconds for one snapshot of networks that have begun to learn: from weights to numbers with our estimators,
    from the outputs of the layers, which are given, with the published ways.
    """
    rule = load_rule("symmetric")
    seeds = tuple(range(NETWORKS))
    samples = draw_samples(rule, 0.85, seeds)
    architecture = Architecture.of(rule, (10, 8, 6, 4, 2), "tanh")
    problem = Problem(architecture, rule, samples, seeds, Optimization("sgd", 0.02, 0.9, 512))
    threads = Threads(usable_cores())
    trainer = FusedTrainer(problem, TrainingState.initial(problem, 1.0), threads)
    trainer.advance(BEGUN)
    weights = trainer.state().weights
    work: dict[str, tuple[Callable[[], object], float]] = {}
    for name in ESTIMATORS:
        measurer = Measurer(problem, 30, threads, name)
        work[name] = (lambda measurer=measurer: measurer.measure(weights), 1)
    for name, published, networks in (("over layers and labels", by_label, 5), ("over each x", by_pattern, 1)):
        outputs = layer_outputs(problem, weights[:networks])
        work[f"published: numpy.unique {name}"] = (
            lambda published=published, outputs=outputs: [[published(t, rule.p_y) for t in one] for one in outputs],  # type: ignore[misc]
            networks / NETWORKS,
        )
    rows = compare("snapshot", "ms", work, scale=1e3)
    threads.close()
    return rows


def layer_outputs(problem: Problem, weights: np.ndarray) -> list[list[np.ndarray]]:
    """By network and layer, the outputs of all patterns, in double precision."""
    found = []
    for k in range(len(weights)):
        value = problem.rule.patterns.astype(np.float64)
        layers = []
        matrices = problem.architecture.matrices(weights[k : k + 1])
        for number, matrix in enumerate(matrices):
            z = value @ matrix[0, :, :-1].T.astype(np.float64) + matrix[0, :, -1]
            value = np.tanh(z) if number < len(matrices) - 1 else 1 / (1 + np.exp(-z))
            layers.append(value)
        found.append(layers)
    return found


def _codes(outputs: np.ndarray) -> np.ndarray:
    """Each pattern's bins as one opaque value, as published codes have it."""
    bins = np.clip(np.floor((outputs + 1) * 15), 0, 29).astype(np.int64)
    return np.ascontiguousarray(bins).view(np.dtype((np.void, bins.dtype.itemsize * bins.shape[1])))


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def by_label(outputs: np.ndarray, p_y: np.ndarray) -> tuple[float, float]:
    """I(X;T) and I(T;Y) from counts of opaque values, label by label."""
    _, inverse = np.unique(_codes(outputs), return_inverse=True)
    inverse = inverse.ravel()
    p_t = np.bincount(inverse) / len(inverse)
    h_t_given_y = 0.0
    for of in (p_y, 1 - p_y):
        joint = np.bincount(inverse, weights=of) / len(inverse)
        h_t_given_y += joint.sum() * _entropy(joint / joint.sum())
    h_t = _entropy(p_t)
    return h_t, h_t - h_t_given_y


def by_pattern(outputs: np.ndarray, p_y: np.ndarray) -> tuple[float, float]:
    """The same with p(t|x) found for each pattern by a search of its own."""
    codes = _codes(outputs)
    values, inverse = np.unique(codes, return_inverse=True)
    inverse = inverse.ravel()
    h_t_given_x = 0.0
    patterns = np.arange(len(codes))
    for x in patterns:
        _, counts = np.unique(codes[patterns == x], return_counts=True)
        h_t_given_x += _entropy(counts / counts.sum()) / len(codes)
    return _entropy(np.bincount(inverse, minlength=len(values)) / len(codes)) - h_t_given_x, by_label(outputs, p_y)[1]
