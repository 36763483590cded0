"""The bound of a recorded session: its rule's curve, and where the layers of its networks stand to it."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.fits import LayerFits
from ibtui_engine.bottleneck.fitting import fit_snapshot
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.history import SessionReader, describe_epochs
from ibtui_engine.session.summary import EnsembleSummary, Summary
from ibtui_engine.threads import Threads, usable_cores


def fit_session(
    path: Path,
    *,
    epoch: int | None = None,
    error: float = 1e-6,
    threads: int | None = None,
    every: bool = False,
    ensembles: Container[int] | None = None,
) -> tuple[Summary, Curve, list[tuple[EnsembleSummary, LayerFits]]]:
    """The session's curve, and the fits of each ensemble (or of some, by their numbers) that was measured at the epoch
    (None: at its last), or at every epoch that was measured for all its networks.

    `error`: the largest distance of the curve to the true one, bits. `threads`: None takes all cores.

    Raises:
        InvalidValue: the epoch was not measured, the session keeps no weights, or its rule has more than two labels.
        SessionError: the session cannot be read.
    """
    with SessionReader(path) as reader, reader.moment():
        summary = reader.summary
        chosen = _chosen(summary, epoch, every, ensembles)
        if summary.labels > 2:
            raise InvalidValue(
                f"session {summary.name!r} has {summary.labels} labels: beta* is fitted where there are two; an IB "
                f"curve, not certified, can be had by `ibtui curve {summary.experiment.rule}`"
            )
        rule = reader.rule()
        weights = [reader.weights(ensemble, at) for ensemble, at in chosen]
        shapes = {ensemble.index: reader.architecture(ensemble) for ensemble, _ in chosen}
    curve = ib_curve(Source.of_rule(rule), error=error, name=rule.name)
    pool = Threads(threads or usable_cores())
    fits = []
    try:
        for (ensemble, at), found in zip(chosen, weights, strict=True):
            one = fit_snapshot(
                curve,
                rule,
                shapes[ensemble.index],
                found,
                pool,
                bins=summary.experiment.bins,
                hidden=ensemble.hidden,
                fraction=ensemble.fraction,
                optimizer=ensemble.optimizer,
                epoch=at,
            )
            fits.append((ensemble, one))
    finally:
        pool.close()
    return summary, curve, fits


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
