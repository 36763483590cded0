"""A figure as a picture: its panels laid out in rows, with the keys that they share."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import ibtui.figures.plain  # noqa: F401  (before matplotlib)

# isort: split
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from ibtui.figures.content import Content, Gradients, Panel, Paths, Points, SignalToNoise
from ibtui.figures.lettering import Letters, symbols
from ibtui.figures.paper import (
    AT_TRANSITION,
    DRIFT_END,
    EDGE,
    FLOOR,
    SMALL,
    STYLE,
    epoch_colours,
    epoch_scale,
    epoch_ticks,
    file_of,
    fix_layout,
    marker,
    new_figure,
    steps,
)
from ibtui.figures.plain import style
from ibtui.figures.plots import draw

TURNED = "drift ends: gradient SNR falls below 1"
ACROSS = "all layers where the whole network's does"


def picture(content: Content, suffix: str) -> bytes:
    """A figure as a file: `png`, `svg` or `pdf`."""
    with style(STYLE):
        figure = new_figure(content.width, sum(content.heights))
        letters = compose(figure, content)
        settle(figure, letters)
        return file_of(figure, suffix)


def settle(figure: Figure, letters: list[Letters]) -> None:
    """Find the layout, keep it, and put the labels into it."""
    fix_layout(figure)
    for one in letters:
        one.place()


def compose(figure: Figure, content: Content) -> list[Letters]:
    """All panels in their rows; rows of paths share their axes. The labels are still to be placed."""
    letters: list[Letters] = []
    rows = list(zip(content.rows, content.heights, strict=True))
    blocks = [list(block) for _, block in groupby(rows, lambda row: (_plain(row[0]), len(row[0])))]
    parts: Any = figure.subfigures(
        len(blocks), 1, squeeze=False, height_ratios=[sum(height for _, height in block) for block in blocks]
    )
    for part, block in zip(parts.flat, blocks, strict=True):
        part.set_facecolor("none")
        shared = _plain(block[0][0])
        across = max(len(row) for row, _ in block)
        axes = part.subplots(len(block), across, sharex=shared, sharey=shared, squeeze=False)
        for down, (row, _) in enumerate(block):
            for column, panel in enumerate(row):
                one = Letters(axes[down, column])
                draw(panel, axes[down, column], one)
                if shared and column:
                    axes[down, column].set_ylabel("")
                if shared and down < len(block) - 1:
                    axes[down, column].set_xlabel("")
                letters.append(one)
        panels = [
            (panel, axes[down, column]) for down, (row, _) in enumerate(block) for column, panel in enumerate(row)
        ]
        _colour_bar(part, panels)
        _layers_key(part, [panel for panel, _ in panels])
    return letters


def _plain(row: tuple[Panel, ...]) -> bool:
    """Whether all of a row are information planes of one kind, which share their axes."""
    return all(isinstance(panel, Points) for panel in row) or all(isinstance(panel, Paths) for panel in row)


def _colour_bar(part: SubFigure, panels: list[tuple[Panel, Axes]]) -> None:
    """What the colours of paths mean."""
    paths = [(panel, axes) for panel, axes in panels if isinstance(panel, Paths)]
    if not paths:
        return
    last = max(panel.last_epoch for panel, _ in paths)
    ticks = epoch_ticks(last)
    bar = part.colorbar(
        ScalarMappable(epoch_scale(last), epoch_colours()),
        ax=[axes for _, axes in paths],
        pad=0.015,
        fraction=0.04,
        aspect=25 if len(paths) < 4 else 45,
    )
    bar.set_ticks(ticks, labels=[f"{tick:g}" if tick < 10_000 else f"$10^{{{np.log10(tick):.0f}}}$" for tick in ticks])
    bar.ax.minorticks_off()
    bar.ax.tick_params(direction="out", left=False, right=True)
    bar.ax.set_title("epoch", size=SMALL)


def _layers_key(part: SubFigure, panels: list[Panel]) -> None:
    """What the colours, markers and strokes of layers mean, below the panels."""
    layers = [_layers(panel) for panel in panels if _layers(panel)]
    ended = any(not math.isnan(end) for panel in panels if isinstance(panel, Paths) for end in panel.transitions)
    diamond = Line2D([], [], linestyle="none", **DRIFT_END)
    if not layers:
        whole = any(not math.isnan(panel.transition) for panel in panels if isinstance(panel, Paths))
        keys = [(diamond, TURNED)] if ended else []
        keys += [(Line2D([], [], **AT_TRANSITION), ACROSS)] if whole else []
        if keys:
            part.legend(*zip(*keys, strict=True), loc="outside lower center", ncol=2)
        return
    gradients = [panel for panel in panels if isinstance(panel, Gradients)]
    lines = any(isinstance(panel, Gradients | SignalToNoise) for panel in panels)
    handles = [
        Line2D([], [], color=colour if lines else "none", marker=marker(k), markerfacecolor=colour, **EDGE)
        for k, colour in enumerate(steps(max(layers)))
    ]
    names = symbols(next((_names(panel) for panel in panels if _layers(panel) == max(layers)), None), max(layers))
    strokes: list[tuple[Any, str]] = []
    if gradients:
        strokes = [
            (Line2D([], [], color="0.2"), "mean"),
            (Line2D([], [], color="0.2", linestyle=(0, (4, 1.5))), "standard deviation"),
            (Line2D([], [], **FLOOR), "independent noise"),
        ]
    if ended:
        strokes.append((diamond, TURNED))
    handles += [stroke for stroke, _ in strokes]
    names += [name for _, name in strokes]
    part.legend(handles, names, loc="outside lower center", ncol=len(names))


def _names(panel: Panel) -> tuple[str, ...] | None:
    if isinstance(panel, Points):
        return panel.plane.names
    return panel.names if isinstance(panel, Gradients | SignalToNoise) else None


def _layers(panel: Panel) -> int:
    if isinstance(panel, Points):
        return int(panel.i_x.shape[1])
    if isinstance(panel, Gradients):
        return int(panel.mean.shape[1])
    return int(panel.snr.shape[1]) if isinstance(panel, SignalToNoise) else 0
