"""Section 3.6: what depth does, and in which order layers compress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.claim import Claim, Judgement, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, SEVERAL_NETWORKS, measured_until
from ibtui_engine.account.criteria import AtLeast
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_epoch, of_spread
from ibtui_engine.statistics import mean, spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class Depth(Claim):
    """Deep networks need fewer epochs."""

    key = "depth"
    section = "3.6"
    rests_on = ("figure-5",)
    spans = ("hidden",)

    learned: AtLeast = AtLeast(0.8, "bits")
    """Of I(T;Y) at the output, of 0.99, from which on networks count as having learned."""
    papers: float = 400.0
    """The epochs in which the paper's deepest network has learned."""
    factor: float = 1.5
    """By which they may be exceeded."""

    needs = (measured_until(round(factor * papers)),)

    @property
    def text(self) -> str:
        """With the paper's epochs."""
        return f"One hidden layer fails in 10 000 epochs, six succeed in {self.papers:.0f}"

    @property
    def measured(self) -> str:
        """With what counts as having learned."""
        return f"first measured epoch with {self.learned} of I(T;Y) at the output, mean over networks"

    @property
    def rule(self) -> str:
        """From the thresholds."""
        by = self.factor * self.papers
        return (
            f"the shallowest never gets there, the deepest by epoch {by:.0f} ({self.factor:g} times the paper's); "
            "partly: the deepest is faster"
        )

    def place(self, one: Evidence) -> float:
        """By the number of hidden layers."""
        return one.of.hidden_layers

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Networks of one depth and several widths show nothing."""
        several = len({one.of.hidden_layers for one in given}) > 1
        return "" if several else "needs ensembles that differ only in the number of hidden layers"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where the deepest is faster than the shallowest."""
        numbers = []
        reached: list[float] = []
        for of in (one.of for one in given):
            output = mean(of.layers.i_y[:, :, -1], axis=1)
            there = np.flatnonzero([self.learned.holds(bits) for bits in output])
            reached.append(float(of.layers.epochs[there[0]]) if len(there) else math.nan)
            numbers.append(Number(f"{of.hidden_layers} hidden", reached[-1], math.nan, "epoch"))
            numbers.append(
                of_spread(f"{of.hidden_layers} hidden, at the end", spread(of.layers.i_y[-1, :, -1]), "bits")
            )
        shallow, deep = reached[0], reached[-1]
        fast = deep <= self.factor * self.papers
        if math.isnan(shallow) and fast:
            return REPRODUCED, numbers, ""
        why = [] if math.isnan(shallow) else [f"the shallowest gets there by epoch {shallow:.0f}"]
        if math.isnan(deep):
            why.append("the deepest never does")
        elif not fast:
            why.append(f"the deepest takes {deep:.0f} epochs, not {self.papers:.0f}")
        faster = not math.isnan(deep) and (math.isnan(shallow) or deep < shallow)
        return PARTLY if faster else NOT, numbers, "; ".join(why)


@dataclass(frozen=True)
class Order(Claim):
    """Layers compress from the top down."""

    key = "order"
    section = "3.6"
    text = "Layers compress one after the other, the top one first"
    measured = "epoch at which half of the fall of I(X;T) is done"
    rests_on = ("figure-5",)
    which = "six hidden layers"
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)

    agreement: AtLeast = AtLeast(0.5)
    """Kendall's W."""
    pairs: float = 0.5
    """Share of the pairs of layers of which more must be in that order."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        most = f"more than {100 * self.pairs:g} % of the pairs of layers"
        return f"from the output down, networks agreeing (W {self.agreement}); partly: in {most}"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where most pairs of layers are in that order."""
        of = only(given).of
        found = of.phases.compressing
        numbers = [
            of_epoch(of.layer_names[k], row.half_compressed)
            for k, row in enumerate(of.phases.layers)
            if row.half_compressed.present
        ]
        numbers.append(Number("agreement of networks (Kendall's W)", found.agreement, math.nan, ""))
        pairs = [a > b for n, a in enumerate(found.layers) for b in found.layers[n + 1 :]]
        if not pairs:
            return NOT, numbers, "fewer than two layers compress in most networks"
        if all(pairs) and self.agreement.holds(found.agreement):
            return REPRODUCED, numbers, ""
        said = ", ".join(of.layer_names[layer - 1] for layer in found.layers)
        return PARTLY if sum(pairs) > self.pairs * len(pairs) else NOT, numbers, f"the order is {said}"
