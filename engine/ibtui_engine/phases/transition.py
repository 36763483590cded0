"""Where drift ends and diffusion begins: the epoch at which a layer's gradient SNR falls below one.

Shwartz-Ziv and Tishby (2017), section 3.5 and Fig. 4, read it off a chart. Here it is estimated, for every network and
layer, on the natural log axis of epochs. SNR is measured in single epochs and scatters by a factor of 1.3 to 1.6, so
that one value below one says nothing. Let C be the running integral of log SNR over log epoch, from epoch 1. Diffusion
is the stretch over which C falls deepest below an earlier height; the transition is where C was highest before: drift
after that point, or diffusion before it, would each be more wrong. This is where the best decreasing curve through log
SNR up to the end of that stretch (least squares, isotonic regression: Brunk 1955, Groeneboom 1985) crosses zero. It has
no width or smoothness to choose, weighs each snapshot by the epochs it stands for, and once found it stays where it is
while a session grows, unless a deeper diffusion follows.

A transition is there only where the rise of C before it and its fall after it both exceed `CERTAINTY` standard
deviations of such a sum of noise (from the differences of neighbouring snapshots) and hold `LEAST_SNAPSHOTS` snapshots.
Pure drift, pure noise, and gradients without an SNR (one batch an epoch) have none. Of gradients drawn as pure noise (2
to 7 batches, layers of 2 to 50 weights), and of an SNR that hovers at one, less than 1 % are given a transition.

Tried on synthetic curves that fall from SNR 3 to 0.12 with 20 to 120 snapshots up to epoch 10 000 and noise of 0.2 to
0.8 in log SNR, beside a local line through the neighbourhood, smoothing (local lines, local parabolas) before the same
rule, and a kinked line: for falls that are about as steep before as after one (over 0.2 to 2 e-folds) its bias is at
most a fifth of its scatter (a quarter with 20 snapshots), that of the others up to several times theirs. Its weakness,
shared by all of these, is a curve that turns just at one: where the fall is seven times steeper after than before, 120
snapshots and noise of 0.5 put it early by 0.2 (a fifth of the epoch), and late by 0.14 the other way round. Intervals
do not know of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.statistics import EpochSpread, common_error, epoch_spread

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64, Real

    from ibtui_engine.session.columns import LayerHistory

CERTAINTY = 3.0
"""Standard deviations of noise that drift before, and diffusion after, must both exceed."""
LEAST_SNAPSHOTS = 3
"""Snapshots that each must have."""
PRIOR_PAIRS = 4
"""The noise of a stretch is that of its own neighbouring snapshots and of this many usual ones of the curve: drift is
less noisy than diffusion, but a short stretch tells little by itself."""


@dataclass(frozen=True, eq=False)
class Crossings:
    """Where some curves of SNR fall below one, each by itself."""

    epochs: Float64[np.ndarray, "*shape"]
    """NaN where a curve does not."""
    resolution: Float64[np.ndarray, "*shape"]
    """Standard error on the natural log axis from the distance of the snapshots around it; NaN likewise."""
    returns: Bool[np.ndarray, "*shape"]
    """Whether SNR is above one again at the end, as certainly as it was above and below before."""


@dataclass(frozen=True, eq=False)
class Transition:
    """Where drift ends in an ensemble."""

    epochs: Float64[np.ndarray, "networks layers"]
    """Of each layer of each network; NaN where there is no transition."""
    resolution: Float64[np.ndarray, "networks layers"]
    """Standard error on the natural log axis from the distance of the snapshots around it; NaN likewise."""
    returns: Bool[np.ndarray, "networks layers"]
    """Whether the layer's SNR is above one again at the end."""
    layers: tuple[EpochSpread, ...]
    """Of each layer, over networks."""
    network_snr: Float64[np.ndarray, "epochs networks"]
    """Gradient SNR of all weights of a network together."""
    network_epochs: Float64[np.ndarray, " networks"]
    """Of each network as a whole: where that SNR falls below one."""
    network_returns: Bool[np.ndarray, " networks"]
    network: EpochSpread
    """Of the network as a whole, over networks."""
    measured: bool
    """Whether there is any SNR to judge by; there is none where an epoch is one batch."""


def transition(history: LayerHistory) -> Transition:
    """The drift/diffusion transition of every layer, and of the network as a whole, over an ensemble's networks."""
    layer_snr = history.snr
    layers = crossings(history.epochs, layer_snr)
    together = network_snr(history)
    whole = crossings(history.epochs, together)
    return Transition(
        epochs=layers.epochs,
        resolution=layers.resolution,
        returns=layers.returns,
        layers=tuple(
            epoch_spread(layers.epochs[:, layer], common_error(layers.resolution[:, layer]))
            for layer in range(layers.epochs.shape[1])
        ),
        network_snr=together,
        network_epochs=whole.epochs,
        network_returns=whole.returns,
        network=epoch_spread(whole.epochs, common_error(whole.resolution)),
        measured=bool(np.isfinite(layer_snr).any()),
    )


def network_snr(history: LayerHistory) -> Float64[np.ndarray, "epochs networks"]:
    """Gradient SNR of all weights of a network together, biases apart; NaN where there is none.

    Squared norms of means, and summed variances, add up over layers; `history` has them over the layer's weight norm.
    """
    with np.errstate(over="ignore"):  # what is beyond all numbers is taken as not measured
        mean, std = (
            np.square(part * history.weight_norm).sum(axis=-1) for part in (history.grad_mean, history.grad_std)
        )
        ratio = np.full(mean.shape, np.nan)
        np.divide(mean, std, out=ratio, where=std > 0)
    return np.sqrt(ratio)


def crossings(epochs: Real[np.ndarray, " epochs"], snr: Float[np.ndarray, "epochs ..."]) -> Crossings:
    """Where curves of SNR fall below one, as the module says. Epochs ascend; those below 1 have no place on the axis.

    An SNR that is NaN, zero or infinite is taken as not measured.
    """
    shape = snr.shape[1:]
    later = np.asarray(epochs) >= 1
    axis = np.log(np.asarray(epochs, np.float64)[later])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_snr = np.log(snr[later]).reshape(len(axis), int(np.prod(shape)))
    columns = log_snr.shape[1]
    absent = Crossings(np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, bool))
    if len(axis) < 2 * LEAST_SNAPSHOTS or columns == 0:
        return absent
    measured = np.isfinite(log_snr)
    value = np.where(measured, log_snr, 0.0)
    cell = _cells(axis)[:, None] * measured

    integral = _running(cell * value)
    squares = _running(cell**2)
    number = _running(measured.astype(np.float64))
    # Neighbours whose difference tells the noise; a pair belongs to the place of its later snapshot.
    pairs = np.vstack([np.zeros((1, columns), bool), measured[1:] & measured[:-1]])
    paired = _running(pairs.astype(np.float64))
    differences = _running(np.where(pairs, np.square(np.diff(value, axis=0, prepend=0.0)) / 2, 0.0))

    column = np.arange(columns)
    place = np.arange(len(integral))[:, None]
    below = np.argmax(np.maximum.accumulate(integral, axis=0) - integral, axis=0)  # where diffusion's stretch ends
    highest = np.max(np.where(place <= below, integral, -np.inf), axis=0)
    # At the transition snapshot `top` - 1 is above one and the next is not. Of equal heights the last counts.
    top = np.max(np.where((place <= below) & (integral == highest), place, 0), axis=0)
    start = np.argmin(np.where(place <= top, integral, np.inf), axis=0)

    def over(running: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        difference: np.ndarray = running[end, column] - running[begin, column]
        return difference

    usual = differences[-1] / np.maximum(paired[-1], 1)

    def certain(begin: np.ndarray, end: np.ndarray, sign: int) -> np.ndarray:
        inner = np.minimum(begin + 1, end)  # the first pair reaches back across the place where the stretch begins
        within = (over(differences, inner, end) + PRIOR_PAIRS * usual) / (over(paired, inner, end) + PRIOR_PAIRS)
        change = sign * over(integral, begin, end)
        noise = np.sqrt(np.maximum(within * over(squares, begin, end), 0.0))
        found: np.ndarray = (over(number, begin, end) >= LEAST_SNAPSHOTS) & (change > CERTAINTY * noise) & (change > 0)
        return found

    there = certain(start, top, 1) & certain(top, below, -1)
    last = np.full(columns, len(axis))
    returns = there & certain(below, last, 1)

    before, after = _neighbours(measured, top)
    high, low = value[before, column], value[after, column]
    share = np.divide(high, high - low, out=np.full(columns, 0.5), where=high > low)
    gap = axis[after] - axis[before]
    found = np.where(there, np.exp(axis[before] + np.clip(share, 0, 1) * gap), np.nan)
    resolution = np.where(there, gap / np.sqrt(12), np.nan)  # the standard deviation of a place anywhere in the gap
    return Crossings(found.reshape(shape), resolution.reshape(shape), returns.reshape(shape))


def _cells(axis: Float64[np.ndarray, " epochs"]) -> Float64[np.ndarray, " epochs"]:
    """How much of the log axis each snapshot stands for: up to the middles to its neighbours."""
    edges = np.concatenate([axis[:1], (axis[1:] + axis[:-1]) / 2, axis[-1:]])
    return np.diff(edges)


def _running(values: Float64[np.ndarray, "epochs columns"]) -> Float64[np.ndarray, "epochs+1 columns"]:
    sums = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    return sums


def _neighbours(measured: Bool[np.ndarray, "epochs columns"], top: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last measured snapshot before place `top` of each column's running sums, and the first one after it."""
    place = np.arange(len(measured))[:, None]
    before = np.max(np.where(measured & (place < top), place, 0), axis=0)
    after = np.min(np.where(measured & (place >= top), place, len(measured) - 1), axis=0)
    return before, after
