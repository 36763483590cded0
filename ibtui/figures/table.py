"""The numbers behind a picture, all that is drawn, as one tidy table: a row for each point, empty where a column does
not apply. Columns carry their units; scripts rely on them.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui.figures.content import (
    Bound,
    Compared,
    Content,
    Fractions,
    Gradients,
    Lines,
    Panel,
    Paths,
    Points,
    SignalToNoise,
)

if TYPE_CHECKING:
    from ibtui.figures.content import Plane
    from ibtui_engine.bottleneck.curve import Curve

COLUMNS = (
    *("panel", "title", "what", "hidden", "fraction", "networks", "seed", "layer", "epoch", "epoch_low", "epoch_high"),
    *("i_x_bits", "i_y_bits", "i_x_error_bits", "i_y_error_bits", "beta", "beta_low", "beta_high"),
    *("grad_mean", "grad_std", "snr", "snr_low", "snr_high", "beta_networks"),
    *("curve_i_x_bits", "curve_i_y_bits"),
)
"""Columns that tables have, those of them in which there is something, in this order; panels of lines add their own.
Errors are standard errors over networks, low and high the ends of an interval; gradients are over the weights' norm.
`networks` have the number that the row is a mean of, `beta_networks` a beta*: `beta` is the median over them, and
`curve_` is where the curve is at it."""

Row = dict[str, Any]


def table(content: Content) -> bytes:
    """CSV of a whole figure; panels are counted from 1, row by row."""
    rows = [
        {"panel": number, "title": title(panel), **row}
        for number, panel in enumerate(content.panels, start=1)
        for row in rows_of(panel)
    ]
    found = {name: None for row in rows for name, value in row.items() if not _absent(value)}
    columns = [*(name for name in COLUMNS if name in found), *(name for name in found if name not in COLUMNS)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_written(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().encode()


def title(panel: Panel) -> str:
    """What a panel is called."""
    return panel.plane.title if isinstance(panel, Points | Paths | Bound | Fractions | Compared) else panel.title


@singledispatch
def rows_of(panel: Panel) -> Iterator[Row]:
    """All points of a panel."""
    raise TypeError(f"no table of {type(panel).__name__}")


@rows_of.register
def _points(panel: Points) -> Iterator[Row]:
    for network, (xs, ys) in enumerate(zip(panel.i_x, panel.i_y, strict=True)):
        for layer, (x, y) in enumerate(zip(xs, ys, strict=True), start=1):
            place = {"seed": panel.first_seed + network, "layer": layer, "epoch": panel.epoch}
            yield {"what": "layer", **_where(panel.plane), **place, "i_x_bits": x, "i_y_bits": y}
    yield from _ceilings(panel.plane)


@rows_of.register
def _paths(panel: Paths) -> Iterator[Row]:
    where = _where(panel.plane)
    for layer, end in enumerate(panel.transitions, start=1):
        columns = (panel.epochs, *(of[:, layer - 1] for of in (panel.i_x, panel.i_y, panel.networks)))
        for epoch, x, y, networks in zip(*columns, strict=True):
            place = {**where, "networks": networks, "layer": layer, "epoch": epoch}
            yield {"what": "path", **place, "i_x_bits": x, "i_y_bits": y}
        for what, at in (("drift ends", end), ("network's drift ends", panel.transition)):
            if not math.isnan(at):
                x, y = place_on_path(panel, layer - 1, at)
                yield {"what": what, **where, "layer": layer, "epoch": at, "i_x_bits": x, "i_y_bits": y}
    yield from _ceilings(panel.plane)


@rows_of.register
def _gradients(panel: Gradients) -> Iterator[Row]:
    for layer in range(panel.mean.shape[1]):
        columns = (panel.epochs, *(of[:, layer] for of in (panel.mean, panel.std, panel.networks)))
        for epoch, mean, std, networks in zip(*columns, strict=True):
            if epoch > 0:
                place = {"networks": networks, "layer": layer + 1, "epoch": epoch}
                yield {"what": "layer", **place, "grad_mean": mean, "grad_std": std}
    for epoch, floor in zip(panel.epochs, panel.floor, strict=True):
        if epoch > 0:
            yield {"what": "noise floor", "epoch": epoch, "grad_mean": floor}
    if panel.transition is not None:
        yield {"what": "drift ends", "epoch": panel.transition}


@rows_of.register
def _signal_to_noise(panel: SignalToNoise) -> Iterator[Row]:
    for layer in range(panel.snr.shape[1]):
        for epoch, snr, networks in zip(panel.epochs, panel.snr[:, layer], panel.networks[:, layer], strict=True):
            if epoch > 0:
                yield {"what": "layer", "networks": networks, "layer": layer + 1, "epoch": epoch, "snr": snr}
        end, levels, level = panel.transitions[layer], panel.levels_at[layer], panel.level[layer]
        for what, at, snr in (("drift ends", end, {"snr": 1.0}), ("levels off", levels, _level(level))):
            if at.present:
                when = {"networks": at.count, "epoch": at.epoch, "epoch_low": at.low, "epoch_high": at.high}
                yield {"what": what, "layer": layer + 1, **when, **snr}
    at = panel.network
    if at.present:
        when = {"networks": at.count, "epoch": at.epoch, "epoch_low": at.low, "epoch_high": at.high}
        yield {"what": "drift ends", **when, "snr": 1.0}
    if panel.batches > 1:
        yield {"what": "independent noise", "snr": 1 / math.sqrt(panel.batches)}


def _level(level: Any) -> Row:
    return {"snr": level.mean, "snr_low": level.low, "snr_high": level.high}


@rows_of.register
def _bound(panel: Bound) -> Iterator[Row]:
    fits = panel.fits
    spreads = zip(fits.spreads("i_x"), fits.spreads("i_y"), fits.spreads("beta"), strict=True)
    medians = [*fits.medians("beta"), *panel.at_beta]
    for layer, (i_x, i_y, beta) in enumerate(spreads, start=1):
        middle, low, high, curve_x, curve_y = (of[layer - 1] for of in medians)
        yield {
            "what": "layer",
            **_where(panel.plane),
            "layer": layer,
            "epoch": fits.epoch,
            "i_x_bits": i_x.mean,
            "i_y_bits": i_y.mean,
            "i_x_error_bits": i_x.error,
            "i_y_error_bits": i_y.error,
            "beta": middle,
            "beta_low": low,
            "beta_high": high,
            "beta_networks": beta.count,
            "curve_i_x_bits": curve_x,
            "curve_i_y_bits": curve_y,
        }
    yield from _curve(panel.curve)
    yield from _ceilings(panel.plane)


@rows_of.register
def _fractions(panel: Fractions) -> Iterator[Row]:
    for k, fraction in enumerate(panel.fractions):
        for layer in range(panel.i_x.shape[1]):
            yield {
                "what": "layer",
                **_where(panel.plane),
                "fraction": fraction,
                "layer": layer + 1,
                "epoch": panel.epoch,
                **_mean_of(panel, k, layer),
            }
    for one in panel.sampled:
        for beta, x, y, error in zip(one.beta, one.i_x, one.i_y, one.error, strict=True):
            numbers = {"beta": beta, "i_x_bits": x, "i_y_bits": y, "i_y_error_bits": error}
            yield {"what": "finite-sample bound", "fraction": one.fraction, "networks": one.samples, **numbers}
    yield from _curve(panel.curve)
    yield from _ceilings(panel.plane)


@rows_of.register
def _compared(panel: Compared) -> Iterator[Row]:
    for k, name in enumerate(panel.names):
        for layer in range(panel.i_x.shape[1]):
            place = {**_where(panel.plane), "layer": layer + 1, "epoch": panel.epochs[k]}
            yield {"what": name, **place, **_mean_of(panel, k, layer)}
    yield from _curve(panel.curve)
    yield from _ceilings(panel.plane)


def _mean_of(panel: Fractions | Compared, k: int, layer: int) -> Row:
    """Where a layer of ensemble k is, with standard errors."""
    return {
        "i_x_bits": panel.i_x[k, layer],
        "i_y_bits": panel.i_y[k, layer],
        "i_x_error_bits": panel.error_x[k, layer],
        "i_y_error_bits": panel.error_y[k, layer],
    }


@rows_of.register
def _lines(panel: Lines) -> Iterator[Row]:
    across, up = panel.columns
    for line in panel.lines:
        columns: Sequence[Iterable[Any]] = (line.x, line.y, line.low, line.high, line.count)
        for x, y, low, high, count in zip(*columns, strict=True):
            yield {"what": line.name, "networks": count, across: x, up: y, f"{up}_low": low, f"{up}_high": high}


def place_on_path(panel: Paths, layer: int, epoch: float) -> tuple[float, float]:
    """Where a layer's mean path is at an epoch, between snapshots by a straight line."""
    return tuple(float(np.interp(epoch, panel.epochs, one[:, layer])) for one in (panel.i_x, panel.i_y))  # type: ignore[return-value]


def _where(plane: Plane) -> Row:
    return {"hidden": plane.hidden, "fraction": plane.fraction, "networks": plane.networks}


def _curve(curve: Curve) -> Iterator[Row]:
    for x, y in curve.corners.tolist():
        yield {"what": "IB curve", "i_x_bits": x, "i_y_bits": y}


def _ceilings(plane: Plane) -> Iterator[Row]:
    yield {"what": "H(X)", "i_x_bits": plane.h_x}
    yield {"what": "I(X;Y)", "i_y_bits": plane.i_xy}


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and not math.isfinite(value))


def _written(value: Any) -> Any:
    if _absent(value):
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
