"""Gradients of single examples at frozen weights: both trainers against autograd, example by example."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads
from ibtui_engine.training.batched import TorchTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from ibtui_engine.training.stochastic import StochasticTrainer
from tests.engine.training.test_gradients import TRAINERS, PlainNetwork, both, problem_of


def one_by_one(problem: Problem, state: TrainingState, network: int) -> list[np.ndarray]:
    """Gradients of each example by each layer's weights: examples x weights."""
    still = replace(problem, optimization=replace(problem.optimization, learning_rate=0.0))
    found = []
    for example in range(problem.samples.size):
        gradients = PlainNetwork(still, state.weights, network).step(np.array([example]))
        found.append([layer[:, :-1].ravel() for layer in gradients])
    return [np.array(layer) for layer in zip(*found, strict=True)]


@both
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("inputs", ["binary", "real"])
def test_they_are_those_of_autograd(trainer: str, activation: str, inputs: str) -> None:
    problem, state = problem_of((12, 5, 3, 7, 1), activation=activation, inputs=inputs, batch=16)
    found = TRAINERS[trainer](problem, state).frozen_gradients()
    for network in range(2):
        for layer, gradients in enumerate(one_by_one(problem, state, network)):
            spread = math.sqrt(gradients.var(axis=0, ddof=1).sum())
            assert found.mean[network, layer] == pytest.approx(np.linalg.norm(gradients.mean(axis=0)), rel=1e-5)
            assert found.std[network, layer] == pytest.approx(spread, rel=1e-5)


@both
def test_they_follow_training_and_leave_it_alone(trainer: str) -> None:
    problem, state = problem_of(batch=16, rate=0.5)
    looked, plain = (TRAINERS[trainer](problem, state) for _ in range(2))
    before = looked.frozen_gradients()
    looked.advance(3)
    plain.advance(3)
    after = looked.frozen_gradients()
    assert np.array_equal(looked.state().weights, plain.state().weights)
    assert (before.mean != after.mean).all()
    again = TRAINERS[trainer](problem, looked.state()).frozen_gradients()
    assert np.array_equal(after.mean, again.mean)
    assert np.array_equal(after.std, again.std)


def test_trainers_agree_on_rounded_outputs_and_patterns_that_count_differently() -> None:
    problem, state = problem_of(size=60, batch=16)
    p_x = np.random.default_rng(3).uniform(0.5, 2.0, 120)
    rule = replace(problem.rule, p_x=p_x / p_x.sum())
    problem = replace(problem, rule=rule, architecture=replace(problem.architecture, bits=3))
    fused, torch = (TRAINERS[name](problem, state).frozen_gradients() for name in ("fused", "torch"))
    np.testing.assert_allclose(fused.mean, torch.mean, rtol=1e-5)
    np.testing.assert_allclose(fused.std, torch.std, rtol=1e-5)


@both
def test_one_example_has_no_spread(trainer: str) -> None:
    problem, state = problem_of(size=1)
    assert np.isnan(TRAINERS[trainer](problem, state).frozen_gradients().std).all()


def test_a_softmax_has_the_gradients_of_its_examples() -> None:
    """The last layer's gradient of an example is (output − label) times what enters it."""
    rng = np.random.default_rng(0)
    rule = Rule("three", binary_patterns(5), rng.dirichlet(np.ones(3), 32))
    samples = draw_samples(rule, 0.75, range(2))
    problem = Problem(Architecture.of(rule, (), "tanh"), rule, samples, (0, 1), Optimization("sgd", 0.1, 0.9, 7))
    state = TrainingState.initial(problem, 1.0)
    found = TorchTrainer(problem, state).frozen_gradients()
    for network in range(2):
        w = problem.architecture.matrices(state.weights[network : network + 1])[0][0].astype(np.float64)
        x = rule.patterns[samples.patterns[network]].astype(np.float64)
        z = np.exp(x @ w[:, :-1].T + w[:, -1])
        delta = z / z.sum(axis=1, keepdims=True) - np.eye(3)[samples.labels[network]]
        gradients = (delta[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        assert found.mean[network, 0] == pytest.approx(np.linalg.norm(gradients.mean(axis=0)), rel=1e-5)
        assert found.std[network, 0] == pytest.approx(math.sqrt(gradients.var(axis=0, ddof=1).sum()), rel=1e-5)


@pytest.mark.parametrize("sampling", ["replacement", "gaussian"])
def test_batches_are_as_noisy_as_they_say(sampling: str) -> None:
    """Over many batches at weights that stand still: tr C / b with replacement; of the Gaussian noise what a batch has
    without, tr C (1/b − 1/N). Deviation allowed: 5 standard errors of 1800 batches, whose squares vary as chi-squared.
    """
    problem, state = problem_of((12, 4, 1), size=48, batch=8, rate=1e-30, networks=1)
    problem = replace(problem, optimization=replace(problem.optimization, sampling=sampling))
    worker = TRAINERS["fused"](problem, state)
    frozen = worker.frozen_gradients()
    squares, means = [], []
    for _ in range(300):
        norms = worker.advance(1, statistics=True)
        assert norms is not None
        squares.append(norms.std[0] ** 2)
        means.append(norms.mean[0] ** 2)
    share = 1 / 8 if sampling == "replacement" else 1 / 8 - 1 / 48
    factor = 47 / 48 if sampling == "replacement" else 1.0  # a draw from the sample has its biased variance
    expected = frozen.std[0] ** 2 * share * factor
    np.testing.assert_allclose(np.mean(squares, axis=0), expected, rtol=0.17)
    np.testing.assert_allclose(np.mean(means, axis=0), frozen.mean[0] ** 2 + expected / 6, rtol=0.17)


def test_stochastic_units_have_none() -> None:
    rule = Rule("ramp", binary_patterns(4), np.linspace(0.1, 0.9, 16))
    samples = draw_samples(rule, 0.75, range(2))
    architecture = replace(Architecture.of(rule, (3,), "tanh"), stochastic=True)
    problem = Problem(architecture, rule, samples, (0, 1), Optimization("sgd", 0.1, 0.9, 5))
    found = StochasticTrainer(problem, TrainingState.initial(problem, 1.0), Threads(1)).frozen_gradients()
    assert found.mean.shape == found.std.shape == (2, 2)
    assert np.isnan([found.mean, found.std]).all()
