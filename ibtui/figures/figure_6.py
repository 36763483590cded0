"""Figure 6: converged layers on the IB curve, with beta* of each, of one rule or two."""

from __future__ import annotations

from collections.abc import Sequence

from ibtui.figures.content import ONE_COLUMN, TWO_COLUMNS, Bound, Content
from ibtui.figures.reading import ensembles, one_of, percent, plane
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue

CURVE_ERROR = 1e-5
"""Bits; what can be drawn is a hundred times that."""


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """One panel for each session."""
    if len(sources) > 2:
        raise InvalidValue(f"session is given {len(sources)} times: figure 6 has room for two")
    row = tuple(_bound(source, threads) for source in sources)
    return Content((row,), ONE_COLUMN if len(row) == 1 else TWO_COLUMNS, (2.7,))


def _bound(source: Source, threads: int | None) -> Bound:
    from ibtui_engine.fit import fit_session

    one = one_of(ensembles(source))
    _, curves, fits = fit_session(
        source.path, error=CURVE_ERROR, threads=threads, require_beta=True, ensembles=(one.ensemble.index,)
    )
    fitted = fits[0][1]
    rule, share = one.ensemble.rule, percent(fitted.fraction)
    return Bound(plane(one, f"{rule.name}, {share}, epoch {fitted.epoch}"), curves[rule.number], fitted)
