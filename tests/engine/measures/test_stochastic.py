"""Information of stochastic networks against sums over all joint states, closed forms, and data processing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.checks import violations
from ibtui_engine.measures.choice import make_measurer
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.networks import Architecture, Samples, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule, binary_entropy
from ibtui_engine.stochastic import chances, encoders_of, state_probabilities, states_of
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Optimization, Problem
from tests import naive_states
from tests.naive import network_of

EXPERIMENT = Experiment(units="stochastic")  # type: ignore[arg-type]


def problem_of(rule: Rule, hidden: tuple[int, ...], networks: int = 1, fraction: float = 0.5) -> Problem:
    samples = draw_samples(rule, fraction, range(networks))
    architecture = Architecture.of(rule, hidden, "tanh", stochastic=True)
    return Problem(architecture, rule, samples, tuple(range(networks)), Optimization("sgd", 0.1, 0.9, 8))


def measured(problem: Problem, weights: np.ndarray, threads: int = 1) -> tuple[LayerInformation, Learning]:
    return make_measurer(problem, EXPERIMENT, Threads(threads), None).measure(weights.astype(np.float32))


def random_rule(seed: int, inputs: int = 3, patterns: int = 6, *, weighted: bool = False) -> Rule:
    rng = np.random.default_rng(seed)
    p_x = rng.dirichlet(np.ones(patterns)) if weighted else None
    return Rule("random", rng.normal(size=(patterns, inputs)).astype(np.float32), rng.uniform(size=patterns), p_x=p_x)


def random_weights(problem: Problem, seed: int, scale: float = 1.5) -> np.ndarray:
    shape = (len(problem.seeds), problem.architecture.parameters)
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("hidden", [(2,), (2, 1, 2), (3, 2), ()], ids=str)
def test_all_numbers_are_those_of_every_joint_state(hidden: tuple[int, ...], weighted: bool) -> None:
    rule = random_rule(3, weighted=weighted)
    problem = problem_of(rule, hidden, networks=2)
    weights = random_weights(problem, 5)
    information, learning = measured(problem, weights)
    p_x = np.full(len(rule.p_y), 1 / len(rule.p_y)) if rule.p_x is None else rule.p_x
    for network in range(2):
        matrices = network_of(weights[network], problem.architecture.widths)
        expected = naive_states.information(matrices, rule.patterns, rule.p_y, p_x)
        for layer, (i_x, i_y) in enumerate(expected):
            assert information.i_x[network, layer] == pytest.approx(i_x, abs=1e-12)
            assert information.i_y[network, layer] == pytest.approx(i_y, abs=1e-12)
        inside = problem.samples.patterns[network]
        outside = np.setdiff1d(np.arange(len(rule.p_y)), inside)
        losses = np.array([[naive_states.loss(matrices, x.astype(float), y) for x in rule.patterns] for y in (0, 1)])
        guess = np.array([naive_states.answer(matrices, x.astype(float)) > 0.5 for x in rule.patterns])
        labels = problem.samples.labels[network]
        assert learning.train_loss[network] == pytest.approx(np.average(losses[labels, inside], weights=p_x[inside]))
        assert learning.train_accuracy[network] == pytest.approx(
            np.average(guess[inside] == labels, weights=p_x[inside])
        )
        p_y = rule.p_y[outside]
        assert learning.test_loss[network] == pytest.approx(
            np.average((1 - p_y) * losses[0, outside] + p_y * losses[1, outside], weights=p_x[outside])
        )
        right = np.where(guess[outside], p_y, 1 - p_y)
        assert learning.test_accuracy[network] == pytest.approx(np.average(right, weights=p_x[outside]))


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_information_of_the_orbit_is_that_of_every_joint_state(weighted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = replace(random_rule(3, weighted=weighted), p_y=np.array([0.2, 0.9, 0.2, 0.5, 0.9, 0.2]))
    problem = problem_of(rule, (2, 3))
    weights = random_weights(problem, 2)
    matrices = network_of(weights[0], problem.architecture.widths)
    p_x = np.full(6, 1 / 6) if rule.p_x is None else rule.p_x
    expected = naive_states.information(matrices, rule.patterns, rule.p_y, p_x, orbits=rule.p_y.tolist())
    monkeypatch.setattr("ibtui_engine.measures.stochastic.BLOCK", 4)
    information, _ = measured(problem, weights)
    np.testing.assert_allclose(information.i_orbit[0], [i_x for i_x, _ in expected], atol=1e-12)
    assert (information.i_orbit <= information.i_x + 1e-12).all()
    assert (information.i_y <= information.i_orbit + 1e-12).all()
    monkeypatch.setattr("ibtui_engine.measures.stochastic.MOST_SHARED", 3 * 4)
    assert np.isfinite(measured(problem, weights)[0].i_orbit).tolist() == [[True, False, True]]


def test_shares_of_saturated_units_are_weighed_by_the_states_below() -> None:
    problem = problem_of(random_rule(1), (2, 2))
    weights = random_weights(problem, 8)
    information, _ = measured(problem, weights)
    matrices = network_of(weights[0], problem.architecture.widths)
    saturated = nonlinear = 0.0
    for x in problem.rule.patterns.astype(float):
        for states, chance in naive_states.joint_states(matrices, x):
            z = np.abs(matrices[1][:, :-1] @ np.array(states[0]) + matrices[1][:, -1])
            saturated += chance * float((np.tanh(z) > 0.9).mean()) / len(problem.rule.p_y)
            nonlinear += chance * float((np.tanh(z) < 0.9 * z).mean()) / len(problem.rule.p_y)
    assert information.saturated[0, 1] == pytest.approx(saturated)
    assert information.nonlinear[0, 1] == pytest.approx(nonlinear)


# closed forms


def test_layers_without_weights_know_nothing() -> None:
    problem = problem_of(random_rule(0), (3, 2))
    weights = np.zeros((1, problem.architecture.parameters), np.float32)
    information, learning = measured(problem, weights)
    assert np.abs([information.i_x, information.i_y]).max() < 1e-12
    assert learning.train_loss[0] == pytest.approx(math.log(2))
    assert information.distinct.tolist() == [[8, 4, 2]]
    assert (information.low.tolist(), information.high.tolist()) == ([[-1, -1, 0]], [[1, 1, 1]])


def test_one_unit_has_the_information_of_a_binary_channel() -> None:
    """I(X;T) = H(mean p) − mean H(p), with p = s(2z)."""
    problem = problem_of(random_rule(2, inputs=2), (1,))
    weights = random_weights(problem, 1)
    p = 1 / (1 + np.exp(-2 * (problem.rule.patterns.astype(float) @ weights[0, :2] + weights[0, 2])))
    information, _ = measured(problem, weights)
    expected = binary_entropy(p.mean()) - binary_entropy(p).mean()
    assert information.i_x[0, 0] == pytest.approx(float(expected), abs=1e-12)


def test_units_without_noise_copy_binary_inputs() -> None:
    """With weights of 100, a layer of as many units as inputs is X itself: I(X;T) = H(X) and I(T;Y) = I(X;Y)."""
    rule = Rule("ramp", binary_patterns(4), np.linspace(0.1, 0.8, 16))
    problem = problem_of(rule, (4, 4))
    weights = np.zeros((1, problem.architecture.parameters), np.float32)
    first, second, _ = problem.architecture.matrices(weights)
    first[0, :, :-1], first[0, :, -1] = 200 * np.eye(4), -100
    second[0, :, :-1] = 100 * np.eye(4)
    information, _ = measured(problem, weights)
    np.testing.assert_allclose(information.i_x[0, :2], 4, atol=1e-12)
    np.testing.assert_allclose(information.i_y[0, :2], rule.i_xy, atol=1e-12)


def test_states_are_numbered_by_their_bits() -> None:
    assert states_of(2).tolist() == [[-1, -1], [1, -1], [-1, 1], [1, 1]]
    up, down = chances(np.array([[0.3, -2.0]]))
    found = state_probabilities(up, down)[0]
    expected = [math.prod(u if t > 0 else 1 - u for u, t in zip(up[0], state, strict=True)) for state in states_of(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    tiny, _ = chances(np.array([-800.0, -40.0]))
    assert tiny[0] == 0
    assert tiny[1] == pytest.approx(math.exp(-40), rel=1e-12)


# how it is measured


def test_blocks_of_patterns_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(random_rule(4, patterns=11), (3, 2))
    weights = random_weights(problem, 4)
    (whole, learned), parts = measured(problem, weights), np.full((1, 11), 1 / 11)
    matrices = network_of(weights[0], problem.architecture.widths)
    at_once = encoders_of(matrices, problem.rule.patterns, parts)
    monkeypatch.setattr("ibtui_engine.stochastic.BLOCK", 4)
    monkeypatch.setattr("ibtui_engine.measures.stochastic.BLOCK", 4)
    in_blocks, again = measured(problem, weights)
    np.testing.assert_allclose(in_blocks.i_x, whole.i_x, atol=1e-12)
    np.testing.assert_allclose(in_blocks.i_y, whole.i_y, atol=1e-12)
    assert again.test_loss[0] == pytest.approx(learned.test_loss[0])
    for (joint, i_x), (other, also) in zip(at_once, encoders_of(matrices, problem.rule.patterns, parts), strict=True):
        np.testing.assert_allclose(joint, other, atol=1e-15)
        assert i_x == pytest.approx(also, abs=1e-12)
    np.testing.assert_allclose(whole.i_x[0], [i_x for _, i_x in at_once], atol=1e-12)


def test_neither_threads_nor_other_networks_change_a_number() -> None:
    problem = problem_of(load_rule("symmetric"), (6, 5, 2), networks=4)
    weights = random_weights(problem, 0, scale=0.5)
    one, other = measured(problem, weights)[0], measured(problem, weights, threads=3)[0]
    assert np.array_equal(one.i_x, other.i_x)
    third = slice(2, 3)
    samples = Samples(problem.samples.patterns[third], problem.samples.labels[third])
    alone = measured(replace(problem, samples=samples, seeds=(2,)), weights[third])[0]
    assert np.array_equal(alone.i_x, one.i_x[third])
    assert np.array_equal(alone.i_y, one.i_y[third])


def test_rows_that_are_held_out_are_measured_as_a_rule_of_their_own() -> None:
    apart = random_rule(6, patterns=5)
    rule = replace(random_rule(7), held_out=apart)
    problem = problem_of(rule, (3, 2))
    weights = random_weights(problem, 3)
    information, learning = measured(problem, weights)
    of_them, _ = measured(problem_of(apart, (3, 2)), weights)
    assert np.array_equal(information.held_out_i_x, of_them.i_x)
    assert np.array_equal(information.held_out_i_y, of_them.i_y)
    assert np.isfinite(learning.held_out_loss).all()


# data processing


@pytest.mark.parametrize(
    "networks", [pytest.param(200, id="200"), pytest.param(10_000, id="10000", marks=pytest.mark.long)]
)
def test_no_random_network_breaks_the_inequalities_of_data_processing(networks: int) -> None:
    """Ten shapes, so that the long test has 10^5 networks."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        rule = random_rule(seed, patterns=int(rng.integers(2, 9)), weighted=bool(seed % 2))
        hidden = tuple(rng.integers(1, 5, size=int(rng.integers(1, 5))).tolist())
        problem = problem_of(rule, hidden, networks=networks)
        scale = np.exp(rng.uniform(-2, 4, size=(networks, 1)))
        information, _ = measured(problem, scale * random_weights(problem, seed, scale=1.0))
        assert violations(information.i_x[None], information.i_y[None], rule.h_x, rule.i_xy) == ()
