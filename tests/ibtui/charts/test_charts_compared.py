"""Several ensembles in one chart: colours, what is on top, each one's own guides, and what a cross-hair reads."""

from __future__ import annotations

import numpy as np
import pytest

from ibtui.charts.chart import render
from ibtui.charts.compared import CurvesOfOne, OneCurve, Plane, compared_curves, compared_planes
from ibtui.charts.display import Display
from ibtui.charts.palette import Category
from ibtui.charts.readings import Place, Quantity, Readings, joined
from ibtui.charts.spec import ChartSpec, with_common_axes

RNG = np.random.default_rng(8)
EPOCHS = np.array([1, 10, 100]), np.array([1, 30, 100, 1000])
VALUES = RNG.lognormal(0, 1, (3, 5)), RNG.lognormal(0, 1, (4, 7))


def curves(number: int, *, drift_end: float | None = None, floor: float | None = None) -> CurvesOfOne:
    curve = OneCurve("all weights", EPOCHS[number], VALUES[number], geometric=True, shows_drift_end=True)
    return CurvesOfOne(number, "ab"[number], (curve,), drift_end, floor)


def chart(*those: CurvesOfOne, pinned: int = 0, display: Display | None = None) -> ChartSpec:
    return compared_curves(
        those,
        label="SNR",
        quantity="SNR",
        log=True,
        last_epoch=1000.0,
        pinned=pinned,
        display=display or Display(),
    )


def test_every_ensemble_keeps_number_and_colour_whatever_is_pinned() -> None:
    for pinned in (0, 1):
        spec = chart(curves(0), curves(1), pinned=pinned)
        assert [one.label for one in spec.series] == ["1 a", "2 b"]
        assert [one.colour for one in spec.series] == [Category(0), Category(1)]
        assert [one.thick for one in spec.series] == [pinned == 0, pinned == 1]
        assert [one.above for one in spec.series] == [int(pinned == 0), int(pinned == 1)]
        means = np.exp(np.log(VALUES[pinned]).mean(axis=1))
        away = np.log(VALUES[pinned]).std(axis=1, ddof=1)
        assert spec.bands[0].low == pytest.approx(means * np.exp(-away))
        assert spec.series[pinned].y == pytest.approx(means)


def test_the_pinned_one_is_drawn_over_the_others() -> None:
    places = np.array([[2.0], [8.0]]), np.array([[0.5], [0.5]])
    planes = [Plane(number, name, *places, 12.0, 0.99) for number, name in enumerate("abc")]
    for pinned in range(3):
        image = render(compared_planes(planes, epoch=9, pinned=pinned), 78, 20, theme="dark")
        assert image.area is not None
        middle = image.area.left + image.area.column(5.0 / (12.0 * 1.05))
        seen = {image.cells[row][middle][1] for row in range(image.area.top, image.area.top + image.area.height)}
        from ibtui.charts.palette import DARK

        assert DARK.category(pinned).colour in seen
        assert not {DARK.category(other).colour for other in range(3) if other != pinned} & seen


def test_bounds_and_floors_are_each_ones_own_where_they_differ() -> None:
    places = np.array([[2.0]]), np.array([[0.5]])
    planes = [
        Plane(0, "a", *places, 12.0, 0.99),
        Plane(1, "b", *places, 10.0, 0.99),
        Plane(2, "c", *places, 12.0, 0.99),
    ]
    spec = compared_planes(planes, epoch=0)
    assert [(one.axis, one.value, one.label) for one in spec.guides] == [
        ("x", 12.0, "H(X) 1, 3"),
        ("x", 10.0, "H(X) 2"),
        ("y", 0.99, "I(X;Y)"),
    ]
    assert [one.label for one in chart(curves(0, floor=0.4), curves(1, floor=0.4)).guides] == ["independent noise"]
    floors = chart(curves(0, floor=0.4), curves(1, floor=0.2)).guides
    assert [(one.value, one.label) for one in floors] == [(0.4, "independent noise 1"), (0.2, "independent noise 2")]


def test_where_drift_ends_is_marked_for_each_in_its_colour() -> None:
    spec = chart(curves(0, drift_end=20.0), curves(1))
    assert [(one.x, one.y, one.text, one.colour) for one in spec.marks] == [(20.0, 1.0, "20", Category(0))]


def test_what_has_no_values_is_said() -> None:
    lacking = CurvesOfOne(1, "b", (OneCurve("all weights", EPOCHS[1], np.full((4, 7), np.nan), geometric=True),))
    assert "Without values: 2." in chart(curves(0), lacking).caption
    assert "Without values" not in chart(curves(0), curves(1)).caption
    assert "Without values: 2." in chart(curves(0), CurvesOfOne(1, "b", ())).caption


def test_the_cross_hair_reads_all_of_them_at_the_epochs_that_they_have() -> None:
    readings = chart(curves(0), curves(1)).readings
    assert readings is not None
    assert readings.names == ("1 all weights", "2 all weights")
    assert readings.epochs.tolist() == [1, 10, 30, 100, 1000]
    assert np.isnan(readings.y[:, 0]).tolist() == [False, False, True, False, True]
    head, one, other = readings.table(Place(3, 0))
    assert head == ("SNR ± sd", "")
    values = [np.exp(np.log(part[2]).mean()) for part in VALUES]
    assert [float(row[0].split(" ")[0]) for row in (one, other)] == pytest.approx(values, rel=1e-3)
    assert "(n 5)" in one[0]  # of seven at most
    assert "(n" not in other[0]


def test_joined_readings_are_those_of_the_parts() -> None:
    parts = []
    for epochs, values in zip(EPOCHS, VALUES, strict=True):
        y = values.mean(axis=1)[:, None]
        quantity = Quantity("bits", ".4g", values[:, :, None])
        x = epochs[:, None].astype(float)
        parts.append(Readings(("T1",), x, y, epochs, (quantity,), np.arange(len(epochs))))
    found = joined(("1", "2"), parts)
    for k, part in enumerate(parts):
        for point, epoch in enumerate(part.epochs):
            at = int(np.searchsorted(found.epochs, epoch))
            assert found.y[at, k] == part.y[point, 0]
            assert float(found.numbers(Place(at, k)).split("\t")[2]) == pytest.approx(VALUES[k][point].mean())


def test_single_networks_are_behind_the_means() -> None:
    spec = chart(curves(0), curves(1), display=Display(singles=True))
    assert [one.tell for one in spec.series[:2]] == ["1 a all weights, one network", "2 b all weights, one network"]
    assert spec.bands == ()


def test_side_by_side_both_axes_are_common() -> None:
    places = np.array([[2.0]]), np.array([[0.5]])
    specs = with_common_axes([compared_planes([Plane(0, "a", *places, h, 0.9)], epoch=0) for h in (12.0, 10.0)])
    assert len({spec.x.limits for spec in specs}) == len({spec.y.limits for spec in specs}) == 1
    assert [spec.guides[0].value for spec in specs] == [12.0, 10.0]
