"""Pictures of maps: every value where it fits, undecided cells hatched, and of the same map the same file."""

from __future__ import annotations

import io
from typing import Any

import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from ibtui.charts.heat_map import HeatCell, HeatMap
from ibtui.charts.palette import palette
from ibtui.figures.content import ONE_COLUMN, TWO_COLUMNS
from ibtui.figures.heat_map import NARROW, compose_map, map_picture
from ibtui.figures.paper import FORMATS, STYLE
from ibtui.figures.plain import style
from tests.ibtui.charts.test_charts_heat_drawing import SAMPLES, of_cells, of_size
from tests.ibtui.charts.test_charts_palette import contrast


def composed(shown: HeatMap) -> Figure:
    with style(STYLE):
        return compose_map(shown)


def texts(shown: HeatMap) -> list[str]:
    return [one.get_text() for one in composed(shown).axes[0].texts]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_map_makes_the_same_file(kind: str) -> None:
    first = map_picture(of_cells(*SAMPLES), kind)
    assert map_picture(of_cells(*SAMPLES), kind) == first
    assert first.startswith({"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[kind])


def test_a_picture_is_as_wide_as_a_column_or_a_page() -> None:
    assert composed(of_size(NARROW, 3)).get_figwidth() == ONE_COLUMN
    assert composed(of_size(NARROW + 1, 3)).get_figwidth() == TWO_COLUMNS
    with Image.open(io.BytesIO(map_picture(of_size(2, 2), "png"))) as image:
        assert image.size[0] == round(300 * ONE_COLUMN)


@pytest.mark.parametrize(("across", "seen"), [(6, "{} ± 0.05"), (14, "{}\n± 0.05"), (40, "{}"), (90, None)])
def test_numbers_are_written_in_full_in_two_lines_in_short_or_not_at_all(across: int, seen: str | None) -> None:
    expected = [seen.format(100 + k) for k in range(2 * across)] if seen else []
    assert sorted(texts(of_size(across, 2))) == sorted(expected)


def test_letters_in_cells_can_be_read() -> None:
    shown = of_size(8, 8)
    for text, place in zip(
        composed(shown).axes[0].texts, (p for column in zip(*shown.places(), strict=True) for p in column), strict=True
    ):
        ink = tuple(round(255 * part) for part in to_rgb(text.get_color()))
        assert contrast(ink, palette("light").even(place or 0.0)) >= 4.5  # type: ignore[arg-type]


def test_undecided_cells_are_hatched_and_what_is_not_known_has_no_number() -> None:
    figure = composed(of_cells(*SAMPLES))
    assert [one.get_hatch() for one in figure.axes[0].patches] == ["////", "////"]
    assert not {"epoch 400", "waiting", "nothing was measured"} & set(texts(of_cells(*SAMPLES)))
    [legend] = figure.legends
    assert [one.get_text() for one in legend.get_texts()] == ["undecided 2", "running 1", "waiting 1", "absent 1"]


def test_verdicts_have_a_legend_in_place_of_a_bar() -> None:
    kinds: Any = ("reproduced", "not", "undecided", "not")
    figure = composed(of_cells(*(HeatCell(text=kind, short=kind[0], kind=kind) for kind in kinds), verdicts=True))
    assert len(figure.axes) == 1
    [legend] = figure.legends
    assert [one.get_text() for one in legend.get_texts()] == ["reproduced 1", "not 2", "undecided 1"]


def test_a_bar_spans_the_values_also_where_they_are_equal() -> None:
    assert composed(of_size(3, 3)).axes[1].get_ylim() == (100.0, 108.0)
    assert composed(of_size(3, 3, logarithmic=True)).axes[1].get_ylim() == pytest.approx((100.0, 108.0))
    for logarithmic in (False, True):
        low, high = composed(of_cells(HeatCell(2.0, "2", "2"), logarithmic=logarithmic)).axes[1].get_ylim()
        assert low < 2.0 < high


def test_names_from_outside_are_no_mathematics() -> None:
    shown = HeatMap("a $x$", "$b", "c", ("$1",), ("2",), ((HeatCell(1.0, "1 $ 2", "$"),),), caption="\x1b[0m $d$")
    assert b"[0m" in map_picture(shown, "svg")
    assert len(map_picture(HeatMap("t", "x", "y", (), (), ()), "png")) > 0


def test_values_of_axes_are_thinned_where_they_would_touch() -> None:
    axes = composed(of_size(150, 90)).axes[0]
    assert len(axes.get_xticks()) < 150
    assert len(axes.get_yticks()) < 90
    assert [one.get_text() for one in composed(of_size(6, 4)).axes[0].get_xticklabels()] == [f"x{k}" for k in range(6)]
