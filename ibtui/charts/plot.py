"""The data area of a chart: guides, over them the data, over them an inset, and over all the dots and texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ibtui.charts import inset as insets
from ibtui.charts.annotate import Board, Label, Placed, Point, Position, dots, place
from ibtui.charts.bands import fill
from ibtui.charts.canvas import rasterise
from ibtui.charts.image import Cell, PlotArea, Sheet
from ibtui.charts.legend import Pen
from ibtui.charts.lettering import clean, fit
from ibtui.charts.palette import Colour, Faded, Palette, Shades
from ibtui.charts.spec import ChartSpec, Mark, Series
from ibtui.charts.strokes import strokes


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of axes, guides, marks and leaders."""

    vertical: str
    horizontal: str
    corner: str
    tick_left: str
    tick_below: str
    guide_vertical: str
    guide_horizontal: str
    guide_corner: str
    frame: str
    """Of an inset: corners at the upper left, upper right, lower left and lower right."""
    leader: str
    """Level, upright, corners between down and right, down and left, up and right, up and left."""


BOX = Glyphs("│", "─", "└", "┤", "┬", "┊", "┈", "┐", "┌┐└┘", "─│┌┐└┘")
ASCII_BOX = Glyphs("|", "-", "+", "+", "+", ":", "-", "+", "++++", "-|++++")


@dataclass(frozen=True, slots=True)
class Style:
    """How everything in a chart is drawn."""

    glyphs: Glyphs
    colours: Palette
    colour: bool
    ascii: bool

    @property
    def brackets(self) -> bool:
        """Whether the texts of marks need brackets, to tell them from the characters of lines."""
        return self.ascii or not self.colour


def draw_plot(
    sheet: Sheet, spec: ChartSpec, area: PlotArea, used: tuple[Pen, ...], style: Style, *, ends: bool = False
) -> PlotArea:
    """Draw all that is in the data area; the area comes back, with its inset if it has one.

    `ends`: write what lines are called at their ends, for which there may be room beyond the area.
    """
    glyphs, colours = style.glyphs, style.colours
    data: dict[Position, Cell] = {}
    for level in sorted(set(map(_level, spec.series))):  # a cell has one colour, that of what is on top
        layer = [(one, pen) for one, pen in zip(spec.series, used, strict=True) if _level(one) == level]
        drawn = strokes(tuple(one for one, _ in layer), tuple(pen for _, pen in layer), area, colours)
        cells = rasterise(drawn, area.width, area.height) if drawn else []
        data |= {(r, c): cell for r, row in enumerate(cells) for c, cell in enumerate(row) if cell[0] != " "}
    guides, labels, lines = _guides(spec, area, style)
    points = _points(spec.marks, area, style) + (_ends(spec, area, style) if ends else [])
    marked = dots(points)
    bands = fill(spec.bands, area, colours, colour=style.colour, ascii=style.ascii)
    board = Board(area.width, area.height, data=set(data), lines={*lines, *bands})
    if ends:
        board.width = sheet.width - area.left
    corner = _corner(spec, area)
    found = None
    if corner is not None:
        board.top, board.right = corner
        found = insets.choose(spec, area, {*data, *lines, *marked}, corner)
        if found is not None:
            board.taken |= found.cells
    texts = place(
        points,
        labels,
        board,
        brackets=style.brackets,
        between=colours.guide,
        dash=clean("–", ascii=style.ascii),
        corners=glyphs.leader,
    )
    for placed in guides:
        _put(sheet, area, placed)
    for (r, c), cell in bands.items():
        sheet.put_cells(area.top + r, area.left + c, [cell])
    for (r, c), cell in data.items():
        sheet.put_cells(area.top + r, area.left + c, [cell])
    if found is not None:
        area = replace(area, inset=_draw_inset(sheet, spec, area, found, used, style))
    for placed in [*texts, *marked.values()]:
        _put(sheet, area, placed)
    if not data:
        shown = "no data in this range" if any(np.isfinite(one.y).any() for one in spec.series) else "no data"
        middle = area.left + max(0, (area.width - len(shown)) // 2)
        sheet.put(area.top + area.height // 3, middle, shown, colours.muted)
    return area


def _put(sheet: Sheet, area: PlotArea, placed: Placed) -> None:
    sheet.put_cells(area.top + placed.row, area.left + placed.column, list(placed.cells))


def _corner(spec: ChartSpec, area: PlotArea) -> Position | None:
    """The row and column of the corner's cell; beyond the area where the corner is out of sight."""
    if spec.corner is None:
        return None
    across, up = (float(axis.to_unit(value)[0]) for axis, value in zip((area.x, area.y), spec.corner, strict=True))
    if not (across >= 0 and up >= 0):  # NaN, too
        return None
    return area.row(up) if up <= 1 else 0, area.column(across) if across <= 1 else area.width - 1


def _guides(spec: ChartSpec, area: PlotArea, style: Style) -> tuple[list[Placed], list[Label], dict[Position, str]]:
    """The lines, their labels, which are still to be placed, and the cells of the lines."""
    glyphs, colour = style.glyphs, style.colours.guide
    corner = _corner(spec, area)
    upright, level = [], []
    labels_of_columns, labels_of_rows = [], []
    for guide in spec.guides:
        axis = area.x if guide.axis == "x" else area.y
        unit = float(axis.to_unit(guide.value)[0])
        if not 0 <= unit <= 1:
            continue
        text = fit(clean(guide.label, ascii=style.ascii).strip(), area.width, ascii=style.ascii)
        if guide.axis == "x":
            upright.append(area.column(unit))
            labels_of_columns.append(Label(text, colour, column=area.column(unit), rising=corner is not None))
        else:
            level.append(area.row(unit))
            labels_of_rows.append(Label(text, colour, row=area.row(unit)))
    bounded = corner is not None and corner[0] in level and corner[1] in upright
    first, last = corner if corner is not None and bounded else (0, area.width - 1)
    cells = {(row, column): glyphs.guide_horizontal for row in level for column in range(last + 1)}
    cells |= {(row, column): glyphs.guide_vertical for column in upright for row in range(first, area.height)}
    if bounded:
        cells[first, last] = glyphs.guide_corner
    placed = [Placed(*spot, ((glyph, colour),)) for spot, glyph in cells.items()]
    return placed, [*labels_of_columns, *labels_of_rows], cells


def _points(marks: Sequence[Mark], area: PlotArea, style: Style) -> list[Point]:
    """The cells of the marks that have a place in the area."""
    columns, rows, seen = area.cells([mark.x for mark in marks], [mark.y for mark in marks])
    return [
        Point(
            row,
            column,
            clean(mark.text, ascii=style.ascii).strip(),
            style.colours.resolve(mark.colour) if style.colour else None,
            clean(mark.dot, ascii=style.ascii) if mark.dot else None,
            mark.family,
        )
        for mark, column, row, there in zip(marks, columns.tolist(), rows.tolist(), seen.tolist(), strict=True)
        if there
    ]


def _ends(spec: ChartSpec, area: PlotArea, style: Style) -> list[Point]:
    """The names of lines, at the last point of each that is in the area."""
    found = []
    for one in spec.series:
        if one.end:
            across, up = area.x.to_unit(one.x), area.y.to_unit(one.y)
            there = np.flatnonzero((across >= 0) & (across <= 1) & (up >= 0) & (up <= 1))
            if there.size:
                place = Mark(float(one.x[there[-1]]), float(one.y[there[-1]]), one.end, _ink(one), dot=None)
                found += _points([place], area, style)
    return sorted(found, key=lambda point: (point.row, point.text))


def _level(series: Series) -> tuple[bool, int]:
    """What is faint gives way where other lines are."""
    return not isinstance(series.colour, Faded), series.above


def _ink(series: Series) -> Colour:
    return None if isinstance(series.colour, Shades) else series.colour


def _draw_inset(
    sheet: Sheet, spec: ChartSpec, area: PlotArea, found: insets.Inset, used: tuple[Pen, ...], style: Style
) -> PlotArea:
    """Draw frame, tick labels and what lies in the window; the inset's data area comes back, counted in the sheet."""
    glyphs, colours = style.glyphs, style.colours
    inner = replace(found.area, left=area.left + found.area.left, top=area.top + found.area.top)
    for row in range(found.height):
        sheet.put(area.top + found.row + row, area.left + found.column, " " * found.width)
    low_x, high_x, low_y, high_y = found.labels
    left, right, top, bottom = inner.left - 1, inner.left + inner.width, inner.top - 1, inner.top + inner.height
    for row in range(inner.top, bottom):
        for column in (left, right):
            sheet.put(row, column, glyphs.vertical, colours.frame)
    upper_left, upper_right, lower_left, lower_right = tuple(glyphs.frame)
    for row, first, last in ((top, upper_left, upper_right), (bottom, lower_left, lower_right)):
        sheet.put(row, left, first + glyphs.horizontal * inner.width + last, colours.frame)
    for row, label in ((inner.top, high_y), (bottom - 1, low_y)):
        sheet.put(row, left, glyphs.tick_left, colours.frame)
        sheet.put(row, left - len(label), label, colours.muted)
    for column, start, label in (
        (inner.left, inner.left, low_x),
        (right - 1, right - len(high_x), high_x),
    ):
        sheet.put(bottom, column, glyphs.tick_below, colours.frame)
        sheet.put(bottom + 1, start, label, colours.muted)
    enlarged = replace(spec, x=inner.x, y=inner.y, guides=(), corner=None, bar=None)
    return draw_plot(sheet, enlarged, inner, used, style)
