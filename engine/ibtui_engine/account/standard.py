"""The standard account: every claim judged on the experiments that it rests on, which are presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from ibtui_engine.account.claim import Claim
from ibtui_engine.account.claims import CLAIMS
from ibtui_engine.account.evidence import Evidence
from ibtui_engine.account.exact import EXACT
from ibtui_engine.account.finding import Finding
from ibtui_engine.account.judging import compared, lacks
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.presets import PRESETS, QUICK_MOST, find_preset
from ibtui_engine.session.history import SessionReader

VARIANTS: Mapping[str, Experiment] = MappingProxyType(
    {
        f"{name} {value}": Experiment(networks=20, **{setting: value})  # type: ignore[arg-type]
        for name, setting, values in (
            ("learning rate", "learning_rate", (0.005, 0.08)),
            ("batch", "batch", (128, 1024)),
        )
        for value in values
    }
)
"""What shows how much the numbers depend on how one trains."""

STANDARD: tuple[Claim, ...] = (*(claim for claim in CLAIMS if claim.rests_on), *EXACT)
"""The claims that the standard account has."""


def experiments(*, quick: bool = False, networks: int | None = None) -> dict[str, Experiment]:
    """Everything that the standard account rests on, by name, the presets first.

    `quick`: small versions, whose account says little. `networks`: how many in each ensemble; fewer make the standard
    errors larger and little else.

    Raises:
        InvalidValue: the number of networks is outside its range.
    """
    used = {name for claim in STANDARD for name in claim.rests_on}
    found = [find_preset(name) for name in PRESETS if name in used]
    wanted = {preset.name: preset.quick if quick else preset.experiment for preset in found}
    small = QUICK_MOST if quick else {}
    wanted |= {name: experiment.override(small) for name, experiment in VARIANTS.items()}
    if networks is None:
        return wanted
    return {name: experiment.override({"networks": networks}) for name, experiment in wanted.items()}


def account(sessions: Mapping[str, Path]) -> list[Finding]:
    """What became of every claim, from sessions by the names of `experiments`.

    Raises:
        InvalidValue: a session has measured nothing.
        SessionError: a session cannot be read.
    """
    read = cache(_read)
    return [_finding(claim, sessions, read) for claim in STANDARD]


def _finding(claim: Claim, sessions: Mapping[str, Path], read: Callable[[Path], tuple[Evidence, ...]]) -> Finding:
    missing = [name for name in claim.rests_on if name not in sessions]
    if missing:
        return claim.unknown(missing, claim.standard_place)
    every = [one for name in claim.rests_on for one in read(sessions[name])]
    main = read(sessions[claim.rests_on[0]])[-1]
    those = next(those for those in compared(claim, every) if main in those)
    if why := next(filter(None, (lacks(claim, one) for one in those)), ""):
        return claim.inapplicable(why, those)
    return claim.found(those, claim.standard_place)


def _read(path: Path) -> tuple[Evidence, ...]:
    with SessionReader(path) as reader, reader.moment():
        summary = reader.summary
        if not summary.ensembles or not all(one.snapshots for one in summary.ensembles):
            raise InvalidValue(f"session {summary.name!r} has measured nothing: there is nothing to account for")
        return tuple(Evidence(one) for one in reader.recorded_ensembles())
