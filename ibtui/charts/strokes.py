"""What the rasteriser is to draw of a chart's series: strokes of one colour and one marker each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ibtui.charts import paths
from ibtui.charts.canvas import BRAILLE, Stroke, resolution
from ibtui.charts.image import PlotArea
from ibtui.charts.legend import Pen
from ibtui.charts.palette import Palette, Shades
from ibtui.charts.spec import Series

STAMP_EVERY = 14
"""Cells of line between two markers that are set into it."""

DOT_EVERY, CHARACTER_EVERY = 1.25, 3.0
"""Cells between two dots, or two characters, of a dotted line."""


def strokes(series: tuple[Series, ...], used: tuple[Pen, ...], area: PlotArea, colours: Palette) -> list[Stroke]:
    """What plotext is to draw: series by series, and at last what is set into lines.

    A signal costs plotext about 50 microseconds, however short it is (138 of them in a chart, measured), so all
    series with shades are drawn at the first one's turn, with one stroke for each shade.
    """
    if not series:
        return []
    counts = [min(np.size(one.x), np.size(one.y)) for one in series]
    every_x = np.concatenate([np.ravel(one.x)[:n] for one, n in zip(series, counts, strict=True)])
    every_y = np.concatenate([np.ravel(one.y)[:n] for one, n in zip(series, counts, strict=True)])
    ends = np.cumsum(counts)[:-1]
    x_of, y_of = np.split(area.x.to_unit(every_x), ends), np.split(area.y.to_unit(every_y), ends)
    found: list[Stroke] = []
    stamps: list[Stroke] = []
    shaded: dict[tuple[str, bool], tuple[list[paths.Dots], list[np.ndarray]]] = {}
    turn = 0
    for index, (one, pen) in enumerate(zip(series, used, strict=True)):
        n, x, y = counts[index], x_of[index], y_of[index]
        levels = colours.levels(one.colour, n) if isinstance(one.colour, Shades) else np.zeros(n, dtype=np.int64)
        if one.kind == "steps" and n:
            x, y, point = paths.staircase(x, y)
            levels = levels[point]
        lines = one.kind != "points"
        across, down = resolution(pen.marker)
        path = paths.clip(x, y) if lines else paths.inside(x, y)
        dots = paths.to_dots(path, area.width * across, area.height * down)
        dots = paths.thin(dots, levels) if lines else paths.distinct(dots)
        if one.kind == "dotted":
            every = DOT_EVERY if pen.marker == BRAILLE else CHARACTER_EVERY
            dots, levels, lines = paths.dotted(dots, across, down, every), np.zeros(1, dtype=np.int64), False
        if isinstance(one.colour, Shades):
            turn = turn if shaded else len(found)
            parts, levels_of = shaded.setdefault((pen.marker, lines), ([], []))
            parts.append(dots)
            levels_of.append(levels[dots.source])
        else:
            found.append(Stroke(dots, pen.marker, pen.colour, lines))
            if one.thick and lines and pen.marker == BRAILLE:  # once more, a dot lower
                lower = np.minimum(dots.row + 1, area.height * down - 1)
                found.append(Stroke(replace(dots, row=lower), pen.marker, pen.colour, lines))
        if pen.stamp:
            spots = paths.along(dots, across, down, 5 * index % STAMP_EVERY, STAMP_EVERY)
            stamps.append(Stroke(spots, pen.stamp, pen.colour, False))
    for (marker, lines), (parts, levels_of) in shaded.items():
        all_dots, all_levels = paths.together(parts), np.concatenate(levels_of)
        for level in np.unique(all_levels).tolist():
            part = paths.of_level(all_dots, all_levels == level)
            found.insert(turn, Stroke(part, marker, colours.steps[level], lines))
            turn += 1
    return found + stamps
