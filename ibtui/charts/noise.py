"""Generalisation error against noise in the weights (Shwartz-Ziv and Tishby 2017, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.palette import Category
from ibtui.charts.scale import Axis
from ibtui.charts.spec import ChartSpec, Guide, Series, key_of
from ibtui_engine.statistics import mean

if TYPE_CHECKING:
    from ibtui_engine.noise import NoiseErrors


def noise_chart(curves: Mapping[str, NoiseErrors], *, title: str) -> ChartSpec:
    """Generalisation error against sigma, one line an ensemble; dotted the closed form where there is one."""
    series: list[Series] = []
    most = 0.0
    for number, (name, errors) in enumerate(curves.items()):
        middle = mean(errors.outside)
        middle = mean(errors.every) if np.isnan(middle).all() else middle
        key = key_of(number)
        if errors.closed is not None:
            closed = mean(errors.closed)
            series.append(
                Series(errors.sigmas, closed, "dotted", None, label="closed form", key=".", tell="closed form")
            )
        series.append(
            Series(errors.sigmas, middle, "line", Category(number), label=name, marker="●", key=key, tell=name)
        )
        most = max(most, float(errors.sigmas.max()))
    return ChartSpec(
        title,
        Axis("noise, relative to the weights", 0.0, most or 1.0),
        Axis("generalisation error", 0.0, 0.55),
        series=tuple(series),
        guides=(Guide("y", 0.5, "guessing"),),
        caption="Outside the samples (on all patterns where there are none), mean over networks and draws.",
    )
