"""Tables of numbers that fit the room they have, and what scrolls them.

A table comes in several forms, from the fullest to the narrowest; the first one that fits is shown. A number is never
split over two lines: where not even the narrowest form fits, it is scrolled sideways.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from ibtui.formatting import aligned
from ibtui.spelling import spell
from ibtui.widgets.text import write

APART, CLOSE = "  ", " "
"""Between two columns, and where there is little room."""


@dataclass(frozen=True)
class Figures:
    """Headings and cells. A cell may have several lines."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Figures:
        """From any sequences."""
        return cls(tuple(columns), tuple(map(tuple, rows)))

    def without(self, names: Collection[str]) -> Figures:
        """Fewer columns: those whose heading, without what it says of a spread, is none of these names."""
        kept = [k for k, column in enumerate(self.columns) if column.split(" ±")[0] not in names]
        return Figures(tuple(self.columns[k] for k in kept), tuple(tuple(row[k] for k in kept) for row in self.rows))

    def spelt(self) -> Figures:
        """In ASCII."""
        return Figures(tuple(map(spell, self.columns)), tuple(tuple(map(spell, row)) for row in self.rows))


class FiguresTable(Static):
    """Shows the fullest of some forms of a table that fits."""

    DEFAULT_CSS = """
    FiguresTable { width: auto; height: auto; text-wrap: nowrap; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None, right: bool = True) -> None:
        """`right`: numbers stand at the right of their columns."""
        super().__init__(id=id, classes=classes, markup=False)
        self._forms: tuple[Figures, ...] = ()
        self._right = right
        self._widths: dict[tuple[int, str], int] = {}
        """Of the columns by form and heading: what was as wide as this once may be so again, and nothing jumps."""

    def show(self, *forms: Figures) -> None:
        """Show one of these forms, from the fullest to the narrowest."""
        self._forms = tuple(form.spelt() for form in forms) if getattr(self.app, "ascii", False) else forms
        self.fit()

    def fit(self) -> None:
        """Choose the form again: the room may have changed."""
        assert isinstance(self.parent, Widget)
        room = self.parent.scrollable_content_region.width - self.styles.padding.width
        for index, form in enumerate(self._forms):
            widths = self._widths_of(index, form)
            for apart in (APART, CLOSE):
                fits = room <= 0 or sum(widths) + len(apart) * (len(widths) - 1) <= room
                if fits or (form is self._forms[-1] and apart is CLOSE):
                    write(self, self._text(form, widths, apart, room))
                    return

    def _widths_of(self, index: int, form: Figures) -> list[int]:
        cells = zip(form.columns, *form.rows, strict=True)
        widths = [max(len(line) for cell in column for line in cell.split("\n")) for column in cells]
        keys = [(index, name) for name in form.columns]
        self._widths |= {key: max(width, self._widths.get(key, 0)) for key, width in zip(keys, widths, strict=True)}
        return [self._widths[key] for key in keys]

    def _text(self, form: Figures, widths: Sequence[int], apart: str, room: int) -> Content:
        """All of its lines, as wide as the room: longer numbers need no new layout."""
        lines: list[str] = []
        left = () if self._right else range(len(widths))
        for row in (form.columns, *form.rows):
            parts = zip_longest(*(cell.split("\n") for cell in row), fillvalue="")
            lines += [aligned(line, widths, apart, left=left).ljust(room) for line in parts]
            if row is form.columns:
                head = len(lines)
        return Content.assemble(("\n".join(lines[:head]), "bold"), "\n", "\n".join(lines[head:]))


class ScrolledView(ScrollableContainer, inherit_bindings=False):
    """Scrolled by keys where there is more than fits. Home and end stay the playhead's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Scroll up", show=False),
        Binding("down", "scroll_down", "Scroll down", show=False),
        Binding("left", "scroll_left", "Scroll left", show=False),
        Binding("right", "scroll_right", "Scroll right", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
    ]

    def on_resize(self) -> None:
        """There is other room for the tables."""
        for table in self.query(FiguresTable):
            table.fit()
