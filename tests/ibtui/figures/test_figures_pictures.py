"""Pictures and tables: every figure in every format, the same each time, readable in grey, with all its numbers."""

from __future__ import annotations

import ast
import csv
import io
import re
import zlib
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import ibtui
import ibtui_engine
from ibtui.charts.chart import render
from ibtui.figures.content import ONE_COLUMN, TWO_COLUMNS, Content, Line, Lines, Paths
from ibtui.figures.drawing import compose, picture, settle
from ibtui.figures.lettering import Letters
from ibtui.figures.paper import FORMATS, STYLE, epoch_colours, marker, new_figure, steps
from ibtui.figures.registry import FIGURES
from ibtui.figures.table import COLUMNS, table
from ibtui.figures.terminal import chart

KINDS = {"2": "png", "3": "pdf", "4": "png", "5": "svg", "6": "pdf", "7": "svg", "8": "png", "orbits": "pdf",
         "ib-guided": "png"}  # fmt: skip
"""Each figure in one format: all of them in all take half a minute."""
COARSE = 60
"""Dots an inch in tests; 300 take longer."""


@pytest.mark.long
@pytest.mark.parametrize("name", KINDS)
def test_every_figure_becomes_a_picture_as_wide_as_a_page_takes(
    contents: dict[str, Content], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert STYLE["savefig.dpi"] == 300
    monkeypatch.setitem(STYLE, "savefig.dpi", COARSE)
    content, kind = contents[name], KINDS[name]
    data = picture(content, kind)
    width, height = content.width, sum(content.heights)
    assert width in (ONE_COLUMN, TWO_COLUMNS)
    assert {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[kind] == data[: {"png": 4, "pdf": 4, "svg": 5}[kind]]
    if kind == "png":
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (round(COARSE * width), round(COARSE * height))
            assert len(np.unique(np.asarray(image.convert("L")))) > 20
    if kind == "svg":
        assert f'width="{72 * width:g}pt"' in data.decode()
    if kind == "pdf":
        assert b"/Subtype /CIDFontType2" in _unpacked(data) or b"/FontFile2" in _unpacked(data), "TrueType, embedded"
        assert b"/Type3" not in _unpacked(data)


def _unpacked(data: bytes) -> bytes:
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    plain = []
    for stream in streams:
        try:
            plain.append(zlib.decompress(stream))
        except zlib.error:
            plain.append(stream)
    return data + b"".join(plain)


@pytest.fixture
def tiny() -> Content:
    """Little to draw."""
    line = Line("one", *(np.array([1.0, 2.0]) for _ in range(4)), np.array([3, 3]))
    return Content(((Lines("title", "x", "y", (line,)),),), ONE_COLUMN, (2.0,))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_numbers_make_the_same_file(tiny: Content, kind: str) -> None:
    first = picture(tiny, kind)
    assert picture(tiny, kind) == first
    assert b"Date" not in first
    assert b"Matplotlib" not in first


def test_pictures_are_fine_enough_for_print_and_leave_the_settings_of_matplotlib_alone(tiny: Content) -> None:
    before = dict(mpl.rcParams)
    with Image.open(io.BytesIO(picture(tiny, "png"))) as image:
        assert image.size == (1020, 600)
    assert dict(mpl.rcParams) == before


def _lightness(colour: tuple[float, ...]) -> float:
    """CIE L*, 0 to 100."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    y = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def test_colours_are_told_apart_in_grey_and_from_paper() -> None:
    epochs = [_lightness(epoch_colours()(place)) for place in np.linspace(0, 1, 50)]
    assert all(one < other for one, other in pairwise(epochs)), "lighter and lighter"
    assert epochs[-1] - epochs[0] > 60
    assert epochs[-1] < 90, "paper is 100"
    for count in range(2, 10):
        layers = [_lightness(colour) for colour in steps(count)]
        assert min(other - one for one, other in pairwise(layers)) > 40 / count
        assert layers[-1] < 88
        assert len({marker(k) for k in range(min(count, 8))}) == min(count, 8), "and by their markers"


def _panels(contents: dict[str, Content], name: str) -> tuple[Figure, list[Axes]]:
    content = contents[name]
    figure = new_figure(content.width, sum(content.heights))
    settle(figure, compose(figure, content))
    return figure, [axes for part in figure.subfigs for axes in part.axes]


def test_panels_share_their_axes_and_name_their_ceilings(contents: dict[str, Content]) -> None:
    with mpl.rc_context(STYLE):
        _, axes = _panels(contents, "3")
    planes = axes[:3]
    assert len({one.get_xlim() for one in planes}) == len({one.get_ylim() for one in planes}) == 1
    assert len({round(one.get_position().y0, 6) for one in planes}) == 1, "aligned"
    assert len({round(one.get_position().width, 6) for one in planes}) == 1
    for one in planes:
        texts = {text.get_text() for text in one.texts}
        assert {"$H(X)$", "$I(X;Y)$"} <= texts
    assert [one.get_title() for one in planes] == [f"{share} % of the patterns" for share in (5, 45, 85)]


def test_no_label_covers_another(contents: dict[str, Content]) -> None:
    with mpl.rc_context(STYLE):
        figure, axes = _panels(contents, "3")
        for one in axes[:3]:
            boxes = [text.get_window_extent() for text in one.texts if text.get_text()[:1].isdigit()]
            assert boxes
            frame = one.get_window_extent()
            for k, box in enumerate(boxes):
                assert not any(box.overlaps(other) for other in boxes[:k])
                assert frame.contains(*box.min)
                assert frame.contains(*box.max)
        assert figure.dpi > 0


def test_labels_of_places_that_are_one_become_one() -> None:
    with mpl.rc_context(STYLE):
        figure = new_figure(3, 2)
        letters = Letters(figure.subplots())
        for text in ("1", "2", "3"):
            letters.add(0.5, 0.5, text)
        letters.add(0.1, 0.9, "4")
        letters.add(float("nan"), 0.9, "5")
        settle(figure, [letters])
    assert [text.get_text() for text in letters.axes.texts] == ["1–3", "4"]


@pytest.mark.parametrize("name", FIGURES)
def test_every_panel_is_a_chart_in_the_terminal(contents: dict[str, Content], name: str) -> None:
    if name not in contents:
        pytest.skip("has no small session here")
    for panel in contents[name].panels:
        text = render(chart(panel), 100, 22, theme="dark", colour=False).text()
        assert "no data" not in text
        assert len(text.splitlines()) == 22


def _rows(content: Content) -> list[dict[str, str]]:
    return list(csv.DictReader(table(content).decode().splitlines()))


def test_tables_have_all_that_is_drawn_with_units(contents: dict[str, Content]) -> None:
    rows = _rows(contents["3"])
    assert {"i_x_bits", "i_y_bits", "epoch", "layer", "fraction"} <= set(rows[0]) <= {*COLUMNS}
    for number, panel in enumerate(contents["3"].panels, start=1):
        assert isinstance(panel, Paths)
        of_panel = [row for row in rows if row["panel"] == str(number)]
        path = np.array([[float(row["i_x_bits"]), float(row["i_y_bits"])] for row in of_panel if row["what"] == "path"])
        np.testing.assert_array_equal(path[:, 0], panel.i_x.T.ravel())
        np.testing.assert_array_equal(path[:, 1], panel.i_y.T.ravel())
        turns = [float(row["epoch"]) for row in of_panel if row["what"] == "drift ends"]
        assert turns == [turn for turn in panel.transitions if not np.isnan(turn)]
        across = [row for row in of_panel if row["what"] == "network's drift ends"]
        assert len(across) == (0 if np.isnan(panel.transition) else panel.i_x.shape[1])
        for row in across:
            path = panel.i_x[:, int(row["layer"]) - 1]
            assert float(row["i_x_bits"]) == pytest.approx(np.interp(panel.transition, panel.epochs, path))
    planes = [row for row in _rows(contents["6"]) if row["panel"] in "12"]
    assert {row["what"] for row in planes} == {"layer", "IB curve", "H(X)", "I(X;Y)"}
    assert {"beta", "beta_networks", "curve_i_x_bits", "curve_i_y_bits", "residual_bits"} <= set(planes[0])
    assert "finite-sample bound" in {row["what"] for row in _rows(contents["7"])}
    assert {"layer", "noise floor", "drift ends", "levels off", "independent noise"} == {
        row["what"] for row in _rows(contents["4"])
    }
    assert {"hidden_layers", "epoch"} <= set(_rows(contents["5"])[0])


def test_lines_of_any_kind_are_drawn_and_tabled() -> None:
    nan = float("nan")
    x, y = np.array([0.1, 1.0, 10.0]), np.array([3.0, nan, 5.0])
    line = Line("noise", x, y, y - 1, y + 1, np.array([4, 0, 2]))
    panel = Lines("title", "sigma", "error", (line,), x_log=True, columns=("sigma", "error_bits"), note="words")
    content = Content(((panel,),), ONE_COLUMN, (2.0,))
    rows = _rows(content)
    assert [row["error_bits"] for row in rows] == ["3", "", "5"]
    assert [row["error_bits_high"] for row in rows] == ["4", "", "6"]
    assert picture(content, "svg").startswith(b"<?xml")
    assert "words" in render(chart(panel), 80, 20, theme="light", colour=False).text()


def test_only_this_package_knows_matplotlib() -> None:
    rooms = [Path(room.__file__).parent for room in (ibtui_engine, ibtui) if room.__file__]
    found = {
        str(file)
        for room in rooms
        for file in room.rglob("*.py")
        if "figures" not in file.relative_to(room).parts
        for node in ast.walk(ast.parse(file.read_text()))
        for name in _imported(node)
        if name.partition(".")[0] in ("matplotlib", "PIL")
    }
    assert found == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
