"""Section 3.7: how weights move in diffusion, how they end, and whether noise is what compresses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ibtui_engine.account.claim import Claim, Judgement, compressed, hidden_losses, listed, only
from ibtui_engine.account.conditions import (
    A_HIDDEN_LAYER,
    BATCHES,
    ONE_BATCH,
    PAIRS_OF_NEURONS,
    SEVERAL_NETWORKS,
    WEIGHTS,
)
from ibtui_engine.account.criteria import AtLeast, AtMost, Between, Clear
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_spread
from ibtui_engine.experiment import Experiment

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class Wiener(Claim):
    """Weights diffuse."""

    key = "diffusion"
    section = "3.7"
    text = "After the transition weights move as in a Wiener process"
    measured = "exponent of the mean squared displacement over epochs since"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (BATCHES, WEIGHTS)

    exponent: Between = Between(0.75, 1.25)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.exponent} in all layers (1 is Wiener's); partly: in some"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where some layers move so."""
        one = only(given)
        of, rows = one.of, one.moves
        numbers = [of_spread(f"{of.layer_names[k]} exponent", row.exponent) for k, row in enumerate(rows)]
        found = {k: row.exponent.mean for k, row in enumerate(rows) if row.exponent.present}
        if not found:
            return NOT, numbers, "there is no transition to measure from"
        fast = [k for k, one in found.items() if one > self.exponent.high]
        slow = [k for k, one in found.items() if one < self.exponent.low]
        if not fast and not slow:
            return REPRODUCED, numbers, ""
        told = ((fast, "still go one way"), (slow, "come to rest"))
        why = "; ".join(f"{listed(of, some)} {verb}" for some, verb in told if some)
        return PARTLY if len(fast) + len(slow) < len(found) else NOT, numbers, why


@dataclass(frozen=True)
class Correlations(Claim):
    """In-weights end uncorrelated, and are not decayed."""

    key = "correlations"
    section = "3.7"
    text = "Neurons of a layer end with almost uncorrelated in-weights, and norms of weights do not shrink"
    measured = "mean |r| over pairs of neurons, beside independent weights; norms, last over first"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (WEIGHTS, PAIRS_OF_NEURONS)

    times: AtMost = AtMost(1.25)
    """|r| over that of independent weights."""
    growth: AtLeast = AtLeast(1.0)
    """Norm at the end over the first."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        times = f"|r| over that of independent weights is {self.times}"
        return f"{times}, and norms, last over first, are {self.growth}; partly: one of both"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where one of both is so."""
        one = only(given)
        of, rows = one.of, one.moves
        there = [(k, row) for k, row in enumerate(rows) if row.correlation.present]
        numbers: list[Number] = []
        for k, row in there:
            numbers.append(of_spread(f"{of.layer_names[k]} mean |r|", row.correlation))
            numbers.append(Number(f"{of.layer_names[k]} if independent", row.independent, math.nan, ""))
        growth = [_over(row.norm_last.mean, row.norm_first.mean) for row in of.phases.layers]
        numbers += [Number(f"{of.layer_names[k]} norm, times", one, math.nan, "") for k, one in enumerate(growth)]
        related = [k for k, row in there if row.correlation.mean > self.times.limit * row.independent]
        shrunk = [k for k, one in enumerate(growth) if one < self.growth.limit]
        if not related and not shrunk:
            return REPRODUCED, numbers, ""
        why = [f"in-weights are correlated in {listed(of, related)}"] if related else []
        why += [f"norms shrink in {listed(of, shrunk)}"] if shrunk else []
        return PARTLY if len(why) == 1 else NOT, numbers, "; ".join(why)


@dataclass(frozen=True)
class Noise(Claim):
    """Without the noise of batches nothing compresses."""

    key = "noise"
    section = "3.7"
    text = "It is the noise of SGD that compresses"
    measured = "bits from the peak of I(X;T) to the end when a batch is the whole sample"
    rests_on = ("full-batch",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, ONE_BATCH)

    loss: Clear = Clear(0.5)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"without batches no hidden layer loses {self.loss}"

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """There is no partly."""
        of = only(given).of
        numbers, done = hidden_losses(of), compressed(of, self.loss)
        if done:
            why = f"{listed(of, done)} compress without any noise of batches, as Saxe et al. (2018) found"
            return NOT, numbers, why
        (usual,) = Experiment().batch
        batches = math.ceil(of.ensemble.sample_size / usual)  # type: ignore[operator]
        said = f"an epoch is one update here, of {batches} with batches of {usual}: less is learned, too"
        return REPRODUCED, numbers, said


def _over(last: float, first: float) -> float:
    return last / first if first else math.nan
