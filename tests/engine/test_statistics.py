"""Statistics over networks: those of the standard library and of scipy, absent where they are not defined."""

from __future__ import annotations

import math
import statistics as standard
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats

from ibtui_engine.statistics import (
    count,
    difference,
    epoch_spread,
    geometric_mean,
    geometric_spread,
    geometric_spreads,
    greatest,
    least,
    log_ratio,
    mean,
    median_interval,
    quantiles,
    spread,
    spreads,
    standard_deviation,
    standard_error,
    student_quantile,
)

NO_VALUE = st.sampled_from([math.nan, math.inf, -math.inf])
VALUES = st.one_of(st.floats(-1e6, 1e6), NO_VALUE)
MATRICES = arrays(np.float64, array_shapes(min_dims=1, max_dims=3, max_side=6), elements=VALUES)
ABSENT = math.nan

Statistic = Callable[[np.ndarray, int], np.ndarray]


def _error(known: list[float]) -> float:
    return standard.stdev(known) / math.sqrt(len(known))


def _geometric(known: list[float]) -> float:
    positive = [value for value in known if value > 0]
    return standard.geometric_mean(positive) if positive else ABSENT


EXPECTED: dict[Statistic, Callable[[list[float]], float]] = {
    count: len,
    mean: lambda known: standard.fmean(known) if known else ABSENT,
    geometric_mean: _geometric,
    standard_deviation: lambda known: standard.stdev(known) if len(known) > 1 else ABSENT,
    standard_error: lambda known: _error(known) if len(known) > 1 else ABSENT,
    least: lambda known: min(known, default=ABSENT),
    greatest: lambda known: max(known, default=ABSENT),
}
"""What each statistic is of the values that there are, by the standard library."""


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("statistic", EXPECTED)
@given(values=MATRICES, data=st.data())
def test_it_is_that_of_the_standard_library_over_the_networks_that_have_a_value(
    statistic: Statistic, values: np.ndarray, data: st.DataObject
) -> None:
    axis = data.draw(st.integers(-values.ndim, values.ndim - 1))
    found = np.asarray(statistic(values, axis))
    moved = np.moveaxis(values, axis, -1)
    assert found.shape == moved.shape[:-1]
    for place in np.ndindex(found.shape):
        known = [value for value in moved[place].tolist() if math.isfinite(value)]
        assert found[place] == pytest.approx(EXPECTED[statistic](known), rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("statistic", EXPECTED)
@given(values=arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 60), st.integers(1, 4)), elements=VALUES))
def test_equal_values_give_equal_bits_in_arrays_of_any_shape(statistic: Statistic, values: np.ndarray) -> None:
    whole = np.asarray(statistic(values, 1))
    for row, column in np.ndindex(whole.shape):
        alone = np.asarray(statistic(values[row, :, column], 0))
        np.testing.assert_array_equal(whole[row, column], alone)
        np.testing.assert_array_equal(np.asarray(statistic(values[row].T, -1))[column], alone)


@pytest.mark.parametrize("statistic", EXPECTED)
def test_without_networks_there_is_nothing_and_no_warning(statistic: Statistic) -> None:
    none = np.zeros((3, 0, 2))
    expected = np.full((3, 2), 0 if statistic is count else np.nan)
    np.testing.assert_array_equal(statistic(none, 1), expected)


def test_what_is_beyond_double_precision_is_absent() -> None:
    huge = np.array([1e308, 1.5e308, -1e308])
    assert math.isnan(mean(huge[:2])) and math.isnan(standard_deviation(huge))  # noqa: PT018
    assert (spread(huge).count, spread(huge).networks) == (3, 3)


def test_a_single_network_has_no_spread() -> None:
    for values in (np.array([3.0]), np.array([3.0, np.nan])):
        assert mean(values) == 3
        assert math.isnan(standard_deviation(values))
        assert math.isnan(standard_error(values))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.floats(0.01, 1.0))
def test_a_quantile_is_the_least_value_that_such_a_share_does_not_exceed(values: list[float], share: float) -> None:
    [found] = quantiles(np.array([*values, math.nan]), [share])
    [expected] = np.quantile(values, [share], method="inverted_cdf")
    assert found == expected
    assert found in values
    assert quantiles(np.array(values), [0.5])[0] == standard.median_low(values)
    assert quantiles(np.array(values), [1.0])[0] == max(values)


def test_quantiles_count_networks_that_never_come_there_as_last() -> None:
    epochs = np.array([10.0, math.inf, 30.0, 20.0])
    assert quantiles(epochs, [0.25, 0.5, 0.75, 1.0]).tolist() == [10, 20, 30, math.inf]
    assert np.isnan(quantiles(np.array([math.nan]), [0.5])).all()


@given(arrays(np.float64, st.integers(2, 12), elements=st.floats(0.01, 100)))
def test_a_ratio_is_averaged_on_the_log_axis(values: np.ndarray) -> None:
    found, of_log = geometric_spread(values), spread(np.log(values))
    assert found.mean == geometric_mean(values) == pytest.approx(stats.gmean(values))
    assert math.log(found.low) == pytest.approx(of_log.low, abs=1e-9)
    assert math.log(found.high) == pytest.approx(of_log.high, abs=1e-9)
    assert found.error == pytest.approx(found.mean * of_log.error)
    assert found.deviation == pytest.approx(found.mean * of_log.deviation)
    turned = geometric_spread(1 / values)
    assert turned.mean == pytest.approx(1 / found.mean), "of the reciprocals it is the reciprocal"


def test_a_ratio_of_nothing_or_less_is_no_value() -> None:
    found = geometric_spread(np.array([0.0, 4.0, -1.0, 9.0, math.nan, math.inf]))
    assert found.mean == pytest.approx(6)
    assert (found.count, found.networks) == (2, 6)


def test_at_least_half_of_the_networks_agree() -> None:
    for epochs, agreed in (([8.0, math.nan], 8.0), ([8.0, math.nan, math.nan], None), ([math.nan], None), ([], None)):
        found = epoch_spread(np.array(epochs))
        assert found.agreed == (None if agreed is None else pytest.approx(agreed))
        assert found.common == spread(np.array(epochs)).common == (agreed is not None)


@pytest.mark.parametrize("level", [0.5, 0.6827, 0.9, 0.95])
def test_the_interval_reaches_as_far_as_students_distribution_says(level):
    degrees = np.arange(1, 200)
    expected = stats.t.ppf((1 + level) / 2, degrees)
    assert [student_quantile(int(k), level) for k in degrees] == pytest.approx(expected, rel=3e-3)
    assert [student_quantile(k, level) for k in (1, 2)] == pytest.approx(expected[:2], rel=1e-12)
    assert [student_quantile(int(k), level) for k in degrees[9:]] == pytest.approx(expected[9:], rel=2e-5)


@given(arrays(np.float64, st.integers(2, 12), elements=st.floats(-100, 100)))
def test_mean_error_and_interval_are_those_of_scipy(values):
    found = spread(values)
    assert found.mean == pytest.approx(values.mean())
    assert found.error == pytest.approx(stats.sem(values))
    assert found.deviation == pytest.approx(standard.stdev(values.tolist()), abs=1e-9)
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), max(stats.sem(values), 1e-300))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-2, abs=1e-6 + 3e-3 * 13 * found.error)
    assert (found.count, found.networks) == (len(values), len(values))


def test_networks_without_the_number_are_counted_but_do_not_count():
    with_absent = spread(np.array([1.0, np.nan, 3.0, np.nan]))
    alone = spread(np.array([1.0, 3.0]))
    assert (with_absent.mean, with_absent.error, with_absent.low) == (alone.mean, alone.error, alone.low)
    assert (with_absent.count, with_absent.networks) == (2, 4)


def test_one_network_has_a_mean_and_no_interval_and_none_has_neither():
    one = spread(np.array([np.nan, 7.0]))
    assert (one.mean, one.count, one.present) == (7.0, 1, True)
    assert all(math.isnan(x) for x in (one.error, one.low, one.high))
    none = spread(np.array([np.nan, np.nan]))
    assert (none.count, none.networks, none.present) == (0, 2, False)
    assert all(math.isnan(x) for x in (none.mean, none.error, none.low, none.high))
    assert spread(np.array([])).networks == 0


def test_an_epoch_is_averaged_on_the_log_axis():
    found = epoch_spread(np.array([10.0, 1000.0, np.nan]))
    assert found.epoch == pytest.approx(100)
    assert found.log_error == pytest.approx(math.log(10))
    assert found.low * found.high == pytest.approx(100**2)
    assert (found.count, found.networks) == (2, 3)
    assert math.isnan(epoch_spread(np.array([np.nan])).epoch)


@given(*(arrays(np.float64, st.integers(2, 12), elements=st.floats(-100, 100)) for _ in range(2)))
def test_a_difference_is_that_of_welchs_test(values, others):
    found = difference(spread(values), spread(others))
    assert found.value == pytest.approx(values.mean() - others.mean(), abs=1e-9)
    assert found.error == pytest.approx(math.hypot(stats.sem(values), stats.sem(others)), abs=1e-9)
    assume(min(np.ptp(values), np.ptp(others)) > 1e-3)  # scipy warns of values that are the same
    welch = stats.ttest_ind(values, others, equal_var=False)
    degrees = math.floor(welch.df * (1 + 1e-9))  # a whole number of them: a little wider than scipy's
    reach = stats.t.ppf(0.975, degrees) * found.error
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach), rel=1e-2, abs=0.1)
    ends = welch.confidence_interval(0.95)
    assert found.high - found.low >= 0.99 * (ends.high - ends.low)
    if welch.pvalue > 0.06:
        assert not found.clear


def test_a_difference_is_clear_where_its_interval_leaves_none_out():
    near = [difference(spread(np.array([0.0, 1.0, 2.0])), spread(np.array([0.0, 1.0, 2.0]) + by)) for by in (2, 3)]
    assert [one.clear for one in near] == [False, True]  # standard error 0.816, 4 degrees: 2.27
    assert difference(spread(np.array([2.0, 2.0])), spread(np.array([1.0, 1.0]))).clear
    assert not difference(spread(np.array([2.0, 2.0])), spread(np.array([2.0, 2.0]))).clear
    lone = difference(spread(np.array([2.0])), spread(np.array([1.0, 1.5])))
    assert (lone.value, lone.clear) == (0.75, False)
    assert math.isnan(lone.error)


def test_epochs_differ_by_a_factor():
    found = log_ratio(epoch_spread(np.array([100.0, 400.0])), epoch_spread(np.array([50.0, 50.0])))
    assert found.value == pytest.approx(math.log(4))
    assert found.error == pytest.approx(math.log(2))
    assert math.isnan(log_ratio(epoch_spread(np.array([np.nan])), epoch_spread(np.array([50.0]))).value)


def test_an_error_that_all_networks_share_is_not_averaged_away():
    values = np.full(1000, 5.0)
    assert spread(values, 0.1).error == pytest.approx(0.1)
    values = np.array([4.0, 5.0, 6.0])
    assert spread(values, 0.1).error == pytest.approx(math.hypot(1 / math.sqrt(3), 0.1))


@given(arrays(np.float64, st.tuples(st.integers(0, 6), st.integers(0, 5)), elements=VALUES))
def test_spreads_of_several_numbers_are_those_of_each(values: np.ndarray) -> None:
    """To the last bit: what a table says of all layers is what a sentence says of one."""
    with np.errstate(over="ignore", invalid="ignore"):
        assert repr(spreads(values)) == repr(tuple(map(spread, values.T)))
        assert repr(geometric_spreads(values)) == repr(tuple(map(geometric_spread, values.T)))


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.inf, -math.inf])), min_size=1, max_size=60))
def test_the_interval_of_a_median_is_between_the_ranks_of_the_binomial_distribution(values: list[float]) -> None:
    middle, low, high, counted = median_interval(np.array([*values, math.nan]))
    ordered = sorted(values)
    assert counted == len(values)
    expected = (ordered[(counted - 1) // 2], ordered[counted // 2])
    assert middle == pytest.approx(expected[0] if expected[0] == expected[1] else sum(expected) / 2)
    rank = int(stats.binom.ppf(0.025, counted, 0.5))  # the least k with P(at most k) of at least 2.5 %
    if stats.binom.cdf(rank, counted, 0.5) <= 0.025:
        rank += 1
    if rank == 0:
        assert math.isnan(low)
        assert math.isnan(high)
    else:
        assert (low, high) == (ordered[rank - 1], ordered[-rank])


def test_six_networks_give_a_median_an_interval_and_five_do_not() -> None:
    assert median_interval(np.arange(6.0)) == (2.5, 0.0, 5.0, 6)
    assert math.isnan(median_interval(np.arange(5.0))[1])
    assert math.isnan(median_interval(np.full(3, math.nan))[0])
    with_later = median_interval(np.array([1.0, 2.0, 3.0, 4.0, math.inf, math.inf]))
    assert with_later == (3.5, 1.0, math.inf, 6)
