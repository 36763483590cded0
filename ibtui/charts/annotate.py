"""Texts among the data of a chart: marks at points and labels of guides, placed where they hide least.

Positions are rows and columns of the data area, row 0 at the top.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ibtui.charts.lettering import columns
from ibtui.charts.palette import RGB

Position = tuple[int, int]

REACH = (3, 9)
"""How many rows and columns a mark may move away from its point."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A text, the row and column where it begins, and its colour."""

    row: int
    column: int
    text: str
    colour: RGB | None = None

    @property
    def cells(self) -> list[Position]:
        """The positions that the text takes."""
        return [(self.row, self.column + k) for k in range(len(columns(self.text)))]


def place_marks(wanted: Sequence[Placed], data: set[Position], width: int, height: int) -> list[Placed]:
    """Each text with its middle in the column asked for, or near it where an earlier one is in the way.

    Between two marks in a row at least one column stays free, so that 1 beside 2 does not become 12. A mark
    that finds no place within reach is left out.
    """
    placed: list[Placed] = []
    taken: set[Position] = set()
    for mark in wanted:
        length = len(columns(mark.text))
        start = min(max(0, mark.column - (length - 1) // 2), width - length)
        if length == 0 or start < 0:
            continue
        best: Placed | None = None
        least = math.inf
        if 0 <= mark.row < height and taken.isdisjoint(_around(mark.row, start, length)):
            best, least = replace(mark, column=start), 0.0
        for row in range(max(0, mark.row - REACH[0]), min(height, mark.row + REACH[0] + 1)):
            for column in range(max(0, start - REACH[1]), min(width - length, start + REACH[1]) + 1):
                distance = 2.0 * abs(row - mark.row) + abs(column - start)
                if distance >= least or not taken.isdisjoint(_around(row, column, length)):
                    continue
                hidden = sum((row, column + k) in data for k in range(length)) if distance else 0
                if distance + 1.5 * hidden < least:
                    best, least = Placed(row, column, mark.text, mark.colour), distance + 1.5 * hidden
        if best is not None:
            taken.update(best.cells)
            placed.append(best)
    return placed


def _around(row: int, column: int, length: int) -> list[Position]:
    """The positions of a text that begins there, and one at each end."""
    return [(row, column + k) for k in range(-1, length + 1)]


def place_on_row(label: Placed, taken: set[Position], width: int, height: int) -> Placed | None:
    """The label of a horizontal guide: in its row or next to it, as far left as it can be, off the data."""
    length = len(label.cells)
    rows = [row for row in (label.row, label.row + 1, label.row - 1) if 0 <= row < height]
    spots = ((row, column) for row in rows for column in range(1, width - length))
    return _first_free(label, spots, taken)


def place_on_column(label: Placed, taken: set[Position], width: int, height: int) -> Placed | None:
    """The label of a vertical guide: beside its column, as high as it can be, off the data."""
    length = len(label.cells)
    sides = [start for start in (label.column + 2, label.column - length - 1) if 0 <= start <= width - length]
    return _first_free(label, ((row, start) for row in range(height) for start in sides), taken)


def _first_free(label: Placed, spots: Iterable[Position], taken: set[Position]) -> Placed | None:
    """The first spot where the text and a column at each end are free, or else the least taken one."""
    length = len(label.cells)
    best: Placed | None = None
    least = length + 3
    for row, column in spots:
        covered = sum((row, column + k) in taken for k in range(-1, length + 1))
        if covered < least:
            best, least = replace(label, row=row, column=column), covered
            if covered == 0:
                break
    return best
