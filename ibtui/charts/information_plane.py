"""Charts of the information plane: where the layers are (I(X;T), I(T;Y)), and how they came there.

The mean trajectories of the layers, coloured by epoch, are the picture of Shwartz-Ziv and Tishby (2017),
Fig. 3; every network's layers at one epoch are that of Fig. 2. Both bounds are drawn: no layer knows more of
the input than H(X), nor more of the label than the input does, I(X;Y).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from ibtui.charts.palette import Category, Faded, Shades
from ibtui.charts.scale import Axis, ticks
from ibtui.charts.spec import DRIFT_END, ChartSpec, ColourBar, Guide, Mark, Series, key_of
from ibtui_engine.layer_names import called
from ibtui_engine.layer_names import marks as marks_of

if TYPE_CHECKING:
    from jaxtyping import Float, Real

MARGIN = 0.05
"""How much of the way to a bound is shown beyond it."""

GHOST = " Grey: as recorded."


def information_plane(
    epochs: Real[np.ndarray, " snapshots"],
    i_x: Float[np.ndarray, "snapshots layers"],
    i_y: Float[np.ndarray, "snapshots layers"],
    h_x: float,
    i_xy: float,
    *,
    transitions: Sequence[float] = (),
    last_epoch: float | None = None,
    recorded: tuple[Float[np.ndarray, "snapshots layers"], Float[np.ndarray, "snapshots layers"]] | None = None,
    intervals: Sequence[Float[np.ndarray, " layers"]] | None = None,
    names: Sequence[str] | None = None,
    title: str = "",
    basis: str = "",
) -> ChartSpec:
    """The layers' trajectories through the information plane, in bits, coloured by log epoch.

    `i_x` and `i_y` are I(X;T) and I(T;Y), usually the means over an ensemble; `h_x` and `i_xy` are H(X) and
    I(X;Y). Each layer's number, counted from the input, stands where it is at the last epoch that has values.
    `transitions`: the epoch at which each layer's drift ends (NaN: it does not), marked on its path.
    `last_epoch`: where the colours end, so that an epoch keeps its colour while more of the paths is shown. `basis`:
    what the numbers rest on, for the caption. `recorded`: (I(X;T), I(T;Y)) as they were recorded where these are
    measured again, a grey path behind each. `intervals`: least and greatest I(X;T), then I(T;Y), of each layer at the
    last epoch, as far as the estimator can say: a cross through its end. `names`: of the layers; None: T1, T2, ...
    """
    epochs, i_x, i_y = np.asarray(epochs, dtype=np.float64), np.asarray(i_x), np.asarray(i_y)
    first, last = (float(epochs[0]), float(epochs[-1])) if len(epochs) else (0.0, 0.0)
    end_of_colours = max(last, last_epoch or 0.0)
    places = _log_places(epochs, end_of_colours)
    ends, marks = [], []
    layers = i_x.shape[1]
    told, texts = called(names, layers), marks_of(names, layers)
    series = [] if recorded is None else ghosts(*recorded, "line", told)
    for layer in range(layers):
        x, y = i_x[:, layer], i_y[:, layer]
        tell = partial(_at_epoch, told[layer], epochs)
        series.append(Series(x, y, "line", Shades(places), key=key_of(layer), tell=tell))
        known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        drift_end = transitions[layer] if layer < len(transitions) else math.nan
        if known.size and first <= drift_end <= last:
            across, up = (float(np.interp(drift_end, epochs[known], one[known])) for one in (x, y))
            ends.append(Mark(across, up, dot=DRIFT_END, tell=f"{told[layer]} drift ends"))
        if known.size:
            marks.append(Mark(float(x[known[-1]]), float(y[known[-1]]), texts[layer]))
    begin, end = _written(first), _written(last)
    span = f"Epochs {begin} to {end}" if last > first else f"Epoch {end}"
    caption = f"{span}. {numbered(texts)}, at epoch {end}."
    if intervals is not None and (crosses := _crosses(*intervals)):
        series += crosses
        caption += " Crosses: between what both lie."
    if ends:
        caption += f" {DRIFT_END}: where a layer's drift ends."
    caption += sentence(basis) + (GHOST if recorded is not None else "")
    return ChartSpec(
        title,
        *plane_axes(h_x, i_xy),
        series=tuple(series),
        guides=_bounds(h_x, i_xy),
        marks=(*ends, *marks),
        corner=(h_x, i_xy),
        bar=ColourBar("epoch", _stops(first, end_of_colours)) if end_of_colours > first and len(epochs) else None,
        caption=caption if len(epochs) else "",
    )


def information_points(
    i_x: Float[np.ndarray, "networks layers"],
    i_y: Float[np.ndarray, "networks layers"],
    h_x: float,
    i_xy: float,
    *,
    epoch: int,
    first_seed: int = 0,
    recorded: tuple[Float[np.ndarray, "networks layers"], Float[np.ndarray, "networks layers"]] | None = None,
    names: Sequence[str] | None = None,
    title: str = "",
    basis: str = "",
) -> ChartSpec:
    """Every network's layers as points in the information plane at one epoch, in bits, coloured by layer.

    Network k has the seed `first_seed` + k. `basis`: what the numbers rest on, for the caption. `recorded`: the points
    as they were recorded where these are measured again, in grey behind them. `names`: of the layers; None: T1, T2, ...
    """
    i_x, i_y = np.asarray(i_x), np.asarray(i_y)
    networks, layers = i_x.shape
    told = called(names, layers)
    series = tuple(
        Series(
            i_x[:, layer],
            i_y[:, layer],
            "points",
            Category(layer),
            label=told[layer],
            key=key_of(layer),
            tell=partial(_seed_of, told[layer], first_seed),
        )
        for layer in range(layers)
    )
    caption = f"Epoch {epoch}. One point for each layer of {networks} network{'s' if networks != 1 else ''}."
    caption += sentence(basis) + (GHOST if recorded is not None else "")
    behind = () if recorded is None else ghosts(*recorded, "points", told)
    return ChartSpec(
        title,
        *plane_axes(h_x, i_xy),
        series=(*behind, *series),
        guides=_bounds(h_x, i_xy),
        caption=caption,
        corner=(h_x, i_xy),
    )


def _crosses(
    x_low: Float[np.ndarray, " layers"],
    x_high: Float[np.ndarray, " layers"],
    y_low: Float[np.ndarray, " layers"],
    y_high: Float[np.ndarray, " layers"],
) -> list[Series]:
    """A line across and a line up through each layer's place."""
    found = []
    for layer, (left, right, low, high) in enumerate(zip(x_low, x_high, y_low, y_high, strict=True)):
        x, y = (left + right) / 2, (low + high) / 2
        if np.isfinite((x, y)).all():
            colour, key = Category(layer), key_of(layer)
            found.append(Series(np.array([left, right]), np.array([y, y]), "line", colour, key=key))
            found.append(Series(np.array([x, x]), np.array([low, high]), "line", colour, key=key))
    return found


def ghosts(
    i_x: Float[np.ndarray, "points layers"],
    i_y: Float[np.ndarray, "points layers"],
    kind: Literal["line", "points"],
    names: Sequence[str],
) -> list[Series]:
    """The layers in grey, behind others."""
    return [
        Series(i_x[:, layer], i_y[:, layer], kind, Faded(), key=".", tell=f"{name} as recorded")
        for layer, name in enumerate(names)
    ]


def numbered(texts: Sequence[str]) -> str:
    """What the texts beside the layers' dots are, for a caption."""
    return "Numbers: the layers, from the input on" if texts[:1] in ((), ("1",)) else "Names: the layers"


def _at_epoch(name: str, epochs: Float[np.ndarray, " snapshots"], index: int) -> str:
    return f"{name} epoch {_written(float(epochs[index]))}"


def _seed_of(name: str, first_seed: int, network: int) -> str:
    return f"{name} seed {first_seed + network}"


def plane_axes(h_x: float, i_xy: float) -> tuple[Axis, Axis]:
    """Both axes, in bits, from 0 to a little beyond the bounds."""
    return (
        Axis("I(X;T) bits", 0.0, h_x * (1 + MARGIN)),
        Axis("I(T;Y) bits", 0.0, i_xy * (1 + MARGIN)),
    )


def _bounds(h_x: float, i_xy: float) -> tuple[Guide, Guide]:
    return Guide("x", h_x, "H(X)"), Guide("y", i_xy, "I(X;Y)")


def sentence(basis: str) -> str:
    """What numbers rest on, at the end of a caption."""
    return f" {basis[:1].upper()}{basis[1:]}." if basis else ""


def _written(epoch: float) -> str:
    return f"{epoch:.12g}"


def _log_places(epochs: Float[np.ndarray, " snapshots"], last: float) -> Float[np.ndarray, " snapshots"]:
    """Where epochs are between 0 (epoch 0) and 1 (the last one), by the logarithm of one more."""
    if last <= 0:
        return np.zeros(len(epochs))
    places: Float[np.ndarray, " snapshots"] = np.log1p(np.maximum(epochs, 0.0)) / np.log1p(last)
    return places


def _stops(first: float, last: float) -> tuple[tuple[float, str], ...]:
    """The first and the last epoch, and the powers of ten well between them."""
    inner = (tick for tick in ticks(Axis("", 1.0, last, log=True), 8) if 3 * first < tick.value < last / 3)
    stops = [
        (first, _written(first)),
        *((t.value, t.label) for t in inner if t.value >= 10),
        (last, _written(last)),
    ]
    places = _log_places(np.array([value for value, _ in stops]), last)
    return tuple((float(place), text) for place, (_, text) in zip(places, stops, strict=True))
