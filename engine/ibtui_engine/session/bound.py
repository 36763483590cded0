"""The bound of a recorded session: its rule's curve, and where the layers of its networks stand to it.

The curve is of P(X,Y) alone, and how far below it a layer lies of the recorded numbers alone. Only beta* needs the
weights, from which each layer's p(t|x) comes, and two labels.
"""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from ibtui_engine.bottleneck.curve import ERROR, Curve
from ibtui_engine.bottleneck.fits import LayerFits, distances, why_no_beta, why_no_curve
from ibtui_engine.bottleneck.fitting import fit_snapshot
from ibtui_engine.bottleneck.kept import find_curve
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.summary import EnsembleSummary, Summary, describe_epochs
from ibtui_engine.threads import Threads, usable_cores

if TYPE_CHECKING:
    from ibtui_engine.session.history import SessionReader


def fit_ensembles(
    reader: SessionReader,
    *,
    epoch: int | None = None,
    error: float = ERROR,
    threads: int | None = None,
    every: bool = False,
    require_beta: bool = False,
    ensembles: Container[int] | None = None,
) -> tuple[Summary, dict[int, Curve], list[tuple[EnsembleSummary, LayerFits]]]:
    """What `ibtui_engine.fit.fit_session` says, of a session that is open."""
    with reader.moment():
        summary = reader.summary
        chosen = _chosen(summary, epoch, every, ensembles)
        if require_beta and (missing := next(filter(None, (why_no_beta(summary, one) for one, _ in chosen)), "")):
            raise InvalidValue(f"session {summary.name!r} has no beta*: {missing}")
        rules = {number: reader.measured_rule(number) for number in sorted({one.rule.number for one, _ in chosen})}
    curves = {number: find_curve(rule, error=error) for number, rule in rules.items()}
    pool = Threads(threads or usable_cores())
    try:
        fits = [
            (one, fit_recorded(reader, one, at, rules[one.rule.number], curves[one.rule.number], pool))
            for one, at in chosen
        ]
    finally:
        pool.close()
    return summary, curves, fits


def fit_recorded(
    reader: SessionReader, ensemble: EnsembleSummary, epoch: int, rule: Rule, curve: Curve, pool: Threads
) -> LayerFits:
    """The fits of an ensemble's layers at a measured epoch; `rule` is the
    reader's `measured_rule` of the ensemble, `curve` its curve.

    Raises:
        InvalidValue: the epoch was not measured for all networks.
        SessionError: the session cannot be read.
    """
    summary = reader.summary
    if why_no_beta(summary, ensemble):
        if why := why_no_curve(summary.experiment):
            raise InvalidValue(f"session {summary.name!r} has no distance to the IB curve: {why}")
        ensemble.require_measured(epoch)
        layers = reader.layers(ensemble, epoch)
        return distances(summary, ensemble, epoch, layers.i_x[0], layers.i_y[0], curve)
    with reader.moment():
        weights, architecture = reader.weights(ensemble, epoch), reader.architecture(ensemble)
    return fit_snapshot(
        curve,
        rule,
        architecture,
        weights,
        pool,
        bins=summary.experiment.bins,
        hidden=ensemble.hidden,
        fraction=ensemble.fraction,
        optimizer=ensemble.optimizer,
        epoch=epoch,
    )


def _chosen(
    summary: Summary, epoch: int | None, every: bool, ensembles: Container[int] | None
) -> list[tuple[EnsembleSummary, int]]:
    """Which ensembles to fit, and at which epoch each."""
    there = [e for e in summary.ensembles if e.snapshots and (ensembles is None or e.index in ensembles)]
    if every:
        chosen = [(ensemble, at) for ensemble in there for at in ensemble.snapshots]
    else:
        wanted = [(ensemble, ensemble.snapshots[-1] if epoch is None else epoch) for ensemble in there]
        chosen = [(ensemble, at) for ensemble, at in wanted if at in ensemble.snapshots]
    if not chosen:
        told = describe_epochs(max((e.snapshots for e in summary.ensembles), key=len, default=()))
        raise InvalidValue(f"epoch is {epoch}: {told}" if epoch is not None else f"nothing to fit: {told}")
    return chosen
