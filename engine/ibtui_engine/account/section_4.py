"""Section 4: other rules, and the questions that the paper leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.claim import Claim, Judgement, compressed, hidden_losses, listed, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, BATCHES, FROM_DATA, SEVERAL_NETWORKS, WEIGHTS, of_rule
from ibtui_engine.account.criteria import AtMost, Clear, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_epoch, of_spread
from ibtui_engine.phases.relaxation import relaxation
from ibtui_engine.statistics import Spread, spread, turned

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class Committee(Claim):
    """A rule without symmetry."""

    key = "committee"
    section = "4"
    text = "The committee machine goes through the same phases"
    measured = "where drift ends, and bits from the peak of I(X;T) to the end"
    rests_on = ("figure-8",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, BATCHES, of_rule("committee"))

    networks: Share = Share(0.5)
    loss: Clear = Clear(0.5)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.networks} have a transition, and some hidden layer loses {self.loss}; partly: one of both"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where there is a transition or compression."""
        of = only(given).of
        whole = of.phases.transition.network
        numbers = [of_epoch("drift ends", whole), *hidden_losses(of)]
        there, done = self.networks.holds(whole.count, whole.networks), compressed(of, self.loss)
        if there and done:
            return REPRODUCED, numbers, ""
        why = [] if there else ["most networks have no transition"]
        why += [] if done else [f"no hidden layer clearly loses {self.loss.least:g} bits"]
        return PARTLY if there or done else NOT, numbers, "; ".join(why)


@dataclass(frozen=True)
class StandardProblem(Claim):
    """Question 1: problems that no rule made."""

    key = "large-problem"
    section = "4, question 1"
    text = "Drift and diffusion appear in standard problems, too"
    measured = "where the gradient SNR falls below one, of all weights and of each layer"
    rests_on = ("digits",)
    needs = (BATCHES, FROM_DATA)

    networks: Share = Share(0.5)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"in {self.networks}, of all weights and of every layer; partly: of some"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where some layers, or all weights together, have a transition."""
        of = only(given).of
        whole, layers = of.phases.transition.network, of.phases.transition.layers
        numbers = [of_epoch("all weights", whole), *(of_epoch(of.layer_names[k], one) for k, one in enumerate(layers))]
        together = self.networks.holds(whole.count, whole.networks)
        rest = [k for k, one in enumerate(layers) if not self.networks.holds(one.count, one.networks)]
        if together and not rest:
            return REPRODUCED, numbers, ""
        why = f"most networks have none in {listed(of, rest) or 'all weights together'}"
        return PARTLY if together or len(rest) < len(layers) else NOT, numbers, why


@dataclass(frozen=True)
class Perceptron(Claim):
    """Question 2: noise in the weights of a single layer."""

    key = "perceptron"
    section = "4, question 2"
    text = "A single layer's error under noise in its weights is the arc cosine of teacher and student"
    measured = "error on all patterns with noise of up to three times the weights, less the closed form"
    rests_on = ("perceptron",)
    needs = (of_rule("perceptron"), WEIGHTS)
    spans = ("hidden",)

    apart: AtMost = AtMost(0.01)
    shown: tuple[float, ...] = (0.3, 1.0)
    """Sizes of the noise, relative to the weights, that the account reports."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.apart} apart at every size of the noise"

    def place(self, one: Evidence) -> float:
        """By the number of hidden layers."""
        return one.of.hidden_layers

    def lacking(self, given: Sequence[Evidence]) -> str:
        """A network without hidden layers is needed, too."""
        if why := super().lacking(given):
            return why
        return "" if given[0].of.hidden_layers == 0 else "needs networks without hidden layers beside deep ones"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """There is no partly."""
        single, deep = given[0].noise, given[-1].noise
        assert single.closed is not None
        differences = [spread(column) for column in (single.every - single.closed).T]
        worst = max(differences, key=lambda one: abs(one.mean))
        numbers = [of_spread("single layer less closed form, at most", worst)]
        for size in self.shown:
            at = int(np.argmin(np.abs(single.sigmas - size)))
            for name, errors in (("single layer", single), ("deep", deep)):
                numbers.append(of_spread(f"{name}: error with noise {size:g}", spread(errors.outside[:, at])))
        if self.apart.holds(abs(worst.mean)):
            return REPRODUCED, numbers, ""
        return NOT, numbers, "inputs and networks are finite, and the closed form is of many inputs"


@dataclass(frozen=True)
class MonteCarlo(Claim):
    """Question 4: is SGD needed?"""

    key = "monte-carlo"
    section = "4, question 4"
    text = "Any relaxation of the weights under the training-error constraint compresses, not SGD alone (asked there)"
    measured = "change of I(X;T) by Metropolis moves from where they begin, beside SGD at the same cost"
    rests_on = ("monte-carlo",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)
    spans = ("optimizer",)
    paired = True

    loss: Clear = Clear(0.5)
    label_loss: Clear = Clear(0.02)
    """Share of I(T;Y) whose loss is reported; no part of the verdict."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"some hidden layer loses {self.loss} (noted: where I(T;Y) falls by {self.label_loss})"

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Both optimisers are needed, measured after the relaxation began."""
        by = {one.of.ensemble.optimizer: one.of for one in given}
        if not {"sgd", "metropolis"} <= set(by):
            return "needs ensembles that differ only in the optimizer: sgd and metropolis"
        start = by["metropolis"].summary.experiment.relaxation_epoch
        there = all(start in of.ensemble.snapshots and of.ensemble.snapshots[-1] > start for of in by.values())
        return "" if there else f"needs epochs measured after {start}, where the relaxation begins"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """There is no partly."""
        by = {one.of.ensemble.optimizer: one.of for one in given}
        of, relaxed = by["sgd"], by["metropolis"]
        start = relaxed.summary.experiment.relaxation_epoch
        found = relaxation(
            (relaxed.layers, relaxed.learning), (of.layers, of.learning), widths=relaxed.widths, start=start
        )
        numbers: list[Number] = []
        for k, row in enumerate(found.layers):
            numbers.append(of_spread(f"{of.layer_names[k]} relaxed", row.i_x.relaxed, "bits"))
            if row.i_x.sgd is not None:
                numbers.append(of_spread(f"{of.layer_names[k]} SGD", row.i_x.sgd, "bits"))
        falls = {k: row.i_x.relaxed for k, row in enumerate(found.layers[:-1])}
        done = self._falling(falls, self.loss)
        if done:
            lost = self._falling({k: row.i_y.relaxed for k, row in enumerate(found.layers)}, self.label_loss)
            but = f"; information on the label is lost with it in {listed(of, lost)}" if lost else ""
            return REPRODUCED, numbers, f"in {listed(of, done)}{but}"
        grown = [k for k, one in falls.items() if Clear(errors=self.loss.errors).holds(one)]
        cost = f"at the cost of {found.end - found.start} epochs of SGD"
        why = f"no hidden layer clearly loses {self.loss.least:g} bits {cost}"
        return NOT, numbers, why + (f"; {listed(of, grown)} clearly gain" if grown else "")

    @staticmethod
    def _falling(changes: dict[int, Spread], loss: Clear) -> list[int]:
        return [k for k, one in changes.items() if loss.holds(turned(one))]
