"""Bins, groups and information, each against a plain count in NumPy and Python."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ibtui_engine.measures.partition import (
    add_bins,
    counting_arrays,
    fill_edges,
    information,
    number_few,
    number_groups,
    partition,
)


def edges_of(bins: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    edges = np.empty(bins + 1)
    fill_edges(edges, low, high)
    return edges


def bins_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """What `add_bins` finds, starting from keys of 0."""
    keys = np.zeros(len(values), np.uint64)
    add_bins(np.ascontiguousarray(values, np.float64), edges, keys)
    return keys.astype(np.int64)


def digitized(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bins by NumPy's search among the inner edges; an edge belongs to the bin above it."""
    return np.digitize(values, edges[1:-1], right=False)


def slots_for(patterns: int) -> tuple[np.ndarray, np.ndarray]:
    slots = 2
    while slots < 2 * patterns:
        slots *= 2
    return np.empty(slots, np.uint64), np.empty(slots, np.int32)


def partitioned(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, int]:
    """Groups and their number, of values that lie neurons x patterns."""
    units, patterns = values.shape
    padded = np.full((units + 2, patterns + 5), 0.777)
    padded[:units, :patterns] = values
    groups = np.empty(patterns, np.int32)
    count = partition(padded, units, edges, groups, np.empty(patterns, np.uint64), *slots_for(patterns))
    return groups, count


def entropies(groups: np.ndarray, p_y: np.ndarray) -> tuple[float, float]:
    """(I(X;T), I(T;Y)) in bits from the joint tables of X, T and Y, written out."""
    patterns = len(groups)
    joint: dict[tuple[int, int], list[float]] = defaultdict(list)
    for t, p in zip(groups.tolist(), p_y.tolist(), strict=True):
        joint[t, 1].append(p / patterns)
        joint[t, 0].append((1 - p) / patterns)
    table = {cell: math.fsum(parts) for cell, parts in joint.items()}
    of_t = Counter(groups.tolist())
    of_y = {y: math.fsum(mass for (_, v), mass in table.items() if v == y) for y in (0, 1)}
    i_x = math.fsum(size / patterns * math.log2(patterns / size) for size in of_t.values())
    i_y = math.fsum(
        mass * math.log2(mass * patterns / (of_t[t] * of_y[y])) for (t, y), mass in table.items() if mass > 0
    )
    return i_x, i_y


def measured(groups: np.ndarray, count: int, p_y: np.ndarray) -> tuple[float, float]:
    def h(p: float) -> float:
        return -sum(q * math.log2(q) for q in (p, 1 - p) if q > 0)

    patterns = len(groups)
    h_pattern = np.array([h(p) for p in p_y.tolist()])
    rooms = counting_arrays(patterns)
    for room in rooms[:3]:
        room[:] = -7
    return information(groups.astype(np.int32), count, p_y, h_pattern, h(float(p_y.mean())), *rooms)


BINS = st.integers(2, 1000) | st.sampled_from([2, 3, 15, 29, 30, 31, 100_003, 1_000_000])


@given(BINS, st.sampled_from([(-1.0, 1.0), (0.0, 1.0), (0.0, 3.7), (-2.25, 0.6), (-1e-12, 3e-12), (-1e30, 1e29)]))
def test_edges_are_equally_spaced_ascending_and_end_where_they_should(bins: int, ends: tuple[float, float]) -> None:
    low, high = ends
    edges = edges_of(bins, low, high)
    assert (edges[0], edges[-1]) == pytest.approx((low, high), rel=1e-15, abs=0)
    assert (np.diff(edges) > 0).all()
    exact = low + (high - low) * np.arange(bins + 1) / bins
    assert np.abs(edges - exact).max() <= 4 * np.finfo(float).eps * max(abs(low), abs(high))
    if low == -high:
        assert np.array_equal(edges, -edges[::-1])
        assert bins % 2 == 1 or edges[bins // 2] == 0.0


def test_thirty_bins_have_thirty_one_edges() -> None:
    assert len(edges_of(30)) == 31
    assert len(set(bins_of(np.linspace(-1, 1, 10_001), edges_of(30)).tolist())) == 30


def test_an_edge_belongs_to_the_bin_above_it_and_the_last_to_the_last_bin() -> None:
    for bins in (2, 4, 8, 256, 1024):  # edges that are exact in binary
        edges = np.arange(bins + 1) * 2 / bins - 1
        assert np.array_equal(edges_of(bins), edges)
        assert bins_of(edges, edges).tolist() == [*range(bins), bins - 1]
    for bins in (3, 7, 29, 30, 31, 1000):  # and edges that are not
        edges = edges_of(bins)
        assert bins_of(edges, edges).tolist() == [*range(bins), bins - 1]
    assert bins_of(np.array([-1.0, 1.0, 0.0, -0.0]), edges_of(30)).tolist() == [0, 29, 15, 15]


@given(BINS.filter(lambda bins: bins <= 1000), st.sampled_from([(-1.0, 1.0), (0.0, 1.0), (0.0, 3.7), (-2.25, 0.6)]))
@example(30, (-1.0, 1.0))
def test_values_one_rounding_from_an_edge_fall_on_its_right_side(bins: int, ends: tuple[float, float]) -> None:
    edges = edges_of(bins, *ends)
    around = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    around = around[(around >= ends[0]) & (around <= ends[1])]
    assert np.array_equal(bins_of(around, edges), digitized(around, edges))
    # one at a time too: vectors must not be corrected because of a neighbour
    for value in around[:: max(1, len(around) // 40)]:
        alone = np.full(3, value)
        assert np.array_equal(bins_of(alone, edges), digitized(alone, edges))


@given(
    BINS,
    st.data(),
    st.sampled_from([(-1.0, 1.0), (0.0, 1.0), (0.0, 3.7), (-2.25, 0.6), (5.0, 6.0), (-1e-12, 3e-12), (-1e30, 1e29)]),
)
def test_bins_are_those_that_a_search_among_the_edges_finds(
    bins: int, data: st.DataObject, ends: tuple[float, float]
) -> None:
    edges = edges_of(bins, *ends)
    value = st.floats(*ends) | st.sampled_from(edges.tolist())
    values = np.array(data.draw(st.lists(value, min_size=1, max_size=70)))
    assert np.array_equal(bins_of(values, edges), digitized(values, edges))


def test_values_outside_the_edges_fall_in_the_bins_at_the_ends() -> None:
    values = np.array([-1.5, -1.0 - 1e-15, 1.0 + 1e-15, 7.0])
    assert bins_of(values, edges_of(30)).tolist() == [0, 0, 29, 29]


def test_what_is_no_number_falls_in_the_first_bin_and_moves_no_other() -> None:
    edges = edges_of(30)
    values = np.array([np.nan, edges[7], np.inf, -np.inf, np.nextafter(edges[9], -1), np.nan])
    assert bins_of(values, edges).tolist() == [0, 7, 29, 0, 8, 0]


def test_values_that_are_all_the_same_fall_in_one_bin_of_no_width() -> None:
    for value in (0.0, 3.25, -7.1):
        assert set(bins_of(np.full(40, value), edges_of(30, value, value)).tolist()) == {0}


def test_bins_are_written_behind_those_of_the_neurons_before() -> None:
    keys = np.array([0, 1, 2], np.uint64)
    add_bins(np.array([-1.0, 0.0, 1.0, 55.0]), edges_of(10), keys)
    assert keys.tolist() == [0 * 10 + 0, 1 * 10 + 5, 2 * 10 + 9]


KEY = (
    st.integers(0, 5)
    | st.integers(0, 2**64 - 1)
    | st.sampled_from([2**64 - 1, 2**63])
    # what the hash multiplies away: all of these want the same slot
    | st.integers(0, 300).map(lambda k: k * pow(0x9E3779B97F4A7C15, -1, 2**64) % 2**64)
)


@given(st.lists(KEY, min_size=1, max_size=400))
@example([0] * 9)
@example([k * pow(0x9E3779B97F4A7C15, -1, 2**64) % 2**64 for k in range(1000)])
@example([(k << 48) for k in range(1000)])
def test_equal_keys_get_one_number_in_the_order_of_their_first_occurrence(keys: list[int]) -> None:
    groups = np.full(len(keys), -5, np.int32)
    count = number_groups(np.array(keys, np.uint64), groups, *slots_for(len(keys)))
    numbers: dict[int, int] = {}
    assert groups.tolist() == [numbers.setdefault(key, len(numbers)) for key in keys]
    assert count == len(numbers)


@given(
    st.integers(1, 90).flatmap(lambda slots: st.tuples(st.just(slots), st.lists(st.integers(0, slots - 1), min_size=1)))
)
@example((1, [0, 0]))
@example((3, [2, 0, 2, 1]))
def test_keys_below_the_number_of_slots_are_numbered_likewise(case: tuple[int, list[int]]) -> None:
    slots, keys = case
    groups = np.full(len(keys), -5, np.int32)
    count = number_few(np.array(keys, np.uint64), groups, np.full(slots, 7, np.int32))
    numbers: dict[int, int] = {}
    assert groups.tolist() == [numbers.setdefault(key, len(numbers)) for key in keys]
    assert count == len(numbers)


@pytest.mark.parametrize("bins", range(2, 12))
def test_few_and_many_possible_tuples_are_told_apart_alike(bins: int) -> None:
    """Every tuple that there can be, with as many slots as tuples and around: some by their place, some by a hash."""
    for units in (1, 2, 3):
        values = np.array(list(itertools.product((np.arange(bins) + 0.5) * 2 / bins - 1, repeat=units))).T
        padded = np.ascontiguousarray(np.tile(values, 2))
        groups = np.empty(padded.shape[1], np.int32)
        for power in range(int(math.log2(values.shape[1])) + 1, 14):
            room = np.empty(padded.shape[1], np.uint64), np.empty(2**power, np.uint64), np.full(2**power, 3, np.int32)
            assert partition(padded, units, edges_of(bins), groups, *room) == bins**units
            assert groups.tolist() == 2 * list(range(bins**units))


@st.composite
def layers(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Outputs in [-1, 1], neurons x patterns, with repetitions, and a number of bins."""
    bins = draw(st.integers(2, 1000))
    units, patterns = draw(st.integers(1, 40)), draw(st.integers(1, 60))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    different = random.uniform(-1, 1, (units, draw(st.integers(1, patterns))))
    values = different[:, random.integers(0, different.shape[1], patterns)]
    # a hair's breadth apart in one neuron alone: tuples that agree in all others
    nudged = random.random(values.shape) < draw(st.sampled_from([0.0, 0.02]))
    return np.clip(np.where(nudged, values + 2 / bins, values), -1, 1), bins


@given(layers())
def test_a_partition_is_the_set_of_tuples_of_bins_at_any_width(case: tuple[np.ndarray, int]) -> None:
    values, bins = case
    edges = edges_of(bins)
    groups, count = partitioned(values, edges)
    numbers: dict[tuple[int, ...], int] = {}
    tuples = map(tuple, digitized(values, edges).T.tolist())
    assert groups.tolist() == [numbers.setdefault(t, len(numbers)) for t in tuples]
    assert count == len(numbers)


@pytest.mark.parametrize(("bins", "units"), [(2, 40), (2, 64), (2, 129), (30, 40), (256, 17), (1000, 40), (2**16, 40)])
def test_patterns_that_differ_in_any_one_neuron_are_told_apart(bins: int, units: int) -> None:
    """A key of 64 bits that overflowed would lose the first neurons: with 2^k bins to the last bit."""
    values = np.full((units, units + 1), -1.0)
    for neuron in range(units):
        values[neuron, neuron] = 1.0
    groups, count = partitioned(values, edges_of(bins))
    assert count == units + 1
    assert groups.tolist() == list(range(units + 1))


def test_all_corners_of_a_cube_are_told_apart() -> None:
    corners = np.array([[1.0 if k >> i & 1 else -1.0 for k in range(4096)] for i in range(12)])
    for copies in (1, 7):  # the same neuron again tells nothing more
        groups, count = partitioned(np.tile(corners, (copies, 1)), edges_of(30))
        assert count == 4096
        assert measured(groups, count, np.full(4096, 0.5))[0] == 12.0


@given(layers(), st.integers(0, 2**32 - 1))
def test_the_order_of_neurons_changes_nothing(case: tuple[np.ndarray, int], seed: int) -> None:
    values, bins = case
    groups, count = partitioned(values, edges_of(bins))
    order = np.random.default_rng(seed).permutation(len(values))
    again, same = partitioned(values[order], edges_of(bins))
    assert np.array_equal(groups, again)
    assert count == same


PROBABILITY = st.sampled_from([0.0, 1.0, 0.5, 1e-12]) | st.floats(0, 1)


@given(st.data(), st.lists(st.integers(0, 12), min_size=1, max_size=80))
@example(None, [0])
def test_information_is_that_of_the_joint_table(data: st.DataObject | None, labels: list[int]) -> None:
    size = len(labels)
    p_y = np.array([0.3]) if data is None else data.draw(arrays(np.float64, size, elements=PROBABILITY))
    numbers: dict[int, int] = {}
    groups = np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.int32)
    i_x, i_y = measured(groups, len(numbers), p_y)
    assert (i_x, i_y) == pytest.approx(entropies(groups, p_y), abs=1e-12)
    assert 0 <= i_y <= min(i_x, 1) + 1e-12
    assert i_x <= math.log2(size) + 1e-12


@given(layers(), st.integers(0, 2**32 - 1))
def test_the_order_of_patterns_changes_no_information(case: tuple[np.ndarray, int], seed: int) -> None:
    values, bins = case
    random = np.random.default_rng(seed)
    p_y = random.random(values.shape[1])
    order = random.permutation(values.shape[1])
    here = measured(*partitioned(values, edges_of(bins)), p_y)
    there = measured(*partitioned(values[:, order], edges_of(bins)), p_y[order])
    assert here == pytest.approx(there, abs=1e-12)


@given(layers(), st.sampled_from([(30, 15), (30, 10), (1000, 500), (256, 2), (90, 3)]), st.integers(0, 2**32 - 1))
def test_merging_bins_never_raises_information(case: tuple[np.ndarray, int], bins: tuple[int, int], seed: int) -> None:
    values, _ = case
    p_y = np.random.default_rng(seed).random(values.shape[1])
    fine, coarse = (measured(*partitioned(values, edges_of(b)), p_y) for b in bins)
    assert coarse[0] <= fine[0] + 1e-12
    assert coarse[1] <= fine[1] + 1e-12


@given(layers(), st.integers(0, 2**32 - 1))
def test_another_neuron_never_lowers_information(case: tuple[np.ndarray, int], seed: int) -> None:
    values, bins = case
    p_y = np.random.default_rng(seed).random(values.shape[1])
    known = [measured(*partitioned(values[: units + 1], edges_of(bins)), p_y) for units in range(len(values))]
    assert all(b[0] >= a[0] - 1e-12 and b[1] >= a[1] - 1e-12 for a, b in itertools.pairwise(known))


def test_a_constant_layer_has_no_information() -> None:
    groups, count = partitioned(np.full((5, 100), 0.3), edges_of(30))
    assert count == 1
    i_x, i_y = measured(groups, count, np.linspace(0, 1, 100))
    assert i_x == 0.0
    assert i_y == pytest.approx(0.0, abs=1e-15)


def test_a_layer_that_tells_all_patterns_apart_has_all_information() -> None:
    for patterns in (1, 2, 3, 100, 999):
        values = np.linspace(-1, 1, patterns)[None]
        groups, count = partitioned(values, edges_of(1000))
        assert count == patterns
        p_y = np.random.default_rng(patterns).random(patterns)
        i_x, i_y = measured(groups, count, p_y)
        assert i_x == pytest.approx(math.log2(patterns), abs=1e-12)
        assert i_y == pytest.approx(entropies(np.arange(patterns), p_y)[1], abs=1e-12)


def test_a_layer_that_is_the_label_has_the_label_s_information() -> None:
    p_y = np.repeat([0.0, 1.0], [25, 75])
    i_x, i_y = measured((p_y > 0).astype(np.int32), 2, p_y)
    h = -(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))
    assert (i_x, i_y) == pytest.approx((h, h), abs=1e-14)
