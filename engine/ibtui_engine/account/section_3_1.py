"""Section 3.1: the rule's orbits, its minimal sufficient partition of the patterns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.account.case import Case, Yes
from ibtui_engine.account.claim import Claim, named, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, ORBITS, SEVERAL_NETWORKS
from ibtui_engine.account.criteria import AtLeast
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, Number, of_spread
from ibtui_engine.account.questions import Mean
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.ensemble import RecordedEnsemble


@dataclass(frozen=True)
class Orbits(Claim):
    """What layers forget tells patterns of one orbit apart.

    The orbit, the class of equal p(y|x), is all of x that the label depends on. I(X;T) = I(T;orbit) + I(X;T | orbit):
    a loss of I(X;T) has two parts, and a layer that goes towards the minimal sufficient partition loses the second.
    """

    key = "orbits"
    section = "3.1"
    text = "Orbits are the rule's minimal sufficient partition: layers compress within orbits, and keep which one it is"
    measured = "bits from the peak of I(X;T) to the end: of I(T;orbit), and of I(X;T | orbit)"
    rests_on = ("figure-3",)
    which = "85 % of the patterns"
    needs = (SEVERAL_NETWORKS, A_HIDDEN_LAYER, ORBITS)

    loss: AtLeast = AtLeast(0.5, "bits")
    """Of I(X;T), for a layer to count."""
    within: float = 0.9
    """Share of the loss that is within orbits, at least."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"at least {100 * self.within:g} % of what is lost is within orbits, in every hidden layer that loses "
            f"{self.loss}; partly: in some"
        )

    def case(self, given: Sequence[Evidence]) -> Case:
        """Partly where some layers that compress do so within orbits."""
        of = only(given).of
        names = of.layer_names
        orbit, within = orbit_losses(of)
        numbers: list[Number] = []
        lose: list[Mean] = []
        inside: list[Mean] = []
        for k in range(of.hidden_layers):
            numbers.append(of_spread(f"{names[k]} loses of the orbit", spread(orbit[:, k]), "bits"))
            numbers.append(of_spread(f"{names[k]} within orbits", spread(within[:, k]), "bits"))
            both = orbit[:, k] + within[:, k]
            lose.append(Mean(f"{names[k]} loses {self.loss}", both, self.loss))
            enough = f"{100 * self.within:g} % of what {names[k]} loses is within orbits"
            inside.append(Mean(enough, within[:, k] - self.within * both, AtLeast(0.0)))

        def weigh(yes: Yes) -> tuple[str, str]:
            counted = [one if yes(two) else None for one, two in zip(inside, lose, strict=True)]
            if not any(counted):
                return NOT, f"no hidden layer loses {self.loss}"
            rest = named(of, counted, yes, False)
            if not rest:
                return REPRODUCED, ""
            some = any(one is not None and yes(one) for one in counted)
            why = f"of what {rest} lose, more than {100 - 100 * self.within:g} % tells orbits apart"
            return PARTLY if some else NOT, why

        return Case(numbers, [*lose, *inside], weigh)


def orbit_losses(
    of: RecordedEnsemble,
) -> tuple[Float64[np.ndarray, "networks layers"], Float64[np.ndarray, "networks layers"]]:
    """Bits of I(T;orbit) and of I(X;T | orbit) from the snapshot at which I(X;T) is greatest to the last one."""
    i_x = of.layers.i_x
    peak = np.argmax(np.where(np.isnan(i_x), -np.inf, i_x), axis=0)[None]
    lost = (np.take_along_axis(one, peak, axis=0)[0] - one[-1] for one in (of.layers.i_orbit, of.layers.i_within))
    orbit, within = lost
    return orbit, within
