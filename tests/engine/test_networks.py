"""Where weights lie, what they start from, and the samples networks learn from."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import kstest, norm, truncnorm

from ibtui_engine.networks import Architecture, Samples, draw_samples, sample_size
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule

PAPER = Architecture((12, 10, 8, 6, 4, 2, 1), "tanh")
WIDTHS = st.lists(st.integers(1, 9), min_size=1, max_size=5).map(lambda widths: (*widths, 1))
SEED_LISTS = st.lists(st.integers(0, 2**62), min_size=1, max_size=5, unique=True)
MIXED = Rule("mixed", binary_patterns(8), np.linspace(0, 1, 256) ** 2)


def test_an_architecture_puts_the_hidden_layers_between_inputs_and_one_output() -> None:
    assert Architecture.of(MIXED, (7, 5), "relu") == Architecture((8, 7, 5, 1), "relu")
    assert Architecture.of(MIXED, (), "tanh").widths == (8, 1)
    assert Architecture.of(MIXED, (), "tanh").layers == 1
    assert PAPER.layers == 6


@given(WIDTHS)
def test_parameters_are_those_of_the_same_network_in_torch(widths: tuple[int, ...]) -> None:
    linear = [torch.nn.Linear(inputs, units) for inputs, units in pairwise(widths)]
    architecture = Architecture(widths, "tanh")
    assert architecture.parameters == sum(p.numel() for layer in linear for p in layer.parameters())
    assert architecture.layers == len(linear)


@given(WIDTHS, st.integers(1, 4))
def test_matrices_are_views_that_hold_every_number_once_and_in_order(widths: tuple[int, ...], networks: int) -> None:
    architecture = Architecture(widths, "tanh")
    weights = np.arange(networks * architecture.parameters, dtype=np.float32).reshape(networks, -1)
    matrices = architecture.matrices(weights)
    assert [m.shape for m in matrices] == [(networks, units, inputs + 1) for inputs, units in pairwise(widths)]
    for network in range(networks):
        joined = np.concatenate([matrix[network].ravel() for matrix in matrices])
        assert np.array_equal(joined, weights[network])
    for matrix in matrices:
        matrix[:] = -1
    assert (weights == -1).all()


@given(WIDTHS, st.integers(0, 1000))
def test_weight_norms_leave_out_the_biases(widths: tuple[int, ...], seed: int) -> None:
    architecture = Architecture(widths, "tanh")
    weights = np.random.default_rng(seed).normal(size=(3, architecture.parameters)).astype(np.float32)
    expected = [
        [math.sqrt(math.fsum(float(w) ** 2 for row in matrix[k] for w in row[:-1])) for matrix in matrices]
        for matrices in [architecture.matrices(weights)]
        for k in range(3)
    ]
    assert architecture.weight_norms(weights) == pytest.approx(np.array(expected), rel=1e-14)


def test_weight_norms_of_huge_and_tiny_weights_neither_overflow_nor_vanish() -> None:
    architecture = Architecture((2, 1), "tanh")
    weights = np.array([[3e30, 4e30, 1], [3e-30, 4e-30, 1]], np.float32)
    assert architecture.weight_norms(weights) == pytest.approx(np.array([[5e30], [5e-30]]), rel=1e-6)


def test_initial_weights_are_a_normal_cut_off_at_two_standard_deviations() -> None:
    architecture = Architecture((30, 20, 10, 1), "tanh")
    matrices = architecture.matrices(architecture.initial_weights(range(100)))
    second_moment = quad(lambda x: x * x * norm.pdf(x), -2, 2)[0] / (norm.cdf(2) - norm.cdf(-2))
    assert math.sqrt(second_moment) == pytest.approx(0.8796, abs=1e-4)
    for matrix, fan_in in zip(matrices, (30, 20, 10), strict=True):
        scaled = matrix[:, :, :-1].astype(np.float64).ravel() * math.sqrt(fan_in)
        assert np.abs(scaled).max() <= 2 * (1 + 1e-6)
        assert np.abs(scaled).max() > 2 * 0.98
        error = 4.5 / math.sqrt(scaled.size)  # a unit normal's; the kurtosis of a cut-off one is lower
        assert scaled.mean() == pytest.approx(0, abs=error)
        assert scaled.std() == pytest.approx(math.sqrt(second_moment), abs=error)
        assert kstest(scaled, truncnorm(-2, 2).cdf).pvalue > 1e-3


def test_initial_weights_of_layers_and_seeds_are_uncorrelated() -> None:
    architecture = Architecture((20, 20, 20, 1), "tanh")
    first, second, _ = architecture.matrices(architecture.initial_weights(range(100)))
    unit = first[:, :, :-1] * math.sqrt(20)
    other = second[:, :, :-1] * math.sqrt(20)
    for product in (unit * other, unit[1:] * unit[:-1], unit[:, 1:] * unit[:, :-1], unit[:, :, 1:] * unit[:, :, :-1]):
        assert abs(product.mean()) < 4.5 / math.sqrt(product.size)


@given(WIDTHS, SEED_LISTS)
def test_initial_biases_are_zero_and_no_weight_is(widths: tuple[int, ...], seeds: list[int]) -> None:
    architecture = Architecture(widths, "tanh")
    weights = architecture.initial_weights(seeds)
    assert weights.dtype == np.float32
    for matrix in architecture.matrices(weights):
        assert (matrix[:, :, -1] == 0).all()
        assert (matrix[:, :, :-1] != 0).all()


@pytest.mark.parametrize("scale", [1e-3, 0.5, 4.0])
def test_the_initial_scale_multiplies_every_weight(scale: float) -> None:
    plain = PAPER.initial_weights([3, 4])
    scaled = PAPER.initial_weights([3, 4], scale)
    assert scaled == pytest.approx(plain * np.float32(scale), rel=1e-6)


@given(st.permutations(range(8)), st.integers(1, 8), st.sampled_from([0, 2**32 - 3, 2**62]))
def test_any_seeds_rows_are_the_same_whatever_the_others(order: list[int], count: int, first: int) -> None:
    seeds = [first + k for k in order]
    some = seeds[:count]
    weights = PAPER.initial_weights(sorted(seeds))
    samples = draw_samples(MIXED, 0.4, sorted(seeds))
    rows = [sorted(seeds).index(seed) for seed in some]
    assert np.array_equal(PAPER.initial_weights(some), weights[rows])
    again = draw_samples(MIXED, 0.4, some)
    assert np.array_equal(again.patterns, samples.patterns[rows])
    assert np.array_equal(again.labels, samples.labels[rows])
    assert len(np.unique(weights, axis=0)) == len(np.unique(samples.patterns, axis=0)) == 8


@pytest.mark.parametrize(
    ("patterns", "fraction", "size"),
    [
        (4096, 0.85, 3482),
        (4096, 1.0, 4096),
        (4096, 0.05, 205),
        (4096, 1e-9, 1),
        (10, 0.04, 1),
        (3, 0.5, 2),
        (1, 0.3, 1),
    ],
)
def test_a_sample_is_the_nearest_number_of_patterns_and_at_least_one(patterns: int, fraction: float, size: int) -> None:
    assert sample_size(patterns, fraction) == size


@given(st.integers(1, 100_000), st.floats(0, 1, exclude_min=True))
def test_a_sample_is_never_empty_nor_more_than_all_patterns(patterns: int, fraction: float) -> None:
    size = sample_size(patterns, fraction)
    assert 1 <= size <= patterns
    assert abs(size - patterns * fraction) <= 0.5 or size == 1


@given(st.floats(0, 1, exclude_min=True), SEED_LISTS)
def test_samples_are_without_replacement_and_ascending(fraction: float, seeds: list[int]) -> None:
    samples = draw_samples(MIXED, fraction, seeds)
    assert samples.size == sample_size(256, fraction)
    assert samples.patterns.shape == samples.labels.shape == (len(seeds), samples.size)
    assert (np.diff(samples.patterns, axis=1) > 0).all()
    assert samples.patterns.min() >= 0
    assert samples.patterns.max() < 256
    assert set(np.unique(samples.labels)) <= {0, 1}


@given(st.lists(st.floats(0, 1, exclude_min=True), min_size=2, max_size=2), SEED_LISTS)
def test_a_smaller_sample_lies_inside_a_larger_one_with_the_same_labels(
    fractions: list[float], seeds: list[int]
) -> None:
    small, large = (draw_samples(MIXED, fraction, seeds) for fraction in sorted(fractions))
    for k in range(len(seeds)):
        labels = dict(zip(large.patterns[k].tolist(), large.labels[k].tolist(), strict=True))
        for pattern, label in zip(small.patterns[k].tolist(), small.labels[k].tolist(), strict=True):
            assert labels[pattern] == label


def test_the_whole_sample_is_all_patterns_and_the_smallest_is_one() -> None:
    assert np.array_equal(draw_samples(MIXED, 1.0, [5]).patterns, np.arange(256)[None])
    assert draw_samples(MIXED, 1e-12, [5]).patterns.shape == (1, 1)


def labels_of_all_patterns(samples: Samples) -> np.ndarray:
    assert samples.size == 256
    return samples.labels


def test_labels_follow_the_rules_probabilities() -> None:
    """Each pattern's share of labels 1 over 4000 networks, and the sum of the squared deviations of all 256."""
    networks = 4000
    share = labels_of_all_patterns(draw_samples(MIXED, 1.0, range(networks))).mean(axis=0)
    deviation = np.sqrt(MIXED.p_y * (1 - MIXED.p_y) / networks)
    certain = deviation == 0
    assert certain.sum() == 2
    assert np.array_equal(share[certain], MIXED.p_y[certain])
    z = (share - MIXED.p_y)[~certain] / deviation[~certain]
    common = deviation[~certain] > 1e-3  # rare labels are far from normal
    assert np.abs(z[common]).max() < 4.5
    assert (z[common] ** 2).mean() == pytest.approx(1, abs=4.5 * math.sqrt(2 / common.sum()))


def test_labels_are_drawn_apart_from_the_patterns_and_from_each_other() -> None:
    coins = Rule("coins", binary_patterns(8), np.full(256, 0.5))
    labels = labels_of_all_patterns(draw_samples(coins, 1.0, range(500))) - 0.5
    half = draw_samples(coins, 0.5, range(500))
    inside = np.zeros((500, 256), bool)
    np.put_along_axis(inside, half.patterns, True, axis=1)
    for product in (labels[1:] * labels[:-1], labels[:, 1:] * labels[:, :-1], labels * (inside - 0.5)):
        assert abs(product.mean()) < 4.5 * 0.25 / math.sqrt(product.size)


def test_random_labels_are_a_fair_coin_s_for_the_same_patterns_whatever_the_rule_says() -> None:
    seeds = range(500)
    true, random = (draw_samples(MIXED, 0.5, seeds, labels) for labels in ("rule", "random"))
    assert np.array_equal(true.patterns, random.patterns)
    assert abs(random.labels.mean() - 0.5) < 4.5 * 0.5 / math.sqrt(random.labels.size)
    probable = MIXED.p_y[true.patterns] - MIXED.p_y.mean()
    for other in (true.labels - true.labels.mean(), probable):
        product = (random.labels - 0.5) * other
        assert abs(product.mean()) < 4.5 * product.std() / math.sqrt(product.size)
    coins = Rule("coins", binary_patterns(8), np.full(256, 0.5))  # where the rule itself is a coin, it is another one
    labels = [draw_samples(coins, 1.0, seeds, kind).labels.astype(float) - 0.5 for kind in ("rule", "random")]
    assert abs((labels[0] * labels[1]).mean()) < 4.5 * 0.25 / math.sqrt(labels[0].size)


def test_random_labels_are_nested_and_depend_on_the_seed_alone() -> None:
    small, large = (draw_samples(MIXED, fraction, [3, 9], "random") for fraction in (0.2, 0.7))
    for row in range(2):
        known = dict(zip(large.patterns[row].tolist(), large.labels[row].tolist(), strict=True))
        assert all(known[p] == y for p, y in zip(small.patterns[row].tolist(), small.labels[row].tolist(), strict=True))
    alone = draw_samples(MIXED, 0.7, [9], "random")
    assert np.array_equal(alone.labels[0], large.labels[1])


def test_every_pattern_is_drawn_equally_often() -> None:
    networks, fraction = 4000, 0.25
    counts = np.bincount(draw_samples(MIXED, fraction, range(networks)).patterns.ravel(), minlength=256)
    deviation = math.sqrt(networks * fraction * (1 - fraction))
    z = (counts - networks * fraction) / deviation
    assert np.abs(z).max() < 4.5
    assert (z**2).mean() == pytest.approx(1, abs=4.5 * math.sqrt(2 / 256))
