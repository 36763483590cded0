"""The bound: the IB curve with an ensemble's layers, and what point of it each layer is nearest to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from ibtui.bound_text import COLUMNS, SHORT, WITHOUT_BETA, fit_rows
from ibtui.charts.spec import ChartSpec
from ibtui.widgets.chart_view import ChartView
from ibtui.wording import labelled

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.fits import LayerFits


WIDE = 100
"""Columns from which on the table has room for all of its own."""


class BoundView(Vertical):
    """A chart over a table."""

    DEFAULT_CSS = """
    BoundView ChartView { height: 1fr; }
    BoundView Static { height: auto; max-height: 50%; padding: 0 1; }
    """

    def compose(self) -> ComposeResult:
        """Chart and table."""
        yield ChartView(id="bound-chart")
        yield Static(id="bound-table")

    @property
    def chart(self) -> ChartView:
        """The chart."""
        return self.query_one("#bound-chart", ChartView)

    def wait_for(self, text: str) -> None:
        """There is no curve yet, and why."""
        self.chart.clear(text)
        self.query_one("#bound-table", Static).update("")

    def show(self, spec: ChartSpec, fits: LayerFits | None, waiting: str) -> None:
        """Show the layers and the curve; `waiting` says why there is no beta* (yet)."""
        self.chart.show(spec)
        if fits is None:
            self.query_one("#bound-table", Static).update(Text(waiting, "italic"))
        else:
            shown = WITHOUT_BETA if fits.no_beta else range(len(COLUMNS)) if self.size.width >= WIDE else SHORT
            rows = [[row[k] for k in shown] for row in fit_rows(fits)]
            table = _table(labelled([COLUMNS[k] for k in shown], rows, "se"), rows)
            note = [Text(f"No beta*: {fits.no_beta}.", "italic")] if fits.no_beta else []
            self.query_one("#bound-table", Static).update(Group(table, *note))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
