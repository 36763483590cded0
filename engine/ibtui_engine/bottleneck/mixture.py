"""The optimal encoder at one beta, as the maximum likelihood of a mixing distribution, with its certificate, compiled.

For binary labels the information bottleneck is min over distributions pi on q in [0, 1] of

    F(pi) = − sum_x p(x) log sum_q pi(q) exp(−beta KL(p(y|x) ‖ q))  =  I(X;T) + beta (I(X;Y) − I(T;Y))   (nats)

a convex problem whose optimum has c(q) <= 1 for all q (Kiefer and Wolfowitz 1956; Lindsay 1983); F is within
log max c of it otherwise. The method is the constrained Newton method for mixtures of Wang (2007), to which Newton
steps of masses and places together are added near the solution.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64

from ibtui_engine.bottleneck.kernel import divergence
from ibtui_engine.bottleneck.newton import joint_step, mass_model, nonnegative
from ibtui_engine.bottleneck.places import basins, bound, grid, maxima
from ibtui_engine.compiled import compiled

TARGET = 1e-10
"""Nats: log max c on the grid at which the search ends."""
SLACK = 1e-10
"""Nats that the certificate may add to it."""
NOISE = 4e-15
"""Relative rounding of F: differences below it say nothing."""
ROUNDS = 100
FAR = 1e-250
"""A start under which some class is less likely than this is no start."""


@compiled
def fill(
    beta: float,
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    t: Float64[np.ndarray, " k"],
    kernel: Float64[np.ndarray, "classes k"],
) -> None:
    """kernel = exp(−beta KL(p ‖ logistic(t))) of every class and place."""
    for i in range(p.shape[0]):
        for k in range(t.shape[0]):
            kernel[i, k] = math.exp(-beta * divergence(p[i], rest[i], odds[i], t[k]))


@compiled
def value(
    weights: Float64[np.ndarray, " classes"],
    kernel: Float64[np.ndarray, "classes k"],
    mass: Float64[np.ndarray, " k"],
    f: Float64[np.ndarray, " classes"],
) -> float:
    """F in nats for masses of any sum; each class's likelihood goes into `f`."""
    total = 0.0
    for k in range(mass.shape[0]):
        total += mass[k]
    for i in range(weights.shape[0]):
        s = 0.0
        for k in range(mass.shape[0]):
            s += mass[k] * kernel[i, k]
        f[i] = s
        total -= weights[i] * math.log(s) if s > 0.0 else -math.inf
    return total


@compiled
def spread_start(
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    low: float,
    high: float,
) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
    """A place for each stretch, about one kernel wide, in which there are classes: no class is far from its own."""
    n = odds.shape[0]
    t = np.empty(n)
    mass = np.empty(n)
    count = 0
    begin = -math.inf
    for i in range(n):
        at = math.atan(math.exp(min(0.5 * odds[i], 300.0)))
        if at - begin > 0.7 / math.sqrt(beta):
            t[count] = min(max(odds[i], low), high)
            mass[count] = 0.0
            begin = at
            count += 1
        mass[count - 1] += weights[i]
    return t[:count], mass[:count]


@compiled
def newton(
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    t: Float64[np.ndarray, " k"],
    mass: Float64[np.ndarray, " k"],
    low: float,
    high: float,
    rounds: int,
) -> float:
    """Newton steps of masses and places together, in place, while they lower F; return F in nats."""
    n, size = weights.shape[0], t.shape[0]
    kernel = np.empty((n, size))
    f = np.empty(n)
    step = np.empty(2 * size)
    fill(beta, p, rest, odds, t, kernel)
    best = value(weights, kernel, mass, f)
    new_t = np.empty(size)
    new_mass = np.empty(size)
    new_f = np.empty(n)
    for _ in range(rounds):
        if not joint_step(beta, weights, p, rest, kernel, f, t, mass, low, high, step):
            break
        largest = 0.0
        for k in range(2 * size):
            largest = max(largest, abs(step[k]))
        alpha = min(1.0, 1.0 / largest) if largest > 0.0 else 0.0
        accepted = False
        for _ in range(6):
            total = 0.0
            for k in range(size):
                q = 1.0 / (1.0 + math.exp(-abs(t[k])))
                width = math.sqrt(beta * q * (1.0 / (1.0 + math.exp(abs(t[k])))))
                new_mass[k] = mass[k] * math.exp(alpha * step[2 * k])
                new_t[k] = min(max(t[k] + alpha * step[2 * k + 1] / width, low), high)
                total += new_mass[k]
            for k in range(size):
                new_mass[k] /= total
            fill(beta, p, rest, odds, new_t, kernel)
            new = value(weights, kernel, new_mass, new_f)
            if new <= best + NOISE * (1.0 + abs(best)):
                accepted = True
                break
            alpha *= 0.25
        if not accepted:
            fill(beta, p, rest, odds, t, kernel)
            break
        t[:] = new_t
        mass[:] = new_mass
        f[:] = new_f
        best = min(best, new)
        if largest < 1e-9:
            break
    return best


@compiled
def entry_mass(
    t: float,
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    level: Float64[np.ndarray, " classes"],
) -> float:
    """The mass a place begins with: 0 where c is near 1, else the mean weight of the classes that make it large.

    The quadratic model no more than doubles such classes' likelihood in a step.
    """
    total = 0.0
    weight = 0.0
    for i in range(p.shape[0]):
        e = math.exp(min(level[i] - beta * divergence(p[i], rest[i], odds[i], t), 700.0))
        total += e
        weight += e * weights[i]
    return weight / total if total > 20.0 else 0.0


@compiled
def ordered(
    t: Float64[np.ndarray, " k"], mass: Float64[np.ndarray, " k"]
) -> tuple[Float64[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
    """Places ascending, equal ones and those without mass merged away."""
    order = np.arange(t.shape[0])
    for k in range(1, t.shape[0]):  # nearly sorted already
        moved = int(order[k])
        j = k - 1
        while j >= 0 and t[order[j]] > t[moved]:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = moved
    found_t = np.empty(t.shape[0])
    found_mass = np.empty(t.shape[0])
    count = 0
    for place in order:
        k = int(place)
        if count > 0 and t[k] - found_t[count - 1] <= 1e-13 * (1.0 + abs(t[k])):
            found_mass[count - 1] += mass[k]
        else:
            found_t[count] = t[k]
            found_mass[count] = mass[k]
            count += 1
    return found_t[:count], found_mass[:count]


@compiled
def join_neighbours(
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    entropies: Float64[np.ndarray, " classes"],
    places: Float64[np.ndarray, " places"],
    heights: Float64[np.ndarray, " places"],
    t: Float64[np.ndarray, " k"],
    mass: Float64[np.ndarray, " k"],
) -> tuple[Float64[np.ndarray, " m"], Float64[np.ndarray, " m"], float]:
    """The solution with two neighbours less than a kernel's width apart made one, if the certificate allows it.

    Near a bifurcation more places than are needed can do as well; what is counted is the fewest.
    """
    n, size = weights.shape[0], t.shape[0]
    apart = np.empty(size - 1)
    for k in range(size - 1):
        middle = 0.5 * (t[k] + t[k + 1])
        apart[k] = (t[k + 1] - t[k]) * math.sqrt(
            beta / ((1.0 + math.exp(-abs(middle))) * (1.0 + math.exp(abs(middle))))
        )
    scratch = np.empty(n)
    f = np.empty(n)
    for _ in range(min(size - 1, 4)):
        k = int(apart.argmin())
        if apart[k] > 1.0:
            break
        apart[k] = math.inf
        new_t = np.empty(size - 1)
        new_mass = np.empty(size - 1)
        for j in range(size - 1):
            new_t[j] = t[j] if j <= k else t[j + 1]
            new_mass[j] = mass[j] if j <= k else mass[j + 1]
        new_mass[k] = mass[k] + mass[k + 1]
        if not new_mass[k] > 0.0:
            continue
        new_t[k] = (mass[k] * t[k] + mass[k + 1] * t[k + 1]) / new_mass[k]
        newton(beta, weights, p, rest, odds, new_t, new_mass, places[0], places[-1], 12)
        kernel = np.empty((n, size - 1))
        fill(beta, p, rest, odds, new_t, kernel)
        value(weights, kernel, new_mass, f)
        if not f.min() > FAR:
            continue
        level = np.log(weights) - np.log(f)
        base = level + beta * entropies
        _, log_c, _ = maxima(places, beta, p, rest, odds, base, level, scratch, heights)
        most = max(log_c.max(), heights.max())
        if most <= 2.0 * TARGET:
            certified, _, _ = bound(places, heights, SLACK, beta, p, rest, odds, base, level, scratch)
            certified = max(certified, most)
            if certified <= 2.0 * TARGET + 2.0 * SLACK:
                return new_t, new_mass, certified
    return t, mass, math.inf


@compiled
def solve_mixture(
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    entropies: Float64[np.ndarray, " classes"],
    start_t: Float64[np.ndarray, " start"],
    start_mass: Float64[np.ndarray, " start"],
) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"], float, int]:
    """Log odds and masses of the optimal places, a certified bound on log max c (nats), and the rounds it took.

    `rest` is 1 − p, `entropies` the classes' entropies in nats. An empty start is none.
    """
    n = weights.shape[0]
    places = grid(beta, odds)
    low, high = places[0], places[-1]
    heights = np.empty(places.shape[0])
    scratch = np.empty(n)
    level = np.empty(n)
    base = np.empty(n)
    f = np.empty(n)
    t = np.minimum(np.maximum(start_t, low), high)
    mass = start_mass.copy()
    if t.shape[0] > 0:
        kernel = np.empty((n, t.shape[0]))
        fill(beta, p, rest, odds, t, kernel)
        value(weights, kernel, mass, f)
    if t.shape[0] == 0 or not f.min() > FAR:
        t, mass = spread_start(beta, weights, odds, low, high)
    t, mass = ordered(t, mass)
    kept_t, kept_mass = t, mass
    kept_bound = math.inf
    rounds = 0
    extra = math.nan
    while rounds < ROUNDS:
        rounds += 1
        kernel = np.empty((n, t.shape[0]))
        fill(beta, p, rest, odds, t, kernel)
        now = value(weights, kernel, mass, f)
        for i in range(n):
            level[i] = math.log(weights[i]) - math.log(f[i])
            base[i] = level[i] + beta * entropies[i]
        at, log_c, ends = maxima(places, beta, p, rest, odds, base, level, scratch, heights)
        most = max(log_c.max(), heights.max())
        if most <= TARGET or rounds == ROUNDS:
            certified, found, where = bound(places, heights, SLACK, beta, p, rest, odds, base, level, scratch)
            certified = max(certified, most)
            if certified < kept_bound:
                kept_t, kept_mass, kept_bound = t, mass, certified
            if certified <= 2.0 * TARGET + 2.0 * SLACK:
                break
            extra = where if found > most else math.nan
        # one place in each basin that has mass, and Newton's method from there
        if at.shape[0] > 0:
            home = basins(t, ends)
            joined = np.zeros(at.shape[0])
            for k in range(t.shape[0]):
                joined[home[k]] += mass[k]
            some = joined > 0.0
            new_t = at[some].copy()
            new_mass = joined[some].copy()
            new = newton(beta, weights, p, rest, odds, new_t, new_mass, low, high, 12)
            if new <= now + NOISE * (1.0 + abs(now)):
                new_t, new_mass = ordered(new_t, new_mass)
                kernel = np.empty((n, new_t.shape[0]))
                fill(beta, p, rest, odds, new_t, kernel)
                value(weights, kernel, new_mass, f)
                for i in range(n):
                    level[i] = math.log(weights[i]) - math.log(f[i])
                    base[i] = level[i] + beta * entropies[i]
                new_at, new_log_c, ends = maxima(places, beta, p, rest, odds, base, level, scratch, heights)
                new_most = max(new_log_c.max(), heights.max())
                if new < now - 10.0 * NOISE * (1.0 + abs(now)) or new_most < most:
                    t, mass, at, log_c = new_t, new_mass, new_at, new_log_c
                    if new_most <= TARGET:
                        continue
        if math.isnan(extra) and heights.max() > log_c.max():
            extra = places[heights.argmax()]
        # the local maxima above 1 join, and all masses are chosen again
        rising = at[log_c > 0.1 * TARGET]
        joining = rising.shape[0] + (0 if math.isnan(extra) else 1)
        all_t = np.empty(t.shape[0] + joining)
        all_t[: t.shape[0]] = t
        all_t[t.shape[0] : t.shape[0] + rising.shape[0]] = rising
        if not math.isnan(extra):
            all_t[-1] = extra
            extra = math.nan
        all_mass = np.zeros(all_t.shape[0])
        all_mass[: t.shape[0]] = mass
        entry = all_mass.copy()
        for k in range(t.shape[0], all_t.shape[0]):
            entry[k] = entry_mass(all_t[k], beta, weights, p, rest, odds, level)
        entering = entry[t.shape[0] :].sum() > 0.0
        entry /= entry.sum()
        _, entry = ordered(all_t, entry)
        all_t, all_mass = ordered(all_t, all_mass)
        size = all_t.shape[0]
        kernel = np.empty((n, size))
        fill(beta, p, rest, odds, all_t, kernel)
        now = value(weights, kernel, all_mass, f)
        if entering and value(weights, kernel, entry, f) <= now + NOISE * (1.0 + abs(now)):
            all_mass = entry
        now = value(weights, kernel, all_mass, f)
        hessian = np.empty((size, size))
        linear = np.empty(size)
        mass_model(weights, kernel, f, all_mass, hessian, linear)
        wanted = all_mass.copy()
        nonnegative(hessian, linear, wanted)
        alpha = 1.0
        new_f = np.empty(n)
        new_mass = wanted
        for _ in range(40):
            new_mass = all_mass + alpha * (wanted - all_mass)
            if value(weights, kernel, new_mass, new_f) <= now + NOISE * (1.0 + abs(now)):
                break
            alpha *= 0.5
        total = new_mass.sum()
        held = new_mass > 0.0
        t = all_t[held].copy()
        mass = new_mass[held] / total
    if kept_bound <= 2.0 * TARGET + 2.0 * SLACK:
        while kept_t.shape[0] > 1:
            t, mass, certified = join_neighbours(
                beta, weights, p, rest, odds, entropies, places, heights, kept_t, kept_mass
            )
            if t.shape[0] == kept_t.shape[0]:
                break
            kept_t, kept_mass, kept_bound = t, mass, certified
    return kept_t, kept_mass, kept_bound, rounds
