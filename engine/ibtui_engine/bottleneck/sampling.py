"""The finite-sample bound: what the optimal encoders of a sample are worth under the true rule.

Shwartz-Ziv and Tishby (2017), section 3.9; Shamir, Sabato and Tishby (2010). From a network's sample of labelled
patterns comes an empirical distribution over the classes of equal p(y|x): how often each occurs in the sample, and
the share of ones among its labels. The IB problem is solved for it at each beta, and its encoder p(t|class) is
then measured with the true p(class) and p(y|class).

Why classes: over the patterns themselves each occurs once, its empirical p(y|x) is 0 or 1, and no encoder says
anything of a pattern that was not seen, so that the bound would depend on the fraction alone. The classes are the
minimal sufficient statistic: the bound is for a learner who knows which patterns are alike, and only has to learn
their labels. (A rule whose patterns all differ in p(y|x) has no such classes, and the bound shows just that.)

What is done with classes outside the sample: all that is known of their label is the sample's share of ones, so they
are encoded as a class of that posterior would be, p(t) exp(−beta KL(p(y) ‖ p(y|t))) / Z; or as p(t) where every t of
the sample is certain of its label, which an unsure class has no likeness to.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from ibtui_engine.bottleneck.curve import SampledBound
from ibtui_engine.bottleneck.fitting import EXACT_CLASSES, merged
from ibtui_engine.bottleneck.solver import NOWHERE, Solution, solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.networks import Samples, draw_samples
from ibtui_engine.rules.log_odds import divergences, log_ratio
from ibtui_engine.rules.rule import Rule
from ibtui_engine.statistics import mean, standard_error
from ibtui_engine.threads import Threads

BETAS = 30


def sampled_bound(
    rule: Rule,
    fraction: float,
    seeds: tuple[int, ...],
    threads: Threads,
    betas: Float64[np.ndarray, " betas"] | None = None,
) -> SampledBound:
    """The bound of the samples that networks with these seeds learn from, at ascending betas (30 from 1 to 1000)."""
    grid = np.geomspace(1.0, 1000.0, BETAS) if betas is None else np.asarray(betas, np.float64)
    i_x, i_y, promised = sample_points(rule, fraction, seeds, threads, grid)
    return SampledBound(fraction, len(seeds), grid, mean(i_x), mean(i_y), standard_error(i_y), mean(promised))


def sample_points(
    rule: Rule, fraction: float, seeds: tuple[int, ...], threads: Threads, betas: Float64[np.ndarray, " betas"]
) -> Float64[np.ndarray, "3 samples betas"]:
    """`evaluate_sample` of each of the samples that networks with these seeds learn from."""
    drawn = draw_samples(rule, fraction, seeds)
    values = np.empty((3, len(seeds), len(betas)))

    def work(first: int, last: int) -> None:
        for k in range(first, last):
            one = Samples(drawn.patterns[k : k + 1], drawn.labels[k : k + 1])
            values[:, k] = evaluate_sample(rule, one, betas)

    threads.share_out(len(seeds), work)
    return values


def attained(
    i_x: Float64[np.ndarray, " layers"], points: Float64[np.ndarray, "2 betas"]
) -> Float64[np.ndarray, " layers"]:
    """The most I(T;Y) that a sample's optimal encoders attain with no more I(X;T) than layers have, in bits.

    A line from the origin through the points that are higher than all to their left, and flat beyond the last.

    Args:
        i_x: of the layers.
        points: I(X;T) and I(T;Y) of the encoders, in any order.
    """
    order = np.argsort(points[0], kind="stable")
    x, y = (np.concatenate([[0.0], row[order]]) for row in points)
    return np.asarray(np.interp(i_x, x, np.maximum.accumulate(y)))


def evaluate_sample(
    rule: Rule, sample: Samples, betas: Float64[np.ndarray, " betas"]
) -> Float64[np.ndarray, "3 betas"]:
    """I(X;T) and I(T;Y) under the true rule, and I(T;Y) as the sample has it, of its optimal encoders, in bits."""
    true = Source.of_rule(rule)
    class_of = np.searchsorted(true.log_odds, rule.log_odds)
    classes = len(true.weights)
    seen, labels = class_of[sample.patterns[0]], sample.labels[0].astype(np.float64)
    mass = np.ones(len(labels)) if rule.p_x is None else rule.p_x[sample.patterns[0]] * len(rule.p_x)
    ones = np.bincount(seen, weights=labels * mass, minlength=classes)
    zeros = np.bincount(seen, weights=(1.0 - labels) * mass, minlength=classes)
    empirical = Source.of_parts(ones, zeros)
    if len(empirical.weights) > EXACT_CLASSES:
        empirical = merged(empirical, 1e-6)
    found = np.empty((3, len(betas)))
    last: Solution | None = None
    for k, beta in enumerate(betas.tolist()):
        last = solve(empirical, beta, last or NOWHERE)
        found[0, k], found[1, k] = information_of(true, encoder_of(last, ones, zeros))
        found[2, k] = last.i_y
    return found


def encoder_of(
    solution: Solution, ones: Float64[np.ndarray, " classes"], zeros: Float64[np.ndarray, " classes"]
) -> Float64[np.ndarray, "classes t"]:
    """p(t|class) of an optimal encoder for the classes of a sample, given the numbers of labels 1 and 0 in each."""
    seen = ones + zeros > 0
    places = log_ratio(ones[seen], zeros[seen])[:, None]
    encoder = np.empty((len(ones), solution.support))
    encoder[seen] = _shares(solution.masses, solution.beta * divergences(places, solution.log_odds))
    p_t = (ones + zeros)[seen] @ encoder[seen]
    decoder = log_ratio(ones[seen] @ encoder[seen], zeros[seen] @ encoder[seen])
    share = log_ratio(ones.sum(), zeros.sum())
    encoder[~seen] = _shares(p_t, solution.beta * divergences(share, decoder)[None, :])
    return encoder


def _shares(
    masses: Float64[np.ndarray, " t"], cost: Float64[np.ndarray, "classes t"]
) -> Float64[np.ndarray, "classes t"]:
    """The distributions proportional to masses exp(−cost); to the masses alone where every cost is infinite."""
    impossible = ~np.isfinite(cost).any(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        score = np.log(masses) - np.where(impossible, 0.0, cost)
    shares = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def information_of(source: Source, encoder: Float64[np.ndarray, "classes t"]) -> tuple[float, float]:
    """I(X;T) and I(T;Y) in bits of an encoder p(t|class)."""
    joint = source.weights[:, None] * encoder
    p_t = joint.sum(axis=0)
    used = p_t > 0
    joint, p_t = joint[:, used], p_t[used]
    with np.errstate(divide="ignore", invalid="ignore"):
        i_x = np.where(joint > 0, joint * np.log2(encoder[:, used] / p_t), 0.0).sum()
    odds = log_ratio(source.p_y @ joint, source.rest @ joint)
    i_y = p_t @ divergences(odds, np.asarray(source.log_odds_y)) / np.log(2)
    return max(float(i_x), 0.0), max(float(i_y), 0.0)
