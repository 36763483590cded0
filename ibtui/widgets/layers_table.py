"""The layers of an ensemble at one epoch: a table, and what must be known of its numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from ibtui.panels import LayerFigures
from ibtui.spelling import spell
from ibtui.widgets.text import write
from ibtui.wording import printable

COLUMNS = ("T", "width", "I(X;T)", "I(T;Y)", "distinct t", "SNR", "saturated")


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
        self._widths = [len(label) for label in COLUMNS]
        """Of the columns: what was as wide as this once may be so again."""

    def compose(self) -> ComposeResult:
        """The table over the notes."""
        yield Static(id="columns", markup=False)
        yield Static(id="figures", markup=False)
        yield Static(id="notes", markup=False)

    def show(self, figures: Sequence[LayerFigures], hidden: Collection[int], notes: Sequence[str]) -> None:
        """Show these layers; `hidden` are the numbers of those that the charts leave out."""
        rows = [COLUMNS, *(_cells(one, last=one.layer == len(figures), hidden=one.layer in hidden) for one in figures)]
        if getattr(self.app, "ascii", False):
            rows = [tuple(spell(text) for text in row) for row in rows]
        widths = [max(column) for column in zip(self._widths, *(map(len, row) for row in rows), strict=True)]
        self._widths = widths
        head, *lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
        write(self.query_one("#columns", Static), head)
        write(self.query_one("#figures", Static), "\n".join(lines))
        write(self.query_one("#notes", Static), "\n".join(printable(note) for note in notes))


def _cells(one: LayerFigures, *, last: bool, hidden: bool) -> tuple[str, ...]:
    """One row of the table, in the order of `COLUMNS`."""
    return (
        ("out" if last else str(one.layer)) + (" hidden" if hidden else ""),
        str(one.width),
        _spread(one.i_x, one.i_x_std),
        _spread(one.i_y, one.i_y_std),
        _absent(one.distinct, ".0f"),
        _absent(one.snr, ".3g"),
        _absent(one.saturated, ".0%"),
    )


def _spread(mean: float, std: float) -> str:
    return "…" if mean != mean else f"{mean:.3f} ± {std:.3f}"


def _absent(value: float, form: str) -> str:
    return "–" if value != value else format(value, form)
