"""Section 3.4: what little data does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.claim import Claim, Judgement, listed
from ibtui_engine.account.conditions import SEVERAL_NETWORKS
from ibtui_engine.account.criteria import Clear
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_spread
from ibtui_engine.statistics import Spread, mean, spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.ensemble import RecordedEnsemble


@dataclass(frozen=True)
class LittleData(Claim):
    """Compression costs label information where there is little data."""

    key = "data"
    section = "3.4"
    text = "With 5 % of the data compression loses information on the label, with 85 % it does not"
    measured = "bits of I(T;Y) from its highest mean to the end, with the least data and with the most"
    rests_on = ("figure-3",)
    needs = (SEVERAL_NETWORKS,)
    spans = ("fraction",)

    loss: Clear = Clear(0.02)

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return f"with the least data some layer loses {self.loss}, with the most none does; partly: some does, too"

    def place(self, one: Evidence) -> float:
        """By the sample fraction."""
        return one.of.ensemble.fraction

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where much data loses some, too."""
        few, most = given[0].of, given[-1].of
        numbers: list[Number] = []
        lost: list[list[int]] = []
        for of in (few, most):
            losses = label_losses(of)
            said = percent(of)
            numbers += [of_spread(f"{of.layer_names[k]} at {said}", one, "bits") for k, one in enumerate(losses)]
            lost.append([k for k, one in enumerate(losses) if self.loss.holds(one)])
        if not lost[0]:
            return NOT, numbers, f"no layer clearly loses label information with {percent(few)}"
        if lost[1]:
            return PARTLY, numbers, f"{listed(most, lost[1])} lose some with {percent(most)}, too"
        return REPRODUCED, numbers, ""


def percent(of: RecordedEnsemble) -> str:
    """The sample fraction of an ensemble."""
    return f"{100 * of.ensemble.fraction:.3g} %"


def label_losses(of: RecordedEnsemble) -> list[Spread]:
    """By layer, bits of I(T;Y) from the epoch at which its mean over networks is highest to the last one, paired."""
    i_y = of.layers.i_y
    best = np.nanargmax(mean(i_y, axis=1), axis=0)
    return [spread(i_y[best[k], :, k] - i_y[-1, :, k]) for k in range(i_y.shape[2])]
