"""Each kind of panel as a plot of matplotlib."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import Any

import ibtui.figures.plain  # noqa: F401  (before matplotlib)

# isort: split
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from ibtui.figures.content import (
    Bound,
    Compared,
    Fractions,
    Gradients,
    Lines,
    Panel,
    Paths,
    Plane,
    Points,
    SignalToNoise,
)
from ibtui.figures.lettering import Letters, plain_text, symbol, symbols
from ibtui.figures.paper import (
    AT_TRANSITION,
    DRIFT_END,
    EDGE,
    FLOOR,
    GUIDE,
    SMALL,
    epoch_colours,
    epoch_scale,
    marker,
    steps,
)
from ibtui.figures.table import place_on_path
from ibtui.formatting import over_some
from ibtui_engine.layer_names import marks

MARGIN_X, MARGIN_Y = 0.05, 0.09
"""How much of the way to a bound is shown beyond it; above, there is room for its name."""
NODES = 12
"""Neurons of a layer that are drawn, at most."""
NEAR_CORNER = 0.4
"""Layers with less than this share of H(X) are shown once more, larger."""
HIDDEN_ONES = 0.25
"""The same of compared ensembles, whose first layers may lie far off."""
NAME_PLACES = (0.5, 0.3, 0.7, 0.2)
"""Where the name of I(X;Y) may stand, as shares of H(X), the best first."""
SHORT_NAME = 20
"""Characters of a line's name at most, where three stand beside one another."""
TANGENT = 0.05
"""Half the length of a tangent, as a share of the plot."""


@singledispatch
def draw(panel: Panel, axes: Axes, letters: Letters) -> None:
    """Draw a panel into axes; `letters` takes the labels that are to be placed when the layout is known."""
    raise TypeError(f"no plot of {type(panel).__name__}")


@draw.register
def _points(panel: Points, axes: Axes, letters: Letters) -> None:
    frame_plane(panel.plane, axes, letters, panel.i_x.ravel(), panel.i_y.ravel())
    for layer, colour in enumerate(steps(panel.i_x.shape[1])):
        axes.plot(
            panel.i_x[:, layer],
            panel.i_y[:, layer],
            linestyle="none",
            marker=marker(layer),
            color=colour,
            alpha=0.9,
            markersize=3.2,
            clip_on=False,
            zorder=3 + layer,
            **EDGE,
        )


@draw.register
def _paths(panel: Paths, axes: Axes, letters: Letters) -> None:
    frame_plane(panel.plane, axes, letters)
    colours, scale = epoch_colours(), epoch_scale(panel.last_epoch)
    texts = _texts(panel.plane, panel.i_x.shape[1])
    for layer in range(panel.i_x.shape[1]):
        known = np.isfinite(panel.i_x[:, layer]) & np.isfinite(panel.i_y[:, layer])
        x, y, epochs = panel.i_x[known, layer], panel.i_y[known, layer], panel.epochs[known]
        if not len(x):
            continue
        places = np.column_stack([x, y])
        middle = np.expm1((np.log1p(epochs[1:]) + np.log1p(epochs[:-1])) / 2)
        line = LineCollection(
            list(np.stack([places[:-1], places[1:]], axis=1)), cmap=colours, norm=scale, linewidth=1.4, capstyle="round"
        )
        line.set_array(middle)
        line.set_clip_on(False)
        axes.add_collection(line)
        ends: dict[str, Any] = {"linestyle": "none", "clip_on": False, "zorder": 4}
        axes.plot(x[:1], y[:1], marker="o", markersize=2.4, color=colours(0.0), **ends)
        axes.plot(x[-1:], y[-1:], marker="o", markersize=3.6, color=colours(scale(epochs[-1])), **EDGE, **ends)
        letters.add(float(x[-1]), float(y[-1]), texts[layer])
        letters.avoid(x, y)
        if not math.isnan(panel.transitions[layer]):
            at = place_on_path(panel, layer, panel.transitions[layer])
            axes.plot(*at, clip_on=False, zorder=5, **DRIFT_END)
    if math.isnan(panel.transition):
        axes.annotate(
            "no end of drift",
            (0.92, 0.12),
            xycoords="axes fraction",
            ha="right",
            size=SMALL,
            style="italic",
            color="0.45",
        )
    else:
        across = [place_on_path(panel, layer, panel.transition) for layer in range(panel.i_x.shape[1])]
        axes.plot(*zip(*across, strict=True), zorder=2, clip_on=False, **AT_TRANSITION)
        letters.avoid(*zip(*across, strict=True))


@draw.register
def _gradients(panel: Gradients, axes: Axes, letters: Letters) -> None:
    known = panel.epochs > 0
    epochs = panel.epochs[known]
    _epoch_axis(axes, panel.last_epoch)
    axes.set_yscale("log")
    axes.set_ylabel("gradients over norm of weights")
    for layer, colour in enumerate(steps(panel.mean.shape[1])):
        dots = {"marker": marker(layer), "markevery": _every(len(epochs), layer), "markersize": 3.0, **EDGE}
        axes.plot(epochs, panel.mean[known, layer], color=colour, linewidth=1.0, **dots)
        axes.plot(epochs, panel.std[known, layer], color=colour, linewidth=1.0, linestyle=(0, (4, 1.5)), **dots)
    axes.plot(epochs, panel.floor[known], zorder=4, **FLOOR)
    _end_of_drift(axes, panel.transition)
    values = [(np.tile(epochs, 2), np.concatenate([panel.mean[known, k], panel.std[known, k]])) for k in
              range(panel.mean.shape[1])]  # fmt: skip
    _network(axes, panel.widths, values)


@draw.register
def _signal_to_noise(panel: SignalToNoise, axes: Axes, letters: Letters) -> None:
    known = panel.epochs > 0
    epochs = panel.epochs[known]
    _epoch_axis(axes, panel.last_epoch)
    axes.set_yscale("log")
    axes.set_ylabel("gradient SNR")
    axes.axhline(1.0, **GUIDE)
    if panel.batches > 1:
        axes.axhline(1 / math.sqrt(panel.batches), zorder=1, **FLOOR)
    for layer, colour in enumerate(steps(panel.snr.shape[1])):
        dots = {"marker": marker(layer), "markevery": _every(len(epochs), layer), "markersize": 3.0, **EDGE}
        axes.plot(epochs, panel.snr[known, layer], color=colour, linewidth=0.8, **dots)
        end, levels, level = panel.transitions[layer], panel.levels_at[layer], panel.level[layer]
        if end.present:
            axes.plot(end.epoch, 1.0, marker=marker(layer), markersize=5.5, color=colour, markeredgecolor="black",
                      markeredgewidth=0.8, zorder=6)  # fmt: skip
        if levels.common:
            axes.plot([levels.epoch, panel.last_epoch], [level.mean] * 2, color=colour, linewidth=4.0, alpha=0.4,
                      zorder=1.5, solid_capstyle="butt")  # fmt: skip
            axes.plot(
                levels.epoch, level.mean, marker="|", color="black", markersize=6.0, markeredgewidth=0.9, zorder=5
            )
    _end_of_drift(axes, panel.network.epoch if panel.network.present else None)


@draw.register
def _bound(panel: Bound, axes: Axes, letters: Letters) -> None:
    plane, fits = panel.plane, panel.fits
    frame_plane(plane, axes, letters)
    _curve(panel.curve.corners, plane, axes)
    x, y, beta = fits.mean("i_x"), fits.mean("i_y"), fits.medians("beta")[0]
    error_x, error_y = fits.error("i_x"), fits.error("i_y")
    told, texts, optimal = [], _texts(plane, len(x)), np.stack(panel.at_beta)
    there = np.stack([x, y])[:, x < NEAR_CORNER * plane.h_x]
    close = _zoom(axes, (0.16, 0.12, 0.33, 0.55), plane, *there)
    for layer, colour in enumerate(steps(len(x))):
        for one in (axes, *close):
            one.errorbar(
                x[layer], y[layer], xerr=_bar(error_x[layer]), yerr=_bar(error_y[layer]), marker=marker(layer),
                markersize=4.0, color=colour, ecolor="black", elinewidth=0.7, capsize=1.5, capthick=0.7, zorder=4,
                **EDGE,
            )  # fmt: skip
            if beta[layer] > 0:
                _tangent(one, float(x[layer]), float(y[layer]), float(beta[layer]), TANGENT * (1 if one is axes else 2))
            one.plot(*optimal[:, layer], marker=marker(layer), markersize=4.0, markeredgecolor=colour, zorder=3.5,
                     markerfacecolor="white", markeredgewidth=0.8, linestyle="none")  # fmt: skip
        letters.add(float(x[layer]), float(y[layer]), texts[layer])
        told.append((beta[layer], int((fits.end[:, layer] != 0).sum())))
    for one in close:
        _curve(panel.curve.corners, plane, one)
    if np.isfinite(beta).any():
        _betas(axes, told, len(fits.beta), plane.names)


def _texts(plane: Plane, layers: int) -> list[str]:
    """What stands beside the layers' dots."""
    return [plain_text(text) for text in marks(plane.names, layers)]


def _tangent(axes: Axes, x: float, y: float, beta: float, share: float) -> None:
    """A short line of slope 1/beta through a place; half of it is this share of the plot."""
    across, up = np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
    part = share / math.hypot(1 / across, 1 / beta / up)
    ends = np.array([-part, part])
    axes.plot(x + ends, y + ends / beta, color="black", linewidth=0.7, zorder=3)


def _zoom(axes: Axes, place: tuple[float, float, float, float], plane: Plane, x: Any, y: Any) -> list[Axes]:
    """Axes inside the empty part of a plane, for what lies close together near the curve's corner; none for nothing."""
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    if not len(x):
        return []
    inset = axes.inset_axes(place)
    low, high = float(x.min()), float(x.max())
    inset.set_xlim(max(low - 0.3 * (high - low) - 0.2, 0.0), high + 0.3 * (high - low) + 0.2)
    bottom = float(y.min())
    top = min(plane.i_xy + 0.25 * (plane.i_xy - bottom), axes.get_ylim()[1])
    inset.set_ylim(max(bottom - 0.35 * (plane.i_xy - bottom), axes.get_ylim()[0]), top)
    inset.axhline(plane.i_xy, **GUIDE)
    inset.tick_params(labelsize=SMALL - 1, pad=2)
    inset.xaxis.set_major_locator(MaxNLocator(4))
    inset.yaxis.set_major_locator(MaxNLocator(4))
    box = axes.indicate_inset_zoom(inset, edgecolor="0.6", alpha=1.0, linewidth=0.5)
    box.set_zorder(0.6)
    for line in box.connectors or ():
        line.set_visible(False)
    return [inset]


def _betas(axes: Axes, told: list[tuple[float, int]], networks: int, layers: tuple[str, ...] | None) -> None:
    """beta* of every layer, and how many networks have none, written into the empty part of the plane."""
    shared: dict[str, Any] = {"transform": axes.transAxes, "va": "bottom", "size": SMALL, "linespacing": 1.35}
    axes.text(0.64, 0.16, "\n".join(["", *symbols(layers, len(told))]), ha="right", **shared)
    values = [f"{_short(beta)}{over_some(networks - missing, networks)}" for beta, missing in told]
    axes.text(0.66, 0.16, "\n".join(["$\\beta^*$, median", *values]), ha="left", **shared)
    axes.text(0.53, 0.09, "hollow: the curve at $\\beta^*$", ha="left", **shared)


@draw.register
def _fractions(panel: Fractions, axes: Axes, letters: Letters) -> None:
    plane = panel.plane
    frame_plane(plane, axes, letters)
    _curve(panel.curve.corners, plane, axes)
    colours = steps(len(panel.fractions))
    ends = [np.concatenate([getattr(one, name)[-1:] for one in panel.sampled]) for name in ("i_x", "i_y")]
    near = panel.i_x <= np.max(ends[0], initial=0.0)
    there = [np.append(end, of[near]) for end, of in zip(ends, (panel.i_x, panel.i_y), strict=True)]
    close = _zoom(axes, (0.36, 0.09, 0.55, 0.4), plane, *there)
    for one in close:
        _curve(panel.curve.corners, plane, one)
    handles: list[Any] = []
    for k, (fraction, colour) in reversed(list(enumerate(zip(panel.fractions, colours, strict=True)))):
        one = panel.sampled[k]
        drawn = [_layers_of(panel, k, where, colour, f"{100 * fraction:.4g} %") for where in (axes, *close)]
        handles.append(drawn[0])
        for where in (axes, *close):
            where.plot(one.i_x, one.i_y, color=colour, linewidth=1.0, linestyle=(0, (1, 1.2)), zorder=2.5)
        for where in close:
            where.plot(one.i_x[-1:], one.i_y[-1:], marker=marker(k), markersize=2.6, markeredgecolor=colour,
                       markerfacecolor="white", markeredgewidth=0.7, zorder=3)  # fmt: skip
        letters.avoid(panel.i_x[k], panel.i_y[k])
    for layer, text in enumerate(_texts(panel.plane, panel.i_x.shape[1])):
        letters.add(float(panel.i_x[-1, layer]), float(panel.i_y[-1, layer]), text)
    handles += [
        Line2D([], [], label="finite-sample bound", color="0.3", linestyle=(0, (1, 1.2)), marker="o", markersize=2.6,
               markerfacecolor="white", markeredgecolor="0.3", markeredgewidth=0.7, markevery=[1]),
        Line2D([], [], label="IB curve", color="black"),
    ]  # fmt: skip
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), title="share of the patterns",
        title_fontsize=SMALL, alignment="left"
    )  # fmt: skip


@draw.register
def _compared(panel: Compared, axes: Axes, letters: Letters) -> None:
    frame_plane(panel.plane, axes, letters)
    near = panel.i_x < HIDDEN_ONES * panel.plane.h_x
    close = _zoom(axes, (0.43, 0.15, 0.43, 0.43), panel.plane, panel.i_x[near], panel.i_y[near])
    handles: list[Any] = [Line2D([], [], label="IB curve", color="black")]
    for k, (name, colour) in enumerate(zip(panel.names, steps(len(panel.names)), strict=True)):
        handles.append(_layers_of(panel, k, axes, colour, name))
        for one in close:
            _layers_of(panel, k, one, colour, name)
        letters.avoid(panel.i_x[k], panel.i_y[k])
    for one in (axes, *close):
        _curve(panel.curve.corners, panel.plane, one)
    for layer, text in enumerate(_texts(panel.plane, panel.i_x.shape[1])):
        letters.add(float(panel.i_x[0, layer]), float(panel.i_y[0, layer]), text)
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncol=2)


def _layers_of(panel: Fractions | Compared, k: int, axes: Axes, colour: Any, name: str) -> Any:
    """The layers of ensemble k with their errors, joined by a line: its handle for the legend."""
    return axes.errorbar(
        panel.i_x[k], panel.i_y[k], xerr=_bar(panel.error_x[k]), yerr=_bar(panel.error_y[k]), marker=marker(k),
        color=colour, ecolor="0.3", elinewidth=0.5, linewidth=1.0, zorder=3, label=name, **EDGE
    )  # fmt: skip


@draw.register
def _lines(panel: Lines, axes: Axes, letters: Letters) -> None:
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    if panel.x_log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())  # over less than two decades they would lie over one another
    if panel.y_log:
        axes.set_yscale("log")
    apart = 0.05 if panel.x_whole and not panel.x_log else 0.0
    colours = steps(len(panel.lines))
    for k, (line, colour) in enumerate(zip(panel.lines, colours, strict=True)):
        bars = [
            np.where(np.isfinite(end), np.maximum(end, 0.0), 0.0) for end in (line.y - line.low, line.high - line.y)
        ]
        axes.errorbar(
            line.x + apart * (k - (len(colours) - 1) / 2), line.y, yerr=np.nan_to_num(np.array(bars)), marker=marker(k),
            color=colour, ecolor=colour, elinewidth=0.7, capsize=1.5, capthick=0.7, label=symbol(line.name), **EDGE
        )  # fmt: skip
    if panel.x_whole and panel.lines:
        seen = np.concatenate([line.x for line in panel.lines])
        axes.set_xlim(seen.min() - 0.5, seen.max() + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if panel.x_names is not None:
        axes.set_xticks(range(1, len(panel.x_names) + 1), [symbol(name) for name in panel.x_names])
    if panel.y_limits is not None:
        axes.set_ylim(*panel.y_limits)
    low, high = axes.get_ylim()
    if low < 0.0 < high:
        axes.axhline(0.0, **GUIDE)
    if panel.lines:
        across = 3 if max(len(line.name) for line in panel.lines) <= SHORT_NAME else 2
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncol=min(len(panel.lines), across))


def frame_plane(plane: Plane, axes: Axes, letters: Letters, crowd: Any = (), heights: Any = ()) -> None:
    """The axes of an information plane, with its ceilings; `crowd` and `heights`: I(X;T) and I(T;Y) of dots that the
    name of a ceiling should not be among.
    """
    axes.set_title(plane.title)
    axes.set_xlim(0.0, plane.h_x * (1 + MARGIN_X))
    axes.set_ylim(0.0, plane.i_xy * (1 + MARGIN_Y))
    axes.set_xlabel("$I(X;T)$  (bits)")
    axes.set_ylabel("$I(T;Y)$  (bits)")
    axes.set_xticks(
        [tick for tick in MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(0.0, plane.h_x) if tick <= plane.h_x]
    )
    axes.axvline(plane.h_x, **GUIDE)
    axes.axhline(plane.i_xy, **GUIDE)
    names: dict[str, Any] = {"size": SMALL - 1, "color": "0.45", "zorder": 1}
    axes.annotate("$H(X)$", (plane.h_x, 0.0), xytext=(-2, 3), textcoords="offset points", ha="right", **names)
    there = np.asarray(crowd, np.float64)[np.asarray(heights, np.float64) > plane.i_xy * (1 - MARGIN_Y)]
    free = max(NAME_PLACES, key=lambda place: float(np.abs(there - place * plane.h_x).min(initial=plane.h_x / 4)))
    axes.annotate(
        "$I(X;Y)$", (plane.h_x * free, plane.i_xy), xytext=(0, 1.5), textcoords="offset points", ha="center", **names
    )
    letters.avoid(plane.h_x * (free + np.array([-0.1, 0.1])), np.full(2, plane.i_xy * (1 + MARGIN_Y / 2)))


def _curve(corners: Any, plane: Plane, axes: Axes) -> None:
    """The IB curve and the flat line to its right."""
    x, y = np.append(corners[:, 0], plane.h_x), np.append(corners[:, 1], corners[-1, 1])
    axes.plot(x, y, color="black", linewidth=1.0, zorder=2)


def _epoch_axis(axes: Axes, last: int) -> None:
    axes.set_xscale("log")
    axes.set_xlim(1.0, max(last, 2))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _end_of_drift(axes: Axes, epoch: float | None) -> None:
    """The upright line between the phases, whose names stand above the plot."""
    if epoch is None:
        return
    axes.axvline(epoch, color="black", linewidth=0.7, linestyle=(0, (5, 2)), zorder=2)
    axes.annotate(
        f"drift  ←  {epoch:.0f}  →  diffusion", (epoch, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
        textcoords="offset points", ha="center", size=SMALL
    )  # fmt: skip


def _network(axes: Axes, widths: tuple[int, ...], values: list[tuple[Any, Any]]) -> None:
    """The network, drawn in the emptiest corner of the plot: the neurons of each layer, coloured as its lines."""
    width, height = 0.36, 0.3
    corners = {(x, y): 0 for x in (0.03, 0.97 - width) for y in (0.04, 0.96 - height)}
    axes.autoscale_view()
    to_share = axes.transScale + axes.transLimits
    for x, y in values:
        known = np.isfinite(y) & (y > 0)
        places = to_share.transform(np.column_stack([x[known], y[known]]))
        for left, low in corners:
            inside = np.abs(places - [left + width / 2, low + height / 2]) < [width / 2 + 0.03, height / 2 + 0.04]
            corners[left, low] += int(inside.all(axis=1).sum())
    corner = min(corners, key=lambda place: corners[place])
    inset = axes.inset_axes((*corner, width, height))
    inset.axis("off")
    colours = ["0.55", *steps(len(widths) - 1)]
    heights = [(np.arange(n) - (n - 1) / 2) / NODES for n in (min(width, NODES) for width in widths)]
    for k in range(len(widths) - 1):
        ends = np.array([[(k, a), (k + 1, b)] for a in heights[k] for b in heights[k + 1]])
        inset.add_collection(LineCollection(list(ends), colors="0.7", linewidths=0.2, zorder=1))
    for k, (places, colour) in enumerate(zip(heights, colours, strict=True)):
        shape = marker(k - 1) if k else "o"
        inset.plot(
            np.full(len(places), k), places, linestyle="none", marker=shape, markersize=2.6, color=colour, **EDGE
        )
    inset.set_xlim(-0.4, len(widths) - 0.6)
    inset.set_ylim(-0.55, 0.55)


def _every(count: int, layer: int) -> tuple[int, int]:
    """Which points of a line have markers: about eight, at other epochs for each layer."""
    step = max(count // 8, 1)
    return (layer * 3) % step if step > 1 else 0, step


def _bar(error: Any) -> Any:
    return np.nan_to_num(error)


def _short(value: float) -> str:
    """A number in three digits, large ones in two with a power of ten."""
    if math.isnan(value):
        return "none"
    if value < 10_000:
        return f"{float(f'{value:.3g}'):g}"
    power = math.floor(math.log10(value))
    return f"${value / 10**power:.1f} \\times 10^{{{power}}}$"
