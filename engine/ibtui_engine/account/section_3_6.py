"""Section 3.6: what depth and width do, how long layers compress, and in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import EARLIER, Claim, but, in_order, log_ratio, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, SEVERAL_NETWORKS, measured_until
from ibtui_engine.account.criteria import AtLeast, AtMost, Share
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_median, of_spread
from ibtui_engine.account.questions import Mean, Median, OfShare
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.ensemble import RecordedEnsemble


class ByDepth(Claim):
    """A claim about what more hidden layers do."""

    section = "3.6"
    rests_on = ("figure-5",)
    spans = ("hidden",)

    def place(self, one: Evidence) -> float:
        """By the number of hidden layers."""
        return one.of.hidden_layers

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Networks of one depth and several widths show nothing."""
        several = len({one.of.hidden_layers for one in given}) > 1
        return "" if several else "needs ensembles that differ only in the number of hidden layers"


def reached(of: RecordedEnsemble, learned: AtLeast) -> Float64[np.ndarray, " networks"]:
    """The first measured epoch at which each network's output knows so much of the label; infinite where none is."""
    there = learned.holds(of.layers.i_y[:, :, -1])
    first = np.asarray(of.layers.epochs, np.float64)[np.argmax(there, axis=0)]
    return np.where(there.any(axis=0), first, np.inf)


@dataclass(frozen=True)
class Depth(ByDepth):
    """Deep networks need fewer epochs."""

    key = "depth"

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

    def reached(self, of: RecordedEnsemble) -> Float64[np.ndarray, " networks"]:
        """Where each network has learned; infinite where it never has."""
        return reached(of, self.learned)

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


@dataclass(frozen=True)
class Shorter(ByDepth):
    """Compression after compression.

    The output has one unit at every depth, and what differs is the layer that it starts from.
    """

    key = "shorter"
    text = "The compression of a layer is shorter where it starts from a compressed layer"
    measured = (
        "epochs from the peak of the output's I(X;T) until half of its fall is done, by the number of hidden layers: "
        "medians, and ratios network by network; I(X;T) of the layer below the output at that peak, means"
    )
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)

    compressed: AtLeast = AtLeast(0.5, "bits")
    """That the layer below has less with one hidden layer more, for two depths to count."""
    compress: Share = Share(0.5)
    """Whose output must compress at both depths."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            "shorter in most networks with one hidden layer more, at every two depths of which the deeper starts from "
            f"a layer with {self.compressed} less, and {self.compress} compress at both; partly: at some"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where it is shorter at some depths."""
        every = [one.of for one in given]
        took = [compressing_for(of)[:, -1] for of in every]
        starts = [at_turn(of, of.hidden_layers - 1) for of in every]
        numbers: list[Number] = []
        for of, epochs, start in zip(every, took, starts, strict=True):
            said = f"{of.hidden_layers} hidden"
            numbers.append(of_median(said, epochs, "epoch"))
            numbers.append(of_spread(f"{said}, from", spread(start), "bits"))
        asked: list[tuple[Mean, Median]] = []
        for a, b in pairwise(range(len(every))):
            enough = [self.compress.holds(int(np.isfinite(took[k]).sum()), len(took[k])) for k in (a, b)]
            both = min(len(took[a]), len(took[b]))
            if every[a].hidden_layers == every[b].hidden_layers or not all(enough):
                continue
            said = f"with {every[b].hidden_layers} hidden layers, not {every[a].hidden_layers}"
            less = Mean(
                f"the output starts from {self.compressed} less {said}", starts[a][:both] - starts[b][:both],
                self.compressed,
            )  # fmt: skip
            asked.append((less, Median(f"it is shorter {said}", log_ratio(took[b][:both], took[a][:both]), EARLIER)))

        def weigh(yes: Yes) -> tuple[str, str]:
            counted = [shorter for less, shorter in asked if yes(less)]
            if not counted:
                return NOT, "no output compresses from a layer that is more compressed than at the depth before"
            against = [one.said.replace("it is shorter", "it is not shorter") for one in counted if not yes(one)]
            if not against:
                return REPRODUCED, ""
            return PARTLY if len(against) < len(counted) else NOT, "; ".join(against)

        return Case(numbers, [one for pair in asked for one in pair], weigh)


def compressing_for(of: RecordedEnsemble) -> Float64[np.ndarray, "networks layers"]:
    """Epochs from the peak of I(X;T) until half of its fall is done; NaN where it does not turn."""
    turning = of.phases.turning
    return np.asarray(turning.half_compressed - turning.epochs)


def at_turn(of: RecordedEnsemble, layer: int) -> Float64[np.ndarray, " networks"]:
    """I(X;T) of a layer (from 0) at the last snapshot up to the peak of the layer above it; NaN where that has none."""
    peaks = of.phases.turning.epochs[:, layer + 1]
    there = np.isfinite(peaks)
    row = np.searchsorted(of.layers.epochs, np.where(there, peaks, 0.0), side="right") - 1
    return np.where(there, of.layers.i_x[row, np.arange(len(peaks)), layer], np.nan)


@dataclass(frozen=True)
class Width(Claim):
    """More units, the same depth."""

    key = "width"
    section = "3.6"
    text = "Extra width does not help"
    rests_on = ("width",)
    spans = ("hidden",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)

    learned: AtLeast = AtLeast(0.8, "bits")
    """Of I(T;Y) at the output, from which on a network counts as having learned."""
    faster: float = 1.25
    """Factor by which wide networks may need fewer epochs."""
    gain: AtMost = AtMost(0.01, "bits")
    """Of I(T;Y) at the output at the end."""

    @property
    def measured(self) -> str:
        """With what counts as having learned."""
        return (
            f"first measured epoch with {self.learned} of I(T;Y) at the output, medians, and I(T;Y) there at the end, "
            "means: the widest networks beside the narrowest"
        )

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"the widest need at least 1/{self.faster:g} of the epochs of the narrowest, and know {self.gain} more at "
            "the end; partly: one of both"
        )

    def place(self, one: Evidence) -> float:
        """By the number of units."""
        return sum(one.of.widths)

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Networks of several depths say nothing of width alone."""
        alike = len({one.of.hidden_layers for one in given}) == 1 and len({self.place(one) for one in given}) > 1
        return "" if alike else "needs ensembles that differ only in the widths of as many hidden layers"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where width helps in one way."""
        every = [one.of for one in given]
        numbers: list[Number] = []
        for of in every:
            numbers.append(of_median(f"{of.ensemble.hidden}", reached(of, self.learned), "epoch"))
            numbers.append(of_spread(f"{of.ensemble.hidden}, at the end", spread(of.layers.i_y[-1, :, -1]), "bits"))
        few, most = every[0], every[-1]
        both = min(few.ensemble.networks, most.ensemble.networks)
        ratio = log_ratio(reached(most, self.learned)[:both], reached(few, self.learned)[:both])
        least = AtLeast(-math.log(self.faster))
        slow = Median(f"the widest need at least 1/{self.faster:g} of the epochs", ratio, least)
        gained = most.layers.i_y[-1, :both, -1] - few.layers.i_y[-1, :both, -1]
        same = Mean(f"the widest know {self.gain} more at the end", gained, self.gain)

        def weigh(yes: Yes) -> tuple[str, str]:
            return but(
                "" if yes(slow) else "the widest learn in fewer epochs",
                "" if yes(same) else "the widest know more of the label at the end",
            )

        return Case(numbers, [slow, same], weigh)
