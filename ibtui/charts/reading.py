"""What a cross-hair reads: the nearest point of the data, or else the place on the axes."""

from __future__ import annotations

import numpy as np

from ibtui.charts.image import PlotArea
from ibtui.charts.spec import ChartSpec

REACH = 3.0
"""How many cells away a point is still meant; rows count double, being twice as high as columns are wide."""


def read_at(spec: ChartSpec, area: PlotArea, column: int, row: int) -> str:
    """The nearest point's name and values, where one is near a cell of the chart; else the values of the axes there.

    Empty outside the data area.
    """
    place = area.values(column, row)
    if place is None:
        return ""
    name, (x, y) = _nearest(spec, area, column - area.left, row - area.top) or ("", place)
    values = f"{spec.x.label} {x:.4g}   {spec.y.label} {y:.4g}"
    return f"{name}   {values}" if name else values


def _nearest(spec: ChartSpec, area: PlotArea, column: int, row: int) -> tuple[str, tuple[float, float]] | None:
    best: tuple[str, tuple[float, float]] | None = None
    least = REACH
    area, column, row = _shown_there(area, column, row)
    for one in spec.series:
        across, up = area.x.to_unit(one.x), area.y.to_unit(one.y)
        shown = (across >= 0) & (across <= 1) & (up >= 0) & (up <= 1)
        cells = across * area.width - (column + 0.5), 2 * ((1 - up) * area.height - (row + 0.5))
        distance = np.where(shown, np.hypot(*cells), np.inf)
        if distance.size and distance.min() < least:
            index = int(distance.argmin())
            least = float(distance[index])
            name = one.tell(index) if callable(one.tell) else one.tell or one.label
            best = name, (float(one.x[index]), float(one.y[index]))
    told = [mark for mark in spec.marks if mark.tell]
    columns, rows, seen = area.cells([mark.x for mark in told], [mark.y for mark in told])
    for mark, here in zip(told, seen & (columns == column) & (rows == row), strict=True):
        if here:
            best = mark.tell, (mark.x, mark.y)
    return best


def _shown_there(area: PlotArea, column: int, row: int) -> tuple[PlotArea, int, int]:
    """The area or its inset, whichever is under a cell of the area, and the cell counted in that one."""
    inset = area.inset
    if inset is not None:
        across, down = column + area.left - inset.left, row + area.top - inset.top
        if 0 <= across < inset.width and 0 <= down < inset.height:
            return inset, across, down
    return area, column, row
