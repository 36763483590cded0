"""Charts over epochs: each layer's gradients and their signal to noise (Shwartz-Ziv and Tishby 2017, Fig. 4), and how
losses and accuracies change. Epochs are on a log scale; epoch 0 has no place there.

All take plain arrays with one row an epoch, averaged over networks; `networks` are the same before they are averaged,
for bands of one standard deviation and for single networks. `display` is what a viewer chooses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ibtui.charts.display import Display
from ibtui.charts.palette import Category, Faded, Quantity
from ibtui.charts.scale import Axis, spanning
from ibtui.charts.spec import DRIFT_END, Band, ChartSpec, Guide, Mark, Series, key_of
from ibtui_engine.layer_names import called
from ibtui_engine.statistics import geometric_mean, logarithms, standard_deviation
from ibtui_engine.statistics import mean as mean_of

if TYPE_CHECKING:
    from jaxtyping import Float, Real

    Networks = Float[np.ndarray, "epochs networks layers"]

PLAIN = Display()
PHASES = Guide("y", 1.0, "drift above, diffusion below")
"""What an SNR of one divides."""


@dataclass(frozen=True, eq=False)
class Learned:
    """One curve of learning: what every network has lost, or got right."""

    name: str
    values: Float[np.ndarray, "epochs networks"]
    quantity: int
    """Which quantity it is: 0 loss in nats, 1 accuracy."""
    outside: bool = False
    """Whether it is of the patterns outside the sample, which are drawn dotted."""
    held_out: bool = False
    """Whether it is of rows that no network trains on, which are points."""


def gradient_chart(
    epochs: Real[np.ndarray, " epochs"],
    mean: Float[np.ndarray, "epochs layers"],
    std: Float[np.ndarray, "epochs layers"],
    *,
    shown: Sequence[int],
    last_epoch: float,
    batches: int,
    transition: float | None = None,
    drift_ends: Sequence[float] = (),
    networks: tuple[Networks, Networks] | None = None,
    names: Sequence[str] | None = None,
    title: str = "Gradients",
    display: Display = PLAIN,
) -> ChartSpec:
    """Norm of the mean (lines) and standard deviation (dotted) of the layers' batch gradients over their weights' norm.

    `shown`: the layers to draw, from 0. Drift is where a layer's line is above its dots. `batches` in an epoch: the
    mean of pure noise would be the standard deviation over their root; the geometric mean of that over the layers is
    the noise floor, with a layer in focus its own. `transition`: the epoch at which drift ends, if it has one. With a
    layer in focus the others' means are grey, the place where its line and its dots cross is marked with its own epoch,
    of `drift_ends`, and a band shows one standard deviation over `networks`. `names`: of the layers; None: T1, T2, ...
    """
    chosen, focus = list(shown), display.focus if display.focus in shown else None
    log = display.scale(True)
    told = called(names, mean.shape[1])
    series: list[Series] = []
    bands: list[Band] = []
    marks: list[Mark] = []
    if batches > 1 and chosen:
        floor = geometric_mean(std[:, chosen if focus is None else [focus]], axis=1) / math.sqrt(batches)
        series.append(Series(epochs, floor, "dotted", None, label="noise floor", key=".", tell="independent noise"))
    for layer in sorted(chosen, key=lambda one: one == focus):
        name = told[layer]
        line, dots = (display.shaped(epochs, values[:, layer], log=log) for values in (mean, std))
        key = key_of(layer)
        if focus is not None and layer != focus:
            series.append(Series(epochs, line, "line", Faded(), label=name, key=".", tell=f"{name} mean", end=name))
            continue
        colour = Category(layer)
        if networks is not None and display.singles:
            series.append(single_networks(epochs, networks[0][:, :, layer], Faded(colour), f"{name} mean, one network"))
        elif networks is not None and layer == focus:
            bands.append(deviations(epochs, line, networks[0][:, :, layer], colour, log=log))
        alone = layer == focus
        series.append(Series(epochs, dots, "dotted", colour, key=key, tell=f"{name} std"))
        tell = f"{name} mean"
        series.append(Series(epochs, line, "line", colour, label=name, key=key, tell=tell, end=name, thick=alone))
        end = drift_ends[layer] if layer < len(drift_ends) else math.nan
        if alone and end >= 1 and len(epochs):
            crossing = math.sqrt(max(height_at(end, epochs, line) * height_at(end, epochs, dots), 0.0))
            marks.append(Mark(end, crossing, f"{end:.0f}", colour, dot=DRIFT_END, tell=f"{name} drift ends"))
    values = np.concatenate([mean[:, chosen].ravel(), std[:, chosen].ravel()])
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        spanning("norm / weight norm", values, log=log),
        series=tuple(series),
        bands=tuple(bands),
        marks=tuple(marks),
        guides=_end_of_drift(transition, "all weights" if marks else "drift ends"),
        caption=_gradient_caption(
            None if focus is None else told[focus], display, bands=bool(bands), crossing=bool(marks)
        ),
    )


def height_at(epoch: float, epochs: Real[np.ndarray, " epochs"], values: Float[np.ndarray, " epochs"]) -> float:
    """Where a line is at an epoch, between its points; what is absent counts as 0."""
    return float(np.interp(epoch, epochs, np.nan_to_num(values)))


def _gradient_caption(name: str | None, display: Display, *, bands: bool, crossing: bool) -> str:
    if name is None:
        told = "Lines: mean over batches. Dotted: standard deviation. Both averaged over networks."
    else:
        band = " Band: one standard deviation over networks." if bands else ""
        end = f"; {DRIFT_END}: its drift ends" if crossing else ""
        told = f"{name}: mean over batches (line), standard deviation (dotted){end}.{band}"
    return told + manner(display)


def snr_chart(
    epochs: Real[np.ndarray, " epochs"],
    snr: Float[np.ndarray, "epochs layers"],
    *,
    shown: Sequence[int],
    last_epoch: float,
    batches: int,
    networks: Networks | None = None,
    frozen: Float[np.ndarray, "epochs layers"] | None = None,
    names: Sequence[str] | None = None,
    title: str = "Gradient SNR",
    display: Display = PLAIN,
) -> ChartSpec:
    """Mean over standard deviation of the layers' batch gradients, `snr` being the geometric mean over networks: drift
    above 1, diffusion below.

    `batches` in an epoch: gradients that are pure noise have an SNR of about 1/sqrt(batches), drawn as the floor. A
    layer in focus has a band of one standard deviation of its logarithm over `networks`, and in dots what batches would
    have at `frozen` weights; the others are grey.
    """
    log, told = display.scale(True), called(names, snr.shape[1])
    focus = display.focus if display.focus in shown else None
    series: list[Series] = []
    bands: list[Band] = []
    for layer in sorted(shown, key=lambda one: one == focus):
        name = told[layer]
        line = display.shaped(epochs, snr[:, layer], log=True)
        faint = focus is not None and layer != focus
        colour = Category(layer)
        if networks is not None and not faint:
            if display.singles:
                series.append(single_networks(epochs, networks[:, :, layer], Faded(colour), f"{name}, one network"))
            elif layer == focus:
                bands.append(deviations(epochs, line, networks[:, :, layer], colour, log=True))
        series.append(
            Series(
                epochs,
                line,
                "line",
                Faded() if faint else colour,
                label=name,
                key="." if faint else key_of(layer),
                thick=layer == focus or (display.singles and networks is not None),
                end=name,
            )
        )
    values = [snr[:, list(shown)].ravel()]
    told_frozen = ""
    if frozen is not None and focus is not None and np.isfinite(frozen[:, focus]).any():
        dots = display.shaped(epochs, frozen[:, focus], log=True)
        told_frozen = " Dotted: that of batches at frozen weights."
        tell = f"{told[focus]} at frozen weights"
        series.append(Series(epochs, dots, "dotted", Category(focus), key=".", tell=tell))
        values.append(dots)
    floor = 1 / np.sqrt(max(batches, 1))
    guides = [PHASES]
    if batches > 1:
        guides.append(Guide("y", float(floor), "independent noise"))
    values.append(np.array([1.0, floor]))
    caption = "Geometric means over networks." if batches > 1 else "One batch an epoch: no noise to compare with."
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        spanning("SNR", np.concatenate(values), log=log),
        series=tuple(series),
        bands=tuple(bands),
        guides=tuple(guides),
        caption=caption
        + (" Band: one standard deviation over networks." if bands else "")
        + told_frozen
        + manner(display),
    )


def learning_chart(
    epochs: Real[np.ndarray, " epochs"],
    curves: Sequence[Learned],
    *,
    last_epoch: float,
    transition: float | None = None,
    title: str = "Learning",
    display: Display = PLAIN,
) -> ChartSpec:
    """Losses (nats) and accuracies: the mean over networks, a line inside the sample, dotted outside, and points
    for rows that are held out, with a band of one standard deviation.
    """
    log = display.scale(False)
    bands: list[Band] = []
    behind: list[Series] = []
    lines: list[Series] = []
    seen = [np.ones(1)]
    for one in curves:
        colour, key = Quantity(one.quantity), one.name[:1].upper() if one.outside else one.name[:1]
        if one.held_out:
            key = "hH"[one.quantity]
        middle = display.shaped(epochs, mean_of(one.values, axis=1), log=log)
        several = one.values.shape[1] > 1
        if several and display.singles:
            behind.append(single_networks(epochs, one.values, Faded(colour), f"{one.name}, one network"))
        elif several:
            bands.append(deviations(epochs, middle, one.values, colour, log=log))
        kind: Literal["points", "line", "dotted"] = "dotted" if one.outside else "points" if one.held_out else "line"
        thick = several and display.singles and kind == "line"
        lines.append(Series(epochs, middle, kind, colour, label=one.name, key=key, tell=one.name, thick=thick))
        seen.append(middle)
    values = np.concatenate(seen)
    highest = float(np.nanmax(values, initial=0.0, where=np.isfinite(values)))
    beside = " Points: held out." if any(one.held_out for one in curves) else ""
    told = f"Lines: inside the sample. Dotted: outside.{beside} Means over networks" if lines else ""
    told += "; bands: one standard deviation." if bands else "." if lines else ""
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        spanning("nats, share", values, log=True) if log else Axis("nats, share", 0.0, highest * 1.03),
        series=(*behind, *lines),
        bands=tuple(bands),
        guides=_end_of_drift(transition),
        caption=told + (manner(display) if lines else ""),
    )


def epoch_axis(last: float) -> Axis:
    """Epochs from 1 to the last, on a log scale."""
    return Axis("epoch", 1.0, max(last, 2.0), log=True)


def single_networks(
    epochs: Real[np.ndarray, " epochs"], values: Float[np.ndarray, "epochs networks"], colour: Faded, tell: str
) -> Series:
    """Every network's curve, in one series with gaps between them."""
    gap = np.full((1, values.shape[1]), np.nan)
    x = np.tile(np.append(np.asarray(epochs, np.float64), np.nan), values.shape[1])
    return Series(x, np.concatenate([values, gap]).T.ravel(), "line", colour, key=".", tell=tell)


def deviations(
    epochs: Real[np.ndarray, " epochs"],
    middle: Float[np.ndarray, " epochs"],
    values: Float[np.ndarray, "epochs networks"],
    colour: Category | Quantity,
    *,
    log: bool,
) -> Band:
    """One standard deviation over networks on either side of a mean; `log`: of the logarithms."""
    if log:
        away = standard_deviation(logarithms(values), axis=1)
        return Band(epochs, middle * np.exp(-away), middle * np.exp(away), Faded(colour))
    away = standard_deviation(values, axis=1)
    return Band(epochs, middle - away, middle + away, Faded(colour))


def manner(display: Display) -> str:
    """What the viewer has chosen, for the caption."""
    chosen = [("Smoothed.", display.smooth), ("Thin lines: single networks.", display.singles)]
    return "".join(f" {text}" for text, there in chosen if there)


def _end_of_drift(epoch: float | None, name: str = "drift ends") -> tuple[Guide, ...]:
    return (Guide("x", epoch, f"{name} {epoch:.0f}"),) if epoch is not None and epoch >= 1 else ()
