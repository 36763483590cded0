"""Tracing the IB curve: betas chosen where the lower and the upper curve are still apart, then the bifurcations.

Between two points the curve lies above their chord and below both their lines. The next beta is one over the chord's
slope (the sandwich method for convex curves; Rote 1992): the solution is either a point above the chord, or proves
that the chord is the curve. So a straight piece, which one beta holds as a whole, costs one solution, and its ends
are found from the betas on either side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from ibtui_engine.bottleneck.curve import ERROR, Curve
from ibtui_engine.bottleneck.deterministic import deterministic_curve
from ibtui_engine.bottleneck.onset import Onset, onset
from ibtui_engine.bottleneck.sandwich import apart, curve_through
from ibtui_engine.bottleneck.solver import GREATEST_BETA, NOWHERE, Solution, Start, solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.errors import InvalidValue

LEAST_ERROR = 1e-8
TOLERANCE = 1e-4
"""Relative accuracy of the betas of bifurcations."""
NEARBY = 1.05
"""Support that grows and shrinks again within this ratio of beta is reported as unchanged."""
MOST_SUPPORT = 16
"""Bifurcations are looked for from supports up to this: with more, they crowd and change next to nothing."""
STRAIGHT = 0.01
"""Bits of I(X;T): straight pieces shorter than this are not reported."""
BESIDE = 1e-6
"""Relative distance in beta at which the ends of a straight piece are computed."""
METHOD = "constrained Newton method for the mixing distribution over decoders, certified by its dual"


@dataclass(frozen=True)
class _Node:
    """An achieved point and its line, `intercept` + x / beta."""

    beta: float
    i_x: float
    i_y: float
    intercept: float
    solution: Solution | None


def ib_curve(source: Source, *, error: float = ERROR, tolerance: float = TOLERANCE, name: str = "") -> Curve:
    """Compute the IB curve, nowhere further than `error` bits below the true one.

    Args:
        source: the classes of x that p(y|x) tells apart, `Source.of_rule(rule)`.
        error: largest distance to the true curve, bits.
        tolerance: relative accuracy of the betas of bifurcations.
        name: of the rule, for people.

    Raises:
        InvalidValue: error or tolerance is out of range.
    """
    if not LEAST_ERROR <= error <= 0.1:
        raise InvalidValue(f"error must be a number of bits from {LEAST_ERROR:g} to 0.1, got {error!r}")
    if not 1e-8 <= tolerance <= 0.1:
        raise InvalidValue(f"tolerance must be a number from 1e-08 to 0.1, got {tolerance!r}")
    if source.deterministic:
        return deterministic_curve(np.array([source.p_y0, source.p_y1]), name=name)
    first = onset(source)
    solutions = _sandwich(source, first, error) if math.isfinite(first.beta) and first.beta < GREATEST_BETA else []
    return curve_through(
        source,
        first,
        solutions,
        name=name,
        method=METHOD,
        error=error,
        tolerance=tolerance,
        bifurcations=_bifurcations(source, solutions, tolerance),
        segments=_segments(source, solutions),
    )


def solve_betas(source: Source, betas: Float64[np.ndarray, " n"]) -> list[Solution]:
    """The optima at ascending betas, each searched for from the one before.

    Raises:
        InvalidValue: a beta is out of range.
    """
    found: list[Solution] = []
    for beta in betas.tolist():
        found.append(solve(source, beta, found[-1] if found else NOWHERE))
    return found


def _sandwich(source: Source, first: Onset, error: float) -> list[Solution]:
    at_origin = solve(source, first.beta)
    origin = _Node(first.beta, 0.0, 0.0, at_origin.intercept, at_origin)
    end = _Node(math.inf, source.entropy, source.i_xy, source.i_xy, None)
    found = [at_origin]
    pending = [(origin, end)]
    while pending:
        left, right = pending.pop()
        if apart(left, right) <= error:
            continue
        beta = (right.i_x - left.i_x) / (right.i_y - left.i_y)
        if not left.beta * (1 + 1e-13) < beta < min(right.beta * (1 - 1e-13), GREATEST_BETA):
            continue  # the lines are as close as their certificates
        solution = solve(source, beta, _start(left, right, beta))
        found.append(solution)
        node = _Node(beta, solution.i_x, solution.i_y, solution.intercept, solution)
        pending += [(left, node), (node, right)]
    return sorted(found, key=lambda s: s.beta)


def _start(left: _Node, right: _Node, beta: float) -> Solution | Start:
    """The neighbour whose beta is nearer by its ratio, if it is near."""
    if right.solution is not None and right.beta / beta < beta / left.beta:
        return right.solution if right.beta < 2 * beta else NOWHERE
    return left.solution if left.solution is not None and beta < 2 * left.beta else NOWHERE


def _bifurcations(source: Source, solutions: list[Solution], tolerance: float) -> Float64[np.ndarray, "changes 3"]:
    """Betas between neighbouring solutions at which the support changes, by halving their ratio."""
    changes: list[tuple[float, float, float]] = []
    pending = [pair for pair in reversed(list(pairwise(solutions))) if pair[0].support != pair[1].support]
    while pending:
        low, high = pending.pop()
        if min(low.support, high.support) > MOST_SUPPORT:
            continue
        if high.beta <= low.beta * (1 + tolerance):
            changes.append((math.sqrt(low.beta * high.beta), low.support, high.support))
            continue
        beta = math.sqrt(low.beta * high.beta)
        middle = solve(source, beta, low)
        pending += [pair for pair in ((middle, high), (low, middle)) if pair[0].support != pair[1].support]
    return np.array(settled(changes), np.float64).reshape(-1, 3)


def settled(changes: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """The changes (beta, support below, above) by ascending beta, without growth that is undone nearby.

    Just above a bifurcation, where two places are still about to be one, more of them than are needed can do as well.
    """
    kept: list[tuple[float, float, float]] = []
    for beta, before, after in changes:
        while after < before and kept and kept[-1][2] == before and beta <= NEARBY * kept[-1][0]:
            at, least, _ = kept.pop()
            if after > least:
                kept.append((at, least, after))
                before = after
            else:
                before = least
        if after != before:
            kept.append((beta, before, after))
    return kept


def _segments(source: Source, solutions: list[Solution]) -> Float64[np.ndarray, "segments 5"]:
    """Straight pieces: I(X;T) grows by more than `STRAIGHT` while beta, in the numbers' precision, stays the same."""
    found: list[tuple[float, float, float, float, float]] = []
    if not solutions:
        return np.empty((0, 5))
    first = solutions[0]
    points = [(first.beta, 0.0, 0.0), *((s.beta, s.i_x, s.i_y) for s in solutions)]
    for (beta, x, y), (next_beta, next_x, next_y) in pairwise(points):
        if next_x - x <= STRAIGHT or next_y <= y:
            continue
        middle = min(max((next_x - x) / (next_y - y), beta), next_beta)
        low = solve(source, middle * (1 - BESIDE))
        high = solve(source, middle * (1 + BESIDE))
        if high.i_x - low.i_x > max(STRAIGHT, 0.5 * (next_x - x)):
            piece = (middle, low.i_x, low.i_y, high.i_x, high.i_y)
            if found and abs(found[-1][0] - middle) < BESIDE * middle:  # a point in the midst of it
                continue
            found.append(piece)
    return np.array(found, np.float64).reshape(-1, 5)
