"""Figure 6: converged layers and the IB curve, of one rule or two, with beta* of each layer, and how far the layer is
from being optimal there: its encoder from Eq. 8, its decoder from Eq. 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.figures.content import ONE_COLUMN, TWO_COLUMNS, Bound, Content, Lines
from ibtui.figures.reading import ensembles, median_line, of_layers, one_of, percent, plane
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import called

if TYPE_CHECKING:
    from jaxtyping import Float64

CURVE_ERROR = 1e-5
"""Bits; what can be drawn is a hundred times that."""
RESIDUALS = (("encoder, Eq. 8", "residual"), ("decoder, Eq. 9", "inconsistency"))


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """One plane for each session; below, beta* and the residuals against the layers."""
    if len(sources) > 2:
        raise InvalidValue(f"session is given {len(sources)} times: figure 6 has room for two")
    planes = tuple(_bound(source, threads) for source in sources)
    below = _by_layer([(panel.plane.title.partition(",")[0], panel) for panel in planes])
    if len(planes) == 1:
        return Content((planes, *((panel,) for panel in below)), ONE_COLUMN, (2.7, 2.0, 2.0))
    return Content((planes, below), TWO_COLUMNS, (2.7, 2.4))


def _bound(source: Source, threads: int | None) -> Bound:
    from ibtui_engine.fit import fit_session

    one = one_of(ensembles(source))
    _, curves, fits = fit_session(
        source.path, error=CURVE_ERROR, threads=threads, require_beta=True, ensembles=(one.ensemble.index,)
    )
    fitted = fits[0][1]
    rule, share = one.ensemble.rule, percent(fitted.fraction)
    return Bound(plane(one, f"{rule.name}, {share}, epoch {fitted.epoch}"), curves[rule.number], fitted)


def _by_layer(planes: Sequence[tuple[str, Bound]]) -> tuple[Lines, Lines]:
    """beta* and the residuals against the layers, of planes by the names of their rules."""
    names = {called(panel.plane.names, panel.fits.beta.shape[1]) for _, panel in planes}
    layers = names.pop() if len(names) == 1 else None
    beta = [median_line(rule, panel.fits.beta) for rule, panel in planes]
    residuals = [
        median_line(f"{rule}: {what}" if len(planes) > 1 else what, _with_beta(panel, name))
        for rule, panel in planes
        for what, name in RESIDUALS
    ]
    note = "Median over networks that have a beta* and 95 % interval, none of fewer than six."
    return (
        of_layers("beta* of Eq. 12", "beta*", "beta", beta, layers, note=note, y_log=True),
        of_layers(
            "Residuals at beta*",
            "Kullback-Leibler divergence  (bits)",
            "residual_bits",
            residuals,
            layers,
            note=note,
            y_log=True,
        ),
    )


def _with_beta(panel: Bound, name: str) -> Float64[np.ndarray, "networks layers"]:
    """A column of the networks that have a beta*; NaN of the others."""
    return np.where(np.isfinite(panel.fits.beta), getattr(panel.fits, name), np.nan)
