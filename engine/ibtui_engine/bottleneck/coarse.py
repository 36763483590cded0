"""A first IB curve of two labels: few betas, on a grid of decoders, certified all the same, in NumPy alone.

It is what can be shown while `tracing` finds the curve itself: no compiler is loaded, and however many classes there
are, each beta costs about the same. The problem is the one of `mixture`, min over pi of F(pi). Here pi lies on a fixed
grid of decoders and the classes are made one where they share a cell of it; a primal-dual interior point method
(Mehrotra 1992; for mixtures Koenker and Mizera 2014) solves that. Grid and cells decide how good the solution is, not
whether its certificate holds: F, c and the informations are those of all classes. Between two decoders of the grid
log c plus beta log(1 + exp(t)) is convex in the log odds t, which bounds c by its chord (see `kernel`). With places
`step` apart in arcsin sqrt(q) that adds about beta step² / 2 to log c, so that at any beta the line lies within
step² / 2 nats of I(T;Y) of the best one.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import ThreadpoolController

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.onset import onset
from ibtui_engine.bottleneck.sandwich import apart, curve_through
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.rules.log_odds import divergences, entropies, logistic, soft_plus

if TYPE_CHECKING:
    from jaxtyping import Float64

ERROR = 2e-3
"""Of I(X;Y): the lower and the upper curve are brought this near to each other, unless `MOST_BETAS` are not enough."""
MOST_BETAS = 40
GREATEST_BETA = 1e8
PLACES = 128
"""Of the grid, between the smallest and the largest p(y=1|x), even in arcsin sqrt(q)."""
END = 1e-7
"""q, or 1 − q, at the grid's ends: log c grows by at most beta times this beyond."""
TAIL = 1.0
"""Log odds between places beyond the even ones."""
GAP = 3e-5
"""Of I(X;Y), nats over beta: the search at a beta ends when c on the grid is as near to 1 as this."""
ROUNDS = 60
ROWS = 4096
"""Classes processed at once: memory grows with this many times the places."""
NAT = 1.0 / math.log(2.0)
METHOD = "interior point method on a grid of decoders, certified by its dual"


@dataclass(frozen=True, eq=False)
class _Point:
    """An achieved point at one beta, bits, and the line `intercept` + x / beta that nothing crosses."""

    beta: float
    i_x: float
    i_y: float
    intercept: float
    gap: float
    support: int


def coarse_binary_curve(source: Source, *, name: str = "") -> Curve:
    """A curve of few points; its `error` is what it has proved, usually below 0.002 of I(X;Y).

    Bifurcations and straight pieces are not looked for (`tolerance` is NaN), but for the critical beta of the origin.
    Classes that are all certain of their label have a closed form, which `deterministic` has.
    """
    first = onset(source)
    points: list[_Point] = []
    if math.isfinite(first.beta) and first.beta < GREATEST_BETA:
        with ThreadpoolController().limit(limits=1, user_api="blas"):  # for products this small threads only wait
            rarer = source if source.p_y1 <= source.p_y0 else source.swapped()  # no label is the first one
            points = _sandwich(rarer, first.beta)

    curve = curve_through(
        source,
        first,
        points,
        name=name,
        method=METHOD,
        error=source.i_xy,
        tolerance=math.nan,
        bifurcations=np.empty((0, 3)),
        segments=np.empty((0, 5)),
    )
    return curve.with_error(curve.apart())


def _sandwich(source: Source, onset_beta: float) -> list[_Point]:
    """Betas chosen as in `tracing`, but the widest opening between the lower and the upper curve first."""
    solver = _Solver(source)
    wanted = ERROR * source.i_xy
    begin = _Point(onset_beta, 0.0, 0.0, solver.at(onset_beta).intercept, 0.0, 1)
    end = _Point(math.inf, source.entropy, source.i_xy, source.i_xy, 0.0, 0)
    found = [begin]
    openings = [(-apart(begin, end), 0, begin, end)]
    while openings and len(found) < MOST_BETAS:
        width, _, left, right = heapq.heappop(openings)
        if -width <= wanted:
            break
        beta = (right.i_x - left.i_x) / (right.i_y - left.i_y)
        if not left.beta * (1 + 1e-6) < beta < min(right.beta * (1 - 1e-6), GREATEST_BETA):
            continue  # as near as this grid brings them
        point = solver.at(beta)
        found.append(point)
        for pair in ((left, point), (point, right)):
            heapq.heappush(openings, (-apart(*pair), len(found) * 2 + (pair[0] is point), *pair))
    return sorted(found, key=lambda point: point.beta)


class _Solver:
    """The grid, the cells, and what of both does not depend on beta."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._t = _places(source.log_odds)
        middle = 0.5 * (self._t[1:] + self._t[:-1])
        cell = np.searchsorted(middle, source.log_odds)
        ones, zeros = (np.bincount(cell, source.weights * p, len(self._t)) for p in (source.p_y, source.rest))
        cells = Source.of_parts(ones, zeros)
        self._few = cells.weights, divergences(cells.log_odds[:, None], self._t[None, :])
        self._conditional = float(source.weights @ entropies(source.log_odds)) / NAT
        self._blocks = [
            _Block(source, self._t, slice(first, first + ROWS), keep=len(source.weights) <= ROWS)
            for first in range(0, len(source.weights), ROWS)
        ]
        beyond = source.log_odds[0] < self._t[0] or source.log_odds[-1] > self._t[-1]
        self._end = END * (1 + END) if beyond else 0.0
        self._gap = GAP * source.i_xy

    def at(self, beta: float) -> _Point:
        """The solution at one beta, weighed with all classes."""
        weights, cost = self._few
        mass = _optimum(weights, np.exp(-beta * cost), self._gap * beta)
        mass /= mass.sum()
        source, t = self._source, self._t
        free, sums = 0.0, np.zeros((3, len(t)))
        for block in self._blocks:
            free -= block.weigh(beta, mass, sums)
        c, ones, zeros = sums
        of_t, ones, zeros = mass * c, mass * ones, mass * zeros
        there = np.minimum(ones, zeros) > 0
        of_t, ones, zeros, q = of_t[there], ones[there], zeros[there], t[there]
        cost = of_t @ soft_plus(-np.abs(q)) + np.where(q > 0, zeros * q, -ones * q).sum() - self._conditional
        i_x = free - beta * float(cost) - float(of_t @ np.log(of_t / mass[there]))
        i_y = float(of_t @ divergences(np.log(ones) - np.log(zeros), np.asarray(source.log_odds_y)))
        with np.errstate(divide="ignore"):
            gap = max(_ceiling(t, np.log(c), beta), 0.0) + beta * self._end
        return _Point(
            beta=beta,
            i_x=max(i_x, 0.0) * NAT,
            i_y=min(max(i_y, 0.0) * NAT, source.i_xy),
            intercept=source.i_xy - (free - gap) * NAT / beta,
            gap=gap * NAT,
            support=len(of_t),
        )


class _Block:
    """Some of the classes, and what each of them costs at each place."""

    def __init__(self, source: Source, t: Float64[np.ndarray, " places"], rows: slice, *, keep: bool) -> None:
        self._weights, self._odds = source.weights[rows], source.log_odds[rows]
        self._p, self._rest = source.p_y[rows], source.rest[rows]
        self._t = t
        self._kept = self._cost() if keep else None

    def _cost(self) -> Float64[np.ndarray, "rows places"]:
        """KL(p ‖ q) in nats, to 1e-15 of them."""
        t = self._t
        cost = np.where(t > 0, self._rest[:, None] * t, -self._p[:, None] * t)
        cost += soft_plus(-np.abs(t))
        cost -= entropies(self._odds)[:, None] / NAT
        return np.asarray(np.maximum(cost, 0.0, out=cost))

    def weigh(self, beta: float, mass: Float64[np.ndarray, " places"], sums: Float64[np.ndarray, "3 places"]) -> float:
        """Add c and the two labels' shares of it at each place to `sums`; the sum of w log f is returned."""
        kernel = -beta * (self._cost() if self._kept is None else self._kept)
        np.exp(kernel, out=kernel)
        f = kernel @ mass
        parts = np.stack([self._weights, self._weights * self._p, self._weights * self._rest])
        sums += (parts / f) @ kernel
        return float(self._weights @ np.log(f))


def _places(odds: Float64[np.ndarray, " classes"]) -> Float64[np.ndarray, " places"]:
    """The grid in log odds, ascending, from the smallest to the largest of p(y=1|x), or short of 0 and 1."""
    edge = math.log(END)
    low, high = float(np.clip(odds[0], edge, -edge)), float(np.clip(odds[-1], edge, -edge))
    begin, end = (math.atan(math.exp(t / 2)) for t in (low, high))
    even = 2 * np.log(np.tan(np.linspace(begin, end, PLACES)[1:-1]))
    tail = np.arange(edge, -edge, TAIL)
    if len(even):
        tail = tail[(tail < even[0] - TAIL / 2) | (tail > even[-1] + TAIL / 2)]
    inner = np.concatenate([even, tail])
    return np.unique(np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]]))


def _optimum(
    weights: Float64[np.ndarray, " cells"], kernel: Float64[np.ndarray, "cells places"], gap: float
) -> Float64[np.ndarray, " places"]:
    """Masses on the grid for which no c there exceeds 1 by more than about `gap`.

    Minimises − sum weights log(kernel mass) + sum mass over mass >= 0; slack is 1 − c. Newton steps to
    slack x mass = a level that falls from step to step.
    """
    size = kernel.shape[1]
    mass = np.full(size, 1.0 / size)
    f = kernel @ mass
    c = (weights / f) @ kernel
    slack = np.maximum(1.0 - c, 0.1)
    diagonal = np.arange(size)
    for _ in range(ROUNDS):
        residual = 1.0 - c - slack
        complement = float(slack @ mass)
        if complement < 0.2 * gap and np.abs(residual).max() < 0.2 * gap and math.log(c.max()) < 0.5 * gap:
            break
        scaled = kernel * (np.sqrt(weights) / f)[:, None]
        hessian = scaled.T @ scaled
        hessian[diagonal, diagonal] += slack / mass
        level = 0.1 * complement / size
        for attempt in range(2):  # predicted first, to see how far the level can fall
            right = c - 1.0 + level / mass
            try:
                step = np.linalg.solve(hessian, right)
            except np.linalg.LinAlgError:
                return mass
            back = level / mass - slack - slack / mass * step
            if attempt == 0:
                part = min(_reach(mass, step), _reach(slack, back))
                after = float((mass + part * step) @ (slack + part * back))
                level = complement / size * min((after / complement) ** 2, 0.5)
        part = 0.99 * min(_reach(mass, step), _reach(slack, back), 1.0 / 0.99)
        mass = mass + part * step
        slack = slack + part * back
        f = kernel @ mass
        c = (weights / f) @ kernel
    return mass


def _reach(at: Float64[np.ndarray, " n"], step: Float64[np.ndarray, " n"]) -> float:
    """The part of a step at which the first number would become 0, at most 1."""
    falling = step < 0
    return min(1.0, float((at[falling] / -step[falling]).min())) if falling.any() else 1.0


def _ceiling(t: Float64[np.ndarray, " places"], log_c: Float64[np.ndarray, " places"], beta: float) -> float:
    """An upper bound on log c between the first and the last place, from its values there (see `kernel.chord_bound`).

    Between two places log c + beta A, A(t) = log(1 + exp(t)), lies below its chord, so that log c lies below the
    chord less beta A, which is largest where logistic(t) is the chord's slope over beta.
    """
    best = float(log_c.max())
    if len(t) < 2:
        return best
    a, b, low, high = t[:-1], t[1:], log_c[:-1], log_c[1:]
    known = np.isfinite(low) & np.isfinite(high)
    a, b, low, high = a[known], b[known], low[known], high[known]
    soft = soft_plus(a), soft_plus(b)
    slope = ((high - low) / beta + soft[1] - soft[0]) / (b - a)
    inside = (slope > logistic(a)) & (slope < logistic(b))
    r = slope[inside]
    if not r.size:
        return best
    at = np.log(r) - np.log1p(-r)
    chord = low[inside] + beta * (soft[0][inside] + r * (at - a[inside]) - soft_plus(at))
    return max(best, float(chord.max()))
