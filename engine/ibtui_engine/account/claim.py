"""What a claim of the paper is: one declaration of its wording, the data that it needs, its thresholds and its judge.

Each claim is a frozen dataclass. Its fields are its thresholds, and the sentence about them (`rule`) is made of them.
It puts questions to the networks (`ibtui_engine.account.questions`), and says what follows from their answers; where
these are open, so is the verdict (`ibtui_engine.account.case`). Differences are paired, network by network.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ibtui_engine.account.case import Case, Yes, decide
from ibtui_engine.account.criteria import AtLeast, AtMost, Share
from ibtui_engine.account.finding import (
    INAPPLICABLE,
    NOT,
    PARTLY,
    REPRODUCED,
    UNKNOWN,
    Finding,
    Number,
    of_median,
    of_spread,
    place_of,
)
from ibtui_engine.account.questions import Mean, Median, Question
from ibtui_engine.errors import either
from ibtui_engine.settings import SETTINGS

if TYPE_CHECKING:
    from jaxtyping import Float64

    from ibtui_engine.account.conditions import Condition
    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.ensemble import RecordedEnsemble


@dataclass(frozen=True)
class Claim(ABC):
    """What the paper says, and how it is judged. Subclasses declare one claim each."""

    key: ClassVar[str]
    section: ClassVar[str]
    """Of the paper; `–` for what it does not claim."""
    rests_on: ClassVar[tuple[str, ...]] = ()
    """Names of the experiments of `standard.experiments` that it is judged on; empty where those have none for it."""
    which: ClassVar[str] = ""
    """Which ensemble of those, in words, where they have several: always the last."""
    needs: ClassVar[tuple[Condition, ...]] = ()
    """What an ensemble must have to be judged."""
    spans: ClassVar[tuple[str, ...]] = ()
    """Settings that ensembles are compared by; empty where each is judged by itself."""
    paired: ClassVar[bool] = False
    """Whether they are compared network by network."""

    @property
    @abstractmethod
    def text(self) -> str:
        """What the paper says."""

    @property
    @abstractmethod
    def measured(self) -> str:
        """What is measured."""

    @property
    @abstractmethod
    def rule(self) -> str:
        """When it counts as reproduced, and when as partly, made of the thresholds; empty where there is no claim of
        the paper's to judge.
        """

    @abstractmethod
    def case(self, given: Sequence[Evidence]) -> Case:
        """What is measured and asked of one ensemble, or of those that it compares where it `spans` settings."""

    def place(self, one: Evidence) -> float:
        """By what ensembles that are compared are sorted; as they are given where it is the same for all."""
        return 0.0

    def lacking(self, given: Sequence[Evidence]) -> str:
        """Why ensembles that are alike but for what the claim spans cannot be compared; empty where they can."""
        several = {tuple(one.setting(name) for name in self.spans) for one in given}
        if self.spans and len(several) < 2:
            spanned = either(SETTINGS[name].label.lower() for name in self.spans)
            return f"needs ensembles that differ only in {spanned}"
        return ""

    def found(self, given: Sequence[Evidence], where: str = "") -> Finding:
        """The finding on ensembles that have what is needed. `where` they are from, in words."""
        case = self.case(given)
        decision = decide(case)
        finding = self._finding(decision.verdict, tuple(case.numbers), decision.reason, given, where)
        return replace(finding, networks=case.networks, resampled=decision.resampled)

    def unknown(self, missing: Sequence[str], where: str = "") -> Finding:
        """The finding where sessions are missing."""
        return self._finding(UNKNOWN, (), f"there is no finished session of {', '.join(missing)}", (), where)

    def inapplicable(self, why: str, given: Sequence[Evidence]) -> Finding:
        """The finding on ensembles that lack what is needed."""
        return self._finding(INAPPLICABLE, (), why, given, "")

    def _finding(
        self, verdict: str, numbers: tuple[Number, ...], reason: str, given: Sequence[Evidence], where: str
    ) -> Finding:
        measured = self.measured + (f" ({where})" if where else "")
        places = tuple(place_of(one.of) for one in given)
        return Finding(self.key, self.section, self.text, measured, self.rule, verdict, numbers, reason, places)

    @property
    def standard_place(self) -> str:
        """Where the standard account looks, in words."""
        return ", ".join((*self.rests_on, self.which)) if self.which else ", ".join(self.rests_on)


def only(given: Sequence[Evidence]) -> Evidence:
    """The ensemble that is judged by itself."""
    [one] = given
    return one


def hidden_losses(of: RecordedEnsemble, words: str = "{} loses") -> list[Number]:
    """Bits that each hidden layer loses of I(X;T), as numbers of that name."""
    rows = of.phases.layers[:-1]
    return [of_spread(words.format(of.layer_names[k]), row.compression, "bits") for k, row in enumerate(rows)]


def losses(of: RecordedEnsemble) -> Float64[np.ndarray, "networks hidden"]:
    """Bits that each network's hidden layers lose of I(X;T), from the peak to the last snapshot."""
    return of.phases.turning.compression[:, :-1]


def do_lose(of: RecordedEnsemble, loss: AtLeast) -> list[Mean]:
    """Of each hidden layer, whether it loses so much of I(X;T)."""
    columns = losses(of).T
    return [Mean(f"{of.layer_names[k]} loses {loss}", column, loss) for k, column in enumerate(columns)]


def censored(epochs: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Epochs at which something happens, with infinity where it had not happened when training ended."""
    return np.where(np.isnan(epochs), np.inf, epochs)


def named(of: RecordedEnsemble, questions: Sequence[Question | None], yes: Yes, answer: bool) -> str:
    """The names of the layers, in order, whose question has this answer."""
    those = (k for k, one in enumerate(questions) if one is not None and yes(one) is answer)
    return listed(of, tuple(those))


def listed(of: RecordedEnsemble, layers: Sequence[int]) -> str:
    """The names of some layers."""
    return ", ".join(of.layer_names[k] for k in layers)


EARLIER = AtMost(-1e-12)
"""Of the logarithm of a ratio of epochs: both at the same one do not count."""


def log_ratio(
    one: Float64[np.ndarray, " networks"], other: Float64[np.ndarray, " networks"]
) -> Float64[np.ndarray, " networks"]:
    """Logarithms of ratios, network by network; 0 of two that are infinite: neither had come when training ended."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log(one) - np.log(other)
    return np.where(np.isinf(one) & np.isinf(other), 0.0, ratio)


def in_every(
    of: RecordedEnsemble,
    numbers: Sequence[Number],
    questions: Sequence[Question | None],
    why: Callable[[str], str],
    nowhere: str = "",
) -> Case:
    """Whether something is so in all layers; partly where it is in some.

    Args:
        of: the ensemble.
        numbers: of the finding.
        questions: of its layers, in order; None for one that does not count.
        why: says it of the layers in which it is not so.
        nowhere: why it is not so where no layer counts.
    """
    asked = [one for one in questions if one is not None]

    def weigh(yes: Yes) -> tuple[str, str]:
        if not asked:
            return NOT, nowhere
        rest = named(of, questions, yes, False)
        if not rest:
            return REPRODUCED, ""
        return PARTLY if any(map(yes, asked)) else NOT, why(rest)

    return Case(numbers, asked, weigh)


def all_hold(
    numbers: Sequence[Number], asked: Sequence[Question], denied: Callable[[str], str], nowhere: str = ""
) -> Case:
    """Whether all of some statements hold; partly where some do.

    Args:
        numbers: of the finding.
        asked: the questions whose statements they are.
        denied: what is said where one does not hold.
        nowhere: why it is not so where there is nothing to ask.
    """

    def weigh(yes: Yes) -> tuple[str, str]:
        if not asked:
            return NOT, nowhere
        against = [denied(one.said) for one in asked if not yes(one)]
        if not against:
            return REPRODUCED, ""
        return PARTLY if len(against) < len(asked) else NOT, "; ".join(against)

    return Case(numbers, asked, weigh)


def but(*against: str) -> tuple[str, str]:
    """The verdict on two things together, of which each is not so for a reason; empty where it is so."""
    why = [one for one in against if one]
    return (REPRODUCED, PARTLY, NOT)[len(why)], "; ".join(why)


def in_order(
    of: RecordedEnsemble,
    epochs: Float64[np.ndarray, "networks layers"],
    enough: Share,
    pairs: float,
    *,
    upward: bool,
    verb: str,
) -> Case:
    """Whether layers do something one after the other, pair by pair.

    Args:
        of: the ensemble.
        epochs: when each layer of each network does it; NaN where it had not when training ended.
        enough: networks that must do it in a layer for it to count.
        pairs: share of the pairs of which more must be in that order for `partly`.
        upward: from the input to the output, or the other way.
        verb: what they do.
    """
    names, when = of.layer_names, censored(epochs)
    layers = [k for k in range(when.shape[1]) if enough.holds(int(np.isfinite(when[:, k]).sum()), len(when))]
    asked = []
    for lower, upper in itertools.combinations(layers, 2):
        first, second = (lower, upper) if upward else (upper, lower)
        ratio = log_ratio(when[:, first], when[:, second])
        asked.append(Median(f"{names[first]} is before {names[second]}", ratio, EARLIER))

    def weigh(yes: Yes) -> tuple[str, str]:
        if not asked:
            return NOT, f"fewer than two layers {verb} in {enough}"
        against = [one.said.replace(" is before ", " not before ") for one in asked if not yes(one)]
        if not against:
            return REPRODUCED, ""
        return PARTLY if len(asked) - len(against) > pairs * len(asked) else NOT, "; ".join(against)

    return Case([of_median(names[k], when[:, k], "epoch") for k in layers], asked, weigh)
