"""The claims of the paper, each as a function from the evidence to a finding. Nothing is typed in but the rules by
which verdicts are reached.

Differences over networks are paired, network by network; "clearly" means by more than three standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.evidence import VARIANTS, Evidence
from ibtui_engine.account.finding import (
    NO_VERDICT,
    NOT,
    PARTLY,
    REPRODUCED,
    UNKNOWN,
    Finding,
    Number,
    of_epoch,
    of_spread,
)
from ibtui_engine.experiment import Experiment
from ibtui_engine.statistics import Spread, mean, spread

if TYPE_CHECKING:
    from ibtui_engine.session.ensemble import RecordedEnsemble

CLEARLY = 3.0
"""Standard errors."""
PAPERS_TRANSITION = 350.0
"""The epoch near which the paper sees drift end."""
PAPERS_FAST = 400.0
"""The epochs in which the paper's deepest network has learned."""
LEARNED = 0.8
"""Bits of I(T;Y) at the output, of 0.99, from which on a network counts as having learned."""
COMPRESSED = 0.5
"""Bits of I(X;T) from which on a layer counts as having compressed."""
LOST = 0.02
"""Bits of I(T;Y) from which on a layer counts as having lost label information."""

Judgement = tuple[str, Sequence[Number], str]
"""Verdict, numbers, and the reason where the verdict is not `reproduced`, or what is to be kept in mind where it is."""


@dataclass(frozen=True)
class Claim:
    """What the paper says, and how it is judged."""

    key: str
    section: str
    text: str
    measured: str
    rule: str
    """Empty where there is no claim of the paper's to judge."""
    needs: tuple[str, ...]
    """The names of the sessions that it rests on."""
    judge: Callable[[Evidence], Judgement]

    def account(self, evidence: Evidence) -> Finding:
        """The finding; without verdict where a session is missing."""
        said = (self.key, self.section, self.text, self.measured, self.rule)
        missing = [name for name in self.needs if name not in evidence]
        if missing:
            return Finding(*said, UNKNOWN, (), f"there is no finished session of {', '.join(missing)}")
        verdict, numbers, reason = self.judge(evidence)
        return Finding(*said, verdict, tuple(numbers), reason)


def _clearly(value: Spread) -> bool:
    """Whether a number is above 0 by more than `CLEARLY` standard errors."""
    return value.present and value.mean > CLEARLY * value.error if math.isfinite(value.error) else value.mean > 0


def _turned(value: Spread) -> Spread:
    """The same number with the other sign."""
    return replace(value, mean=-value.mean, low=-value.high, high=-value.low)


def _loss(of: RecordedEnsemble) -> list[Spread]:
    """By layer, bits of I(T;Y) from the epoch at which its mean over networks is highest to the last one, paired."""
    i_y = of.layers.i_y
    best = np.nanargmax(mean(i_y, axis=1), axis=0)
    return [spread(i_y[best[k], :, k] - i_y[-1, :, k]) for k in range(i_y.shape[2])]


def _compressed(of: RecordedEnsemble) -> list[int]:
    """The hidden layers that clearly lose `COMPRESSED` bits of I(X;T)."""
    rows = of.phases.layers[:-1]
    return [k for k, row in enumerate(rows) if row.compression.mean >= COMPRESSED and _clearly(row.compression)]


def _listed(of: RecordedEnsemble, layers: Sequence[int]) -> str:
    return ", ".join(of.layer_names[k] for k in layers)


# drift and diffusion


def _transition(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("figure-3")
    whole, layers = of.phases.transition.network, of.phases.transition.layers
    numbers = [of_epoch("all weights", whole), *(of_epoch(of.layer_names[k], one) for k, one in enumerate(layers))]

    def near(epoch: float, factor: float) -> bool:
        return abs(math.log(epoch / PAPERS_TRANSITION)) <= math.log(factor)

    if whole.present and near(whole.epoch, 1.5):
        return REPRODUCED, numbers, ""
    close = [k for k, one in enumerate(layers) if one.present and near(one.epoch, 1.5)]
    if close or (whole.present and near(whole.epoch, 3)):
        where = f"near 350 it is in {_listed(of, close)}" if close else "no layer's is near 350"
        told = (
            f"there is a transition, but layers have it one after the other: {where}. Its epoch is set by the learning "
            "rate and the batch (see sensitivity), which the paper does not give"
        )
        return PARTLY, numbers, told
    return NOT, numbers, "drift ends elsewhere, or not at all"


def _coincidence(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("figure-3")
    both = [(k, row) for k, row in enumerate(of.phases.layers) if row.delay.count >= 2]
    factors = {k: math.exp(row.delay.mean) for k, row in both}
    numbers = [
        replace(
            of_spread(f"{of.layer_names[k]} factor", row.delay), value=factors[k], error=factors[k] * row.delay.error
        )
        for k, row in both
    ]
    together = [k for k, row in both if abs(row.delay.mean) <= math.log(1.5)]
    if both and len(together) == len(both):
        return REPRODUCED, numbers, ""
    apart = [k for k, _ in both if k not in together]
    why = f"I(X;T) turns later or earlier in {_listed(of, apart)}" if both else "no layer has both"
    return (PARTLY if together else NOT), numbers, why


def _mostly_compression(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("figure-3")
    account = of.phases
    hidden = list(enumerate(account.layers))[:-1]
    numbers = [of_spread("share of epochs in drift", account.drift_share)]
    numbers += [of_spread(of.layer_names[k], row.compression, "bits") for k, row in hidden]
    done = _compressed(of)
    short = account.drift_share.present and account.drift_share.mean < 0.1
    if short and len(done) == len(hidden):
        return REPRODUCED, numbers, ""
    rest = [k for k, _ in hidden if k not in done]
    why = f"less than {COMPRESSED} bits, or not clearly so, are lost in {_listed(of, rest)}"
    return (PARTLY if short and done else NOT), numbers, why if short else "drift takes more than a tenth of the epochs"


def _leveling(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("figure-3")
    rows = of.phases.layers
    numbers = [of_spread(f"{of.layer_names[k]}: SNR", row.level) for k, row in enumerate(rows)]
    numbers += [
        Number("share of networks, all weights", of.phases.levels_at.count / of.ensemble.networks, math.nan, "")
    ]
    level = [k for k, row in enumerate(rows) if row.levels_at.common]
    if len(level) == len(rows):
        return REPRODUCED, numbers, ""
    rest = [k for k in range(len(rows)) if k not in level]
    back = [k for k, row in enumerate(rows) if 2 * row.returns >= row.levels_at.networks]
    why = f"it does not in most networks of {_listed(of, rest)}"
    why += f"; SNR is above one again at the end in {_listed(of, back)}" if back else ""
    return (PARTLY if level else NOT), numbers, why


def _diffusion(evidence: Evidence) -> Judgement:
    of, rows = evidence.ensemble("figure-3"), evidence.moves("figure-3")
    numbers = [of_spread(f"{of.layer_names[k]} exponent", row.exponent) for k, row in enumerate(rows)]
    there = [k for k, row in enumerate(rows) if row.exponent.present]
    free = [k for k in there if 0.75 <= rows[k].exponent.mean <= 1.25]
    if there and len(free) == len(there):
        return REPRODUCED, numbers, ""
    fast = [k for k in there if rows[k].exponent.mean > 1.25]
    slow = [k for k in there if rows[k].exponent.mean < 0.75]
    why = "; ".join(
        f"{_listed(of, some)} {verb}" for some, verb in ((fast, "still go one way"), (slow, "come to rest")) if some
    )
    return (PARTLY if free else NOT), numbers, why or "there is no transition to measure from"


def _correlations(evidence: Evidence) -> Judgement:
    of, rows = evidence.ensemble("figure-3"), evidence.moves("figure-3")
    there = [(k, row) for k, row in enumerate(rows) if row.correlation.present]
    numbers: list[Number] = []
    for k, row in there:
        numbers.append(of_spread(f"{of.layer_names[k]} mean |r|", row.correlation))
        numbers.append(Number(f"{of.layer_names[k]} if independent", row.independent, math.nan, ""))
    growth = [row.norm_last.mean / row.norm_first.mean for row in of.phases.layers]
    numbers += [Number(f"{of.layer_names[k]} norm, times", one, math.nan, "") for k, one in enumerate(growth)]
    related = [k for k, row in there if row.correlation.mean > 1.25 * row.independent]
    shrunk = [k for k, one in enumerate(growth) if one < 1]
    if not related and not shrunk:
        return REPRODUCED, numbers, ""
    why = [f"in-weights are correlated in {_listed(of, related)}"] if related else []
    why += [f"norms shrink in {_listed(of, shrunk)}"] if shrunk else []
    return (PARTLY if not shrunk or not related else NOT), numbers, "; ".join(why)


# layers in the plane


def _data(evidence: Evidence) -> Judgement:
    few, most = evidence.ensemble("figure-3", 0), evidence.ensemble("figure-3", -1)
    numbers: list[Number] = []
    lost: list[int] = []
    kept: list[int] = []
    for of, said in ((few, "5 %"), (most, "85 %")):
        for k, one in enumerate(_loss(of)):
            numbers.append(of_spread(f"{of.layer_names[k]} at {said}", one, "bits"))
            if one.mean >= LOST and _clearly(one):
                (lost if of is few else kept).append(k)
    if lost and not kept:
        return REPRODUCED, numbers, ""
    if not lost:
        return NOT, numbers, "no layer clearly loses label information with 5 %"
    return PARTLY, numbers, f"{_listed(most, kept)} lose some with 85 %, too"


def _depth(evidence: Evidence) -> Judgement:
    numbers = []
    reached: list[float] = []
    for of in evidence.ensembles("figure-5"):
        output = mean(of.layers.i_y[:, :, -1], axis=1)
        there = np.flatnonzero(output >= LEARNED)
        reached.append(float(of.layers.epochs[there[0]]) if len(there) else math.nan)
        numbers.append(Number(f"{of.hidden_layers} hidden", reached[-1], math.nan, "epoch"))
        numbers.append(of_spread(f"{of.hidden_layers} hidden, at the end", spread(of.layers.i_y[-1, :, -1]), "bits"))
    fast = reached[-1] <= 1.5 * PAPERS_FAST
    if math.isnan(reached[0]) and fast:
        return REPRODUCED, numbers, ""
    helped = math.isnan(reached[0]) or reached[-1] < reached[0]
    why = []
    if not math.isnan(reached[0]):
        why.append(f"one hidden layer gets there by epoch {reached[0]:.0f}")
    if not fast:
        why.append(
            "six never do" if math.isnan(reached[-1]) else f"six take {reached[-1]:.0f} epochs, not {PAPERS_FAST:.0f}"
        )
    return (PARTLY if helped else NOT), numbers, "; ".join(why)


def _order(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("figure-5")
    found = of.phases.compressing
    times = [
        of_epoch(of.layer_names[k], row.half_compressed)
        for k, row in enumerate(of.phases.layers)
        if row.half_compressed.present
    ]
    numbers = [*times, Number("agreement of networks (Kendall's W)", found.agreement, math.nan, "")]
    pairs = [a > b for n, a in enumerate(found.layers) for b in found.layers[n + 1 :]]
    if pairs and all(pairs) and found.agreement >= 0.5:
        return REPRODUCED, numbers, ""
    said = ", ".join(of.layer_names[layer - 1] for layer in found.layers)
    why = f"the order is {said}" if found.layers else "fewer than two layers compress in most networks"
    return (PARTLY if pairs and 2 * sum(pairs) > len(pairs) else NOT), numbers, why


def _corner(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("figure-3")
    below = spread(of.h_x - of.layers.i_x[-1, :, 0])
    label = spread(of.i_xy - of.layers.i_y[-1, :, 0])
    numbers = [of_spread("H(X) − I(X;T1)", below, "bits"), of_spread("I(X;Y) − I(T1;Y)", label, "bits")]
    if below.mean <= 0.1 and label.mean <= 0.01:
        bins = "with 30 bins its neurons tell nearly all patterns apart, so the number says little of what it computes"
        return REPRODUCED, numbers, bins
    return NOT, numbers, "it leaves the corner"


def _bound(name: str) -> Callable[[Evidence], Judgement]:
    def judge(evidence: Evidence) -> Judgement:
        of, fits = evidence.ensemble(name), evidence.fits(name)
        betas, below = fits.spreads("beta"), fits.spreads("distance")
        beta, distance = (np.array([one.mean for one in of_layers]) for of_layers in (betas, below))
        numbers = []
        for k in range(of.hidden_layers + 1):
            numbers.append(of_spread(f"{of.layer_names[k]} below", below[k], "bits"))
            if math.isfinite(beta[k]):
                numbers.append(of_spread(f"{of.layer_names[k]} beta*", betas[k]))
        near = bool((distance <= 0.02).all())
        known = [value for value in beta if math.isfinite(value)]
        falling = len(known) >= 3 and all(a > b for a, b in pairwise(known))
        if near and falling:
            return REPRODUCED, numbers, ""
        why = []
        if not near:
            why.append(f"more than 0.02 bits below the curve: {_listed(of, list(np.flatnonzero(distance > 0.02)))}")
        if not falling:
            without = of.hidden_layers + 1 - len(known)
            some = f" ({without} layers have none: the curve is all but a corner there)" if without else ""
            why.append(f"beta* does not fall from layer to layer{some}")
        return (PARTLY if near or falling else NOT), numbers, "; ".join(why)

    return judge


def _more_data(evidence: Evidence) -> Judgement:
    all_of = sorted(evidence.ensembles("figure-7"), key=lambda one: one.ensemble.fraction)
    few, most = all_of[0], all_of[-1]
    deep = (most.hidden_layers - 1, most.hidden_layers)
    numbers, gains = [], []
    for k in deep:
        for of in (few, most):
            said = f"{of.layer_names[k]} at {100 * of.ensemble.fraction:.3g} %"
            numbers.append(of_spread(said, spread(of.layers.i_y[-1, :, k]), "bits"))
        gains.append(spread(most.layers.i_y[-1, :, k] - few.layers.i_y[-1, :, k]))
    courses = np.array([[float(mean(of.layers.i_y[-1, :, k])) for of in all_of] for k in deep])
    errors = np.array([[spread(of.layers.i_y[-1, :, k]).error for of in all_of] for k in deep])
    back = np.diff(courses, axis=1) < -2 * np.hypot(errors[:, 1:], errors[:, :-1])
    if all(map(_clearly, gains)) and not back.any():
        return REPRODUCED, numbers, ""
    if not all(map(_clearly, gains)):
        return NOT, numbers, "with more data they do not clearly know more of the label"
    return PARTLY, numbers, "they go up, but not at every step"


# other rules and other training


def _compresses(name: str) -> Callable[[Evidence], Judgement]:
    """Whether layers of a session go through both phases."""

    def judge(evidence: Evidence) -> Judgement:
        of = evidence.ensemble(name)
        hidden = list(enumerate(of.phases.layers))[:-1]
        numbers = [of_epoch("drift ends", of.phases.transition.network)]
        numbers += [of_spread(f"{of.layer_names[k]} loses", row.compression, "bits") for k, row in hidden]
        done = _compressed(of)
        there = of.phases.transition.network.common
        if there and done:
            return REPRODUCED, numbers, ""
        why = [] if there else ["most networks have no transition"]
        why += [] if done else [f"no hidden layer clearly loses {COMPRESSED} bits"]
        return (PARTLY if there or done else NOT), numbers, "; ".join(why)

    return judge


def _large_problem(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("digits")
    layers = of.phases.transition.layers
    numbers = [of_epoch("all weights", of.phases.transition.network)]
    numbers += [of_epoch(of.layer_names[k], one) for k, one in enumerate(layers)]
    there = [k for k, one in enumerate(layers) if one.common]
    whole = of.phases.transition.network.common
    if whole and len(there) == len(layers):
        return REPRODUCED, numbers, ""
    rest = _listed(of, [k for k in range(len(layers)) if k not in there])
    return (PARTLY if whole or there else NOT), numbers, f"most networks have none in {rest or 'all weights together'}"


def _perceptron(evidence: Evidence) -> Judgement:
    single, deep = evidence.noise("perceptron")
    assert single.closed is not None
    apart = single.every - single.closed
    worst = max((spread(column) for column in apart.T), key=lambda one: abs(one.mean))
    numbers = [of_spread("single layer less closed form, at most", worst)]
    for size in (0.3, 1.0):
        at = int(np.argmin(np.abs(single.sigmas - size)))
        for name, errors in (("single layer", single), ("deep", deep)):
            numbers.append(of_spread(f"{name}: error with noise {size:g}", spread(errors.outside[:, at])))
    if abs(worst.mean) <= 0.01:
        return REPRODUCED, numbers, ""
    return NOT, numbers, "inputs and networks are finite, and the closed form is of many inputs"


def _relaxed(evidence: Evidence) -> Judgement:
    of, found = evidence.ensemble("monte-carlo", 0), evidence.relaxation("monte-carlo")
    numbers: list[Number] = []
    for k, row in enumerate(found.layers):
        numbers.append(of_spread(f"{of.layer_names[k]} relaxed", row.i_x.relaxed, "bits"))
        if row.i_x.sgd is not None:
            numbers.append(of_spread(f"{of.layer_names[k]} SGD", row.i_x.sgd, "bits"))
    falls = {k: row.i_x.relaxed for k, row in enumerate(found.layers[:-1])}
    done = [k for k, one in falls.items() if one.mean <= -COMPRESSED and one.mean < -CLEARLY * one.error]
    lost = [
        k for k, row in enumerate(found.layers) if row.i_y.relaxed.mean <= -LOST and _clearly(_turned(row.i_y.relaxed))
    ]
    if done:
        but = f"; information on the label is lost with it in {_listed(of, lost)}" if lost else ""
        return REPRODUCED, numbers, f"in {_listed(of, done)}{but}"
    grown = [k for k, one in falls.items() if one.mean > CLEARLY * one.error]
    why = f"no hidden layer clearly loses {COMPRESSED} bits at the cost of {found.end - found.start} epochs of SGD"
    return NOT, numbers, why + (f"; {_listed(of, grown)} clearly gain" if grown else "")


def _without_noise(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("full-batch")
    hidden = list(enumerate(of.phases.layers))[:-1]
    numbers = [of_spread(f"{of.layer_names[k]} loses", row.compression, "bits") for k, row in hidden]
    done = _compressed(of)
    batches = math.ceil(of.ensemble.sample_size / Experiment().batch)  # type: ignore[operator]
    if done:
        why = f"{_listed(of, done)} compress without any noise of batches, as Saxe et al. (2018) found"
        return NOT, numbers, why
    return REPRODUCED, numbers, f"an epoch is one update here, of {batches} with batches of 512: less is learned, too"


def _without_saturation(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("relu")
    hidden = list(enumerate(of.phases.layers))[:-1]
    numbers = [of_spread(f"{of.layer_names[k]} loses", row.compression, "bits") for k, row in hidden]
    done = _compressed(of)
    if len(done) == len(hidden):
        return REPRODUCED, numbers, ""
    rest = _listed(of, [k for k, _ in hidden if k not in done])
    why = (
        f"no {COMPRESSED} bits are clearly lost in {rest}; relu layers are binned on the range that occurs in them at "
        "each snapshot, so the bins grow with the outputs"
    )
    return (PARTLY if done else NOT), numbers, why


def _nothing_to_learn(evidence: Evidence) -> Judgement:
    of = evidence.ensemble("random-labels")
    hidden = list(enumerate(of.phases.layers))[:-1]
    numbers = [of_spread(f"{of.layer_names[k]} loses", row.compression, "bits") for k, row in hidden]
    numbers.append(of_spread("accuracy inside the sample", spread(of.learning.train_accuracy[-1])))
    return NO_VERDICT, numbers, ""


def _sensitivity(evidence: Evidence) -> Judgement:
    numbers = []
    named = {"0.02, 512, sgd": "figure-3", "adam 0.0004": "adam", **{name: name for name in VARIANTS}}
    for said, name in named.items():
        of = evidence.ensemble(name)
        numbers.append(of_epoch(f"{said}: drift ends", of.phases.transition.network))
        lost = np.nansum([row.compression.mean for row in of.phases.layers[:-1]])
        numbers.append(Number(f"{said}: hidden layers lose", float(lost), math.nan, "bits"))
        numbers.append(of_spread(f"{said}: output knows", spread(of.layers.i_y[-1, :, -1]), "bits"))
    return NO_VERDICT, numbers, ""


MAIN = "figure-3, 85 % of the patterns"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "two-phases",
        "3.3",
        "Fitting is short; most epochs of SGD are spent on compressing the input",
        f"share of epochs before drift ends; bits from the peak of I(X;T) to its end ({MAIN})",
        f"drift below a tenth of the epochs, and every hidden layer clearly loses {COMPRESSED} bits; partly: some do",
        ("figure-3",),
        _mostly_compression,
    ),
    Claim(
        "data",
        "3.4",
        "With 5 % of the data compression loses information on the label, with 85 % it does not",
        "bits of I(T;Y) from its highest mean to the end (figure-3)",
        f"some layer clearly loses {LOST} bits with 5 %, none with 85 %; partly: some with 85 %, too",
        ("figure-3",),
        _data,
    ),
    Claim(
        "transition",
        "3.5",
        "The gradients go over from drift to diffusion near epoch 350",
        f"where the SNR of all weights falls below one, and of each layer ({MAIN})",
        "within a factor 1.5 of 350; partly: in some layers, or within a factor 3",
        ("figure-3",),
        _transition,
    ),
    Claim(
        "coincidence",
        "3.5",
        "This transition is where I(X;T) turns from rising to falling",
        f"epoch of the turn over that of the transition, network by network ({MAIN})",
        "within a factor 1.5 in all layers that have both; partly: in some",
        ("figure-3",),
        _coincidence,
    ),
    Claim(
        "leveling",
        "3.5",
        "In diffusion, log SNR levels off to a constant",
        f"a broken line through log SNR ({MAIN})",
        "in at least half of the networks, of all layers; partly: of some",
        ("figure-3",),
        _leveling,
    ),
    Claim(
        "diffusion",
        "3.7",
        "After the transition weights move as in a Wiener process",
        f"exponent of the mean squared displacement over epochs since ({MAIN})",
        "between 0.75 and 1.25 in all layers (1 is Wiener's); partly: in some",
        ("figure-3",),
        _diffusion,
    ),
    Claim(
        "correlations",
        "3.7",
        "Neurons of a layer end with almost uncorrelated in-weights, and norms of weights do not shrink",
        f"mean |r| over pairs of neurons, beside independent weights; norms, last over first ({MAIN})",
        "|r| at most 1.25 times that of independent weights, and no norm shrinks; partly: one of both",
        ("figure-3",),
        _correlations,
    ),
    Claim(
        "depth",
        "3.6",
        "One hidden layer fails in 10 000 epochs, six succeed in 400",
        f"first measured epoch with {LEARNED} bits of I(T;Y) at the output, mean over networks (figure-5)",
        "one layer never gets there, six by epoch 600; partly: six are faster than one",
        ("figure-5",),
        _depth,
    ),
    Claim(
        "order",
        "3.6",
        "Layers compress one after the other, the top one first",
        "epoch at which half of the fall of I(X;T) is done (figure-5, six hidden layers)",
        "from the output down, networks agreeing (W at least 0.5); partly: in most pairs of layers",
        ("figure-5",),
        _order,
    ),
    Claim(
        "corner",
        "3.3",
        "The first wide layer stays in the corner: all of X, all of Y",
        f"what it lacks at the end ({MAIN})",
        "at most 0.1 bits of I(X;T) and 0.01 of I(T;Y)",
        ("figure-3",),
        _corner,
    ),
    *(
        Claim(
            f"bound-{rule}",
            "3.8",
            f"Converged layers lie on the IB bound, with beta falling from layer to layer ({rule})",
            f"bits of I(T;Y) below the curve, and beta* of Eq. 12, mean over networks ({name})",
            "at most 0.02 bits in all layers, and beta* falls; partly: one of both",
            (name,),
            _bound(name),
        )
        for rule, name in (("symmetric", "figure-6"), ("symmetric-soft", "figure-6-soft"))
    ),
    Claim(
        "more-data",
        "3.9",
        "More data moves the deep layers up, to more information on the label",
        "I(T;Y) of the last hidden layer and the output at the end, by sample fraction (figure-7)",
        "clearly more at 85 % than at 3 %, and at no step clearly less; partly: less at some step",
        ("figure-7",),
        _more_data,
    ),
    Claim(
        "committee",
        "4",
        "The committee machine goes through the same phases",
        "where drift ends, and bits from the peak of I(X;T) to the end (figure-8)",
        f"most networks have a transition, and some hidden layer clearly loses {COMPRESSED} bits; partly: one of both",
        ("figure-8",),
        _compresses("figure-8"),
    ),
    Claim(
        "large-problem",
        "4, question 1",
        "Drift and diffusion appear in standard problems, too",
        "where the gradient SNR falls below one, of all weights and of each layer (digits)",
        "in most networks, of all weights and of every layer; partly: of some",
        ("digits",),
        _large_problem,
    ),
    Claim(
        "perceptron",
        "4, question 2",
        "A single layer's error under noise in its weights is the arc cosine of teacher and student",
        "error on all patterns with noise of up to three times the weights, less the closed form (perceptron)",
        "at most 0.01 apart at every size of the noise",
        ("perceptron",),
        _perceptron,
    ),
    Claim(
        "monte-carlo",
        "4, question 4",
        "Any relaxation of the weights under the training-error constraint compresses, not SGD alone (asked there)",
        "change of I(X;T) by Metropolis moves from epoch 400 on, beside SGD at the same cost (monte-carlo)",
        f"some hidden layer clearly loses {COMPRESSED} bits",
        ("monte-carlo",),
        _relaxed,
    ),
    Claim(
        "noise",
        "3.7",
        "It is the noise of SGD that compresses",
        "bits from the peak of I(X;T) to the end when a batch is the whole sample (full-batch)",
        f"without batches no hidden layer clearly loses {COMPRESSED} bits",
        ("full-batch",),
        _without_noise,
    ),
    Claim(
        "relu",
        "–",
        "Compression does not rest on saturation: relu compresses, too (disputed by Saxe et al. 2018)",
        "bits from the peak of I(X;T) to the end (relu)",
        f"every hidden layer clearly loses {COMPRESSED} bits; partly: some do",
        ("relu",),
        _without_saturation,
    ),
    Claim(
        "random-labels",
        "–",
        "What compresses with nothing to learn but the sample itself",
        "bits from the peak of I(X;T) to the end, labels from a fair coin (random-labels)",
        "",
        ("random-labels",),
        _nothing_to_learn,
    ),
    Claim(
        "sensitivity",
        "–",
        "How much these numbers depend on learning rate, batch and optimiser",
        "where drift ends, what the hidden layers lose together, and I(T;Y) at the output",
        "",
        ("figure-3", "adam", *VARIANTS),
        _sensitivity,
    ),
)
"""In the order to tell them in."""


def account(evidence: Evidence) -> list[Finding]:
    """What became of every claim."""
    return [claim.account(evidence) for claim in CLAIMS]
