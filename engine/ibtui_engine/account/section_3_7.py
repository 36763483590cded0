"""Section 3.7: how weights move in diffusion, how they end, and whether noise is what compresses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import Claim, all_hold, but, do_lose, hidden_losses, named, only
from ibtui_engine.account.conditions import (
    A_HIDDEN_LAYER,
    BATCHES,
    ONE_BATCH,
    PAIRS_OF_NEURONS,
    SEVERAL_NETWORKS,
    WEIGHTS,
    setting,
)
from ibtui_engine.account.criteria import AtLeast, AtMost, Between, Factor, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_median, of_spread
from ibtui_engine.account.questions import Mean
from ibtui_engine.account.section_3_6 import compressing_for
from ibtui_engine.experiment import Experiment
from ibtui_engine.statistics import logarithms, spread

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.ensemble import RecordedEnsemble


@dataclass(frozen=True)
class Wiener(Claim):
    """Weights diffuse."""

    key = "diffusion"
    section = "3.7"
    text = "After the transition weights move as in a Wiener process"
    measured = (
        "exponent of the mean squared displacement over epochs since; squared displacement at the end over what the "
        "measured noise of the batches alone would make of it"
    )
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (BATCHES, WEIGHTS, setting("optimizer", "sgd"))

    exponent: Between = Between(0.75, 1.25)
    driven: Factor = Factor(2.0)
    """Of the squared displacement."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"in all layers the exponent is {self.exponent} (1 is Wiener's), and the squared displacement is "
            f"{self.driven} of what noise makes; partly: in some"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers move so, and as far."""
        one = only(given)
        names = one.of.layer_names
        exponents = one.moves[1].exponents
        with np.errstate(divide="ignore", invalid="ignore"):
            driven = np.log(one.by_noise)
        numbers: list[Number] = []
        asked: list[Mean] = []
        both: list[tuple[int, Mean, Mean]] = []
        for k, (exponent, ratio) in enumerate(zip(exponents.T, driven.T, strict=True)):
            numbers.append(of_spread(f"{names[k]} exponent", spread(exponent)))
            if not np.isfinite(exponent).any():
                continue
            numbers.append(of_median(f"{names[k]} squared displacement, times noise's", np.exp(ratio)))
            both.append(
                (
                    k,
                    Mean(f"{names[k]} has an exponent {self.exponent}", exponent, self.exponent),
                    Mean(f"{names[k]} moves {self.driven} of what noise makes", ratio, self.driven),
                )
            )
            asked += both[-1][1:]

        def weigh(yes: Yes) -> tuple[str, str]:
            if not both:
                return NOT, "there is no transition to measure from"
            apart = [k for k, shape, size in both if not (yes(shape) and yes(size))]
            if not apart:
                return REPRODUCED, ""
            farther = [names[k] for k, _, size in both if not yes(size) and np.nanmean(driven[:, k]) > 0]
            shapes = [names[k] for k, shape, _ in both if not yes(shape)]
            told = (
                (shapes, "have another exponent"),
                (farther, "move farther than noise takes them: they still drift"),
            )
            why = "; ".join(f"{', '.join(some)} {verb}" for some, verb in told if some)
            return PARTLY if len(apart) < len(both) else NOT, why

        return Case(numbers, asked, weigh)


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

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where one of both is so."""
        one = only(given)
        of, (rows, moves) = one.of, one.moves
        names = of.layer_names
        numbers: list[Number] = []
        loose: list[Mean | None] = []
        for k, (row, column) in enumerate(zip(rows, moves.correlations.T, strict=True)):
            if not np.isfinite(column).any():
                loose.append(None)
                continue
            numbers.append(of_spread(f"{names[k]} mean |r|", spread(column)))
            numbers.append(Number(f"{names[k]} if independent", row.independent, math.nan, ""))
            said = f"|r| of {names[k]} is {self.times} times that of independent weights"
            loose.append(Mean(said, column / row.independent, self.times))
        norms = of.layers.weight_norm
        kept: list[Mean] = []
        for k in range(norms.shape[2]):
            growth = np.full(norms.shape[1], np.nan)
            np.divide(norms[-1, :, k], norms[0, :, k], out=growth, where=norms[0, :, k] > 0)
            numbers.append(of_spread(f"{names[k]} norm, times", spread(growth)))
            kept.append(Mean(f"the norm of {names[k]} is {self.growth} times the first", growth, self.growth))

        def weigh(yes: Yes) -> tuple[str, str]:
            related, shrunk = named(of, loose, yes, False), named(of, kept, yes, False)
            return but(related and f"in-weights are correlated in {related}", shrunk and f"norms shrink in {shrunk}")

        return Case(numbers, [*(one for one in loose if one is not None), *kept], weigh)


@dataclass(frozen=True)
class Noise(Claim):
    """Without the noise of batches nothing compresses."""

    key = "noise"
    section = "3.7"
    text = "It is the noise of SGD that compresses"
    measured = "bits from the peak of I(X;T) to the end when a batch is the whole sample, after as many updates"
    rests_on = ("full-batch",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, ONE_BATCH)

    loss: AtLeast = AtLeast(0.5, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"without batches no hidden layer loses {self.loss}"

    def case(self, given: Sequence[Evidence]) -> Case:
        """There is no partly."""
        of = only(given).of
        lose = do_lose(of, self.loss)
        usual = Experiment()
        batches = math.ceil(of.ensemble.sample_size / usual.batch[0])  # type: ignore[operator]
        fewer = of.phases.epochs < batches * usual.epochs
        note = f"an epoch is one update here, of {batches} with batches of {usual.batch[0]}: less is learned, too"

        def weigh(yes: Yes) -> tuple[str, str]:
            if done := named(of, lose, yes, True):
                return NOT, f"{done} compress without any noise of batches, as Saxe et al. (2018) found"
            return REPRODUCED, note if fewer else ""

        return Case(hidden_losses(of), lose, weigh)


@dataclass(frozen=True)
class OneConstant(Claim):
    """Eq. 11: layers that compress by DS_k need exp(DS_k) each, in one unit of time.

    Eq. 11 compares depths only where that unit, 1/D, is the same in all layers. In the middle of its fall a layer has
    lost half of it, in so many epochs from its peak: D = exp(DS)/epochs, of each layer of each network.
    """

    key = "one-constant"
    section = "3.7, Eq. 10 and 11"
    text = "Layers need exp(DS) epochs to compress by DS, with one diffusion constant D for all"
    measured = (
        "D = exp(DS)/epochs, with DS half of the nats that I(X;T) falls by, and epochs from its peak to the middle of "
        "its fall: medians, and pairs of layers in the same network"
    )
    rests_on = ("figure-5",)
    which = "six hidden layers"
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)

    alike: Factor = Factor(2.0)
    """Of D, from layer to layer."""
    compress: Share = Share(0.5)
    """That must compress in a layer for it to count."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"shown to be {self.alike} of each other (equivalence tests) in every pair of the hidden layers that "
            f"compress in {self.compress}; partly: in some"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers have one D."""
        of = only(given).of
        names = of.layer_names
        logs = log_constants(of)
        counts = np.isfinite(logs).sum(axis=0)
        layers = np.flatnonzero(self.compress.holds(counts, len(logs))).tolist()
        numbers = [of_median(f"{names[k]} D", np.exp(logs[:, k])) for k in layers]
        asked = [
            Mean(f"D of {names[a]} and {names[b]} are {self.alike} of each other", logs[:, b] - logs[:, a], self.alike)
            for a, b in combinations(layers, 2)
        ]
        few = f"fewer than two hidden layers compress in {self.compress}"
        return all_hold(numbers, asked, lambda said: said.replace(" are ", " are not "), few)


def log_constants(of: RecordedEnsemble) -> Float64[np.ndarray, "networks hidden"]:
    """Logarithm of exp(DS)/epochs in the middle of the fall of I(X;T), by hidden layer; NaN where it has no peak."""
    epochs = compressing_for(of)[:, :-1]
    half = of.phases.turning.compression[:, :-1] * math.log(2) / 2
    return np.asarray(half - logarithms(epochs))
