"""What ensembles came to, in a table, with how far each is from the pinned one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Static

from ibtui.compared_text import CAVEATS, folded, narrow, wide
from ibtui.formatting import printable, shortened
from ibtui.widgets.figures_table import Figures, FiguresTable, ScrolledView
from ibtui.widgets.text import write

if TYPE_CHECKING:
    from ibtui_engine.session.results import ResultSpreads

LONGEST, SHORTEST = 40, 22
"""Columns that a name has at most, and where there is little room."""


class ComparedTable(ScrolledView):
    """The pinned ensemble, then the others."""

    DEFAULT_CSS = """
    ComparedTable { height: 1fr; border: round $foreground 30%; border-title-color: $foreground; }
    ComparedTable:focus { border: round $foreground; }
    ComparedTable FiguresTable { padding: 0 1; }
    ComparedTable .notes { width: 100%; height: auto; color: $text-muted; padding: 1 1 0 1; }
    """

    def compose(self) -> ComposeResult:
        """The table over what is to be known of it."""
        yield FiguresTable(right=False)
        yield Static(classes="notes", markup=False)

    def show(self, names: Sequence[str], found: Sequence[ResultSpreads | None], notes: Sequence[str]) -> None:
        """Show these; the first is the pinned one. `notes`: lines above the table."""
        forms = []
        for form, longest in ((wide, LONGEST), (narrow, LONGEST), (narrow, SHORTEST)):
            columns, rows = form([shortened(printable(name), longest) for name in names], found, 0)
            forms.append(Figures.of(columns if form is wide else folded(columns), rows))
        forms.append(Figures.of(forms[-1].columns, [folded(row) for row in forms[-1].rows]))
        self.query_one(FiguresTable).show(*forms)
        write(self.query_one(".notes", Static), "\n".join(printable(line) for line in (*notes, CAVEATS)))
