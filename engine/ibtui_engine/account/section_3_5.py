"""Section 3.5: from drift to diffusion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import Claim, censored, in_every, named, only
from ibtui_engine.account.conditions import BATCHES, SEVERAL_NETWORKS, measured_until
from ibtui_engine.account.criteria import Factor, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_median, of_spread
from ibtui_engine.account.questions import Mean, Median, OfShare
from ibtui_engine.statistics import common_error, spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class TransitionEpoch(Claim):
    """When drift ends."""

    key = "transition"
    section = "3.5"
    measured = "where the SNR of all weights falls below one, and of each layer: the median over networks"
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

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers, but not all weights together, are near the paper's epoch."""
        of = only(given).of
        whole, layers = censored(of.phases.transition.network_epochs), censored(of.phases.transition.epochs)
        at = f"of {self.papers:.0f}"
        near, loosely = (
            Median(f"drift ends {one} {at}", np.log(whole / self.papers), one) for one in (self.near, self.loosely)
        )
        by_layer = [
            Median(f"that of {of.layer_names[k]} ends {self.near} {at}", np.log(column / self.papers), self.near)
            for k, column in enumerate(layers.T)
        ]

        def weigh(yes: Yes) -> tuple[str, str]:
            if yes(near):
                return REPRODUCED, ""
            close = named(of, by_layer, yes, True)
            if not close and not yes(loosely):
                return NOT, "drift ends elsewhere, or not at all"
            where = f"near {self.papers:.0f} it is in {close}" if close else f"no layer's is near {self.papers:.0f}"
            return PARTLY, (
                f"there is a transition, but layers have it one after the other: {where}. Its epoch is set by the "
                "learning rate and the batch (see sensitivity), which the paper does not give"
            )

        columns = (("all weights", whole), *zip(of.layer_names, layers.T, strict=True))
        return Case([of_median(*one, "epoch") for one in columns], [near, loosely, *by_layer], weigh)


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
        return (
            f"shown to be {self.near} (an equivalence test) in all layers in which at least {self.networks} networks "
            "have both; partly: in some"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where it is so in some layers."""
        of = only(given).of
        found, turns = of.phases.transition, of.phases.turning
        delay = np.log(turns.epochs / found.epochs)
        numbers = []
        both: list[Mean | None] = []
        for k, column in enumerate(delay.T):
            if np.isfinite(column).sum() < self.networks:
                both.append(None)
                continue
            common = math.hypot(common_error(turns.resolution[:, k]), common_error(found.resolution[:, k]))
            both.append(Mean(f"{of.layer_names[k]} turns {self.near} of it", column, self.near, common))
            of_layer = spread(column, common)
            factor = math.exp(of_layer.mean)
            count = of_layer.count, of_layer.networks
            numbers.append(Number(f"{of.layer_names[k]} factor", factor, factor * of_layer.error, "", *count))
        return in_every(
            of, numbers, both, lambda apart: f"I(X;T) turns later or earlier in {apart}", nowhere="no layer has both"
        )


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

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers level off."""
        of = only(given).of
        rows, total = of.phases.layers, of.ensemble.networks
        level = [
            OfShare(f"{of.layer_names[k]} levels off in {self.networks}", column, self.networks)
            for k, column in enumerate(np.isfinite(of.phases.leveling.epochs).T)
        ]
        numbers = [of_spread(f"{of.layer_names[k]}: SNR", row.level) for k, row in enumerate(rows)]
        share = of.phases.levels_at.count / total
        numbers.append(Number("share of networks, all weights", share, math.nan, ""))
        back = [of.layer_names[k] for k, row in enumerate(rows) if self.networks.holds(row.returns, total)]
        again = f"; SNR is above one again at the end in {', '.join(back)}" if back else ""
        return in_every(of, numbers, level, lambda rest: f"it does not in most networks of {rest}{again}")
