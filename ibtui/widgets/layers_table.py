"""The table of an ensemble's layers at one epoch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.widgets import DataTable

from ibtui.panels import LayerFigures

COLUMNS = {
    "layer": "T",
    "width": "width",
    "i_x": "I(X;T) bits",
    "i_y": "I(T;Y) bits",
    "distinct": "distinct t",
    "snr": "SNR",
}


class LayersTable(DataTable[str]):
    """Width, I(X;T), I(T;Y) with their spread over networks, distinct t and gradient SNR of every layer."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, cursor_type="none", show_cursor=False)
        self.can_focus = False

    def on_mount(self) -> None:
        """The columns."""
        for key, label in COLUMNS.items():
            self.add_column(label, key=key)

    def show(self, figures: Sequence[LayerFigures], hidden: Collection[int]) -> None:
        """Show these layers; `hidden` are the numbers of those that the charts leave out."""
        if self.row_count != len(figures):
            self.clear()
            for one in figures:
                self.add_row(*[""] * len(COLUMNS), key=str(one.layer))
            self.call_after_refresh(self.notify_style_update)  # else rows drawn too early keep narrow columns
        for one in figures:
            name = "out" if one.layer == len(figures) else str(one.layer)
            cells = {
                "layer": name + (" hidden" if one.layer in hidden else ""),
                "width": str(one.width),
                "i_x": _spread(one.i_x, one.i_x_std),
                "i_y": _spread(one.i_y, one.i_y_std),
                "distinct": f"{one.distinct:.0f}",
                "snr": "–" if one.snr != one.snr else f"{one.snr:.3g}",
            }
            for column, text in cells.items():
                if self.get_cell(str(one.layer), column) != text:
                    self.update_cell(str(one.layer), column, text, update_width=True)


def _spread(mean: float, std: float) -> str:
    return f"{mean:.3f} ± {std:.3f}"
