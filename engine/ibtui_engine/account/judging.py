"""Claims judged on any recorded ensembles: on those that have the data which a claim needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.conditions import MEASURED
from ibtui_engine.account.evidence import Evidence

if TYPE_CHECKING:
    from ibtui_engine.account.claim import Claim
    from ibtui_engine.account.finding import Finding
    from ibtui_engine.session.ensemble import RecordedEnsemble


def judge(ensembles: Sequence[RecordedEnsemble], *, threads: int | None = None) -> list[Finding]:
    """What every claim comes to on some ensembles, of one session or of several: a finding for each ensemble that has
    what the claim needs, or for each set of them that it compares, and one for all those that lack the same.

    `threads`: for what takes computing; None takes all cores.

    Raises:
        SessionError: a session can no longer be read.
    """
    every = [Evidence(one, threads) for one in ensembles]
    return [finding for claim in CLAIMS for finding in _findings(claim, every)]


def compared(claim: Claim, every: Sequence[Evidence]) -> list[tuple[Evidence, ...]]:
    """The ensembles that a claim is judged on together: those that are alike but for what it spans, sorted, each value
    once (the first that has it); each by itself where the claim spans nothing.
    """
    if not claim.spans:
        return [(one,) for one in every]
    found: dict[Any, dict[Any, Evidence]] = {}
    for one in every:
        values = tuple(one.setting(name) for name in claim.spans)
        found.setdefault(one.alike(claim.spans, paired=claim.paired), {}).setdefault(values, one)
    return [tuple(sorted(those.values(), key=claim.place)) for those in found.values()]


def lacks(claim: Claim, one: Evidence) -> str:
    """What an ensemble lacks of what a claim needs; empty where it can be judged."""
    return "; ".join(why for needed in (MEASURED, *claim.needs) if (why := needed.lacking(one.of)))


def _findings(claim: Claim, every: Sequence[Evidence]) -> list[Finding]:
    able: list[Evidence] = []
    unable: dict[str, list[Evidence]] = {}
    for one in every:
        if lacking := lacks(claim, one):
            unable.setdefault(lacking, []).append(one)
        else:
            able.append(one)
    found = []
    sets = compared(claim, able)
    if again := [one for one in able if not any(one in those for those in sets)]:
        unable["another ensemble here has the same settings"] = again
    for those in sets:
        why = claim.lacking(those)
        if why:
            unable.setdefault(why, []).extend(those)
        else:
            found.append(claim.found(those))
    return found + [claim.inapplicable(why, those) for why, those in unable.items()]
