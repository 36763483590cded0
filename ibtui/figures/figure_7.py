"""Figure 7: converged layers for many sample fractions, the IB curve, and what samples of these sizes allow."""

from __future__ import annotations

from collections.abc import Sequence

from ibtui.figures.content import TWO_COLUMNS, Content, Fractions
from ibtui.figures.figure_6 import CURVE_ERROR
from ibtui.figures.reading import ensembles, mean_places, of_first_values, one_of, only_source, plane
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.history import SessionReader

LEAST = 2
SAMPLES = 10
"""Of each fraction that the finite-sample bound is a mean over, at most."""


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """One line for each fraction of the deepest architecture."""
    from ibtui_engine.bottleneck.choice import rule_curve
    from ibtui_engine.bottleneck.sampling import sampled_bound
    from ibtui_engine.threads import Threads, usable_cores

    source = only_source(sources, "7")
    path = source.path
    found = of_first_values(ensembles(source))
    hidden = one_of(found).ensemble.hidden
    same = sorted((one for one in found if one.ensemble.hidden == hidden), key=lambda one: one.ensemble.fraction)
    if len(same) < LEAST:
        raise InvalidValue(
            f"session {path.stem!r} has the sample fraction {same[0].ensemble.fraction:.4g} only: figure 7 compares "
            "two or more"
        )
    epoch = min(one.epochs[-1] for one in same)
    rows = [one.epochs.index(one.at(epoch)) for one in same]
    with SessionReader(*source) as reader, reader.moment():
        rule = reader.rule(same[-1].ensemble.rule.number)
        seeds = {one.ensemble.fraction: tuple(reader.seeds(one.ensemble)[:SAMPLES]) for one in same}
    if rule.labels > 2:
        raise InvalidValue(
            f"session {path.stem!r} has {rule.labels} labels: figure 7 compares layers with the finite-sample bound, "
            "which is of two"
        )
    curve = rule_curve(rule, error=CURVE_ERROR)
    pool = Threads(threads or usable_cores())
    try:
        sampled = tuple(sampled_bound(rule, fraction, of, pool) for fraction, of in seeds.items())
    finally:
        pool.close()
    shown = Fractions(
        plane(same[-1], f"{hidden}, epoch {epoch}"),
        tuple(one.ensemble.fraction for one in same),
        epoch,
        *mean_places(same, rows),
        curve,
        sampled,
    )
    return Content(((shown,),), TWO_COLUMNS, (3.8,))
