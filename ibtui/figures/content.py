"""What figures show, as plain data: a figure is rows of panels, and a panel is one kind of plot with its numbers.

Nothing here knows how it is drawn. Information is in bits; means are over networks; NaN where there is no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ibtui_engine.statistics import EpochSpread, Spread

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int64

    from ibtui_engine.bottleneck.curve import Curve, SampledBound
    from ibtui_engine.bottleneck.fits import LayerFits


@dataclass(frozen=True)
class Plane:
    """What information planes have in common: which ensemble is in them, and what bounds them."""

    title: str
    hidden: str
    """Widths of the hidden layers."""
    fraction: float
    networks: int
    h_x: float
    """H(X)."""
    i_xy: float
    """I(X;Y)."""
    basis: str
    """What the information rests on, in words."""
    names: tuple[str, ...] | None = None
    """Of the layers; None: T1, T2, ..., and the output."""


@dataclass(frozen=True, eq=False)
class Points:
    """Every network's layers at one epoch."""

    plane: Plane
    epoch: int
    first_seed: int
    """Network k has this seed + k."""
    i_x: Float[np.ndarray, "networks layers"]
    i_y: Float[np.ndarray, "networks layers"]


@dataclass(frozen=True, eq=False)
class Paths:
    """The layers' mean trajectories."""

    plane: Plane
    epochs: Int64[np.ndarray, " epochs"]
    i_x: Float[np.ndarray, "epochs layers"]
    i_y: Float[np.ndarray, "epochs layers"]
    transitions: tuple[float, ...]
    """The epoch at which each layer's drift ends; NaN where it does in less than half of the networks."""
    transition: float
    """The same of the network as a whole."""
    last_epoch: int
    """Where the colours end."""
    networks: Int64[np.ndarray, "epochs layers"]
    """That the means are over."""


@dataclass(frozen=True, eq=False)
class Gradients:
    """Mean and standard deviation of the layers' batch gradients, over the norm of their weights."""

    title: str
    widths: tuple[int, ...]
    """Of the input and all layers."""
    epochs: Int64[np.ndarray, " epochs"]
    mean: Float[np.ndarray, "epochs layers"]
    std: Float[np.ndarray, "epochs layers"]
    floor: Float[np.ndarray, " epochs"]
    """The mean that independent noise would have: geometric mean of `std` over layers, over sqrt(batches)."""
    batches: int
    """In an epoch."""
    transition: float | None
    """Where drift ends in the network as a whole; None where it does in less than half of them."""
    last_epoch: int
    networks: Int64[np.ndarray, "epochs layers"]
    """That the means are over."""
    names: tuple[str, ...] | None = None
    """Of the layers; None: T1, T2, ..., and the output."""


@dataclass(frozen=True, eq=False)
class SignalToNoise:
    """Gradient SNR of the layers, where it falls below one, and where it levels off."""

    title: str
    epochs: Int64[np.ndarray, " epochs"]
    snr: Float[np.ndarray, "epochs layers"]
    """Geometric mean over networks."""
    transitions: tuple[EpochSpread, ...]
    """Of each layer."""
    network: EpochSpread
    """Of the network as a whole."""
    levels_at: tuple[EpochSpread, ...]
    """Where log SNR stops falling."""
    level: tuple[Spread, ...]
    """SNR beyond that, geometric mean over networks."""
    batches: int
    last_epoch: int
    networks: Int64[np.ndarray, "epochs layers"]
    """That `snr` is the mean over."""
    names: tuple[str, ...] | None = None
    """Of the layers; None: T1, T2, ..., and the output."""


@dataclass(frozen=True, eq=False)
class Bound:
    """Converged layers, the IB curve, each layer's beta* (median over networks), and the curve's point at it."""

    plane: Plane
    curve: Curve
    fits: LayerFits

    @property
    def at_beta(self) -> tuple[Float[np.ndarray, " layers"], Float[np.ndarray, " layers"]]:
        """I(X;T) and I(T;Y) of the optimal encoder at each layer's beta*: medians over networks, as of beta*."""
        return self.fits.medians("ib_x")[0], self.fits.medians("ib_y")[0]


@dataclass(frozen=True, eq=False)
class Fractions:
    """Converged layers of several sample fractions, the IB curve, and the finite-sample bound of each fraction."""

    plane: Plane
    """Its fraction is the largest."""
    fractions: tuple[float, ...]
    epoch: int
    i_x: Float[np.ndarray, "fractions layers"]
    i_y: Float[np.ndarray, "fractions layers"]
    error_x: Float[np.ndarray, "fractions layers"]
    """Standard errors of the means; NaN for one network."""
    error_y: Float[np.ndarray, "fractions layers"]
    curve: Curve
    sampled: tuple[SampledBound, ...]
    """Of the samples that the networks learned from."""


@dataclass(frozen=True, eq=False)
class Compared:
    """Layers of ensembles that differ in one thing, each at an epoch of its own, and the IB curve."""

    plane: Plane
    names: tuple[str, ...]
    """Of the ensembles."""
    epochs: tuple[int, ...]
    """Of each."""
    i_x: Float[np.ndarray, "ensembles layers"]
    i_y: Float[np.ndarray, "ensembles layers"]
    error_x: Float[np.ndarray, "ensembles layers"]
    """Standard errors of the means; NaN for one network."""
    error_y: Float[np.ndarray, "ensembles layers"]
    curve: Curve


@dataclass(frozen=True, eq=False)
class Line:
    """One line of `Lines`. `low` and `high` are the ends of its error bars; NaN for none."""

    name: str
    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]
    count: Int64[np.ndarray, " points"]
    """Networks that a point rests on."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Any numbers against some others."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    x_log: bool = False
    y_log: bool = False
    x_whole: bool = False
    """Whether x counts something: ticks at whole numbers alone."""
    x_names: tuple[str, ...] | None = None
    """What stands at x = 1, 2, ... in place of numbers: of layers their names."""
    columns: tuple[str, str] = ("x", "y")
    """What a table calls x and y, with their units."""
    y_limits: tuple[float, float] | None = None
    """None: what the data need."""
    note: str = ""
    """What points and bars are, for the caption."""


Panel = Points | Paths | Gradients | SignalToNoise | Bound | Fractions | Compared | Lines


@dataclass(frozen=True)
class Content:
    """All of one figure."""

    rows: tuple[tuple[Panel, ...], ...]
    width: float
    """Of its picture, in inches: one or two columns of a page."""
    heights: tuple[float, ...]
    """Of its rows, in inches."""
    notes: tuple[str, ...] = ()
    """What is not quite as the paper has it, in sentences."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, row by row."""
        return tuple(panel for row in self.rows for panel in row)


ONE_COLUMN, TWO_COLUMNS = 3.4, 7.0
"""Inches."""
