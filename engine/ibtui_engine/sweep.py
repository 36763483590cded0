"""Compression of the layers of a session, measured again with many numbers of bins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.checks import at_ceiling
from ibtui_engine.remeasure import Remeasurer
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import EnsembleSummary
from ibtui_engine.statistics import mean
from ibtui_engine.threads import Threads


@dataclass(frozen=True, eq=False)
class Sweep:
    """I(X;T) of the mean over networks, for each number of bins and layer."""

    epochs: Int64[np.ndarray, " epochs"]
    """Where it was measured, ascending."""
    bins: Int64[np.ndarray, " bins"]
    peak: Float64[np.ndarray, "bins layers"]
    """Its largest value, bits."""
    peak_epoch: Int64[np.ndarray, "bins layers"]
    """The first epoch where it has that value."""
    end: Float64[np.ndarray, "bins layers"]
    """Its value at the last epoch, bits."""
    ceiling: Bool[np.ndarray, "bins layers"]
    """Whether every pattern has its own t in every network at every epoch: no compression could be seen."""

    @property
    def compression(self) -> Float64[np.ndarray, "bins layers"]:
        """Bits lost from the peak to the end, at least 0."""
        return np.asarray(self.peak - self.end)


def thinned(epochs: Sequence[int], most: int) -> tuple[int, ...]:
    """At most `most` of the epochs, the first and the last among them, evenly spaced in the order of the snapshots.

    Snapshots are spaced evenly in log epoch where nothing else was asked for, so these are, too.
    """
    if len(epochs) <= most:
        return tuple(epochs)
    places = np.unique(np.round(np.linspace(0, len(epochs) - 1, most)).astype(int))
    return tuple(epochs[place] for place in places)


def sweep(
    reader: SessionReader,
    ensemble: EnsembleSummary,
    experiment: Experiment,
    bins: Sequence[int],
    epochs: Sequence[int],
    threads: Threads,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> Sweep:
    """Measure an ensemble at `epochs` by `experiment`'s estimator, with each number of `bins` in turn.

    Raises:
        InvalidValue: nothing has been measured, the units are stochastic, or the session keeps no weights.
        SessionError: the session is damaged.
    """
    if not epochs:
        raise InvalidValue("nothing has been measured yet")
    if ensemble.settings.stochastic:
        raise InvalidValue("stochastic units have no bins: their information is exact")
    h_x = ensemble.rule.h_x
    again = [Remeasurer(reader, ensemble, experiment.override({"bins": number}), threads) for number in bins]
    found = []
    for done, epoch in enumerate(epochs, start=1):
        weights = reader.weights(ensemble, epoch)
        found.append([each.measure(0, weights).i_x for each in again])
        watch(done, len(epochs))
    i_x = np.array(found)  # epochs, bins, networks, layers
    means = mean(i_x, axis=2)
    first = means.argmax(axis=0)
    return Sweep(
        epochs=np.array(epochs),
        bins=np.array(bins),
        peak=means.max(axis=0),
        peak_epoch=np.array(epochs)[first],
        end=means[-1],
        ceiling=np.asarray(at_ceiling(i_x, h_x).all(axis=(0, 2))),
    )
