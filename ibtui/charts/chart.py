"""Draws a chart: everything in a `ChartSpec` becomes one grid of cells.

The data go through `paths` (clipped, thinned) and `canvas` (plotext); all around them is written here, so
that nothing is lost without a sign: a legend that does not fit plotext's canvas disappears.
"""

from __future__ import annotations

from ibtui.charts.image import ChartImage, Sheet
from ibtui.charts.layout import Layout, lay_out
from ibtui.charts.legend import pens
from ibtui.charts.lettering import columns, fit
from ibtui.charts.palette import Palette, Theme, palette
from ibtui.charts.plot import ASCII_BOX, BOX, Glyphs, Style, draw_plot
from ibtui.charts.spec import ChartSpec

LEAST_WIDTH, LEAST_HEIGHT = 20, 5
"""Columns and rows below which there is no chart but a line that says so."""


def render(
    spec: ChartSpec,
    width: int,
    height: int,
    *,
    theme: Theme,
    colour: bool = True,
    ascii: bool = False,
) -> ChartImage:
    """The chart as a grid of exactly `width` columns and `height` rows, in the colours of a theme.

    Without colour every series has a marker of its own; with `ascii` no character is beyond ASCII. Whatever
    the data, a chart comes back: points without a place are left out, lines are cut at the limits of the
    axes, and below 20 columns or 5 rows one line says that there is too little room.
    """
    width, height = max(0, width), max(0, height)
    sheet = Sheet(width, height)
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        sheet.put(height // 2, 0, fit("too small for a chart", width, ascii=ascii))
        return sheet.image()
    colours = palette(theme)
    style = Style(ASCII_BOX if ascii else BOX, colours, colour, ascii)
    used = pens(spec.series, colours, colour=colour, ascii=ascii)
    layout = lay_out(spec, used, width, height, colours, colour=colour, ascii=ascii)
    _draw_frame(sheet, layout, style.glyphs, colours)
    area = draw_plot(sheet, spec, layout.area, used, style, ends=layout.ends)
    return sheet.image(area, colour=colour)


def _draw_frame(sheet: Sheet, layout: Layout, glyphs: Glyphs, colours: Palette) -> None:
    """Everything around the data."""
    area = layout.area
    for row, text in enumerate(layout.head):
        sheet.put(row, 0, text)
    bottom = area.top + area.height
    for row in range(area.top, bottom):
        sheet.put(row, area.left - 1, glyphs.vertical, colours.frame)
    sheet.put(bottom, area.left - 1, glyphs.corner + glyphs.horizontal * area.width, colours.frame)
    for tick in layout.y_ticks:
        row = area.top + area.row(tick.unit)
        sheet.put(row, area.left - 1 - len(tick.label), tick.label, colours.muted)
        sheet.put(row, area.left - 1, glyphs.tick_left, colours.frame)
    for placed in layout.x_ticks:
        sheet.put(bottom, placed.column, glyphs.tick_below, colours.frame)
        sheet.put(bottom + 1, placed.start, placed.label, colours.muted)
    row = bottom + 2
    if layout.x_label:
        middle = area.left + (area.width - len(columns(layout.x_label))) // 2
        sheet.put(row, max(0, middle), layout.x_label)
        row += 1
    for below, line in enumerate(layout.foot):
        sheet.put_cells(row + below, 0, line)
