"""One snapshot of 50 networks 12-10-8-6-4-2-1 over 4096 patterns: the estimators, each against binning."""

from __future__ import annotations

from collections.abc import Callable

from engine.experiment import ESTIMATORS
from engine.measures.snapshot import Measurer
from engine.networks import Architecture, draw_samples
from engine.rules.catalogue import load_rule
from engine.threads import Threads, usable_cores
from engine.training.problem import Optimization, Problem
from tests.benchmarks.timing import Row, compare

NETWORKS = 50


def snapshots() -> list[Row]:
    """Milliseconds for one snapshot, weights to numbers."""
    rule = load_rule("symmetric")
    seeds = tuple(range(NETWORKS))
    samples = draw_samples(rule, 0.85, seeds)
    architecture = Architecture.of(rule, (10, 8, 6, 4, 2), "tanh")
    problem = Problem(architecture, rule, samples, seeds, Optimization("sgd", 0.02, 0.9, 512))
    weights = architecture.initial_weights(seeds, 2.0)
    threads = Threads(usable_cores())
    work: dict[str, tuple[Callable[[], object], int]] = {}
    for name in ESTIMATORS:
        measurer = Measurer(problem, 30, threads, name)
        work[name] = (lambda measurer=measurer: measurer.measure(weights), 1)
    rows = compare("snapshot", "ms", work, scale=1e3)
    threads.close()
    return rows
