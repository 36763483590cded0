"""Stochastic binary units: gradients against enumeration, finite differences and autograd; the same bits however a
training is cut up."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ibtui_engine.networks import Architecture, Samples, draw_samples
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.streams import SHUFFLED, shuffle_epoch
from ibtui_engine.threads import Threads
from ibtui_engine.training import stochastic_kernel as kernel
from ibtui_engine.training.problem import SLOTS, Optimization, Problem, TrainingState, worth
from ibtui_engine.training.stochastic import OPTIMIZER, StochasticTrainer
from tests import naive_states
from tests.naive import network_of
from tests.tiers import first

RATES = {"sgd": 0.5, "momentum": 0.1, "adam": 0.01}
SIZE = 24
WORTH = 1e-6
"""What a pattern counts where p(x) has weights is a single-precision number."""


def problem_of(
    widths: tuple[int, ...],
    *,
    optimizer: str = "sgd",
    batch: int = SIZE,
    seeds: range = range(2),
    weighted: bool = False,
    scale: float = 1.5,
    seed: int = 0,
) -> tuple[Problem, TrainingState]:
    """Networks with random weights and biases, and samples of `SIZE` of 40 random patterns."""
    rng = np.random.default_rng([seed, *widths])
    patterns = rng.normal(size=(40, widths[0])).astype(np.float32)
    p_x = rng.dirichlet(np.ones(40)) if weighted else None
    rule = Rule("random", patterns, rng.uniform(size=40), p_x=p_x)
    chosen = np.sort(np.array([rng.permutation(40)[:SIZE] for _ in seeds]), axis=1)
    samples = Samples(chosen, rng.integers(0, 2, chosen.shape, dtype=np.uint8))
    architecture = Architecture(widths, "tanh", stochastic=True)
    how = Optimization(optimizer, RATES[optimizer], 0.9, batch)
    weights = (scale * rng.normal(size=(len(seeds), architecture.parameters))).astype(np.float32)
    slots = np.zeros((SLOTS[optimizer], *weights.shape), np.float32)
    return Problem(architecture, rule, samples, tuple(seeds), how), TrainingState(0, weights, slots)


def gradients(problem: Problem, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the loss over each network's whole sample, and the loss."""
    networks = len(weights)
    found, losses = np.empty(weights.shape), np.empty(networks)
    items = (problem.samples.patterns * 2 + problem.samples.labels).astype(np.uint32)
    unused, nothing = np.zeros((networks, 0), np.float32), np.zeros((0, 0))
    kernel.train_stochastic(
        *(0, networks, 0, 1, weights.astype(np.float32), unused, unused, np.array(problem.seeds), items),
        *(problem.rule.patterns.astype(np.float64), *worth(problem), np.array(problem.architecture.widths)),
        *(kernel.SGD, 0.0, 0.0, 0.0, SHUFFLED, problem.samples.size, nothing, nothing, found, losses),
    )
    return found, losses


def by_enumeration(problem: Problem, weights: np.ndarray, network: int) -> float:
    """The loss over a network's sample, every joint state of every pattern on its own."""
    chosen = problem.samples.patterns[network]
    p_x = problem.rule.p_x
    share = np.ones(len(chosen)) if p_x is None else p_x[chosen]
    matrices = network_of(weights[network], problem.architecture.widths)
    losses = [
        naive_states.loss(matrices, problem.rule.patterns[pattern].astype(float), int(label))
        for pattern, label in zip(chosen, problem.samples.labels[network], strict=True)
    ]
    return float(np.average(losses, weights=share))


class PlainNetwork:
    """One network of a problem with whole matrices of probabilities, differentiated by torch."""

    def __init__(self, problem: Problem, weights: np.ndarray, network: int) -> None:
        self.problem, self.network = problem, network
        self.matrices = [
            torch.tensor(matrix, dtype=torch.float64, requires_grad=True)
            for matrix in network_of(weights[network], problem.architecture.widths)
        ]
        how = problem.optimization
        if how.optimizer == "adam":
            self.optimizer: torch.optim.Optimizer = torch.optim.Adam(self.matrices, lr=how.learning_rate)
        else:
            momentum = how.momentum if how.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(self.matrices, lr=how.learning_rate, momentum=momentum)

    def loss(self, chosen: np.ndarray) -> torch.Tensor:
        patterns = self.problem.samples.patterns[self.network][chosen]
        label = torch.tensor(2.0 * self.problem.samples.labels[self.network][chosen] - 1, dtype=torch.float64)
        below = torch.tensor(self.problem.rule.patterns[patterns].astype(np.float64))
        given = torch.eye(len(chosen), dtype=torch.float64)
        for matrix in self.matrices[:-1]:
            z = below @ matrix[:, :-1].T + matrix[:, -1]
            states = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * len(matrix))
            states = states.reshape(-1, len(matrix))
            given = given @ torch.nn.functional.logsigmoid(2 * z[:, None] * states).sum(dim=2).exp()
            below = states
        z = (below @ self.matrices[-1][:, :-1].T + self.matrices[-1][:, -1])[:, 0]
        losses = (given * -torch.nn.functional.logsigmoid(label[:, None] * z)).sum(dim=1)
        p_x = self.problem.rule.p_x
        if p_x is None:
            return losses.mean()
        counts = torch.tensor(p_x[patterns] / p_x[self.problem.samples.patterns[self.network]].mean())
        return (losses * counts).mean()

    def step(self, chosen: np.ndarray) -> np.ndarray:
        """One step on these of the sample; returns the gradient."""
        self.optimizer.zero_grad()
        self.loss(chosen).backward()
        self.optimizer.step()
        return np.concatenate([matrix.grad.numpy().ravel() for matrix in self.matrices if matrix.grad is not None])

    @property
    def weights(self) -> np.ndarray:
        return np.concatenate([matrix.detach().numpy().ravel() for matrix in self.matrices])


SHAPES = ((3, 2, 1), (2, 1, 2, 1), (3, 2, 3, 2, 1), (4, 1))


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_the_loss_is_the_expectation_over_all_joint_states(widths: tuple[int, ...], weighted: bool) -> None:
    problem, state = problem_of(widths, weighted=weighted)
    _, losses = gradients(problem, state.weights)
    for network in range(2):
        digits = WORTH if weighted else 1e-12
        assert losses[network] == pytest.approx(by_enumeration(problem, state.weights, network), rel=digits)


@pytest.mark.parametrize("widths", first(2, SHAPES[:3]), ids=str)
def test_gradients_are_finite_differences_of_the_enumerated_loss(widths: tuple[int, ...]) -> None:
    problem, state = problem_of(widths, seeds=range(1))
    found, _ = gradients(problem, state.weights)
    step = 2.0**-10  # weights ± step are single-precision numbers nearly as exactly
    for place in range(0, state.weights.shape[1], 3):
        higher, lower = state.weights.astype(np.float64), state.weights.astype(np.float64)
        higher[0, place] += step
        lower[0, place] -= step
        slope = (by_enumeration(problem, higher, 0) - by_enumeration(problem, lower, 0)) / (2 * step)
        assert found[0, place] == pytest.approx(slope, abs=2e-6)


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("widths", [*SHAPES, (12, 10, 8, 6, 4, 2, 1), (5, 9, 1, 7, 1)], ids=str)
def test_gradients_are_autograds(widths: tuple[int, ...], weighted: bool) -> None:
    problem, state = problem_of(widths, weighted=weighted, scale=0.7)
    found, losses = gradients(problem, state.weights)
    for network in range(2):
        plain = PlainNetwork(problem, state.weights, network)
        expected = plain.step(np.arange(SIZE))
        scale = np.abs(expected).max()
        digits = WORTH if weighted else 1e-12
        np.testing.assert_allclose(found[network], expected, rtol=0, atol=digits * scale)
        again = PlainNetwork(problem, state.weights, network)
        assert losses[network] == pytest.approx(float(again.loss(np.arange(SIZE)).detach()), rel=digits)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 6), min_size=0, max_size=3), st.integers(1, 5), st.floats(0.01, 30), st.integers(0, 10**6)
)
def test_gradients_of_any_shape_and_size_of_weights_are_autograds(
    hidden: list[int], inputs: int, scale: float, seed: int
) -> None:
    problem, state = problem_of((inputs, *hidden, 1), seeds=range(1), scale=scale, seed=seed)
    found, _ = gradients(problem, state.weights)
    expected = PlainNetwork(problem, state.weights, 0).step(np.arange(SIZE))
    np.testing.assert_allclose(found[0], expected, rtol=1e-9, atol=1e-12)


def test_units_that_are_hardly_stochastic_have_finite_gradients() -> None:
    problem, state = problem_of((3, 4, 2, 1), scale=1e6)
    found, losses = gradients(problem, state.weights)
    assert np.isfinite(found).all()
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("optimizer", RATES)
def test_steps_are_those_of_torch_optim(optimizer: str) -> None:
    problem, state = problem_of((3, 3, 2, 1), optimizer=optimizer, batch=10)
    trainer = StochasticTrainer(problem, state, Threads(1))
    trainer.advance(3)
    for network, seed in enumerate(problem.seeds):
        plain = PlainNetwork(problem, state.weights, network)
        for epoch in range(1, 4):
            order = np.arange(SIZE, dtype=np.uint32)
            shuffle_epoch(order, np.empty(SIZE, np.uint32), seed, epoch)
            for start in range(0, SIZE, 10):
                plain.step(order[start : start + 10])
        np.testing.assert_allclose(trainer.state().weights[network], plain.weights, atol=2e-5)


def test_statistics_of_batch_gradients_are_those_of_autograd() -> None:
    problem, state = problem_of((3, 4, 2, 1), batch=7)
    trainer = StochasticTrainer(problem, state, Threads(1))
    norms = trainer.advance(1, statistics=True)
    assert norms is not None
    for network, seed in enumerate(problem.seeds):
        plain = PlainNetwork(problem, state.weights, network)
        order = np.arange(SIZE, dtype=np.uint32)
        shuffle_epoch(order, np.empty(SIZE, np.uint32), seed, 1)
        found = np.array([plain.step(order[start : start + 7]) for start in range(0, SIZE, 7)])
        begin = 0
        for layer, (inputs, units) in enumerate(pairwise(problem.architecture.widths)):
            of_layer = found[:, begin : begin + (inputs + 1) * units].reshape(len(found), units, -1)[:, :, :-1]
            begin += (inputs + 1) * units
            assert norms.mean[network, layer] == pytest.approx(np.linalg.norm(of_layer.mean(axis=0)), rel=1e-5)
            spread = math.sqrt(of_layer.var(axis=0, ddof=1).sum())
            assert norms.std[network, layer] == pytest.approx(spread, rel=1e-5)
    one_batch = StochasticTrainer(*problem_of((3, 4, 2, 1)), Threads(1)).advance(1, statistics=True)
    assert one_batch is not None
    assert np.isnan(one_batch.std).all()


# the same bits

RULE = Rule("ramp", binary_patterns(7), np.linspace(0.02, 0.98, 128))


def ramp(optimizer: str, seeds: range) -> Problem:
    """Samples of 109 of 128 patterns, so that the last batch is smaller; layers of odd and even widths."""
    samples = draw_samples(RULE, 0.85, seeds)
    architecture = Architecture.of(RULE, (5, 6, 3), "tanh", stochastic=True)
    return Problem(architecture, RULE, samples, tuple(seeds), Optimization(optimizer, RATES[optimizer], 0.9, 40))


def trained(problem: Problem, pieces: tuple[int, ...], threads: int = 1) -> TrainingState:
    """Trained in pieces, each by a trainer of its own that goes on from the state before."""
    state, pool = TrainingState.initial(problem, 1.0), Threads(threads)
    for epochs in pieces:
        trainer = StochasticTrainer(problem, state, pool)
        trainer.advance(epochs, statistics=epochs % 2 == 0)
        state = trainer.state()
        trainer.close()
    return state


@pytest.mark.parametrize("optimizer", RATES)
def test_a_network_has_the_same_bits_in_pieces_among_others_and_on_threads(optimizer: str) -> None:
    whole = trained(ramp(optimizer, range(5)), (9,))
    assert len(np.unique(whole.weights, axis=0)) == 5
    in_pieces = trained(ramp(optimizer, range(5)), (1, 2, 6), threads=3)
    alone = trained(ramp(optimizer, range(3, 4)), (4, 5))
    assert np.array_equal(whole.weights, in_pieces.weights)
    assert np.array_equal(whole.slots, in_pieces.slots)
    assert np.array_equal(whole.weights[3:4], alone.weights)
    assert np.array_equal(whole.slots[:, 3:4], alone.slots)
    assert (whole.epoch, in_pieces.epoch) == (9, 9)


def test_the_optimisers_are_those_with_gradients() -> None:
    assert set(OPTIMIZER) == set(SLOTS) - {"metropolis"}


def test_the_loss_falls() -> None:
    problem = ramp("adam", range(2))
    before = gradients(problem, TrainingState.initial(problem, 1.0).weights)[1]
    after = gradients(problem, trained(problem, (150,)).weights)[1]
    assert (after < before - 0.05).all()
