"""Section 3.5: from drift to diffusion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ibtui_engine.account.claim import Claim, Judgement, listed, only
from ibtui_engine.account.conditions import BATCHES, SEVERAL_NETWORKS, measured_until
from ibtui_engine.account.criteria import Factor, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_epoch, of_spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class TransitionEpoch(Claim):
    """When drift ends."""

    key = "transition"
    section = "3.5"
    measured = "where the SNR of all weights falls below one, and of each layer"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"

    papers: float = 350.0
    """The epoch near which the paper sees drift end."""
    near: Factor = Factor(1.5)
    loosely: Factor = Factor(3.0)

    needs = (BATCHES, measured_until(round(papers * loosely.factor)))

    @property
    def text(self) -> str:
        """With the paper's epoch."""
        return f"The gradients go over from drift to diffusion near epoch {self.papers:.0f}"

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.near} of {self.papers:.0f}; partly: in some layers, or {self.loosely}"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where some layers, but not all weights together, are near the paper's epoch."""
        of = only(given).of
        whole, layers = of.phases.transition.network, of.phases.transition.layers
        numbers = [of_epoch("all weights", whole), *(of_epoch(of.layer_names[k], one) for k, one in enumerate(layers))]
        if self.near.holds(self._off(whole.epoch)):
            return REPRODUCED, numbers, ""
        close = [k for k, one in enumerate(layers) if self.near.holds(self._off(one.epoch))]
        if not close and not self.loosely.holds(self._off(whole.epoch)):
            return NOT, numbers, "drift ends elsewhere, or not at all"
        near = f"near {self.papers:.0f}"
        where = f"{near} it is in {listed(of, close)}" if close else f"no layer's is {near}"
        told = (
            f"there is a transition, but layers have it one after the other: {where}. Its epoch is set by the learning "
            "rate and the batch (see sensitivity), which the paper does not give"
        )
        return PARTLY, numbers, told

    def _off(self, epoch: float) -> float:
        return math.log(epoch / self.papers)


@dataclass(frozen=True)
class Coincidence(Claim):
    """The transition is the turning point."""

    key = "coincidence"
    section = "3.5"
    text = "This transition is where I(X;T) turns from rising to falling"
    measured = "epoch of the turn over that of the transition, network by network"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (SEVERAL_NETWORKS, BATCHES)

    near: Factor = Factor(1.5)
    networks: int = 2
    """That must have both in a layer for it to count."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.near} in all layers in which at least {self.networks} networks have both; partly: in some"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where it is so in some layers."""
        of = only(given).of
        both = [(k, row) for k, row in enumerate(of.phases.layers) if row.delay.count >= self.networks]
        numbers = []
        for k, row in both:
            factor = math.exp(row.delay.mean)
            number = of_spread(f"{of.layer_names[k]} factor", row.delay)
            numbers.append(replace(number, value=factor, error=factor * row.delay.error))
        apart = [k for k, row in both if not self.near.holds(row.delay.mean)]
        if not both:
            return NOT, numbers, "no layer has both"
        if not apart:
            return REPRODUCED, numbers, ""
        why = f"I(X;T) turns later or earlier in {listed(of, apart)}"
        return PARTLY if len(apart) < len(both) else NOT, numbers, why


@dataclass(frozen=True)
class Leveling(Claim):
    """The gradients' SNR becomes constant."""

    key = "leveling"
    section = "3.5"
    text = "In diffusion, log SNR levels off to a constant"
    measured = "a broken line through log SNR"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (BATCHES,)

    networks: Share = Share(0.5)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"in {self.networks}, of all layers; partly: of some"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where some layers level off."""
        of = only(given).of
        rows = of.phases.layers
        numbers = [of_spread(f"{of.layer_names[k]}: SNR", row.level) for k, row in enumerate(rows)]
        share = of.phases.levels_at.count / of.ensemble.networks
        numbers.append(Number("share of networks, all weights", share, math.nan, ""))
        rest = [k for k, row in enumerate(rows) if not self.networks.holds(row.levels_at.count, row.levels_at.networks)]
        if not rest:
            return REPRODUCED, numbers, ""
        back = [k for k, row in enumerate(rows) if self.networks.holds(row.returns, row.levels_at.networks)]
        why = f"it does not in most networks of {listed(of, rest)}"
        why += f"; SNR is above one again at the end in {listed(of, back)}" if back else ""
        return PARTLY if len(rest) < len(rows) else NOT, numbers, why
