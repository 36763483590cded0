"""Where an ensemble's layers stand to the bound as people read it: rows of a table, for commands and the app alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.fits import LayerFits

COLUMNS = ("layer", "beta*", "residual", "IB point", "below", "worth", "Eq. 9", "critical")
WITHOUT_BETA = ("layer", "below", "worth")
"""Those that need no beta*."""
CERTAIN = 1e-9
"""Bits to which the curve is certified: whoever is closer to it may as well be on it."""
MEANS = ("beta", "residual", "ib_x", "ib_y", "distance", "worth", "critical", "inconsistency")


def fit_rows(one: LayerFits) -> list[tuple[str, ...]]:
    """Each layer's beta*, residual, point and distances: means over networks ± standard errors."""
    layers = one.beta.shape[1]
    mean = {name: one.mean(name) for name in MEANS}
    rows: list[tuple[str, ...]] = []
    for k in range(layers):
        ends = int((one.end[:, k] != 0).sum())
        beta = _spread(mean["beta"][k], one.error("beta")[k]) + (f" ({ends} none)" if ends else "")
        point = "–" if math.isnan(mean["ib_x"][k]) else f"({mean['ib_x'][k]:.3g}, {mean['ib_y'][k]:.3g})"
        rows.append(
            (
                str(k + 1) if k + 1 < layers else "output",
                f"none ({ends})" if ends == len(one.beta) else beta,
                _spread(mean["residual"][k], one.error("residual")[k]),
                point,
                _distance(mean["distance"][k], one.error("distance")[k]),
                _number(mean["worth"][k]),
                _number(mean["inconsistency"][k]),
                _number(mean["critical"][k]),
            )
        )
    return rows


def _distance(mean: Any, error: Any) -> str:
    return f"< {CERTAIN:g}" if abs(mean) < CERTAIN else _spread(mean, error)


def _number(value: Any, digits: int = 3) -> str:
    if math.isnan(value):
        return "–"
    return f"{float(f'{value:.{digits}g}'):.0f}" if 100 <= abs(value) < 1e7 else f"{value:.{digits}g}"


def _spread(mean: Any, error: Any) -> str:
    return _number(mean) if math.isnan(error) else f"{_number(mean)} ± {_number(error, 1)}"
