"""Section 3.3: the two phases, and the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ibtui_engine.account.claim import Claim, Judgement, compressed, hidden_losses, listed, not_compressed, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, BATCHES, SEVERAL_NETWORKS
from ibtui_engine.account.criteria import AtMost, Below, Clear
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, of_spread
from ibtui_engine.settings import BINNED
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class TwoPhases(Claim):
    """Drift is short, compression long."""

    key = "two-phases"
    section = "3.3"
    text = "Fitting is short; most epochs of SGD are spent on compressing the input"
    measured = "share of epochs before drift ends; bits from the peak of I(X;T) to its end"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, BATCHES)

    drift: Below = Below(0.1)
    loss: Clear = Clear(0.5)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"drift is {self.drift} of the epochs, and every hidden layer loses {self.loss}; partly: some do"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where drift is short and only some layers compress."""
        of = only(given).of
        share = of.phases.drift_share
        numbers = [of_spread("share of epochs in drift", share), *hidden_losses(of, "{}")]
        done, rest = compressed(of, self.loss), not_compressed(of, self.loss)
        short = self.drift.holds(share.mean)
        if short and not rest:
            return REPRODUCED, numbers, ""
        if short:
            why = f"less than {self.loss.least:g} bits, or not clearly so, are lost in {listed(of, rest)}"
            return PARTLY if done else NOT, numbers, why
        why = f"drift is not {self.drift} of the epochs" if share.present else "no network's drift ends"
        return NOT, numbers, why


@dataclass(frozen=True)
class Corner(Claim):
    """The first layer keeps everything."""

    key = "corner"
    section = "3.3"
    text = "The first wide layer stays in the corner: all of X, all of Y"
    measured = "what it lacks at the end"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (A_HIDDEN_LAYER,)

    input_bits: AtMost = AtMost(0.1, "bits")
    label_bits: AtMost = AtMost(0.01, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.input_bits} of I(X;T) and {self.label_bits} of I(T;Y)"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """There is no partly."""
        of = only(given).of
        below = spread(of.h_x - of.layers.i_x[-1, :, 0])
        label = spread(of.i_xy - of.layers.i_y[-1, :, 0])
        numbers = [of_spread("H(X) − I(X;T1)", below, "bits"), of_spread("I(X;Y) − I(T1;Y)", label, "bits")]
        if not (self.input_bits.holds(below.mean) and self.label_bits.holds(label.mean)):
            return NOT, numbers, "it leaves the corner"
        experiment = of.summary.experiment
        if experiment.estimator not in BINNED:
            return REPRODUCED, numbers, ""
        note = f"with {experiment.bins} bins its neurons tell nearly all patterns apart, so the number says little of "
        return REPRODUCED, numbers, note + "what it computes"
