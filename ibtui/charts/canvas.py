"""The one module that knows plotext: dots and the lines between them become characters in cells.

plotext 6.1 gets nothing but integer dots inside the canvas, no axes, no limits of its own, no text, because
everything else it does is either wrong somewhere or ends the process (a NaN in a line, a vertex far outside).
Dots are appended to its signals one by one, and signals added to a figure without its cycler of colours, by
methods that it keeps to itself: a chart takes a third of the time then, and a test holds it to plotext's open ways.
Every call draws on a figure of its own: plotext's figures must not be shared between threads. plotext is
imported by the first drawing, because it takes 0.2 s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.image import BLANK, Cell
from ibtui.charts.palette import RGB

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
    from plotext._signal.signal import signal_class

    plotext.terminal.limit(False, False)  # or figures are cut to the terminal's size
    figure = type(plotext.figure)(plotext.terminal)
    figure.plot_size(width, height).axes(False).canvas("default")
    figure.ruler("x").lim(0, width).frequency(0).alignment(lim="edge")
    figure.ruler("y").lim(0, height).frequency(0).alignment(lim="edge").direction(-1)
    for stroke in strokes:
        if len(stroke.dots.column) == 0:
            continue
        across, down = resolution(stroke.marker)
        # to the middle of a dot, where no rounding moves it into the next one
        x, y = (stroke.dots.column + 0.5) / across, (stroke.dots.row + 0.5) / down
        marker = plotext.marker(stroke.marker, pixel=stroke.colour)
        signal = signal_class(len(x))
        signal._set_marker(marker)._set_xside(0)._set_yside(0)
        for dot in zip(x.tolist(), y.tolist(), strict=True):
            signal._append_point(*dot, marker)
        if stroke.lines:
            for index in np.flatnonzero(stroke.dots.joined).tolist():
                signal._set_connected(index)
        figure._signals._add(signal)
    rows = [_cells(line) for line in figure.build().string().split("\n")[:height]]
    return [(row + [BLANK] * width)[:width] for row in (rows + [[]] * height)[:height]]


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
