"""The rasteriser: a known dot lands in the known cell, for every marker, and only drawing imports plotext."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui.charts.canvas import BLOCK, BRAILLE, Stroke, rasterise, resolution
from ibtui.charts.image import BLANK, Cell
from ibtui.charts.paths import Dots
from ibtui.charts.plotext_private import SEEN_IN, SIGNAL_NAMES, quick_adder

BRAILLE_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
QUADRANTS = (("▘", "▝"), ("▖", "▗"))


def dots(places: list[tuple[int, int]], *, joined: bool = False) -> Dots:
    column, row = (np.array([place[k] for place in places], dtype=np.int64) for k in (0, 1))
    return Dots(column, row, np.array([joined and i > 0 for i in range(len(places))]), np.arange(len(places)))


@given(
    st.sampled_from([BRAILLE, BLOCK, "x", "●"]),
    st.integers(1, 60),
    st.integers(1, 30),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
)
def test_a_dot_lands_in_its_cell(marker: str, width: int, height: int, across: float, down: float) -> None:
    fine = resolution(marker)
    column, row = int(across * width * fine[0]), int(down * height * fine[1])
    cells = rasterise([Stroke(dots([(column, row)]), marker, (1, 2, 3), False)], width, height)
    part = column % fine[0], row % fine[1]
    expected = {BRAILLE: chr(0x2800 + BRAILLE_BITS[row % 4][column % 2]), BLOCK: QUADRANTS[row % 2][column % 2]}
    assert cells[row // fine[1]][column // fine[0]] == (expected.get(marker, marker), (1, 2, 3)), part
    assert sum(cell != BLANK for line in cells for cell in line) == 1
    assert (len(cells), {len(line) for line in cells}) == (height, {width})


STROKES = st.lists(
    st.tuples(
        st.sampled_from([BRAILLE, BLOCK, "x"]),
        st.sampled_from([(255, 0, 0), (0, 0, 255), (0, 0, 0)]),
        st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True)), max_size=30),
        st.booleans(),
        st.integers(0, 5),
    ),
    max_size=5,
)


def drawn(given_strokes: list[Any], width: int, height: int) -> list[list[Cell]]:
    strokes = []
    for marker, colour, places, lines, gap in given_strokes:
        across, down = resolution(marker)
        some = dots([(int(x * width * across), int(y * height * down)) for x, y in places], joined=True)
        some.joined[gap : gap + 1] = False
        strokes.append(Stroke(some, marker, colour, lines))
    return rasterise(strokes, width, height)


@given(STROKES, st.integers(1, 60), st.integers(1, 30))
def test_with_what_plotext_offers_openly_the_cells_are_the_same(given_strokes: Any, width: int, height: int) -> None:
    quick = drawn(given_strokes, width, height)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ibtui.charts.canvas.quick_adder", lambda figure: None)
        assert drawn(given_strokes, width, height) == quick


def test_the_names_that_plotext_keeps_to_itself_were_seen_in_the_version_that_is_installed() -> None:
    import plotext

    seen = "look at the names in ibtui/charts/plotext_private.py again, then write this version"
    assert version("plotext") == SEEN_IN, seen
    assert quick_adder(plotext.figure) is not None


@pytest.mark.parametrize("name", SIGNAL_NAMES)
def test_without_one_of_them_charts_are_drawn_all_the_same(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    import plotext
    from plotext._signal.signal import signal_class

    for owner in signal_class.__mro__[:-1]:
        monkeypatch.delattr(owner, name, raising=False)
    assert quick_adder(plotext.figure) is None
    assert quick_adder(SimpleNamespace()) is None


def test_a_line_joins_the_corners_and_a_gap_stays_a_gap() -> None:
    corners = dots([(0, 0), (19, 19)], joined=True)
    cells = rasterise([Stroke(corners, BRAILLE, None, True)], 10, 5)
    assert all(cells[i // 2][i][0] != " " for i in range(10))
    apart = rasterise([Stroke(dots([(0, 0), (19, 19)]), BRAILLE, None, True)], 10, 5)
    assert sum(cell != BLANK for line in apart for cell in line) == 2


def test_the_last_stroke_gives_a_cell_its_colour() -> None:
    red, blue = (255, 0, 0), (0, 0, 255)
    strokes = [Stroke(dots([(0, 0)]), BRAILLE, red, False), Stroke(dots([(1, 3)]), BRAILLE, blue, False)]
    assert rasterise(strokes, 2, 1)[0] == [("⢁", blue), BLANK]


def test_black_is_a_colour() -> None:
    assert rasterise([Stroke(dots([(0, 0)]), "x", (0, 0, 0), False)], 1, 1) == [[("x", (0, 0, 0))]]


@pytest.mark.parametrize("places", [[], [(0, 0)]])
def test_little_or_nothing_can_be_drawn(places: list[tuple[int, int]]) -> None:
    assert len(rasterise([Stroke(dots(places), BRAILLE, None, True)], 3, 2)) == 2
    assert rasterise([], 3, 1) == [[BLANK] * 3]


def test_plotext_and_rich_are_imported_when_they_are_needed_and_not_before() -> None:
    program = """
import pkgutil, sys, importlib
import ibtui.charts
for module in pkgutil.iter_modules(ibtui.charts.__path__):
    importlib.import_module(f"ibtui.charts.{module.name}")
print(sorted({"plotext", "rich", "textual", "torch", "numba"} & set(sys.modules)))
from ibtui.charts.chart import render
from ibtui.charts.scale import Axis
from ibtui.charts.spec import ChartSpec, Series
import numpy as np
spec = ChartSpec("", Axis("", 0, 1), Axis("", 0, 1), (Series(np.array([0.5]), np.array([0.5]), "points"),))
render(spec, 40, 10, theme="dark")
print("plotext" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["[]", "True"]
