"""The IB curve for any number of labels, by Blahut-Arimoto iterations annealed from both ends. Not certified.

The iterations of Tishby, Pereira and Bialek (1999), Eq. 28, only find stationary points, so the encoder is followed
twice: from high beta down, where it begins as the identity of classes, and from low beta up, where every step is
begun from a perturbed copy. Of the two, the better at each beta is kept. What is found can be achieved; how far below
the true curve it lies is not known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

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


@dataclass(frozen=True)
class Effort:
    """How much is done to find a curve."""

    betas: int
    iterations: int
    """At each beta, at most."""
    values: int
    """t of the encoder, at most."""
    classes: int
    """With more of them, those that are alike are one in the iterations; the encoder found is weighed with all."""


FULL = Effort(POINTS, ITERATIONS, MOST_VALUES, 2**62)
COARSE = Effort(16, 60, 24, 96)
"""A second at most, for a first look."""


def annealed_curve(
    p_y: Float64[np.ndarray, "patterns labels"],
    p_x: Float64[np.ndarray, " patterns"] | None = None,
    *,
    name: str = "",
    seed: int = 0,
    effort: Effort = FULL,
) -> Curve:
    """The curve of patterns with these p(y|x) and p(x), equally likely ones where that is None.

    With the effort `COARSE` it is a first look, without bifurcations (`tolerance` is NaN): few points, which can be
    achieved like all others.

    Raises:
        InvalidValue: rows that are no distributions over at least two labels.
    """
    p = np.asarray(p_y, np.float64)
    if p.ndim != 2 or p.shape[1] < 2 or not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-6):
        raise InvalidValue(
            f"p(y|x) must be rows that are distributions over two labels or more, got the shape {p.shape}"
        )
    _, group = np.unique(np.round(p / p.sum(axis=1, keepdims=True), 12), axis=0, return_inverse=True)
    w = np.bincount(group.ravel()) / len(p) if p_x is None else np.bincount(group.ravel(), weights=p_x)
    p = np.stack([np.bincount(group.ravel(), weights=c) for c in p.T], axis=1)
    p /= p.sum(axis=1, keepdims=True)
    mean = w @ p
    i_xy = _information(w, p, mean)
    h_y = -float(np.where(mean > 0, mean * np.log2(np.where(mean > 0, mean, 1)), 0).sum())
    entropy = -float(w @ np.log2(w))
    betas, found = np.empty(0), []
    if i_xy > 1e-12:
        betas = np.geomspace(1.0, max(1e3, 1e3 / i_xy), effort.betas)
        random = np.random.default_rng(seed)
        few_w, few_p = _alike(w, p, effort.classes)
        down = _follow(few_w, few_p, betas[::-1], _begin_high(few_w, few_p, effort.values), None, effort)[::-1]
        up = _follow(few_w, few_p, betas, np.ones((len(few_w), 1)), random, effort)
        found = [min(pair, key=lambda one: one.lagrangian) for pair in zip(down, up, strict=True)]
        if len(few_w) < len(w):
            found = [_weighed(w, p, _encoder(p, few_w @ one.encoder, _decoder(few_w, few_p, one.encoder), beta), beta)
                     for one, beta in zip(found, betas.tolist(), strict=True)]  # fmt: skip
    columns = np.array([(one.i_x, one.i_y, one.encoder.shape[1]) for one in found]).reshape(-1, 3)
    coarse = effort is COARSE
    grown = (
        []
        if coarse
        else [
            (math.sqrt(betas[k] * betas[k + 1]), columns[k, 2], columns[k + 1, 2])
            for k in range(len(betas) - 1)
            if columns[k + 1, 2] != columns[k, 2]
        ]
    )
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
        tolerance=float(betas[1] / betas[0] - 1) if len(betas) and not coarse else math.nan,
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


@dataclass(frozen=True, eq=False)
class _Found:
    """An encoder at one beta."""

    lagrangian: float
    """Nats."""
    i_x: float
    """Bits."""
    i_y: float
    encoder: Float64[np.ndarray, "n t"]


def _centres(w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], most: int) -> Int64[np.ndarray, " n"]:
    """Which of `most` classes, heavy ones and far from each other, each class is nearest to."""
    centres = [int(w.argmax())]
    nearest = ((p - p[centres[0]]) ** 2).sum(axis=1)
    of = np.zeros(len(w), np.int64)
    while len(centres) < most:
        centres.append(int((w * nearest).argmax()))
        away = ((p - p[centres[-1]]) ** 2).sum(axis=1)
        of[away < nearest] = len(centres) - 1
        nearest = np.minimum(nearest, away)
    return of


def _alike(
    w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], most: int
) -> tuple[Float64[np.ndarray, " few"], Float64[np.ndarray, "few m"]]:
    """The classes, or where there are more than `most`, groups of those that are alike."""
    if len(w) <= most:
        return w, p
    of = _centres(w, p, most)
    total = np.bincount(of, w, most)
    joined = np.stack([np.bincount(of, w * column, most) for column in p.T], axis=1)
    there = total > 0
    return total[there], joined[there] / total[there, None]


def _begin_high(w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], most: int) -> Float64[np.ndarray, "n t"]:
    """Each class for itself; with more classes than `most`, those that are alike together."""
    if len(w) <= most:
        return np.asarray(np.eye(len(w)))
    return np.asarray(np.eye(most)[_centres(w, p, most)])


def _decoder(
    w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], r: Float64[np.ndarray, "n t"]
) -> Float64[np.ndarray, "t m"]:
    p_t = w @ r
    return np.asarray((w[:, None] * r).T @ p / np.where(p_t > 0, p_t, 1.0)[:, None])


def _scores(
    p: Float64[np.ndarray, "n m"], p_t: Float64[np.ndarray, " t"], q: Float64[np.ndarray, "t m"], beta: float
) -> Float64[np.ndarray, "n t"]:
    """log p(t) − beta KL(p(y|x) ‖ p(y|t))."""
    negative_entropy = (p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_q = np.where(q > 0, np.log(q), -1e6)
        return np.asarray(np.log(p_t) - beta * np.maximum(negative_entropy[:, None] - p @ log_q.T, 0.0))


def _encoder(
    p: Float64[np.ndarray, "n m"], p_t: Float64[np.ndarray, " t"], q: Float64[np.ndarray, "t m"], beta: float
) -> Float64[np.ndarray, "n t"]:
    score = _scores(p, p_t, q, beta)
    r = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(r / r.sum(axis=1, keepdims=True))


def _weighed(
    w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], r: Float64[np.ndarray, "n t"], beta: float
) -> _Found:
    i_x, i_y = _weigh(w, p, r)
    return _Found((i_x - beta * i_y) * math.log(2), i_x, i_y, r)


def _follow(
    w: Float64[np.ndarray, " n"],
    p: Float64[np.ndarray, "n m"],
    betas: Float64[np.ndarray, " b"],
    encoder: Float64[np.ndarray, "n t"],
    random: np.random.Generator | None,
    effort: Effort,
) -> list[_Found]:
    """An encoder at each beta, each begun where the one before ended."""
    found = []
    for beta in betas.tolist():
        r = encoder
        if random is not None and r.shape[1] < min(effort.values, 2 * len(w)):
            twins = np.repeat(r / 2, 2, axis=1) * (1 + 0.05 * random.standard_normal((len(w), 2 * r.shape[1])))
            r = np.maximum(twins, 1e-12)
            r = (r / r.sum(axis=1, keepdims=True))[:, : effort.values]
            r /= r.sum(axis=1, keepdims=True)
        last = math.inf
        for _ in range(effort.iterations):
            p_t = w @ r
            r, p_t = r[:, p_t > 1e-14], p_t[p_t > 1e-14]
            score = _scores(p, p_t, _decoder(w, p, r), beta)
            most = score.max(axis=1, keepdims=True)
            r = np.exp(score - most)
            z = r.sum(axis=1, keepdims=True)
            r /= z
            value = -float(w @ (most + np.log(z))[:, 0])
            if last - value < CONVERGED:
                break
            last = value
        encoder = _joined(w, p, r)
        found.append(_weighed(w, p, encoder, beta))
    return found


def _joined(
    w: Float64[np.ndarray, " n"], p: Float64[np.ndarray, "n m"], r: Float64[np.ndarray, "n t"]
) -> Float64[np.ndarray, "n fewer"]:
    """Values t with equal decoders made one: that costs no I(T;Y) and saves I(X;T)."""
    p_t = w @ r
    q = _decoder(w, p, r)
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
