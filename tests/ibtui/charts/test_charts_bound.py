"""Charts of the bound: the curve goes on flat, layers stand where they are, tangents have the slope they should."""

from __future__ import annotations

import numpy as np
import pytest

from ibtui.charts.bound import bound_chart, fractions_chart, layers_chart, with_bound
from ibtui.charts.chart import render
from ibtui.charts.information_plane import information_plane
from ibtui.charts.palette import Shades

X, Y = np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.8, 0.9])


def test_the_curve_is_flat_beyond_its_end() -> None:
    spec = layers_chart(X, Y, 12.0, 0.9, np.array([5.0]), np.array([0.5]))
    assert spec.series[0].x.tolist() == [0, 1, 3, 12]
    assert spec.series[0].y.tolist() == [0, 0.8, 0.9, 0.9]
    assert [(g.axis, g.value) for g in spec.guides] == [("x", 12.0), ("y", 0.9)]


def test_tangents_go_through_their_layers_with_slope_one_over_beta() -> None:
    beta = np.array([2.0, np.nan, 40.0])
    i_x, i_y = np.array([2.0, 4.0, 8.0]), np.array([0.3, 0.5, 0.7])
    spec = layers_chart(X, Y, 12.0, 0.9, i_x, i_y, beta=beta)
    tangents = spec.series[1:]
    assert len(tangents) == 2
    for tangent, k in zip(tangents, (0, 2), strict=True):
        assert np.diff(tangent.y)[0] / np.diff(tangent.x)[0] == pytest.approx(1 / beta[k])
        assert (tangent.x.mean(), tangent.y.mean()) == pytest.approx((i_x[k], i_y[k]))
    assert [mark.text for mark in spec.marks] == ["1", "2", "output"]


def test_the_curve_lies_behind_all_else_of_a_plane_and_is_told() -> None:
    i_x, i_y = np.array([[11.0, 4.0], [10.0, 2.0]]), np.array([[0.1, 0.1], [0.5, 0.4]])
    plane = information_plane(np.array([0, 9]), i_x, i_y, 12.0, 0.9)
    spec = with_bound(plane, X, Y, 12.0)
    assert spec.series[1:] == plane.series
    assert (spec.series[0].x.tolist(), spec.series[0].y.tolist()) == ([0, 1, 3, 12], [0, 0.8, 0.9, 0.9])
    assert (spec.marks, spec.guides, spec.x, spec.y) == (plane.marks, plane.guides, plane.x, plane.y)
    assert "IB bound" in render(spec, 80, 20, theme="dark").text()


def test_error_bars_are_as_long_as_the_errors() -> None:
    spec = layers_chart(
        X, Y, 12.0, 0.9, np.array([2.0]), np.array([0.3]), error_x=np.array([0.5]), error_y=np.array([np.nan])
    )
    (bar,) = spec.series[1:]
    assert bar.x.tolist() == [1.5, 2.5]
    assert bar.y.tolist() == [0.3, 0.3]


@pytest.mark.parametrize("colour", [True, False])
def test_critical_points_are_marked_and_nothing_breaks_the_chart(colour: bool) -> None:
    spec = bound_chart(X, Y, 4.0, 0.9, critical_x=[0.5], critical_y=[0.4], title="IB curve")
    text = render(spec, 80, 20, theme="dark", colour=colour, ascii=True).text()
    assert "IB curve" in text
    assert "+" in text
    assert "critical beta" in text
    sampled = bound_chart(X, Y, 4.0, 0.9, sampled={"a fifth": (X / 2, Y / 2)}).series[-1]
    assert (sampled.label, sampled.y.tolist()) == ("a fifth", [0, 0.4, 0.45])
    empty = np.empty(0)
    for odd in (bound_chart(empty, empty, 1.0, 0.5), layers_chart(empty, empty, 1.0, 0.5, np.full(2, np.nan), X[:2])):
        assert render(odd, 60, 15, theme="light").text()


def test_each_fraction_is_a_line_through_its_layers_in_a_shade_of_its_own() -> None:
    layers = {"3%": (np.array([9.0, 2.0]), np.array([0.5, 0.2])), "85%": (np.array([9.0, 1.0]), np.array([0.9, 0.8]))}
    sampled = dict.fromkeys(layers, (X, Y / 2))
    spec = fractions_chart(X, Y, 12.0, 0.9, layers, sampled=sampled)
    curve, *dotted, few, most = spec.series
    assert curve.x[-1] == 12.0
    assert [one.kind for one in dotted] == ["dotted", "dotted"]
    assert [(one.x.tolist(), one.y.tolist()) for one in (few, most)] == [
        (x.tolist(), y.tolist()) for x, y in layers.values()
    ]
    assert isinstance(few.colour, Shades)
    assert isinstance(most.colour, Shades)
    assert (few.colour.places.max(), most.colour.places.min()) == (0.0, 1.0)
    assert [(mark.text, mark.x) for mark in spec.marks] == [("3%", 2.0), ("85%", 1.0)], "at the output"
    told = render(spec, 80, 22, theme="dark", colour=False).text()
    assert "the bound" in told
    one = fractions_chart(X, Y, 12.0, 0.9, {"3%": layers["3%"]})
    assert one.bar is None
    assert [series.label for series in one.series] == ["the bound", "3%"]


def test_the_frontier_of_hard_partitions_is_a_line_behind_the_curve() -> None:
    hard = np.array([0.0, 1.0]), np.array([0.0, 0.8])
    for spec in (bound_chart(X, Y, 12.0, 0.9, hard=hard), layers_chart(X, Y, 12.0, 0.9, X[:2], Y[:2], hard=hard)):
        first, second = spec.series[:2]
        assert (first.label, first.key, second.label) == ("hard partitions", ".", "the bound")
        assert (np.asarray(first.x).tolist(), np.asarray(first.y).tolist()) == ([0, 1, 12], [0, 0.8, 0.8])
    assert all("hard" not in one.label for one in bound_chart(X, Y, 12.0, 0.9).series)


def test_layers_that_are_not_shown_are_left_out() -> None:
    i_x, i_y, wrong = np.array([9.0, 5.0, 2.0]), np.array([0.6, 0.5, 0.3]), np.full(3, 0.1)
    spec = layers_chart(X, Y, 12.0, 0.9, i_x, i_y, error_x=wrong, beta=np.full(3, 20.0), shown=(0, 2))
    assert [mark.text for mark in spec.marks] == ["1", "output"]
    whole = layers_chart(X, Y, 12.0, 0.9, i_x, i_y, error_x=wrong, beta=np.full(3, 20.0))
    assert len(whole.series) - len(spec.series) == 2
