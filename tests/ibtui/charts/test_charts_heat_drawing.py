"""Drawn heat maps: every value where it belongs, readable, never cut, in any size and without colour, too."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui.charts.heat_drawing import render_map
from ibtui.charts.heat_map import HeatCell, HeatMap
from ibtui.charts.painted import Grid, PaintedImage
from ibtui.charts.palette import Theme, palette
from tests.ibtui.charts.test_charts_palette import THEMES, contrast

MODES: tuple[dict[str, bool], ...] = ({}, {"ascii": True}, {"colour": False}, {"colour": False, "ascii": True})


def of_size(across: int, up: int, **parts: Any) -> HeatMap:
    """A map whose cells hold 100, 101, … from the lower left, row by row."""
    cells = tuple(
        tuple(
            HeatCell(100.0 + y * across + x, f"{100 + y * across + x} ± 0.05", f"{100 + y * across + x}")
            for x in range(across)
        )
        for y in range(up)
    )
    return HeatMap(
        "title",
        "rate",
        "batch",
        tuple(f"x{x}" for x in range(across)),
        tuple(f"y{y}" for y in range(up)),
        cells,
        **parts,
    )


def of_cells(*cells: HeatCell, **parts: Any) -> HeatMap:
    return HeatMap("t", "x", "y", tuple(f"x{k}" for k in range(len(cells))), ("y0",), (cells,), **parts)


def grid_of(image: PaintedImage) -> Grid:
    assert image.grid is not None
    return image.grid


def inside(image: PaintedImage, x: int, y: int) -> list[str]:
    """What stands in a cell, row by row."""
    grid = grid_of(image)
    top, left = grid.top + (grid.up - 1 - y) * grid.height, grid.left + x * grid.width
    return ["".join(text for text, _ in row[left : left + grid.width]) for row in image.cells[top : top + grid.height]]


SAMPLES = (
    HeatCell(5.0, "5.0 ± 0.1", "5"),
    HeatCell(80.0, "80 ± 3", "80"),
    HeatCell(60.0, "60 ?", "60?", "undecided"),
    HeatCell(text="undecided", short="?", state="undecided"),
    HeatCell(text="epoch 400", short="400", state="running"),
    HeatCell(text="waiting", state="waiting"),
    HeatCell(text="nothing was measured", state="absent"),
)


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 130),
    st.integers(0, 50),
    st.sampled_from(MODES),
    st.sampled_from(THEMES),
    st.data(),
)
def test_a_map_is_of_the_size_that_was_asked_for_and_says_no_more_than_its_mode_allows(
    across: int, up: int, width: int, height: int, mode: dict[str, bool], theme: Theme, data: st.DataObject
) -> None:
    cells = tuple(tuple(data.draw(st.sampled_from(SAMPLES)) for _ in range(across)) for _ in range(up))
    x, y = tuple(f"{k}ä" for k in range(across)), tuple(f"{k}" for k in range(up))
    shown = HeatMap("Bits löst", "x", "y", x, y, cells, caption="α")
    cursor = data.draw(st.none() | st.tuples(st.integers(0, across - 1), st.integers(0, up - 1)))
    image = render_map(shown, width, height, theme=theme, cursor=cursor, marks=((0, 0),), **mode)
    assert len(image.cells) == height
    assert all(len(row) == width for row in image.cells)
    assert not mode.get("ascii") or image.text().isascii()
    looks = {look for row in image.cells for _, look in row}
    assert mode.get("colour", True) or all(look.ink is None and look.paper is None for look in looks)
    assert image.rich().plain == "\n".join("".join(text for text, _ in row) for row in image.cells)
    assert re.sub(r"\x1b\[[0-9;]*m", "", image.ansi()).split() == image.text().split()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("mode", MODES[:2])
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_every_letter_in_a_cell_stands_out_from_its_colour(
    theme: Theme, mode: dict[str, bool], size: tuple[int, int]
) -> None:
    verdicts = tuple(
        HeatCell(text=kind, short=kind, kind=kind) for kind in ("reproduced", "partly", "not", "undecided")
    )  # type: ignore[arg-type]
    for shown in (of_size(8, 8), of_cells(*SAMPLES), of_cells(*verdicts, verdicts=True)):
        image = render_map(shown, *size, theme=theme, cursor=(1, 0), marks=((0, 0), (2, 0)), **mode)
        letters = [(text, look) for row in image.cells for text, look in row if text.isalnum() or text == "?"]
        assert len(letters) > 20
        for _, look in letters:
            ink = look.ink or (255, 255, 255)[:3] if theme == "dark" else look.ink or (0, 0, 0)
            assert contrast(ink, look.paper or palette(theme).background) >= 4.5


def test_rows_go_up_and_columns_to_the_right_and_each_value_is_in_its_cell() -> None:
    image = render_map(of_size(10, 10), 80, 24, theme="dark")
    for x, y in itertools.product(range(10), range(10)):
        assert str(100 + 10 * y + x) in "".join(inside(image, x, y))
    lines = image.text().splitlines()
    grid = grid_of(image)
    assert lines[grid.top].startswith("y9")
    assert lines[grid.top + 9 * grid.height].startswith("y0")
    assert lines[0].split() == ["batch", "title"]
    assert [word for line in lines[grid.top + 10 :] if "x0" in line for word in line.split()] == [
        f"x{k}" for k in range(10)
    ]
    assert any(line.strip() == "rate" for line in lines)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(30, 120), st.integers(14, 50), st.data())
def test_the_cell_under_the_mouse_is_the_one_that_is_drawn_there(
    across: int, up: int, width: int, height: int, data: st.DataObject
) -> None:
    image = render_map(of_size(across, up), width, height, theme="light")
    grid = grid_of(image)
    x, y = data.draw(st.integers(0, across - 1)), data.draw(st.integers(0, up - 1))
    column = grid.left + x * grid.width + data.draw(st.integers(0, grid.width - 1))
    row = grid.top + (up - 1 - y) * grid.height + data.draw(st.integers(0, grid.height - 1))
    assert grid.at(column, row) == (x, y)
    assert grid.at(grid.left - 1, row) is None
    assert grid.at(grid.left + across * grid.width, row) is None
    assert grid.at(column, grid.top - 1) is None
    assert grid.at(column, grid.top + up * grid.height) is None


@pytest.mark.parametrize(
    ("width", "height", "seen"),
    [
        (12, 1, ["100 ± 0.05"]),  # a blank at each side
        (11, 1, ["100"]),
        (11, 2, ["100", "± 0.05"]),
        (7, 2, ["100", "± 0.05"]),
        (6, 2, ["100"]),
        (4, 1, ["100"]),
        (3, 1, []),
    ],
)
def test_the_long_text_is_written_where_it_fits_else_the_short_one_else_none(
    width: int, height: int, seen: list[str]
) -> None:
    shown = of_size(2, 2)
    image = render_map(shown, 3 + 2 * width, 2 * height + 4, theme="dark")
    assert (grid_of(image).width, grid_of(image).height) == (width, height)
    assert [line.strip() for line in inside(image, 0, 0) if line.strip()] == seen


def test_one_value_that_does_not_fit_makes_all_of_them_short() -> None:
    cells = (HeatCell(1.0, "1 ± 0", "1"), HeatCell(2.0, "2.000001 ± 0.000001", "2"))
    image = render_map(of_cells(*cells), 3 + 2 * 8, 6, theme="dark")
    assert [inside(image, x, 0)[0].strip() for x in (0, 1)] == ["1", "2"]


def test_what_has_no_value_is_told_apart() -> None:
    image = render_map(of_cells(*SAMPLES), 3 + 7 * 16, 7, theme="dark")
    drawn = ["\n".join(inside(image, x, 0)) for x in range(len(SAMPLES))]
    assert [("╱" in text) for text in drawn] == [False, False, True, True, False, False, False]
    assert "▸ epoch 400" in drawn[4]
    assert "○ waiting" in drawn[5]
    assert drawn[6].strip() == "·"
    grid = grid_of(image)
    papers = [image.cells[grid.top][grid.left + x * 16][1].paper for x in range(len(SAMPLES))]
    assert [paper is None for paper in papers] == [False] * 4 + [True] * 3
    assert "undecided 2   ▸ running 1" in image.text()
    assert "○ waiting 1   · absent 1" in image.text()


@pytest.mark.parametrize("ascii", [False, True])
def test_without_colour_darker_characters_stand_for_greater_values_beside_their_numbers(ascii: bool) -> None:
    order = ":-=+*#%@" if ascii else "░▒▓█"
    image = render_map(of_size(8, 1), 3 + 8 * 8, 5, theme="dark", colour=False, ascii=ascii)
    ranks = []
    for x in range(8):
        [text] = inside(image, x, 0)
        assert f" {100 + x} " in text
        [shade] = set(text) & set(order)
        ranks.append(order.index(shade))
    assert ranks == sorted(ranks)
    assert (ranks[0], ranks[-1]) == (0, len(order) - 1)


def test_verdicts_have_colours_of_their_own_and_their_counts_in_the_legend() -> None:
    kinds = ("reproduced", "partly", "not", "undecided", "not")
    shown = of_cells(*(HeatCell(text=kind, short=kind[0], kind=kind) for kind in kinds), verdicts=True)  # type: ignore[arg-type]
    for theme in THEMES:
        image = render_map(shown, 3 + 5 * 13, 6, theme=theme)
        grid = grid_of(image)
        papers = [image.cells[grid.top][grid.left + x * 13][1].paper for x in range(5)]
        assert len(set(papers)) == 4
        assert papers[2] == papers[4]
    assert "reproduced 1      partly 1      not 2   ╱╱ undecided 1" in image.text()
    assert "undecided" in inside(image, 3, 0)[0]


def test_the_scale_names_the_least_and_the_greatest_value() -> None:
    text = render_map(of_size(3, 3, logarithmic=True), 80, 24, theme="dark").text()
    assert re.search(r"^100 +108 \(logarithmic\)$", text, re.MULTILINE)
    alike = HeatCell(1.21, "1.21", "1.2"), HeatCell(1.24, "1.24", "1.2")
    assert re.search(r"^1\.21 +1\.24$", render_map(of_cells(*alike), 40, 10, theme="dark").text(), re.MULTILINE)
    assert "undecided 1" in render_map(of_cells(SAMPLES[3]), 40, 10, theme="dark").text()


def test_a_column_is_named_where_there_is_room_and_always_where_the_cursor_is() -> None:
    labels = tuple(f"{k}.5" for k in range(10, 50))
    cells = (tuple(HeatCell(float(k), str(k), str(k)) for k in range(40)),)
    shown = HeatMap("t", "", "", labels, ("1",), cells)
    wide = render_map(shown, 2 + 40 * 5, 8, theme="dark").text()
    assert all(label in wide for label in labels)
    staggered = render_map(shown, 2 + 40 * 3, 8, theme="dark").text()
    assert all(label in staggered for label in labels)
    few = render_map(shown, 2 + 40, 8, theme="dark").text()
    assert [word for word in few.split() if word in labels] == list(labels[::5])
    assert "27.5" not in few
    chosen = render_map(shown, 2 + 40, 8, theme="dark", cursor=(17, 0)).text()
    assert "27.5" in chosen
    assert not set(re.findall(r"\d\d\.\d", chosen)) - set(labels)


def test_two_cells_share_a_row_where_there_are_more_rows_than_there_is_room_for() -> None:
    shown = of_size(40, 25)
    image = render_map(shown, 80, 24, theme="dark")
    grid = grid_of(image)
    assert grid.height == 0
    assert grid.at(grid.left, grid.top) == (0, 24)
    assert grid.at(grid.left + 39, grid.top + 12) == (39, 0)
    assert grid.at(grid.left, grid.top + 13) is None
    [(upper, look)] = image.cells[grid.top][grid.left : grid.left + 1]
    places = shown.places()
    assert upper == "▀"
    assert look.ink == palette("dark").even(places[24][0] or 0)
    assert look.paper == palette("dark").even(places[23][0] or 0)
    assert grid_of(render_map(shown, 80, 27, theme="dark")).height == 1
    assert grid_of(render_map(shown, 80, 26, theme="dark")).height == 0


def test_where_cells_have_no_room_one_line_says_how_much_they_need() -> None:
    shown = of_size(40, 25)
    for mode, size in (({}, (40, 15)), ({"colour": False}, (40, 27)), ({"ascii": True}, (40, 27))):
        assert render_map(shown, *size, theme="dark", **mode).grid is not None
        for less in ((size[0] - 1, size[1]), (size[0], size[1] - 1)):
            image = render_map(shown, *less, theme="dark", **mode)
            assert image.grid is None
            assert image.text().strip() == f"needs {size[0]} columns and {size[1]} rows"
    assert render_map(HeatMap("t", "x", "y", (), (), ()), 40, 10, theme="dark").text().strip() == "no cells"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (30, 14)])
def test_the_cursor_is_seen_and_its_values_too(mode: dict[str, bool], size: tuple[int, int]) -> None:
    shown = of_size(6, 6)
    without = render_map(shown, *size, theme="dark", **mode)
    image = render_map(shown, *size, theme="dark", cursor=(2, 4), **mode)
    grid = grid_of(image)
    top, left = grid.top + grid.height, grid.left + 2 * grid.width
    own = [(r, c) for r in range(top, top + grid.height) for c in range(left, left + grid.width)]
    assert any(image.cells[r][c] != without.cells[r][c] for r, c in own)
    strong = "".join(text for row in image.cells for text, look in row[: grid.left] if look.strong)
    assert strong == "y4"
    others = itertools.product(range(grid.top, grid.top + 6 * grid.height), range(grid.left, image_width(image)))
    assert all(image.cells[r][c] == without.cells[r][c] for r, c in others if (r, c) not in own)
    if size != (30, 14):
        assert "126" in "".join(inside(image, 2, 4))


def image_width(image: PaintedImage) -> int:
    return len(image.cells[0])


@pytest.mark.parametrize("mode", MODES)
def test_marked_cells_are_named_beside_their_values(mode: dict[str, bool]) -> None:
    for size in ((80, 24), (120, 40)):
        image = render_map(of_size(6, 6), *size, theme="dark", cursor=(1, 1), marks=((1, 1), (5, 0)), **mode)
        for (x, y), name, value in (((1, 1), "A", "107"), ((5, 0), "B", "105")):
            text = " ".join(inside(image, x, y))
            assert name in text
            assert value in text


@pytest.mark.parametrize(("height", "whole"), [(3, False), (4, True)])
def test_a_frame_leaves_texts_of_two_lines_alone(height: int, whole: bool) -> None:
    image = render_map(of_size(2, 2), 3 + 2 * 10, 4 + 2 * height, theme="dark", cursor=(0, 0))
    drawn = inside(image, 0, 0)
    assert len(drawn) == height
    assert any("100" in line for line in drawn)
    assert any("± 0.05" in line for line in drawn)
    assert ("▀" in drawn[0]) == whole
    assert all(line[0] in "▌▛▙" for line in drawn)


def test_the_mark_of_a_cell_that_trains_stays_beside_its_text() -> None:
    cells = (HeatCell(text="epoch 400", short="400", state="running"),) * 2
    for width, seen in ((13, ["▸ epoch 400"]), (12, ["▸ epoch", "400"]), (7, ["▸400"]), (4, ["▸"])):
        image = render_map(of_cells(*cells), 3 + 2 * width, 6, theme="dark")
        assert [line.strip() for line in inside(image, 0, 0) if line.strip()] == seen
