"""The layers of an ensemble at one epoch: a table, and what must be known of its numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from ibtui.layers_text import columns
from ibtui.spelling import spell
from ibtui.widgets.text import write
from ibtui.wording import labelled, printable
from ibtui_engine.layer_names import layer_number
from ibtui_engine.session.ensemble import LayerFigures

PADDING = 2
"""Columns that stay free beside the text."""


class LayersTable(VerticalScroll):
    """Width, I(X;T), I(T;Y) with their spread over networks, distinct t, gradient SNR and saturation of every layer."""

    DEFAULT_CSS = """
    LayersTable { height: auto; }
    LayersTable Static { height: auto; padding: 0 1; }
    LayersTable #columns { text-style: bold; text-wrap: nowrap; }
    LayersTable #figures { text-wrap: nowrap; }
    LayersTable #notes { color: $text-muted; padding: 1 1 0 1; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, can_focus=False)
        self._widths: dict[str, int] = {}
        """Of the columns by their headings: what was as wide as this once may be so again."""

    def compose(self) -> ComposeResult:
        """The table over the notes."""
        yield Static(id="columns", markup=False)
        yield Static(id="figures", markup=False)
        yield Static(id="notes", markup=False)

    def show(self, figures: Sequence[LayerFigures], hidden: Collection[int], notes: Sequence[str]) -> None:
        """Show these layers; `hidden` are the numbers of those that the charts leave out."""
        told = columns(figures)
        names = [layer_number(one.layer, len(figures)) + (" hidden" if one.layer in hidden else "") for one in figures]
        told = {"T": names, "width": [str(one.width) for one in figures]} | told
        rows = list(zip(*told.values(), strict=True))
        cells = [labelled(tuple(told), rows, "sd"), *rows]
        if getattr(self.app, "ascii", False):
            cells = [tuple(spell(text) for text in row) for row in cells]
        head, *lines = self._aligned(tuple(told), cells)
        write(self.query_one("#columns", Static), head)
        write(self.query_one("#figures", Static), "\n".join(lines))
        write(self.query_one("#notes", Static), "\n".join(printable(note) for note in notes))

    def _aligned(self, names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
        """Lines of a table whose columns keep the width that they once had, closer together where they need it."""
        widths = [
            max(self._widths.get(name, 0), *map(len, column))
            for name, column in zip(names, zip(*rows, strict=True), strict=True)
        ]
        self._widths |= dict(zip(names, widths, strict=True))
        apart = "  "
        if 0 < self.size.width < sum(widths) + len(apart) * (len(widths) - 1) + PADDING:
            apart = " "
        return [apart.join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
