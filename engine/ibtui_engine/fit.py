"""Fitting the layers of a recorded session to the IB curves of their rules."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from ibtui_engine.bottleneck.curve import ERROR, Curve
from ibtui_engine.bottleneck.fits import LayerFits
from ibtui_engine.session.bound import fit_ensembles
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import EnsembleSummary, Summary


def fit_session(
    path: Path | str,
    *,
    epoch: int | None = None,
    error: float = ERROR,
    threads: int | None = None,
    every: bool = False,
    require_beta: bool = False,
    ensembles: Container[int] | None = None,
    by: str | None = None,
) -> tuple[Summary, dict[int, Curve], list[tuple[EnsembleSummary, LayerFits]]]:
    """Find the IB curve of a session's rules, and how far below it each layer lies, with its beta*.

    Without stored weights, or with more than two labels, there is no beta*; `LayerFits.no_beta` says why.

    Args:
        path: of the session.
        epoch: to fit at, of the ensembles that were measured there; None: the last of each ensemble.
        error: largest distance between the curve that is found and the true one, bits.
        threads: to compute with; None: one for each core.
        every: fit every epoch that was measured for all networks of an ensemble, and ignore `epoch`.
        require_beta: raise an error where there is no beta*.
        ensembles: numbers of the ensembles to fit; None: all.
        by: which estimator's numbers, of a recording that has several; None: those of the first.

    Returns:
        The session's summary, the curves by the number of their rule, and each fit with the ensemble that it is of.

    Raises:
        InvalidValue: the epoch was not measured, or there is no beta* and it is required.
        SessionError: the session cannot be read.
    """
    with SessionReader(path, by) as reader:
        return fit_ensembles(
            reader,
            epoch=epoch,
            error=error,
            threads=threads,
            every=every,
            require_beta=require_beta,
            ensembles=ensembles,
        )
