"""Section 3.3: the two phases, and the first layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import Claim, do_lose, hidden_losses, in_every, in_order, named, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, BATCHES, SEVERAL_NETWORKS
from ibtui_engine.account.criteria import AtLeast, AtMost, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_median, of_spread
from ibtui_engine.account.questions import Mean, Median, OfShare
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

    drift: AtMost = AtMost(0.1)
    loss: AtLeast = AtLeast(0.5, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"drift is {self.drift} of the epochs, and every hidden layer loses {self.loss}; partly: some do"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where drift is short and only some layers compress."""
        of = only(given).of
        epochs = of.phases.transition.network_epochs
        share = np.where(np.isnan(epochs), np.inf, epochs / max(of.phases.epochs, 1))  # drift that does not end
        short = Median(f"drift is {self.drift} of the epochs", share, self.drift)
        lose = do_lose(of, self.loss)

        def weigh(yes: Yes) -> tuple[str, str]:
            if not yes(short):
                return NOT, f"drift is not {self.drift} of the epochs"
            if rest := named(of, lose, yes, False):
                return PARTLY if any(map(yes, lose)) else NOT, f"less than {self.loss.limit:g} bits are lost in {rest}"
            return REPRODUCED, ""

        return Case([of_median("share of epochs in drift", share), *hidden_losses(of, "{}")], [short, *lose], weigh)


@dataclass(frozen=True)
class FitOrder(Claim):
    """Lower layers are first in drift."""

    key = "fit-order"
    section = "3.3"
    text = "In the drift phase lower layers learn of the label before upper ones"
    measured = "epoch at which half of the rise of I(T;Y) is done: medians, and pairs of layers in the same network"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)

    learn: Share = Share(0.5)
    """That must learn in a layer for it to count: one that tells all patterns apart from the start has nothing to."""
    pairs: float = 0.5
    """Share of the pairs of layers of which more must be in that order."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"in every pair of layers the lower one is earlier in most networks, of those layers that learn in "
            f"{self.learn}; partly: in more than {100 * self.pairs:g} % of the pairs"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where most pairs of layers are in that order."""
        of = only(given).of
        return in_order(of, of.phases.turning.half_fitted, self.learn, self.pairs, upward=True, verb="learn")


@dataclass(frozen=True)
class Endpoints(Claim):
    """Networks end in one place."""

    key = "endpoints"
    section = "3.3"
    text = "Networks that begin apart take similar paths and end close to each other"
    measured = "share of the networks whose layer ends near the median of all in the plane"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (SEVERAL_NETWORKS,)

    near_x: AtMost = AtMost(0.5, "bits")
    near_y: AtMost = AtMost(0.05, "bits")
    most: Share = Share(0.8)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"{self.most} end within {self.near_x.limit:g} bits of I(X;T) and {self.near_y.limit:g} bits of I(T;Y), in "
            "all layers; partly: in some"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers end so."""
        of = only(given).of
        asked, numbers = [], []
        for k, name in enumerate(of.layer_names):
            x, y = of.layers.i_x[-1, :, k], of.layers.i_y[-1, :, k]
            near = self.near_x.holds(np.abs(x - np.nanmedian(x))) & self.near_y.holds(np.abs(y - np.nanmedian(y)))
            asked.append(OfShare(f"{name} ends there in {self.most}", near, self.most))
            numbers.append(Number(name, float(near.mean()), math.nan, "", len(near), len(near)))
        return in_every(of, numbers, asked, lambda apart: f"fewer networks end together in {apart}")


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

    def case(self, given: Sequence[Evidence]) -> Case:
        """There is no partly."""
        of = only(given).of
        below, label = of.h_x - of.layers.i_x[-1, :, 0], of.i_xy - of.layers.i_y[-1, :, 0]
        inputs = Mean(f"{of.layer_names[0]} lacks {self.input_bits} of X", below, self.input_bits)
        labels = Mean(f"{of.layer_names[0]} lacks {self.label_bits} of Y", label, self.label_bits)
        experiment = of.summary.experiment
        note = (
            f"with {experiment.bins} bins its neurons tell nearly all patterns apart, so the number says little of "
            "what it computes"
        )

        def weigh(yes: Yes) -> tuple[str, str]:
            if not (yes(inputs) and yes(labels)):
                return NOT, "it leaves the corner"
            return REPRODUCED, note if of.measured_by in BINNED else ""

        numbers = (("H(X) − I(X;T1)", below), ("I(X;Y) − I(T1;Y)", label))
        return Case([of_spread(name, spread(values), "bits") for name, values in numbers], [inputs, labels], weigh)
