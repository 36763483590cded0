"""An inset: the corner of a chart in which marks crowd, enlarged and drawn where the chart is empty.

Layers that lose nothing all lie at H(X), I(X;Y), within a cell or two. The window and the place are chosen in coarse
steps, so that both stay while a run is watched.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ibtui.charts.annotate import Position
from ibtui.charts.image import PlotArea
from ibtui.charts.scale import Axis
from ibtui.charts.spec import ChartSpec, Mark

CROWD = 0.2
"""Marks nearer to the corner than this share of both axes may crowd there."""
LEAST = 0.015
"""The share of an axis that a window shows at least: less is noise."""
ROUNDING = 1e-9
"""The share of its size by which a value may lie beyond the corner and still be in it."""
STEPS = (1.0, 0.5, 0.2, 0.05, 0.02, 0.005, 0.002)
"""How much of an axis a window may show, as multiples of a power of ten."""
SMALLEST, SHARE, LARGEST = (10, 3), (0.28, 0.33), (36, 11)
"""Columns and rows of data of the smallest inset, of one that has room (as shares of the chart's), of the largest."""
APART = 2
"""Cells between two dots from which on each has a text of its own."""
FLOOR = 3
"""Rows between the bottom of the chart and the inset, at most, unless there is room nowhere else."""
GRID = (4, 2)
"""Columns and rows between the places that are tried."""


@dataclass(frozen=True, slots=True)
class Inset:
    """Where in the data area the inset is, its frame and tick labels included, and its own data area."""

    row: int
    column: int
    height: int
    width: int
    area: PlotArea
    """Its left and top are counted from the corner of the data area that it lies in."""
    labels: tuple[str, str, str, str]
    """Of the low and high end of x, and of y."""

    @property
    def cells(self) -> set[Position]:
        """All cells that it takes, with one around them."""
        rows = range(self.row - 1, self.row + self.height + 1)
        return {(row, column) for row in rows for column in range(self.column - 1, self.column + self.width + 1)}


def choose(spec: ChartSpec, area: PlotArea, full: Collection[Position], last: tuple[int, int]) -> Inset | None:
    """The inset of a chart whose cells `full` are not empty; None where nothing crowds or there is no room.

    `last`: the row and column of the corner's own cell, beyond which the inset does not go.
    """
    if spec.corner is None:
        return None
    crowd = [mark for mark in spec.marks if mark.text and _near(mark, spec.corner)]
    if len(crowd) < 2 or not _apart(crowd, area) < len({(mark.x, mark.y) for mark in crowd}):
        return None
    x, y = (
        _window(axis.label, limit, values)
        for axis, limit, values in zip(
            (spec.x, spec.y), spec.corner, ([m.x for m in crowd], [m.y for m in crowd]), strict=True
        )
    )
    labels = (_short(x.low, x), _short(x.high, x), _short(y.low, y), _short(y.high, y))
    gutter = max(map(len, labels[2:]))
    least = max(SMALLEST[0], len(labels[0]) + len(labels[1]) + 2)
    for above in (
        FLOOR,
        area.height,
    ):  # smaller at the bottom, where it disturbs least, rather than larger in the middle
        for share in (1.0, 0.85, 0.7, 0.55, 0.4):
            width = min(int(area.width * SHARE[0] * share), LARGEST[0])
            height = min(int(area.height * SHARE[1] * share), LARGEST[1])
            if width < least or height < SMALLEST[1]:
                break
            size = (height + 3, width + gutter + 2)
            spot = _empty(size, (area.height, area.width), full, last, above)
            if spot is not None:
                inner = PlotArea(spot[1] + gutter + 1, spot[0] + 1, width, height, x, y)
                found = Inset(*spot, *size, inner, labels)
                return found if _apart(crowd, inner) > _apart(crowd, area) else None
    return None


def _near(mark: Mark, corner: tuple[float, float]) -> bool:
    return all(
        (1 - CROWD) * most <= value <= (1 + ROUNDING) * most
        for value, most in zip((mark.x, mark.y), corner, strict=True)
    )


def _apart(marks: Sequence[Mark], area: PlotArea) -> int:
    """How many groups of dots, none of which touches another, the marks are in an area."""
    columns, rows, _ = area.cells([mark.x for mark in marks], [mark.y for mark in marks])
    cells = set(zip(rows.tolist(), columns.tolist(), strict=True))
    groups = 0
    while cells:
        groups += 1
        reached = [cells.pop()]
        while reached:
            row, column = reached.pop()
            near = {cell for cell in cells if abs(cell[0] - row) <= 1 and abs(cell[1] - column) <= APART}
            cells -= near
            reached += near
    return groups


def _window(label: str, most: float, values: Sequence[float]) -> Axis:
    """The axis from a round value, below all of these, to the corner."""
    needed = max(most - min(values), LEAST * most) * 1.1
    power = 10.0 ** math.floor(math.log10(most)) if most > 0 else 1.0
    wide = next((step * power for step in reversed(STEPS) if step * power >= needed), most)
    unit = 10.0 ** math.floor(math.log10(wide)) if wide > 0 else 1.0
    return Axis(label, max(0.0, math.floor((most - wide) / unit + 1e-9) * unit), max(most, *values))


def _short(value: float, axis: Axis) -> str:
    """As many decimals as it takes to tell the ends of the axis apart."""
    span = axis.high - axis.low
    return f"{value:.{max(0, -math.floor(math.log10(span) + 1e-6)) if span > 0 else 2}f}"


def _empty(
    size: tuple[int, int], whole: tuple[int, int], full: Collection[Position], last: tuple[int, int], above: int
) -> Position | None:
    """Row and column of a rectangle without full cells, as far down and to the right as there is one.

    `above`: rows that may stay free beneath it.
    """
    height, width = whole
    taken = np.zeros((height + 1, width + 1), dtype=np.int32)
    inside = [(row, column) for row, column in full if 0 <= row < height and 0 <= column < width]
    if inside:
        rows, columns = np.array(inside).T
        taken[rows + 1, columns + 1] = 1
    sums = taken.cumsum(axis=0).cumsum(axis=1)
    lowest = height - size[0]
    for row in range(lowest, max(last[0], lowest - above - 1), -GRID[1]):
        for column in range(min(width, last[1]) - size[1] - 1, 0, -GRID[0]):
            top, left = max(row - 1, 0), column - 1
            bottom, right = min(row + size[0] + 1, height), min(column + size[1] + 1, width)
            if sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left] == 0:
                return row, column
    return None
