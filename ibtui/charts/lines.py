"""Charts of any numbers against some others, a line for each of several things, with error bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui.charts.palette import Category
from ibtui.charts.scale import Axis, spanning
from ibtui.charts.spec import ChartSpec, Series, key_of

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Curve:
    """One line; `low` and `high` are the ends of the error bars, NaN for none."""

    name: str
    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]


def lines_chart(
    curves: Sequence[Curve],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_log: bool = False,
    y_log: bool = False,
    y_limits: tuple[float, float] | None = None,
    caption: str = "",
) -> ChartSpec:
    """The lines in one chart, whose axes show all of them where no limits are given."""
    series: list[Series] = []
    for index, one in enumerate(curves):
        colour, key = Category(index), key_of(index)
        series.append(Series(one.x, one.y, "line", colour, label=one.name, key=key, tell=one.name))
        known = np.isfinite(one.low) & np.isfinite(one.high) & np.isfinite(one.y)
        for x, low, high in zip(one.x[known], one.low[known], one.high[known], strict=True):
            series.append(Series(np.array([x, x]), np.array([low, high]), "line", colour, key="|", tell=one.name))
    across = spanning(x_label, np.concatenate([one.x for one in curves]) if curves else [], log=x_log)
    seen = [np.concatenate([one.y, one.low, one.high]) for one in curves]
    up = spanning(y_label, np.concatenate(seen) if seen else [], log=y_log)
    if y_limits is not None:
        up = Axis(y_label, *y_limits, log=y_log)
    return ChartSpec(title, across, up, series=tuple(series), caption=caption)
