"""The IB curve for any number of labels, by Blahut-Arimoto iterations annealed from both ends. Not certified.

The iterations of Tishby, Pereira and Bialek (1999), Eq. 28, only find stationary points, so the encoder is followed
twice: from high beta down, where it begins as the identity of classes, and from low beta up, where every step is
begun from a perturbed copy. Of the two, the better at each beta is kept. What is found can be achieved; how far below
the true curve it lies is not known.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.errors import InvalidValue

POINTS = 60
ITERATIONS = 400
CONVERGED = 1e-10
"""Nats by which the Lagrangian falls in an iteration, at which the iterations end."""
MOST_VALUES = 64
"""Values t of the encoder, at most."""
MERGE = 1e-9
METHOD = "Blahut-Arimoto iterations annealed from both ends: achievable, but not certified to be the best"


def annealed_curve(p_y: Float64[np.ndarray, "patterns labels"], *, name: str = "", seed: int = 0) -> Curve:
    """The curve of equally likely patterns with these p(y|x).

    Raises:
        InvalidValue: rows that are no distributions over at least two labels.
    """
    p = np.asarray(p_y, np.float64)
    if p.ndim != 2 or p.shape[1] < 2 or not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-6):
        raise InvalidValue(
            f"p(y|x) of shape {p.shape}: allowed are rows that are distributions over two labels or more"
        )
    _, group = np.unique(np.round(p / p.sum(axis=1, keepdims=True), 12), axis=0, return_inverse=True)
    w = np.bincount(group.ravel()) / len(p)
    p = np.stack([np.bincount(group.ravel(), weights=c) for c in p.T], axis=1)
    p /= p.sum(axis=1, keepdims=True)
    mean = w @ p
    i_xy = _information(w, p, mean)
    h_y = -float(np.where(mean > 0, mean * np.log2(np.where(mean > 0, mean, 1)), 0).sum())
    entropy = -float(w @ np.log2(w))
    betas, found = np.empty(0), []
    if i_xy > 1e-12:
        betas = np.geomspace(1.0, max(1e3, 1e3 / i_xy), POINTS)
        random = np.random.default_rng(seed)
        down = _follow(w, p, betas[::-1], _begin_high(w, p), None)[::-1]
        up = _follow(w, p, betas, np.ones((len(w), 1)), random)
        found = [min(pair, key=lambda one: one[0]) for pair in zip(down, up, strict=True)]
    columns = np.array([one[1:] for one in found]).reshape(-1, 3)
    grown = [
        (math.sqrt(betas[k] * betas[k + 1]), columns[k, 2], columns[k + 1, 2])
        for k in range(len(betas) - 1)
        if columns[k + 1, 2] != columns[k, 2]
    ]
    absent = np.full(len(betas), np.nan)
    return Curve(
        name=name,
        certified=False,
        method=METHOD,
        i_xy=i_xy,
        h_y=h_y,
        entropy=max(entropy, 0.0),
        classes=len(w),
        error=math.nan,
        critical=math.nan,
        critical_local=math.nan,
        critical_decoder=math.nan,
        tolerance=float(betas[1] / betas[0] - 1) if len(betas) else math.nan,
        beta=betas,
        i_x=columns[:, 0],
        i_y=np.minimum(columns[:, 1], i_xy),
        gap=absent,
        support=columns[:, 2].astype(np.int64),
        intercept=absent,
        bifurcations=np.array(grown, np.float64).reshape(-1, 3),
        segments=np.empty((0, 5)),
    )


def _information(w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], mean: Float64[np.ndarray, " m"]) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return max(float((w[:, None] * np.where(p > 0, p * np.log2(p / mean), 0.0)).sum()), 0.0)


def _begin_high(w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"]) -> Float64[np.ndarray, "n t"]:
    """Each class for itself; with more classes than `MOST_VALUES`, those that are alike together."""
    if len(w) <= MOST_VALUES:
        return np.asarray(np.eye(len(w)))
    centres = [int(w.argmax())]
    nearest = ((p - p[centres[0]]) ** 2).sum(axis=1)
    while len(centres) < MOST_VALUES:
        centres.append(int((w * nearest).argmax()))
        nearest = np.minimum(nearest, ((p - p[centres[-1]]) ** 2).sum(axis=1))
    of = ((p[:, None] - p[centres][None]) ** 2).sum(axis=2).argmin(axis=1)
    return np.asarray(np.eye(MOST_VALUES)[of])


def _follow(
    w: Float64[np.ndarray, " n"],
    p: Float64[np.ndarray, "n m"],
    betas: Float64[np.ndarray, " b"],
    encoder: Float64[np.ndarray, "n t"],
    random: np.random.Generator | None,
) -> list[tuple[float, float, float, float]]:
    """(Lagrangian in nats, I(X;T), I(T;Y) in bits, values t) at each beta, each begun where the one before ended."""
    log_p = np.log(np.where(p > 0, p, 1.0))
    negative_entropy = (p * log_p).sum(axis=1)
    found = []
    for beta in betas.tolist():
        r = encoder
        if random is not None and r.shape[1] < min(MOST_VALUES, 2 * len(w)):
            twins = np.repeat(r / 2, 2, axis=1) * (1 + 0.05 * random.standard_normal((len(w), 2 * r.shape[1])))
            r = np.maximum(twins, 1e-12)
            r = (r / r.sum(axis=1, keepdims=True))[:, :MOST_VALUES]
            r /= r.sum(axis=1, keepdims=True)
        last = math.inf
        for _ in range(ITERATIONS):
            p_t = w @ r
            r, p_t = r[:, p_t > 1e-14], p_t[p_t > 1e-14]
            q = (w[:, None] * r).T @ p / p_t[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                log_q = np.where(q > 0, np.log(q), -1e6)
                d = np.maximum(negative_entropy[:, None] - p @ log_q.T, 0.0)
                score = np.log(p_t) - beta * d
            most = score.max(axis=1, keepdims=True)
            r = np.exp(score - most)
            z = r.sum(axis=1, keepdims=True)
            r /= z
            value = -float(w @ (most + np.log(z))[:, 0])
            if last - value < CONVERGED:
                break
            last = value
        r = _joined(w, p, r)
        i_x, i_y = _weigh(w, p, r)
        found.append(((i_x - beta * i_y) * math.log(2), i_x, i_y, float(r.shape[1])))
        encoder = r
    return found


def _joined(
    w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], r: Float64[np.ndarray, "n t"]
) -> Float64[np.ndarray, "n fewer"]:
    """Values t with equal decoders made one: that costs no I(T;Y) and saves I(X;T)."""
    p_t = w @ r
    q = (w[:, None] * r).T @ p / np.where(p_t > 0, p_t, 1.0)[:, None]
    groups: list[list[int]] = []
    for t in np.flatnonzero(p_t > MERGE):
        home = next((g for g in groups if np.abs(q[g[0]] - q[t]).max() < 1e-4), None)
        if home is None:
            groups.append([int(t)])
        else:
            home.append(int(t))
    joined = np.stack([r[:, g].sum(axis=1) for g in groups], axis=1)
    total = joined.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, joined / np.where(total > 0, total, 1.0), 1.0 / joined.shape[1]))


def _weigh(
    w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], r: Float64[np.ndarray, "n t"]
) -> tuple[float, float]:
    """I(X;T) and I(T;Y) of an encoder, bits."""
    p_t = w @ r
    used = p_t > 0
    r, p_t = r[:, used], p_t[used]
    q = (w[:, None] * r).T @ p / p_t[:, None]
    return _information(w, r, p_t), _information(p_t, q, w @ p)
