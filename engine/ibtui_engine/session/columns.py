"""What is measured of every layer and every network, declared once: the columns of the tables `layer` and `learning`.

A field of `LayerHistory` or `LearningHistory` is a column. From its declaration follow the schema, what a run inserts,
what is copied when a session is measured again, what readers return and check, what `ibtui export` writes, and the
table of columns in `engine/README.md`. All tables are in `ibtui_engine.session.tables`. Nothing here loads numpy:
listing sessions must not wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from jaxtyping import Float64, Int64

    ByLayer = Float64[np.ndarray, "epochs networks layers"]
    ByNetwork = Float64[np.ndarray, "epochs networks"]

TOLERANCE = 1e-6
"""By which rounding may take a bound of an information, or a share."""
GREATEST = 1e100
"""No measured number is larger: the largest float32 over the smallest is 1e83."""


class Kind(NamedTuple):
    """What a number is, and the least and the greatest that it can be."""

    unit: str
    least: float
    most: float


BITS = Kind("bits", -1.0, 64.0)
NATS = Kind("nats", -TOLERANCE, GREATEST)
SHARE = Kind("0 to 1", -TOLERANCE, 1 + TOLERANCE)
SIZE = Kind("", 0.0, GREATEST)
NUMBER = Kind("", -GREATEST, GREATEST)


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    sql: str
    """Its type and constraints, as in CREATE TABLE."""
    about: str = ""
    """What it is, for the schema and the documentation."""
    kind: Kind = NUMBER
    """Of what is measured: its unit and range."""
    since: int = 1
    """The version of the format that added it. In sessions of earlier versions it has the declared default, or is
    absent."""
    source: str = ""
    """Where its values are in `ibtui_engine.session.writer.Measured`; empty for what is not measured."""
    estimated: bool = False
    """Whether it depends on the estimator: then a session that is measured again has other values."""
    in_runs: bool = False
    """Whether every row of a run has a value; recordings may lack what nobody gave them, or what was no number."""
    lacking: tuple[str, ...] = ()
    """Estimators that give no value, in runs neither."""

    def needed(self, estimator: str) -> bool:
        """Whether every row of a run that is measured by an estimator has a value."""
        return self.always or (self.in_runs and estimator not in self.lacking)

    @property
    def always(self) -> bool:
        """Whether every row has a value."""
        return "NOT NULL" in self.sql

    @property
    def field(self) -> str:
        """Its name in the object that the measure returns."""
        return self.source.rpartition(".")[2]

    def of(self, measured: object) -> Any:
        """Its values in a `Measured`."""
        return attrgetter(self.source)(measured)


def recorded(
    sql: str,
    kind: Kind,
    source: str,
    about: str,
    *,
    since: int = 1,
    estimated: bool = False,
    lacking: tuple[str, ...] = (),
) -> Any:
    """A field of a history that is a column, which has the field's name."""
    column = Column("", REAL if sql == IN_RUNS else sql, about, kind, since, source, estimated, sql == IN_RUNS, lacking)
    return field(metadata={"column": column})


History = TypeVar("History")


@dataclass_transform(frozen_default=True, field_specifiers=(recorded,))
def history(cls: type[History]) -> type[History]:
    """A dataclass whose fields are declared by `recorded`."""
    return dataclass(frozen=True, eq=False)(cls)


def columns_of_history(cls: type) -> tuple[Column, ...]:
    """The columns that a history declares, in their order."""
    return tuple(replace(one.metadata["column"], name=one.name) for one in fields(cls) if one.metadata)


def snr(mean: Float64[np.ndarray, "*shape"], std: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """mean / std, NaN where std is 0 or absent."""
    import numpy as np

    ratio = np.full(np.shape(mean), np.nan)
    np.divide(mean, std, out=ratio, where=np.asarray(std) > 0)
    return ratio


REAL = "REAL"
IN_RUNS = "REAL, in runs"
"""Of numbers that every row of a run has."""


@history
class LayerHistory:
    """What was measured of every layer of an ensemble, by epoch, network and layer. NaN where there is no value."""

    epochs: Int64[np.ndarray, " epochs"]
    i_x: ByLayer = recorded(
        *(IN_RUNS, BITS, "information.i_x"),
        "I(X;T); an upper bound where `i_x_lower` has a value; not from the estimator probe",
        estimated=True,
        lacking=("probe",),
    )
    i_y: ByLayer = recorded(
        *(IN_RUNS, BITS, "information.i_y", "I(T;Y); an upper bound where `i_y_lower` has a value"), estimated=True
    )
    distinct_t: ByLayer = recorded(
        *("INTEGER NOT NULL", SIZE, "information.distinct", "distinct values of t, before noise is added"),
        estimated=True,
    )
    low: ByLayer = recorded(
        *(IN_RUNS, NUMBER, "information.low", "lower end of bins of equal width; else the least output that occurs"),
        estimated=True,
    )
    high: ByLayer = recorded(
        *(IN_RUNS, NUMBER, "information.high", "upper end of bins of equal width; else the greatest that occurs"),
        estimated=True,
    )
    grad_mean: ByLayer = recorded(
        REAL, SIZE, "grad_mean", "norm of the epoch's mean batch gradient over the weight norm; absent at epoch 0"
    )
    grad_std: ByLayer = recorded(
        *(REAL, SIZE, "grad_std"),
        "root of the batch gradients' summed variance over the weight norm; absent where an epoch is one batch",
    )
    weight_norm: ByLayer = recorded(IN_RUNS, SIZE, "weight_norm", "Euclidean norm of the weights")
    i_x_lower: ByLayer = recorded(
        *(REAL, BITS, "information.i_x_lower", "lower bound of I(X;T); only from the estimator kde"),
        since=2,
        estimated=True,
    )
    i_y_lower: ByLayer = recorded(
        *(REAL, BITS, "information.i_y_lower", "lower bound of I(T;Y); only from the estimator kde"),
        since=2,
        estimated=True,
    )
    saturated: ByLayer = recorded(
        REAL, SHARE, "information.saturated", "share of outputs near the activation's bounds", since=2
    )
    nonlinear: ByLayer = recorded(
        *(REAL, SHARE, "information.nonlinear", "share of pre-activations beyond the activation's linear range"),
        since=2,
    )
    acceptance: ByLayer = recorded(
        *(REAL, SHARE, "acceptance", "share of the last Monte-Carlo moves that were accepted; absent without moves"),
        since=3,
    )
    held_out_i_x: ByLayer = recorded(
        *(REAL, BITS, "information.held_out_i_x", "I(X;T) of the rows that are held out; absent where there are none"),
        since=6,
        estimated=True,
    )
    held_out_i_y: ByLayer = recorded(
        *(REAL, BITS, "information.held_out_i_y", "I(T;Y) of them"), since=6, estimated=True
    )
    held_out_i_x_lower: ByLayer = recorded(
        *(REAL, BITS, "information.held_out_i_x_lower", "lower bound of it; only from the estimator kde"),
        since=6,
        estimated=True,
    )
    held_out_i_y_lower: ByLayer = recorded(
        *(REAL, BITS, "information.held_out_i_y_lower", "lower bound of it; only from the estimator kde"),
        since=6,
        estimated=True,
    )
    i_x_error: ByLayer = recorded(
        *(REAL, BITS, "information.i_x_error", "standard error of I(X;T); only from the estimator gauss"),
        since=6,
        estimated=True,
    )
    i_y_error: ByLayer = recorded(
        *(REAL, BITS, "information.i_y_error", "standard error of I(T;Y); only from the estimators gauss and probe"),
        since=6,
        estimated=True,
    )
    i_x_most: ByLayer = recorded(
        *(
            REAL,
            BITS,
            "information.i_x_most",
            "the most that I(X;T) can be, where not H(X); only from the estimator renyi",
        ),
        since=7,
        estimated=True,
    )

    i_orbit: ByLayer = recorded(
        *(REAL, BITS, "information.i_orbit"),
        "I(T;orbit), of the class of patterns with equal p(y|x); only from estimators that count values: binning, "
        "adaptive, quantile, exact",
        since=7,
        estimated=True,
    )

    frozen_mean: ByLayer = recorded(
        *(REAL, SIZE, "frozen_mean"),
        "norm of the gradient of the sample's loss at the snapshot's weights, over the weight norm; absent in "
        "recordings, and of stochastic units",
        since=8,
    )
    frozen_std: ByLayer = recorded(
        *(REAL, SIZE, "frozen_std"),
        "root of the summed variance of that over the sample's examples, over the weight norm",
        since=8,
    )

    def estimated_as(self, values: Iterable[ByLayer]) -> LayerHistory:
        """The same networks by another estimator, which gave the values of `ESTIMATED_COLUMNS`."""
        return replace(self, **dict(zip(ESTIMATED_COLUMNS, values, strict=True)))

    @property
    def i_within(self) -> ByLayer:
        """I(X;T | orbit) = I(X;T) − I(T;orbit), bits: T is a function of X, and the orbit is another. NaN without
        `i_orbit`.
        """
        within: ByLayer = self.i_x - self.i_orbit
        return within

    @property
    def i_x_given_y(self) -> ByLayer:
        """I(X;T | Y) = I(X;T) − I(T;Y), bits: T knows of Y only through X. NaN without `i_orbit`: differences of bounds
        are none.
        """
        import numpy as np

        difference: ByLayer = self.i_x - self.i_y
        return np.asarray(np.where(np.isnan(self.i_orbit), np.nan, difference))

    @property
    def snr(self) -> ByLayer:
        """Gradient signal to noise, `grad_mean / grad_std`; NaN where there is no noise to compare with."""
        return snr(self.grad_mean, self.grad_std)

    @property
    def noise_scale(self) -> ByLayer:
        """Gradient noise scale, tr C / |g|² with C the covariance over examples at frozen weights (McCandlish and
        others 2018, arXiv:1812.06162): a batch of that many, drawn with replacement, has as much noise as signal.
        """
        scale: ByLayer = snr(self.frozen_std, self.frozen_mean) ** 2
        return scale

    def frozen_snr(self, batch: float) -> ByLayer:
        """Norm of the gradient at frozen weights over the root of its summed variance in batches of that many examples,
        drawn with replacement: what `snr` would be if weights stood still in an epoch. NaN where batches have no noise.
        """
        import numpy as np

        factor = np.sqrt(batch) if np.isfinite(batch) else np.nan
        ratio: ByLayer = snr(self.frozen_mean, self.frozen_std) * factor
        return ratio


@history
class LearningHistory:
    """Losses and accuracies of an ensemble's networks, by epoch and network. NaN where there is no value."""

    epochs: Int64[np.ndarray, " epochs"]
    train_loss: ByNetwork = recorded(IN_RUNS, NATS, "learning.train_loss", "cross-entropy in the sample")
    test_loss: ByNetwork = recorded(
        REAL, NATS, "learning.test_loss", "cross-entropy outside it; absent where the sample is all patterns"
    )
    train_accuracy: ByNetwork = recorded(
        IN_RUNS, SHARE, "learning.train_accuracy", "share of the sample's labels that are guessed right"
    )
    test_accuracy: ByNetwork = recorded(
        REAL, SHARE, "learning.test_accuracy", "the same outside it; absent where the sample is all patterns"
    )
    held_out_loss: ByNetwork = recorded(
        *(REAL, NATS, "learning.held_out_loss", "cross-entropy of the rows that are held out"), since=6
    )
    held_out_accuracy: ByNetwork = recorded(
        *(REAL, SHARE, "learning.held_out_accuracy", "share of their labels that are guessed right"), since=6
    )


def values_of(
    history: LayerHistory | LearningHistory, name: str, noisy_batch: float
) -> Float64[np.ndarray, "epochs ..."]:
    """A column of a history, or what follows from it (`DERIVED`). `noisy_batch`: of the ensemble, as its summary has
    it.
    """
    found = getattr(history, name)
    values: Float64[np.ndarray, "epochs ..."] = found(noisy_batch) if callable(found) else found
    return values


LAYER = columns_of_history(LayerHistory)
LEARNING = columns_of_history(LearningHistory)
INFORMATION = tuple(column for column in LAYER if column.source.startswith("information."))
"""Those that follow from the weights: they can be measured again."""
ESTIMATED = tuple(column for column in LAYER if column.estimated)
"""Those that each further estimator of a recording has values of its own for."""
ESTIMATED_COLUMNS = tuple(column.name for column in ESTIMATED)
LAYER_COLUMNS = tuple(column.name for column in LAYER)
DERIVED = {
    "snr": ("1", "gradient SNR: grad_mean over grad_std"),
    "frozen_snr": ("1", "SNR that batches would have at frozen weights: root of the batch over noise_scale"),
    "noise_scale": ("examples", "gradient noise scale: the square of frozen_std over frozen_mean"),
    "i_within": ("bits", "I(X;T | orbit) = I(X;T) − I(T;orbit), what T tells of X within classes of equal p(y|x)"),
    "i_x_given_y": ("bits", "I(X;T | Y) = I(X;T) − I(T;Y)"),
}
"""What follows from the columns of a layer and is no column: by its name (`values_of`) its unit, and what
it is."""
LEARNING_COLUMNS = tuple(column.name for column in LEARNING)
MEASURED = {column.name: column for column in (*LAYER, *LEARNING)}
"""All of them by name; no name is in both tables."""
