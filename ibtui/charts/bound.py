"""Charts of the bound: the IB curve with its critical points, and the layers of an ensemble beneath it.

That the layers come to the curve, each at a slope 1/beta* of its own, is the claim of Shwartz-Ziv and Tishby
(2017), Fig. 6. All is in bits.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.information_plane import MARGIN
from ibtui.charts.palette import Category, Shades
from ibtui.charts.scale import Axis
from ibtui.charts.spec import ChartSpec, ColourBar, Guide, Mark, Series, key_of
from ibtui_engine.layer_names import marks as marks_of

if TYPE_CHECKING:
    from jaxtyping import Float

    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits

    Line = tuple[Float[np.ndarray, " corners"], Float[np.ndarray, " corners"]]
    """I(X;T) and I(T;Y) of points that a line joins."""

TANGENT = 0.05
"""Half the length of a tangent, as a share of the chart."""


def bound_chart(
    curve_x: Float[np.ndarray, " points"],
    curve_y: Float[np.ndarray, " points"],
    h: float,
    i_xy: float,
    *,
    ceiling: str = "H(classes)",
    critical_x: Sequence[float] = (),
    critical_y: Sequence[float] = (),
    sampled: Mapping[str, tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]] | None = None,
    hard: Line | None = None,
    title: str = "IB curve",
    caption: str = "",
) -> ChartSpec:
    """The curve, which is flat beyond its last point, below I(X;Y) and left of the entropy `h` called `ceiling`.

    `sampled`: finite-sample bounds by what the legend calls them, as I(X;T) and I(T;Y). `hard`: the frontier of hard
    partitions, likewise.
    """
    x, y = _extended(curve_x, curve_y, h)
    series = [*_hard(hard, h), Series(x, y, "line", None, label="the bound", key="-")]
    if len(critical_x):
        where = np.asarray(critical_x, np.float64), np.asarray(critical_y, np.float64)
        series.append(Series(*where, "points", Category(3), label="critical beta", marker="+", key="+"))
    for index, (name, (xs, ys)) in enumerate((sampled or {}).items()):
        series.append(Series(xs, ys, "line", Category(index), label=name, key="123456789"[index % 9]))
    return ChartSpec(
        title,
        *_axes(h, i_xy),
        series=tuple(series),
        guides=_ceilings(h, i_xy, ceiling),
        caption=caption,
        corner=(h, i_xy),
    )


def with_bound(
    spec: ChartSpec, curve_x: Float[np.ndarray, " points"], curve_y: Float[np.ndarray, " points"], h: float
) -> ChartSpec:
    """A chart of the information plane, in bits, with the IB curve as a thin line behind all else; `h` is H(X)."""
    x, y = _extended(curve_x, curve_y, h)
    return replace(spec, series=(Series(x, y, "line", None, label="IB bound", key="-"), *spec.series))


def fitted_chart(
    curve: Curve,
    fits: LayerFits,
    h_x: float,
    i_xy: float,
    *,
    title: str,
    caption: str,
    names: Sequence[str] | None = None,
    hard: Line | None = None,
    shown: Collection[int] | None = None,
) -> ChartSpec:
    """The layers of an ensemble as they were fitted, beneath the curve: means over networks, with their errors, and
    slopes of their median beta*.

    `hard`: the frontier of hard partitions, as I(X;T) and I(T;Y). `shown`: layers to draw, from 0; None: all.
    """
    return layers_chart(
        curve.corners[:, 0],
        curve.corners[:, 1],
        h_x,
        i_xy,
        fits.mean("i_x"),
        fits.mean("i_y"),
        error_x=fits.error("i_x"),
        error_y=fits.error("i_y"),
        beta=fits.medians("beta")[0],
        names=names,
        hard=hard,
        shown=shown,
        title=f"Layers and the IB curve: {title}",
        caption=caption,
    )


def layers_chart(
    curve_x: Float[np.ndarray, " points"],
    curve_y: Float[np.ndarray, " points"],
    h: float,
    i_xy: float,
    i_x: Float[np.ndarray, " layers"],
    i_y: Float[np.ndarray, " layers"],
    *,
    error_x: Float[np.ndarray, " layers"] | None = None,
    error_y: Float[np.ndarray, " layers"] | None = None,
    beta: Float[np.ndarray, " layers"] | None = None,
    names: Sequence[str] | None = None,
    hard: Line | None = None,
    shown: Collection[int] | None = None,
    title: str = "Layers and the IB curve",
    caption: str = "",
) -> ChartSpec:
    """The curve and the layers' places, usually means over networks with their standard errors; `h` is H(X).

    Through each layer goes a short tangent of slope 1/`beta`, where it has a beta*. Numbers count the layers from the
    input, unless they have `names`. `hard`: the frontier of hard partitions, as I(X;T) and I(T;Y). `shown`: layers to
    draw, from 0; None: all.
    """
    x, y = _extended(curve_x, curve_y, h)
    across, up = _axes(h, i_xy)
    series = [*_hard(hard, h), Series(x, y, "line", None, label="the bound", key="-")]
    marks, texts = [], marks_of(names, len(i_x))
    for layer in range(len(i_x)):
        here, there = float(i_x[layer]), float(i_y[layer])
        if not (math.isfinite(here) and math.isfinite(there)) or (shown is not None and layer not in shown):
            continue
        colour = Category(layer)
        if beta is not None and math.isfinite(beta[layer]) and beta[layer] > 0:
            run, rise = 1 / across.limits[1], 1 / float(beta[layer]) / up.limits[1]
            part = TANGENT / math.hypot(run, rise)
            ends = np.array([-part, part])
            series.append(Series(here + ends, there + ends / float(beta[layer]), "line", colour, key="/"))
        for error, horizontal in ((error_x, True), (error_y, False)):
            if error is not None and math.isfinite(error[layer]) and error[layer] > 0:
                ends = np.array([-1.0, 1.0]) * float(error[layer])
                still = np.zeros(2)
                bar = (ends, still) if horizontal else (still, ends)
                series.append(Series(here + bar[0], there + bar[1], "line", colour, key="|"))
        marks.append(Mark(here, there, texts[layer], colour))
    return ChartSpec(
        title,
        across,
        up,
        series=tuple(series),
        guides=_ceilings(h, i_xy, "H(X)"),
        corner=(h, i_xy),
        marks=tuple(marks),
        caption=caption,
    )


def fractions_chart(
    curve_x: Float[np.ndarray, " points"],
    curve_y: Float[np.ndarray, " points"],
    h: float,
    i_xy: float,
    layers: Mapping[str, tuple[Float[np.ndarray, " layers"], Float[np.ndarray, " layers"]]],
    *,
    sampled: Mapping[str, tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]] | None = None,
    ordered_by: str | None = "sample",
    title: str = "Sample fractions",
    caption: str = "",
) -> ChartSpec:
    """The curve, and beneath it the layers' places for each sample fraction, joined by a line of a shade of its own
    (Shwartz-Ziv and Tishby 2017, Fig. 7); `h` is H(X).

    `layers` and `sampled` (finite-sample bounds, dotted): by what the legend calls them, as I(X;T) and I(T;Y).
    `ordered_by`: what the shades mean; None: colours tell things apart that have no order.
    """
    x, y = _extended(curve_x, curve_y, h)
    series = [Series(x, y, "line", None, label="the bound", key="-")]
    places = dict(zip(layers, np.linspace(0.0, 1.0, max(len(layers), 2)), strict=False))
    for name, (xs, ys) in (sampled or {}).items():
        shade = Shades(np.full(len(xs), places.get(name, 0.0)))
        series.append(Series(xs, ys, "dotted", shade, key=".", tell=f"{name}, finite-sample bound"))
    marks = []
    for index, (name, (xs, ys)) in enumerate(layers.items()):
        colour = Category(index) if ordered_by is None else Shades(np.full(len(xs), places[name]))
        series.append(Series(xs, ys, "line", colour, label=name, key=key_of(index), tell=name))
        known = np.flatnonzero(np.isfinite(xs) & np.isfinite(ys))
        if known.size and ordered_by is not None:
            marks.append(Mark(float(xs[known[-1]]), float(ys[known[-1]]), name))
    bar = None
    if ordered_by is not None and len(layers) > 1:
        bar = ColourBar(ordered_by, ((0.0, next(iter(layers))), (1.0, list(layers)[-1])))
    return ChartSpec(
        title,
        *_axes(h, i_xy),
        series=tuple(replace(one, label="") if bar and isinstance(one.colour, Shades) else one for one in series),
        guides=_ceilings(h, i_xy, "H(X)"),
        corner=(h, i_xy),
        marks=tuple(marks),
        bar=bar,
        caption=caption,
    )


def _hard(hard: Line | None, h: float) -> list[Series]:
    """The frontier of hard partitions, flat beyond its last corner."""
    if hard is None:
        return []
    return [Series(*_extended(*hard, h), "dotted", Category(1), label="hard partitions", key=".")]


def _extended(
    x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"], h: float
) -> tuple[Float[np.ndarray, " more"], Float[np.ndarray, " more"]]:
    """The curve and the flat line to its right."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if not len(x):
        return np.array([0.0, h]), np.zeros(2)
    return np.append(x, max(float(x[-1]), h)), np.append(y, y[-1])


def _axes(h: float, i_xy: float) -> tuple[Axis, Axis]:
    return Axis("I(X;T) bits", 0.0, h * (1 + MARGIN)), Axis("I(T;Y) bits", 0.0, i_xy * (1 + MARGIN))


def _ceilings(h: float, i_xy: float, name: str) -> tuple[Guide, Guide]:
    return Guide("x", h, name), Guide("y", i_xy, "I(X;Y)")
