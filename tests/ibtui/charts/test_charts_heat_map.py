"""Heat maps as data: places on the scale, and what has none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui.charts.heat_map import HeatCell, HeatMap

LARGEST = 1.7976931348623157e308


def of_values(*values: float, logarithmic: bool = False) -> HeatMap:
    cells = tuple(HeatCell(value, f"{value:g}", f"{value:g}") for value in values)
    return HeatMap("t", "x", "y", tuple(map(str, range(len(values)))), ("1",), (cells,), logarithmic)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=8), st.booleans())
def test_places_are_in_the_order_of_values_from_0_to_1(values: list[float], logarithmic: bool) -> None:
    shown = of_values(*values, logarithmic=logarithmic)
    places = {value: place for value, place in zip(values, shown.places()[0], strict=True) if place is not None}
    assert set(places) == {value for value in values if math.isfinite(value) and (value > 0 or not logarithmic)}
    ordered = [places[value] for value in sorted(places)]
    assert ordered == sorted(ordered)
    if len(ordered) > 1:
        assert ordered[0] == 0.0
        assert ordered[-1] in (0.5, 1.0)


def test_the_middle_of_a_logarithmic_scale_is_the_geometric_mean() -> None:
    shown = of_values(10.0, 100.0, 1000.0, 505.0, logarithmic=True)
    assert list(shown.places()[0]) == pytest.approx([0.0, 0.5, 1.0, math.log10(50.5) / 2])
    shown = of_values(10.0, 100.0, 1000.0, 505.0)
    assert list(shown.places()[0]) == pytest.approx([0.0, 90 / 990, 1.0, 0.5])


def test_a_span_that_is_too_large_for_a_number_is_none_for_a_scale() -> None:
    shown = of_values(-LARGEST, 0.0, LARGEST)
    assert list(shown.places()[0]) == [0.0, 0.5, 1.0]


def test_equal_values_are_in_the_middle_and_unknown_ones_nowhere() -> None:
    shown = HeatMap(
        *("t", "x", "y", ("1", "2", "3"), ("1",)),
        ((HeatCell(3.0), HeatCell(3.0, state="undecided"), HeatCell(9.0, state="running")),),
    )
    assert list(shown.places()[0]) == [0.5, 0.5, None]
    assert of_values(math.nan).limits is None


def test_what_cells_share_is_counted() -> None:
    cells = (HeatCell(kind="not"), HeatCell(kind="not"), HeatCell(state="undecided", kind="undecided"), HeatCell(1.0))
    kinds, states = HeatMap("t", "x", "y", ("1", "2"), ("1", "2"), (cells[:2], cells[2:]), verdicts=True).counts()
    assert kinds == {"not": 2, "undecided": 1, "": 1}
    assert states == {"undecided": 1, "": 3}


def test_a_map_without_a_cell_for_each_pair_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="1 rows of 2"):
        HeatMap("t", "x", "y", ("1", "2"), ("1",), ((HeatCell(),),))
