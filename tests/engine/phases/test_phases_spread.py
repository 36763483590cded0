"""A number over networks, with its standard error and interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from ibtui_engine.phases.spread import epoch_spread, spread, student_quantile


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


def test_an_error_that_all_networks_share_is_not_averaged_away():
    values = np.full(1000, 5.0)
    assert spread(values, 0.1).error == pytest.approx(0.1)
    values = np.array([4.0, 5.0, 6.0])
    assert spread(values, 0.1).error == pytest.approx(math.hypot(1 / math.sqrt(3), 0.1))
