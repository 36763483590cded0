"""The beta that fits an encoder best: Shwartz-Ziv and Tishby (2017), Eq. 12, compiled.

Of an encoder p(t|x) with decoder p(y|t), beta* minimises over beta the mean over x of
KL(p(t|x) ‖ p_beta(t|x)), where p_beta(t|x) = p(t) exp(−beta KL(p(y|x) ‖ p(y|t))) / Z(x; beta):

    R(beta) = −H(T|X) + H(T) + beta D + E_x log Z(x; beta),   D = E KL(p(y|x) ‖ p(y|t)) = I(X;Y) − I(T;Y)

log Z is convex in beta, so R is, and its derivative D − E_x E_{p_beta(t|x)} KL has one zero or none. From every KL the
smallest of its x is taken away: R does not change, and D and its counterpart become small sums of small numbers with
all their digits, also where an encoder is all but deterministic. Values t with the same decoder are one to Z, and
patterns with the same p(y|x) too, so that the sums are small.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int32, Int64

from ibtui_engine.bottleneck.fits import GREATEST
from ibtui_engine.bottleneck.kernel import divergence, logistic, soft_plus
from ibtui_engine.compiled import compiled
from ibtui_engine.forward import LEAST as LEAST_ARGUMENT
from ibtui_engine.forward import exp_less_one

PLAIN = 1e-4
"""Share of its terms from which on a divergence is taken from their difference: its relative error is 1e-12 then."""
FAR = 85.0
"""Nats beyond which a term is nothing beside the nearest one's: 1e-37."""
NEAR = 80.0
"""Nats up to which a term can be had from `exp_less_one`, which has an end (`ibtui_engine.forward.LEAST`)."""
LEAST = 1e-290
"""Sums of probabilities above have all their digits."""
RULED_OUT = 1e300
"""Nats that stand for infinitely many: of a decoder that rules out what a class allows."""
POSSIBLE = 1e200
"""Nats below which a class has a share of a decoder."""
SHARP = 1e-30
"""Nats of distortion below which an encoder is all but deterministic."""
CLOSE = 1e-12
"""Relative difference of two distortions, or two betas, that counts as none; the least beta that is divided by."""
ALIKE = 1e-14
"""Relative difference of two decoders' log odds up to which they are one."""
INSIDE, LOW_END, HIGH_END = 0, -1, 1
"""Where the minimum lies: inside the range, at beta 0 (T knows nothing of Y), or not below `GREATEST`."""


@compiled
def divergences_of(
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    t: Float64[np.ndarray, " decoders"],
    found: Float64[np.ndarray, "classes decoders"],
) -> None:
    """KL(p ‖ logistic(t)) in nats of each class and decoder, less the class's smallest; `RULED_OUT` where the
    decoder rules out what p allows.

    With A(t) = log(1 + exp(t)) it is A(t) − A(odds) − p (t − odds), which needs no function of both. Where that leaves
    less than `PLAIN` of its terms, `divergence` has the digits.
    """
    decoders = t.shape[0]
    above = np.empty(decoders)
    below = np.empty(decoders)
    for k in range(decoders):
        above[k] = soft_plus(t[k])
        below[k] = soft_plus(-t[k])
    for i in range(p.shape[0]):
        right = odds[i] > 0.0  # of the two labels the one that is less likely keeps the digits
        small = rest[i] if right else p[i]
        own = -odds[i] if right else odds[i]
        level = soft_plus(own)
        for k in range(decoders):
            x = (-t[k] if right else t[k]) - own
            high = below[k] if right else above[k]
            plain = high - level - small * x
            found[i, k] = plain
            if not plain > PLAIN * (1.0 + high):  # NaN, too
                found[i, k] = min(divergence(p[i], rest[i], odds[i], t[k]), RULED_OUT)
            elif plain > RULED_OUT:
                found[i, k] = RULED_OUT
    for i in range(p.shape[0]):
        least = found[i].min()
        for k in range(decoders):
            found[i, k] -= least


@compiled
def nearest_of(d: Float64[np.ndarray, "classes decoders"]) -> Int64[np.ndarray, " classes"]:
    """The decoder that is nearest to each class."""
    found = np.empty(d.shape[0], np.int64)
    for i in range(d.shape[0]):
        found[i] = np.argmin(d[i])
    return found


@compiled
def log_partition(
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    p_t: Float64[np.ndarray, " decoders"],
    d: Float64[np.ndarray, "classes decoders"],
    nearest: Int64[np.ndarray, " classes"],
    fine: bool,
    scratch: Float64[np.ndarray, " decoders"],
) -> tuple[float, float, float]:
    """(E log Z, E d, mean variance of d) in nats: log Z falls with beta by E d, which falls by the variance.

    Terms below exp(−`FAR`) are left out unless `fine`. Divergences rise on both sides of the nearest decoder, so that
    those left in are neighbours.
    """
    total = 0.0
    mean = 0.0
    spread = 0.0
    decoders = p_t.shape[0]
    most = FAR / beta
    for i in range(weights.shape[0]):
        first = 0
        last = decoders
        if not fine:
            first = nearest[i]
            while first > 0 and d[i, first - 1] <= most:
                first -= 1
            last = nearest[i] + 1
            while last < decoders and d[i, last] <= most:
                last += 1
        for k in range(first, last):
            less, power = exp_less_one(max(-beta * d[i, k], LEAST_ARGUMENT))
            scratch[k] = less + power
        if fine:
            for k in range(decoders):
                if beta * d[i, k] > NEAR:
                    scratch[k] = math.exp(-beta * d[i, k])
        z = 0.0
        once = 0.0
        twice = 0.0
        for k in range(first, last):
            x = d[i, k]
            if x < POSSIBLE:
                r = p_t[k] * scratch[k]
                z += r
                once += r * x
                twice += r * x * x
        once /= z
        total += weights[i] * math.log(z)
        mean += weights[i] * once
        spread += weights[i] * max(twice / z - once * once, 0.0)
    return total, mean, spread


@compiled
def fit_encoder(
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    p_t: Float64[np.ndarray, " decoders"],
    t: Float64[np.ndarray, " decoders"],
    d: Float64[np.ndarray, "classes decoders"],
    distortion: float,
    entropy: float,
) -> tuple[float, float, int, float]:
    """(beta*, residual, where, decoder's inconsistency) in nats of an encoder with these p(t) and log odds of p(y|t),
    which ascend.

    `d` is that of `divergences_of`, `distortion` is D, the encoder's mean of it, and `entropy` is H(T) − H(T|X) =
    I(X;T), in nats. The inconsistency is the mean over t of KL(p(y|t) ‖ the decoder that Eq. 9 makes of
    p_beta*(t|x)).
    """
    scratch = np.empty(t.shape[0])
    nearest = nearest_of(d)
    fine = 0.0 < distortion < SHARP  # an encoder all but deterministic: what is left out would be all there is
    where = INSIDE
    low, high = 0.0, GREATEST
    mean = 0.0  # at beta 0, where all terms are one
    for i in range(weights.shape[0]):
        of_class = 0.0
        for k in range(t.shape[0]):
            if d[i, k] < POSSIBLE:
                of_class += p_t[k] * d[i, k]
        mean += weights[i] * of_class
    scale = max(abs(distortion), abs(mean))
    if mean - distortion <= CLOSE * scale:
        where = LOW_END
        beta = 0.0
    else:
        _, mean, _ = log_partition(GREATEST, weights, p_t, d, nearest, fine, scratch)
        if mean >= distortion * (1.0 - CLOSE):
            where = HIGH_END
            beta = GREATEST
        else:
            beta = 2.0
            for _ in range(200):
                _, mean, spread = log_partition(beta, weights, p_t, d, nearest, fine, scratch)
                slope = distortion - mean
                if slope < 0.0:
                    low = beta
                else:
                    high = beta
                # Newton's step in log beta; the derivative falls off like an exponential
                change = -slope / (spread * beta) if spread > 0.0 else math.inf
                if abs(change) < 1e-11 or high - low < CLOSE * high:
                    break
                following = beta * math.exp(min(max(change, -3.0), 3.0))
                if not low < following < high:
                    following = math.sqrt(max(low, 1e-9) * high) if high > 4.0 * max(low, 1e-9) else 0.5 * (low + high)
                beta = following
    log_z, _, _ = log_partition(max(beta, CLOSE), weights, p_t, d, nearest, fine, scratch)
    residual = max(entropy + beta * distortion + log_z, 0.0)
    return beta, residual, where, decoder_gap(max(beta, CLOSE), weights, p, rest, p_t, t, d)


@compiled
def decoder_gap(
    beta: float,
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    p_t: Float64[np.ndarray, " decoders"],
    t: Float64[np.ndarray, " decoders"],
    d: Float64[np.ndarray, "classes decoders"],
) -> float:
    """Mean over t of KL(p(y|t) ‖ sum_x p(y|x) p_beta(t|x) p(x) / sum_x p_beta(t|x) p(x)), in nats."""
    decoders = t.shape[0]
    of_t = np.zeros(decoders)
    ones = np.zeros(decoders)
    zeros = np.zeros(decoders)
    scratch = np.empty(decoders)
    share = np.empty(weights.shape[0])
    for i in range(weights.shape[0]):
        z = 0.0
        for k in range(decoders):
            less, power = exp_less_one(max(-beta * d[i, k], LEAST_ARGUMENT))
            scratch[k] = less + power
        for k in range(decoders):
            if beta * d[i, k] > NEAR:
                scratch[k] = math.exp(-beta * d[i, k])
            z += p_t[k] * scratch[k]
        share[i] = weights[i] / z
        for k in range(decoders):
            r = share[i] * scratch[k]
            of_t[k] += r
            ones[k] += r * p[i]
            zeros[k] += r * rest[i]
    for k in range(decoders):
        if min(ones[k], zeros[k]) < LEAST:  # what is far from all classes has the odds of those that are least far
            of_t[k] = ones[k] = zeros[k] = 0.0
            least = math.inf
            for i in range(weights.shape[0]):
                least = min(least, d[i, k])
            for i in range(weights.shape[0]):
                r = share[i] * math.exp(-beta * (d[i, k] - least))
                of_t[k] += r
                ones[k] += r * p[i]
                zeros[k] += r * rest[i]
    total = 0.0
    for k in range(decoders):
        if of_t[k] > 0.0:
            made = math.log(ones[k]) - math.log(zeros[k])
            total += p_t[k] * divergence(logistic(t[k]), logistic(-t[k]), t[k], made)
    return max(total, 0.0)


@compiled
def mean_log_odds(
    group: Int32[np.ndarray, " patterns"],
    p: Float64[np.ndarray, " patterns"],
    rest: Float64[np.ndarray, " patterns"],
    odds: Float64[np.ndarray, " patterns"],
    ones: Float64[np.ndarray, " t"],
    zeros: Float64[np.ndarray, " t"],
    found: Float64[np.ndarray, " t"],
) -> None:
    """Log odds of p(y|t), the mean of p(y|x) over each group's patterns, from log odds of any size.

    `rest`: 1 − p. `ones` and `zeros`: scratch. Where a label is less likely than a double can say with all its digits,
    each label's logarithms are summed up less their largest in the group instead.
    """
    ones[:] = 0.0
    zeros[:] = 0.0
    for s in range(group.shape[0]):
        ones[group[s]] += p[s]
        zeros[group[s]] += rest[s]
    least = math.inf
    for t in range(found.shape[0]):
        least = min(least, ones[t], zeros[t])
    if least > LEAST:
        for t in range(found.shape[0]):
            found[t] = math.log(ones[t]) - math.log(zeros[t])
        return
    found[:] = -math.inf
    most = np.full(found.shape[0], -math.inf)
    for s in range(group.shape[0]):
        t = group[s]
        most[t] = max(most[t], -soft_plus(-odds[s]))
        found[t] = max(found[t], -soft_plus(odds[s]))
    ones[:] = 0.0
    zeros[:] = 0.0
    for s in range(group.shape[0]):
        t = group[s]
        if most[t] > -math.inf:
            ones[t] += math.exp(-soft_plus(-odds[s]) - most[t])
        if found[t] > -math.inf:
            zeros[t] += math.exp(-soft_plus(odds[s]) - found[t])
    for t in range(found.shape[0]):
        if most[t] == -math.inf:
            found[t] = -math.inf
        elif found[t] == -math.inf:
            found[t] = math.inf
        else:
            found[t] = (most[t] - found[t]) + (math.log(ones[t]) - math.log(zeros[t]))


@compiled
def fit_groups(
    first: int,
    last: int,
    groups: Int32[np.ndarray, "networks layers patterns"],
    counts: Int64[np.ndarray, "networks layers"],
    p_y: Float64[np.ndarray, " patterns"],
    rest_y: Float64[np.ndarray, " patterns"],
    odds_y: Float64[np.ndarray, " patterns"],
    weights: Float64[np.ndarray, " classes"],
    p: Float64[np.ndarray, " classes"],
    rest: Float64[np.ndarray, " classes"],
    odds: Float64[np.ndarray, " classes"],
    class_of: Int64[np.ndarray, " patterns"],
    near: float,
    found: Float64[np.ndarray, "networks layers 6"],
) -> None:
    """Fit every layer of networks first..last-1: beta*, residual, where, inconsistency, I(X;T), I(X;Y) − I(T;Y), in
    nats.

    `p_y`, `rest_y`, `odds_y` are p(y=1|x), p(y=0|x) and their log odds of equally likely patterns; `weights`, `p`,
    `rest`, `odds` are those of the classes that the sums run over, `class_of` is each pattern's. Decoders in one cell
    of `near` in arcsin sqrt(p(y=1|t)) are one.
    """
    patterns = p_y.shape[0]
    members = np.empty(patterns, np.int64)
    ones = np.empty(patterns)
    zeros = np.empty(patterns)
    decoder = np.empty(patterns)
    for network in range(first, last):
        for layer in range(groups.shape[1]):
            count = counts[network, layer]
            group = groups[network, layer]
            members[:count] = 0
            for s in range(patterns):
                members[group[s]] += 1
            mean_log_odds(group, p_y, rest_y, odds_y, ones[:count], zeros[:count], decoder[:count])
            entropy = 0.0
            for k in range(count):
                entropy += members[k] * math.log(patterns / members[k])
            distortion = 0.0
            for s in range(patterns):
                k = group[s]
                if members[k] > 1:
                    distortion += divergence(p_y[s], rest_y[s], odds_y[s], decoder[k])
            order = np.argsort(decoder[:count])
            t = np.empty(count)
            p_t = np.empty(count)
            home = np.empty(count, np.int64)
            kept = 0
            begin = math.nan
            for k in order:
                share = members[k] / patterns
                at = cell_of(decoder[k], near) if near > 0.0 else math.nan
                if kept > 0 and (at == begin or decoder[k] == t[kept - 1] or _alike(decoder[k], t[kept - 1])):
                    p_t[kept - 1] += share
                    if decoder[k] != t[kept - 1]:
                        t[kept - 1] += (decoder[k] - t[kept - 1]) * share / p_t[kept - 1]
                else:
                    t[kept] = decoder[k]
                    p_t[kept] = share
                    begin = at
                    kept += 1
                home[k] = kept - 1
            d = np.empty((p.shape[0], kept))
            divergences_of(p, rest, odds, t[:kept], d)
            beyond = 0.0
            for s in range(patterns):
                beyond += d[class_of[s], home[group[s]]]
            beta, residual, where, gap = fit_encoder(
                weights, p, rest, p_t[:kept], t[:kept], d, beyond / patterns, entropy / patterns
            )
            found[network, layer, 0] = beta
            found[network, layer, 1] = residual
            found[network, layer, 2] = where
            found[network, layer, 3] = gap
            found[network, layer, 4] = entropy / patterns
            found[network, layer, 5] = distortion / patterns


@compiled
def _alike(odds: float, other: float) -> bool:
    """Whether two log odds differ by no more than the rounding of the sums that they come from."""
    return abs(odds - other) <= ALIKE * (1.0 + abs(odds))


@compiled
def cell_of(odds: float, near: float) -> float:
    """The number of the cell of width `near` in arcsin sqrt(p) in which log odds lie; the label's swap changes its
    sign.
    """
    angle = math.atan(math.exp(-0.5 * abs(odds))) - 0.25 * math.pi  # from −pi/4 for a certain label to 0 for p = 1/2
    cell = np.rint(angle / near)
    return float(-cell if odds > 0.0 else cell)
