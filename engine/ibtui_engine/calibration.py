"""How fast this machine trains and measures, and so about how long an experiment will take and how much it will store.

The costs follow the loops: training goes with networks x samples x weights x epochs, measuring with networks x
patterns x neurons x snapshots. Both rates are measured once on a small ensemble, in a fraction of a second.

Importing this module is cheap; only `calibrate` loads the engine.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ibtui_engine.experiment import Experiment
from ibtui_engine.rules.labels import outputs_for

BUILT_IN_SIZE = 4096, 12, 2
"""Patterns, inputs and labels of the built-in rules."""
RELAXING = 3.3
"""Time of an epoch of the Monte-Carlo relaxation over that of SGD (measured on the paper's networks)."""
SOFTMAX = 3.0
"""Time of training for more than two labels, which torch does, over that of the fused trainer (measured on digits)."""
QUANTILE = 12.0
"""Time of a snapshot by `quantile` over that by bins of equal width (measured, as the next two)."""
PAIRS = 0.06
"""Time of a pair of patterns and a neuron by `kde` over that of a pattern and a neuron by bins of equal width."""
DRAWS = 1.1
"""Time of a draw of noise and a pattern by `gauss`, in each layer, over that of a pattern and a neuron (measured)."""
CUBES = 0.05
"""Likewise of a pattern cubed by `renyi`, of those that are compared."""
PROBED = 2300.0
"""Likewise of a pattern by `probe`."""
STATES = 10.0, 500.0
"""Time of a state, and of a unit, of a row of a transfer matrix in a step of stochastic units, over that of a sample
and a weight in training (measured, as the next)."""
DRAWN = 170.0
"""Time of a normal number that training draws over that of a sample and a weight (measured)."""
THROUGH = 2.0
"""Likewise of a pattern and an entry of a transfer matrix, where information is part of the objective."""
STATES_LOOKED_AT = 0.0025, 0.5
"""Time of a product, and of a state of a pattern, in a snapshot of them over that of a pattern and a neuron."""
BYTES_PER_WEIGHT = 3.6
"""Of a compressed single-precision weight (measured on trained networks)."""
BYTES_PER_LAYER_ROW = 90
"""Of one network's layer at one snapshot, in the session file."""
FIXED_BYTES = 100_000
JUDGED = 0.4, 6_000
"""Seconds that an ensemble of a map takes to be judged, and bytes of what is kept of it (measured)."""


@dataclass(frozen=True)
class Speed:
    """Rates of this machine, all cores at work."""

    train: float
    """Seconds for one sample and one weight of one network, once."""
    measure: float
    """Seconds for one pattern and one neuron of one network, once."""


@dataclass(frozen=True)
class Estimate:
    """What an experiment will cost, roughly."""

    seconds: float
    bytes: float


def estimate(
    experiment: Experiment,
    speed: Speed,
    sizes: Sequence[tuple[int, int, int]] = (),
) -> Estimate:
    """Time on a machine of that speed, and size of the session.

    Args:
        experiment: that is to run.
        speed: of the machine.
        sizes: patterns, inputs and labels of each of the experiment's rules, by name; none: of the built-in ones.
    """
    size_of = dict(zip(experiment.rule, sizes, strict=True) if sizes else ())
    seconds = 0.0
    size = float(FIXED_BYTES)
    snapshots = len(experiment.snapshot_epochs)
    for ensemble in experiment.ensembles:
        patterns, inputs, labels = size_of.get(ensemble.rule, BUILT_IN_SIZE)
        widths = (inputs, *ensemble.hidden, outputs_for(labels))
        weights = sum((fan_in + 1) * units for fan_in, units in pairwise(widths))
        samples = max(1, round(patterns * ensemble.fraction))
        relaxing = experiment.epochs - experiment.relaxation_epoch if ensemble.optimizer == "metropolis" else 0
        epochs = experiment.epochs + (RELAXING - 1) * relaxing
        slower = SOFTMAX if labels > 2 else 1.0
        batches = 1 if ensemble.batch == "full" else -(-samples // ensemble.batch)
        if ensemble.stochastic:
            work, looks = _of_states(ensemble.hidden, samples, batches, patterns)
            if ensemble.bottleneck is not None:
                work += THROUGH * samples * sum(1 << (below + width) for below, width in pairwise(ensemble.hidden))
        else:
            work = samples * weights * slower
            if ensemble.dropout:
                work += DRAWN * samples * sum(ensemble.hidden)
            if ensemble.sampling == "gaussian":  # each step is over the whole sample, whose portions are drawn
                work = batches * (work + DRAWN * samples)
            looks = _looks(experiment, patterns) * sum(widths[1:])
            looks += _layer_looks(experiment, patterns) * len(widths[1:])
        seconds += experiment.networks * (work * epochs * speed.train + looks * snapshots * speed.measure)
        size += experiment.networks * snapshots * (len(widths) - 1) * BYTES_PER_LAYER_ROW
        size += experiment.networks * snapshots * weights * BYTES_PER_WEIGHT * experiment.weights
    if len(experiment.varied) > 1:
        seconds += JUDGED[0] * experiment.count
        size += JUDGED[1] * experiment.count
    return Estimate(seconds, size)


def _of_states(hidden: Sequence[int], samples: int, batches: int, patterns: int) -> tuple[float, float]:
    """What an epoch and a snapshot of stochastic units cost, in samples and weights, and in patterns and neurons."""
    state, unit = STATES
    product, look = STATES_LOOKED_AT
    work = looks = 0.0
    below = 0
    for width in hidden:
        rows = samples if not below else batches << below
        work += rows * ((state * (1 << width)) + unit * width)
        looks += patterns * (look + (product * (1 << below) if below else 0.0)) * (1 << width)
        below = width
    return work, looks


def _looks(experiment: Experiment, patterns: int) -> float:
    """Patterns that bins of equal width would measure in the time that the experiment's estimator takes for its own."""
    measured = min(experiment.measured or patterns, patterns)
    if experiment.estimator == "kde":
        return measured + PAIRS * measured**2
    return measured * (QUANTILE if experiment.estimator == "quantile" else 1.0)


def _layer_looks(experiment: Experiment, patterns: int) -> float:
    """What comes on top for each layer, however wide it is."""
    measured = min(experiment.measured or patterns, patterns)
    match experiment.estimator:
        case "gauss":
            return DRAWS * experiment.estimation.samples * measured
        case "renyi":
            from ibtui_engine.measures.renyi import MOST_PATTERNS

            return CUBES * min(measured, MOST_PATTERNS) ** 3
        case "probe":
            return PROBED * measured
    return 0.0


def calibrate(threads: int | None = None) -> Speed:
    """Measure this machine on a small ensemble of the paper's networks. Loads, or compiles, the kernels first."""
    from ibtui_engine.measures.snapshot import Measurer
    from ibtui_engine.networks import Architecture, draw_samples
    from ibtui_engine.rules.catalogue import load_rule
    from ibtui_engine.threads import Threads, usable_cores
    from ibtui_engine.training.fused import FusedTrainer
    from ibtui_engine.training.problem import Optimization, Problem, TrainingState

    rule = load_rule("symmetric")
    pool = Threads(threads or usable_cores())
    seeds = tuple(range(4 * pool.count))
    architecture = Architecture.of(rule, (10, 8, 6, 4, 2), "tanh")
    samples = draw_samples(rule, 0.85, seeds)
    problem = Problem(architecture, rule, samples, seeds, Optimization("sgd", 0.02, 0.9, 512))
    state = TrainingState.initial(problem, 1.0)
    trainer = FusedTrainer(problem, state, pool)
    measurer = Measurer(problem, 30, pool)
    epochs = 25

    def train() -> None:
        trainer.advance(epochs)

    def measure() -> None:
        measurer.measure(state.weights)

    times = []
    for work in (train, measure):
        work()
        took = []
        for _ in range(5):
            began = time.perf_counter()
            work()
            took.append(time.perf_counter() - began)
        times.append(sorted(took)[2])
    pool.close()
    units = sum(architecture.widths[1:])
    return Speed(
        train=times[0] / (len(seeds) * samples.size * architecture.parameters * epochs),
        measure=times[1] / (len(seeds) * len(rule.p_y) * units),
    )
