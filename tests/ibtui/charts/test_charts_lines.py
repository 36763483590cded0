"""Charts of any numbers: all of them are shown, with error bars where there are some."""

from __future__ import annotations

import numpy as np

from ibtui.charts.chart import render
from ibtui.charts.lines import Curve, lines_chart

NAN = float("nan")
ONE = Curve("one", np.array([1.0, 2.0]), np.array([3.0, 40.0]), np.array([2.0, NAN]), np.array([5.0, NAN]))
OTHER = Curve("other", np.array([1.0, 3.0]), np.array([NAN, 7.0]), np.array([NAN, 6.0]), np.array([NAN, 800.0]))


def test_axes_show_all_points_and_bars() -> None:
    spec = lines_chart([ONE, OTHER], title="t", x_label="x", y_label="y", y_log=True)
    lines = [series for series in spec.series if series.label]
    bars = [series for series in spec.series if not series.label]
    assert [line.label for line in lines] == ["one", "other"]
    assert [(bar.x.tolist(), bar.y.tolist()) for bar in bars] == [([1, 1], [2, 5]), ([3, 3], [6, 800])]
    for axis, values in ((spec.x, (1, 3)), (spec.y, (2, 800))):
        assert axis.limits[0] <= min(values) < max(values) <= axis.limits[1]
    told = render(spec, 80, 20, theme="dark", colour=False).text()
    assert "one" in told
    assert "other" in told


def test_limits_that_are_given_hold_and_nothing_is_a_chart_too() -> None:
    spec = lines_chart([ONE], title="t", x_label="x", y_label="y", y_limits=(1.0, 1e4), y_log=True)
    assert spec.y.limits == (1.0, 1e4)
    assert "no data" in render(lines_chart([], title="t", x_label="x", y_label="y"), 60, 12, theme="dark").text()
