"""The gradient SNR of an ensemble over epochs, with the place where it falls below one marked for every layer
(Shwartz-Ziv and Tishby 2017, Fig. 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.curves import PLAIN, snr_chart
from ibtui.charts.display import Display
from ibtui.charts.palette import Category, Faded
from ibtui.charts.spec import DRIFT_END, ChartSpec, Guide, Mark, Series
from ibtui_engine.layer_names import called
from ibtui_engine.layer_names import marks as marks_of

if TYPE_CHECKING:
    from jaxtyping import Float, Real

    from ibtui_engine.statistics import EpochSpread


def transition_chart(
    epochs: Real[np.ndarray, " epochs"],
    snr: Float[np.ndarray, "epochs layers"],
    layers: Sequence[EpochSpread],
    network: EpochSpread,
    *,
    shown: Sequence[int],
    last_epoch: float,
    batches: int,
    networks: Float[np.ndarray, "epochs networks layers"] | None = None,
    frozen: Float[np.ndarray, "epochs layers"] | None = None,
    names: Sequence[str] | None = None,
    title: str = "Gradient SNR and where drift ends",
    display: Display = PLAIN,
) -> ChartSpec:
    """The SNR chart with each shown layer's transition as its number at SNR one, and the network's as an upright line.

    `snr` is the geometric mean over networks; the interval of a layer, where there is one, is the stretch beside its
    number.
    """
    plain = snr_chart(
        epochs,
        snr,
        shown=shown,
        last_epoch=last_epoch,
        batches=batches,
        networks=networks,
        frozen=frozen,
        names=names,
        title=title,
        display=display,
    )
    focus = display.focus if display.focus in shown else None
    stretches, marks = [], []
    told, texts = called(names, snr.shape[1]), marks_of(names, snr.shape[1])
    for layer in shown:
        where, colour = layers[layer], Category(layer) if focus in (None, layer) else Faded()
        if not where.present:
            continue
        if np.isfinite([where.low, where.high]).all():
            ends = np.clip([where.low, where.high], 1.0, max(last_epoch, 2.0))
            stretches.append(Series(ends, np.ones(2), "line", colour, key="-"))
        tell = f"{told[layer]} drift ends"
        marks.append(Mark(where.epoch, 1.0, texts[layer], colour, dot=DRIFT_END, tell=tell))
    guides = plain.guides
    if network.present:
        guides = (*guides, Guide("x", network.epoch, f"all weights: {network.epoch:.3g}"))
    where_ends = f"{DRIFT_END}: where drift ends." if marks else "No layer's drift ends."
    caption = plain.caption if batches <= 1 else f"{plain.caption} {where_ends}"
    return replace(
        plain, series=(*plain.series, *stretches), guides=guides, marks=(*plain.marks, *marks), caption=caption
    )
