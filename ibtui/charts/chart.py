"""Draws a chart: everything in a `ChartSpec` becomes one grid of cells.

The data go through `paths` (clipped, thinned) and `canvas` (plotext); all around them is written here, so
that nothing is lost without a sign: a legend that does not fit plotext's canvas disappears.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ibtui.charts import paths
from ibtui.charts.annotate import Placed, Position, place_marks, place_on_column, place_on_row
from ibtui.charts.canvas import BRAILLE, Stroke, rasterise, resolution
from ibtui.charts.image import ChartImage, PlotArea, Sheet
from ibtui.charts.layout import Layout, lay_out
from ibtui.charts.legend import Pen, pens
from ibtui.charts.lettering import clean, columns, fit
from ibtui.charts.palette import Palette, Shades, Theme, palette
from ibtui.charts.spec import ChartSpec, Mark, Series

LEAST_WIDTH, LEAST_HEIGHT = 20, 5
"""Columns and rows below which there is no chart but a line that says so."""

STAMP_EVERY = 14
"""Cells of line between two markers that are set into it."""

DOT_EVERY, CHARACTER_EVERY = 1.25, 3.0
"""Cells between two dots, or two characters, of a dotted line."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of axes and guides."""

    vertical: str
    horizontal: str
    corner: str
    tick_left: str
    tick_below: str
    guide_vertical: str
    guide_horizontal: str


BOX = Glyphs("│", "─", "└", "┤", "┬", "┊", "┈")
ASCII_BOX = Glyphs("|", "-", "+", "+", "+", ":", "-")


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
    glyphs = ASCII_BOX if ascii else BOX
    used = pens(spec.series, colours, colour=colour, ascii=ascii)
    layout = lay_out(spec, used, width, height, colours, colour=colour, ascii=ascii)
    _draw_frame(sheet, layout, glyphs, colours)
    _draw_area(sheet, spec, layout.area, used, glyphs, colours, brackets=not colour, ascii=ascii)
    return sheet.image(layout.area, colour=colour)


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


def _draw_area(
    sheet: Sheet,
    spec: ChartSpec,
    area: PlotArea,
    used: tuple[Pen, ...],
    glyphs: Glyphs,
    colours: Palette,
    *,
    brackets: bool,
    ascii: bool,
) -> None:
    """Guides, over them the data, over them the labels of the guides, and over all the marks."""
    strokes = _strokes(spec.series, used, area, colours)
    cells = rasterise(strokes, area.width, area.height) if strokes else []
    data = {(r, c) for r, row in enumerate(cells) for c, cell in enumerate(row) if cell[0] != " "}
    wanted = [
        Placed(*spot, f"[{text}]" if brackets else text, colours.resolve(mark.colour))
        for mark, spot in zip(spec.marks, _positions(area, spec.marks), strict=True)
        if spot and (text := clean(mark.text, ascii=ascii))
    ]
    marks = place_marks(wanted, data, area.width, area.height)
    taken = data | {position for mark in marks for position in mark.cells}
    labels = _draw_guides(sheet, spec, area, taken, glyphs, colours, ascii=ascii)
    for r, c in data:
        sheet.put_cells(area.top + r, area.left + c, [cells[r][c]])
    for placed in labels + marks:
        sheet.put(area.top + placed.row, area.left + placed.column, placed.text, placed.colour)
    if not data:
        shown = "no data in this range" if any(np.isfinite(one.y).any() for one in spec.series) else "no data"
        middle = area.left + max(0, (area.width - len(shown)) // 2)
        sheet.put(area.top + area.height // 3, middle, shown, colours.muted)


def _strokes(series: tuple[Series, ...], used: tuple[Pen, ...], area: PlotArea, colours: Palette) -> list[Stroke]:
    """What plotext is to draw: series by series, and at last what is set into lines.

    A signal costs plotext about 50 microseconds, however short it is (138 of them in a chart, measured), so all
    series with shades are drawn at the first one's turn, with one stroke for each shade.
    """
    if not series:
        return []
    counts = [min(np.size(one.x), np.size(one.y)) for one in series]
    every_x = np.concatenate([np.ravel(one.x)[:n] for one, n in zip(series, counts, strict=True)])
    every_y = np.concatenate([np.ravel(one.y)[:n] for one, n in zip(series, counts, strict=True)])
    ends = np.cumsum(counts)[:-1]
    x_of, y_of = np.split(area.x.to_unit(every_x), ends), np.split(area.y.to_unit(every_y), ends)
    strokes: list[Stroke] = []
    stamps: list[Stroke] = []
    shaded: dict[tuple[str, bool], tuple[list[paths.Dots], list[np.ndarray]]] = {}
    turn = 0
    for index, (one, pen) in enumerate(zip(series, used, strict=True)):
        n, x, y = counts[index], x_of[index], y_of[index]
        levels = colours.levels(one.colour, n) if isinstance(one.colour, Shades) else np.zeros(n, dtype=np.int64)
        if one.kind == "steps" and n:
            x, y, point = paths.staircase(x, y)
            levels = levels[point]
        lines = one.kind != "points"
        across, down = resolution(pen.marker)
        path = paths.clip(x, y) if lines else paths.inside(x, y)
        dots = paths.to_dots(path, area.width * across, area.height * down)
        dots = paths.thin(dots, levels) if lines else paths.distinct(dots)
        if one.kind == "dotted":
            every = DOT_EVERY if pen.marker == BRAILLE else CHARACTER_EVERY
            dots, levels, lines = paths.dotted(dots, across, down, every), np.zeros(1, dtype=np.int64), False
        if isinstance(one.colour, Shades):
            turn = turn if shaded else len(strokes)
            parts, levels_of = shaded.setdefault((pen.marker, lines), ([], []))
            parts.append(dots)
            levels_of.append(levels[dots.source])
        else:
            strokes.append(Stroke(dots, pen.marker, pen.colour, lines))
        if pen.stamp:
            spots = paths.along(dots, across, down, 5 * index % STAMP_EVERY, STAMP_EVERY)
            stamps.append(Stroke(spots, pen.stamp, pen.colour, False))
    for (marker, lines), (parts, levels_of) in shaded.items():
        all_dots, all_levels = paths.together(parts), np.concatenate(levels_of)
        for level in np.unique(all_levels).tolist():
            part = paths.of_level(all_dots, all_levels == level)
            strokes.insert(turn, Stroke(part, marker, colours.steps[level], lines))
            turn += 1
    return strokes + stamps


def _draw_guides(
    sheet: Sheet,
    spec: ChartSpec,
    area: PlotArea,
    taken: set[Position],
    glyphs: Glyphs,
    colours: Palette,
    *,
    ascii: bool,
) -> list[Placed]:
    """Draw the lines; the labels come back placed, so that they can be written over the data."""
    columns_of, rows_of = [], []
    for guide in spec.guides:
        axis = area.x if guide.axis == "x" else area.y
        unit = float(axis.to_unit(guide.value)[0])
        if not 0 <= unit <= 1:
            continue
        text = fit(clean(guide.label, ascii=ascii).strip(), area.width, ascii=ascii)
        if guide.axis == "x":
            columns_of.append(Placed(0, area.column(unit), text, colours.guide))
        else:
            rows_of.append(Placed(area.row(unit), 0, text, colours.guide))
    for line in rows_of:
        sheet.put(area.top + line.row, area.left, glyphs.guide_horizontal * area.width, colours.guide)
    for line in columns_of:
        for row in range(area.height):
            sheet.put(area.top + row, area.left + line.column, glyphs.guide_vertical, colours.guide)

    upright = {(row, line.column) for line in columns_of for row in range(area.height)}
    level = {(line.row, column) for line in rows_of for column in range(area.width)}
    placed: list[Placed] = []
    for line, place, others in [
        *((line, place_on_column, level | upright) for line in columns_of),
        *((line, place_on_row, upright) for line in rows_of),
    ]:
        written = {position for label in placed for position in label.cells}
        label = place(line, taken | others | written, area.width, area.height) if line.text else None
        if label is not None:
            placed.append(label)
    return placed


def _positions(area: PlotArea, marks: Sequence[Mark]) -> list[Position | None]:
    """The row and column of the area in which each mark's point lies, if it has a place there."""
    across, up = area.x.to_unit([mark.x for mark in marks]), area.y.to_unit([mark.y for mark in marks])
    return [
        (area.row(y), area.column(x)) if 0 <= x <= 1 and 0 <= y <= 1 else None
        for x, y in zip(across.tolist(), up.tolist(), strict=True)
    ]
