"""The main claims again, on networks whose information is exact: which of them rest on bins?

Outputs of the usual networks are numbers, so that I(X;T) is that of bins laid over them. Quantised networks hand on one
of a few levels, stochastic ones are −1 or 1 by chance: there nothing is chosen in measuring.
"""

from __future__ import annotations

from typing import cast

from ibtui_engine.account.claim import Claim
from ibtui_engine.account.section_2 import DataProcessing
from ibtui_engine.account.section_3_3 import Endpoints, FitOrder, TwoPhases
from ibtui_engine.account.section_3_5 import Coincidence, Leveling
from ibtui_engine.account.section_3_6 import Order
from ibtui_engine.account.section_3_8 import Bound, Consistent

KINDS = {"quantised": "activations of 4 bits", "stochastic": "stochastic binary units"}
"""Presets of such networks, and what they are in words."""
AGAIN: tuple[type[Claim], ...] = (
    DataProcessing,
    TwoPhases,
    FitOrder,
    Endpoints,
    Coincidence,
    Leveling,
    Order,
    Bound,
    Consistent,
)
"""Claims that are judged again."""


def plain(claim: type[Claim]) -> str:
    """What a claim says, without the rule that it is judged on elsewhere."""
    return str(claim.text).partition(" (symmetric")[0]


def again(claim: type[Claim], preset: str) -> Claim:
    """A claim as it is judged on networks of a preset in `KINDS`."""
    told = {
        "key": f"{claim.key}-{preset}",
        "text": f"{plain(claim)} ({KINDS[preset]})",
        "rests_on": (preset,),
        "which": "",
        "needs": tuple(one for one in claim.needs if not one.needs.startswith("a rule other than")),
        "__doc__": claim.__doc__,
    }
    return cast("Claim", type(f"{claim.__name__}Again", (claim,), told)())


EXACT: tuple[Claim, ...] = tuple(again(claim, preset) for claim in AGAIN for preset in KINDS)
"""What the standard account has beside the claims as the paper's networks show them."""
