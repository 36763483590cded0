"""Section 2: what holds of any Markov chain of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import Claim, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER
from ibtui_engine.account.criteria import AtMost
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, of_median
from ibtui_engine.account.questions import Median

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class DataProcessing(Claim):
    """No layer knows more than the one below."""

    key = "dpi"
    section = "2.4, Eq. 5 and 6"
    text = "Information falls from layer to layer, on the input and on the label (data processing)"
    measured = "the most by which any layer has more than the one below it, at any snapshot: the median over networks"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (A_HIDDEN_LAYER,)

    rise: AtMost = AtMost(0.001, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"{self.rise} of I(X;T) and of I(T;Y); partly: of one of both"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where one of both falls."""
        of = only(given).of
        numbers, asked = [], []
        for name, values in (("I(X;T)", of.layers.i_x), ("I(T;Y)", of.layers.i_y)):
            rise = np.nanmax(np.maximum(np.diff(values, axis=2), 0.0), axis=(0, 2))
            numbers.append(of_median(f"{name} rises by", rise, "bits"))
            asked.append(Median(f"{name} rises by {self.rise}", rise, self.rise))
        told = "binned layers are no Markov chain: neurons of a layer are binned, and the next one sees what bins hide"

        def weigh(yes: Yes) -> tuple[str, str]:
            against = [one for one in asked if not yes(one)]
            return (REPRODUCED, PARTLY, NOT)[len(against)], told if against else ""

        return Case(numbers, asked, weigh)
