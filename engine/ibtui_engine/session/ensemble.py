"""An ensemble as recorded: all that a session says of the networks of one ensemble, in one object.

Readers return it (`SessionReader.recorded_ensemble`, and `Follower.recorded_ensemble` for a session that grows). The
app, the commands, the account and the figures take their numbers from it, so that a number that is shown in two places
is one number. What follows from the recorded numbers is worked out when it is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.multiplications import multiplications_per_epoch
from ibtui_engine.session.columns import LEARNING_COLUMNS, values_of
from ibtui_engine.settings import OWN_NOISE
from ibtui_engine.statistics import (
    Spread,
    count,
    geometric_mean,
    geometric_spreads,
    greatest,
    least,
    logarithms,
    mean,
    sampling_error,
    spread,
    spreads,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxtyping import Float64, Int64

    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.phases.diffusion import Displacements, LayerDiffusion
    from ibtui_engine.phases.summary import Phases
    from ibtui_engine.phases.transition import Transition
    from ibtui_engine.session.columns import LayerHistory, LearningHistory
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import EnsembleSummary, Summary


@dataclass(frozen=True)
class LayerFigures:
    """One layer at one epoch, over the networks that have been measured there."""

    layer: int
    """From 1, the hidden layer next to the input."""
    name: str
    """`T1`, `T2`, ..., and `output`; of a recording as it was given."""
    width: int
    i_x: Spread
    """I(X;T), bits; of the estimator `kde` an upper bound."""
    i_y: Spread
    """I(T;Y), bits; likewise."""
    i_x_lower: Spread
    """The lower bound where `i_x` is an upper one; absent elsewhere."""
    i_y_lower: Spread
    i_x_error: float
    """Standard error of the mean I(X;T) from the sampling of the estimator `gauss` alone; NaN elsewhere."""
    i_y_error: float
    """Likewise of I(T;Y); also of `probe`."""
    distinct: Spread
    """Different values of t."""
    snr: Spread
    """Gradient SNR, geometric mean over networks."""
    frozen_snr: Spread
    """What it would be of batches at frozen weights; likewise, and absent where examples' gradients are unknown."""
    noise_scale: Spread
    """Gradient noise scale, examples; likewise."""
    saturated: Spread
    """Share of the outputs near the activation's bounds."""
    nonlinear: Spread
    """Share of the pre-activations beyond the activation's linear range."""
    i_orbit: Spread
    """I(T;orbit), bits, of the class of patterns with equal p(y|x); absent where no values of t are counted."""
    i_within: Spread
    """I(X;T | orbit), bits; likewise."""
    i_x_given_y: Spread
    """I(X;T | Y), bits; likewise."""
    held_out_i_x: Spread
    """I(X;T) of the rows that are held out, bits; absent where there are none."""
    held_out_i_y: Spread
    """I(T;Y) of them."""
    held_out_i_x_lower: Spread
    held_out_i_y_lower: Spread
    low: float
    """Lower end of the bins, the least of all networks."""
    high: float
    """Upper end of the bins, the greatest of all networks."""


RATIOS = ("snr", "frozen_snr", "noise_scale")
"""What means over networks are geometric of."""


@dataclass(frozen=True, eq=False)
class RecordedEnsemble:
    """Everything that a session has recorded of one ensemble, and what follows from it."""

    summary: Summary
    """Of the session; its experiment has the settings that the numbers were measured with."""
    ensemble: EnsembleSummary
    layers: LayerHistory
    """Information, gradients and weight norms, by epoch, network and layer."""
    learning: LearningHistory
    """Losses and accuracies, by epoch and network."""
    open: Callable[[], SessionReader]
    """Opens the session again, for what only its file has: the weights."""
    _means: dict[str, Float64[np.ndarray, "epochs ..."]] = field(default_factory=dict, init=False, repr=False)
    """Those that have been asked for."""

    # what it is

    @property
    def title(self) -> str:
        """What tells it from the others of its session."""
        return self.ensemble.settings.told_apart(self.summary.experiment.varied)

    @property
    def measured_by(self) -> str:
        """The estimator of its information, or `OWN_NOISE` where that is exact."""
        return OWN_NOISE if self.ensemble.settings.stochastic else self.summary.experiment.estimator

    @property
    def widths(self) -> tuple[int, ...]:
        """Units in each layer, the output last."""
        return self.ensemble.widths

    @property
    def hidden_layers(self) -> int:
        """Layers below the output."""
        return len(self.widths) - 1

    @property
    def layer_names(self) -> tuple[str, ...]:
        """`T1`, `T2`, ..., and `output`; of a recording the names that its layers were given."""
        return self.ensemble.layer_names

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return self.summary.batches(self.ensemble)

    @property
    def multiplications(self) -> int:
        """That an epoch takes of one network.

        Raises:
            InvalidValue: the session is a recording.
        """
        one = self.ensemble
        if one.recorded:
            raise InvalidValue(
                f"{self.summary.name!r} is a recording: how many multiplications its training took is unknown"
            )
        return multiplications_per_epoch(one.settings, one.sample_size, (one.rule.inputs, *self.widths))

    @property
    def h_x(self) -> float:
        """H(X) of the patterns that information is measured over, bits."""
        return self.ensemble.rule.h_x

    @property
    def i_xy(self) -> float:
        """I(X;Y) of them, bits."""
        return self.ensemble.rule.i_xy

    # when

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs measured for at least one of the networks, ascending."""
        return tuple(self.layers.epochs.tolist())

    def row(self, epoch: float) -> int | None:
        """Where in the histories the last measured epoch is that is not after `epoch`; None where there is none."""
        row = int(np.searchsorted(self.layers.epochs, epoch, side="right")) - 1
        return row if row >= 0 else None

    def at(self, epoch: float) -> int:
        """The last measured epoch that is not after one; the first where none is before it; 0 where there is none."""
        return int(self.layers.epochs[self.row(epoch) or 0]) if len(self.layers.epochs) else 0

    # numbers over networks

    def values(self, name: str) -> Float64[np.ndarray, "epochs networks ..."]:
        """A column of the histories as it is recorded: by epoch and network, and for what layers have by layer."""
        history = self.learning if name in LEARNING_COLUMNS else self.layers
        return np.asarray(values_of(history, name, self.ensemble.noisy_batch))

    def mean(self, name: str) -> Float64[np.ndarray, "epochs ..."]:
        """Mean of a column over the networks that have a value, by epoch (and layer); of `RATIOS` the geometric one."""
        if name not in self._means:
            how = geometric_mean if name in RATIOS else mean
            self._means[name] = how(self.values(name), axis=1)
        return self._means[name]

    def count(self, name: str) -> Int64[np.ndarray, "epochs ..."]:
        """Networks that `mean` of the column is over, by epoch (and layer)."""
        return count(logarithms(self.values(name)) if name in RATIOS else self.values(name), axis=1)

    def middle(self, name: str) -> Float64[np.ndarray, "epochs networks layers"]:
        """`i_x` or `i_y`; of bounds the middle between both, which is where charts put a layer."""
        value, lower = self.values(name), self.values(f"{name}_lower")
        return np.where(np.isnan(lower), value, (value + lower) / 2)

    def middle_mean(self, name: str) -> Float64[np.ndarray, "epochs layers"]:
        """Its mean over the networks that have a value."""
        if f"{name} middle" not in self._means:
            self._means[f"{name} middle"] = mean(self.middle(name), axis=1)
        return self._means[f"{name} middle"]

    def interval(self, name: str) -> tuple[Float64[np.ndarray, "epochs layers"], Float64[np.ndarray, "epochs layers"]]:
        """Between what the mean of `i_x` or `i_y` lies, as far as the estimator can say: the means of both bounds, or
        one standard error of sampling at each side; NaN where there is neither.
        """
        lower, middle = self.mean(f"{name}_lower"), self.mean(name)
        error = sampling_error(self.values(f"{name}_error"), axis=1)
        bounds = np.isfinite(lower)
        return np.where(bounds, lower, middle - error), np.where(bounds, middle, middle + error)

    def place_between(self, epoch: float) -> tuple[Float64[np.ndarray, " layers"], ...] | None:
        """The `interval` of I(X;T), then of I(T;Y), of each layer at the last measured epoch that is not after one: two
        ends each. None where the estimator has no such thing.
        """
        row = self.row(epoch)
        ends = () if row is None else tuple(end[row] for name in ("i_x", "i_y") for end in self.interval(name))
        return ends if np.isfinite(ends).any() else None

    def layer_figures(self, epoch: float) -> tuple[LayerFigures, ...]:
        """Every layer at the last measured epoch that is not after one; empty where there is none."""
        row = self.row(epoch)
        if row is None:
            return ()

        def over(name: str) -> tuple[Spread, ...]:
            values = self.values(name)[row]
            return geometric_spreads(values) if name in RATIOS else spreads(values)

        columns: dict[str, Sequence[Any]] = {
            "i_x": over("i_x"),
            "i_y": over("i_y"),
            "i_x_lower": over("i_x_lower"),
            "i_y_lower": over("i_y_lower"),
            **{name: sampling_error(self.values(name)[row]).tolist() for name in ("i_x_error", "i_y_error")},
            "distinct": over("distinct_t"),
            **{name: over(name) for name in RATIOS},
            "saturated": over("saturated"),
            "nonlinear": over("nonlinear"),
            **{name: over(name) for name in ("i_orbit", "i_within", "i_x_given_y")},
            **{
                name: over(name)
                for name in ("held_out_i_x", "held_out_i_y", "held_out_i_x_lower", "held_out_i_y_lower")
            },
            "low": least(self.layers.low[row]).tolist(),
            "high": greatest(self.layers.high[row]).tolist(),
        }
        return tuple(
            LayerFigures(k + 1, name, width, **{field: column[k] for field, column in columns.items()})
            for k, (name, width) in enumerate(zip(self.layer_names, self.widths, strict=True))
        )

    def learning_figures(self, epoch: float) -> dict[str, Spread]:
        """Losses (nats) and accuracies by their column, at the last measured epoch that is not after one; empty where
        there is none.
        """
        row = int(np.searchsorted(self.learning.epochs, epoch, side="right")) - 1
        return {} if row < 0 else {name: spread(self.values(name)[row]) for name in LEARNING_COLUMNS}

    # drift and diffusion

    @cached_property
    def transition(self) -> Transition:
        """Where drift ends, by layer and network."""
        from ibtui_engine.phases.transition import transition

        return transition(self.layers)

    @cached_property
    def phases(self) -> Phases:
        """What the two phases are."""
        from ibtui_engine.phases.summary import phases

        return phases(self.layers, widths=self.widths, batches=self.batches, h_x=self.h_x)

    def diffusion(self) -> tuple[tuple[LayerDiffusion, ...], Displacements]:
        """How the weights move after the transition, by layer and of every network; reads the weights of every snapshot
        from the file.

        Raises:
            InvalidValue: the session keeps no weights.
            SessionError: the session can no longer be read.
        """
        from ibtui_engine.phases.diffusion import diffusion

        with self.open() as reader:
            snapshots = ((epoch, reader.weights(self.ensemble, epoch)) for epoch in self.ensemble.snapshots)
            return diffusion(snapshots, reader.architecture(self.ensemble), self.transition.epochs)

    # the bound

    def fits(self, epoch: int | None = None, *, threads: int | None = None, require_beta: bool = False) -> LayerFits:
        """beta* and the distance to the IB curve of every network's layers, at a measured epoch (None: the last).

        Reads the weights from the file; without them there is no beta*. `threads`: None takes all cores.

        Raises:
            InvalidValue: the epoch was not measured, or there is no beta* and it is required.
            SessionError: the session can no longer be read.
        """
        from ibtui_engine.session.bound import fit_ensembles

        chosen = {self.ensemble.index}
        with self.open() as reader:
            found = fit_ensembles(reader, epoch=epoch, threads=threads, require_beta=require_beta, ensembles=chosen)
        return found[2][0][1]

    # the same, of other patterns, and measured otherwise

    def on_held_out(self) -> RecordedEnsemble:
        """The same networks with what was measured of the rows that are held out: its I(X;T) and I(T;Y), H(X) and
        I(X;Y) are theirs, and nothing else of the layers is known of them.

        Raises:
            InvalidValue: no rows are held out.
        """
        held = self.ensemble.rule.held_out
        if held is None:
            raise InvalidValue("no rows are held out in this session: --test-fraction or --test of a table does that")
        unknown = np.full(self.layers.i_x.shape, np.nan)
        of_them = {name: getattr(self.layers, f"held_out_{name}") for name in ("i_x", "i_y", "i_x_lower", "i_y_lower")}
        of_them |= dict.fromkeys(
            ("distinct_t", "saturated", "nonlinear", "i_x_error", "i_y_error", "i_x_most", "i_orbit"), unknown
        )
        layers = replace(self.layers, **of_them)
        rule = replace(self.ensemble.rule, patterns=held.patterns, h_x=held.h_x, i_xy=held.i_xy, held_out=None)
        return replace(self, layers=layers, ensemble=replace(self.ensemble, rule=rule))

    def measured_again(self, layers: LayerHistory, experiment: Experiment) -> RecordedEnsemble:
        """The same ensemble with a history measured with other settings."""
        return replace(self, layers=layers, summary=replace(self.summary, experiment=experiment))
