"""Compression against bins: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest

from ibtui.charts.chart import render
from ibtui.charts.compared import Plane, compared_planes
from ibtui.charts.information_plane import information_plane, information_points
from ibtui.charts.sweep import sweep_chart

BINS = np.array([5.0, 30, 1000])
COMPRESSION = np.array([[0.1, 0.5, 0.0], [np.nan, 1.5, 0.2], [np.nan, 0.3, 0.4]])


def test_each_layer_is_a_line_over_the_numbers_of_bins() -> None:
    spec = sweep_chart(BINS, COMPRESSION, shown=(0, 1, 2), at=30, basis="Binning.")
    assert [series.label for series in spec.series] == ["T1", "T2", "output"]
    for layer, series in enumerate(spec.series):
        assert np.array_equal(series.x, BINS)
        assert np.array_equal(series.y, COMPRESSION[:, layer], equal_nan=True)
    assert (spec.x.low, spec.x.high, spec.x.log) == (5, 1000, True)
    assert spec.y.low == 0
    assert spec.y.high > 1.5
    assert [(guide.axis, guide.value) for guide in spec.guides] == [("x", 30)]
    assert spec.caption.endswith("Binning.")
    assert "T2" in render(spec, 80, 20, theme="dark").text()


@pytest.mark.parametrize("compression", [np.zeros((1, 2)), np.full((1, 2), np.nan)])
def test_one_number_of_bins_and_nothing_to_see_are_drawn_too(compression: np.ndarray) -> None:
    spec = sweep_chart(np.array([30.0]), compression, shown=(0, 1), at=7)
    assert spec.guides == ()
    assert spec.x.low < 30 < spec.x.high
    assert render(spec, 60, 15, theme="dark").text().count("\n") == 14


def test_every_plane_says_what_it_rests_on() -> None:
    i_x, i_y = np.array([[11.0, 3.0]]), np.array([[0.9, 0.5]])
    basis = "binning, 30 bins of [−1, 1]"
    specs = [
        information_plane(np.array([0.0]), i_x, i_y, 12, 0.99, basis=basis),
        information_points(i_x, i_y, 12, 0.99, epoch=0, basis=basis),
        compared_planes([Plane(0, "a", i_x, i_y, 12, 0.99)], epoch=0, basis=basis),
    ]
    for spec in specs:
        assert spec.caption.endswith(" Binning, 30 bins of [−1, 1].")
    assert "inning" not in information_points(i_x, i_y, 12, 0.99, epoch=0).caption
