"""Where the layers of an ensemble stand to the bound at one epoch, as plain data.

Numpy alone: a program can read fits without loading a compiler. `fitting` computes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui_engine.bottleneck.curve import Curve, array, plain
from ibtui_engine.errors import InvalidValue
from ibtui_engine.statistics import Spread, mean, median_interval, spread, standard_error

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.experiment import Experiment
    from ibtui_engine.session.summary import EnsembleSummary, Summary

GREATEST = 1e6
"""beta* is looked for from 0 to here."""
MATRICES = (
    "beta", "residual", "end", "i_x", "i_y", "ib_x", "ib_y", "distance", "worth", "inconsistency", "critical"
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LayerFits:
    """beta* (Shwartz-Ziv and Tishby 2017, Eq. 12) of every network's layers at one epoch, and the way to the curve.

    One row a network, one column a layer, the output last. NaN where there is no value.
    """

    hidden: str
    """Widths of the hidden layers."""
    fraction: float
    """Share of the patterns in each network's sample."""
    epoch: int
    bins: int
    """That the layers were binned with; 0 where their true p(t|x) was fitted, that of stochastic units."""
    greatest: float
    """beta is looked for from 0 to here."""
    beta: Float64[np.ndarray, "networks layers"]
    """beta*; NaN where the residual has no minimum inside the range (see `end`), or none was looked for (`no_beta`)."""
    residual: Float64[np.ndarray, "networks layers"]
    """Mean over x of KL(p(t|x) ‖ p_beta*(t|x)), bits; at the end of the range where the minimum is there."""
    end: Float64[np.ndarray, "networks layers"]
    """0 where the minimum is inside the range or none was looked for, −1 at beta 0 (T knows nothing of Y), 1 at
    `greatest` or beyond."""
    i_x: Float64[np.ndarray, "networks layers"]
    """I(X;T), bits."""
    i_y: Float64[np.ndarray, "networks layers"]
    """I(T;Y), bits."""
    ib_x: Float64[np.ndarray, "networks layers"]
    """I(X;T) of the optimal encoder at beta*, bits."""
    ib_y: Float64[np.ndarray, "networks layers"]
    """I(T;Y) of the optimal encoder at beta*, bits."""
    distance: Float64[np.ndarray, "networks layers"]
    """How far the layer lies below the curve, bits of I(T;Y)."""
    worth: Float64[np.ndarray, "networks layers"]
    """`distance` over the curve's slope above the layer: bits of I(X;T) it would cost there. NaN where it is flat."""
    inconsistency: Float64[np.ndarray, "networks layers"]
    """Mean over t of KL(p(y|t) ‖ the decoder that Eq. 9 makes of p_beta*), bits; 0 on the curve."""
    critical: Float64[np.ndarray, "networks layers"]
    """The critical beta nearest to beta*, by their ratio."""
    optimizer: str = "sgd"
    """Of the networks."""
    no_beta: str = ""
    """Why no beta* was looked for; then I(X;T) and I(T;Y) are as they were recorded. Empty where it was."""

    def against(self, curve: Curve) -> LayerFits:
        """The same layers and beta*, held against a curve: their points on it and distances to it.

        A coarse curve has distances alone: between its few betas no point is that of a beta.
        """
        distance, worth = curve.below(self.i_x, self.i_y)
        ib_x, ib_y = curve.point_at(np.full_like(self.beta, np.nan) if curve.coarse else self.beta)
        critical = curve.nearest_critical(self.beta)
        return replace(self, ib_x=ib_x, ib_y=ib_y, distance=distance, worth=worth, critical=critical)

    def mean(self, name: str) -> Float64[np.ndarray, " layers"]:
        """Mean of a column over the networks that have a value."""
        return mean(getattr(self, name))

    def error(self, name: str) -> Float64[np.ndarray, " layers"]:
        """Standard error of that mean; NaN for fewer than two networks."""
        return standard_error(getattr(self, name))

    def spreads(self, name: str) -> tuple[Spread, ...]:
        """What the networks say of a column, by layer."""
        return tuple(spread(column) for column in getattr(self, name).T)

    def medians(self, name: str) -> tuple[Float64[np.ndarray, " layers"], ...]:
        """Median of a column over the networks that have a value, and both ends of its 95 % interval: for what has
        heavy tails, as beta* has. Ends are NaN for fewer than six networks.
        """
        found = [median_interval(column)[:3] for column in getattr(self, name).T]
        return tuple(np.array(column) for column in zip(*found, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None where there is no number; `from_dict` reads it back.

        Of each layer also the mean over the networks that have a value, its standard error (`_error`), and how many
        these are (`_networks`); of beta* the median with its 95 % interval, too.
        """
        beta = zip(("beta_median", "beta_low", "beta_high"), self.medians("beta"), strict=True)
        medians = {name: of.tolist() for name, of in beta}
        spreads = {name: self.spreads(name) for name in MATRICES if name != "end"}
        layers = [
            {"layer": k + 1}
            | {f"{name}_mean": plain(of[k].mean) for name, of in spreads.items()}
            | {f"{name}_error": plain(of[k].error) for name, of in spreads.items()}
            | {f"{name}_networks": of[k].count for name, of in spreads.items()}
            | {name: plain(of[k]) for name, of in medians.items()}
            | {"at_low_end": int((self.end[:, k] < 0).sum()), "at_high_end": int((self.end[:, k] > 0).sum())}
            for k in range(self.beta.shape[1])
        ]
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)} | {"layers": layers}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LayerFits:
        """The inverse of `to_dict`.

        Raises:
            InvalidValue: a value is missing or is not what it should be.
        """
        try:
            read: dict[str, Any] = {name: array(values[name]) for name in MATRICES}
            read |= {"hidden": str(values["hidden"]), "fraction": float(values["fraction"])}
            read |= {"optimizer": str(values["optimizer"]), "no_beta": str(values["no_beta"])}
            read |= {"epoch": int(values["epoch"]), "bins": int(values["bins"]), "greatest": float(values["greatest"])}
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidValue(f"these are not fits: {error}") from None
        if len({read[name].shape for name in MATRICES}) != 1 or read["beta"].ndim != 2:
            raise InvalidValue("these are not fits: their columns are not of one shape")
        return cls(**read)


def why_no_beta(summary: Summary, ensemble: EnsembleSummary) -> str:
    """Why beta* cannot be fitted to an ensemble's layers; empty where it can."""
    if ensemble.rule.labels > 2:
        return f"beta* is fitted where there are two labels, and here there are {ensemble.rule.labels}"
    if ensemble.rule.weighted:
        return "beta* is fitted where patterns are equally likely, and here p(x) has weights"
    if not summary.experiment.weights:
        return f"beta* needs the weights of the networks; {summary.why_not('weights')}"
    return ""


def why_no_curve(experiment: Experiment) -> str:
    """Why the IB curve says nothing of what an experiment measures; empty where it bounds it."""
    if experiment.estimator == "renyi":
        return "the IB curve bounds Shannon information, and the estimator renyi gives none"
    if experiment.estimator == "probe":
        return "the IB curve is over I(X;T), which the estimator probe does not have"
    return ""


def distances(
    summary: Summary,
    ensemble: EnsembleSummary,
    epoch: int,
    i_x: Float64[np.ndarray, "networks layers"],
    i_y: Float64[np.ndarray, "networks layers"],
    curve: Curve,
) -> LayerFits:
    """How far below the curve an ensemble's layers lie that were measured at an epoch, in bits, where there is no
    beta*, for the reason of `why_no_beta`.
    """
    absent = np.full(i_x.shape, np.nan)
    return LayerFits(
        hidden=ensemble.hidden,
        fraction=ensemble.fraction,
        epoch=epoch,
        bins=0 if ensemble.settings.stochastic else summary.experiment.bins,
        greatest=GREATEST,
        beta=absent,
        residual=absent,
        end=np.zeros(i_x.shape),
        i_x=i_x,
        i_y=i_y,
        ib_x=absent,
        ib_y=absent,
        distance=absent,
        worth=absent,
        inconsistency=absent,
        critical=absent,
        optimizer=ensemble.optimizer,
        no_beta=why_no_beta(summary, ensemble),
    ).against(curve)
