"""How charts over epochs are drawn: the scale of their y axis, smoothing, single networks, one layer in focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Real

WIDTH = 0.25
"""Standard deviation of the weights with which a curve is smoothed, in e-folds of the epoch: 0.11 decades."""


@dataclass(frozen=True, slots=True)
class Display:
    """What a viewer chooses of all charts over epochs."""

    log: bool | None = None
    """Whether the y axis is logarithmic; None: as suits the chart."""
    smooth: bool = False
    """Whether means are smoothed over neighbouring epochs."""
    singles: bool = False
    """Whether every network is a thin line behind the mean."""
    focus: int | None = None
    """The one layer in colour, counted from 0, with the others in grey; None: all in colour."""

    def scale(self, own: bool) -> bool:
        """Whether the y axis is logarithmic, where the chart itself would have it so or not."""
        return own if self.log is None else self.log

    def shaped(
        self, epochs: Real[np.ndarray, " epochs"], values: Float[np.ndarray, " epochs"], *, log: bool
    ) -> Float[np.ndarray, " epochs"]:
        """A curve as it is drawn."""
        return smoothed(epochs, values, log=log) if self.smooth else values


def smoothed(
    epochs: Real[np.ndarray, " epochs"], values: Float[np.ndarray, " epochs"], *, log: bool
) -> Float[np.ndarray, " epochs"]:
    """Each value as the mean of its neighbours, weighted by a Gaussian of their distance in log epochs.

    `log`: the geometric mean, of those above 0. What is NaN, or has no logarithm, stays and does not count (Nadaraya
    1964, Watson 1964).
    """
    values = np.asarray(values, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.log(values) if log else values
    there = np.isfinite(used)
    if there.sum() < 3:
        return values
    place = np.log1p(np.maximum(np.asarray(epochs, np.float64)[there], 0.0))
    weights = np.exp(-0.5 * np.square((place[:, None] - place) / WIDTH))
    found = weights @ used[there] / weights.sum(axis=1)
    result = values.copy()
    result[there] = np.exp(found) if log else found
    return result
