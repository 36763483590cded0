"""Which rows and columns of a chart hold what: title, axes, data, legend, caption.

The data keep half of the height; what is written around them goes in by importance until the rest is full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from ibtui.charts.image import Cell, PlotArea
from ibtui.charts.legend import Pen, colour_bar, legend
from ibtui.charts.lettering import clean, columns, fit, wrap
from ibtui.charts.palette import Palette
from ibtui.charts.scale import Tick, ticks
from ibtui.charts.spec import ChartSpec

ENDS_FROM = 56
"""Columns from which on lines are named at their ends rather than in the legend."""


@dataclass(frozen=True, slots=True)
class PlacedTick:
    """A tick of the x axis: its column, its label, and the column in which the label begins."""

    column: int
    label: str
    start: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The texts of a chart and the place of its data. What found no room is empty."""

    head: tuple[str, ...]
    """The rows above the data: title and label of the y axis, in one row where both fit."""
    area: PlotArea
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[PlacedTick, ...]
    x_label: str
    ends: bool
    """Whether there is room for texts at the ends of lines, beyond the last column of the area."""
    foot: tuple[list[Cell], ...]
    """The rows below everything: legend, colour bar, caption."""


def lay_out(
    spec: ChartSpec,
    used: tuple[Pen, ...],
    width: int,
    height: int,
    palette: Palette,
    *,
    colour: bool,
    ascii: bool,
) -> Layout:
    """The layout of a chart of this size: legend first, then axis labels, title, colour bar, caption."""
    title, y_label, x_label = (
        fit(clean(text, ascii=ascii).strip(), width, ascii=ascii) for text in (spec.title, spec.y.label, spec.x.label)
    )
    margin = max((len(columns(clean(one.end, ascii=ascii))) + 1 for one in spec.series if one.end), default=0)
    if margin and width < ENDS_FROM:
        margin = 0
    if margin:
        spec = replace(spec, series=tuple(replace(one, label="") if one.end else one for one in spec.series))
    rows = _Rows(height - 2, max(4, (height + 1) // 2))  # two for the axis and its tick labels
    foot = _legend(spec, used, width, rows.free - 3, palette, ascii=ascii)
    rows.free -= len(foot)
    x_label = x_label if rows.take(1 if x_label else 0) else ""
    head: tuple[str, ...] = ()
    if rows.take(1 if y_label or title else 0):
        if len(columns(y_label)) + 2 + len(columns(title)) <= width:
            head = (_beside(y_label, title, width),)
        else:
            head = (_beside("", title, width), y_label) if rows.take(1) else (y_label,)
    if spec.bar is not None and spec.bar.stops and colour and rows.take(1):
        foot.append(colour_bar(spec.bar, palette, width, ascii=ascii))
    caption = wrap(clean(spec.caption, ascii=ascii), width)
    if rows.take(len(caption)):
        foot += [[(entry, palette.muted) for entry in columns(line)] for line in caption]

    y_ticks = ticks(spec.y, max(2, rows.free // 3 + 1))
    gutter = max((len(tick.label) for tick in y_ticks), default=0)
    if gutter > width // 3:
        y_ticks, gutter = (), 0
    area = PlotArea(gutter + 1, len(head), width - gutter - 1 - margin, rows.free, spec.x, spec.y)
    return Layout(head, area, y_ticks, _x_ticks(area, width), x_label, bool(margin), tuple(foot))


class _Rows:
    """How many rows are still free for the data, and how many of them they keep."""

    def __init__(self, free: int, kept: int) -> None:
        self.free = free
        self.kept = kept

    def take(self, count: int) -> bool:
        """Take rows for a text, if it is there and the rows are."""
        if count == 0 or self.free - count < self.kept:
            return False
        self.free -= count
        return True


def _legend(
    spec: ChartSpec, used: tuple[Pen, ...], width: int, at_most: int, palette: Palette, *, ascii: bool
) -> list[list[Cell]]:
    """The legend's lines, at most `at_most`; an ellipsis where they are not enough."""
    lines = legend(spec.series, used, width, ascii=ascii, label=palette.muted)
    if len(lines) <= at_most:
        return lines
    lines = lines[: max(0, at_most)]
    if lines:
        lines[-1] = [*lines[-1][: width - 4], *((entry, palette.muted) for entry in " ...")]
    return lines


def _beside(label: str, title: str, width: int) -> str:
    """The label at the left and the title in the middle, or as near to it as the label lets it be."""
    behind = len(columns(label)) + 2 if label and title else len(columns(label))
    middle = max((width - len(columns(title))) // 2, behind) if title else behind
    return label + " " * (middle - len(columns(label))) + title


def _x_ticks(area: PlotArea, width: int) -> tuple[PlacedTick, ...]:
    """As many ticks as have room for their labels, two columns apart."""
    for at_most in range(max(2, area.width // 8 + 1), 0, -1):
        placed = []
        for tick in ticks(area.x, at_most):
            column = area.left + area.column(tick.unit)
            start = min(max(0, column - len(tick.label) // 2), width - len(tick.label))
            placed.append(PlacedTick(column, tick.label, start))
        pairs = pairwise(placed)
        if all(one.start + len(one.label) + 2 <= other.start for one, other in pairs):
            return tuple(tick for tick in placed if tick.start >= 0)
    return ()
