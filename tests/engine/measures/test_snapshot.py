"""A snapshot against a second computation of everything in it: NumPy in double precision, counting rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from ibtui_engine.activations import bin_range
from ibtui_engine.experiment import ACTIVATIONS, Hidden
from ibtui_engine.measures.snapshot import OUTSIDE, LayerInformation, Learning, Measurer, label_map
from ibtui_engine.networks import Architecture, Samples, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from tests import naive

ONE_THREAD = Threads(1)


def problem_of(
    rule: Rule, hidden: Hidden, activation: str, *, fraction: float = 0.6, networks: int = 3, learning_rate: float = 0.5
) -> Problem:
    seeds = tuple(range(networks))
    samples = draw_samples(rule, fraction, seeds)
    how = Optimization("sgd", learning_rate, 0.9, min(256, samples.size))
    return Problem(Architecture.of(rule, hidden, activation), rule, samples, seeds, how)


def trained(problem: Problem, epochs: int) -> np.ndarray:
    trainer = FusedTrainer(problem, TrainingState.initial(problem, 1.0), ONE_THREAD)
    trainer.advance(epochs)
    return trainer.state().weights


def odd_table() -> Rule:
    """101 patterns (no multiple of any vector) of 5 inputs that are no bits, some twice, with soft labels."""
    random = np.random.default_rng(5)
    patterns = random.normal(size=(101, 5)).astype(np.float32)
    p_y = np.round(random.random(101), 3)
    patterns[90:], p_y[90:] = patterns[:11], p_y[:11]
    return Rule("odd", patterns, p_y)


def outputs(problem: Problem, row: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Each layer's values (patterns x units, the output last) and the output's logits, of one network."""
    architecture = problem.architecture
    network = naive.network_of(row, architecture.widths)
    return naive.outputs(network, problem.rule.patterns, architecture.activation)


def ends_of(problem: Problem, values: list[np.ndarray]) -> Iterator[tuple[float, float]]:
    """The range that each layer is binned on."""
    for layer in values[:-1]:
        match problem.architecture.activation:
            case "tanh" | "softsign":
                yield -1.0, 1.0
            case "sigmoid":
                yield 0.0, 1.0
            case "relu":
                yield 0.0, float(layer.max())
            case "linear":
                yield float(layer.min()), float(layer.max())
    yield -1.0, 1.0


def measure(problem: Problem, weights: np.ndarray, bins: int = 30) -> tuple[LayerInformation, Learning]:
    return Measurer(problem, bins, ONE_THREAD).measure(weights)


RULES = {"symmetric": load_rule("symmetric"), "symmetric-soft": load_rule("symmetric-soft"), "table": odd_table()}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bins", [30, 7])
def test_information_is_what_counting_rows_of_bins_gives(rule: str, activation: str, bins: int) -> None:
    problem = problem_of(RULES[rule], (7, 5, 3), activation, networks=2, learning_rate=0.2)
    weights = trained(problem, 12)
    measured, _ = measure(problem, weights, bins)
    for network, row in enumerate(weights):
        values, _ = outputs(problem, row)
        for layer, (value, (low, high)) in enumerate(zip(values, ends_of(problem, values), strict=True)):
            edges = low + (high - low) * np.arange(bins + 1) / bins
            inner = edges[1:-1]
            # The count is exact where rounding cannot move a value over an edge; this network must be such a one.
            reached = inner[inner > 1e-9] if layer == len(values) - 1 else inner  # logistic: above 0 for certain
            assert np.abs(value[:, :, None] - reached).min() > 1e-11 * (high - low)
            expected = naive.information(np.searchsorted(inner, value, side="right"), problem.rule.p_y)
            found = (measured.i_x, measured.i_y, measured.distinct)
            assert [numbers[network, layer] for numbers in found] == pytest.approx(list(expected), abs=1e-9)
            assert measured.low[network, layer] == pytest.approx(low, rel=1e-12)
            assert measured.high[network, layer] == pytest.approx(high, rel=1e-12)


def test_a_layer_of_forty_neurons_is_counted_exactly() -> None:
    """Thirty bins of forty neurons are a number of 197 bits."""
    problem = problem_of(RULES["symmetric"], (40, 2), "tanh", networks=1)
    weights = trained(problem, 300)
    measured, _ = measure(problem, weights)
    values, _ = outputs(problem, weights[0])
    for layer, value in enumerate(values):
        bins = np.clip(np.floor((value + 1) * 15), 0, 29)
        i_x, i_y, distinct = naive.information(bins, problem.rule.p_y)
        assert measured.distinct[0, layer] == distinct
        assert (measured.i_x[0, layer], measured.i_y[0, layer]) == pytest.approx((i_x, i_y), abs=1e-9)
    assert 1 < measured.distinct[0, 1] < 4096


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_values_exactly_on_edges_belong_to_the_bin_above(activation: str) -> None:
    """Weights that are quarters make values that are quarters, and these bins have an edge at every quarter."""
    problem = problem_of(RULES["symmetric-soft"], (6, 4), activation, networks=4)
    random = np.random.default_rng(3)
    matrices = problem.architecture.matrices(np.zeros((4, problem.architecture.parameters), np.float32))
    weights = np.concatenate([random.integers(-2, 3, m.shape).reshape(4, -1) for m in matrices], axis=1)
    weights = (weights / 4).astype(np.float32)
    for network, row in enumerate(weights):
        values, _ = outputs(problem, row)
        for layer, unit in ((0, 4), (1, 16)):  # quarters, then sixteenths
            whole = values[layer] * unit
            assert np.array_equal(whole, np.rint(whole))
            low = whole.min() if activation == "linear" else 0.0
            bins = int(whole.max() - low)
            measured, _ = measure(problem, weights, bins)
            expected = naive.information(np.minimum(whole - low, bins - 1), problem.rule.p_y)
            found = (measured.i_x, measured.i_y, measured.distinct)
            assert [numbers[network, layer] for numbers in found] == pytest.approx(list(expected), abs=1e-12)
            assert measured.low[network, layer] == low / unit
            assert measured.high[network, layer] == whole.max() / unit


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rule", ["symmetric-soft", "table"])
def test_losses_and_accuracies_are_those_of_the_logits(activation: str, rule: str) -> None:
    problem = problem_of(RULES[rule], (5, 3), activation, networks=3)
    weights = trained(problem, 20)
    _, learning = measure(problem, weights)
    p_y = problem.rule.p_y
    for network, row in enumerate(weights):
        _, z = outputs(problem, row)
        expected = naive.learning(z, problem.samples.patterns[network], problem.samples.labels[network], p_y)
        found = (learning.train_loss, learning.test_loss, learning.train_accuracy, learning.test_accuracy)
        assert [numbers[network] for numbers in found] == pytest.approx(expected, rel=1e-10)


def test_losses_of_answers_that_are_as_good_as_certain_stay_finite() -> None:
    problem = problem_of(RULES["symmetric"], (), "tanh", networks=1)
    weights = np.zeros((1, problem.architecture.parameters), np.float32)
    for bias in (1e4, -1e4, 1e30):
        weights[0, -1] = bias
        _, learning = measure(problem, weights)
        wrong = (problem.samples.labels[0] == (bias < 0)).mean()
        assert learning.train_loss[0] == pytest.approx(abs(bias) * wrong, rel=1e-6)
        assert learning.train_accuracy[0] == pytest.approx(1 - wrong)
        assert np.isfinite(learning.test_loss[0])


def test_a_logit_of_zero_counts_as_the_answer_zero() -> None:
    problem = problem_of(RULES["symmetric-soft"], (3,), "tanh", networks=2)
    _, learning = measure(problem, np.zeros((2, problem.architecture.parameters), np.float32))
    assert learning.train_loss == pytest.approx([math.log(2)] * 2, rel=1e-14)
    assert learning.test_loss == pytest.approx([math.log(2)] * 2, rel=1e-14)
    assert learning.train_accuracy == pytest.approx((problem.samples.labels == 0).mean(axis=1))
    for network in range(2):
        outside = np.setdiff1d(np.arange(4096), problem.samples.patterns[network])
        assert learning.test_accuracy[network] == pytest.approx(1 - problem.rule.p_y[outside].mean())


def test_nothing_is_said_of_patterns_outside_a_sample_that_has_them_all() -> None:
    problem = problem_of(RULES["table"], (4,), "tanh", fraction=1.0)
    _, learning = measure(problem, trained(problem, 2))
    assert np.isnan(learning.test_loss).all()
    assert np.isnan(learning.test_accuracy).all()
    assert np.isfinite(learning.train_loss).all()
    assert np.isfinite(learning.train_accuracy).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_layers_know_no_more_of_y_than_x_does_and_no_more_than_they_know_of_x(activation: str) -> None:
    for rule in RULES.values():
        problem = problem_of(rule, (8, 3), activation, networks=4)
        measured, _ = measure(problem, trained(problem, 15))
        assert (measured.i_y <= rule.i_xy + 1e-12).all()
        assert (measured.i_y <= measured.i_x + 1e-12).all()
        assert (measured.i_x <= rule.h_x + 1e-12).all()
        assert (measured.i_x <= np.log2(measured.distinct) + 1e-12).all()
        assert (measured.i_y >= 0).all()
        assert (measured.distinct[:, -1] <= 15).all()  # a logistic output fills the upper half of [-1, 1]


def test_a_layer_that_tells_all_patterns_apart_knows_all_there_is() -> None:
    rule = RULES["symmetric"]
    problem = problem_of(rule, (12,), "tanh", networks=2)
    measured, _ = measure(problem, trained(problem, 1), bins=1_000_000)
    assert measured.distinct[:, 0].tolist() == [4096, 4096]
    assert measured.i_x[:, 0].tolist() == [12.0, 12.0]
    assert measured.i_y[:, 0] == pytest.approx([rule.i_xy] * 2, abs=1e-12)


def test_equal_patterns_are_never_told_apart() -> None:
    rule = RULES["table"]
    problem = problem_of(rule, (5,), "tanh", networks=2)
    measured, _ = measure(problem, trained(problem, 1), bins=1_000_000)
    assert measured.distinct[:, 0].tolist() == [90, 90]
    assert measured.i_x[:, 0] == pytest.approx([rule.h_x] * 2, abs=1e-12)


@pytest.mark.parametrize("bias", [5.0, -5.0])
@pytest.mark.parametrize("rule", RULES)
def test_outputs_that_lie_far_from_zero_are_binned_where_they_lie(rule: str, bias: float) -> None:
    """The range is that of the patterns, whatever else lies in memory beside them."""
    problem = problem_of(RULES[rule], (4, 3), "linear", networks=1)
    weights = TrainingState.initial(problem, 0.01).weights
    for matrix in problem.architecture.matrices(weights)[:2]:
        matrix[0, :, -1] = bias
    measured, _ = measure(problem, weights)
    values, _ = outputs(problem, weights[0])
    for layer, value in enumerate(values[:2]):
        assert np.abs(value - bias).max() < 1
        assert (measured.low[0, layer], measured.high[0, layer]) == pytest.approx((value.min(), value.max()), rel=1e-12)
    assert measured.distinct[0, 0] > 10


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_a_dead_layer_has_no_information_and_neither_has_what_is_above_it(activation: str) -> None:
    problem = problem_of(RULES["symmetric"], (6, 5), activation, networks=2)
    weights = trained(problem, 1)
    first = problem.architecture.matrices(weights)[0]
    first[0, :, :-1] = 0.0
    first[0, :, -1] = -1.0 if activation == "relu" else 0.75
    measured, learning = measure(problem, weights)
    assert measured.i_x[0].tolist() == [0.0, 0.0, 0.0]
    assert measured.i_y[0] == pytest.approx([0.0] * 3, abs=1e-14)
    assert measured.low[0, 0] == measured.high[0, 0] == (0.0 if activation == "relu" else 0.75)
    assert np.isfinite(learning.train_loss).all()
    assert (measured.i_x[1] > 0).all()


def test_bounded_outputs_have_the_same_bins_at_every_snapshot_and_unbounded_ones_have_none() -> None:
    expected = {"tanh": (-1, 1), "softsign": (-1, 1), "sigmoid": (0, 1), "relu": None, "linear": None}
    assert {activation: bin_range(activation) for activation in ACTIVATIONS} == expected


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_neither_threads_nor_company_change_a_bit(activation: str) -> None:
    problem = problem_of(RULES["symmetric"], (6, 3), activation, networks=7)
    weights = trained(problem, 3)
    information, learning = measure(problem, weights)
    threads = Threads(3)
    try:
        again, learned = Measurer(problem, 30, threads).measure(weights)
    finally:
        threads.close()
    for name in ("i_x", "i_y", "distinct", "low", "high"):
        assert np.array_equal(getattr(information, name), getattr(again, name))
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
        assert np.array_equal(getattr(learning, name), getattr(learned, name))

    samples = Samples(problem.samples.patterns[4:5], problem.samples.labels[4:5])
    alone = Problem(problem.architecture, problem.rule, samples, (4,), problem.optimization)
    information_4, learning_4 = measure(alone, weights[4:5])
    assert np.array_equal(information_4.i_x[0], information.i_x[4])
    assert np.array_equal(information_4.i_y[0], information.i_y[4])
    assert learning_4.test_loss[0] == learning.test_loss[4]


def test_a_label_map_has_each_network_s_labels_and_marks_the_rest() -> None:
    rule = RULES["table"]
    samples = Samples(np.array([[0, 7, 100], [1, 2, 3]]), np.array([[1, 0, 1], [0, 0, 1]], np.uint8))
    labels = label_map(rule, samples)
    assert labels.shape == (2, 101)
    assert (labels[0, 0], labels[0, 7], labels[0, 100]) == (1, 0, 1)
    assert labels[1, 1:4].tolist() == [0, 0, 1]
    assert (labels == OUTSIDE).sum() == 2 * 101 - 6
