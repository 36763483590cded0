"""Networks with a softmax: information, losses and pairwise bounds against brute force, closed forms and two labels."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.estimation import Estimation
from ibtui_engine.measures.density import density_bounds
from ibtui_engine.measures.layer import information_of_labels
from ibtui_engine.measures.outputs_by_block import LayerOutputs
from ibtui_engine.measures.pairwise import pairwise_bounds
from ibtui_engine.measures.partition import counting_arrays, information
from ibtui_engine.measures.snapshot import LayerInformation
from ibtui_engine.measures.softmax import BLOCK, SoftmaxMeasurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.rule import Rule, binary_entropy, label_entropy, label_information
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Optimization, Problem

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "softsign": torch.nn.functional.softsign}


def rule_of(patterns: int = 40, inputs: int = 5, labels: int = 3, *, hard: bool = False, seed: int = 0) -> Rule:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(patterns, inputs)).astype(np.float32)
    p_y = np.eye(labels)[rng.integers(0, labels, patterns)] if hard else rng.dirichlet(np.ones(labels), patterns)
    return Rule("made up", x, p_y)


def problem_of(rule: Rule, hidden: tuple[int, ...] = (7, 4), activation: str = "tanh", networks: int = 3) -> Problem:
    seeds = tuple(range(networks))
    samples = draw_samples(rule, 0.6, seeds)
    architecture = Architecture.of(rule, hidden, activation)
    return Problem(architecture, rule, samples, seeds, Optimization("sgd", 0.1, 0.9, 8))


def weights_of(problem: Problem, scale: float = 2.0) -> np.ndarray:
    weights = problem.architecture.initial_weights(problem.seeds, scale)
    return weights + np.random.default_rng(1).normal(size=weights.shape).astype(np.float32) / 8


def outputs_of(problem: Problem, weights: np.ndarray, network: int) -> list[torch.Tensor]:
    """Each layer's outputs by plain torch in double precision; the last are the logarithms of the softmax."""
    a = torch.from_numpy(problem.rule.patterns).double()
    matrices = [torch.from_numpy(m[network].copy()).double() for m in problem.architecture.matrices(weights)]
    found = []
    for k, matrix in enumerate(matrices):
        z = a @ matrix[:, :-1].T + matrix[:, -1]
        a = ACTIVATIONS[problem.architecture.activation](z) if k < len(matrices) - 1 else torch.log_softmax(z, 1)
        found.append(a)
    return found


def measured(problem: Problem, weights: np.ndarray, part: np.ndarray | None = None, **how: object) -> LayerInformation:
    threads = Threads(2)
    try:
        return SoftmaxMeasurer(problem, Estimation(**how), threads, part).measure(weights)[0]  # type: ignore[arg-type]
    finally:
        threads.close()


@given(seed=st.integers(0, 999), labels=st.integers(2, 6), groups=st.integers(1, 9))
def test_information_is_the_sum_over_the_joint_distribution(seed: int, labels: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    p_y = rng.dirichlet(np.full(labels, 0.5), 30)
    _, group = np.unique(rng.integers(0, groups, 30), return_inverse=True)
    joint = np.zeros((group.max() + 1, labels))
    for t, row in zip(group, p_y, strict=True):
        joint[t] += row / 30
    expected = sum(
        p * math.log2(p / (joint[t].sum() * joint[:, y].sum())) for (t, y), p in np.ndenumerate(joint) if p > 0
    )
    i_x, i_y = information_of_labels(group, group.max() + 1, p_y)
    counts = np.array(list(Counter(group.tolist()).values())) / 30
    assert i_x == pytest.approx(-(counts * np.log2(counts)).sum())
    assert i_y == pytest.approx(expected, abs=1e-12)
    if labels == 2:
        one = np.ascontiguousarray(p_y[:, 1])
        h_y = float(binary_entropy(one.mean()))
        binary = information(
            group.astype(np.int32), group.max() + 1, one, binary_entropy(one), h_y, *counting_arrays(30)
        )
        assert (i_x, i_y) == pytest.approx(binary, abs=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hard", [True, False])
def test_losses_and_accuracies_are_those_of_torch(activation: str, hard: bool) -> None:
    problem = problem_of(rule_of(BLOCK + 100, hard=hard), activation=activation)
    weights = weights_of(problem)
    threads = Threads(2)
    _, learning = SoftmaxMeasurer(problem, Estimation(), threads).measure(weights)
    threads.close()
    for network in range(3):
        log_p = outputs_of(problem, weights, network)[-1]
        chosen = torch.from_numpy(problem.samples.patterns[network])
        labels = torch.from_numpy(problem.samples.labels[network].astype(np.int64))
        loss = torch.nn.functional.cross_entropy(log_p[chosen], labels)
        assert learning.train_loss[network] == pytest.approx(float(loss), rel=1e-9)
        assert learning.train_accuracy[network] == float((log_p[chosen].argmax(1) == labels).double().mean())
        outside = np.setdiff1d(np.arange(len(problem.rule.p_y)), chosen)
        p_y = torch.from_numpy(problem.rule.p_y[outside])
        expected = torch.nn.functional.cross_entropy(log_p[outside], p_y)
        assert learning.test_loss[network] == pytest.approx(float(expected), rel=1e-9)
        answers = log_p[outside].argmax(1)
        assert learning.test_accuracy[network] == pytest.approx(float(p_y.gather(1, answers[:, None]).mean()))


def test_a_sample_of_all_patterns_leaves_nothing_outside() -> None:
    rule = rule_of()
    problem = problem_of(rule)
    problem = Problem(
        problem.architecture, rule, draw_samples(rule, 1.0, problem.seeds), problem.seeds, problem.optimization
    )
    threads = Threads(1)
    _, learning = SoftmaxMeasurer(problem, Estimation(), threads).measure(weights_of(problem))
    threads.close()
    assert np.isnan([learning.test_loss, learning.test_accuracy]).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_layers_are_binned_as_the_paper_bins_them(activation: str) -> None:
    problem = problem_of(rule_of(200), (6, 3), activation)
    weights = weights_of(problem)
    found = measured(problem, weights)
    for network in range(3):
        for layer, a in enumerate(outputs_of(problem, weights, network)):
            values = (a.exp() if layer == 2 else a).numpy()
            low, high = (0.0, values.max()) if activation == "relu" and layer < 2 else (-1.0, 1.0)
            bins = np.minimum(((values - low) / (high - low) * 30).astype(int), 29)
            _, group = np.unique(bins, axis=0, return_inverse=True)
            expected = information_of_labels(group.ravel(), group.max() + 1, problem.rule.p_y)
            assert (found.i_x[network, layer], found.i_y[network, layer]) == pytest.approx(expected, abs=1e-9)
            assert found.distinct[network, layer] == group.max() + 1
            if layer == 2:
                assert found.saturated[network, layer] == pytest.approx((np.abs(2 * values - 1) > 0.9).mean())
                assert np.isnan(found.nonlinear[network, layer])


@pytest.mark.parametrize("estimator", ["binning", "adaptive", "quantile", "exact", "kde"])
def test_over_some_patterns_information_is_that_of_the_rule_of_these_alone(estimator: str) -> None:
    rule = rule_of(60, hard=True)
    chosen = np.sort(np.random.default_rng(3).permutation(60)[:25])
    problem = problem_of(rule)
    alone = problem_of(rule.over(chosen))
    weights = weights_of(problem)
    some = measured(problem, weights, part=chosen, estimator=estimator)
    whole = measured(alone, weights, estimator=estimator)
    for name in ("i_x", "i_y", "i_x_lower", "i_y_lower", "distinct", "low", "high", "saturated"):
        assert getattr(some, name) == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-9, nan_ok=True)
    assert rule.over(chosen).h_x == pytest.approx(math.log2(25))


def test_the_number_of_threads_changes_no_bit() -> None:
    problem = problem_of(rule_of(300, 40, 5), (60, 30), networks=4)
    weights = weights_of(problem)
    found = []
    for count in (1, 3):
        threads = Threads(count)
        found.append(SoftmaxMeasurer(problem, Estimation(estimator="kde", noise=0.1), threads).measure(weights)[0])
        threads.close()
    assert np.array_equal(found[0].i_x, found[1].i_x)
    assert np.array_equal(found[0].i_y_lower, found[1].i_y_lower)


# The pairwise bounds


def bounds(points: np.ndarray, p_y: np.ndarray, noise: float) -> tuple[float, float, float, float]:
    _, group = np.unique(points, axis=0, return_inverse=True)
    return pairwise_bounds(LayerOutputs(points), noise, group.ravel().astype(np.int32), group.max() + 1, p_y)


def brute_force(points: np.ndarray, p_y: np.ndarray, noise: float) -> tuple[float, float, float, float]:
    """The sums of the docstrings, one pattern a Gaussian, in loops."""
    n, labels = p_y.shape
    square = ((points[:, None] - points) ** 2).sum(axis=2)
    p = p_y.mean(axis=0)
    entropies = []
    for scale in (8 * noise, 2 * noise):
        likeness = np.exp(-square / scale)
        whole = -np.log2((likeness / n).sum(axis=1)).mean()
        parts = 0.0
        for k in range(labels):
            c = p_y[:, k] / n / p[k] if p[k] > 0 else np.zeros(n)
            parts -= p[k] * sum(c[i] * math.log2(likeness[i] @ c) for i in range(n) if c[i] > 0)
        entropies.append((whole, parts))
    mass, near = p_y / n, np.exp(-square / (2 * noise))
    confused = 0.0
    for k, l in combinations(range(labels), 2):
        for i in range(n):
            for j in range(n):
                rest_i = near[i] @ np.delete(mass, k, axis=1).sum(axis=1)
                rest_j = near[j] @ np.delete(mass, l, axis=1).sum(axis=1)
                if mass[i, k] * mass[j, l] > 0:
                    pair = near[i, j] * math.exp(-square[i, j] / (4 * noise))
                    confused += mass[i, k] * mass[j, l] * pair / (rest_i + rest_j)
    i_xy = label_information(p_y)
    (low, parts_low), (high, parts_high) = entropies
    i_y = min(high - parts_low, float(label_entropy(p)) - 4 * confused, i_xy)
    return high, max(i_y, 0.0), low, min(max(low - parts_high, 0.0), i_xy)


@given(seed=st.integers(0, 999), labels=st.integers(2, 4), hard=st.booleans(), noise=st.sampled_from([0.03, 0.3, 3.0]))
def test_the_bounds_are_the_sums_over_pairs(seed: int, labels: int, hard: bool, noise: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(9, 2))
    p_y = np.eye(labels)[rng.integers(0, labels, 9)] if hard else rng.dirichlet(np.ones(labels), 9)
    assert bounds(points, p_y, noise) == pytest.approx(brute_force(points, p_y, noise), abs=1e-9)


@given(seed=st.integers(0, 999), noise=st.sampled_from([0.003, 0.1, 2.0]))
def test_of_two_labels_they_are_those_of_the_compiled_estimator(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 4, (50, 3)) / 4 + rng.normal(size=(50, 3)) * (seed % 2)
    _, group = np.unique(points, axis=0, return_inverse=True)
    p = rng.uniform(size=group.max() + 1)[group.ravel()]
    padded = np.zeros((4, 50 + 32))
    padded[:3, :50] = points.T
    groups, count = group.ravel().astype(np.int32), int(group.max()) + 1
    compiled = density_bounds(padded, 3, noise, groups, count, p, label_information(p))
    found = pairwise_bounds(LayerOutputs(points), noise, groups, count, np.stack([1 - p, p], axis=1))
    assert found == pytest.approx(compiled, abs=1e-9)


def test_far_apart_they_are_entropies_and_together_they_are_nothing() -> None:
    p_y = np.eye(4)[np.arange(32) % 4]
    apart = bounds(np.arange(32.0)[:, None] * 100, p_y, 1.0)
    assert apart == pytest.approx((5.0, 2.0, 5.0, 2.0), abs=1e-9)
    assert bounds(np.arange(32.0)[:, None] * 1e-6, p_y, 1.0) == pytest.approx((0.0, 0.0, 0.0, 0.0), abs=1e-6)


def test_the_bounds_hold_the_information_of_gaussians_on_a_line() -> None:
    """Four labels, a Gaussian each: I(T+noise;Y) = I(X;T+noise) by integration."""
    places, noise = np.array([0.0, 0.7, 1.9, 2.4]), 0.25
    grid = np.linspace(-6, 9, 60_001)
    densities = np.exp(-((grid - places[:, None]) ** 2) / (2 * noise)) / math.sqrt(2 * math.pi * noise)
    mixture = densities.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(densities > 0, densities * np.log2(densities / mixture), 0.0)
    true = float(np.trapezoid(terms.mean(axis=0), grid))
    i_x, i_y, i_x_lower, i_y_lower = bounds(places[:, None], np.eye(4), noise)
    assert i_x_lower < true < i_x
    assert i_y_lower < true < i_y
    assert i_y - true < 0.6
