"""The two phases of an ensemble: tables of its layers, sentences, and how the numbers are meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

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
from ibtui.wording import labelled

if TYPE_CHECKING:
    from ibtui_engine.phases.account import Phases
    from ibtui_engine.phases.diffusion import LayerDiffusion


WIDE = 96
"""Columns from which on the tables have room for all of theirs."""


class PhasesView(VerticalScroll, inherit_bindings=False):
    """Shows `Phases`, and what the weights say where they were read. Home and end stay the playhead's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Scroll up", show=False),
        Binding("down", "scroll_down", "Scroll down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
    ]

    DEFAULT_CSS = """
    PhasesView { border: round $foreground 30%; padding: 0 1; }
    PhasesView:focus { border: round $foreground; }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(id="phases-text")

    def show(self, title: str, account: Phases, diffusion: Sequence[LayerDiffusion] | None, waiting: str) -> None:
        """Show an ensemble's phases; `waiting` says why there is nothing of its weights (yet)."""
        self.border_title = Text(f"Phases: {title}").markup
        small = self.size.width < WIDE
        parts: list[RenderableType] = [_table(PHASES, phase_rows(account, counts=not small), small=small), Text()]
        parts += [Text(line) for line in sentences(account)]
        parts += [Text(), Text("After the transition", "bold")]
        parts.append(_table(DIFFUSION, diffusion_rows(account, diffusion, counts=not small), small=small))
        if diffusion is None:
            parts.append(Text(waiting, "italic"))
        parts += [Text(), Text(f"{CAVEATS} {DIFFUSION_CAVEATS}", "dim")]
        self.query_one("#phases-text", Static).update(Group(*parts))


def _table(columns: Sequence[str], rows: Sequence[Row], *, small: bool) -> Table:
    columns = labelled(columns, rows, "se")
    if small:
        columns, rows = narrow(columns, rows)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1 if small else 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
