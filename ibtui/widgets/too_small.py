"""What stands over a screen whose terminal is too small for it."""

from __future__ import annotations

from textual.widgets import Static

LEAST = (60, 20)
"""Columns and rows that every screen needs."""


class TooSmall(Static):
    """Covers the screen below `LEAST`, and says so."""

    DEFAULT_CSS = """
    TooSmall {
        display: none; layer: top; width: 100%; height: 100%;
        background: $background; content-align: center middle; text-align: center;
    }
    """

    def __init__(self) -> None:
        super().__init__(f"ibtui needs a terminal of\n{LEAST[0]} columns and {LEAST[1]} rows", markup=False)
