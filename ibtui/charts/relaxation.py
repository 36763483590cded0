"""How a Monte-Carlo relaxation of the weights compresses, beside SGD at the same cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.palette import Category
from ibtui.charts.scale import Axis, spanning
from ibtui.charts.spec import ChartSpec, Guide, Series, key_of
from ibtui_engine.layer_names import layer_name
from ibtui_engine.statistics import mean

if TYPE_CHECKING:
    from ibtui_engine.phases.relaxation import Relaxation


def relaxation_chart(found: Relaxation, *, title: str, basis: str = "") -> ChartSpec:
    """Change of each layer's I(X;T), bits, since the relaxation began: lines, and dotted that of SGD."""
    since = (found.epochs - found.start).astype(np.float64)
    relaxed = mean(found.relaxed_i_x - found.relaxed_i_x[0], axis=1)
    sgd = None if found.sgd_i_x is None else mean(found.sgd_i_x - found.sgd_i_x[0], axis=1)
    series: list[Series] = []
    for layer in range(relaxed.shape[1]):
        name, key = layer_name(layer + 1, relaxed.shape[1]), key_of(layer)
        if sgd is not None:
            series.append(Series(since, sgd[:, layer], "dotted", Category(layer), key=key, tell=f"{name} SGD"))
        series.append(Series(since, relaxed[:, layer], "line", Category(layer), label=name, key=key, tell=name))
    values = relaxed if sgd is None else np.concatenate([relaxed, sgd])
    dotted = "" if sgd is None else " Dotted: of SGD."
    return ChartSpec(
        title,
        Axis("gradient evaluations of the sample, since", 1.0, max(float(since[-1]), 2.0), log=True),
        spanning("change of I(X;T) bits", values),
        series=tuple(series),
        guides=(Guide("y", 0.0),),
        caption=f"Lines: of the relaxation, mean over networks.{dotted} {basis}".strip(),
    )
