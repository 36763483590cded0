"""In which order layers do something, and how well networks agree on it (Kendall and Babington Smith 1939: W).

Shwartz-Ziv and Tishby (2017), section 3.6, see the layers move one after the other in both phases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64


@dataclass(frozen=True)
class Order:
    """The order of some layers in time."""

    layers: tuple[int, ...]
    """Layers, from 1, the earliest first: those that more than half of the networks have an epoch for."""
    agreement: float
    """Kendall's W, from 0 (networks do not agree at all) to 1 (all have the same order); NaN for fewer than two
    networks or layers to compare."""
    networks: int
    """Networks that have all those layers and are compared."""


def order(epochs: Float64[np.ndarray, "networks layers"]) -> Order:
    """The order of layers by their mean rank over networks, from an epoch (or NaN) of each layer of each network.

    Only networks that have an epoch for all the layers ranked are compared. Where no network has, there is no order.
    """
    known = np.isfinite(epochs)
    common = np.flatnonzero(2 * known.sum(axis=0) > len(epochs))
    compared = epochs[known[:, common].all(axis=1)][:, common]
    if len(common) == 0 or len(compared) == 0:
        return Order((), float("nan"), 0)
    ranks = _ranks(compared)
    means = ranks.mean(axis=0)
    sequence = tuple(int(common[k]) + 1 for k in np.argsort(means, kind="stable"))
    return Order(sequence, _concordance(ranks), len(compared))


def _ranks(values: Float64[np.ndarray, "networks layers"]) -> Float64[np.ndarray, "networks layers"]:
    """Ranks from 1 in each row; equal values share the mean of theirs."""
    one, other = values[:, :, None], values[:, None, :]
    ranks: Float64[np.ndarray, "networks layers"] = 0.5 + (other < one).sum(axis=2) + (other == one).sum(axis=2) / 2
    return ranks


def _concordance(ranks: Float64[np.ndarray, "networks layers"]) -> float:
    """Kendall's W with the correction for ties."""
    networks, layers = ranks.shape
    if networks < 2 or layers < 2:
        return float("nan")
    sums = ranks.sum(axis=0)
    scatter = float(np.square(sums - sums.mean()).sum())
    # The largest scatter that these ranks, ties among them, could have had.
    most = networks * float(np.square(ranks - ranks.mean(axis=1, keepdims=True)).sum())
    return scatter / most if most > 0 else float("nan")
