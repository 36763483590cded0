"""Every estimator that partitions the patterns, against counting in plain Python, and what must always hold."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.activations import LIMITS
from ibtui_engine.experiment import ACTIVATIONS, BINNED, Hidden
from ibtui_engine.measures.exact import exact_partition
from ibtui_engine.measures.kernels import COMPILED, estimator_of
from ibtui_engine.measures.quantile import quantile_partition
from ibtui_engine.measures.snapshot import LayerInformation, Measurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Optimization, Problem
from tests import naive
from tests.tiers import diagonal

ONE_THREAD = Threads(1)
SYMMETRIC = load_rule("symmetric-soft")
PARTITIONS = tuple(name for name in COMPILED if name != "kde")


def problem_of(rule: Rule, hidden: Hidden, activation: str, networks: int = 2) -> Problem:
    seeds = tuple(range(networks))
    samples = draw_samples(rule, 0.6, seeds)
    return Problem(Architecture.of(rule, hidden, activation), rule, samples, seeds, Optimization("sgd", 0.1, 0.9, 64))


def small_rule(patterns: int = 300) -> Rule:
    """Patterns that are no bits, some twice, with soft labels."""
    random = np.random.default_rng(3)
    inputs = random.normal(size=(patterns, 4)).astype(np.float32)
    p_y = np.round(random.random(patterns), 2)
    inputs[-20:], p_y[-20:] = inputs[:20], p_y[:20]
    return Rule("small", inputs, p_y)


SMALL = small_rule()


def outputs_of(problem: Problem, row: np.ndarray) -> list[np.ndarray]:
    """Each layer's outputs, patterns x units, by NumPy."""
    architecture = problem.architecture
    network = naive.network_of(row, architecture.widths)
    return naive.outputs(network, problem.rule.patterns, architecture.activation)[0]


def counted(tuples: list[tuple], p_y: np.ndarray) -> tuple[float, float, int]:
    """I(X;T), I(T;Y) in bits and the number of t: one dictionary, exact shares, sums of logarithms."""
    patterns = len(tuples)
    sizes = Counter(tuples)
    ones: dict[tuple, list[float]] = defaultdict(list)
    for t, p in zip(tuples, p_y.tolist(), strict=True):
        ones[t].append(p)

    def h(p: float) -> float:
        return -sum(q * math.log2(q) for q in (p, 1 - p) if q > 0)

    i_x = -math.fsum(size / patterns * math.log2(Fraction(size, patterns)) for size in sizes.values())
    rest = math.fsum(size / patterns * h(math.fsum(ones[t]) / size) for t, size in sizes.items())
    return i_x, h(math.fsum(p_y.tolist()) / patterns) - rest, len(sizes)


def bins_of(values: np.ndarray, estimator: str, bins: int) -> list[tuple]:
    """Each pattern's t; `values` are patterns x units of one layer."""
    if estimator == "exact":
        return [tuple(row) for row in values.tolist()]  # 0.0 == -0.0, and hashes alike
    if estimator == "adaptive":
        return [tuple(row) for row in naive.binned(values, values.min(), values.max(), bins).tolist()]
    return [tuple(row) for row in naive.ranked(values, bins).tolist()]


@pytest.mark.parametrize("rule", [SYMMETRIC, SMALL], ids=["symmetric", "small"])
@pytest.mark.parametrize(*diagonal(activation=ACTIVATIONS, estimator=("adaptive", "quantile")))
def test_measured_information_is_what_counting_gives(rule: Rule, activation: str, estimator: str) -> None:
    problem = problem_of(rule, (5, 3), activation)
    weights = problem.architecture.initial_weights(problem.seeds, 1.5)
    for bins in (2, 11):
        found, _ = Measurer(problem, bins, ONE_THREAD, estimator).measure(weights)
        for network, row in enumerate(weights):
            for layer, values in enumerate(outputs_of(problem, row)):
                if estimator == "quantile":
                    values = np.round(values, 11)  # neighbouring outputs that NumPy rounds apart are one
                expected = counted(bins_of(values, estimator, bins), rule.p_y)
                numbers = (found.i_x, found.i_y, found.distinct)
                # One pattern may lie so near an edge that NumPy's rounding puts it elsewhere.
                slack = 3 / len(rule.p_y)
                assert [n[network, layer] for n in numbers[:2]] == pytest.approx(expected[:2], abs=12 * slack)
                assert abs(found.distinct[network, layer] - expected[2]) <= 3
                assert found.low[network, layer] == pytest.approx(values.min(), abs=1e-9)
                assert found.high[network, layer] == pytest.approx(values.max(), abs=1e-9)


def partitioned(values: np.ndarray, estimator: str, bins: int) -> list[int]:
    """Group numbers of the kernels themselves; `values` are units x patterns."""
    units, patterns = values.shape
    slots = 2
    while slots < 2 * patterns:
        slots *= 2
    room = np.full((units, patterns + 3), 1e9)  # what lies beyond the patterns must not be looked at
    room[:, :patterns] = values
    groups, keys = np.empty(patterns, np.int32), np.empty(patterns, np.uint64)
    slot_keys, slot_groups = np.empty(slots, np.uint64), np.empty(slots, np.int32)
    if estimator == "exact":
        count = exact_partition(room, units, groups, keys, slot_keys, slot_groups)
    else:
        count = quantile_partition(room, units, bins, groups, keys, slot_keys, slot_groups)
    assert sorted(set(groups.tolist())) == list(range(count))
    return groups.tolist()


def same_partition(first: list, second: list) -> bool:
    return len(set(first)) == len(set(second)) == len(set(zip(first, second, strict=True)))


TIED = st.integers(1, 60).flatmap(
    lambda n: st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=1, max_size=9)
)
"""Outputs of some units with many ties."""


@given(TIED, st.integers(2, 80), st.sampled_from([1.0, 1e-300, 1e300]))
def test_quantile_bins_are_those_of_sorting_and_bisecting_whatever_ties(
    values: list[list[int]], bins: int, scale: float
) -> None:
    rows = np.array(values, np.float64) * scale / 7
    expected = bins_of(rows.T, "quantile", bins)
    assert same_partition(partitioned(rows, "quantile", bins), expected)


@given(TIED, st.sampled_from([1.0, 5e-324, 1e300]))
def test_exact_values_are_those_of_a_dictionary(values: list[list[int]], scale: float) -> None:
    rows = np.array(values, np.float64) * scale
    rows[:, ::2] *= np.where(rows[:, ::2] == 0, -1.0, 1.0)  # some zeros negative
    assert same_partition(partitioned(rows, "exact", 2), [tuple(row) for row in rows.T.tolist()])


def test_numbers_that_differ_in_the_last_bit_are_not_the_same() -> None:
    one = np.array([[1.0, np.nextafter(1.0, 2.0), 1.0]])
    assert same_partition(partitioned(one, "exact", 2), [0, 1, 0])


def test_wide_layers_are_counted_exactly() -> None:
    """Tuples of 200 bins fit no key: patterns that differ in the last unit alone are told apart."""
    values = np.zeros((200, 64))
    values[-1, 32:] = 1.0
    values[0, ::2] = -1.0
    expected = [(k % 2, k >= 32) for k in range(64)]
    for estimator in ("quantile", "exact"):
        assert same_partition(partitioned(values, estimator, 30), expected)


def test_distinct_outputs_fill_bins_of_equal_mass() -> None:
    values = np.random.default_rng(1).permutation(np.linspace(-5, 9, 120))[None]
    for bins in (2, 3, 7, 40, 120, 1000):
        sizes = Counter(partitioned(values, "quantile", bins)).values()
        assert len(sizes) == min(bins, 120)
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("estimator", BINNED)
def test_merging_bins_never_adds_information(estimator: str, activation: str) -> None:
    problem = problem_of(SYMMETRIC, (6, 4, 2), activation)
    weights = problem.architecture.initial_weights(problem.seeds, 2.0)
    chain = [Measurer(problem, bins, ONE_THREAD, estimator).measure(weights)[0] for bins in (120, 60, 30, 15, 5)]
    exact, _ = Measurer(problem, 2, ONE_THREAD, "exact").measure(weights)
    fell = 0
    for finer, coarser in pairwise([exact, *chain]):
        for name in ("i_x", "i_y", "distinct"):
            assert (getattr(finer, name) >= getattr(coarser, name) - 1e-12).all(), name
        fell += int((finer.i_x > coarser.i_x + 1e-6).sum())
    assert fell > 10, "the bins were never merged"


@pytest.mark.parametrize("estimator", PARTITIONS)
def test_the_order_of_neurons_and_patterns_does_not_matter(estimator: str) -> None:
    problem = problem_of(SMALL, (5, 3), "tanh", networks=1)
    weights = problem.architecture.initial_weights(problem.seeds, 2.0)
    before, _ = Measurer(problem, 9, ONE_THREAD, estimator).measure(weights)
    order = np.random.default_rng(2).permutation(len(SMALL.p_y))
    shuffled = Rule("shuffled", SMALL.patterns[order], SMALL.p_y[order])
    other = problem_of(shuffled, (5, 3), "tanh", networks=1)
    swapped = weights.copy()
    first, second, _ = problem.architecture.matrices(swapped)
    turn = np.array([3, 0, 4, 1, 2])
    first[0] = first[0][turn]
    second[0] = second[0][:, [*turn, 5]]
    after, _ = Measurer(other, 9, ONE_THREAD, estimator).measure(swapped)
    assert same_numbers(before, after, layers=1)  # the layers above add in another order


def same_numbers(first: LayerInformation, second: LayerInformation, layers: int) -> bool:
    return all(
        getattr(first, name)[:, :layers] == pytest.approx(getattr(second, name)[:, :layers], abs=1e-9)
        for name in ("i_x", "i_y", "distinct", "low", "high", "saturated", "nonlinear")
    )


@pytest.mark.parametrize("estimator", COMPILED)
def test_a_layer_that_says_nothing_has_no_information(estimator: str) -> None:
    """All weights zero: every output the same, ranges of no width."""
    problem = problem_of(SMALL, (4, 2), "tanh", networks=1)
    found, _ = Measurer(problem, 30, ONE_THREAD, estimator).measure(
        np.zeros((1, problem.architecture.parameters), np.float32)
    )
    assert found.i_x == pytest.approx(np.zeros((1, 3)), abs=1e-9)
    assert found.i_y == pytest.approx(np.zeros((1, 3)), abs=1e-9)
    assert (found.distinct == 1).all()
    assert np.isfinite([found.low, found.high]).all()


def test_every_estimator_is_one_for_the_kernel_and_no_two_are_the_same() -> None:
    assert len({repr(estimator_of(name, 30, 0.01, "relu")) for name in COMPILED}) == len(COMPILED)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("estimator", ["binning", "kde"])
def test_saturation_is_what_counting_outputs_gives(activation: str, estimator: str) -> None:
    """From the outputs, not from what the kernel looks at: 0.9 of the way to the bounds, 0.9 of the tangent at 0."""
    problem = problem_of(SMALL, (6, 3), activation)
    weights = problem.architecture.initial_weights(problem.seeds, 4.0)
    found, _ = Measurer(problem, 5, ONE_THREAD, estimator).measure(weights)
    slopes = {"tanh": 1.0, "softsign": 1.0, "sigmoid": 0.25}
    for network, row in enumerate(weights):
        layers = outputs_of(problem, row)
        below = problem.rule.patterns.astype(np.float64)
        for layer, (values, matrix) in enumerate(zip(layers, problem.architecture.matrices(weights), strict=True)):
            kind = "sigmoid" if layer == len(layers) - 1 else activation
            z = below @ matrix[network, :, :-1].T.astype(np.float64) + matrix[network, :, -1]
            below = values
            saturated, nonlinear = found.saturated[network, layer], found.nonlinear[network, layer]
            if kind == "linear":
                assert math.isnan(saturated)
            elif kind == "relu":
                assert saturated == (values == 0).mean()
            else:
                centred = 2 * values - 1 if kind == "sigmoid" else values
                assert saturated == (np.abs(centred) > 0.9).mean()
            if kind in slopes:
                middle = 0.5 if kind == "sigmoid" else 0.0
                assert nonlinear == (np.abs(values - middle) < 0.9 * slopes[kind] * np.abs(z)).mean()
                assert 0 < nonlinear < 1 or layer > 0
            else:
                assert math.isnan(nonlinear)


def test_limits_are_known_for_every_activation() -> None:
    assert set(LIMITS) == set(ACTIVATIONS)
    limit = LIMITS["tanh"].linear
    assert math.tanh(limit) == pytest.approx(0.9 * limit, rel=1e-14)
    assert math.tanh(LIMITS["tanh"].saturated) == pytest.approx(0.9, rel=1e-14)
