"""One sentence on what happens at an epoch, from recorded numbers alone: a caption that follows the playhead."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.statistics import geometric_mean

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.session.ensemble import RecordedEnsemble

LEAST_BITS = 0.1
"""Bits of the input that a layer must have lost before the commentary says that it compresses."""
LEAST_FIT = 0.02
"""Bits of the label that the output must have gained since the snapshot before to be said to fit."""


def commentary(of: RecordedEnsemble, epoch: int) -> str:
    """What the networks of an ensemble do at a measured epoch: which phase they are in, and what has changed.

    Drift ends where the gradient SNR of all weights together falls below one, in at least half of the networks
    (`Transition.network`). Bits lost are means over networks. Empty where nothing is measured.
    """
    row = of.row(epoch)
    if row is None:
        return ""
    epoch = of.epochs[row]
    i_x, i_y = of.mean("i_x"), of.mean("i_y")
    if not (np.isfinite(i_x[row]) | np.isfinite(i_y[row])).any():
        return f"epoch {epoch}: still to be measured"
    if row == 0:
        return f"epoch {epoch}: before training, {_knows(of, i_y[row])}"
    drift_ends = of.transition.network.agreed
    snr = float(geometric_mean(of.transition.network_snr[row], axis=0))
    told = f", SNR {snr:.2g}" if math.isfinite(snr) else ""
    if drift_ends is None or epoch < drift_ends:
        return f"epoch {epoch}: {_before(of, row, snr, drift_ends, i_y)}{told}"
    return f"epoch {epoch}: diffusion, {_lost(of, row, drift_ends, i_x)}{told}"


def _before(
    of: RecordedEnsemble, row: int, snr: float, drift_ends: float | None, i_y: Float64[np.ndarray, "epochs layers"]
) -> str:
    knows = _knows(of, i_y[row])
    if not math.isfinite(snr):
        return f"{knows}; {'one batch an epoch, so no SNR' if of.batches == 1 else 'no SNR'}"
    if drift_ends is None and snr < 1:
        return f"{knows}; SNR is low, but drift may go on"
    gained = float(i_y[row, -1] - i_y[row - 1, -1])
    fits = "the labels are being fitted" if gained > LEAST_FIT or row < 2 else knows
    return f"drift, {fits}"


def _lost(of: RecordedEnsemble, row: int, drift_ends: float, i_x: Float64[np.ndarray, "epochs layers"]) -> str:
    """How much the layer that has compressed most has lost of the input since drift ended."""
    start = next(k for k, epoch in enumerate(of.epochs) if epoch >= drift_ends)
    lost = i_x[start] - i_x[row]
    since = of.epochs[start]
    if start == row or not np.isfinite(lost).any():
        return "the gradients' noise now exceeds their mean"
    most = int(np.nanargmax(lost))
    if lost[most] < LEAST_BITS:
        return f"no layer has lost {LEAST_BITS} bits since epoch {since}"
    return f"{of.layer_names[most]} has lost {lost[most]:.1f} bits since epoch {since}"


def _knows(of: RecordedEnsemble, i_y: Float64[np.ndarray, " layers"]) -> str:
    if not math.isfinite(i_y[-1]):
        return "nothing is known of the output"
    return f"the output knows {i_y[-1]:.2f} of {of.i_xy:.2f} bits of the label"
