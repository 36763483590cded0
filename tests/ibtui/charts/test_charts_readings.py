"""What a cross-hair reads, against NumPy: every row at a point, differences network by network, and boxes that fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui.charts.image import PlotArea
from ibtui.charts.readings import Place, Quantity, Readings, boxed
from ibtui.charts.scale import Axis

EPOCHS = np.array([0, 1, 3, 10, 40])
RNG = np.random.default_rng(3)
NOISE = RNG.lognormal(0, 1, (5, 7, 3))


def over_epochs(values: np.ndarray = NOISE, *, geometric: bool = False) -> Readings:
    y = np.exp(np.log(values).mean(axis=1)) if geometric else values.mean(axis=1)
    x = np.broadcast_to(EPOCHS[:, None].astype(float), y.shape)
    quantity = Quantity("SNR" if geometric else "bits", ".4g", values, geometric)
    return Readings(("T1", "T2", "output"), x, y, EPOCHS, (quantity,), np.arange(5))


AREA = PlotArea(6, 2, 60, 20, Axis("epoch", 1.0, 40.0, log=True), Axis("bits", 0.0, 10.0))


def number(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.parametrize("point", range(5))
def test_every_row_has_mean_and_deviation_over_the_networks(point: int) -> None:
    head, *rows = over_epochs().table(Place(point, 0))
    assert head == ("bits ± sd", "")
    assert [row[-1] for row in rows] == ["T1", "T2", "output"]
    for k, (cell, _) in enumerate(rows):
        mean, deviation = map(float, cell.split(" ± "))
        assert mean == float(f"{NOISE[point, :, k].mean():.4g}")
        assert deviation == float(f"{NOISE[point, :, k].std(ddof=1):.4g}")


def test_rows_without_a_value_at_a_point_are_left_out() -> None:
    values = NOISE.copy()
    values[2, :, 1] = np.nan
    readings = over_epochs(values)
    assert [row[-1] for row in readings.table(Place(2, 0))[1:]] == ["T1", "output"]
    assert [row[-1] for row in readings.table(Place(3, 0))[1:]] == ["T1", "T2", "output"]
    box = boxed(readings, Place(2, 2), None, AREA, (10, 5), plain=False)
    assert box is not None
    assert box.lines[box.chosen].strip().endswith("output")
    values[2] = np.nan
    assert [row[-1] for row in over_epochs(values).table(Place(2, 0))[1:]] == ["T1", "T2", "output"]


def test_a_ratio_has_its_geometric_mean_and_changes_by_a_factor() -> None:
    readings = over_epochs(geometric=True)
    _, *rows = readings.table(Place(3, 0), spreads=False)
    for k, (cell, _) in enumerate(rows):
        assert float(cell) == float(f"{math.exp(np.log(NOISE[3, :, k]).mean()):.4g}")
    _, *rows = readings.table(Place(3, 0), Place(1, 0), spreads=False)
    for k, (cell, _) in enumerate(rows):
        factor = math.exp((np.log(NOISE[3, :, k]) - np.log(NOISE[1, :, k])).mean())
        assert cell == f"×{factor:.4g}"


def test_differences_are_those_of_each_network() -> None:
    readings = over_epochs()
    _, *rows = readings.table(Place(4, 0), Place(1, 2))
    for k, (cell, _) in enumerate(rows):
        moved = NOISE[4, :, k] - NOISE[1, :, k]
        assert cell == f"{moved.mean():+.4g} ± {moved.std(ddof=1):.4g}"
    assert readings.title(Place(4, 0), Place(1, 2)) == "epoch 40 less epoch 1"


def test_fewer_networks_are_counted_and_none_is_a_dash() -> None:
    values = NOISE.copy()
    values[2, :3, 1] = np.nan
    values[2, :, 2] = np.nan
    _, *rows = over_epochs(values).table(Place(2, 0))
    assert "(n" not in rows[0][0]
    assert rows[1][0].endswith("(n 4)")
    y = np.where(np.isfinite(values), values, 0).mean(axis=1)  # still drawn elsewhere
    readings = Readings(("a", "b", "c"), y, y, EPOCHS, (Quantity("q", ".3f", values),), np.arange(5))
    assert readings.table(Place(2, 0))[3] == ("–", "c")


def test_numbers_for_another_program_are_exact() -> None:
    epoch, name, mean, deviation, n = over_epochs().numbers(Place(3, 2)).split("\t")
    assert (epoch, name, n) == ("10", "output", "7")
    assert float(mean) == pytest.approx(NOISE[3, :, 2].mean(), rel=1e-15)
    assert float(deviation) == pytest.approx(NOISE[3, :, 2].std(ddof=1), rel=1e-12)


@given(column=st.integers(0, 59), line=st.integers(0, 19))
def test_the_nearest_point_is_that_of_brute_force(column: int, line: int) -> None:
    readings = over_epochs()
    columns, lines, seen = AREA.cells(readings.x, readings.y)
    assert not seen[0].any()  # epoch 0 has no place on a log axis
    found = readings.nearest(AREA, column, line, upright=False)
    upright = readings.nearest(AREA, column, line, upright=True)
    assert found is not None
    assert upright is not None
    far = {
        (p, r): (abs(int(columns[p, r]) - column), 2 * abs(int(lines[p, r]) - line))
        for p, r in zip(*np.nonzero(seen), strict=True)
    }
    assert math.hypot(*far[found.point, found.row]) == min(math.hypot(*one) for one in far.values())
    assert far[upright.point, upright.row] == min(far.values())


def test_steps_go_along_a_row_and_from_row_to_row() -> None:
    readings = over_epochs()
    _, lines, _ = AREA.cells(readings.x, readings.y)
    at = Place(1, 0)
    for expected in (2, 3, 4, 4):
        at = readings.moved(AREA, at, 1, 0)
        assert (at.point, at.row) == (expected, 0)
    for _ in range(6):
        at = readings.moved(AREA, at, -1, 0)
    assert at.point == 1  # the first one in sight
    order = sorted(range(3), key=lambda row: (lines[1, row], row))
    at = Place(1, order[0])
    for expected in (order[1], order[2], order[2]):
        at = readings.moved(AREA, at, 0, 1)
        assert at == Place(1, expected)


def test_a_place_is_kept_by_its_epoch() -> None:
    before, longer = over_epochs(), over_epochs()
    assert longer.kept(before, Place(3, 1)) == Place(3, 1)
    fewer = Readings(before.names, before.x[2:], before.y[2:], EPOCHS[2:], before.quantities, np.arange(2, 5))
    assert fewer.kept(before, Place(3, 1)) == Place(1, 1)
    assert fewer.kept(before, Place(1, 1)) is None


@given(
    width=st.integers(4, 120),
    height=st.integers(1, 30),
    column=st.floats(0, 0.999),
    line=st.floats(0, 0.999),
    plain=st.booleans(),
)
def test_a_box_is_inside_its_area_and_no_number_is_cut_off(
    width: int, height: int, column: float, line: float, plain: bool
) -> None:
    readings = over_epochs()
    area = PlotArea(6, 2, width, height, AREA.x, AREA.y)
    cursor = area.left + int(column * width), area.top + int(line * height)
    box = boxed(readings, Place(3, 1), None, area, cursor, plain)
    if box is None:
        assert width < 24 or height < 5
        return
    assert area.left <= box.left
    assert box.left + box.width <= area.left + width
    assert area.top <= box.top
    assert box.top + len(box.lines) <= area.top + height
    assert {len(text) for text in box.lines} == {box.width}
    told = "\n".join(box.lines)
    for k, name in enumerate(readings.names):
        assert f"{NOISE[3, :, k].mean():.4g}" in told
        assert name in told
    assert "T2" in box.lines[box.chosen]
    assert told.isascii() or not plain
