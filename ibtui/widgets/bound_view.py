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
from ibtui.spelling import spell
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.text import write
from ibtui.wording import labelled
from ibtui_engine.layer_names import layer_number

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.fits import LayerFits


WIDE = 100
"""Columns from which on the table has room for all of its own."""
UNKNOWN = "…"
"""What stands in the table until it is known."""


class BoundView(Vertical):
    """A chart over a table, which is as high before anything is known as it is afterwards."""

    DEFAULT_CSS = """
    BoundView ChartView { height: 1fr; }
    BoundView Static { height: auto; max-height: 50%; padding: 0 1; }
    BoundView .said { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._laid_out: tuple[int, int, bool] | None = None
        """Rows and columns of the table, and whether there is a note: while they stay, so does the layout."""

    def compose(self) -> ComposeResult:
        """Chart, what the table is of, and the table."""
        yield ChartView(id=f"{self.id}-chart")
        yield Static(classes="said", markup=False)
        yield Static(classes="table")

    @property
    def chart(self) -> ChartView:
        """The chart."""
        return self.query_one(ChartView)

    def wait_for(self, layers: int, text: str) -> None:
        """There is no curve yet, and why."""
        self.chart.clear(text)
        self._tell(layers, None, "")

    def show(self, spec: ChartSpec, layers: int, fits: LayerFits | None, said: str) -> None:
        """Show the layers, so many of them, and the curve; `said`: of what epoch the fits are, and what is to come."""
        self.chart.show(spec)
        self._tell(layers, fits, said)

    def _tell(self, layers: int, fits: LayerFits | None, said: str) -> None:
        write(self.query_one(".said", Static), said)
        every = range(len(COLUMNS)) if self.size.width >= WIDE else SHORT
        if fits is None:
            shown: Sequence[int] = every
            rows = [(layer_number(k + 1, layers), *[UNKNOWN] * (len(shown) - 1)) for k in range(layers)]
        else:
            shown = WITHOUT_BETA if fits.no_beta else every
            rows = [tuple(row[k] for k in shown) for row in fit_rows(fits)]
        head = labelled([COLUMNS[k] for k in shown], rows, "se")
        if getattr(self.app, "ascii", False):
            head, rows = tuple(map(spell, head)), [tuple(map(spell, row)) for row in rows]
        table = _table(head, rows)
        note = [Text(f"No beta*: {fits.no_beta}.", "italic")] if fits is not None and fits.no_beta else []
        size = len(rows), len(shown), bool(note)
        self.query_one(".table", Static).update(Group(table, *note), layout=size != self._laid_out)
        self._laid_out = size


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
