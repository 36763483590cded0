"""From a session to the panels that several figures share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ibtui.figures.content import Gradients, Line, Lines, Paths, Plane, Points, SignalToNoise
from ibtui.figures.registry import Source
from ibtui.formatting import estimate
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Ensemble
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.history import SessionReader
from ibtui_engine.statistics import geometric_mean, median_interval, spread

if TYPE_CHECKING:
    from jaxtyping import Float64

    ByEnsemble = Float64[np.ndarray, "ensembles layers"]

LAYER = "layer, from the input on"


def ensembles(source: Source) -> list[RecordedEnsemble]:
    """All ensembles of a session of which something is measured.

    Raises:
        InvalidValue: nothing is.
        SessionError: the session cannot be read.
    """
    with SessionReader(*source) as reader:
        found = list(reader.recorded_ensembles())
    if not found:
        raise InvalidValue(f"session {source.path.stem!r}: no epoch has been measured yet")
    return found


def of_first_values(found: Sequence[RecordedEnsemble]) -> list[RecordedEnsemble]:
    """The ensembles with the experiment's first value of every setting but the hidden layers and the sample fraction.
    Where nothing of those is recorded, the ones that share their other settings with the first ensemble that is.
    """

    def others(ensemble: Ensemble) -> Ensemble:
        return replace(ensemble, index=0, hidden=(), fraction=1.0)

    if found[0].ensemble.recorded:  # it has no settings that could differ
        return list(found)
    for first in (found[0].summary.experiment.ensemble(0), found[0].ensemble.settings):
        if chosen := [one for one in found if others(one.ensemble.settings) == others(first)]:
            return chosen
    return list(found)


def one_of(found: Sequence[RecordedEnsemble]) -> RecordedEnsemble:
    """Of several ensembles the one to show alone: most of the patterns, then most layers."""
    return max(found, key=lambda one: (one.ensemble.fraction, len(one.widths)))


def only_source(sources: Sequence[Source], figure: str) -> Source:
    """The session of a figure that is made of one.

    Raises:
        InvalidValue: there are more.
    """
    if len(sources) > 1:
        raise InvalidValue(f"session is given {len(sources)} times: figure {figure} is made of one")
    return sources[0]


def percent(fraction: float) -> str:
    """A sample fraction as people say it."""
    return "recorded" if math.isnan(fraction) else f"{100 * fraction:.4g} % of the patterns"


def plane(of: RecordedEnsemble, title: str) -> Plane:
    """What an ensemble's information planes have in common."""
    summary = of.summary
    one = of.ensemble
    bounds = of.h_x, of.i_xy
    return Plane(title, one.hidden, one.fraction, one.networks, *bounds, estimate(summary.experiment), one.own_names)


def points(of: RecordedEnsemble, epoch: int, title: str) -> Points:
    """Every network at a measured epoch."""
    row = of.epochs.index(epoch)
    i_x, i_y = (of.middle(name)[row] for name in ("i_x", "i_y"))
    return Points(plane(of, title), epoch, of.summary.experiment.seed, i_x, i_y)


def trajectories(of: RecordedEnsemble, title: str) -> Paths:
    """The layers' mean paths."""
    ends = [one.agreed for one in of.transition.layers]
    return Paths(
        plane(of, title),
        of.layers.epochs,
        of.middle_mean("i_x"),
        of.middle_mean("i_y"),
        tuple(math.nan if end is None else end for end in ends),
        math.nan if of.transition.network.agreed is None else of.transition.network.agreed,
        of.epochs[-1],
        of.count("i_y"),
    )


def gradients(of: RecordedEnsemble, title: str) -> Gradients:
    """Each layer's gradients.

    Raises:
        InvalidValue: none are recorded.
    """
    _require_gradients(of)
    std = of.mean("grad_std")
    return Gradients(
        title,
        (_inputs(of), *of.widths),
        of.layers.epochs,
        of.mean("grad_mean"),
        std,
        geometric_mean(std, axis=1) / math.sqrt(of.batches),
        of.batches,
        of.transition.network.agreed,
        of.epochs[-1],
        of.count("grad_std"),
        of.ensemble.own_names,
    )


def signal_to_noise(of: RecordedEnsemble, title: str) -> SignalToNoise:
    """Each layer's SNR.

    Raises:
        InvalidValue: there is none.
    """
    _require_gradients(of)
    phases = of.phases
    return SignalToNoise(
        title,
        of.layers.epochs,
        of.mean("snr"),
        of.transition.layers,
        of.transition.network,
        tuple(row.levels_at for row in phases.layers),
        tuple(row.level for row in phases.layers),
        of.batches,
        of.epochs[-1],
        of.count("snr"),
        of.ensemble.own_names,
    )


def _require_gradients(of: RecordedEnsemble) -> None:
    if of.batches <= 1:
        raise InvalidValue(
            f"session {of.summary.path.stem!r}: an epoch is one batch, so its gradients have no noise to compare "
            "with: take one with smaller batches"
        )
    if len(of.epochs) < 2:
        raise InvalidValue(f"session {of.summary.path.stem!r}: no gradients have been measured yet")


def _inputs(of: RecordedEnsemble) -> int:
    with SessionReader(of.summary.path) as reader:
        return int(reader.architecture(of.ensemble).widths[0])


def mean_places(
    those: Sequence[RecordedEnsemble], rows: Sequence[int]
) -> tuple[ByEnsemble, ByEnsemble, ByEnsemble, ByEnsemble]:
    """I(X;T) and I(T;Y) of ensembles with equal layers, each in the row of one of its epochs: means over networks, and
    the standard errors of both.
    """

    def found(name: str, what: str) -> ByEnsemble:
        chosen = (one.values(name)[row].T for one, row in zip(those, rows, strict=True))
        return np.array([[getattr(spread(column), what) for column in of] for of in chosen])

    return found("i_x", "mean"), found("i_y", "mean"), found("i_x", "error"), found("i_y", "error")


def mean_line(name: str, x: Float64[np.ndarray, " points"], values: Float64[np.ndarray, "points networks"]) -> Line:
    """The means over networks, each with its 95 % interval."""
    spreads = [spread(row) for row in values]
    mean, low, high = (np.array([getattr(one, end) for one in spreads]) for end in ("mean", "low", "high"))
    return Line(name, x, mean, low, high, np.array([one.count for one in spreads]))


def median_line(name: str, values: Float64[np.ndarray, "networks layers"]) -> Line:
    """The medians over networks against the layers, each with its 95 % interval."""
    middle, low, high, count = (np.array(of) for of in zip(*map(median_interval, values.T), strict=True))
    return Line(name, np.arange(1.0, values.shape[1] + 1), middle, low, high, count)


def of_layers(
    title: str,
    label: str,
    column: str,
    lines: Sequence[Line],
    names: tuple[str, ...] | None,
    *,
    note: str,
    y_log: bool = False,
) -> Lines:
    """Numbers of layers against the layers, which are called by `names`, or None where these are not the same."""
    return Lines(
        title,
        LAYER if names is None else "layer",
        label,
        tuple(lines),
        y_log=y_log,
        x_whole=True,
        x_names=names,
        columns=("layer", column),
        note=note,
    )
