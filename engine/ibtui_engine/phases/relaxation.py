"""What a Monte-Carlo relaxation does to the layers, beside what SGD does at the same cost.

Shwartz-Ziv and Tishby (2017, section 4) ask whether SGD is needed for compression. Both ensembles have the same
networks with the same bits up to the epoch where the relaxation begins, so what differs from there on is compared
network by network. NumPy only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import differing
from ibtui_engine.statistics import EpochSpread, Spread, epoch_spread, spread

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64

    from ibtui_engine.session.columns import LayerHistory, LearningHistory
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import EnsembleSummary


LEAST_BITS = 0.1
"""A fall of I(X;T) of less is not looked for under SGD."""


@dataclass(frozen=True)
class Change:
    """How a number of every network has changed from where the relaxation begins to the end."""

    start: Spread
    relaxed: Spread
    """Its change under the relaxation."""
    sgd: Spread | None
    """Its change under SGD; None without such an ensemble."""
    difference: Spread | None
    """The first less the second, of the same networks."""


@dataclass(frozen=True)
class LayerRelaxation:
    """One layer."""

    layer: int
    """From 1, the hidden layer next to the input."""
    width: int
    i_x: Change
    """I(X;T), bits; a fall is compression."""
    i_y: Change
    """I(T;Y), bits."""
    acceptance: Spread
    """Share of the last moves that were accepted."""
    equal_cost: EpochSpread | None
    """Gradient evaluations from `start` after which SGD has lost as much of I(X;T) as the relaxation has at the end, of
    the networks in which both lose at least `LEAST_BITS`; None without SGD."""


@dataclass(frozen=True, eq=False)
class Relaxation:
    """An ensemble that was relaxed, beside the one that went on with SGD."""

    start: int
    """Epoch at which the relaxation begins."""
    end: int
    """The last epoch measured of both."""
    layers: tuple[LayerRelaxation, ...]
    train_loss: Change
    """Nats."""
    train_accuracy: Change
    test_accuracy: Change
    epochs: Int64[np.ndarray, " epochs"]
    """Measured of both, from `start` to `end`. An epoch costs one gradient evaluation of the sample, in both."""
    relaxed_i_x: Float64[np.ndarray, "epochs networks layers"]
    """I(X;T), bits, at these."""
    sgd_i_x: Float64[np.ndarray, "epochs networks layers"] | None
    relaxed_i_y: Float64[np.ndarray, "epochs networks layers"]
    """I(T;Y), bits, at these."""
    sgd_i_y: Float64[np.ndarray, "epochs networks layers"] | None
    relaxed_losses: Float64[np.ndarray, "epochs networks 2"]
    """Cross-entropy inside the sample and outside, nats, at these."""
    sgd_losses: Float64[np.ndarray, "epochs networks 2"] | None


def relaxation(
    relaxed: tuple[LayerHistory, LearningHistory],
    sgd: tuple[LayerHistory, LearningHistory] | None,
    *,
    widths: Sequence[int],
    start: int,
) -> Relaxation:
    """Compare an ensemble that was relaxed from the epoch `start` on with the same networks under SGD, if there are.

    Args:
        relaxed: of the optimiser metropolis.
        sgd: of the same networks; those that only one of the two has count for that one alone.
        widths: of the layers, the output last.
        start: a measured epoch.

    Raises:
        InvalidValue: there is no later epoch that was measured, of both.
    """
    histories = [relaxed] if sgd is None else [relaxed, sgd]
    common = _measured(histories[0][0])
    for history, _ in histories[1:]:
        common = np.intersect1d(common, _measured(history))
    epochs = common[common >= start]
    if len(epochs) < 2 or epochs[0] != start:
        raise InvalidValue(
            f"nothing to compare: no epoch after {start}, where the relaxation begins, has been measured"
        )

    def change(name: str, layer: int | None = None) -> Change:
        ends = []
        for history in histories:
            of: LayerHistory | LearningHistory = history[0] if layer is not None else history[1]
            values = getattr(of, name)[np.searchsorted(of.epochs, [start, epochs[-1]])]
            ends.append(values if layer is None else values[:, :, layer])
        moved = [after - before for before, after in ends]
        both = min(len(each) for each in moved)
        apart = spread(moved[0][:both] - moved[1][:both]) if len(moved) > 1 else None
        return Change(spread(ends[0][0]), spread(moved[0]), spread(moved[1]) if len(moved) > 1 else None, apart)

    def path(name: str, which: int) -> Float64[np.ndarray, "epochs networks layers"]:
        history = histories[which][0]
        return np.asarray(getattr(history, name)[np.searchsorted(history.epochs, epochs)])

    def losses(which: int) -> Float64[np.ndarray, "epochs networks 2"]:
        history = histories[which][1]
        rows = np.searchsorted(history.epochs, epochs)
        return np.stack([history.train_loss[rows], history.test_loss[rows]], axis=2)

    def equal_cost(layer: int) -> EpochSpread | None:
        if sgd is None:
            return None
        paths = [path("i_x", which)[:, :, layer] for which in (0, 1)]
        both = min(one.shape[1] for one in paths)
        lost, by_sgd = (one[0, :both] - one[:, :both] for one in paths)
        since = np.asarray(epochs - start, np.float64)
        return epoch_spread(np.array([_reached(since, by_sgd[:, k], lost[-1, k]) for k in range(both)]))

    last = relaxed[0].acceptance[np.searchsorted(relaxed[0].epochs, epochs[-1])]
    return Relaxation(
        start=start,
        end=int(epochs[-1]),
        layers=tuple(
            LayerRelaxation(k + 1, width, change("i_x", k), change("i_y", k), spread(last[:, k]), equal_cost(k))
            for k, width in enumerate(widths)
        ),
        train_loss=change("train_loss"),
        train_accuracy=change("train_accuracy"),
        test_accuracy=change("test_accuracy"),
        epochs=epochs,
        relaxed_i_x=path("i_x", 0),
        sgd_i_x=path("i_x", 1) if sgd is not None else None,
        relaxed_i_y=path("i_y", 0),
        sgd_i_y=path("i_y", 1) if sgd is not None else None,
        relaxed_losses=losses(0),
        sgd_losses=losses(1) if sgd is not None else None,
    )


def relaxation_of(reader: SessionReader, relaxed: EnsembleSummary) -> Relaxation:
    """An ensemble of metropolis beside that of SGD with the same settings, if there is one.

    Raises:
        InvalidValue: nothing has been measured after the relaxation began.
        SessionError: the session is damaged.
    """
    summary = reader.summary
    others = [
        e
        for e in summary.ensembles
        if e.optimizer == "sgd" and differing(e.settings, relaxed.settings) == ("optimizer",)
    ]
    histories = [(reader.layers(each), reader.learning(each)) for each in (relaxed, *others[:1])]
    return relaxation(
        histories[0],
        histories[1] if others else None,
        widths=relaxed.widths,
        start=summary.experiment.relaxation_epoch,
    )


def _reached(since: Float64[np.ndarray, " epochs"], lost: Float64[np.ndarray, " epochs"], wanted: float) -> float:
    """Where so many bits are lost first, between epochs by a straight line; NaN where never, or of too few."""
    if wanted < LEAST_BITS or not (there := np.flatnonzero(lost >= wanted)).size:
        return math.nan
    k = int(there[0])
    share = (wanted - lost[k - 1]) / (lost[k] - lost[k - 1])
    return float(since[k - 1] + share * (since[k] - since[k - 1]))


def _measured(history: LayerHistory) -> Int64[np.ndarray, " epochs"]:
    """Epochs measured for all networks."""
    return np.asarray(history.epochs[np.isfinite(history.i_x).all(axis=(1, 2))])
