"""One point of the bound: the optimal encoder at one beta, what it knows, and the line that nothing crosses.

The line: with F the Lagrangian's minimum and `gap` what the certificate leaves open, every T has
I(X;T) + beta (I(X;Y) − I(T;Y)) >= F − gap, so that I(T;Y) <= I(X;Y) − (F − gap) / beta + I(X;T) / beta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from ibtui_engine.bottleneck.kernel import divergence
from ibtui_engine.bottleneck.mixture import fill, solve_mixture, value
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.compiled import compiled
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.log_odds import entropies

BITS = 1.0 / math.log(2.0)
LIGHT = 1e-24
"""Classes lighter than this over the squared number of classes are no part of the search. Each is given a place of
its own with GUARD times the number of classes as much mass as it weighs: all of them then add at most 1/GUARD to c,
and their masses, together below 1/GUARD, take as little from the others."""
GUARD = 1e12
SURE = 2e-14
"""beta times p(y|x), or 1 − p(y|x), below which classes are one."""
MERGED = 5e-12
"""Nats by which that can move F and log c together."""
MOST_ODDS = 700.0
WANTED_GAP = 1e-9
"""Bits; where the search ends above it, it is tried again from the solutions at betas nearby."""
DETOURS = (0.997, 1.003, 0.98, 1.02)
GREATEST_BETA = 1e10
"""Beyond it the certificate's rounding errors pass 1e-10 nats."""


@dataclass(frozen=True, eq=False)
class Solution:
    """The optimal encoder at one beta. Information in bits."""

    beta: float
    log_odds: Float64[np.ndarray, " support"]
    """log(q / (1−q)) of each decoder q = p(y=1|t), ascending."""
    masses: Float64[np.ndarray, " support"]
    """pi(q): p(t) at the optimum."""
    i_x: float
    """I(X;T) of this encoder."""
    i_y: float
    """I(T;Y) of this encoder, with the decoder that belongs to it: what is achieved."""
    gap: float
    """Certified: the Lagrangian is within this many bits of its minimum."""
    intercept: float
    """No T has an I(T;Y) above `intercept` + I(X;T) / beta."""
    rounds: int
    """Of the method, for who wants to know its cost."""

    @property
    def support(self) -> int:
        """Values t of the encoder."""
        return len(self.masses)

    @property
    def decoder(self) -> Float64[np.ndarray, " support"]:
        """p(y=1|t)."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.log_odds)))


@dataclass(frozen=True, eq=False)
class Start:
    """Where a search begins: the solution at a beta nearby."""

    log_odds: Float64[np.ndarray, " support"]
    masses: Float64[np.ndarray, " support"]


NOWHERE = Start(np.empty(0), np.empty(0))


def solve(source: Source, beta: float, start: Solution | Start = NOWHERE) -> Solution:
    """The optimum at `beta`, from a solution nearby if there is one.

    Raises:
        InvalidValue: beta is not above 0 and at most 1e10.
    """
    if not 0.0 < beta <= GREATEST_BETA:
        raise InvalidValue(f"beta must be a number above 0 and at most {GREATEST_BETA:g}, got {beta!r}")
    found = _search(source, float(beta), start)
    for ratio in DETOURS:
        if found.gap <= WANTED_GAP:
            break
        again = _search(source, float(beta), _search(source, beta * ratio, NOWHERE))
        found = min(found, again, key=lambda one: one.gap)
    return found


def _search(source: Source, beta: float, start: Solution | Start) -> Solution:
    merged = sure_merged(source, beta)
    p, rest, weights, odds = merged.p_y, merged.rest, merged.weights, merged.log_odds
    light = weights < LIGHT / len(weights) ** 2
    heavy = ~light
    log_odds, masses, log_c, rounds = solve_mixture(
        beta,
        weights[heavy],
        p[heavy],
        rest[heavy],
        odds[heavy],
        entropies(odds[heavy]) / BITS,
        start.log_odds,
        start.masses,
    )
    all_odds, all_masses = log_odds, masses
    if light.any():
        guards = weights[light] * (len(weights) * GUARD)
        all_odds = np.concatenate([log_odds, np.clip(odds[light], -MOST_ODDS, MOST_ODDS)])
        all_masses = np.concatenate([masses * (1.0 - guards.sum()), guards])
        log_c = max(log_c, 0.0) + 3.0 / GUARD
    log_c = max(log_c, 0.0) + (MERGED if merged is not source else 0.0)
    i_x, i_y, f = weigh(beta, weights, p, rest, odds, all_odds, all_masses, source.log_odds_y)
    gap = log_c * BITS
    return Solution(
        beta=beta,
        log_odds=log_odds,
        masses=masses,
        i_x=i_x * BITS,
        i_y=min(i_y * BITS, source.i_xy),
        gap=gap,
        intercept=source.i_xy - (f * BITS - gap) / beta,
        rounds=rounds,
    )


def sure_merged(source: Source, beta: float) -> Source:
    """The classes with those made one whose p(y|x) is so near 0, and those so near 1, that beta cannot tell them apart.

    Their kernels differ by a factor of at most exp(2 beta p |t|), t the log odds of a place, at most 60 on the grid.
    """
    low, high = source.p_y * beta < SURE, source.rest * beta < SURE
    if low.sum() < 2 and high.sum() < 2:
        return source
    between = ~(low | high)
    ones, zeros = source.weights * source.p_y, source.weights * source.rest
    groups = [(ones[some].sum()[None], zeros[some].sum()[None]) for some in (low, high) if some.any()]
    groups.append((ones[between], zeros[between]))
    return Source.of_parts(*(np.concatenate(parts) for parts in zip(*groups, strict=True)))


@compiled
def weigh(
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    t: Float64[np.ndarray, " k"],
    mass: Float64[np.ndarray, " k"],
    odds_y: float,
) -> tuple[float, float, float]:
    """(I(X;T), I(T;Y), F) in nats of the encoder p(t|x) proportional to mass exp(−beta KL).

    Both informations are those of the encoder itself, with its own p(t) and p(y|t), whatever `mass` and `t` are.
    """
    n, size = weights.shape[0], t.shape[0]
    kernel = np.empty((n, size))
    f = np.empty(n)
    fill(beta, p, rest, odds, t, kernel)
    free = value(weights, kernel, mass, f) - mass.sum()
    of_t = np.zeros(size)
    ones = np.zeros(size)
    zeros = np.zeros(size)
    for i in range(n):
        for k in range(size):
            r = weights[i] * mass[k] * kernel[i, k] / f[i]
            of_t[k] += r
            ones[k] += r * p[i]
            zeros[k] += r * rest[i]
    i_x = 0.0
    for i in range(n):
        for k in range(size):
            r = mass[k] * kernel[i, k] / f[i]
            if r > 0.0 and of_t[k] > 0.0:
                i_x += weights[i] * r * math.log(r / of_t[k])
    i_y = 0.0
    for k in range(size):
        if of_t[k] > 0.0:
            q = ones[k] / of_t[k]
            other = zeros[k] / of_t[k]
            i_y += of_t[k] * divergence(q, other, math.log(q) - math.log(other), odds_y)
    return max(i_x, 0.0), max(i_y, 0.0), free
