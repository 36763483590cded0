"""The layers of an ensemble at one epoch: a table, and what must be known of its numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import DataTable, Static

from ibtui.panels import LayerFigures
from ibtui.wording import printable

COLUMNS = {
    "layer": "T",
    "width": "width",
    "i_x": "I(X;T)",
    "i_y": "I(T;Y)",
    "distinct": "distinct t",
    "snr": "SNR",
    "saturated": "saturated",
}


class LayersTable(Vertical):
    """Width, I(X;T), I(T;Y) with their spread over networks, distinct t, gradient SNR and saturation of every layer."""

    DEFAULT_CSS = """
    LayersTable { height: auto; }
    LayersTable DataTable { height: auto; max-height: 100%; }
    LayersTable Static { height: auto; padding: 0 1; color: $text-muted; }
    """

    def compose(self) -> ComposeResult:
        """The table over the notes."""
        table: DataTable[str] = DataTable(cursor_type="none", show_cursor=False)
        table.can_focus = False
        yield table
        yield Static(markup=False)

    def on_mount(self) -> None:
        """The columns."""
        for key, label in COLUMNS.items():
            self.table.add_column(label, key=key)

    @property
    def table(self) -> DataTable[str]:
        """The table itself."""
        return self.query_one(DataTable)

    def show(self, figures: Sequence[LayerFigures], hidden: Collection[int], notes: Sequence[str]) -> None:
        """Show these layers; `hidden` are the numbers of those that the charts leave out."""
        table = self.table
        if table.row_count != len(figures):
            table.clear()
            for one in figures:
                table.add_row(*[""] * len(COLUMNS), key=str(one.layer))
        changed = False
        for one in figures:
            name = "out" if one.layer == len(figures) else str(one.layer)
            cells = {
                "layer": name + (" hidden" if one.layer in hidden else ""),
                "width": str(one.width),
                "i_x": _spread(one.i_x, one.i_x_std),
                "i_y": _spread(one.i_y, one.i_y_std),
                "distinct": _absent(one.distinct, ".0f"),
                "snr": _absent(one.snr, ".3g"),
                "saturated": _absent(one.saturated, ".0%"),
            }
            for column, text in cells.items():
                if table.get_cell(str(one.layer), column) != text:
                    table.update_cell(str(one.layer), column, text, update_width=True)
                    changed = True
        if changed:  # rows may have been drawn, and kept, before their columns had their new widths
            table.call_after_refresh(table.notify_style_update)
        self.query_one(Static).update("\n".join(printable(note) for note in notes))


def _spread(mean: float, std: float) -> str:
    return "…" if mean != mean else f"{mean:.3f} ± {std:.3f}"


def _absent(value: float, form: str) -> str:
    return "–" if value != value else format(value, form)
