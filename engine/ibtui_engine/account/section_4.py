"""Section 4: other rules, and the questions that the paper leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import Claim, but, censored, do_lose, hidden_losses, listed, named, only
from ibtui_engine.account.conditions import (
    A_HIDDEN_LAYER,
    BATCHES,
    FROM_DATA,
    SEVERAL_NETWORKS,
    STOCHASTIC,
    TWO_LABELS,
    WEIGHTS,
    Condition,
    of_rule,
    other_rule_than,
)
from ibtui_engine.account.criteria import AtLeast, AtMost, Between, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_median, of_spread
from ibtui_engine.account.questions import Mean, OfShare
from ibtui_engine.phases.relaxation import relaxation
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class Committee(Claim):
    """A rule without symmetry."""

    key = "committee"
    section = "4"
    text = "The committee machine goes through the same phases"
    measured = "where drift ends, median over networks, and bits from the peak of I(X;T) to the end"
    rests_on = ("figure-8",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, BATCHES, of_rule("committee"))

    networks: Share = Share(0.5)
    loss: AtLeast = AtLeast(0.5, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.networks} have a transition, and some hidden layer loses {self.loss}; partly: one of both"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where there is a transition or compression."""
        of = only(given).of
        whole = of.phases.transition.network_epochs
        there = OfShare(f"{self.networks} have a transition", np.isfinite(whole), self.networks)
        lose = do_lose(of, self.loss)

        def weigh(yes: Yes) -> tuple[str, str]:
            return but(
                "" if yes(there) else "most networks have no transition",
                "" if any(map(yes, lose)) else f"no hidden layer loses {self.loss}",
            )

        numbers = [of_median("drift ends", censored(whole), "epoch"), *hidden_losses(of)]
        return Case(numbers, [there, *lose], weigh)


@dataclass(frozen=True)
class StandardProblem(Claim):
    """Question 1: problems that no rule made."""

    key = "large-problem"
    section = "4, question 1"
    text = "Drift and diffusion appear in standard problems, too"
    measured = "where the gradient SNR falls below one, of all weights and of each layer: medians over networks"
    rests_on = ("digits",)
    needs: ClassVar[tuple[Condition, ...]] = (BATCHES, FROM_DATA, other_rule_than("mnist"))

    networks: Share = Share(0.5)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"in {self.networks}, of all weights and of every layer; partly: of some"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers, or all weights together, have a transition."""
        of = only(given).of
        whole, layers = of.phases.transition.network_epochs, of.phases.transition.epochs
        columns = [("all weights", whole), *zip(of.layer_names, layers.T, strict=True)]
        together, *by_layer = (
            OfShare(f"{name} have one in {self.networks}", np.isfinite(column), self.networks)
            for name, column in columns
        )

        def weigh(yes: Yes) -> tuple[str, str]:
            rest = named(of, by_layer, yes, False)
            if yes(together) and not rest:
                return REPRODUCED, ""
            why = f"most networks have none in {rest or 'all weights together'}"
            return PARTLY if yes(together) or any(map(yes, by_layer)) else NOT, why

        numbers = [of_median(name, censored(column), "epoch") for name, column in columns]
        return Case(numbers, [together, *by_layer], weigh)


@dataclass(frozen=True)
class LargeProblem(StandardProblem):
    """The same where images are large, and many."""

    key = "large-problem-mnist"
    text = f"{StandardProblem.text} (MNIST)"
    rests_on = ("mnist",)
    needs = (BATCHES, of_rule("mnist"))


class SingleAndDeep(Claim):
    """A claim about noise in the weights of a single layer beside deep networks."""

    rests_on = ("perceptron",)
    needs = (of_rule("perceptron"), WEIGHTS)
    spans = ("hidden",)

    def place(self, one: Evidence) -> float:
        """By the number of hidden layers."""
        return one.of.hidden_layers

    def lacking(self, given: Sequence[Evidence]) -> str:
        """A network without hidden layers is needed, too."""
        if why := super().lacking(given):
            return why
        return "" if given[0].of.hidden_layers == 0 else "needs networks without hidden layers beside deep ones"


@dataclass(frozen=True)
class Perceptron(SingleAndDeep):
    """Question 2: noise in the weights of a single layer."""

    key = "perceptron"
    section = "4, question 2"
    text = "A single layer's error under noise in its weights is the arc cosine of teacher and student"
    measured = "error on all patterns with noise of up to three times the weights, less the closed form"

    apart: Between = Between(-0.01, 0.01)
    shown: tuple[float, ...] = (0.3, 1.0)
    """Sizes of the noise, relative to the weights, that the account reports."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"shown to be {self.apart} apart at every size of the noise (equivalence tests)"

    def case(self, given: Sequence[Evidence]) -> Case:
        """There is no partly."""
        single, deep = given[0].noise, given[-1].noise
        assert single.closed is not None
        columns = (single.every - single.closed).T
        worst = max((spread(column) for column in columns), key=lambda one: abs(one.mean))
        numbers = [of_spread("single layer less closed form, at most", worst)]
        for size in self.shown:
            at = int(np.argmin(np.abs(single.sigmas - size)))
            for name, errors in (("single layer", single), ("deep", deep)):
                numbers.append(of_spread(f"{name}: error with noise {size:g}", spread(errors.outside[:, at])))
        same = [
            Mean(f"they are {self.apart} apart with noise {size:g}", column, self.apart)
            for size, column in zip(single.sigmas.tolist(), columns, strict=True)
        ]

        def weigh(yes: Yes) -> tuple[str, str]:
            if all(map(yes, same)):
                return REPRODUCED, ""
            return NOT, "inputs and networks are finite, and the closed form is of many inputs"

        return Case(numbers, same, weigh)


@dataclass(frozen=True)
class NoiseAndDepth(SingleAndDeep):
    """Question 2: which networks noise helps."""

    key = "noise-depth"
    section = "4, question 2"
    text = (
        "Noise in the weights lowers the generalisation error of deep networks, and not of a single layer (asked there)"
    )
    measured = "error outside the sample without noise, less the least with noise: means over networks"

    gain: AtLeast = AtLeast(0.001)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"the error of the deep networks falls by {self.gain}, and that of a single layer does not"

    def case(self, given: Sequence[Evidence]) -> Case:
        """There is no partly."""
        numbers: list[Number] = []
        helps: list[Mean] = []
        for name, one in (("single layer", given[0]), ("deep", given[-1])):
            errors = one.noise.outside
            best = 1 + int(np.argmin(errors[:, 1:].mean(axis=0)))
            gained = errors[:, 0] - errors[:, best]
            size = one.noise.sigmas[best]
            numbers.append(of_spread(f"{name}: falls with noise {size:g}", spread(gained)))
            helps.append(Mean(f"noise lowers the error of {name} networks by {self.gain}", gained, self.gain))

        def weigh(yes: Yes) -> tuple[str, str]:
            single, deep = map(yes, helps)
            if deep and not single:
                return REPRODUCED, ""
            return (
                NOT,
                "it lowers neither" if not deep and not single else "it lowers both" if deep else "it lowers the other",
            )

        return Case(numbers, helps, weigh)


@dataclass(frozen=True)
class MonteCarlo(Claim):
    """Question 4: is SGD needed?"""

    key = "monte-carlo"
    section = "4, question 4"
    text = "Monte-Carlo relaxation of the weights compresses more efficiently than SGD (asked there)"
    measured = "change of I(X;T) and I(T;Y) by Metropolis moves from where they begin, beside SGD at the same cost"
    rests_on = ("monte-carlo",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)
    spans = ("optimizer",)
    paired = True

    loss: AtLeast = AtLeast(0.5, "bits")
    label_loss: AtMost = AtMost(0.02, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"some hidden layer loses {self.loss} of I(X;T) more than by SGD, and {self.label_loss} of I(T;Y) more; "
            f"partly: some hidden layer loses {self.loss}, whatever SGD does"
        )

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Both optimisers are needed, measured after the relaxation began."""
        by = {one.of.ensemble.optimizer: one.of for one in given}
        if not {"sgd", "metropolis"} <= set(by):
            return "needs ensembles that differ only in the optimizer: sgd and metropolis"
        start = by["metropolis"].summary.experiment.relaxation_epoch
        there = all(start in of.ensemble.snapshots and of.ensemble.snapshots[-1] > start for of in by.values())
        return "" if there else f"needs epochs measured after {start}, where the relaxation begins"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where it compresses at all."""
        by = {one.of.ensemble.optimizer: one.of for one in given}
        of, relaxed = by["sgd"], by["metropolis"]
        names = of.layer_names
        start = relaxed.summary.experiment.relaxation_epoch
        found = relaxation(
            (relaxed.layers, relaxed.learning), (of.layers, of.learning), widths=relaxed.widths, start=start
        )
        assert found.sgd_i_x is not None
        assert found.sgd_i_y is not None
        moved, sgd = (path[-1] - path[0] for path in (found.relaxed_i_x, found.sgd_i_x))
        label, sgd_label = (path[-1] - path[0] for path in (found.relaxed_i_y, found.sgd_i_y))
        numbers: list[Number] = []
        for k, name in enumerate(names):
            numbers.append(of_spread(f"{name} relaxed", spread(moved[:, k]), "bits"))
            numbers.append(of_spread(f"{name} SGD", spread(sgd[:, k]), "bits"))
            numbers.append(of_spread(f"{name} label, relaxed less SGD", spread((label - sgd_label)[:, k]), "bits"))
        hidden = range(len(names) - 1)
        loses = [Mean(f"{names[k]} loses {self.loss}", -moved[:, k], self.loss) for k in hidden]
        more = [Mean(f"{names[k]} loses {self.loss} more than by SGD", (sgd - moved)[:, k], self.loss) for k in hidden]
        keeps = [
            Mean(f"{names[k]} loses {self.label_loss} more of the label", (sgd_label - label)[:, k], self.label_loss)
            for k in hidden
        ]

        def weigh(yes: Yes) -> tuple[str, str]:
            if better := [k for k in hidden if yes(more[k]) and yes(keeps[k])]:
                return REPRODUCED, f"in {listed(of, better)}"
            cost = f"at the cost of {found.end - found.start} epochs of SGD"
            if done := named(of, loses, yes, True):
                dear = [k for k in hidden if yes(more[k])]
                but = f"what {listed(of, dear)} lose more than by SGD they pay for with the label" if dear else ""
                return PARTLY, f"{done} compress, {but or f'and SGD compresses as much {cost}'}"
            return NOT, f"no hidden layer loses {self.loss} {cost}"

        return Case(numbers, [*loses, *more, *keeps], weigh)


@dataclass(frozen=True)
class Guided(Claim):
    """Question 4: the bottleneck as what is minimised.

    Stochastic units have an exact I(X;T), which can be a part of the objective. Beside them are networks of the same
    seeds and samples that minimise the cross-entropy alone, after as many epochs.
    """

    key = "ib-guided"
    section = "4, question 4"
    text = "With the information bottleneck as their objective layers come closer to the bound (asked there)"
    measured = (
        "bits of I(T;Y) below the IB curve at the end with cross-entropy alone, and how many fewer with I(X;T)/beta "
        "added; bits of I(T;Y) that the output loses; network by network"
    )
    rests_on = ("ib-guided",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, TWO_LABELS, STOCHASTIC)
    spans = ("ib_beta",)
    paired = True

    closer: AtLeast = AtLeast(0.01, "bits")
    label_loss: AtMost = AtMost(0.02, "bits")
    """Of I(T;Y) at the output."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"with some beta every hidden layer is {self.closer} closer, and the output loses {self.label_loss}; "
            "partly: some hidden layer is closer at no more than that"
        )

    def place(self, one: Evidence) -> float:
        """Those without first, then from the gentlest on."""
        beta = one.setting("ib_beta")
        return -np.inf if beta == "none" else -float(beta)

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Networks without are needed, too."""
        if why := super().lacking(given):
            return why
        return "" if given[0].setting("ib_beta") == "none" else "needs networks without IB beta beside those with one"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some hidden layers come closer, at no cost."""
        alone = given[0].of
        names, curve = alone.layer_names, given[0].curve
        below = [curve.below(one.of.layers.i_x[-1], one.of.layers.i_y[-1])[0] for one in given]
        first = zip(names[:-1], below[0].T[:-1], strict=True)
        numbers = [of_spread(f"{name} below, alone", spread(column), "bits") for name, column in first]
        asked: list[tuple[list[Mean], Mean]] = []
        for one, further in zip(given[1:], below[1:], strict=True):
            said = f"beta {one.setting('ib_beta'):g}"
            gained = (below[0] - further)[:, :-1]
            lost = alone.layers.i_y[-1, :, -1] - one.of.layers.i_y[-1, :, -1]
            numbers += [
                of_spread(f"{said}: {name} closer by", spread(column), "bits")
                for name, column in zip(names[:-1], gained.T, strict=True)
            ]
            numbers.append(of_spread(f"{said}: output loses", spread(lost), "bits"))
            nearer = [
                Mean(f"{name} is {self.closer} closer with {said}", column, self.closer)
                for name, column in zip(names[:-1], gained.T, strict=True)
            ]
            asked.append((nearer, Mean(f"the output loses {self.label_loss} with {said}", lost, self.label_loss)))

        def weigh(yes: Yes) -> tuple[str, str]:
            kept = [nearer for nearer, label in asked if yes(label)]
            if any(all(map(yes, nearer)) for nearer in kept):
                return REPRODUCED, "at equal epochs, of which each costs many times as much"
            if closer := [named(alone, nearer, yes, True) for nearer in kept if any(map(yes, nearer))]:
                return PARTLY, f"only {closer[0]} come closer at no cost"
            if any(any(map(yes, nearer)) for nearer, _ in asked):
                return NOT, "what is closer pays for it with the label"
            return NOT, "no hidden layer comes closer"

        return Case(numbers, [one for nearer, label in asked for one in (*nearer, label)], weigh)
