"""The layers of an ensemble at one epoch: a table, and what must be known of its numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.app import ComposeResult
from textual.widgets import Static

from ibtui.formatting import labelled, printable
from ibtui.layers_text import chosen_rows, columns
from ibtui.widgets.figures_table import Figures, FiguresTable, ScrolledView
from ibtui.widgets.text import write
from ibtui_engine.layer_names import layer_heading
from ibtui_engine.session.ensemble import LayerFigures

SPARE = ("saturated", "width", "distinct t", "held-out I(X;T)", "SNR")
"""Columns that are left out where there is little room, the first ones first."""


class LayersTable(ScrolledView):
    """Width, I(X;T), I(T;Y) with their spread over networks, distinct t, gradient SNR and saturation of every layer."""

    DEFAULT_CSS = """
    LayersTable { height: auto; }
    LayersTable FiguresTable { padding: 0 1; }
    LayersTable .notes { width: 100%; height: auto; color: $text-muted; padding: 1 1 0 1; }
    """

    def compose(self) -> ComposeResult:
        """The table over the notes."""
        yield FiguresTable(right=False)
        yield Static(classes="notes", markup=False)

    def show(self, figures: Sequence[LayerFigures], hidden: Collection[int], notes: Sequence[str]) -> None:
        """Show these layers; `hidden` are the numbers of those that the charts leave out: so does the table where there
        are many.
        """
        names = [printable(layer_heading(one.name, one.layer, len(figures))) for one in figures]
        told = {"T": names, "width": [str(one.width) for one in figures]} | columns(figures)
        rows, left_out = chosen_rows(list(zip(*told.values(), strict=True)), hidden)
        notes = [left_out, *notes] if left_out else notes
        full = Figures.of(labelled(tuple(told), rows, "sd"), rows)
        self.query_one(FiguresTable).show(*(full.without(SPARE[:count]) for count in range(len(SPARE) + 1)))
        write(self.query_one(".notes", Static), "\n".join(printable(note) for note in notes))
