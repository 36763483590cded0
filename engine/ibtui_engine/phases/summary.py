"""The phases of an ensemble, all together, from its layer history: one row a layer, and what is of the whole network.

NumPy only. What needs the weights is in `ibtui_engine.phases.diffusion`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.phases.decline import decline
from ibtui_engine.phases.depth import Depth, depth
from ibtui_engine.phases.leveling import Leveling, leveling
from ibtui_engine.phases.order import Order, order
from ibtui_engine.phases.transition import Transition, transition
from ibtui_engine.phases.turning import Turning, turning
from ibtui_engine.statistics import EpochSpread, Spread, common_error, epoch_spread, geometric_spread, spread

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.session.columns import LayerHistory


@dataclass(frozen=True)
class LayerPhases:
    """The phases of one layer, over networks."""

    layer: int
    """From 1, the hidden layer next to the input."""
    width: int
    transition: EpochSpread
    """Where its gradient SNR falls below one."""
    returns: int
    """Networks with a transition whose SNR is above one again at the end."""
    turning: EpochSpread
    """Where I(X;T) turns from rising to falling."""
    from_start: int
    """Networks in which I(X;T) falls from the first snapshot on."""
    delay: Spread
    """Natural logarithm of turning over transition, of the networks that have both: above 0, I(X;T) turns later."""
    half_fitted: EpochSpread
    """Where half of the rise of I(T;Y) is done."""
    half_compressed: EpochSpread
    """Where half of the deepest fall of I(X;T) so far is done."""
    compression: Spread
    """Bits from the peak of I(X;T) to the last snapshot."""
    drift_share: Spread
    """Share of the epochs so far that lie before the transition, of the networks that have one."""
    levels_at: EpochSpread
    """Where log SNR stops falling."""
    level: Spread
    """SNR beyond that, geometric mean over networks."""
    slope: Spread
    """Bits per e-fold of epochs by which I(X;T) changes after the transition."""
    r_squared: Spread
    """Of that line."""
    norm_first: Spread
    """Norm of the layer's weights, biases apart, at the first snapshot."""
    norm_last: Spread
    """At the last."""

    @property
    def coincide(self) -> bool | None:
        """Whether turning point and transition cannot be told apart at 95 %; None without two that have both."""
        if math.isnan(self.delay.error):
            return None
        return self.delay.low <= 0 <= self.delay.high


@dataclass(frozen=True, eq=False)
class Phases:
    """The phases of an ensemble."""

    layers: tuple[LayerPhases, ...]
    transition: Transition
    """With every network's own transition, and that of the network as a whole."""
    turning: Turning
    """With every network's own turning points."""
    leveling: Leveling
    """Where log SNR stops falling, of each layer of each network."""
    drift_share: Spread
    """Share of the epochs so far before the transition of the network as a whole."""
    levels_at: EpochSpread
    """Where log SNR of the network as a whole stops falling."""
    level: Spread
    """SNR beyond that, geometric mean over networks."""
    floor: float
    """SNR of independent batches of pure noise, about: 1/sqrt(batches); NaN where an epoch is one batch. Batches of one
    epoch share no pattern, so that SNR can be below it."""
    fitting: Order
    """Of the layers by when half of the rise of I(T;Y) is done."""
    compressing: Order
    """Of the layers by when half of the fall of I(X;T) is done."""
    depth: Depth
    """The two sides of Eq. 11."""
    batches: int
    """In an epoch."""
    epochs: int
    """The last epoch measured; 0 where none is."""


def phases(history: LayerHistory, *, widths: Sequence[int], batches: int, h_x: float) -> Phases:
    """The phases of an ensemble from its history so far.

    Args:
        history: of an ensemble whose networks have `len(widths)` layers.
        widths: of the layers, the output last.
        batches: in an epoch.
        h_x: H(X), bits.
    """
    found = transition(history)
    turns = turning(history.epochs, history.i_x, history.i_y)
    flat = leveling(history.epochs, history.snr, found.epochs)
    whole_flat = leveling(history.epochs, found.network_snr, found.network_epochs)
    lines = decline(history.epochs, history.i_x, found.epochs)
    last = int(history.epochs[-1]) if len(history.epochs) else 0
    delay = np.log(turns.epochs / found.epochs)
    shares = found.epochs / max(last, 1)
    first_norm, last_norm = _ends(history.weight_norm)
    rows = tuple(
        LayerPhases(
            layer=k + 1,
            width=width,
            transition=found.layers[k],
            returns=int(found.returns[:, k].sum()),
            turning=epoch_spread(turns.epochs[:, k], common_error(turns.resolution[:, k])),
            from_start=int(turns.from_start[:, k].sum()),
            delay=spread(
                delay[:, k], math.hypot(common_error(turns.resolution[:, k]), common_error(found.resolution[:, k]))
            ),
            half_fitted=epoch_spread(turns.half_fitted[:, k]),
            half_compressed=epoch_spread(turns.half_compressed[:, k]),
            compression=spread(turns.compression[:, k]),
            drift_share=spread(shares[:, k]),
            levels_at=epoch_spread(flat.epochs[:, k]),
            level=geometric_spread(flat.snr[:, k]),
            slope=spread(lines.slope[:, k]),
            r_squared=spread(lines.r_squared[:, k]),
            norm_first=spread(first_norm[:, k]),
            norm_last=spread(last_norm[:, k]),
        )
        for k, width in enumerate(widths)
    )
    ends = [spread(values) for values in _ends(history.i_x)[1].T]
    return Phases(
        layers=rows,
        transition=found,
        turning=turns,
        leveling=flat,
        drift_share=spread(found.network_epochs / max(last, 1)),
        levels_at=epoch_spread(whole_flat.epochs),
        level=geometric_spread(whole_flat.snr),
        floor=1 / math.sqrt(batches) if batches > 1 else math.nan,
        fitting=order(turns.half_fitted),
        compressing=order(turns.half_compressed),
        depth=depth(h_x, np.array([end.mean for end in ends]), np.array([row.compression.mean for row in rows])),
        batches=batches,
        epochs=last,
    )


def _ends(
    values: Float64[np.ndarray, "epochs networks layers"],
) -> tuple[Float64[np.ndarray, "networks layers"], Float64[np.ndarray, "networks layers"]]:
    """Each network's first and last measured values; NaN where there is none."""
    measured = np.isfinite(values)
    if len(values) == 0:
        absent = np.full(values.shape[1:], np.nan)
        return absent, absent
    first = np.argmax(measured, axis=0)
    last = len(values) - 1 - np.argmax(measured[::-1], axis=0)
    at_first, at_last = (np.take_along_axis(values, row[None], axis=0)[0] for row in (first, last))
    return at_first, at_last
