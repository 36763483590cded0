"""What claims ask of networks, and what the networks answer: yes, no, or that they are too few to tell.

The network is the unit: each question has one number of each, and asks for the mean, the median or a share of them.

* A mean is tested by Student's t (1908). One that is to lie between two limits is shown to by an equivalence test: both
  one-sided tests must say so (Schuirmann 1987).
* A median is tested by signs (Arbuthnot 1710; Conover 1999, section 3.4): whatever the distribution, with numbers that
  are infinite, such as the epoch of what had not happened when training ended.
* A share is tested by the binomial distribution, exactly (Clopper and Pearson 1934).
* Whether numbers are less than chance makes them is tested by random numbers of the same kind (Fisher 1935).

All questions of a claim are answered together: yes, where Holm's procedure (1979) rejects "no" of all of them at
`ERROR`; no, where it rejects "yes". So with one chance in twenty at most any of its answers is wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from ibtui_engine.account.criteria import Criterion, Share

ERROR = 0.025
"""Chance that any yes is wrong, and that any no is: one in twenty together."""


@dataclass(frozen=True, eq=False)
class Question(ABC):
    """One thing that is so or not."""

    said: str
    """What is so if the answer is yes: `T3 loses at least 0.5 bits`."""

    @property
    @abstractmethod
    def networks(self) -> int:
        """All that were asked, with those that have no number."""

    @abstractmethod
    def chances(self) -> tuple[float, float]:
        """How likely such numbers would be at most if the answer were no, and if it were yes (p-values)."""

    @abstractmethod
    def so(self, networks: Int64[np.ndarray, "samples networks"]) -> Bool[np.ndarray, " samples"]:
        """The answer that the numbers of these networks give as they stand, without regard to chance."""

    def stands(self) -> bool:
        """That of all networks."""
        return bool(self.so(np.arange(self.networks)[None])[0])


@dataclass(frozen=True, eq=False)
class OfNumbers(Question):
    """About one number of each network."""

    values: Float64[np.ndarray, " networks"]
    """NaN of a network that has none, which does not count."""
    criterion: Criterion

    @property
    def networks(self) -> int:
        """All that were asked."""
        return len(self.values)

    @property
    def known(self) -> Float64[np.ndarray, " known"]:
        """The numbers that there are."""
        return np.asarray(self.values[~np.isnan(self.values)])

    def chances(self) -> tuple[float, float]:
        """The larger of those of both limits if it were no; if it were yes, twice the smaller."""
        below, above = self._beyond()
        limits = [one for one in (below, above) if one is not None]
        return max(no for no, _ in limits), min(1.0, len(limits) * min(yes for _, yes in limits))

    def _beyond(self) -> list[tuple[float, float] | None]:
        """Of the lower and of the upper limit, None where it is infinite: the chance of such numbers if the truth lay
        beyond it, and if it did not.
        """
        found: list[tuple[float, float] | None] = []
        for limit, sign in ((self.criterion.low, 1.0), (self.criterion.high, -1.0)):
            found.append(self._one_sided(sign * self.known, sign * limit) if np.isfinite(limit) else None)
        return found

    @abstractmethod
    def _one_sided(self, known: Float64[np.ndarray, " known"], limit: float) -> tuple[float, float]:
        """The chance of such numbers if the truth were below a limit, and if it were not."""


@dataclass(frozen=True, eq=False)
class Mean(OfNumbers):
    """Whether the mean over networks is within limits."""

    common: float = 0.0
    """A standard error that all networks share (a resolution), which averaging does not reduce."""

    def _one_sided(self, known: Float64[np.ndarray, " known"], limit: float) -> tuple[float, float]:
        from scipy.special import stdtr

        if len(known) < 2:
            return 1.0, 1.0
        away = float(known.mean()) - limit
        error = float(np.hypot(known.std(ddof=1) / np.sqrt(len(known)), self.common))
        if error <= 1e-13 * abs(limit):  # all networks say the same but for rounding
            return (0.0, 1.0) if away >= -1e-12 * abs(limit) else (1.0, 0.0)
        below = float(stdtr(len(known) - 1, away / error))
        return float(stdtr(len(known) - 1, -away / error)), below

    def so(self, networks: Int64[np.ndarray, "samples networks"]) -> Bool[np.ndarray, " samples"]:
        """Whether their means are within the limits."""
        values = self.values[networks]
        there = ~np.isnan(values)
        counts = there.sum(axis=1)
        means = np.full(len(values), np.nan)
        np.divide(np.where(there, values, 0.0).sum(axis=1), counts, out=means, where=counts > 0)
        return self.criterion.holds(means)


@dataclass(frozen=True, eq=False)
class Median(OfNumbers):
    """Whether the median over networks is within limits; numbers may be infinite."""

    def _one_sided(self, known: Float64[np.ndarray, " known"], limit: float) -> tuple[float, float]:
        from scipy.special import bdtrc

        beyond = int((known < limit).sum())
        within = len(known) - beyond

        def chance(count: int) -> float:
            return 1.0 if count == 0 else float(bdtrc(count - 1, len(known), 0.5))

        return chance(within), chance(beyond)

    def so(self, networks: Int64[np.ndarray, "samples networks"]) -> Bool[np.ndarray, " samples"]:
        """Whether their medians are within the limits."""
        return self.criterion.holds(medians(self.values[networks]))


def medians(values: Float64[np.ndarray, "samples networks"]) -> Float64[np.ndarray, " samples"]:
    """The median of each row, of the numbers that there are; infinite ones are in order with the others."""
    counts = (~np.isnan(values)).sum(axis=1)
    ordered = np.sort(values, axis=1)  # NaN last
    rows = np.arange(len(values))
    low, high = (ordered[rows, np.maximum(at, 0)] for at in ((counts - 1) // 2, counts // 2))
    with np.errstate(invalid="ignore"):
        middle = np.where(low == high, low, (low + high) / 2)
    return np.where(counts > 0, middle, np.nan)


@dataclass(frozen=True, eq=False)
class OfShare(Question):
    """Whether a share of the networks have something."""

    having: Bool[np.ndarray, " networks"]
    share: Share

    @property
    def networks(self) -> int:
        """All of them."""
        return len(self.having)

    def chances(self) -> tuple[float, float]:
        """If the true share were below, and if it were not."""
        from scipy.special import bdtr, bdtrc

        count, networks = int(self.having.sum()), len(self.having)
        no = 1.0 if count == 0 else float(bdtrc(count - 1, networks, self.share.share))
        return no, float(bdtr(count, networks, self.share.share))

    def so(self, networks: Int64[np.ndarray, "samples networks"]) -> Bool[np.ndarray, " samples"]:
        """Whether enough of them have it."""
        return self.share.holds(self.having[networks].sum(axis=1), self.networks)


@dataclass(frozen=True, eq=False)
class LessThanChance(Question):
    """Whether the mean over networks is less than it is where chance decides, by random draws of all networks at once.

    What networks have in common they have in each draw, too: more of them make it no more certain.
    """

    values: Float64[np.ndarray, " networks"]
    """NaN of a network that has none, which does not count."""
    drawn: Float64[np.ndarray, "draws networks"]
    """What the networks have where chance decides."""

    @property
    def networks(self) -> int:
        """All that were asked."""
        return len(self.values)

    def chances(self) -> tuple[float, float]:
        """The share of the draws, and the numbers themselves, whose mean is as small, and as large (Phipson and Smyth
        2010).
        """
        there = ~np.isnan(self.values)
        if not there.any():
            return 1.0, 1.0
        found, means = self.values[there].mean(), self.drawn[:, there].mean(axis=1)
        smaller, larger = int((means <= found).sum()), int((means >= found).sum())
        return (1 + smaller) / (1 + len(means)), (1 + larger) / (1 + len(means))

    def so(self, networks: Int64[np.ndarray, "samples networks"]) -> Bool[np.ndarray, " samples"]:
        """Whether their mean is less than that of half of the draws."""
        there = ~np.isnan(self.values)
        counts = np.stack([(networks == k).sum(axis=1) for k in range(self.networks)], axis=1) * there
        sums = counts @ np.where(there, self.values, 0.0)
        drawn = counts @ np.where(there, self.drawn, 0.0).T
        return np.asarray((drawn > sums[:, None]).mean(axis=1) > 0.5)


def answers(questions: Sequence[Question]) -> list[bool | None]:
    """Of each question yes, no, or None: the networks leave it open."""
    both = [one.chances() for one in questions]
    yes, no = (_rejected([chances[side] for chances in both]) for side in (0, 1))
    return [True if so else False if not_so else None for so, not_so in zip(yes, no, strict=True)]


def _rejected(chances: Sequence[float]) -> list[bool]:
    """Which of several hypotheses are rejected, by Holm's procedure, with a chance of `ERROR` that one was true."""
    rejected = [False] * len(chances)
    for k, place in enumerate(np.argsort(chances, kind="stable").tolist()):
        if chances[place] > ERROR / (len(chances) - k):
            break
        rejected[place] = True
    return rejected


def resampled(networks: int, samples: int) -> Int64[np.ndarray, "samples networks"]:
    """Networks drawn with replacement (Efron 1979), the same of every claim about as many."""
    draws: Any = np.random.default_rng([networks, 0]).integers(0, networks, (samples, networks))
    return np.asarray(draws, np.int64)
