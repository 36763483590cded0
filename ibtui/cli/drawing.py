"""Charts of commands: as wide as the output allows, in colour and beyond ASCII only where that can be shown."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal

from ibtui.terminal import takes_unicode

if TYPE_CHECKING:
    from ibtui.charts.spec import ChartSpec

HEIGHT = 22
"""Rows of one chart, title and caption included."""
WIDEST = 110


def draw(spec: ChartSpec, width: int) -> None:
    """Write a chart to stdout."""
    from ibtui.charts.chart import render

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    plain = not takes_unicode(sys.stdout)
    image = render(spec, min(width, WIDEST), HEIGHT, theme=theme(), colour=colour, ascii=plain)
    sys.stdout.write((image.ansi() if colour else image.text()) + "\n")
    sys.stdout.flush()


def theme() -> Literal["dark", "light"]:
    """What the terminal says of its background (COLORFGBG, set by many); dark where it says nothing."""
    return "light" if os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15") else "dark"
