"""What an account consists of: numbers with their errors, and findings with their verdicts, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui_engine.statistics import Spread, median_interval

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from ibtui_engine.session.ensemble import RecordedEnsemble

REPRODUCED, PARTLY, NOT = "reproduced", "partly", "not"
UNDECIDED = "undecided"
"""The networks are too few, or too different from each other, for one of these."""
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
    low: float = math.nan
    """Of a median, the lower end of its 95 % interval; NaN of what is none, or of fewer than six networks."""
    high: float = math.nan

    @property
    def text(self) -> str:
        """As it is printed: an epoch with its error as a factor, any other with as many digits as the error has; and
        where not all networks have it, how many do.
        """
        if math.isnan(self.value):
            return f"{self.name} none"
        some = f" (n {self.count})" if 0 < self.count < self.networks else ""
        if not math.isnan(self.low):
            unit = f" {self.unit}" if self.unit not in ("", "epoch") else ""
            return f"{self.name} {_short(self.value)} ({_short(self.low)} to {_short(self.high)}){unit}{some}"
        if self.unit == "epoch":
            factor = f" ×/÷ {math.exp(self.error):.2f}" if math.isfinite(self.error) else ""
            return f"{self.name} {_short(self.value)}{factor}{some}"
        unit = f" {self.unit}" if self.unit else ""
        if not math.isfinite(self.error):
            return f"{self.name} {self.value:.3g}{unit}{some}"
        digits = min(max(1 - math.floor(math.log10(self.error)), 0), 6) if self.error > 0 else 3
        return f"{self.name} {round(self.value, digits) + 0.0:.{digits}f} ± {self.error:.{digits}f}{unit}{some}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None where there is no number; `networks` are those that it is a mean over."""
        value, error, low, high = (
            None if not math.isfinite(x) else x for x in (self.value, self.error, self.low, self.high)
        )
        counted = self.count if self.networks else None
        plain = {"name": self.name, "text": self.text, "value": value, "error": error, "low": low, "high": high}
        return plain | {"unit": self.unit, "networks": counted}


def _short(value: float) -> str:
    """A number in a few digits; of what had not happened when training ended, `never`."""
    if math.isinf(value):
        return "never" if value > 0 else "before"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


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
    """Why it is not, or only partly, reproduced, or not applicable; of `undecided`, which verdicts are possible."""
    ensembles: tuple[Place, ...] = ()
    """What it was judged on."""
    networks: tuple[int, int] = (0, 0)
    """How many networks in each ensemble: the least and the most; 0 where nothing is judged."""
    resampled: Mapping[str, float] = field(default_factory=dict)
    """Of which share of the bootstrap samples of the networks each verdict is, by their numbers as they stand."""

    @property
    def agreement(self) -> float:
        """Share of the bootstrap samples with the same verdict; of an open one, with the most frequent."""
        if self.verdict == UNDECIDED:
            return max(self.resampled.values(), default=math.nan)
        return self.resampled.get(self.verdict, 0.0) if self.resampled else math.nan

    @property
    def firmness(self) -> str:
        """How firmly the verdict stands, in a few words; empty where nothing is judged."""
        if not self.resampled:
            return ""
        least, most = self.networks
        number = f"n {most}" if least == most else f"n {least} to {most}"
        if self.verdict == UNDECIDED:
            return f"{number}; " + ", ".join(f"{one} {_percent(share)}" for one, share in self.resampled.items())
        return f"{number}; {_percent(self.agreement)} of resamples"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = {name: getattr(self, name) for name in ("key", "section", "claim", "measured", "rule", "verdict")}
        places = [{"session": one.session, "ensemble": one.ensemble, "path": str(one.path)} for one in self.ensembles]
        return plain | {
            "numbers": [one.to_dict() for one in self.numbers],
            "reason": self.reason,
            "networks": list(self.networks) if self.networks[1] else None,
            "agreement": None if math.isnan(self.agreement) else self.agreement,
            "resampled": dict(self.resampled),
            "firmness": self.firmness,
            "ensembles": places,
        }


def _percent(share: float) -> str:
    """A share that is not all is not shown as such."""
    return f"{100 * share:.0f} %" if share in (0.0, 1.0) else f"{min(max(100 * share, 0.1), 99.9):.3g} %"


def place_of(one: RecordedEnsemble) -> Place:
    """Where an ensemble is recorded."""
    return Place(one.summary.name, one.ensemble.index, one.summary.path)


def of_spread(name: str, spread: Spread, unit: str = "") -> Number:
    """A number over networks."""
    return Number(name, spread.mean, spread.error, unit, spread.count, spread.networks)


def of_median(name: str, values: Float64[np.ndarray, " networks"], unit: str = "") -> Number:
    """The median over networks that have a number, which may be infinite, with its interval."""
    middle, low, high, count = median_interval(values)
    return Number(name, middle, math.nan, unit, count, len(values), low, high)
