"""Newton steps for the mixing distribution: of its masses alone, and of masses and places together, compiled.

Both lower F = −sum w log f + sum pi, f = sum over k of pi_k exp(−beta KL(p ‖ q_k)), whose minimum over pi >= 0 has
sum pi = 1 by itself. Masses alone are a convex problem: its quadratic model is solved under pi >= 0 by an active set
(the constrained Newton method of Wang 2007). Once the number of places is right, masses and places together
converge quadratically. In order of place the Hessian is nearly banded: its Cholesky factor is computed in its envelope.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int64

from ibtui_engine.compiled import compiled

TINY = 1e-18
"""Shares of a class below which a place does not count for it in the Hessian."""


@compiled
def factorise(h: Float64[np.ndarray, "n n"], first: Int64[np.ndarray, " n"], n: int) -> bool:
    """Cholesky factor of the lower triangle of `h` in its place, zeros left of `first` in each row; False if not
    positive definite.
    """
    for j in range(n):
        for k in range(first[j], j):
            s = h[j, k]
            for l in range(max(first[j], first[k]), k):
                s -= h[j, l] * h[k, l]
            h[j, k] = s / h[k, k]
        s = h[j, j]
        for l in range(first[j], j):
            s -= h[j, l] * h[j, l]
        if not s > 1e-15 * h[j, j]:
            return False
        h[j, j] = math.sqrt(s)
    return True


@compiled
def substitute(
    h: Float64[np.ndarray, "n n"], first: Int64[np.ndarray, " n"], n: int, x: Float64[np.ndarray, " n"]
) -> None:
    """Solve h h' x = x in place with the factor of `factorise`."""
    for j in range(n):
        s = x[j]
        for l in range(first[j], j):
            s -= h[j, l] * x[l]
        x[j] = s / h[j, j]
    for j in range(n - 1, -1, -1):
        x[j] /= h[j, j]
        for l in range(first[j], j):
            x[l] -= h[j, l] * x[j]


@compiled
def nonnegative(
    hessian: Float64[np.ndarray, "k k"],
    linear: Float64[np.ndarray, " k"],
    z: Float64[np.ndarray, " k"],
) -> None:
    """Minimise z'Hz/2 − linear'z over z >= 0, from a z >= 0 and into it: the active set of Lawson and Hanson (1974)."""
    size = z.shape[0]
    passive = z > 0.0
    index = np.empty(size, np.int64)
    first = np.empty(size, np.int64)
    work = np.empty((size, size))
    x = np.empty(size)
    for _ in range(3 * size + 10):
        while True:
            n = 0
            for k in range(size):
                if passive[k]:
                    index[n] = k
                    n += 1
            for j in range(n):
                first[j] = j
                scale = hessian[index[j], index[j]]
                for k in range(j, -1, -1):
                    work[j, k] = hessian[index[j], index[k]]
                    if abs(work[j, k]) > 1e-17 * scale:
                        first[j] = k
                x[j] = linear[index[j]]
            if not factorise(work, first, n):
                return  # places that cannot be told apart: keep what has been found
            substitute(work, first, n, x)
            alpha = 1.0
            least = -1
            for j in range(n):
                if x[j] <= 0.0:
                    old = z[index[j]]
                    part = old / (old - x[j]) if old > x[j] else 0.0
                    if part < alpha:
                        alpha = part
                        least = index[j]
            for j in range(n):
                z[index[j]] += alpha * (x[j] - z[index[j]])
            if least < 0:
                break
            z[least] = 0.0
            for j in range(n):
                if z[index[j]] <= 0.0:
                    z[index[j]] = 0.0
                    passive[index[j]] = False
        enter = -1
        most = 1e-13
        for k in range(size):
            if not passive[k]:
                rise = linear[k]
                for l in range(size):
                    rise -= hessian[k, l] * z[l]
                if rise > most:
                    most = rise
                    enter = k
        if enter < 0:
            return
        passive[enter] = True


@compiled
def mass_model(
    weights: Float64[np.ndarray, " classes"],
    kernel: Float64[np.ndarray, "classes k"],
    f: Float64[np.ndarray, " classes"],
    mass: Float64[np.ndarray, " k"],
    hessian: Float64[np.ndarray, "k k"],
    linear: Float64[np.ndarray, " k"],
) -> None:
    """The quadratic model of F in the masses, with a proximal term of 1e-11 of its diagonal."""
    n, size = kernel.shape
    hessian[:] = 0.0
    linear[:] = -1.0
    near = np.empty(size, np.int64)
    for i in range(n):
        count = 0
        w = weights[i] / f[i]
        for k in range(size):
            g = kernel[i, k]
            linear[k] += 2.0 * w * g
            if g > TINY * f[i]:
                near[count] = k
                count += 1
        w /= f[i]
        for a in range(count):
            k = near[a]
            g = w * kernel[i, k]
            for b in range(a + 1):
                hessian[k, near[b]] += g * kernel[i, near[b]]
    for k in range(size):
        hold = 1e-11 * hessian[k, k]
        hessian[k, k] += hold
        linear[k] += hold * mass[k]
        for l in range(k):
            hessian[l, k] = hessian[k, l]


@compiled
def joint_step(
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    kernel: Float64[np.ndarray, "classes k"],
    f: Float64[np.ndarray, " classes"],
    t: Float64[np.ndarray, " k"],
    mass: Float64[np.ndarray, " k"],
    low: float,
    high: float,
    step: Float64[np.ndarray, " 2k"],
) -> bool:
    """The Newton step of log mass (even entries) and place in units of its kernel's width (odd), into `step`.

    Places at the ends of the range that would leave it stay. False where no positive definite model is found.
    """
    n, size = kernel.shape
    both = 2 * size
    h = np.zeros((both, both))
    first = np.arange(both)
    g = np.zeros(both)
    share = np.empty(size)
    score = np.empty(size)
    near = np.empty(size, np.int64)
    q = 1.0 / (1.0 + np.exp(-t))
    other = 1.0 / (1.0 + np.exp(t))
    width = np.sqrt(beta / (q * other))
    bend = np.zeros(size)
    for k in range(size):
        g[2 * k] = mass[k]
    for i in range(n):
        count = 0
        w = weights[i]
        for k in range(size):
            r = mass[k] * kernel[i, k] / f[i]
            if r > TINY:
                d = p[i] - q[k] if t[k] < 0.0 else other[k] - rest[i]
                share[count] = r
                score[count] = d * width[k]
                near[count] = k
                bend[k] += w * r * (score[count] * score[count] - 1.0)
                count += 1
        for a in range(count):
            k = 2 * near[a]
            wr = w * share[a]
            e = score[a]
            g[k] -= wr
            g[k + 1] -= wr * e
            begin = 2 * near[0]
            if begin < first[k]:
                first[k] = begin
                first[k + 1] = begin
            for b in range(a + 1):
                l = 2 * near[b]
                x = wr * share[b]
                h[k, l] += x
                h[k + 1, l] += x * e
                h[k + 1, l + 1] += x * e * score[b]
                if b < a:
                    h[k, l + 1] += x * score[b]
    for k in range(size):
        first[2 * k + 1] = first[2 * k]
        h[2 * k + 1, 2 * k] += g[2 * k + 1]  # d² F / d log mass d place, zero at the solution
        h[2 * k, 2 * k] += g[2 * k]
        h[2 * k + 1, 2 * k + 1] -= bend[k]
        stays = (t[k] <= low and g[2 * k + 1] > 0.0) or (t[k] >= high and g[2 * k + 1] < 0.0)
        if stays:
            g[2 * k + 1] = 0.0
            for l in range(first[2 * k + 1], 2 * k + 1):
                h[2 * k + 1, l] = 0.0
            for l in range(2 * k + 2, both):
                h[l, 2 * k + 1] = 0.0
            h[2 * k + 1, 2 * k + 1] = mass[k]
    damping = 0.0
    work = np.empty_like(h)
    for _ in range(12):
        work[:] = h
        for k in range(size):
            work[2 * k, 2 * k] += damping * mass[k]
            work[2 * k + 1, 2 * k + 1] += damping * mass[k]
        if factorise(work, first, both):
            step[:] = -g
            substitute(work, first, both, step)
            return True
        damping = max(10.0 * damping, 1e-8)
    return False
