"""What an account consists of: numbers with their errors, and findings with their verdicts, as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui_engine.statistics import EpochSpread, Spread

if TYPE_CHECKING:
    from ibtui_engine.session.ensemble import RecordedEnsemble

REPRODUCED, PARTLY, NOT = "reproduced", "partly", "not"
UNKNOWN = "not measured"
"""The session that a claim rests on is not there."""
INAPPLICABLE = "not applicable"
"""The ensembles that a claim is to be judged on lack what it needs."""
NO_VERDICT = "–"
"""Of what is measured without a claim of the paper to hold it against."""


@dataclass(frozen=True)
class Number:
    """One number of a finding, over networks."""

    name: str
    """What it is of: `T3`, `85 %`."""
    value: float
    """NaN where there is none."""
    error: float
    """Standard error of the mean over networks; NaN where there is none. Of an epoch, on its natural log axis."""
    unit: str
    """`bits`, `epoch`, or empty."""
    count: int = 0
    """Networks that it is a mean over; 0 where it is none."""
    networks: int = 0
    """Networks in all; 0 likewise."""

    @property
    def text(self) -> str:
        """As it is printed: an epoch with its error as a factor, any other with as many digits as the error has; and
        where not all networks have it, how many do.
        """
        if math.isnan(self.value):
            return f"{self.name} none"
        some = f" (n {self.count})" if 0 < self.count < self.networks else ""
        if self.unit == "epoch":
            factor = f" ×/÷ {math.exp(self.error):.2f}" if math.isfinite(self.error) else ""
            return f"{self.name} {self.value:.0f}{factor}{some}"
        unit = f" {self.unit}" if self.unit else ""
        if not math.isfinite(self.error):
            return f"{self.name} {self.value:.3g}{unit}{some}"
        digits = min(max(1 - math.floor(math.log10(self.error)), 0), 6) if self.error > 0 else 3
        return f"{self.name} {round(self.value, digits) + 0.0:.{digits}f} ± {self.error:.{digits}f}{unit}{some}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None where there is no number; `networks` are those that it is a mean over."""
        value, error = (None if not math.isfinite(x) else x for x in (self.value, self.error))
        counted = self.count if self.networks else None
        return {"name": self.name, "value": value, "error": error, "unit": self.unit, "networks": counted}


@dataclass(frozen=True)
class Place:
    """One ensemble of a session."""

    session: str
    ensemble: int
    path: Path


@dataclass(frozen=True)
class Finding:
    """One claim, and what came of it."""

    key: str
    """A short name."""
    section: str
    """Of the paper."""
    claim: str
    measured: str
    """What is measured, and of which session where it is one of the standard account."""
    rule: str
    """When it counts as reproduced, and when as partly."""
    verdict: str
    numbers: tuple[Number, ...]
    reason: str = ""
    """Why it is not, or only partly, reproduced, or not applicable."""
    ensembles: tuple[Place, ...] = ()
    """What it was judged on."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = {name: getattr(self, name) for name in ("key", "section", "claim", "measured", "rule", "verdict")}
        places = [{"session": one.session, "ensemble": one.ensemble} for one in self.ensembles]
        return plain | {"numbers": [one.to_dict() for one in self.numbers], "reason": self.reason, "ensembles": places}


def place_of(one: RecordedEnsemble) -> Place:
    """Where an ensemble is recorded."""
    return Place(one.summary.name, one.ensemble.index, one.summary.path)


def of_spread(name: str, spread: Spread, unit: str = "") -> Number:
    """A number over networks."""
    return Number(name, spread.mean, spread.error, unit, spread.count, spread.networks)


def of_epoch(name: str, spread: EpochSpread) -> Number:
    """An epoch over networks."""
    return Number(name, spread.epoch, spread.log_error, "epoch", spread.count, spread.networks)
