"""From a followed session to what its charts and table show: means over networks, at an epoch, of some layers."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui.charts.bound import layers_chart
from ibtui.charts.curves import gradient_chart, learning_chart
from ibtui.charts.information_plane import information_plane, information_points
from ibtui.charts.phases import transition_chart
from ibtui.charts.spec import ChartSpec
from ibtui.measuring import MeasuringAgain
from ibtui.notes import as_lines, broken, notes
from ibtui.wording import estimate, title_of
from ibtui_engine.phases.account import Phases, phases
from ibtui_engine.phases.transition import Transition, transition
from ibtui_engine.session.follow import Follower
from ibtui_engine.statistics import EpochSpread

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.session.history import LayerHistory, LearningHistory
    from ibtui_engine.session.summary import EnsembleSummary

PANELS = ("plane", "gradients", "snr", "learning")
"""The charts of a session, in the order of their keys."""


@dataclass(frozen=True)
class LayerFigures:
    """One layer at one epoch: means over networks, NaN where there is no value."""

    layer: int
    width: int
    i_x: float
    i_x_std: float
    i_y: float
    i_y_std: float
    distinct: float
    snr: float
    saturated: float
    """Share of the outputs near the activation's bounds."""


class Panels:
    """Makes the charts of one ensemble of a followed session. Made anew when something more is measured.

    Raises:
        KeyError: nothing is recorded of that ensemble yet.
    """

    def __init__(self, follower: Follower, index: int, again: MeasuringAgain | None = None) -> None:
        summary = follower.summary
        if again is not None and again.active:
            summary = replace(summary, experiment=again.experiment)
        self.summary = summary
        """As recorded, but for the settings that the shown numbers were measured with."""
        if not 0 <= index < len(summary.ensembles):
            raise KeyError(index)  # a run that has just begun has recorded none yet
        self.ensemble: EnsembleSummary = summary.ensembles[index]
        self.widths = summary.widths(self.ensemble)
        self.recorded: LayerHistory = follower.layers(index)
        self._layers = self.recorded if again is None else again.history(index, self.recorded)
        self._learning: LearningHistory = follower.learning(index)
        self._means: dict[str, Any] = {}
        self._curves: dict[tuple[str, tuple[int, ...]], ChartSpec] = {}
        self.batches = summary.batches(self.ensemble)

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs measured."""
        return tuple(self._layers.epochs.tolist())

    @cached_property
    def transition(self) -> Transition:
        """Where drift ends, by layer and network."""
        return transition(self._layers)

    @cached_property
    def phases(self) -> Phases:
        """What the two phases are; from the recorded numbers until all are measured again."""
        whole = np.isfinite(self._layers.i_x).sum() >= np.isfinite(self.recorded.i_x).sum()
        history = self._layers if whole else self.recorded
        return phases(history, widths=self.widths, batches=self.batches, h_x=self.summary.h_x)

    @cached_property
    def _broken(self) -> int:
        return broken(self._layers, self.summary)

    def notes(self, epoch: int) -> list[str]:
        """What a reader of the numbers at an epoch must know: ceilings, and inequalities that they break."""
        return as_lines(notes(self._layers, self.summary, epoch, elsewhere=self._broken))

    @property
    def turn(self) -> float | None:
        """The epoch at which drift ends in the network as a whole; None unless it does in at least half of them."""
        return agreed(self.transition.network)

    @property
    def title(self) -> str:
        """Which ensemble it is."""
        return title_of(self.summary, self.ensemble)

    def mean(self, name: str) -> Any:
        """A column of the history, epochs x layers: mean over networks; of `log_snr` the geometric one of the SNR."""
        if name not in self._means:
            if name == "log_snr":
                with np.errstate(divide="ignore"):
                    self._means[name] = np.exp(_over_networks(np.nanmean, np.log(self._layers.snr)))
            else:
                self._means[name] = _over_networks(np.nanmean, getattr(self._layers, name))
        return self._means[name]

    def chart(self, panel: str, *, epoch: int, shown: tuple[int, ...], points: bool) -> ChartSpec:
        """One of `PANELS` with the playhead at an epoch; `shown` are layers from 0; `points`: every network.

        The plane depends on the epoch; the charts over epochs do not, and are made once.
        """
        if panel == "plane":
            return self._plane(epoch, shown, points=points)
        if (panel, shown) not in self._curves:
            self._curves[panel, shown] = self._over_epochs(panel, shown)
        return self._curves[panel, shown]

    def _over_epochs(self, panel: str, shown: tuple[int, ...]) -> ChartSpec:
        last = float(self.summary.experiment.epochs)
        epochs = self._layers.epochs.astype(np.float64)
        if panel == "gradients":
            mean, std = self.mean("grad_mean"), self.mean("grad_std")
            return gradient_chart(
                epochs, mean, std, shown=shown, last_epoch=last, batches=self.batches, transition=self.turn
            )
        if panel == "snr":
            found = self.transition
            snr = self.mean("log_snr")
            batches = self.batches
            return transition_chart(
                epochs, snr, found.layers, found.network, shown=shown, last_epoch=last, batches=batches
            )
        learning = self._learning
        curves = {
            "loss inside the sample": learning.train_loss,
            "loss outside": learning.test_loss,
            "accuracy inside": learning.train_accuracy,
            "accuracy outside": learning.test_accuracy,
        }
        there = {name: values for name, values in curves.items() if not np.isnan(values).all()}
        return learning_chart(epochs, there, last_epoch=last, transition=self.turn)

    def _plane(self, epoch: int, shown: tuple[int, ...], *, points: bool) -> ChartSpec:
        summary = self.summary
        title = f"Information plane: {self.title}"
        if points:
            row = int(np.searchsorted(self._layers.epochs, epoch, side="right")) - 1
            i_x, i_y = (_only(values[max(row, 0)], shown) for values in (self._layers.i_x, self._layers.i_y))
            seed = summary.experiment.seed
            basis = estimate(summary.experiment)
            return information_points(
                i_x, i_y, summary.h_x, summary.i_xy, epoch=epoch, first_seed=seed, title=title, basis=basis
            )
        until = self._layers.epochs <= epoch
        i_x, i_y = (_only(self.mean(name)[until], shown) for name in ("i_x", "i_y"))
        return information_plane(
            self._layers.epochs[until],
            i_x,
            i_y,
            summary.h_x,
            summary.i_xy,
            transitions=[math.nan if (turn := agreed(one)) is None else turn for one in self.transition.layers],
            last_epoch=float(summary.experiment.epochs),
            title=title,
            basis=estimate(summary.experiment),
        )

    def at(self, epoch: int) -> int:
        """The last measured epoch that is not after one; the first where there is none before."""
        row = int(np.searchsorted(self._layers.epochs, epoch, side="right")) - 1
        return int(self._layers.epochs[max(row, 0)]) if len(self._layers.epochs) else 0

    def bound(self, curve: Curve, epoch: int, fits: LayerFits | None) -> ChartSpec:
        """The IB curve with the layers at an epoch: as they were fitted, or until then as they were measured."""
        corners = curve.corners
        title = f"Layers and the IB curve: {self.title}"
        caption = f"Epoch {epoch}. Numbers: the layers, from the input on, mean over networks."
        shared = (corners[:, 0], corners[:, 1], self.summary.h_x, curve.i_xy)
        if fits is not None:
            caption += f" Through each: slope 1/beta*. Binning, {fits.bins} bins."
            return layers_chart(
                *shared,
                fits.mean("i_x"),
                fits.mean("i_y"),
                error_x=fits.error("i_x"),
                error_y=fits.error("i_y"),
                beta=fits.mean("beta"),
                title=title,
                caption=caption,
            )
        row = int(np.searchsorted(self._layers.epochs, epoch))
        means = [_over_networks(np.nanmean, values[row][None])[0] for values in (self._layers.i_x, self._layers.i_y)]
        basis = estimate(self.summary.experiment)
        return layers_chart(*shared, *means, title=title, caption=f"{caption} {basis[0].upper()}{basis[1:]}.")

    def path(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The layers' mean I(X;T) and I(T;Y) at the epochs up to one."""
        until = self._layers.epochs <= epoch
        return self.mean("i_x")[until], self.mean("i_y")[until]

    def figures(self, epoch: int) -> list[LayerFigures]:
        """The layers at an epoch, for a table."""
        row = int(np.searchsorted(self._layers.epochs, epoch, side="right")) - 1
        if row < 0:
            return []
        spread = [_over_networks(np.nanstd, getattr(self._layers, name)[row][None])[0] for name in ("i_x", "i_y")]
        names = ("i_x", "i_y", "distinct_t", "snr", "saturated")
        means = [_over_networks(np.nanmean, getattr(self._layers, name)[row][None])[0] for name in names]
        return [
            LayerFigures(
                layer + 1,
                width,
                float(means[0][layer]),
                float(spread[0][layer]),
                float(means[1][layer]),
                float(spread[1][layer]),
                float(means[2][layer]),
                float(means[3][layer]),
                float(means[4][layer]),
            )
            for layer, width in enumerate(self.widths)
        ]


def agreed(epochs: EpochSpread) -> float | None:
    """An epoch that at least half of the networks have."""
    return epochs.epoch if epochs.present and 2 * epochs.count >= epochs.networks else None


def _over_networks(how: Any, values: np.ndarray) -> Any:
    """A statistic over the networks (axis 1) that have a value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a layer for which no network has one
        return how(values, axis=1)


def _only(values: np.ndarray, shown: tuple[int, ...]) -> np.ndarray:
    """The values of hidden layers are NaN, so that the others keep their numbers and colours."""
    kept = np.full_like(values, np.nan)
    kept[:, list(shown)] = values[:, list(shown)]
    return kept
