"""How much each layer compresses, against the number of bins it is measured with: does compression survive?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.palette import Category
from ibtui.charts.scale import Axis
from ibtui.charts.spec import ChartSpec, Guide, Series, key_of
from ibtui_engine.layer_names import layer_name

if TYPE_CHECKING:
    from jaxtyping import Float, Real


def sweep_chart(
    bins: Real[np.ndarray, " bins"],
    compression: Float[np.ndarray, "bins layers"],
    *,
    shown: Sequence[int],
    at: float | None = None,
    title: str = "Compression against bins",
    basis: str = "",
) -> ChartSpec:
    """Compression from the peak in bits, one line a layer; NaN where there is none to speak of.

    `shown`: the layers to draw, from 0. `at`: the session's own number of bins. `basis`: what the numbers rest on.
    """
    series = tuple(
        Series(
            bins,
            compression[:, layer],
            "line",
            Category(layer),
            label=layer_name(layer + 1, compression.shape[1]),
            marker="●",
            key=key_of(layer),
        )
        for layer in shown
    )
    drawn = compression[:, list(shown)]
    highest = float(np.nanmax(drawn, initial=0.0))
    low, high = float(bins.min()), float(bins.max())
    if low == high:
        low, high = low / 2, high * 2
    return ChartSpec(
        title,
        Axis("bins", low, high, log=True),
        Axis("compression bits", 0.0, max(highest * 1.05, 0.1)),
        series=series,
        guides=(Guide("x", at, "measured"),) if at is not None and low <= at <= high else (),
        caption=f"I(X;T) at its peak less that at the end, of the mean over networks. {basis}".strip(),
    )
