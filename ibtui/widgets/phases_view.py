"""The two phases of an ensemble: tables of its layers, sentences, and how the numbers are meant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from ibtui.formatting import labelled
from ibtui.layers_text import chosen_rows
from ibtui.phases_text import (
    CAVEATS,
    DIFFUSION,
    DIFFUSION_CAVEATS,
    PHASES,
    Row,
    diffusion_rows,
    narrow,
    phase_rows,
    sentences,
)
from ibtui.widgets.figures_table import Figures, FiguresTable, ScrolledView
from ibtui.widgets.text import write

if TYPE_CHECKING:
    from ibtui_engine.phases.diffusion import LayerDiffusion
    from ibtui_engine.phases.summary import Phases


class PhasesView(ScrolledView):
    """Shows `Phases`, and what the weights say where they were read."""

    DEFAULT_CSS = """
    PhasesView { border: round $foreground 30%; padding: 0 1; }
    PhasesView:focus { border: round $foreground; }
    PhasesView Static { width: 100%; height: auto; }
    PhasesView .sentences { padding: 1 0; }
    PhasesView .heading { text-style: bold; }
    PhasesView .waiting { text-style: italic; }
    PhasesView .caveats { color: $text-muted; padding: 1 0 0 0; }
    PhasesView FiguresTable { width: auto; }
    """

    def compose(self) -> ComposeResult:
        """Two tables, with what is of no layer between them."""
        yield FiguresTable(classes="phases")
        yield Static(classes="sentences", markup=False)
        yield Static("After the transition", classes="heading", markup=False)
        yield FiguresTable(classes="diffusion")
        yield Static(classes="waiting", markup=False)
        yield Static(classes="caveats", markup=False)

    def show(
        self,
        title: str,
        account: Phases,
        names: Sequence[str] | None,
        diffusion: Sequence[LayerDiffusion] | None,
        waiting: str,
        hidden: Collection[int],
    ) -> None:
        """Show an ensemble's phases; `names`: of its layers, where they have some of their own; `waiting` says why
        there is nothing of its weights (yet); `hidden`: the numbers of layers that the charts leave out.
        """
        self.border_title = Text(f"Phases: {title}").markup
        for name, columns, rows in (
            ("phases", PHASES, lambda counts: phase_rows(account, names, counts=counts)),
            ("diffusion", DIFFUSION, lambda counts: diffusion_rows(account, diffusion, names, counts=counts)),
        ):
            self.query_one(f".{name}", FiguresTable).show(*_forms(columns, rows, hidden))
        _, left_out = chosen_rows(phase_rows(account, names), hidden)
        told = [left_out] if left_out else []
        write(self.query_one(".sentences", Static), "\n".join([*told, *sentences(account, names)]))
        still = self.query_one(".waiting", Static)
        still.display = diffusion is None
        write(still, waiting)
        write(self.query_one(".caveats", Static), f"{CAVEATS} {DIFFUSION_CAVEATS}")


def _forms(
    columns: Sequence[str], rows: Callable[[bool], list[Row]], hidden: Collection[int]
) -> tuple[Figures, Figures]:
    """The whole table, and one that is narrow: a mean says itself over how many networks it is."""
    whole, fewer = (chosen_rows(rows(counts), hidden)[0] for counts in (True, False))
    return (
        Figures.of(labelled(columns, whole, "se"), whole),
        Figures.of(*narrow(labelled(columns, fewer, "se"), fewer)),
    )
