"""The bound: the IB curve with an ensemble's layers, and what point of it each layer is nearest to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from ibtui.bound_text import COLUMNS, SHORT, WITHOUT_BETA, fit_rows
from ibtui.charts.spec import ChartSpec
from ibtui.formatting import labelled
from ibtui.layers_text import chosen_rows
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.figures_table import Figures, FiguresTable, ScrolledView
from ibtui.widgets.text import write
from ibtui_engine.layer_names import headings

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.fits import LayerFits


UNKNOWN = "…"
"""What stands in the table until it is known."""


class BoundView(Vertical):
    """A chart over a table, which is as high before anything is known as it is afterwards."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll_table(-1)", "Table up", show=False),
        Binding("pagedown", "scroll_table(1)", "Table down", show=False),
    ]

    DEFAULT_CSS = """
    BoundView ChartView { height: 1fr; }
    BoundView ScrolledView { height: auto; max-height: 50%; padding: 0 1; }
    BoundView .said { height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    BoundView .none { height: auto; text-style: italic; }
    """

    def compose(self) -> ComposeResult:
        """Chart, what the table is of, and the table."""
        yield ChartView(id=f"{self.id}-chart")
        yield Static(classes="said", markup=False)
        with ScrolledView(can_focus=False):
            yield FiguresTable()
            yield Static(classes="none", markup=False)

    @property
    def chart(self) -> ChartView:
        """The chart."""
        return self.query_one(ChartView)

    def wait_for(self, names: Sequence[str], text: str, hidden: Collection[int]) -> None:
        """There is no curve yet, and why. `names`: of the layers; `hidden`: the numbers of those that are left out."""
        self.chart.clear(text)
        self._tell(names, None, "", hidden)

    def show(
        self, spec: ChartSpec, names: Sequence[str], fits: LayerFits | None, said: str, hidden: Collection[int]
    ) -> None:
        """Show the layers of these names and the curve; `said`: the epoch of the fits, and what is being computed;
        `hidden`: the numbers of layers that are left out.
        """
        self.chart.show(spec)
        self._tell(names, fits, said, hidden)

    def _tell(self, names: Sequence[str], fits: LayerFits | None, said: str, hidden: Collection[int]) -> None:
        if fits is None:
            rows = [(heading, *[UNKNOWN] * (len(COLUMNS) - 1)) for heading in headings(names, len(names))]
        else:
            rows = fit_rows(fits, names)
        rows, left_out = chosen_rows(rows, hidden)
        write(self.query_one(".said", Static), f"{said} {left_out}".strip())
        forms = (range(len(COLUMNS)), SHORT) if fits is None or not fits.no_beta else (WITHOUT_BETA,)
        self.query_one(FiguresTable).show(*(_form(shown, rows) for shown in forms))
        none = self.query_one(".none", Static)
        none.display = fits is not None and bool(fits.no_beta)
        if fits is not None and fits.no_beta:
            write(none, f"No beta*: {fits.no_beta}.")

    def action_scroll_table(self, pages: int) -> None:
        """Scroll the table, whose keys are the chart's otherwise."""
        table = self.query_one(ScrolledView)
        (table.scroll_page_down if pages > 0 else table.scroll_page_up)(animate=False)


def _form(shown: Sequence[int], rows: Sequence[tuple[str, ...]]) -> Figures:
    """Some columns of the table."""
    kept = [tuple(row[k] for k in shown) for row in rows]
    return Figures.of(labelled([COLUMNS[k] for k in shown], kept, "se"), kept)
