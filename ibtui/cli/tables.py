"""Tables of commands: no cell is ever folded over lines, but those of a column of sentences.

Elsewhere than on a terminal a table is as wide as it must be: `grep` finds names whole. On a terminal that is too
narrow, headings break into words, then names lose their middle, and then the table becomes several, each with the
first column.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ibtui.formatting import shortened
from ibtui.spelling import encodable

if TYPE_CHECKING:
    from rich.table import Column

SENTENCES = "fold"
"""The `overflow` of a column that may be folded, since it holds sentences."""
LEAST_NAME, LEAST_SENTENCE = 12, 24
"""Columns of the screen that a shortened name, or a folded sentence, has at least."""


class TableConsole(Console):
    """Prints tables so that they fit, and everything else as rich does."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; a table by itself is made to fit."""
        if len(objects) != 1 or not isinstance(objects[0], Table):
            super().print(*(encodable(o, self.encoding) if isinstance(o, str) else o for o in objects), **options)
            return
        (table,) = objects
        if table.title:
            super().print(Text(str(table.title), "table.title"), soft_wrap=not self.is_terminal)
        usual = self.width
        for part in fitted(table, usual if self.is_terminal else None, self.encoding):
            self.width = max(usual, part.width or 0)
            try:
                super().print(part, **options)
            finally:
                self.width = usual


def fitted(table: Table, width: int | None, encoding: str = "utf-8") -> list[Table]:
    """The tables to print in place of one, in that many columns of the screen; without a number it is left whole.

    Where what cannot be shortened is wider, so is its table. Titles are left out. What the encoding of the output lacks
    is replaced before widths are found: `+-` is wider than one character.
    """
    columns = [_Cells.of(column, encoding, headed=table.show_header) for column in table.columns]
    mark = "…" if encodable("…", encoding) == "…" else ".."
    gap = max(table.padding[1], table.padding[3])
    if width is None:
        return [_table(table, columns, gap)]
    if _width(columns, gap) > width:
        columns = [column.with_broken_heading() for column in columns]
    for k in sorted(range(len(columns)), key=lambda k: not columns[k].sentences):  # names are shortened last
        column, over = columns[k], _width(columns, gap) - width
        least = min(column.width, LEAST_SENTENCE if column.sentences else LEAST_NAME if column.name else column.width)
        if over > 0:
            columns[k] = column.narrowed(max(column.width - over, least), mark)
    groups = [columns[:1]]
    for column in columns[1:]:
        if _width([*groups[-1], column], gap) > width and len(groups[-1]) > 1:
            groups.append(columns[:1])
        groups[-1].append(column)
    return [_table(table, group, gap) for group in groups]


@dataclass(frozen=True)
class _Cells:
    """One column."""

    heading: str
    cells: tuple[str, ...]
    right: bool
    sentences: bool
    width: int

    @classmethod
    def of(cls, column: Column, encoding: str, *, headed: bool) -> _Cells:
        heading = encodable(str(column.header), encoding) if headed else ""
        cells = tuple(encodable(str(cell), encoding) for cell in column.cells)
        right, sentences = column.justify == "right", column.overflow == SENTENCES
        return cls(heading, cells, right, sentences, max(map(cell_len, (heading, *cells))))

    @property
    def name(self) -> bool:
        """Whether its cells may be shortened: numbers stand at the right."""
        return not self.right and not self.sentences

    def with_broken_heading(self) -> _Cells:
        """With a heading of several lines where it is wider than all that stands below."""
        most = max([cell_len(cell) for cell in self.cells], default=0)
        most = max([most, *(cell_len(word) for word in self.heading.split())])
        lines = textwrap.wrap(self.heading, max(most, 1), break_long_words=False, break_on_hyphens=False)
        return replace(self, heading="\n".join(lines), width=most)

    def narrowed(self, width: int, mark: str) -> _Cells:
        """In less room: names are shortened, sentences will be folded."""
        if self.name:
            cells = tuple(shortened(cell, width, mark) for cell in self.cells)
            width = max([cell_len(cell) for cell in (*self.heading.split("\n"), *cells)])
            return replace(self, cells=cells, width=width)
        return replace(self, width=width)


def _width(columns: Sequence[_Cells], gap: int) -> int:
    return sum(column.width for column in columns) + gap * (len(columns) - 1)


def _table(table: Table, columns: Sequence[_Cells], gap: int) -> Table:
    """A table of these columns that looks like another one."""
    made = Table(
        box=None,
        show_header=table.show_header,
        header_style=table.header_style,
        pad_edge=False,
        padding=(0, gap, 0, 0),
        width=_width(columns, gap),
    )
    for column in columns:
        justify = "right" if column.right else "left"
        folded = column.sentences and max(map(cell_len, column.cells), default=0) > column.width
        made.add_column(column.heading, justify=justify, no_wrap=not folded, width=column.width)  # type: ignore[arg-type]
    for row in zip(*(column.cells for column in columns), strict=True):
        made.add_row(*row)
    return made
