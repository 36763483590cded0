"""A heat map as a picture: numbers in the cells where they fit, undecided ones hatched, in the colours of light
terminals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import ibtui.figures.plain  # noqa: F401  (before matplotlib)

# isort: split
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import LogLocator

from ibtui.charts.heat_colours import block_colour, is_undecided
from ibtui.charts.heat_map import KINDS, HeatCell, HeatMap, State
from ibtui.charts.lettering import clean
from ibtui.charts.palette import BLACK, RGB, ink_on, palette
from ibtui.figures.content import ONE_COLUMN, TWO_COLUMNS
from ibtui.figures.lettering import plain_text
from ibtui.figures.paper import SMALL, STYLE, file_of, fix_layout, new_figure
from ibtui.figures.plain import style

NARROW = 5
"""Cells across that a picture of one column has at most."""
BESIDE = 1.4
"""Inches at the sides of the cells: values of y, the colour bar."""
ABOVE, BELOW = 0.4, 1.0
"""Inches over the cells for the title, and under them for values and a legend."""
TALLEST = 8.0
"""Inches that all cells take at most."""
LETTER = 0.55
"""Width of a letter, of its size."""
LEAST_SIZE = 3.5
"""Points below which no number is written."""
MARKERS: dict[State, dict[str, Any]] = {
    "running": {"marker": ">", "markersize": 3.0, "markerfacecolor": "none"},
    "waiting": {"marker": "o", "markersize": 2.5, "markerfacecolor": "none"},
    "absent": {"marker": ".", "markersize": 1.5},
}
"""What stands in cells without a value."""
MARK: dict[str, Any] = {"color": "0.45", "linestyle": "none", "markeredgewidth": 0.5}
EDGES: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.3}
HATCH: dict[str, Any] = {"hatch": "////", "linewidth": 0.0}
SUBS = (1.0, 2.0, 5.0)
"""What powers of ten are multiplied by on a logarithmic bar."""
LEGEND_COLUMNS = {ONE_COLUMN: 3, TWO_COLUMNS: 7}
"""Entries of a legend beside one another, by the width of the picture."""
RGBShares = tuple[float, float, float]


def map_picture(shown: HeatMap, suffix: str) -> bytes:
    """A map as a file: `png`, `svg` or `pdf`."""
    with style(STYLE):
        figure = compose_map(shown)
        fix_layout(figure)
        return file_of(figure, suffix)


def compose_map(shown: HeatMap) -> Figure:
    """The cells, the values along their axes, and what their colours mean; inside a style."""
    across, up = max(len(shown.x), 1), max(len(shown.y), 1)
    width = ONE_COLUMN if across <= NARROW else TWO_COLUMNS
    cell_width = (width - BESIDE) / across
    cell_height = min(max(0.6 * cell_width, 0.14), 0.5, TALLEST / up)
    figure = new_figure(width, cell_height * up + ABOVE + BELOW)
    axes = figure.add_subplot()
    axes.set_xlim(0, across)
    axes.set_ylim(0, up)
    axes.tick_params(which="both", length=0)
    _name_axes(axes, shown, 72 * cell_width, 72 * cell_height)
    _fill(axes, shown)
    _write(axes, shown, 72 * cell_width, 72 * cell_height)
    if shown.limits is not None:
        _colour_bar(figure, axes, shown)
    _legend(figure, shown)
    return figure


def _shares(colour: RGB) -> RGBShares:
    return colour[0] / 255, colour[1] / 255, colour[2] / 255


def _name_axes(axes: Axes, shown: HeatMap, width: float, height: float) -> None:
    """Title, caption, labels, and as many values as have room; upright where that lets more be written."""
    title, caption, x_label, y_label = (
        _said(one) for one in (shown.title, shown.caption, shown.x_label, shown.y_label)
    )
    axes.set_title("\n".join(one for one in (title, caption) if one), wrap=True)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    size = SMALL
    texts = [_said(one) for one in shown.x]
    longest = max((len(one) for one in texts), default=0) * LETTER * size + 2
    upright = longest > width
    step = max(1, math.ceil((1.3 * size if upright else longest) / width))
    places = range(0, len(texts), step)
    axes.set_xticks([k + 0.5 for k in places], [texts[k] for k in places], rotation=90 if upright else 0)
    step = max(1, math.ceil(1.2 * size / height))
    places = range(0, len(shown.y), step)
    axes.set_yticks([k + 0.5 for k in places], [_said(shown.y[k]) for k in places])


def _said(text: str) -> str:
    return plain_text(clean(text).strip())


def _fill(axes: Axes, shown: HeatMap) -> None:
    """The colours of cells."""
    colours, places = palette("light"), shown.places()
    plain: list[tuple[Rectangle, RGBShares]] = []
    empty: dict[State, list[tuple[float, float]]] = {state: [] for state in MARKERS}
    for x, y in product(range(len(shown.x)), range(len(shown.y))):
        cell = shown.cell(x, y)
        colour = block_colour(cell, places[y][x], shown, colours)
        if colour is None:
            empty.get(cell.state, []).append((x + 0.5, y + 0.5))
        elif is_undecided(cell, shown):
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor=_shares(colour), edgecolor=_strokes(colour), **HATCH))
        else:
            plain.append((Rectangle((x, y), 1, 1), _shares(colour)))
    for state, spots in empty.items():
        if spots:
            axes.plot(*zip(*spots, strict=True), **MARK, **MARKERS[state])
    axes.add_collection(PatchCollection([one for one, _ in plain], facecolors=[one for _, one in plain], **EDGES))


def _strokes(colour: RGB) -> str:
    """The grey of hatching over a colour."""
    return "0.2" if ink_on(colour) == BLACK else "0.9"


def _write(axes: Axes, shown: HeatMap, width: float, height: float) -> None:
    """The long text of each cell where it fits in all of them, in one line or two, else the short one, else none."""
    known = [one for one in shown.every() if one.state in ("", "undecided") and one.text]
    ways: tuple[Callable[[HeatCell], str], ...] = (
        lambda one: clean(one.text),
        lambda one: clean(one.text).replace(" ", "\n", 1),
        lambda one: clean(one.short),
    )
    sizes = [min((_size(way(one), width, height) for one in known), default=SMALL) for way in ways]
    least = (5.0, 5.0, LEAST_SIZE)
    chosen = next((k for k, size in enumerate(sizes) if size >= least[k]), None)
    if chosen is None:
        return
    colours, places = palette("light"), shown.places()
    for x, y in product(range(len(shown.x)), range(len(shown.y))):
        cell = shown.cell(x, y)
        colour = block_colour(cell, places[y][x], shown, colours)
        text = plain_text(ways[chosen](cell))
        if colour is None or not text:
            continue
        box: dict[str, Any] = {}
        if is_undecided(cell, shown):
            box = {"bbox": {"facecolor": _shares(colour), "edgecolor": "none", "pad": 0.8}}
        ink = _shares(ink_on(colour))
        axes.text(
            x + 0.5, y + 0.5, text, size=sizes[chosen], color=ink, ha="center", va="center", linespacing=0.95, **box
        )


def _size(text: str, width: float, height: float) -> float:
    """The largest size in points, of 7 or less, at which a text fits in a cell of so many points."""
    lines = text.split("\n")
    longest = max(len(line) for line in lines)
    return min(SMALL, 0.9 * width / (LETTER * max(longest, 1)), 0.85 * height / len(lines))


def _colour_bar(figure: Figure, axes: Axes, shown: HeatMap) -> None:
    """What the colours of values mean."""
    assert shown.limits is not None
    low, high = (one.value for one in shown.limits)
    if not high > low:
        low, high = (low / 2, high * 2) if shown.logarithmic else (low - 0.5, high + 0.5)
    scale: Normalize = LogNorm(low, high) if shown.logarithmic else Normalize(low, high)
    shades = ListedColormap([_shares(palette("light").even(t)) for t in np.linspace(0.0, 1.0, 256)])
    bar = figure.colorbar(ScalarMappable(scale, shades), ax=axes, pad=0.015, fraction=0.04, aspect=30)
    if shown.logarithmic:
        bar.ax.yaxis.set_major_locator(LogLocator(subs=SUBS))
        bar.ax.yaxis.set_major_formatter("{x:g}")
        bar.ax.minorticks_off()
    bar.ax.tick_params(which="both", direction="out", left=False, right=True, labelsize=SMALL)


def _legend(figure: Figure, shown: HeatMap) -> None:
    """What else there is in the map, with counts."""
    kinds, states = shown.counts()
    colours = palette("light")
    handles: list[Any] = []
    names: list[str] = []
    undecided = sum(is_undecided(one, shown) for one in shown.every())
    if shown.verdicts:
        for kind in KINDS[:-1]:
            if kinds[kind]:
                colour = block_colour(HeatCell(kind=kind), None, shown, colours)
                assert colour is not None
                handles.append(Patch(facecolor=_shares(colour)))
                names.append(f"{kind} {kinds[kind]}")
    if undecided:
        colour = block_colour(HeatCell(state="undecided"), None, shown, colours)
        assert colour is not None
        handles.append(Patch(facecolor=_shares(colour), edgecolor=_strokes(colour), **HATCH))
        names.append(f"undecided {undecided}")
    for state, mark in MARKERS.items():
        if states[state]:
            handles.append(Line2D([], [], **MARK, **mark))
            names.append(f"{state} {states[state]}")
    if handles:
        figure.legend(handles, names, loc="outside lower center", ncol=LEGEND_COLUMNS[figure.get_figwidth()])
