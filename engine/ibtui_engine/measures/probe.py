"""A linear probe: how much of the label a linear classifier reads from a layer (estimator `probe`).

For any q(y|t), I(T;Y) >= H(Y) + E log2 q(y|t), as long as q was not fitted to the patterns that the expectation is
over (Barber and Agakov 2003; probes: Alain and Bengio 2016, arXiv:1610.01644). Here q is a softmax of a linear function
of t, fitted with a penalty on its weights; patterns are split in parts, and each part is judged by the classifier that
was fitted to the others. What nonlinear readers could find on top is not counted, so it is a lower bound, in
expectation over the patterns; its standard error over them is given. It says nothing of I(X;T).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from ibtui_engine.rules.rule import label_entropy

PARTS = 3
"""Parts that the patterns are split into."""
PENALTIES = (1e-1, 1e-2, 1e-3, 1e-4)
"""Of the squared weights, on outputs of mean squared length 1; the best is chosen on held-out patterns, too."""
MOST_COORDINATES = 256
"""Wider layers are probed in the directions in which they vary most: that is a linear probe as well."""
ITERATIONS = 200
"""Of the fit."""


def probe_information(
    points: Float64[np.ndarray, "patterns coordinates"], p_y: Float64[np.ndarray, "patterns labels"], seed: int = 0
) -> tuple[float, float]:
    """A lower bound of I(T;Y) in bits, and its standard error over patterns. `seed`: of the split into parts.

    0 where there are too few patterns to fit and to hold out some.
    """
    patterns = len(points)
    if patterns < 2 * PARTS:
        return 0.0, math.nan
    points = _narrowed(points)
    size = float(np.einsum("ij,ij->", points, points)) / patterns
    if not size > 0:
        return 0.0, 0.0
    points = points / math.sqrt(size)
    order = np.random.Generator(np.random.Philox(seed)).permutation(patterns)
    costs = np.empty(patterns)
    for part in range(PARTS):
        outside = order[part::PARTS]
        inside = order[~np.isin(order, outside)]
        costs[outside] = _cost(_fitted(points, p_y, inside), points[outside], p_y[outside])
    bits = float(label_entropy(p_y.mean(axis=0))) - float(costs.mean()) / math.log(2)
    return max(bits, 0.0), float(costs.std(ddof=1)) / math.sqrt(patterns) / math.log(2)


def _narrowed(points: Float64[np.ndarray, "patterns coordinates"]) -> Float64[np.ndarray, "patterns fewer"]:
    if points.shape[1] <= MOST_COORDINATES:
        return points
    _, directions = np.linalg.eigh(points.T @ points)
    return np.asarray(points @ directions[:, -MOST_COORDINATES:])


def _fitted(
    points: Float64[np.ndarray, "patterns coordinates"],
    p_y: Float64[np.ndarray, "patterns labels"],
    chosen: Int64[np.ndarray, " chosen"],
) -> Float64[np.ndarray, "coordinates_and_one labels"]:
    """The classifier of some patterns, with the penalty that is best for a fifth of them when fitted to the others."""
    fifth = max(len(chosen) // 5, 1)
    held, rest = chosen[:fifth], chosen[fifth:]
    weights = np.zeros((points.shape[1] + 1, p_y.shape[1]))
    best, least = PENALTIES[0], math.inf
    for penalty in PENALTIES:  # from the strongest on, each begins at what the one before has found
        weights = _minimised(points[rest], p_y[rest], penalty, weights)
        cost = float(_cost(weights, points[held], p_y[held]).mean())
        if cost < least:
            best, least = penalty, cost
    return _minimised(points[chosen], p_y[chosen], best, weights)


def _minimised(
    points: Float64[np.ndarray, "some coordinates"],
    p_y: Float64[np.ndarray, "some labels"],
    penalty: float,
    start: Float64[np.ndarray, "coordinates_and_one labels"],
) -> Float64[np.ndarray, "coordinates_and_one labels"]:
    from scipy.optimize import minimize

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(start.shape)
        log_q = _log_q(weights, points)
        rest = (np.exp(log_q) - p_y) / len(points)
        slope = np.vstack([points.T @ rest + penalty * weights[:-1], rest.sum(axis=0)])
        whole = -float((p_y * log_q).sum()) / len(points) + penalty / 2 * float((weights[:-1] ** 2).sum())
        return whole, slope.ravel()

    found: Any = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    return np.asarray(found.x.reshape(start.shape))


def _log_q(
    weights: Float64[np.ndarray, "coordinates_and_one labels"], points: Float64[np.ndarray, "some coordinates"]
) -> Float64[np.ndarray, "some labels"]:
    z = points @ weights[:-1] + weights[-1]
    z -= z.max(axis=1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))


def _cost(
    weights: Float64[np.ndarray, "coordinates_and_one labels"],
    points: Float64[np.ndarray, "some coordinates"],
    p_y: Float64[np.ndarray, "some labels"],
) -> Float64[np.ndarray, " some"]:
    """−sum_y p(y|x) log q(y|t) of each pattern, nats."""
    return np.asarray(-(p_y * _log_q(weights, points)).sum(axis=1))
