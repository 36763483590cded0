"""Section 3.6: what depth does, and in which order layers compress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import EARLIER, Claim, in_order, log_ratio, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, SEVERAL_NETWORKS, measured_until
from ibtui_engine.account.criteria import AtLeast, AtMost, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_median, of_spread
from ibtui_engine.account.questions import Median, OfShare
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.ensemble import RecordedEnsemble


@dataclass(frozen=True)
class Depth(Claim):
    """Deep networks need fewer epochs."""

    key = "depth"
    section = "3.6"
    rests_on = ("figure-5",)
    spans = ("hidden",)

    learned: AtLeast = AtLeast(0.8, "bits")
    """Of I(T;Y) at the output, of 0.99, from which on a network counts as having learned."""
    papers: float = 400.0
    """The epochs in which the paper's deepest network has learned."""
    factor: float = 1.5
    """By which they may be exceeded."""
    fail: Share = Share(0.5)

    needs = (measured_until(round(factor * papers)),)

    @property
    def text(self) -> str:
        """With the paper's epochs."""
        return f"One hidden layer fails in 10 000 epochs, six succeed in {self.papers:.0f}"

    @property
    def measured(self) -> str:
        """With what counts as having learned."""
        return f"first measured epoch with {self.learned} of I(T;Y) at the output: the median over networks"

    @property
    def rule(self) -> str:
        """From the thresholds."""
        by = self.factor * self.papers
        return (
            f"{self.fail} of the shallowest kind never get there, and the deepest kind does by epoch {by:.0f} "
            f"({self.factor:g} times the paper's); partly: the deepest is faster"
        )

    def place(self, one: Evidence) -> float:
        """By the number of hidden layers."""
        return one.of.hidden_layers

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Networks of one depth and several widths show nothing."""
        several = len({one.of.hidden_layers for one in given}) > 1
        return "" if several else "needs ensembles that differ only in the number of hidden layers"

    def reached(self, of: RecordedEnsemble) -> Float64[np.ndarray, " networks"]:
        """Where each network has learned; infinite where it never has."""
        there = self.learned.holds(of.layers.i_y[:, :, -1])
        first = np.asarray(of.layers.epochs, np.float64)[np.argmax(there, axis=0)]
        return np.where(there.any(axis=0), first, np.inf)

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where the deepest is faster than the shallowest."""
        numbers = []
        for of in (one.of for one in given):
            numbers.append(of_median(f"{of.hidden_layers} hidden", self.reached(of), "epoch"))
            at_end = spread(of.layers.i_y[-1, :, -1])
            numbers.append(of_spread(f"{of.hidden_layers} hidden, at the end", at_end, "bits"))
        shallow, deep = self.reached(given[0].of), self.reached(given[-1].of)
        by = AtMost(self.factor * self.papers)
        both = min(len(shallow), len(deep))
        fails = OfShare(f"{self.fail} with the fewest hidden layers never learn", np.isinf(shallow), self.fail)
        fast = Median(f"those with the most learn by epoch {by.limit:.0f}", deep, by)
        ratio = log_ratio(deep[:both], shallow[:both])
        faster = Median("those with the most are faster", ratio, EARLIER)
        first, last = numbers[0], numbers[-2]

        def weigh(yes: Yes) -> tuple[str, str]:
            if yes(fails) and yes(fast):
                return REPRODUCED, ""
            why = [] if yes(fails) else [f"the shallowest gets there by epoch {first.value:.0f}"]
            if math.isinf(last.value):
                why.append("the deepest never does")
            elif not yes(fast):
                why.append(f"the deepest takes {last.value:.0f} epochs, not {self.papers:.0f}")
            return PARTLY if yes(faster) else NOT, "; ".join(why)

        return Case(numbers, [fails, fast, faster], weigh)


@dataclass(frozen=True)
class Order(Claim):
    """Layers compress from the top down."""

    key = "order"
    section = "3.6"
    text = "Layers compress one after the other, the top one first"
    measured = "epoch at which half of the fall of I(X;T) is done: medians, and pairs of layers in the same network"
    rests_on = ("figure-5",)
    which = "six hidden layers"
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)

    compress: Share = Share(0.5)
    """That must compress in a layer for it to count."""
    pairs: float = 0.5
    """Share of the pairs of layers of which more must be in that order."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        most = f"more than {100 * self.pairs:g} % of the pairs"
        return (
            "in every pair of layers the upper one is earlier in most networks, of those layers that compress in "
            f"{self.compress}; partly: in {most}"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where most pairs of layers are in that order."""
        of = only(given).of
        half = of.phases.turning.half_compressed
        case = in_order(of, half, self.compress, self.pairs, upward=False, verb="compress")
        agreement = Number("agreement of networks (Kendall's W)", of.phases.compressing.agreement, math.nan, "")
        return replace(case, numbers=[*case.numbers, agreement])
