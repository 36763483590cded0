"""Section 3.9: what more data does to the deep layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.claim import Claim, Judgement
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, SEVERAL_NETWORKS
from ibtui_engine.account.criteria import Clear
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, of_spread
from ibtui_engine.account.section_3_4 import percent
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence


@dataclass(frozen=True)
class MoreData(Claim):
    """Deep layers know more of the label."""

    key = "more-data"
    section = "3.9"
    text = "More data moves the deep layers up, to more information on the label"
    measured = "I(T;Y) of the last hidden layer and the output at the end, by sample fraction"
    rests_on = ("figure-7",)
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER)
    spans = ("fraction",)
    paired = True

    gain: Clear = Clear()
    """From the least data to the most, network by network."""
    fall: float = 2.0
    """Standard errors by which no step from one fraction to the next may fall."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"with the most data more than with the least by {self.gain}, and at no step less by more than "
            f"{self.fall:g}; partly: less at some step"
        )

    def place(self, one: Evidence) -> float:
        """By the sample fraction."""
        return one.of.ensemble.fraction

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where they go up, but not at every step."""
        every = [one.of for one in given]
        few, most = every[0], every[-1]
        deep = (most.hidden_layers - 1, most.hidden_layers)
        numbers = [
            of_spread(f"{of.layer_names[k]} at {percent(of)}", spread(of.layers.i_y[-1, :, k]), "bits")
            for k in deep
            for of in (few, most)
        ]
        gains = [spread(most.layers.i_y[-1, :, k] - few.layers.i_y[-1, :, k]) for k in deep]
        courses = [[spread(of.layers.i_y[-1, :, k]) for of in every] for k in deep]
        means = np.array([[one.mean for one in course] for course in courses])
        errors = np.array([[one.error for one in course] for course in courses])
        back = np.diff(means, axis=1) < -self.fall * np.hypot(errors[:, 1:], errors[:, :-1])
        if not all(self.gain.holds(one) for one in gains):
            return NOT, numbers, "with more data they do not clearly know more of the label"
        if back.any():
            return PARTLY, numbers, "they go up, but not at every step"
        return REPRODUCED, numbers, ""
