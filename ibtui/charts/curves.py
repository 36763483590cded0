"""Charts over epochs: each layer's gradients and their signal to noise (Shwartz-Ziv and Tishby 2017, Fig. 4), and how
losses and accuracies change. Epochs are on a log scale; epoch 0 has no place there.

All take plain arrays, already averaged over networks, with one row an epoch.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.palette import Category
from ibtui.charts.scale import Axis, spanning
from ibtui.charts.spec import ChartSpec, Guide, Series

if TYPE_CHECKING:
    from jaxtyping import Float, Real


def gradient_chart(
    epochs: Real[np.ndarray, " epochs"],
    mean: Float[np.ndarray, "epochs layers"],
    std: Float[np.ndarray, "epochs layers"],
    *,
    shown: Sequence[int],
    last_epoch: float,
    at: float | None = None,
    title: str = "Gradients",
) -> ChartSpec:
    """Norm of the mean (lines) and standard deviation (dots) of the layers' batch gradients over their weights' norm.

    `shown`: the layers to draw, from 0. `at`: an epoch to mark. Drift is where a layer's line is above its dots.
    """
    series = []
    for layer in shown:
        series.append(Series(epochs, mean[:, layer], "line", Category(layer), label=f"T{layer + 1}", key=_key(layer)))
        series.append(Series(epochs, std[:, layer], "points", Category(layer), marker="·", key=_key(layer)))
    values = np.concatenate([mean[:, list(shown)].ravel(), std[:, list(shown)].ravel()])
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        spanning("norm / weight norm", values, log=True),
        series=tuple(series),
        guides=_moment(at),
        caption="Lines: mean over batches. Dots: standard deviation. Mean over networks.",
    )


def snr_chart(
    epochs: Real[np.ndarray, " epochs"],
    snr: Float[np.ndarray, "epochs layers"],
    *,
    shown: Sequence[int],
    last_epoch: float,
    batches: int,
    at: float | None = None,
    title: str = "Gradient SNR",
) -> ChartSpec:
    """Mean over standard deviation of the layers' batch gradients: drift above 1, diffusion below.

    `batches` in an epoch: gradients that are pure noise have an SNR of about 1/sqrt(batches), drawn as the floor.
    """
    series = tuple(
        Series(epochs, snr[:, layer], "line", Category(layer), label=f"T{layer + 1}", key=_key(layer))
        for layer in shown
    )
    floor = 1 / np.sqrt(max(batches, 1))
    guides = [Guide("y", 1.0, "drift above, diffusion below")]
    if batches > 1:
        guides.append(Guide("y", float(floor), "noise"))
    values = np.append(snr[:, list(shown)].ravel(), [1.0, floor])
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        spanning("SNR", values, log=True),
        series=series,
        guides=(*guides, *_moment(at)),
        caption="" if batches > 1 else "One batch an epoch: there is no noise to compare with.",
    )


def learning_chart(
    epochs: Real[np.ndarray, " epochs"],
    curves: dict[str, Float[np.ndarray, "epochs networks"]],
    *,
    last_epoch: float,
    at: float | None = None,
    title: str = "Learning",
) -> ChartSpec:
    """Losses (nats) and accuracies by their names: the mean over networks as a line, one standard deviation as dots."""
    series: list[Series] = []
    highest = 1.0
    for index, (name, values) in enumerate(curves.items()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # epochs at which no network has a value
            mean, spread = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
        series.append(Series(epochs, mean, "line", Category(index), label=name, key=name[:1]))
        if values.shape[1] > 1:
            edges = (mean - spread, mean + spread)
            series += [Series(epochs, edge, "points", Category(index), marker="·", key=name[:1]) for edge in edges]
        highest = max(highest, float(np.nanmax(mean, initial=0.0)))
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        Axis("nats, share", 0.0, highest * 1.03),
        series=tuple(series),
        guides=_moment(at),
        caption="Lines: mean over networks. Dots: one standard deviation." if series else "",
    )


def epoch_axis(last: float) -> Axis:
    """Epochs from 1 to the last, on a log scale."""
    return Axis("epoch", 1.0, max(last, 2.0), log=True)


def _moment(at: float | None) -> tuple[Guide, ...]:
    return (Guide("x", at, ""),) if at is not None and at >= 1 else ()


def _key(layer: int) -> str:
    return "123456789abcdefghijklmnopqrstuvwxyz"[layer % 35]
