"""Which rows and columns hold what of a heat map: its cells, the values along its axes, title, labels, legend, caption.

Every cell is as wide and as high as the others. Where there are more rows of cells than rows of the terminal, two share
one. What is written around the cells goes in by importance: a legend and the values along the axes always.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ibtui.charts.heat_map import HeatMap
from ibtui.charts.lettering import clean, columns, fit, wrap
from ibtui.charts.painted import PLAIN, Grid, PaintedCell

Line = list[PaintedCell]


@dataclass(frozen=True, slots=True)
class Value:
    """A value along an axis, and where it is written."""

    text: str
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class HeatLayout:
    """The texts of a map and the places of its cells."""

    head: str
    grid: Grid
    gutter: int
    """Columns in front of the cells in which values of y have room; 0: none."""
    x_rows: int
    """Rows below the cells for values of x."""
    x_label: str
    foot: tuple[Line, ...]
    """The rows below everything but the caption: the legend."""
    caption: tuple[str, ...]


def lay_out(
    shown: HeatMap,
    width: int,
    height: int,
    legend: Callable[[int], list[Line]],
    *,
    halves: bool,
    ascii: bool,
) -> HeatLayout | None:
    """The layout of a map of this size; None where its cells have no room.

    `legend`: makes the lines of a legend of so many columns. `halves`: whether two cells may share a row.
    """
    across, up = len(shown.x), len(shown.y)
    foot = legend(width)
    needed = up + 1
    if needed + len(foot) > height and halves:
        needed = (up + 1) // 2 + 1
    if across > width or needed + len(foot) > height or not across or not up:
        return None
    free = height - needed - len(foot)
    shared = needed < up + 1

    def take(count: int) -> bool:
        nonlocal free
        if not 0 < count <= free:
            return False
        free -= count
        return True

    gutter = max(len(columns(clean(text, ascii=ascii))) for text in shown.y) + 1
    gutter = min(gutter, width // 3, width - across)
    cell_width = (width - gutter) // across
    x_label = fit(clean(shown.x_label, ascii=ascii).strip(), width, ascii=ascii)
    x_label = x_label if take(1 if x_label else 0) else ""
    head = _head(shown, width, ascii=ascii)
    head = head if take(1 if head else 0) else ""
    longest = max(len(columns(clean(text, ascii=ascii))) for text in shown.x)
    staggered = cell_width <= longest < 2 * cell_width and across > 1 and take(1)
    caption = wrap(clean(shown.caption, ascii=ascii), width)
    caption = caption if take(len(caption)) else []
    cell_height = 0 if shared else 1 + free // up
    grid = Grid(gutter, 1 if head else 0, cell_width, cell_height, across, up)
    return HeatLayout(head, grid, gutter, 2 if staggered else 1, x_label, tuple(foot), tuple(caption))


def rows_of(grid: Grid) -> int:
    """How many rows the cells take."""
    return grid.up * grid.height or (grid.up + 1) // 2


def x_values(shown: HeatMap, layout: HeatLayout, *, chosen: int | None, ascii: bool) -> list[tuple[Value, bool]]:
    """The values along the x axis that have room, each below its column; the `chosen` one, told by True, always."""
    grid = layout.grid
    below = grid.top + rows_of(grid)
    texts = [clean(text, ascii=ascii) for text in shown.x]
    longest = max(len(columns(text)) for text in texts)
    step = 1 if layout.x_rows == 2 else -(-(longest + 1) // grid.width)
    end = grid.left + grid.width * grid.across
    found: list[tuple[Value, bool]] = []
    for number, text in enumerate(texts):
        row = below + (number % 2 if layout.x_rows == 2 else 0)
        if number % step == 0:
            found.append((Value(text, row, _centred(text, number, grid, end)), False))
    if chosen is not None and 0 <= chosen < len(texts):
        row = below + (chosen % 2 if layout.x_rows == 2 else 0)
        own = Value(texts[chosen], row, _centred(texts[chosen], chosen, grid, end))
        found = [(one, told) for one, told in found if one.row != row or not _touch(one, own)] + [(own, True)]
    return found


def y_values(shown: HeatMap, layout: HeatLayout, *, chosen: int | None, ascii: bool) -> list[tuple[Value, bool]]:
    """The values along the y axis, each in the middle row of its cells; of two that share a row the lower one, or the
    `chosen` one.
    """
    room = layout.gutter - 1
    found: dict[int, tuple[Value, bool]] = {}
    if room < 1:
        return []
    for number in sorted(range(len(shown.y)), key=lambda one: (one != chosen, one)):
        row = middle_row(layout.grid, number)
        text = fit(clean(shown.y[number], ascii=ascii), room, ascii=ascii)
        found.setdefault(row, (Value(text, row, room - len(columns(text))), number == chosen))
    return list(found.values())


def middle_row(grid: Grid, y: int) -> int:
    """The row of the image in which the text of a cell begins, if it is one line."""
    down = grid.up - 1 - y
    return grid.top + (down * grid.height + (grid.height - 1) // 2 if grid.height else down // 2)


def _centred(text: str, number: int, grid: Grid, end: int) -> int:
    """The column in which the text below a column of cells begins."""
    length = len(columns(text))
    return max(0, min(grid.left + number * grid.width + (grid.width - length) // 2, end - length))


def _touch(one: Value, other: Value) -> bool:
    return one.column <= other.column + len(columns(other.text)) and other.column <= one.column + len(columns(one.text))


def _head(shown: HeatMap, width: int, *, ascii: bool) -> str:
    """The label of y at the left, and the title in the middle of what is left."""
    label, title = (clean(text, ascii=ascii).strip() for text in (shown.y_label, shown.title))
    label = fit(label, width, ascii=ascii)
    behind = len(columns(label)) + 2 if label and title else len(columns(label))
    title = fit(title, max(width - behind, 0), ascii=ascii)
    middle = max((width - len(columns(title))) // 2, behind)
    return (label + " " * (middle - len(columns(label))) + title).rstrip()


def wrapped(entries: Sequence[Line], width: int, gap: int = 3) -> list[Line]:
    """Entries of a legend on as many lines as they take, between which nothing is broken."""
    lines: list[Line] = []
    for entry in entries:
        if lines and len(lines[-1]) + gap + len(entry) <= width:
            lines[-1] += [(" ", PLAIN)] * gap + entry
        else:
            lines.append(entry[:width])
    return lines
