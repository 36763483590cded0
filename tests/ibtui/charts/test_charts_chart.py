"""Whole charts: nothing is lost, nothing leaks, and whatever the data, a chart of the right size comes back."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import time
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui.charts.chart import render
from ibtui.charts.image import ChartImage, PlotArea
from ibtui.charts.palette import Category, Shades
from ibtui.charts.scale import Axis
from ibtui.charts.spec import ChartSpec, ColourBar, Guide, Mark, Series

UNIT = Axis("x", 0.0, 1.0)
UP = Axis("y", 0.0, 1.0)
Kind = Literal["points", "line", "steps"]


def chart(*series: Series, **parts: object) -> ChartSpec:
    return ChartSpec("title", UNIT, UP, series, **parts)  # type: ignore[arg-type]


def series(*points: tuple[float, float], kind: Kind = "points", **parts: object) -> Series:
    x, y = (np.array([point[k] for point in points], dtype=float) for k in (0, 1))
    return Series(x, y, kind, **parts)  # type: ignore[arg-type]


def area_of(image: ChartImage) -> PlotArea:
    assert image.area is not None
    return image.area


def drawn(image: ChartImage) -> list[tuple[int, int]]:
    """The cells of the data area in which anything is, as (column, row), counted from its corner."""
    area = area_of(image)
    return [
        (c, r)
        for r in range(area.height)
        for c in range(area.width)
        if image.cells[area.top + r][area.left + c][0] != " "
    ]


def wiggles(n: int, **parts: object) -> tuple[Series, ...]:
    x = np.linspace(0, 1, 60)
    return tuple(
        Series(x, 0.5 + 0.4 * np.sin(7 * x + k), "line", Category(k), f"series {k}", **parts)  # type: ignore[arg-type]
        for k in range(n)
    )


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("kind", ["points", "line", "steps"])
def test_points_on_the_limits_land_in_the_outermost_cells(kind: Kind, ascii: bool) -> None:
    for x, y in itertools.product((0.0, 1.0), (0.0, 1.0)):
        image = render(chart(series((x, y), kind=kind)), 61, 23, theme="dark", ascii=ascii)
        area = area_of(image)
        assert drawn(image) == [(x * (area.width - 1), (1 - y) * (area.height - 1))]


@given(st.floats(0, 1), st.floats(0, 1), st.integers(20, 100), st.integers(8, 40))
def test_a_cursor_on_a_point_reads_its_values(x: float, y: float, width: int, height: int) -> None:
    image = render(chart(series((x, y))), width, height, theme="dark")
    area = area_of(image)
    [(column, row)] = drawn(image)
    values = area.values(area.left + column, area.top + row)
    assert values is not None
    assert values == pytest.approx((x, y), abs=1.01 * max(0.5 / area.width, 0.5 / area.height))
    assert area.values(area.left - 1, area.top) is None


@given(st.sampled_from([k / 5 for k in range(6)]), st.sampled_from([k / 5 for k in range(6)]), st.integers(20, 40))
def test_marks_guides_and_ticks_are_where_the_data_of_their_values_are(x: float, y: float, height: int) -> None:
    image = render(chart(series((x, y))), 70, height, theme="dark")
    area = area_of(image)
    [(column, row)] = drawn(image)
    lines = image.text().splitlines()
    assert lines[area.top + row].startswith(f"{y:.1f}┤")
    assert lines[area.top + area.height][area.left + column] == "┬"
    assert f"{x:.1f}" in lines[area.top + area.height + 1][max(0, area.left + column - 2) :][:5]
    empty = series((-9, -9))
    marked = render(chart(empty, marks=(Mark(x, y, "m"),)), 70, height, theme="dark")
    assert marked.cells[area.top + row][area.left + column][0] == "●"
    assert "m" in marked.text()
    guided = render(chart(empty, guides=(Guide("x", x), Guide("y", y))), 70, height, theme="dark")
    above = {guided.cells[area.top + r][area.left + column][0] for r in range(3)}
    assert "┊" in above
    assert guided.cells[area.top + row][area.left + (column + 1) % area.width][0] == "┈"


def test_a_zoomed_line_is_cut_at_the_limits_and_drawn_as_fast() -> None:
    x = np.linspace(0, 1, 400)
    zoomed = ChartSpec("", Axis("", 0.5, 0.5 + 1e-7), Axis("", 0, 1), (Series(x, x, "line"),))
    render(zoomed, 80, 24, theme="dark")
    start = time.perf_counter()
    image = render(zoomed, 80, 24, theme="dark")
    assert time.perf_counter() - start < 0.5
    assert {column for column, _ in drawn(image)} == set(range(area_of(image).width))


def test_the_picture_has_exactly_the_size_asked_for() -> None:
    spec = chart(*wiggles(3), caption="words " * 40)
    for width, height in itertools.product((0, 1, 19, 20, 33, 80), (0, 1, 4, 5, 9, 24)):
        image = render(spec, width, height, theme="light")
        assert len(image.cells) == height
        assert all(len(row) == width for row in image.cells)


def test_too_small_a_place_says_so() -> None:
    image = render(chart(*wiggles(2)), 40, 3, theme="dark")
    assert "too small" in image.text()
    assert image.area is None


FUZZ = """
import itertools, math, sys
import numpy as np
from ibtui.charts.chart import render
from ibtui.charts.palette import Category, Shades
from ibtui.charts.scale import Axis, spanning
from ibtui.charts.spec import ChartSpec, ColourBar, Guide, Mark, Series

nan, inf = math.nan, math.inf
DATA = [[], [0.5], [nan], [inf, -inf], [3, 3, 3], [0, 0], [nan, 1, nan, 2, nan], [1e308, -1e308, 1e308], [-5, -1],
        [5e-324, 1e-300], [0, 1e308], [1, 2, inf, 3], [1e16, 1e16 + 2], list(range(300)), [-1, 0, 1, 10, 100]]
count = 0
for first, second in itertools.product(range(len(DATA)), repeat=2):
    x, y = np.array(DATA[first], dtype=float), np.array(DATA[second], dtype=float)
    log = bool((first + second) % 2)
    kind = ("points", "line", "steps")[(first + 2 * second) % 3]
    size = ((80, 24), (20, 5), (41, 9), (120, 40), (21, 6))[(3 * first + second) % 5]
    axes = spanning("x", x, log=log), spanning("y", y, log=log)
    if (first * second) % 4 == 1:  # limits of others than the data: zoomed in, or none at all
        axes = Axis("x", 0.9, 0.90001, log), Axis("y", nan, -inf, not log)
    shades = Shades(np.array([nan, 0.5, 2.0]))
    spec = ChartSpec("t", *axes, (Series(x, y, kind, shades, "a"), Series(y, x, kind, Category(9), "b")),
        (Guide("x", nan, "g"), Guide("y", 1e308, "h"), Guide("x", 1, "long label " * 9)),
        (Mark(nan, 1, "1"), Mark(1, 1, "2"), Mark(1, 1, "3" * 50), Mark(1, 1, "")),
        ColourBar("e", ((0, "0"), (1, "9"))))
    for colour, ascii in ((True, False), (False, True)):
        image = render(spec, *size, theme="dark", colour=colour, ascii=ascii)
        assert len(image.cells) == size[1] and {len(row) for row in image.cells} == {size[0]}
        image.text(), image.ansi()
        count += 1
print(count)
"""


def test_no_data_whatever_end_the_process() -> None:
    """In a process of its own, because plotext ends the process rather than raise."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", FUZZ], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert int(result.stdout) == 450


def test_a_chart_without_data_says_so() -> None:
    assert "no data" in render(chart(), 40, 12, theme="dark").text()
    assert "no data in this range" in render(chart(series((5, 5))), 40, 12, theme="dark").text()
    assert "no data in this range" not in render(chart(series((np.nan, np.nan))), 40, 12, theme="dark").text()


@pytest.mark.parametrize("colour", [True, False])
def test_ascii_is_nothing_but_ascii(colour: bool) -> None:
    spec = ChartSpec(
        "Überblick — β × 日本",
        Axis("I(X;T) ≤ 12 …", 0, 1),
        UP,
        (*wiggles(9, marker="●"), *wiggles(2), series((0.2, 0.3), label="naïve", marker="◆")),
        (Guide("x", 0.5, "σ"), Guide("y", 0.5, "→")),
        (Mark(0.5, 0.5, "é"),),
        ColourBar("époque", ((0.0, "0"), (1.0, "∞"))),
        "« caption »",
    )
    for size in ((80, 24), (40, 9), (19, 4), (5, 1)):
        assert render(spec, *size, theme="dark", colour=colour, ascii=True).text().isascii()
    assert "Uberblick - beta x" in render(spec, 80, 24, theme="dark", ascii=True).text()


def test_without_colour_there_are_no_escape_codes() -> None:
    image = render(chart(*wiggles(4), guides=(Guide("x", 0.5, "g"),)), 80, 24, theme="dark", colour=False)
    assert image.ansi() == image.text()
    assert "\x1b" not in image.text()
    assert not image.rich().spans


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("kind", ["points", "line", "steps"])
def test_without_colour_every_series_has_a_character_of_its_own(kind: Kind, ascii: bool) -> None:
    x = np.linspace(0.05, 0.95, 8)
    spec = chart(*(Series(x, np.full(8, 0.1 + 0.1 * k), kind, Category(k), f"s{k}") for k in range(8)))
    image = render(spec, 80, 30, theme="dark", colour=False, ascii=ascii)
    foot = image.text().splitlines()[-1]
    keys = re.findall(r"(\S+) s\d", foot)
    assert len(set(keys)) == 8
    area = area_of(image)
    shown = {row[c][0] for row in image.cells[: area.top + area.height] for c in range(area.left, 80)}
    assert all(any(character in shown for character in key.strip("━")) for key in keys)


def test_more_series_than_colours_differ_by_markers() -> None:
    spec = chart(*wiggles(16))
    image = render(spec, 120, 40, theme="dark")
    text = image.text()
    samples = {
        tuple(image.cells[row][column + k] for k in (1, 2, 3))
        for row, line in enumerate(text.splitlines())
        for column in (m.start() - 2 for m in re.finditer(r"[━●▲◆■○△◇□] series", line))
    }
    assert len(samples) == 16


@given(st.integers(1, 10), st.integers(40, 130), st.integers(14, 45), st.booleans(), st.booleans())
def test_the_legend_is_never_lost_or_broken(n: int, width: int, height: int, colour: bool, ascii: bool) -> None:
    image = render(chart(*wiggles(n)), width, height, theme="dark", colour=colour, ascii=ascii)
    below = image.text().splitlines()[area_of(image).top + area_of(image).height :]
    assert all(any(f" series {k}" in line for line in below) for k in range(n))


def test_a_legend_that_is_far_too_long_is_cut_with_a_sign() -> None:
    text = render(chart(*wiggles(60)), 40, 12, theme="dark").text()
    assert "series 0" in text
    assert text.rstrip().endswith(" ...")


def test_control_characters_do_not_get_through_and_wide_ones_keep_the_columns() -> None:
    spec = ChartSpec(
        "a\x1b[31mb\x07\u202ec\nd 日本語",
        Axis("x\x9b1m", 0, 1),
        UP,
        (series((0.5, 0.5), label="l\x1b]0;title\x07"),),
        marks=(Mark(0.2, 0.2, "\x1b[0m1"),),
    )
    image = render(spec, 60, 16, theme="dark", colour=False)
    assert all(character.isprintable() for row in image.cells for character, _ in row)
    assert "a[31mbc d 日本語" in image.text()
    from rich.cells import cell_len

    assert all(cell_len("".join(text for text, _ in image.runs(row))) == 60 for row in range(16))


def test_marks_at_one_point_share_a_text_and_never_run_together() -> None:
    marks = tuple(Mark(1.0, 1.0, str(k)) for k in (1, 2, 3, 5, 7, 8))
    image = render(chart(series((0.3, 0.3)), marks=marks), 60, 20, theme="dark")
    area = area_of(image)
    written = "".join(
        "".join(cell[0] for cell in row[area.left :]) + "\n" for row in image.cells[area.top : area.top + area.height]
    )
    assert re.findall(r"\d.*\d", written) == ["1–3, 5, 7–8"]


def test_the_labels_of_guides_keep_off_the_data() -> None:
    x = np.linspace(0, 0.6, 50)
    spec = chart(Series(x, np.full(50, 0.5), "line"), guides=(Guide("y", 0.5, "bound"), Guide("x", 0.7, "here")))
    plain = chart(Series(x, np.full(50, 0.5), "line"))
    images = [render(s, 60, 20, theme="dark") for s in (spec, plain)]
    assert "bound" in images[0].text()
    assert "here" in images[0].text()
    area = area_of(images[1])
    for column, row in drawn(images[1]):
        assert (
            images[0].cells[area.top + row][area.left + column] == images[1].cells[area.top + row][area.left + column]
        )


def test_guides_and_marks_outside_the_axes_are_left_out() -> None:
    spec = chart(series((0.5, 0.5)), guides=(Guide("x", 7, "guide"),), marks=(Mark(0.5, 7, "mark"),))
    text = render(spec, 60, 20, theme="dark").text()
    assert "guide" not in text
    assert "mark" not in text


def test_shades_colour_a_line_from_its_first_to_its_last_point() -> None:
    x = np.linspace(0, 1, 100)
    image = render(chart(Series(x, np.full(100, 0.5), "line", Shades(x))), 80, 24, theme="dark")
    area = area_of(image)
    [row] = {row for _, row in drawn(image)}
    colours = [colour for _, colour in image.cells[area.top + row][area.left :]]
    assert len(set(colours)) == 24
    assert all(len(list(group)) <= 8 for _, group in itertools.groupby(colours))


def test_themes_change_the_colours_and_nothing_else() -> None:
    spec = chart(*wiggles(3), guides=(Guide("x", 0.5, "g"),), bar=ColourBar("e", ((0.0, "0"), (1.0, "9"))))
    dark, light = (render(spec, 80, 24, theme=theme) for theme in ("dark", "light"))  # type: ignore[arg-type]
    assert dark.text() == light.text()
    assert dark != light


def test_all_forms_of_a_picture_show_the_same() -> None:
    image = render(chart(*wiggles(3), marks=(Mark(0.5, 0.5, "m"),)), 80, 24, theme="dark")
    plain = image.text()
    assert re.sub(r"\x1b\[[\d;]*m", "", image.ansi()) == plain
    assert [line.rstrip() for line in image.rich().plain.split("\n")] == plain.split("\n")
    assert ["".join(t for t, _ in image.runs(row)).rstrip() for row in range(24)] == plain.split("\n")
    assert all(line.count("\x1b[38;2;") == line.count("\x1b[0m") for line in image.ansi().split("\n"))


def test_title_axis_labels_and_caption_are_there_at_the_smallest_common_terminal() -> None:
    spec = ChartSpec("A title", Axis("epoch", 0, 10), Axis("loss nats", 0, 1), wiggles(2), caption="A caption.")
    text = render(spec, 80, 24, theme="dark").text()
    assert all(part in text for part in ("A title", "epoch", "loss nats", "A caption.", "0.2", "10"))
