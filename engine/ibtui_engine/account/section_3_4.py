"""Section 3.4: what little data does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import Claim, named
from ibtui_engine.account.conditions import SEVERAL_NETWORKS
from ibtui_engine.account.criteria import AtLeast
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_spread
from ibtui_engine.account.questions import Mean
from ibtui_engine.statistics import mean, spread

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.ensemble import RecordedEnsemble


class ByFraction(Claim):
    """A claim about what more data does."""

    spans = ("fraction",)

    def place(self, one: Evidence) -> float:
        """By the sample fraction."""
        return one.of.ensemble.fraction


@dataclass(frozen=True)
class LittleData(ByFraction):
    """Compression costs label information where there is little data."""

    key = "data"
    section = "3.4"
    text = "With 5 % of the data compression loses information on the label, with 85 % it does not"
    measured = "bits of I(T;Y) from its highest mean to the end, with the least data and with the most"
    rests_on = ("figure-3",)
    needs = (SEVERAL_NETWORKS,)

    loss: AtLeast = AtLeast(0.02, "bits")

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"with the least data some layer loses {self.loss}, with the most none does; partly: some does, too"

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where much data loses some, too."""
        ends = few, most = given[0].of, given[-1].of
        numbers: list[Number] = []
        asked: list[list[Mean]] = []
        for of in ends:
            said = percent(of)
            columns = [(f"{of.layer_names[k]} at {said}", one) for k, one in enumerate(label_losses(of))]
            numbers += [of_spread(name, spread(one), "bits") for name, one in columns]
            asked.append([Mean(f"{name} loses {self.loss}", one, self.loss) for name, one in columns])

        def weigh(yes: Yes) -> tuple[str, str]:
            if not any(map(yes, asked[0])):
                return NOT, f"no layer loses {self.loss} of label information with {percent(few)}"
            if too := named(most, asked[1], yes, True):
                return PARTLY, f"{too} lose some with {percent(most)}, too"
            return REPRODUCED, ""

        return Case(numbers, [*asked[0], *asked[1]], weigh)


def percent(of: RecordedEnsemble) -> str:
    """The sample fraction of an ensemble."""
    return f"{100 * of.ensemble.fraction:.3g} %"


def label_losses(of: RecordedEnsemble) -> list[Float64[np.ndarray, " networks"]]:
    """By layer, bits of I(T;Y) from the epoch at which its mean over networks is highest to the last one, paired."""
    i_y = of.layers.i_y
    best = np.nanargmax(mean(i_y, axis=1), axis=0)
    return [i_y[best[k], :, k] - i_y[-1, :, k] for k in range(i_y.shape[2])]
