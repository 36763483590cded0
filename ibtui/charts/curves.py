"""Charts over epochs: each layer's gradients and their signal to noise (Shwartz-Ziv and Tishby 2017, Fig. 4), and how
losses and accuracies change. Epochs are on a log scale; epoch 0 has no place there.

All take plain arrays, already averaged over networks, with one row an epoch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.palette import Category
from ibtui.charts.scale import Axis, spanning
from ibtui.charts.spec import ChartSpec, Guide, Series
from ibtui_engine.layer_names import layer_name
from ibtui_engine.statistics import geometric_mean, mean, standard_deviation

if TYPE_CHECKING:
    from jaxtyping import Float, Real


def gradient_chart(
    epochs: Real[np.ndarray, " epochs"],
    mean: Float[np.ndarray, "epochs layers"],
    std: Float[np.ndarray, "epochs layers"],
    *,
    shown: Sequence[int],
    last_epoch: float,
    batches: int,
    transition: float | None = None,
    title: str = "Gradients",
) -> ChartSpec:
    """Norm of the mean (lines) and standard deviation (dotted) of the layers' batch gradients over their weights' norm.

    `shown`: the layers to draw, from 0. Drift is where a layer's line is above its dots. `batches` in an epoch: the
    mean of pure noise would be the standard deviation over their root; the geometric mean of that over the layers is
    the noise floor. `transition`: the epoch at which drift ends, if it has one.
    """
    series = []
    chosen = list(shown)
    if batches > 1 and chosen:
        floor = geometric_mean(std[:, chosen], axis=1) / math.sqrt(batches)
        series.append(Series(epochs, floor, "dotted", None, label="noise floor", key=".", tell="independent noise"))
    for layer in chosen:
        name = layer_name(layer + 1, mean.shape[1])
        dotted = Series(epochs, std[:, layer], "dotted", Category(layer), key=_key(layer), tell=f"{name} std")
        line = Series(epochs, mean[:, layer], "line", Category(layer), label=name, key=_key(layer), tell=f"{name} mean")
        series += [dotted, line]
    values = np.concatenate([mean[:, chosen].ravel(), std[:, chosen].ravel()])
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        spanning("norm / weight norm", values, log=True),
        series=tuple(series),
        guides=_end_of_drift(transition),
        caption="Lines: mean over batches. Dotted: standard deviation. Both averaged over networks.",
    )


def snr_chart(
    epochs: Real[np.ndarray, " epochs"],
    snr: Float[np.ndarray, "epochs layers"],
    *,
    shown: Sequence[int],
    last_epoch: float,
    batches: int,
    title: str = "Gradient SNR",
) -> ChartSpec:
    """Mean over standard deviation of the layers' batch gradients, `snr` being the geometric mean over networks: drift
    above 1, diffusion below.

    `batches` in an epoch: gradients that are pure noise have an SNR of about 1/sqrt(batches), drawn as the floor.
    """
    series = tuple(
        Series(
            epochs,
            snr[:, layer],
            "line",
            Category(layer),
            label=layer_name(layer + 1, snr.shape[1]),
            key=_key(layer),
        )
        for layer in shown
    )
    floor = 1 / np.sqrt(max(batches, 1))
    guides = [Guide("y", 1.0, "drift above, diffusion below")]
    if batches > 1:
        guides.append(Guide("y", float(floor), "independent noise"))
    values = np.append(snr[:, list(shown)].ravel(), [1.0, floor])
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        spanning("SNR", values, log=True),
        series=series,
        guides=tuple(guides),
        caption="Geometric means over networks."
        if batches > 1
        else "One batch an epoch: there is no noise to compare with.",
    )


def learning_chart(
    epochs: Real[np.ndarray, " epochs"],
    curves: dict[str, Float[np.ndarray, "epochs networks"]],
    *,
    last_epoch: float,
    transition: float | None = None,
    title: str = "Learning",
) -> ChartSpec:
    """Losses (nats) and accuracies by their names: the mean over networks as a line, dotted one standard deviation."""
    series: list[Series] = []
    highest = 1.0
    for index, (name, values) in enumerate(curves.items()):
        middle = mean(values, axis=1)
        if values.shape[1] > 1:
            tell = f"{name}, one standard deviation"
            edges = (middle + sign * standard_deviation(values, axis=1) for sign in (-1, 1))
            series += [Series(epochs, edge, "dotted", Category(index), key=name[:1], tell=tell) for edge in edges]
        series.append(Series(epochs, middle, "line", Category(index), label=name, key=name[:1], tell=name))
        highest = max(highest, float(np.nanmax(middle, initial=0.0)))
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        Axis("nats, share", 0.0, highest * 1.03),
        series=tuple(series),
        guides=_end_of_drift(transition),
        caption="Lines: mean over networks. Dotted: one standard deviation." if series else "",
    )


def epoch_axis(last: float) -> Axis:
    """Epochs from 1 to the last, on a log scale."""
    return Axis("epoch", 1.0, max(last, 2.0), log=True)


def _end_of_drift(epoch: float | None) -> tuple[Guide, ...]:
    return (Guide("x", epoch, f"drift ends {epoch:.0f}"),) if epoch is not None and epoch >= 1 else ()


def _key(layer: int) -> str:
    return "123456789abcdefghijklmnopqrstuvwxyz"[layer % 35]
