"""Section 3.9: what more data does to the layers, and what a sample allows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import but
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, BUILT_IN, SEVERAL_NETWORKS, TWO_LABELS, setting
from ibtui_engine.account.criteria import AtLeast, AtMost, Between
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_spread
from ibtui_engine.account.questions import Mean
from ibtui_engine.account.section_3_4 import ByFraction, percent
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class MoreData(ByFraction):
    """Deep layers know more of the label."""

    key = "more-data"
    section = "3.9"
    text = "More data moves the deep layers up, to more information on the label"
    measured = (
        "I(T;Y) of the last hidden layer and the output at the end, by sample fraction; differences network by "
        "network, as samples are nested"
    )
    rests_on = ("figure-7",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)
    paired = True

    gain: AtLeast = AtLeast(0.01, "bits")
    """From the least data to the most."""
    fall: AtMost = AtMost(0.01, "bits")
    """At any step from one fraction to the next."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"with the most data {self.gain} more than with the least, and at every step {self.fall} less; partly: "
            "they fall at some step"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where they go up, but not at every step."""
        every = [one.of for one in given]
        few, most = every[0], every[-1]
        deep = (most.hidden_layers - 1, most.hidden_layers)
        names = most.layer_names
        numbers = []
        gains: list[Mean] = []
        steps: list[Mean] = []
        for k in deep:
            courses = [of.layers.i_y[-1, :, k] for of in every]
            numbers += [
                of_spread(f"{names[k]} at {percent(of)}", spread(of.layers.i_y[-1, :, k]), "bits") for of in (few, most)
            ]
            gained = courses[-1] - courses[0]
            numbers.append(of_spread(f"{names[k]} gains", spread(gained), "bits"))
            gains.append(Mean(f"{names[k]} gains {self.gain}", gained, self.gain))
            steps += [
                Mean(f"{names[k]} falls by {self.fall} from {percent(a)} to {percent(b)}", before - after, self.fall)
                for (a, before), (b, after) in pairwise(zip(every, courses, strict=True))
            ]

        def weigh(yes: Yes) -> tuple[str, str]:
            if not all(map(yes, gains)):
                return NOT, "with more data they do not know more of the label"
            if not all(map(yes, steps)):
                return PARTLY, "they go up, but not at every step"
            return REPRODUCED, ""

        return Case(numbers, [*gains, *steps], weigh)


@dataclass(frozen=True)
class RightWithData(ByFraction):
    """Middle layers keep more of the input."""

    key = "more-data-middle"
    section = "3.9"
    text = "More data moves the middle layers to the right, to more information on the input, and hardly the lower ones"
    measured = "I(X;T) of each hidden layer at the end, most data less least, network by network"
    rests_on = ("figure-7",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)
    paired = True

    gain: AtLeast = AtLeast(0.1, "bits")
    same: Between = Between(-0.1, 0.1)
    """Bits, of the lowest layer."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"some middle layer (neither the lowest nor the last hidden one) gains {self.gain}, and the lowest "
            f"changes by a number {self.same} (an equivalence test); partly: one of both"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where one of both is so."""
        few, most = given[0].of, given[-1].of
        names = most.layer_names
        gained = (most.layers.i_x[-1] - few.layers.i_x[-1])[:, :-1]
        numbers = [of_spread(f"{names[k]} gains", spread(column), "bits") for k, column in enumerate(gained.T)]
        middle = [Mean(f"{names[k]} gains {self.gain}", gained[:, k], self.gain) for k in range(1, gained.shape[1] - 1)]
        lowest = Mean(f"{names[0]} changes by {self.same} bits", gained[:, 0], self.same)

        def weigh(yes: Yes) -> tuple[str, str]:
            right = any(map(yes, middle))
            return but(
                "" if right else "no middle layer keeps more of the input with more data",
                "" if yes(lowest) else f"{names[0]} moves, too",
            )

        return Case(numbers, [*middle, lowest], weigh)


@dataclass(frozen=True)
class SampledCurves(ByFraction):
    """A sample bounds what can be learned from it.

    The finite-sample curve of a network is that of the optimal encoders of its own sample, under the true rule
    (`ibtui_engine.bottleneck.sampling`). They know which patterns are alike, and nothing of those outside the sample: a
    layer can be above it as well as below.
    """

    key = "sampled-curves"
    section = "3.9"
    text = "Converged layers lie on the IB curve of their finite sample"
    measured = (
        "I(T;Y) at the end less that of the finite-sample curve of the network's own sample at the same I(X;T), by "
        "sample fraction and layer: means, of the least data and the most"
    )
    rests_on = ("figure-7",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, TWO_LABELS, BUILT_IN, setting("labels", "rule"))

    apart: Between = Between(-0.02, 0.02)
    """Bits."""
    places: float = 0.5
    """Share of the layers at all fractions of which more must lie there for `partly`."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"shown to be {self.apart} bits (equivalence tests), in all layers at all fractions; partly: in more than "
            f"{100 * self.places:g} % of these"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where most layers at most fractions are there."""
        numbers: list[Number] = []
        asked: list[tuple[str, list[Mean]]] = []
        for one in given:
            of, said = one.of, percent(one.of)
            above = of.layers.i_y[-1] - one.attained
            if one in (given[0], given[-1]):
                columns = zip(of.layer_names, above.T, strict=True)
                numbers += [of_spread(f"{name} at {said}", spread(column), "bits") for name, column in columns]
            columns = zip(of.layer_names, above.T, strict=True)
            words = f"at {said} is {self.apart} bits above its curve"
            asked.append((said, [Mean(f"{name} {words}", column, self.apart) for name, column in columns]))
        every = [one for _, those in asked for one in those]

        def weigh(yes: Yes) -> tuple[str, str]:
            there = sum(map(yes, every))
            if there == len(every):
                return REPRODUCED, ""
            off = [(said, [one.said.partition(" at ")[0] for one in those if not yes(one)]) for said, those in asked]
            why = "; ".join(f"at {said} {', '.join(names)}" for said, names in off if names)
            return PARTLY if there > self.places * len(every) else NOT, f"away from it: {why}"

        return Case(numbers, every, weigh)
