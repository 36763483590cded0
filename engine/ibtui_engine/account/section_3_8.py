"""Section 3.8: converged layers and the information bottleneck bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ibtui_engine.account.claim import Claim, Judgement, listed, only
from ibtui_engine.account.conditions import A_HIDDEN_LAYER, TWO_LABELS, WEIGHTS, of_rule, other_rule_than
from ibtui_engine.account.criteria import AtMost
from ibtui_engine.account.finding import NOT, PARTLY, REPRODUCED, of_spread

if TYPE_CHECKING:
    from ibtui_engine.account.evidence import Evidence

SAID = "Converged layers lie on the IB bound, with beta falling from layer to layer"


@dataclass(frozen=True)
class Bound(Claim):
    """Layers are optimal, on rules that the paper does not have."""

    key = "bound"
    section = "3.8"
    text = SAID
    measured = "bits of I(T;Y) below the curve, and beta* of Eq. 12, mean over networks"
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER, other_rule_than("symmetric", "symmetric-soft"))

    distance: AtMost = AtMost(0.02, "bits")
    """Of I(T;Y), below the curve."""
    layers: int = 3
    """That must have a beta* for it to fall."""

    @property
    def rule(self) -> str:
        """From the thresholds."""
        return (
            f"{self.distance} in all layers, and beta* falls from layer to layer, of which at least {self.layers} have "
            "one; partly: one of both"
        )

    def judge(self, given: Sequence[Evidence]) -> Judgement:
        """Partly where layers are at the curve or beta* falls."""
        one = only(given)
        of, fits = one.of, one.fits
        betas, below = fits.spreads("beta"), fits.spreads("distance")
        numbers = []
        for k, name in enumerate(of.layer_names):
            numbers.append(of_spread(f"{name} below", below[k], "bits"))
            if math.isfinite(betas[k].mean):
                numbers.append(of_spread(f"{name} beta*", betas[k]))
        away = [k for k, one in enumerate(below) if not self.distance.holds(one.mean)]
        known = [one.mean for one in betas if math.isfinite(one.mean)]
        falling = len(known) >= self.layers and all(a > b for a, b in pairwise(known))
        if not away and falling:
            return REPRODUCED, numbers, ""
        why = []
        if away:
            why.append(f"more than {self.distance.limit:g} bits below the curve: {listed(of, away)}")
        if not falling:
            without = len(betas) - len(known)
            some = f" ({without} layers have none: the curve is all but a corner there)" if without else ""
            why.append(f"beta* does not fall from layer to layer{some}")
        return PARTLY if not away or falling else NOT, numbers, "; ".join(why)


@dataclass(frozen=True)
class SymmetricBound(Bound):
    """On the paper's rule."""

    key = "bound-symmetric"
    text = f"{SAID} (symmetric)"
    rests_on = ("figure-6",)
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER, of_rule("symmetric"))


@dataclass(frozen=True)
class SoftBound(Bound):
    """On a rule whose curve bends."""

    key = "bound-symmetric-soft"
    text = f"{SAID} (symmetric-soft)"
    rests_on = ("figure-6-soft",)
    needs = (WEIGHTS, TWO_LABELS, A_HIDDEN_LAYER, of_rule("symmetric-soft"))
