"""Bands: the space between two lines, such as one standard deviation about a mean, filled with sparse dots.

A cell has one colour, so that a band is drawn where nothing else is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.annotate import Position
from ibtui.charts.image import Cell, PlotArea
from ibtui.charts.palette import Palette
from ibtui.charts.spec import Band

if TYPE_CHECKING:
    from jaxtyping import Int

ACROSS, DOWN = 2, 4
"""Dots of a cell."""
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Of a Braille character (Unicode, block 2800), by row and column."""


def fill(bands: Sequence[Band], area: PlotArea, colours: Palette, *, colour: bool, ascii: bool) -> dict[Position, Cell]:
    """The cells of the bands, later ones over earlier ones, by row and column of the area.

    Without colour one dot in every other cell, so that a band is not taken for a line.
    """
    found: dict[Position, Cell] = {}
    for band in bands:
        dots = _dots(band, area)
        cells = dots.reshape(area.height, DOWN, area.width, ACROSS)
        codes = np.einsum("rdca,da->rc", cells, _BITS)
        ink = colours.resolve(band.colour)
        for row, column in zip(*(axis.tolist() for axis in np.nonzero(codes)), strict=True):
            if colour and not ascii:
                found[row, column] = chr(0x2800 + int(codes[row, column])), ink
            elif (row + column) % 2 == 0:
                found[row, column] = "." if ascii else "·", ink
    return found


def _dots(band: Band, area: PlotArea) -> Int[np.ndarray, "rows columns"]:
    """Which dots of the area are filled: one in four of those between the two ends, in a pattern that stays put."""
    rows, columns = area.height * DOWN, area.width * ACROSS
    x = area.x.to_unit(band.x)
    there = np.isfinite(x) & np.isfinite(band.low) & np.isfinite(band.high)
    if there.sum() < 2:
        return np.zeros((rows, columns), dtype=np.int64)
    low, high = (np.nan_to_num(area.y.to_unit(end[there]), nan=0.0) for end in (band.low, band.high))
    middles = (np.arange(columns) + 0.5) / columns
    bottom, top = (np.interp(middles, x[there], end, left=np.nan, right=np.nan) for end in (low, high))
    height = 1 - (np.arange(rows)[:, None] + 0.5) / rows
    filled = (height >= bottom) & (height <= top)
    pattern = (np.arange(rows)[:, None] % 2 == 0) & ((np.arange(columns) + np.arange(rows)[:, None] // 2) % 2 == 0)
    return np.asarray(filled & pattern, np.int64)
