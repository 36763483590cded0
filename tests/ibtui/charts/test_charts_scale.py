"""Axes: limits that are always usable, maps that keep order, ticks at round numbers written exactly."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ibtui.charts.scale import Axis, spanning, ticks

ANY = st.floats()
FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=sys.float_info.min, allow_infinity=False)
MODEST = st.floats(min_value=-1e6, max_value=1e6)


@given(ANY, ANY, st.booleans())
def test_limits_are_finite_ascending_and_positive_on_a_log_axis(low: float, high: float, log: bool) -> None:
    start, end = Axis("", low, high, log).limits
    assert math.isfinite(start)
    assert math.isfinite(end)
    assert start < end
    assert start > 0 or not log


@given(FINITE, FINITE)
def test_limits_that_make_an_axis_are_kept(low: float, high: float) -> None:
    low, high = sorted((low, high))
    assume(high / 2 - low / 2 > 1e-9 * max(abs(low), abs(high)) and max(abs(low), abs(high)) > 1e-290)
    assert Axis("", low, high).limits == (low, high)
    assert Axis("", high, low).limits == (low, high)


@given(st.floats(min_value=-1e300, max_value=1e300), st.booleans())
def test_a_constant_lies_in_the_middle(value: float, log: bool) -> None:
    assume(value > 1e-300 if log else abs(value) > 1e-290 or value == 0)
    assert Axis("", value, value, log).to_unit(value)[0] == pytest.approx(0.5, abs=1e-9)


@given(ANY, ANY, st.lists(ANY, min_size=2, max_size=20), st.booleans())
def test_the_map_to_the_unit_interval_keeps_the_order(low: float, high: float, values: list[float], log: bool) -> None:
    axis = Axis("", low, high, log)
    unit = axis.to_unit(values)
    place = [(value, u) for value, u in zip(values, unit.tolist(), strict=True) if not math.isnan(u)]
    place.sort()
    assert all(a[1] <= b[1] for a, b in pairwise(place))
    start, end = axis.limits
    assert all((0 <= u <= 1) == (start <= value <= end) for value, u in place)


@given(ANY, ANY, st.booleans())
def test_the_ends_map_to_zero_and_one(low: float, high: float, log: bool) -> None:
    axis = Axis("", low, high, log)
    assert axis.to_unit(axis.limits).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_place(value: float, log: bool) -> None:
    assert math.isnan(Axis("", 1, 10, log).to_unit(value)[0])


@pytest.mark.parametrize("value", [0.0, -1.0, -1e308])
def test_what_is_not_positive_has_no_place_on_a_log_axis(value: float) -> None:
    assert math.isnan(Axis("", 1, 10, log=True).to_unit(value)[0])


@given(MODEST, MODEST, st.floats(min_value=0, max_value=1))
def test_a_value_read_from_the_axis_lies_where_it_was_read(low: float, high: float, unit: float) -> None:
    axis = Axis("", low, high)
    assert axis.to_unit(axis.from_unit(unit))[0] == pytest.approx(unit, abs=1e-3)


@given(POSITIVE, POSITIVE, st.floats(min_value=0, max_value=1))
def test_a_value_read_from_a_log_axis_lies_within_it(low: float, high: float, unit: float) -> None:
    axis = Axis("", low, high, log=True)
    assert axis.limits[0] <= axis.from_unit(unit) <= axis.limits[1]


@given(st.lists(ANY, max_size=10), st.booleans())
def test_a_spanning_axis_shows_everything_that_has_a_place(values: list[float], log: bool) -> None:
    start, end = spanning("", values, log=log).limits
    least = sys.float_info.min if log else -math.inf
    assert all(start <= value <= end for value in values if math.isfinite(value) and value >= least)


@given(ANY, ANY, st.integers(min_value=-2, max_value=14), st.booleans())
def test_ticks_are_inside_ascending_and_no_more_than_asked_for(
    low: float, high: float, at_most: int, log: bool
) -> None:
    axis = Axis("", low, high, log)
    found = ticks(axis, at_most)
    start, end = axis.limits
    assert len(found) <= max(at_most, 0)
    assert all(start <= tick.value <= end and 0 <= tick.unit <= 1 for tick in found)
    assert all(a.value < b.value and a.unit <= b.unit for a, b in pairwise(found))
    assert [tick.unit for tick in found] == [axis.to_unit(tick.value)[0] for tick in found]


@given(ANY, ANY, st.integers(min_value=1, max_value=14), st.booleans())
def test_labels_are_exact_and_different(low: float, high: float, at_most: int, log: bool) -> None:
    found = ticks(Axis("", low, high, log), at_most)
    assert all(float(tick.label) == tick.value for tick in found)
    assert len({tick.label for tick in found}) == len(found)


@given(FINITE, FINITE, st.integers(min_value=4, max_value=14))
def test_linear_ticks_are_one_two_five_steps_apart_and_at_least_two(low: float, high: float, at_most: int) -> None:
    found = [Decimal(tick.label) for tick in ticks(Axis("", low, high), at_most)]
    assert len(found) >= 2
    steps = {b - a for a, b in pairwise(found)}
    assert len(steps) == 1
    step = steps.pop().normalize()
    assert step.as_tuple().digits in ((1,), (2,), (5,))
    assert all(value % step == 0 for value in found)


@given(
    st.floats(min_value=-300, max_value=300),
    st.floats(min_value=2, max_value=500),
    st.integers(min_value=2, max_value=14),
)
def test_ticks_of_a_long_log_axis_are_powers_of_ten(start: float, decades: float, at_most: int) -> None:
    end = min(start + decades, 308.0)
    assume(end - start > 2)
    found = ticks(Axis("", 10**start, 10**end, log=True), at_most)
    assert found
    assert all(Decimal(tick.label).normalize().as_tuple().digits == (1,) for tick in found)


@pytest.mark.parametrize(
    ("axis", "at_most", "labels"),
    [
        (Axis("", 0, 12), 9, ["0", "2", "4", "6", "8", "10", "12"]),
        (Axis("", 0, 1.04), 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Axis("", 0.1, 0.3), 3, ["0.1", "0.2", "0.3"]),
        (Axis("", 0, 2e6), 5, ["0", "5e5", "1e6", "1.5e6", "2e6"]),
        (Axis("", -1e308, 1e308), 3, ["-1e308", "0", "1e308"]),
        (Axis("", 1, 2000, log=True), 6, ["1", "10", "100", "1000"]),
        (Axis("", 1, 90, log=True), 6, ["1", "2", "5", "10", "20", "50"]),
        (Axis("", 1e-8, 1e-2, log=True), 5, ["1e-8", "1e-6", "1e-4", "1e-2"]),
        (Axis("", 2.1, 4.9, log=True), 3, ["3", "4"]),
    ],
)
def test_ticks_that_people_would_choose(axis: Axis, at_most: int, labels: list[str]) -> None:
    assert [tick.label for tick in ticks(axis, at_most)] == labels


def test_a_whole_array_is_mapped_at_once() -> None:
    values = np.linspace(-1, 3, 9)
    assert np.allclose(Axis("", 0, 2).to_unit(values), values / 2)
