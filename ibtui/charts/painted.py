"""A grid of cells that have a background each, and the forms in which it can be shown: what heat maps are drawn on.

Where colours say everything, as in a heat map, a character has an ink and a paper. Charts of lines have no paper of
their own (`image`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ibtui.charts.lettering import columns
from ibtui.charts.palette import RGB

if TYPE_CHECKING:
    from rich.style import Style
    from rich.text import Text


class Look(NamedTuple):
    """How a character looks; None for a colour of the terminal's own."""

    ink: RGB | None = None
    paper: RGB | None = None
    strong: bool = False
    """Bold, and in reverse where there is neither ink nor paper."""


PLAIN = Look()

PaintedCell = tuple[str, Look]
"""What stands in one column of a row ("" behind a wide character), and how."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where in the image the cells of a map lie, to tell which one is under the mouse."""

    left: int
    top: int
    width: int
    """Columns of one cell."""
    height: int
    """Rows of one cell; 0: two cells share a row."""
    across: int
    """How many cells there are."""
    up: int

    def at(self, column: int, row: int) -> tuple[int, int] | None:
        """The cell in a column and a row of the image, counted from the left and from the bottom; of two that share
        a row the upper.
        """
        x, down = (column - self.left) // self.width, row - self.top
        y = self.up - 1 - (down // self.height if self.height else 2 * down)
        return (x, y) if 0 <= x < self.across and 0 <= y < self.up else None


@dataclass(frozen=True, slots=True)
class PaintedImage:
    """A grid of painted cells, as wide and as high as was asked for."""

    cells: tuple[tuple[PaintedCell, ...], ...]
    grid: Grid | None = None
    """Where the map's cells are; None where there was no room for them."""

    def runs(self, row: int) -> tuple[PaintedCell, ...]:
        """One row as stretches that look the same, of full width: what a Textual strip is made of."""
        stretches = groupby(self.cells[row], key=lambda cell: cell[1])
        return tuple(("".join(text for text, _ in stretch), look) for look, stretch in stretches)

    def text(self) -> str:
        """Plain text without colours and without blanks at the ends of lines."""
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.cells)

    def ansi(self) -> str:
        """Text with 24-bit colours for a terminal; each line begins and ends in the terminal's own colours."""
        return "\n".join(self._ansi_line(row) for row in range(len(self.cells)))

    def rich(self) -> Text:
        """The map as Rich text that is not wrapped."""
        from rich.text import Text

        text = Text(no_wrap=True, overflow="crop", end="")
        for row in range(len(self.cells)):
            if row:
                text.append("\n")
            for stretch, look in self.runs(row):
                text.append(stretch, style_of(look))
        return text

    def _ansi_line(self, row: int) -> str:
        runs = list(self.runs(row))
        while runs and runs[-1][1].paper is None and not runs[-1][0].rstrip():
            runs.pop()
        if runs and runs[-1][1].paper is None:
            runs[-1] = (runs[-1][0].rstrip(), runs[-1][1])
        return "".join(_escaped(text, look) for text, look in runs)


class PaintedSheet:
    """A grid of blank cells to draw on. What lies outside is not drawn, and is no error."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._cells: list[list[PaintedCell]] = [[(" ", PLAIN)] * width for _ in range(height)]

    def put(self, row: int, column: int, text: str, look: Look = PLAIN) -> None:
        """Write a text, beginning in a column."""
        if not 0 <= row < self.height:
            return
        cells = [(entry, look) for entry in columns(text)]
        start, end = max(0, column), min(self.width, column + len(cells))
        if start < end:
            self._cells[row][start:end] = cells[start - column : end - column]

    def image(self, grid: Grid | None = None) -> PaintedImage:
        """What has been drawn."""
        return PaintedImage(tuple(map(tuple, self._cells)), grid)


@lru_cache(4096)
def style_of(look: Look) -> Style:
    """The same for Rich and Textual."""
    from rich.style import Style

    ink, paper = (f"rgb({one[0]},{one[1]},{one[2]})" if one else None for one in (look.ink, look.paper))
    return Style(color=ink, bgcolor=paper, bold=look.strong or None, reverse=_is_reverse(look) or None)


def _is_reverse(look: Look) -> bool:
    return look.strong and look.ink is None and look.paper is None


def _escaped(text: str, look: Look) -> str:
    codes = ["1"] if look.strong else []
    codes += ["7"] if _is_reverse(look) else []
    for code, colour in (("38", look.ink), ("48", look.paper)):
        codes += [f"{code};2;{colour[0]};{colour[1]};{colour[2]}"] if colour else []
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text
