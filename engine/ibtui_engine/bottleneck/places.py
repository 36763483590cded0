"""Where c(q) of the dual certificate is largest: its local maxima on a grid, and a bound on all of it, compiled.

The grid is even in arcsin sqrt(q), in which every kernel is about 1/(2 sqrt beta) wide, and ends where q (or 1 − q) is
so small that nothing changes beyond. What a grid might miss, the bound does not: intervals between points where c is
known are divided until their chords (see `kernel`) prove that c is no larger than it was found to be.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int64

from ibtui_engine.bottleneck.kernel import chord_bound, logistic, slope_sum
from ibtui_engine.compiled import compiled

STEP = 0.2
"""Of the grid in arcsin sqrt(q), in units of 1/sqrt(beta): 0.4 standard deviations of a kernel."""
REACH = 15
"""Cells around a class's p(y|x) that are looked at: six standard deviations."""
CELLS = 40
"""Of the grid, at least."""
END = 1e-14
"""beta times q (or 1 − q) at the grid's ends: log c changes by less than this beyond."""
FINER = 15
"""Places put between two neighbours of the grid where c turns twice."""
MOST_INTERVALS = 200_000


@compiled
def grid(beta: float, odds: Float64[np.ndarray, " classes"]) -> Float64[np.ndarray, " places"]:
    """Log odds at which c is looked at, ascending: from the smallest p(y|x) to the largest, or short of 0 and 1."""
    n = odds.shape[0]
    edge = math.log(END / max(beta, 1.0))
    low = min(max(odds[0], edge), -edge)
    high = max(min(odds[n - 1], -edge), edge)
    step = min(STEP / math.sqrt(beta), 0.5 * math.pi / CELLS)
    cells = math.ceil(0.5 * math.pi / step)
    step = 0.5 * math.pi / cells
    used = np.zeros(cells + 1, np.uint8)
    before = -1
    for i in range(n):
        cell = int(math.atan(math.exp(min(0.5 * odds[i], 300.0))) / step)
        for k in range(max(cell - REACH, before + 1, 0), min(cell + REACH + 1, cells) + 1):
            used[k] = 1
            before = k
    inner = 2.0 * math.log(math.tan(step))
    count = 2
    found = np.empty(int(used.sum()) + 2 * int(max(inner - edge, 0.0) / 2.0 + 1.0) + 4)
    found[0] = low
    found[1] = high
    t = inner - 2.0
    while t > edge:
        if low < t < high:
            found[count] = t
            count += 1
        if low < -t < high:
            found[count] = -t
            count += 1
        t -= 2.0
    for k in range(1, cells):
        if used[k]:
            t = 2.0 * math.log(math.tan(k * step))
            if low < t < high:
                found[count] = t
                count += 1
    places = np.sort(found[:count])
    kept = 1
    for k in range(1, count):
        if places[k] > places[kept - 1]:
            places[kept] = places[k]
            kept += 1
    return places[:kept]


@compiled
def climb(
    low: float,
    high: float,
    start: float,
    beta: float,
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    base: Float64[np.ndarray, " classes"],
    level: Float64[np.ndarray, " classes"],
    scratch: Float64[np.ndarray, " classes"],
) -> tuple[float, float]:
    """The place of a local maximum between `low`, where c rises, and `high`, where it falls, and log c there.

    Newton's method on E[p] = q, halving the interval where it would leave it.
    """
    t = start
    log_c = -math.inf
    for _ in range(80):
        log_c, s, v = slope_sum(t, beta, p, rest, odds, base, level, scratch)
        if s > 0.0:
            low = t
        else:
            high = t
        sigma = logistic(t) * logistic(-t)
        bend = beta * v - sigma
        step = -s / bend if bend < 0.0 else math.inf
        # log c is off by beta s²/(2 sigma) at most where it bends as a single kernel does
        if beta * s * s < 1e-17 * sigma or high - low <= 1e-15 * (1.0 + abs(t)):
            break
        following = t + step
        t = following if low < following < high else 0.5 * (low + high)
    return t, log_c


@compiled
def _hidden(height: float, rise: float, next_height: float, next_rise: float) -> bool:
    """Whether c must turn twice between two places: its slopes there agree with each other, but not with its values."""
    change = next_height - height
    return (rise > 0.0 and next_rise > 0.0 and change < -1e-11) or (rise <= 0.0 and next_rise <= 0.0 and change > 1e-11)


@compiled
def maxima(
    places: Float64[np.ndarray, " places"],
    beta: float,
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    base: Float64[np.ndarray, " classes"],
    level: Float64[np.ndarray, " classes"],
    scratch: Float64[np.ndarray, " classes"],
    heights: Float64[np.ndarray, " places"],
) -> tuple[Float64[np.ndarray, " maxima"], Float64[np.ndarray, " maxima"], Float64[np.ndarray, " maxima"]]:
    """Local maxima of c along the grid: their places, log c there, and where the basin of each ends on the right.

    `heights`: log c at the grid's places is written there.
    """
    m = places.shape[0]
    size = m
    rises = np.empty(m)
    for k in range(m):
        heights[k], rises[k], _ = slope_sum(places[k], beta, p, rest, odds, base, level, scratch)
        size += FINER if k > 0 and _hidden(heights[k - 1], rises[k - 1], heights[k], rises[k]) else 0
    t = np.empty(size)
    slopes = np.empty(size)
    log_c = np.empty(size)
    m = 0
    for k in range(places.shape[0]):
        if k > 0 and _hidden(heights[k - 1], rises[k - 1], heights[k], rises[k]):
            for j in range(1, FINER + 1):
                t[m] = places[k - 1] + j / (FINER + 1) * (places[k] - places[k - 1])
                log_c[m], slopes[m], _ = slope_sum(t[m], beta, p, rest, odds, base, level, scratch)
                m += 1
        t[m] = places[k]
        slopes[m] = rises[k]
        log_c[m] = heights[k]
        m += 1
    at = np.empty(m)
    high = np.empty(m)
    ends = np.empty(m)
    count = 0
    if slopes[0] <= 0.0 or m == 1:
        at[0] = t[0]
        high[0] = log_c[0]
        ends[0] = math.inf
        count = 1
    for k in range(m - 1):
        if slopes[k] > 0.0 and slopes[k + 1] <= 0.0:
            x = slopes[k] / (slopes[k] - slopes[k + 1])
            start = t[k] + x * (t[k + 1] - t[k])
            at[count], high[count] = climb(t[k], t[k + 1], start, beta, p, rest, odds, base, level, scratch)
            ends[count] = math.inf
            count += 1
        elif slopes[k] <= 0.0 and slopes[k + 1] > 0.0 and count > 0:
            ends[count - 1] = 0.5 * (t[k] + t[k + 1])
    if slopes[m - 1] > 0.0 and m > 1:
        at[count] = t[m - 1]
        high[count] = log_c[m - 1]
        ends[count] = math.inf
        count += 1
    return at[:count], high[:count], ends[:count]


@compiled
def bound(
    places: Float64[np.ndarray, " places"],
    heights: Float64[np.ndarray, " places"],
    slack: float,
    beta: float,
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    base: Float64[np.ndarray, " classes"],
    level: Float64[np.ndarray, " classes"],
    scratch: Float64[np.ndarray, " classes"],
) -> tuple[float, float, float]:
    """A bound on log c at every q in [0, 1], at most `slack` nats above the largest value found; that value; its place.

    `heights`: log c at the grid's places. c has no maximum beyond the smallest and the largest p(y|x); where the
    grid ends short of them, beta times q is `END` and log c can rise by no more than that.
    """
    m = places.shape[0]
    best = -math.inf
    where = 0.0
    for k in range(m):
        if heights[k] > best:
            best = heights[k]
            where = places[k]
    beyond = max(heights[0], heights[m - 1]) + 4.0 * END
    certified = max(best, beyond)
    if m == 1:
        return certified, best, where
    left = np.empty(m + 200)
    right = np.empty(m + 200)
    left_c = np.empty(m + 200)
    right_c = np.empty(m + 200)
    evaluated = 0
    for k in range(m - 1):
        top = 1
        left[0] = places[k]
        right[0] = places[k + 1]
        left_c[0] = heights[k]
        right_c[0] = heights[k + 1]
        while top > 0:
            top -= 1
            a = left[top]
            b = right[top]
            log_a = left_c[top]
            log_b = right_c[top]
            limit, t = chord_bound(a, log_a, b, log_b, beta)
            if limit <= max(best, 0.0) + slack or b - a <= 1e-14 * (1.0 + abs(a)) or evaluated >= MOST_INTERVALS:
                certified = max(certified, limit)
                continue
            t = min(max(t, a + 0.2 * (b - a)), b - 0.2 * (b - a))
            log_t, _, _ = slope_sum(t, beta, p, rest, odds, base, level, scratch)
            evaluated += 1
            if log_t > best:
                best = log_t
                where = t
            if top + 2 > left.shape[0]:  # as deep as halving to the last bit never goes
                certified = max(certified, limit)
                continue
            left[top] = a
            right[top] = t
            left_c[top] = log_a
            right_c[top] = log_t
            left[top + 1] = t
            right[top + 1] = b
            left_c[top + 1] = log_t
            right_c[top + 1] = log_b
            top += 2
    return certified, best, where


@compiled
def basins(
    support: Float64[np.ndarray, " support"], ends: Float64[np.ndarray, " maxima"]
) -> Int64[np.ndarray, " support"]:
    """The number of the local maximum in whose basin each place of the support (ascending) lies."""
    found = np.empty(support.shape[0], np.int64)
    k = 0
    for j in range(support.shape[0]):
        while k < ends.shape[0] - 1 and support[j] > ends[k]:
            k += 1
        found[j] = k
    return found
