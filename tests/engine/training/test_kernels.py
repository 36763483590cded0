"""The training kernels against their specification (`tests.naive`), on networks of any shape."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ibtui_engine.experiment import ACTIVATIONS
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.layout import layer_rows, pack, unpack
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from tests import naive

BITS = Rule("bits", binary_patterns(6), np.linspace(0.05, 0.95, 64))
REAL = Rule("real", np.random.default_rng(3).normal(size=(70, 3)).astype(np.float32), np.linspace(0.05, 0.95, 70))
SHAPES = st.lists(st.integers(1, 9), max_size=4).map(tuple)
SEED = 11
RELAXING = Optimization("metropolis", 0.1, 0.9, 50, 0)


def problem_of(rule: Rule, hidden: tuple[int, ...], activation: str, how: Optimization) -> Problem:
    return Problem(Architecture.of(rule, hidden, activation), rule, draw_samples(rule, 0.7, (SEED,)), (SEED,), how)


def advanced(
    problem: Problem, epochs: int, begun: TrainingState | None = None
) -> tuple[TrainingState, TrainingState, list[np.ndarray]]:
    """Before, after, and the statistics of the last epoch."""
    threads = Threads(1)
    begun = begun or TrainingState.initial(problem, 1.0)
    trainer = FusedTrainer(problem, begun, threads)
    norms = trainer.advance(epochs, statistics=True)
    threads.close()
    assert norms is not None
    return begun, trainer.state(), [norms.mean[0], norms.std[0]]


def sample_of(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    return problem.rule.patterns[problem.samples.patterns[0]], problem.samples.labels[0].astype(float)


@given(
    st.sampled_from([BITS, REAL]), SHAPES, st.sampled_from(ACTIVATIONS), st.sampled_from(["sgd", "momentum", "adam"]),
    st.integers(1, 50), st.integers(1, 3),
)  # fmt: skip
def test_epochs_do_what_the_specification_says(
    rule: Rule, hidden: tuple[int, ...], activation: str, optimizer: str, batch: int, epochs: int
) -> None:
    how = Optimization(optimizer, 0.01 if optimizer == "adam" else 0.1, 0.8, min(batch, round(0.7 * len(rule.p_y))))
    problem = problem_of(rule, hidden, activation, how)
    begun, ended, norms = advanced(problem, epochs)
    widths = problem.architecture.widths
    network, slots, (means, spreads) = naive.trained(
        naive.network_of(begun.weights[0], widths), *sample_of(problem), activation, seed=SEED, epochs=epochs,
        optimizer=optimizer, rate=how.learning_rate, momentum=how.momentum, batch=how.batch,
    )  # fmt: skip
    assert ended.weights[0] == pytest.approx(naive.parameters_of(network), rel=2e-3, abs=2e-4)
    for found, expected in zip(ended.slots[:, 0], slots, strict=True):
        assert found == pytest.approx(naive.parameters_of(expected), rel=2e-3, abs=2e-4)
    assert norms[0] == pytest.approx(means, rel=2e-3, abs=1e-5)
    assert norms[1] == pytest.approx(spreads, rel=2e-3, abs=1e-4, nan_ok=True)


@given(st.sampled_from([BITS, REAL]), SHAPES, st.sampled_from(ACTIVATIONS), st.integers(1, 4))
@example(REAL, (), "tanh", 400)  # 1200 moves of one neuron: more than are remembered
def test_monte_carlo_moves_are_those_of_the_specification(
    rule: Rule, hidden: tuple[int, ...], activation: str, epochs: int
) -> None:
    problem = problem_of(rule, hidden, activation, RELAXING)
    require_same_moves(problem, TrainingState.initial(problem, 1.0), epochs)


def test_steps_are_adapted_as_the_specification_says_where_few_moves_are_accepted() -> None:
    _, descended, _ = advanced(problem_of(REAL, (), "tanh", Optimization("sgd", 0.5, 0.9, 50)), 50)
    begun = TrainingState(0, descended.weights, np.zeros((2, *descended.weights.shape), np.float32))
    shares, steps = require_same_moves(problem_of(REAL, (), "tanh", RELAXING), begun, 60)  # 180 moves of one neuron
    assert shares[0][0] < 0.5
    assert steps[0][0] < 0.9 * 0.05 * float(np.sqrt(np.square(begun.weights).mean()))


def require_same_moves(
    problem: Problem, begun: TrainingState, epochs: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """But where a loss is the bound to single precision: there rounding decides."""
    _, ended, _ = advanced(problem, epochs, begun)
    activation = problem.architecture.activation
    widths, (patterns, labels) = problem.architecture.widths, sample_of(problem)
    seen: list[float] = []

    def loss(network: naive.Network) -> float:
        seen.append(float(naive.losses(naive.outputs(network, patterns, activation)[1], labels).sum()))
        return seen[-1]

    sizes = [(inputs + 1) * units for inputs, units in pairwise(widths)]
    budget, costs, moves = 3 * epochs * sum(sizes), [], 0
    for k, units in enumerate(widths[1:]):
        costs += [widths[k] + 1 + sum(sizes[k + 1 :])] * units
    while budget >= costs[moves % len(costs)]:
        budget -= costs[moves % len(costs)]
        moves += 1
    network, steps, shares = naive.relaxed(naive.network_of(begun.weights[0], widths), loss, SEED, moves)
    if min((abs(each / seen[0] - 1) for each in seen[1:]), default=1.0) < 2e-7:
        return shares, steps
    assert ended.weights[0] == pytest.approx(naive.parameters_of(network), rel=1e-4, abs=1e-5)
    kept, most = (problem.architecture.matrices(slot) for slot in ended.slots)
    for k in range(len(network)):
        assert kept[k][0, :, 0] == pytest.approx(steps[k], rel=1e-4)
        assert kept[k][0, :, 1] == pytest.approx(shares[k], abs=1e-6)
    assert most[0][0, 0, 1] * len(labels) == pytest.approx(seen[0], rel=1e-6)
    return shares, steps


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6))
def test_a_network_is_laid_out_in_rows_of_weights_from_even_ones_on_and_comes_back_whole(widths: list[int]) -> None:
    count = sum((inputs + 1) * units for inputs, units in pairwise(widths))
    parameters = np.arange(1, count + 1, dtype=np.float32)
    tops, firsts = layer_rows(np.array(widths))
    rows = np.zeros((tops[-1], max(widths) + 1), np.float32)
    unpack(parameters, np.array(widths), tops, rows)
    for k, matrix in enumerate(naive.network_of(parameters, widths)):
        assert tops[k] % 2 == 0
        assert np.array_equal(rows[tops[k] : tops[k] + widths[k + 1], : widths[k] + 1], matrix)
    assert np.count_nonzero(rows) == count
    assert np.diff(firsts).tolist() == [width + 1 for width in widths[:-1]]
    again = np.empty_like(parameters)
    pack(rows, np.array(widths), tops, again)
    assert np.array_equal(again, parameters)


def test_the_specification_differentiates_what_it_computes() -> None:
    """Its gradients against differences of its losses."""
    rng = np.random.default_rng(4)
    patterns, labels = rng.normal(size=(20, 3)), rng.integers(0, 2, 20).astype(float)
    for activation in ACTIVATIONS:
        network = [rng.normal(size=(4, 4)), rng.normal(size=(2, 5)), rng.normal(size=(1, 3))]
        found = naive.gradients(network, patterns, labels, activation)
        for k, matrix in enumerate(network):
            for place in np.ndindex(*matrix.shape):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = [one.copy() for one in network]
                    moved[k][place] += step
                    ends.append(naive.losses(naive.outputs(moved, patterns, activation)[1], labels).mean())
                assert found[k][place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)
    assert math.isclose(naive.normals(3, SEED, 7)[0], naive.normals(4, SEED, 7)[0])
