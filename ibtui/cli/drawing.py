"""Charts of commands: as wide as the output allows, in colour and beyond ASCII only where that can be shown."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal

from ibtui.terminal import takes_unicode

if TYPE_CHECKING:
    from ibtui.charts.heat_map import HeatMap
    from ibtui.charts.spec import ChartSpec

HEIGHT = 22
"""Rows of one chart, title and caption included."""
TALL_CELLS = 12
"""Cells of a heat map over one another up to which each has two rows."""
AROUND = 6
"""Rows of a heat map around its cells, besides the caption."""
WIDEST = 110


def draw(spec: ChartSpec, width: int) -> None:
    """Write a chart to stdout."""
    from ibtui.charts.chart import render

    colour, plain = _as_shown()
    image = render(spec, min(width, WIDEST), HEIGHT, theme=theme(), colour=colour, ascii=plain)
    _write(image.ansi() if colour else image.text())


def draw_map(shown: HeatMap, width: int) -> None:
    """Write a heat map to stdout, as high as its cells need."""
    from ibtui.charts.heat_drawing import render_map

    colour, plain = _as_shown()
    width = min(width, WIDEST)
    up = len(shown.y)
    height = up * (2 if up <= TALL_CELLS else 1) + AROUND + 2 * len(shown.caption) // width
    image = render_map(shown, width, height, theme=theme(), colour=colour, ascii=plain)
    _write((image.ansi() if colour else image.text()).rstrip())


def _as_shown() -> tuple[bool, bool]:
    """Whether stdout shows colours, and whether ASCII alone."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ, not takes_unicode(sys.stdout)


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def theme() -> Literal["dark", "light"]:
    """What the terminal says of its background (COLORFGBG, set by many); dark where it says nothing."""
    return "light" if os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15") else "dark"
