"""Dots and the lines between them become characters in cells: the one module that calls plotext.

plotext 6.1 gets nothing but integer dots inside the canvas, no axes, no limits of its own, no text, because
everything else it does is either wrong somewhere or ends the process (a NaN in a line, a vertex far outside).
Every call draws on a figure of its own: plotext's figures must not be shared between threads. plotext is
imported by the first drawing, because it takes 0.2 s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui.charts.image import BLANK, Cell
from ibtui.charts.palette import RGB
from ibtui.charts.plotext_private import quick_adder

if TYPE_CHECKING:
    from ibtui.charts.paths import Dots

BRAILLE = "braille"
"""Marker of fine lines: 2 x 4 dots in a cell."""

BLOCK = "hd"
"""Marker of points that are seen well: 2 x 2 quadrants in a cell."""

_CODES = re.compile(r"\x1b\[([\d;]*)m|([^\x1b]+)")


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """Dots of one colour on the grid that `resolution` of the marker gives, row 0 at the top."""

    dots: Dots
    marker: str
    """BRAILLE, BLOCK, or any character that is one column wide."""
    colour: RGB | None
    lines: bool
    """Whether to draw the lines between joined dots, or the dots alone."""


def resolution(marker: str) -> tuple[int, int]:
    """How many dots a cell has across and down."""
    return {BRAILLE: (2, 4), BLOCK: (2, 2)}.get(marker, (1, 1))


def rasterise(strokes: Sequence[Stroke], width: int, height: int) -> list[list[Cell]]:
    """The cells of a canvas with the strokes drawn over each other; the last one gives a cell its colour."""
    import plotext

    plotext.terminal.limit(False, False)  # or figures are cut to the terminal's size
    figure = type(plotext.figure)(plotext.terminal)
    figure.plot_size(width, height).axes(False).canvas("default")
    figure.ruler("x").lim(0, width).frequency(0).alignment(lim="edge")
    figure.ruler("y").lim(0, height).frequency(0).alignment(lim="edge").direction(-1)
    add = quick_adder(figure) or _add
    for stroke in strokes:
        if len(stroke.dots.column) == 0:
            continue
        across, down = resolution(stroke.marker)
        # to the middle of a dot, where no rounding moves it into the next one
        x, y = (stroke.dots.column + 0.5) / across, (stroke.dots.row + 0.5) / down
        marker = plotext.marker(stroke.marker, pixel=stroke.colour)
        joined = np.flatnonzero(stroke.dots.joined).tolist() if stroke.lines else []
        add(figure, x.tolist(), y.tolist(), marker, joined)
    rows = [_cells(line) for line in figure.build().string().split("\n")[:height]]
    return [(row + [BLANK] * width)[:width] for row in (rows + [[]] * height)[:height]]


def _add(figure: Any, x: Sequence[float], y: Sequence[float], marker: Any, joined: Sequence[int]) -> None:
    """Add a signal to a figure as plotext documents it."""
    signal = figure.signal(x, y, marker=marker)
    for index in joined:
        signal.line(index)
    figure.draw(signal)


def _cells(line: str) -> list[Cell]:
    """One line of plotext's ANSI text as cells; it writes no codes but a reset and 24-bit foregrounds."""
    cells: list[Cell] = []
    colour: RGB | None = None
    for codes, text in _CODES.findall(line):
        if text:
            cells.extend((character, colour) for character in text)
        elif codes.startswith("38;2;"):
            red, green, blue = (int(part) for part in codes.split(";")[2:5])
            colour = (red, green, blue)
        else:
            colour = None
    return cells
