"""Heat maps of commands: those that were asked for, and that of a run that has just finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ibtui.cli.console import output

if TYPE_CHECKING:
    from ibtui.charts.heat_map import HeatMap


def draw_maps(maps: Sequence[HeatMap]) -> None:
    """Draw maps, one under the other."""
    from ibtui.cli.drawing import draw_map

    console = output()
    for number, one in enumerate(maps):
        if number:
            console.print()
        draw_map(one, console.width)


def summary_of(path: Path) -> None:
    """The map of a finished run, with what else can be asked of it."""
    from ibtui.map_charts import DEFAULT, Shown, heat_map
    from ibtui_engine.maps.axes import slices
    from ibtui_engine.maps.reading import read_map
    from ibtui_engine.session.history import SessionReader

    with SessionReader(path) as reader:
        found = read_map(reader)
    draw_maps([heat_map(found, one, Shown(DEFAULT)) for one in slices(found.summary.experiment)[:1]])
