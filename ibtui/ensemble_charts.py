"""The charts and the table of one ensemble of a session: means over networks, at an epoch, of some layers."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ibtui.caveats import as_lines, broken, caveats
from ibtui.charts.bound import fitted_chart, layers_chart, with_bound
from ibtui.charts.curves import PLAIN, Learned, gradient_chart, learning_chart
from ibtui.charts.display import Display
from ibtui.charts.information_plane import information_plane, information_points, numbered
from ibtui.charts.kept import kept_chart
from ibtui.charts.phases import transition_chart
from ibtui.charts.readings import Quantity, Readings, over_epochs
from ibtui.charts.spec import ChartSpec
from ibtui.commentary import commentary
from ibtui.formatting import estimate, fitted_by, title_of
from ibtui.measuring import MeasuringAgain
from ibtui_engine.bottleneck.fits import distances, why_no_beta, why_no_curve
from ibtui_engine.layer_names import called, marks
from ibtui_engine.phases.summary import Phases
from ibtui_engine.phases.transition import Transition
from ibtui_engine.session.ensemble import LayerFigures, RecordedEnsemble
from ibtui_engine.settings import BINNED

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.bottleneck.partitions import Frontier
    from ibtui_engine.session.summary import EnsembleSummary, Summary

INFORMATION = ("I(X;T)", "i_x"), ("I(T;Y)", "i_y")
LEARNED = (
    ("loss inside the sample", "train_loss"),
    ("loss outside", "test_loss"),
    ("accuracy inside", "train_accuracy"),
    ("accuracy outside", "test_accuracy"),
    ("held-out loss", "held_out_loss"),
    ("held-out accuracy", "held_out_accuracy"),
)
"""Curves of the learning chart, and what is recorded of each."""


class EnsembleCharts:
    """Makes the charts of one ensemble of a session. Made again when more is measured."""

    def __init__(self, recorded: RecordedEnsemble, again: MeasuringAgain | None = None) -> None:
        """`again`: how the shown numbers are measured, where that need not be as they were recorded."""
        self.recorded = recorded
        self.shown: RecordedEnsemble = self.recorded
        """As recorded, or as measured again with other settings, absent where that is still to come."""
        if again is not None and again.active and not again.place:
            measured = again.history(recorded.ensemble.index, recorded.layers)
            self.shown = self.recorded.measured_again(measured, again.experiment)
        self._curves: dict[tuple[str, tuple[int, ...], Display, float], ChartSpec] = {}

    @property
    def summary(self) -> Summary:
        """As recorded, but for the settings that the shown numbers were measured with."""
        return self.shown.summary

    @property
    def ensemble(self) -> EnsembleSummary:
        """Which ensemble it is, and how far it has come."""
        return self.shown.ensemble

    @property
    def widths(self) -> tuple[int, ...]:
        """Units in each layer."""
        return self.shown.widths

    @property
    def names(self) -> tuple[str, ...] | None:
        """Those of a recording's layers; None where they are T1, T2, ..., and the output."""
        return self.ensemble.own_names

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return self.shown.batches

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs measured."""
        return self.shown.epochs

    @property
    def transition(self) -> Transition:
        """Where drift ends, by layer and network."""
        return self.shown.transition

    @property
    def phases(self) -> Phases:
        """What the two phases are; from the recorded numbers until all are measured again."""
        again, before = (np.isfinite(one.layers.i_y).sum() for one in (self.shown, self.recorded))
        return (self.shown if again >= before else self.recorded).phases

    @cached_property
    def _broken(self) -> int:
        return broken(self.shown)

    def caveats(self, epoch: int) -> list[str]:
        """The caveats of the numbers at an epoch, one line each."""
        return as_lines(caveats(self.shown, epoch, elsewhere=self._broken))

    def commentary(self, epoch: int) -> str:
        """What happens at an epoch, in one sentence."""
        return commentary(self.shown, epoch)

    @property
    def drift_end(self) -> float | None:
        """The epoch at which drift ends in the network as a whole; None unless it does in at least half of them."""
        return self.transition.network.agreed

    @property
    def title(self) -> str:
        """Which ensemble it is."""
        return title_of(self.summary, self.ensemble)

    def chart(
        self,
        panel: str,
        *,
        epoch: int,
        shown: tuple[int, ...],
        points: bool,
        display: Display = PLAIN,
        last_epoch: int | None = None,
        held_out: bool = False,
    ) -> ChartSpec:
        """One of `CHARTS` with the playhead at an epoch; `shown` are layers from 0; `points`: every network.

        The plane depends on the epoch; the charts over epochs do not, and are made once for each `display`.
        `last_epoch`: where axes and colours end; None: with the session's own last one. `held_out`: whether the plane
        is of the rows that are held out, where there are any.
        """
        last = float(last_epoch or self.summary.experiment.epochs)
        if panel == "kept":
            return self._kept(epoch, shown)
        if panel == "plane":
            held_out = held_out and self.ensemble.rule.held_out is not None
            return replace(
                self._plane(epoch, shown, last, points=points, held_out=held_out),
                readings=self.in_plane(epoch, shown, points=points, held_out=held_out),
            )
        if (panel, shown, display, last) not in self._curves:
            spec = self._over_epochs(panel, shown, display, last)
            self._curves[panel, shown, display, last] = replace(spec, readings=self._read_over_epochs(panel, shown))
        return self._curves[panel, shown, display, last]

    def in_plane(self, epoch: int, shown: tuple[int, ...], *, points: bool, held_out: bool = False) -> Readings | None:
        """What can be read of the plane: the layers along their paths, or of every network."""
        of = self.shown.on_held_out() if held_out else self.shown
        row = of.row(epoch)
        if row is None:
            return None
        names, seed = called(self.names, len(self.widths)), self.summary.experiment.seed
        both = [one for name, key in INFORMATION for one in self._read(of, name, key)]
        if points:
            x, y = (_only(of.middle(key)[row], shown) for _, key in INFORMATION)
            at = np.full(len(x), row)
            return Readings(names, x, y, of.layers.epochs[at], tuple(both), at, lambda point: f"seed {seed + point}")
        until = np.arange(row + 1)
        x, y = (_only(of.middle_mean(key)[until], shown) for _, key in INFORMATION)
        return Readings(names, x, y, of.layers.epochs[until], tuple(both), until)

    @staticmethod
    def _read(of: RecordedEnsemble, name: str, key: str) -> list[Quantity]:
        """What is read of an information: its number, or both bounds."""
        value, lower = (Quantity(f"{name} bits", ".3f", of.values(column)) for column in (key, f"{key}_lower"))
        if np.isnan(lower.values).all():
            return [value]
        return [replace(lower, name=f"{name} from"), replace(value, name="to bits")]

    def _read_over_epochs(self, panel: str, shown: tuple[int, ...]) -> Readings:
        """What can be read of a chart over epochs, on its lines of means."""
        of = self.shown
        names: tuple[str, ...] = called(self.names, len(self.widths))
        if panel == "learning":
            told = self.learned
            names = tuple(name for name, _ in told)
            none = np.empty((*of.values("train_loss").shape, 0))  # a recording need not say what is learned
            values = np.stack([of.values(key) for _, key in told], axis=-1) if told else none
            y = np.stack([of.mean(key) for _, key in told], axis=-1) if told else none[:, 0]
            quantities: tuple[Quantity, ...] = (Quantity("nats, share", ".4g", values),)
            epochs = of.learning.epochs
        elif panel == "gradients":
            parts = ("batch mean", "grad_mean"), ("batch sd", "grad_std")
            quantities = tuple(Quantity(name, ".3g", of.values(key)) for name, key in parts)
            y, epochs = _only(of.mean("grad_mean"), shown), of.layers.epochs
        else:
            quantities = (Quantity("SNR", ".3g", of.values("snr"), geometric=True),)
            if np.isfinite(of.values("frozen_snr")).any():
                frozen = ("at frozen weights", "frozen_snr"), ("noise scale", "noise_scale")
                more = (Quantity(name, ".3g", of.values(key), geometric=True) for name, key in frozen)
                quantities = (*quantities, *more)
            y, epochs = _only(of.mean("snr"), shown), of.layers.epochs
        return over_epochs(names, epochs, y, quantities)

    def _kept(self, epoch: int, shown: tuple[int, ...]) -> ChartSpec:
        """What each layer keeps of the input at an epoch, mean over networks."""
        of, layers = self.shown, len(self.widths)
        row = of.row(epoch)
        i_y, i_orbit, i_x = (
            np.full(layers, np.nan) if row is None else of.mean(name)[row] for name in ("i_y", "i_orbit", "i_x")
        )
        readings, caption = None, self._why_unknown
        if row is not None and np.isfinite(i_orbit).any():
            told = (("I(T;Y) bits", "i_y"), ("I(T;orbit) bits", "i_orbit"), ("I(X;T | orbit) bits", "i_within"))
            readings = Readings(
                called(self.names, layers),
                _only(np.arange(1.0, layers + 1)[None], shown),
                _only(i_x[None], shown),
                of.layers.epochs[row : row + 1],
                tuple(Quantity(name, ".3f", of.values(key)) for name, key in told),
                np.array([row]),
            )
            basis = estimate(self.summary.experiment)
            caption = (
                f"Epoch {self.at(epoch)}. {numbered(marks(self.names, layers))}, mean over networks. Orbit: the class "
                f"of equal p(y|x), all of x that the label depends on. {basis[0].upper()}{basis[1:]}."
            )
        title = f"Kept of the input: {self.title}"
        return kept_chart(i_y, i_orbit, i_x, of.h_x, shown=shown, title=title, caption=caption, readings=readings)

    @property
    def _why_unknown(self) -> str:
        """Why it is not known what layers keep of orbits."""
        experiment = self.summary.experiment
        if experiment.measured_by not in (*BINNED, "exact"):
            return f"What is kept is told apart where values of t are counted, not by {estimate(experiment)}."
        return "This session was measured before what is kept was told apart: measure it again, with other bins or e."

    @property
    def learned(self) -> list[tuple[str, str]]:
        """Name and column of each curve of the learning chart that has a value."""
        return [(name, key) for name, key in LEARNED if not np.isnan(self.shown.values(key)).all()]

    def _over_epochs(self, panel: str, shown: tuple[int, ...], display: Display, last: float) -> ChartSpec:
        of = self.shown
        epochs = of.layers.epochs.astype(np.float64)
        if panel == "gradients":
            mean, std = of.mean("grad_mean"), of.mean("grad_std")
            return gradient_chart(
                epochs,
                mean,
                std,
                shown=shown,
                last_epoch=last,
                batches=of.batches,
                transition=self.drift_end,
                drift_ends=[one.epoch if one.present else math.nan for one in self.transition.layers],
                networks=(of.values("grad_mean"), of.values("grad_std")),
                names=self.names,
                display=display,
            )
        if panel == "snr":
            found = self.transition
            return transition_chart(
                epochs,
                of.mean("snr"),
                found.layers,
                found.network,
                shown=shown,
                last_epoch=last,
                batches=of.batches,
                networks=of.values("snr"),
                frozen=of.mean("frozen_snr"),
                names=self.names,
                display=display,
            )
        there = [
            Learned(
                name,
                of.values(key),
                int("accuracy" in key),
                outside=key.startswith("test"),
                held_out=key.startswith("held_out"),
            )
            for name, key in self.learned
        ]
        return learning_chart(epochs, there, last_epoch=last, transition=self.drift_end, display=display)

    def _plane(self, epoch: int, shown: tuple[int, ...], last: float, *, points: bool, held_out: bool) -> ChartSpec:
        summary, of, recorded = self.summary, self.shown, self.recorded
        title = f"Information plane: {self.title}"
        if held_out:
            of, recorded = of.on_held_out(), recorded.on_held_out()
            title += f", {of.ensemble.rule.patterns} rows held out"
        i_x, i_y = self.places(of, epoch, shown, points=points)
        before = None if self.shown is self.recorded else self.places(recorded, epoch, shown, points=points)
        if points:
            return information_points(
                i_x,
                i_y,
                of.h_x,
                of.i_xy,
                epoch=epoch,
                first_seed=summary.experiment.seed,
                recorded=before,
                names=self.names,
                title=title,
                basis=estimate(summary.experiment),
            )
        return information_plane(
            of.layers.epochs[of.layers.epochs <= epoch],
            i_x,
            i_y,
            of.h_x,
            of.i_xy,
            transitions=[math.nan if one.agreed is None else one.agreed for one in self.transition.layers],
            last_epoch=last,
            recorded=before,
            intervals=self._intervals(of, epoch, shown),
            names=self.names,
            title=title,
            basis=estimate(summary.experiment),
        )

    def _intervals(self, of: RecordedEnsemble, epoch: int, shown: tuple[int, ...]) -> tuple[np.ndarray, ...] | None:
        """Between what I(X;T) and I(T;Y) of each layer lie at an epoch; None where the estimator does not say."""
        ends = of.place_between(epoch)
        return None if ends is None else tuple(_only(end[None], shown)[0] for end in ends)

    def places(
        self, of: RecordedEnsemble, epoch: int, shown: tuple[int, ...], *, points: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """I(X;T) and I(T;Y): every network's layers at an epoch, or their means at the epochs up to it; of bounds the
        middle between both.
        """
        if points:
            row = of.row(epoch) or 0
            return _only(of.middle("i_x")[row], shown), _only(of.middle("i_y")[row], shown)
        until = of.layers.epochs <= epoch
        return _only(of.middle_mean("i_x")[until], shown), _only(of.middle_mean("i_y")[until], shown)

    def at(self, epoch: int) -> int:
        """The last measured epoch that is not after one; the first where there is none before."""
        return self.shown.at(epoch)

    def bound(
        self,
        curve: Curve,
        epoch: int,
        fits: LayerFits | None,
        frontier: Frontier | None = None,
        shown: tuple[int, ...] | None = None,
    ) -> ChartSpec:
        """The IB curve with the layers as they were fitted, whatever the epoch of that, or as measured at an epoch;
        with the frontier of hard partitions, where it is given. `shown` are layers from 0; None: all.
        """
        hard = None if frontier is None else (frontier.entropy, frontier.i_y)
        fitted = not why_no_beta(self.summary, self.ensemble)  # before there is one, too
        slopes = " Through each: slope 1/beta*." if fitted else ""
        experiment = self.summary.experiment
        basis = estimate(experiment)
        if fits is not None:
            basis = fitted_by(experiment, self.ensemble.settings, fits.bins, fits.no_beta)
        layers = numbered(marks(self.names, len(self.widths)))
        caption = (
            f"Epoch {epoch if fits is None else fits.epoch}. {layers}, mean over networks.{slopes} "
            f"{basis[0].upper()}{basis[1:]}."
        )
        if fits is not None:
            place = self.shown.h_x, curve.i_xy
            return fitted_chart(
                curve, fits, *place, title=self.title, caption=caption, names=self.names, hard=hard, shown=shown
            )
        figures = self.figures(epoch)
        i_x, i_y = (np.array([getattr(one, name).mean for one in figures]) for name in ("i_x", "i_y"))
        if why_no_curve(self.summary.experiment):  # what is no Shannon information has no place there
            i_x = np.full_like(i_x, np.nan)
        return layers_chart(
            curve.corners[:, 0],
            curve.corners[:, 1],
            self.shown.h_x,
            curve.i_xy,
            i_x,
            i_y,
            names=self.names,
            hard=hard,
            shown=shown,
            title=f"Layers and the IB curve: {self.title}",
            caption=caption,
        )

    def distances(self, curve: Curve, epoch: int) -> LayerFits | None:
        """How far below the curve the layers lie at a measured epoch where there is no beta*; None where there is."""
        row = self.recorded.row(epoch)
        summary = self.recorded.summary
        if row is None or not why_no_beta(summary, self.ensemble) or why_no_curve(summary.experiment):
            return None
        layers = self.recorded.layers
        return distances(summary, self.recorded.ensemble, epoch, layers.i_x[row], layers.i_y[row], curve)

    def with_bound(self, plane: ChartSpec, curve: Curve) -> ChartSpec:
        """An information plane of this session with the IB curve in it."""
        return with_bound(plane, curve.corners[:, 0], curve.corners[:, 1], self.shown.h_x)

    def figures(self, epoch: int) -> tuple[LayerFigures, ...]:
        """The layers at an epoch, for a table."""
        return self.shown.layer_figures(epoch)


def _only(values: np.ndarray, shown: tuple[int, ...]) -> np.ndarray:
    """The values of hidden layers are NaN, so that the others keep their numbers and colours."""
    kept = np.full_like(values, np.nan)
    kept[:, list(shown)] = values[:, list(shown)]
    return kept
