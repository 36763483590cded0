"""Where an ensemble's layers stand to the bound as people read it: rows of a table, for commands and the app alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ibtui.formatting import over_some
from ibtui_engine.layer_names import headings

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.statistics import Spread

COLUMNS = ("layer", "beta*", "n", "residual", "IB point", "below", "worth", "n", "Eq. 9", "critical")
"""Columns of `fit_rows`. The first n counts the networks with a beta*, which alone have an IB point and a critical beta
near it; the second those with a worth."""
SHORT = (0, 1, 2, 5, 9)
"""Which of them are shown where there is little room."""
WITHOUT_BETA = (0, 5, 6, 7)
"""Those that need no beta*."""
CERTAIN = 1e-9
"""Bits to which the curve is certified: whoever is closer to it may as well be on it."""
MEANS = ("beta", "residual", "ib_x", "ib_y", "distance", "worth", "critical", "inconsistency")


def fit_rows(one: LayerFits, names: Sequence[str] | None = None) -> list[tuple[str, ...]]:
    """Each layer's beta*, residual, point and distances over the networks that have them: means ± standard errors, of
    beta*, whose tails are heavy, the median with its 95 % interval.
    """
    spreads = {name: one.spreads(name) for name in MEANS}
    layers = one.beta.shape[1]
    medians = list(zip(*(of.tolist() for of in one.medians("beta")), strict=True))
    rows: list[tuple[str, ...]] = []
    for k, heading in enumerate(headings(names, layers)):
        of = {name: values[k] for name, values in spreads.items()}
        point = f"({of['ib_x'].mean:.3g}, {of['ib_y'].mean:.3g})" if of["ib_x"].present else "–"
        rows.append(
            (
                heading,
                _median(*medians[k]),
                str(of["beta"].count),
                _cell(of["residual"]),
                point,
                f"< {CERTAIN:g}" if abs(of["distance"].mean) < CERTAIN else _cell(of["distance"]),
                _cell(of["worth"], error=False, counted=True),
                str(of["worth"].count),
                _cell(of["inconsistency"], error=False),
                _cell(of["critical"], error=False, counted=True),
            )
        )
    return rows


def _cell(value: Spread, *, error: bool = True, counted: bool = False) -> str:
    if not value.present:
        return "–"
    number = _number(value.mean)
    if error and math.isfinite(value.error):
        number += f" ± {_number(value.error, 1)}"
    return number if counted else number + over_some(value.count, value.networks)


def _median(middle: float, low: float, high: float) -> str:
    if math.isnan(middle):
        return "none"
    return _number(middle) + ("" if math.isnan(low) else f" ({_number(low)} to {_number(high)})")


def _number(value: float, digits: int = 3) -> str:
    """The number with this many digits, without an exponent below ten million: 70, not 7e+01."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if 10**digits <= abs(rounded) < 1e7 else f"{value:.{digits}g}"
