"""How the weights move after the transition, from the weights kept at each snapshot (Shwartz-Ziv and Tishby 2017,
sections 3.5 to 3.7, where diffusion is likened to a Wiener process, and neurons of a layer are said to end up with
almost uncorrelated in-weights).

* Mean squared displacement: the squared distance of a layer's weights (biases apart) from where they were at the first
  snapshot at or after the layer's transition, divided by their number, over the epochs since. The exponent is the slope
  of its logarithm over log epochs since, by least squares, each snapshot weighed by the stretch of the log axis it
  stands for: 1 for a Wiener process, 2 for motion with constant velocity, 0 for weights that have come to rest about
  a point. One trajectory gives one exponent; the uncertainty is that over networks. A late exponent takes the later
  half of that axis alone.
* Correlation of in-weights: the mean of |r| and of r² over pairs of neurons of a layer, r being the correlation of
  their in-weights (biases apart), beside what independent Gaussian vectors of that dimension n give:
  E r² = 1/(n - 1), E |r| = Gamma((n-1)/2) / (sqrt(pi) Gamma(n/2)).

Snapshots come one after another, so that only two of them are in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.statistics import Spread, spread

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Real

    from ibtui_engine.networks import Architecture

LEAST_SNAPSHOTS = 6
"""Snapshots after a transition that an exponent needs, the one that displacement is measured from apart."""
LEAST_INPUTS = 3
"""Two numbers are always correlated by 1 or -1."""


@dataclass(frozen=True)
class LayerDiffusion:
    """How the weights of one layer move and are related, over networks."""

    layer: int
    """From 1."""
    exponent: Spread
    """Of the mean squared displacement after the transition; no network has one where there is no transition."""
    late_exponent: Spread
    """Of the later half of the log axis of epochs since."""
    displacement: Spread
    """Root of the mean squared displacement per weight from the transition to the last snapshot."""
    correlation_at_transition: Spread
    """Mean |r| over pairs of neurons at the snapshot that displacement is measured from."""
    correlation: Spread
    """The same at the last snapshot; no network has one in a layer of one neuron, or one of fewer than three inputs."""
    correlation_square: Spread
    """Mean r² over pairs at the last snapshot."""
    independent: float
    """Mean |r| of independent Gaussian vectors of that dimension; NaN below three."""
    independent_square: float
    """Mean r² of such."""


@dataclass(frozen=True, eq=False)
class Displacements:
    """Squared distance per weight from where a layer was at the first snapshot at or after its transition."""

    epochs: Real[np.ndarray, " epochs"]
    since: Float64[np.ndarray, "epochs networks layers"]
    """Epochs since that snapshot; NaN before it."""
    squared: Float64[np.ndarray, "epochs networks layers"]
    exponents: Float64[np.ndarray, "networks layers"]
    """Of the squared displacement over the epochs since; NaN where there is none."""
    correlations: Float64[np.ndarray, "networks layers"]
    """Mean |r| over pairs of neurons at the last snapshot; NaN likewise."""


def by_noise(
    moves: Displacements,
    weights: Sequence[int],
    noise: Float64[np.ndarray, "epochs networks layers"],
    *,
    batches: int,
    learning_rate: float,
) -> Float64[np.ndarray, "networks layers"]:
    """Squared displacement at the last snapshot over what the noise of the batches alone would make of it; NaN where
    there is no transition.

    Steps of SGD without momentum, with independent noise of which a batch's gradient has the summed variance s², would
    move a layer by learning_rate² s² in the mean square each: one is a random walk, much more is motion one way. s² is
    measured in single epochs, and integrated over epochs by the trapezoid rule from the one that displacement is
    measured from. Batches of an epoch share no pattern, so their noise cancels in part: noise does no more than this.

    Args:
        moves: of all snapshots that `noise` has.
        weights: of each layer, without biases: as many as displacement is a mean over.
        noise: root of s², absolute: not over the norm of the weights.
        batches: steps in an epoch.
        learning_rate: of SGD.
    """
    epochs = np.asarray(moves.epochs, np.float64)
    square = np.square(noise)
    steps = np.diff(epochs)[:, None, None] * (square[1:] + square[:-1]) / 2
    within = np.where(moves.since[:-1] >= 0, steps, 0.0).sum(axis=0) * batches * learning_rate**2
    found = np.full(within.shape, np.nan)
    moved = moves.squared[-1] * np.asarray(weights, np.float64)
    np.divide(moved, within, out=found, where=(moves.since[-1] > 0) & (within > 0))
    return found


def diffusion(
    snapshots: Iterable[tuple[int, Float32[np.ndarray, "networks parameters"]]],
    architecture: Architecture,
    transitions: Float64[np.ndarray, "networks layers"],
) -> tuple[tuple[LayerDiffusion, ...], Displacements]:
    """How each layer's weights move after its transition (an epoch, or NaN for none), and how they are related.

    `snapshots`: epochs, ascending, with the weights of all networks at each, as in `SessionReader.weights`.
    """
    networks, layers = transitions.shape
    reference: list[Float64[np.ndarray, "networks weights"]] = [
        np.zeros((networks, units * inputs)) for inputs, units in pairwise(architecture.widths)
    ]
    began = np.full((networks, layers), np.nan)
    early = np.full((networks, layers), np.nan)
    last = np.full((networks, layers), np.nan)
    last_square = np.full((networks, layers), np.nan)
    epochs: list[float] = []
    since: list[Float64[np.ndarray, "networks layers"]] = []
    squared: list[Float64[np.ndarray, "networks layers"]] = []
    latest: list[Float64[np.ndarray, "networks units inputs"]] = []
    for epoch, weights in snapshots:
        latest = [matrix[:, :, :-1].astype(np.float64) for matrix in architecture.matrices(weights)]
        with np.errstate(invalid="ignore"):
            begins = np.isnan(began) & (epoch >= transitions)
        began[begins] = epoch
        distance = np.full((networks, layers), np.nan)
        for k, matrix in enumerate(latest):
            flat = matrix.reshape(networks, -1)
            reference[k][begins[:, k]] = flat[begins[:, k]]
            distance[:, k] = np.square(flat - reference[k]).mean(axis=1)
            if begins[:, k].any():
                early[begins[:, k], k] = correlations(matrix[begins[:, k]])[0]
        epochs.append(epoch)
        since.append(epoch - began)
        squared.append(np.where(np.isnan(began), np.nan, distance))
    for k, matrix in enumerate(latest):
        last[:, k], last_square[:, k] = correlations(matrix)
    shape = (len(epochs), networks, layers)
    began_since, distances = np.array(since).reshape(shape), np.array(squared).reshape(shape)
    whole, late = exponents(began_since, distances), exponents(began_since, distances, late=True)
    moves = Displacements(np.array(epochs), began_since, distances, whole, last)
    moved = np.sqrt(moves.squared[-1]) if len(epochs) else np.full((networks, layers), np.nan)
    moved = np.where(moves.since[-1] > 0, moved, np.nan) if len(epochs) else moved
    rows = tuple(
        LayerDiffusion(
            layer=k + 1,
            exponent=spread(whole[:, k]),
            late_exponent=spread(late[:, k]),
            displacement=spread(moved[:, k]),
            correlation_at_transition=spread(early[:, k]),
            correlation=spread(last[:, k]),
            correlation_square=spread(last_square[:, k]),
            independent=independent_correlation(inputs),
            independent_square=1 / (inputs - 1) if inputs >= LEAST_INPUTS else math.nan,
        )
        for k, inputs in enumerate(architecture.widths[:-1])
    )
    return rows, moves


def exponents(
    since: Real[np.ndarray, "epochs ..."], squared: Float64[np.ndarray, "epochs ..."], *, late: bool = False
) -> Float64[np.ndarray, "*shape"]:
    """The exponent of squared displacement over the epochs since, of each column; NaN where too few snapshots tell it.

    Displacements that are NaN, or nothing at all, do not count. `late`: of the later half of the log axis alone.
    """
    shape = squared.shape[1:]
    flat_since = np.asarray(since, np.float64).reshape(len(squared), int(np.prod(shape)))
    flat = squared.reshape(flat_since.shape)
    found = np.full(flat.shape[1], np.nan)
    for column in range(flat.shape[1]):
        with np.errstate(invalid="ignore"):
            used = (flat_since[:, column] > 0) & (flat[:, column] > 0) & np.isfinite(flat[:, column])
        u, y = np.log(flat_since[used, column]), np.log(flat[used, column])
        if late and len(u):
            later = u >= (u[0] + u[-1]) / 2
            u, y = u[later], y[later]
        if len(u) < LEAST_SNAPSHOTS:
            continue
        edges = np.concatenate([u[:1], (u[1:] + u[:-1]) / 2, u[-1:]])
        weight = np.diff(edges)
        centred = u - np.average(u, weights=weight)
        found[column] = (weight * centred * y).sum() / (weight * centred**2).sum()
    return found.reshape(shape)


def correlations(
    matrix: Float64[np.ndarray, "networks units inputs"],
) -> tuple[Float64[np.ndarray, " networks"], Float64[np.ndarray, " networks"]]:
    """Mean |r| and mean r² over the pairs of units whose in-weights both vary; NaN where there is no such pair, or
    fewer than three inputs.
    """
    networks, units, inputs = matrix.shape
    absent = np.full(networks, np.nan)
    if units < 2 or inputs < LEAST_INPUTS:
        return absent, absent
    centred = matrix - matrix.mean(axis=2, keepdims=True)
    norm = np.linalg.norm(centred, axis=2, keepdims=True)
    varies = norm[:, :, 0] > 0
    direction = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 0)
    products = direction @ direction.transpose(0, 2, 1)
    # Each pair is in twice, and each unit with itself once: with r = 1 where it varies.
    counted = varies.sum(axis=1)
    pairs = counted * (counted - 1)
    means = []
    for values in (np.abs(products), np.square(products)):
        own = np.trace(values, axis1=1, axis2=2)
        mean = np.full(networks, np.nan)
        np.divide(values.sum(axis=(1, 2)) - own, pairs, out=mean, where=pairs > 0)
        means.append(mean)
    return means[0], means[1]


def independent_correlation(inputs: int) -> float:
    """Mean |r| of two independent Gaussian vectors of this dimension; NaN below three."""
    if inputs < LEAST_INPUTS:
        return math.nan
    return math.exp(math.lgamma((inputs - 1) / 2) - math.lgamma(inputs / 2)) / math.sqrt(math.pi)
