"""Cross-entropy + sum of I(X;T)/beta: against enumeration, finite differences and autograd, and what it trains."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ibtui_engine.measures.stochastic import StochasticMeasurer
from ibtui_engine.networks import Samples
from ibtui_engine.streams import shuffle_epoch
from ibtui_engine.threads import Threads
from ibtui_engine.training.bottleneck_objective import bottleneck_gradient, self_consistent_gradient
from ibtui_engine.training.problem import Problem, TrainingState
from ibtui_engine.training.stochastic import StochasticTrainer
from tests import naive_states
from tests.engine.training.test_stochastic import RATES, SIZE, PlainNetwork, problem_of
from tests.naive import network_of
from tests.tiers import diagonal, first

Method = Callable[..., tuple[np.ndarray, float]]


def with_beta(beta: float, widths: tuple[int, ...], **more: object) -> tuple[Problem, TrainingState]:
    problem, state = problem_of(widths, **more)  # type: ignore[arg-type]
    return replace(problem, optimization=replace(problem.optimization, ib_beta=beta)), state


def batch_of(problem: Problem, network: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, labels and shares of a network's whole sample."""
    patterns = problem.samples.patterns[network]
    share = np.full(len(patterns), 1 / len(patterns))
    if problem.rule.p_x is not None:
        share *= problem.rule.p_x[patterns] / problem.rule.p_x[patterns].mean()
    return problem.rule.patterns[patterns].astype(float), problem.samples.labels[network].astype(np.int64), share


def by_enumeration(problem: Problem, weights: np.ndarray, beta: float) -> float:
    inputs, labels, share = batch_of(problem)
    matrices = network_of(weights, problem.architecture.widths)
    losses = [naive_states.loss(matrices, x, int(y)) for x, y in zip(inputs, labels, strict=True)]
    bits = [i_x for i_x, _ in naive_states.information(matrices, inputs, labels.astype(float), share / share.sum())]
    return float(share @ losses) + sum(bits[:-1]) * math.log(2) / beta


class GuidedNetwork(PlainNetwork):
    """The same objective by torch, from whole matrices of probabilities."""

    def loss(self, chosen: np.ndarray) -> torch.Tensor:
        patterns = self.problem.samples.patterns[self.network][chosen]
        below = torch.tensor(self.problem.rule.patterns[patterns].astype(np.float64))
        given, total = torch.eye(len(chosen), dtype=torch.float64), super().loss(chosen)
        p_x = torch.ones(len(chosen), dtype=torch.float64) / len(chosen)
        if self.problem.rule.p_x is not None:
            p_x = torch.tensor(self.problem.rule.p_x[patterns] / self.problem.rule.p_x[patterns].sum())
        for matrix in self.matrices[:-1]:
            z = below @ matrix[:, :-1].T + matrix[:, -1]
            states = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * len(matrix))
            below = states.reshape(-1, len(matrix))
            given = given @ torch.nn.functional.logsigmoid(2 * z[:, None] * below).sum(dim=2).exp()
            beta = self.problem.optimization.ib_beta
            assert beta is not None
            total = total + (p_x @ (given * (given / (p_x @ given)).log()).sum(dim=1)) / beta
        return total


class SelfConsistentNetwork(PlainNetwork):
    """Towards Eq. 8 and 9 by torch: its targets do not move, and the loss ends at the output's weights."""

    def loss(self, chosen: np.ndarray) -> torch.Tensor:
        patterns = self.problem.samples.patterns[self.network][chosen]
        share = torch.ones(len(chosen), dtype=torch.float64) / len(chosen)
        if self.problem.rule.p_x is not None:
            share = share * torch.tensor(self.problem.rule.p_x[patterns] / self.problem.rule.p_x[patterns].mean())
        p_x, labels = share / share.sum(), torch.tensor(self.problem.samples.labels[self.network][chosen])
        of_label = torch.nn.functional.one_hot(labels.long(), 2).double()
        beta = self.problem.optimization.ib_beta
        assert beta is not None
        below = torch.tensor(self.problem.rule.patterns[patterns].astype(np.float64))
        given, total = torch.eye(len(chosen), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for matrix in self.matrices[:-1]:
            z = below @ matrix[:, :-1].T + matrix[:, -1]
            states = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * len(matrix))
            below = states.reshape(-1, len(matrix))
            given = given @ torch.nn.functional.logsigmoid(2 * z[:, None] * below).sum(dim=2).exp()
            with torch.no_grad():
                p_t = p_x @ given
                p_y = (p_x[:, None] * given).T @ of_label / p_t[:, None]
                far = torch.nn.functional.kl_div(p_y.log()[None], of_label[:, None], reduction="none").sum(dim=2)
                target = torch.softmax(p_t.log() - beta * far, dim=1)
            total = total + p_x @ torch.nn.functional.kl_div(given.log(), target, reduction="none").sum(dim=1)
        z = below @ self.matrices[-1][0, :-1] + self.matrices[-1][0, -1]
        signs = (1 - 2 * labels.double())[:, None]
        return total + share @ (given.detach() * torch.nn.functional.softplus(signs * z)).sum(dim=1)


SHAPES = ((3, 2, 1), (2, 1, 2, 1), (3, 2, 3, 2, 1))


@pytest.mark.parametrize("widths", first(2, SHAPES), ids=str)
def test_objective_and_gradient_are_those_of_every_joint_state(widths: tuple[int, ...]) -> None:
    problem, state = with_beta(3.0, widths, seeds=range(1))
    weights = state.weights[0].astype(np.float64)
    gradient, objective = bottleneck_gradient(network_of(weights, widths), *batch_of(problem), 3.0)
    assert objective == pytest.approx(by_enumeration(problem, weights, 3.0), rel=1e-12)
    step = 1e-4
    for place in range(0, len(weights), 3):
        higher, lower = weights.copy(), weights.copy()
        higher[place] += step
        lower[place] -= step
        slope = (by_enumeration(problem, higher, 3.0) - by_enumeration(problem, lower, 3.0)) / (2 * step)
        assert gradient[place] == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize(
    *diagonal(weighted=(False, True), widths=(*SHAPES, (6, 5, 4, 3, 1), (4, 7, 1, 5, 1)), beta=(0.5, 20.0)), ids=str
)
def test_gradients_are_autograds(widths: tuple[int, ...], weighted: bool, beta: float) -> None:
    problem, state = with_beta(beta, widths, weighted=weighted, scale=0.7)
    for network in range(2):
        matrices = network_of(state.weights[network], widths)
        gradient, _ = bottleneck_gradient(matrices, *batch_of(problem, network), beta)
        expected = GuidedNetwork(problem, state.weights, network).step(np.arange(SIZE))
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12 * max(np.abs(expected).max(), 1))


@pytest.mark.parametrize(
    *diagonal(weighted=(False, True), widths=(*SHAPES, (6, 5, 4, 3, 1)), beta=(0.5, 20.0)), ids=str
)
def test_steps_towards_the_ib_equations_are_autograds(widths: tuple[int, ...], weighted: bool, beta: float) -> None:
    problem, state = with_beta(beta, widths, weighted=weighted, scale=0.7)
    for network in range(2):
        matrices = network_of(state.weights[network], widths)
        gradient, objective = self_consistent_gradient(matrices, *batch_of(problem, network), beta)
        plain = SelfConsistentNetwork(problem, state.weights, network)
        assert objective == pytest.approx(float(plain.loss(np.arange(SIZE)).detach()), rel=1e-12)
        expected = plain.step(np.arange(SIZE))
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12 * max(np.abs(expected).max(), 1))


def test_an_encoder_that_obeys_the_ib_equations_stays() -> None:
    """One that does not look at the input does: p(t|x) = p(t), and p(y|t) = p(y)."""
    problem, state = with_beta(7.0, (3, 4, 2, 1))
    matrices = network_of(state.weights[0], (3, 4, 2, 1))
    for matrix in matrices[:-1]:
        matrix[:, :-1] = 0.0
    gradient, objective = self_consistent_gradient(matrices, *batch_of(problem), 7.0)
    hidden = sum(matrix.size for matrix in matrices[:-1])
    assert np.abs(gradient[:hidden]).max() < 1e-15
    _, loss = bottleneck_gradient(matrices, *batch_of(problem), 1e300)
    assert objective == pytest.approx(loss, rel=1e-12)


def test_steps_towards_the_ib_equations_learn() -> None:
    problem, state = with_beta(20.0, (3, 4, 3, 1), optimizer="adam")
    problem = replace(problem, optimization=replace(problem.optimization, ib_method="self-consistent"))
    labels = (problem.rule.patterns[problem.samples.patterns][:, :, 0] > 0).astype(np.uint8)
    problem = replace(problem, samples=Samples(problem.samples.patterns, labels))
    trainer, threads = StochasticTrainer(problem, state, Threads(1)), Threads(1)
    before, after = [], []
    for found in (before, after):
        found.append(StochasticMeasurer(problem, threads).measure(trainer.state().weights)[1].train_loss.mean())
        trainer.advance(400)
    threads.close()
    assert after[0] < 0.3 * before[0]


@pytest.mark.parametrize("method", [bottleneck_gradient, self_consistent_gradient])
def test_units_that_are_hardly_stochastic_have_finite_gradients(method: Method) -> None:
    problem, state = with_beta(1.0, (3, 4, 2, 1), scale=1e6)
    gradient, objective = method(network_of(state.weights[0], (3, 4, 2, 1)), *batch_of(problem), 1.0)
    assert np.isfinite(gradient).all()
    assert np.isfinite(objective)


@pytest.mark.parametrize("optimizer", RATES)
def test_steps_and_statistics_are_those_of_torch(optimizer: str) -> None:
    problem, state = with_beta(4.0, (3, 3, 2, 1), optimizer=optimizer, batch=10)
    trainer = StochasticTrainer(problem, state, Threads(1))
    norms = trainer.advance(2, statistics=True)
    assert norms is not None
    for network, seed in enumerate(problem.seeds):
        plain = GuidedNetwork(problem, state.weights, network)
        for epoch in (1, 2):
            order = np.arange(SIZE, dtype=np.uint32)
            shuffle_epoch(order, np.empty(SIZE, np.uint32), seed, epoch)
            found = np.array([plain.step(order[start : start + 10]) for start in range(0, SIZE, 10)])
        np.testing.assert_allclose(trainer.state().weights[network], plain.weights, atol=2e-5)
        first = found[:, :12].reshape(len(found), 3, 4)[:, :, :-1]
        assert norms.mean[network, 0] == pytest.approx(np.linalg.norm(first.mean(axis=0)), rel=1e-3)
        assert norms.std[network, 0] == pytest.approx(math.sqrt(first.var(axis=0, ddof=1).sum()), rel=1e-3)


@pytest.mark.parametrize("widths", [(3, 4, 2, 1), (3, 1)], ids=str)
def test_a_network_has_the_same_bits_in_pieces_among_others_and_on_threads(widths: tuple[int, ...]) -> None:
    problem, state = with_beta(4.0, widths, optimizer="adam", batch=9, seeds=range(3))
    whole = StochasticTrainer(problem, state, Threads(1))
    whole.advance(5)
    half = StochasticTrainer(problem, state, Threads(3))
    half.advance(2)
    rest = StochasticTrainer(problem, half.state(), Threads(2))
    rest.advance(3, statistics=True)
    assert np.array_equal(whole.state().weights, rest.state().weights)
    assert np.array_equal(whole.state().slots, rest.state().slots)


def test_a_small_beta_makes_layers_forget_the_input() -> None:
    found = []
    for beta in (0.05, 1e6):
        problem, state = with_beta(beta, (3, 4, 3, 1), optimizer="adam")
        trainer, threads = StochasticTrainer(problem, state, Threads(1)), Threads(1)
        trainer.advance(400)
        whole = np.arange(40)[None].repeat(2, axis=0)
        on_all = replace(problem, samples=Samples(whole, np.zeros_like(whole, np.uint8)))
        found.append(StochasticMeasurer(on_all, threads).measure(trainer.state().weights)[0].i_x)
        threads.close()
    assert (found[0][:, :-1] < 0.1).all()
    assert (found[1][:, 0] > 0.5).all()
