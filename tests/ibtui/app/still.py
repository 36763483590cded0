"""When a screen of the app is drawn: nothing on it is waited for, and nothing moves any more."""

from __future__ import annotations

from typing import Any

from rich.segment import Segment
from textual.pilot import Pilot
from textual.widgets import Input

from ibtui.widgets.chart_view import ChartView

QUIET_SECONDS = 0.03
QUIET_TIMES = 3
"""It is still when it has looked the same that many times more, so far apart."""


async def still(pilot: Pilot[None]) -> list[list[Segment]]:
    """The rows of the screen that is shown, once it is still; cursors of fields do not blink."""
    seen: list[list[Segment]] = []
    same = 0
    while same < QUIET_TIMES:
        await pilot.pause(QUIET_SECONDS)
        screen: Any = pilot.app.screen
        for field in screen.query(Input):
            field.cursor_blink = False
        charts = [chart for chart in screen.query(ChartView) if chart.display and chart.region.area]
        waits = getattr(screen, "behind", False) or any(chart.spec is None for chart in charts)
        waits = waits or (hasattr(screen, "_bound") and not screen._bound.settled)
        now = [list(strip) for strip in screen._compositor.render_strips()]
        same = same + 1 if now == seen and not waits else 0
        seen = now
    return seen
