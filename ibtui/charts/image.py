"""A drawn chart: a grid of cells, each a character and its colour, and the forms in which it can be shown.

Commands print `text` or `ansi`, Rich shows `rich`, and a Textual widget makes its strips of `runs`. `Sheet`
is the same grid while it is being drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.lettering import columns
from ibtui.charts.palette import RGB
from ibtui.charts.scale import Axis

if TYPE_CHECKING:
    from jaxtyping import Bool, Int
    from numpy.typing import ArrayLike
    from rich.text import Text

Cell = tuple[str, RGB | None]
"""What stands in one column of a row ("" behind a wide character), and its colour (None: the terminal's)."""

BLANK: Cell = (" ", None)


@dataclass(frozen=True, slots=True)
class PlotArea:
    """Where in the grid the data lie, to tell the values under a cursor."""

    left: int
    top: int
    width: int
    height: int
    x: Axis
    y: Axis
    inset: PlotArea | None = None
    """A part of the area that shows another part of the plane, enlarged."""

    def column(self, unit: float) -> int:
        """The column of the area for a place on the x axis (0 to 1)."""
        return min(int(unit * self.width), self.width - 1)

    def row(self, unit: float) -> int:
        """The row of the area, counted from its top, for a place on the y axis (0 to 1)."""
        return min(int((1 - unit) * self.height), self.height - 1)

    def cells(
        self, x: ArrayLike, y: ArrayLike
    ) -> tuple[Int[np.ndarray, "*shape"], Int[np.ndarray, "*shape"], Bool[np.ndarray, "*shape"]]:
        """Column and row of the area for every point, and whether it is in sight there; 0 and 0 where it is not."""
        shape = np.shape(x)
        across, up = (axis.to_unit(np.ravel(values)).reshape(shape) for axis, values in ((self.x, x), (self.y, y)))
        with np.errstate(invalid="ignore"):
            seen = (across >= 0) & (across <= 1) & (up >= 0) & (up <= 1)
        columns = np.minimum(np.where(seen, across, 0.0) * self.width, self.width - 1).astype(np.int64)
        rows = np.minimum(np.where(seen, 1 - up, 0.0) * self.height, self.height - 1).astype(np.int64)
        return columns, rows, seen

    def values(self, column: int, row: int) -> tuple[float, float] | None:
        """The values of x and y in the middle of a cell of the grid; None outside the data area."""
        if self.inset is not None and (values := self.inset.values(column, row)) is not None:
            return values
        across, down = column - self.left, row - self.top
        if not (0 <= across < self.width and 0 <= down < self.height):
            return None
        x = self.x.from_unit((across + 0.5) / self.width)
        return x, self.y.from_unit(1 - (down + 0.5) / self.height)


@dataclass(frozen=True, slots=True)
class ChartImage:
    """A grid of cells, as wide and as high as was asked for."""

    cells: tuple[tuple[Cell, ...], ...]
    area: PlotArea | None = None
    """Where the data lie; None where there was no room for any."""

    def runs(self, row: int) -> tuple[Cell, ...]:
        """One row as stretches of one colour, of full width: what a Textual strip is made of."""
        stretches = groupby(self.cells[row], key=lambda cell: cell[1])
        return tuple(("".join(text for text, _ in stretch), colour) for colour, stretch in stretches)

    def text(self) -> str:
        """Plain text without colours and without blanks at the ends of lines."""
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.cells)

    def ansi(self) -> str:
        """Text with 24-bit colours for a terminal; each line begins and ends in the terminal's own colour."""
        return "\n".join(self._ansi_line(row) for row in range(len(self.cells)))

    def rich(self) -> Text:
        """The chart as Rich text that is not wrapped."""
        from rich.text import Text

        text = Text(no_wrap=True, overflow="crop", end="")
        for row in range(len(self.cells)):
            if row:
                text.append("\n")
            for stretch, colour in self.runs(row):
                text.append(stretch, f"rgb({colour[0]},{colour[1]},{colour[2]})" if colour else None)
        return text

    def _ansi_line(self, row: int) -> str:
        runs = list(self.runs(row))
        while runs and not runs[-1][0].rstrip():
            runs.pop()
        if runs:
            runs[-1] = (runs[-1][0].rstrip(), runs[-1][1])
        return "".join(
            f"\x1b[38;2;{colour[0]};{colour[1]};{colour[2]}m{text}\x1b[0m" if colour else text for text, colour in runs
        )


class Sheet:
    """A grid of blank cells to draw on. What lies outside is not drawn, and is no error."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._cells: list[list[Cell]] = [[BLANK] * width for _ in range(height)]

    def put(self, row: int, column: int, text: str, colour: RGB | None = None) -> None:
        """Write a text, beginning in a column."""
        self.put_cells(row, column, [(entry, colour) for entry in columns(text)])

    def put_cells(self, row: int, column: int, cells: list[Cell]) -> None:
        """Write a row of cells, beginning in a column."""
        if not 0 <= row < self.height:
            return
        start, end = max(0, column), min(self.width, column + len(cells))
        if start < end:
            self._cells[row][start:end] = cells[start - column : end - column]

    def image(self, area: PlotArea | None = None, *, colour: bool = True) -> ChartImage:
        """What has been drawn, with or without its colours."""
        rows = self._cells if colour else [[(text, None) for text, _ in row] for row in self._cells]
        return ChartImage(tuple(tuple(row) for row in rows), area)
