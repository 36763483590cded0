"""Whole trainings: the same bits however they are cut up, and the two trainers against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads
from ibtui_engine.training.batched import TorchTrainer
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import GradientNorms, Optimization, Problem, Trainer, TrainingState

RULE = Rule("ramp", binary_patterns(7), np.linspace(0.02, 0.98, 128))
RATES = {"sgd": 0.5, "momentum": 0.1, "adam": 0.01}
EPOCHS = 12

ROUNDING = {"sgd": 1e-5, "momentum": 1e-5, "adam": 1e-4}
"""How far apart weights of size 1 may be after a few epochs that differ by rounding (measured: below 1e-6, but for
Adam 1e-4, which divides a gradient near 0 by its own size)."""

TRAINERS: dict[str, Callable[[Problem, TrainingState], Trainer]] = {
    "fused": lambda problem, state: FusedTrainer(problem, state, Threads(1)),
    "torch": lambda problem, state: TorchTrainer(problem, state, "cpu", 1),
}
both = pytest.mark.parametrize("trainer", TRAINERS)
every_optimizer = pytest.mark.parametrize("optimizer", RATES)


def problem_of(optimizer: str = "sgd", seeds: range = range(3), batch: int = 40, slower: float = 1.0) -> Problem:
    """Samples of 109 of 128 patterns, so that the last batch is smaller; layers of odd and even widths."""
    samples = draw_samples(RULE, 0.85, seeds)
    how = Optimization(optimizer, slower * RATES[optimizer], 0.9, min(batch, samples.size))
    return Problem(Architecture.of(RULE, (5, 6, 3), "tanh"), RULE, samples, tuple(seeds), how)


def trained(trainer: str, problem: Problem, epochs: int = EPOCHS) -> TrainingState:
    worker = TRAINERS[trainer](problem, TrainingState.initial(problem, 1.0))
    worker.advance(epochs)
    return worker.state()


def same_bits(first: TrainingState, second: TrainingState) -> bool:
    return (
        first.epoch == second.epoch
        and np.array_equal(first.weights, second.weights)
        and np.array_equal(first.slots, second.slots)
    )


def same_norms(first: GradientNorms | None, second: GradientNorms | None) -> bool:
    assert first is not None
    assert second is not None
    return np.array_equal(first.mean, second.mean) and np.array_equal(first.std, second.std, equal_nan=True)


def one_of(state: TrainingState, network: int) -> TrainingState:
    only = slice(network, network + 1)
    return TrainingState(state.epoch, state.weights[only], state.slots[:, only])


# The same bits


@every_optimizer
def test_a_fused_network_trains_alone_as_it_does_among_50(optimizer: str) -> None:
    many = trained("fused", problem_of(optimizer, range(50)))
    assert len(np.unique(many.weights, axis=0)) == 50
    for seed in (0, 1, 23, 49):
        assert same_bits(trained("fused", problem_of(optimizer, range(seed, seed + 1))), one_of(many, seed))


@every_optimizer
def test_a_torch_network_trains_alone_almost_as_it_does_among_50(optimizer: str) -> None:
    """Not to the bit: the batched matrix product adds up in an order that depends on the number of networks."""
    many = trained("torch", problem_of(optimizer, range(50)))
    for seed in (0, 1, 23, 49):
        alone = trained("torch", problem_of(optimizer, range(seed, seed + 1)))
        assert alone.weights == pytest.approx(many.weights[seed : seed + 1], abs=ROUNDING[optimizer])


@every_optimizer
@pytest.mark.parametrize("count", [2, 3])
def test_the_number_of_threads_changes_no_bit_of_the_fused_trainer(optimizer: str, count: int) -> None:
    problem = problem_of(optimizer, range(50))
    start = TrainingState.initial(problem, 1.0)
    single = FusedTrainer(problem, start, Threads(1))
    expected = single.advance(EPOCHS, statistics=True)
    threads = Threads(count)
    shared = FusedTrainer(problem, start, threads)
    try:
        assert same_norms(shared.advance(EPOCHS, statistics=True), expected)
    finally:
        threads.close()
    assert same_bits(shared.state(), single.state())


@both
@every_optimizer
@given(st.lists(st.tuples(st.integers(1, EPOCHS), st.booleans()), max_size=EPOCHS))
def test_training_does_not_depend_on_where_it_is_cut_nor_on_statistics(
    trainer: str, optimizer: str, cuts: list[tuple[int, bool]]
) -> None:
    problem = problem_of(optimizer)
    worker = TRAINERS[trainer](problem, TrainingState.initial(problem, 1.0))
    left = EPOCHS
    for epochs, statistics in [*cuts, (EPOCHS, True)]:
        now = min(epochs, left)
        if now > 0:
            norms = worker.advance(now, statistics=statistics)
            assert (norms is not None) == statistics
            left -= now
    assert same_bits(worker.state(), trained(trainer, problem))


@both
@every_optimizer
@pytest.mark.parametrize("stop", [1, 7, EPOCHS - 1])
def test_training_goes_on_from_a_state_as_if_it_had_never_stopped(trainer: str, optimizer: str, stop: int) -> None:
    problem = problem_of(optimizer)
    straight = TRAINERS[trainer](problem, TrainingState.initial(problem, 1.0))
    norms = straight.advance(EPOCHS, statistics=True)
    state = trained(trainer, problem, stop)
    assert state.epoch == stop
    resumed = TRAINERS[trainer](problem_of(optimizer), state)
    assert same_bits(resumed.state(), state)
    assert same_norms(resumed.advance(EPOCHS - stop, statistics=True), norms)
    assert same_bits(resumed.state(), straight.state())


@both
@every_optimizer
def test_a_state_is_a_copy_that_training_neither_changes_nor_is_changed_by(trainer: str, optimizer: str) -> None:
    problem = problem_of(optimizer)
    start = TrainingState.initial(problem, 1.0)
    worker = TRAINERS[trainer](problem, start)
    worker.advance(2)
    assert same_bits(start, TrainingState.initial(problem, 1.0))
    state = worker.state()
    kept = TrainingState(2, state.weights.copy(), state.slots.copy())
    worker.advance(1)
    assert same_bits(state, kept)
    after = worker.state()
    state.weights[:] = 0
    state.slots[:] = 0
    assert same_bits(worker.state(), after)
    assert not same_bits(after, kept)


@every_optimizer
def test_a_state_of_either_trainer_is_one_for_the_other(optimizer: str) -> None:
    problem = problem_of(optimizer)
    for first, second in (("fused", "torch"), ("torch", "fused")):
        state = trained(first, problem, 5)
        over = TRAINERS[second](problem, state)
        assert same_bits(over.state(), state)
        over.advance(EPOCHS - 5)
        assert over.state().weights == pytest.approx(trained(first, problem).weights, abs=ROUNDING[optimizer])


@both
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_network_that_has_diverged_spoils_no_other(trainer: str, bad: float) -> None:
    """It stands before the others, whose work is done in the same memory; the last batch leaves part of that unused."""
    problem = problem_of("adam")
    start = TrainingState.initial(problem, 1.0)
    expected = TRAINERS[trainer](problem, start)
    norms = expected.advance(3, statistics=True)
    assert norms is not None
    start.weights[0] = bad
    worker = TRAINERS[trainer](problem, start)
    spoilt = worker.advance(3, statistics=True)
    assert spoilt is not None
    assert not np.isfinite(worker.state().weights[0]).any()
    assert np.array_equal(worker.state().weights[1:], expected.state().weights[1:])
    assert np.array_equal(spoilt.mean[1:], norms.mean[1:])
    assert np.array_equal(spoilt.std[1:], norms.std[1:])


@both
def test_batches_are_reshuffled_every_epoch_and_by_each_networks_own_seed(trainer: str) -> None:
    """Two networks alike in weights and sample part ways by their orders alone; so do two epochs from one state."""
    plain = problem_of(seeds=range(2))
    for array in (plain.samples.patterns, plain.samples.labels):
        array[1] = array[0]
    start = TrainingState.initial(plain, 1.0)
    start.weights[1] = start.weights[0]

    def after(epoch: int, problem: Problem) -> np.ndarray:
        worker = TRAINERS[trainer](problem, TrainingState(epoch, start.weights, start.slots))
        worker.advance(1)
        return worker.state().weights

    one = after(0, plain)
    assert np.array_equal(one, after(0, plain))
    assert not np.array_equal(one[0], one[1])
    assert not np.array_equal(one, after(1, plain))
    alike = after(0, replace(plain, seeds=(7, 7)))
    assert alike[0] == pytest.approx(alike[1], abs=1e-6)


# One against the other


@every_optimizer
@pytest.mark.parametrize(("batch", "slower"), [(1, 0.1), (16, 1.0), (109, 1.0)])
def test_fused_and_torch_agree_after_a_few_epochs_and_in_the_gradients_statistics(
    optimizer: str, batch: int, slower: float
) -> None:
    """327 steps of one pattern each at the full rate would tear two roundings apart: those are slower."""
    problem = problem_of(optimizer, range(5), batch, slower)
    states, norms = [], []
    for make in TRAINERS.values():
        worker = make(problem, TrainingState.initial(problem, 1.0))
        norms.append(worker.advance(3, statistics=True))
        states.append(worker.state())
    assert states[0].weights == pytest.approx(states[1].weights, abs=ROUNDING[optimizer])
    assert norms[0].mean == pytest.approx(norms[1].mean, rel=5 * ROUNDING[optimizer])
    assert norms[0].std == pytest.approx(norms[1].std, rel=5 * ROUNDING[optimizer], nan_ok=True)


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [("adam", 4e-4), *(pytest.param(name, 0.02, marks=pytest.mark.long) for name in ("sgd", "momentum"))],
)
def test_the_papers_networks_trained_60_epochs_by_fused_and_torch_agree_in_weights_and_information(
    optimizer: str, rate: float
) -> None:
    """Five networks 12-10-8-6-4-2-1, both trainers on the same batches: weights within 1e-5; I(X;T) and I(T;Y) of
    every layer within 0.01 bits, which leaves room for a few of the 4096 patterns that rounding puts in the bin next
    door; losses within 1e-5 nats.
    """
    rule = load_rule("symmetric")
    seeds = tuple(range(5))
    samples = draw_samples(rule, 0.85, seeds)
    architecture = Architecture.of(rule, (10, 8, 6, 4, 2), "tanh")
    problem = Problem(architecture, rule, samples, seeds, Optimization(optimizer, rate, 0.9, 512))
    start = TrainingState.initial(problem, 1.0)
    fused, plain = (trained(trainer, problem, 60) for trainer in TRAINERS)
    assert fused.weights == pytest.approx(plain.weights, abs=1e-5)
    assert np.abs(fused.weights - start.weights).max() > 0.1  # 1e-5 is little beside what has been learned
    measurer = Measurer(problem, 30, Threads(1))
    (information, learning), (expected, expected_learning) = (measurer.measure(s.weights) for s in (fused, plain))
    assert information.i_x == pytest.approx(expected.i_x, abs=0.01)
    assert information.i_y == pytest.approx(expected.i_y, abs=0.01)
    assert learning.train_loss == pytest.approx(expected_learning.train_loss, abs=1e-5)
    before, before_learning = measurer.measure(start.weights)
    assert np.abs(information.i_x - before.i_x).max() > 0.1
    assert (learning.train_loss < before_learning.train_loss).all()


@both
def test_training_learns_a_rule_that_can_be_learned(trainer: str) -> None:
    """y is the first input: cross-entropy falls to almost nothing, on the patterns outside the sample too."""
    patterns = binary_patterns(7)
    rule = Rule("first", patterns, patterns[:, 0].astype(np.float64))
    seeds = (0, 1)
    samples = draw_samples(rule, 0.5, seeds)
    how = Optimization("adam", 0.02, 0.9, 16)
    problem = Problem(Architecture.of(rule, (4, 3), "tanh"), rule, samples, seeds, how)
    worker = TRAINERS[trainer](problem, TrainingState.initial(problem, 1.0))
    worker.advance(150)
    _, learning = Measurer(problem, 30, Threads(1)).measure(worker.state().weights)
    assert learning.train_loss.max() < 0.02
    assert learning.test_loss.max() < 0.05
    assert (learning.test_accuracy == 1).all()


def test_whole_numbers_for_rate_and_momentum_train_as_the_same_decimals_do() -> None:
    problem = problem_of("momentum")
    whole, decimal = (
        trained("fused", replace(problem, optimization=Optimization("momentum", rate, momentum, 40)))
        for rate, momentum in ((1, 0), (1.0, 0.0))
    )
    assert same_bits(whole, decimal)


def test_closing_a_trainer_leaves_the_threads_to_their_owner() -> None:
    problem = problem_of()
    start = TrainingState.initial(problem, 1.0)
    threads = Threads(2)
    FusedTrainer(problem, start, threads).close()
    again = FusedTrainer(problem, start, threads)
    again.advance(EPOCHS)
    threads.close()
    assert same_bits(again.state(), trained("fused", problem))
